//! How a host is opened: what it is given, and the providers that it loads.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use catalog::Catalog;
use domain::ProviderName;
use ledger::Ledger;
use sandbox::Sandbox;

use crate::call_permits::CallPermits;
use crate::call_pool::CallPool;
use crate::clock::{Clock, SystemClock};
use crate::error::HostError;
use crate::host::{self, CallbackUrl, Host, Inner};
use crate::observer::Observer;
use crate::refusals::RefusalCounter;
use crate::registry::{Absent, Registry};
use crate::roster::{self, EmptyLock, Removal, Roster, known_providers, restore_lock};
use crate::sealing::Key;
use crate::slot::ProviderSlot;
use crate::spent_tokens::SpentTokens;

/// How much of the sandbox's room is kept for a component that is checked while others serve.
const SWAP_RESERVED_CALLS: u32 = 16;
/// How many calls share a processor. They only compute: more of them would wait for it with their time running.
const CALLS_PER_CORE: u32 = 8;
/// Why a host cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The lock cannot be read or written.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// The lock names no provider, and the ledger knows some.
    #[error(transparent)]
    EmptyLock(#[from] EmptyLock),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// A thread cannot be started.
    #[error("a thread cannot be started: {0}; raise the limit of processes")]
    Thread(#[from] std::io::Error),
    /// What is known of the providers cannot be kept.
    #[error(transparent)]
    Providers(#[from] HostError),
}

/// What a host is opened with.
pub struct HostBuilder {
    ledger: Ledger,
    catalog: Catalog,
    sandbox: Sandbox,
    key: Key,
    exports: PathBuf,
    callback_url: CallbackUrl,
    clock: Box<dyn Clock>,
    observer: Box<dyn Observer>,
}

impl HostBuilder {
    /// A host of a ledger, the components of a catalog, and a sandbox that they are called in. Secrets are sealed with the key before
    /// they are stored.
    ///
    /// Without [`HostBuilder::exports`], exports are made in the folder `exports` of the process's working directory; without
    /// [`HostBuilder::callback_url`], links tell payment systems no address of this host.
    pub fn new(ledger: Ledger, catalog: Catalog, sandbox: Sandbox, key: Key) -> HostBuilder {
        HostBuilder {
            ledger,
            catalog,
            sandbox,
            key,
            exports: PathBuf::from("exports"),
            callback_url: Box::new(|_| String::new()),
            clock: Box::new(SystemClock),
            observer: Box::new(()),
        }
    }

    /// The folder that exports are made in; it is made where it is not there, and its owner alone may look into it.
    pub fn exports(self, folder: PathBuf) -> HostBuilder {
        HostBuilder { exports: folder, ..self }
    }

    /// The address that a payment system's callbacks come to, by its name.
    pub fn callback_url(self, callback_url: impl Fn(&ProviderName) -> String + Send + Sync + 'static) -> HostBuilder {
        HostBuilder { callback_url: Box::new(callback_url), ..self }
    }

    /// Another clock than the system's.
    pub fn clock(self, clock: impl Clock + 'static) -> HostBuilder {
        HostBuilder { clock: Box::new(clock), ..self }
    }

    /// Who is told what happens.
    pub fn observer(self, observer: impl Observer + 'static) -> HostBuilder {
        HostBuilder { observer: Box::new(observer), ..self }
    }

    /// Opens the host. Each provider of the catalog's lock has the settings that the ledger keeps. A component that is not the one that
    /// is locked, or cannot be loaded, leaves the other providers: see [`Host::not_loaded_providers`].
    ///
    /// # Errors
    /// [`OpenError::EmptyLock`] where the lock names no provider and the ledger knows some: only people take a provider out of use.
    /// Else where the ledger or the lock cannot be read, or no thread be started.
    pub fn open(self) -> Result<Host, OpenError> {
        let HostBuilder { ledger, catalog, sandbox, key, exports, callback_url, clock, observer } = self;
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
            clock,
            observer,
            registry,
            roster,
            refusals: RefusalCounter::default(),
            swap_lock: Mutex::new(()),
            export_lock: Mutex::new(()),
        }));
        let inner = Arc::downgrade(&host.0);
        std::thread::Builder::new().name("housekeeping".to_owned()).spawn(move || host::housekeeping(&inner))?;
        Ok(host)
    }
}

fn processors() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    u32::try_from(processors).unwrap_or(u32::MAX)
}

/// How many calls of providers go on at once.
fn concurrent_calls_max(sandbox: &Sandbox, processors: u32) -> u32 {
    let useful = processors.saturating_mul(CALLS_PER_CORE);
    sandbox.concurrent_calls_max().saturating_sub(SWAP_RESERVED_CALLS).clamp(1, useful)
}

/// What providers are loaded from.
struct Loading<'l> {
    ledger: &'l Ledger,
    catalog: &'l Catalog,
    sandbox: &'l Sandbox,
    key: &'l Key,
    roster: &'l Roster,
}

impl Loading<'_> {
    /// The providers of the lock, and those that the ledger knows beside them.
    fn registry(&self, now: u64) -> Result<Registry, OpenError> {
        let Loading { ledger, catalog, sandbox, key, roster } = *self;
        roster::refuse_empty_lock(ledger, &catalog.lock()?)?;
        let restored = restore_lock(ledger, catalog)?;
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
                    if restored.contains(name) {
                        slot.fail(now, roster::not_named(name));
                    }
                    registry.add(slot);
                }
                Err(error) => {
                    tracing::error!(provider = name.as_str(), %error, "the provider is not loaded; its callbacks hear 503");
                    roster.follow(ledger, name, locked, None)?;
                    let current = Some(locked.current.clone());
                    registry.set_absent(name, Absent::not_loaded(record, current, error.to_string()));
                }
            }
        }
        for name in known_providers(ledger)?.iter().filter(|name| !lock.contains_key(*name)) {
            let why = "providers.lock does not name it, and its component is not there".to_owned();
            tracing::error!(provider = name.as_str(), why, "the provider is not loaded; its callbacks hear 503");
            registry.set_absent(name, Absent::not_loaded(roster.get(name), None, why));
        }
        for (name, record) in roster.removed() {
            registry.set_absent(&name, Absent::Removed(record));
        }
        Ok(registry)
    }
}

/// Carries out a removal that a crash cut off; a name that somebody put back into the lock after its removal is in use again.
/// Whether the name is to be loaded.
fn settle(roster: &Roster, ledger: &Ledger, catalog: &Catalog, name: &ProviderName) -> Result<bool, HostError> {
    match roster.get(name).and_then(|record| record.removed) {
        None => Ok(true),
        Some(Removal { done: true, .. }) => {
            tracing::warn!(provider = name.as_str(), "a provider that was removed is in the lock file again, and in use");
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
