//! The steps of a transaction, as SQL.

use money::Currency;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::refused;
use crate::error::Error;
use crate::model::{
    Account, Day, Entry, EntryKind, Event, EventKind, Imbalance, Money, NewEntry, NewOrder, Order, Outcome, PartyKind,
    RawCallback, Reason, Recurrence, Refusals, Resolution, Unmatched, Unrecognized, WriteOff,
};
use crate::storage::Transaction;

/// Within a transaction of the connection.
pub struct Steps<'c>(pub &'c Connection);

const ACCOUNT: &str = "number, name, kind, contract, inn, kpp";
const ORDER: &str =
    "number, account, provider, minor_units, currency, description, idempotency_key, expires_at, created_at, paid_by";
const ENTRY: &str = "seq, account, kind, minor_units, currency, comment, order_number, transaction_id, provider, at";
const UNMATCHED: &str = "id, provider, kind, recurrence, transaction_id, order_id, minor_units, currency, comment, dedup_key, \
    reason, at, resolved_by, resolved_comment, resolved_at, entry";

const WRITEOFF: &str = "id, account, service_code, service, unit, period, date, quantity_thousandths, minor_units, currency, \
    vat_basis_points, note";

impl Steps<'_> {
    fn execute(&self, sql: &str, parameters: impl Params) -> Result<usize, Error> {
        self.0.prepare_cached(sql).and_then(|mut statement| statement.execute(parameters)).map_err(refused)
    }

    fn one<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T, Read>,
    ) -> Result<Option<T>, Error> {
        let mut statement = self.0.prepare_cached(sql).map_err(refused)?;
        let row = statement.query_row(parameters, |row| Ok(read(row))).optional().map_err(refused)?;
        row.transpose().map_err(Read::error)
    }

    fn many<T>(&self, sql: &str, parameters: impl Params, read: impl Fn(&Row<'_>) -> Result<T, Read>) -> Result<Vec<T>, Error> {
        let mut statement = self.0.prepare_cached(sql).map_err(refused)?;
        let rows = statement.query_map(parameters, |row| Ok(read(row))).map_err(refused)?;
        rows.map(|row| row.map_err(refused)?.map_err(Read::error)).collect()
    }

    fn last_id(&self) -> Result<u64, Error> {
        unsigned(self.0.last_insert_rowid()).map_err(Read::error)
    }
}

/// Why a row cannot be read.
enum Read {
    Sql(rusqlite::Error),
    Damaged(String),
}

impl Read {
    fn error(self) -> Error {
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

fn unsigned(number: i64) -> Result<u64, Read> {
    u64::try_from(number).map_err(|_| Read::Damaged(format!("{number} where a number from 0 on should be")))
}

/// Seconds and places are far from the end of 63 bits.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn named<T>(name: String, of_name: fn(&str) -> Option<T>) -> Result<T, Read> {
    of_name(&name).ok_or(Read::Damaged(format!("{name} is no name that is known")))
}

fn money(minor_units: i64, currency: String) -> Result<Money, Read> {
    let currency = Currency::parse(&currency).ok_or(Read::Damaged(format!("{currency} is no currency")))?;
    Ok(Money { minor_units, currency })
}

fn account(row: &Row<'_>) -> Result<Account, Read> {
    Ok(Account {
        number: row.get(0)?,
        name: row.get(1)?,
        kind: named(row.get(2)?, PartyKind::of_name)?,
        contract: row.get(3)?,
        inn: row.get(4)?,
        kpp: row.get(5)?,
    })
}

fn order(row: &Row<'_>) -> Result<Order, Read> {
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

fn entry(row: &Row<'_>) -> Result<Entry, Read> {
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

fn unmatched(row: &Row<'_>) -> Result<Unmatched, Read> {
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

fn number_of(Day { year, month, day }: Day) -> i64 {
    i64::from(year) * 10_000 + i64::from(month) * 100 + i64::from(day)
}

fn day(number: i64) -> Result<Day, Read> {
    let day = || {
        let [year, month, day] = [number / 10_000, number / 100 % 100, number % 100];
        Some(Day { year: year.try_into().ok()?, month: month.try_into().ok()?, day: day.try_into().ok()? })
    };
    day().ok_or(Read::Damaged(format!("{number} is no day")))
}

/// A write-off, from a column on.
fn writeoff(row: &Row<'_>, from: usize) -> Result<WriteOff, Read> {
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
fn number(id: &str) -> Option<i64> {
    id.parse::<i64>().ok().filter(|number| *number > 0 && number.to_string() == id)
}

impl Transaction for Steps<'_> {
    fn put_account(&mut self, account: &Account) -> Result<(), Error> {
        let Account { number, name, kind, contract, inn, kpp } = account;
        let sql = "INSERT INTO accounts (number, name, kind, contract, inn, kpp) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (number) DO UPDATE SET name = excluded.name, kind = excluded.kind, contract = excluded.contract,
            inn = excluded.inn, kpp = excluded.kpp";
        self.execute(sql, params![number, name, kind.name(), contract, inn, kpp]).map(drop)
    }

    fn account(&mut self, number: &str) -> Result<Option<Account>, Error> {
        self.one(&format!("SELECT {ACCOUNT} FROM accounts WHERE number = ?"), [number], account)
    }

    fn balances(&mut self, account: &str) -> Result<Vec<Money>, Error> {
        let sql = "SELECT minor_units, currency FROM balances WHERE account = ? ORDER BY currency";
        self.many(sql, [account], |row| money(row.get(0)?, row.get(1)?))
    }

    fn insert_order(&mut self, order: &NewOrder, at: u64) -> Result<String, Error> {
        let NewOrder { account, provider, amount, description, idempotency_key, expires_at } = order;
        // The milliseconds of its making, or the next free number: an order of a ledger that was lost and begun anew is not one of
        // the new ledger's.
        let sql =
            "INSERT INTO orders (number, account, provider, minor_units, currency, description, idempotency_key, expires_at,
            created_at) VALUES (max(?1, (SELECT ifnull(max(number), 0) + 1 FROM orders)), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let milliseconds = signed(at.saturating_mul(1000));
        self.execute(
            sql,
            params![
                milliseconds,
                account,
                provider,
                amount.minor_units,
                amount.currency.as_str(),
                description,
                idempotency_key,
                expires_at.map(signed),
                signed(at)
            ],
        )?;
        Ok(self.last_id()?.to_string())
    }

    fn order(&mut self, id: &str) -> Result<Option<Order>, Error> {
        let Some(number) = number(id) else { return Ok(None) };
        self.one(&format!("SELECT {ORDER} FROM orders WHERE number = ?"), [number], order)
    }

    fn order_of_key(&mut self, key: &str) -> Result<Option<Order>, Error> {
        self.one(&format!("SELECT {ORDER} FROM orders WHERE idempotency_key = ?"), [key], order)
    }

    fn set_paid(&mut self, order: &str, seq: u64) -> Result<(), Error> {
        let sql = "UPDATE orders SET paid_by = ? WHERE number = ? AND paid_by IS NULL";
        match self.execute(sql, params![signed(seq), number(order)])? {
            1 => Ok(()),
            changed => Err(Error::Damaged(format!("{changed} orders {order} could be paid"))),
        }
    }

    fn insert_entry(&mut self, entry: &NewEntry) -> Result<u64, Error> {
        let NewEntry { account, kind, amount, comment, order, transaction, provider, at } = entry;
        let currency = amount.currency.as_str();
        let sql =
            "INSERT INTO entries (account, kind, minor_units, currency, comment, order_number, transaction_id, provider, at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let order = order.as_deref().and_then(number);
        self.execute(
            sql,
            params![account, kind.name(), amount.minor_units, currency, comment, order, transaction, provider, signed(*at)],
        )?;
        let seq = self.last_id()?;
        let sql = "INSERT INTO balances (account, currency, minor_units) VALUES (?, ?, ?)
            ON CONFLICT (account, currency) DO UPDATE SET minor_units = minor_units + excluded.minor_units";
        self.execute(sql, params![account, currency, amount.minor_units])?;
        Ok(seq)
    }

    fn entries(&mut self, account: Option<&str>, after: u64, limit: u32) -> Result<Vec<Entry>, Error> {
        let after = signed(after);
        match account {
            Some(account) => {
                let sql = format!("SELECT {ENTRY} FROM entries WHERE account = ? AND seq > ? ORDER BY seq LIMIT ?");
                self.many(&sql, params![account, after, limit], entry)
            }
            None => {
                let sql = format!("SELECT {ENTRY} FROM entries WHERE seq > ? ORDER BY seq LIMIT ?");
                self.many(&sql, params![after, limit], entry)
            }
        }
    }

    fn entries_of_transaction(&mut self, provider: &str, transaction: &str) -> Result<Vec<Entry>, Error> {
        let sql = format!("SELECT {ENTRY} FROM entries WHERE provider = ? AND transaction_id = ? ORDER BY seq");
        self.many(&sql, [provider, transaction], entry)
    }

    fn entries_of_order(&mut self, order: &str) -> Result<Vec<Entry>, Error> {
        self.many(&format!("SELECT {ENTRY} FROM entries WHERE order_number = ? ORDER BY seq"), [number(order)], entry)
    }

    fn outcome(&mut self, provider: &str, dedup_key: &str) -> Result<Option<Outcome>, Error> {
        let sql = "SELECT entry, unmatched FROM outcomes WHERE provider = ? AND dedup_key = ?";
        self.one(sql, [provider, dedup_key], |row| {
            Ok(match (row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?) {
                (Some(seq), _) => Outcome::Entered { seq: unsigned(seq)?, repeated: false },
                (None, Some(id)) => Outcome::Unmatched { id: unsigned(id)?, repeated: false },
                (None, None) => Outcome::NoMoney,
            })
        })
    }

    fn insert_outcome(&mut self, provider: &str, dedup_key: &str, outcome: &Outcome) -> Result<(), Error> {
        let (entry, unmatched) = match outcome {
            Outcome::Entered { seq, .. } => (Some(signed(*seq)), None),
            Outcome::Unmatched { id, .. } => (None, Some(signed(*id))),
            Outcome::NoMoney => (None, None),
        };
        let sql = "INSERT INTO outcomes (provider, dedup_key, entry, unmatched) VALUES (?, ?, ?, ?)";
        self.execute(sql, params![provider, dedup_key, entry, unmatched]).map(drop)
    }

    fn insert_callback(&mut self, callback: &RawCallback) -> Result<u64, Error> {
        let RawCallback { provider, received_at, method, query, body } = callback;
        let sql = "INSERT INTO callbacks (provider, received_at, method, query, body) VALUES (?, ?, ?, ?, ?)";
        self.execute(sql, params![provider, signed(*received_at), method, query, body])?;
        self.last_id()
    }

    fn insert_unmatched(&mut self, event: &Event, reason: Reason, at: u64) -> Result<u64, Error> {
        let Event { provider, kind, recurrence, transaction, order, amount, comment, dedup_key } = event;
        let sql = "INSERT INTO unmatched (provider, kind, recurrence, transaction_id, order_id, minor_units, currency, comment,
            dedup_key, reason, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        self.execute(
            sql,
            params![
                provider,
                kind.name(),
                recurrence.name(),
                transaction,
                order,
                amount.minor_units,
                amount.currency.as_str(),
                comment,
                dedup_key,
                reason.name(),
                signed(at)
            ],
        )?;
        self.last_id()
    }

    fn unmatched(&mut self, id: u64) -> Result<Option<Unmatched>, Error> {
        self.one(&format!("SELECT {UNMATCHED} FROM unmatched WHERE id = ?"), [signed(id)], unmatched)
    }

    fn waiting(&mut self, limit: u32) -> Result<Vec<Unmatched>, Error> {
        let sql = format!("SELECT {UNMATCHED} FROM unmatched WHERE resolved_by IS NULL ORDER BY id LIMIT ?");
        self.many(&sql, [limit], unmatched)
    }

    fn resolve(&mut self, id: u64, resolution: &Resolution) -> Result<(), Error> {
        let Resolution { operator, comment, at, seq } = resolution;
        let sql = "UPDATE unmatched SET resolved_by = ?, resolved_comment = ?, resolved_at = ?, entry = ?
            WHERE id = ? AND resolved_by IS NULL";
        match self.execute(sql, params![operator, comment, signed(*at), seq.map(signed), signed(id)])? {
            1 => Ok(()),
            changed => Err(Error::Damaged(format!("{changed} events {id} could be resolved"))),
        }
    }

    fn insert_writeoff(&mut self, writeoff: &WriteOff, seq: u64) -> Result<(), Error> {
        let sql = format!("INSERT INTO writeoffs ({WRITEOFF}, entry) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        self.execute(
            &sql,
            params![
                writeoff.id,
                writeoff.account,
                writeoff.service_code,
                writeoff.service,
                writeoff.unit,
                number_of(writeoff.period),
                number_of(writeoff.date),
                writeoff.quantity_thousandths,
                writeoff.amount.minor_units,
                writeoff.amount.currency.as_str(),
                writeoff.vat_basis_points,
                writeoff.note,
                signed(seq)
            ],
        )
        .map(drop)
    }

    fn writeoff(&mut self, id: &str) -> Result<Option<WriteOff>, Error> {
        self.one(&format!("SELECT {WRITEOFF} FROM writeoffs WHERE id = ?"), [id], |row| writeoff(row, 0))
    }

    fn writeoffs(
        &mut self,
        from: Day,
        to: Day,
        after: Option<(&str, &str)>,
        limit: u32,
    ) -> Result<Vec<(Account, WriteOff)>, Error> {
        // What is before all of them: no account is empty.
        let (account_after, id_after) = after.unwrap_or_default();
        let columns = WRITEOFF.split(", ").map(|column| format!("writeoffs.{column}")).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "SELECT {ACCOUNT}, {columns} FROM writeoffs JOIN accounts ON accounts.number = writeoffs.account
            WHERE (writeoffs.account, writeoffs.id) > (?, ?) AND writeoffs.date BETWEEN ? AND ?
            ORDER BY writeoffs.account, writeoffs.id LIMIT ?"
        );
        let parameters = params![account_after, id_after, number_of(from), number_of(to), limit];
        self.many(&sql, parameters, |row| Ok((account(row)?, writeoff(row, 6)?)))
    }

    fn count_refusal(&mut self, provider: &str, code: &str, hour: u64) -> Result<(), Error> {
        let sql = "INSERT INTO refusals (provider, hour, code, count) VALUES (?, ?, ?, 1)
            ON CONFLICT (provider, hour, code) DO UPDATE SET count = count + 1";
        self.execute(sql, params![provider, signed(hour), code]).map(drop)
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

    fn insert_unrecognized(&mut self, callback: u64, message: &str) -> Result<u64, Error> {
        self.execute("INSERT INTO unrecognized (callback, message) VALUES (?, ?)", params![signed(callback), message])?;
        self.last_id()
    }

    fn unrecognized(&mut self, limit: u32) -> Result<Vec<Unrecognized>, Error> {
        let sql = "SELECT unrecognized.id, message, provider, received_at, method, query, body FROM unrecognized
            JOIN callbacks ON callbacks.id = callback WHERE seen_by IS NULL ORDER BY unrecognized.id LIMIT ?";
        self.many(sql, [limit], |row| {
            let callback = RawCallback {
                provider: row.get(2)?,
                received_at: unsigned(row.get(3)?)?,
                method: row.get(4)?,
                query: row.get(5)?,
                body: row.get(6)?,
            };
            Ok(Unrecognized { id: unsigned(row.get(0)?)?, message: row.get(1)?, callback })
        })
    }

    fn see_to_unrecognized(&mut self, id: u64, operator: &str, at: u64) -> Result<bool, Error> {
        let sql = "UPDATE unrecognized SET seen_by = ?, seen_at = ? WHERE id = ? AND seen_by IS NULL";
        self.execute(sql, params![operator, signed(at), signed(id)]).map(|changed| changed == 1)
    }

    fn imbalances(&mut self) -> Result<Vec<Imbalance>, Error> {
        // The sum of halves: none of them passes 64 bits, however many entries there are.
        let sql = "SELECT account, currency, ifnull(kept, 0), ifnull(high, 0), ifnull(low, 0) FROM
            (SELECT account, currency, minor_units AS kept FROM balances)
            FULL JOIN (SELECT account, currency, sum(minor_units >> 32) AS high, sum(minor_units & 4294967295) AS low
                FROM entries GROUP BY account, currency) USING (account, currency)
            WHERE ifnull(kept, 0) <> ifnull(high, 0) * 4294967296 + ifnull(low, 0)";
        self.many(sql, [], |row| {
            Ok(Imbalance {
                account: row.get(0)?,
                kept: money(row.get(2)?, row.get(1)?)?,
                minor_units_of_entries: i128::from(row.get::<_, i64>(3)?) * (1 << 32) + i128::from(row.get::<_, i64>(4)?),
            })
        })
    }
}
