//! What a check of the ledger finds.

use std::fmt;

use crate::names::names;

/// What does not hold in a ledger, as a check found it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What kind of thing does not hold.
    pub code: FindingCode,
    /// What it is about: an account, an hour, an entry's place; empty where it is about the whole.
    pub about: String,
    /// What is wrong.
    pub detail: String,
}

/// What kind of thing does not hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FindingCode {
    /// The storage's own check finds damage.
    Damage,
    /// Commits that were answered are missing.
    LostCommits,
    /// An account's balance is not the sum of its entries.
    Balance,
    /// An hour's sums are not those of its entries.
    HourlyTotal,
    /// Entries are missing between others.
    MissingEntries,
    /// An entry is not what its order, event, write-off or correction says, or there is none.
    Entry,
    /// A record names another one that is not there.
    Reference,
    /// An event that waited is resolved in part, or otherwise than operators decided.
    Resolution,
    /// A write-off has a day that is none of the calendar.
    WriteOffDay,
    /// Two accounts have one tax number under two names or kinds.
    BuyerName,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { code, about, detail } = self;
        let space = if about.is_empty() { "" } else { " " };
        write!(f, "{}{space}{about}: {detail}", code.name())
    }
}

names!(FindingCode {
    Damage "damage", LostCommits "lost-commits", Balance "balance", HourlyTotal "hour", MissingEntries "missing-entries", Entry "entry",
    Reference "reference", Resolution "resolution", WriteOffDay "write-off-day",
    BuyerName "buyer-name",
});
