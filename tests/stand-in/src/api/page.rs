//! The page where a person pays payments and pays them back.

use maud::{Markup, html};

use super::{ApiAnswer, ApiRequest, PaymentApi, PaymentRow, Reply};
use crate::form::Form;
use crate::page::page;
use crate::price::Price;

/// The path of the page. Below it are its buttons.
pub const PATH: &str = "/stand-in";

/// A button of the page.
pub enum Action {
    /// Pays a payment.
    Pay(String),
    /// Pays a payment back: so many minor units, or what is left.
    Refund(String, Option<u64>),
}

/// Answers a request for the page. None: it is one to the API.
pub fn answer<P: PaymentApi>(
    request: &ApiRequest,
    payments: impl Fn() -> Vec<PaymentRow>,
    act: impl FnOnce(Action) -> Result<Vec<Reply>, String>,
) -> Option<ApiAnswer> {
    let button = request.path.strip_prefix(PATH)?;
    let form = if request.method == "GET" { Form::parse(request.query.as_bytes()).unwrap_or_default() } else { request.form() };
    let result = match button {
        "" => Ok(String::new()),
        "/pay" => act(Action::Pay(form.get("payment").to_owned())).map(|replies| told(&replies)),
        "/refund" => refund(&form).and_then(act).map(|replies| told(&replies)),
        _ => Err("такой кнопки нет".to_owned()),
    };
    let status = if result.is_ok() { 200 } else { 400 };
    let message = result.unwrap_or_else(|problem| format!("Не вышло: {problem}."));
    let only = form.get("payment");
    let rows = payments().into_iter().filter(|row| only.is_empty() || row.id == only);
    let body = html! {
        @if !message.is_empty() { p.note { (message) } }
        @for row in rows { (payment(&row)) }
        p { a href=(PATH) { "Все платежи" } }
    };
    let text = page(P::NAME, "Платежи", &body);
    Some(ApiAnswer { status, content_type: "text/html; charset=utf-8", body: text.into_bytes() })
}

fn refund(form: &Form) -> Result<Action, String> {
    let minor_units = match form.get("amount") {
        "" => None,
        text => Some(Price::parse(text).ok_or("нужна сумма, например 100.00")?.minor_units()),
    };
    Ok(Action::Refund(form.get("payment").to_owned(), minor_units))
}

fn told(replies: &[Reply]) -> String {
    let replies: Vec<String> = replies.iter().map(|reply| format!("{} {}", reply.status, reply.body)).collect();
    format!("Сделано. Ответы на уведомления: {}.", replies.join("; "))
}

fn payment(row: &PaymentRow) -> Markup {
    html! {
        h2 { "Платёж " (row.id) }
        p { "Заказ " (row.order) ", " (row.status) ", " (Price::of_minor_units(row.minor_units)) ", возвращено "
            (Price::of_minor_units(row.refunded)) }
        form method="post" action={ (PATH) "/pay" } {
            input type="hidden" name="payment" value=(row.id);
            button type="submit" value="pay" { "Оплатить" }
        }
        form method="post" action={ (PATH) "/refund" } {
            input type="hidden" name="payment" value=(row.id);
            label { "Вернуть (пусто: всё, что осталось) " input name="amount" placeholder="100.00"; }
            button type="submit" { "Вернуть" }
        }
    }
}
