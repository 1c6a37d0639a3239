//! Verifies payment links and forms.

use time::OffsetDateTime;
use time::macros::format_description;
use url::Url;

use super::config::{Config, OrderControl};
use super::sign::sign_request;
use crate::form::Form;
use crate::price::Price;
use crate::send::Method;
use crate::system::Refused;

/// What a request contains besides the price.
pub struct Details {
    /// `None` if neither the request nor the configuration has one.
    pub callback_url: Option<Url>,
    pub callback_method: Method,
    pub success_url: Option<Url>,
    pub decline_url: Option<Url>,
}

/// Verifies a request. Its expiry is compared with `now`.
pub fn verify(config: &Config, form: &Form, now: OffsetDateTime) -> Result<(Price, Details), Refused> {
    if form.get("product_id").is_empty() {
        return Err(Refused::field("product_id", "его нет: ссылка неполная"));
    }
    if form.get("product_id") != config.product_id {
        return Err(Refused::field("product_id", "такой торговой точки здесь нет"));
    }
    let price = Price::parse(form.get("product_price"))
        .ok_or_else(|| Refused::field("product_price", "нужна сумма больше нуля, например 100.00"))?;
    let currency = form.get("product_price_currency");
    if !currency.is_empty() && currency != config.currency {
        return Err(Refused::field("product_price_currency", &format!("валюта этой торговой точки {}", config.currency)));
    }
    verify_sign(config, form)?;
    verify_limit(config.order_control, form, now)?;
    let own = url("cb_url", form.get("cb_url"))?;
    let default = config.callback_url.as_deref().and_then(|text| Url::parse(text).ok());
    let callback_method = match form.get("cb_type") {
        "" | "P" | "p" => Method::Post,
        "G" | "g" => Method::Get,
        _ => return Err(Refused::field("cb_type", "бывает P (POST) и G (GET)")),
    };
    let success_url = url("success_url", form.get("success_url"))?;
    let decline_url = url("decline_url", form.get("decline_url"))?;
    Ok((price, Details { callback_url: own.or(default), callback_method, success_url, decline_url }))
}

/// Returns the names of the fields that a variant signs.
fn signed(control: OrderControl, form: &Form) -> Vec<&'static str> {
    let limit = if form.get("orderTimelimit").is_empty() { "orderExpiretime" } else { "orderTimelimit" };
    match control {
        OrderControl::Basic => vec!["product_id", "product_price"],
        OrderControl::OrderId => vec!["product_id", "product_price", "order_id"],
        OrderControl::OrderIdWithExpiry => vec!["product_id", "product_price", "order_id", limit],
    }
}

fn verify_sign(config: &Config, form: &Form) -> Result<(), Refused> {
    let control = config.order_control;
    if control != OrderControl::Basic && form.get("order_id").is_empty() {
        return Err(Refused::field("order_id", "его нет, а контроль уникальности заказа включён"));
    }
    let holds = |control| {
        let parts: Vec<&str> = signed(control, form).iter().map(|name| form.get(name)).collect();
        form.get("sign") == sign_request(config.shared_sec.expose(), &parts)
    };
    if holds(control) {
        return Ok(());
    }
    let formula = format!("{}-sharedsec", signed(control, form).join("-"));
    let reason = match OrderControl::ALL.into_iter().find(|other| holds(*other)) {
        _ if form.get("sign").is_empty() => "её нет".to_owned(),
        Some(other) => format!("она посчитана по варианту {}, а у торговой точки {}", other.name(), control.name()),
        None => "она не сходится: ссылка изменена или подписана другим секретом".to_owned(),
    };
    Err(Refused::Signature(format!("Подпись (sign): {reason}. Подписывается {formula}, MD5 строчными буквами.")))
}

fn verify_limit(control: OrderControl, form: &Form, now: OffsetDateTime) -> Result<(), Refused> {
    let (minutes, expiry) = (form.get("orderTimelimit"), form.get("orderExpiretime"));
    match (control, minutes, expiry) {
        (OrderControl::Basic | OrderControl::OrderId, "", "") => Ok(()),
        (OrderControl::OrderIdWithExpiry, "", "") => Err(Refused::field("orderExpiretime", "срок не указан")),
        (OrderControl::OrderIdWithExpiry, minutes, "") if minutes.parse::<u32>().is_ok_and(|minutes| minutes > 0) => Ok(()),
        (OrderControl::OrderIdWithExpiry, _, "") => Err(Refused::field("orderTimelimit", "нужно целое число минут")),
        (OrderControl::OrderIdWithExpiry, "", expiry) => verify_expiry(expiry, now),
        (OrderControl::OrderIdWithExpiry, _, _) => {
            Err(Refused::field("orderTimelimit", "указан вместе с orderExpiretime, нужно одно"))
        }
        (_, _, _) => Err(Refused::field("orderExpiretime, orderTimelimit", "у торговой точки нет срока оплаты")),
    }
}

fn verify_expiry(expiry: &str, now: OffsetDateTime) -> Result<(), Refused> {
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second][offset_hour sign:mandatory][offset_minute]");
    match OffsetDateTime::parse(expiry, form) {
        Ok(expires_at) if expires_at > now => Ok(()),
        Ok(_) => Err(Refused::field("orderExpiretime", "срок оплаты истёк")),
        Err(_) => Err(Refused::field("orderExpiretime", "нужно время вида 2030-01-02T03:04:05+0300")),
    }
}

/// Parses an `http` or `https` URL with an ASCII host: ChronoPay accepts a Cyrillic one in Punycode only.
fn url(field: &str, text: &str) -> Result<Option<Url>, Refused> {
    if text.is_empty() {
        return Ok(None);
    }
    let (_, rest) = text.split_once("://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && host.is_ascii());
    url.map(Some).ok_or_else(|| Refused::field(field, "нужен адрес http:// или https:// с именем узла латиницей (Punycode)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_is_in_the_future_and_in_one_format() {
        let now = OffsetDateTime::from_unix_timestamp(1_893_542_645).unwrap();
        for (text, holds) in [
            ("2030-01-02T03:04:06+0300", true),
            ("2030-01-02T03:04:05+0300", false),
            ("2030-01-02T01:00:00+0000", true),
            ("2031-01-02T03:04:05+03:00", false),
            ("2031-01-02 03:04:05+0300", false),
            ("2031-01-02T03:04:05 0300", false),
            ("soon", false),
        ] {
            assert_eq!(verify_expiry(text, now).is_ok(), holds, "{text}");
        }
    }
}
