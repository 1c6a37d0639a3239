//! The rules about exports.

use domain::{ExportPart, ExportTotals};

use super::names::{Violations, are_fields, broken, problem};

const PART_BYTES_MAX: usize = 256 << 10;

/// Returns the rules that a single part of an export's output breaks.
pub fn export_part(part: &ExportPart) -> Violations {
    match part {
        ExportPart::Bytes(bytes) => broken([((1..=PART_BYTES_MAX).contains(&bytes.len()), "a part has not 1 to 262144 bytes")]),
        ExportPart::LeftOut(left_out) => {
            let mut wrong = broken([(left_out.rows > 0, "it leaves out no write-offs")]);
            wrong.extend(problem(&left_out.reason));
            wrong
        }
        ExportPart::Warning(warning) => problem(warning),
        ExportPart::FileEnd(totals) => export_totals(totals),
    }
}

/// Returns the rules that totals break by themselves.
pub fn export_totals(totals: &ExportTotals) -> Violations {
    broken([(are_fields(&totals.extra), "extra is not at most 256 names in kebab-case, each once")])
}

/// The sums over an export's output so far, to check it against the contract.
#[derive(Default)]
pub struct Files {
    /// Whether there were bytes since the last end of a file.
    is_open: bool,
    rows: u64,
    left_out_rows: u64,
    documents: u64,
    minor_units: i128,
    vat_minor_units: i128,
}

impl Files {
    /// Adds the next part, and returns the rules that it breaks at its position.
    pub fn part(&mut self, part: &ExportPart) -> Violations {
        match part {
            ExportPart::Bytes(_) => self.is_open = true,
            ExportPart::LeftOut(left_out) => self.left_out_rows = self.left_out_rows.saturating_add(left_out.rows),
            ExportPart::Warning(_) => {}
            ExportPart::FileEnd(totals) => {
                self.rows = self.rows.saturating_add(totals.rows);
                self.documents = self.documents.saturating_add(totals.documents);
                self.minor_units += i128::from(totals.amount.minor_units);
                self.vat_minor_units += i128::from(totals.vat_minor_units);
                return broken([(std::mem::take(&mut self.is_open), "a file without bytes ends")]);
            }
        }
        Violations::new()
    }

    /// Returns the rules that the export's totals break, after `rows` appended rows.
    pub fn totals(&self, totals: &ExportTotals, rows: u64) -> Violations {
        broken([
            (
                totals.rows.saturating_add(self.left_out_rows) == rows,
                "the totals, with what was left out, count other rows than were appended",
            ),
            (!self.is_open, "the last file has no end"),
            (self.rows == totals.rows && self.documents == totals.documents, "the files' totals are not the export's"),
            (self.minor_units == totals.amount.minor_units.into(), "the files' amounts are not the export's"),
            (self.vat_minor_units == totals.vat_minor_units.into(), "the files' VAT is not the export's"),
        ])
    }
}
