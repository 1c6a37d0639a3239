//! What a host tells as it happens, for counting and for waking who waits. Nothing of a person and no sum of money is told.

use std::time::Duration;

/// Told what happens, from many threads at once; each call is to be quick.
pub trait Observer: Send + Sync {
    /// A provider's function was called: its name in the contract, what it came to (one of [`CALL_RESULTS`]), and how long it took.
    fn provider_called(&self, _provider: &str, _function: &'static str, _result: &'static str, _time: Duration) {}

    /// What a callback came to, such as `entered` or `refused`.
    fn callback_processed(&self, _provider: &str, _outcome: &'static str) {}

    /// There may be new entries.
    fn entries_changed(&self) {}
}

/// The functions of a provider, by the contract.
pub const FUNCTIONS: [&str; 4] = ["configure", "create-link", "handle-callback", "export-writeoffs"];

/// What a call comes to: done, declined by the provider with a problem, a limit exceeded, crashed, or against the contract.
pub const CALL_RESULTS: [&str; 5] = ["ok", "problem", "limit", "trap", "contract"];

/// Nobody is told.
impl Observer for () {}
