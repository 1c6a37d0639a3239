//! Paying back (Cancel), and what became of it.

use kit::contract::Problem;
use kit::exchanges::{HttpCall, OperationStep, Pending, Repeatable};
use kit::json::{JsonError, Object, ObjectWriter};
use kit::problem::{Bilingual, Code, both, filled};
use kit::refunds::RefundRequest;
use kit::{Context, Recorded, Stop};

use crate::api::{Answer, Scalar, amount, answer, call, is_payment_id, unknown_form};
use crate::event::Subject;
use crate::receipt;
use crate::refunded::{PaidBack, RecordedPayment};
use crate::settings::{CURRENCY, Settings};
use crate::state::{NoState, State, Status, state};

/// How long T-Bank knows a second Cancel by its ExternalRequestId: its documents do not say.
const KEY_SECONDS: u32 = 86_400;
/// How soon a refund that is under way is worth a question.
const SOON: u32 = 60;
/// What stands in a reference before the kopecks that had been paid back before.
const BEFORE: &str = "-r";

/// A payment that is to be paid back.
struct Paid<'r> {
    subject: Subject<'r>,
    /// What is recorded of it.
    recorded: RecordedPayment<'r>,
}

/// Pays back.
///
/// # Errors
/// What must be called first.
pub fn pay_back(settings: &Settings, request: &RefundRequest, context: &Context) -> Result<OperationStep, Stop> {
    let paid = match kit::refund::payment(request, context, CURRENCY) {
        Ok(recorded) => recorded_payment(recorded),
        Err(problem) => return Ok(OperationStep::Refused(problem)),
    };
    let Some(paid) = paid else { return Ok(OperationStep::Refused(not_a_payment())) };
    let found = match state(settings, paid.subject.payment, context)? {
        Ok(found) => found,
        Err(why) => return Ok(OperationStep::Unavailable(problem_of(why))),
    };
    if let Some(step) = without_call(settings, &paid, request, &found) {
        return Ok(step);
    }
    let result = match cancel(settings, &paid, request, found.is_card) {
        Ok(call) => context.call(call)?,
        Err(problem) => return Ok(OperationStep::Refused(problem)),
    };
    Ok(match answer(settings, result) {
        Answer::Success(done) => cancelled(settings, &paid, request, &done, known_total(&paid, &found)),
        Answer::Refusal(refusal) => OperationStep::Refused(Code::Invalid.whole(refusal.sentence())),
        Answer::NotSent(reason) => OperationStep::Unavailable(Code::Unavailable.whole(reason)),
        Answer::Unclear(reason) => OperationStep::Unknown(Code::Unavailable.whole(reason)),
    })
}

/// Returns the result where the state leaves nothing to pay back, or not now.
fn without_call(settings: &Settings, paid: &Paid<'_>, request: &RefundRequest, found: &State) -> Option<OperationStep> {
    let is_of_order = found.order == paid.subject.order;
    match found.status {
        Status::Confirmed | Status::PartialRefunded if is_of_order => None,
        Status::Refunding if is_of_order => {
            let message = [
                "У Т-Банка выполняется другой возврат этого платежа.",
                "Another refund of this payment is under way at T-Bank.",
            ];
            Some(OperationStep::Unavailable(Code::Unavailable.whole(message)))
        }
        // An earlier try may have done it.
        Status::Refunded if is_of_order => {
            Some(outcome_by_sum(settings, paid, request.amount.minor_units, None, PaidBack::Exactly(paid.recorded.paid)))
        }
        _ => {
            let message = [
                "У Т-Банка этот платёж не поступил. Посмотрите его в кабинете Т-Банка.",
                "T-Bank does not have this payment as one that came in. Look in T-Bank's cabinet.",
            ];
            Some(OperationStep::Refused(Code::Invalid.at("payment", message)))
        }
    }
}

/// Returns the call of Cancel.
///
/// # Errors
/// The first problem of the receipt.
fn cancel(settings: &Settings, paid: &Paid<'_>, request: &RefundRequest, is_card: bool) -> Result<HttpCall, Problem> {
    // T-Bank prints the receipt of the payment again, when all of it is paid back.
    let receipt = request.receipt.as_ref().filter(|_| !request.full).map(|receipt| receipt::checked(settings, receipt));
    let receipt = receipt.transpose().map_err(|problems| problems.into_iter().next().unwrap_or_else(not_a_payment))?;
    // T-Bank knows ExternalRequestId of refunds to cards, and says that of «СБП» it does not. Of others it says nothing.
    let repeatable = if is_card { Repeatable::Within(KEY_SECONDS) } else { Repeatable::Never };
    let scalars = [
        ("PaymentId", Scalar::Text(paid.subject.payment)),
        ("Amount", Scalar::Integer(request.amount.minor_units)),
        ("ExternalRequestId", Scalar::Text(&request.id)),
    ];
    let nested = |o: &mut ObjectWriter<'_>| receipt.iter().for_each(|receipt| receipt.write(o));
    Ok(call(settings, "Cancel", &scalars, nested, repeatable))
}

/// Returns what a state says that was paid back; nothing of a payment that is whole.
fn total_of(paid: &Paid<'_>, found: &State) -> Option<PaidBack> {
    match found.status {
        Status::Confirmed => Some(PaidBack::Exactly(0)),
        _ => PaidBack::of(paid.recorded.paid, found).ok(),
    }
}

/// Returns how much was paid back by a state, where that is certain: of a part, where it fits what is recorded.
fn known_total(paid: &Paid<'_>, found: &State) -> Option<i64> {
    match total_of(paid, found)? {
        PaidBack::Exactly(total) => Some(total),
        part => Some(paid.recorded.refunded()).filter(|recorded| *recorded > 0 && part.can_be(paid.recorded.paid, *recorded)),
    }
}

/// Reads the answer to Cancel.
fn cancelled(
    settings: &Settings,
    paid: &Paid<'_>,
    request: &RefundRequest,
    done: &Object<'_>,
    refunded_before: Option<i64>,
) -> OperationStep {
    let unknown = |why: Bilingual| OperationStep::Unknown(Code::UnrecognizedForm.whole(why));
    let Cancelled { status, before, after } = match Cancelled::read(done, &paid.subject) {
        Ok(read) => read,
        Err(why) => return unknown(unknown_form(&why)),
    };
    let pending = |before| pending(&paid.subject, before);
    match status {
        Status::Refunding => {
            // `OriginalAmount` is documented as what the refund found.
            let by_answer = (before - after == request.amount.minor_units).then(|| paid.recorded.paid - before);
            pending(refunded_before.or(by_answer).filter(|refunded| *refunded >= 0))
        }
        Status::Refunded | Status::PartialRefunded
            if before - after == request.amount.minor_units
                && before <= paid.recorded.paid
                && (status == Status::Refunded) == (after == 0) =>
        {
            OperationStep::Succeeded(paid.subject.refunded(settings, before - after, paid.recorded.paid - after))
        }
        // It repeats what it knows of an earlier request, and names the present amounts.
        Status::Refunded | Status::PartialRefunded => pending(refunded_before),
        _ => {
            let why = [
                "Т-Банк принял возврат, но не сообщил, что он выполнен или выполняется.",
                "T-Bank took the refund and does not say that it is done or under way.",
            ];
            unknown(both(why))
        }
    }
}

/// The amounts before and after a refund, in kopecks.
struct Cancelled {
    status: Status,
    before: i64,
    after: i64,
}

impl Cancelled {
    fn read(done: &Object<'_>, subject: &Subject<'_>) -> Result<Cancelled, String> {
        let message = |error: JsonError| error.to_string();
        let (payment, order) = (done.number_text("PaymentId").map_err(message)?, done.text("OrderId").map_err(message)?);
        if (&*payment, &*order) != (subject.payment, subject.order) {
            return Err("It is about another payment.".to_owned());
        }
        let kopecks = |name: &str| {
            let text = done.number_text(name).map_err(message)?;
            amount(&text).ok_or_else(|| format!("{name} is no number of kopecks."))
        };
        let status = Status::parse(&done.text("Status").map_err(message)?);
        Ok(Cancelled { status, before: kopecks("OriginalAmount")?, after: kopecks("NewAmount")? })
    }
}

/// T-Bank has no number of a refund. The reference is the number of the payment, by which an operator finds it in the cabinet, and how
/// much of it had been paid back before, so that the question about it can tell this refund from those.
fn pending(subject: &Subject<'_>, refunded_before: Option<i64>) -> OperationStep {
    let before = refunded_before.map_or(String::new(), |refunded| format!("{BEFORE}{refunded}"));
    OperationStep::Pending(Pending { ask_again: Some(SOON), reference: Some([subject.payment, &before].concat()) })
}

/// Returns how much had been paid back before, of a reference of [`pending`].
fn refunded_before(reference: &str) -> Option<i64> {
    reference.split_once(BEFORE)?.1.parse().ok()
}

/// Returns what became of a refund. T-Bank has no question about a refund, so the payment's state tells it.
///
/// # Errors
/// What must be asked or called first.
pub fn query(
    settings: &Settings,
    request: &RefundRequest,
    reference: Option<&str>,
    context: &Context,
) -> Result<OperationStep, Stop> {
    let key = match kit::refund::payment(request, context, CURRENCY) {
        Ok(recorded) => recorded.movement().map(|movement| movement.event.dedup_key.as_str()),
        Err(problem) => return Ok(OperationStep::Unknown(problem)),
    };
    let Some(key) = key else { return Ok(OperationStep::Unknown(not_a_payment())) };
    // Asked, and not taken from the request: what was recorded meanwhile counts, and the host compares it again.
    let Some(paid) = context.movement(key)?.and_then(recorded_payment) else {
        return Ok(OperationStep::Unknown(not_a_payment()));
    };
    let found = match state(settings, paid.subject.payment, context)? {
        Ok(found) if found.order == paid.subject.order => found,
        Ok(_) => {
            let why = ["Платёж оказался другого заказа.", "It says that the payment is of another order."];
            return Ok(OperationStep::Unknown(unclear(why)));
        }
        Err(why) => return Ok(OperationStep::Unavailable(problem_of(why))),
    };
    let before = reference.and_then(refunded_before);
    if found.status == Status::Refunding {
        return Ok(pending(&paid.subject, before));
    }
    Ok(match total_of(&paid, &found) {
        Some(paid_back) => outcome_by_sum(settings, &paid, request.amount.minor_units, before, paid_back),
        None => OperationStep::Unknown(unclear([
            "По его ответу не видно, сколько возвращено.",
            "What it says of the payment does not tell how much was paid back.",
        ])),
    })
}

/// Compares what was paid back by now with what had been before the refund. Where the answer to Cancel was lost, that is not known:
/// the refund is then what is not recorded of the sum, if that is as much.
///
/// A part that can be the sum before the refund as well as the sum with it tells nothing; and that a refund was not carried out is
/// told by a payment that is whole, and by nothing else.
fn outcome_by_sum(settings: &Settings, paid: &Paid<'_>, amount: i64, before: Option<i64>, now: PaidBack) -> OperationStep {
    let (whole, recorded) = (paid.recorded.paid, paid.recorded.refunded());
    let without = before.unwrap_or(recorded);
    let with_this = without.saturating_add(amount);
    let event = paid.subject.refunded(settings, amount, with_this);
    let same_key = paid.recorded.refunds.iter().find(|refund| refund.dedup_key == event.dedup_key);
    let is_recorded = same_key.is_some_and(|refund| refund.amount == event.amount);
    // Others may have been paid back after it.
    let is_less = matches!(now, PaidBack::Exactly(now) if before.is_some() && now > with_this);
    let is_told = now.can_be(whole, with_this) && !(without > 0 && now.can_be(whole, without)) || is_less;
    let fits = match now {
        PaidBack::Exactly(now) => recorded.saturating_add(amount) <= now,
        PaidBack::Part { .. } => recorded == without,
    };
    if before.is_some() && is_recorded || is_told && same_key.is_none() && fits {
        return OperationStep::Succeeded(event);
    }
    if before == Some(0) && now == PaidBack::Exactly(0) {
        let message = [
            "Т-Банк принял возврат, но не выполнил его: из платежа ничего не возвращено.",
            "T-Bank took the refund, and did not carry it out: the payment is whole, as it was before.",
        ];
        return OperationStep::Refused(Code::Invalid.whole(message));
    }
    OperationStep::Unknown(unclear([
        "По возвращённой сумме не видно, выполнен ли этот возврат.",
        "The sum that was paid back does not tell of this refund.",
    ]))
}

fn unclear([in_russian, in_english]: [&str; 2]) -> Problem {
    Code::UnrecognizedForm.whole(filled(
        [
            "Т-Банк ответил о платеже. {0} Посмотрите в кабинете Т-Банка.",
            "T-Bank was asked for the payment. {1} Look in T-Bank's cabinet.",
        ],
        &[&in_russian, &in_english],
    ))
}

/// Returns what is recorded of a payment. None: it is no payment of T-Bank's.
fn recorded_payment(found: Recorded<'_>) -> Option<Paid<'_>> {
    let payment = &found.movement()?.event;
    let recorded = RecordedPayment::of(payment, found.later().map(|later| &later.event))?;
    let id = Some(payment.transaction.as_str()).filter(|id| is_payment_id(id))?;
    Some(Paid { subject: Subject { payment: id, order: payment.order.as_deref()? }, recorded })
}

fn not_a_payment() -> Problem {
    let message = ["Такой платёж Т-Банк вернуть не может.", "It is no payment that T-Bank can pay back."];
    Code::Invalid.at("payment", message)
}

fn problem_of(why: NoState) -> Problem {
    Code::Unavailable.whole(match why {
        NoState::Refused(refusal) => refusal.sentence(),
        NoState::Unavailable(reason) => reason,
    })
}

#[cfg(test)]
#[path = "refund/tests.rs"]
mod tests;
