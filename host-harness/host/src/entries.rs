//! What was entered: the feed, and statistics.

use domain::{AccountNumber, CallbackCounts, Entry, EntryFilter, HourlyTotal, PageStart, ProviderName, Refusals};
use ledger::Pages;

use crate::error::HostError;
use crate::host::Host;

impl Host {
    /// Entries after a place, in order, none left out; of an account, or of all. [`Observer::entries_changed`](crate::Observer) says
    /// when to look again.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn entries_after(&self, account: Option<&AccountNumber>, after: u64, limit: u32) -> Result<Vec<Entry>, HostError> {
        Ok(self.0.ledger.entries(account, after, limit)?)
    }

    /// A page of entries, the latest first.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn entries(&self, filter: &EntryFilter, from: PageStart, limit: u32) -> Result<Vec<Entry>, HostError> {
        Ok(self.0.ledger.page(filter, from, limit)?)
    }

    /// What was entered by the hour, kind, provider and currency, in this order.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn hourly_totals(&self, filter: &EntryFilter) -> Result<Vec<HourlyTotal>, HostError> {
        Ok(self.0.ledger.hours(filter)?)
    }

    /// The next page of a list of entries; an empty one is its end. Each page is a read of its own, so that nothing is held between
    /// two of them.
    ///
    /// # Errors
    /// The storage is unavailable; the same page may be asked for again.
    pub fn next_page(&self, pages: &mut Pages) -> Result<Vec<Entry>, HostError> {
        Ok(self.0.ledger.next_page(pages)?)
    }

    /// How many callbacks of a payment system came since a time, seconds since the epoch: what was kept, and what of it waits.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn callback_counts(&self, provider: &ProviderName, since: u64) -> Result<CallbackCounts, HostError> {
        Ok(self.0.ledger.callback_counts(provider, since)?)
    }

    /// What was refused since a time, by payment system, code and hour; what was refused within the last second counts too.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn refusals(&self, since: u64) -> Result<Vec<Refusals>, HostError> {
        self.flush_refusals();
        Ok(self.0.ledger.refusals(since)?)
    }
}
