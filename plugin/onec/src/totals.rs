//! Exact sums, by VAT rate.

use std::collections::BTreeMap;

use crate::writeoff::{Code, Problem, Writeoff};

/// The VAT within a gross amount, in minor units: amount · rate / (100 % + rate), rounded half away from zero.
///
/// A correction takes back what the charge held: the VAT of `-amount` is the negative of the VAT of `amount`.
pub fn vat_within(minor_units: i64, vat_basis_points: u16) -> i64 {
    let rate = i128::from(vat_basis_points);
    let whole = 10_000 + rate;
    let magnitude = (2 * i128::from(minor_units).abs() * rate + whole) / (2 * whole);
    // Not more than the amount itself, which is an i64.
    let magnitude = i64::try_from(magnitude).unwrap_or(i64::MAX);
    if minor_units < 0 { -magnitude } else { magnitude }
}

/// The sums of one VAT rate, in minor units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RateTotals {
    /// Of the charges, tax included.
    pub minor_units: i64,
    /// Of the VAT within them.
    pub vat_minor_units: i64,
}

impl RateTotals {
    fn plus(self, minor_units: i64, vat_minor_units: i64) -> Option<RateTotals> {
        Some(RateTotals {
            minor_units: self.minor_units.checked_add(minor_units)?,
            vat_minor_units: self.vat_minor_units.checked_add(vat_minor_units)?,
        })
    }
}

/// The sums of an export so far.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// How many write-offs.
    pub rows: u64,
    /// Of all rates.
    pub all: RateTotals,
    /// By rate in hundredths of a percent, «без НДС» (`None`) first.
    pub by_rate: BTreeMap<Option<u16>, RateTotals>,
}

impl Totals {
    /// Counts one write-off and gives its VAT in minor units, 0 for «без НДС».
    ///
    /// # Errors
    /// `out-of-range` where a sum would pass 64 bits; nothing is counted then.
    pub fn add(&mut self, writeoff: &Writeoff) -> Result<i64, Problem> {
        let vat = writeoff.vat_basis_points.map_or(0, |rate| vat_within(writeoff.minor_units, rate));
        let overflow = || {
            Problem::new(Code::OutOfRange, "amount.minor-units", "The export's sum passes 64 bits; export a shorter period.")
        };
        let rate = self.by_rate.get(&writeoff.vat_basis_points).copied().unwrap_or_default();
        let rate = rate.plus(writeoff.minor_units, vat).ok_or_else(overflow)?;
        self.all = self.all.plus(writeoff.minor_units, vat).ok_or_else(overflow)?;
        self.by_rate.insert(writeoff.vat_basis_points, rate);
        self.rows += 1;
        Ok(vat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::writeoff::tests::writeoff;
    use proptest::prelude::*;

    #[test]
    fn vat_of_known_amounts() {
        for (minor_units, rate, vat) in [
            (50_000, 2200, 9_016),
            (50_000, 2000, 8_333),
            (12_200, 2200, 2_200),
            (-50_000, 2200, -9_016),
            (3, 2000, 1),
            (1, 2000, 0),
            (0, 2200, 0),
            (50_000, 0, 0),
            (i64::MAX, 10_000, 4_611_686_018_427_387_904),
            (i64::MIN, 10_000, -4_611_686_018_427_387_904),
        ] {
            assert_eq!(vat_within(minor_units, rate), vat, "{minor_units} at {rate}");
        }
    }

    #[test]
    fn a_sum_that_overflows_counts_nothing() {
        let mut totals = Totals::default();
        let row = Writeoff { minor_units: i64::MAX, vat_basis_points: Some(0), ..writeoff() };
        totals.add(&row).unwrap();
        let before = totals.clone();
        assert_eq!(totals.add(&row).unwrap_err().field, "amount.minor-units");
        assert_eq!(totals, before);
    }

    proptest! {
        #[test]
        fn vat_is_within_half_a_unit(minor_units in -1_000_000_000_000i64..1_000_000_000_000, rate in 0u16..=10_000) {
            let vat = vat_within(minor_units, rate);
            prop_assert_eq!(vat_within(-minor_units, rate), -vat);
            let whole = 10_000 + i128::from(rate);
            let off = i128::from(vat) * whole - i128::from(minor_units) * i128::from(rate);
            prop_assert!(2 * off.abs() <= whole);
        }
    }
}
