//! Check: CloudPayments asks before it charges a payer.

use kit::contract::{CallbackRequest, HttpReply};
use kit::exchanges::OrderState;
use kit::reply;
use kit::{Context, Stop};

use crate::notification::{Kind, Notification};
use crate::settings::Settings;
use crate::values;

/// The codes of a reply. Any but the first declines the payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Code {
    /// The payment may be made. For every other kind of notification: it was received.
    Good = 0,
    NoSuchOrder = 10,
    OtherAccount = 11,
    OtherAmount = 12,
    NotAccepted = 13,
    Expired = 20,
}

/// Returns the reply with a code.
pub fn reply(code: Code) -> HttpReply {
    reply::json(200, format!("{{\"code\":{}}}", code as u8))
}

/// Returns the reply to a request that cannot be judged now. CloudPayments sends a Check only once, and declines the payment whatever
/// stands there instead of a code; all else it sends again.
pub fn unavailable(request: &CallbackRequest) -> HttpReply {
    match Kind::of_path(&request.path) {
        Some(Kind::Check) => reply(Code::NotAccepted),
        _ => reply::unavailable(),
    }
}

/// Decides whether a payment may be made, by the order that it names.
///
/// # Errors
/// The question about the order, if it is not answered.
pub fn code(settings: &Settings, notification: &Notification<'_>, context: &Context) -> Result<Code, Stop> {
    let is_test = match notification.get("TestMode") {
        "0" | "false" => false,
        "1" | "true" => true,
        _ => return Ok(Code::NotAccepted),
    };
    // The other one could not be credited.
    if is_test != settings.test_mode || values::transaction(notification.get("TransactionId")).is_none() {
        return Ok(Code::NotAccepted);
    }
    let invoice = notification.get("InvoiceId");
    if !kit::order::is_id(invoice) {
        return Ok(Code::NoSuchOrder);
    }
    Ok(context.order(invoice)?.map_or(Code::NoSuchOrder, |order| of_order(settings, notification, order, context.now())))
}

fn of_order(settings: &Settings, notification: &Notification<'_>, order: &OrderState, now: u64) -> Code {
    let account = notification.get("AccountId");
    if !account.is_empty() && account != order.account {
        return Code::OtherAccount;
    }
    let is_amount = values::amount(notification.get("Amount")) == Some(order.amount.minor_units);
    let is_currency =
        settings.currency.is_meant_by(notification.get("Currency")) && settings.currency.is(&order.amount.currency);
    if !is_amount || !is_currency {
        return Code::OtherAmount;
    }
    if order.paid_by.is_some() || order.held_by.is_some() {
        return Code::NotAccepted;
    }
    if order.closed_at.is_some() || order.expires_at.is_some_and(|expires_at| expires_at < now) {
        return Code::Expired;
    }
    Code::Good
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use kit::contract::Money;
    use kit::exchanges::{Exchange, MovementState, NoAnswer};
    use kit::request::post;

    const NOW: u64 = 1_796_900_000;
    const BODY: &str = "TransactionId=1&Amount=100.00&Currency=RUB&InvoiceId=42&AccountId=100500&TestMode=0";

    fn order() -> OrderState {
        OrderState {
            account: "100500".to_owned(),
            amount: Money { minor_units: 10_000, currency: "RUB".to_owned() },
            description: String::new(),
            expires_at: None,
            paid_by: None,
            held_by: None,
            closed_at: None,
            extra: Vec::new(),
        }
    }

    fn judged(changes: &[(&str, &str)], body: &str, answer: Result<Option<OrderState>, NoAnswer>) -> Result<Code, Stop> {
        let notification = Notification::read(body.as_bytes()).ok().unwrap();
        let context = Context::at(NOW).answered(Exchange::Order(("42".to_owned(), answer)));
        code(&settings(changes), &notification, &context)
    }

    #[test]
    fn codes_by_the_order() {
        let movement = || Some(MovementState { movement: 0, later: Vec::new() });
        let usd = Money { minor_units: 10_000, currency: "USD".to_owned() };
        for (order, want) in [
            (Some(order()), Code::Good),
            (None, Code::NoSuchOrder),
            (Some(OrderState { account: "100501".to_owned(), ..order() }), Code::OtherAccount),
            (Some(OrderState { amount: Money { minor_units: 10_001, ..order().amount }, ..order() }), Code::OtherAmount),
            (Some(OrderState { amount: usd, ..order() }), Code::OtherAmount),
            (Some(OrderState { paid_by: movement(), closed_at: Some(1), ..order() }), Code::NotAccepted),
            (Some(OrderState { held_by: movement(), ..order() }), Code::NotAccepted),
            (Some(OrderState { closed_at: Some(NOW), ..order() }), Code::Expired),
            (Some(OrderState { expires_at: Some(NOW - 1), ..order() }), Code::Expired),
            (Some(OrderState { expires_at: Some(NOW), ..order() }), Code::Good),
        ] {
            assert_eq!(judged(&[], BODY, Ok(order.clone())), Ok(want), "{order:?}");
        }
        assert_eq!(judged(&[], BODY, Err(NoAnswer::Unavailable)), Err(Stop::Unavailable));
    }

    #[test]
    fn codes_by_the_notification() {
        for (from, to, want) in [
            ("&AccountId=100500", "", Code::Good),
            ("AccountId=100500", "AccountId=100501", Code::OtherAccount),
            ("100.00", "100.0", Code::Good),
            ("100.00", "100.01", Code::OtherAmount),
            ("100.00", "1e2", Code::OtherAmount),
            ("=RUB", "=USD", Code::OtherAmount),
            ("&Currency=RUB", "", Code::OtherAmount),
            ("InvoiceId=42", "InvoiceId=", Code::NoSuchOrder),
            ("InvoiceId=42", "InvoiceId=a+b", Code::NoSuchOrder),
            ("TransactionId=1", "TransactionId=x", Code::NotAccepted),
            ("TestMode=0", "TestMode=1", Code::NotAccepted),
            ("TestMode=0", "TestMode=", Code::NotAccepted),
        ] {
            assert_eq!(judged(&[], &BODY.replace(from, to), Ok(Some(order()))), Ok(want), "{to}");
        }
        let test = [("test-mode", "true")];
        assert_eq!(judged(&test, BODY, Ok(Some(order()))), Ok(Code::NotAccepted), "real money while tests are expected");
        assert_eq!(judged(&test, &BODY.replace("TestMode=0", "TestMode=1"), Ok(Some(order()))), Ok(Code::Good));
    }

    #[test]
    fn replies() {
        for (code, want) in
            [(Code::Good, r#"{"code":0}"#), (Code::NoSuchOrder, r#"{"code":10}"#), (Code::Expired, r#"{"code":20}"#)]
        {
            let HttpReply { status, headers, body } = reply(code);
            assert_eq!((status, body.as_slice()), (200, want.as_bytes()));
            assert_eq!(headers, [("content-type".to_owned(), "application/json; charset=utf-8".to_owned())]);
        }
        let status = |path: &str| unavailable(&CallbackRequest { path: path.to_owned(), ..post("") }).status;
        assert_eq!([status("/check"), status("/cancel"), status("")], [200, 503, 503]);
    }
}
