//! Characters that are invisible or look like a space. They come along when text is copied from a page, a letter or a file, and
//! a signature made with one of them never matches.
//!
//! Providers and their host refuse the same characters, and this is the only table of them. `kit` and `host` use it.

/// The kinds of invisible characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "`in_english` says what each is")]
pub enum Kind {
    Control,
    Tab,
    LineBreak,
    NoBreakSpace,
    UnusualSpace,
    ZeroWidthSpace,
    Joiner,
    SoftHyphen,
    DirectionMark,
    ByteOrderMark,
    Filler,
    VariationSelector,
    Tag,
    LostText,
    Other,
}

/// The ranges of characters that Unicode calls default-ignorable, spaces other than the plain one, control characters, the
/// Braille blank, and the block that holds the replacement character for lost text.
const TABLE: [(char, char, Kind); 39] = [
    ('\0', '\u{8}', Kind::Control),
    ('\t', '\t', Kind::Tab),
    ('\n', '\n', Kind::LineBreak),
    ('\u{b}', '\u{c}', Kind::Control),
    ('\r', '\r', Kind::LineBreak),
    ('\u{e}', '\u{1f}', Kind::Control),
    ('\u{7f}', '\u{84}', Kind::Control),
    ('\u{85}', '\u{85}', Kind::LineBreak),
    ('\u{86}', '\u{9f}', Kind::Control),
    ('\u{a0}', '\u{a0}', Kind::NoBreakSpace),
    ('\u{ad}', '\u{ad}', Kind::SoftHyphen),
    ('\u{34f}', '\u{34f}', Kind::Joiner),
    ('\u{61c}', '\u{61c}', Kind::DirectionMark),
    ('\u{115f}', '\u{1160}', Kind::Filler),
    ('\u{1680}', '\u{1680}', Kind::UnusualSpace),
    ('\u{17b4}', '\u{17b5}', Kind::Other),
    ('\u{180b}', '\u{180f}', Kind::VariationSelector),
    ('\u{2000}', '\u{200a}', Kind::UnusualSpace),
    ('\u{200b}', '\u{200b}', Kind::ZeroWidthSpace),
    ('\u{200c}', '\u{200d}', Kind::Joiner),
    ('\u{200e}', '\u{200f}', Kind::DirectionMark),
    ('\u{2028}', '\u{2029}', Kind::LineBreak),
    ('\u{202a}', '\u{202e}', Kind::DirectionMark),
    ('\u{202f}', '\u{202f}', Kind::NoBreakSpace),
    ('\u{205f}', '\u{205f}', Kind::UnusualSpace),
    ('\u{2060}', '\u{2060}', Kind::Joiner),
    ('\u{2061}', '\u{2065}', Kind::Other),
    ('\u{2066}', '\u{2069}', Kind::DirectionMark),
    ('\u{206a}', '\u{206f}', Kind::Other),
    ('\u{2800}', '\u{2800}', Kind::Filler),
    ('\u{3000}', '\u{3000}', Kind::UnusualSpace),
    ('\u{3164}', '\u{3164}', Kind::Filler),
    ('\u{fe00}', '\u{fe0f}', Kind::VariationSelector),
    ('\u{feff}', '\u{feff}', Kind::ByteOrderMark),
    ('\u{ffa0}', '\u{ffa0}', Kind::Filler),
    ('\u{fff0}', '\u{ffff}', Kind::LostText),
    ('\u{1bca0}', '\u{1bca3}', Kind::Other),
    ('\u{1d173}', '\u{1d17a}', Kind::Other),
    ('\u{e0000}', '\u{e0fff}', Kind::Tag),
];

impl Kind {
    /// Returns the kind of a character, or `None` if it is visible. A plain space counts as visible.
    pub fn of(char: char) -> Option<Kind> {
        // A binary search, so that a text of tens of thousands of letters can be checked within a call's fuel.
        let at = TABLE.partition_point(|(_, last, _)| *last < char);
        TABLE.get(at).filter(|(first, ..)| *first <= char).map(|(.., kind)| *kind)
    }

    /// Reports whether the character takes no room and can be removed without losing anything of the text around it.
    pub fn is_ignorable(self) -> bool {
        match self {
            Kind::Control | Kind::Tab | Kind::LineBreak | Kind::NoBreakSpace | Kind::UnusualSpace | Kind::LostText => false,
            Kind::ZeroWidthSpace
            | Kind::Joiner
            | Kind::SoftHyphen
            | Kind::DirectionMark
            | Kind::ByteOrderMark
            | Kind::Filler
            | Kind::VariationSelector
            | Kind::Tag
            | Kind::Other => true,
        }
    }

    /// Returns the kind's name in English, for messages.
    pub fn in_english(self) -> &'static str {
        match self {
            Kind::Control => "a control character",
            Kind::Tab => "a tab",
            Kind::LineBreak => "a line break",
            Kind::NoBreakSpace => "a no-break space",
            Kind::UnusualSpace => "an unusual space",
            Kind::ZeroWidthSpace => "a zero-width space",
            Kind::Joiner => "an invisible joiner",
            Kind::SoftHyphen => "a soft hyphen",
            Kind::DirectionMark => "a mark of the text's direction",
            Kind::ByteOrderMark => "a byte order mark (BOM)",
            Kind::Filler => "a filler",
            Kind::VariationSelector => "a variation selector",
            Kind::Tag => "an invisible tag",
            Kind::LostText => "what stands for text that was lost",
            Kind::Other => "an invisible character",
        }
    }

    /// Returns the kind's name in Russian, for messages.
    pub fn in_russian(self) -> &'static str {
        match self {
            Kind::Control => "управляющий знак",
            Kind::Tab => "табуляция",
            Kind::LineBreak => "перевод строки",
            Kind::NoBreakSpace => "неразрывный пробел",
            Kind::UnusualSpace => "необычный пробел",
            Kind::ZeroWidthSpace => "пробел нулевой ширины",
            Kind::Joiner => "невидимый соединитель",
            Kind::SoftHyphen => "мягкий перенос",
            Kind::DirectionMark => "знак направления письма",
            Kind::ByteOrderMark => "метка порядка байтов (BOM)",
            Kind::Filler => "невидимый заполнитель",
            Kind::VariationSelector => "невидимый выбор начертания",
            Kind::Tag => "невидимый тег",
            Kind::LostText => "знак вместо потерянного текста",
            Kind::Other => "невидимый знак",
        }
    }
}

/// An invisible character and its position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found {
    /// The character.
    pub char: char,
    /// Its position in the text, in characters from 1.
    pub place: usize,
    /// Its kind.
    pub kind: Kind,
}

/// Finds the first invisible character. A plain space counts as visible.
pub fn find(text: &str) -> Option<Found> {
    // Most texts are plain ASCII and need no table lookup.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return None;
    }
    text.chars().zip(1..).find_map(|(char, place)| Some(Found { char, place, kind: Kind::of(char)? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_in_order() {
        for (one, other) in TABLE.iter().zip(TABLE.iter().skip(1)) {
            assert!(one.0 <= one.1 && one.1 < other.0, "{:x} {:x}", u32::from(one.1), u32::from(other.0));
        }
    }

    #[test]
    fn every_space_and_control_character_is_found() {
        for char in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            if (char.is_whitespace() || char.is_control()) && char != ' ' {
                let kind = Kind::of(char).unwrap();
                assert!(!kind.is_ignorable(), "{char:?} {kind:?}");
            }
        }
        assert_eq!(find(" a b "), None);
    }

    #[test]
    fn the_first_is_found_with_its_place() {
        let found = |text| find(text).map(|found| (found.char, found.place, found.kind));
        assert_eq!(found("ключ от кассы, №1 — «да»"), None);
        assert_eq!(found("ы\u{200b}\u{feff}"), Some(('\u{200b}', 2, Kind::ZeroWidthSpace)));
        assert_eq!(found("a\u{7f}"), Some(('\u{7f}', 2, Kind::Control)));
        assert_eq!(found("a\u{fffd}"), Some(('\u{fffd}', 2, Kind::LostText)));
    }
}
