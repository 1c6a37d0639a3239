//! The host over HTTP: callbacks of payment systems, the API that a billing system uses, and pages for the operator and the
//! subscriber.
//!
//! - `GET|POST /callbacks/{provider}`: what a payment system tells. It is answered when the ledger has it on disk, and 503 where
//!   that cannot be.
//! - `/api/v1/…`: JSON, with a bearer token; problems as RFC 9457; described at `/api/openapi.json`.
//! - `/operator/…`: settings, statistics, what waits for the operator, exports; behind a login.
//! - `/cabinet/…`: a sample of a subscriber's cabinet.
//! - `/healthz`: the process runs; `/readyz`: the ledger can be written; `/metrics`: what Prometheus reads.
//!
//! Nothing here names a provider: what is specific comes from its component.

#![cfg_attr(test, allow(missing_docs))]

mod api;
mod callbacks;
mod callers;
mod convert;
mod download;
mod exports;
mod guard;
mod hosts;
mod invisible;
mod limits;
mod metrics;
mod operators;
mod orders;
mod pages;
mod problem;
mod providers;
mod refusals;
mod replay;
mod run;
mod seal;
mod swap;
mod turns;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
pub use axum::http::HeaderName;
use axum::routing::{any, get};
use catalog::Catalog;
pub use ipnet::IpNet;
use ledger::{Ledger, Sqlite};
use sandbox::Sandbox;
use tokio::sync::{Semaphore, watch};

pub use api::Token;
use hosts::Confirmed;
pub use invisible::problems as invisible_characters;
use metrics::Metrics;
pub use operators::{OperatorError, remove as remove_operator, set_password};
use problem::Problem;
use providers::{Entering, Providers, Slot};
pub use seal::Key;

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
    /// How far the operator's clock is before UTC, in hours: days of statistics begin by it.
    pub utc_offset_hours: i8,
    /// How many callbacks a second an address may send; none: any number.
    pub callback_rate: Option<NonZeroU32>,
    /// The header by which the web server before this host tells where a request comes from; its last address is believed.
    pub proxy_header: Option<HeaderName>,
    /// Where a provider's callbacks may come from; a provider that is absent takes them from everywhere.
    pub callback_sources: BTreeMap<String, Vec<IpNet>>,
}

/// Why a gateway cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// What is locked cannot be loaded.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
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
    ledger: Ledger<Sqlite>,
    sandbox: Sandbox,
    catalog: Catalog,
    providers: Providers,
    config: Config,
    metrics: Metrics,
    guard: guard::Guard,
    refused: refusals::Refused,
    sessions: operators::Sessions,
    /// Held while a password is hashed, which takes much memory: one at a time.
    hashing: Semaphore,
    /// Held while an export is made: one at a time.
    exporting: Mutex<()>,
    turns: turns::Turns,
    /// Who makes the calls for callbacks.
    callers: Arc<callers::Callers>,
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
    /// keeps.
    ///
    /// # Errors
    /// Where a component is not the one that is locked or cannot be loaded, and where the ledger cannot be read.
    pub fn new(ledger: Ledger<Sqlite>, catalog: Catalog, sandbox: Sandbox, config: Config) -> Result<Gateway, OpenError> {
        let mut slots = BTreeMap::new();
        for (name, locked) in catalog.lock()? {
            let provider = catalog.load(&sandbox, &locked.current)?;
            slots.insert(name.clone(), Arc::new(Slot::open(&name, provider, &ledger, &config.key)?));
        }
        let providers = Providers::new(slots);
        let processors = processors();
        let calls_at_once = calls_at_once(&sandbox, processors);
        let Config { callback_rate, proxy_header, callback_sources, .. } = &config;
        Ok(Gateway(Arc::new(Shared {
            guard: guard::Guard::new(*callback_rate, proxy_header.clone(), callback_sources.clone()),
            turns: turns::Turns::new(calls_at_once),
            callers: callers::Callers::new(processors, calls_at_once),
            ledger,
            sandbox,
            catalog,
            providers,
            config,
            metrics: Metrics::new(),
            refused: refusals::Refused::default(),
            sessions: operators::Sessions::default(),
            hashing: Semaphore::new(1),
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

    fn router(&self) -> Router {
        Router::new()
            .route("/callbacks/{provider}", any(callbacks::take))
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics_text))
            .merge(api::router(&self.0))
            .merge(pages::router(&self.0))
            .fallback(problem::not_found)
            .method_not_allowed_fallback(problem::method_not_allowed)
            .with_state(self.0.clone())
    }
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
    blocking(&app, |app| Ok(app.ledger.ready()?)).await?;
    Ok("ready\n")
}

async fn metrics_text(State(app): State<App>) -> Result<String, Problem> {
    blocking(&app, |app| {
        let waiting = app.ledger.waiting(api::UNMATCHED_MAX)?.len();
        app.metrics.text(waiting).map_err(|error| Problem::internal(error.to_string()))
    })
    .await
}

/// Seconds since the epoch.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
