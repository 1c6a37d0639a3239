//! Events: what a payment system proved.

use serde::{Deserialize, Serialize};

use crate::amount::Money;
use crate::fields::Fields;
use crate::identifiers::{DedupKey, OrderId, ProviderName, TransactionId};
use crate::names::names;

/// What a callback says of a movement of money: what a repetition of it is compared with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Facts {
    /// What happened.
    pub kind: EventKind,
    /// Whether the payment is one of a series.
    pub recurrence: Recurrence,
    /// The payment system's id.
    pub transaction: TransactionId,
    /// The order that the payment system names. No signature need cover it.
    pub order: Option<OrderId>,
    /// The payment system's id of the payer, 1 to 255 characters.
    pub payer: Option<String>,
    /// How much, positive; zero only where nothing was paid.
    pub amount: Money,
    /// When it happened by the payment system's clock, as the provider tells it: `2026-11-27T10:00:00+03:00`.
    pub occurred_at: Option<String>,
}

/// A movement of money that a provider proved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ProvedEvent {
    /// What moved.
    #[serde(flatten)]
    pub facts: Facts,
    /// What the ledger's entry says, at most 255 characters.
    pub comment: String,
    /// What the same fact has every time it is told.
    pub dedup_key: DedupKey,
    /// What else an operator may want to see, as received: not proved.
    pub extra: Fields,
}

/// A movement of money that one of the host's providers proved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// The provider, by the name that the host gives it.
    pub provider: ProviderName,
    /// What moved. A time that the provider cannot read stands as it was received.
    pub facts: Facts,
    /// What stands in the statistics.
    pub comment: String,
    /// What the same fact has every time it is told.
    pub dedup_key: DedupKey,
    /// What else an operator may want to see, as received: not proved.
    pub extra: Fields,
}

impl Event {
    /// What the provider of a name proved.
    pub fn new(provider: ProviderName, proved: ProvedEvent) -> Event {
        let ProvedEvent { mut facts, comment, dedup_key, extra } = proved;
        // A date that the provider cannot read still tells two movements apart.
        let received = || extra.iter().find(|(name, _)| name == "date").map(|(_, value)| value.clone());
        facts.occurred_at = facts.occurred_at.or_else(received);
        Event { provider, facts, comment, dedup_key, extra }
    }
}

/// What happened at the payment system.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    Recorded {
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
    NoMovement,
    /// It has the key of an event that came before and says something else. Nothing more is entered; an operator has to look.
    Contradiction {
        /// Its number among the contradictions; none where so many of one event are kept that it is not.
        id: Option<u64>,
    },
}

names!(EventKind { Payment "payment", Refund "refund", Chargeback "chargeback", Hold "hold", Declined "declined", });

names!(Recurrence { Single "single", First "first", Repeat "repeat", });
