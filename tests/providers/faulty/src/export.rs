//! Exports, built on the writers that all providers share.

use std::cell::RefCell;

use kit::contract::{ExportOptions, ExportPart, ExportTotals, GuestWriteoffExport, Money, Problem, Writeoff};
use money::Currency;

use crate::fault;

/// An export in progress.
pub struct Export {
    inner: RefCell<kit::Export>,
    /// The number of write-offs that a fault left out, and their sum in minor units.
    left_out: RefCell<(u64, i64)>,
}

impl Export {
    /// Starts an export.
    ///
    /// # Errors
    /// Those of [`kit::Export::begin`].
    pub fn begin(options: &ExportOptions, currency: Currency) -> Result<Export, Vec<Problem>> {
        let inner = RefCell::new(kit::Export::begin(options, currency)?);
        Ok(Export { inner, left_out: RefCell::default() })
    }

    fn totals(&self, totals: ExportTotals) -> ExportTotals {
        let (rows, minor_units) = *self.left_out.borrow();
        let more = minor_units + i64::from(fault::is("totals-off-by-one"));
        let amount = Money { minor_units: totals.amount.minor_units + more, ..totals.amount };
        ExportTotals { rows: totals.rows + rows, amount, ..totals }
    }
}

impl GuestWriteoffExport for Export {
    fn append(&self, mut rows: Vec<Writeoff>) -> Result<(), Vec<Problem>> {
        if fault::is("row-left-out") && rows.len() > 2 {
            let mut left_out = self.left_out.borrow_mut();
            for row in rows.split_off(rows.len() - 2) {
                left_out.0 += 1;
                left_out.1 += row.amount.minor_units;
            }
        }
        if fault::is("bad-day-taken") {
            rows.iter_mut().filter(|row| row.date.day > 31).for_each(|row| row.date.day = 31);
        }
        self.inner.borrow_mut().append(rows).map_err(|mut problems| {
            let rows = problems.iter_mut().map(|problem| &mut problem.row);
            rows.filter(|_| fault::is("row-not-named")).for_each(|row| *row = None);
            problems
        })
    }

    fn finish(&self) -> Result<ExportTotals, Vec<Problem>> {
        let totals = self.inner.borrow_mut().finish()?;
        Ok(self.totals(totals))
    }

    fn read(&self) -> Option<ExportPart> {
        let part = self.inner.borrow_mut().read()?;
        Some(match part {
            ExportPart::FileEnd(totals) => ExportPart::FileEnd(self.totals(totals)),
            part => part,
        })
    }
}
