//! What a writer has written and nobody has taken yet.

use std::collections::VecDeque;

use crate::totals::Totals;

/// A piece of the output, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part {
    /// More of the current file.
    Bytes(Vec<u8>),
    /// The current file is whole, and what it holds; what follows is another file.
    FileEnd(Totals),
}

/// A queue of parts.
#[derive(Debug, Default)]
pub struct Output {
    /// Of the files that are whole.
    ended: VecDeque<Part>,
    /// Of the file that is being written.
    open: Vec<u8>,
    /// How much of the first bytes was taken.
    taken: usize,
}

impl Output {
    /// Where the current file's bytes are appended.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.open
    }

    pub(crate) fn end_file(&mut self, totals: Totals) {
        self.ended.push_back(Part::Bytes(std::mem::take(&mut self.open)));
        self.ended.push_back(Part::FileEnd(totals));
    }

    /// Takes the next part, bytes of at most `bytes_max`, which is at least 1. None: nothing is ready.
    pub fn take(&mut self, bytes_max: usize) -> Option<Part> {
        let bytes = match self.ended.front() {
            Some(Part::FileEnd(_)) => return self.ended.pop_front(),
            Some(Part::Bytes(bytes)) => bytes,
            None => &self.open,
        };
        let rest = bytes.get(self.taken..).unwrap_or_default();
        let part = rest.get(..bytes_max).unwrap_or(rest).to_vec();
        self.taken += part.len();
        if part.len() == rest.len() {
            self.taken = 0;
            match self.ended.pop_front() {
                Some(_) => {}
                None => self.open.clear(),
            }
            if part.is_empty() {
                return self.ended.pop_front();
            }
        }
        Some(Part::Bytes(part))
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
