//! An export from its first write-off to its files.

use std::path::Path;

use domain::{ExportRow, ExportWriter};

use crate::checks::Checks;
use crate::faults::Faults;
use crate::files::{Files, Whole, WriteError};
use crate::left_out;
use crate::manifest::{ExportInfo, Input};
use crate::names;

/// Why there is no export. What was there before is there still, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum ExportError<E> {
    /// The writer failed: a limit, a crash, an answer against the contract.
    #[error(transparent)]
    Writer(E),
    /// The files cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Rows are wrong.
    #[error("{0}")]
    Faults(Faults),
    /// There are no rows but those that were left out by decision, and none is not what was wanted.
    #[error("there are no write-offs to export; check where they come from, or allow an empty export")]
    Empty,
    /// The provider lost or made money.
    #[error("{got} minor units were exported or left out, and {wanted} were to be; report it to the provider's author")]
    Unaccounted {
        /// What the files and the list of what was left out hold.
        got: i128,
        /// What the rows sum up to.
        wanted: i128,
    },
}

/// An export in progress: it brings names into one form, checks what only all rows together show, and writes what the provider makes of
/// them. Faults are collected: nothing is written then, but the rest is looked through for more.
pub struct Job<W> {
    writer: W,
    files: Files,
    checks: Checks,
    faults: Faults,
    input: Input,
}

impl<W: ExportWriter> Job<W> {
    /// Begins one that writes `out`, or, numbered, several files beside it: `october.xml` becomes `october-0001.xml` and so on.
    ///
    /// # Errors
    /// Where the path names no file.
    pub fn begin(writer: W, out: &Path, numbered: bool) -> Result<Job<W>, ExportError<W::Error>> {
        let files = Files::create(out, numbered)?;
        Ok(Job { writer, files, checks: Checks::default(), faults: Faults::default(), input: Input::default() })
    }

    /// Adds write-offs, in the order that the format asks for. Faults of theirs are told by [`finish`](Job::finish).
    ///
    /// # Errors
    /// Where the provider breaks or a file cannot be written; the export is over then.
    pub fn append(&mut self, mut rows: Vec<ExportRow>) -> Result<(), ExportError<W::Error>> {
        let mut problems = Vec::new();
        for row in &mut rows {
            names::normalize(row);
            self.input.add(row);
            problems.extend(self.checks.add(self.input.rows - self.input.left_out_by_decision, row));
        }
        match self.writer.write_rows(&rows).map_err(ExportError::Writer)? {
            Ok(parts) if self.faults.is_empty() && problems.is_empty() => self.files.write(parts)?,
            Ok(_) => {}
            Err(more) => problems.extend(more),
        }
        problems.sort_by_key(|problem| problem.row);
        self.faults.add(problems);
        Ok(())
    }

    /// Leaves a write-off out by a person's decision, with the reason: it is listed and counted like what the provider leaves out.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn leave_out(&mut self, row: &ExportRow, reason: &str) -> Result<(), ExportError<W::Error>> {
        self.input.add(row);
        self.input.left_out_by_decision += 1;
        Ok(self.files.leave_out(left_out::by_decision(row, reason))?)
    }

    /// Ends the input and waits until the files are whole; [`Whole::commit`] gives them their names.
    ///
    /// # Errors
    /// All faults of the rows, or whatever else went wrong.
    pub fn finish(mut self, about: ExportInfo, allow_empty: bool) -> Result<Whole, ExportError<W::Error>> {
        let (totals, parts) = match self.writer.end().map_err(ExportError::Writer)? {
            Ok(end) => end,
            Err(more) => {
                self.faults.add(more);
                return Err(ExportError::Faults(self.faults));
            }
        };
        if !self.faults.is_empty() {
            return Err(ExportError::Faults(self.faults));
        }
        if self.input.rows == self.input.left_out_by_decision && !allow_empty {
            return Err(ExportError::Empty);
        }
        self.files.write(parts)?;
        let (got, wanted) = (self.files.left_out_minor_units() + i128::from(totals.amount.minor_units), self.input.minor_units);
        if got != wanted {
            return Err(ExportError::Unaccounted { got, wanted });
        }
        Ok(self.files.finish(about, totals, self.input)?)
    }
}
