//! Money that goes back: refunds, chargebacks, and the reversals of chargebacks. Which payment each of them belongs to, and how
//! much may go back.

use domain::{
    AccountNumber, Currency, Entry, EntryKind, Event, EventKind, MismatchReason, Money, MovementId, OperationId, OrderId,
    TransactionId,
};

use super::entering::{Sums, in_force};
use super::{awaited, payment};
use crate::error::Error;
use crate::storage::Transaction;

/// The payment to which a return belongs, and what bounds the return.
pub struct Returnable {
    pub account: AccountNumber,
    pub order: Option<OrderId>,
    /// The movement of the payment.
    pub payment: Option<MovementId>,
    /// The payment's transaction.
    pub transaction: Option<TransactionId>,
    /// What the payment, or the order, is for.
    bound: Money,
    /// The entries of the payment and of the returns that name its transaction; or those of the return's own transaction if the
    /// payment is known by its order only.
    of_payment: Vec<Entry>,
    /// The entries of returns that belong to the payment by its order only. They may turn out to be of another payment of the
    /// order, so that they do not bound what is refunded of this one.
    by_order: Vec<Entry>,
    /// The entries of the order.
    of_order: Vec<Entry>,
}

/// Reports whether events of a kind take back a payment, or a part of it.
pub fn is_return(kind: EventKind) -> bool {
    matches!(kind, EventKind::Refund | EventKind::Chargeback | EventKind::ChargebackReversal)
}

/// Finds what a refund or chargeback debits, or what the reversal of a chargeback credits, if it is within bounds. `own` is the
/// operation that reports it, if one does.
pub fn settle(
    transaction: &mut dyn Transaction,
    event: &Event,
    own: Option<&OperationId>,
) -> Result<Result<Returnable, MismatchReason>, Error> {
    let returnable = match find(transaction, event)? {
        Ok(returnable) => returnable,
        Err(reason) => return Ok(Err(reason)),
    };
    if let Some(payment) = returnable.payment
        && awaited::may_be_entered(transaction, event, payment, own)?
    {
        return Ok(Err(MismatchReason::EnteredByOperator));
    }
    Ok(match returnable.excess(event) {
        None => Ok(returnable),
        Some(reason) => Err(reason),
    })
}

impl Returnable {
    /// Reports whether the payment is in a currency.
    pub fn is_of_currency(&self, currency: Currency) -> bool {
        self.bound.currency == currency
    }

    /// Returns what may still go back of the payment by what is entered. Returns that belong to it by its order only count as
    /// its own, and not more goes back than is left of the order.
    pub fn left(&self) -> Money {
        let (of_payment, by_order, of_order) = (Sums::of(&self.of_payment), Sums::of(&self.by_order), Sums::of(&self.of_order));
        let bound = i128::from(self.bound.minor_units);
        let of_payment = of_payment.paid.max(bound) + by_order.paid - of_payment.returned - by_order.returned;
        let of_order = self.order.as_ref().map_or(of_payment, |_| of_order.paid.max(bound) - of_order.returned);
        let left = of_payment.min(of_order).max(0);
        Money { minor_units: i64::try_from(left).unwrap_or(i64::MAX), ..self.bound }
    }

    /// Returns why an event would return too much. Never more goes back than came in by the payment or for its order: a refund
    /// may have an id of its own, and the same money may be reported under both ids. Never more is given back than chargebacks
    /// took.
    pub fn excess(&self, event: &Event) -> Option<MismatchReason> {
        let amount = event.facts.amount;
        if !self.is_of_currency(amount.currency) {
            return Some(MismatchReason::CurrencyMismatch);
        }
        let amount = i128::from(amount.minor_units);
        let (of_payment, of_order) = (Sums::of(&self.of_payment), Sums::of(&self.of_order));
        if event.facts.kind == EventKind::ChargebackReversal {
            let charged_back = match self.transaction {
                Some(_) => of_payment.charged_back + Sums::of(&self.by_order).charged_back,
                None => of_order.charged_back,
            };
            return (amount > charged_back).then_some(MismatchReason::ExceedsChargebacks);
        }
        let within = |sums: &Sums| sums.returned + amount <= sums.paid.max(i128::from(self.bound.minor_units));
        let fits = within(&of_payment) && within(&of_order);
        (!fits).then_some(MismatchReason::ExceedsPaidAmount)
    }
}

/// Finds the payment that a return names: by the transaction that it takes back; if it names none, by its own transaction, which
/// may be the payment's; or else by the order, if the payer is the one who paid it. Payment systems sign the payer, but many do
/// not sign the order, so that someone who intercepted a callback could name another payer's order.
///
/// If the order has a payment that the rules did not enter, or no payment yet, a person decides what is returned.
fn find(transaction: &mut dyn Transaction, event: &Event) -> Result<Result<Returnable, MismatchReason>, Error> {
    let facts = &event.facts;
    if let Some(found) = named_payment(transaction, event)? {
        return of_payment(transaction, found).map(Ok);
    }
    if facts.original.is_some() {
        return Ok(Err(MismatchReason::UnknownPayment));
    }
    let Some(id) = &facts.order else { return Ok(Err(MismatchReason::UnknownOrder)) };
    let Some(order) = transaction.order(id)? else { return Ok(Err(MismatchReason::UnknownOrder)) };
    if order.provider != event.provider {
        return Ok(Err(MismatchReason::ProviderMismatch));
    }
    let of_order = transaction.entries_of_order(id)?;
    let payment = match payment_of_order(transaction, event, id, &of_order)? {
        Ok(payment) => payment,
        Err(reason) => return Ok(Err(reason)),
    };
    Ok(Ok(Returnable {
        account: order.account,
        order: Some(order.id),
        payment,
        transaction: None,
        bound: order.amount,
        of_payment: transaction.entries_of_transaction(&event.provider, &facts.transaction)?,
        by_order: Vec::new(),
        of_order,
    }))
}

/// A payment that is named by its transaction, with the entries of that transaction.
pub struct NamedPayment {
    payment: Entry,
    of_transaction: Vec<Entry>,
}

/// Returns the entry of the payment that a return names by a transaction.
pub fn named_payment(transaction: &mut dyn Transaction, event: &Event) -> Result<Option<NamedPayment>, Error> {
    let named = event.facts.original.as_ref().unwrap_or(&event.facts.transaction);
    let of_transaction = transaction.entries_of_transaction(&event.provider, named)?;
    let payment = in_force(&of_transaction).find(|entry| entry.kind == EntryKind::Payment).cloned();
    Ok(payment.map(|payment| NamedPayment { payment, of_transaction }))
}

/// Returns what bounds the returns of a payment.
pub fn of_payment(transaction: &mut dyn Transaction, named: NamedPayment) -> Result<Returnable, Error> {
    let NamedPayment { payment, of_transaction: mut of_payment } = named;
    let movement = transaction.movement_of_entry(payment.seq)?.map(|found| found.movement.id);
    let mut by_order = Vec::new();
    if let Some(id) = movement {
        let known: Vec<u64> = of_payment.iter().map(|entry| entry.seq).collect();
        let followed = transaction.entries_of_parent(id)?.into_iter().filter(|entry| !known.contains(&entry.seq));
        let followed: Vec<Entry> = followed.collect();
        // Mostly nothing followed, and then it need not be known how.
        let guessed = if followed.is_empty() { Vec::new() } else { known_by_order(transaction, id, &payment)? };
        let is_guessed = |entry: &Entry| guessed.contains(&entry.reverses.unwrap_or(entry.seq));
        let (unnamed, named): (Vec<Entry>, Vec<Entry>) = followed.into_iter().partition(is_guessed);
        of_payment.extend(named);
        by_order = unnamed;
    }
    let of_order = payment.order.as_ref().map_or(Ok(Vec::new()), |order| transaction.entries_of_order(order))?;
    let Entry { account, order, transaction, amount, .. } = payment;
    Ok(Returnable { account, order, payment: movement, transaction, bound: amount, of_payment, by_order, of_order })
}

/// Returns the entries that the rules made of returns that belong to a payment and do not name its transaction.
fn known_by_order(transaction: &mut dyn Transaction, payment: MovementId, paid: &Entry) -> Result<Vec<u64>, Error> {
    let followed = transaction.movements_of_parent(payment)?;
    let unnamed = followed.into_iter().filter(|one| {
        let facts = &one.movement.event.facts;
        Some(facts.original.as_ref().unwrap_or(&facts.transaction)) != paid.transaction.as_ref()
    });
    Ok(unnamed.filter_map(|one| one.entry).collect())
}

/// Returns the movement of the payment that a return of an order takes back, or why the return can be none of a payment of the
/// order. `entries` are those of the order.
fn payment_of_order(
    transaction: &mut dyn Transaction,
    event: &Event,
    order: &OrderId,
    entries: &[Entry],
) -> Result<Result<Option<MovementId>, MismatchReason>, Error> {
    if !payment::unmatched(transaction, order)?.is_empty() {
        return Ok(Err(MismatchReason::OtherPayment));
    }
    let payments: Vec<&Entry> = in_force(entries).filter(|entry| entry.kind == EntryKind::Payment).collect();
    if payments.is_empty() {
        return Ok(Err(MismatchReason::NotPaid));
    }
    for payment in payments {
        let Some(movement) = transaction.movement_of_entry(payment.seq)? else { return Ok(Ok(None)) };
        let payer = &movement.movement.event.facts.payer;
        // Not every payment system reports a payer.
        if payer.is_none() || event.facts.payer.is_none() || *payer == event.facts.payer {
            return Ok(Ok(Some(movement.movement.id)));
        }
    }
    Ok(Err(MismatchReason::OtherPayer))
}
