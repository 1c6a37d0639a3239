//! Operators' decisions about money.

use crate::entry::Entry;
use crate::event::Event;
use crate::identifiers::OperationId;
use crate::names::names;

/// The kind of a decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecisionKind {
    /// An unmatched event was credited to an account.
    Entry,
    /// An unmatched event was dismissed.
    Dismissal,
    /// A balance was corrected.
    Correction,
    /// An earlier decision was undone.
    Undoing,
}

/// A decision that is not stored yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewDecision {
    /// The kind of the decision.
    pub kind: DecisionKind,
    /// The id of the unmatched event that it is about.
    pub unmatched: Option<u64>,
    /// The id of the decision that it undoes.
    pub undoes: Option<u64>,
    /// The operator who decided.
    pub operator: String,
    /// The reason, in the operator's words.
    pub reason: String,
    /// When it was made, seconds since the epoch.
    pub at: u64,
}

/// An operator's decision about money. It is never changed or removed, but a later decision can undo it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// Its number, from 1.
    pub id: u64,
    /// The kind of the decision.
    pub kind: DecisionKind,
    /// The id of the unmatched event that it is about.
    pub unmatched: Option<u64>,
    /// The id of the decision that it undoes.
    pub undoes: Option<u64>,
    /// The operator who decided.
    pub operator: String,
    /// The reason, in the operator's words.
    pub reason: String,
    /// When it was made, seconds since the epoch.
    pub at: u64,
    /// The id of the decision that undid it.
    pub undone_by: Option<u64>,
}

/// A decision with its entry and its event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decided {
    /// The decision.
    pub decision: Decision,
    /// The entry that it made; `None` if no money moved.
    pub entry: Option<Entry>,
    /// The event that it is about.
    pub event: Option<Event>,
}

/// Why a decision cannot be undone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UndoRefusal {
    /// There is no such decision.
    Unknown,
    /// It is already undone.
    AlreadyUndone,
    /// It undoes another decision. Make a new decision instead.
    IsUndoing,
    /// Money of the payment that it credited has been refunded or charged back since. Make a correction instead.
    MoneyWentBack {
        /// The sequence number of the refund's or chargeback's entry.
        seq: u64,
    },
    /// A refund of the payment that it credited is under way, or it is not known whether it was done. Let it end first.
    RefundUnderWay {
        /// The operation that refunds.
        id: OperationId,
    },
}

names!(DecisionKind { Entry "entry", Dismissal "dismissal", Correction "correction", Undoing "undoing", });
