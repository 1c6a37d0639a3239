//! Ending an operation: with its event, without one, or by an operator's decision.

use domain::{
    Event, EventKind, Facts, LedgerAnswer, LedgerQuestion, MismatchReason, Money, MovementId, Operation, OperationDecision,
    OperationFault, OperationId, OperationKind, OperationSelection, OperationState, OperationTask, OperationVerdict,
};

use super::each_open;
use crate::decisions::DEBITED_REFUND;
use crate::error::Error;
use crate::rules::{key_of, paid_by, reported_refund, settle, told_otherwise};
use crate::storage::{RecordedMovement, Transaction};
use crate::submission::{Origin, Recorded, Reported, Submission, Submitted, record_all};

/// What an operation that was withdrawn says of itself.
pub const WITHDRAWN: &str = "Отменена до отправки: платёжная система о ней не знает";
/// Why an operation is unknown whose event is another one's; its id follows.
pub const SAME_EVENT: &str = "Платёжная система сообщила о том же событии, что и для операции ";

/// How it begins why a refund is unknown whose event has another amount, currency or payment.
pub const OTHER_REFUND: &str = "Запрошен возврат ";

/// How an operation ended.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "an operation ends once")]
pub enum OperationEnd {
    /// A refund or a charge is done, and this event tells of it. It is a fact. A refund of another amount, currency or payment than was
    /// asked for leaves open whether that was done: the operation is unknown then.
    Moved {
        /// The event, of the operation's provider.
        event: Event,
        /// What the provider was told about orders and movements. It is compared again; empty if a call was made that changes
        /// something, since what that did is a fact.
        answers: Vec<(LedgerQuestion, LedgerAnswer)>,
        /// The time for which the answers are, seconds since the epoch.
        now: u64,
    },
    /// A subscription is ended, or a link is made.
    Completed {
        /// The link, for the host.
        result: Option<String>,
    },
    /// It was not done, and never will be under its id.
    Refused {
        /// The code of the problem.
        code: String,
        /// The message of the problem.
        message: String,
    },
    /// It may have been done or not.
    Unknown {
        /// Why it is not known.
        message: String,
    },
}

/// What became of an operation that was to end.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(clippy::large_enum_variant, reason = "an operation ends once")]
pub enum EndedOperation {
    /// An answer that the provider relied on is another one now. Nothing is recorded, and the operation has not ended.
    AnswersChanged,
    /// It ended.
    Ended {
        /// The operation as it is now.
        operation: Operation,
        /// What its event came to, with its movement.
        recorded: Option<Recorded>,
    },
}

pub fn end(
    transaction: &mut dyn Transaction,
    id: &OperationId,
    end: &OperationEnd,
    at: u64,
) -> Result<Result<EndedOperation, OperationFault>, Error> {
    let Some(operation) = transaction.operation(id)? else { return Ok(Err(OperationFault::NoSuchOperation)) };
    let state = match end.clone() {
        OperationEnd::Moved { event, answers, now } => {
            return end_by_event(transaction, &operation, &event, answers, (now, at)).map(Ok);
        }
        OperationEnd::Completed { result } => OperationState::Done { movement: None, result },
        OperationEnd::Refused { code, message } => OperationState::Refused { code, message },
        OperationEnd::Unknown { message } => match told_otherwise(transaction, &operation)? {
            Some(movement) => OperationState::Done { movement: Some(movement), result: None },
            None => OperationState::Unknown { message },
        },
    };
    if !operation.state.is_open() {
        return Ok(Err(OperationFault::Ended));
    }
    transaction.end_operation(id, &state, at)?;
    Ok(Ok(EndedOperation::Ended { operation: stored(transaction, id)?, recorded: None }))
}

fn end_by_event(
    transaction: &mut dyn Transaction,
    operation: &Operation,
    event: &Event,
    answers: Vec<(LedgerQuestion, LedgerAnswer)>,
    (now, at): (u64, u64),
) -> Result<EndedOperation, Error> {
    let Some(recorded) = record(transaction, operation, event.clone(), answers, (now, at))? else {
        return Ok(EndedOperation::AnswersChanged);
    };
    // A fact is recorded whatever it comes to.
    let movement = recorded.movement.as_ref().map(|state| state.movement.id);
    if !matches!(operation.state, OperationState::Done { .. }) {
        let state = match (other_operation_of(transaction, operation, movement)?, mismatch(transaction, operation, event)?) {
            (None, None) => OperationState::Done { movement, result: None },
            (Some(other), _) => OperationState::Unknown { message: format!("{SAME_EVENT}{}", other.id) },
            (None, Some(message)) => OperationState::Unknown { message },
        };
        transaction.end_operation(&operation.id, &state, at)?;
    }
    Ok(EndedOperation::Ended { operation: stored(transaction, &operation.id)?, recorded: Some(recorded) })
}

/// Returns what the event of a refund has that was not asked for: another amount, currency or payment. It is a fact, and recorded as
/// one; whether what was asked for is done, it does not tell.
fn mismatch(transaction: &mut dyn Transaction, operation: &Operation, event: &Event) -> Result<Option<String>, Error> {
    let OperationTask::Refund { payment, amount } = &operation.task else { return Ok(None) };
    let facts = &event.facts;
    let text = |amount: &Money| format!("{} {}", money::format_amount(amount.minor_units), amount.currency);
    if facts.kind != EventKind::Refund || facts.amount != *amount {
        let (asked, told) = (text(amount), text(&facts.amount));
        return Ok(Some(format!(
            "{OTHER_REFUND}{asked}, а платёжная система сообщила о возврате {told}. Сообщённый возврат учтён. Проверьте в кабинете \
             платёжной системы, что она вернула: если только его, операция не выполнена"
        )));
    }
    let payment = transaction.movement(*payment)?.map(|found| found.movement.event.facts.transaction);
    let other = facts.original.as_ref().zip(payment).filter(|(original, payment)| *original != payment);
    Ok(other.map(|(original, payment)| {
        format!(
            "{OTHER_REFUND}платежа {payment}, а платёжная система сообщила о возврате платежа {original}. Проверьте в её кабинете, \
             какой платёж она вернула"
        )
    }))
}

/// Returns the other operation to which a movement belongs already.
fn other_operation_of(
    transaction: &mut dyn Transaction,
    operation: &Operation,
    movement: Option<MovementId>,
) -> Result<Option<Operation>, Error> {
    let other = movement.map_or(Ok(None), |movement| transaction.operation_of_movement(movement))?;
    Ok(other.filter(|other| other.id != operation.id))
}

/// Records the event of an operation; `None` if an answer that it relies on has changed.
fn record(
    transaction: &mut dyn Transaction,
    operation: &Operation,
    event: Event,
    answers: Vec<(LedgerQuestion, LedgerAnswer)>,
    (now, at): (u64, u64),
) -> Result<Option<Recorded>, Error> {
    let (provider, events) = (operation.provider.clone(), Reported::Facts(vec![event]));
    let (origin, accounts) = (Origin::Operation, Vec::new());
    let submission = Submission { provider, events, origin, answers, accounts, now, at, wants_states: true };
    Ok(match record_all(transaction, &submission, Some(&operation.id))? {
        Submitted::AnswersChanged => None,
        Submitted::Done(recorded) => recorded.into_iter().next(),
    })
}

pub fn resolve(
    transaction: &mut dyn Transaction,
    id: &OperationId,
    verdict: OperationVerdict,
    decision: &OperationDecision,
) -> Result<Result<Operation, OperationFault>, Error> {
    let Some(operation) = transaction.operation(id)? else { return Ok(Err(OperationFault::NoSuchOperation)) };
    let OperationState::Unknown { message } = &operation.state else { return Ok(Err(OperationFault::NotUnknown)) };
    let state = match (verdict, paid_by(transaction, &operation)?) {
        // It is paid, so that a verdict to the contrary is refused below.
        (_, Some(movement)) => OperationState::Done { movement: Some(movement), result: None },
        (OperationVerdict::NotDone, None) => {
            OperationState::Refused { code: OperationState::NOT_DONE.to_owned(), message: message.clone() }
        }
        (OperationVerdict::Done, None) => {
            OperationState::Done { movement: refunded(transaction, &operation, decision.at)?, result: None }
        }
    };
    if verdict == OperationVerdict::NotDone && matches!(state, OperationState::Done { .. }) {
        transaction.end_operation(id, &state, decision.at)?;
        return Ok(Err(OperationFault::NotUnknown));
    }
    transaction.end_operation(id, &state, decision.at)?;
    transaction.set_operation_decision(id, decision)?;
    stored(transaction, id).map(Ok)
}

pub fn withdraw(
    transaction: &mut dyn Transaction,
    id: &OperationId,
    decision: &OperationDecision,
) -> Result<Result<Operation, OperationFault>, Error> {
    let Some(operation) = transaction.operation(id)? else { return Ok(Err(OperationFault::NoSuchOperation)) };
    let is_same = |before: &OperationDecision| (&before.operator, &before.comment) == (&decision.operator, &decision.comment);
    if operation.is_withdrawn() && operation.decision.as_ref().is_some_and(is_same) {
        return Ok(Ok(operation));
    }
    let fault = match (&operation.state, operation.task.kind()) {
        (OperationState::Done { .. } | OperationState::Refused { .. }, _) => Some(OperationFault::Ended),
        // The end of a subscription may be sent without a trace, and an order whose link is withdrawn could never be paid.
        (_, OperationKind::Cancel | OperationKind::Link) => Some(OperationFault::NotWithdrawable),
        (OperationState::Unknown { .. }, _) => Some(OperationFault::Sent),
        (OperationState::Pending, _) => operation.is_sent.then_some(OperationFault::Sent),
    };
    if let Some(fault) = fault {
        return Ok(Err(fault));
    }
    let state = OperationState::Refused { code: OperationState::WITHDRAWN.to_owned(), message: WITHDRAWN.to_owned() };
    transaction.end_operation(id, &state, decision.at)?;
    transaction.set_operation_decision(id, decision)?;
    stored(transaction, id).map(Ok)
}

pub fn end_paid_charges(transaction: &mut dyn Transaction, at: u64) -> Result<u64, Error> {
    let mut ended = 0;
    each_open(transaction, OperationSelection::Only(OperationKind::Charge), |transaction, charge| {
        if let Some(movement) = paid_by(transaction, charge)? {
            transaction.end_operation(&charge.id, &OperationState::Done { movement: Some(movement), result: None }, at)?;
            ended += 1;
        }
        Ok(())
    })?;
    Ok(ended)
}

/// Returns the movement of a refund that was done: the one that the payment system reported since, or one that is made now. `None` if all
/// of the payment went back by other refunds.
fn refunded(transaction: &mut dyn Transaction, operation: &Operation, at: u64) -> Result<Option<MovementId>, Error> {
    let OperationTask::Refund { payment, amount } = &operation.task else { return Ok(None) };
    let payment = transaction.movement(*payment)?;
    let payment = payment.ok_or_else(|| Error::Damaged(format!("the operation {} has no payment", operation.id)))?;
    if let Some(reported) = reported_refund(transaction, operation, &payment)? {
        return Ok(Some(reported));
    }
    let event = refund_by_decision(operation, &payment, *amount);
    // All that can go back is entered already, by what the payment system reported of others: nobody has to decide about this one too.
    if settle(transaction, &event, Some(&operation.id))?.err() == Some(MismatchReason::ExceedsPaidAmount) {
        return Ok(None);
    }
    let recorded = record(transaction, operation, event, Vec::new(), (at, at))?;
    Ok(recorded.and_then(|recorded| recorded.movement).map(|state| state.movement.id))
}

/// Returns the event of a refund that an operator declares done.
fn refund_by_decision(operation: &Operation, payment: &RecordedMovement, amount: Money) -> Event {
    let paid = payment.movement.event.facts.clone();
    let dedup_key = key_of(&operation.id);
    let transaction_id = domain::TransactionId::stored(dedup_key.as_str());
    let facts =
        Facts { original: Some(paid.transaction), payer: paid.payer, ..Facts::new(EventKind::Refund, transaction_id, amount) };
    let (provider, comment) = (operation.provider.clone(), DEBITED_REFUND.to_owned());
    Event { provider, facts, comment, dedup_key, fee: None, extra: Vec::new() }
}

/// Reports whether a refund whose outcome is unknown is entered if it is declared done: not if the payment system reported it since, or
/// less than it is left of the payment.
pub fn entered_if_done(transaction: &mut dyn Transaction, id: &OperationId) -> Result<bool, Error> {
    let Some(operation) = transaction.operation(id)? else { return Ok(false) };
    let OperationTask::Refund { payment, amount } = &operation.task else { return Ok(false) };
    let Some(payment) = transaction.movement(*payment)? else { return Ok(false) };
    if reported_refund(transaction, &operation, &payment)?.is_some() {
        return Ok(false);
    }
    let event = refund_by_decision(&operation, &payment, *amount);
    Ok(settle(transaction, &event, Some(id))?.is_ok())
}

fn stored(transaction: &mut dyn Transaction, id: &OperationId) -> Result<Operation, Error> {
    transaction.operation(id)?.ok_or_else(|| Error::Damaged(format!("the operation {id} is gone")))
}
