//! The contract's well-known problems, so that every provider spells them the same.

use std::fmt::{Display, Write as _};

use crate::contract::{Fields, Problem};
use crate::printable::printable;

/// The longest message, by the contract.
const MESSAGE_CHARS_MAX: usize = 500;

/// A sentence in Russian and in English.
pub type Bilingual = [String; 2];

/// Returns a sentence in both languages.
// Not inlined, and neither is what follows: a provider reports problems in many places.
#[inline(never)]
pub fn both(texts: [&str; 2]) -> Bilingual {
    texts.map(str::to_owned)
}

/// Returns a sentence in both languages, with values in the places `{0}`, `{1}` and so on. `format!` for each language would be twice as
/// large.
#[inline(never)]
pub fn filled(texts: [&str; 2], values: &[&dyn Display]) -> Bilingual {
    texts.map(|text| {
        let mut pieces = text.split('{');
        let mut sentence = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (place, rest) = piece.split_once('}').unwrap_or_default();
            if let Some(value) = place.parse().ok().and_then(|place: usize| values.get(place)) {
                // Text takes whatever is written to it.
                let _ = write!(sentence, "{value}");
            }
            sentence.push_str(rest);
        }
        sentence
    })
}

/// What a problem says to a person: in English always, and in Russian where an operator or a payer reads it. A pair is in Russian and
/// English, in this order, as the texts of a setting are.
#[derive(Debug)]
pub struct Message(Fields);

impl From<&str> for Message {
    #[inline(never)]
    fn from(english: &str) -> Message {
        Message::from(english.to_owned())
    }
}

impl From<String> for Message {
    #[inline(never)]
    fn from(english: String) -> Message {
        Message(in_english(said(english)))
    }
}

impl From<[&str; 2]> for Message {
    #[inline(never)]
    fn from(texts: [&str; 2]) -> Message {
        Message::from(both(texts))
    }
}

impl From<Bilingual> for Message {
    #[inline(never)]
    fn from([russian, english]: Bilingual) -> Message {
        let mut message = in_english(said(english));
        message.push(("ru".to_owned(), said(russian)));
        Message(message)
    }
}

/// The well-known codes. The contract documents each one at `problem`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Code {
    SettingUnknown,
    SettingMissing,
    SettingRepeated,
    SettingInvalid,
    Missing,
    Invalid,
    TooLong,
    OutOfRange,
    Unsupported,
    Malformed,
    FieldConflict,
    SignatureMissing,
    SignatureMismatch,
    NotConfirmed,
    UnrecognizedForm,
    MerchantMismatch,
    CurrencyMismatch,
    TestCallback,
    LiveCallback,
    UnknownType,
    NoMoneyMoved,
    Unavailable,
    NotPositive,
    SameName,
    OneCode,
    LateContract,
}

impl Code {
    /// Returns the code as the contract spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::SettingUnknown => "setting-unknown",
            Code::SettingMissing => "setting-missing",
            Code::SettingRepeated => "setting-repeated",
            Code::SettingInvalid => "setting-invalid",
            Code::Missing => "missing",
            Code::Invalid => "invalid",
            Code::TooLong => "too-long",
            Code::OutOfRange => "out-of-range",
            Code::Unsupported => "unsupported",
            Code::Malformed => "malformed",
            Code::FieldConflict => "field-conflict",
            Code::SignatureMissing => "signature-missing",
            Code::SignatureMismatch => "signature-mismatch",
            Code::NotConfirmed => "not-confirmed",
            Code::UnrecognizedForm => "unrecognized-form",
            Code::MerchantMismatch => "merchant-mismatch",
            Code::CurrencyMismatch => "currency-mismatch",
            Code::TestCallback => "test-callback",
            Code::LiveCallback => "live-callback",
            Code::UnknownType => "unknown-type",
            Code::NoMoneyMoved => "no-money-moved",
            Code::Unavailable => "unavailable",
            Code::NotPositive => "not-positive",
            Code::SameName => "same-name",
            Code::OneCode => "one-code",
            Code::LateContract => "late-contract",
        }
    }

    /// Builds a problem with one field.
    #[inline(never)]
    pub fn at(self, field: impl Into<String>, message: impl Into<Message>) -> Problem {
        self.of(Some(field.into()), message.into())
    }

    /// Builds a problem with the input as a whole.
    #[inline(never)]
    pub fn whole(self, message: impl Into<Message>) -> Problem {
        self.of(None, message.into())
    }

    #[inline(never)]
    fn of(self, field: Option<String>, Message(message): Message) -> Problem {
        Problem { code: self.as_str().to_owned(), field, row: None, message }
    }
}

/// Returns a problem's message in English alone.
pub(crate) fn in_english(message: impl Into<String>) -> Fields {
    vec![("en".to_owned(), message.into())]
}

/// Limits a message to what the contract allows. It may repeat part of an input, which can be of any length and hold any
/// character.
fn said(message: String) -> String {
    // Only a few bytes need a closer look: control characters, and the first bytes of those beyond ASCII.
    let is_plain =
        message.len() <= MESSAGE_CHARS_MAX && !message.bytes().any(|byte| byte < 0x20 || matches!(byte, 0x7f | 0xc2 | 0xe2));
    if is_plain { message } else { printable(&message, MESSAGE_CHARS_MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_keeps_the_contract_whatever_it_repeats() {
        for (message, want) in [
            ("The formats are: a, b.", "The formats are: a, b."),
            ("\u{e9} \u{201c}ы\u{201d}", "\u{e9} \u{201c}ы\u{201d}"),
            ("a\nb\u{7f}\u{85}c", "a\u{fffd}b\u{fffd}\u{fffd}c"),
            ("a\u{2028}b\u{2029}", "a\u{fffd}b\u{fffd}"),
        ] {
            assert_eq!(Code::Invalid.whole(message).message, in_english(want));
            assert_eq!(Code::Invalid.at("field", message).message, in_english(want));
        }
        for (chars, want) in [(500, 500), (501, 500)] {
            assert_eq!(Code::Invalid.whole("a".repeat(chars)).message[0].1.chars().count(), want);
            assert_eq!(Code::Invalid.whole("ы".repeat(chars)).message[0].1.chars().count(), want);
        }
    }

    #[test]
    fn values_stand_in_their_places() {
        let sentence = filled(["Из {1} — {0}.", "{0} of {1}, {0}."], &[&30, &"{1}"]);
        assert_eq!(sentence, ["Из {1} — 30.", "30 of {1}, 30."]);
        assert_eq!(filled(["Нет", "{0}"], &[]), ["Нет", ""]);
    }

    #[test]
    fn a_message_in_two_languages() {
        let want = vec![("en".to_owned(), "No.".to_owned()), ("ru".to_owned(), "Нет\u{fffd}".to_owned())];
        assert_eq!(Code::Invalid.whole(["Нет\n", "No."]).message, want);
        let long = Code::Invalid.whole(["ы".repeat(501), "a".repeat(501)]);
        assert!(long.message.iter().all(|(_, text)| text.chars().count() == 500 && text.ends_with('…')), "{long:?}");
    }
}
