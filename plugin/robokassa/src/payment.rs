//! The values that a notification's signature covers.

use kit::decimal::Form;
use kit::form::Parameter;
use kit::order;

use crate::sign::ORDER;

/// The signed values of a notification.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payment<'f> {
    /// Robokassa's number of the invoice, 1 to 2⁶³ − 1. It identifies one payment.
    pub inv_id: &'f str,
    /// In minor units, not negative.
    pub minor_units: i64,
    /// The order, if the invoice was created by a link of this provider and names one.
    pub order: Option<&'f str>,
}

impl<'f> Payment<'f> {
    /// Parses the sum, the invoice and the merchant's own parameters.
    ///
    /// The signed text joins them by colons, so none of them may contain one. Nor may a name contain `=`, which follows it.
    ///
    /// # Errors
    /// The field that has an unknown form.
    pub fn read(out_sum: &str, inv_id: &'f str, own: &'f [Parameter]) -> Result<Payment<'f>, &'static str> {
        let minor_units = parse_out_sum(out_sum).ok_or("OutSum")?;
        if !is_inv_id(inv_id) {
            return Err("InvId");
        }
        if own.iter().any(|Parameter { name, value, .. }| name.contains(&b':') || name.contains(&b'=') || value.contains(&b':'))
        {
            return Err("Shp_");
        }
        // Robokassa preserves the letter case of names; sites and proxies may not.
        let named = own.iter().filter(|parameter| parameter.name.eq_ignore_ascii_case(ORDER.as_bytes()));
        // What is not UTF-8 names no order, and neither does an empty text.
        let order = order_named(inv_id, named.map(|named| str::from_utf8(&named.value).unwrap_or_default()));
        Ok(Payment { inv_id, minor_units, order })
    }
}

/// Returns the order that an invoice names by the values of its parameter for it. Several of them name none.
pub fn order_named<'f>(inv_id: &str, mut values: impl Iterator<Item = &'f str>) -> Option<&'f str> {
    let named = values.next().filter(|_| values.next().is_none())?;
    // If an order id can be an invoice number, every link sends it as both, so the two must be equal.
    (order::is_id(named) && (named == inv_id || !is_inv_id(named))).then_some(named)
}

/// Reports whether a text can be an invoice number: 1 to 9223372036854775807, without leading zeros.
pub fn is_inv_id(text: &str) -> bool {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits && !text.starts_with('0') && text.parse::<i64>().is_ok_and(|number| number > 0)
}

/// Parses a sum to minor units: `100.26` and `100.260000` are 10026. Fractions of a kopeck are refused.
pub fn parse_out_sum(text: &str) -> Option<i64> {
    Form::SIX_DECIMALS.parse(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn own<'f>(fields: &[(&'f str, &'f str)]) -> Vec<Parameter<'f>> {
        let parameter = |(name, value): &(&'f str, &'f str)| {
            let encoded = [name.as_bytes(), value.as_bytes()];
            Parameter { name: name.as_bytes().into(), value: value.as_bytes().into(), encoded }
        };
        fields.iter().map(parameter).collect()
    }

    #[test]
    fn sums_by_value() {
        for (text, want) in [
            ("100.000000", Some(10_000)),
            ("100.00", Some(10_000)),
            ("100.0", Some(10_000)),
            ("100", Some(10_000)),
            ("94.72", Some(9_472)),
            ("0.010000", Some(1)),
            ("0.000000", Some(0)),
            ("9999999999999.990000", Some(999_999_999_999_999)),
            ("10000000000000.000000", None),
            ("100.001000", None),
            ("100.000001", None),
            ("100.0000000", None),
            ("100.", None),
            (".500000", None),
            ("0100.00", None),
            ("100,00", None),
            ("-1.000000", None),
            ("+1.000000", None),
            ("1e2", None),
            ("1.00.00", None),
            ("1.0é", None),
            (" 1", None),
            ("", None),
        ] {
            assert_eq!(parse_out_sum(text), want, "{text:?}");
        }
    }

    #[test]
    fn numbers_of_invoices() {
        for (text, want) in [
            ("1", true),
            ("1759316300722", true),
            ("9223372036854775807", true),
            ("9223372036854775808", false),
            ("0", false),
            ("", false),
            ("042", false),
            ("-42", false),
            ("+42", false),
            ("4 2", false),
            ("٤٢", false),
            ("42:1", false),
        ] {
            assert_eq!(is_inv_id(text), want, "{text:?}");
        }
    }

    #[test]
    fn the_order_that_is_named() {
        for (inv_id, fields, want) in [
            ("42", &[("Shp_order", "42")][..], Some("42")),
            ("7", &[("Shp_order", "A-42")], Some("A-42")),
            ("7", &[("Shp_order", "042")], Some("042")),
            ("7", &[("Shp_order", "9223372036854775808")], Some("9223372036854775808")),
            ("42", &[("Shp_a", "1"), ("Shp_order", "42")], Some("42")),
            ("7", &[("Shp_order", "42")], None),
            ("42", &[], None),
            ("42", &[("shp_order", "42")], Some("42")),
            ("42", &[("Shp_order", "42"), ("shp_order", "42")], None),
            ("42", &[("Shp_order", "")], None),
            ("42", &[("Shp_order", "заказ")], None),
        ] {
            assert_eq!(Payment::read("1", inv_id, &own(fields)).unwrap().order, want, "{inv_id} {fields:?}");
        }
    }

    #[test]
    fn forms_that_are_not_known() {
        for (out_sum, inv_id, fields, field) in [
            ("100.001", "42", &[("Shp_order", "42")][..], "OutSum"),
            ("100", "042", &[], "InvId"),
            ("100", "42", &[("Shp_order", "42:Shp_z=1")], "Shp_"),
            ("100", "42", &[("Shp_a=1:Shp_order", "42")], "Shp_"),
            ("100", "42", &[("Shp_order=4", "2")], "Shp_"),
        ] {
            assert_eq!(Payment::read(out_sum, inv_id, &own(fields)), Err(field));
        }
    }

    /// Returns the signed text, with `password` in place of the password.
    fn signed(out_sum: &str, inv_id: &str, own: &[(&str, &str)]) -> String {
        let own: String = own.iter().map(|(name, value)| format!(":{name}={value}")).collect();
        format!("{out_sum}:{inv_id}:password{own}")
    }

    proptest! {
        /// Of all ways to split a signed text, at most one is accepted.
        #[test]
        fn one_way_to_cut(
            out_sum in "[0-9]{1,4}(\\.[0-9]{2}0000)?",
            inv_id in "[1-9][0-9]{0,5}",
            pairs in prop::collection::btree_map("Shp_[a-c:=]{0,3}", "[a-zS_p:=]{0,6}", 0..3),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 4),
        ) {
            let fields: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            prop_assume!(Payment::read(&out_sum, &inv_id, &own(&fields)).is_ok());
            let text = signed(&out_sum, &inv_id, &fields);
            let (before, after) = text.split_once(":password").unwrap();
            for cut in 0..before.len() {
                // Put the colon between sum and invoice where another colon is.
                if before.as_bytes()[cut] == b':' && cut != out_sum.len() {
                    prop_assert!(Payment::read(&before[..cut], &before[cut + 1..], &own(&fields)).is_err());
                }
            }
            // Split the parameters differently at colons and equals signs. Each piece is `:name=value`.
            let places: Vec<usize> = cuts.iter().map(|cut| cut.index(after.len() + 1)).filter(|at| after.is_char_boundary(*at)).collect();
            let mut ends = [places, vec![0, after.len()]].concat();
            ends.sort_unstable();
            ends.dedup();
            let pieces: Option<Vec<(&str, &str)>> =
                ends.windows(2).map(|ends| after.get(ends[0]..ends[1])?.strip_prefix(':')?.split_once('=')).collect();
            if let Some(pieces) = pieces.filter(|pieces| *pieces != fields) {
                prop_assert_eq!(signed(&out_sum, &inv_id, &pieces), text.clone());
                prop_assert!(Payment::read(&out_sum, &inv_id, &own(&pieces)).is_err(), "{:?}", pieces);
            }
        }
    }
}
