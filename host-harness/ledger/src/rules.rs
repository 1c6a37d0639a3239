//! The rules about money. Each rule decides within one transaction of the storage.

use std::sync::Arc;

use crate::digest::digest;
use crate::error::Error;
use crate::storage::{Storage, Transaction};
use domain::{
    Account, AccountNumber, Acknowledged, Balance, CallbackCounts, Entry, EntryKind, Event, EventKind, Finding, HourlyTotal,
    MismatchReason, Money, NewEntry, NewOrder, OpenOrders, Order, OrderId, OrderMoney, OrderRefusal, Outcome, ProviderName,
    Recurrence, Refusals, ReviewFilter, StoredCallback, UnmatchedEvent,
};

/// The interval by which refusals and statistics are counted.
pub const HOUR_SECONDS: u64 = 3600;

/// The most contradictions that are stored for an event. If a payment system's signature leaves a field out, anyone who has
/// seen one callback can make others that contradict it.
const CONTRADICTIONS_MAX: usize = 10;

/// The ledger over a storage. It is cheap to clone, and threads can share it.
#[derive(Clone)]
pub struct Ledger {
    storage: Arc<dyn Storage>,
}

impl Ledger {
    /// Creates the ledger over a storage.
    pub fn new(storage: impl Storage + 'static) -> Ledger {
        Ledger { storage: Arc::new(storage) }
    }

    pub(crate) fn storage(&self) -> &dyn Storage {
        &*self.storage
    }

    /// Returns an account and its balances.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn account(&self, number: &AccountNumber) -> Result<Option<(Account, Vec<Balance>)>, Error> {
        self.storage().read(|transaction| match transaction.account(number)? {
            None => Ok(None),
            Some(account) => Ok(Some((account, transaction.balances(number)?))),
        })
    }

    /// Creates an order, or returns the one that was created with the same idempotency key.
    ///
    /// # Errors
    /// If the storage is unavailable. The inner error is a refusal by a rule.
    pub fn create_order(&self, order: NewOrder, at: u64) -> Result<Result<Order, OrderRefusal>, Error> {
        self.storage().write(move |transaction| {
            if order.amount.minor_units <= 0 {
                return Ok(Err(OrderRefusal::AmountNotPositive));
            }
            if transaction.account(&order.account)?.is_none() {
                return Ok(Err(OrderRefusal::UnknownAccount));
            }
            if let Some(key) = &order.idempotency_key
                && let Some(before) = transaction.order_of_key(key)?
            {
                return Ok(if before.is(&order) { Ok(before) } else { Err(OrderRefusal::KeyReused) });
            }
            let id = transaction.insert_order(&order, at)?;
            Ok(Ok(order.clone().created(id, at)))
        })
    }

    /// Returns an order.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn order(&self, id: &OrderId) -> Result<Option<Order>, Error> {
        self.storage().read(|transaction| transaction.order(id))
    }

    /// Returns the order that was created with an idempotency key.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn order_of_key(&self, key: &str) -> Result<Option<Order>, Error> {
        self.storage().read(|transaction| transaction.order_of_key(key))
    }

    /// Returns the entries and the unmatched payments of an order, and whether a payment of it was declined.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn order_money(&self, id: &OrderId) -> Result<OrderMoney, Error> {
        self.storage().read(|transaction| {
            let entries = transaction.entries_of_order(id)?;
            let is_declined = match transaction.order(id)? {
                Some(order) => transaction.is_declined(&order.provider, id)?,
                None => false,
            };
            Ok(OrderMoney {
                entries: in_force(&entries).cloned().collect(),
                unmatched: unmatched_payments(transaction, id)?,
                is_declined,
            })
        })
    }

    /// Returns the number of a provider's open orders: all, and those created since a second of the epoch. This reads all
    /// orders.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn open_orders(&self, provider: &ProviderName, since: u64) -> Result<OpenOrders, Error> {
        self.storage().read(|transaction| transaction.open_orders(provider, since))
    }

    /// Returns the providers of open orders, sorted by name. This reads all orders.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn providers_of_open_orders(&self) -> Result<Vec<ProviderName>, Error> {
        self.storage().read(|transaction| transaction.providers_of_open_orders())
    }

    /// Decides what an event is worth, once: a repetition with the same dedup key gets the first outcome again. The event's
    /// callback is stored with it.
    ///
    /// # Errors
    /// If the storage is unavailable. The payment system must then send the callback again.
    pub fn record_event(&self, event: Event, callback: StoredCallback) -> Result<Outcome, Error> {
        self.storage().write(move |transaction| record_event(transaction, &event, &callback))
    }

    /// Does the same as [`record_event`](Ledger::record_event) without blocking a thread. `then` is called with the outcome on
    /// the storage's thread, so it must not block. It is dropped if the storage dies.
    pub fn submit_event(
        &self,
        event: Event,
        callback: Arc<StoredCallback>,
        then: impl FnOnce(Result<Outcome, Error>) + Send + 'static,
    ) {
        self.storage().submit(move |transaction| record_event(transaction, &event, &callback), then);
    }

    /// Returns the entries after a sequence number, in order: a feed in which no entry is skipped.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn entries(&self, account: Option<&AccountNumber>, after: u64, limit: u32) -> Result<Vec<Entry>, Error> {
        self.storage().read(|transaction| transaction.entries(account, after, limit))
    }

    /// Returns the sequence number of the last entry, or 0 if there is none.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn last_seq(&self) -> Result<u64, Error> {
        self.storage().read(|transaction| transaction.last_seq())
    }

    /// Adds to the counts of refused callbacks. `hour` may be any second of the hour.
    ///
    /// # Errors
    /// If they cannot be stored.
    pub fn count_refusals(&self, refusals: Vec<Refusals>) -> Result<(), Error> {
        self.storage().write(move |transaction| {
            refusals.iter().try_for_each(|refusals| {
                let hour = refusals.hour - refusals.hour % HOUR_SECONDS;
                transaction.count_refusals(&Refusals { hour, ..refusals.clone() })
            })
        })
    }

    /// Returns a provider's stored callbacks, the last first: the accepted and the unrecognized ones.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn last_callbacks(&self, provider: &ProviderName, limit: u32) -> Result<Vec<StoredCallback>, Error> {
        self.storage().read(|transaction| transaction.last_callbacks(provider, limit))
    }

    /// Returns how many of a provider's callbacks were accepted since a second of the epoch.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn callback_counts(&self, provider: &ProviderName, since: u64) -> Result<CallbackCounts, Error> {
        self.storage().read(|transaction| transaction.callback_counts(provider, since))
    }

    /// Returns how often callbacks were refused, by provider, reason and hour, since the hour of a second of the epoch.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn refusals(&self, since: u64) -> Result<Vec<Refusals>, Error> {
        self.storage().read(|transaction| transaction.refusals(since - since % HOUR_SECONDS))
    }

    /// Returns a document that the host stores beside the money, such as a provider's settings. The host seals the secrets in
    /// it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn document(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        self.storage().read(|transaction| transaction.document(name))
    }

    /// Returns the names of the documents that begin with a prefix, sorted by bytes. An empty document counts as absent.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn document_names(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.storage().read(|transaction| transaction.document_names(prefix))
    }

    /// Stores a document, replacing the one of the same name.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn put_document(&self, name: String, document: Vec<u8>) -> Result<(), Error> {
        self.storage().write(move |transaction| transaction.put_document(&name, &document))
    }

    /// Stores several documents at once: all of them, or none.
    ///
    /// # Errors
    /// If they cannot be stored.
    pub fn put_documents(&self, documents: Vec<(String, Vec<u8>)>) -> Result<(), Error> {
        self.storage().write(move |transaction| {
            documents.iter().try_for_each(|(name, document)| transaction.put_document(name, document))
        })
    }

    /// Commits a probe, to test that the storage accepts changes: the disk has space, nobody holds a lock, nothing is
    /// read-only.
    ///
    /// # Errors
    /// The reason why it could not commit.
    pub fn ready(&self) -> Result<(), Error> {
        self.storage().ready()
    }

    /// Compares every balance, every hour's sums, and the records that made entries, with the entries.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn check(&self) -> Result<Vec<Finding>, Error> {
        self.storage().read(|transaction| transaction.findings(None))
    }

    /// Does the same for the entries since the hour of a second of the epoch: compares the sums of these hours, the records
    /// that made these entries, and the balances of their accounts with all entries of the accounts.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn check_since(&self, since: u64) -> Result<Vec<Finding>, Error> {
        self.storage().read(|transaction| transaction.findings(Some(since - since % HOUR_SECONDS)))
    }
}

fn record_event(transaction: &mut dyn Transaction, event: &Event, callback: &StoredCallback) -> Result<Outcome, Error> {
    let facts = &event.facts;
    let callback_id = transaction.insert_callback(callback, Some(facts))?;
    match transaction.outcome(&event.provider, &event.dedup_key)? {
        // A callback that an older program stored has no facts to compare.
        Some((_, Some(first))) if first != *facts => contradiction(transaction, event, callback_id),
        Some((outcome, _)) => Ok(as_repeated(outcome)),
        None => {
            let outcome = decide(transaction, event, callback.received_at)?;
            transaction.insert_outcome(&event.provider, &event.dedup_key, &outcome, callback_id)?;
            // If it could not be judged when it arrived before, an operator must not credit it again by hand. Mostly none waits,
            // and then this callback needs no digest.
            if !transaction.unrecognized(ReviewFilter::WaitingAfter(0), 1)?.is_empty() {
                let by = Acknowledged { operator: Acknowledged::BY_THIS_PROGRAM.to_owned(), at: callback.received_at };
                transaction.acknowledge_repeated(&digest(callback), &by)?;
            }
            Ok(outcome)
        }
    }
}

fn as_repeated(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Recorded { seq, .. } => Outcome::Recorded { seq, repeated: true },
        Outcome::Unmatched { id, .. } => Outcome::Unmatched { id, repeated: true },
        other => other,
    }
}

/// Stores an event that contradicts its first callback. The same contradiction is stored once, however often it arrives.
fn contradiction(transaction: &mut dyn Transaction, event: &Event, callback: u64) -> Result<Outcome, Error> {
    let known = transaction.facts_of_contradictions(&event.provider, &event.dedup_key)?;
    if known.contains(&event.facts) || known.len() >= CONTRADICTIONS_MAX {
        return Ok(Outcome::Contradiction { id: None });
    }
    let id = transaction.insert_contradiction(&event.provider, &event.dedup_key, callback)?;
    Ok(Outcome::Contradiction { id: Some(id) })
}

fn decide(transaction: &mut dyn Transaction, event: &Event, at: u64) -> Result<Outcome, Error> {
    let found = match event.facts.kind {
        EventKind::Hold | EventKind::HoldRelease | EventKind::Declined => return Ok(Outcome::NoMovement),
        _ if event.facts.amount.minor_units <= 0 => Err(MismatchReason::AmountNotPositive),
        EventKind::Payment => settle_payment(transaction, event)?,
        EventKind::Refund | EventKind::Chargeback => settle_refund(transaction, event)?,
        EventKind::ChargebackReversal => Err(MismatchReason::NotPaid),
    };
    match found {
        Err(reason) => Ok(Outcome::Unmatched { id: transaction.insert_unmatched(event, reason, at)?, repeated: false }),
        Ok(place) => {
            let seq = enter(transaction, &entry_from_event(event, place.account, place.order.clone(), at))?;
            if let (true, Some(order)) = (place.pays, &place.order) {
                transaction.mark_paid(order, seq)?;
            }
            Ok(Outcome::Recorded { seq, repeated: false })
        }
    }
}

/// The account and order to which an event's money belongs.
struct CreditTarget {
    account: AccountNumber,
    order: Option<OrderId>,
    /// Whether it pays the order.
    pays: bool,
}

/// Matches a payment to the order that it names, if the amounts are equal to the kopeck and the order is not paid. A repeat
/// belongs to the account of an order that is already paid.
fn settle_payment(transaction: &mut dyn Transaction, event: &Event) -> Result<Result<CreditTarget, MismatchReason>, Error> {
    let Some(id) = &event.facts.order else { return Ok(Err(MismatchReason::UnknownOrder)) };
    let Some(order) = transaction.order(id)? else { return Ok(Err(MismatchReason::UnknownOrder)) };
    let of_transaction = transaction.entries_of_transaction(&event.provider, &event.facts.transaction)?;
    let was_entered = in_force(&of_transaction).any(|entry| entry.kind == EntryKind::Payment);
    let paid_by = order.paid_by;
    let is_repeat = event.facts.recurrence == Recurrence::Repeat;
    let reason = if order.provider != event.provider {
        Some(MismatchReason::ProviderMismatch)
    } else if order.amount.currency != event.facts.amount.currency {
        Some(MismatchReason::CurrencyMismatch)
    } else if was_entered {
        Some(MismatchReason::AlreadyPaid)
    } else if is_repeat {
        // A repeat relies on the agreement of the first payment. The payment system decides its amount.
        paid_by.is_none().then_some(MismatchReason::NoInitialPayment)
    } else if order.amount != event.facts.amount {
        Some(MismatchReason::AmountMismatch)
    } else {
        paid_by.is_some().then_some(MismatchReason::AlreadyPaid)
    };
    let place = CreditTarget { account: order.account, order: Some(id.clone()), pays: !is_repeat };
    Ok(reason.map_or(Ok(place), Err))
}

/// Finds the account that a refund or chargeback debits: the one that its transaction credited, or else that of the order that
/// it names, if the payer is the one who paid the order. Payment systems sign the payer, but many do not sign the order, so
/// that someone who intercepted a callback could name another payer's order.
///
/// It never returns more than came in by that transaction, or more than came in for the order: a refund may have an id of its
/// own, and the same money may be reported under both ids. If the order has a payment that the rules did not enter, or no
/// payment yet, a person decides what is returned.
fn settle_refund(transaction: &mut dyn Transaction, event: &Event) -> Result<Result<CreditTarget, MismatchReason>, Error> {
    let of_transaction = transaction.entries_of_transaction(&event.provider, &event.facts.transaction)?;
    let paid = in_force(&of_transaction).find(|entry| entry.kind == EntryKind::Payment).cloned();
    let (account, order, bound, of_order) = match (paid, &event.facts.order) {
        (Some(paid), _) => {
            let of_order = paid.order.as_ref().map_or(Ok(Vec::new()), |order| transaction.entries_of_order(order))?;
            (paid.account, paid.order, paid.amount, of_order)
        }
        (None, None) => return Ok(Err(MismatchReason::UnknownOrder)),
        (None, Some(id)) => match transaction.order(id)? {
            None => return Ok(Err(MismatchReason::UnknownOrder)),
            Some(order) if order.provider != event.provider => return Ok(Err(MismatchReason::ProviderMismatch)),
            Some(order) => {
                let of_order = transaction.entries_of_order(id)?;
                if let Some(reason) = no_refund_of(transaction, event, id, &of_order)? {
                    return Ok(Err(reason));
                }
                (order.account, Some(id.clone()), order.amount, of_order)
            }
        },
    };
    if bound.currency != event.facts.amount.currency {
        return Ok(Err(MismatchReason::CurrencyMismatch));
    }
    let within_bound = |entries: &[Entry]| {
        let (came, back) = paid_and_returned(entries);
        back + i128::from(event.facts.amount.minor_units) <= came.max(i128::from(bound.minor_units))
    };
    if !within_bound(&of_transaction) || !within_bound(&of_order) {
        return Ok(Err(MismatchReason::ExceedsPaidAmount));
    }
    Ok(Ok(CreditTarget { account, order, pays: false }))
}

/// Returns why an event cannot be a refund of a payment for the order that it names. `entries` are those of the order.
fn no_refund_of(
    transaction: &mut dyn Transaction,
    event: &Event,
    order: &OrderId,
    entries: &[Entry],
) -> Result<Option<MismatchReason>, Error> {
    if !unmatched_payments(transaction, order)?.is_empty() {
        return Ok(Some(MismatchReason::OtherPayment));
    }
    let payments: Vec<u64> =
        in_force(entries).filter(|entry| entry.kind == EntryKind::Payment).map(|entry| entry.seq).collect();
    if payments.is_empty() {
        return Ok(Some(MismatchReason::NotPaid));
    }
    for seq in payments {
        let payer = transaction.facts_of_entry(seq)?.and_then(|facts| facts.payer);
        // Not every payment system reports a payer.
        if payer.is_none() || event.facts.payer.is_none() || payer == event.facts.payer {
            return Ok(None);
        }
    }
    Ok(Some(MismatchReason::OtherPayer))
}

/// Returns the payments that name an order and that the rules did not enter.
fn unmatched_payments(transaction: &mut dyn Transaction, order: &OrderId) -> Result<Vec<UnmatchedEvent>, Error> {
    let mut unmatched = transaction.unmatched_of_order(order)?;
    unmatched.retain(|one| one.event.facts.kind == EventKind::Payment);
    Ok(unmatched)
}

/// Returns the entries that are in force: they are not reversed, and reverse no other.
pub(crate) fn in_force(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    let is_reversed = |seq| entries.iter().any(|entry| entry.reverses == Some(seq));
    entries.iter().filter(move |entry| entry.reverses.is_none() && !is_reversed(entry.seq))
}

/// Returns how much came in by some entries and how much was returned, in minor units.
fn paid_and_returned(entries: &[Entry]) -> (i128, i128) {
    let sum = |kinds: &[EntryKind]| {
        let of_kinds = entries.iter().filter(|entry| kinds.contains(&entry.kind));
        of_kinds.map(|entry| i128::from(entry.amount.minor_units)).sum::<i128>()
    };
    (sum(&[EntryKind::Payment]), -sum(&[EntryKind::Refund, EntryKind::Chargeback]))
}

/// Makes an entry, updates the balance and the sums of its hour, and returns its sequence number.
///
/// # Errors
/// If the storage is unavailable, or a sum would exceed 64 bits.
pub fn enter(transaction: &mut dyn Transaction, entry: &NewEntry) -> Result<u64, Error> {
    let seq = transaction.insert_entry(entry)?;
    transaction.add_to_balance(&entry.account, entry.amount)?;
    let at = entry.counted_at();
    let (hour, provider) = (at - at % HOUR_SECONDS, entry.provider.clone());
    transaction.add_to_hour(&HourlyTotal { hour, kind: entry.kind, provider, count: 1, amount: entry.amount })?;
    Ok(seq)
}

/// Creates the entry of an event.
pub(crate) fn entry_from_event(event: &Event, account: AccountNumber, order: Option<OrderId>, at: u64) -> NewEntry {
    let (kind, sign) = match event.facts.kind {
        EventKind::Refund => (EntryKind::Refund, -1),
        EventKind::Chargeback => (EntryKind::Chargeback, -1),
        _ => (EntryKind::Payment, 1),
    };
    NewEntry {
        account,
        kind,
        amount: Money { minor_units: sign * event.facts.amount.minor_units, ..event.facts.amount },
        comment: event.comment.clone(),
        order,
        transaction: Some(event.facts.transaction.clone()),
        provider: Some(event.provider.clone()),
        at,
        date: None,
        decision: None,
        reverses: None,
        extra: event.extra.clone(),
    }
}
