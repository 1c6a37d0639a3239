//! The ledger, and the rules about money: a module for each kind of event. Each rule decides within one transaction of the storage.

mod answers;
mod awaited;
mod entering;
mod hold;
mod payee;
mod payment;
mod recording;
mod returns;
mod waiting;
mod wish;

use std::sync::Arc;

use crate::error::Error;
use crate::schedule::next_ask;
use crate::storage::{Storage, Transaction};
use domain::{
    Account, AccountNumber, Balance, CallbackCounts, Entry, Finding, NewOrder, OpenOrders, Order, OrderId, OrderMoney,
    OrderRefusal, ProviderName, Refusals, StoredCallback,
};

pub use answers::{answer, state};
pub use awaited::{end_credited_charge, end_refund, key_of, paid_by, reported_refund, told_otherwise};
pub use entering::{HOUR_SECONDS, enter, entry_from_event, in_force};
pub use hold::end_expired;
pub use payee::{account_of_wish, unknown_payees};
pub use recording::{Claim, Source, record};
pub use returns::{Returnable, is_return, named_payment, of_payment, settle};
pub use waiting::let_in;

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
        self.storage().write(move |transaction| Ok(create_order(transaction, &order, at)?.map(|(order, _)| order)))
    }

    /// Does the same, and has the status of the order asked for while it is unpaid: it is among the
    /// [`orders_to_ask`](Ledger::orders_to_ask).
    ///
    /// # Errors
    /// As for [`create_order`](Ledger::create_order).
    pub fn create_watched_order(&self, order: NewOrder, at: u64) -> Result<Result<Order, OrderRefusal>, Error> {
        self.storage().write(move |transaction| {
            let (order, is_new) = match create_order(transaction, &order, at)? {
                Ok(created) => created,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if let Some(next_at) = next_ask(&order, at, None).filter(|_| is_new) {
                transaction.insert_order_to_ask(&order.id, next_at)?;
            }
            Ok(Ok(order))
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

    /// Returns the entries and the unmatched payments of an order, how the last attempt to pay it ended, and what holds it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn order_money(&self, id: &OrderId) -> Result<OrderMoney, Error> {
        self.storage().read(|transaction| {
            let entries = transaction.entries_of_order(id)?;
            let is_paid = transaction.order(id)?.is_some_and(|order| order.paid_by.is_some());
            let held_by = if is_paid { None } else { transaction.open_hold(id)?.map(|hold| hold.movement) };
            let (is_declined, is_released) = hold::last_attempt(transaction, id)?;
            let unmatched = payment::unmatched(transaction, id)?;
            Ok(OrderMoney {
                entries: in_force(&entries).cloned().collect(),
                unmatched_returns: payment::returns_of(transaction, &unmatched)?,
                unmatched,
                is_declined,
                is_released,
                held_by,
            })
        })
    }

    /// Returns the unpaid orders of an account that were created since a second of the epoch, the latest first.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn unpaid_orders(&self, account: &AccountNumber, since: u64, limit: u32) -> Result<Vec<Order>, Error> {
        self.storage().read(|transaction| transaction.unpaid_orders(account, since, limit))
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

/// Creates an order, or finds the one of the same idempotency key. Returns it, and whether it is new.
fn create_order(
    transaction: &mut dyn Transaction,
    order: &NewOrder,
    at: u64,
) -> Result<Result<(Order, bool), OrderRefusal>, Error> {
    if order.amount.minor_units <= 0 {
        return Ok(Err(OrderRefusal::AmountNotPositive));
    }
    if transaction.account(&order.account)?.is_none() {
        return Ok(Err(OrderRefusal::UnknownAccount));
    }
    if let Some(key) = &order.idempotency_key
        && let Some(before) = transaction.order_of_key(key)?
    {
        return Ok(if before.is(order) { Ok((before, false)) } else { Err(OrderRefusal::KeyReused) });
    }
    let id = transaction.insert_order(order, at)?;
    Ok(Ok((order.clone().created(id, at), true)))
}
