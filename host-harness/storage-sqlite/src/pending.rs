//! What waits for an operator, in SQL.

use rusqlite::{Row, params};

use crate::facts;
use crate::query::SqlTransaction;
use crate::rows::{CALLBACK_COLUMNS, RowError, callback, callback_columns, named, pairs, signed, some_pairs_text, unsigned};
use domain::{
    Acknowledged, Contradiction, DedupKey, Event, Facts, MismatchReason, MovementId, MovementOrigin, OrderId, Outcome,
    ProviderName, Report, Resolution, ReviewFilter, TransactionId, UnmatchedEvent, UnrecognizedCallback,
};
use ledger::Error;

/// An unmatched event. What it says is kept with its movement.
const UNMATCHED: &str =
    "SELECT unmatched.id, unmatched.provider, unmatched.comment, unmatched.dedup_key, unmatched.extra, reason,
    at, resolved_by, resolved_comment, resolved_at, unmatched.entry, facts, fee_minor_units, fee_currency
    FROM unmatched LEFT JOIN movements ON movements.unmatched = unmatched.id";

/// Returns the count that a statement selects.
pub fn count(transaction: &SqlTransaction<'_>, sql: &str) -> Result<u64, Error> {
    Ok(transaction.one(sql, [], |row| unsigned(row.get(0)?))?.unwrap_or_default())
}

pub fn insert_unmatched(tx: &SqlTransaction<'_>, event: &Event, reason: MismatchReason, at: u64) -> Result<u64, Error> {
    let Event { provider, facts, comment, dedup_key, extra, .. } = event;
    let Facts { kind, recurrence, transaction, original, order, payer, amount, occurred_at, .. } = facts;
    let sql = "INSERT INTO unmatched (provider, kind, recurrence, transaction_id, order_id, minor_units, currency, comment,
        dedup_key, reason, at, payer, occurred_at, extra, original) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    tx.execute(
        sql,
        params![
            provider.as_str(),
            kind.name(),
            recurrence.name(),
            transaction.as_str(),
            order.as_deref(),
            amount.minor_units,
            amount.currency.as_str(),
            comment,
            dedup_key.as_str(),
            reason.name(),
            signed(at),
            payer,
            occurred_at,
            some_pairs_text(extra),
            original.as_deref()
        ],
    )?;
    tx.last_id()
}

fn of_row(row: &Row<'_>) -> Result<UnmatchedEvent, RowError> {
    let operator: Option<String> = row.get(7)?;
    let resolution = match operator {
        None => None,
        Some(operator) => Some(Resolution {
            operator,
            comment: row.get(8)?,
            at: unsigned(row.get(9)?)?,
            seq: row.get::<_, Option<i64>>(10)?.map(unsigned).transpose()?,
        }),
    };
    let event = Event {
        provider: row.get::<_, String>(1).map(ProviderName::stored)?,
        facts: facts::of_row(row, 11)?.0,
        comment: row.get(2)?,
        dedup_key: row.get::<_, String>(3).map(DedupKey::stored)?,
        fee: facts::fee(row, 12)?,
        extra: row.get::<_, Option<String>>(4)?.map_or(Ok(Vec::new()), pairs)?,
    };
    let reason = named(row.get(5)?, MismatchReason::from_name)?;
    Ok(UnmatchedEvent { id: unsigned(row.get(0)?)?, event, reason, at: unsigned(row.get(6)?)?, resolution })
}

pub fn unmatched(transaction: &SqlTransaction<'_>, id: u64) -> Result<Option<UnmatchedEvent>, Error> {
    transaction.one(&format!("{UNMATCHED} WHERE unmatched.id = ?"), [signed(id)], of_row)
}

pub fn waiting(transaction: &SqlTransaction<'_>, after: u64, limit: u32) -> Result<Vec<UnmatchedEvent>, Error> {
    let sql = format!("{UNMATCHED} WHERE resolved_by IS NULL AND unmatched.id > ? ORDER BY unmatched.id LIMIT ?");
    transaction.many(&sql, params![signed(after), limit], of_row)
}

pub fn unmatched_of_order(transaction: &SqlTransaction<'_>, order: &OrderId) -> Result<Vec<UnmatchedEvent>, Error> {
    transaction.many(&format!("{UNMATCHED} WHERE order_id = ? ORDER BY unmatched.id"), [order.as_str()], of_row)
}

/// The ids of the returns that wait for a payment. Each half has an index of its own; they may find the same.
const WAITING_RETURNS: &str = "
    SELECT id FROM unmatched WHERE resolved_by IS NULL AND kind IN ('refund', 'chargeback', 'chargeback-reversal')
    AND provider = ?1 AND ifnull(original, transaction_id) = ?2
    UNION ALL SELECT id FROM unmatched WHERE resolved_by IS NULL AND kind IN ('refund', 'chargeback', 'chargeback-reversal')
    AND provider = ?1 AND order_id = ?3";

pub fn waiting_returns(
    tx: &SqlTransaction<'_>,
    provider: &ProviderName,
    transaction: &TransactionId,
    order: Option<&OrderId>,
) -> Result<Vec<UnmatchedEvent>, Error> {
    let parameters = params![provider.as_str(), transaction.as_str(), order.map(OrderId::as_str)];
    let mut ids = tx.many(WAITING_RETURNS, parameters, |row| unsigned(row.get(0)?))?;
    ids.sort_unstable();
    ids.dedup();
    let found = ids.into_iter().map(|id| unmatched(tx, id)).collect::<Result<Vec<_>, Error>>()?;
    Ok(found.into_iter().flatten().collect())
}

pub fn resolve(transaction: &SqlTransaction<'_>, id: u64, resolution: &Resolution) -> Result<(), Error> {
    let Resolution { operator, comment, at, seq } = resolution;
    let sql = "UPDATE unmatched SET resolved_by = ?, resolved_comment = ?, resolved_at = ?, entry = ?
        WHERE id = ? AND resolved_by IS NULL";
    match transaction.execute(sql, params![operator, comment, signed(*at), seq.map(signed), signed(id)])? {
        1 => Ok(()),
        changed => Err(Error::Damaged(format!("{changed} events {id} could be resolved"))),
    }
}

pub fn reopen(transaction: &SqlTransaction<'_>, id: u64) -> Result<(), Error> {
    let sql = "UPDATE unmatched SET resolved_by = NULL, resolved_comment = NULL, resolved_at = NULL, entry = NULL
        WHERE id = ? AND resolved_by IS NOT NULL";
    match transaction.execute(sql, [signed(id)])? {
        1 => Ok(()),
        changed => Err(Error::Damaged(format!("{changed} events {id} were resolved"))),
    }
}

pub fn facts_of_contradictions(transaction: &SqlTransaction<'_>, movement: MovementId) -> Result<Vec<Facts>, Error> {
    let sql = "SELECT facts FROM contradictions WHERE movement = ?";
    transaction.many(sql, [signed(movement.0)], |row| Ok(facts::of_row(row, 0)?.0))
}

pub fn insert_contradiction(
    transaction: &SqlTransaction<'_>,
    movement: MovementId,
    facts: &Facts,
    origin: MovementOrigin,
    callback: Option<u64>,
) -> Result<u64, Error> {
    let sql = "INSERT INTO contradictions (movement, facts, origin, callback) VALUES (?, ?, ?, ?)";
    let parameters = params![signed(movement.0), facts::text(facts), origin.name(), callback.map(signed)];
    transaction.execute(sql, parameters)?;
    transaction.last_id()
}

/// Returns a condition with an order, and its parameter.
fn selected(which: ReviewFilter, table: &str) -> (String, i64) {
    match which {
        ReviewFilter::WaitingAfter(after) => (format!("seen_by IS NULL AND {table}.id > ? ORDER BY {table}.id"), signed(after)),
        ReviewFilter::AcknowledgedBefore(before) => {
            (format!("seen_by IS NOT NULL AND {table}.id < ? ORDER BY {table}.id DESC"), before.map_or(i64::MAX, signed))
        }
    }
}

/// Reads who acknowledged a record, from two columns.
fn acknowledged(row: &Row<'_>, column: usize) -> Result<Option<Acknowledged>, RowError> {
    let operator: Option<String> = row.get(column)?;
    operator.map(|operator| Ok(Acknowledged { operator, at: unsigned(row.get(column + 1)?)? })).transpose()
}

pub fn contradictions(transaction: &SqlTransaction<'_>, which: ReviewFilter, limit: u32) -> Result<Vec<Contradiction>, Error> {
    let (selected, place) = selected(which, "contradictions");
    let sql = format!(
        "SELECT contradictions.id, movements.entry, movements.unmatched, movements.facts, contradictions.facts, seen_by, seen_at,
        movements.provider, one.id, other.id, {}, {}
        FROM contradictions JOIN movements ON movements.id = movement
        LEFT JOIN callbacks AS one ON one.id = movements.callback
        LEFT JOIN callbacks AS other ON other.id = contradictions.callback
        WHERE {selected} LIMIT ?",
        callback_columns("one"),
        callback_columns("other")
    );
    transaction.many(&sql, params![place, limit], |row| {
        let report = |facts_at, id_at, callback_at| {
            let has_callback = row.get::<_, Option<i64>>(id_at)?.is_some();
            let callback = if has_callback { Some(callback(row, callback_at)?) } else { None };
            Ok::<_, RowError>(Report { facts: facts::of_row(row, facts_at)?.0, callback })
        };
        Ok(Contradiction {
            id: unsigned(row.get(0)?)?,
            provider: row.get::<_, String>(7).map(ProviderName::stored)?,
            outcome: outcome_of(row.get(1)?, row.get(2)?)?,
            first: report(3, 8, 10)?,
            repeated: report(4, 9, 10 + CALLBACK_COLUMNS)?,
            acknowledged: acknowledged(row, 5)?,
        })
    })
}

/// Reads an event's outcome from its columns.
fn outcome_of(entry: Option<i64>, unmatched: Option<i64>) -> Result<Outcome, RowError> {
    Ok(match (entry, unmatched) {
        (Some(seq), _) => Outcome::Recorded { seq: unsigned(seq)?, repeated: false },
        (None, Some(id)) => Outcome::Unmatched { id: unsigned(id)?, repeated: false },
        (None, None) => Outcome::NoMovement { repeated: false },
    })
}

/// Acknowledges a waiting record of a table, or with `None` lets an acknowledged one wait again. Returns whether there was such
/// a record.
pub fn acknowledge(transaction: &SqlTransaction<'_>, table: &str, id: u64, by: Option<&Acknowledged>) -> Result<bool, Error> {
    let sql = format!("UPDATE {table} SET seen_by = ?, seen_at = ? WHERE id = ? AND (seen_by IS NULL) = ?");
    let (operator, at) = (by.map(|by| &by.operator), by.map(|by| signed(by.at)));
    transaction.execute(&sql, params![operator, at, signed(id), by.is_some()]).map(|changed| changed == 1)
}

pub fn count_unrecognized(transaction: &SqlTransaction<'_>, digest: &[u8], at: u64) -> Result<bool, Error> {
    let sql = "UPDATE unrecognized SET times = times + 1, last_at = ? WHERE digest = ?";
    transaction.execute(sql, params![signed(at), digest]).map(|changed| changed == 1)
}

pub fn insert_unrecognized(
    transaction: &SqlTransaction<'_>,
    callback: u64,
    code: &str,
    message: &str,
    digest: &[u8],
) -> Result<(), Error> {
    let sql = "INSERT INTO unrecognized (callback, code, message, digest) VALUES (?, ?, ?, ?)";
    transaction.execute(sql, params![signed(callback), code, message, digest]).map(drop)
}

pub fn unrecognized(
    transaction: &SqlTransaction<'_>,
    which: ReviewFilter,
    limit: u32,
) -> Result<Vec<UnrecognizedCallback>, Error> {
    let (selected, place) = selected(which, "unrecognized");
    let sql = format!(
        "SELECT unrecognized.id, code, message, times, ifnull(last_at, received_at), seen_by, seen_at, {} FROM unrecognized
        JOIN callbacks ON callbacks.id = callback WHERE {selected} LIMIT ?",
        callback_columns("callbacks")
    );
    transaction.many(&sql, params![place, limit], |row| {
        Ok(UnrecognizedCallback {
            id: unsigned(row.get(0)?)?,
            code: row.get(1)?,
            message: row.get(2)?,
            times: unsigned(row.get(3)?)?,
            last_at: unsigned(row.get(4)?)?,
            callback: callback(row, 7)?,
            acknowledged: acknowledged(row, 5)?,
        })
    })
}

pub fn acknowledge_repeated(transaction: &SqlTransaction<'_>, digest: &[u8], by: &Acknowledged) -> Result<(), Error> {
    let sql = "UPDATE unrecognized SET seen_by = ?, seen_at = ? WHERE digest = ? AND seen_by IS NULL";
    transaction.execute(sql, params![by.operator, signed(by.at), digest]).map(drop)
}

pub fn unrecognized_count(transaction: &SqlTransaction<'_>, of: Option<(&ProviderName, &str)>) -> Result<u64, Error> {
    let Some((provider, code)) = of else {
        return count(transaction, "SELECT count(*) FROM unrecognized WHERE seen_by IS NULL");
    };
    let sql = "SELECT count(*) FROM unrecognized JOIN callbacks ON callbacks.id = callback WHERE seen_by IS NULL AND provider = ? AND code = ?";
    Ok(transaction.one(sql, [provider.as_str(), code], |row| unsigned(row.get(0)?))?.unwrap_or_default())
}
