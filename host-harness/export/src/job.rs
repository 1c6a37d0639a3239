//! An export, from its first write-off to its files.

use std::path::Path;

use domain::{ExportRow, ExportWriter};

use crate::checks::Checks;
use crate::faults::Faults;
use crate::files::{Files, Whole, WriteError};
use crate::left_out;
use crate::manifest::{ExportInfo, Input};
use crate::names;

/// Why an export failed. The earlier files are unchanged, unless the variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum ExportError<E> {
    /// The writer failed: it exceeded a limit, crashed, or broke the contract.
    #[error(transparent)]
    Writer(E),
    /// The files cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Rows have faults.
    #[error("{0}")]
    Faults(Faults),
    /// There are no rows except those that a decision left out, and an empty export was not allowed.
    #[error("there are no write-offs to export; check where they come from, or allow an empty export")]
    Empty,
    /// The provider lost or invented money.
    #[error("{got} minor units were exported or left out, and {wanted} were to be; report it to the provider's author")]
    Unaccounted {
        /// The sum of the files and of the list of what was left out.
        got: i128,
        /// The sum of the rows.
        wanted: i128,
    },
}

/// An export in progress. It brings names into one form, checks what only all rows together show, and writes what the provider
/// returns. It collects faults: once there is one nothing is written, but the remaining rows are checked for more.
pub struct Job<W> {
    writer: W,
    files: Files,
    checks: Checks,
    faults: Faults,
    input: Input,
}

impl<W: ExportWriter> Job<W> {
    /// Begins an export that writes `out`, or several numbered files beside it: `october.xml` becomes `october-0001.xml` and so
    /// on.
    ///
    /// # Errors
    /// If the path has no file name.
    pub fn begin(writer: W, out: &Path, numbered: bool) -> Result<Job<W>, ExportError<W::Error>> {
        let files = Files::create(out, numbered)?;
        Ok(Job { writer, files, checks: Checks::default(), faults: Faults::default(), input: Input::default() })
    }

    /// Adds write-offs, in the order that the format requires. [`finish`](Job::finish) returns their faults.
    ///
    /// # Errors
    /// If the provider fails or a file cannot be written. The export has ended then.
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

    /// Leaves a write-off out by a person's decision, with the reason. It is listed and counted like what the provider leaves
    /// out.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn leave_out(&mut self, row: &ExportRow, reason: &str) -> Result<(), ExportError<W::Error>> {
        self.input.add(row);
        self.input.left_out_by_decision += 1;
        Ok(self.files.leave_out(left_out::by_decision(row, reason))?)
    }

    /// Ends the input and waits until the files are whole. [`Whole::commit`] gives them their names.
    ///
    /// # Errors
    /// All faults of the rows, or any other failure of the export.
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
