//! Callbacks as they arrived, and the outcomes of their events, in SQL.

use rusqlite::{ToSql, params};

use crate::query::SqlTransaction;
use crate::rows::{RowError, callback, callback_columns, facts, facts_text, pairs_text, signed, unsigned};
use domain::{CallbackCounts, DedupKey, EventKind, Facts, OrderId, Outcome, ProviderName, StoredCallback};
use ledger::Error;

/// The longest time from a callback's arrival to its storage, in seconds.
const KEPT_SECONDS_MAX: u64 = 60;

/// Reads an event's outcome from its columns.
pub fn outcome_of(entry: Option<i64>, unmatched: Option<i64>) -> Result<Outcome, RowError> {
    Ok(match (entry, unmatched) {
        (Some(seq), _) => Outcome::Recorded { seq: unsigned(seq)?, repeated: false },
        (None, Some(id)) => Outcome::Unmatched { id: unsigned(id)?, repeated: false },
        (None, None) => Outcome::NoMovement,
    })
}

pub fn outcome(
    transaction: &SqlTransaction<'_>,
    provider: &ProviderName,
    dedup_key: &DedupKey,
) -> Result<Option<(Outcome, Option<Facts>)>, Error> {
    let sql = "SELECT entry, unmatched, facts FROM outcomes LEFT JOIN callbacks ON callbacks.id = callback
        WHERE outcomes.provider = ? AND dedup_key = ?";
    transaction.one(sql, [provider.as_str(), dedup_key.as_str()], |row| {
        let said = row.get::<_, Option<String>>(2)?.map(|text| facts(&text)).transpose()?;
        Ok((outcome_of(row.get(0)?, row.get(1)?)?, said))
    })
}

pub fn facts_of_entry(transaction: &SqlTransaction<'_>, seq: u64) -> Result<Option<Facts>, Error> {
    let sql = "SELECT facts FROM outcomes JOIN callbacks ON callbacks.id = callback WHERE entry = ? AND facts IS NOT NULL";
    transaction.one(sql, [signed(seq)], |row| facts(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?))
}

pub fn insert_outcome(
    transaction: &SqlTransaction<'_>,
    provider: &ProviderName,
    dedup_key: &DedupKey,
    outcome: &Outcome,
    callback: u64,
) -> Result<(), Error> {
    let (entry, unmatched) = match outcome {
        Outcome::Recorded { seq, .. } => (Some(signed(*seq)), None),
        Outcome::Unmatched { id, .. } => (None, Some(signed(*id))),
        Outcome::NoMovement | Outcome::Contradiction { .. } => (None, None),
    };
    let sql = "INSERT INTO outcomes (provider, dedup_key, entry, unmatched, callback) VALUES (?, ?, ?, ?, ?)";
    transaction.execute(sql, params![provider.as_str(), dedup_key.as_str(), entry, unmatched, signed(callback)]).map(drop)
}

pub fn insert(transaction: &SqlTransaction<'_>, callback: &StoredCallback, facts: Option<&Facts>) -> Result<u64, Error> {
    let StoredCallback { provider, received_at, method, query, headers, body, remote_address, is_masked } = callback;
    let sql = "INSERT INTO callbacks (provider, received_at, method, query, headers, body, remote_address, is_masked, facts,
            declined_order)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let declined_order = facts.filter(|facts| facts.kind == EventKind::Declined).and_then(|facts| facts.order.as_deref());
    let (received_at, headers, facts) = (signed(*received_at), pairs_text(headers), facts.map(facts_text));
    transaction.execute(
        sql,
        params![provider.as_str(), received_at, method, query, headers, body, remote_address, is_masked, facts, declined_order],
    )?;
    transaction.last_id()
}

pub fn is_declined(transaction: &SqlTransaction<'_>, provider: &ProviderName, order: &OrderId) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM callbacks WHERE declined_order = ? AND provider = ? LIMIT 1";
    Ok(transaction.one(sql, [order.as_str(), provider.as_str()], |_| Ok(()))?.is_some())
}

fn last_sql() -> String {
    format!("SELECT {} FROM callbacks WHERE provider = ? ORDER BY id DESC LIMIT ?", callback_columns("callbacks"))
}

pub fn last(transaction: &SqlTransaction<'_>, provider: &ProviderName, limit: u32) -> Result<Vec<StoredCallback>, Error> {
    transaction.many(&last_sql(), params![provider.as_str(), limit], |row| callback(row, 0))
}

pub fn counts(transaction: &SqlTransaction<'_>, provider: &ProviderName, since: u64) -> Result<CallbackCounts, Error> {
    let provider = provider.as_str();
    let ids = |sql: &str, parameters: &[&dyn ToSql]| {
        let found = transaction.one(sql, parameters, |row| Ok(row.get::<_, i64>(0)?))?;
        Ok::<_, Error>(found.unwrap_or_default())
    };
    // Callbacks are stored in the order of their arrival, except within a minute. So nothing needs to be read below the last
    // one that is old enough.
    let last_old = "SELECT id FROM callbacks WHERE provider = ? AND received_at < ? ORDER BY id DESC LIMIT 1";
    let first = ids(last_old, params![provider, signed(since.saturating_sub(KEPT_SECONDS_MAX))])?;
    let kept = "SELECT count(*) FROM callbacks WHERE provider = ? AND id > ? AND received_at >= ?";
    let kept = ids(kept, params![provider, first, signed(since)])?;
    let unrecognized = "SELECT count(*) FROM unrecognized JOIN callbacks ON callbacks.id = callback
        WHERE callback > ?2 AND provider = ?1 AND received_at >= ?3";
    let unrecognized = ids(unrecognized, params![provider, first, signed(since)])?;
    let unmatched = "SELECT count(*) FROM unmatched WHERE provider = ? AND at >= ?";
    let unmatched = ids(unmatched, params![provider, signed(since)])?;
    let count = |count: i64| unsigned(count).map_err(RowError::error);
    Ok(CallbackCounts {
        accepted: count(kept.saturating_sub(unrecognized))?,
        unmatched: count(unmatched)?,
        unrecognized: count(unrecognized)?,
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn the_last_callbacks_are_found_without_reading_the_others() {
        let connection = Connection::open_in_memory().unwrap();
        crate::schema::migrate(&connection).unwrap();
        let sql = format!("EXPLAIN QUERY PLAN {}", last_sql());
        let mut statement = connection.prepare(&sql).unwrap();
        let plan: Vec<String> = statement.query_map(params!["p", 1], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
        assert_eq!(plan, ["SEARCH callbacks USING INDEX callbacks_of_provider (provider=?)"]);
    }
}
