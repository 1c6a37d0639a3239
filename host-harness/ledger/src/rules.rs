//! The rules about money. Each decides within one transaction of the storage.

use std::sync::Arc;

use crate::error::Error;
use crate::storage::{Storage, Transaction};
use domain::{
    Account, AccountNumber, Balance, CallbackCounts, Entry, EntryKind, Event, EventKind, Finding, HourlyTotal, MismatchReason,
    Money, NewEntry, NewOrder, OpenOrders, Order, OrderId, OrderMoney, OrderRefusal, Outcome, ProviderName, Recurrence,
    Refusals, StoredCallback, UnmatchedEvent,
};

/// What refusals and statistics are counted by.
pub const HOUR_SECONDS: u64 = 3600;

/// How many callbacks that contradict an event are shown: whoever has seen one callback can make others of it, where a payment
/// system's signature leaves something out.
const CONTRADICTIONS_MAX: usize = 10;

/// The ledger over a storage. Cheap to clone, shared by threads.
#[derive(Clone)]
pub struct Ledger {
    storage: Arc<dyn Storage>,
}

impl Ledger {
    /// The ledger that a storage keeps.
    pub fn new(storage: impl Storage + 'static) -> Ledger {
        Ledger { storage: Arc::new(storage) }
    }

    pub(crate) fn storage(&self) -> &dyn Storage {
        &*self.storage
    }

    /// An account and what it has.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn account(&self, number: &AccountNumber) -> Result<Option<(Account, Vec<Balance>)>, Error> {
        self.storage().read(|transaction| match transaction.account(number)? {
            None => Ok(None),
            Some(account) => Ok(Some((account, transaction.balances(number)?))),
        })
    }

    /// Makes an order, or gives the one that was made with the same idempotency key.
    ///
    /// # Errors
    /// The storage is unavailable; the inner error is a rule's no.
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

    /// An order.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn order(&self, id: &OrderId) -> Result<Option<Order>, Error> {
        self.storage().read(|transaction| transaction.order(id))
    }

    /// What was told of an order's money.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn order_money(&self, id: &OrderId) -> Result<OrderMoney, Error> {
        self.storage().read(|transaction| {
            let entries = transaction.entries_of_order(id)?;
            Ok(OrderMoney { entries: in_force(&entries).cloned().collect(), unmatched: unmatched_payments(transaction, id)? })
        })
    }

    /// How many orders of a provider are not paid: all, and those that were made since a second of the epoch. It reads all orders.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn open_orders(&self, provider: &ProviderName, since: u64) -> Result<OpenOrders, Error> {
        self.storage().read(|transaction| transaction.open_orders(provider, since))
    }

    /// The providers of orders that are not paid, by name. It reads all orders.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn providers_of_open_orders(&self) -> Result<Vec<ProviderName>, Error> {
        self.storage().read(|transaction| transaction.providers_of_open_orders())
    }

    /// Decides what an event is worth, once: the same dedup key again has the first outcome again. The callback that told of it is
    /// kept with it.
    ///
    /// # Errors
    /// The storage is unavailable: the payment system must tell it again.
    pub fn record_event(&self, event: Event, callback: StoredCallback) -> Result<Outcome, Error> {
        self.storage().write(move |transaction| record_event(transaction, &event, &callback))
    }

    /// The same, without a thread that waits: `then` is told, where nothing may block, and is dropped where the storage dies.
    pub fn submit_event(
        &self,
        event: Event,
        callback: Arc<StoredCallback>,
        then: impl FnOnce(Result<Outcome, Error>) + Send + 'static,
    ) {
        self.storage().submit(move |transaction| record_event(transaction, &event, &callback), then);
    }

    /// Entries after a place, in order: a feed that nothing is skipped in.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn entries(&self, account: Option<&AccountNumber>, after: u64, limit: u32) -> Result<Vec<Entry>, Error> {
        self.storage().read(|transaction| transaction.entries(account, after, limit))
    }

    /// Adds to the counts of refused callbacks; those of an hour are told by any second of it.
    ///
    /// # Errors
    /// Where they cannot be kept.
    pub fn count_refusals(&self, refusals: Vec<Refusals>) -> Result<(), Error> {
        self.storage().write(move |transaction| {
            refusals.iter().try_for_each(|refusals| {
                let hour = refusals.hour - refusals.hour % HOUR_SECONDS;
                transaction.count_refusals(&Refusals { hour, ..refusals.clone() })
            })
        })
    }

    /// A provider's callbacks that were kept, the last first: the accepted ones and those that the provider could not judge.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn last_callbacks(&self, provider: &ProviderName, limit: u32) -> Result<Vec<StoredCallback>, Error> {
        self.storage().read(|transaction| transaction.last_callbacks(provider, limit))
    }

    /// How many of a provider's callbacks were accepted since a second of the epoch.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn callback_counts(&self, provider: &ProviderName, since: u64) -> Result<CallbackCounts, Error> {
        self.storage().read(|transaction| transaction.callback_counts(provider, since))
    }

    /// How often callbacks were refused, by provider, reason and hour, since a second of the epoch.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn refusals(&self, since: u64) -> Result<Vec<Refusals>, Error> {
        self.storage().read(|transaction| transaction.refusals(since - since % HOUR_SECONDS))
    }

    /// A document that the host keeps beside the money, such as a provider's settings. Secrets in it, the host has sealed.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn document(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        self.storage().read(|transaction| transaction.document(name))
    }

    /// The names of the documents whose name begins with a prefix, sorted by bytes; an empty document is as good as none.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn document_names(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.storage().read(|transaction| transaction.document_names(prefix))
    }

    /// Keeps a document in the place of the one that had its name.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn put_document(&self, name: String, document: Vec<u8>) -> Result<(), Error> {
        self.storage().write(move |transaction| transaction.put_document(&name, &document))
    }

    /// Keeps several documents at once: all of them, or none.
    ///
    /// # Errors
    /// Where they cannot be kept.
    pub fn put_documents(&self, documents: Vec<(String, Vec<u8>)>) -> Result<(), Error> {
        self.storage().write(move |transaction| {
            documents.iter().try_for_each(|(name, document)| transaction.put_document(name, document))
        })
    }

    /// Commits something, and so says whether the storage takes what is told: there is room, nobody holds a lock, nothing is
    /// read-only.
    ///
    /// # Errors
    /// Why it could not.
    pub fn ready(&self) -> Result<(), Error> {
        self.storage().ready()
    }

    /// Compares every balance, every hour's sums, and all that entries are made by, with the entries.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn check(&self) -> Result<Vec<Finding>, Error> {
        self.storage().read(|transaction| transaction.findings(None))
    }

    /// The same of the entries since a second of the epoch, or since the begin of its hour: those hours, what these entries are made
    /// by, and the balances of their accounts, by all their entries.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn check_since(&self, since: u64) -> Result<Vec<Finding>, Error> {
        self.storage().read(|transaction| transaction.findings(Some(since - since % HOUR_SECONDS)))
    }
}

fn record_event(transaction: &mut dyn Transaction, event: &Event, callback: &StoredCallback) -> Result<Outcome, Error> {
    let facts = &event.facts;
    let callback_id = transaction.insert_callback(callback, Some(facts))?;
    match transaction.outcome(&event.provider, &event.dedup_key)? {
        // What an older program kept cannot be compared.
        Some((_, Some(first))) if first != *facts => contradiction(transaction, event, callback_id),
        Some((outcome, _)) => Ok(as_repeated(outcome)),
        None => {
            let outcome = decide(transaction, event, callback.received_at)?;
            transaction.insert_outcome(&event.provider, &event.dedup_key, &outcome, callback_id)?;
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

/// An event that says something else than when it was told first is shown once, however often it comes.
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
        EventKind::Hold | EventKind::Declined => return Ok(Outcome::NoMovement),
        _ if event.facts.amount.minor_units <= 0 => Err(MismatchReason::AmountNotPositive),
        EventKind::Payment => settle_payment(transaction, event)?,
        EventKind::Refund | EventKind::Chargeback => settle_refund(transaction, event)?,
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

/// Where an event's money belongs.
struct CreditTarget {
    account: AccountNumber,
    order: Option<OrderId>,
    /// Whether it pays the order.
    pays: bool,
}

/// A payment belongs to the order that it names, if it is the order's to the kopeck and the order is not paid; a repeat to the
/// account of an order that was paid before.
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
        // What it repeats is the agreement of the first; how much, the payment system says.
        paid_by.is_none().then_some(MismatchReason::NoInitialPayment)
    } else if order.amount != event.facts.amount {
        Some(MismatchReason::AmountMismatch)
    } else {
        paid_by.is_some().then_some(MismatchReason::AlreadyPaid)
    };
    let place = CreditTarget { account: order.account, order: Some(id.clone()), pays: !is_repeat };
    Ok(reason.map_or(Ok(place), Err))
}

/// Money goes back from the account that its transaction credited, or else from that of the order that it names, if the payer is the one
/// who paid the order: payment systems sign a payer, and many of them no order, so that whoever caught a callback could name another's.
/// Never more of it than came in by that transaction, nor than came in for the order: a refund may have an id of its own, and the same
/// money may be told of by both. Where the order has a payment that was not entered by the rules, or none yet, a person says what goes
/// back.
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

/// Why an event is no refund of what was paid for the order that it names, which has some entries.
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
        // Not every payment system tells one.
        if payer.is_none() || event.facts.payer.is_none() || payer == event.facts.payer {
            return Ok(None);
        }
    }
    Ok(Some(MismatchReason::OtherPayer))
}

/// The payments that name an order and were not entered by the rules.
fn unmatched_payments(transaction: &mut dyn Transaction, order: &OrderId) -> Result<Vec<UnmatchedEvent>, Error> {
    let mut unmatched = transaction.unmatched_of_order(order)?;
    unmatched.retain(|one| one.event.facts.kind == EventKind::Payment);
    Ok(unmatched)
}

/// Those of some entries that were not taken back, and took none back.
pub(crate) fn in_force(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    let is_reversed = |seq| entries.iter().any(|entry| entry.reverses == Some(seq));
    entries.iter().filter(move |entry| entry.reverses.is_none() && !is_reversed(entry.seq))
}

/// How much came in by some entries, and how much went back, in minor units.
fn paid_and_returned(entries: &[Entry]) -> (i128, i128) {
    let sum = |kinds: &[EntryKind]| {
        let of_kinds = entries.iter().filter(|entry| kinds.contains(&entry.kind));
        of_kinds.map(|entry| i128::from(entry.amount.minor_units)).sum::<i128>()
    };
    (sum(&[EntryKind::Payment]), -sum(&[EntryKind::Refund, EntryKind::Chargeback]))
}

/// Makes an entry, and keeps the balance and the sums of its hour beside it; gives its place.
///
/// # Errors
/// The storage is unavailable, or a sum would exceed 64 bits.
pub fn enter(transaction: &mut dyn Transaction, entry: &NewEntry) -> Result<u64, Error> {
    let seq = transaction.insert_entry(entry)?;
    transaction.add_to_balance(&entry.account, entry.amount)?;
    let at = entry.counted_at();
    let (hour, provider) = (at - at % HOUR_SECONDS, entry.provider.clone());
    transaction.add_to_hour(&HourlyTotal { hour, kind: entry.kind, provider, count: 1, amount: entry.amount })?;
    Ok(seq)
}

/// The entry of an event.
pub(crate) fn entry_from_event(event: &Event, account: AccountNumber, order: Option<OrderId>, at: u64) -> NewEntry {
    let (kind, sign) = match event.facts.kind {
        EventKind::Payment | EventKind::Hold | EventKind::Declined => (EntryKind::Payment, 1),
        EventKind::Refund => (EntryKind::Refund, -1),
        EventKind::Chargeback => (EntryKind::Chargeback, -1),
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
