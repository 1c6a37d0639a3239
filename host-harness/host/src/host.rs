//! The host: what it is made of.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use catalog::Catalog;
use domain::ProviderName;
use ledger::Ledger;
use sandbox::Sandbox;

use crate::call_permits::CallPermits;
use crate::call_pool::CallPool;
use crate::clock::Clock;
use crate::error::HostError;
use crate::observer::Observer;
use crate::refusals::RefusalCounter;
use crate::registry::Registry;
use crate::roster::Roster;
use crate::sealing::Key;
use crate::spent_tokens::SpentTokens;

/// How often counted refusals are written.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(1);

/// The host. It is cheap to clone, and threads share it.
#[derive(Clone)]
pub struct Host(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub ledger: Ledger,
    pub catalog: Catalog,
    pub sandbox: Sandbox,
    pub key: Key,
    /// The folder that exports are made in.
    pub exports: PathBuf,
    pub callback_url: CallbackUrl,
    pub clock: Box<dyn Clock>,
    pub observer: Box<dyn Observer>,
    pub registry: Registry,
    pub roster: Roster,
    pub refusals: RefusalCounter,
    pub spent: SpentTokens,
    pub permits: CallPermits,
    /// Who makes the calls for callbacks.
    pub pool: Arc<CallPool>,
    /// Held while a component is swapped: one at a time.
    pub swap_lock: Mutex<()>,
    /// Held while an export is made: one at a time.
    pub export_lock: Mutex<()>,
}

pub(crate) type CallbackUrl = Box<dyn Fn(&ProviderName) -> String + Send + Sync>;

/// Writes what is counted in memory, as long as the host is there.
pub(crate) fn housekeeping(host: &Weak<Inner>) {
    loop {
        std::thread::sleep(HOUSEKEEPING_INTERVAL);
        let Some(inner) = host.upgrade() else { return };
        inner.refusals.flush(&inner.ledger);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.refusals.flush(&self.ledger);
    }
}

impl Host {
    /// What time it is, seconds since the epoch, by the clock that the host was opened with.
    pub fn now(&self) -> u64 {
        self.0.clock.now()
    }

    /// Whether the ledger takes what it is told: a commit that is made to see it.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn ready(&self) -> Result<(), HostError> {
        Ok(self.0.ledger.ready()?)
    }

    /// Writes the refusals that were counted; the host does it by itself every second, and when it is dropped.
    pub fn flush_refusals(&self) {
        self.0.refusals.flush(&self.0.ledger);
    }

    /// The key that secrets are sealed with, and tokens.
    pub fn key(&self) -> &Key {
        &self.0.key
    }

    /// Whether a token that is good once was used.
    pub fn is_spent(&self, token_id: &str) -> bool {
        self.0.spent.contains(token_id)
    }

    /// Uses a token that is good once and ends in so many seconds; whether it was good until now.
    ///
    /// # Errors
    /// The storage is unavailable; the token stays good.
    pub fn spend_token(&self, token_id: &str, seconds: u64) -> Result<bool, HostError> {
        let now = self.now();
        Ok(self.0.spent.spend(&self.0.ledger, token_id, now + seconds, now)?)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Host")
    }
}
