//! The steps of a transaction, in SQL.

use domain::{
    Account, AccountNumber, Acknowledged, CallbackCounts, Contradiction, Correction, Date, Decided, Decision, Entry,
    EntryFilter, Event, ExcludedWriteOff, Exclusion, Finding, HourlyTotal, ListedWriteOff, MismatchReason, Money, NewDecision,
    NewEntry, NewOrder, OpenOrders, Order, OrderId, PageStart, ProviderName, Refusals, Resolution, ReviewFilter,
    StoredCallback, TransactionId, UndatedWriteOff, UnmatchedEvent, UnrecognizedCallback, WriteOff,
};
use ledger::Error;
use ledger::storage::{Accounts, Callbacks, Decisions, Documents, Entries, Orders, Upkeep, WriteOffs};
use rusqlite::params;

use crate::query::SqlTransaction;
use crate::rows::{
    ACCOUNT, ENTRIES, ENTRY, ORDER, account, entry, money, number, number_of, order, signed, some_pairs_text, unsigned,
};
use crate::{accounting, callbacks, check, decisions, pending, statistics};

/// How much a probe writes: more pages than the nine of a callback, so that it does not fit where a callback does not fit.
const PROBE_BYTES: u32 = 16 << 10;

impl Accounts for SqlTransaction<'_> {
    fn put_account(&mut self, account: &Account) -> Result<(), Error> {
        let Account { number, name, kind, contract, contract_date, inn, kpp, foreign_tax_number } = account;
        let sql = format!(
            "INSERT INTO accounts ({ACCOUNT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (number) DO UPDATE SET name = excluded.name, kind = excluded.kind, contract = excluded.contract,
            contract_date = excluded.contract_date, inn = excluded.inn, kpp = excluded.kpp,
            foreign_tax_number = excluded.foreign_tax_number"
        );
        let date = contract_date.map(number_of);
        self.execute(&sql, params![number.as_str(), name, kind.name(), contract, date, inn, kpp, foreign_tax_number]).map(drop)
    }

    fn account(&mut self, number: &AccountNumber) -> Result<Option<Account>, Error> {
        self.one(&format!("SELECT {ACCOUNT} FROM accounts WHERE number = ?"), [number.as_str()], account)
    }

    fn balances(&mut self, account: &AccountNumber) -> Result<Vec<Money>, Error> {
        let sql = "SELECT minor_units, currency FROM balances WHERE account = ? ORDER BY currency";
        self.many(sql, [account.as_str()], |row| money(row.get(0)?, row.get(1)?))
    }

    fn add_to_balance(&mut self, account: &AccountNumber, amount: Money) -> Result<(), Error> {
        let sql = "INSERT INTO balances (account, currency, minor_units) VALUES (?, ?, ?)
            ON CONFLICT (account, currency) DO UPDATE SET minor_units = minor_units + excluded.minor_units";
        self.execute(sql, params![account.as_str(), amount.currency.as_str(), amount.minor_units]).map(drop)
    }

    fn namesake(&mut self, account: &Account) -> Result<Option<Account>, Error> {
        accounting::namesake(self, account)
    }

    fn rename_buyer(&mut self, account: &Account) -> Result<(), Error> {
        accounting::rename_buyer(self, account)
    }
}

impl Orders for SqlTransaction<'_> {
    fn insert_order(&mut self, order: &NewOrder, at: u64) -> Result<OrderId, Error> {
        let NewOrder { account, provider, amount, description, idempotency_key, expires_at } = order;
        // The milliseconds of its creation, or the next free even number. If a ledger was lost and begun again, an order of the
        // lost one does not have the number of a new one. Movements have odd numbers: an order's number never names a payment.
        let sql =
            "INSERT INTO orders (number, account, provider, minor_units, currency, description, idempotency_key, expires_at,
            created_at) VALUES ((max(?1, (SELECT ifnull(max(number), 0) + 1 FROM orders)) + 1) / 2 * 2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let milliseconds = signed(at.saturating_mul(1000));
        self.execute(
            sql,
            params![
                milliseconds,
                account.as_str(),
                provider.as_str(),
                amount.minor_units,
                amount.currency.as_str(),
                description,
                idempotency_key,
                expires_at.map(signed),
                signed(at)
            ],
        )?;
        Ok(OrderId::stored(self.last_id()?.to_string()))
    }

    fn order(&mut self, id: &OrderId) -> Result<Option<Order>, Error> {
        let Some(number) = number(id) else { return Ok(None) };
        self.one(&format!("SELECT {ORDER} FROM orders WHERE number = ?"), [number], order)
    }

    fn order_of_key(&mut self, key: &str) -> Result<Option<Order>, Error> {
        self.one(&format!("SELECT {ORDER} FROM orders WHERE idempotency_key = ?"), [key], order)
    }

    fn open_orders(&mut self, provider: &ProviderName, since: u64) -> Result<OpenOrders, Error> {
        let sql = "SELECT count(*), ifnull(sum(created_at >= ?2), 0) FROM orders WHERE provider = ?1 AND paid_by IS NULL";
        let found = self.one(sql, params![provider.as_str(), signed(since)], |row| {
            Ok(OpenOrders { all: unsigned(row.get(0)?)?, recent: unsigned(row.get(1)?)? })
        })?;
        Ok(found.unwrap_or_default())
    }

    fn providers_of_open_orders(&mut self) -> Result<Vec<ProviderName>, Error> {
        let sql = "SELECT DISTINCT provider FROM orders WHERE paid_by IS NULL ORDER BY provider";
        self.many(sql, [], |row| Ok(row.get::<_, String>(0).map(ProviderName::stored)?))
    }

    fn unpaid_orders(&mut self, account: &AccountNumber, since: u64, limit: u32) -> Result<Vec<Order>, Error> {
        // An order's number is the milliseconds of its creation or more, so that older orders are not read.
        let sql = format!(
            "SELECT {ORDER} FROM orders
            WHERE number >= ?1 AND account = ?2 AND created_at >= ?3 AND paid_by IS NULL ORDER BY number DESC LIMIT ?4"
        );
        self.many(&sql, params![signed(since.saturating_mul(1000)), account.as_str(), signed(since), limit], order)
    }

    fn mark_paid(&mut self, order: &OrderId, seq: u64) -> Result<(), Error> {
        let sql = "UPDATE orders SET paid_by = ? WHERE number = ? AND paid_by IS NULL";
        match self.execute(sql, params![signed(seq), number(order)])? {
            1 => Ok(()),
            changed => Err(Error::Damaged(format!("{changed} orders {order} could be paid"))),
        }
    }
}

impl Entries for SqlTransaction<'_> {
    fn insert_entry(&mut self, entry: &NewEntry) -> Result<u64, Error> {
        let NewEntry { account, kind, amount, comment, order, transaction, provider, at, date, decision, reverses, extra } =
            entry;
        let currency = amount.currency.as_str();
        let sql =
            "INSERT INTO entries (account, kind, minor_units, currency, comment, order_number, transaction_id, provider, at,
            date, decision, reverses, extra) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        self.execute(
            sql,
            params![
                account.as_str(),
                kind.name(),
                amount.minor_units,
                currency,
                comment,
                order.as_deref().and_then(number),
                transaction.as_deref(),
                provider.as_deref(),
                signed(*at),
                date.map(number_of),
                decision.as_ref().map(|decision| signed(decision.id)),
                reverses.map(signed),
                some_pairs_text(extra)
            ],
        )?;
        self.last_id()
    }

    fn add_to_hour(&mut self, total: &HourlyTotal) -> Result<(), Error> {
        statistics::add(self, total)
    }

    fn last_seq(&mut self) -> Result<u64, Error> {
        let last = self.one("SELECT ifnull(max(seq), 0) FROM entries", [], |row| unsigned(row.get(0)?))?;
        Ok(last.unwrap_or_default())
    }

    fn entries(&mut self, account: Option<&AccountNumber>, after: u64, limit: u32) -> Result<Vec<Entry>, Error> {
        let after = signed(after);
        match account {
            Some(account) => {
                let sql = format!("SELECT {ENTRY} FROM {ENTRIES} WHERE account = ? AND seq > ? ORDER BY seq LIMIT ?");
                self.many(&sql, params![account.as_str(), after, limit], entry)
            }
            None => {
                let sql = format!("SELECT {ENTRY} FROM {ENTRIES} WHERE seq > ? ORDER BY seq LIMIT ?");
                self.many(&sql, params![after, limit], entry)
            }
        }
    }

    fn page(&mut self, filter: &EntryFilter, from: PageStart, limit: u32) -> Result<Vec<Entry>, Error> {
        statistics::page(self, filter, from, limit)
    }

    fn hours(&mut self, filter: &EntryFilter) -> Result<Vec<HourlyTotal>, Error> {
        statistics::hours(self, filter)
    }

    fn entries_of_transaction(&mut self, provider: &ProviderName, transaction: &TransactionId) -> Result<Vec<Entry>, Error> {
        let sql = format!("SELECT {ENTRY} FROM {ENTRIES} WHERE provider = ? AND transaction_id = ? ORDER BY seq");
        self.many(&sql, [provider.as_str(), transaction.as_str()], entry)
    }

    fn entries_of_order(&mut self, order: &OrderId) -> Result<Vec<Entry>, Error> {
        self.many(&format!("SELECT {ENTRY} FROM {ENTRIES} WHERE order_number = ? ORDER BY seq"), [number(order)], entry)
    }

    fn insert_correction(&mut self, correction: &Correction, seq: u64) -> Result<(), Error> {
        let sql = "INSERT INTO corrections (key, entry, operator) VALUES (?, ?, ?)";
        self.execute(sql, params![correction.key, signed(seq), correction.operator]).map(drop)
    }

    fn correction(&mut self, key: &str) -> Result<Option<(Correction, u64)>, Error> {
        let sql = "SELECT key, operator, seq, account, minor_units, currency, comment FROM corrections
            JOIN entries ON seq = entry WHERE key = ?";
        self.one(sql, [key], |row| {
            let correction = Correction {
                key: row.get(0)?,
                operator: row.get(1)?,
                account: row.get::<_, String>(3).map(AccountNumber::stored)?,
                amount: money(row.get(4)?, row.get(5)?)?,
                comment: row.get(6)?,
            };
            Ok((correction, unsigned(row.get(2)?)?))
        })
    }
}

impl Callbacks for SqlTransaction<'_> {
    fn insert_callback(&mut self, callback: &StoredCallback) -> Result<u64, Error> {
        callbacks::insert(self, callback)
    }

    fn last_callbacks(&mut self, provider: &ProviderName, limit: u32) -> Result<Vec<StoredCallback>, Error> {
        callbacks::last(self, provider, limit)
    }

    fn callback_counts(&mut self, provider: &ProviderName, since: u64) -> Result<CallbackCounts, Error> {
        callbacks::counts(self, provider, since)
    }

    fn contradictions(&mut self, which: ReviewFilter, limit: u32) -> Result<Vec<Contradiction>, Error> {
        pending::contradictions(self, which, limit)
    }

    fn contradiction_count(&mut self) -> Result<u64, Error> {
        pending::count(self, "SELECT count(*) FROM contradictions WHERE seen_by IS NULL")
    }

    fn acknowledge_contradiction(&mut self, id: u64, by: Option<&Acknowledged>) -> Result<bool, Error> {
        pending::acknowledge(self, "contradictions", id, by)
    }

    fn count_unrecognized(&mut self, digest: &[u8], at: u64) -> Result<bool, Error> {
        pending::count_unrecognized(self, digest, at)
    }

    fn insert_unrecognized(&mut self, callback: u64, code: &str, message: &str, digest: &[u8]) -> Result<(), Error> {
        pending::insert_unrecognized(self, callback, code, message, digest)
    }

    fn unrecognized(&mut self, which: ReviewFilter, limit: u32) -> Result<Vec<UnrecognizedCallback>, Error> {
        pending::unrecognized(self, which, limit)
    }

    fn unrecognized_count(&mut self, of: Option<(&ProviderName, &str)>) -> Result<u64, Error> {
        pending::unrecognized_count(self, of)
    }

    fn acknowledge_repeated(&mut self, digest: &[u8], by: &Acknowledged) -> Result<(), Error> {
        pending::acknowledge_repeated(self, digest, by)
    }

    fn acknowledge_unrecognized(&mut self, id: u64, by: Option<&Acknowledged>) -> Result<bool, Error> {
        pending::acknowledge(self, "unrecognized", id, by)
    }

    fn count_refusals(&mut self, refusals: &Refusals) -> Result<(), Error> {
        let Refusals { provider, code, hour, count } = refusals;
        let sql = "INSERT INTO refusals (provider, hour, code, count) VALUES (?, ?, ?, ?)
            ON CONFLICT (provider, hour, code) DO UPDATE SET count = count + excluded.count";
        self.execute(sql, params![provider, signed(*hour), code, signed(*count)]).map(drop)
    }

    fn refusals(&mut self, since: u64) -> Result<Vec<Refusals>, Error> {
        let sql = "SELECT provider, code, hour, count FROM refusals WHERE hour >= ? ORDER BY provider, hour, code";
        self.many(sql, [signed(since)], |row| {
            Ok(Refusals {
                provider: row.get(0)?,
                code: row.get(1)?,
                hour: unsigned(row.get(2)?)?,
                count: unsigned(row.get(3)?)?,
            })
        })
    }
}

impl Decisions for SqlTransaction<'_> {
    fn insert_unmatched(&mut self, event: &Event, reason: MismatchReason, at: u64) -> Result<u64, Error> {
        pending::insert_unmatched(self, event, reason, at)
    }

    fn unmatched(&mut self, id: u64) -> Result<Option<UnmatchedEvent>, Error> {
        pending::unmatched(self, id)
    }

    fn unmatched_events(&mut self, after: u64, limit: u32) -> Result<Vec<UnmatchedEvent>, Error> {
        pending::waiting(self, after, limit)
    }

    fn unmatched_count(&mut self) -> Result<u64, Error> {
        pending::count(self, "SELECT count(*) FROM unmatched WHERE resolved_by IS NULL")
    }

    fn unmatched_of_order(&mut self, order: &OrderId) -> Result<Vec<UnmatchedEvent>, Error> {
        pending::unmatched_of_order(self, order)
    }

    fn resolve(&mut self, id: u64, resolution: &Resolution) -> Result<(), Error> {
        pending::resolve(self, id, resolution)
    }

    fn reopen(&mut self, id: u64) -> Result<(), Error> {
        pending::reopen(self, id)
    }

    fn insert_decision(&mut self, decision: &NewDecision) -> Result<u64, Error> {
        decisions::insert(self, decision)
    }

    fn decision(&mut self, id: u64) -> Result<Option<Decision>, Error> {
        decisions::decision(self, id)
    }

    fn decided(&mut self, id: u64) -> Result<Option<Decided>, Error> {
        decisions::decided(self, id)
    }

    fn decisions(&mut self, before: Option<u64>, limit: u32) -> Result<Vec<Decided>, Error> {
        decisions::list(self, before, limit)
    }
}

impl WriteOffs for SqlTransaction<'_> {
    fn insert_writeoff(&mut self, writeoff: &WriteOff, seq: u64) -> Result<(), Error> {
        accounting::insert_writeoff(self, writeoff, seq)
    }

    fn writeoff(&mut self, id: &str) -> Result<Option<Result<WriteOff, UndatedWriteOff>>, Error> {
        accounting::writeoff(self, id)
    }

    fn unit_of_service(&mut self, writeoff: &WriteOff) -> Result<Option<(String, String)>, Error> {
        accounting::unit_of_service(self, writeoff)
    }

    fn writeoffs(
        &mut self,
        from: Date,
        to: Date,
        after: Option<(&AccountNumber, &str)>,
        limit: u32,
    ) -> Result<Vec<ListedWriteOff>, Error> {
        accounting::writeoffs(self, (from, to), after, limit)
    }

    fn writeoffs_of_no_day(&mut self, after: &str, limit: u32) -> Result<Vec<(UndatedWriteOff, Option<Exclusion>)>, Error> {
        accounting::writeoffs_of_no_day(self, after, limit)
    }

    fn insert_exclusion(&mut self, exclusion: &Exclusion) -> Result<u64, Error> {
        accounting::insert_exclusion(self, exclusion)?;
        self.last_id()
    }

    fn exclusion(&mut self, writeoff: &str) -> Result<Option<Exclusion>, Error> {
        accounting::exclusion(self, writeoff)
    }

    fn undo_exclusion(&mut self, id: u64, operator: &str, at: u64) -> Result<(), Error> {
        accounting::undo_exclusion(self, id, operator, at)
    }

    fn exclusions(&mut self, before: Option<u64>, limit: u32) -> Result<Vec<ExcludedWriteOff>, Error> {
        accounting::exclusions(self, before, limit)
    }
}

impl Documents for SqlTransaction<'_> {
    fn document(&mut self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        self.one("SELECT document FROM documents WHERE name = ?", [name], |row| Ok(row.get(0)?))
    }

    fn put_document(&mut self, name: &str, document: &[u8]) -> Result<(), Error> {
        let sql = "INSERT INTO documents (name, document) VALUES (?, ?)
            ON CONFLICT (name) DO UPDATE SET document = excluded.document";
        self.execute(sql, params![name, document]).map(drop)
    }

    fn document_names(&mut self, prefix: &str) -> Result<Vec<String>, Error> {
        let sql = "SELECT name FROM documents WHERE substr(name, 1, length(?1)) = ?1 AND length(document) > 0 ORDER BY name";
        self.many(sql, [prefix], |row| Ok(row.get(0)?))
    }
}

impl Upkeep for SqlTransaction<'_> {
    fn probe(&mut self) -> Result<(), Error> {
        // SQLite does not write content that is equal to the old one, so the content is random.
        self.execute("UPDATE write_probe SET content = randomblob(?)", [PROBE_BYTES]).map(drop)
    }

    fn findings(&mut self, since: Option<u64>) -> Result<Vec<Finding>, Error> {
        check::findings(self, since)
    }
}
