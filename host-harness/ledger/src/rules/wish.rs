//! Wishes: what a payment system asks the ledger to agree to. A wish is refused where the same fact would be kept for an operator,
//! and also by time, by another hold, and where money was spent.

use domain::{Account, Event, EventKind, Facts, Money, Recurrence, WishRefusal};

use super::hold::Hold;
use super::{payee, payment, returns};
use crate::error::Error;
use crate::storage::{RecordedMovement, Transaction};

/// Returns why a wish is refused. `accounts` are those that billing has, whether or not the ledger has them; `now` is the time of
/// the request.
pub fn refusal(
    transaction: &mut dyn Transaction,
    event: &Event,
    accounts: &[Account],
    now: u64,
) -> Result<Option<WishRefusal>, Error> {
    let is_positive = event.facts.amount.minor_units > 0;
    match event.facts.kind {
        EventKind::Payment | EventKind::Hold | EventKind::Refund if !is_positive => Ok(Some(WishRefusal::AmountOutOfRange)),
        EventKind::Payment => of_payment(transaction, event, accounts, now),
        EventKind::Hold => of_hold(transaction, event, accounts, now),
        EventKind::HoldRelease => of_release(transaction, event),
        EventKind::Refund => of_refund(transaction, event),
        EventKind::Chargeback | EventKind::ChargebackReversal | EventKind::Declined => Ok(Some(WishRefusal::Forbidden)),
    }
}

fn of_payment(
    transaction: &mut dyn Transaction,
    event: &Event,
    accounts: &[Account],
    now: u64,
) -> Result<Option<WishRefusal>, Error> {
    let ended = Hold::of(transaction, event)?;
    let open = ended.as_ref().and_then(Hold::open);
    if ended.is_some() && open.is_none() {
        return Ok(Some(WishRefusal::HoldEnded));
    }
    if let Some(refusal) = open.and_then(|hold| of_other_hold(&event.facts, hold)) {
        return Ok(Some(refusal));
    }
    if let Some(refusal) = of_target(transaction, event, open, accounts, now)? {
        return Ok(Some(refusal));
    }
    Ok(payment::is_entered(transaction, event)?.then_some(WishRefusal::AlreadyEntered))
}

fn of_hold(
    transaction: &mut dyn Transaction,
    event: &Event,
    accounts: &[Account],
    now: u64,
) -> Result<Option<WishRefusal>, Error> {
    let known = Hold::of_key(transaction, &event.provider, &event.dedup_key)?;
    if known.ended_before().is_some() || event.facts.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Ok(Some(WishRefusal::HoldEnded));
    }
    of_target(transaction, event, None, accounts, now)
}

fn of_release(transaction: &mut dyn Transaction, event: &Event) -> Result<Option<WishRefusal>, Error> {
    let hold = Hold::of(transaction, event)?;
    let open = hold.as_ref().and_then(Hold::open);
    Ok(open.is_none_or(|hold| is_of_another(&event.facts, hold)).then_some(WishRefusal::HoldEnded))
}

/// Returns why the order or account that a wish names takes no such payment. `ends` is the hold that the payment ends.
fn of_target(
    transaction: &mut dyn Transaction,
    event: &Event,
    ends: Option<&RecordedMovement>,
    accounts: &[Account],
    now: u64,
) -> Result<Option<WishRefusal>, Error> {
    let Facts { order, account, amount, recurrence, .. } = &event.facts;
    let Some(id) = order else {
        let Some(account) = account else { return Ok(Some(WishRefusal::UnknownOrder)) };
        let is_known = payee::is_known(transaction, account, accounts)?;
        return Ok((!is_known).then_some(WishRefusal::UnknownAccount));
    };
    let order = transaction
        .order(id)?
        .filter(|order| order.provider == event.provider && account.as_ref().is_none_or(|account| *account == order.account));
    let Some(order) = order else { return Ok(Some(WishRefusal::UnknownOrder)) };
    // What the payment system charges without the payer is a fact: nobody waits for an agreement to it.
    if *recurrence == Recurrence::Repeat {
        return Ok(Some(WishRefusal::Forbidden));
    }
    if order.paid_by.is_some() {
        return Ok(Some(WishRefusal::OrderPaid));
    }
    if order.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Ok(Some(WishRefusal::OrderExpired));
    }
    let held_by = transaction.open_hold(id)?.map(|hold| hold.movement.id);
    if held_by.is_some() && held_by != ends.map(|hold| hold.movement.id) {
        return Ok(Some(WishRefusal::OrderHeld));
    }
    Ok(of_amount(*amount, order.amount, |asked, wanted| asked == wanted))
}

fn of_amount(amount: Money, wanted: Money, fits: fn(i64, i64) -> bool) -> Option<WishRefusal> {
    if amount.currency != wanted.currency {
        return Some(WishRefusal::CurrencyMismatch);
    }
    (!fits(amount.minor_units, wanted.minor_units)).then_some(WishRefusal::AmountMismatch)
}

/// Returns why a payment cannot end a hold that is open: the hold is of another order or account, or for less.
fn of_other_hold(facts: &Facts, hold: &RecordedMovement) -> Option<WishRefusal> {
    if is_of_another(facts, hold) {
        return Some(WishRefusal::HoldEnded);
    }
    of_amount(facts.amount, hold.movement.event.facts.amount, |asked, held| asked <= held)
}

/// Reports whether a hold is of another order or account than an event names.
fn is_of_another(facts: &Facts, hold: &RecordedMovement) -> bool {
    fn differ<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
        one.zip(other).is_some_and(|(one, other)| one != other)
    }
    let held = &hold.movement.event.facts;
    differ(facts.order.as_ref(), held.order.as_ref()) || differ(facts.account.as_ref(), held.account.as_ref())
}

/// Returns why a refund cannot be made: its payment must be entered with enough left, and the account must still have the money.
fn of_refund(transaction: &mut dyn Transaction, event: &Event) -> Result<Option<WishRefusal>, Error> {
    let Some(named) = returns::named_payment(transaction, event)? else { return Ok(Some(WishRefusal::NotReturnable)) };
    let returnable = returns::of_payment(transaction, named)?;
    let amount = event.facts.amount;
    if !returnable.is_of_currency(amount.currency) {
        return Ok(Some(WishRefusal::CurrencyMismatch));
    }
    let balances = transaction.balances(&returnable.account)?;
    let balance = balances.iter().find(|balance| balance.currency == amount.currency);
    let is_covered = balance.is_some_and(|balance| balance.minor_units >= amount.minor_units);
    let is_returnable = is_covered && returnable.excess(event).is_none();
    Ok((!is_returnable).then_some(WishRefusal::NotReturnable))
}
