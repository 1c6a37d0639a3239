//! Reads and writes the tables' columns. Identifiers are read as they were stored: an older program may have had another rule.

use money::Currency;
use rusqlite::Row;
use serde_json::Value;

use crate::failure::refused;
use domain::{
    Account, AccountNumber, Date, DecidedBy, Entry, EntryKind, Exclusion, Money, MovementId, MovementOrigin, Order, OrderId,
    PartyKind, ProviderName, StoredCallback, TransactionId, UndatedWriteOff, WriteOff,
};
use ledger::Error;

pub const ACCOUNT: &str = "number, name, kind, contract, contract_date, inn, kpp, foreign_tax_number";
/// How many columns an account has.
pub const ACCOUNT_COLUMNS: usize = 8;
pub const ORDER: &str =
    "number, account, provider, minor_units, currency, description, idempotency_key, expires_at, created_at, paid_by";
/// Selects a column, or a part of one, of the movement that an entry enters, by a rule or by an operator's decision. A decision names
/// its event for ever, also after it was undone, and the event was entered by another entry.
macro_rules! of_movement {
    ($column:literal) => {
        concat!(
            "coalesce((SELECT movements.",
            $column,
            " FROM movements WHERE movements.entry = seq), (SELECT movements.",
            $column,
            " FROM movements WHERE movements.unmatched = decisions.unmatched AND decisions.decided = 'entry'))"
        )
    };
}
pub const ENTRY: &str = concat!(
    "seq, account, kind, minor_units, currency, comment, order_number, transaction_id, provider, at, date, ",
    "decision, operator, reason, reverses, extra, CASE kind WHEN 'write-off' THEN (SELECT id FROM writeoffs WHERE entry = seq) END, ",
    of_movement!("id"),
    ", ",
    of_movement!("origin"),
    ", ",
    of_movement!("facts ->> 'occurred-at'")
);
/// The tables of an entry's columns. They have no column of the same name.
pub const ENTRIES: &str = "entries LEFT JOIN decisions ON decisions.id = decision";
/// How many columns a callback has.
pub const CALLBACK_COLUMNS: usize = 10;
pub const WRITEOFF: &str = "id, account, service_code, service, unit, period, date, quantity_thousandths, minor_units, currency, \
    vat_basis_points, note";
/// How many columns a write-off has.
pub const WRITEOFF_COLUMNS: usize = 12;

pub const EXCLUSION: &str = "exclusions.id, exclusions.writeoff, exclusions.operator, exclusions.reason, exclusions.at";

/// Why a row cannot be read.
pub enum RowError {
    Sql(rusqlite::Error),
    Damaged(String),
}

impl RowError {
    /// Converts the error for the ledger's caller.
    pub fn error(self) -> Error {
        match self {
            RowError::Sql(error) => refused(error),
            RowError::Damaged(what) => Error::Damaged(what),
        }
    }
}

impl From<rusqlite::Error> for RowError {
    fn from(error: rusqlite::Error) -> RowError {
        RowError::Sql(error)
    }
}

/// Returns a text of a row without copying it.
pub fn text<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r str, RowError> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}

pub fn unsigned(number: i64) -> Result<u64, RowError> {
    u64::try_from(number).map_err(|_| RowError::Damaged(format!("{number} where a number from 0 on should be")))
}

/// Times in seconds and sequence numbers are far below 63 bits.
pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub fn named<T>(name: String, from_name: fn(&str) -> Option<T>) -> Result<T, RowError> {
    from_name(&name).ok_or(RowError::Damaged(format!("{name} is no name that is known")))
}

pub fn money(minor_units: i64, currency: String) -> Result<Money, RowError> {
    let currency = Currency::parse(&currency).ok_or(RowError::Damaged(format!("{currency} is no currency")))?;
    Ok(Money { minor_units, currency })
}

pub fn account(row: &Row<'_>) -> Result<Account, RowError> {
    Ok(Account {
        number: row.get::<_, String>(0).map(AccountNumber::stored)?,
        name: row.get(1)?,
        kind: named(row.get(2)?, PartyKind::from_name)?,
        contract: row.get(3)?,
        contract_date: row.get::<_, Option<i64>>(4)?.map(day).transpose()?,
        inn: row.get(5)?,
        kpp: row.get(6)?,
        foreign_tax_number: row.get(7)?,
    })
}

pub fn order(row: &Row<'_>) -> Result<Order, RowError> {
    let number: i64 = row.get(0)?;
    Ok(Order {
        id: OrderId::stored(number.to_string()),
        account: row.get::<_, String>(1).map(AccountNumber::stored)?,
        provider: row.get::<_, String>(2).map(ProviderName::stored)?,
        amount: money(row.get(3)?, row.get(4)?)?,
        description: row.get(5)?,
        idempotency_key: row.get(6)?,
        expires_at: row.get::<_, Option<i64>>(7)?.map(unsigned).transpose()?,
        created_at: unsigned(row.get(8)?)?,
        paid_by: row.get::<_, Option<i64>>(9)?.map(unsigned).transpose()?,
    })
}

pub fn entry(row: &Row<'_>) -> Result<Entry, RowError> {
    Ok(Entry {
        seq: unsigned(row.get(0)?)?,
        account: row.get::<_, String>(1).map(AccountNumber::stored)?,
        kind: named(row.get(2)?, EntryKind::from_name)?,
        amount: money(row.get(3)?, row.get(4)?)?,
        comment: row.get(5)?,
        order: row.get::<_, Option<i64>>(6)?.map(|number| OrderId::stored(number.to_string())),
        transaction: row.get::<_, Option<String>>(7)?.map(TransactionId::stored),
        provider: row.get::<_, Option<String>>(8)?.map(ProviderName::stored),
        at: unsigned(row.get(9)?)?,
        date: row.get::<_, Option<i64>>(10)?.map(day).transpose()?,
        decision: decided_by(row, 11)?,
        reverses: row.get::<_, Option<i64>>(14)?.map(unsigned).transpose()?,
        extra: row.get::<_, Option<String>>(15)?.map_or(Ok(Vec::new()), pairs)?,
        writeoff: row.get(16)?,
        movement: row.get::<_, Option<i64>>(17)?.map(unsigned).transpose()?.map(MovementId),
        origin: row.get::<_, Option<String>>(18)?.map(|name| named(name, MovementOrigin::from_name)).transpose()?,
        occurred_at: row.get(19)?,
    })
}

/// Reads whose decision it was, beginning at a column; `None` if the columns are empty.
fn decided_by(row: &Row<'_>, from: usize) -> Result<Option<DecidedBy>, RowError> {
    let Some(id) = row.get::<_, Option<i64>>(from)? else { return Ok(None) };
    Ok(Some(DecidedBy { id: unsigned(id)?, operator: row.get(from + 1)?, reason: row.get(from + 2)? }))
}

/// Returns the columns of a callback in a table or an alias.
pub fn callback_columns(table: &str) -> String {
    ["provider", "received_at", "method", "path", "query", "headers", "body", "remote_address", "is_masked", "sealed_headers"]
        .map(|column| format!("{table}.{column}"))
        .join(", ")
}

/// Reads a callback, beginning at a column.
pub fn callback(row: &Row<'_>, from: usize) -> Result<StoredCallback, RowError> {
    Ok(StoredCallback {
        provider: row.get::<_, String>(from).map(ProviderName::stored)?,
        received_at: unsigned(row.get(from + 1)?)?,
        method: row.get(from + 2)?,
        path: row.get(from + 3)?,
        query: row.get(from + 4)?,
        headers: pairs(row.get(from + 5)?)?,
        body: row.get(from + 6)?,
        remote_address: row.get(from + 7)?,
        is_masked: row.get(from + 8)?,
        sealed_headers: row.get::<_, Option<Vec<u8>>>(from + 9)?.unwrap_or_default(),
    })
}

/// Formats names and values for a column.
pub fn pairs_text(pairs: &[(String, String)]) -> String {
    let pair = |(name, value): &(String, String)| Value::from(vec![name.as_str(), value.as_str()]);
    Value::from_iter(pairs.iter().map(pair)).to_string()
}

/// Formats names and values for a column; `None` if there are none.
pub fn some_pairs_text(pairs: &[(String, String)]) -> Option<String> {
    (!pairs.is_empty()).then(|| pairs_text(pairs))
}

pub fn pairs(text: String) -> Result<Vec<(String, String)>, RowError> {
    serde_json::from_str(&text).map_err(|error| RowError::Damaged(format!("names and values: {error}")))
}

pub fn number_of(day: Date) -> i64 {
    i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day())
}

/// Returns the range of column values for the days from one to another. An older program also stored days such as 2026-02-30. A
/// number above its month's last day is in the range if the range ends with that day, and one below the first if it begins with
/// the first.
pub fn numbers_of(from: Date, to: Date) -> (i64, i64) {
    let first = number_of(from) - i64::from(from.day() == 1);
    let last = if to.ends_month() { number_of(to) / 100 * 100 + 99 } else { number_of(to) };
    (first, last)
}

fn known_day(number: i64) -> Option<Date> {
    let [year, month, day] = [number / 10_000, number / 100 % 100, number % 100];
    Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?)
}

pub fn day(number: i64) -> Result<Date, RowError> {
    known_day(number).ok_or(RowError::Damaged(format!("{number} is no day")))
}

/// Formats the day in a column, whether it exists or not.
pub fn day_text(number: i64) -> String {
    format!("{:04}-{:02}-{:02}", number / 10_000, number / 100 % 100, number % 100)
}

/// Reads a write-off, beginning at a column, as undated if its days do not exist.
pub fn writeoff(row: &Row<'_>, from: usize) -> Result<Result<WriteOff, UndatedWriteOff>, RowError> {
    let (id, account): (String, String) = (row.get(from)?, row.get(from + 1)?);
    let account = AccountNumber::stored(account);
    let (period, date): (i64, i64) = (row.get(from + 5)?, row.get(from + 6)?);
    let amount = money(row.get(from + 8)?, row.get(from + 9)?)?;
    let (Some(period), Some(date)) = (known_day(period), known_day(date)) else {
        return Ok(Err(UndatedWriteOff { id, account, period: day_text(period), date: day_text(date), amount }));
    };
    Ok(Ok(WriteOff {
        id,
        account,
        service_code: row.get(from + 2)?,
        service: row.get(from + 3)?,
        unit: row.get(from + 4)?,
        period,
        date,
        quantity_thousandths: row.get(from + 7)?,
        amount,
        vat_basis_points: row.get(from + 10)?,
        note: row.get(from + 11)?,
    }))
}

/// Reads a decision about a write-off, beginning at a column; `None` if the columns are empty.
pub fn exclusion(row: &Row<'_>, from: usize) -> Result<Option<Exclusion>, RowError> {
    let Some(id) = row.get::<_, Option<i64>>(from)? else { return Ok(None) };
    Ok(Some(Exclusion {
        id: unsigned(id)?,
        writeoff: row.get(from + 1)?,
        operator: row.get(from + 2)?,
        reason: row.get(from + 3)?,
        at: unsigned(row.get(from + 4)?)?,
    }))
}

/// Returns an order's number if the id is one: digits without a leading zero.
pub fn number(id: &str) -> Option<i64> {
    id.parse::<i64>().ok().filter(|number| *number > 0 && number.to_string() == id)
}
