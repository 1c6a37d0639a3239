//! The VAT rates that a write-off may have.

use crate::date::Date;
use crate::version::Version;
use crate::writeoff::{Code, Problem};

/// The highest VAT rate, in hundredths of a percent: 100 %.
pub(crate) const BASIS_POINTS_MAX: u16 = 10_000;
/// The general rate until 2025 (article 164 of the Tax Code, law 303-ФЗ of 2018).
const UNTIL_2025: u16 = 2000;
/// The general rate since 2026 (law 425-ФЗ of 2025).
const SINCE_2026: u16 = 2200;

/// How an export's options change the rules for a write-off. The default applies where no export is known yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rules {
    /// A general VAT rate, in hundredths of a percent, that is allowed besides that of the write-off's month.
    pub other_vat_rate: Option<u16>,
    /// The version of EnterpriseData to be written, which may not support all rates.
    pub version: Option<Version>,
    /// Whether this is for an export, which has an option to allow another rate.
    pub has_options: bool,
}

/// Returns the general VAT rate in Russia for a service of a period, in hundredths of a percent.
///
/// By law the rate depends on the day on which the service was rendered, not on the day on which it was charged or paid. A
/// continuing service is rendered at the end of its month, which is also the act's date. So the month of the period decides:
/// December 2025 charged in January 2026 has 20 %.
pub fn general_vat_rate(period: Date) -> u16 {
    if period.month().year() < 2026 { UNTIL_2025 } else { SINCE_2026 }
}

/// Checks a rate against the month and the version to be written.
///
/// # Errors
/// `invalid` at `vat-basis-points`, or `unsupported` if the rate is valid but the version has no way to express it.
pub(crate) fn check(vat_basis_points: Option<u16>, period: Date, rules: &Rules) -> Result<(), Box<Problem>> {
    let lacks_new_rates = rules.version.is_some_and(|version| !version.has_any_rate());
    let general = general_vat_rate(period);
    let (code, message) = match vat_basis_points {
        None | Some(0 | 1000) => return Ok(()),
        Some(rate @ (500 | 700 | 2000 | 2200)) => {
            let is_general = matches!(rate, 2000 | 2200);
            if is_general && rate != general && rules.other_vat_rate != Some(rate) {
                let (month, general, rate) = (period.month(), general / 100, rate / 100);
                let allow = format!(", or allow it for this export by the option other-vat-rate={rate}");
                let allow = if rules.has_options { allow.as_str() } else { "" };
                (Code::Invalid, format!("The general VAT rate of {month} is {general} %, not {rate} %; correct it{allow}."))
            } else if lacks_new_rates && rate != 2000 {
                let version = rules.version.map_or("", |version| version.as_str());
                let message =
                    format!("EnterpriseData {version} has no VAT rate of {} %; use enterprise-data-1.17.", rate / 100);
                (Code::Unsupported, message)
            } else {
                return Ok(());
            }
        }
        // A rate over 100 % was reported already.
        Some(BASIS_POINTS_OVER..) => return Ok(()),
        Some(rate) => {
            let message =
                format!("{rate} hundredths of a percent is no VAT rate; the rates are 0, 500, 700, 1000, 2000, 2200 and none.");
            (Code::Invalid, message)
        }
    };
    Err(Problem::new(code, "vat-basis-points", &message))
}

const BASIS_POINTS_OVER: u16 = BASIS_POINTS_MAX + 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(rate: Option<u16>, year: u16, month: u8, rules: &Rules) -> bool {
        check(rate, Date::new(year, month, 15).unwrap(), rules).is_ok()
    }

    #[test]
    fn the_general_rate_follows_the_month() {
        let rules = Rules::default();
        for (year, month, of_20, of_22) in
            [(2025, 1, true, false), (2025, 12, true, false), (2026, 1, false, true), (2026, 10, false, true)]
        {
            assert_eq!((holds(Some(2000), year, month, &rules), holds(Some(2200), year, month, &rules)), (of_20, of_22));
            for rate in [None, Some(0), Some(500), Some(700), Some(1000)] {
                assert!(holds(rate, year, month, &rules), "{rate:?}");
            }
            for rate in [1, 1800, 2001, 2201] {
                assert!(!holds(Some(rate), year, month, &rules), "{rate}");
            }
        }
    }

    #[test]
    fn another_general_rate_needs_the_option_that_names_it() {
        let rules = Rules { other_vat_rate: Some(2000), ..Rules::default() };
        assert!(
            holds(Some(2000), 2026, 1, &rules) && holds(Some(2200), 2026, 1, &rules) && !holds(Some(2200), 2025, 12, &rules)
        );
    }

    #[test]
    fn old_versions_lack_rates() {
        let rules = Rules { other_vat_rate: Some(2000), version: Some(Version::V1_8), has_options: true };
        for (rate, want) in [(500, false), (700, false), (1000, true), (2000, true), (2200, false)] {
            assert_eq!(holds(Some(rate), 2026, 1, &rules), want, "{rate}");
        }
        let problem = check(Some(500), Date::new(2026, 1, 15).unwrap(), &rules).unwrap_err();
        assert_eq!((problem.code, problem.field), (Code::Unsupported, "vat-basis-points"));
    }

    #[test]
    fn only_an_export_names_its_option() {
        let message = |has_options| {
            let rules = Rules { has_options, ..Rules::default() };
            check(Some(2000), Date::new(2026, 1, 15).unwrap(), &rules).unwrap_err().message
        };
        assert_eq!(message(false), "The general VAT rate of 2026-01 is 22 %, not 20 %; correct it.");
        assert!(message(true).ends_with("correct it, or allow it for this export by the option other-vat-rate=20."));
    }
}
