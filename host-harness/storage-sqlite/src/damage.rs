//! SQLite's own check of a database's pages.

use std::path::Path;

use ledger::Error;
use rusqlite::{Connection, OpenFlags};

use crate::failure::refused;
use crate::query::SqlTransaction;
use crate::schema::connect;

/// How much memory a checking connection has for pages: enough for the upper pages of every index.
const CACHE_KIBIBYTES: i64 = 64 << 10;

/// Opens a database to read all of it.
pub fn open(database: &Path) -> Result<Connection, Error> {
    let connection = connect(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIBIBYTES).map_err(refused)?;
    Ok(connection)
}

/// Returns the damage that SQLite reports, at most so many findings.
pub fn integrity(database: &Path, most: u64) -> Result<Vec<String>, Error> {
    let connection = open(database)?;
    let mut said = Vec::new();
    SqlTransaction(&connection).each(&format!("PRAGMA integrity_check({most})"), [], |row| {
        said.push(row.get::<_, String>(0)?.trim().replace('\n', " "));
        Ok(())
    })?;
    said.retain(|said| said != "ok");
    Ok(said)
}

/// Refuses a database if SQLite finds its pages damaged.
pub fn refuse_damage(connection: &Connection) -> Result<(), Error> {
    let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(refused)?;
    if said == "ok" { Ok(()) } else { Err(Error::DamagedFile(said)) }
}
