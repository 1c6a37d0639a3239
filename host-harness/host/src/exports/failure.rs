//! Why an export was not created, in messages that say what to do.

use std::collections::BTreeMap;
use std::fmt;

use export::{GoneActs, Manifest};

use crate::error::HostError;

/// The acts that an earlier export had and the new one lacks, which stay in 1C if the earlier export was loaded; or why they
/// cannot be determined.
pub type Gone = Result<GoneActs, String>;

/// Why an export was not created. Existing files are unchanged.
#[derive(Debug)]
pub enum ExportFailure {
    /// It is invalid, or cannot be created now.
    Failed(HostError),
    /// Some write-offs cannot be exported in this format.
    Rows {
        /// It has a problem for each of them.
        error: HostError,
        /// Their ids, by the row number in the problem.
        ids: BTreeMap<u64, String>,
        /// How many more problems there are.
        more: u64,
    },
    /// There is nothing to export.
    Empty,
    /// An export of the same name exists and has other contents.
    Differs {
        /// The manifest of the existing export, if it can be read.
        before: Option<Box<Manifest>>,
        /// When the existing export was created, in seconds since the epoch.
        made_at: u64,
        /// The manifest that the new export would have.
        now: Box<Manifest>,
        /// The acts that the existing export has and the new one lacks.
        gone: Gone,
    },
}

impl From<HostError> for ExportFailure {
    fn from(error: HostError) -> ExportFailure {
        ExportFailure::Failed(error)
    }
}

impl From<export::WriteError> for ExportFailure {
    fn from(error: export::WriteError) -> ExportFailure {
        ExportFailure::Failed(error.into())
    }
}

impl fmt::Display for ExportFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExportFailure::Failed(error) | ExportFailure::Rows { error, .. } => error.fmt(f),
            ExportFailure::Empty => f.write_str(
                "there are no write-offs to export in these days; to make a file without any, allow it (allow_empty)",
            ),
            ExportFailure::Differs { before, now, gone, .. } => {
                let before = before.as_deref().map_or("what cannot be read".to_owned(), sums);
                let (now, gone) = (sums(now), told_gone(gone));
                write!(
                    f,
                    "such an export exists and holds {before}; now it would hold {now}; to replace it, say so (replace){gone}"
                )
            }
        }
    }
}

impl std::error::Error for ExportFailure {}

impl From<ExportFailure> for HostError {
    fn from(why: ExportFailure) -> HostError {
        match why {
            ExportFailure::Failed(error) | ExportFailure::Rows { error, .. } => error,
            ExportFailure::Empty => HostError::invalid(why.to_string()),
            ExportFailure::Differs { .. } => HostError::conflict(why.to_string()),
        }
    }
}

/// Returns a manifest's row count and total, as text.
fn sums(manifest: &Manifest) -> String {
    let totals = &manifest.totals;
    let amount = money::format_amount(totals.amount.minor_units);
    format!("{} write-offs of {amount} {}", totals.rows, totals.amount.currency)
}

/// Returns what to do about acts that a new export lacks, as the end of a sentence.
fn told_gone(gone: &Gone) -> String {
    match gone {
        Ok(gone) if gone.is_empty() => String::new(),
        Ok(GoneActs { numbers, more }) => {
            let more = if *more > 0 { format!(" and {more} more") } else { String::new() };
            let numbers = numbers.join(", ");
            format!(". The new one lacks the acts {numbers}{more}: where they were loaded into 1C, delete them there by hand")
        }
        Err(why) => format!(". Which acts the new one lacks cannot be told: {why}"),
    }
}
