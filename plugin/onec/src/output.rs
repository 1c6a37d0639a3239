//! What a writer has written and nobody has taken yet.

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
    bytes: Vec<u8>,
    /// How many of them were taken.
    taken: usize,
    /// Where files end, and what each holds.
    ends: Vec<(usize, Totals)>,
    /// How many of the ends were taken.
    ends_taken: usize,
}

impl Output {
    /// Where the current file's bytes are appended.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub(crate) fn end_file(&mut self, totals: Totals) {
        self.ends.push((self.bytes.len(), totals));
    }

    /// Takes the next part, bytes of at most `bytes_max`, which is at least 1. None: nothing is ready.
    pub fn take(&mut self, bytes_max: usize) -> Option<Part> {
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
