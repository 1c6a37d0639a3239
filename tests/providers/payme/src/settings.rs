//! What the operator enters.

use kit::contract::{Fields, Problem, SettingKind};
use kit::settings::{COMMENT, Choice, Declared, Reader, parse_comment, parse_page};
use kit::signature::Secret;
use money::Currency;

/// Amounts are in tiyin.
pub const CURRENCIES: [Choice; 1] = [Choice::plain("UZS")];

/// Validated settings.
pub struct Settings {
    /// The number of the cash desk at Payme.
    pub cash_desk: String,
    key: Secret,
    /// The payment page.
    pub page: String,
    pub currency: Currency,
    pub comment: String,
}

impl Settings {
    /// Parses the entered settings.
    ///
    /// # Errors
    /// All problems at once, each with its field.
    pub fn read(entered: &Fields) -> Result<Settings, Vec<Problem>> {
        let mut reader = Reader::new(&DECLARED, entered);
        let cash_desk = reader.take("cash-desk", parse_cash_desk);
        let key = reader.take("key", Secret::parse);
        let page = reader.take("page", parse_page);
        let currency = reader.currency("currency");
        let comment = reader.take("comment", parse_comment);
        match (cash_desk, key, page, currency, comment, reader.into_problems()) {
            (Some(cash_desk), Some(key), Some(page), Some(currency), Some(comment), problems) if problems.is_empty() => {
                Ok(Settings { cash_desk, key, page, currency, comment })
            }
            (.., problems) => Err(problems),
        }
    }

    /// Reports whether a text is the key, in constant time.
    pub fn is_key(&self, text: &str) -> bool {
        Secret::parse(text).is_ok_and(|given| self.key.is(&given))
    }
}

fn parse_cash_desk(text: &str) -> Result<String, String> {
    let is_one = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_one { Ok(text.to_owned()) } else { Err("It is 1 to 64 Latin letters and digits.".to_owned()) }
}

/// The settings form.
pub static DECLARED: [Declared; 5] = [
    Declared::new(
        "cash-desk",
        SettingKind::Text,
        ["ID кассы", "Cash desk's ID"],
        ["Из кабинета Payme Business.", "From the cabinet of Payme Business."],
    ),
    Declared::new(
        "key",
        SettingKind::Secret,
        ["Ключ кассы", "Cash desk's key"],
        ["С ним Payme обращается к биллингу.", "Payme calls billing with it."],
    ),
    Declared::new(
        "page",
        SettingKind::Url,
        ["Адрес страницы оплаты", "Payment page"],
        ["Меняйте только по указанию Payme.", "Change it only if Payme says so."],
    )
    .or("https://checkout.paycom.uz"),
    Declared::new("currency", SettingKind::Choice, ["Валюта", "Currency"], ["", ""]).or("UZS").one_of(&CURRENCIES),
    COMMENT,
];
