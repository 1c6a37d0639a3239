//! Beginning an operation: whether it may be begun, decided in the transaction that stores it, so that of two at once the second
//! sees the first.

use domain::{
    BegunOperation, Event, EventKind, Money, MovementId, NewOperation, Operation, OperationKind, OperationRefusal,
    OperationState, OperationTask, OrderId, ProviderName,
};

use crate::error::Error;
use crate::restorations;
use crate::rules::{Returnable, named_payment, of_payment};
use crate::storage::{RecordedMovement, Transaction};

pub fn begin(
    transaction: &mut dyn Transaction,
    new: &NewOperation,
    at: u64,
) -> Result<Result<BegunOperation, OperationRefusal>, Error> {
    let before = |operation| Ok(Ok(BegunOperation { operation, is_new: false }));
    if let Some(key) = &new.idempotency_key
        && let Some(operation) = transaction.operation_of_key(key)?
    {
        return if operation.is(new) { before(operation) } else { Ok(Err(OperationRefusal::KeyReused)) };
    }
    let is_about_payment = new.task.payment().is_some();
    if is_about_payment && let Some(refusal) = restorations::refusal(transaction)? {
        return Ok(Err(refusal));
    }
    let refusal = match &new.task {
        OperationTask::Refund { payment, amount } => match pending_beside(transaction, new, *payment)? {
            Some(refusal) => Some(refusal),
            None => of_refund(transaction, &new.provider, *payment, *amount)?,
        },
        OperationTask::Charge { payment, order } => of_charge(transaction, (&new.provider, *payment, order), at)?,
        OperationTask::Cancel { payment } => of_cancel(transaction, &new.provider, *payment)?,
        OperationTask::Link { order } => match of_link(transaction, &new.provider, order)? {
            Ok(Some(operation)) => return before(operation),
            Ok(None) => None,
            Err(refusal) => Some(refusal),
        },
    };
    if let Some(refusal) = refusal {
        return Ok(Err(refusal));
    }
    let id = transaction.insert_operation(new, at)?;
    let operation = transaction.operation(&id)?.ok_or_else(|| Error::Damaged(format!("the operation {id} was not stored")))?;
    Ok(Ok(BegunOperation { operation, is_new: true }))
}

/// Returns a payment of a provider.
fn payment_of(
    transaction: &mut dyn Transaction,
    provider: &ProviderName,
    payment: MovementId,
) -> Result<Option<RecordedMovement>, Error> {
    let found = transaction.movement(payment)?;
    Ok(found.filter(|found| {
        let Event { provider: of, facts, .. } = &found.movement.event;
        of == provider && facts.kind == EventKind::Payment
    }))
}

/// Returns what may go back of a payment; `None` if its entry is not in force.
pub fn entered(transaction: &mut dyn Transaction, payment: &RecordedMovement) -> Result<Option<Returnable>, Error> {
    let Some(named) = named_payment(transaction, &payment.movement.event)? else { return Ok(None) };
    let entered = of_payment(transaction, named)?;
    // Another payment may have the same transaction.
    Ok((entered.payment == Some(payment.movement.id)).then_some(entered))
}

/// Refuses a refund beside another one of the payment that is pending, if it must be alone. One whose outcome is unknown is no
/// longer under way.
fn pending_beside(
    transaction: &mut dyn Transaction,
    new: &NewOperation,
    payment: MovementId,
) -> Result<Option<OperationRefusal>, Error> {
    if !new.is_alone {
        return Ok(None);
    }
    let of_payment = transaction.operations_of_payment(payment)?;
    let is_pending = |one: &&Operation| one.task.kind() == OperationKind::Refund && one.state == OperationState::Pending;
    Ok(of_payment.iter().find(is_pending).map(|one| OperationRefusal::AlreadyUnderWay { id: one.id.clone() }))
}

fn of_refund(
    transaction: &mut dyn Transaction,
    provider: &ProviderName,
    payment: MovementId,
    amount: Money,
) -> Result<Option<OperationRefusal>, Error> {
    let Some(payment) = payment_of(transaction, provider, payment)? else {
        return Ok(Some(OperationRefusal::UnknownPayment));
    };
    let Some(returnable) = entered(transaction, &payment)? else { return Ok(Some(OperationRefusal::PaymentNotEntered)) };
    if amount.minor_units <= 0 {
        return Ok(Some(OperationRefusal::AmountNotPositive));
    }
    if !returnable.is_of_currency(amount.currency) {
        return Ok(Some(OperationRefusal::CurrencyMismatch));
    }
    let left = left(transaction, &payment, &returnable)?;
    Ok((amount.minor_units > left.minor_units).then_some(OperationRefusal::ExceedsPaymentLeft { left }))
}

/// Returns what is left of a payment for another refund: without what is entered, what is under way, and what waits for an
/// operator and may be of this payment.
pub fn left(transaction: &mut dyn Transaction, payment: &RecordedMovement, returnable: &Returnable) -> Result<Money, Error> {
    let left = returnable.left();
    let under_way = transaction.operations_of_payment(payment.movement.id)?;
    let under_way = under_way.iter().filter(|one| one.state.is_open()).filter_map(|one| one.task.amount());
    let of_transaction = &payment.movement.event.facts.transaction;
    let waiting = transaction.waiting_returns(&payment.movement.event.provider, of_transaction, returnable.order.as_ref())?;
    let waiting = waiting.iter().map(|one| &one.event.facts);
    let waiting =
        waiting.filter(|facts| matches!(facts.kind, EventKind::Refund | EventKind::Chargeback)).map(|facts| facts.amount);
    let taken: i128 = under_way.chain(waiting).map(|amount| i128::from(amount.minor_units.max(0))).sum();
    let rest = (i128::from(left.minor_units) - taken).max(0);
    Ok(Money { minor_units: i64::try_from(rest).unwrap_or(i64::MAX), ..left })
}

fn of_charge(
    transaction: &mut dyn Transaction,
    (provider, payment, order): (&ProviderName, MovementId, &OrderId),
    at: u64,
) -> Result<Option<OperationRefusal>, Error> {
    let Some(payment) = payment_of(transaction, provider, payment)? else {
        return Ok(Some(OperationRefusal::UnknownPayment));
    };
    let Some(returnable) = entered(transaction, &payment)? else { return Ok(Some(OperationRefusal::PaymentNotEntered)) };
    if payment.movement.event.facts.payer.is_none() {
        return Ok(Some(OperationRefusal::NoPayer));
    }
    let Some(order) = transaction.order(order)?.filter(|order| order.provider == *provider) else {
        return Ok(Some(OperationRefusal::UnknownOrder));
    };
    // The event may name the first order, so that the money goes to that account.
    if order.account != returnable.account {
        return Ok(Some(OperationRefusal::OtherAccount));
    }
    if order.paid_by.is_some() {
        return Ok(Some(OperationRefusal::OrderPaid));
    }
    let of_order = transaction.operations_of_order(&order.id)?;
    // Its payment may not be reported yet: a person said that it was done, or entered it without the order.
    let is_done =
        |one: &&Operation| one.task.kind() == OperationKind::Charge && matches!(one.state, OperationState::Done { .. });
    if let Some(done) = of_order.iter().find(is_done) {
        return Ok(Some(OperationRefusal::OrderCharged { id: done.id.clone() }));
    }
    if order.expires_at.is_some_and(|expires_at| expires_at <= at) {
        return Ok(Some(OperationRefusal::OrderExpired));
    }
    Ok(open_of(&of_order, OperationKind::Charge))
}

fn of_cancel(
    transaction: &mut dyn Transaction,
    provider: &ProviderName,
    payment: MovementId,
) -> Result<Option<OperationRefusal>, Error> {
    if payment_of(transaction, provider, payment)?.is_none() {
        return Ok(Some(OperationRefusal::UnknownPayment));
    }
    let of_payment = transaction.operations_of_payment(payment)?;
    Ok(open_of(&of_payment, OperationKind::Cancel))
}

/// Returns the operation that made the link of an order before, if one did.
fn of_link(
    transaction: &mut dyn Transaction,
    provider: &ProviderName,
    order: &OrderId,
) -> Result<Result<Option<Operation>, OperationRefusal>, Error> {
    let Some(order) = transaction.order(order)?.filter(|order| order.provider == *provider) else {
        return Ok(Err(OperationRefusal::UnknownOrder));
    };
    let of_order = transaction.operations_of_order(&order.id)?;
    let link = of_order.into_iter().find(|one| one.task.kind() == OperationKind::Link);
    if link.is_none() && order.paid_by.is_some() {
        return Ok(Err(OperationRefusal::OrderPaid));
    }
    Ok(Ok(link))
}

fn open_of(operations: &[Operation], kind: OperationKind) -> Option<OperationRefusal> {
    let open = operations.iter().find(|one| one.task.kind() == kind && one.state.is_open())?;
    Some(OperationRefusal::AlreadyUnderWay { id: open.id.clone() })
}
