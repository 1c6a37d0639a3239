//! The callback addresses of payment systems.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use domain::{CallbackRequest, Fields, HttpMethod, ProviderName};
use host::{Availability, CallbackResult, ErrorCode, Host, HostError};
use serde::Deserialize;
use tokio::sync::oneshot;

use crate::callers::Missing;
use crate::peer::Peer;
use crate::problem::Problem;
use crate::reply::Reply;
use crate::shared::{App, Shared, blocking};

/// The prefix of a callback address.
pub const ADDRESS: &str = "/callbacks/";

/// The limits of a request. All three together are below the sandbox's input limit, so that nobody from outside can make a
/// provider's call fail. A callback has about two kilobytes.
const BODY_BYTES_MAX: usize = 32 << 10;
const QUERY_BYTES_MAX: usize = 16 << 10;
const HEADERS_BYTES_MAX: usize = 8 << 10;

/// The challenge for callers without the user name and password that they need (RFC 7617).
const CHALLENGE: &str = "Basic realm=\"callbacks\", charset=\"UTF-8\"";

/// The callback address of a provider, and what a payment system may add to it.
const ADDRESSES: [&str; 3] = ["/callbacks/{provider}", "/callbacks/{provider}/", "/callbacks/{provider}/{*path}"];

/// The parameters of a callback address that are read. The path is read as it was sent, still encoded.
#[derive(Deserialize)]
struct Address {
    provider: String,
}

/// Returns what follows a provider's callback address in a request's path.
fn path_of(uri: &Uri) -> &str {
    let rest = uri.path().strip_prefix(ADDRESS).unwrap_or_default();
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
}

/// Routes callback addresses. Similar addresses go to [`fallback`].
pub fn router() -> Router<App> {
    ADDRESSES.into_iter().fold(Router::new(), |router, address| router.route(address, any(receive)))
}

/// The same paths on the main listener, if callbacks have a listener of their own.
pub fn elsewhere() -> Router<App> {
    ADDRESSES.into_iter().fold(Router::new(), |router, address| router.route(address, any(misdirect)))
}

/// Refuses a callback that arrived at the main listener. The payment system sends it to the right address, but the web server passes
/// it on to the wrong listener.
async fn misdirect(State(app): State<App>, name: Result<Path<Address>, PathRejection>, request: Request) -> Reply {
    let name = name.ok().and_then(|Path(address)| ProviderName::new(address.provider).ok());
    let Some(name) = name.filter(|name| app.host.availability(name).is_some()) else { return unknown(&app, request.uri()) };
    if app.misdirected.is_due() {
        tracing::error!(
            provider = name.as_str(),
            "a callback came to the address of --listen, where callbacks are not served; make the web server pass /callbacks/ to \
             the address of --listen-callbacks; logged at most once a minute"
        );
    }
    let said = "callbacks are served at another address of this host; the web server must pass /callbacks/ on to it";
    Problem::new(StatusCode::MISDIRECTED_REQUEST, said).into()
}

/// Receives a callback. The provider's reply is sent when the ledger has stored the outcome.
async fn receive(State(app): State<App>, name: Result<Path<Address>, PathRejection>, peer: Peer, request: Request) -> Reply {
    let name = name.ok().and_then(|Path(address)| ProviderName::new(address.provider).ok());
    let Some(name) = name else { return unknown(&app, request.uri()) };
    let received = match app.host.availability(&name) {
        Some(Availability::Loaded) => process(&app, name, peer, request).await,
        Some(absent) => refuse_absent(&app, name, absent, peer, request).await,
        None => return unknown(&app, request.uri()),
    };
    received.unwrap_or_else(Reply::from)
}

/// Counts a callback to an address without a provider.
fn unknown(app: &Shared, uri: &Uri) -> Reply {
    let path = uri.path();
    app.host.count_unknown_address(path.strip_prefix(ADDRESS).unwrap_or(path));
    Problem::new(StatusCode::NOT_FOUND, "there is no provider at this address").into()
}

/// Answers a request to an unknown address. One under `/callbacks/` is counted as a callback.
pub async fn fallback(State(app): State<App>, uri: Uri) -> Response {
    let first = uri.path().split('/').find(|piece| !piece.is_empty()).unwrap_or_default();
    if first.eq_ignore_ascii_case(ADDRESS.trim_matches('/')) {
        unknown(&app, &uri).into_response()
    } else {
        crate::problem::not_found().await.into_response()
    }
}

async fn process(app: &App, name: ProviderName, peer: Peer, request: Request) -> Result<Reply, Problem> {
    let method = method(request.method()).await?;
    let address = app.guard.address(request.headers(), peer.0);
    require_caller(app, &name, address, request.headers(), peer)?;
    let looks_up = app.host.looks_up(&name);
    if looks_up {
        app.guard.require_lookup(address).inspect_err(|_| app.metrics.callback(&name, "limited"))?;
    }
    let callback = read(method, address, request).await?;
    let (reply_tx, reply_rx) = oneshot::channel();
    // It is dropped with this request, when the payment system disconnects.
    let caller = Arc::new(());
    let lane = app.guard.lane(address);
    // The receiver is gone if this request has ended.
    let done = move |processed| drop(reply_tx.send(processed));
    app.host.submit_callback(&name, lane, callback, Arc::downgrade(&caller), done)?;
    // Runs in its own task, so that processing continues when the payment system disconnects.
    let app = app.clone();
    let processed = tokio::spawn(async move {
        let outcome = reply_rx.await.map_err(Problem::task_failed)?.finish();
        let is_flood = |error: &HostError| error.code == Some(ErrorCode::TooManyLookups);
        if outcome.as_ref().map_or_else(is_flood, |outcome| outcome.result == CallbackResult::Refused) {
            if looks_up {
                app.guard.count_lookup(address);
            }
            // The host has counted it as refused.
            app.guard.refused(address).inspect_err(|_| app.metrics.callback(&name, "limited"))?;
        }
        let outcome = outcome?;
        Ok(outcome.reply)
    });
    let processed = processed.await;
    drop(caller);
    Ok(Reply::of_provider(processed.unwrap_or_else(|error| Err(Problem::task_failed(error)))?))
}

/// Answers a callback of a provider that takes no calls. The answer is 503, so that the payment system sends the callback again
/// and it may be processed later. A callback of a removed provider is also stored, completely and once, and shown to the
/// operator.
async fn refuse_absent(
    app: &App,
    name: ProviderName,
    absent: Availability,
    peer: Peer,
    request: Request,
) -> Result<Reply, Problem> {
    let method = method(request.method()).await?;
    let address = app.guard.address(request.headers(), peer.0);
    require_caller(app, &name, address, request.headers(), peer)?;
    app.guard.refused(address).inspect_err(|_| app.metrics.callback(&name, "limited"))?;
    app.host.count_absent(&name);
    if absent == Availability::Removed {
        let callback = read(method, address, request).await?;
        blocking(app, move |app| Ok(app.host.store_for_removed(&name, callback)?)).await?;
    }
    Err(Host::callbacks_unavailable().into())
}

/// Converts the method of a callback.
///
/// # Errors
/// 405 for a method that the contract does not have, such as HEAD.
async fn method(method: &Method) -> Result<HttpMethod, Problem> {
    match *method {
        Method::GET => Ok(HttpMethod::Get),
        Method::POST => Ok(HttpMethod::Post),
        Method::PUT => Ok(HttpMethod::Put),
        Method::PATCH => Ok(HttpMethod::Patch),
        Method::DELETE => Ok(HttpMethod::Delete),
        _ => Err(crate::problem::method_not_allowed().await),
    }
}

/// Refuses a caller that does not show what the provider's callers must, even if the provider is not loaded or removed.
fn require_caller(
    app: &Shared,
    provider: &ProviderName,
    address: IpAddr,
    headers: &HeaderMap,
    peer: Peer,
) -> Result<(), Problem> {
    let Err(missing) = app.callers.check(provider, address, headers, peer.0, |peer| app.guard.is_proxy(peer)) else {
        return Ok(());
    };
    app.guard.refused(address).inspect_err(|_| app.metrics.callback(provider, "limited"))?;
    let (code, what) = match missing {
        Missing::Address => (
            "other-address",
            "it came from an address that --callback-from does not list; if the payment system has a new address, add it there",
        ),
        Missing::Credentials => (
            "credentials",
            "user name and password are not those of --callback-credentials; enter the same at the payment system",
        ),
        Missing::Certificate => (
            "client-certificate",
            "it came without the client certificate of --callback-certificate; check the web server's header and its value",
        ),
    };
    app.host.count_unknown_caller(provider, code);
    if app.host.is_refusal_logged(provider) {
        tracing::warn!(provider = provider.as_str(), %address, "a callback was refused: {what}");
    }
    Err(match missing {
        Missing::Credentials => {
            Problem::new(StatusCode::UNAUTHORIZED, "callbacks need a user name and a password").with_challenge(CHALLENGE)
        }
        Missing::Address | Missing::Certificate => {
            Problem::new(StatusCode::FORBIDDEN, "this caller is not allowed to send callbacks")
        }
    })
}

async fn read(method: HttpMethod, address: IpAddr, request: Request) -> Result<CallbackRequest, Problem> {
    let too_large = |what: &str, max: usize| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a callback's {what} must not exceed {max} bytes"))
    };
    let (path, query) = (path_of(request.uri()).to_owned(), request.uri().query().unwrap_or_default().to_owned());
    if path.len() + query.len() > QUERY_BYTES_MAX {
        return Err(too_large("path and query", QUERY_BYTES_MAX));
    }
    let headers = fields(request.headers());
    if headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > HEADERS_BYTES_MAX {
        return Err(too_large("header", HEADERS_BYTES_MAX));
    }
    let body = to_bytes(request.into_body(), BODY_BYTES_MAX).await;
    let body = body.map_err(|error| Problem::late(&error).unwrap_or_else(|| too_large("body", BODY_BYTES_MAX)))?.into();
    let remote_address = address.to_string();
    // The host sets the time of receipt.
    Ok(CallbackRequest { method, path, query, headers, body, remote_address, received_at: 0 })
}

/// Returns the headers with lower-case names. A header whose value is not text is left out, since no provider needs it.
fn fields(headers: &HeaderMap) -> Fields {
    let pair = |(name, value): (&HeaderName, &HeaderValue)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()));
    headers.iter().filter_map(pair).collect()
}
