//! The form of account numbers, by which a mistyped number is refused before billing is asked.

use std::ops::RangeInclusive;

use kit::text;

/// Which characters a number may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Characters {
    Digits,
    /// Latin letters, digits, hyphen, underscore, point and slash.
    Latin,
    /// Whatever can be seen.
    Visible,
}

/// The form of account numbers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountForm {
    pub characters: Characters,
    /// How many characters a number has.
    pub chars: RangeInclusive<usize>,
}

impl AccountForm {
    /// Reports whether a text has the form.
    pub fn holds(&self, number: &str) -> bool {
        let has_characters = match self.characters {
            Characters::Digits => number.bytes().all(|byte| byte.is_ascii_digit()),
            Characters::Latin => number.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte)),
            Characters::Visible => number.trim() == number && text::check_visible(number).is_ok(),
        };
        has_characters && self.chars.contains(&number.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_numbers() {
        use Characters::{Digits, Latin, Visible};
        for (characters, chars, number, want) in [
            (Digits, 1..=20, "100500", true),
            (Digits, 6..=6, "100500", true),
            (Digits, 6..=6, "10050", false),
            (Digits, 6..=6, "1005000", false),
            (Digits, 1..=20, "", false),
            (Digits, 1..=20, " 100500", false),
            (Digits, 1..=20, "+100500", false),
            (Digits, 1..=20, "١٢٣", false),
            (Digits, 1..=20, "Д-17", false),
            (Latin, 1..=20, "D-17_a.b/2", true),
            (Latin, 1..=20, "D 17", false),
            (Latin, 1..=20, "Д-17", false),
            (Visible, 1..=4, "Д-17", true),
            (Visible, 1..=4, "Д-170", false),
            (Visible, 1..=20, "Д 17", true),
            (Visible, 1..=20, " Д-17", false),
            (Visible, 1..=20, "Д\n17", false),
            (Visible, 1..=20, "Д\u{200b}17", false),
            (Visible, 1..=20, "\u{fffd}-17", false),
        ] {
            assert_eq!(AccountForm { characters, chars }.holds(number), want, "{characters:?} {number:?}");
        }
    }
}
