//! What was entered: page by page, and summed by the hour. Statistics count an entry when [`counted_at`](domain::NewEntry::counted_at) says: a write-off by
//! its date, everything else by when it was entered.

use domain::{Entry, EntryFilter, HourlyTotal, PageStart};

use crate::error::Error;
use crate::rules::Ledger;

impl Ledger {
    /// A page of entries, the latest first.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn page(&self, filter: &EntryFilter, from: PageStart, limit: u32) -> Result<Vec<Entry>, Error> {
        self.storage().read(|transaction| transaction.page(filter, from, limit))
    }

    /// What was entered by the hour, kind, provider and currency, in this order. Hours that a filter begins or ends within are
    /// counted whole. Where no account is named it reads sums that are kept, and no entry.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn hours(&self, filter: &EntryFilter) -> Result<Vec<HourlyTotal>, Error> {
        self.storage().read(|transaction| transaction.hours(filter))
    }

    /// The next page of a list of entries; an empty one is its end. Each page is a read of its own, so that nothing is held between
    /// two of them.
    ///
    /// # Errors
    /// The storage is unavailable; the same page may be asked for again.
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

/// A list of all entries of a filter, the latest first, that is read page by page; see [`Ledger::next_page`]. It has the entries
/// that there were when its first page was read: entries are never changed or removed, and those entered later are left out. So
/// none is skipped or doubled, however long the reading takes.
#[derive(Clone, Debug)]
pub struct Pages {
    filter: EntryFilter,
    from: PageStart,
    page_rows: u32,
    /// The last entry that belongs to the list, once its first page was read.
    last_seq: Option<u64>,
}

impl Pages {
    /// A list that is read in pages of at most `page_rows` entries.
    pub fn new(filter: EntryFilter, page_rows: u32) -> Pages {
        Pages { filter, from: PageStart::Latest, page_rows, last_seq: None }
    }
}
