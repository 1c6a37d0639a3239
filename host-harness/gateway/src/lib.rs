//! The host over HTTP: callbacks of payment systems, the API that a billing system uses, and pages for the operator and the
//! subscriber.
//!
//! - `GET|POST /callbacks/{provider}`: what a payment system tells. It is answered when the ledger has it on disk, and 503 where
//!   that cannot be. It may have a listener of its own.
//! - `/api/v1/…`: JSON, with a bearer token; problems as RFC 9457; described at `/api/openapi.json`.
//! - `/operator/…`: settings, statistics, what waits for the operator, exports; behind a login.
//! - `/cabinet/…`: a sample of a subscriber's cabinet.
//! - `/healthz`: the process runs; `/readyz`: the ledger takes a commit, tried at most once a second; `/metrics`: what Prometheus reads.
//!
//! Nothing here names a provider: what is specific comes from its component.

#![cfg_attr(test, allow(missing_docs))]

mod absent;
mod api;
mod arriving;
mod callbacks;
mod card_data;
mod connections;
mod download;
mod exports;
mod forwarded;
mod guard;
mod hashing;
mod hosts;
mod invisible;
mod limits;
mod logins;
mod metrics;
mod orders;
mod pages;
mod problem;
mod providers;
mod readiness;
mod registry;
mod removal;
mod replay;
mod reply;
mod roster;
mod run;
mod sessions;
mod stored_settings;
mod swap;
mod throttle;
mod vetting;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
pub use axum::http::HeaderName;
use axum::routing::get;
use catalog::Catalog;
pub use ipnet::IpNet;
use ledger::Ledger;
use sandbox::Sandbox;
use tokio::sync::watch;

pub use crate::invisible::problems as invisible_characters;
pub use api::Token;
pub use host::Key;
use host::call_permits::CallPermits;
use host::call_pool::CallPool;
pub use host::operators::{OperatorError, list as operators, remove as remove_operator, set_password};
use host::refusals::RefusalCounter;
use host::spent_tokens::SpentTokens;
use host::{Clock, SystemClock};
use hosts::Confirmed;
use metrics::{Metrics, Waiting};
use problem::Problem;
use providers::{Entering, Slot};
use registry::{Absent, Providers};
use roster::Roster;
pub use roster::{EmptyLock, known_providers, restore_lock};
pub use run::Listeners;

/// What the gateway serves.
pub struct Gateway(App);

/// How the gateway is to serve.
pub struct Config {
    /// Where payment systems and subscribers reach this host, without a slash at the end.
    pub public_url: String,
    /// What the API's callers must show.
    pub token: Token,
    /// What secrets are sealed with before they are kept.
    pub key: Key,
    /// The folder that exports are made in.
    pub exports: PathBuf,
    /// How far the operator's clock is before UTC, in hours, from -11 to 12: days of statistics begin by it.
    pub utc_offset_hours: i8,
    /// How many callbacks a second an address may send that are refused; what is proved is not limited. None: any number.
    pub callback_rate: Option<NonZeroU32>,
    /// The header by which the web server before this host tells where a request comes from; its last address is believed.
    pub proxy_header: Option<HeaderName>,
    /// The web servers whose header is believed, and which are passed over in it; none: the header's last address is believed,
    /// whoever sent it.
    pub trusted_proxies: Vec<IpNet>,
    /// Where a provider's callbacks may come from, also after it was removed; one that is not named here takes them from everywhere.
    pub callback_sources: BTreeMap<String, Vec<IpNet>>,
    /// How long an answer may stand still because nobody reads it; its connection is cut then.
    pub stall_time_max: Duration,
}

/// Why a gateway cannot be made.
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
    Thread(std::io::Error),
    /// What is known of the providers cannot be kept.
    #[error("{0}")]
    Roster(String),
}

impl From<Problem> for OpenError {
    fn from(problem: Problem) -> OpenError {
        OpenError::Roster(problem.detail)
    }
}

/// How much of the sandbox's room is kept for a component that is checked while others serve.
const CALLS_OF_SWAP: u32 = 16;
/// How many calls share a processor. They only compute: more of them would wait for it with their time running.
const CALLS_OF_PROCESSOR: u32 = 8;

fn processors() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    u32::try_from(processors).unwrap_or(u32::MAX)
}

/// How many calls of providers go on at once.
fn calls_at_once(sandbox: &Sandbox, processors: u32) -> u32 {
    let useful = processors.saturating_mul(CALLS_OF_PROCESSOR);
    sandbox.concurrent_calls_max().saturating_sub(CALLS_OF_SWAP).clamp(1, useful)
}

/// The gateway, shared by requests.
struct Shared {
    ledger: Ledger,
    sandbox: Sandbox,
    catalog: Catalog,
    providers: Providers,
    roster: Roster,
    config: Config,
    metrics: Metrics,
    guard: guard::Guard,
    refused: RefusalCounter,
    sessions: sessions::Sessions,
    logins: logins::Logins,
    /// The cabinet's links that were used, and its sessions that were left.
    spent: SpentTokens,
    hashing: hashing::Hashing,
    /// Held while an export is made: one at a time.
    exporting: Mutex<()>,
    turns: CallPermits,
    readiness: readiness::Readiness,
    /// Who makes the calls for callbacks.
    callers: Arc<CallPool>,
    /// Held while a component is swapped: one at a time.
    swapping: Mutex<()>,
    /// Changes when there may be new entries.
    entered: watch::Sender<()>,
    /// Becomes true when the process was asked to end.
    ending: watch::Sender<bool>,
}

type App = Arc<Shared>;

impl Gateway {
    /// A gateway for the providers of a catalog, by the name that their callbacks come to. Their settings are those that the ledger
    /// keeps. A component that is not the one that is locked, or cannot be loaded, leaves the other providers: its callbacks hear 503.
    ///
    /// # Errors
    /// [`OpenError::EmptyLock`] where the lock names no provider and the ledger knows some: only people take a provider out of use.
    /// Else where the ledger or the lock cannot be read.
    pub fn new(ledger: Ledger, catalog: Catalog, sandbox: Sandbox, config: Config) -> Result<Gateway, OpenError> {
        let roster = Roster::load(&ledger)?;
        let providers = loaded(&ledger, &catalog, &sandbox, &config.key, &roster)?;
        let processors = processors();
        let calls_at_once = calls_at_once(&sandbox, processors);
        let Config { callback_rate, proxy_header, trusted_proxies, callback_sources, .. } = &config;
        let spent = SpentTokens::open(&ledger)?;
        let forwarded = forwarded::Forwarded::new(proxy_header.clone(), trusted_proxies.clone());
        Ok(Gateway(Arc::new(Shared {
            guard: guard::Guard::new(*callback_rate, forwarded, callback_sources.clone()),
            turns: CallPermits::new(calls_at_once),
            callers: CallPool::new(processors, calls_at_once),
            ledger,
            sandbox,
            catalog,
            providers,
            roster,
            config,
            metrics: Metrics::new(),
            refused: RefusalCounter::default(),
            readiness: readiness::Readiness::default(),
            sessions: sessions::Sessions::default(),
            logins: logins::Logins::default(),
            spent,
            hashing: hashing::Hashing::start().map_err(OpenError::Thread)?,
            exporting: Mutex::new(()),
            swapping: Mutex::new(()),
            entered: watch::Sender::new(()),
            ending: watch::Sender::new(false),
        })))
    }

    /// Enters a provider's settings as an operator would; a secret that is absent stays as it was. Whoever calls this has the
    /// server's own files, so the hosts that payers are sent to need no further word.
    ///
    /// # Errors
    /// Where there is no such provider, where it refuses them, or where they cannot be kept: a sentence that says which.
    pub fn enter_settings(&self, provider: &str, settings: Vec<(String, String)>) -> Result<(), String> {
        let slot = self.0.providers.get(provider).map_err(|problem| problem.detail)?;
        let entering = Entering { settings, confirmed: Confirmed::All, ..Entering::default() };
        slot.enter(&self.0, entering).map(drop).map_err(|not_saved| Problem::from(not_saved).detail)
    }

    /// Whether a provider's component is loaded: one that is damaged, missing or refused leaves the others.
    pub fn is_loaded(&self, provider: &str) -> bool {
        self.0.providers.find(provider).is_some()
    }

    /// What the main listener serves; callbacks only where they have no listener of their own.
    fn router(&self, with_callbacks: bool) -> Router {
        let callbacks = if with_callbacks { callbacks::router() } else { Router::new() };
        callbacks
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics_text))
            .merge(api::router(&self.0))
            .merge(pages::router(&self.0))
            .fallback(callbacks::fallback)
            .method_not_allowed_fallback(problem::method_not_allowed)
            .with_state(self.0.clone())
    }

    /// What the listener for callbacks serves.
    fn callbacks_router(&self) -> Router {
        callbacks::router().fallback(callbacks::fallback).with_state(self.0.clone())
    }
}

/// The providers of the lock, and those that the ledger knows beside them.
fn loaded(ledger: &Ledger, catalog: &Catalog, sandbox: &Sandbox, key: &Key, roster: &Roster) -> Result<Providers, OpenError> {
    roster::refuse_empty_lock(ledger, &catalog.lock()?)?;
    let restored = restore_lock(ledger, catalog)?;
    let providers = Providers::default();
    let lock = catalog.lock()?;
    for (name, locked) in &lock {
        if !removal::settle(roster, ledger, catalog, name)? {
            continue;
        }
        let record = roster.get(name);
        match catalog.load(sandbox, &locked.current) {
            Ok(provider) => {
                roster.follow(ledger, name, locked, Some(&provider.description().name))?;
                let slot = Slot::open(name, provider, record.and_then(|record| record.paused), ledger, key)?;
                if restored.contains(name) {
                    slot.fail(swap::not_named(name));
                }
                providers.add(slot);
            }
            Err(error) => {
                tracing::error!(provider = name, %error, "the provider is not loaded; its callbacks hear 503");
                roster.follow(ledger, name, locked, None)?;
                providers.set_absent(name, removal::not_loaded(record, Some(locked.current.clone()), error.to_string()));
            }
        }
    }
    for name in known_providers(ledger)?.iter().filter(|name| !lock.contains_key(*name)) {
        let why = "providers.lock does not name it, and its component is not there".to_owned();
        tracing::error!(provider = name, why, "the provider is not loaded; its callbacks hear 503");
        providers.set_absent(name, removal::not_loaded(roster.get(name), None, why));
    }
    for (name, record) in roster.removed() {
        providers.set_absent(&name, Absent::Removed(record));
    }
    Ok(providers)
}

/// Runs what blocks, a call of a provider or of the ledger, beside the threads that serve requests.
async fn blocking<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&Shared) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let app = app.clone();
    let done = tokio::task::spawn_blocking(move || work(&app)).await;
    done.unwrap_or_else(|error| Err(Problem::unfinished(error)))
}

async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    readiness::ready(app).await?;
    Ok("ready\n")
}

async fn metrics_text(State(app): State<App>) -> Result<String, Problem> {
    blocking(&app, |app| {
        let waiting = Waiting {
            unmatched: app.ledger.waiting_count()?,
            unrecognized: app.ledger.unrecognized_count()?,
            contradictions: app.ledger.contradiction_count()?,
        };
        app.metrics.set_loaded(app.providers.is_loaded());
        app.metrics.text(waiting).map_err(|error| Problem::internal(error.to_string()))
    })
    .await
}

/// Seconds since the epoch.
fn now() -> u64 {
    SystemClock.now()
}
