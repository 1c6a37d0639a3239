//! What identifies an object in 1C: its reference, and a document's number.
//!
//! Both are computed from billing's own keys, so that an object has the same identity in every export without anything being
//! stored.

use sha1::{Digest, Sha1};
use uuid::{Builder, Uuid};

use crate::date::Month;
use crate::index::Key;
use crate::text::chars;

/// The namespace of all references that this product creates.
const ROOT: Uuid = Uuid::from_u128(0x646a_2615_4ba2_4864_a618_adc4_de68_96fa);
/// Separates the parts of a name. No part contains it, since control characters are refused.
const SEPARATOR: u8 = 0x1F;

/// «Ссылка»: a version 5 UUID.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reference {
    uuid: Uuid,
    text: [u8; 36],
}

impl Reference {
    /// Builds the UUID from the hash of a namespace and a name, by RFC 9562.
    fn of(hash: Sha1) -> Reference {
        let digest: [u8; 20] = hash.finalize().into();
        let uuid = Builder::from_sha1_bytes(digest.first_chunk().copied().unwrap_or_default()).into_uuid();
        let mut text = [0; 36];
        uuid.hyphenated().encode_lower(&mut text);
        Reference { uuid, text }
    }

    /// Returns the UUID in lower case with hyphens, as 1C writes it. It is ASCII.
    pub fn text(&self) -> &str {
        // It is hexadecimal digits and hyphens, so it is valid UTF-8.
        std::str::from_utf8(&self.text).unwrap_or_default()
    }

    /// Returns its first twelve hexadecimal digits, to tell apart what would otherwise look the same.
    pub fn short(&self) -> String {
        self.text().chars().filter(|char| *char != '-').take(12).collect()
    }

    pub fn bytes(&self) -> &[u8; 36] {
        &self.text
    }

    pub fn key(&self) -> Key {
        let (high, low) = self.uuid.as_u64_pair();
        [low, high]
    }
}

/// The references of one seller, identified by «ИНН».
#[derive(Clone, Copy, Debug)]
pub struct References(Uuid);

impl References {
    pub fn of_seller(inn: &str) -> References {
        References(Reference::of(Sha1::new().chain_update(ROOT).chain_update(inn)).uuid)
    }

    /// Returns an object's reference from its kind and billing's keys.
    pub fn of(&self, kind: &str, keys: &[&str]) -> Reference {
        let mut hash = Sha1::new().chain_update(self.0).chain_update(kind);
        for key in keys {
            hash.update([SEPARATOR]);
            hash.update(key);
        }
        Reference::of(hash)
    }
}

/// The length of 1С:Бухгалтерия's field «Номер» of a document, in characters.
const NUMBER_CHARS_MAX: usize = 11;

/// Builds document numbers. Each contains the month and the account, so that no two documents of a year share a number.
///
/// For an account in October:
///
/// | account | number | |
/// |---|---|---|
/// | up to 8 characters | `10-100500` | month, hyphen, account |
/// | 9 | `10123456789` | month, account |
/// | 10 | `J1234567890` | the month's letter, A to L, and the account |
///
/// The second contract of an account in a month gets the suffix `_2`, the third `_3`. Contracts are ordered by date and number.
/// The document of all individuals is `ФЛ-10`.
///
/// Numbers cannot collide. An account begins with a letter or a digit and contains no `_`. So the third character of a number
/// tells the first form from the second, the first character tells the third form and the summary from both, and what precedes
/// `_` contains the whole account. 1C treats `a` and `A` as the same letter, so the accounts of an export must use letters of
/// one case.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    /// The prefix of every number.
    pub prefix: String,
    /// The prefix that all accounts share and numbers leave out.
    pub account_prefix: String,
    /// Whether the accounts so far use capital letters; `None` if they have no letters.
    capitals: Option<bool>,
}

impl Numbers {
    pub fn new(prefix: String, account_prefix: String) -> Numbers {
        Numbers { prefix, account_prefix, capitals: None }
    }

    /// Returns the number of an account's document. `ordinal` is the contract's position within the month, from 1.
    ///
    /// # Errors
    /// Why the account cannot have a number and what to do about it, for a person.
    pub fn of_account(&mut self, account: &str, month: Month, ordinal: usize) -> Result<String, String> {
        let Some(rest) = account.strip_prefix(self.account_prefix.as_str()) else {
            return Err(format!("it does not begin with {}, which account-prefix says of all accounts", self.account_prefix));
        };
        let mut has_both_cases = false;
        for (at, char) in rest.chars().enumerate() {
            let is_capital = match char {
                '0'..='9' => continue,
                '-' | '.' | '/' if at > 0 => continue,
                'A'..='Z' | 'А'..='Я' => true,
                'a'..='z' | 'а'..='я' => false,
                _ => return Err(NOT_IN_NUMBERS.to_owned()),
            };
            has_both_cases |= *self.capitals.get_or_insert(is_capital) != is_capital;
        }
        if rest.is_empty() {
            return Err(NOT_IN_NUMBERS.to_owned());
        }
        if has_both_cases {
            return Err("1C takes capitals and small letters for the same, so accounts with both could share a document \
                        number; write all accounts in one case"
                .to_owned());
        }
        let suffix = if ordinal > 1 { format!("_{ordinal}") } else { String::new() };
        let two_digits = month.two_digits();
        let (month, hyphen) = match NUMBER_CHARS_MAX.saturating_sub(chars(&self.prefix) + chars(rest) + suffix.len()) {
            3.. => (two_digits.as_str(), "-"),
            2 => (two_digits.as_str(), ""),
            1 => (month.letter(), ""),
            0 => {
                return Err(format!(
                    "a document number has {NUMBER_CHARS_MAX} characters, and the month, the account and what tells its \
                     contracts apart need more; if all accounts begin alike, name that beginning as account-prefix, or export \
                     individuals with the mode summary-individuals"
                ));
            }
        };
        Ok([&self.prefix, month, hyphen, rest, &suffix].concat())
    }

    /// Returns the number of the document of all individuals.
    pub fn of_individuals(&self, month: Month) -> String {
        [&self.prefix, "ФЛ-", &month.two_digits()].concat()
    }
}

const NOT_IN_NUMBERS: &str = "a document number can hold only letters, digits, - . and /, and begins with a letter or a digit; \
                              give the account another number, or export individuals with the mode summary-individuals";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date::Date;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn month(number: u8) -> Month {
        Date::new(2026, number, 1).unwrap().month()
    }

    fn number(account: &str, ordinal: usize) -> Result<String, String> {
        Numbers::default().of_account(account, month(10), ordinal)
    }

    #[test]
    fn numbers_that_an_accountant_reads() {
        for (account, ordinal, want) in [
            ("100500", 1, "10-100500"),
            ("100500", 2, "10-100500_2"),
            ("00000001", 1, "10-00000001"),
            ("0000000", 2, "100000000_2"),
            ("123456789", 1, "10123456789"),
            ("1234567890", 1, "J1234567890"),
            ("12345678", 2, "J12345678_2"),
            ("Д-17/2024", 1, "10Д-17/2024"),
        ] {
            assert_eq!(number(account, ordinal).as_deref(), Ok(want));
        }
        assert_eq!(Numbers::default().of_individuals(month(3)), "ФЛ-03");
    }

    #[test]
    fn accounts_without_a_number_are_told_why() {
        for (account, ordinal, why) in [
            ("12345678901", 1, "account-prefix"),
            ("123456789", 2, "account-prefix"),
            ("1234567890", 2, "account-prefix"),
            ("1_2", 1, "only letters"),
            ("1 2", 1, "only letters"),
            ("-12", 1, "begins with"),
            ("Ё1", 1, "only letters"),
        ] {
            let got = number(account, ordinal);
            assert!(got.clone().unwrap_or_else(|why| why).contains(why), "{account} {got:?}");
        }
        let mut numbers = Numbers::new("Т".into(), "7700".into());
        assert_eq!(numbers.of_account("770012345678", month(1), 1).as_deref(), Ok("Т0112345678"));
        assert!(numbers.of_account("7800123", month(1), 1).unwrap_err().contains("does not begin with 7700"));
        assert!(numbers.of_account("7700", month(1), 1).is_err());
    }

    #[test]
    fn letters_of_one_case() {
        let mut numbers = Numbers::default();
        assert!(numbers.of_account("ab1", month(1), 1).is_ok());
        assert!(numbers.of_account("77", month(1), 1).is_ok());
        assert!(numbers.of_account("aB1", month(1), 1).unwrap_err().contains("one case"));
        assert!(numbers.of_account("AB1", month(1), 1).unwrap_err().contains("one case"));
        assert!(numbers.of_account("я1", month(1), 1).is_ok());
    }

    #[test]
    fn references_are_stable_and_of_the_seller() {
        let references = References::of_seller("7700000009");
        let reference = references.of("document", &["100500", "Д-17", "2026-10"]);
        // The expected value comes from Python's uuid.uuid5.
        assert_eq!(reference.text(), "f6f009ec-4f46-5fdd-a4f6-d59bcf888e77");
        assert_eq!(reference.short(), "f6f009ec4f46");
        assert_eq!(reference, references.of("document", &["100500", "Д-17", "2026-10"]));
        assert_ne!(reference, references.of("document", &["100500", "Д-172026-10", ""]));
        assert_ne!(reference, References::of_seller("7701234560").of("document", &["100500", "Д-17", "2026-10"]));
    }

    proptest! {
        /// No two combinations of account, month and ordinal share a number, regardless of letter case.
        #[test]
        fn no_two_documents_share_a_number(
            keys in prop::collection::hash_set(("[0-9A-C][-0-9A-D./]{0,9}", 1u8..=12, 1usize..12), 1..400),
            prefix in "[А-Я0-9]{0,2}",
        ) {
            let mut numbers = Numbers::new(prefix, String::new());
            let mut seen = HashMap::new();
            for at in 1..=12 {
                seen.insert(numbers.of_individuals(month(at)), (String::new(), at, 0));
            }
            for (account, at, ordinal) in keys {
                if let Ok(number) = numbers.of_account(&account, month(at), ordinal) {
                    prop_assert!(number.chars().count() <= NUMBER_CHARS_MAX);
                    prop_assert_eq!(number.to_uppercase(), number.clone());
                    let other = seen.insert(number.clone(), (account.clone(), at, ordinal));
                    prop_assert!(other.is_none(), "{} of {:?} and {:?}", number, other, (account, at, ordinal));
                }
            }
        }
    }
}
