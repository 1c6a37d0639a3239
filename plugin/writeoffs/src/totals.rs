//! Exact sums by VAT rate.

use crate::writeoff::{Code, Problem};

/// Returns the VAT included in a gross amount, in minor units: amount · rate / (100 % + rate), rounded half away from zero.
///
/// A correction reverses the charge exactly: the VAT of `-amount` is the negative of the VAT of `amount`.
pub fn vat_within(minor_units: i64, vat_basis_points: u16) -> i64 {
    let rate = u64::from(vat_basis_points);
    let whole = 10_000 + rate;
    // The VAT of whole multiples of 100 % + rate is exact; only that of the remainder is rounded. So nothing overflows.
    let (wholes, rest) = (minor_units.unsigned_abs() / whole, minor_units.unsigned_abs() % whole);
    let magnitude = wholes * rate + (2 * rest * rate + whole) / (2 * whole);
    // It is at most the amount itself, which is an i64.
    let magnitude = i64::try_from(magnitude).unwrap_or(i64::MAX);
    if minor_units < 0 { -magnitude } else { magnitude }
}

/// An amount and the VAT included in it, in minor units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sums {
    /// The charges, including VAT.
    pub minor_units: i64,
    /// The VAT included in them.
    pub vat_minor_units: i64,
}

impl Sums {
    /// Returns a charge with its VAT at a rate in hundredths of a percent; `None` is «без НДС», without VAT.
    pub(crate) fn of(minor_units: i64, vat_basis_points: Option<u16>) -> Sums {
        Sums { minor_units, vat_minor_units: vat_basis_points.map_or(0, |rate| vat_within(minor_units, rate)) }
    }

    /// Adds two sums.
    ///
    /// # Errors
    /// `unsupported` if a sum would exceed 64 bits.
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

/// The totals of a file or of a whole export.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// The number of write-offs.
    pub rows: u64,
    /// The number of documents; 0 in a format without documents.
    pub documents: u64,
    /// The sums over all rates.
    pub all: Sums,
    /// The sums by rate in hundredths of a percent, «без НДС» (`None`) first.
    pub by_rate: Vec<(Option<u16>, Sums)>,
    /// How much the VAT as written exceeds the sum of the write-offs' own VAT, each rounded by itself, in minor units.
    pub vat_rounding: i64,
}

impl Totals {
    /// Adds write-offs of one rate. `own_vat` is the sum of their VAT, each rounded by itself.
    ///
    /// # Errors
    /// `unsupported` if a sum would exceed 64 bits. Nothing is added then.
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
        // It is at most half a unit per write-off.
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
