//! Filters and results of statistics.

use crate::amount::Money;
use crate::entry::{Entry, EntryKind};
use crate::identifiers::{AccountNumber, ProviderName};

/// Which entries a statistic includes. A field that is `None` filters nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EntryFilter {
    /// The entries of one account.
    pub account: Option<AccountNumber>,
    /// The entries of one kind.
    pub kind: Option<EntryKind>,
    /// The entries that one provider reported.
    pub provider: Option<ProviderName>,
    /// The entries counted at or after this second of the epoch.
    pub from: Option<u64>,
    /// The entries counted before this second of the epoch.
    pub until: Option<u64>,
}

/// A position in the order of statistics: by the time at which entries are counted, and within a second by sequence number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cursor {
    /// When the entry is counted, seconds since the epoch.
    pub at: u64,
    /// The entry's sequence number.
    pub seq: u64,
}

/// Where a page begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PageStart {
    /// At the latest entry.
    Latest,
    /// At the entry before this one.
    Before(Cursor),
    /// The page that follows this entry, in the direction of later entries.
    After(Cursor),
}

/// The total of an hour's entries of one kind, provider and currency.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HourlyTotal {
    /// The hour's first second, since the epoch.
    pub hour: u64,
    /// The kind of the entries.
    pub kind: EntryKind,
    /// The provider that reported them.
    pub provider: Option<ProviderName>,
    /// The number of entries.
    pub count: u64,
    /// Their sum.
    pub amount: Money,
}

impl Entry {
    /// Returns the entry's position in the order of statistics.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.counted_at(), seq: self.seq }
    }
}
