//! Splits a form into its fields.
//!
//! Most of a callback's fuel in a component is spent here, so every byte counts: loops are in small functions and process eight
//! bytes at once.

use std::borrow::Cow;

/// A field, still encoded.
pub struct Pair<'b> {
    pub name: Encoded<'b>,
    pub value: Encoded<'b>,
}

/// Text that may contain `+` and `%XX`.
#[derive(Clone, Copy, Default)]
pub struct Encoded<'b>(pub &'b [u8]);

/// Splits a form into fields. A body of only separators has one more field than it has bytes.
pub fn pairs(bytes: &[u8]) -> impl Iterator<Item = Pair<'_>> {
    Pairs { bytes, marks: Marks { begin: 0, found: separators(bytes) }, begin: Some(0) }
}

struct Pairs<'b> {
    bytes: &'b [u8],
    marks: Marks,
    /// Where the next field begins.
    begin: Option<usize>,
}

impl<'b> Iterator for Pairs<'b> {
    type Item = Pair<'b>;

    #[inline(never)]
    fn next(&mut self) -> Option<Pair<'b>> {
        let begin = self.begin?;
        let bytes = self.bytes;
        let mut name_end = None;
        let end = loop {
            match self.marks.next(bytes) {
                Some(at) if bytes.get(at) == Some(&b'&') => {
                    self.begin = Some(at + 1);
                    break at;
                }
                Some(at) if name_end.is_none() => name_end = Some(at),
                Some(_) => {}
                None => {
                    self.begin = None;
                    break bytes.len();
                }
            }
        };
        let encoded = |begin: usize, end: usize| Encoded(bytes.get(begin..end).unwrap_or_default());
        Some(match name_end {
            Some(at) => Pair { name: encoded(begin, at), value: encoded(at + 1, end) },
            None => Pair { name: encoded(begin, end), value: Encoded::default() },
        })
    }
}

/// The positions of `&` and `=`.
struct Marks {
    /// Where the current 64 bytes begin.
    begin: usize,
    /// The marks in them that were not returned yet, a bit each.
    found: u64,
}

impl Marks {
    fn next(&mut self, bytes: &[u8]) -> Option<usize> {
        while self.found == 0 {
            self.begin += 64;
            self.found = separators(bytes.get(self.begin..)?);
        }
        let at = self.begin + self.found.trailing_zeros() as usize;
        self.found &= self.found.wrapping_sub(1);
        Some(at)
    }
}

/// Returns a bit for each of the first 64 bytes, set if it is `&` or `=`.
#[inline(never)]
fn separators(bytes: &[u8]) -> u64 {
    let mut found = 0;
    for (at, bytes) in (0..64).step_by(8).zip(bytes.chunks(8)) {
        // The multiplication gathers the eight bits in the highest byte.
        found |= ((either(word(bytes), b'&', b'=') >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << at;
    }
    found
}

#[inline(never)]
fn has_escapes(bytes: &[u8]) -> bool {
    bytes.chunks(8).any(|bytes| either(word(bytes), b'%', b'+') != 0)
}

/// Returns the first eight bytes as a number. A shorter slice is padded with zeros.
fn word(bytes: &[u8]) -> u64 {
    if let Some(all) = bytes.first_chunk() {
        return u64::from_le_bytes(*all);
    }
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// Returns the highest bit of each byte that is one of the two.
fn either(word: u64, one: u8, other: u8) -> u64 {
    const LOW: u64 = u64::from_ne_bytes([0x7f; 8]);
    // The highest bit is clear only in bytes that equal `from`. The addition never carries into the next byte.
    let differs = |from: u8| {
        let bits = word ^ u64::from_ne_bytes([from; 8]);
        ((bits & LOW) + LOW) | bits
    };
    !(differs(one) & differs(other)) & !LOW
}

impl<'b> Encoded<'b> {
    /// Decodes the text to bytes, which may not be UTF-8.
    pub fn decode(self) -> Cow<'b, [u8]> {
        if has_escapes(self.0) { Cow::Owned(decoded(self.0)) } else { Cow::Borrowed(self.0) }
    }

    /// Decodes the text. Bytes that are not UTF-8 become U+FFFD.
    pub fn text(self) -> Cow<'b, str> {
        match self.decode() {
            Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
            Cow::Owned(bytes) => Cow::Owned(
                String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
            ),
        }
    }
}

/// Decodes `+` and `%XX`. A library that looks ahead from every `%` exceeds a call's fuel on a body of nothing else.
#[inline(never)]
fn decoded(encoded: &[u8]) -> Vec<u8> {
    let mut decoded = vec![0; encoded.len()];
    let mut bytes = encoded.iter();
    let mut length = 0;
    for (place, length_after) in decoded.iter_mut().zip(1..) {
        let Some(byte) = bytes.next() else { break };
        *place = match byte {
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
        };
        length = length_after;
    }
    decoded.truncate(length);
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
