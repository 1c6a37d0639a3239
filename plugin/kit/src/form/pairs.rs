//! A form cut into its fields.
//!
//! It is the longest way of a callback through a component, so that it counts what a byte costs: loops stand in small functions, and
//! look at several bytes together.

use std::borrow::Cow;

/// A field as it travels.
pub struct Pair<'t> {
    pub name: Encoded<'t>,
    pub value: Encoded<'t>,
}

/// Text with `+` and `%XX` in it, or without.
#[derive(Clone, Copy, Default)]
pub struct Encoded<'t> {
    text: &'t str,
    has_escapes: bool,
}

/// The fields. A text of nothing but separators has as many fields as bytes, and one more.
pub fn pairs(text: &str) -> impl Iterator<Item = Pair<'_>> {
    Pairs { text, marks: Marks { begin: 0, found: marks(text.as_bytes()) }, begin: Some(0) }
}

struct Pairs<'t> {
    text: &'t str,
    marks: Marks,
    /// Where the next field begins.
    begin: Option<usize>,
}

impl<'t> Pairs<'t> {
    fn encoded(&self, begin: usize, end: usize, has_escapes: bool) -> Encoded<'t> {
        Encoded { text: self.text.get(begin..end).unwrap_or_default(), has_escapes }
    }
}

impl<'t> Iterator for Pairs<'t> {
    type Item = Pair<'t>;

    #[inline(never)]
    fn next(&mut self) -> Option<Pair<'t>> {
        let begin = self.begin.take()?;
        let bytes = self.text.as_bytes();
        let mut name = None;
        let mut has_escapes = false;
        let end = loop {
            let Some(at) = self.marks.next(bytes) else { break bytes.len() };
            match bytes.get(at) {
                Some(b'&') => {
                    self.begin = Some(at + 1);
                    break at;
                }
                Some(b'=') if name.is_none() => {
                    name = Some((at, has_escapes));
                    has_escapes = false;
                }
                Some(b'=') => {}
                _ => has_escapes = true,
            }
        };
        Some(match name {
            Some((at, name_has_escapes)) => {
                Pair { name: self.encoded(begin, at, name_has_escapes), value: self.encoded(at + 1, end, has_escapes) }
            }
            None => Pair { name: self.encoded(begin, end, has_escapes), value: Encoded::default() },
        })
    }
}

/// Where the bytes are that mean something in a form: `&`, `=`, `%`, `+`.
struct Marks {
    /// Where the 64 bytes begin that are looked at.
    begin: usize,
    /// Which of them are marks and not told yet.
    found: u64,
}

impl Marks {
    fn next(&mut self, bytes: &[u8]) -> Option<usize> {
        while self.found == 0 {
            self.begin += 64;
            self.found = marks(bytes.get(self.begin..)?);
        }
        let at = self.begin + self.found.trailing_zeros() as usize;
        self.found &= self.found.wrapping_sub(1);
        Some(at)
    }
}

/// Which of the first 64 bytes are marks.
#[inline(never)]
fn marks(bytes: &[u8]) -> u64 {
    let mut found = 0;
    for (at, word) in (0..64).step_by(8).zip(bytes.chunks(8)) {
        found |= marks_of_word(word) << at;
    }
    found
}

/// Which of eight bytes, or of the last ones, are marks.
fn marks_of_word(bytes: &[u8]) -> u64 {
    const LOW: u64 = u64::from_ne_bytes([0x7f; 8]);
    let word = u64::from_le_bytes(bytes.first_chunk().copied().unwrap_or_else(|| {
        let mut last = [0; 8];
        last.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        last
    }));
    // The highest bit of a byte stays clear where the byte is the mark; no other byte's bits come into it.
    let others = |mark: u8| {
        let differs = word ^ u64::from_ne_bytes([mark; 8]);
        ((differs & LOW) + LOW) | differs
    };
    let found = !(others(b'&') & others(b'=') & others(b'%') & others(b'+')) & !LOW;
    // The eight bits come together in the highest byte.
    (found >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

impl<'t> Encoded<'t> {
    /// How long it is while it is encoded.
    pub fn len(self) -> usize {
        self.text.len()
    }

    /// The text itself; `None` where that is not UTF-8.
    pub fn decode(self) -> Option<Cow<'t, str>> {
        if !self.has_escapes {
            return Some(Cow::Borrowed(self.text));
        }
        String::from_utf8(decoded(self.text)).ok().map(Cow::Owned)
    }

    /// The text itself, which may be no UTF-8.
    pub fn decode_bytes(self) -> Cow<'t, [u8]> {
        if self.has_escapes { Cow::Owned(decoded(self.text)) } else { Cow::Borrowed(self.text.as_bytes()) }
    }
}

/// A library that looks ahead from every `%` takes more fuel than a call has, for a body that is nothing else.
#[inline(never)]
fn decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes().iter();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => match bytes.as_slice() {
                [high, low, after @ ..] => match (digit(*high), digit(*low)) {
                    (Some(high), Some(low)) => {
                        bytes = after.iter();
                        high << 4 | low
                    }
                    _ => b'%',
                },
                _ => b'%',
            },
            byte => *byte,
        });
    }
    decoded
}

fn digit(hexadecimal: u8) -> Option<u8> {
    match hexadecimal {
        b'0'..=b'9' => Some(hexadecimal - b'0'),
        b'a'..=b'f' => Some(hexadecimal - b'a' + 10),
        b'A'..=b'F' => Some(hexadecimal - b'A' + 10),
        _ => None,
    }
}
