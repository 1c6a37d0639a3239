//! CSV files (RFC 4180), read in pieces of any length and in bounded memory.
//!
//! Fields are bytes: of the charsets that are read here, all have the separators of ASCII.

/// The longest row, in bytes. Known registers have some 200.
const ROW_BYTES_MAX: usize = 16 << 10;
/// The most fields of a row.
const FIELDS_MAX: usize = 256;

const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// A row as it is read.
pub struct Row {
    /// The number of the row, 1 for the first. Empty rows count.
    pub number: u64,
    text: Vec<u8>,
    /// The end of each field in `text`.
    ends: Vec<usize>,
}

/// Why a file is not CSV, at the row being read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CsvError {
    /// A row is longer, or has more fields, than any row of a register.
    TooLong,
    /// A quote within a field that does not begin with one, or text after a closing quote.
    Quote,
    /// The file ends within quotes.
    CutOff,
}

/// Reads a file.
pub struct Reader {
    separator: u8,
    row: Row,
    state: State,
    /// How many bytes of the byte order mark were skipped. None: the file's text has begun.
    mark: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a field.
    Begin,
    Plain,
    Quoted,
    /// After a quote within quotes: the field ends, or the quote was doubled.
    Quote,
    /// After a carriage return.
    Return,
}

impl Row {
    /// Returns the fields, without their quotes.
    pub fn fields(&self) -> impl Iterator<Item = &[u8]> {
        let begins = std::iter::once(&0).chain(&self.ends);
        begins.zip(&self.ends).filter_map(|(begin, end)| self.text.get(*begin..*end))
    }

    fn is_empty(&self) -> bool {
        self.text.is_empty() && self.ends.is_empty()
    }
}

impl Reader {
    pub fn new(separator: u8) -> Reader {
        Reader { separator, row: Row { number: 1, text: Vec::new(), ends: Vec::new() }, state: State::Begin, mark: Some(0) }
    }

    /// Returns the number of the row that is being read.
    pub fn row(&self) -> u64 {
        self.row.number
    }

    /// Reads a byte, and calls `end` with the row if it ends there. Empty rows are skipped.
    ///
    /// # Errors
    /// What is wrong with the file, or the error of `end`.
    pub fn push<E: From<CsvError>>(&mut self, byte: u8, end: impl FnOnce(&Row) -> Result<(), E>) -> Result<(), E> {
        if let Some(skipped) = self.mark.take() {
            if BYTE_ORDER_MARK.get(skipped) == Some(&byte) {
                self.mark = Some(skipped + 1);
                return Ok(());
            }
            // Part of a mark is text: `п` in windows-1251.
            for byte in BYTE_ORDER_MARK.iter().take(skipped).filter(|_| skipped < BYTE_ORDER_MARK.len()) {
                self.take(*byte)?;
                self.state = State::Plain;
            }
        }
        if self.state == State::Return {
            self.state = State::Begin;
            if byte == b'\n' {
                return Ok(());
            }
        }
        match (self.state, byte) {
            (State::Quoted, b'"') => self.state = State::Quote,
            (State::Quoted, _) => self.take(byte)?,
            (State::Quote, b'"') => {
                self.take(byte)?;
                self.state = State::Quoted;
            }
            (State::Begin, b'"') => self.state = State::Quoted,
            (State::Plain, b'"') => return Err(CsvError::Quote.into()),
            (_, b'\r' | b'\n') => {
                self.end_row(end)?;
                self.state = if byte == b'\r' { State::Return } else { State::Begin };
            }
            (_, byte) if byte == self.separator => {
                self.end_field()?;
                self.state = State::Begin;
            }
            (State::Quote, _) => return Err(CsvError::Quote.into()),
            (State::Begin | State::Plain | State::Return, _) => {
                self.take(byte)?;
                self.state = State::Plain;
            }
        }
        Ok(())
    }

    /// Ends the file, whose last row may have no line break.
    ///
    /// # Errors
    /// As for [`push`](Reader::push).
    pub fn finish<E: From<CsvError>>(&mut self, end: impl FnOnce(&Row) -> Result<(), E>) -> Result<(), E> {
        match self.state {
            State::Quoted => Err(CsvError::CutOff.into()),
            State::Return => Ok(()),
            _ => self.end_row(end),
        }
    }

    fn take(&mut self, byte: u8) -> Result<(), CsvError> {
        if self.row.text.len() == ROW_BYTES_MAX {
            return Err(CsvError::TooLong);
        }
        self.row.text.push(byte);
        Ok(())
    }

    fn end_field(&mut self) -> Result<(), CsvError> {
        if self.row.ends.len() == FIELDS_MAX {
            return Err(CsvError::TooLong);
        }
        self.row.ends.push(self.row.text.len());
        Ok(())
    }

    fn end_row<E: From<CsvError>>(&mut self, end: impl FnOnce(&Row) -> Result<(), E>) -> Result<(), E> {
        if self.state == State::Quote || !self.row.is_empty() {
            self.end_field()?;
            end(&self.row)?;
        }
        self.row.number += 1;
        self.row.text.clear();
        self.row.ends.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns the rows of a file with their numbers, read in pieces.
    fn rows(text: &[u8]) -> Result<Vec<(u64, Vec<String>)>, CsvError> {
        let mut reader = Reader::new(b';');
        let mut rows = Vec::new();
        let mut add = |row: &Row| {
            rows.push((row.number, row.fields().map(|field| String::from_utf8_lossy(field).into_owned()).collect()));
            Ok::<(), CsvError>(())
        };
        text.iter().try_for_each(|byte| reader.push(*byte, &mut add))?;
        reader.finish(&mut add)?;
        Ok(rows)
    }

    #[test]
    fn files_as_they_come() {
        let row = |number, fields: &[&str]| (number, fields.iter().map(|field| (*field).to_owned()).collect::<Vec<_>>());
        for (text, want) in [
            ("", Ok(vec![])),
            ("a;b\n1;2\n", Ok(vec![row(1, &["a", "b"]), row(2, &["1", "2"])])),
            ("a;b\r\n1;2", Ok(vec![row(1, &["a", "b"]), row(2, &["1", "2"])])),
            ("a\rb\r", Ok(vec![row(1, &["a"]), row(2, &["b"])])),
            ("\u{feff}\"a\"\n", Ok(vec![row(1, &["a"])])),
            ("a\n\n\r\nb", Ok(vec![row(1, &["a"]), row(4, &["b"])])),
            ("\u{ff01}\n", Ok(vec![row(1, &["\u{ff01}"])])),
            (";\n\"\"\n", Ok(vec![row(1, &["", ""]), row(2, &[""])])),
            ("\"a;\"\"b\"\"\r\nc\";d\n", Ok(vec![row(1, &["a;\"b\"\r\nc", "d"])])),
            ("a\"b\n", Err(CsvError::Quote)),
            ("\"a\"b\n", Err(CsvError::Quote)),
            ("a;\"b\n", Err(CsvError::CutOff)),
            (&"x".repeat(ROW_BYTES_MAX + 1), Err(CsvError::TooLong)),
            (&";".repeat(FIELDS_MAX), Err(CsvError::TooLong)),
        ] {
            assert_eq!(rows(text.as_bytes()), want, "{text:.60}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(table in prop::collection::vec(prop::collection::vec("[a;\"\r\n я]{0,4}", 1..4), 0..4)) {
            let quoted = |field: &String| format!("\"{}\"", field.replace('"', "\"\""));
            let text: String = table.iter().map(|row| row.iter().map(quoted).collect::<Vec<_>>().join(";") + "\r\n").collect();
            let read: Vec<Vec<String>> = rows(text.as_bytes()).unwrap().into_iter().map(|(_, fields)| fields).collect();
            prop_assert_eq!(read, table);
        }
    }
}
