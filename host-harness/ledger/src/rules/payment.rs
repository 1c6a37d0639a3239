//! Payments: which order or account one credits.

use domain::{
    AccountNumber, EntryKind, Event, EventKind, MismatchReason, OperationId, Order, OrderId, Recurrence, UnmatchedEvent,
};

use super::awaited;
use super::entering::in_force;
use super::hold::Hold;
use crate::error::Error;
use crate::storage::Transaction;

/// The account and order to which a payment's money belongs.
pub struct CreditTarget {
    pub account: AccountNumber,
    pub order: Option<OrderId>,
    /// Whether it pays the order.
    pub pays: bool,
}

/// Matches a payment to the order that it names, if the amounts are equal to the kopeck and the order is not paid; or to the
/// account that it names instead. A repeat belongs to the account of an order that is already paid, or pays the order for which the
/// host charged its payer. `own` is the operation that reports it, if one does.
///
/// The payment happened, so that neither time nor another hold prevents it: it is credited after its order has expired, after
/// its hold's time is over, and while another hold has the order. Only a hold that was released prevents its payment.
pub fn settle(
    transaction: &mut dyn Transaction,
    event: &Event,
    hold: Option<&Hold>,
    own: Option<&OperationId>,
) -> Result<Result<CreditTarget, MismatchReason>, Error> {
    if hold.is_some_and(Hold::is_released) {
        return Ok(Err(MismatchReason::HoldReleased));
    }
    let target = match awaited::charged_order(transaction, event, own)? {
        Some(order) => CreditTarget { account: order.account, order: Some(order.id), pays: true },
        None => match named_target(transaction, event)? {
            Ok(target) => target,
            Err(reason) => return Ok(Err(reason)),
        },
    };
    let entered = is_entered(transaction, event)?;
    Ok(if entered { Err(MismatchReason::AlreadyPaid) } else { Ok(target) })
}

/// Returns what a payment credits by the order or account that it names.
fn named_target(transaction: &mut dyn Transaction, event: &Event) -> Result<Result<CreditTarget, MismatchReason>, Error> {
    let facts = &event.facts;
    match (&facts.order, &facts.account) {
        (None, None) => Ok(Err(MismatchReason::UnknownOrder)),
        (None, Some(account)) => Ok(match transaction.account(account)? {
            None => Err(MismatchReason::UnknownAccount),
            Some(_) => Ok(CreditTarget { account: account.clone(), order: None, pays: false }),
        }),
        (Some(id), _) => {
            let Some(order) = transaction.order(id)? else { return Ok(Err(MismatchReason::UnknownOrder)) };
            if let Some(reason) = mismatch(event, &order) {
                return Ok(Err(reason));
            }
            let pays = facts.recurrence != Recurrence::Repeat;
            Ok(Ok(CreditTarget { account: order.account, order: Some(order.id), pays }))
        }
    }
}

/// Returns why a payment cannot be credited by the order that it names.
fn mismatch(event: &Event, order: &Order) -> Option<MismatchReason> {
    let facts = &event.facts;
    if order.provider != event.provider {
        Some(MismatchReason::ProviderMismatch)
    } else if facts.account.as_ref().is_some_and(|account| *account != order.account) {
        Some(MismatchReason::AccountMismatch)
    } else if order.amount.currency != facts.amount.currency {
        Some(MismatchReason::CurrencyMismatch)
    } else if facts.recurrence == Recurrence::Repeat {
        // A repeat relies on the agreement of the first payment. The payment system decides its amount.
        order.paid_by.is_none().then_some(MismatchReason::NoInitialPayment)
    } else if order.amount != facts.amount {
        Some(MismatchReason::AmountMismatch)
    } else {
        order.paid_by.is_some().then_some(MismatchReason::AlreadyPaid)
    }
}

/// Reports whether a payment of the same transaction is entered.
pub fn is_entered(transaction: &mut dyn Transaction, event: &Event) -> Result<bool, Error> {
    let of_transaction = transaction.entries_of_transaction(&event.provider, &event.facts.transaction)?;
    Ok(in_force(&of_transaction).any(|entry| entry.kind == EntryKind::Payment))
}

/// Returns the payments that name an order and that the rules did not enter.
pub fn unmatched(transaction: &mut dyn Transaction, order: &OrderId) -> Result<Vec<UnmatchedEvent>, Error> {
    let mut unmatched = transaction.unmatched_of_order(order)?;
    unmatched.retain(|one| one.event.facts.kind == EventKind::Payment);
    Ok(unmatched)
}

/// Returns the refunds and chargebacks that wait and name one of these payments, which are not entered.
pub fn returns_of(transaction: &mut dyn Transaction, payments: &[UnmatchedEvent]) -> Result<Vec<UnmatchedEvent>, Error> {
    let mut found = Vec::new();
    for payment in payments.iter().filter(|one| one.resolution.is_none()) {
        let returns = transaction.waiting_returns(&payment.event.provider, &payment.event.facts.transaction, None)?;
        let is_taken = |one: &UnmatchedEvent| matches!(one.event.facts.kind, EventKind::Refund | EventKind::Chargeback);
        found.extend(returns.into_iter().filter(is_taken));
    }
    Ok(found)
}
