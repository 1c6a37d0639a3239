//! Notifications from a host, for metrics and for waking whoever follows the entries. They contain no personal data and no
//! amounts.

use std::time::Duration;

<<<<<<< HEAD
use sandbox::Usage;

/// Told what happens, from many threads at once; each call is to be quick.
pub trait Observer: Send + Sync {
    /// A provider's function was called.
    fn provider_called(&self, _provider: &str, _call: &ProviderCall) {}
=======
/// Receives notifications, from many threads at once. Each method must return quickly.
pub trait Observer: Send + Sync {
    /// A provider's function was called. Gives its name in the contract, its result (one of [`CALL_RESULTS`]), and its
    /// duration.
    fn provider_called(&self, _provider: &str, _function: &'static str, _result: &'static str, _time: Duration) {}
>>>>>>> 7d5b263 (comments: say it plainly in host)

    /// A callback was processed, with an outcome such as `entered` or `refused`.
    fn callback_processed(&self, _provider: &str, _outcome: &'static str) {}

    /// There may be new entries.
    fn entries_changed(&self) {}
}

<<<<<<< HEAD
/// A call of a provider's function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ProviderCall {
    /// One of [`FUNCTIONS`].
    pub function: &'static str,
    /// What it came to: one of [`CALL_RESULTS`].
    pub result: &'static str,
    /// How long it took, without the wait for a permit.
    pub time: Duration,
    /// What it used. None of a call that failed, and of an export, which is many calls, each with a budget of its own.
    pub usage: Option<Usage>,
}

/// The functions of a provider, by the contract.
=======
/// The contract's functions of a provider.
>>>>>>> 7d5b263 (comments: say it plainly in host)
pub const FUNCTIONS: [&str; 4] = ["configure", "create-link", "handle-callback", "export-writeoffs"];

/// The results of a call: done, a problem reported by the provider, a limit exceeded, crashed, or the contract violated.
pub const CALL_RESULTS: [&str; 5] = ["ok", "problem", "limit", "trap", "contract"];

/// Ignores all notifications.
impl Observer for () {}
