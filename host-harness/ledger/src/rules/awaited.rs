//! Events of operations: which charge a repeat pays, which operations an event ends, and which refund an operator entered
//! already.

use domain::{
    AccountNumber, DedupKey, Event, EventKind, MovementId, Operation, OperationId, OperationKind, OperationState,
    OperationTask, Order, OrderId, Recurrence,
};

use crate::error::Error;
use crate::storage::{RecordedMovement, Transaction};

/// Returns the dedup key of a refund that an operator entered because the outcome of its operation was unknown. No provider has
/// it: a [`DedupKey`] that a provider returns has no space.
pub fn key_of(operation: &OperationId) -> DedupKey {
    DedupKey::stored(format!("operation {operation}"))
}

/// How surely a payment is of a charge; the surest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Match {
    /// The operation itself reports it.
    Own,
    /// It names the charge's order.
    Order,
    /// The payer and the amount are those of a charge that was sent.
    Sent,
    /// The same of a charge whose outcome is unknown.
    Unknown,
    /// The same of a charge that an operator declared done.
    Declared,
}

impl Match {
    /// Returns how surely a payment is of a charge whose payer and amount it has. `None`: nothing of the charge was sent.
    fn by_payer(charge: &Operation) -> Option<Match> {
        match charge.state {
            OperationState::Pending => charge.is_sent.then_some(Match::Sent),
            OperationState::Unknown { .. } => Some(Match::Unknown),
            OperationState::Done { .. } => Some(Match::Declared),
            OperationState::Refused { .. } => None,
        }
    }
}

/// Finds the order of the charge to which a repeat belongs. Where the payment system cannot carry the new order, the repeat names
/// the first one. `own` is the operation that reports it, if one does.
pub fn charged_order(
    transaction: &mut dyn Transaction,
    event: &Event,
    own: Option<&OperationId>,
) -> Result<Option<Order>, Error> {
    if event.facts.recurrence != Recurrence::Repeat {
        return Ok(None);
    }
    let mut matches = Vec::new();
    for charge in transaction.unreported_charges(&event.provider)? {
        let OperationTask::Charge { payment, order } = &charge.task else { continue };
        let by = match own {
            Some(own) => (*own == charge.id).then_some(Match::Own),
            None if event.facts.order.as_ref() == Some(order) => Some(Match::Order),
            None if is_of_payer(transaction, event, *payment)? => Match::by_payer(&charge),
            None => None,
        };
        let (Some(by), Some(order)) = (by, transaction.order(order)?) else { continue };
        let is_account = event.facts.account.as_ref().is_none_or(|account| *account == order.account);
        if order.paid_by.is_none() && order.amount == event.facts.amount && is_account {
            matches.push((by, order));
        }
    }
    // Of those that fit alike, the oldest.
    matches.sort_by_key(|(by, _)| *by);
    Ok(matches.into_iter().next().map(|(_, order)| order))
}

fn is_of_payer(transaction: &mut dyn Transaction, event: &Event, payment: MovementId) -> Result<bool, Error> {
    if event.facts.payer.is_none() {
        return Ok(false);
    }
    let payment = transaction.movement(payment)?;
    Ok(payment.is_some_and(|payment| payment.movement.event.facts.payer == event.facts.payer))
}

/// Ends the charge of an order that a payment has paid: the one that is open, or else the one that an operator declared done. `own` is
/// the operation that reports the payment, if one does: it ends by itself.
///
/// A host that goes on with the charge finds it ended, and sends nothing more.
pub fn end_charge(
    transaction: &mut dyn Transaction,
    order: &OrderId,
    own: Option<&OperationId>,
    movement: MovementId,
    at: u64,
) -> Result<(), Error> {
    let mut charges = transaction.operations_of_order(order)?;
    charges.retain(|one| one.task.kind() == OperationKind::Charge);
    if charges.iter().any(|charge| own == Some(&charge.id)) {
        return Ok(());
    }
    let open = charges.iter().find(|charge| charge.state.is_open());
    let ended =
        open.or_else(|| charges.iter().find(|charge| matches!(charge.state, OperationState::Done { movement: None, .. })));
    ended.map_or(Ok(()), |charge| transaction.end_operation(&charge.id, &done(movement), at))
}

/// Ends the charge whose payment an operator has entered to an account: one that the payment names by its order, or by its payer and
/// amount if it was recorded since the charge was begun. The order stays unpaid, as the operator entered the payment without one.
pub fn end_credited_charge(
    transaction: &mut dyn Transaction,
    payment: &RecordedMovement,
    account: &AccountNumber,
    at: u64,
) -> Result<(), Error> {
    let (event, recorded_at) = (&payment.movement.event, payment.movement.recorded_at);
    let mut matches = Vec::new();
    for charge in transaction.unreported_charges(&event.provider)? {
        let OperationTask::Charge { payment, order } = &charge.task else { continue };
        let Some(order) = transaction.order(order)?.filter(|order| order.account == *account) else { continue };
        let by = if event.facts.order.as_ref() == Some(&order.id) {
            Some(Match::Order)
        } else if order.amount == event.facts.amount
            && recorded_at >= charge.created_at
            && is_of_payer(transaction, event, *payment)?
        {
            Match::by_payer(&charge)
        } else {
            None
        };
        matches.extend(by.map(|by| (by, charge)));
    }
    matches.sort_by_key(|(by, _)| *by);
    let found = matches.into_iter().next();
    found.map_or(Ok(()), |(_, charge)| transaction.end_operation(&charge.id, &done(payment.movement.id), at))
}

/// Returns the movement that paid the order of a charge, if no other operation has it.
pub fn paid_by(transaction: &mut dyn Transaction, operation: &Operation) -> Result<Option<MovementId>, Error> {
    let OperationTask::Charge { order, .. } = &operation.task else { return Ok(None) };
    let Some(seq) = transaction.order(order)?.and_then(|order| order.paid_by) else { return Ok(None) };
    let Some(payment) = transaction.movement_of_entry(seq)? else { return Ok(None) };
    let other = transaction.operation_of_movement(payment.movement.id)?;
    Ok(other.is_none_or(|other| other.id == operation.id).then_some(payment.movement.id))
}

/// Ends the oldest refund of a payment that waits for a report of this amount; or else the one whose outcome is unknown, if no other
/// refund of this amount is open, whose report it could be.
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
    let mut open = transaction.operations_of_payment(payment)?;
    open.retain(|one| one.state.is_open() && one.task.amount() == Some(refund.facts.amount));
    let awaits = |one: &&Operation| one.state == OperationState::Pending && one.next_at.is_none();
    let ended = open.iter().find(awaits).or(match open.as_slice() {
        [only] if only.state != OperationState::Pending => Some(only),
        _ => None,
    });
    ended.map_or(Ok(()), |operation| transaction.end_operation(&operation.id, &done(movement), at))
}

/// Returns the movement by which an operation was done although its provider cannot tell: the payment of a charge's order, or the
/// refund that was entered since a refund was begun, if no other refund of its amount is open.
pub fn told_otherwise(transaction: &mut dyn Transaction, operation: &Operation) -> Result<Option<MovementId>, Error> {
    let OperationTask::Refund { payment, amount } = &operation.task else { return paid_by(transaction, operation) };
    let of_payment = transaction.operations_of_payment(*payment)?;
    let is_other = |one: &Operation| one.id != operation.id && one.state.is_open() && one.task.amount() == Some(*amount);
    if of_payment.iter().any(is_other) {
        return Ok(None);
    }
    let Some(payment) = transaction.movement(*payment)? else { return Ok(None) };
    let Some(reported) = reported_refund(transaction, operation, &payment)? else { return Ok(None) };
    Ok(transaction.movement(reported)?.filter(|refund| refund.entry.is_some()).map(|refund| refund.movement.id))
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
