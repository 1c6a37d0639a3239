//! Lists of entries, page by page, and sums by the hour. Statistics count an entry at its
//! [`counted_at`](domain::NewEntry::counted_at): a write-off by its date, and everything else by the time at which it was
//! entered.

use domain::{Entry, EntryFilter, HourlyTotal, PageStart};

use crate::error::Error;
use crate::rules::Ledger;

impl Ledger {
    /// Returns a page of entries, the latest first.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn page(&self, filter: &EntryFilter, from: PageStart, limit: u32) -> Result<Vec<Entry>, Error> {
        self.storage().read(|transaction| transaction.page(filter, from, limit))
    }

    /// Returns the sums by hour, kind, provider and currency, sorted in this order. An hour in which the filter begins or ends
    /// is counted whole. Without an account in the filter, this reads stored sums and no entries.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn hours(&self, filter: &EntryFilter) -> Result<Vec<HourlyTotal>, Error> {
        self.storage().read(|transaction| transaction.hours(filter))
    }

    /// Returns the next page of a list of entries; an empty page is the end. Each page is read in a separate transaction, so
    /// that nothing is held open between two pages.
    ///
    /// # Errors
    /// If the storage is unavailable. The caller may then request the same page again.
    pub fn next_page(&self, pages: &mut Pages) -> Result<Vec<Entry>, Error> {
        loop {
            let read = self.storage().read(|transaction| {
                let last_seq = match pages.last_seq {
                    Some(last_seq) => last_seq,
                    None => transaction.last_seq()?,
                };
                Ok((last_seq, transaction.page(&pages.filter, pages.from, pages.page_rows)?))
            });
            let (last_seq, mut page) = read?;
            pages.last_seq = Some(last_seq);
            let Some(last) = page.last() else { return Ok(page) };
            pages.from = PageStart::Before(last.cursor());
            page.retain(|entry| entry.seq <= last_seq);
            if !page.is_empty() {
                return Ok(page);
            }
        }
    }
}

/// A list of all entries that match a filter, the latest first, to be read page by page; see [`Ledger::next_page`]. It has the
/// entries that existed when its first page was read: entries are never changed or removed, and later entries are left out. So
/// no entry is skipped or listed twice, however long reading takes.
#[derive(Clone, Debug)]
pub struct Pages {
    filter: EntryFilter,
    from: PageStart,
    page_rows: u32,
    /// The last entry that belongs to the list; `None` until its first page is read.
    last_seq: Option<u64>,
}

impl Pages {
    /// Creates a list that is read in pages of at most `page_rows` entries.
    pub fn new(filter: EntryFilter, page_rows: u32) -> Pages {
        Pages { filter, from: PageStart::Latest, page_rows, last_seq: None }
    }
}
