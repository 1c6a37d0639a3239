//! Decimal text and VAT for the host, with no code shared with the providers.

/// Parses a decimal with exactly `decimals` digits after its point, as a whole number of the smallest unit. A leading minus is
/// allowed. Returns `None` for anything else.
pub fn exact(text: &str, decimals: usize) -> Option<i128> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.')?;
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(whole) || !are_digits(fraction) || fraction.len() != decimals || digits.len() > 20 {
        return None;
    }
    Some(sign * (whole.parse::<i128>().ok()? * 10_i128.pow(decimals.try_into().ok()?) + fraction.parse::<i128>().ok()?))
}

/// Parses a decimal with at most `decimals` digits after its point, or without a point.
pub fn at_most(text: &str, decimals: usize) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if text.ends_with('.') || fraction.len() > decimals {
        return None;
    }
    exact(&format!("{whole}.{fraction:0<decimals$}"), decimals)
}

/// Returns the VAT within a gross amount, rounded half away from zero.
pub fn vat_within(minor_units: i128, basis_points: u16) -> i128 {
    let (rate, whole) = (i128::from(basis_points), 10_000 + i128::from(basis_points));
    let (quotient, rest) = (minor_units.abs() * rate / whole, minor_units.abs() * rate % whole);
    let rounded = quotient + i128::from(rest * 2 >= whole);
    if minor_units < 0 { -rounded } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly() {
        for (text, want) in [
            ("100.00", Some(10_000)),
            ("-0.05", Some(-5)),
            ("0.00", Some(0)),
            ("100", None),
            ("100.0", None),
            ("100,00", None),
            ("1e2.00", None),
            ("+1.00", None),
            ("", None),
            (".00", None),
            ("--1.00", None),
            ("99999999999999999999.00", None),
        ] {
            assert_eq!(exact(text, 2), want, "{text}");
        }
        for (text, want) in [("1", Some(1000)), ("0.5", Some(500)), ("1.", None), ("1.2345", None), ("1.234", Some(1234))] {
            assert_eq!(at_most(text, 3), want, "{text}");
        }
    }

    #[test]
    fn vat_is_half_up_both_ways() {
        for (amount, rate, vat) in [(50_000, 2200, 9_016), (-50_000, 2200, -9_016), (3, 2000, 1), (1, 2000, 0), (9, 0, 0)] {
            assert_eq!(vat_within(amount, rate), vat);
        }
    }
}
