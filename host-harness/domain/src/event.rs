//! Events: what a payment system proved.

use crate::amount::Money;
use crate::names::names;

/// What a provider proved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// The provider, by the name that the host gives it.
    pub provider: String,
    /// What happened.
    pub kind: EventKind,
    /// Whether the payment is one of a series.
    pub recurrence: Recurrence,
    /// The payment system's id.
    pub transaction: String,
    /// The order that the payment system names. No signature need cover it.
    pub order: Option<String>,
    /// The payment system's id of the payer.
    pub payer: Option<String>,
    /// How much, positive.
    pub amount: Money,
    /// When it happened by the payment system's clock, as the provider tells it: `2026-11-27T10:00:00+03:00`. What the provider
    /// cannot read stands as it was received.
    pub occurred_at: Option<String>,
    /// What stands in the statistics.
    pub comment: String,
    /// What the same fact has every time it is told.
    pub dedup_key: String,
    /// What else an operator may want to see, as received: not proved.
    pub extra: Vec<(String, String)>,
}

/// What a callback says of its event, as it is kept beside the callback: what a repetition is compared with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts {
    /// What happened.
    pub kind: EventKind,
    /// Whether the payment is one of a series.
    pub recurrence: Recurrence,
    /// The payment system's id.
    pub transaction: String,
    /// The order that the payment system names.
    pub order: Option<String>,
    /// The payment system's id of the payer.
    pub payer: Option<String>,
    /// How much.
    pub amount: Money,
    /// When it happened by the payment system's clock.
    pub occurred_at: Option<String>,
}

impl Event {
    /// What it says.
    pub fn facts(&self) -> Facts {
        Facts {
            kind: self.kind,
            recurrence: self.recurrence,
            transaction: self.transaction.clone(),
            order: self.order.clone(),
            payer: self.payer.clone(),
            amount: self.amount,
            occurred_at: self.occurred_at.clone(),
        }
    }
}

/// What happened at the payment system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// Money came in.
    Payment,
    /// Money went back.
    Refund,
    /// The payer's bank took money back.
    Chargeback,
    /// Money is held, and not there yet.
    Hold,
    /// No money came.
    Declined,
}

/// Whether a payment is one of a series.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recurrence {
    /// By itself.
    Single,
    /// The first, which the subscriber made.
    First,
    /// A later one, which the payment system made.
    Repeat,
}

/// What an event came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// An entry was made, or was made when the same event came before.
    Entered {
        /// Its place in the ledger.
        seq: u64,
        /// Whether the event came before.
        repeated: bool,
    },
    /// It waits for the operator, or did before.
    Unmatched {
        /// Its number among those that wait.
        id: u64,
        /// Whether the event came before.
        repeated: bool,
    },
    /// No money moved.
    NoMoney,
    /// It has the key of an event that came before and says something else. Nothing more is entered; an operator has to look.
    Contradiction {
        /// Its number among the contradictions; none where so many of one event are kept that it is not.
        id: Option<u64>,
    },
}

names!(EventKind { Payment "payment", Refund "refund", Chargeback "chargeback", Hold "hold", Declined "declined", });

names!(Recurrence { Single "single", First "first", Repeat "repeat", });
