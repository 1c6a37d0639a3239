//! A form cut into its fields.
//!
//! It is the longest way of a callback through a component, so that it counts what a byte costs: loops stand in small functions, and
//! look at eight bytes together.

use std::borrow::Cow;

/// A field as it travels.
pub struct Pair<'b> {
    pub name: Encoded<'b>,
    pub value: Encoded<'b>,
}

/// Text with `+` and `%XX` in it, or without.
#[derive(Clone, Copy, Default)]
pub struct Encoded<'b>(pub &'b [u8]);

/// The fields. A body of nothing but separators has as many fields as bytes, and one more.
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

/// Where `&` and `=` are.
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
            self.found = separators(bytes.get(self.begin..)?);
        }
        let at = self.begin + self.found.trailing_zeros() as usize;
        self.found &= self.found.wrapping_sub(1);
        Some(at)
    }
}

/// Which of the first 64 bytes are `&` or `=`.
#[inline(never)]
fn separators(bytes: &[u8]) -> u64 {
    let mut found = 0;
    for (at, bytes) in (0..64).step_by(8).zip(bytes.chunks(8)) {
        // The eight bits come together in the highest byte.
        found |= ((either(word(bytes), b'&', b'=') >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << at;
    }
    found
}

#[inline(never)]
fn has_escapes(bytes: &[u8]) -> bool {
    bytes.chunks(8).any(|bytes| either(word(bytes), b'%', b'+') != 0)
}

/// Eight bytes, or the last ones and zeros after them.
fn word(bytes: &[u8]) -> u64 {
    if let Some(all) = bytes.first_chunk() {
        return u64::from_le_bytes(*all);
    }
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// The highest bit of each byte that is one of the two.
fn either(word: u64, one: u8, other: u8) -> u64 {
    const LOW: u64 = u64::from_ne_bytes([0x7f; 8]);
    // The highest bit of a byte stays clear where the byte is the one; no other byte's bits come into it.
    let differs = |from: u8| {
        let bits = word ^ u64::from_ne_bytes([from; 8]);
        ((bits & LOW) + LOW) | bits
    };
    !(differs(one) & differs(other)) & !LOW
}

impl<'b> Encoded<'b> {
    /// What it means, which may be no UTF-8.
    pub fn decode(self) -> Cow<'b, [u8]> {
        if has_escapes(self.0) { Cow::Owned(decoded(self.0)) } else { Cow::Borrowed(self.0) }
    }

    /// What it means; what is not UTF-8 in it is U+FFFD.
    pub fn text(self) -> Cow<'b, str> {
        match self.decode() {
            Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
            Cow::Owned(bytes) => Cow::Owned(
                String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
            ),
        }
    }
}

/// A library that looks ahead from every `%` takes more fuel than a call has, for a body that is nothing else.
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
