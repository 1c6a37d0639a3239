//! The host over HTTP: callbacks of payment systems, and the API that a billing system uses.
//!
//! - `GET|POST /callbacks/{provider}`: what a payment system tells. It is answered when the ledger has it on disk, and 503 where
//!   that cannot be.
//! - `/api/v1/…`: JSON, with a bearer token; problems as RFC 9457.
//! - `/healthz`: the process runs; `/readyz`: the ledger can be read.
//!
//! Nothing here names a provider: what is specific comes from its component.

#![cfg_attr(test, allow(missing_docs))]

mod api;
mod callbacks;
mod convert;
mod problem;
mod run;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{any, get, post, put};
use ledger::{Ledger, Sqlite};
use sandbox::Merchant;
use tokio::sync::watch;

pub use api::Token;
use problem::Problem;

/// What the gateway serves.
pub struct Gateway {
    /// Where money is.
    pub ledger: Ledger<Sqlite>,
    /// The providers, by the name that their callbacks come to; each with its merchant's settings.
    pub providers: BTreeMap<String, Merchant>,
    /// Where payment systems and subscribers reach this host, without a slash at the end.
    pub public_url: String,
    /// What the API's callers must show.
    pub token: Token,
}

/// The gateway, shared by requests.
struct Shared {
    gateway: Gateway,
    /// Changes when there may be new entries.
    entered: watch::Sender<()>,
}

type App = Arc<Shared>;

impl Gateway {
    /// Its routes.
    pub fn router(self) -> Router {
        let app: App = Arc::new(Shared { gateway: self, entered: watch::Sender::new(()) });
        let api = Router::new()
            .route("/accounts/{account}", put(api::put_account).get(api::get_account))
            .route("/links", post(api::create_link))
            .route("/orders/{order}", get(api::get_order))
            .route("/entries", get(api::entries))
            .route("/writeoffs", post(api::add_writeoffs).layer(DefaultBodyLimit::max(api::WRITEOFFS_BYTES_MAX)))
            .route("/unmatched", get(api::unmatched))
            .route("/unmatched/{id}/credit", post(api::credit_unmatched))
            .route("/unmatched/{id}/dismiss", post(api::dismiss_unmatched))
            .fallback(problem::not_found)
            .layer(axum::middleware::from_fn_with_state(app.clone(), api::authorize));
        Router::new()
            .route("/callbacks/{provider}", any(callbacks::take))
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .nest("/api/v1", api)
            .fallback(problem::not_found)
            .method_not_allowed_fallback(problem::method_not_allowed)
            .with_state(app)
    }
}

impl Shared {
    fn ledger(&self) -> &Ledger<Sqlite> {
        &self.gateway.ledger
    }
}

/// Runs what blocks, a call of a provider or of the ledger, beside the threads that serve requests.
async fn blocking<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&Shared) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let app = app.clone();
    let done = tokio::task::spawn_blocking(move || work(&app)).await;
    done.unwrap_or_else(|_| Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the request's work ended without a result")))
}

async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    blocking(&app, |app| Ok(app.ledger().entries(None, 0, 1)?)).await?;
    Ok("ready\n")
}

/// Seconds since the epoch.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
