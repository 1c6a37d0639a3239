//! What Faulty asks for: whether an order can be paid (a callback of the type `check`, answered by asking the host for the order),
//! and that billing agrees to a payment of an account (a callback of the type `top-up`). What a callback of the type `settled` reports
//! depends on the order: a payment, or if it is paid already, a refund. A callback of the type `hint` says that something became of an
//! order, and a call asks what.

use std::sync::atomic::Ordering;

use kit::contract::{CallbackAnswer, CallbackRequest, Event, EventKind, HttpReply, Verdict};
use kit::exchanges::{Outcome, Question};
use kit::form::{self, Form};
use kit::problem::Code;
use kit::{CallbackStep, Context, Stop};
use money::{format_amount, parse_amount};

use crate::api::{Answer, unavailable, unclear};
use crate::{FIELDS, Merchant, REQUIRED_FIELDS, fault, lookup};

/// Returns the step of a genuine check or top-up; `None` if the request is something else.
pub fn step(merchant: &Merchant, request: &CallbackRequest, context: &Context) -> Option<CallbackStep> {
    if fault::is("lookup") {
        return Some(lookup::callback(merchant, request, context));
    }
    let form = Form::parse(form::of(request), FIELDS).ok()?;
    form.require_single(&REQUIRED_FIELDS).ok()?;
    let values = FIELDS.map(|name| form.get(name).to_owned());
    match values[0].as_str() {
        "settled" => return settled(merchant, &values, context),
        "hint" => return hint(merchant, &values, context),
        _ => {}
    }
    let step = match answer(merchant, &values, context)? {
        Ok(reply) => CallbackStep::Answered(reply),
        Err(Stop::Ask(questions)) => CallbackStep::Ask(questions),
        Err(Stop::Call(call)) => CallbackStep::Call(*call),
        Err(Stop::Want(event)) => CallbackStep::Wanted(*event),
        Err(Stop::Record(events)) => CallbackStep::Happened(events),
        Err(Stop::Unavailable) => CallbackStep::Unavailable(kit::reply::unavailable()),
    };
    Some(step)
}

fn answer(merchant: &Merchant, values: &[String; 9], context: &Context) -> Option<Result<HttpReply, Stop>> {
    let [kind, _, _, amount, order, currency, shop, ..] = values;
    if kind != "check" && kind != "top-up" {
        return None;
    }
    if fault::is("asks-before-proof")
        && let Err(stop) = context.order(order)
    {
        return Some(Err(stop));
    }
    if !merchant.is_signed(values) || *shop != merchant.shop || *currency != merchant.currency.as_str() {
        return None;
    }
    if kind == "top-up" && !has_form(values) {
        return None;
    }
    let body = match kind.as_str() {
        "check" => can_be_paid(merchant, order, amount, context)
            .map(|can_be_paid| if can_be_paid { "YES".to_owned() } else { "NO".to_owned() }),
        _ => top_up(merchant, values, context),
    };
    Some(body.map(|body| HttpReply { status: 200, headers: Vec::new(), body: body.into() }))
}

/// Reports whether a callback is proved, this merchant's, and has the form of all but a check.
fn is_genuine(merchant: &Merchant, values: &[String; 9]) -> bool {
    let [_, _, _, _, _, currency, shop, ..] = values;
    let is_own = *shop == merchant.shop && *currency == merchant.currency.as_str();
    merchant.is_signed(values) && is_own && has_form(values)
}

/// Judges a callback of the type `hint` by what the payment system says of the order; `None` if it is not genuine.
fn hint(merchant: &Merchant, values: &[String; 9], context: &Context) -> Option<CallbackStep> {
    if !is_genuine(merchant, values) {
        return None;
    }
    let order = &values[4];
    let verdict = match merchant.query(context, "/payments", &[("order", order)]) {
        Ok(Answer::Said(values)) if values.state == "paid" => merchant
            .event_of(EventKind::Payment, &values, order)
            .map_or_else(|| Verdict::Unresolved(unclear()), |event| Verdict::Happened(vec![event])),
        Ok(Answer::Said(values)) if values.state == "none" => Verdict::Ignored(Code::UnknownType.whole("It is not paid.")),
        Ok(Answer::Said(_)) => Verdict::Unresolved(unclear()),
        Ok(Answer::Unclear) if fault::is("junk-hint-ignored") => Verdict::Ignored(unclear()),
        Ok(_) if fault::is("unavailable-says-ok") => return Some(CallbackStep::Unavailable(ok())),
        Ok(_) if fault::is("lost-hint-ignored") => Verdict::Ignored(unavailable()),
        Err(Stop::Call(call)) => return Some(CallbackStep::Call(*call)),
        Ok(_) | Err(_) => return Some(CallbackStep::Unavailable(kit::reply::unavailable())),
    };
    Some(CallbackStep::Done(CallbackAnswer { verdict, reply: ok() }))
}

fn ok() -> HttpReply {
    HttpReply { status: 200, headers: Vec::new(), body: b"OK".to_vec() }
}

/// Judges a callback of the type `settled`; `None` if it is not genuine, or there is no such order.
fn settled(merchant: &Merchant, values: &[String; 9], context: &Context) -> Option<CallbackStep> {
    if !is_genuine(merchant, values) {
        return None;
    }
    let [_, payment, payer, amount, order, ..] = values;
    let state = match context.order(order) {
        Ok(state) => state?,
        Err(Stop::Ask(questions)) => return Some(CallbackStep::Ask(questions)),
        Err(_) => return Some(CallbackStep::Unavailable(kit::reply::unavailable())),
    };
    let kind = if state.paid_by.is_some() { EventKind::Refund } else { EventKind::Payment };
    let event = merchant.event(kind, [payment, payer, order], parse_amount(amount).ok()?, 0);
    Some(CallbackStep::Done(CallbackAnswer { verdict: Verdict::Happened(vec![event]), reply: ok() }))
}

/// Reports whether the values that are signed without separators can only be cut in one way.
fn has_form([_, payment, payer, amount, ..]: &[String; 9]) -> bool {
    let digits = |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_amount = parse_amount(amount).is_ok_and(|minor_units| minor_units > 0 && format_amount(minor_units) == *amount);
    digits(payment, 8) && digits(payer, 6) && is_amount
}

/// Tops up an account, as at a terminal: the account stands where other callbacks name an order. The reply has the host's number of
/// the payment, or why billing does not agree.
fn top_up(merchant: &Merchant, values: &[String; 9], context: &Context) -> Result<String, Stop> {
    let [_, payment, payer, amount, account, ..] = values;
    let Ok(minor_units) = parse_amount(amount) else { return Ok("NO amount".to_owned()) };
    let event = Event {
        order: None,
        account: Some(account.clone()),
        dedup_key: format!("top-up:{payment}"),
        ..merchant.event(EventKind::Payment, [payment, payer, ""], minor_units, 0)
    };
    let outcome = match fault::is("tells-top-ups") {
        true => context.record(vec![event])?.first(),
        false => Some(context.want(event)?),
    };
    let Some(outcome) = outcome else { return Ok("NO".to_owned()) };
    let fails = fault::is("fails-once-entered") && matches!(outcome, Outcome::Entered(_));
    assert!(!fails, "there is no reply to what was entered");
    let is_one_reply = fault::is("unavailable-as-entered") && matches!(outcome, Outcome::Entered(_) | Outcome::Unavailable)
        || fault::is("refusal-as-entered") && matches!(outcome, Outcome::Entered(_) | Outcome::Refused(_));
    Ok(match outcome {
        _ if is_one_reply => "OK".to_owned(),
        Outcome::Entered(state) | Outcome::Repeated(state) => {
            format!("OK {}", context.state(state).movement().map_or("", |movement| movement.id.as_str()))
        }
        Outcome::Refused(problem) => format!("NO {}", problem.code),
        Outcome::Conflict(_) => {
            assert!(!fault::is("no-reply-to-conflict"), "there is no reply to a conflict");
            "NO".to_owned()
        }
        Outcome::Kept(_) => "KEPT".to_owned(),
        Outcome::Unavailable if fault::is("unavailable-after-outcomes") => return Err(Stop::Unavailable),
        Outcome::Unavailable => "NO unavailable".to_owned(),
    })
}

fn can_be_paid(merchant: &Merchant, order: &str, amount: &str, context: &Context) -> Result<bool, Stop> {
    // In a warm instance: a provider must not remember other callbacks.
    if fault::is("asks-differently") && merchant.calls.load(Ordering::Relaxed) > 0 {
        context.ask(&[Question::Order(order.to_owned()), Question::Other(("again".to_owned(), Vec::new()))])?;
    }
    let state = context.order(order)?;
    Ok(state.is_some_and(|state| state.paid_by.is_none() && Ok(state.amount.minor_units) == parse_amount(amount)))
}
