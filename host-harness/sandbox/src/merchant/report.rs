//! Reports that are read from files.

use domain::{ControlTotals, ReportRow};
use wasmtime::component::ResourceAny;

use crate::call::Instance;
use crate::contract::{Abilities, refused};
use crate::error::Error;
use crate::function::Function;
use crate::limits::Limits;

/// The most bytes of a file in one call.
const CHUNK_BYTES_MAX: usize = 64 << 10;

/// A report's file that is being read. Its rows are those that [`append`](Report::append) and [`finish`](Report::finish) return,
/// in order.
pub struct Report {
    /// `None` once an error has ended the report.
    open: Option<OpenReport>,
    chunk_bytes_max: usize,
    step_fuel_max: u64,
}

struct OpenReport {
    instance: Instance,
    abilities: &'static dyn Abilities,
    report: ResourceAny,
}

impl Report {
    pub(super) fn new(instance: Instance, abilities: &'static dyn Abilities, report: ResourceAny, limits: &Limits) -> Report {
        let open = Some(OpenReport { instance, abilities, report });
        let chunk_bytes_max = limits.input_bytes_max.clamp(1, CHUNK_BYTES_MAX);
        Report { open, chunk_bytes_max, step_fuel_max: limits.export_fuel_max }
    }

    /// Reads any number of bytes and returns the rows that are complete. They are passed to the provider in chunks of at most
    /// 64 KiB, each with the full budget of an export's step.
    ///
    /// # Errors
    /// [`Error::Provider`] with the first bad row. It and any other error end the report.
    pub fn append(&mut self, bytes: &[u8]) -> Result<Vec<ReportRow>, Error> {
        let mut rows = Vec::new();
        for chunk in bytes.chunks(self.chunk_bytes_max) {
            let mut open = self.take()?;
            let read = open.abilities.append_report(&mut open.instance, open.report, chunk)?;
            rows.extend(read.map_err(|problems| refused(Function::AppendReport, problems))?);
            self.open = Some(open);
        }
        Ok(rows)
    }

    /// Ends the report. Returns the remaining rows, and the report's own totals. Nothing can be read afterwards.
    ///
    /// # Errors
    /// As for [`Report::append`].
    pub fn finish(&mut self) -> Result<(Vec<ReportRow>, ControlTotals), Error> {
        let mut open = self.take()?;
        let read = open.abilities.finish_report(&mut open.instance, open.report)?;
        read.map_err(|problems| refused(Function::FinishReport, problems))
    }

    /// Takes the instance, with a full budget. It is put back after a call that succeeded.
    fn take(&mut self) -> Result<OpenReport, Error> {
        let mut open = self.open.take().ok_or(Error::ReportClosed)?;
        open.instance.reset_budget(self.step_fuel_max)?;
        Ok(open)
    }
}
