//! What the host tells of its work as it goes on, to be counted.

use std::time::Duration;

/// Is told what happens, on the threads where it does: it must not block. Names and outcomes are few and hold nothing of a person or of
/// a sum of money.
pub trait Observer: Send + Sync {
    /// A provider was called: the function as the contract names it, and `ok`, `problem`, `limit`, `trap` or `contract`.
    fn provider_called(&self, provider: &str, function: &'static str, result: &'static str, time: Duration);

    /// A callback came to something, such as `entered`, `repeated`, `unmatched` or `refused`.
    fn callback_received(&self, provider: &str, outcome: &'static str);
}

/// Counts nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn provider_called(&self, _: &str, _: &'static str, _: &'static str, _: Duration) {}

    fn callback_received(&self, _: &str, _: &'static str) {}
}
