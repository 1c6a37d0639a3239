//! Verifies payment links and forms.

use serde::Deserialize;
use serde_json::value::RawValue;
use time::macros::{format_description, offset};
use time::{OffsetDateTime, PrimitiveDateTime};

use super::config::{Config, Passwords};
use super::sign::sign_link;
use crate::form::Form;
use crate::price::Price;
use crate::system::Refused;

const DESCRIPTION_CHARS_MAX: usize = 100;

/// What a request contains besides the price.
pub struct Details {
    /// `None` if Robokassa is to number the invoice.
    pub inv_id: Option<u64>,
    pub is_test: bool,
    /// `Shp_…`
    pub own: Vec<(String, String)>,
}

/// Verifies a request. Its expiry is compared with `now`.
pub fn verify(config: &Config, form: &Form, now: OffsetDateTime) -> Result<(Price, Details), Refused> {
    if form.get("MerchantLogin") != config.merchant_login {
        return Err(Refused::field("MerchantLogin", "такого магазина здесь нет (ошибка 26)"));
    }
    let price =
        Price::parse(form.get("OutSum")).ok_or_else(|| Refused::field("OutSum", "нужна сумма больше нуля, например 100.00"))?;
    let inv_id = inv_id(form.get("InvId"))?;
    let is_test = match form.get("IsTest") {
        "" | "0" => false,
        "1" => true,
        _ => return Err(Refused::field("IsTest", "бывает 1")),
    };
    let own: Vec<(String, String)> =
        form.fields().iter().filter(|(name, _)| name.to_ascii_lowercase().starts_with("shp_")).cloned().collect();
    verify_signature(config, passwords(config, is_test)?, form, &own)?;
    if form.get("Description").chars().count() > DESCRIPTION_CHARS_MAX {
        return Err(Refused::field("Description", "не больше 100 знаков"));
    }
    if !["", "ru", "en"].contains(&form.get("Culture")) {
        return Err(Refused::field("Culture", "бывает ru и en"));
    }
    verify_expiration(form.get("ExpirationDate"), now)?;
    verify_receipt(form.get("Receipt"), price)?;
    Ok((price, Details { inv_id, is_test, own }))
}

/// Returns the passwords for the signatures of a payment.
pub fn passwords(config: &Config, is_test: bool) -> Result<&Passwords, Refused> {
    match (is_test, &config.test_passwords) {
        (false, _) => Ok(&config.passwords),
        (true, Some(passwords)) => Ok(passwords),
        (true, None) => Err(Refused::field("IsTest", "у магазина нет настроек тестовых платежей (ошибка 23)")),
    }
}

/// Parses an invoice number. If it is empty or 0, Robokassa chooses one.
fn inv_id(text: &str) -> Result<Option<u64>, Refused> {
    if text.is_empty() || text == "0" {
        return Ok(None);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let number = text.parse::<u64>().ok().filter(|number| digits && i64::try_from(*number).is_ok());
    number.map(Some).ok_or_else(|| Refused::field("InvId", "нужно целое число от 1 до 9223372036854775807"))
}

fn verify_signature(config: &Config, passwords: &Passwords, form: &Form, own: &[(String, String)]) -> Result<(), Refused> {
    let given = form.get("SignatureValue");
    let mut values = ["MerchantLogin", "OutSum", "InvId"].map(|name| form.get(name)).to_vec();
    values.extend(Some(form.get("Receipt")).filter(|receipt| !receipt.is_empty()));
    if given.eq_ignore_ascii_case(&sign_link(config.hash, &values, passwords.first.expose(), own)) {
        return Ok(());
    }
    let reason = if given.is_empty() {
        "её нет"
    } else {
        "она не сходится: ссылка изменена или подписана другим паролем"
    };
    let formula = "Подписывается MerchantLogin:OutSum:InvId, Receipt (если есть), Пароль#1 и параметры Shp_ по алфавиту";
    Err(Refused::Signature(format!("Подпись (SignatureValue): {reason} (ошибка 29). {formula}.")))
}

/// What is read of a receipt.
#[derive(Deserialize)]
struct Receipt {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    sum: Box<RawValue>,
    #[serde(rename = "tax")]
    _tax: String,
}

/// Checks a receipt: URL-encoded JSON, whose lines add up to the price.
fn verify_receipt(text: &str, price: Price) -> Result<(), Refused> {
    if text.is_empty() {
        return Ok(());
    }
    let form = Form::parse(["json=", text].concat().as_bytes()).unwrap_or_default();
    let receipt: Receipt =
        serde_json::from_str(form.get("json")).map_err(|_| Refused::field("Receipt", "нужен JSON в URL-кодировке"))?;
    let total: Option<u64> = receipt.items.iter().map(|item| Price::parse(item.sum.get()).map(Price::minor_units)).sum();
    if total != Some(price.minor_units()) {
        return Err(Refused::field("Receipt", "суммы позиций не равны сумме счёта"));
    }
    Ok(())
}

/// Checks an expiry, `YYYY-MM-DDThh:mm` in Moscow time, like Robokassa's example.
fn verify_expiration(text: &str, now: OffsetDateTime) -> Result<(), Refused> {
    if text.is_empty() {
        return Ok(());
    }
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]");
    match PrimitiveDateTime::parse(text, form) {
        Ok(expires_at) if expires_at.assume_offset(offset!(+3)) > now => Ok(()),
        Ok(_) => Err(Refused::field("ExpirationDate", "срок оплаты истёк")),
        Err(_) => Err(Refused::field("ExpirationDate", "нужно время вида 2030-01-02T03:04")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invoice_numbers_are_checked() {
        for (text, want) in [
            ("", Some(None)),
            ("0", Some(None)),
            ("42", Some(Some(42))),
            ("9223372036854775807", Some(Some(9_223_372_036_854_775_807))),
            ("9223372036854775808", None),
            ("042", None),
            ("+42", None),
            ("-1", None),
            ("A-42", None),
        ] {
            assert_eq!(inv_id(text).ok(), want, "{text}");
        }
    }

    #[test]
    fn expiry_is_in_the_future_and_in_one_format() {
        let now = OffsetDateTime::from_unix_timestamp(1_893_542_640).unwrap();
        for (text, holds) in [
            ("", true),
            ("2030-01-02T03:05", true),
            ("2030-01-02T03:04", false),
            ("2031-01-02T03:04:05", false),
            ("2031-01-02", false),
            ("soon", false),
        ] {
            assert_eq!(verify_expiration(text, now).is_ok(), holds, "{text}");
        }
    }
}
