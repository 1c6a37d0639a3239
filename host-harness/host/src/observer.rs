//! What a host tells as it happens, for counting and for waking who waits. Nothing of a person and no sum of money is told.

use std::time::Duration;

use sandbox::Usage;

/// Told what happens, from many threads at once; each call is to be quick.
pub trait Observer: Send + Sync {
    /// A provider's function was called.
    fn provider_called(&self, _provider: &str, _call: &ProviderCall) {}

    /// What a callback came to, such as `entered` or `refused`.
    fn callback_processed(&self, _provider: &str, _outcome: &'static str) {}

    /// There may be new entries.
    fn entries_changed(&self) {}
}

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
pub const FUNCTIONS: [&str; 4] = ["configure", "create-link", "handle-callback", "export-writeoffs"];

/// What a call comes to: done, declined by the provider with a problem, a limit exceeded, crashed, or against the contract.
pub const CALL_RESULTS: [&str; 5] = ["ok", "problem", "limit", "trap", "contract"];

/// Nobody is told.
impl Observer for () {}
