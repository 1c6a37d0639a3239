//! Faulty as a payment system whose callbacks prove nothing (the fault `lookup`): a callback names a payment, and the payment system
//! is asked about it by a call. Links are made by a call too.
//!
//! A callback is a form with `payment`, and with `how` where the call is to be another one than usual.

use kit::contract::{CallbackAnswer, CallbackRequest, EventKind, HttpMethod, HttpReply, Order, PaymentLink, Problem, Verdict};
use kit::exchanges::{HttpCall, HttpResponse, HttpResult, Repeatable};
use kit::form::{self, Form};
use kit::problem::Code;
use kit::{CallbackStep, Context, LinkStep, Stop};
use money::{format_amount, parse_amount};

use crate::api::Answer;
use crate::operation::DAY_SECONDS;
use crate::{Merchant, fault};

const ANSWER_BYTES_MAX: u32 = 1000;
/// How many calls the callback with `how=many` has made.
const MANY: u32 = 3;

/// Judges a callback by what the payment system says about its payment.
pub fn callback(merchant: &Merchant, request: &CallbackRequest, context: &Context) -> CallbackStep {
    let Ok(form) = Form::parse(form::of(request), ["payment", "how"]) else { return refused() };
    let (payment, how) = (form.get("payment"), form.get("how"));
    if payment.len() != 8 || !payment.bytes().all(|byte| byte.is_ascii_digit()) {
        return refused();
    }
    match look_up(merchant, payment, how, context) {
        Ok(step) => step,
        Err(Stop::Call(call)) => CallbackStep::Call(*call),
        Err(_) => unavailable(),
    }
}

fn look_up(merchant: &Merchant, payment: &str, how: &str, context: &Context) -> Result<CallbackStep, Stop> {
    let page = if how == "elsewhere" { "https://elsewhere.example/" } else { merchant.page.as_str() };
    let mut call = get(format!("{page}payments/{payment}"));
    match how {
        "never" => call.repeatable = Repeatable::Never,
        "certificate" => call.client_certificate = Some("certificate".to_owned()),
        "many" => {
            for number in 1..MANY {
                context.call(get(format!("{page}payments/{payment}?{number}")))?;
            }
        }
        _ => {}
    }
    Ok(match context.call(call)? {
        HttpResult::Response(HttpResponse { status: 200, body, .. }) => said(merchant, payment, body),
        HttpResult::Response(HttpResponse { status: 404, .. }) => refused(),
        HttpResult::Response(_) | HttpResult::NotSent(_) | HttpResult::Unknown(_) => unavailable(),
    })
}

/// The payment system says `paid ORDER AMOUNT`, or something else of what is not paid.
fn said(merchant: &Merchant, payment: &str, body: &[u8]) -> CallbackStep {
    let text = String::from_utf8_lossy(body);
    let words: Vec<&str> = text.split(' ').collect();
    let ["paid", order, amount] = words[..] else {
        return answered(Verdict::Ignored(Code::UnknownType.whole("It is not paid.")), 200);
    };
    let Ok(minor_units) = parse_amount(amount) else { return refused() };
    answered(Verdict::Happened(vec![merchant.event(EventKind::Payment, [payment, "100500", order], minor_units, 0)]), 200)
}

/// Returns a link as it was made; with the fault, has the payment system make one.
pub fn link(merchant: &Merchant, order: &Order, link: PaymentLink, context: &Context) -> LinkStep {
    if fault::is("others-link-believed") {
        return registered(merchant, order, context);
    }
    if !fault::is("lookup") {
        return LinkStep::Done(link);
    }
    let call = HttpCall {
        method: HttpMethod::Post,
        body: form::encode([("order", order.id.as_str()), ("amount", &order.amount.minor_units.to_string())]).into_bytes(),
        ..get(format!("{}orders", merchant.page))
    };
    match context.call(call) {
        Ok(HttpResult::Response(HttpResponse { status: 200, body, .. })) => LinkStep::Done(PaymentLink {
            url: Some(String::from_utf8_lossy(body).into_owned()),
            form: None,
            qr: None,
            reference: None,
            expires_at: None,
            extra: Vec::new(),
        }),
        Err(Stop::Call(call)) => LinkStep::Call(*call),
        Ok(_) | Err(_) => LinkStep::Unavailable(problem("The payment system makes no link now.")),
    }
}

/// Registers an order by Faulty's API, whose answer names the order, and does not compare it.
fn registered(merchant: &Merchant, order: &Order, context: &Context) -> LinkStep {
    let amount = format_amount(order.amount.minor_units);
    let fields = [("order", order.id.as_str()), ("amount", &amount)];
    match merchant.send(context, "/orders", &fields, Repeatable::Within(DAY_SECONDS)) {
        Ok(Answer::Said(values)) => LinkStep::Done(PaymentLink {
            url: Some(format!("{}{}", merchant.page, values.order)),
            form: None,
            qr: None,
            reference: None,
            expires_at: None,
            extra: Vec::new(),
        }),
        Err(Stop::Call(call)) => LinkStep::Call(*call),
        Ok(_) | Err(_) => LinkStep::Unavailable(problem("The payment system makes no link now.")),
    }
}

fn get(url: String) -> HttpCall {
    HttpCall {
        method: HttpMethod::Get,
        url,
        headers: Vec::new(),
        body: Vec::new(),
        repeatable: Repeatable::Always,
        answer_bytes_max: ANSWER_BYTES_MAX,
        client_certificate: None,
        extra: Vec::new(),
    }
}

fn problem(message: &str) -> Problem {
    Code::UnknownType.whole(message)
}

fn answered(verdict: Verdict, status: u16) -> CallbackStep {
    CallbackStep::Done(CallbackAnswer { verdict, reply: HttpReply { status, headers: Vec::new(), body: b"OK".to_vec() } })
}

fn refused() -> CallbackStep {
    answered(Verdict::Refused(Code::Malformed.whole("There is no such payment.")), 403)
}

fn unavailable() -> CallbackStep {
    CallbackStep::Unavailable(kit::reply::unavailable())
}
