//! Identifiers: what accounts, orders and providers are known by. Each is a type of its own, so that none is taken for another, and
//! has the form that its rule asks for, so that nothing checks it again.
//!
//! A new identifier is a row of `identifiers!` below, and its name in the list of the crate's `pub use`.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::text::{is_contract_text, is_line};

/// How many characters a number, an id or a name has at most.
pub const NAME_CHARS_MAX: usize = 64;
/// How many bytes a dedup key has at most.
const DEDUP_KEY_BYTES_MAX: usize = 255;

/// A text that is not the identifier that it was to be; it says the rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{name} must {rule}")]
pub struct InvalidIdentifier {
    name: &'static str,
    rule: &'static str,
}

/// Makes a type of each row: its documentation, its name, what messages call it and its rule there, and the rule.
macro_rules! identifiers {
    ($($(#[$doc:meta])* $type:ident $name:literal must $rule:literal: $is_valid:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);

        impl $type {
            /// The identifier of a text.
            ///
            /// # Errors
            /// The text breaks the rule, which the error says.
            pub fn new(text: impl Into<String>) -> Result<$type, InvalidIdentifier> {
                let text = text.into();
                if $type::is_valid(&text) { Ok($type(text)) } else { Err(InvalidIdentifier { name: $name, rule: $rule }) }
            }

            /// The identifier of a text that somebody else checks or has checked: a database opens whatever an older program
            /// kept; an answer of a component is built first, and then all that is wrong with it is told at once; what a component
            /// is asked, it judges itself; and what is only searched for is found or not. Whatever else comes in goes through `new`.
            pub fn stored(text: impl Into<String>) -> $type {
                $type(text.into())
            }

            /// Whether a text keeps the rule.
            pub fn is_valid(text: &str) -> bool {
                let is_valid: fn(&str) -> bool = $is_valid;
                is_valid(text)
            }

            /// Its text.
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

        /// As its text is printed.
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

    /// The id of an order, as the contract has it: 1 to 64 characters without control characters and line separators. The ledger makes
    /// them of digits; a payment system may name any.
    OrderId "order" must "have 1 to 64 characters, none of them a control character":
        |text| is_contract_text(text, 1, NAME_CHARS_MAX);

    /// A payment system's id of a movement of money, as the contract has it: 1 to 64 characters without control characters and line
    /// separators.
    TransactionId "transaction" must "have 1 to 64 characters, none of them a control character":
        |text| is_contract_text(text, 1, NAME_CHARS_MAX);

    /// What the same fact has every time that a provider tells it: 1 to 255 printable ASCII characters without spaces.
    DedupKey "dedup key" must "have 1 to 255 printable ASCII characters":
        |text| (1..=DEDUP_KEY_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());

    /// What this host calls a provider. It stands in URLs: `[a-z0-9][a-z0-9-]*`, at most 64 of them.
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
        // Of an account, an order, a transaction, a dedup key and a provider.
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
