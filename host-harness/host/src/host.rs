//! The `Host`, and its parts.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use catalog::Catalog;
use domain::ProviderName;
use ledger::Ledger;
use sandbox::Sandbox;

use crate::billing::BillingAccounts;
use crate::call_counts::{CallCount, CallCounts};
use crate::call_permits::CallPermits;
use crate::call_pool::CallPool;
use crate::call_times::CallTimes;
use crate::clock::Clock;
use crate::error::HostError;
use crate::observer::Observer;
use crate::outbound::Outbound;
use crate::refusal_log::RefusalLog;
use crate::refusals::RefusalCounter;
use crate::registry::Registry;
use crate::roster::Roster;
use crate::running_operations::RunningOperations;
use crate::sealing::Key;
use crate::spent_tokens::SpentTokens;
use crate::told_refunds::ToldRefunds;

/// How often counted refusals are written.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(1);

/// The host. Clones are cheap, and threads can share it.
#[derive(Clone)]
pub struct Host(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub ledger: Ledger,
    pub catalog: Catalog,
    pub sandbox: Sandbox,
    pub key: Key,
    /// The folder of exports.
    pub exports: PathBuf,
    pub callback_url: CallbackUrl,
    /// The payment systems whose callers are known, whatever a callback itself proves.
    pub known_callers: BTreeSet<ProviderName>,
    pub clock: Box<dyn Clock>,
    pub observer: Box<dyn Observer>,
    /// Who makes the calls of providers. `None`: no calls are sent.
    pub outbound: Option<Arc<dyn Outbound>>,
    /// Who knows the accounts. `None`: the ledger.
    pub billing: Option<Arc<dyn BillingAccounts>>,
    pub billing_count: Mutex<CallCount>,
    pub call_times: CallTimes,
    pub call_counts: CallCounts,
    pub registry: Registry,
    pub roster: Roster,
    pub refusals: RefusalCounter,
    pub refusal_log: RefusalLog,
    pub spent: SpentTokens,
    pub permits: CallPermits,
    /// The threads that run the calls for callbacks.
    pub pool: Arc<CallPool>,
    /// The operations that go on now.
    pub running: RunningOperations,
    /// The refunds after which what waits about their payments is looked at again.
    pub told_refunds: ToldRefunds,
    /// Held during a swap, so that only one runs at a time.
    pub swap_lock: Mutex<()>,
    /// Held during an export, so that only one runs at a time.
    pub export_lock: Mutex<()>,
}

/// In which of these rounds holds are ended. Answers and wishes do not wait for it: they end what they concern.
const HOLDS_EVERY_ROUNDS: u64 = 10;

pub(crate) type CallbackUrl = Box<dyn Fn(&ProviderName) -> String + Send + Sync>;

/// Writes the counts that are in memory, and ends the holds whose time has come, until the host is dropped.
pub(crate) fn housekeeping(host: &Weak<Inner>) {
    for round in 0_u64.. {
        std::thread::sleep(HOUSEKEEPING_INTERVAL);
        let Some(inner) = host.upgrade() else { return };
        inner.refusals.flush(&inner.ledger);
        inner.refusal_log.tell_left_out(Instant::now());
        if round % HOLDS_EVERY_ROUNDS == 0
            && let Err(error) = inner.ledger.end_expired_holds(inner.clock.now())
        {
            tracing::error!(%error, "holds whose time has come cannot be ended; it is tried again");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.refusals.flush(&self.ledger);
    }
}

impl Host {
    /// Returns the time in seconds since the epoch, by the host's clock.
    pub fn now(&self) -> u64 {
        self.0.clock.now()
    }

    /// Checks with a commit that the ledger accepts writes.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn ready(&self) -> Result<(), HostError> {
        Ok(self.0.ledger.ready()?)
    }

    /// Writes the counted refusals. The host also does this every second, and when it is dropped.
    pub fn flush_refusals(&self) {
        self.0.refusals.flush(&self.0.ledger);
    }

    /// Returns the key that seals secrets and tokens.
    pub fn key(&self) -> &Key {
        &self.0.key
    }

    /// Reports whether a one-time token was spent.
    pub fn is_spent(&self, token_id: &str) -> bool {
        self.0.spent.contains(token_id)
    }

    /// Spends a one-time token that expires in this many seconds. Returns whether it was unspent until now.
    ///
    /// # Errors
    /// If the storage is unavailable. Then the token stays unspent.
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
