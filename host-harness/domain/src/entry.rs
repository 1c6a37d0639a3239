//! Entries: the lines of the ledger.

use crate::amount::Money;
use crate::date::Date;
use crate::identifiers::{AccountNumber, OrderId, ProviderName, TransactionId};
use crate::names::names;

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum EntryKind {
    /// Money that came in by a payment system.
    Payment,
    /// Money that went back.
    Refund,
    /// Money that the payer's bank took back.
    Chargeback,
    /// A charge for a service.
    WriteOff,
    /// What an operator entered.
    Correction,
}

/// An entry to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewEntry {
    /// The account.
    pub account: AccountNumber,
    /// What it is.
    pub kind: EntryKind,
    /// What the balance changes by: negative where money leaves the account.
    pub amount: Money,
    /// What stands in the statistics.
    pub comment: String,
    /// The order that it is about.
    pub order: Option<OrderId>,
    /// The payment system's id.
    pub transaction: Option<TransactionId>,
    /// The provider that told of it.
    pub provider: Option<ProviderName>,
    /// When it is entered, seconds since the epoch.
    pub at: u64,
    /// The day that statistics count it by, where that is not the day of `at`: a write-off's date.
    pub date: Option<Date>,
    /// The operator's decision that it was made by, where it was.
    pub decision: Option<DecidedBy>,
    /// The place of the entry that it takes back. It has the opposite amount, and all else of that entry.
    pub reverses: Option<u64>,
    /// What the provider said beside the event, as received: not proved.
    pub extra: Vec<(String, String)>,
}

/// Whose decision an entry was made by, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecidedBy {
    /// The decision's number.
    pub id: u64,
    /// Who decided.
    pub operator: String,
    /// Why, in the operator's words.
    pub reason: String,
}

impl NewEntry {
    /// When statistics count it, seconds since the epoch: when it is entered, or at 11:00 UTC of its date, which is that day's in
    /// every time zone from UTC-11 to UTC+12.
    pub fn counted_at(&self) -> u64 {
        self.date.map_or(self.at, Date::counted_at)
    }

    /// The entry at a place in the ledger.
    pub fn entered(self, seq: u64, writeoff: Option<String>) -> Entry {
        let NewEntry { account, kind, amount, comment, order, transaction, provider, at, date, decision, reverses, extra } =
            self;
        Entry {
            seq,
            account,
            kind,
            amount,
            comment,
            order,
            transaction,
            provider,
            at,
            date,
            decision,
            reverses,
            extra,
            writeoff,
        }
    }
}

/// A line of the ledger. Nothing changes or removes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its place in the ledger, from 1: later ones are higher, and none comes in between.
    pub seq: u64,
    /// The account.
    pub account: AccountNumber,
    /// What it is.
    pub kind: EntryKind,
    /// What the balance changes by: negative where money leaves the account.
    pub amount: Money,
    /// What stands in the statistics.
    pub comment: String,
    /// The order that it is about.
    pub order: Option<OrderId>,
    /// The payment system's id.
    pub transaction: Option<TransactionId>,
    /// The provider that told of it.
    pub provider: Option<ProviderName>,
    /// When it is entered, seconds since the epoch.
    pub at: u64,
    /// The day that statistics count it by, where that is not the day of `at`: a write-off's date.
    pub date: Option<Date>,
    /// The operator's decision that it was made by, where it was.
    pub decision: Option<DecidedBy>,
    /// The place of the entry that it takes back. It has the opposite amount, and all else of that entry.
    pub reverses: Option<u64>,
    /// What the provider said beside the event, as received: not proved.
    pub extra: Vec<(String, String)>,
    /// The id of the write-off that it was made by.
    pub writeoff: Option<String>,
}

impl Entry {
    /// When statistics count it; see [`NewEntry::counted_at`].
    pub fn counted_at(&self) -> u64 {
        self.date.map_or(self.at, Date::counted_at)
    }

    /// What takes it back, by a decision: the opposite amount and all else of it. `None` where the amount has no opposite, which is so
    /// of the smallest that 64 bits hold.
    pub fn reversal(self, comment: String, decision: DecidedBy, at: u64) -> Option<NewEntry> {
        let Entry { seq, account, kind, amount, order, transaction, provider, date, extra, .. } = self;
        let amount = Money { minor_units: amount.minor_units.checked_neg()?, ..amount };
        let (decision, reverses) = (Some(decision), Some(seq));
        Some(NewEntry { account, kind, amount, comment, order, transaction, provider, at, date, decision, reverses, extra })
    }
}

/// What an operator enters by hand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Correction {
    /// Two corrections with one key are one.
    pub key: String,
    /// The account.
    pub account: AccountNumber,
    /// What the balance changes by. Not zero.
    pub amount: Money,
    /// Who.
    pub operator: String,
    /// Why; it stands in the statistics.
    pub comment: String,
}

/// Why a correction is not entered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CorrectionRefusal {
    /// There is no such account.
    UnknownAccount,
    /// It changes nothing.
    AmountZero,
    /// The key was used for another correction.
    KeyReused,
}

names!(EntryKind {
    Payment "payment", Refund "refund", Chargeback "chargeback", WriteOff "write-off", Correction "correction",
});
