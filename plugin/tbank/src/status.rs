//! What has become of a payment, asked of T-Bank.

use kit::contract::Problem;
use kit::exchanges::PaymentReference;
use kit::payment_status::{PaymentStatus, StatusStep};
use kit::problem::{Bilingual, Code, both};
use kit::{Context, Stop};

use crate::api::{Answer, Scalar, answer, is_payment_id, read, unknown_form};
use crate::refunded;
use crate::settings::Settings;
use crate::state::{NoState, State, Status, state};

/// `ErrorCode` of an order for which no payment was made.
pub const NO_SUCH_ORDER: &str = "335";
/// What is said of a payment that is of another order.
pub const OTHER_ORDER: [&str; 2] =
    ["По ответу Т-Банка это платёж другого заказа.", "T-Bank says that the payment is of another order."];
/// How soon a payment that the payer is making, or a refund that is under way, is worth another question.
const SOON: u32 = 60;
/// The most payments of an order that are asked about: 8 calls are allowed, and one lists them.
const PAYMENTS_MAX: usize = 7;

/// Returns what is known of the payment of an order.
///
/// # Errors
/// What must be asked or called first.
pub fn query(settings: &Settings, payment: &PaymentReference, context: &Context) -> Result<StatusStep, Stop> {
    let Some(order) = &payment.order else {
        return Ok(StatusStep::Unavailable(Code::Missing.at("order", "It is not said which order is meant.")));
    };
    let mut found = PaymentStatus { events: Vec::new(), unresolved: None, ask_again: None };
    if settings.test_mode {
        // Nothing that a test terminal tells is credited.
        return Ok(StatusStep::Done(found));
    }
    let linked = payment.link.as_ref().and_then(|link| link.reference.clone()).filter(|id| is_payment_id(id));
    let payments = match linked {
        Some(id) => vec![id],
        None => match payment_ids(settings, &order.id, context)? {
            Ok(payments) => payments.into_iter().take(PAYMENTS_MAX).collect(),
            Err(problem) => return Ok(StatusStep::Unavailable(problem)),
        },
    };
    for id in payments {
        match state(settings, &id, context)? {
            Ok(state) if state.order != order.id => {
                found.unresolved = Some(Code::UnrecognizedForm.at("OrderId", OTHER_ORDER));
            }
            Ok(state) => add_events(settings, &state, order.amount.minor_units, &mut found, context)?,
            Err(NoState::Unavailable(reason)) => return Ok(StatusStep::Unavailable(Code::Unavailable.whole(reason))),
            Err(NoState::Refused(refusal)) => return Ok(StatusStep::Unavailable(Code::Unavailable.whole(refusal.sentence()))),
        }
    }
    Ok(StatusStep::Done(found))
}

/// Returns the ids of an order's payments; none if T-Bank has made none for it.
///
/// # Errors
/// The call, if it was not made yet; and why they are not known.
pub fn payment_ids(settings: &Settings, order: &str, context: &Context) -> Result<Result<Vec<String>, Problem>, Stop> {
    let result = context.call(read(settings, "CheckOrder", &[("OrderId", Scalar::Text(order))]))?;
    let unclear = |reason: Bilingual| Err(Code::Unavailable.whole(reason));
    Ok(match answer(settings, result) {
        Answer::Success(found) => {
            if !found.text("OrderId").is_ok_and(|found| found == order) {
                return Ok(unclear(both(OTHER_ORDER)));
            }
            let payments = found.array("Payments").and_then(|payments| {
                payments.iter().map(|payment| Ok(payment.object()?.number_text("PaymentId")?.into_owned())).collect()
            });
            let payments: Vec<String> = match payments {
                Ok(payments) => payments,
                Err(error) => return Ok(unclear(unknown_form(&error))),
            };
            if payments.iter().all(|id| is_payment_id(id)) {
                Ok(payments)
            } else {
                unclear(unknown_form(&"PaymentId is no number."))
            }
        }
        Answer::Refusal(refusal) if refusal.code == NO_SUCH_ORDER => Ok(Vec::new()),
        Answer::Refusal(refusal) => unclear(refusal.sentence()),
        Answer::NotSent(reason) | Answer::Unclear(reason) => unclear(reason),
    })
}

/// Adds the events of a payment's state.
fn add_events(
    settings: &Settings,
    state: &State,
    ordered: i64,
    found: &mut PaymentStatus,
    context: &Context,
) -> Result<(), Stop> {
    let subject = state.subject();
    match state.status {
        Status::Confirmed => found.events.push(subject.paid(settings, state.amount)),
        Status::Authorized => {
            found.events.push(subject.held(settings, state.amount));
            found.ask_again = Some(SOON);
        }
        Status::Reversed => found.events.push(subject.released(settings)),
        Status::Declined => found.events.push(subject.declined(settings, ordered)),
        Status::Refunded | Status::PartialRefunded => {
            let told = refunded::told(settings, state, context)?;
            found.events.extend(told.events);
            found.unresolved = told.unclear.map(|why| Code::UnrecognizedForm.at("Amount", why)).or(found.unresolved.take());
        }
        Status::Refunding => found.ask_again = Some(SOON),
        Status::PartialReversed | Status::Unknown => {
            let message = [
                "У платежа статус, который программа не ведёт. Посмотрите платёж в кабинете Т-Банка.",
                "The payment has a status that this program does not follow. Look in T-Bank's cabinet.",
            ];
            found.unresolved = Some(Code::UnknownType.at("Status", message));
        }
        Status::Waiting | Status::Ended => {}
    }
    Ok(())
}

#[cfg(test)]
#[path = "status/tests.rs"]
mod tests;
