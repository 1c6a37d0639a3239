//! The providers that are loaded, and the settings that an operator entered for them.

mod entering;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Instant;

use axum::http::StatusCode;
use ledger::{Ledger, Sqlite};
use sandbox::records::{Description, Fields, SettingKind};
use sandbox::{Error, Merchant, Provider, Settings};

use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::seal::Key;
use crate::swap::{Refusal, Unswapped};
use crate::{Shared, now};

pub use entering::{Entering, NotSaved, Saved, enter};

/// The functions and results that calls are counted by.
pub const FUNCTIONS: [&str; 4] = ["configure", "create-link", "handle-callback", "export-writeoffs"];
pub const RESULTS: [&str; 5] = ["ok", "problem", "limit", "trap", "contract"];

/// A provider, by the name that its callbacks come to.
pub struct Slot {
    pub name: String,
    live: RwLock<Arc<Live>>,
    /// Held while settings are entered or the component is swapped, so that what is kept is what is used.
    changing: Mutex<()>,
    /// When a callback was accepted last, seconds since the epoch; 0: not since the start.
    accepted_at: AtomicU64,
    failure: Mutex<Option<Failure>>,
}

/// What a provider failed with last.
#[derive(Clone)]
pub struct Failure {
    /// Seconds since the epoch.
    pub at: u64,
    pub message: String,
}

/// A component, and whether it can be used. Whoever holds one goes on with it, whatever is swapped meanwhile.
pub struct Live {
    pub provider: Provider,
    pub state: State,
}

/// Whether a provider can be used.
pub enum State {
    /// Nobody entered its settings.
    Unset,
    /// Its settings are there and of no use; why.
    Unusable(String),
    /// It is configured.
    Ready {
        merchant: Merchant,
        /// What was entered, without secrets.
        shown: Fields,
        /// The names of the secrets that were entered.
        secrets: Vec<String>,
    },
}

/// The document that keeps a provider's settings; its name is what they are sealed for.
fn document(name: &str) -> String {
    format!("settings/{name}")
}

impl Live {
    /// A provider with the settings that the ledger keeps.
    fn open(name: &str, provider: Provider, ledger: &Ledger<Sqlite>, key: &Key) -> Result<Live, ledger::Error> {
        let state = match ledger.document(&document(name))? {
            None => State::Unset,
            Some(sealed) => match read(name, &sealed, key) {
                None => State::Unusable("the settings were sealed with another key; enter them again".to_owned()),
                Some(settings) => match provider.merchant(Settings::new(settings.clone())) {
                    Ok(merchant) => ready(&provider, merchant, settings),
                    Err(error) => State::Unusable(error.to_string()),
                },
            },
        };
        if let State::Unusable(why) = &state {
            tracing::error!(provider = name, why, "the provider cannot be used");
        }
        Ok(Live { provider, state })
    }

    pub fn description(&self) -> &Description {
        self.provider.description()
    }

    pub fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready { .. })
    }

    fn merchant(&self, name: &str) -> Result<&Merchant, Problem> {
        let why = match &self.state {
            State::Ready { merchant, .. } => return Ok(merchant),
            State::Unset => "its settings were not entered",
            State::Unusable(why) => why,
        };
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("the provider {name} cannot be used: {why}")))
    }

    fn is_secret(&self, name: &str) -> bool {
        is_secret(&self.provider, name)
    }
}

impl Slot {
    /// A provider with the settings that the ledger keeps.
    pub fn open(name: &str, provider: Provider, ledger: &Ledger<Sqlite>, key: &Key) -> Result<Slot, ledger::Error> {
        Ok(Slot {
            name: name.to_owned(),
            live: RwLock::new(Arc::new(Live::open(name, provider, ledger, key)?)),
            changing: Mutex::new(()),
            accepted_at: AtomicU64::new(0),
            failure: Mutex::new(None),
        })
    }

    /// What is used now.
    pub fn live(&self) -> Arc<Live> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Uses another from the next call on.
    fn set_live(&self, live: Live) {
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(live);
    }

    /// Calls the configured provider; the outer error is that there is none. The call is counted and timed.
    pub fn call<T>(
        &self,
        app: &Shared,
        function: &'static str,
        call: impl FnOnce(&Merchant) -> Result<T, Error>,
    ) -> Result<Result<T, Error>, Problem> {
        self.call_live(app, &self.live(), function, call)
    }

    /// The same, with what was used a moment ago.
    pub fn call_live<T>(
        &self,
        app: &Shared,
        live: &Live,
        function: &'static str,
        call: impl FnOnce(&Merchant) -> Result<T, Error>,
    ) -> Result<Result<T, Error>, Problem> {
        let merchant = live.merchant(&self.name)?;
        let _turn = app.turns.wait();
        let began = Instant::now();
        let result = call(merchant);
        self.count(&app.metrics, function, &result, began);
        Ok(result)
    }

    fn count<T>(&self, metrics: &Metrics, function: &'static str, result: &Result<T, Error>, began: Instant) {
        let counted = match result {
            Ok(_) => "ok",
            Err(Error::Provider(_)) => "problem",
            Err(Error::Limit { .. }) => "limit",
            Err(Error::Trap { .. } | Error::Load(_)) => "trap",
            Err(Error::Contract { .. } | Error::ExportEnded) => "contract",
        };
        metrics.call(&self.name, function, counted, began.elapsed());
        if let Err(error) = result
            && !matches!(error, Error::Provider(_))
        {
            tracing::error!(provider = self.name, function, %error, "the provider failed");
            let failure = Failure { at: now(), message: error.to_string() };
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
        }
    }

    pub fn failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says that a callback was accepted and kept.
    pub fn accepted(&self) {
        self.accepted_at.store(now(), Ordering::Relaxed);
    }

    /// When a callback was accepted last since the start, seconds since the epoch.
    pub fn accepted_at(&self) -> Option<u64> {
        Some(self.accepted_at.load(Ordering::Relaxed)).filter(|at| *at != 0)
    }

    /// The settings that are kept, with their secrets; nothing where none can be read.
    pub fn settings(&self, app: &Shared) -> Result<Option<Fields>, ledger::Error> {
        let sealed = app.ledger.document(&document(&self.name))?;
        Ok(sealed.and_then(|sealed| read(&self.name, &sealed, &app.config.key)))
    }

    /// Uses another component from the next call on, with the settings that are kept, once `publish` has made it last. A provider
    /// that works is not replaced by a component that does not take its settings.
    pub fn replace(
        &self,
        app: &Shared,
        provider: Provider,
        publish: impl FnOnce() -> Result<(), Unswapped>,
    ) -> Result<(), Unswapped> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let live = Live::open(&self.name, provider, &app.ledger, &app.config.key)?;
        if let (State::Unusable(why), true) = (&live.state, self.live().is_ready()) {
            return Err(Refusal::new(format!("it does not take the settings that were entered: {why}")).into());
        }
        publish()?;
        self.set_live(live);
        Ok(())
    }
}

fn is_secret(provider: &Provider, name: &str) -> bool {
    provider.description().settings.iter().any(|setting| setting.name == name && setting.kind == SettingKind::Secret)
}

fn ready(provider: &Provider, merchant: Merchant, settings: Fields) -> State {
    let (secrets, shown): (Fields, Fields) = settings.into_iter().partition(|(name, _)| is_secret(provider, name));
    State::Ready { merchant, shown, secrets: secrets.into_iter().map(|(name, _)| name).collect() }
}

fn read(name: &str, sealed: &[u8], key: &Key) -> Option<Fields> {
    serde_json::from_slice(&key.open(&document(name), sealed)?).ok()
}

/// All providers, by name.
pub struct Providers(RwLock<BTreeMap<String, Arc<Slot>>>);

impl Providers {
    pub fn new(slots: BTreeMap<String, Arc<Slot>>) -> Providers {
        Providers(RwLock::new(slots))
    }

    fn slots(&self) -> RwLockReadGuard<'_, BTreeMap<String, Arc<Slot>>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn all(&self) -> Vec<Arc<Slot>> {
        self.slots().values().cloned().collect()
    }

    pub fn find(&self, name: &str) -> Option<Arc<Slot>> {
        self.slots().get(name).cloned()
    }

    pub fn get(&self, name: &str) -> Result<Arc<Slot>, Problem> {
        let unknown = || Problem::new(StatusCode::NOT_FOUND, format!("there is no provider called {name}"));
        self.find(name).ok_or_else(unknown)
    }

    pub fn add(&self, slot: Slot) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(slot.name.clone(), Arc::new(slot));
    }

    pub fn remove(&self, name: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// The provider of a name; without one, the only one there is.
    pub fn choose(&self, name: Option<&str>) -> Result<Arc<Slot>, Problem> {
        let slots = self.slots();
        match name {
            Some(name) => {
                let unknown = || Problem::unprocessable(format!("there is no provider called {name}"));
                slots.get(name).cloned().ok_or_else(unknown)
            }
            None => {
                let mut all = slots.values();
                let only = all.next().filter(|_| all.next().is_none());
                only.cloned().ok_or_else(|| Problem::unprocessable("name the provider: there is not exactly one"))
            }
        }
    }
}
