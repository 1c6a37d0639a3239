//! Checks that write-offs can be exported. The rule for a row is that of `writeoffs`, which exports use too.

use money::Currency;
use writeoffs::{Candidate, Rules};

use domain::{Account, AccountNumber, Date, Fault, Money, PartyKind, WriteOff};

/// The years that pages and statistics support.
const YEARS: std::ops::RangeInclusive<u16> = 1970..=9998;

/// Returns every fault that would prevent a write-off from being exported in its month.
pub fn faults(account: &Account, writeoff: &WriteOff) -> Vec<Fault> {
    let mut faults = faults_of(account, writeoff);
    let mut add = |holds: bool, code: &'static str, field: &str, message: String| {
        if !holds {
            faults.push(Fault { code, field: field.to_owned(), message });
        }
    };
    let WriteOff { period, date, amount, .. } = writeoff;
    let is_its_month = (period.year(), period.month()) == (date.year(), date.month());
    add(YEARS.contains(&date.year()), "out-of-range", "date", format!("{date} lies outside the years 1970 to 9998"));
    // An act is for the month of the period, and an export holds the write-offs that are dated within that month.
    add(is_its_month, "out-of-range", "period", {
        format!(
            "the period begins on {period}, and the charge is of {date}: an export of the date's month could not hold it without \
             changing an act of another month. Date it within the month that it is for; a month that is closed is corrected in 1C"
        )
    });
    add(amount.currency == Currency::RUB, "unsupported", "amount.currency", {
        format!("write-offs are in RUB, and not in {}: acts have no other currency", amount.currency)
    });
    faults
}

/// Returns every fault that would prevent any write-off of an account from being exported. The faults name fields of the
/// account.
pub fn faults_of_account(account: &Account) -> Vec<Fault> {
    let Some(day) = Date::new(2026, 1, 1) else { return Vec::new() };
    let text = || "1".to_owned();
    let any = WriteOff {
        id: text(),
        account: account.number.clone(),
        service_code: String::new(),
        service: text(),
        unit: String::new(),
        period: day,
        date: day,
        quantity_thousandths: 1000,
        amount: Money { minor_units: 1, currency: Currency::RUB },
        vat_basis_points: None,
        note: String::new(),
    };
    let own = |fault: Fault| {
        let field = fault.field.strip_prefix("subscriber.").map(str::to_owned);
        Fault { field: field.unwrap_or(fault.field), ..fault }
    };
    faults_of(account, &any).into_iter().map(own).collect()
}

/// Returns the account of a person whom documents name as billing does. A name that they could not have is replaced by the number.
pub fn individual(number: AccountNumber, name: &str) -> Account {
    let account = Account::new(number.clone(), name.trim(), PartyKind::Individual);
    let is_named = faults_of_account(&account).iter().all(|fault| fault.field != "name");
    if is_named { account } else { Account::new(number.clone(), String::from(number), PartyKind::Individual) }
}

/// Returns every fault that would prevent documents from naming a party by its kind, name, «ИНН» and «КПП». Each fault names
/// its field as the parameter is named.
pub fn faults_of_party(kind: PartyKind, name: &str, inn: &str, kpp: &str) -> Vec<Fault> {
    // The account number is a placeholder.
    let number = AccountNumber::stored("1");
    let [name, inn, kpp, contract] = [name, inn, kpp, "1"].map(str::to_owned);
    let foreign_tax_number = String::new();
    faults_of_account(&Account { number, name, kind, contract, contract_date: None, inn, kpp, foreign_tax_number })
}

fn faults_of(account: &Account, writeoff: &WriteOff) -> Vec<Fault> {
    let candidate = Candidate {
        id: &writeoff.id,
        account: &account.number,
        kind: kind(account.kind),
        name: &account.name,
        inn: &account.inn,
        kpp: &account.kpp,
        foreign_tax_number: &account.foreign_tax_number,
        contract: &account.contract,
        contract_date: account.contract_date.map(day),
        service_code: &writeoff.service_code,
        service: &writeoff.service,
        unit: &writeoff.unit,
        period: day(writeoff.period),
        date: day(writeoff.date),
        quantity_thousandths: writeoff.quantity_thousandths,
        minor_units: writeoff.amount.minor_units,
        currency: writeoff.amount.currency.as_str(),
        vat_basis_points: writeoff.vat_basis_points,
        note: &writeoff.note,
    };
    writeoffs::check_writeoff(&candidate, &Rules::default()).into_iter().map(fault).collect()
}

/// Converts a problem, with the field names of this crate.
fn fault(problem: writeoffs::Problem) -> Fault {
    let field = problem.field.strip_prefix("extra.").unwrap_or(problem.field).replace('-', "_");
    let code = match problem.code {
        writeoffs::Code::Missing => "missing",
        writeoffs::Code::Invalid => "invalid",
        writeoffs::Code::TooLong => "too-long",
        writeoffs::Code::OutOfRange => "out-of-range",
        writeoffs::Code::Unsupported => "unsupported",
    };
    // A file's rows have it in `extra`, but an account has a separate field for it.
    let message = problem.message.replace("extra foreign-tax-number", "foreign_tax_number");
    Fault { code, field, message }
}

fn kind(kind: PartyKind) -> writeoffs::PartyKind {
    match kind {
        PartyKind::Individual => writeoffs::PartyKind::Individual,
        PartyKind::SoleProprietor => writeoffs::PartyKind::SoleProprietor,
        PartyKind::Company => writeoffs::PartyKind::Company,
    }
}

fn day(day: Date) -> writeoffs::Day {
    writeoffs::Day { year: day.year(), month: day.month(), day: day.day() }
}
