//! Refunds: `/payments/refund`, and `/payments/get` of what it made. One of a card is done at once, one of «СБП» later.

use kit::call::ANSWER_BYTES_MAX;
use kit::contract::Problem;
use kit::exchanges::{OperationStep, Pending};
use kit::json;
use kit::problem::{Bilingual, Code, both, filled};
use kit::refunds::RefundRequest;
use kit::{Context, Stop};

use crate::api::{self, NoAnswer};
use crate::event;
use crate::receipt;
use crate::settings::Settings;
use crate::status::{find, get};
use crate::transaction::{Operation, Status, Transaction};
use crate::values;

/// How soon to ask again, in seconds.
const ASK_AGAIN_SECONDS: u32 = 60;

/// Pays back.
///
/// # Errors
/// The call that comes first.
pub fn refund(settings: &Settings, request: &RefundRequest, context: &Context) -> Result<OperationStep, Stop> {
    let payment = match payment(settings, request, context) {
        Ok(payment) => payment,
        Err(problem) => return Ok(OperationStep::Refused(problem)),
    };
    let receipt = request.receipt.as_ref().map(|receipt| receipt::check(receipt, settings.currency)).transpose();
    let receipt = match receipt {
        Ok(receipt) => receipt,
        Err(mut problems) => return Ok(OperationStep::Refused(problems.swap_remove(0))),
    };
    let body = json::object(|call| {
        call.integer("TransactionId", payment);
        call.amount("Amount", request.amount.minor_units);
        receipt.iter().for_each(|receipt| receipt.write(call));
    });
    let request_id = ["refund-", &request.id].concat();
    let result = context.call(api::change(settings, "/payments/refund", &body, &request_id))?;
    let answer = match api::answer(result, ANSWER_BYTES_MAX) {
        Ok(answer) => answer,
        Err(NoAnswer::NotDone(reason)) => return Ok(OperationStep::Unavailable(unavailable(&reason))),
        Err(NoAnswer::Unknown(reason)) => return Ok(OperationStep::Unknown(unavailable(&reason))),
    };
    if !answer.success {
        return Ok(OperationStep::Refused(refused(&answer.message)));
    }
    let model = answer.model.and_then(|model| model.object().ok());
    match model.and_then(|model| values::transaction(&model.number_text("TransactionId").ok()?)) {
        Some(refund) => state(settings, request, payment, refund, context),
        None => {
            let reason = both(["номера возврата в ответе нет", "it does not name the refund"]);
            Ok(OperationStep::Unknown(unavailable(&reason)))
        }
    }
}

/// Returns what became of a refund. Without its number it is looked for as the last operation of the order.
///
/// # Errors
/// The call that comes first.
pub fn query(
    settings: &Settings,
    request: &RefundRequest,
    reference: Option<&str>,
    context: &Context,
) -> Result<OperationStep, Stop> {
    let payment = match payment(settings, request, context) {
        Ok(payment) => payment,
        Err(problem) => return Ok(OperationStep::Unknown(problem)),
    };
    if let Some(refund) = reference.and_then(values::transaction) {
        return state(settings, request, payment, refund, context);
    }
    let Some(order) = &request.payment.order else { return Ok(OperationStep::Unknown(not_found())) };
    let found = match find(settings, &order.id, context)? {
        Ok(found) => found,
        // Nothing is known of it yet, so it must not be sent again.
        Err(_) => return Ok(pending(None)),
    };
    let is_this =
        |found: &Transaction<'_>| is_refund(settings, found, payment, request) && !is_recorded(&found.id, request, context);
    Ok(match found.filter(is_this) {
        Some(found) => step(settings, &found),
        None => OperationStep::Unknown(not_found()),
    })
}

/// Checks what is to be paid back, and returns the transaction of the payment.
fn payment(settings: &Settings, request: &RefundRequest, context: &Context) -> Result<i64, Problem> {
    let payment = kit::refund::payment(request, context, settings.currency)?;
    let transaction = payment.movement().and_then(|movement| values::transaction(&movement.event.transaction));
    transaction.ok_or_else(|| {
        let message = [
            "У платежа нет номера транзакции CloudPayments. Верните его в кабинете CloudPayments.",
            "It has no number of a transaction of CloudPayments; pay it back in CloudPayments' cabinet.",
        ];
        Code::Invalid.at("payment", message)
    })
}

/// Asks what became of a refund.
fn state(
    settings: &Settings,
    request: &RefundRequest,
    payment: i64,
    refund: i64,
    context: &Context,
) -> Result<OperationStep, Stop> {
    Ok(match get(settings, refund, context)? {
        Ok(found) if is_refund(settings, &found, payment, request) => step(settings, &found),
        Ok(_) => {
            let reason = both(["он сообщил не об этом возврате", "it told of something else than this refund"]);
            OperationStep::Unknown(unavailable(&reason))
        }
        Err(_) => pending(Some(refund)),
    })
}

fn is_refund(settings: &Settings, found: &Transaction<'_>, payment: i64, request: &RefundRequest) -> bool {
    found.operation == Operation::Refund(payment.to_string())
        && found.minor_units == request.amount.minor_units
        && found.check(settings).is_ok()
        && found.is_test == settings.test_mode
}

/// Reports whether a transaction is a refund that was recorded before, and so another one.
fn is_recorded(transaction: &str, request: &RefundRequest, context: &Context) -> bool {
    let movement = request.payment.movement.as_ref();
    movement.is_some_and(|state| context.state(state).later().any(|later| later.event.transaction == transaction))
}

fn step(settings: &Settings, found: &Transaction<'_>) -> OperationStep {
    match found.status {
        Status::Completed => OperationStep::Succeeded(event::refund(settings, event::Details { fee: None, ..found.details() })),
        Status::Declined | Status::Cancelled => OperationStep::Refused(refused(&found.reason)),
        _ => pending(values::transaction(&found.id)),
    }
}

fn pending(refund: Option<i64>) -> OperationStep {
    OperationStep::Pending(Pending { ask_again: Some(ASK_AGAIN_SECONDS), reference: refund.map(|refund| refund.to_string()) })
}

/// What CloudPayments says is a sentence for people, or nothing.
fn refused(message: &str) -> Problem {
    let said = if message.is_empty() { ".".to_owned() } else { format!(": «{message}».") };
    Code::Unsupported
        .whole([["CloudPayments отказал в возврате", &said].concat(), ["CloudPayments refuses the refund", &said].concat()])
}

fn unavailable([in_russian, in_english]: &Bilingual) -> Problem {
    Code::Unavailable.whole(filled(
        ["CloudPayments не ответил о возврате: {0}.", "CloudPayments gave no answer about the refund: {1}."],
        &[&in_russian, &in_english],
    ))
}

fn not_found() -> Problem {
    Code::Unavailable.whole([
        "Номер возврата у CloudPayments неизвестен. Найдите возврат в его кабинете.",
        "CloudPayments knows refunds by a number that is not known here. Look for this one in its cabinet.",
    ])
}

#[cfg(test)]
mod tests;
