//! Money as integers of minor units, and its decimal text. No float anywhere.
//! Components and the host's crates use it.
//!
//! Amounts here have two minor digits (kopecks, cents): every currency that the providers of this workspace take has two.

use std::fmt;

/// The largest amount that is read or written: 9,999,999,999,999.99, far from the ends of `i64`, so that sums of a million such
/// amounts are still exact.
pub const AMOUNT_MAX: i64 = 999_999_999_999_999;

/// An ISO 4217 alphabetic code: three upper-case ASCII letters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The Russian rouble.
    pub const RUB: Currency = Currency(*b"RUB");

    /// Reads a code in upper case. `None` for anything but three letters of `A-Z`; whether ISO 4217 lists it is not checked.
    pub fn parse(text: &str) -> Option<Currency> {
        let code: [u8; 3] = text.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(Currency(code))
    }

    /// Whether a text is this code.
    pub fn is(&self, text: &str) -> bool {
        text.as_bytes() == self.0
    }

    /// Whether a payment system's text means this currency: its code in any letter case, and for the rouble also its number (643)
    /// and the code and number that it had until 1998 (`RUR`, 810), which some still send.
    pub fn is_meant_by(&self, text: &str) -> bool {
        let is_old = |text: &str| text.eq_ignore_ascii_case("RUR") || text == "810" || text == "643";
        text.eq_ignore_ascii_case(self.as_str()) || (*self == Currency::RUB && is_old(text))
    }

    /// The code as text.
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
    /// It is not digits, or digits, a point and one or two digits; or it has leading zeros.
    Form,
    /// It is over [`AMOUNT_MAX`].
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

/// Minor units as decimal text with a point and exactly two decimals: 10000 is `100.00`, -5 is `-0.05`.
pub fn format_amount(minor_units: i64) -> String {
    let mut text = Vec::new();
    write_amount(&mut text, minor_units);
    String::from_utf8(text).unwrap_or_default()
}

/// Appends what [`format_amount`] gives.
pub fn write_amount(out: &mut Vec<u8>, minor_units: i64) {
    if minor_units < 0 {
        out.push(b'-');
    }
    write_decimal(out, minor_units.unsigned_abs(), 2);
}

/// Appends a decimal with a point and so many decimals, 1 to 3: 1500 with three is `1.500`.
pub fn write_decimal(out: &mut Vec<u8>, units: u64, decimals: usize) {
    let mut text = [0; 24];
    let mut rest = units;
    let mut length = 0;
    for place in text.iter_mut().rev() {
        if length == decimals {
            *place = b'.';
        } else if rest > 0 || length <= decimals + 1 {
            // A digit.
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
        } else {
            break;
        }
        length += 1;
    }
    out.extend_from_slice(text.get(text.len() - length..).unwrap_or_default());
}

/// Reads `digits`, `digits.d` or `digits.dd` as minor units: `99.5` is 9950. No sign, no spaces, no leading zeros, no exponent.
///
/// # Errors
/// [`AmountTextError`], which says what such a text looks like.
pub fn parse_amount(text: &str) -> Result<i64, AmountTextError> {
    let (whole, decimals) = match text.split_once('.') {
        Some((_, "")) => return Err(AmountTextError::Form),
        Some((whole, decimals)) => (whole, decimals),
        None => (text, ""),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let digit = |byte: u8| i64::from(byte - b'0');
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || leading_zero || decimals.len() > 2 || !digits(whole) || !digits(decimals) {
        return Err(AmountTextError::Form);
    }
    let whole: i64 = whole.parse().map_err(|_| AmountTextError::TooLarge)?;
    let minor_units = match decimals.as_bytes() {
        [] => 0,
        [tens] => digit(*tens) * 10,
        [tens, ones, ..] => digit(*tens) * 10 + digit(*ones),
    };
    whole
        .checked_mul(100)
        .and_then(|whole| whole.checked_add(minor_units))
        .filter(|minor_units| *minor_units <= AMOUNT_MAX)
        .ok_or(AmountTextError::TooLarge)
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
