//! Paying back.

use kit::contract::Problem;
use kit::exchanges::{Movement, OperationStep, Pending};
use kit::json;
use kit::problem::{Bilingual, Code};
use kit::refunds::RefundRequest;
use kit::{Context, Stop, text};
use money::format_amount;

use crate::api::{self, Answer};
use crate::object::{self, REQUEST, Told};
use crate::receipt;
use crate::refund::{self, Refund, Status};
use crate::settings::{CURRENCY, Settings};

/// The longest reason that YooKassa takes.
const REASON_CHARS_MAX: usize = 250;
/// How often a refund is asked for that goes on, in seconds.
const ASK_AGAIN_SECONDS: u32 = 60;

/// Why YooKassa cancels a refund, by its documentation.
const REASONS: [(&str, &str); 5] = [
    ("general_decline", "причина не уточняется, обратитесь в поддержку ЮKassa"),
    ("insufficient_funds", "не хватает денег: возвратов за день больше, чем поступлений, или есть задолженность"),
    ("rejected_by_payee", "банк плательщика не принял возврат, договоритесь с плательщиком о другом способе"),
    ("rejected_by_timeout", "технический сбой, повторите возврат позже"),
    ("yoo_money_account_closed", "плательщик закрыл кошелёк ЮMoney, договоритесь с ним о другом способе"),
];

/// Pays back. What is sent is known to YooKassa by the request's id for a day, and afterwards by `metadata`.
///
/// # Errors
/// The call, if it was not made yet.
pub fn refund(settings: &Settings, request: &RefundRequest, context: &Context) -> Result<OperationStep, Stop> {
    let payment = match payment(request, context) {
        Ok(payment) => payment,
        Err(problem) => return Ok(OperationStep::Refused(problem)),
    };
    let body = match body(settings, request, payment) {
        Ok(body) => body,
        Err(problem) => return Ok(OperationStep::Refused(problem)),
    };
    let answer = Answer::of(context.call(api::create_refund(settings, &request.id, body))?);
    Ok(match answer {
        Answer::Object(bytes) => match made(bytes) {
            Some(refund) if is_of(&refund, request, payment) => step(settings, &refund, payment),
            _ => {
                let message = [
                    "ЮKassa ответила не об этом возврате. Посмотрите в её кабинете, вернулись ли деньги.",
                    "YooKassa's answer is not the refund that was asked for: look in its cabinet whether money went back.",
                ];
                OperationStep::Unknown(Code::UnrecognizedForm.whole(message))
            }
        },
        Answer::Refused(refusal) if refusal.is_temporary() => {
            OperationStep::Unavailable(Code::Unavailable.whole(refusal.message()))
        }
        Answer::Refused(refusal) => OperationStep::Refused(Code::Invalid.whole(refusal.message())),
        Answer::NotSent(reason) => OperationStep::Unavailable(Code::Unavailable.whole(reason)),
        Answer::Unknown(reason) => OperationStep::Unknown(Code::Unavailable.whole(reason)),
    })
}

/// Returns what became of a refund: by its own id, or, where its answer was lost, by the request's id among the payment's refunds.
///
/// # Errors
/// The call, if it was not made yet.
pub fn query(
    settings: &Settings,
    request: &RefundRequest,
    reference: Option<&str>,
    context: &Context,
) -> Result<OperationStep, Stop> {
    let payment = match payment(request, context) {
        Ok(payment) => payment,
        Err(problem) => return Ok(OperationStep::Unknown(problem)),
    };
    let told = match reference.filter(|id| api::is_id(id)) {
        Some(id) => refund::read(settings, context, id)?,
        None => refund::read_of_payment(settings, context, &payment.event.transaction)?.and_then(|list| {
            let found = list.refunds.into_iter().find(|refund| refund.request.as_deref() == Some(request.id.as_str()));
            Ok(found.map_or(Told::Absent, Told::Found))
        })?,
    };
    Ok(match told {
        Told::Found(refund) if is_of(&refund, request, payment) => step(settings, &refund, payment),
        Told::Found(_) => {
            let message = [
                "У ЮKassa возврат с этим номером — другого платежа или на другую сумму.",
                "YooKassa's refund of this id is of another payment or amount.",
            ];
            OperationStep::Unknown(Code::UnrecognizedForm.whole(message))
        }
        Told::Absent => {
            let message = [
                "У ЮKassa такого возврата пока нет, но он ещё может появиться. Посмотрите в её кабинете.",
                "YooKassa knows no such refund of the payment, and may still make it: look in its cabinet.",
            ];
            OperationStep::Unknown(Code::NotConfirmed.whole(message))
        }
        Told::Unavailable(problem) => OperationStep::Unavailable(problem),
        Told::Unresolved(problem) | Told::NoMoney(problem) => OperationStep::Unknown(problem),
    })
}

/// Returns the payment that is paid back.
fn payment<'c>(request: &'c RefundRequest, context: &'c Context) -> Result<&'c Movement, Problem> {
    let payment = kit::refund::payment(request, context, CURRENCY)?.movement();
    let payment = payment.filter(|payment| api::is_id(&payment.event.transaction));
    let message = ["Это платёж не ЮKassa.", "It is not a payment of YooKassa's."];
    payment.ok_or_else(|| Code::Invalid.at("payment", message))
}

fn body(settings: &Settings, request: &RefundRequest, payment: &Movement) -> Result<String, Problem> {
    text::check("reason", &request.reason, REASON_CHARS_MAX)?;
    let receipt = request.receipt.as_ref().map(|receipt| receipt::read(settings, receipt)).transpose();
    let receipt = receipt.map_err(|mut problems| problems.swap_remove(0))?;
    Ok(json::object(|body| {
        body.text("payment_id", &payment.event.transaction);
        body.object("amount", |amount| {
            amount.text("value", &format_amount(request.amount.minor_units));
            amount.text("currency", CURRENCY.as_str());
        });
        if !request.reason.is_empty() {
            body.text("description", &request.reason);
        }
        body.object("metadata", |metadata| metadata.text(REQUEST, &request.id));
        if let Some(receipt) = &receipt {
            body.object("receipt", |object| receipt.write(object));
        }
    }))
}

/// Parses the refund that YooKassa says it made.
fn made(bytes: &[u8]) -> Option<Refund> {
    Refund::parse(&json::Object::parse(bytes).ok()?).ok()
}

fn is_of(refund: &Refund, request: &RefundRequest, payment: &Movement) -> bool {
    refund.payment == payment.event.transaction && object::roubles(refund.minor_units) == request.amount
}

/// Returns what an operator is told of a canceled refund: what YooKassa's word means, and the word.
fn canceled(reason: &str) -> Bilingual {
    let word = if reason.is_empty() { "no reason given".to_owned() } else { text::shown(reason) };
    let in_russian = match REASONS.iter().find(|(known, _)| *known == reason) {
        Some((_, meaning)) => format!("ЮKassa отменила возврат: {meaning} ({word})."),
        None if reason.is_empty() => "ЮKassa отменила возврат и не назвала причину.".to_owned(),
        None => format!("ЮKassa отменила возврат: {word}."),
    };
    [in_russian, format!("YooKassa canceled the refund: {word}.")]
}

fn step(settings: &Settings, refund: &Refund, payment: &Movement) -> OperationStep {
    match refund.status {
        Status::Succeeded => OperationStep::Succeeded(refund.event(settings, payment.event.order.clone())),
        Status::Pending => {
            OperationStep::Pending(Pending { ask_again: Some(ASK_AGAIN_SECONDS), reference: Some(refund.id.clone()) })
        }
        Status::Canceled => OperationStep::Refused(Code::Invalid.whole(canceled(refund.reason.as_deref().unwrap_or_default()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use crate::testing::{ID, NOT_FOUND, REFUND, REFUND_ID, Reply, World, changed, movement, ok, problem, summary};
    use kit::contract::{EventKind, Money};
    use kit::exchanges::{HttpCall, MovementState, PaymentReference};

    fn request() -> RefundRequest {
        let movement = Some(MovementState { movement: 0, later: Vec::new() });
        RefundRequest {
            id: "r-7".into(),
            payment: PaymentReference { order: None, link: None, movement, extra: Vec::new() },
            amount: Money { minor_units: 3_000, currency: "RUB".into() },
            full: false,
            reason: "Переплата".into(),
            receipt: None,
            extra: Vec::new(),
        }
    }

    fn world(url: &str, reply: Reply) -> World {
        World { movement: Some(movement(EventKind::Payment)), ..World::default() }.with(url, reply)
    }

    fn line(step: OperationStep) -> String {
        match step {
            OperationStep::Succeeded(event) => summary(&event),
            OperationStep::Pending(pending) => {
                format!("pending {:?} {}", pending.ask_again, pending.reference.unwrap().replace(REFUND_ID, "REFUND"))
            }
            OperationStep::Refused(found) => format!("refused {}", problem(&found)),
            OperationStep::Unavailable(found) => format!("unavailable {}", problem(&found)),
            OperationStep::Unknown(found) => format!("unknown {}", problem(&found)),
            other => panic!("{other:?}"),
        }
    }

    fn refunded(request: &RefundRequest, reply: Reply) -> (String, Vec<HttpCall>) {
        let settings = settings(&[]);
        let (step, calls) = world("/v3/refunds", reply).drive(|context| refund(&settings, request, context));
        (line(step), calls)
    }

    const REFUNDED: &str = "Refund 3000 refund:REFUND order=42 original=ID at=2026-11-28T12:30:00Z";

    #[test]
    fn why_a_refund_was_canceled_is_said_in_russian() {
        for (reason, want) in [
            (
                "rejected_by_payee",
                "ЮKassa отменила возврат: банк плательщика не принял возврат, договоритесь с плательщиком о другом способе (rejected_by_payee).",
            ),
            ("new_word", "ЮKassa отменила возврат: new_word."),
            ("", "ЮKassa отменила возврат и не назвала причину."),
        ] {
            assert_eq!(canceled(reason)[0], want);
        }
        assert_eq!(canceled("new_word")[1], "YooKassa canceled the refund: new_word.");
    }

    #[test]
    fn the_request_is_the_documentations() {
        let (_, calls) = refunded(&request(), ok(REFUND));
        let want = format!(
            r#"{{"payment_id":"{ID}","amount":{{"value":"30.00","currency":"RUB"}},"description":"Переплата","metadata":{{"refund_id":"r-7"}}}}"#
        );
        assert_eq!(String::from_utf8(calls[0].body.clone()).unwrap(), want);
    }

    /// The event must be the one that the notification is, or the refund would be entered twice.
    #[test]
    fn what_yookassa_did_is_the_event_and_what_it_may_have_done_is_unknown() {
        let canceled = r#""canceled", "cancellation_details": {"party": "yoo_money", "reason": "insufficient_funds"}"#;
        let pending = changed(REFUND, &[(r#""succeeded""#, r#""pending""#)]);
        for (reply, want) in [
            (ok(REFUND), REFUNDED),
            (ok(pending), "pending Some(60) REFUND"),
            (ok(changed(REFUND, &[(r#""succeeded""#, canceled)])), "refused invalid -"),
            (ok(changed(REFUND, &[("succeeded", "lost")])), "unknown unrecognized-form -"),
            (ok(changed(REFUND, &[("30.00", "30.01")])), "unknown unrecognized-form -"),
            (ok(changed(REFUND, &[(ID, REFUND_ID)])), "unknown unrecognized-form -"),
            (ok("nonsense"), "unknown unrecognized-form -"),
            (Reply::Status(400, String::new()), "refused invalid -"),
            (Reply::Status(403, String::new()), "refused invalid -"),
            (Reply::Status(404, NOT_FOUND.to_owned()), "refused invalid -"),
            (Reply::Status(401, String::new()), "unavailable unavailable -"),
            (Reply::Status(429, String::new()), "unavailable unavailable -"),
            (Reply::Status(202, String::new()), "unknown unavailable -"),
            (Reply::Status(500, String::new()), "unknown unavailable -"),
            (Reply::Lost, "unknown unavailable -"),
            (Reply::NotSent, "unavailable unavailable -"),
        ] {
            assert_eq!(refunded(&request(), reply).0, want);
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused_before_anything_is_sent() {
        let dollars = RefundRequest { amount: Money { minor_units: 1, currency: "USD".into() }, ..request() };
        let more = RefundRequest { amount: Money { minor_units: 10_001, currency: "RUB".into() }, ..request() };
        let long = RefundRequest { reason: "ы".repeat(251), ..request() };
        let mut nothing = request();
        nothing.payment.movement = None;
        for (request, want) in [
            (dollars, "refused unsupported amount.currency"),
            (more, "refused out-of-range amount.minor-units"),
            (long, "refused too-long reason"),
            (nothing, "refused invalid payment"),
        ] {
            let (line, calls) = refunded(&request, ok(REFUND));
            assert_eq!((line.as_str(), calls.len()), (want, 0));
        }
    }

    #[test]
    fn a_refund_is_found_by_its_id_or_by_the_requests() {
        let settings = settings(&[]);
        let by_id = ["/refunds/", REFUND_ID].concat();
        let by_payment = format!("/refunds?payment_id={ID}&limit=50");
        let list = |items: &str| ok(format!(r#"{{"type": "list", "items": [{items}]}}"#));
        let other = changed(REFUND, &[(r#""r-7""#, r#""r-8""#), (REFUND_ID, "2c85-2")]);
        let absent = Reply::Status(404, NOT_FOUND.to_owned());
        for (reference, url, reply, want) in [
            (Some(REFUND_ID), &by_id, ok(REFUND), REFUNDED),
            (Some(REFUND_ID), &by_id, absent, "unknown not-confirmed -"),
            (Some(REFUND_ID), &by_id, ok(changed(REFUND, &[("30.00", "31.00")])), "unknown unrecognized-form -"),
            (Some(REFUND_ID), &by_id, Reply::Lost, "unavailable unavailable -"),
            (None, &by_payment, list(&format!("{other}, {REFUND}")), REFUNDED),
            (None, &by_payment, list(&other), "unknown not-confirmed -"),
            (None, &by_payment, list(""), "unknown not-confirmed -"),
            (None, &by_payment, Reply::NotSent, "unavailable unavailable -"),
        ] {
            let (step, calls) = world(url, reply).drive(|context| query(&settings, &request(), reference, context));
            assert_eq!((line(step).as_str(), calls.len()), (want, 1), "{reference:?}");
        }
    }
}
