//! Decimal amounts of payment systems, beyond [`money::parse_amount`]: with a comma, with zeros that mean nothing, and of
//! currencies without or with three decimals.

use std::fmt;

use money::AmountTextError;

/// How a payment system writes amounts. Signs, exponents, spaces and leading zeros are always refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Form {
    /// The decimals of the currency's minor unit (ISO 4217): 2 for the rouble, the tenge and the soum, 0 for the yen, 3 for the
    /// dinar.
    exponent: usize,
    takes_comma: bool,
    /// The most decimals, counting zeros beyond the minor unit.
    decimals_max: usize,
}

impl Form {
    /// Up to two decimals after a point: `152`, `152.0`, `152.00`.
    pub const TWO_DECIMALS: Form = Form::with_exponent(2);
    /// Two decimals and four zeros, as Robokassa's `OutSum`: `152.000000`. Fewer decimals are taken too.
    pub const SIX_DECIMALS: Form = Form::TWO_DECIMALS.padded(6);

    /// Takes up to `exponent` decimals after a point.
    pub const fn with_exponent(exponent: usize) -> Form {
        Form { exponent, takes_comma: false, decimals_max: exponent }
    }

    /// Takes a comma as well as a point: `152,00`.
    pub const fn or_comma(self) -> Form {
        Form { takes_comma: true, ..self }
    }

    /// Takes up to `decimals_max` decimals, of which those beyond the minor unit must be zeros.
    pub const fn padded(self, decimals_max: usize) -> Form {
        Form { decimals_max, ..self }
    }

    /// Parses an amount to minor units: `152.5` is 15250 with two decimals.
    ///
    /// # Errors
    /// The first rule that the text breaks.
    pub fn parse(self, text: &str) -> Result<i64, DecimalError> {
        if text.is_empty() {
            return Err(DecimalError::Empty);
        }
        let point = if self.takes_comma { text.find(['.', ',']) } else { text.find('.') };
        let (whole, decimals) = point.and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?))).unwrap_or((text, "0"));
        check(whole, decimals)?;
        let (minor, zeros) = decimals.split_at_checked(self.exponent).unwrap_or((decimals, ""));
        // `.0` is a decimal too many of a currency without decimals, unless zeros are taken. `152` has none.
        if point.is_some() && decimals.len() > self.decimals_max || zeros.bytes().any(|byte| byte != b'0') {
            return Err(DecimalError::TooManyDecimals);
        }
        let decimal = if minor.is_empty() { whole.to_owned() } else { [whole, ".", minor].concat() };
        money::parse_decimal(&decimal, self.exponent).map_err(|error| match error {
            AmountTextError::Form => DecimalError::NotDecimal,
            AmountTextError::TooLarge => DecimalError::TooLarge,
        })
    }
}

/// Formats minor units with a point and exactly `exponent` decimals, 0 to 3: 15250 with two decimals is `152.50`. It is the text
/// of [`money::format_amount`] for any number of decimals.
pub fn format(minor_units: i64, exponent: usize) -> String {
    if exponent == 0 {
        return minor_units.to_string();
    }
    let mut text = if minor_units < 0 { vec![b'-'] } else { Vec::new() };
    money::write_decimal(&mut text, minor_units.unsigned_abs(), exponent);
    String::from_utf8(text).unwrap_or_default()
}

/// Why a text is not an amount. Each is a sentence for the person who has to find out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecimalError {
    /// It is empty.
    Empty,
    /// It begins with `+` or `-`.
    Sign,
    /// It has an exponent, such as `1e2`.
    Exponent,
    /// It has a leading zero, such as `0152`.
    LeadingZero,
    /// It has a fraction of a minor unit, or more decimals than the payment system writes.
    TooManyDecimals,
    /// It is not digits with one separator between digits.
    NotDecimal,
    /// It is greater than [`money::AMOUNT_MAX`].
    TooLarge,
}

impl fmt::Display for DecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DecimalError::Empty => "The amount is empty.",
            DecimalError::Sign => "The amount has a sign; amounts have none.",
            DecimalError::Exponent => "The amount has an exponent; it must be written out.",
            DecimalError::LeadingZero => "The amount has a leading zero.",
            DecimalError::TooManyDecimals => "The amount has more decimals than the currency.",
            DecimalError::NotDecimal => "It is not an amount such as 100 or 100.00.",
            DecimalError::TooLarge => "The amount is larger than 999999999999999 minor units.",
        })
    }
}

impl std::error::Error for DecimalError {}

/// Checks everything but the number of decimals and the size.
fn check(whole: &str, decimals: &str) -> Result<(), DecimalError> {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match whole.as_bytes() {
        [b'+' | b'-', ..] => Err(DecimalError::Sign),
        _ if is_digits(whole) && is_digits(decimals) => {
            if whole.len() > 1 && whole.starts_with('0') {
                Err(DecimalError::LeadingZero)
            } else {
                Ok(())
            }
        }
        _ if is_exponential(whole, decimals) => Err(DecimalError::Exponent),
        _ => Err(DecimalError::NotDecimal),
    }
}

/// Reports whether a text is a number with an exponent, for a message that says so.
fn is_exponential(whole: &str, decimals: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'e' | b'E' | b'+' | b'-');
    whole.starts_with(|first: char| first.is_ascii_digit())
        && whole.bytes().chain(decimals.bytes()).all(is_part)
        && [whole, decimals].concat().contains(['e', 'E'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use DecimalError::*;
    use money::AMOUNT_MAX;
    use proptest::prelude::*;

    #[test]
    fn amounts_of_two_decimals() {
        for (text, want) in [
            ("152", Ok(15_200)),
            ("152.0", Ok(15_200)),
            ("152.00", Ok(15_200)),
            ("0.01", Ok(1)),
            ("0", Ok(0)),
            ("9999999999999.99", Ok(AMOUNT_MAX)),
            ("10000000000000", Err(TooLarge)),
            ("99999999999999999999999999", Err(TooLarge)),
            ("", Err(Empty)),
            ("152.000", Err(TooManyDecimals)),
            ("152.001", Err(TooManyDecimals)),
            ("0152", Err(LeadingZero)),
            ("00", Err(LeadingZero)),
            ("00.50", Err(LeadingZero)),
            ("-152", Err(Sign)),
            ("+152", Err(Sign)),
            ("-", Err(Sign)),
            ("1e2", Err(Exponent)),
            ("1.5E+2", Err(Exponent)),
            ("152.", Err(NotDecimal)),
            (".5", Err(NotDecimal)),
            (".0", Err(NotDecimal)),
            (".", Err(NotDecimal)),
            ("152,00", Err(NotDecimal)),
            ("1.5.2", Err(NotDecimal)),
            ("1 520", Err(NotDecimal)),
            (" 152", Err(NotDecimal)),
            ("152\n", Err(NotDecimal)),
            ("١٠٠", Err(NotDecimal)),
            ("NaN", Err(NotDecimal)),
            ("e", Err(NotDecimal)),
            ("0x10", Err(NotDecimal)),
        ] {
            assert_eq!(Form::TWO_DECIMALS.parse(text), want, "{text:?}");
        }
    }

    #[test]
    fn options() {
        let comma = Form::TWO_DECIMALS.or_comma();
        for (form, text, want) in [
            (comma, "152,00", Ok(15_200)),
            (comma, "152.5", Ok(15_250)),
            (comma, "1,520.00", Err(NotDecimal)),
            (comma, "1,520,00", Err(NotDecimal)),
            (comma, "152,", Err(NotDecimal)),
            (Form::SIX_DECIMALS, "1.000000", Ok(100)),
            (Form::SIX_DECIMALS, "1.010000", Ok(101)),
            (Form::SIX_DECIMALS, "1.01", Ok(101)),
            (Form::SIX_DECIMALS, "1", Ok(100)),
            (Form::SIX_DECIMALS, "1.010001", Err(TooManyDecimals)),
            (Form::SIX_DECIMALS, "1.0000000", Err(TooManyDecimals)),
            (Form::with_exponent(0), "500", Ok(500)),
            (Form::with_exponent(0), "500.0", Err(TooManyDecimals)),
            (Form::with_exponent(0).padded(2), "500.00", Ok(500)),
            (Form::with_exponent(0).padded(2), "500.10", Err(TooManyDecimals)),
            (Form::with_exponent(3), "1.005", Ok(1_005)),
            (Form::with_exponent(3), "1.5", Ok(1_500)),
            (Form::with_exponent(3), "1.0005", Err(TooManyDecimals)),
        ] {
            assert_eq!(form.parse(text), want, "{text:?} {form:?}");
        }
    }

    #[test]
    fn minor_units_as_text() {
        for (minor_units, exponent, want) in [
            (15_250, 2, "152.50"),
            (5, 2, "0.05"),
            (0, 2, "0.00"),
            (500, 0, "500"),
            (0, 0, "0"),
            (1_005, 3, "1.005"),
            (-5, 2, "-0.05"),
            (i64::MAX, 0, "9223372036854775807"),
        ] {
            assert_eq!(format(minor_units, exponent), want);
        }
    }

    proptest! {
        #[test]
        fn text_reads_back(minor_units in 0..=AMOUNT_MAX, exponent in 0..4_usize) {
            let text = format(minor_units, exponent);
            prop_assert_eq!(Form::with_exponent(exponent).parse(&text), Ok(minor_units));
            let padded = if exponent == 0 { text.clone() + ".00" } else { text.clone() + "00" };
            prop_assert_eq!(Form::with_exponent(exponent).padded(exponent + 2).parse(&padded), Ok(minor_units));
            prop_assert_eq!(Form::with_exponent(exponent).parse(&padded), Err(TooManyDecimals));
            prop_assert_eq!(Form::with_exponent(exponent).or_comma().parse(&text.replace('.', ",")), Ok(minor_units));
        }

        /// Without options it takes what [`money::parse_amount`] takes, and nothing else.
        #[test]
        fn one_grammar(text in "[-+]?[0-9]{0,3}[.,]?[0-9]{0,3}|[0-9.,eE+-]{0,8}|\\PC{0,8}") {
            prop_assert_eq!(Form::TWO_DECIMALS.parse(&text).ok(), money::parse_amount(&text).ok());
        }
    }
}
