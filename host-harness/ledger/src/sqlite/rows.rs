//! What the tables' columns hold.

use money::Currency;
use rusqlite::Row;
use serde_json::Value;

use super::failure::refused;
use crate::error::Error;
use crate::model::{
    Account, Day, Entry, EntryKind, Event, EventKind, Money, NewEntry, NewOrder, Order, PartyKind, RawCallback, Reason,
    Recurrence, Resolution, Unmatched, WriteOff,
};

pub const ACCOUNT: &str = "number, name, kind, contract, inn, kpp";
pub const ORDER: &str =
    "number, account, provider, minor_units, currency, description, idempotency_key, expires_at, created_at, paid_by";
pub const ENTRY: &str = "seq, account, kind, minor_units, currency, comment, order_number, transaction_id, provider, at";
pub const UNMATCHED: &str = "id, provider, kind, recurrence, transaction_id, order_id, minor_units, currency, comment, dedup_key, \
    reason, at, resolved_by, resolved_comment, resolved_at, entry";
pub const CALLBACK: &str = "provider, received_at, method, query, headers, body, remote_address";
pub const WRITEOFF: &str = "id, account, service_code, service, unit, period, date, quantity_thousandths, minor_units, currency, \
    vat_basis_points, note";

/// Why a row cannot be read.
pub enum Read {
    Sql(rusqlite::Error),
    Damaged(String),
}

impl Read {
    /// Why, for whoever asked the ledger.
    pub fn error(self) -> Error {
        match self {
            Read::Sql(error) => refused(error),
            Read::Damaged(what) => Error::Damaged(what),
        }
    }
}

impl From<rusqlite::Error> for Read {
    fn from(error: rusqlite::Error) -> Read {
        Read::Sql(error)
    }
}

pub fn unsigned(number: i64) -> Result<u64, Read> {
    u64::try_from(number).map_err(|_| Read::Damaged(format!("{number} where a number from 0 on should be")))
}

/// Seconds and places are far from the end of 63 bits.
pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub fn named<T>(name: String, of_name: fn(&str) -> Option<T>) -> Result<T, Read> {
    of_name(&name).ok_or(Read::Damaged(format!("{name} is no name that is known")))
}

pub fn money(minor_units: i64, currency: String) -> Result<Money, Read> {
    let currency = Currency::parse(&currency).ok_or(Read::Damaged(format!("{currency} is no currency")))?;
    Ok(Money { minor_units, currency })
}

pub fn account(row: &Row<'_>) -> Result<Account, Read> {
    Ok(Account {
        number: row.get(0)?,
        name: row.get(1)?,
        kind: named(row.get(2)?, PartyKind::of_name)?,
        contract: row.get(3)?,
        inn: row.get(4)?,
        kpp: row.get(5)?,
    })
}

pub fn order(row: &Row<'_>) -> Result<Order, Read> {
    let number: i64 = row.get(0)?;
    Ok(Order {
        id: number.to_string(),
        order: NewOrder {
            account: row.get(1)?,
            provider: row.get(2)?,
            amount: money(row.get(3)?, row.get(4)?)?,
            description: row.get(5)?,
            idempotency_key: row.get(6)?,
            expires_at: row.get::<_, Option<i64>>(7)?.map(unsigned).transpose()?,
        },
        created_at: unsigned(row.get(8)?)?,
        paid_by: row.get::<_, Option<i64>>(9)?.map(unsigned).transpose()?,
    })
}

pub fn entry(row: &Row<'_>) -> Result<Entry, Read> {
    Ok(Entry {
        seq: unsigned(row.get(0)?)?,
        entry: NewEntry {
            account: row.get(1)?,
            kind: named(row.get(2)?, EntryKind::of_name)?,
            amount: money(row.get(3)?, row.get(4)?)?,
            comment: row.get(5)?,
            order: row.get::<_, Option<i64>>(6)?.map(|number| number.to_string()),
            transaction: row.get(7)?,
            provider: row.get(8)?,
            at: unsigned(row.get(9)?)?,
        },
    })
}

pub fn unmatched(row: &Row<'_>) -> Result<Unmatched, Read> {
    let operator: Option<String> = row.get(12)?;
    let resolution = match operator {
        None => None,
        Some(operator) => Some(Resolution {
            operator,
            comment: row.get(13)?,
            at: unsigned(row.get(14)?)?,
            seq: row.get::<_, Option<i64>>(15)?.map(unsigned).transpose()?,
        }),
    };
    Ok(Unmatched {
        id: unsigned(row.get(0)?)?,
        event: Event {
            provider: row.get(1)?,
            kind: named(row.get(2)?, EventKind::of_name)?,
            recurrence: named(row.get(3)?, Recurrence::of_name)?,
            transaction: row.get(4)?,
            order: row.get(5)?,
            amount: money(row.get(6)?, row.get(7)?)?,
            comment: row.get(8)?,
            dedup_key: row.get(9)?,
        },
        reason: named(row.get(10)?, Reason::of_name)?,
        at: unsigned(row.get(11)?)?,
        resolution,
    })
}

/// A callback, from a column on.
pub fn callback(row: &Row<'_>, from: usize) -> Result<RawCallback, Read> {
    Ok(RawCallback {
        provider: row.get(from)?,
        received_at: unsigned(row.get(from + 1)?)?,
        method: row.get(from + 2)?,
        query: row.get(from + 3)?,
        headers: pairs(row.get(from + 4)?)?,
        body: row.get(from + 5)?,
        remote_address: row.get(from + 6)?,
    })
}

/// Names and values as a column has them.
pub fn pairs_text(pairs: &[(String, String)]) -> String {
    let pair = |(name, value): &(String, String)| Value::from(vec![name.as_str(), value.as_str()]);
    Value::from_iter(pairs.iter().map(pair)).to_string()
}

fn pairs(text: String) -> Result<Vec<(String, String)>, Read> {
    serde_json::from_str(&text).map_err(|error| Read::Damaged(format!("headers of a callback: {error}")))
}

pub fn number_of(Day { year, month, day }: Day) -> i64 {
    i64::from(year) * 10_000 + i64::from(month) * 100 + i64::from(day)
}

pub fn day(number: i64) -> Result<Day, Read> {
    let day = || {
        let [year, month, day] = [number / 10_000, number / 100 % 100, number % 100];
        Some(Day { year: year.try_into().ok()?, month: month.try_into().ok()?, day: day.try_into().ok()? })
    };
    day().ok_or(Read::Damaged(format!("{number} is no day")))
}

/// A write-off, from a column on.
pub fn writeoff(row: &Row<'_>, from: usize) -> Result<WriteOff, Read> {
    Ok(WriteOff {
        id: row.get(from)?,
        account: row.get(from + 1)?,
        service_code: row.get(from + 2)?,
        service: row.get(from + 3)?,
        unit: row.get(from + 4)?,
        period: day(row.get(from + 5)?)?,
        date: day(row.get(from + 6)?)?,
        quantity_thousandths: row.get(from + 7)?,
        amount: money(row.get(from + 8)?, row.get(from + 9)?)?,
        vat_basis_points: row.get(from + 10)?,
        note: row.get(from + 11)?,
    })
}

/// An order's number, where an id is one: digits without a leading zero.
pub fn number(id: &str) -> Option<i64> {
    id.parse::<i64>().ok().filter(|number| *number > 0 && number.to_string() == id)
}
