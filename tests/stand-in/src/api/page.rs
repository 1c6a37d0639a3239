//! The page where a person pays payments and pays them back.

use maud::{Markup, html};

use super::{ApiAnswer, ApiRequest, PaymentApi, PaymentRow, RefundEnd, RefundRow, RefundState, Reply};
use crate::form::Form;
use crate::page::page;
use crate::price::Price;

/// The path of the page. Below it are its buttons.
pub const PATH: &str = "/stand-in";

/// A button of the page.
pub enum Action {
    /// Pays a payment.
    Pay(String),
    /// Refuses to pay a payment.
    Decline(String),
    /// Pays a payment back: so many minor units, or what is left.
    Refund(String, Option<u64>),
    /// Ends a refund that is under way.
    EndRefund(String, RefundEnd),
}

/// Answers a request for the page. None: it is one to the API.
pub fn answer<P: PaymentApi>(
    request: &ApiRequest,
    rows: impl Fn() -> (Vec<PaymentRow>, Vec<RefundRow>),
    act: impl FnOnce(Action) -> Result<Vec<Reply>, String>,
) -> Option<ApiAnswer> {
    let button = request.path.strip_prefix(PATH)?;
    let form = if request.method == "GET" { Form::parse(request.query.as_bytes()).unwrap_or_default() } else { request.form() };
    let (payment, refund) = (form.get("payment").to_owned(), form.get("refund").to_owned());
    let action = match button {
        "" => Ok(None),
        "/pay" => Ok(Some(Action::Pay(payment))),
        "/decline" => Ok(Some(Action::Decline(payment))),
        "/refund" => amount(&form).map(|minor_units| Some(Action::Refund(payment, minor_units))),
        "/refund/finish" => Ok(Some(Action::EndRefund(refund, RefundEnd::Done))),
        "/refund/refuse" => Ok(Some(Action::EndRefund(refund, RefundEnd::Refused))),
        _ => Err("такой кнопки нет".to_owned()),
    };
    let result = action.and_then(|action| action.map_or(Ok(String::new()), |action| act(action).map(|replies| told(&replies))));
    let status = if result.is_ok() { 200 } else { 400 };
    let message = result.unwrap_or_else(|problem| format!("Не вышло: {problem}."));
    let only = form.get("payment");
    let (payments, refunds) = rows();
    let body = html! {
        @if !message.is_empty() { p.note { (message) } }
        @for row in payments.iter().filter(|row| only.is_empty() || row.id == only) {
            (payment_of(row))
            @for refund in refunds.iter().filter(|refund| refund.payment == row.id) { (refund_of(refund, only)) }
        }
        @if payments.is_empty() { p { "Платежей пока нет: создайте заказ." } }
        p { a href=(PATH) { "Все платежи" } }
    };
    let text = page(P::NAME, "Платежи", &body);
    Some(ApiAnswer { status, content_type: "text/html; charset=utf-8", body: text.into_bytes() })
}

fn amount(form: &Form) -> Result<Option<u64>, String> {
    match form.get("amount") {
        "" => Ok(None),
        text => Ok(Some(Price::parse(text).ok_or("нужна сумма, например 100.00")?.minor_units())),
    }
}

fn told(replies: &[Reply]) -> String {
    let replies: Vec<String> = replies.iter().map(|reply| format!("{} {}", reply.status, reply.body)).collect();
    match replies.is_empty() {
        true => "Сделано. Уведомлений об этом нет.".to_owned(),
        false => format!("Сделано. Ответы на уведомления: {}.", replies.join("; ")),
    }
}

fn payment_of(row: &PaymentRow) -> Markup {
    html! {
        h2 { "Платёж " (row.id) }
        p { "Заказ " (row.order) ", " (row.status) ", " (Price::of_minor_units(row.minor_units)) ", возвращено "
            (Price::of_minor_units(row.refunded)) }
        @if row.is_open {
            form method="post" action={ (PATH) "/pay" } {
                input type="hidden" name="payment" value=(row.id);
                button type="submit" value="pay" { "Оплатить" }
                button type="submit" formaction={ (PATH) "/decline" } { "Отказаться" }
            }
        } @else if row.refunded < row.minor_units {
            form method="post" action={ (PATH) "/refund" } {
                input type="hidden" name="payment" value=(row.id);
                label { "Вернуть (пусто: всё, что осталось) " input name="amount" placeholder="100.00"; }
                button type="submit" { "Вернуть" }
            }
        }
    }
}

/// `only` is the payment to which the page is limited, if it is.
fn refund_of(row: &RefundRow, only: &str) -> Markup {
    let state = match row.state {
        RefundState::UnderWay => "ждёт банка плательщика",
        RefundState::Done => "выполнен",
        RefundState::Refused => "отклонён",
    };
    html! {
        p { "Возврат " (row.id) ": " (Price::of_minor_units(row.minor_units)) ", " (state) }
        @if row.state == RefundState::UnderWay {
            form method="post" action={ (PATH) "/refund/finish" } {
                input type="hidden" name="refund" value=(row.id);
                @if !only.is_empty() { input type="hidden" name="payment" value=(only); }
                button type="submit" { "Выполнить возврат" }
                button type="submit" formaction={ (PATH) "/refund/refuse" } { "Отклонить возврат" }
            }
        }
    }
}
