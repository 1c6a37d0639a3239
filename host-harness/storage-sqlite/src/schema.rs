//! The database's tables, brought up to date, and its connections.

use std::path::Path;
use std::time::Duration;

use ledger::{Commit, Error};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::failure::refused;
use crate::mark::Counter;
use crate::query::SqlTransaction;
use crate::rows;

/// What each version of the database adds to the one before.
pub const MIGRATIONS: &[&str] = &[
    include_str!("schema/0001_first.sql"),
    include_str!("schema/0002_whole_callbacks.sql"),
    include_str!("schema/0003_commit_counter.sql"),
    include_str!("schema/0004_writeoff_dates.sql"),
    include_str!("schema/0005_accounting.sql"),
    include_str!("schema/0006_decisions.sql"),
    include_str!("schema/0007_repetitions.sql"),
    include_str!("schema/0008_waiting_payments.sql"),
];
/// How long a lock of another process is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of the database the writer has in memory at most: the pages that new rows go to, and the ways to them. After a page was
/// split SQLite looks through all of it at the commit, so that more makes callbacks slower: with 16 MiB, 5,300 a second came over 64
/// connections, with 4 MiB 6,700.
const CACHE_KIBIBYTES: i64 = 4 << 10;
/// How large the pages of a new database are. A callback changes a few rows in nine of them, and each page that a commit changes is
/// written whole: what the disk takes in is what limits many callbacks.
const PAGE_BYTES: i64 = 1_024;
/// How long the log becomes before it goes into the database: the longer it is, the more changes of a page are written there as one,
/// and the more is read after a crash.
const LOG_BYTES: i64 = 16 << 20;

/// A connection that keeps what is answered.
pub fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(refused)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(refused)?;
    if flags.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) {
        connection.pragma_update(None, "page_size", PAGE_BYTES).map_err(refused)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(refused)?;
        // The log is synced at every commit: who was answered is on disk.
        connection.pragma_update(None, "synchronous", "FULL").map_err(refused)?;
        // A database that was made before has pages of its own size.
        let page_bytes: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(refused)?;
        connection.pragma_update(None, "wal_autocheckpoint", LOG_BYTES / page_bytes.max(1)).map_err(refused)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIBIBYTES).map_err(refused)?;
    }
    connection.pragma_update(None, "foreign_keys", true).map_err(refused)?;
    // A statement is planned once, and not anew for each value that could let it use another index.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(refused)?;
    // What a savepoint may undo stays in memory: nothing of the ledger is to lie in a folder for everybody's temporary files.
    connection.pragma_update(None, "temp_store", "MEMORY").map_err(refused)?;
    Ok(connection)
}

/// Brings the database to this program's version; gives the one that it had, 0 for a new one.
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
