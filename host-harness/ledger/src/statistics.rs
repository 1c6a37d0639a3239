//! What was entered: page by page, and summed by the hour. Statistics count an entry when [`counted_at`](crate::NewEntry::counted_at) says: a write-off by
//! its date, everything else by when it was entered.

use crate::error::Error;
use crate::model::{Entry, EntryKind, Money};
use crate::rules::Ledger;
use crate::storage::{Storage, Transaction};

/// Which entries a statistic is about; what is absent is not looked at.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// Of one account.
    pub account: Option<String>,
    /// Of one kind.
    pub kind: Option<EntryKind>,
    /// Told of by one provider.
    pub provider: Option<String>,
    /// Counted from this second of the epoch on.
    pub from: Option<u64>,
    /// Counted before this second of the epoch.
    pub until: Option<u64>,
}

/// A place among entries as a statistic orders them: by the time that they are counted at, and by their place in the ledger within a second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// Seconds since the epoch.
    pub at: u64,
    /// The entry's place in the ledger.
    pub seq: u64,
}

/// Where a page begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PageFrom {
    /// At the latest entry.
    Latest,
    /// At the entry before one.
    Before(Place),
    /// At the end, so that the page is the one that comes just after an entry.
    After(Place),
}

/// What was entered within an hour, of one kind, provider and currency.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hour {
    /// Its first second, since the epoch.
    pub hour: u64,
    /// The kind of the entries.
    pub kind: EntryKind,
    /// The provider that told of them.
    pub provider: Option<String>,
    /// How many.
    pub count: u64,
    /// Their sum.
    pub amount: Money,
}

impl Entry {
    /// Where a statistic has it.
    pub fn place(&self) -> Place {
        Place { at: self.entry.counted_at(), seq: self.seq }
    }
}

impl<S: Storage> Ledger<S> {
    /// A page of entries, the latest first.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn page(&self, filter: &Filter, from: PageFrom, limit: u32) -> Result<Vec<Entry>, Error> {
        self.storage().read(|transaction| transaction.page(filter, from, limit))
    }

    /// What was entered by the hour, kind, provider and currency, in this order. Hours that a filter begins or ends within are
    /// counted whole. Where no account is named it reads sums that are kept, and no entry.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn hours(&self, filter: &Filter) -> Result<Vec<Hour>, Error> {
        self.storage().read(|transaction| transaction.hours(filter))
    }

    /// Gives all entries of a filter, the latest first, page by page; all are of one moment.
    ///
    /// # Errors
    /// Where they cannot be read, or the first error of `take`.
    pub fn every_page<E: From<Error>>(
        &self,
        filter: &Filter,
        limit: u32,
        mut take: impl FnMut(Vec<Entry>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.storage().read(|transaction: &mut dyn Transaction| {
            let mut from = PageFrom::Latest;
            loop {
                let page = transaction.page(filter, from, limit)?;
                let Some(last) = page.last() else { return Ok(Ok(())) };
                from = PageFrom::Before(last.place());
                if let Err(error) = take(page) {
                    return Ok(Err(error));
                }
            }
        })?
    }
}
