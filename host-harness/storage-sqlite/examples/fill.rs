//! Fills a new ledger with payments as callbacks would, but far faster, to measure how long checks, statistics and copies of a
//! large ledger take.
//!
//! `cargo run --release -p storage-sqlite --example fill -- DIR/ledger.db 3000000 200000` creates 200,000 accounts and
//! 3,000,000 orders, each paid by a callback, over a year until 2026-11-01. Every hundredth payment is refunded, and every
//! account is charged once.

use std::error::Error;
use std::path::Path;

use domain::{
    Account, AccountNumber, Date, DedupKey, EntryKind, Event, EventKind, Facts, Money, MovementOrigin, NewEntry, NewOrder,
    PartyKind, ProviderName, StoredCallback, TransactionId, WriteOff,
};
use ledger::Ledger;
use ledger::storage::{NewMovement, Storage, Transaction};
use money::Currency;
use storage_sqlite::Sqlite;

/// How many payments or accounts share a commit.
const BATCH: u64 = 20_000;
/// 2025-11-01 00:00 UTC, and how long the payments last.
const BEGIN: u64 = 1_761_955_200;
const YEAR_SECONDS: u64 = 365 * 86_400;
const PROVIDERS: [&str; 2] = ["chronopay", "robokassa"];
const REFUND_EVERY: u64 = 100;
/// The length of a ChronoPay callback.
const BODY_BYTES: usize = 600;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, payments, accounts] = arguments.as_slice() else {
        return Err("fill takes a new database's path, how many payments, and how many accounts".into());
    };
    let (payments, accounts): (u64, u64) = (payments.parse()?, accounts.parse()?);
    if Path::new(path).exists() || accounts == 0 {
        return Err(format!("{path} is there already, or there is no account").into());
    }
    let storage = Sqlite::open(Path::new(path))?;
    batches(&storage, accounts, account)?;
    batches(&storage, payments, move |transaction, at| payment(transaction, at, payments, accounts))?;
    let ledger = Ledger::new(storage);
    let days = [Date::new(2026, 10, 1), Date::new(2026, 10, 31)];
    let [Some(period), Some(date)] = days else { return Err("October has days".into()) };
    for first in (0..accounts).step_by(BATCH as usize) {
        let writeoffs = (first..accounts.min(first + BATCH)).map(|account| writeoff(account, [period, date])).collect();
        ledger.add_writeoffs(writeoffs, BEGIN + YEAR_SECONDS)?.map_err(|refusal| format!("{refusal:?}"))?;
    }
    Ok(())
}

fn batches(
    storage: &dyn Storage,
    count: u64,
    one: impl Fn(&mut dyn Transaction, u64) -> Result<(), ledger::Error> + Clone + Send + 'static,
) -> Result<(), ledger::Error> {
    (0..count).step_by(BATCH as usize).try_for_each(|first| {
        let one = one.clone();
        storage.write(move |transaction| (first..count.min(first + BATCH)).try_for_each(|at| one(transaction, at)))
    })
}

fn number(account: u64) -> AccountNumber {
    AccountNumber::stored((100_000_000 + account).to_string())
}

fn account(transaction: &mut dyn Transaction, at: u64) -> Result<(), ledger::Error> {
    let contract = format!("Д-{at}");
    let [inn, kpp, foreign_tax_number] = [const { String::new() }; 3];
    let (name, kind) = (format!("Абонент {at}"), PartyKind::Individual);
    transaction.put_account(&Account {
        number: number(at),
        name,
        kind,
        contract,
        contract_date: None,
        inn,
        kpp,
        foreign_tax_number,
    })
}

/// Creates the order, the callback, the entry that pays the order, and the movement of the callback's event.
fn payment(transaction: &mut dyn Transaction, at: u64, payments: u64, accounts: u64) -> Result<(), ledger::Error> {
    let seconds = BEGIN + YEAR_SECONDS * at / payments;
    // In no particular order of accounts, as people pay.
    let account = number((at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) % accounts);
    let provider = ProviderName::stored(PROVIDERS.get(at as usize % PROVIDERS.len()).copied().unwrap_or_default());
    let amount = Money { minor_units: 10_000 + (at % 500) as i64 * 100, currency: Currency::RUB };
    let [description, comment] = ["Пополнение счёта", "Пополнение баланса через ЛК"].map(str::to_owned);
    let order = transaction.insert_order(
        &NewOrder {
            account: account.clone(),
            provider: provider.clone(),
            amount,
            description,
            idempotency_key: None,
            expires_at: None,
        },
        seconds,
    )?;
    let entry = NewEntry {
        account,
        kind: EntryKind::Payment,
        amount,
        comment,
        order: Some(order.clone()),
        transaction: Some(TransactionId::stored((500_000_000 + at).to_string())),
        provider: Some(provider.clone()),
        at: seconds,
        date: None,
        decision: None,
        reverses: None,
        extra: Vec::new(),
    };
    let seq = enter(transaction, &entry, format!("payment-{at}"))?;
    transaction.mark_paid(&order, seq)?;
    if at.is_multiple_of(REFUND_EVERY) {
        let amount = Money { minor_units: -amount.minor_units, ..amount };
        enter(transaction, &NewEntry { kind: EntryKind::Refund, amount, ..entry }, format!("refund-{at}"))?;
    }
    Ok(())
}

fn enter(transaction: &mut dyn Transaction, entry: &NewEntry, dedup_key: String) -> Result<u64, ledger::Error> {
    let missing = || ledger::Error::Damaged("an entry of no provider".to_owned());
    let provider = entry.provider.clone().ok_or_else(missing)?;
    let kind = if entry.kind == EntryKind::Refund { EventKind::Refund } else { EventKind::Payment };
    let amount = Money { minor_units: entry.amount.minor_units.abs(), ..entry.amount };
    let id = entry.transaction.clone().ok_or_else(missing)?;
    let facts = Facts { order: entry.order.clone(), ..Facts::new(kind, id, amount) };
    let callback = StoredCallback {
        provider: provider.clone(),
        received_at: entry.at,
        method: "POST".to_owned(),
        path: String::new(),
        query: String::new(),
        headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
        body: vec![b'a'; BODY_BYTES],
        remote_address: "203.0.113.7".to_owned(),
        sealed_headers: Vec::new(),
        is_masked: false,
    };
    let callback = transaction.insert_callback(&callback)?;
    let seq = ledger::enter(transaction, entry)?;
    let event = Event {
        provider,
        facts,
        comment: entry.comment.clone(),
        dedup_key: DedupKey::stored(dedup_key),
        fee: None,
        extra: Vec::new(),
    };
    transaction.insert_movement(&NewMovement {
        event: &event,
        origin: MovementOrigin::Callback,
        callback: Some(callback),
        entry: Some(seq),
        unmatched: None,
        parent: None,
        order: None,
        open_until: None,
        at: entry.at,
    })?;
    Ok(seq)
}

fn writeoff(account: u64, [period, date]: [Date; 2]) -> WriteOff {
    let [service_code, service, unit] = ["internet", "Интернет", "мес"].map(str::to_owned);
    WriteOff {
        id: format!("w-{account}"),
        account: number(account),
        service_code,
        service,
        unit,
        period,
        date,
        quantity_thousandths: 1_000,
        amount: Money { minor_units: 50_000, currency: Currency::RUB },
        vat_basis_points: Some(2_200),
        note: String::new(),
    }
}
