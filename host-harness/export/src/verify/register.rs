//! A register, read again.

use std::collections::HashSet;
use std::io::Read;

use super::{InFile, Sums};
use crate::decimal::vat_within;

pub fn read(file: impl Read, found: &mut InFile<'_>) -> Sums {
    let mut sums = Sums::default();
    let mut rows = 0;
    let mut ids = HashSet::new();
    for row in crate::register::read(file) {
        match row {
            Ok(row) => {
                rows += 1;
                let amount = i128::from(row.amount.minor_units);
                // Reading compared the line's own VAT with this.
                let vat = row.vat_basis_points.map_or(0, |rate| vat_within(amount, rate));
                sums.count(row.vat_basis_points, amount, vat);
                if !ids.insert((row.account, row.id.clone())) {
                    found.tell(format!("the write-off {:?} stands twice in its account", row.id));
                }
            }
            Err(error) => found.tell(error.to_string()),
        }
    }
    sums.rows = Some(rows);
    sums
}
