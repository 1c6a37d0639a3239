//! The host over HTTP: callbacks of payment systems, the API for a billing system, and pages for the operator and the
//! subscriber. It parses requests, calls the [`Host`], and shows the results.
//!
//! - `GET|POST /callbacks/{provider}`: callbacks of payment systems. The reply is sent when the ledger has the outcome on disk;
//!   if it cannot, the answer is 503. They can have a separate listener.
//! - `/api/v1/…`: JSON, with a bearer token; problems as in RFC 9457; described at `/api/openapi.json`.
//! - `/operator/…`: settings, statistics, everything that waits for the operator, and exports; behind a login.
//! - `/cabinet/…`: a sample of a subscriber's cabinet.
//! - `/healthz`: the process is running; `/readyz`: the ledger can commit, tested at most once a second; `/metrics`: metrics
//!   for Prometheus.
//!
//! Nothing in this crate names a provider: everything specific comes from its component.
//!
//! The command line opens and runs it for `serve`.

#![cfg_attr(test, allow(missing_docs))]

mod api;
mod arriving;
mod callbacks;
mod callers;
mod connections;
mod download;
mod forwarded;
mod guard;
mod hashing;
mod identifiers;
mod logins;
mod metrics;
mod pages;
mod peer;
mod problem;
mod process;
mod readiness;
mod reply;
mod run;
mod sessions;
mod shared;
mod throttle;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
pub use axum::http::HeaderName;
use axum::routing::get;
use domain::ProviderName;
use host::{Host, HostBuilder};
pub use ipnet::IpNet;
use tokio::sync::watch;

pub use api::Token;
pub use callers::{CallerProof, ClientCertificate};
use metrics::{Events, Metrics, Waiting};
use problem::Problem;
pub use process::Process;
pub use run::Listeners;
use shared::{App, Shared, blocking};

/// A gateway that serves a host.
pub struct Gateway(App);

/// The gateway's configuration.
pub struct Config {
    /// The URL at which payment systems and subscribers reach this host, without a trailing slash.
    pub public_url: String,
    /// The token that callers of the API must send.
    pub token: Token,
    /// The offset of local time from UTC, in hours, from -11 to 12. It determines when the days of statistics
    /// begin.
    pub utc_offset_hours: i8,
    /// The limit of refused callbacks per second and address; `None` for no limit. Proved callbacks are not limited.
    pub callback_rate: Option<NonZeroU32>,
    /// The header in which the web server in front of this host reports the client address. Its last address is trusted.
    pub proxy_header: Option<HeaderName>,
    /// The web servers whose header is trusted, and whose addresses are skipped in it. If empty, the header's last address is
    /// trusted, whoever sent it.
    pub trusted_proxies: Vec<IpNet>,
    /// What callers of a provider's callbacks must show, also after it was removed. A provider that is not listed accepts
    /// callbacks from anybody.
    pub callers: BTreeMap<ProviderName, CallerProof>,
    /// How long a client may stop reading an answer before its connection is closed.
    pub stall_time_max: Duration,
}

/// Why a gateway cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The host cannot be opened.
    #[error(transparent)]
    Host(#[from] host::OpenError),
    /// A thread cannot be started.
    #[error("a thread cannot be started: {0}; raise the limit of processes")]
    Thread(#[from] std::io::Error),
}

impl Gateway {
    /// Opens a host and creates the gateway that serves it. Sets the host's observer and its callback addresses.
    ///
    /// # Errors
    /// If the host cannot be opened, or a thread cannot be started.
    pub fn open(builder: HostBuilder, config: Config) -> Result<Gateway, OpenError> {
        let metrics = Arc::new(Metrics::new());
        let entered = Arc::new(watch::Sender::new(()));
        let public_url = config.public_url.clone();
        let builder = builder.callback_url(move |provider| format!("{public_url}{}{provider}", callbacks::ADDRESS));
        let builder = builder.known_callers(config.callers.keys().cloned());
        let host = builder.observer(Events { metrics: metrics.clone(), entered: entered.clone() }).open()?;
        let Config { callback_rate, proxy_header, trusted_proxies, callers, .. } = &config;
        let forwarded = forwarded::Forwarded::new(proxy_header.clone(), trusted_proxies.clone());
        Ok(Gateway(Arc::new(Shared {
            guard: guard::Guard::new(*callback_rate, forwarded),
            callers: callers::Callers::new(callers.clone()),
            host,
            config,
            metrics,
            readiness: readiness::Readiness::default(),
            sessions: sessions::Sessions::default(),
            logins: logins::Logins::default(),
            misdirected: throttle::EveryMinute::default(),
            floods: throttle::EveryMinute::default(),
            hashing: hashing::Hashing::start()?,
            entered,
            ending: watch::Sender::new(false),
        })))
    }

    /// Returns the host that is served.
    pub fn host(&self) -> &Host {
        &self.0.host
    }

    /// Returns the routes of the main listener. They include callbacks only if these have no separate listener.
    fn router(&self, with_callbacks: bool) -> Router {
        let callbacks = if with_callbacks { callbacks::router() } else { callbacks::elsewhere() };
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

    /// Returns the routes of the listener for callbacks.
    fn callbacks_router(&self) -> Router {
        callbacks::router().fallback(callbacks::fallback).with_state(self.0.clone())
    }
}

async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    // Runs in its own task, so that a client that disconnects does not cause the next one to begin another commit.
    let asked = tokio::spawn(async move { app.readiness.ask(&app.host).await });
    asked.await.map_err(Problem::task_failed)??;
    Ok("ready\n")
}

async fn metrics_text(State(app): State<App>) -> Result<String, Problem> {
    blocking(&app, |app| {
        let waiting = Waiting {
            unmatched: app.host.unmatched_count()?,
            unrecognized: app.host.unrecognized_count()?,
            contradictions: app.host.contradiction_count()?,
            operations: app.host.unknown_operation_count()?,
        };
        app.metrics.set_loaded(&app.host);
        app.metrics.text(waiting).map_err(|error| Problem::internal(error.to_string()))
    })
    .await
}
