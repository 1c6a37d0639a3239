//! Events: facts about money that a payment system proved.

use serde::{Deserialize, Serialize};

use crate::amount::Money;
use crate::fields::Fields;
use crate::identifiers::{AccountNumber, DedupKey, OrderId, ProviderName, TransactionId};
use crate::names::names;

/// What a callback says about a movement of money. A repetition is compared with it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Facts {
    /// What happened.
    pub kind: EventKind,
    /// Whether the payment is one of a series.
    pub recurrence: Recurrence,
    /// The payment system's id.
    pub transaction: TransactionId,
    /// Of money that goes back: the transaction of the payment that it takes back, if the payment system names it.
    pub original: Option<TransactionId>,
    /// Of a payment or a release: the key of the hold that it ends, if there is such a hold.
    pub ends_hold: Option<DedupKey>,
    /// Of a hold: when it ends by itself, seconds since the epoch.
    pub expires_at: Option<u64>,
    /// The order that the payment system names. A signature does not always cover it.
    pub order: Option<OrderId>,
    /// The account that it names instead of an order, because the payer entered it at a terminal or in a bank's app.
    pub account: Option<AccountNumber>,
    /// The payment system's id of the payer, 1 to 255 characters.
    pub payer: Option<String>,
    /// The amount, positive; zero only if nothing was paid.
    pub amount: Money,
    /// When it happened by the payment system's clock, as the provider reports it: `2026-11-27T10:00:00+03:00`.
    pub occurred_at: Option<String>,
}

impl Facts {
    /// Creates the facts of a single movement that names nothing else. The caller sets the other fields.
    pub fn new(kind: EventKind, transaction: TransactionId, amount: Money) -> Facts {
        Facts {
            kind,
            recurrence: Recurrence::Single,
            transaction,
            original: None,
            ends_hold: None,
            expires_at: None,
            order: None,
            account: None,
            payer: None,
            amount,
            occurred_at: None,
        }
    }
}

/// A movement of money that a provider proved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ProvedEvent {
    /// The facts.
    #[serde(flatten)]
    pub facts: Facts,
    /// The comment of the ledger's entry, at most 255 characters.
    pub comment: String,
    /// The key that is equal for every report of the same movement.
    pub dedup_key: DedupKey,
    /// What the payment system keeps of the amount, VAT included, if it says so. It informs, and decides nothing.
    pub fee: Option<Money>,
    /// Other values that an operator may want to see, as received: not proved.
    pub extra: Fields,
}

/// A movement of money that one of the host's providers proved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// The provider, by the host's name for it.
    pub provider: ProviderName,
    /// The facts. A time that the provider cannot parse is kept as it was received.
    pub facts: Facts,
    /// The text that statistics show.
    pub comment: String,
    /// The key that is equal for every report of the same movement.
    pub dedup_key: DedupKey,
    /// What the payment system keeps of the amount, VAT included, if it says so. It informs, and decides nothing.
    pub fee: Option<Money>,
    /// Other values that an operator may want to see, as received: not proved.
    pub extra: Fields,
}

impl Event {
    /// Creates the event from what the provider of this name proved.
    pub fn new(provider: ProviderName, proved: ProvedEvent) -> Event {
        let ProvedEvent { mut facts, comment, dedup_key, fee, extra } = proved;
        // A date that the provider cannot parse still distinguishes two movements.
        let received = || extra.iter().find(|(name, _)| name == "date").map(|(_, value)| value.clone());
        facts.occurred_at = facts.occurred_at.or_else(received);
        Event { provider, facts, comment, dedup_key, fee, extra }
    }
}

/// What happened at the payment system.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Money came in.
    Payment,
    /// Money went back to the payer, by the merchant's decision.
    Refund,
    /// Money went back to the payer, by the bank's decision.
    Chargeback,
    /// A chargeback that the merchant won: the money is back.
    ChargebackReversal,
    /// Money is reserved and not paid.
    Hold,
    /// A hold ended without a payment.
    HoldRelease,
    /// The payer tried, and no money moved.
    Declined,
}

/// Whether a payment is one of a series.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recurrence {
    /// A single payment.
    Single,
    /// The first, which the subscriber made.
    First,
    /// A later one, which the payment system made.
    Repeat,
}

/// The outcome of an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// An entry was made, now or when the same event first arrived.
    Recorded {
        /// The entry's sequence number.
        seq: u64,
        /// Whether the event had arrived before.
        repeated: bool,
    },
    /// The event waits for an operator, or has waited.
    Unmatched {
        /// Its id among the unmatched events.
        id: u64,
        /// Whether the event had arrived before.
        repeated: bool,
    },
    /// No money moved.
    NoMovement,
    /// The event has the dedup key of an earlier event but different facts. No further entry is made; an operator must review
    /// it.
    Contradiction {
        /// Its id among the contradictions; `None` if it is not stored, because the same contradiction or too many of this
        /// event already are.
        id: Option<u64>,
    },
}

names!(EventKind {
    Payment "payment", Refund "refund", Chargeback "chargeback", ChargebackReversal "chargeback-reversal", Hold "hold",
    HoldRelease "hold-release", Declined "declined",
});

names!(Recurrence { Single "single", First "first", Repeat "repeat", });
