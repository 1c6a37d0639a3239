//! Exact sums, by VAT rate.

use crate::writeoff::{Code, Problem};

/// The VAT within a gross amount, in minor units: amount · rate / (100 % + rate), rounded half away from zero.
///
/// A correction takes back what the charge held: the VAT of `-amount` is the negative of the VAT of `amount`.
pub fn vat_within(minor_units: i64, vat_basis_points: u16) -> i64 {
    let rate = u64::from(vat_basis_points);
    let whole = 10_000 + rate;
    // The VAT of so many wholes is exact; what is rounded is that of the rest. So nothing overflows.
    let (wholes, rest) = (minor_units.unsigned_abs() / whole, minor_units.unsigned_abs() % whole);
    let magnitude = wholes * rate + (2 * rest * rate + whole) / (2 * whole);
    // Not more than the amount itself, which is an i64.
    let magnitude = i64::try_from(magnitude).unwrap_or(i64::MAX);
    if minor_units < 0 { -magnitude } else { magnitude }
}

/// Money and the VAT within it, in minor units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sums {
    /// Of the charges, tax included.
    pub minor_units: i64,
    /// Of the VAT within them.
    pub vat_minor_units: i64,
}

impl Sums {
    /// A charge and its VAT at a rate in hundredths of a percent, 0 for «без НДС».
    pub(crate) fn of(minor_units: i64, vat_basis_points: Option<u16>) -> Sums {
        Sums { minor_units, vat_minor_units: vat_basis_points.map_or(0, |rate| vat_within(minor_units, rate)) }
    }

    /// # Errors
    /// `unsupported` where a sum would pass 64 bits.
    pub(crate) fn plus(self, other: Sums) -> Result<Sums, Box<Problem>> {
        let sums = self.minor_units.checked_add(other.minor_units).zip(self.vat_minor_units.checked_add(other.vat_minor_units));
        match sums {
            Some((minor_units, vat_minor_units)) => Ok(Sums { minor_units, vat_minor_units }),
            None => {
                Err(Problem::new(Code::Unsupported, "amount.minor-units", "The sum passes 64 bits; export a shorter period."))
            }
        }
    }
}

/// What a file or a whole export holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// How many write-offs.
    pub rows: u64,
    /// How many documents; 0 in a format without them.
    pub documents: u64,
    /// Of all rates.
    pub all: Sums,
    /// By rate in hundredths of a percent, «без НДС» (`None`) first.
    pub by_rate: Vec<(Option<u16>, Sums)>,
    /// How much more VAT is written than the write-offs' own VAT, each rounded by itself, would sum up to, in minor units.
    pub vat_rounding: i64,
}

impl Totals {
    /// Counts some write-offs of one rate, with the sum of their own VAT, each rounded by itself.
    ///
    /// # Errors
    /// `unsupported` where a sum would pass 64 bits; nothing is counted then.
    pub(crate) fn add(
        &mut self,
        rows: u64,
        vat_basis_points: Option<u16>,
        sums: Sums,
        own_vat: i64,
    ) -> Result<(), Box<Problem>> {
        let place = self.by_rate.partition_point(|(rate, _)| *rate < vat_basis_points);
        let all = self.all.plus(sums)?;
        match self.by_rate.get_mut(place) {
            Some((rate, of_rate)) if *rate == vat_basis_points => *of_rate = of_rate.plus(sums)?,
            _ => self.by_rate.insert(place, (vat_basis_points, sums)),
        }
        self.all = all;
        self.rows += rows;
        // At most half a unit a write-off.
        self.vat_rounding = self.vat_rounding.saturating_add(sums.vat_minor_units.saturating_sub(own_vat));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let sums = Sums::of(i64::MAX, Some(0));
        totals.add(1, Some(0), sums, 0).unwrap();
        let before = totals.clone();
        assert_eq!(totals.add(1, Some(0), sums, 0).unwrap_err().field, "amount.minor-units");
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
