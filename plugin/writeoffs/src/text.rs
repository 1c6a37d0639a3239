//! Texts: their lengths, and the characters that they may contain.

use crate::writeoff::{Code, Problem};

/// The longest name, in characters: the length of 1C's own name fields.
pub(crate) const NAME_CHARS_MAX: usize = 250;
/// The longest note, in characters.
pub(crate) const NOTE_CHARS_MAX: usize = 255;

/// The characters that a text may contain. Invisible characters are in no charset: texts that look the same must be the same,
/// and an accountant must see all that a text contains.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Charset {
    /// For a table's cell: no control characters but tabs and line breaks.
    Cell,
    /// For a single line of XML 1.0: no control characters, no U+FFFE or U+FFFF.
    Line,
}

impl Charset {
    /// Reports whether the charset contains every character of a text.
    pub(crate) fn holds(self, text: &str) -> bool {
        // Only a few bytes need a closer look: control characters, and the first bytes of refused characters beyond ASCII. The
        // loop has no early exit, so that compilers can vectorize it.
        let suspicious = text
            .bytes()
            .fold(false, |any, byte| any | (byte < 0x20) | matches!(byte, 0x7F | 0xC2 | 0xD8 | 0xE1 | 0xE2 | 0xEF | 0xF3));
        !suspicious || self.other_than_held(text).is_none()
    }

    /// Returns the first character that is not in the charset.
    #[inline(never)]
    fn other_than_held(self, text: &str) -> Option<char> {
        text.chars().find(|char| match (self, char) {
            (Charset::Cell, '\t' | '\n' | '\r') => false,
            (_, '\u{fffe}' | '\u{ffff}') => self == Charset::Line,
            (_, char) => char.is_control() || is_unseen(*char),
        })
    }
}

/// Reports whether a character changes the direction of text, breaks its line or is invisible. The joiners U+200C and U+200D
/// are not among them, since scripts and emoji need them.
fn is_unseen(char: char) -> bool {
    matches!(
        char,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// A field's text and the rules for it.
#[derive(Clone, Copy)]
pub(crate) struct Text<'w> {
    pub field: &'static str,
    pub value: &'w str,
    pub chars_max: usize,
    pub charset: Charset,
    pub is_required: bool,
    /// Whether it identifies an object. Such a text must not begin or end with spaces, which nobody would notice.
    pub is_key: bool,
}

impl Text<'_> {
    /// Checks the text.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self) -> Result<(), Box<Problem>> {
        let Text { field, value, chars_max, charset, is_required, is_key } = *self;
        if is_required && value.trim_start().is_empty() {
            return Err(Problem::new(Code::Missing, field, "It must not be empty."));
        }
        // Counting characters is slower than counting bytes and is rarely needed.
        if value.len() > chars_max && chars(value) > chars_max {
            let message = format!("It has {} characters; at most {chars_max} fit.", chars(value));
            return Err(Problem::new(Code::TooLong, field, &message));
        }
        if !charset.holds(value) {
            return Err(Problem::new(Code::Invalid, field, &other_character(charset, value)));
        }
        if is_key && is_padded(value) {
            return Err(Problem::new(Code::Invalid, field, "It begins or ends with a space; remove it at its source."));
        }
        Ok(())
    }
}

#[cold]
fn other_character(charset: Charset, value: &str) -> String {
    let char = charset.other_than_held(value).unwrap_or_default();
    let what = match (charset, char) {
        (_, char) if is_unseen(char) => "which is not seen or changes the direction of text",
        (Charset::Cell, _) => "a control character",
        (Charset::Line, _) => "a control character, a line break or a character that XML cannot hold",
    };
    format!("It holds U+{:04X}, {what}; remove it at its source.", u32::from(char))
}

#[inline(never)]
fn is_padded(text: &str) -> bool {
    text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace)
}

/// Returns the number of characters of a text.
pub(crate) fn chars(text: &str) -> usize {
    // Counts the bytes that begin a character.
    text.bytes().filter(|byte| byte & 0xC0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_are_not_seen_are_held_by_no_text() {
        for char in [
            '\u{ad}',
            '\u{61c}',
            '\u{180e}',
            '\u{200b}',
            '\u{200e}',
            '\u{200f}',
            '\u{2028}',
            '\u{2029}',
            '\u{202a}',
            '\u{202b}',
            '\u{202c}',
            '\u{202d}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2067}',
            '\u{2068}',
            '\u{2069}',
            '\u{feff}',
            '\u{fff9}',
            '\u{e0041}',
            '\0',
            '\u{7f}',
            '\u{85}',
        ] {
            let text = format!("ООО {char}«Ромашка»");
            assert!(!Charset::Line.holds(&text) && !Charset::Cell.holds(&text), "{char:?}");
        }
        for text in ["ООО «Ромашка» № 5 — 100 ₽", "Ёлкин", "王小明", "👨\u{200d}👩\u{200d}👧", "a\u{a0}b", "e\u{301}", ""]
        {
            assert!(Charset::Line.holds(text) && Charset::Cell.holds(text), "{text}");
        }
        for (text, in_cell) in [("a\nb", true), ("a\tb", true), ("\u{fffe}", true), ("\u{ffff}", true), ("\u{1}", false)] {
            assert!(!Charset::Line.holds(text), "{text:?}");
            assert_eq!(Charset::Cell.holds(text), in_cell, "{text:?}");
        }
    }

    #[test]
    fn the_quick_look_misses_nothing() {
        for char in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            let text = char.to_string();
            for charset in [Charset::Cell, Charset::Line] {
                assert_eq!(charset.holds(&text), charset.other_than_held(&text).is_none(), "{char:?}");
            }
        }
    }
}
