//! Restorations, in SQL.

use rusqlite::{Row, params};

use crate::query::SqlTransaction;
use crate::rows::{RowError, signed, unsigned};
use domain::{Comparison, Restoration};
use ledger::Error;
use ledger::storage::Restorations;

fn of_row(row: &Row<'_>) -> Result<Restoration, RowError> {
    let compared = row.get::<_, Option<String>>(3)?.zip(row.get::<_, Option<String>>(4)?).zip(row.get::<_, Option<i64>>(5)?);
    let comparison = |((operator, comment), at)| Ok::<_, RowError>(Comparison { operator, comment, at: unsigned(at)? });
    Ok(Restoration {
        id: unsigned(row.get(0)?)?,
        copied_at: row.get::<_, Option<i64>>(1)?.map(unsigned).transpose()?,
        started_at: unsigned(row.get(2)?)?,
        comparison: compared.map(comparison).transpose()?,
    })
}

impl Restorations for SqlTransaction<'_> {
    fn insert_restoration(&mut self, copied_at: Option<u64>, started_at: u64) -> Result<(), Error> {
        let sql = "INSERT INTO restorations (copied_at, started_at) VALUES (?, ?)";
        self.execute(sql, params![copied_at.map(signed), signed(started_at)]).map(drop)
    }

    fn restorations(&mut self) -> Result<Vec<Restoration>, Error> {
        let sql = "SELECT id, copied_at, started_at, compared_by, comparison, compared_at FROM restorations ORDER BY id DESC";
        self.many(sql, [], of_row)
    }

    fn set_comparison(&mut self, id: u64, comparison: &Comparison) -> Result<(), Error> {
        let Comparison { operator, comment, at } = comparison;
        let sql = "UPDATE restorations SET compared_by = ?, comparison = ?, compared_at = ? WHERE id = ?";
        self.execute(sql, params![operator, comment, signed(*at), signed(id)]).map(drop)
    }
}
