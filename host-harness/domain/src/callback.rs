//! Callbacks, as they are stored.

use crate::event::{Facts, Outcome};
use crate::identifiers::ProviderName;

/// A callback as it arrived: everything that the provider's verdict depended on, so that the callback can be replayed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredCallback {
    /// The provider that it was addressed to.
    pub provider: ProviderName,
    /// When it arrived, seconds since the epoch.
    pub received_at: u64,
    /// The method in upper case: `GET`, `POST`, …
    pub method: String,
    /// What followed the provider's callback address, still encoded; empty if nothing did, and for callbacks from before paths
    /// were stored.
    pub path: String,
    /// The query, still encoded.
    pub query: String,
    /// Header names, in lower case, and values, in the order of the request. Not the secret ones, and none that could hold the
    /// host's own secrets. Empty for callbacks from before headers were stored.
    pub headers: Vec<(String, String)>,
    /// The secret headers, sealed by the host; empty if there are none. They are opened only to judge the callback again.
    pub sealed_headers: Vec<u8>,
    /// The body, as bytes.
    pub body: Vec<u8>,
    /// The peer's IP address; empty if it is not known, and for callbacks from before addresses were stored.
    pub remote_address: String,
    /// Whether card data in it was masked before it was stored. A masked callback is not complete, so that replaying it proves
    /// nothing.
    pub is_masked: bool,
}

/// Which of the callbacks for an operator's review to list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReviewFilter {
    /// Those that are not acknowledged, the oldest first, after the one with this id.
    WaitingAfter(u64),
    /// Those that are acknowledged, the latest first, before the one with this id.
    AcknowledgedBefore(Option<u64>),
}

/// Who acknowledged a callback, and when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Acknowledged {
    /// The operator, or [`Acknowledged::BY_THIS_PROGRAM`].
    pub operator: String,
    /// The time, seconds since the epoch.
    pub at: u64,
}

impl Acknowledged {
    /// Stands for the operator if no person is needed: the same callback arrived again, and was accepted.
    pub const BY_THIS_PROGRAM: &str = "host-harness";
}

/// A report that repeats an event but contradicts the first report of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contradiction {
    /// Its number, from 1.
    pub id: u64,
    /// The provider that reported both.
    pub provider: ProviderName,
    /// The outcome of the event's first report.
    pub outcome: Outcome,
    /// The first report of the event.
    pub first: Report,
    /// The report that differs.
    pub repeated: Report,
    /// Who acknowledged it; `None` while nobody has.
    pub acknowledged: Option<Acknowledged>,
}

/// A report of an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The facts.
    pub facts: Facts,
    /// The callback that reported them; `None` if the payment system said so when it was asked.
    pub callback: Option<StoredCallback>,
}

/// How often a provider's callbacks were refused for a reason, within an hour.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusals {
    /// The provider; or the name in the callback address, if it is no provider's.
    pub provider: String,
    /// The problem's code.
    pub code: String,
    /// The hour's first second, since the epoch.
    pub hour: u64,
    /// The number of refused callbacks.
    pub count: u64,
}

/// How many callbacks of a provider were accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CallbackCounts {
    /// Callbacks that the provider proved and the ledger stored; each repetition counts.
    pub accepted: u64,
    /// How many of their events became unmatched.
    pub unmatched: u64,
    /// How many other callbacks are unrecognized.
    pub unrecognized: u64,
}

/// A callback that is proved but not understood, or that has no verdict: an operator must review it. A repetition with the same
/// bytes is counted, and not stored again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnrecognizedCallback {
    /// Its number, from 1.
    pub id: u64,
    /// The callback, raw.
    pub callback: StoredCallback,
    /// The code, for programs: the provider's or the host's. Empty for callbacks from before codes were stored.
    pub code: String,
    /// The provider's message about it.
    pub message: String,
    /// How often it arrived.
    pub times: u64,
    /// When it last arrived, seconds since the epoch.
    pub last_at: u64,
    /// Who acknowledged it; `None` while nobody has.
    pub acknowledged: Option<Acknowledged>,
}

/// The result of storing an unrecognized callback.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StoreOutcome {
    /// It is stored.
    Stored,
    /// The same callback is already stored; the repetition is counted.
    Repeated,
    /// It is not stored, because too many callbacks of its provider wait for an operator.
    LimitReached,
}
