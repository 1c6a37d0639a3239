//! What has become of an order: `/v2/payments/find`, which tells of the last operation alone, and `/payments/get` of what a refund took
//! back.

use kit::call::ANSWER_BYTES_MAX;
use kit::contract::{Event, Order, Problem};
use kit::exchanges::PaymentReference;
use kit::json::{self, Value};
use kit::payment_status::{PaymentStatus, StatusStep};
use kit::problem::{Bilingual, Code, filled};
use kit::{Context, Stop};

use crate::api;
use crate::callback::recorded_as;
use crate::event;
use crate::settings::Settings;
use crate::transaction::{Operation, Status, Transaction};

/// The API's words for an order that nobody has begun to pay.
const NOT_FOUND: &str = "Not found";
/// How soon to ask again while a payer is at the bank, in seconds.
const WAITING_SECONDS: u32 = 60;
/// How soon to ask again while a refund is under way, in seconds.
const REFUNDING_SECONDS: u32 = 600;

/// Returns what is known of the payment of an order.
///
/// # Errors
/// The call or questions that come first.
pub fn query(settings: &Settings, payment: &PaymentReference, context: &Context) -> Result<StatusStep, Stop> {
    let Some(order) = &payment.order else {
        return Ok(StatusStep::Unavailable(Code::Missing.at("payment.order", "CloudPayments is asked by an order.")));
    };
    let last = match find(settings, &order.id, context)? {
        Ok(Some(last)) => last,
        Ok(None) => return Ok(done(Vec::new(), None)),
        Err(reason) => return Ok(unavailable(&reason)),
    };
    if let Err(problem) = check(settings, &last) {
        return Ok(StatusStep::Done(PaymentStatus { unresolved: Some(problem), ..status_with(Vec::new(), None) }));
    }
    if settings.test_mode {
        return Ok(done(Vec::new(), None));
    }
    match (&last.operation, last.status) {
        (Operation::Payment, Status::Completed) => Ok(done(vec![event::payment(settings, last.details())], None)),
        (Operation::Payment, Status::Authorized) => Ok(done(vec![event::hold(settings, last.details())], None)),
        (Operation::Payment, Status::Declined) => Ok(done(vec![event::declined(settings, last.details())], None)),
        (Operation::Payment, Status::Waiting) => Ok(done(Vec::new(), Some(WAITING_SECONDS))),
        (Operation::Payment, Status::Cancelled) => cancelled(settings, &last, context),
        (Operation::Refund(original), status) if status != Status::Unknown => {
            refunded(settings, order, &last, original, context)
        }
        _ => Ok(unresolved(&last)),
    }
}

/// Returns the last transaction of an order; `None` if there is none.
///
/// # Errors
/// The call, if it was not made yet; inside, why the API did not tell.
pub fn find<'c>(
    settings: &Settings,
    order: &str,
    context: &'c Context,
) -> Result<Result<Option<Transaction<'c>>, Bilingual>, Stop> {
    let body = json::object(|call| call.text("InvoiceId", order));
    let result = context.call(api::read(settings, "/v2/payments/find", &body))?;
    Ok(match api::answer(result, ANSWER_BYTES_MAX) {
        Err(reason) => Err(reason.into_reason()),
        Ok(answer) => match answer.model {
            Some(model) => read(&model, answer.success, |found| found.invoice == order).map(Some),
            None if !answer.success && answer.message == NOT_FOUND => Ok(None),
            None => Err(api::said(&answer.message)),
        },
    })
}

/// Returns a transaction by its number.
///
/// # Errors
/// The call, if it was not made yet; inside, why the API did not tell.
pub fn get<'c>(settings: &Settings, id: i64, context: &'c Context) -> Result<Result<Transaction<'c>, Bilingual>, Stop> {
    let body = json::object(|call| call.integer("TransactionId", id));
    let result = context.call(api::read(settings, "/payments/get", &body))?;
    Ok(match api::answer(result, ANSWER_BYTES_MAX) {
        Err(reason) => Err(reason.into_reason()),
        Ok(answer) => match answer.model {
            Some(model) => read(&model, answer.success, |found| found.id == id.to_string()),
            None => Err(api::said(&answer.message)),
        },
    })
}

/// Reads the transaction of an answer, which must be the one that was asked about. A completed one is one of which the API says
/// `Success`; of others it may say either.
fn read<'c>(
    model: &Value<'c>,
    success: bool,
    is_asked: impl FnOnce(&Transaction<'c>) -> bool,
) -> Result<Transaction<'c>, Bilingual> {
    let found = Transaction::read(model).map_err(|what| api::unknown_form(&what))?;
    if !is_asked(&found) {
        return Err(api::unknown_form(&"It is another transaction than was asked about."));
    }
    if found.status == Status::Completed && !success {
        return Err(api::unknown_form(&"It is a completed transaction that did not succeed."));
    }
    Ok(found)
}

/// Checks that a transaction is the merchant's, and real money where that is expected.
fn check(settings: &Settings, found: &Transaction<'_>) -> Result<(), Problem> {
    found.check(settings).map_err(|what| Code::MerchantMismatch.whole(what))?;
    match (settings.test_mode, found.is_test) {
        (false, true) => Err(Code::TestCallback.whole([
            "Заказ оплачен тестовым платежом, а тестовый режим выключен.",
            "The order was paid by a test payment, though test-mode is off.",
        ])),
        (true, false) => Err(Code::LiveCallback.whole([
            "Заказ оплачен настоящим платежом, а тестовый режим включён.",
            "The order was paid by a real payment, though test-mode is on.",
        ])),
        _ => Ok(()),
    }
}

/// A transaction that was cancelled. Of one that was never recorded, nothing needs to be entered: the money is back.
fn cancelled(settings: &Settings, last: &Transaction<'_>, context: &Context) -> Result<StatusStep, Stop> {
    let recorded = recorded_as(&last.id, context)?;
    // The transaction tells when it was made, and not when it was cancelled.
    let details = || event::Details { occurred_at: None, fee: None, ..last.details() };
    let events = recorded.map(|recorded| event::cancelled(settings, recorded, details()));
    Ok(done(events.into_iter().collect(), None))
}

/// The last operation of the order is a refund, so it was paid before.
fn refunded(
    settings: &Settings,
    order: &Order,
    refund: &Transaction<'_>,
    original: &str,
    context: &Context,
) -> Result<StatusStep, Stop> {
    let payment = match get(settings, crate::values::transaction(original).unwrap_or_default(), context)? {
        Ok(payment) => payment,
        Err(reason) => return Ok(unavailable(&reason)),
    };
    let is_payment = payment.operation == Operation::Payment && payment.status == Status::Completed;
    if !is_payment || payment.invoice != order.id || payment.check(settings).is_err() || payment.is_test {
        return Ok(unresolved(&payment));
    }
    let mut events = vec![event::payment(settings, payment.details())];
    let ask_again = match refund.status {
        Status::Completed => {
            events.push(event::refund(settings, refund.details()));
            None
        }
        Status::Declined | Status::Cancelled => None,
        _ => Some(REFUNDING_SECONDS),
    };
    Ok(done(events, ask_again))
}

fn status_with(events: Vec<Event>, ask_again: Option<u32>) -> PaymentStatus {
    PaymentStatus { events, unresolved: None, ask_again }
}

fn done(events: Vec<Event>, ask_again: Option<u32>) -> StatusStep {
    StatusStep::Done(status_with(events, ask_again))
}

fn unavailable([in_russian, in_english]: &Bilingual) -> StatusStep {
    StatusStep::Unavailable(Code::Unavailable.whole(filled(
        ["CloudPayments не ответил о платеже: {0}.", "CloudPayments cannot be asked: {1}."],
        &[&in_russian, &in_english],
    )))
}

fn unresolved(found: &Transaction<'_>) -> StatusStep {
    let id = &found.id;
    let message = filled(
        [
            "Вид или статус транзакции {0} незнаком. Посмотрите её в кабинете CloudPayments.",
            "The transaction {0} is of a kind or status that is not known. Look at it in CloudPayments' cabinet.",
        ],
        &[&id],
    );
    StatusStep::Done(PaymentStatus { unresolved: Some(Code::UnknownType.whole(message)), ..status_with(Vec::new(), None) })
}

#[cfg(test)]
mod tests;
