//! Money as integers of minor units, and its decimal text. There are no floats. Used by components and by the host's crates.
//!
//! Amounts have two decimals (kopecks, cents), as do all currencies that the providers of this workspace support.

use std::fmt;

/// The largest amount that is parsed or written: 9,999,999,999,999.99. It is far below the limit of `i64`, so sums of thousands
/// of such amounts are exact.
pub const AMOUNT_MAX: i64 = 999_999_999_999_999;
/// Its number of digits.
const AMOUNT_DIGITS_MAX: usize = 15;

/// An ISO 4217 alphabetic code: three upper-case ASCII letters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The Russian rouble.
    pub const RUB: Currency = Currency(*b"RUB");

    /// Parses an upper-case code. Returns `None` for anything but three letters of `A-Z`. Does not check whether ISO 4217 lists
    /// it.
    pub fn parse(text: &str) -> Option<Currency> {
        let code: [u8; 3] = text.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(Currency(code))
    }

    /// Reports whether a text is this code.
    pub fn is(&self, text: &str) -> bool {
        text.as_bytes() == self.0
    }

    /// Reports whether a payment system's text denotes this currency. Accepts the code in any letter case, and for the rouble
    /// also its number (643) and its code and number until 1998 (`RUR`, 810), which some still send.
    pub fn is_meant_by(&self, text: &str) -> bool {
        let is_old = |text: &str| text.eq_ignore_ascii_case("RUR") || text == "810" || text == "643";
        text.eq_ignore_ascii_case(self.as_str()) || (*self == Currency::RUB && is_old(text))
    }

    /// Returns the code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is not an amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AmountTextError {
    /// It is not of the form `1`, `1.2` or `1.23`, or it has leading zeros.
    Form,
    /// It is greater than [`AMOUNT_MAX`].
    TooLarge,
}

impl fmt::Display for AmountTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AmountTextError::Form => "not an amount such as 100 or 100.00",
            AmountTextError::TooLarge => "larger than 9999999999999.99",
        })
    }
}

impl std::error::Error for AmountTextError {}

/// Formats minor units as a decimal with a point and exactly two decimals: 10000 is `100.00`, -5 is `-0.05`.
pub fn format_amount(minor_units: i64) -> String {
    let mut text = Vec::new();
    write_amount(&mut text, minor_units);
    String::from_utf8(text).unwrap_or_default()
}

/// Appends the text of [`format_amount`].
pub fn write_amount(out: &mut Vec<u8>, minor_units: i64) {
    if minor_units < 0 {
        out.push(b'-');
    }
    write_decimal(out, minor_units.unsigned_abs(), 2);
}

/// Appends a decimal with a point and the given number of decimals, 1 to 3: 1500 with three is `1.500`.
pub fn write_decimal(out: &mut Vec<u8>, units: u64, decimals: usize) {
    let mut text = [0; 24];
    let mut rest = units;
    let mut length = 0;
    for place in text.iter_mut().rev() {
        if length == decimals {
            *place = b'.';
        } else if rest > 0 || length <= decimals + 1 {
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
        } else {
            break;
        }
        length += 1;
    }
    out.extend_from_slice(text.get(text.len() - length..).unwrap_or_default());
}

/// Parses `digits`, `digits.d` or `digits.dd` to minor units: `99.5` is 9950. Signs, spaces, leading zeros and exponents are
/// refused.
///
/// # Errors
/// [`AmountTextError`], whose text says what an amount looks like.
pub fn parse_amount(text: &str) -> Result<i64, AmountTextError> {
    parse_decimal(text, 2)
}

/// Parses a decimal with a point and at most the given number of decimals to units of the last one: `1.5` with three decimals is
/// 1500. Signs, spaces, leading zeros and exponents are refused. The inverse of [`write_decimal`], for 0 to 14 decimals.
///
/// # Errors
/// [`AmountTextError`]; the units are at most [`AMOUNT_MAX`].
pub fn parse_decimal(text: &str, decimals_max: usize) -> Result<i64, AmountTextError> {
    let (whole, decimals) = match text.split_once('.') {
        Some((_, "")) => return Err(AmountTextError::Form),
        Some((whole, decimals)) => (whole, decimals),
        None => (text, ""),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || leading_zero || decimals.len() > decimals_max || !digits(whole) || !digits(decimals) {
        return Err(AmountTextError::Form);
    }
    // The largest amount is nines alone, so the number of digits decides.
    if whole.len() + decimals_max > AMOUNT_DIGITS_MAX {
        return Err(AmountTextError::TooLarge);
    }
    let add = |units: i64, digit: u8| units.wrapping_mul(10).wrapping_add(i64::from(digit & 0xf));
    let units = decimals.bytes().fold(whole.bytes().fold(0, add), add);
    Ok((decimals.len()..decimals_max).fold(units, |units, _| units.wrapping_mul(10)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_currency_by_its_names() {
        let usd = Currency::parse("USD").unwrap();
        for (text, rub) in [
            ("RUB", true),
            ("rub", true),
            ("RUR", true),
            ("rur", true),
            ("810", true),
            ("643", true),
            ("", false),
            ("0643", false),
            ("USD", false),
        ] {
            assert_eq!(Currency::RUB.is_meant_by(text), rub, "{text}");
            assert_eq!(usd.is_meant_by(text), text == "USD", "{text}");
        }
    }

    #[test]
    fn text_of_amounts() {
        for (minor_units, text) in [
            (0, "0.00"),
            (1, "0.01"),
            (10_000, "100.00"),
            (-5, "-0.05"),
            (i64::MIN, "-92233720368547758.08"),
            (i64::MAX, "92233720368547758.07"),
        ] {
            assert_eq!(format_amount(minor_units), text);
        }
    }

    #[test]
    fn amounts_of_text() {
        for (text, want) in [
            ("100", Ok(10_000)),
            ("99.5", Ok(9_950)),
            ("539.99", Ok(53_999)),
            ("0.01", Ok(1)),
            ("9999999999999.99", Ok(AMOUNT_MAX)),
            ("10000000000000.00", Err(AmountTextError::TooLarge)),
            ("99999999999999999999", Err(AmountTextError::TooLarge)),
            ("", Err(AmountTextError::Form)),
            (".5", Err(AmountTextError::Form)),
            ("5.", Err(AmountTextError::Form)),
            ("1.000", Err(AmountTextError::Form)),
            ("01.00", Err(AmountTextError::Form)),
            ("-1.00", Err(AmountTextError::Form)),
            ("+1.00", Err(AmountTextError::Form)),
            ("1,00", Err(AmountTextError::Form)),
            ("1e2", Err(AmountTextError::Form)),
            ("١٠٠", Err(AmountTextError::Form)),
            (" 1.00", Err(AmountTextError::Form)),
        ] {
            assert_eq!(parse_amount(text), want, "{text:?}");
        }
    }

    #[test]
    fn decimals_of_any_number_of_digits() {
        for (text, decimals_max, want) in [
            ("15", 0, Ok(15)),
            ("15.0", 0, Err(AmountTextError::Form)),
            ("15", 3, Ok(15_000)),
            ("1.5", 3, Ok(1_500)),
            ("1.005", 3, Ok(1_005)),
            ("1.0005", 3, Err(AmountTextError::Form)),
            ("999999999999999", 0, Ok(AMOUNT_MAX)),
            ("999999999999.999", 3, Ok(AMOUNT_MAX)),
            ("1000000000000", 3, Err(AmountTextError::TooLarge)),
            ("1000000000000000", 0, Err(AmountTextError::TooLarge)),
        ] {
            assert_eq!(parse_decimal(text, decimals_max), want, "{text:?} {decimals_max}");
        }
    }

    #[test]
    fn currencies() {
        assert_eq!(Currency::parse("RUB"), Some(Currency::RUB));
        for text in ["", "RU", "rub", "RUBL", "Р", "R1B"] {
            assert_eq!(Currency::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn text_reads_back(minor_units in 0..=AMOUNT_MAX) {
            prop_assert_eq!(parse_amount(&format_amount(minor_units)), Ok(minor_units));
        }

        #[test]
        fn what_reads_is_what_a_decimal_means(text in "[0-9]{1,15}(\\.[0-9]{1,3})?|\\PC{0,12}") {
            if let Ok(minor_units) = parse_amount(&text) {
                let canonical = format_amount(minor_units);
                prop_assert!(canonical.starts_with(text.trim_end_matches('0').trim_end_matches('.')), "{} {}", text, canonical);
            }
        }
    }
}
