//! What the operator enters: the currency, and nothing else.

use kit::contract::{Fields, Problem, SettingKind};
use kit::settings::{Choice, Declared, Reader};
use money::Currency;

/// 1C's documents are in roubles; a register may be in another currency.
pub const CURRENCIES: [Choice; 3] = [
    Choice::new("RUB", ["российский рубль (RUB)", "Russian rouble (RUB)"]),
    Choice::new("USD", ["доллар США (USD)", "US dollar (USD)"]),
    Choice::new("EUR", ["евро (EUR)", "euro (EUR)"]),
];

/// Validated settings.
pub struct Settings {
    /// The currency of all write-offs of an export.
    pub currency: Currency,
}

impl Settings {
    /// Parses the entered settings.
    ///
    /// # Errors
    /// All problems at once, each with its field.
    pub fn read(entered: &Fields) -> Result<Settings, Vec<Problem>> {
        let mut reader = Reader::new(&DECLARED, entered);
        let currency = reader.currency("currency");
        let problems = reader.into_problems();
        match currency {
            Some(currency) if problems.is_empty() => Ok(Settings { currency }),
            _ => Err(problems),
        }
    }
}

/// The settings form.
pub static DECLARED: [Declared; 1] = [Declared::new(
    "currency",
    SettingKind::Choice,
    ["Валюта списаний", "Currency of write-offs"],
    [
        "Документы для 1С (EnterpriseData) бывают только в рублях; в другой валюте выгружается реестр.",
        "Documents for 1C (EnterpriseData) are in roubles only; in another currency a register is exported.",
    ],
)
.or("RUB")
.one_of(&CURRENCIES)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currency_is_the_rouble_unless_another_is_chosen() {
        for (entered, want) in [(&[][..], Ok("RUB")), (&[("currency", "EUR")], Ok("EUR")), (&[("currency", "XXX")], Err(()))] {
            let entered: Fields = entered.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let got = Settings::read(&entered).map(|settings| settings.currency.to_string());
            assert_eq!(got.as_deref().map_err(drop), want);
        }
    }
}
