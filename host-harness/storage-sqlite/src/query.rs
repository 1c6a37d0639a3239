//! Runs statements, with errors of rows.

use ledger::Error;
use rusqlite::{Connection, OptionalExtension, Params, Row};

use crate::failure::refused;
use crate::rows::{RowError, unsigned};

/// Statements within a transaction of the connection.
pub struct SqlTransaction<'c>(pub &'c Connection);

impl SqlTransaction<'_> {
    pub fn execute(&self, sql: &str, parameters: impl Params) -> Result<usize, Error> {
        self.0.prepare_cached(sql).and_then(|mut statement| statement.execute(parameters)).map_err(refused)
    }

    pub fn one<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T, RowError>,
    ) -> Result<Option<T>, Error> {
        let mut statement = self.0.prepare_cached(sql).map_err(refused)?;
        let row = statement.query_row(parameters, |row| Ok(read(row))).optional().map_err(refused)?;
        row.transpose().map_err(RowError::error)
    }

    pub fn many<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T, RowError>,
    ) -> Result<Vec<T>, Error> {
        let mut statement = self.0.prepare_cached(sql).map_err(refused)?;
        let rows = statement.query_map(parameters, |row| Ok(read(row))).map_err(refused)?;
        rows.map(|row| row.map_err(refused)?.map_err(RowError::error)).collect()
    }

    /// Passes one row after another to a function, without collecting them.
    pub fn each(
        &self,
        sql: &str,
        parameters: impl Params,
        mut show: impl FnMut(&Row<'_>) -> Result<(), RowError>,
    ) -> Result<(), Error> {
        let mut statement = self.0.prepare(sql).map_err(refused)?;
        let mut rows = statement.query(parameters).map_err(refused)?;
        while let Some(row) = rows.next().map_err(refused)? {
            show(row).map_err(RowError::error)?;
        }
        Ok(())
    }

    pub fn last_id(&self) -> Result<u64, Error> {
        unsigned(self.0.last_insert_rowid()).map_err(RowError::error)
    }
}
