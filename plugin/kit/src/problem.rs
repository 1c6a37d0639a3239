//! The contract's well-known problems, so that every provider spells them the same.

use crate::contract::{Fields, Problem};
use crate::printable::printable;

/// The longest message, by the contract.
const MESSAGE_CHARS_MAX: usize = 500;

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
    pub fn at(self, field: impl Into<String>, message: impl Into<String>) -> Problem {
        self.of(Some(field.into()), message.into())
    }

    /// Builds a problem with the input as a whole.
    pub fn whole(self, message: impl Into<String>) -> Problem {
        self.of(None, message.into())
    }

    // Not inlined: a provider reports problems in many places.
    #[inline(never)]
    fn of(self, field: Option<String>, message: String) -> Problem {
        Problem { code: self.as_str().to_owned(), field, row: None, message: in_english(said(message)) }
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
}
