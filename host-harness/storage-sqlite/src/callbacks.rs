//! Callbacks as they arrived, in SQL.

use rusqlite::{ToSql, params};

use crate::query::SqlTransaction;
use crate::rows::{RowError, callback, callback_columns, pairs_text, signed, unsigned};
use domain::{CallbackCounts, ProviderName, StoredCallback};
use ledger::Error;

/// The longest time from a callback's arrival to its storage, in seconds.
const KEPT_SECONDS_MAX: u64 = 60;

pub fn insert(transaction: &SqlTransaction<'_>, callback: &StoredCallback) -> Result<u64, Error> {
    let StoredCallback { provider, received_at, method, path, query, headers, sealed_headers, body, remote_address, is_masked } =
        callback;
    let sql = "INSERT INTO callbacks (provider, received_at, method, path, query, headers, body, remote_address, is_masked,
        sealed_headers) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let (received_at, headers) = (signed(*received_at), pairs_text(headers));
    let (provider, sealed) = (provider.as_str(), (!sealed_headers.is_empty()).then_some(sealed_headers));
    let values = params![provider, received_at, method, path, query, headers, body, remote_address, is_masked, sealed];
    transaction.execute(sql, values)?;
    transaction.last_id()
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
