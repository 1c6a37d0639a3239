//! What waits for an operator, in SQL.

use rusqlite::{Row, params};

use crate::callbacks::outcome_of;
use crate::query::SqlTransaction;
use crate::rows::{
    CALLBACK_COLUMNS, RowError, UNMATCHED, callback, callback_columns, facts, signed, some_pairs_text,
    unmatched as unmatched_of, unsigned,
};
use domain::{
    Acknowledged, Contradiction, DedupKey, Event, Facts, MismatchReason, OrderId, ProviderName, Resolution, ReviewFilter,
    UnmatchedEvent, UnrecognizedCallback,
};
use ledger::Error;

/// Returns the count that a statement selects.
pub fn count(transaction: &SqlTransaction<'_>, sql: &str) -> Result<u64, Error> {
    Ok(transaction.one(sql, [], |row| unsigned(row.get(0)?))?.unwrap_or_default())
}

pub fn insert_unmatched(tx: &SqlTransaction<'_>, event: &Event, reason: MismatchReason, at: u64) -> Result<u64, Error> {
    let Event { provider, facts, comment, dedup_key, extra, .. } = event;
    let Facts { kind, recurrence, transaction, order, payer, amount, occurred_at, .. } = facts;
    let sql = "INSERT INTO unmatched (provider, kind, recurrence, transaction_id, order_id, minor_units, currency, comment,
        dedup_key, reason, at, payer, occurred_at, extra) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
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
            some_pairs_text(extra)
        ],
    )?;
    tx.last_id()
}

pub fn unmatched(transaction: &SqlTransaction<'_>, id: u64) -> Result<Option<UnmatchedEvent>, Error> {
    transaction.one(&format!("SELECT {UNMATCHED} FROM unmatched WHERE id = ?"), [signed(id)], unmatched_of)
}

pub fn waiting(transaction: &SqlTransaction<'_>, after: u64, limit: u32) -> Result<Vec<UnmatchedEvent>, Error> {
    let sql = format!("SELECT {UNMATCHED} FROM unmatched WHERE resolved_by IS NULL AND id > ? ORDER BY id LIMIT ?");
    transaction.many(&sql, params![signed(after), limit], unmatched_of)
}

pub fn unmatched_of_order(transaction: &SqlTransaction<'_>, order: &OrderId) -> Result<Vec<UnmatchedEvent>, Error> {
    transaction.many(
        &format!("SELECT {UNMATCHED} FROM unmatched WHERE order_id = ? ORDER BY id"),
        [order.as_str()],
        unmatched_of,
    )
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

pub fn facts_of_contradictions(
    transaction: &SqlTransaction<'_>,
    provider: &ProviderName,
    dedup_key: &DedupKey,
) -> Result<Vec<Facts>, Error> {
    let sql = "SELECT facts FROM contradictions JOIN callbacks ON callbacks.id = repeated
        WHERE contradictions.provider = ? AND dedup_key = ?";
    transaction.many(sql, [provider.as_str(), dedup_key.as_str()], |row| {
        facts(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)
    })
}

pub fn insert_contradiction(
    transaction: &SqlTransaction<'_>,
    provider: &ProviderName,
    dedup_key: &DedupKey,
    callback: u64,
) -> Result<u64, Error> {
    let sql = "INSERT INTO contradictions (provider, dedup_key, repeated) VALUES (?, ?, ?)";
    transaction.execute(sql, params![provider.as_str(), dedup_key.as_str(), signed(callback)])?;
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
        "SELECT contradictions.id, outcomes.entry, outcomes.unmatched, one.facts, other.facts, seen_by, seen_at, {}, {}
        FROM contradictions
        JOIN outcomes ON outcomes.provider = contradictions.provider AND outcomes.dedup_key = contradictions.dedup_key
        JOIN callbacks AS one ON one.id = outcomes.callback JOIN callbacks AS other ON other.id = repeated
        WHERE {selected} LIMIT ?",
        callback_columns("one"),
        callback_columns("other")
    );
    transaction.many(&sql, params![place, limit], |row| {
        let said = |column| {
            let text: String = row.get(column)?;
            facts(&text)
        };
        Ok(Contradiction {
            id: unsigned(row.get(0)?)?,
            outcome: outcome_of(row.get(1)?, row.get(2)?)?,
            first: (callback(row, 7)?, said(3)?),
            repeated: (callback(row, 7 + CALLBACK_COLUMNS)?, said(4)?),
            acknowledged: acknowledged(row, 5)?,
        })
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
