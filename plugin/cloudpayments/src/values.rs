//! The grammars of CloudPayments' values, which are the same in notifications and in answers of the API.

use kit::datetime::{self, WITH_SPACE, WITH_T};
use kit::decimal::Form;

/// Amounts have two decimals, and JSON may have more that are zeros.
const AMOUNT: Form = Form::TWO_DECIMALS.padded(6);

/// Parses a transaction's number: 1 to 9223372036854775807, without leading zeros.
pub fn transaction(text: &str) -> Option<i64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|number| is_plain && *number > 0)
}

/// Parses an amount to minor units: `10.5` and `10.500000` are 1050. Signs and fractions of a minor unit are refused.
pub fn amount(text: &str) -> Option<i64> {
    AMOUNT.parse(text).ok()
}

/// Parses an amount that may have a minus.
pub fn signed_amount(text: &str) -> Option<i64> {
    match text.strip_prefix('-') {
        Some(positive) => amount(positive).map(|amount| -amount),
        None => amount(text),
    }
}

/// Adds the VAT that is charged on top of a fee, if both can be read.
pub fn fee(total: &str, vat_above: &str) -> Option<i64> {
    let vat = if vat_above.is_empty() { Some(0) } else { amount(vat_above) };
    amount(total)?.checked_add(vat?)
}

/// Converts a time in UTC, `2026-11-28 10:00:05` or with a `T`, to the contract's `occurred-at`. A fraction of a second is dropped.
pub fn occurred_at(text: &str) -> Option<String> {
    let (seconds, fraction) = text.split_at_checked(WITH_T.len())?;
    let is_fraction = |digits: &str| (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !fraction.is_empty() && !fraction.strip_prefix('.').is_some_and(is_fraction) {
        return None;
    }
    let time = datetime::parse(WITH_SPACE, seconds).or_else(|| datetime::parse(WITH_T, seconds))?;
    Some(datetime::occurred_at(time.assume_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn transactions() {
        for (text, want) in [
            ("897749645", Some(897_749_645)),
            ("1", Some(1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("0", None),
            ("01", None),
            ("-1", None),
            ("+1", None),
            ("1.0", None),
            ("1e3", None),
            ("", None),
            (" 1", None),
            ("١", None),
        ] {
            assert_eq!(transaction(text), want, "{text:?}");
        }
    }

    #[test]
    fn amounts() {
        for (text, want) in [
            ("10.50", Some(1_050)),
            ("10.5", Some(1_050)),
            ("10.5000", Some(1_050)),
            ("159", Some(15_900)),
            ("0", Some(0)),
            ("10.501", None),
            ("010.50", None),
            ("-10.50", None),
            ("10,50", None),
            ("1e2", None),
            ("", None),
        ] {
            assert_eq!(amount(text), want, "{text:?}");
        }
        assert_eq!([signed_amount("-10.50"), signed_amount("10.50"), signed_amount("--1")], [Some(-1_050), Some(1_050), None]);
        for (total, vat, want) in
            [("312.00", "", Some(31_200)), ("100.00", "22.00", Some(12_200)), ("", "", None), ("x", "", None), ("1", "x", None)]
        {
            assert_eq!(fee(total, vat), want, "{total} {vat}");
        }
    }

    #[test]
    fn times() {
        for (text, want) in [
            ("2024-11-29 10:03:04", Some("2024-11-29T10:03:04Z")),
            ("2021-10-30T03:59:58", Some("2021-10-30T03:59:58Z")),
            ("2021-10-30T03:59:58.686", Some("2021-10-30T03:59:58Z")),
            ("2021-10-30T03:59:58Z", None),
            ("2021-10-30T03:59:58.", None),
            ("2021-02-30 10:00:00", None),
            ("29.11.2024 10:03:04", None),
            ("", None),
        ] {
            assert_eq!(occurred_at(text).as_deref(), want, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_an_answer(text in "\\PC{0,30}|[0-9T:. -]{15,25}") {
            let _ = (transaction(&text), signed_amount(&text), occurred_at(&text));
        }
    }
}
