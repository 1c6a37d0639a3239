//! The providers that are loaded, and the settings that an operator entered for them.

mod entering;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use axum::http::StatusCode;
use domain::{Description, Fields, SettingKind, SettingSpec, Settings};
use ledger::Ledger;
use sandbox::{Error, Merchant, Provider};

use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::registry::RETRY_SECONDS;
use crate::roster::Decision;
use crate::stored_settings::{Found, StoredSettings};
use crate::swap::{Refusal, SwapError};
use crate::{Shared, now, vetting};
use host::Key;

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
    /// Who says that it takes no new orders.
    paused: RwLock<Option<Decision>>,
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
    /// The names that were ever entered as secrets, whatever the description says of them.
    secrets: BTreeSet<String>,
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

impl Live {
    /// A provider with the settings that the ledger keeps. A component that never passed the checks with them is checked now.
    pub fn open(name: &str, provider: Provider, ledger: &Ledger, key: &Key) -> Result<Live, ledger::Error> {
        let mut stored = match Found::load(name, ledger, key)? {
            Found::Settings(stored) => stored,
            Found::Nothing => return Ok(Live { provider, state: State::Unset, secrets: BTreeSet::new() }),
            Found::Sealed => {
                let why = "the settings were sealed with another key; enter them again".to_owned();
                return Ok(Live::unusable(name, provider, why, BTreeSet::new()));
            }
        };
        let is_adopted = stored.adopt(provider.sha256(), provider.description());
        let secrets = stored.secrets().clone();
        let Some(settings) = stored.values(provider.sha256(), None, provider.description()) else {
            return Ok(Live { provider, state: State::Unset, secrets });
        };
        let merchant = match provider.merchant(Settings::new(settings.clone())) {
            Ok(merchant) => merchant,
            Err(error) => {
                let why = vetting::without_secrets(&stored, &settings, error.to_string());
                return Ok(Live::unusable(name, provider, why, secrets));
            }
        };
        let is_new = !stored.is_checked(provider.sha256());
        if is_new {
            if let Err(refusal) = vetting::check_first(&provider, &stored, &settings) {
                return Ok(Live::unusable(name, provider, refusal.detail, secrets));
            }
            stored.put(provider.sha256(), provider.description(), settings.clone(), BTreeSet::new());
        }
        if (is_adopted || is_new)
            && let Err(problem) = stored.save(name, ledger, key)
        {
            tracing::error!(provider = name, reason = problem.detail, "what is known of the settings cannot be kept");
        }
        Ok(Live::ready(provider, merchant, settings, &stored))
    }

    fn unusable(name: &str, provider: Provider, why: String, secrets: BTreeSet<String>) -> Live {
        tracing::error!(provider = name, why, "the provider cannot be used");
        Live { provider, state: State::Unusable(why), secrets }
    }

    fn ready(provider: Provider, merchant: Merchant, settings: Fields, stored: &StoredSettings) -> Live {
        let mut live = Live { provider, state: State::Unset, secrets: stored.secrets().clone() };
        let (secrets, shown): (Fields, Fields) = settings.into_iter().partition(|(name, _)| live.is_secret(name));
        live.state = State::Ready { merchant, shown, secrets: secrets.into_iter().map(|(name, _)| name).collect() };
        live
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
        let detail = format!("the provider {name} cannot be used: {why}");
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).with_retry_after(RETRY_SECONDS))
    }

    /// The configured provider.
    pub fn ready_merchant(&self) -> Option<&Merchant> {
        match &self.state {
            State::Ready { merchant, .. } => Some(merchant),
            State::Unset | State::Unusable(_) => None,
        }
    }

    /// Whether a setting is a secret: by the description, or because it was once entered as one.
    pub fn is_secret(&self, name: &str) -> bool {
        let is_it = |setting: &SettingSpec| setting.name == name && setting.kind == SettingKind::Secret;
        self.secrets.contains(name) || self.description().settings.iter().any(is_it)
    }

    /// What a setting holds, for a form: what was once entered as a secret is never shown.
    pub fn kind(&self, setting: &SettingSpec) -> SettingKind {
        if self.is_secret(&setting.name) { SettingKind::Secret } else { setting.kind }
    }
}

impl Slot {
    /// A provider with the settings that the ledger keeps.
    pub fn open(
        name: &str,
        provider: Provider,
        paused: Option<Decision>,
        ledger: &Ledger,
        key: &Key,
    ) -> Result<Slot, ledger::Error> {
        Ok(Slot {
            name: name.to_owned(),
            paused: RwLock::new(paused),
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
        let _turn = app.turns.acquire();
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
            Err(Error::Contract { .. } | Error::ExportEnded) => "contract",
            Err(_) => "trap",
        };
        metrics.call(&self.name, function, counted, began.elapsed());
        if let Err(error) = result
            && !matches!(error, Error::Provider(_))
        {
            tracing::error!(provider = self.name, function, %error, "the provider failed");
            self.fail(error.to_string());
        }
    }

    /// Keeps what the operator is to see of a failure.
    pub fn fail(&self, message: String) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(Failure { at: now(), message });
    }

    /// Who said that it takes no new orders, and when.
    pub fn paused(&self) -> Option<Decision> {
        self.paused.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set_paused(&self, paused: Option<Decision>) {
        *self.paused.write().unwrap_or_else(PoisonError::into_inner) = paused;
    }

    /// Whether subscribers may choose it: it is configured and not paused.
    pub fn is_offered(&self) -> bool {
        self.live().is_ready() && self.paused().is_none()
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

    /// Uses another component from the next call on, with the settings that are kept, once `publish` has made it last. A provider
    /// that works is not replaced by a component that does not take its settings. `write` writes the settings that the component was
    /// checked with, if nobody entered others meanwhile.
    pub fn replace(
        &self,
        app: &Shared,
        provider: Provider,
        write: impl FnOnce() -> Result<(), SwapError>,
        publish: impl FnOnce() -> Result<(), SwapError>,
    ) -> Result<(), SwapError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        write()?;
        let live = Live::open(&self.name, provider, &app.ledger, &app.config.key)?;
        if let (State::Unusable(why), true) = (&live.state, self.live().is_ready()) {
            return Err(Refusal::new(format!("it does not take the settings that were entered: {why}")).into());
        }
        publish()?;
        self.set_live(live);
        Ok(())
    }
}
