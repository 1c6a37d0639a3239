//! What operators decide about money.

use crate::entry::Entry;
use crate::event::Event;
use crate::names::names;

/// What an operator decided about money.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecisionKind {
    /// An event that waited was entered to an account.
    Entry,
    /// An event that waited was dismissed.
    Dismissal,
    /// A balance was corrected.
    Correction,
    /// An earlier decision was undone.
    Undoing,
}

/// A decision to be kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewDecision {
    /// What was decided.
    pub kind: DecisionKind,
    /// The number of the event that it is about, among those that wait or waited.
    pub unmatched: Option<u64>,
    /// The decision that it undoes.
    pub undoes: Option<u64>,
    /// Who decided.
    pub operator: String,
    /// Why, in the operator's words.
    pub reason: String,
    /// When, seconds since the epoch.
    pub at: u64,
}

/// What an operator decided about money. Nothing changes or removes it; a later one may undo it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// Its number, from 1.
    pub id: u64,
    /// What was decided.
    pub kind: DecisionKind,
    /// The number of the event that it is about, among those that wait or waited.
    pub unmatched: Option<u64>,
    /// The decision that it undoes.
    pub undoes: Option<u64>,
    /// Who decided.
    pub operator: String,
    /// Why, in the operator's words.
    pub reason: String,
    /// When, seconds since the epoch.
    pub at: u64,
    /// The decision that undid it.
    pub undone_by: Option<u64>,
}

/// A decision with what it is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decided {
    /// The decision.
    pub decision: Decision,
    /// The entry that it made; none where no money moved.
    pub entry: Option<Entry>,
    /// The event that it is about.
    pub event: Option<Event>,
}

/// Why a decision cannot be undone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UndoRefusal {
    /// There is no such decision.
    Unknown,
    /// It was undone before.
    AlreadyUndone,
    /// It undoes another one: decide again instead.
    IsUndoing,
    /// Money of the payment that it entered went back since then: the entry of that place. Correct by hand.
    MoneyWentBack {
        /// The place of the refund's or chargeback's entry.
        seq: u64,
    },
}

names!(DecisionKind { Entry "entry", Dismissal "dismissal", Correction "correction", Undoing "undoing", });
