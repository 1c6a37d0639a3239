//! The database's connections, and the migration of its tables.

use std::path::Path;
use std::time::Duration;

use ledger::{Commit, Error};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::failure::refused;
use crate::mark::Counter;
use crate::query::SqlTransaction;
use crate::rows;

/// What each version of the database adds to the one before it.
pub const MIGRATIONS: &[&str] = &[
    include_str!("schema/0001_first.sql"),
    include_str!("schema/0002_whole_callbacks.sql"),
    include_str!("schema/0003_commit_counter.sql"),
    include_str!("schema/0004_writeoff_dates.sql"),
    include_str!("schema/0005_accounting.sql"),
    include_str!("schema/0006_decisions.sql"),
    include_str!("schema/0007_repetitions.sql"),
    include_str!("schema/0008_waiting_payments.sql"),
    include_str!("schema/0009_declined_payments.sql"),
    include_str!("schema/0010_movements.sql"),
    include_str!("schema/0011_callback_paths.sql"),
    include_str!("schema/0012_operations.sql"),
    include_str!("schema/0013_sealed_headers.sql"),
    include_str!("schema/0014_operation_tries.sql"),
    include_str!("schema/0015_restorations.sql"),
];
/// How long to wait for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The most memory for the writer's page cache: the pages that get new rows, and the index pages above them. After a page split
/// SQLite scans the whole cache at the commit, so a larger cache makes callbacks slower: over 64 connections, 5,300 callbacks a
/// second were stored with 16 MiB, and 6,700 with 4 MiB.
const CACHE_KIBIBYTES: i64 = 4 << 10;
/// The page size of a new database. A callback changes a few rows in nine pages, and a commit writes each changed page whole:
/// what the disk can write limits the rate of callbacks.
const PAGE_BYTES: i64 = 1_024;
/// The most statements that stay prepared. A callback runs about sixteen, and each is dear to prepare again.
const STATEMENTS_MAX: usize = 64;
/// How large the log may grow before it is copied into the database. The longer it is, the more changes of a page are copied as
/// one, and the more is read after a crash.
const LOG_BYTES: i64 = 16 << 20;

/// Opens a connection whose commits are durable.
pub fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(refused)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(refused)?;
    if flags.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) {
        connection.pragma_update(None, "page_size", PAGE_BYTES).map_err(refused)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(refused)?;
        // Every commit syncs the log: what is answered is on disk.
        connection.pragma_update(None, "synchronous", "FULL").map_err(refused)?;
        // A database that was created earlier has a page size of its own.
        let page_bytes: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(refused)?;
        connection.pragma_update(None, "wal_autocheckpoint", LOG_BYTES / page_bytes.max(1)).map_err(refused)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIBIBYTES).map_err(refused)?;
    }
    connection.pragma_update(None, "foreign_keys", true).map_err(refused)?;
    // A statement is planned once, and not again for each value that would allow another index.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(refused)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // What a savepoint may undo stays in memory: nothing of the ledger may be written to a shared folder for temporary files.
    connection.pragma_update(None, "temp_store", "MEMORY").map_err(refused)?;
    Ok(connection)
}

/// Migrates the database to this program's version. Returns the version that it had, 0 for a new one.
pub fn migrate(transaction: &Connection) -> Result<i64, Error> {
    let known = MIGRATIONS.len() as i64;
    let found = version(transaction)?;
    if found > known {
        return Err(Error::NewerDatabase { found, known });
    }
    let done = usize::try_from(found).map_err(|_| Error::Damaged(format!("its version is {found}")))?;
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration).map_err(refused)?;
    }
    transaction.pragma_update(None, "user_version", known).map_err(refused)?;
    Ok(found)
}

pub fn version(connection: &Connection) -> Result<i64, Error> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(refused)
}

pub fn counter(connection: &Connection) -> Result<Counter, Error> {
    let sql = "SELECT database_id, commits, committed_at FROM commit_counter";
    let counter = SqlTransaction(connection).one(sql, [], |row| {
        let last = Commit { number: rows::unsigned(row.get(1)?)?, at: rows::unsigned(row.get(2)?)? };
        Ok(Counter { database_id: row.get(0)?, last })
    })?;
    counter.ok_or_else(|| Error::Damaged("it has no counter of commits".to_owned()))
}
