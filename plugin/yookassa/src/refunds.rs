//! Paying back.

use kit::contract::Problem;
use kit::exchanges::{Movement, OperationStep, Pending};
use kit::json;
use kit::problem::Code;
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

/// Pays back. What is sent is known to YooKassa by the request's id for a day, and afterwards by `metadata`.
///
/// # Errors
/// The call, if it was not made yet.
pub fn refund(settings: &Settings, request: &RefundRequest, context: &Context) -> Result<OperationStep, Stop> {
    let Some(payment) = payment(request, context) else { return Ok(OperationStep::Refused(no_payment())) };
    let body = match body(settings, request, payment) {
        Ok(body) => body,
        Err(problem) => return Ok(OperationStep::Refused(problem)),
    };
    let answer = Answer::of(context.call(api::create_refund(settings, &request.id, body))?);
    Ok(match answer {
        Answer::Object(bytes) => match made(bytes) {
            Some(refund) if is_of(&refund, request, payment) => step(settings, &refund, payment),
            _ => {
                let message = "YooKassa's answer is not the refund that was asked for: look in its cabinet whether money went back.";
                OperationStep::Unknown(Code::UnrecognizedForm.whole(message))
            }
        },
        Answer::Refused(refusal) if refusal.is_temporary() => {
            OperationStep::Unavailable(Code::Unavailable.whole(refusal.message()))
        }
        Answer::Refused(refusal) => OperationStep::Refused(Code::Invalid.whole(refusal.message())),
        Answer::NotSent(reason) => {
            OperationStep::Unavailable(Code::Unavailable.whole(format!("YooKassa cannot be reached: {reason}")))
        }
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
    let Some(payment) = payment(request, context) else { return Ok(OperationStep::Unknown(no_payment())) };
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
            let message = "YooKassa's refund of this id is of another payment or amount.";
            OperationStep::Unknown(Code::UnrecognizedForm.whole(message))
        }
        Told::Absent => {
            let message = "YooKassa knows no such refund of the payment, and may still make it: look in its cabinet.";
            OperationStep::Unknown(Code::NotConfirmed.whole(message))
        }
        Told::Unavailable(problem) => OperationStep::Unavailable(problem),
        Told::Unresolved(problem) | Told::Test(problem) => OperationStep::Unknown(problem),
    })
}

/// Returns the payment that is paid back.
fn payment<'c>(request: &'c RefundRequest, context: &'c Context) -> Option<&'c Movement> {
    let payment = context.state(request.payment.movement.as_ref()?).movement()?;
    Some(payment).filter(|payment| api::is_id(&payment.event.transaction))
}

fn no_payment() -> Problem {
    Code::Missing.at("payment", "It is not a payment of YooKassa's.")
}

fn body(settings: &Settings, request: &RefundRequest, payment: &Movement) -> Result<String, Problem> {
    if request.amount.currency != CURRENCY.as_str() {
        return Err(Code::Unsupported.at("amount.currency", format!("YooKassa pays back in {CURRENCY}.")));
    }
    text::check("reason", &request.reason, REASON_CHARS_MAX)?;
    let receipt = request.receipt.as_ref().map(|receipt| receipt::read(settings, receipt)).transpose()?;
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

fn step(settings: &Settings, refund: &Refund, payment: &Movement) -> OperationStep {
    match refund.status {
        Status::Succeeded => OperationStep::Succeeded(refund.event(settings, payment.event.order.clone())),
        Status::Pending => {
            OperationStep::Pending(Pending { ask_again: Some(ASK_AGAIN_SECONDS), reference: Some(refund.id.clone()) })
        }
        Status::Canceled => {
            let reason = refund.reason.as_deref().unwrap_or("no reason given");
            OperationStep::Refused(Code::Invalid.whole(format!("YooKassa canceled the refund: {reason}.")))
        }
    }
}
