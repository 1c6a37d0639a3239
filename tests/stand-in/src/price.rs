//! The price of an order.

use std::fmt;

const DIGITS_MAX: usize = 12;

/// A price in minor units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Price(u64);

impl Price {
    /// Parses a positive price: `100.00`, or `100` and `99.5` as some shops send it.
    pub fn parse(text: &str) -> Option<Price> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str, most| (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole, DIGITS_MAX) || !digits(decimals, 2) {
            return None;
        }
        format!("{whole}{decimals:0<2}").parse().ok().filter(|minor_units| *minor_units > 0).map(Price)
    }

    /// Returns the price of so many minor units.
    pub fn of_minor_units(minor_units: u64) -> Price {
        Price(minor_units)
    }

    /// Returns the minor units.
    pub fn minor_units(self) -> u64 {
        self.0
    }

    /// Returns the price plus 1.00.
    pub fn greater_by_one(self) -> Price {
        Price(self.0 + 100)
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_as_shops_send_them() {
        for (text, want) in [
            ("100.00", Some("100.00")),
            ("100", Some("100.00")),
            ("99.5", Some("99.50")),
            ("0.01", Some("0.01")),
            ("999999999999.99", Some("999999999999.99")),
            ("1000000000000", None),
            ("0.00", None),
            ("", None),
            ("100.", None),
            (".50", None),
            ("1.000", None),
            ("100,00", None),
            ("+100", None),
            ("-1", None),
            ("1e2", None),
        ] {
            assert_eq!(Price::parse(text).map(|price| price.to_string()).as_deref(), want, "{text}");
        }
    }
}
