//! Checks of text that is passed on to a payment system.

use crate::contract::Problem;
use crate::printable::printable;
use crate::problem::{Code, filled};

/// How much of a value a message shows, in characters.
const SHOWN_CHARS_MAX: usize = 64;
/// How much a message repeats of what a payment system says to people, in characters.
const REMARK_CHARS_MAX: usize = 250;

/// Checks that all characters of an entered text are visible. A plain space within it counts as visible.
///
/// # Errors
/// The name and the position of the first invisible character. The message does not contain the text, which may be a secret.
pub fn check_visible(text: &str) -> Result<(), String> {
    match invisible::find(text) {
        None => Ok(()),
        Some(found) => Err(format!(
            "Character {} of {} is U+{:04X}, {}, which cannot be seen; enter the value without it.",
            found.place,
            text.chars().count(),
            u32::from(found.char),
            found.kind.in_english()
        )),
    }
}

/// Returns a value as messages to the operator show it: at most 64 characters, without control characters.
pub fn shown(value: &str) -> String {
    printable(value, SHOWN_CHARS_MAX)
}

/// Returns what a payment system says to people as a message repeats it: at most 250 characters in one line, without the point at its
/// end.
pub fn remark(text: &str) -> String {
    let line: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    printable(line.trim().trim_end_matches('.'), REMARK_CHARS_MAX)
}

/// Checks a text's length and that it contains no control characters. It may be empty.
///
/// # Errors
/// `too-long` or `invalid` at `field`.
pub fn check(field: &str, text: &str, chars_max: usize) -> Result<(), Problem> {
    let chars = text.chars().count();
    if chars > chars_max {
        let message = filled(
            ["Символов {0}, а передать можно не больше {1}.", "It has {0} characters; at most {1} can be passed on."],
            &[&chars, &chars_max],
        );
        return Err(Code::TooLong.at(field, message));
    }
    if text.chars().any(char::is_control) {
        let message = [
            "В тексте есть перевод строки или другой управляющий символ: уберите его.",
            "It holds a control character, such as a line break; remove it.",
        ];
        return Err(Code::Invalid.at(field, message));
    }
    Ok(())
}

/// Like [`check`], for a required text.
///
/// # Errors
/// `missing` at `field`, or those of [`check`].
pub fn check_required(field: &str, text: &str, chars_max: usize) -> Result<(), Problem> {
    if text.is_empty() {
        return Err(Code::Missing.at(field, "It must not be empty."));
    }
    check(field, text, chars_max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_named_with_its_place() {
        for (text, want) in [
            ("TestSharedSec001", None),
            ("ключ от кассы, №1 — «да»", None),
            ("", None),
            ("TestSharedSec001\u{feff}", Some("Character 17 of 17 is U+FEFF, a byte order mark")),
            ("a\u{200b}b", Some("Character 2 of 3 is U+200B, a zero-width space")),
            ("\u{202e}ab", Some("Character 1 of 3 is U+202E")),
            ("a\u{a0}b", Some("U+00A0, a no-break space")),
            ("a\nb", Some("U+000A, a line break")),
            ("a\u{2060}", Some("U+2060")),
            ("a\u{3164}", Some("U+3164, a filler")),
            ("a\u{e0041}", Some("U+E0041, an invisible tag")),
            ("a\u{fffd}", Some("U+FFFD")),
            ("a\u{ffff}", Some("U+FFFF")),
            ("a\u{1bca0}", Some("U+1BCA0")),
            ("a\u{1d173}", Some("U+1D173")),
        ] {
            let got = check_visible(text);
            match want {
                None => assert_eq!(got, Ok(()), "{text:?}"),
                Some(words) => assert!(got.as_ref().is_err_and(|message| message.contains(words)), "{text:?}: {got:?}"),
            }
        }
    }

    #[test]
    fn values_are_shown_in_part_and_without_control_characters() {
        assert_eq!(shown("001234\u{1b}[2J"), "001234\u{fffd}[2J");
        assert_eq!(shown("a\u{2028}b\u{2029}"), "a\u{fffd}b\u{fffd}");
        assert_eq!(shown(&"я".repeat(100)).chars().count(), 64);
    }

    #[test]
    fn what_a_payment_system_says_is_repeated_without_its_point() {
        for (text, want) in [(" Нет средств. ", "Нет средств"), ("Not\nfound", "Not found"), (".", ""), ("", "")]
        {
            assert_eq!(remark(text), want);
        }
        let long = remark(&"Недостаточно средств ".repeat(20));
        assert!(long.ends_with(" Недостаточно…") && long.chars().count() <= 250, "{long}");
    }
}
