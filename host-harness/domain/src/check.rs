//! Findings of a check of the ledger.

use std::fmt;

use crate::names::names;

/// An invariant of the ledger that a check found broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The kind of a finding.
    pub code: FindingCode,
    /// What it is about: an account, an hour, an entry's sequence number; empty if it is about the whole database.
    pub about: String,
    /// What is wrong.
    pub detail: String,
}

/// The kind of a finding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FindingCode {
    /// The storage's own check finds damage.
    Damage,
    /// Commits that were answered are missing.
    LostCommits,
    /// An account's balance is not the sum of its entries.
    Balance,
    /// An hour's stored sums are not the sums of its entries.
    HourlyTotal,
    /// The sequence numbers of entries have a gap.
    MissingEntries,
    /// An entry contradicts its order, event, write-off or correction, or no record made it.
    Entry,
    /// A record refers to another one that does not exist.
    Reference,
    /// An unmatched event is resolved in part, or not as operators decided.
    Resolution,
    /// A write-off has a date that does not exist in the calendar.
    WriteOffDay,
    /// A movement contradicts its entry, its unmatched event or the movement that it belongs to.
    Movement,
    /// An operation contradicts its movement, its payment or another operation.
    Operation,
    /// Two accounts have the same tax number but different names or kinds.
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
    Movement "movement", Operation "operation", BuyerName "buyer-name",
});
