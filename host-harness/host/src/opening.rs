//! Opening a host: its configuration, and loading the providers.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use catalog::Catalog;
use domain::ProviderName;
use ledger::Ledger;
use sandbox::Sandbox;

use crate::billing::BillingAccounts;
use crate::call_counts::{CallCount, CallCounts};
use crate::call_permits::CallPermits;
use crate::call_pool::CallPool;
use crate::call_times::CallTimes;
use crate::clock::{Clock, SystemClock};
use crate::error::HostError;
use crate::host::{self, CallbackUrl, Host, Inner};
use crate::observer::Observer;
use crate::operations;
use crate::outbound::Outbound;
use crate::refusal_log::RefusalLog;
use crate::refusals::RefusalCounter;
use crate::registry::{Absent, Registry};
use crate::roster::{self, EmptyLock, Removal, Roster, known_providers};
use crate::running_operations::RunningOperations;
use crate::sealing::Key;
use crate::slot::ProviderSlot;
use crate::spent_tokens::SpentTokens;
use crate::told_refunds::ToldRefunds;

/// How many of the sandbox's concurrent calls are reserved for a component that is checked while others serve.
const SWAP_RESERVED_CALLS: u32 = 16;
/// How many calls share a processor. Calls only compute: more of them would wait for it while their time limit runs.
const CALLS_PER_CORE: u32 = 8;
/// Why a host cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The lock cannot be read or written.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// The lock names no provider, but the ledger knows some.
    #[error(transparent)]
    EmptyLock(#[from] EmptyLock),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// A thread cannot be started.
    #[error("a thread cannot be started: {0}; raise the limit of processes")]
    Thread(#[from] std::io::Error),
    /// The records about the providers cannot be stored.
    #[error(transparent)]
    Providers(#[from] HostError),
}

/// The configuration of a host.
pub struct HostBuilder {
    ledger: Ledger,
    catalog: Catalog,
    sandbox: Sandbox,
    key: Key,
    exports: PathBuf,
    callback_url: CallbackUrl,
    known_callers: BTreeSet<ProviderName>,
    clock: Box<dyn Clock>,
    observer: Box<dyn Observer>,
    outbound: Option<Arc<dyn Outbound>>,
    billing: Option<Arc<dyn BillingAccounts>>,
    call_times: CallTimes,
}

impl HostBuilder {
    /// Configures a host with a ledger, the components of a catalog, and the sandbox in which they run. Secrets are sealed with
    /// the key before they are stored.
    ///
    /// Without [`HostBuilder::exports`], exports are written to the folder `exports` in the process's working directory.
    /// Without [`HostBuilder::callback_url`], links contain no callback address of this host. Without [`HostBuilder::outbound`],
    /// no call of a provider is sent. Without [`HostBuilder::billing_accounts`], the ledger's accounts are the ones that there are.
    pub fn new(ledger: Ledger, catalog: Catalog, sandbox: Sandbox, key: Key) -> HostBuilder {
        HostBuilder {
            ledger,
            catalog,
            sandbox,
            key,
            exports: PathBuf::from("exports"),
            callback_url: Box::new(|_| String::new()),
            known_callers: BTreeSet::new(),
            clock: Box::new(SystemClock),
            observer: Box::new(()),
            outbound: None,
            billing: None,
            call_times: CallTimes::default(),
        }
    }

    /// Sets the folder of exports. It is created if missing, and only its owner may read it.
    pub fn exports(self, folder: PathBuf) -> HostBuilder {
        HostBuilder { exports: folder, ..self }
    }

    /// Sets a function from a provider's name to its callback address.
    pub fn callback_url(self, callback_url: impl Fn(&ProviderName) -> String + Send + Sync + 'static) -> HostBuilder {
        HostBuilder { callback_url: Box::new(callback_url), ..self }
    }

    /// Names the payment systems whose callers are known: by a list of addresses, HTTP Basic or a client certificate, which are
    /// checked before a callback is passed on. Callbacks that prove nothing by themselves are taken from these alone.
    pub fn known_callers(self, known_callers: impl IntoIterator<Item = ProviderName>) -> HostBuilder {
        HostBuilder { known_callers: known_callers.into_iter().collect(), ..self }
    }

    /// Sets another clock than the system's.
    pub fn clock(self, clock: impl Clock + 'static) -> HostBuilder {
        HostBuilder { clock: Box::new(clock), ..self }
    }

    /// Sets who receives notifications.
    pub fn observer(self, observer: impl Observer + 'static) -> HostBuilder {
        HostBuilder { observer: Box::new(observer), ..self }
    }

    /// Sets who makes the HTTP calls that providers want.
    pub fn outbound(self, outbound: Arc<dyn Outbound>) -> HostBuilder {
        HostBuilder { outbound: Some(outbound), ..self }
    }

    /// Sets how long these calls may take, if it is not the default.
    pub fn call_times(self, call_times: CallTimes) -> HostBuilder {
        HostBuilder { call_times, ..self }
    }

    /// Sets who knows the accounts, if it is not the ledger.
    pub fn billing_accounts(self, billing: Arc<dyn BillingAccounts>) -> HostBuilder {
        HostBuilder { billing: Some(billing), ..self }
    }

    /// Opens the host. Each provider in the catalog's lock gets the settings that the ledger stores. If a component cannot be
    /// loaded, or is not the locked one, the other providers are loaded nevertheless: see [`Host::not_loaded_providers`].
    ///
    /// # Errors
    /// [`OpenError::EmptyLock`] if the lock names no provider but the ledger knows some: only people take a provider out of
    /// use. Also if the ledger or the lock cannot be read, or a thread cannot be started.
    pub fn open(self) -> Result<Host, OpenError> {
        let HostBuilder { ledger, catalog, sandbox, key, exports, callback_url, known_callers, clock, observer, .. } = self;
        let HostBuilder { outbound, billing, call_times, .. } = self;
        log_not_compared(&ledger)?;
        let roster = Roster::load(&ledger)?;
        let loading = Loading { ledger: &ledger, catalog: &catalog, sandbox: &sandbox, key: &key, roster: &roster };
        let registry = loading.registry(clock.now())?;
        let processors = processors();
        let concurrent_calls = concurrent_calls_max(&sandbox, processors);
        let host = Host(Arc::new(Inner {
            permits: CallPermits::new(concurrent_calls),
            pool: CallPool::new(processors, concurrent_calls),
            spent: SpentTokens::open(&ledger)?,
            ledger,
            catalog,
            sandbox,
            key,
            exports,
            callback_url,
            known_callers,
            clock,
            observer,
            outbound,
            billing,
            billing_count: Mutex::new(CallCount::default()),
            call_times,
            call_counts: CallCounts::default(),
            registry,
            roster,
            refusals: RefusalCounter::default(),
            refusal_log: RefusalLog::default(),
            running: RunningOperations::default(),
            told_refunds: ToldRefunds::default(),
            swap_lock: Mutex::new(()),
            export_lock: Mutex::new(()),
        }));
        let inner = Arc::downgrade(&host.0);
        std::thread::Builder::new().name("housekeeping".to_owned()).spawn(move || host::housekeeping(&inner))?;
        let inner = Arc::downgrade(&host.0);
        std::thread::Builder::new().name("operations".to_owned()).spawn(move || operations::background(&inner))?;
        Ok(host)
    }
}

fn processors() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    u32::try_from(processors).unwrap_or(u32::MAX)
}

/// Returns the maximum number of concurrent calls of providers.
fn concurrent_calls_max(sandbox: &Sandbox, processors: u32) -> u32 {
    let useful = processors.saturating_mul(CALLS_PER_CORE);
    sandbox.concurrent_calls_max().saturating_sub(SWAP_RESERVED_CALLS).clamp(1, useful)
}

/// What is needed to load the providers.
struct Loading<'l> {
    ledger: &'l Ledger,
    catalog: &'l Catalog,
    sandbox: &'l Sandbox,
    key: &'l Key,
    roster: &'l Roster,
}

impl Loading<'_> {
    /// Returns the registry of the providers in the lock and those that only the ledger knows.
    fn registry(&self, now: u64) -> Result<Registry, OpenError> {
        let Loading { ledger, catalog, sandbox, key, roster } = *self;
        roster::refuse_empty_lock(ledger, &catalog.lock()?)?;
        let restored = roster::add_missing(ledger, catalog)?;
        restored.left_out.iter().for_each(|(name, error)| roster::log_left_out(name, error));
        let registry = Registry::default();
        let lock = catalog.lock()?;
        for (name, locked) in &lock {
            if !settle(roster, ledger, catalog, name)? {
                continue;
            }
            let record = roster.get(name);
            match catalog.load(sandbox, &locked.current) {
                Ok(provider) => {
                    roster.follow(ledger, name, locked, Some(&provider.description().name))?;
                    let paused = record.and_then(|record| record.paused);
                    let slot = ProviderSlot::open(name, provider, paused, ledger, key)?;
                    if restored.names.contains(name) {
                        slot.fail(now, roster::not_named(name));
                    }
                    registry.add(slot);
                }
                Err(error) => {
                    log_not_loaded(name, &error);
                    roster.follow(ledger, name, locked, None)?;
                    let current = Some(locked.current.clone());
                    registry.set_absent(name, Absent::not_loaded(record, current, error.to_string()));
                }
            }
        }
        for name in known_providers(ledger)?.iter().filter(|name| !lock.contains_key(*name)) {
            let why = "providers.lock does not name it, and its component is missing".to_owned();
            log_not_loaded(name, &why);
            registry.set_absent(name, Absent::not_loaded(roster.get(name), None, why));
        }
        for (name, record) in roster.removed() {
            registry.set_absent(&name, Absent::Removed(Box::new(record)));
        }
        Ok(registry)
    }
}

fn log_not_loaded(name: &ProviderName, error: &dyn Display) {
    tracing::error!(
        provider = name.as_str(),
        %error,
        "the provider is not loaded, and its callbacks get 503; swap in a working component, or restore its file and reload"
    );
}

/// Completes a removal that a crash interrupted. A name that somebody put back into the lock after its removal is in use again.
/// Returns whether to load the provider.
fn settle(roster: &Roster, ledger: &Ledger, catalog: &Catalog, name: &ProviderName) -> Result<bool, HostError> {
    match roster.get(name).and_then(|record| record.removed) {
        None => Ok(true),
        Some(Removal { done: true, .. }) => {
            tracing::warn!(
                provider = name.as_str(),
                "a removed provider is in providers.lock again and is used; if that is wrong, remove it on its page"
            );
            roster.change(ledger, name, |record| record.removed = None)?;
            Ok(true)
        }
        Some(removal) => {
            catalog.remove(name)?;
            roster.change(ledger, name, |record| record.removed = Some(Removal { done: true, ..removal }))?;
            Ok(false)
        }
    }
}

/// Logs at every start that no operation about a payment begins before a person has compared.
fn log_not_compared(ledger: &Ledger) -> Result<(), ledger::Error> {
    let Some(since) = ledger::missing_since(&ledger.restorations()?) else { return Ok(()) };
    let since = since.map_or_else(|| "a time that is not known".to_owned(), ledger::utc_text);
    tracing::warn!(
        since,
        "the ledger was restored from a copy and may lack what was done since; no refund, charge or end of a subscription is sent \
        until an operator has compared the payment systems with it and has recorded that on the page «Операции»"
    );
    Ok(())
}
