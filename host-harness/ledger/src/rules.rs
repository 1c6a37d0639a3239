//! The rules about money. Each decides within one transaction of the storage.

use crate::error::Error;
use crate::model::{
    Account, Balance, Entry, EntryKind, Event, EventKind, Imbalance, Money, NewEntry, NewOrder, Order, OrderRefusal, Outcome,
    RawCallback, Reason, Recurrence, Resolution, ResolveRefusal, Unmatched,
};
use crate::storage::{Storage, Transaction};

/// The ledger over a storage.
#[derive(Debug)]
pub struct Ledger<S> {
    storage: S,
}

impl<S: Storage> Ledger<S> {
    /// The ledger that a storage keeps.
    pub fn new(storage: S) -> Ledger<S> {
        Ledger { storage }
    }

    /// Makes an account, or changes its party and contract.
    ///
    /// # Errors
    /// Where it cannot be kept.
    pub fn put_account(&self, account: Account) -> Result<(), Error> {
        self.storage.write(move |transaction| transaction.put_account(&account))
    }

    /// An account and what it has.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn account(&self, number: &str) -> Result<Option<(Account, Vec<Balance>)>, Error> {
        self.storage.read(|transaction| match transaction.account(number)? {
            None => Ok(None),
            Some(account) => Ok(Some((account, transaction.balances(number)?))),
        })
    }

    /// Makes an order, or gives the one that was made with the same idempotency key.
    ///
    /// # Errors
    /// Where it cannot be kept; the inner error is a rule's no.
    pub fn create_order(&self, order: NewOrder, at: u64) -> Result<Result<Order, OrderRefusal>, Error> {
        self.storage.write(move |transaction| {
            if order.amount.minor_units <= 0 {
                return Ok(Err(OrderRefusal::AmountNotPositive));
            }
            if transaction.account(&order.account)?.is_none() {
                return Ok(Err(OrderRefusal::UnknownAccount));
            }
            if let Some(key) = &order.idempotency_key
                && let Some(before) = transaction.order_of_key(key)?
            {
                return Ok(if before.order == order { Ok(before) } else { Err(OrderRefusal::KeyReused) });
            }
            let id = transaction.insert_order(&order, at)?;
            Ok(Ok(Order { id, order, created_at: at, paid_by: None }))
        })
    }

    /// An order.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn order(&self, id: &str) -> Result<Option<Order>, Error> {
        self.storage.read(|transaction| transaction.order(id))
    }

    /// Decides what an event is worth, once: the same dedup key again has the first outcome again. The callback that told of it is
    /// kept with it.
    ///
    /// # Errors
    /// Where it cannot be kept: the payment system must tell it again.
    pub fn take_event(&self, event: Event, callback: RawCallback) -> Result<Outcome, Error> {
        self.storage.write(move |transaction| {
            transaction.insert_callback(&callback)?;
            if let Some(outcome) = transaction.outcome(&event.provider, &event.dedup_key)? {
                return Ok(again(outcome));
            }
            let outcome = decide(transaction, &event, callback.received_at)?;
            transaction.insert_outcome(&event.provider, &event.dedup_key, &outcome)?;
            Ok(outcome)
        })
    }

    /// Entries after a place, in order: a feed that nothing is skipped in.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn entries(&self, account: Option<&str>, after: u64, limit: u32) -> Result<Vec<Entry>, Error> {
        self.storage.read(|transaction| transaction.entries(account, after, limit))
    }

    /// The events that wait for the operator, the oldest first.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn waiting(&self, limit: u32) -> Result<Vec<Unmatched>, Error> {
        self.storage.read(|transaction| transaction.waiting(limit))
    }

    /// Enters an event that waited to an account: a payment credits it, a refund or chargeback debits it.
    ///
    /// # Errors
    /// Where it cannot be kept; the inner error is a rule's no.
    pub fn enter_unmatched(
        &self,
        id: u64,
        account: String,
        operator: String,
        comment: String,
        at: u64,
    ) -> Result<Result<u64, ResolveRefusal>, Error> {
        self.storage.write(move |transaction| {
            let unmatched = match transaction.unmatched(id)? {
                None => return Ok(Err(ResolveRefusal::Unknown)),
                Some(Unmatched { resolution: Some(_), .. }) => return Ok(Err(ResolveRefusal::AlreadyResolved)),
                Some(unmatched) => unmatched,
            };
            if unmatched.reason == Reason::AmountNotPositive {
                return Ok(Err(ResolveRefusal::AmountNotPositive));
            }
            let Event { provider, transaction: id_of_payment, .. } = &unmatched.event;
            let entered = transaction.entries_of_transaction(provider, id_of_payment)?;
            let is_entered = |entry: &Entry| entry.entry.kind == EntryKind::Payment;
            if unmatched.event.kind == EventKind::Payment && entered.iter().any(is_entered) {
                return Ok(Err(ResolveRefusal::AlreadyEntered));
            }
            if transaction.account(&account)?.is_none() {
                return Ok(Err(ResolveRefusal::UnknownAccount));
            }
            let entry = entry_of(&unmatched.event, account, None, at);
            let seq = transaction.insert_entry(&entry)?;
            transaction.resolve(id, &Resolution { operator, comment, at, seq: Some(seq) })?;
            Ok(Ok(seq))
        })
    }

    /// Dismisses an event that waited.
    ///
    /// # Errors
    /// Where it cannot be kept; the inner error is a rule's no.
    pub fn dismiss_unmatched(
        &self,
        id: u64,
        operator: String,
        comment: String,
        at: u64,
    ) -> Result<Result<(), ResolveRefusal>, Error> {
        self.storage.write(move |transaction| match transaction.unmatched(id)? {
            None => Ok(Err(ResolveRefusal::Unknown)),
            Some(Unmatched { resolution: Some(_), .. }) => Ok(Err(ResolveRefusal::AlreadyResolved)),
            Some(_) => transaction.resolve(id, &Resolution { operator, comment, at, seq: None }).map(Ok),
        })
    }

    /// Compares every balance with the entries that it is the sum of.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn check(&self) -> Result<Vec<Imbalance>, Error> {
        self.storage.read(|transaction| transaction.imbalances())
    }
}

fn again(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Entered { seq, .. } => Outcome::Entered { seq, repeated: true },
        Outcome::Unmatched { id, .. } => Outcome::Unmatched { id, repeated: true },
        Outcome::NoMoney => Outcome::NoMoney,
    }
}

fn decide(transaction: &mut dyn Transaction, event: &Event, at: u64) -> Result<Outcome, Error> {
    let found = match event.kind {
        EventKind::Hold | EventKind::Declined => return Ok(Outcome::NoMoney),
        _ if event.amount.minor_units <= 0 => Err(Reason::AmountNotPositive),
        EventKind::Payment => payment(transaction, event)?,
        EventKind::Refund | EventKind::Chargeback => money_back(transaction, event)?,
    };
    match found {
        Err(reason) => Ok(Outcome::Unmatched { id: transaction.insert_unmatched(event, reason, at)?, repeated: false }),
        Ok(place) => {
            let seq = transaction.insert_entry(&entry_of(event, place.account, place.order.clone(), at))?;
            if let (true, Some(order)) = (place.pays, &place.order) {
                transaction.set_paid(order, seq)?;
            }
            Ok(Outcome::Entered { seq, repeated: false })
        }
    }
}

/// Where an event's money belongs.
struct Place {
    account: String,
    order: Option<String>,
    /// Whether it pays the order.
    pays: bool,
}

/// A payment belongs to the order that it names, if it is the order's to the kopeck and the order is not paid; a repeat to the
/// account of an order that was paid before.
fn payment(transaction: &mut dyn Transaction, event: &Event) -> Result<Result<Place, Reason>, Error> {
    let Some(id) = &event.order else { return Ok(Err(Reason::UnknownOrder)) };
    let Some(order) = transaction.order(id)? else { return Ok(Err(Reason::UnknownOrder)) };
    let of_transaction = transaction.entries_of_transaction(&event.provider, &event.transaction)?;
    let was_entered = of_transaction.iter().any(|entry| entry.entry.kind == EntryKind::Payment);
    let Order { order, paid_by, .. } = order;
    let is_repeat = event.recurrence == Recurrence::Repeat;
    let reason = if order.provider != event.provider {
        Some(Reason::OtherProvider)
    } else if order.amount.currency != event.amount.currency {
        Some(Reason::OtherCurrency)
    } else if was_entered {
        Some(Reason::AlreadyPaid)
    } else if is_repeat {
        // What it repeats is the agreement of the first; how much, the payment system says.
        paid_by.is_none().then_some(Reason::NoFirstPayment)
    } else if order.amount != event.amount {
        Some(Reason::OtherAmount)
    } else {
        paid_by.is_some().then_some(Reason::AlreadyPaid)
    };
    let place = Place { account: order.account, order: Some(id.clone()), pays: !is_repeat };
    Ok(reason.map_or(Ok(place), Err))
}

/// Money goes back from the account that its transaction credited, or else from that of the order that it names; never more of it
/// than came in, or than the order is for where it comes before the payment.
fn money_back(transaction: &mut dyn Transaction, event: &Event) -> Result<Result<Place, Reason>, Error> {
    let of_transaction = transaction.entries_of_transaction(&event.provider, &event.transaction)?;
    let paid = of_transaction.iter().find(|entry| entry.entry.kind == EntryKind::Payment);
    let (account, order, bound, entries) = match (paid, &event.order) {
        (Some(Entry { entry, .. }), _) => (entry.account.clone(), entry.order.clone(), entry.amount, of_transaction.clone()),
        (None, None) => return Ok(Err(Reason::UnknownOrder)),
        (None, Some(id)) => match transaction.order(id)? {
            None => return Ok(Err(Reason::UnknownOrder)),
            Some(order) if order.order.provider != event.provider => return Ok(Err(Reason::OtherProvider)),
            Some(order) => (order.order.account, Some(id.clone()), order.order.amount, transaction.entries_of_order(id)?),
        },
    };
    if bound.currency != event.amount.currency {
        return Ok(Err(Reason::OtherCurrency));
    }
    let is_back = |entry: &&Entry| matches!(entry.entry.kind, EntryKind::Refund | EntryKind::Chargeback);
    let back: i128 = entries.iter().filter(is_back).map(|entry| -i128::from(entry.entry.amount.minor_units)).sum();
    if back + i128::from(event.amount.minor_units) > i128::from(bound.minor_units) {
        return Ok(Err(Reason::MoreThanPaid));
    }
    Ok(Ok(Place { account, order, pays: false }))
}

/// The entry of an event.
fn entry_of(event: &Event, account: String, order: Option<String>, at: u64) -> NewEntry {
    let (kind, sign) = match event.kind {
        EventKind::Payment | EventKind::Hold | EventKind::Declined => (EntryKind::Payment, 1),
        EventKind::Refund => (EntryKind::Refund, -1),
        EventKind::Chargeback => (EntryKind::Chargeback, -1),
    };
    NewEntry {
        account,
        kind,
        amount: Money { minor_units: sign * event.amount.minor_units, ..event.amount },
        comment: event.comment.clone(),
        order,
        transaction: Some(event.transaction.clone()),
        provider: Some(event.provider.clone()),
        at,
    }
}
