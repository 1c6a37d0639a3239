//! Notifications from a host, for metrics and for waking whoever follows the entries. They contain no personal data and no
//! amounts.

use std::time::Duration;

use sandbox::Usage;

/// Receives notifications, from many threads at once. Each method must return quickly.
pub trait Observer: Send + Sync {
    /// A provider's function was called.
    fn provider_called(&self, _provider: &str, _call: &ProviderCall) {}

    /// A callback was processed, with an outcome such as `entered` or `refused`.
    fn callback_processed(&self, _provider: &str, _outcome: &'static str) {}

    /// A call that the host made for a provider has ended.
    fn call_ended(&self, _provider: &str, _call: &EndedCall<'_>) {}

    /// Billing was asked about an account.
    fn billing_asked(&self, _asked: &BillingAsked) {}

    /// There may be new entries.
    fn entries_changed(&self) {}
}

/// A call of a provider's function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ProviderCall {
    /// One of [`FUNCTIONS`] or [`ABILITY_FUNCTIONS`].
    pub function: &'static str,
    /// One of [`CALL_RESULTS`].
    pub result: &'static str,
    /// Its duration, without the wait for a permit.
    pub time: Duration,
    /// The fuel and memory that it used. `None` for a failed call, and for an export, which is many calls with a budget each.
    pub usage: Option<Usage>,
}

/// A call that the host made for a provider, or did not send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct EndedCall<'c> {
    /// The host that was called, one of those that the component may call; [`OTHER`](crate::OTHER) for a call to another one, which
    /// is not sent.
    pub host: &'c str,
    /// One of [`HTTP_RESULTS`].
    pub result: &'static str,
    /// From connecting to the last byte of the answer.
    pub time: Duration,
}

impl EndedCall<'_> {
    /// Reports whether it was sent, or may have been.
    pub fn is_sent(&self) -> bool {
        self.result != NOT_SENT
    }
}

/// A question to billing about an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct BillingAsked {
    /// `check` or `payment`.
    pub purpose: &'static str,
    /// One of [`HTTP_RESULTS`]. An answer that cannot be used is `unknown`.
    pub result: &'static str,
    /// From asking to the answer.
    pub time: Duration,
}

impl BillingAsked {
    /// Reports whether billing may have got the question.
    pub fn is_sent(&self) -> bool {
        self.result != NOT_SENT
    }
}

const NOT_SENT: &str = "not-sent";
/// The results of a call to a payment system or to billing: answered with any status, not sent, or sent without an answer.
pub const HTTP_RESULTS: [&str; 3] = ["answered", NOT_SENT, "unknown"];

/// The contract's functions of every provider.
pub const FUNCTIONS: [&str; 4] = ["configure", "create-link", "handle-callback", "export-writeoffs"];

/// The functions of abilities that the host calls.
pub const ABILITY_FUNCTIONS: [&str; 6] =
    ["query-payment", "refund-payment", "query-refund", "charge-again", "query-charge", "cancel-recurring"];

/// The results of a call: done, a problem reported by the provider, a limit exceeded, crashed, or the contract violated.
pub const CALL_RESULTS: [&str; 5] = ["ok", "problem", "limit", "trap", "contract"];

/// Ignores all notifications.
impl Observer for () {}
