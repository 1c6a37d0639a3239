//! Entries: the lines of the ledger.

use crate::amount::Money;
use crate::date::Date;
use crate::event::seconds_of;
use crate::identifiers::{AccountNumber, OrderId, ProviderName, TransactionId};
use crate::movement::{MovementId, MovementOrigin};
use crate::names::names;

/// The kind of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum EntryKind {
    /// Money that came in by a payment system.
    Payment,
    /// Money back to the payer, by the merchant's decision.
    Refund,
    /// Money back to the payer, by the bank's decision.
    Chargeback,
    /// Money of a chargeback that the merchant won.
    ChargebackReversal,
    /// A charge for a service.
    WriteOff,
    /// An amount that an operator entered by hand.
    Correction,
}

/// An entry that is not in the ledger yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewEntry {
    /// The account.
    pub account: AccountNumber,
    /// The kind.
    pub kind: EntryKind,
    /// The change of the balance: negative if money leaves the account.
    pub amount: Money,
    /// The text that statistics show.
    pub comment: String,
    /// The order that it belongs to.
    pub order: Option<OrderId>,
    /// The payment system's id.
    pub transaction: Option<TransactionId>,
    /// The provider that reported it.
    pub provider: Option<ProviderName>,
    /// When it is made, seconds since the epoch.
    pub at: u64,
    /// The date under which statistics count it, if not that of `at`: a write-off's date.
    pub date: Option<Date>,
    /// The operator's decision that made it, if one did.
    pub decision: Option<DecidedBy>,
    /// The sequence number of the entry that it reverses. A reversal has the opposite amount, and otherwise the values of that
    /// entry.
    pub reverses: Option<u64>,
    /// What the provider reported beside the event, as received: not proved.
    pub extra: Vec<(String, String)>,
}

/// The decision that made an entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecidedBy {
    /// The decision's id.
    pub id: u64,
    /// The operator who decided.
    pub operator: String,
    /// The reason, in the operator's words.
    pub reason: String,
}

impl NewEntry {
    /// Returns the time at which statistics count it, in seconds since the epoch: `at`, or 11:00 UTC of its date, which falls
    /// on that date in every time zone from UTC-11 to UTC+12.
    pub fn counted_at(&self) -> u64 {
        self.date.map_or(self.at, Date::counted_at)
    }
}

/// A line of the ledger. It is never changed or removed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its sequence number in the ledger, from 1. A later entry has a higher number, and no entry is ever inserted between
    /// others.
    pub seq: u64,
    /// The account.
    pub account: AccountNumber,
    /// The kind.
    pub kind: EntryKind,
    /// The change of the balance: negative if money leaves the account.
    pub amount: Money,
    /// The text that statistics show.
    pub comment: String,
    /// The order that it belongs to.
    pub order: Option<OrderId>,
    /// The payment system's id.
    pub transaction: Option<TransactionId>,
    /// The provider that reported it.
    pub provider: Option<ProviderName>,
    /// The movement that it enters, whether a rule or an operator entered it. A reversal enters none.
    pub movement: Option<MovementId>,
    /// How the host learnt of that movement.
    pub origin: Option<MovementOrigin>,
    /// When that movement happened, as the payment system says: as [`Facts::occurred_at`](crate::Facts).
    pub occurred_at: Option<String>,
    /// When it is made, seconds since the epoch.
    pub at: u64,
    /// The date under which statistics count it, if not that of `at`: a write-off's date.
    pub date: Option<Date>,
    /// The operator's decision that made it, if one did.
    pub decision: Option<DecidedBy>,
    /// The sequence number of the entry that it reverses. A reversal has the opposite amount, and otherwise the values of that
    /// entry.
    pub reverses: Option<u64>,
    /// What the provider reported beside the event, as received: not proved.
    pub extra: Vec<(String, String)>,
    /// The id of the write-off that made it.
    pub writeoff: Option<String>,
}

impl Entry {
    /// Returns the time at which statistics count it; see [`NewEntry::counted_at`].
    pub fn counted_at(&self) -> u64 {
        self.date.map_or(self.at, Date::counted_at)
    }

    /// Returns when its movement happened, as [`Facts::happened_at`](crate::Facts::happened_at).
    pub fn happened_at(&self) -> Option<u64> {
        seconds_of(self.occurred_at.as_deref()?)
    }

    /// Returns the entry that reverses this one, by a decision: it has the opposite amount, and otherwise this entry's values.
    /// `None` if the amount has no opposite: the smallest `i64`.
    pub fn reversal(self, comment: String, decision: DecidedBy, at: u64) -> Option<NewEntry> {
        let Entry { seq, account, kind, amount, order, transaction, provider, date, extra, .. } = self;
        let amount = Money { minor_units: amount.minor_units.checked_neg()?, ..amount };
        let (decision, reverses) = (Some(decision), Some(seq));
        Some(NewEntry { account, kind, amount, comment, order, transaction, provider, at, date, decision, reverses, extra })
    }
}

/// An entry that an operator makes by hand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Correction {
    /// The idempotency key: two corrections with the same key are one.
    pub key: String,
    /// The account.
    pub account: AccountNumber,
    /// The change of the balance. Not zero.
    pub amount: Money,
    /// The operator.
    pub operator: String,
    /// The reason. Statistics show it.
    pub comment: String,
}

/// Why a correction is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CorrectionRefusal {
    /// There is no such account.
    UnknownAccount,
    /// The amount is zero.
    AmountZero,
    /// The key is already used by a different correction.
    KeyReused,
}

names!(EntryKind {
    Payment "payment", Refund "refund", Chargeback "chargeback", ChargebackReversal "chargeback-reversal",
    WriteOff "write-off", Correction "correction",
});
