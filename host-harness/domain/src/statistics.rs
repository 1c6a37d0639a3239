//! What statistics are asked for, and what they say.

use crate::amount::Money;
use crate::entry::{Entry, EntryKind};
use crate::identifiers::{AccountNumber, ProviderName};

/// Which entries a statistic is about; what is absent is not looked at.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EntryFilter {
    /// Of one account.
    pub account: Option<AccountNumber>,
    /// Of one kind.
    pub kind: Option<EntryKind>,
    /// Told of by one provider.
    pub provider: Option<ProviderName>,
    /// Counted from this second of the epoch on.
    pub from: Option<u64>,
    /// Counted before this second of the epoch.
    pub until: Option<u64>,
}

/// A place among entries as a statistic orders them: by the time that they are counted at, and by their place in the ledger within a second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cursor {
    /// Seconds since the epoch.
    pub at: u64,
    /// The entry's place in the ledger.
    pub seq: u64,
}

/// Where a page begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PageStart {
    /// At the latest entry.
    Latest,
    /// At the entry before one.
    Before(Cursor),
    /// At the end, so that the page is the one that comes just after an entry.
    After(Cursor),
}

/// What was entered within an hour, of one kind, provider and currency.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HourlyTotal {
    /// Its first second, since the epoch.
    pub hour: u64,
    /// The kind of the entries.
    pub kind: EntryKind,
    /// The provider that told of them.
    pub provider: Option<ProviderName>,
    /// How many.
    pub count: u64,
    /// Their sum.
    pub amount: Money,
}

impl Entry {
    /// Where a statistic has it.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.counted_at(), seq: self.seq }
    }
}
