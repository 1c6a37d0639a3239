//! Amounts: whole minor units, and their text with two decimals. Integers only; an amount is never a fraction.

/// The largest amount, in minor units.
pub const AMOUNT_MAX: i64 = 999_999_999_999;

/// Formats an amount that is not negative: 10000 is `100.00`.
pub fn format(minor_units: i64) -> String {
    format!("{}.{:02}", minor_units / 100, minor_units % 100)
}

/// Parses an amount: `100.00` is 10000. Returns `None` for any other form. Each amount has exactly one form.
pub fn parse(text: &str) -> Option<i64> {
    let (major, minor) = text.split_once('.')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_whole = (1..=10).contains(&major.len()) && digits(major) && (major == "0" || !major.starts_with('0'));
    if !is_whole || minor.len() != 2 || !digits(minor) {
        return None;
    }
    Some(major.parse::<i64>().ok()? * 100 + minor.parse::<i64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_one_form() {
        for (minor_units, text) in [(0, "0.00"), (1, "0.01"), (10_000, "100.00"), (AMOUNT_MAX, "9999999999.99")] {
            assert_eq!((format(minor_units).as_str(), parse(text)), (text, Some(minor_units)));
        }
        for text in ["", "1", "1.0", "1.000", "01.00", "+1.00", "-1.00", ".00", "1,00", "１.00", " 1.00", "10000000000.00"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
