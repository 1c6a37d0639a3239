//! The host over HTTP: callbacks of payment systems, the API that a billing system uses, and pages for the operator and the
//! subscriber. It reads requests, calls the [`Host`], and shows what comes of it.
//!
//! - `GET|POST /callbacks/{provider}`: what a payment system tells. It is answered when the ledger has it on disk, and 503 where
//!   that cannot be. It may have a listener of its own.
//! - `/api/v1/…`: JSON, with a bearer token; problems as RFC 9457; described at `/api/openapi.json`.
//! - `/operator/…`: settings, statistics, what waits for the operator, exports; behind a login.
//! - `/cabinet/…`: a sample of a subscriber's cabinet.
//! - `/healthz`: the process runs; `/readyz`: the ledger takes a commit, tried at most once a second; `/metrics`: what Prometheus reads.
//!
//! Nothing here names a provider: what is specific comes from its component.
//!
//! The command line opens it and runs it, for `serve`.

#![cfg_attr(test, allow(missing_docs))]

mod api;
mod arriving;
mod callbacks;
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
use metrics::{Events, Metrics, Waiting};
use problem::Problem;
pub use run::Listeners;
use shared::{App, Shared, blocking};

/// What the gateway serves.
pub struct Gateway(App);

/// How the gateway is to serve.
pub struct Config {
    /// Where payment systems and subscribers reach this host, without a slash at the end.
    pub public_url: String,
    /// What the API's callers must show.
    pub token: Token,
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
    pub callback_sources: BTreeMap<ProviderName, Vec<IpNet>>,
    /// How long an answer may stand still because nobody reads it; its connection is cut then.
    pub stall_time_max: Duration,
}

/// Why a gateway cannot be made.
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
    /// A gateway that opens a host and serves it. The host's observer and the addresses of its callbacks are set here.
    ///
    /// # Errors
    /// The host cannot be opened, or a thread not be started.
    pub fn open(builder: HostBuilder, config: Config) -> Result<Gateway, OpenError> {
        let metrics = Arc::new(Metrics::new());
        let entered = Arc::new(watch::Sender::new(()));
        let public_url = config.public_url.clone();
        let builder = builder.callback_url(move |provider| format!("{public_url}{}{provider}", callbacks::ADDRESS));
        let host = builder.observer(Events { metrics: metrics.clone(), entered: entered.clone() }).open()?;
        let Config { callback_rate, proxy_header, trusted_proxies, callback_sources, .. } = &config;
        let forwarded = forwarded::Forwarded::new(proxy_header.clone(), trusted_proxies.clone());
        Ok(Gateway(Arc::new(Shared {
            guard: guard::Guard::new(*callback_rate, forwarded, callback_sources.clone()),
            host,
            config,
            metrics,
            readiness: readiness::Readiness::default(),
            sessions: sessions::Sessions::default(),
            logins: logins::Logins::default(),
            hashing: hashing::Hashing::start()?,
            entered,
            ending: watch::Sender::new(false),
        })))
    }

    /// The host that is served.
    pub fn host(&self) -> &Host {
        &self.0.host
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

async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    // On a task of its own: who hangs up does not let the next one begin another commit.
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
        };
        app.metrics.set_loaded(&app.host);
        app.metrics.text(waiting).map_err(|error| Problem::internal(error.to_string()))
    })
    .await
}
