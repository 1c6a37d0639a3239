//! Entries of the ledger: the feed, and statistics.

use domain::{AccountNumber, CallbackCounts, Entry, EntryFilter, HourlyTotal, PageStart, ProviderName, Refusals};
use ledger::Pages;
use sha2::{Digest, Sha256};

use crate::error::HostError;
use crate::error_code::ErrorCode;
use crate::host::Host;

/// How many bytes of the SHA-256 an entry's digest has.
const DIGEST_BYTES: usize = 8;

/// Returns a digest of an entry, of 16 hexadecimal digits. After a backup was restored, another entry may get the same sequence
/// number; its digest differs.
pub fn entry_digest(entry: &Entry) -> String {
    let Entry { seq, account, kind, amount, at, order, transaction, .. } = entry;
    // None of the texts has a line break.
    let text = format!(
        "{seq}\n{account}\n{}\n{}\n{}\n{at}\n{}\n{}",
        kind.name(),
        amount.minor_units,
        amount.currency,
        order.as_deref().unwrap_or_default(),
        transaction.as_deref().unwrap_or_default()
    );
    let mut digest = hex::encode(Sha256::digest(text));
    digest.truncate(2 * DIGEST_BYTES);
    digest
}

impl Host {
    /// Checks that the entry with this sequence number is the one with this [`entry_digest`], before whoever has processed it goes
    /// on after it.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) with the code [`ErrorCode::EntriesAfterUnknown`] if it is another one, or
    /// missing: the ledger was restored from a backup. Or if the storage is unavailable.
    pub fn require_entry(&self, seq: u64, digest: &str) -> Result<(), HostError> {
        let found = self.0.ledger.entries(None, seq.saturating_sub(1), 1)?;
        if found.first().is_some_and(|entry| entry.seq == seq && entry_digest(entry) == digest) {
            return Ok(());
        }
        let detail = format!(
            "entry {seq} is not the one with the digest {digest}: the ledger may have been restored from a backup. Compare your \
             entries with the ledger's, then continue after the last one that both have"
        );
        Err(HostError::conflict(detail).with_code(ErrorCode::EntriesAfterUnknown))
    }

    /// Returns the entries after a sequence number, in order and without gaps, of one account or of all.
    /// [`Observer::entries_changed`](crate::Observer) says when to read again.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) with the code [`ErrorCode::EntriesAfterUnknown`] if `after` is later than the
    /// ledger's last entry: the ledger was restored from a backup, and new entries get numbers that the caller has passed. Or if
    /// the storage is unavailable.
    pub fn entries_after(&self, account: Option<&AccountNumber>, after: u64, limit: u32) -> Result<Vec<Entry>, HostError> {
        let entries = self.0.ledger.entries(account, after, limit)?;
        if entries.is_empty() && after > 0 {
            let last = self.0.ledger.last_seq()?;
            if after > last {
                let detail = format!(
                    "there is no entry {after}: the ledger ends at {last}. It may have been restored from a backup: compare your \
                     entries with the ledger's, then continue with after={last}"
                );
                return Err(HostError::conflict(detail).with_code(ErrorCode::EntriesAfterUnknown));
            }
        }
        Ok(entries)
    }

    /// Returns a page of entries, the latest first.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn entries(&self, filter: &EntryFilter, from: PageStart, limit: u32) -> Result<Vec<Entry>, HostError> {
        Ok(self.0.ledger.page(filter, from, limit)?)
    }

    /// Returns the sums of entries by hour, kind, provider and currency, in this order.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn hourly_totals(&self, filter: &EntryFilter) -> Result<Vec<HourlyTotal>, HostError> {
        Ok(self.0.ledger.hours(filter)?)
    }

    /// Returns the next page of a list of entries; an empty page is the end. Each page is a separate read, so that no
    /// transaction stays open between pages.
    ///
    /// # Errors
    /// If the storage is unavailable. The same page can be requested again.
    pub fn next_page(&self, pages: &mut Pages) -> Result<Vec<Entry>, HostError> {
        Ok(self.0.ledger.next_page(pages)?)
    }

    /// Returns how many callbacks of a payment system were stored since a time, in seconds since the epoch, and how many of
    /// these wait.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn callback_counts(&self, provider: &ProviderName, since: u64) -> Result<CallbackCounts, HostError> {
        Ok(self.0.ledger.callback_counts(provider, since)?)
    }

    /// Returns the counts of refused callbacks since a time, by payment system, code and hour. Refusals that are not written
    /// yet are included.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn refusals(&self, since: u64) -> Result<Vec<Refusals>, HostError> {
        self.flush_refusals();
        Ok(self.0.ledger.refusals(since)?)
    }
}
