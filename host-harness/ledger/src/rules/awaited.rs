//! Events of operations: which charge a repeat pays, which operations an event ends, and which refund an operator entered
//! already.

use domain::{
    DedupKey, Event, EventKind, MovementId, Operation, OperationId, OperationKind, OperationState, OperationTask, Order,
    Recurrence,
};

use crate::error::Error;
use crate::storage::{RecordedMovement, Transaction};

/// Returns the dedup key of a refund that an operator entered because the outcome of its operation was unknown. No provider has
/// it: a [`DedupKey`] that a provider returns has no space.
pub fn key_of(operation: &OperationId) -> DedupKey {
    DedupKey::stored(format!("operation {operation}"))
}

/// How surely a repeat is of a charge; the surest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Match {
    /// The operation itself reports it.
    Own,
    /// It names the charge's order.
    Order,
    /// The payer and the amount are the charge's.
    Payer,
}

/// Finds the charge of an order to which a repeat belongs, with the order. Where the payment system cannot carry the new order, the
/// repeat names the first one. `own` is the operation that reports it, if one does.
pub fn charge_of(
    transaction: &mut dyn Transaction,
    event: &Event,
    own: Option<&OperationId>,
) -> Result<Option<(Operation, Order)>, Error> {
    if event.facts.recurrence != Recurrence::Repeat {
        return Ok(None);
    }
    let mut matches = Vec::new();
    for charge in transaction.unreported_charges(&event.provider)? {
        let OperationTask::Charge { payment, order } = &charge.task else { continue };
        let is_own = own == Some(&charge.id);
        let by = if own.is_some() {
            is_own.then_some(Match::Own)
        } else if event.facts.order.as_ref() == Some(order) {
            Some(Match::Order)
        } else if charge.state == OperationState::Pending && is_of_payer(transaction, event, *payment)? {
            Some(Match::Payer)
        } else {
            None
        };
        let (Some(by), Some(order)) = (by, transaction.order(order)?) else { continue };
        let is_account = event.facts.account.as_ref().is_none_or(|account| *account == order.account);
        if order.paid_by.is_none() && order.amount == event.facts.amount && is_account {
            matches.push((by, charge, order));
        }
    }
    // Of those that fit alike, the oldest.
    matches.sort_by_key(|(by, ..)| *by);
    Ok(matches.into_iter().next().map(|(_, charge, order)| (charge, order)))
}

fn is_of_payer(transaction: &mut dyn Transaction, event: &Event, payment: MovementId) -> Result<bool, Error> {
    if event.facts.payer.is_none() {
        return Ok(false);
    }
    let payment = transaction.movement(payment)?;
    Ok(payment.is_some_and(|payment| payment.movement.event.facts.payer == event.facts.payer))
}

/// Ends a charge whose payment was reported, unless the host is about to end it.
pub fn end_charge(transaction: &mut dyn Transaction, charge: &Operation, movement: MovementId, at: u64) -> Result<(), Error> {
    if charge.state == OperationState::Pending && charge.next_at.is_some() {
        return Ok(());
    }
    transaction.end_operation(&charge.id, &done(movement), at)
}

/// Ends the oldest refund of a payment that waits for a report of this amount.
pub fn end_refund(
    transaction: &mut dyn Transaction,
    refund: &Event,
    payment: MovementId,
    movement: MovementId,
    at: u64,
) -> Result<(), Error> {
    if refund.facts.kind != EventKind::Refund {
        return Ok(());
    }
    let operations = transaction.operations_of_payment(payment)?;
    let awaited = operations.iter().find(|one| {
        one.state == OperationState::Pending && one.next_at.is_none() && one.task.amount() == Some(refund.facts.amount)
    });
    awaited.map_or(Ok(()), |operation| transaction.end_operation(&operation.id, &done(movement), at))
}

fn done(movement: MovementId) -> OperationState {
    OperationState::Done { movement: Some(movement), result: None }
}

/// Reports whether a refund may be one that an operator entered: of the same payment and amount, because the outcome of its
/// operation was not known. `own` is the operation that reports the refund, if one does: its own refund is not another's.
pub fn may_be_entered(
    transaction: &mut dyn Transaction,
    refund: &Event,
    payment: MovementId,
    own: Option<&OperationId>,
) -> Result<bool, Error> {
    if refund.facts.kind != EventKind::Refund {
        return Ok(false);
    }
    for one in transaction.operations_of_payment(payment)? {
        let is_of_another = own.is_some_and(|own| *own != one.id);
        if is_of_another || one.decision.is_none() || one.task.amount() != Some(refund.facts.amount) {
            continue;
        }
        let entered = key_of(&one.id);
        if entered != refund.dedup_key && transaction.movement_of_key(&one.provider, &entered)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the refund of a payment that was reported since an operation was begun, for its amount, and that no operation has: as
/// it is entered, or as it waits for an operator.
pub fn reported_refund(
    transaction: &mut dyn Transaction,
    operation: &Operation,
    payment: &RecordedMovement,
) -> Result<Option<MovementId>, Error> {
    let mut reported = transaction.movements_of_parent(payment.movement.id)?;
    let Event { provider, facts, .. } = &payment.movement.event;
    for waiting in transaction.waiting_returns(provider, &facts.transaction, facts.order.as_ref())? {
        reported.extend(transaction.movement_of_unmatched(waiting.id)?);
    }
    for one in reported {
        let found = &one.movement;
        let is_refund = found.event.facts.kind == EventKind::Refund
            && operation.task.kind() == OperationKind::Refund
            && operation.task.amount() == Some(found.event.facts.amount);
        if is_refund && found.recorded_at >= operation.created_at && transaction.operation_of_movement(found.id)?.is_none() {
            return Ok(Some(found.id));
        }
    }
    Ok(None)
}
