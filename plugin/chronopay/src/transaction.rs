//! The values that a callback's signature covers.

use kit::contract::{EventKind, Recurrence};
use money::{AmountTextError, parse_amount};

/// ChronoPay's transaction types that report money, in lower case. Old accounts send them in lower case, new ones do not.
///
/// `Purchase` may also begin a subscription; the callback does not say so.
const MONEY: [(&str, EventKind, Recurrence); 8] = [
    ("purchase", EventKind::Payment, Recurrence::Single),
    ("onetime", EventKind::Payment, Recurrence::Single),
    ("initial", EventKind::Payment, Recurrence::First),
    ("rebill", EventKind::Payment, Recurrence::Repeat),
    ("refund", EventKind::Refund, Recurrence::Single),
    ("chargeback", EventKind::Chargeback, Recurrence::Single),
    ("preauth", EventKind::Hold, Recurrence::Single),
    ("decline", EventKind::Declined, Recurrence::Single),
];

/// The types that report that no money moved.
const NO_MONEY: [&str; 3] = ["cancel", "expire", "pending"];

const TRANSACTION_DIGITS_MAX: usize = 20;
const TYPE_CHARS_MAX: usize = 32;

/// What a transaction type means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meaning {
    /// A fact about money.
    Money(EventKind, Recurrence),
    /// A known type, and no money moved.
    NoMoney,
    /// An unknown type.
    Unknown,
}

/// The signed values of a callback about a transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transaction<'f> {
    /// `NNNNNN-NNNNNNNNN`.
    pub customer: &'f str,
    /// Digits.
    pub id: &'f str,
    /// What happened.
    pub meaning: Meaning,
    /// In minor units, not negative.
    pub minor_units: i64,
}

/// What the signed values say, once the signature is verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Signed<'f> {
    /// A callback about a transaction.
    Transaction(Transaction<'f>),
    /// A test call of an old account, which has no transaction or no total.
    Test,
    /// The named field has an unknown form.
    Unrecognized(&'static str),
}

impl<'f> Signed<'f> {
    /// Parses the customer, the transaction, the type and the total.
    ///
    /// The signature covers the four values joined without separators, so their grammars must allow only one way to split the
    /// joined text: the customer has a fixed length, the transaction has only digits, the type begins and ends with a letter,
    /// and the total has no letters. Moving a character from one value to the next breaks one of these rules.
    pub fn read([customer, id, transaction_type, total]: [&'f str; 4]) -> Signed<'f> {
        let test = id.is_empty() || total.is_empty();
        let known_customer = is_customer(customer) || test && customer.is_empty();
        if !known_customer {
            return Signed::Unrecognized("customer_id");
        }
        if !id.is_empty() && !is_id(id) {
            return Signed::Unrecognized("transaction_id");
        }
        if !is_type(transaction_type) {
            return Signed::Unrecognized("transaction_type");
        }
        match (parse_amount(total), test) {
            (Ok(_), true) => Signed::Test,
            (Err(_), true) if total.is_empty() => Signed::Test,
            (Ok(minor_units), false) => {
                Signed::Transaction(Transaction { customer, id, meaning: meaning(transaction_type), minor_units })
            }
            (Err(AmountTextError::Form | AmountTextError::TooLarge), _) => Signed::Unrecognized("total"),
        }
    }
}

/// Reports whether a text is a transaction's id: digits.
pub fn is_id(text: &str) -> bool {
    (1..=TRANSACTION_DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reports whether a text is a customer's id: `NNNNNN-NNNNNNNNN`.
pub fn is_customer(text: &str) -> bool {
    let digits = |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('-').is_some_and(|(client, payer)| digits(client, 6) && digits(payer, 9))
}

fn is_type(text: &str) -> bool {
    let letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
    let bytes = text.as_bytes();
    letter(bytes.first())
        && letter(bytes.last())
        && bytes.len() <= TYPE_CHARS_MAX
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_- ".contains(byte))
}

fn meaning(transaction_type: &str) -> Meaning {
    let named = |name: &str| transaction_type.eq_ignore_ascii_case(name);
    match MONEY.iter().find(|(name, _, _)| named(name)) {
        Some((_, kind, recurrence)) => Meaning::Money(*kind, *recurrence),
        None if NO_MONEY.iter().any(|name| named(name)) => Meaning::NoMoney,
        None => Meaning::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn types_in_any_letter_case() {
        use EventKind::*;
        use Recurrence::*;
        for (text, want) in [
            ("Purchase", Meaning::Money(Payment, Single)),
            ("PURCHASE", Meaning::Money(Payment, Single)),
            ("onetime", Meaning::Money(Payment, Single)),
            ("initial", Meaning::Money(Payment, First)),
            ("Rebill", Meaning::Money(Payment, Repeat)),
            ("rebill", Meaning::Money(Payment, Repeat)),
            ("Refund", Meaning::Money(Refund, Single)),
            ("refund", Meaning::Money(Refund, Single)),
            ("Chargeback", Meaning::Money(Chargeback, Single)),
            ("Preauth", Meaning::Money(Hold, Single)),
            ("decline", Meaning::Money(Declined, Single)),
            ("cancel", Meaning::NoMoney),
            ("expire", Meaning::NoMoney),
            ("Pending", Meaning::NoMoney),
            ("Authorize", Meaning::Unknown),
            ("Purchases", Meaning::Unknown),
        ] {
            assert_eq!(meaning(text), want, "{text}");
        }
    }

    #[test]
    fn forms_that_are_not_known() {
        let good = ["001234-100000062", "56244472", "Purchase", "100.00"];
        assert!(matches!(Signed::read(good), Signed::Transaction(_)));
        for (at, text, field) in [
            (0, "", "customer_id"),
            (0, "001234-10000006", "customer_id"),
            (0, "001234-1000000625", "customer_id"),
            (0, "001234100000062", "customer_id"),
            (0, "001234-10000006٢", "customer_id"),
            (1, "5624447a", "transaction_id"),
            (1, "-1", "transaction_id"),
            (1, "111111111111111111111", "transaction_id"),
            (2, "", "transaction_type"),
            (2, "2Purchase", "transaction_type"),
            (2, "Purchase1", "transaction_type"),
            (2, "Purchase.", "transaction_type"),
            (2, "Покупка", "transaction_type"),
            (3, "100,00", "total"),
            (3, "0100.00", "total"),
            (3, "100.000", "total"),
            (3, "99999999999999999", "total"),
        ] {
            let mut values = good;
            values[at] = text;
            assert_eq!(Signed::read(values), Signed::Unrecognized(field), "{text:?}");
        }
    }

    #[test]
    fn old_test_calls() {
        for values in [
            ["001234-100000062", "", "onetime", ""],
            ["001234-100000062", "", "onetime", "500.00"],
            ["001234-100000062", "14585314", "onetime", ""],
            ["", "", "onetime", ""],
        ] {
            assert_eq!(Signed::read(values), Signed::Test, "{values:?}");
        }
        assert_eq!(Signed::read(["x", "", "onetime", ""]), Signed::Unrecognized("customer_id"));
        assert_eq!(Signed::read(["001234-100000062", "", "onetime", "x"]), Signed::Unrecognized("total"));
    }

    proptest! {
        /// The signed text can be split in one way only.
        #[test]
        fn one_way_to_cut(customer in "[0-9]{6}-[0-9]{9}", id in "[0-9]{0,9}", kind in "[A-Za-z]([a-z0-9_ -]{0,6}[a-z])?", total in "([0-9]{1,4}(\\.[0-9]{1,2})?)?") {
            let values = [customer.as_str(), &id, &kind, &total];
            let joined = values.concat();
            prop_assume!(!matches!(Signed::read(values), Signed::Unrecognized(_)));
            let ends: Vec<usize> = (0..=joined.len()).collect();
            for &a in &ends {
                for &b in ends.iter().filter(|end| **end >= a) {
                    for &c in ends.iter().filter(|end| **end >= b) {
                        let cut = [&joined[..a], &joined[a..b], &joined[b..c], &joined[c..]];
                        prop_assert!(cut == values || matches!(Signed::read(cut), Signed::Unrecognized(_)), "{:?}", cut);
                    }
                }
            }
        }
    }
}
