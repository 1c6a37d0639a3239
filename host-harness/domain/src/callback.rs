//! Callbacks, as they are kept.

use crate::event::{Facts, Outcome};
use crate::identifiers::ProviderName;

/// A callback as it came: all that a provider judged it by, so that it can be judged again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredCallback {
    /// The provider that it came for.
    pub provider: ProviderName,
    /// Seconds since the epoch.
    pub received_at: u64,
    /// `GET` or `POST`.
    pub method: String,
    /// The query, still encoded.
    pub query: String,
    /// Header names, in lower case, and values, in the order in which they came; the host leaves out what could be its own secrets.
    /// Empty where the ledger was made before it kept them.
    pub headers: Vec<(String, String)>,
    /// The body, as bytes.
    pub body: Vec<u8>,
    /// The peer's IP address; empty where it is not known, or the ledger was made before it kept it.
    pub remote_address: String,
    /// Whether card data in it was masked before it was kept: then it is not whole, and judging it again tells nothing.
    pub is_masked: bool,
}

/// Which of the callbacks that an operator looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReviewFilter {
    /// Those that no operator has acknowledged, the oldest first, after one of them.
    WaitingAfter(u64),
    /// Those that one has, the last first, before one of them.
    AcknowledgedBefore(Option<u64>),
}

/// Who acknowledged a callback, and when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Acknowledged {
    /// Who.
    pub operator: String,
    /// When, seconds since the epoch.
    pub at: u64,
}

/// A callback that repeats an event and says something else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contradiction {
    /// Its number, from 1.
    pub id: u64,
    /// What the event came to when it was told first.
    pub outcome: Outcome,
    /// The callback that told it first.
    pub first: (StoredCallback, Facts),
    /// The callback that says something else.
    pub repeated: (StoredCallback, Facts),
    /// Who acknowledged it, where somebody did.
    pub acknowledged: Option<Acknowledged>,
}

/// How often a provider's callbacks were refused for a reason, within an hour.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusals {
    /// The provider; or the address that callbacks came to, where no provider is.
    pub provider: String,
    /// The problem's code.
    pub code: String,
    /// The hour's first second, since the epoch.
    pub hour: u64,
    /// How many.
    pub count: u64,
}

/// How many callbacks of a provider were accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CallbackCounts {
    /// The provider proved them, and the ledger has them; each repetition counts.
    pub accepted: u64,
    /// Of the events in them, so many had to wait for the operator.
    pub unmatched: u64,
    /// So many others nobody could judge.
    pub unrecognized: u64,
}

/// A callback that is proved and not understood, or that nobody could judge: the operator must see it. The same bytes again are
/// counted, and not kept again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnrecognizedCallback {
    /// Its number, from 1.
    pub id: u64,
    /// The callback, raw.
    pub callback: StoredCallback,
    /// For a program: the provider's code, or the host's. Empty where the ledger was made before it kept it.
    pub code: String,
    /// What the provider says of it.
    pub message: String,
    /// How often it came.
    pub times: u64,
    /// When it came last, seconds since the epoch.
    pub last_at: u64,
    /// Who acknowledged it, where somebody did.
    pub acknowledged: Option<Acknowledged>,
}

/// What became of a callback that nobody could judge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StoreOutcome {
    /// It is kept.
    Stored,
    /// The same was kept before, and is counted.
    Repeated,
    /// So many of its provider wait for the operator that it is not kept.
    LimitReached,
}
