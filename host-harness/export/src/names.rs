//! Names as 1C compares them.

use domain::ExportRow;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Brings the names of a write-off into one form: composed letters (Unicode's NFC) and plain spaces. Names that look the same
/// are then the same, however they were typed.
pub(crate) fn normalize(row: &mut ExportRow) {
    for name in [&mut row.subscriber.name, &mut row.contract, &mut row.service, &mut row.unit] {
        if !name.is_ascii() && (!is_nfc(name) || name.contains(is_other_space)) {
            *name = name.chars().map(|char| if is_other_space(char) { ' ' } else { char }).nfc().collect();
        }
    }
}

/// Reports whether the character is a space other than U+0020 (Unicode's category Zs).
fn is_other_space(char: char) -> bool {
    matches!(char, '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

/// Returns a name without leading, trailing and repeated spaces.
pub(crate) fn without_extra_spaces(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::writeoff;

    #[test]
    fn names_have_composed_letters_and_plain_spaces() {
        for (name, want) in [
            ("Е\u{308}лкин", "Ёлкин"),
            ("ООО\u{a0}«И\u{306}ота»\u{202f}№\u{2009}1", "ООО «Йота» № 1"),
            ("Ёлкин и Ко", "Ёлкин и Ко"),
            ("plain", "plain"),
            // Unicode has no composed form of this letter.
            ("а\u{301}", "а\u{301}"),
        ] {
            let mut row = writeoff();
            (row.subscriber.name, row.contract, row.service, row.unit) = (name.into(), name.into(), name.into(), name.into());
            normalize(&mut row);
            for text in [row.subscriber.name, row.contract, row.service, row.unit] {
                assert_eq!(text, want);
            }
        }
    }
}
