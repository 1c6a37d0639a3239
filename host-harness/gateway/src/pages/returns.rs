//! Payers who return to the cabinet's own address, since their payment system has one return address for all orders. They
//! return by GET or POST, with or without the cabinet's cookie, and with the payment system's own name for the order.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::{AccountNumber, Order, OrderId};
use maud::html;

use super::layout::Page;
use super::text::Lang;
use super::{Fields, order};
use crate::problem::Problem;
use crate::shared::{App, Shared, blocking};

/// This host's own name for the order in a return address.
const ORDER: &str = "order";
/// How many of a payment system's values are tried as an order's id.
const NAMED_MAX: usize = 16;
/// The limit of the contract.
const ID_CHARS_MAX: usize = 64;
/// Payers do not return from older orders.
const AGE_SECONDS_MAX: u64 = 24 * 3600;

/// Returns the values that could be an order's id, whatever their names.
pub fn named(fields: &[(String, String)]) -> Vec<OrderId> {
    let is_id = |text: &str| {
        let is_of_id = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        (1..=ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_of_id)
    };
    let mut ids: Vec<OrderId> = Vec::new();
    for id in fields.iter().filter(|(_, value)| is_id(value)).filter_map(|(_, value)| OrderId::new(value).ok()) {
        if !ids.contains(&id) && ids.len() < NAMED_MAX {
            ids.push(id);
        }
    }
    ids
}

/// Redirects a POST to the same address by GET: browsers send no cookie with another site's POST, but do after the redirect.
pub async fn by_post(request: Request) -> Response {
    // An unreadable form names no order. The payer is shown the cabinet nevertheless.
    let fields = Fields::read(request).await.map_or_else(|_| Vec::new(), |fields| fields.0);
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("returned", "1");
    for id in named(&fields) {
        query.append_pair(ORDER, &id);
    }
    Redirect::to(&format!("/cabinet?{}", query.finish())).into_response()
}

/// Finds the latest order of an account that a return names.
pub async fn find(app: &App, account: AccountNumber, fields: &[(String, String)]) -> Result<Option<Redirect>, Problem> {
    let ids = named(fields);
    if ids.is_empty() {
        return Ok(None);
    }
    blocking(app, move |app| {
        let mut found: Option<Order> = None;
        for id in ids {
            let order = app.host.order(&id)?.filter(|order| is_recent(order, &account, app.now()));
            found = [found, order].into_iter().flatten().max_by_key(|order| order.created_at);
        }
        Ok(found.map(|found| redirect(app, &found)))
    })
    .await
}

fn is_recent(order: &Order, account: &AccountNumber, now: u64) -> bool {
    order.account == *account && order.created_at + AGE_SECONDS_MAX > now
}

fn redirect(app: &Shared, found: &Order) -> Redirect {
    Redirect::to(&order::returned_path(app, found))
}

/// Returns the page for a visitor who is not logged in. After a return, it is not an error page: it says where the payment will
/// appear. It shows no order, since anybody could guess an order's number.
pub fn login_required(lang: Lang, is_return: bool) -> Response {
    let after = html! {
        p { (lang.of(
            "Если вы только что оплатили заказ, платить второй раз не нужно. Деньги поступят на лицевой счёт, как только платёжная система подтвердит платёж, обычно в течение минуты. Платёж будет виден в личном кабинете, в истории.",
            "If you have just paid, do not pay again. The money reaches your account as soon as the payment system confirms the payment, usually within a minute. You will see it in the cabinet, in the history.",
        )) }
    };
    let log_in = html! {
        p { (lang.of(
            "Срок входа истёк или вход выполнен в другом браузере. Войдите ещё раз из личного кабинета оператора.",
            "You are not logged in here, or no longer. Open the link from your operator again; it is valid for 15 minutes.",
        )) }
    };
    let (status, title) = match is_return {
        true => (StatusCode::OK, lang.of("Спасибо! Проверяем оплату", "Thank you. The payment is being checked")),
        false => (StatusCode::FORBIDDEN, lang.of("Личный кабинет", "Cabinet")),
    };
    let content = if is_return {
        html! { (after) (log_in) }
    } else {
        html! { (log_in) (after) }
    };
    (status, Page::plain(lang, title).show(&content)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_could_be_an_order_is_looked_for() {
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let robokassa = pairs(&[("OutSum", "100.00"), ("InvId", "42"), ("SignatureValue", "AA"), ("Shp_order", "42")]);
        assert_eq!(named(&robokassa), ["100.00", "42", "AA"]);
        assert_eq!(named(&pairs(&[("a", ""), ("b", "заказ"), ("c", "1 2"), ("d", &"1".repeat(65))])), [""; 0]);
        let many: Vec<_> = (0..100).map(|at| ("x".to_owned(), at.to_string())).collect();
        assert_eq!(named(&many).len(), NAMED_MAX);
    }
}
