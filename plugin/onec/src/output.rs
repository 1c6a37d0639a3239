//! What a writer has written and nobody has taken yet, and what it found wrong.

use std::collections::VecDeque;

use crate::date::Date;
use crate::totals::{Sums, Totals};
use crate::writeoff::Problem;

/// A piece of the output, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part {
    /// More of the current file.
    Bytes(Vec<u8>),
    /// The current file is whole, and what it holds; what follows is another file.
    FileEnd(Totals),
    /// What is in no file. It stands between files as well as within one.
    LeftOut(LeftOut),
    /// What deserves a look. As [`LeftOut`](Part::LeftOut).
    Warning(Warning),
}

/// Write-offs whose sum is zero or below, so that no act can hold them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftOut {
    /// How many.
    pub rows: u64,
    /// Which of the input the last is.
    pub row: u64,
    /// The id of the last.
    pub writeoff: String,
    /// Their account; empty where it is all individuals'.
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
    /// Their sum, and the VAT within it.
    pub sums: Sums,
}

/// What is exported but deserves a look.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Warning {
    /// The write-off that shows it.
    pub row: u64,
    /// For a program.
    pub kind: WarningKind,
    /// For a person.
    pub message: String,
}

/// What deserves a look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WarningKind {
    /// Two codes of services have one name.
    SameName,
    /// One code of a service has two names.
    OneCode,
    /// A contract is of a later day than its act.
    LateContract,
}

/// A queue of parts, and the faults found since they were taken last.
#[derive(Debug, Default)]
pub struct Output {
    bytes: Vec<u8>,
    /// How many of them were taken.
    taken: usize,
    /// Where files end, and what each holds.
    ends: Vec<(usize, Totals)>,
    /// How many of the ends were taken.
    ends_taken: usize,
    /// What is in no file.
    beside: VecDeque<Part>,
    faults: Vec<Problem>,
    /// Whether to look for more faults is of no use, or would take too much memory.
    is_over: bool,
}

impl Output {
    /// Where the current file's bytes are appended.
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

    /// Tells a fault. What is written with one is to be thrown away, but the writer goes on to look for more.
    #[cold]
    pub(crate) fn fault(&mut self, problem: Problem) {
        self.faults.push(problem);
    }

    /// Ends the search for faults: the writer takes no more write-offs.
    #[cold]
    pub(crate) fn end_faults(&mut self) {
        self.is_over = true;
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Takes the faults found since the last time.
    pub fn take_faults(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.faults)
    }

    /// Throws away what was written.
    pub fn discard(&mut self) {
        *self = Output { faults: std::mem::take(&mut self.faults), is_over: self.is_over, ..Output::default() };
    }

    /// Takes the next part, bytes of at most `bytes_max`, which is at least 1. None: nothing is ready.
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
            // Most parts are all that there is. The next one will be as long.
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

    /// The files of an output, each with its totals; what is left after the last end is none's.
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
        assert_eq!(bytes, b"", "a file has no end");
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
