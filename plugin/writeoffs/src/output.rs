//! The output of a writer that was not taken yet, and the problems it found.

use std::collections::VecDeque;

use crate::date::Date;
use crate::totals::{Sums, Totals};
use crate::writeoff::Problem;

/// A part of the output, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part {
    /// More of the current file.
    Bytes(Vec<u8>),
    /// The current file is complete and has these totals. Later bytes belong to the next file.
    FileEnd(Totals),
    /// Write-offs that are in no file. It may come between files as well as within one.
    LeftOut(LeftOut),
    /// A warning. It may come between files as well as within one.
    Warning(Warning),
}

/// Write-offs whose sum is zero or less, so that no act can contain them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftOut {
    /// The number of write-offs.
    pub rows: u64,
    /// The row of the last one in the input.
    pub row: u64,
    /// The id of the last one.
    pub writeoff: String,
    /// Their account; empty for the act of all individuals.
    pub account: String,
    /// The buyer's name.
    pub subscriber: String,
    /// The contract's number.
    pub contract: String,
    /// The service's code; may be empty.
    pub service_code: String,
    /// The service's name.
    pub service: String,
    /// The first day of the month.
    pub period: Date,
    /// VAT in hundredths of a percent; `None` is «без НДС».
    pub vat_basis_points: Option<u16>,
    /// Their sum, and the VAT included in it.
    pub sums: Sums,
}

/// Something that was exported but should be checked by a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Warning {
    /// The row of the write-off in which it was noticed.
    pub row: u64,
    /// For programs.
    pub kind: WarningKind,
    /// For people.
    pub message: String,
}

/// The kinds of warnings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WarningKind {
    /// Two service codes have the same name.
    SameName,
    /// One service code has two names.
    OneCode,
    /// A contract is dated after the month of its act.
    LateContract,
}

/// A queue of parts, and the problems found since they were last taken.
#[derive(Debug, Default)]
pub struct Output {
    bytes: Vec<u8>,
    /// How many of the bytes were taken.
    taken: usize,
    /// The position of each file's end, and its totals.
    ends: Vec<(usize, Totals)>,
    /// How many of the ends were taken.
    ends_taken: usize,
    /// Parts that belong to no file.
    beside: VecDeque<Part>,
    faults: Vec<Problem>,
    /// Whether the search for problems has ended, since it is pointless or would take too much memory.
    is_over: bool,
}

impl Output {
    /// Returns the buffer to which the current file's bytes are appended.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub(crate) fn end_file(&mut self, totals: Totals) {
        self.ends.push((self.bytes.len(), totals));
    }

    pub(crate) fn leave_out(&mut self, left_out: LeftOut) {
        self.beside.push_back(Part::LeftOut(left_out));
    }

    pub(crate) fn warn(&mut self, row: u64, kind: WarningKind, message: String) {
        self.beside.push_back(Part::Warning(Warning { row, kind, message }));
    }

    /// Reports a problem. The output is then worthless, but the writer continues, to find more problems.
    #[cold]
    pub(crate) fn fault(&mut self, problem: Problem) {
        self.faults.push(problem);
    }

    /// Ends the search for problems: the writer ignores further write-offs.
    #[cold]
    pub(crate) fn end_faults(&mut self) {
        self.is_over = true;
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Takes the problems found since the last call.
    pub fn take_faults(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.faults)
    }

    /// Discards the output.
    pub fn discard(&mut self) {
        *self = Output { faults: std::mem::take(&mut self.faults), is_over: self.is_over, ..Output::default() };
    }

    /// Takes the next part; bytes come at most `bytes_max` at a time, which must be at least 1. Returns `None` if nothing is
    /// ready.
    pub fn take(&mut self, bytes_max: usize) -> Option<Part> {
        if let Some(part) = self.beside.pop_front() {
            return Some(part);
        }
        let end = self.ends.get_mut(self.ends_taken);
        let until = end.as_ref().map_or(self.bytes.len(), |(at, _)| *at);
        if self.taken == until {
            let Some((_, totals)) = end else {
                self.bytes.clear();
                self.ends.clear();
                (self.taken, self.ends_taken) = (0, 0);
                return None;
            };
            self.ends_taken += 1;
            return Some(Part::FileEnd(std::mem::take(totals)));
        }
        let from = self.taken;
        self.taken = until.min(from.saturating_add(bytes_max));
        if from == 0 && self.taken == self.bytes.len() && self.ends.is_empty() {
            // Most parts contain the whole buffer. The next one is likely to have the same length.
            self.taken = 0;
            let next = Vec::with_capacity(self.bytes.len());
            return Some(Part::Bytes(std::mem::replace(&mut self.bytes, next)));
        }
        Some(Part::Bytes(self.bytes.get(from..self.taken).unwrap_or_default().to_vec()))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Returns the files of an output, each with its totals. Bytes after the last file's end fail the test.
    pub(crate) fn files(output: &mut Output) -> Vec<(String, Totals)> {
        let mut files = Vec::new();
        let mut bytes = Vec::new();
        while let Some(part) = output.take(usize::MAX) {
            match part {
                Part::Bytes(more) => bytes.extend(more),
                Part::FileEnd(totals) => files.push((String::from_utf8(std::mem::take(&mut bytes)).unwrap(), totals)),
                Part::LeftOut(_) | Part::Warning(_) => {}
            }
        }
        assert_eq!(bytes, b"", "a file was not ended");
        files
    }

    #[test]
    fn parts_are_cut_and_in_order() {
        let mut output = Output::default();
        output.buffer().extend_from_slice(b"abcde");
        output.end_file(Totals::default());
        output.buffer().extend_from_slice(b"fg");
        let bytes = |text: &[u8]| Some(Part::Bytes(text.to_vec()));
        assert_eq!(output.take(2), bytes(b"ab"));
        assert_eq!(output.take(2), bytes(b"cd"));
        assert_eq!(output.take(2), bytes(b"e"));
        assert_eq!(output.take(2), Some(Part::FileEnd(Totals::default())));
        assert_eq!(output.take(2), bytes(b"fg"));
        assert_eq!(output.take(2), None);
    }
}
