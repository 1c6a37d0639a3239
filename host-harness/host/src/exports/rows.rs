//! The write-offs of an export: passed to the provider, left out, or reported as invalid.

use std::collections::BTreeMap;
use std::path::Path;

use domain::{AccountNumber, Date, Exclusion, ExportOptions, ExportRow, ListedWriteOff, Money, Problem, UndatedWriteOff};
use export::{Excluded, ExportError, ExportInfo, Faults, Job, Whole};
use ledger::Ledger;
use sandbox::{Export, Merchant};

use super::failure::ExportFailure;
use crate::error::{ErrorKind, HostError};

/// How many problems an export's error lists.
const PROBLEMS_MAX: usize = 100;

/// Why an export was not written, and whose fault it is.
pub enum WritingError {
    Provider(sandbox::Error),
    Faults(Faults),
    Host(ExportFailure),
}

impl From<ledger::Error> for WritingError {
    fn from(error: ledger::Error) -> WritingError {
        WritingError::Host(ExportFailure::Failed(error.into()))
    }
}

impl From<sandbox::Error> for WritingError {
    fn from(error: sandbox::Error) -> WritingError {
        WritingError::Provider(error)
    }
}

impl From<ExportError<sandbox::Error>> for WritingError {
    fn from(error: ExportError<sandbox::Error>) -> WritingError {
        match error {
            ExportError::Writer(error) => WritingError::Provider(error),
            ExportError::Faults(faults) => WritingError::Faults(faults),
            ExportError::Write(error) => WritingError::Host(error.into()),
            ExportError::Empty => WritingError::Host(ExportFailure::Empty),
            error @ ExportError::Unaccounted { .. } => {
                WritingError::Host(ExportFailure::Failed(HostError::new(ErrorKind::ProviderFailed, error.to_string())))
            }
        }
    }
}

/// An export to write.
pub struct Writing<'w> {
    pub options: &'w ExportOptions,
    pub out: &'w Path,
    pub is_numbered: bool,
    pub allow_empty: bool,
    pub about: ExportInfo,
}

impl Writing<'_> {
    pub fn write(self, ledger: &Ledger, merchant: &Merchant, rows: &mut Rows) -> Result<Whole, WritingError> {
        let mut job = Job::begin(merchant.export_writeoffs(self.options)?, self.out, self.is_numbered)?;
        let (from, to) = rows.days;
        ledger.writeoffs(from, to, |page| {
            let mut taken = Vec::with_capacity(page.len());
            for listed in page {
                taken.extend(rows.taken(listed, &mut job)?);
            }
            Ok::<(), WritingError>(job.append(taken)?)
        })?;
        Ok(job.finish(self.about, self.allow_empty)?)
    }
}

/// The write-offs of an export.
pub struct Rows {
    days: (Date, Date),
    /// Write-offs that no provider can export, since they have a date that does not exist: the first ones.
    of_no_day: Vec<UndatedWriteOff>,
    /// How many write-offs have such a date.
    pub no_days: u64,
    /// The write-offs that operators excluded.
    pub excluded: Vec<Excluded>,
    /// How many more faults were found than are listed.
    pub more: u64,
}

impl Rows {
    pub fn of(days: (Date, Date)) -> Rows {
        Rows { days, of_no_day: Vec::new(), no_days: 0, excluded: Vec::new(), more: 0 }
    }

    /// Returns a write-off as a row for the provider, unless it is excluded or has a date that does not exist. An excluded
    /// write-off is listed as left out; if its date does not exist, only the manifest names it.
    fn taken(
        &mut self,
        listed: ListedWriteOff,
        job: &mut Job<Export>,
    ) -> Result<Option<ExportRow>, ExportError<sandbox::Error>> {
        let ListedWriteOff { account, writeoff, exclusion } = listed;
        match (writeoff, exclusion) {
            (Ok(writeoff), None) => return Ok(Some(ExportRow::new(account, writeoff))),
            (Err(no_day), None) => {
                self.no_days += 1;
                self.of_no_day.extend(Some(no_day).filter(|_| self.of_no_day.len() < PROBLEMS_MAX));
            }
            (Ok(writeoff), Some(exclusion)) => {
                let (date, amount) = (writeoff.date.to_string(), writeoff.amount);
                let row = ExportRow::new(account, writeoff);
                job.leave_out(&row, &exclusion.reason)?;
                self.excluded.push(excluded(row.account, date, amount, exclusion));
            }
            (Err(UndatedWriteOff { date, amount, .. }), Some(exclusion)) => {
                self.excluded.push(excluded(account.number, date, amount, exclusion));
            }
        }
        Ok(None)
    }

    /// Converts a provider's error, and adds the ids of the write-offs that it is about.
    pub fn named(&self, ledger: &Ledger, failure: sandbox::Error) -> Result<ExportFailure, HostError> {
        let mut error = HostError::from(failure);
        let mut wanted: Vec<u64> = error.problems.iter().filter_map(|problem| problem.row).collect();
        if wanted.is_empty() {
            return Ok(ExportFailure::Failed(error));
        }
        if error.problems.len() > 1 {
            error.message = counted(error.problems.len(), self.more, "faults keep the write-offs from being exported");
        }
        wanted.sort_unstable();
        let mut ids = BTreeMap::new();
        let mut at = 0;
        ledger.writeoffs(self.days.0, self.days.1, |page| {
            for listed in page.iter().filter(|listed| listed.exclusion.is_none() && listed.writeoff.is_ok()) {
                at += 1;
                if wanted.binary_search(&at).is_ok() {
                    ids.insert(at, listed.id().to_owned());
                }
            }
            Ok::<(), ledger::Error>(())
        })?;
        Ok(ExportFailure::Rows { error, ids, more: self.more })
    }

    /// Returns the failure for write-offs of an older program that have a date that does not exist.
    pub fn no_days(self) -> ExportFailure {
        let more = self.no_days - self.of_no_day.len() as u64;
        let detail = counted(self.of_no_day.len(), more, "write-offs have days that do not exist");
        let (mut problems, mut ids) = (Vec::new(), BTreeMap::new());
        for (at, no_day) in (1..).zip(self.of_no_day) {
            let UndatedWriteOff { id, period, date, .. } = no_day;
            let message = format!(
                "Write-off \"{id}\": its period begins on {period} and its day is {date}, of which one is not a day of the calendar."
            );
            problems.push(Problem::new("invalid", message).of_row(at));
            ids.insert(at, id);
        }
        ExportFailure::Rows { error: HostError::invalid(detail).with_problems(problems), ids, more }
    }
}

/// Returns a sentence with the number of faults, how many of them are listed, and what to do.
fn counted(told: usize, more: u64, what: &str) -> String {
    let first = if more > 0 { format!(", of which the first {told} are told") } else { String::new() };
    format!("{} {what}{first}; correct them, or leave them out of exports with a reason", told as u64 + more)
}

fn excluded(account: AccountNumber, date: String, amount: Money, exclusion: Exclusion) -> Excluded {
    let Exclusion { id: _, writeoff, operator, reason, at } = exclusion;
    Excluded { writeoff, account: account.into(), date, amount, operator, reason, at }
}
