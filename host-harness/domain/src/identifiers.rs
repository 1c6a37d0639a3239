//! Identifiers of accounts, orders, providers and the like. Each is a type of its own, so that the compiler finds a mix-up.
//! Each is checked when it is created, so that nothing checks it again.
//!
//! To add an identifier, add a row to `identifiers!` below, and its name to the crate's `pub use`.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::text::{is_contract_text, is_line};

/// The maximum length of a number, an id or a name, in characters.
pub const NAME_CHARS_MAX: usize = 64;
/// The maximum length of a dedup key, in bytes.
const DEDUP_KEY_BYTES_MAX: usize = 255;
/// The maximum length of an operation's id, in bytes: payment systems take keys of a UUID's length.
const OPERATION_ID_BYTES_MAX: usize = 36;

/// The error for a text that breaks an identifier's rule; its message states the rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{name} must {rule}")]
pub struct InvalidIdentifier {
    name: &'static str,
    rule: &'static str,
}

/// Defines a type for each row. A row has the documentation, the type's name, its name in messages, the rule as messages state
/// it, and the rule as a function.
macro_rules! identifiers {
    ($($(#[$doc:meta])* $type:ident $name:literal must $rule:literal: $is_valid:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);

        impl $type {
            /// Checks a text and creates the identifier.
            ///
            /// # Errors
            /// If the text breaks the rule; the error states the rule.
            pub fn new(text: impl Into<String>) -> Result<$type, InvalidIdentifier> {
                let text = text.into();
                if $type::is_valid(&text) { Ok($type(text)) } else { Err(InvalidIdentifier { name: $name, rule: $rule }) }
            }

            /// Creates the identifier without a check, for a text that is checked elsewhere. A database must open with whatever
            /// an older program stored. A component's answer is built first, so that all its errors are reported at once. A
            /// component checks its arguments itself. An identifier that is only searched for does not need to be valid. All
            /// other input must go through `new`.
            pub fn stored(text: impl Into<String>) -> $type {
                $type(text.into())
            }

            /// Reports whether a text satisfies the rule.
            pub fn is_valid(text: &str) -> bool {
                let is_valid: fn(&str) -> bool = $is_valid;
                is_valid(text)
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = InvalidIdentifier;

            fn from_str(text: &str) -> Result<$type, InvalidIdentifier> {
                $type::new(text)
            }
        }

        impl From<$type> for String {
            fn from(identifier: $type) -> String {
                identifier.0
            }
        }

        impl Deref for $type {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $type {
            fn eq(&self, text: &str) -> bool {
                self.0 == text
            }
        }

        impl PartialEq<&str> for $type {
            fn eq(&self, text: &&str) -> bool {
                self.0 == *text
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        /// Formats like the text.
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    )*};
}

identifiers! {
    /// The number of a subscriber's account: 1 to 64 characters, not only whitespace, none of them a control character.
    AccountNumber "account" must "have 1 to 64 characters, none of them a control character":
        |text| is_line(text, NAME_CHARS_MAX);

    /// The id of an order, by the contract's rule: 1 to 64 characters without control characters and line separators. The
    /// ledger's own ids consist of digits; a payment system may name any.
    OrderId "order" must "have 1 to 64 characters, none of them a control character":
        |text| is_contract_text(text, 1, NAME_CHARS_MAX);

    /// A payment system's id of a movement of money, by the contract's rule: 1 to 64 characters without control characters and
    /// line separators.
    TransactionId "transaction" must "have 1 to 64 characters, none of them a control character":
        |text| is_contract_text(text, 1, NAME_CHARS_MAX);

    /// The key that is equal for all callbacks about the same movement: 1 to 255 printable ASCII characters without spaces.
    DedupKey "dedup key" must "have 1 to 255 printable ASCII characters":
        |text| (1..=DEDUP_KEY_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());

    /// The id of an operation at a payment system, of which idempotency keys are made: 1 to 36 characters of `[A-Za-z0-9._-]`.
    OperationId "operation" must "have 1 to 36 of A-Z, a-z, 0-9, ., _ and -":
        |text| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
            (1..=OPERATION_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_plain)
        };

    /// The host's name for a provider, which is part of URLs: `[a-z0-9][a-z0-9-]*`, at most 64 characters.
    ProviderName "provider" must "have 1 to 64 of a-z, 0-9 and -, and not begin with -":
        |text| {
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            (1..=NAME_CHARS_MAX).contains(&text.len()) && !text.starts_with('-') && text.bytes().all(is_plain)
        };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn each_identifier_has_its_rule() {
        let long = |chars: usize| "1".repeat(chars);
        // The expected validity for an account, an order, a transaction, a dedup key and a provider.
        for (text, want) in [
            ("100500", [true; 5]),
            ("0", [true; 5]),
            ("1c-", [true; 5]),
            (&long(64), [true; 5]),
            (&long(65), [false, false, false, true, false]),
            (&long(255), [false, false, false, true, false]),
            (&long(256), [false; 5]),
            ("", [false; 5]),
            ("-a", [true, true, true, true, false]),
            ("A", [true, true, true, true, false]),
            ("a.b", [true, true, true, true, false]),
            ("a/b", [true, true, true, true, false]),
            ("a_b", [true, true, true, true, false]),
            ("a b", [true, true, true, false, false]),
            ("я", [true, true, true, false, false]),
            (&"ё".repeat(64), [true, true, true, false, false]),
            (" \u{a0}", [false, true, true, false, false]),
            ("a\u{2028}", [true, false, false, false, false]),
            ("a\n", [false; 5]),
            ("\u{9b}", [false; 5]),
            ("a\0", [false; 5]),
        ] {
            let found = [
                AccountNumber::new(text).is_ok(),
                OrderId::new(text).is_ok(),
                TransactionId::new(text).is_ok(),
                DedupKey::new(text).is_ok(),
                ProviderName::new(text).is_ok(),
            ];
            assert_eq!(found, want, "{text:?}");
        }
    }

    #[test]
    fn operation_id_has_characters_of_every_idempotency_key() {
        let long = |chars: usize| "1".repeat(chars);
        for text in ["op1795000000000", "A.b_c-9", "-", &long(36)] {
            assert!(OperationId::is_valid(text), "{text:?}");
        }
        for text in ["", "a b", "a:b", "a/b", "я", "a\n", &long(37)] {
            assert!(!OperationId::is_valid(text), "{text:?}");
        }
    }

    #[test]
    fn an_error_says_the_rule() {
        let error = AccountNumber::new("").unwrap_err();
        assert_eq!(error.to_string(), "account must have 1 to 64 characters, none of them a control character");
        let error = "Pay".parse::<ProviderName>().unwrap_err();
        assert_eq!(error.to_string(), "provider must have 1 to 64 of a-z, 0-9 and -, and not begin with -");
    }

    #[test]
    fn an_identifier_is_used_as_its_text() {
        let account = AccountNumber::new("100500").unwrap();
        assert_eq!(
            (account.as_str(), account.to_string(), format!("{account:>7}")),
            ("100500", "100500".into(), " 100500".into())
        );
        assert_eq!(
            (format!("{account:?}"), serde_json::to_string(&account).unwrap()),
            ("\"100500\"".into(), "\"100500\"".into())
        );
        assert!(account == "100500" && account == *"100500" && account.starts_with("100"));
        let by_number = BTreeMap::from([(account.clone(), 1)]);
        assert_eq!((by_number.get("100500"), by_number.get(&account)), (Some(&1), Some(&1)));
        assert_eq!(String::from(account), "100500");
    }

    #[test]
    fn what_an_older_program_kept_is_read() {
        assert_eq!(ProviderName::stored("Pay 1").as_str(), "Pay 1");
    }
}
