//! What payment systems tell.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use domain::{
    CallbackRequest, Event, Fields, HttpMethod, HttpReply, Keeping, Outcome, Problem as Said, ProvedEvent, RawCallback, Verdict,
};
use tokio::sync::oneshot;

use crate::card_data::CardData;
use crate::problem::Problem;
use crate::providers::Slot;
use crate::reply::Reply;
use crate::run::Peer;
use crate::{App, Shared, absent, blocking, now};
use host::refusals;

/// What a callback's address begins with.
pub const ADDRESS: &str = "/callbacks/";

/// What is read of a request; all three together are less than a sandbox takes, so that nobody from outside can make a provider's
/// call fail. A callback has two kilobytes.
const BODY_BYTES_MAX: usize = 32 << 10;
const QUERY_BYTES_MAX: usize = 16 << 10;
const HEADERS_BYTES_MAX: usize = 8 << 10;

/// The headers that are not kept with a callback, beside `proxy-…`: see [`is_kept`].
const NOT_KEPT: [&str; 8] =
    ["authorization", "cookie", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// How many callbacks that nothing proves are kept of a provider until an operator has acknowledged some: anybody can send one.
const UNPROVED_MAX: u64 = 1_000;
/// The same of those that are proved: whoever caught one can send it with other unsigned fields. The payment system hears 503 then, and
/// tells it again.
const PROVED_MAX: u64 = 10_000;

/// The codes under which the host counts what it refuses itself.
const PROVIDER_FAILED: &str = "provider-failed";
const SUM_TOO_LARGE: &str = "sum-too-large";
const OTHER_ADDRESS: &str = "other-address";

/// The addresses of callbacks; what is near them goes to [`fallback`].
pub fn router() -> Router<App> {
    Router::new().route("/callbacks/{provider}", any(take)).route("/callbacks/{provider}/", any(take))
}

/// Takes a callback: the payment system hears the provider's reply when the ledger has kept what it came to.
pub async fn take(State(app): State<App>, name: Result<Path<String>, PathRejection>, peer: Peer, request: Request) -> Reply {
    let Ok(Path(name)) = name else { return unknown(State(app), request.uri().clone()).await };
    let received = match app.providers.find(&name) {
        Some(slot) => receive(&app, slot, peer, request).await,
        None => match app.providers.absent(&name) {
            Some(provider) => absent::callback(&app, name, provider, peer, request).await,
            None => return unknown(State(app), request.uri().clone()).await,
        },
    };
    received.unwrap_or_else(Reply::from)
}

/// Counts a callback that came to an address where no provider is: somebody may have entered a wrong one at the payment system.
pub async fn unknown(State(app): State<App>, uri: Uri) -> Reply {
    let path = uri.path();
    let mut address = path.strip_prefix(ADDRESS).unwrap_or(path).to_owned();
    CardData::default().mask_named("", &mut address);
    app.metrics.callback(refusals::OTHER, refusals::UNKNOWN_ADDRESS);
    if app.refused.count_unknown(&address, now()) {
        tracing::warn!(address, "a callback came to an address where no provider is");
    }
    Problem::new(StatusCode::NOT_FOUND, "there is no provider at this address").into()
}

/// What is no address of this host: a callback's, if it is near one.
pub async fn fallback(state: State<App>, uri: Uri) -> Response {
    let first = uri.path().split('/').find(|piece| !piece.is_empty()).unwrap_or_default();
    if first.eq_ignore_ascii_case(ADDRESS.trim_matches('/')) {
        unknown(state, uri).await.into_response()
    } else {
        crate::problem::not_found().await.into_response()
    }
}

/// The method of a callback.
///
/// # Errors
/// 405 for any other.
pub async fn method(method: Method) -> Result<HttpMethod, Problem> {
    match method {
        Method::GET => Ok(HttpMethod::Get),
        Method::POST => Ok(HttpMethod::Post),
        _ => Err(crate::problem::method_not_allowed().await),
    }
}

async fn receive(app: &App, slot: Arc<Slot>, peer: Peer, request: Request) -> Result<Reply, Problem> {
    let method = method(request.method().clone()).await?;
    let address = app.guard.address(request.headers(), peer.0);
    require_source(app, &slot.name, address)?;
    let callback = read(method, address, request).await?;
    let (tell, told) = oneshot::channel();
    let (app_of_call, slot_of_call) = (app.clone(), slot.clone());
    app.callers.submit(app.guard.lane(address), move || judge(&app_of_call, &slot_of_call, callback, tell));
    // A task of its own: what was begun goes on where the payment system hangs up.
    let app = app.clone();
    let answered = tokio::spawn(async move {
        let answer = told.await.map_err(Problem::unfinished)??;
        if let Some(kept) = answer.kept {
            kept.count(&app, &slot).await?;
        }
        Ok(answer.reply)
    });
    Ok(Reply::of_provider(answered.await.unwrap_or_else(|error| Err(Problem::unfinished(error)))?))
}

/// Refuses what comes from an address that is not in the list of a provider's, whether it is there or was removed.
pub fn require_source(app: &Shared, provider: &str, address: IpAddr) -> Result<(), Problem> {
    if app.guard.is_source(provider, address) {
        return Ok(());
    }
    app.refused.count(provider, OTHER_ADDRESS, now());
    app.metrics.callback(provider, "refused");
    tracing::warn!(provider, %address, "a callback came from an address that is not in the provider's list");
    Err(Problem::new(StatusCode::FORBIDDEN, "callbacks are not taken from this address"))
}

pub async fn read(method: HttpMethod, address: IpAddr, request: Request) -> Result<CallbackRequest, Problem> {
    let too_large = |what: &str, max: usize| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a callback's {what} has at most {max} bytes"))
    };
    let query = request.uri().query().unwrap_or_default().to_owned();
    if query.len() > QUERY_BYTES_MAX {
        return Err(too_large("query", QUERY_BYTES_MAX));
    }
    let headers = fields(request.headers());
    if headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > HEADERS_BYTES_MAX {
        return Err(too_large("header", HEADERS_BYTES_MAX));
    }
    let body = to_bytes(request.into_body(), BODY_BYTES_MAX).await;
    let body = body.map_err(|error| Problem::late(&error).unwrap_or_else(|| too_large("body", BODY_BYTES_MAX)))?.into();
    let remote_address = address.to_string();
    Ok(CallbackRequest { method, query, headers, body, remote_address, received_at: now() })
}

/// What a callback came to.
struct Answer {
    reply: HttpReply,
    /// None: it was not accepted.
    kept: Option<Kept>,
}

/// An accepted callback, when the ledger was at it.
struct Kept {
    raw: Arc<RawCallback>,
    transaction: String,
    order: String,
    outcome: Result<Outcome, ledger::Error>,
}

/// Who is told what a callback came to.
type Tell = oneshot::Sender<Result<Answer, Problem>>;

/// Judges a callback. What is accepted, the ledger tells when it has it on disk, so that no thread waits for that.
fn judge(app: &Shared, slot: &Slot, request: CallbackRequest, tell: Tell) {
    // Whoever is told may be gone.
    match verdict(app, slot, request) {
        Err(problem) => drop(tell.send(Err(problem))),
        Ok((reply, None)) => drop(tell.send(Ok(Answer { reply, kept: None }))),
        Ok((reply, Some((event, raw)))) => {
            let (transaction, order) = (event.facts.transaction.clone(), event.facts.order.clone().unwrap_or_default());
            let raw = Arc::new(raw);
            app.ledger.begin_event(event, raw.clone(), move |outcome| {
                drop(tell.send(Ok(Answer { reply, kept: Some(Kept { raw, transaction, order, outcome }) })));
            });
        }
    }
}

/// The provider's reply, and what is accepted with it.
fn verdict(app: &Shared, slot: &Slot, request: CallbackRequest) -> Result<(HttpReply, Option<(Event, RawCallback)>), Problem> {
    let answer = slot.call(app, "handle-callback", |merchant| merchant.handle_callback(&request));
    let answer = answer.inspect_err(|_| app.metrics.callback(&slot.name, "failed"))?;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Err(failed(app, masked(slot, request, None), PROVIDER_FAILED, error.to_string())),
    };
    let accepted = match answer.verdict {
        Verdict::Accepted(mut event) => {
            let raw = masked(slot, request, Some(&event));
            CardData::mask_event(slot.live().description(), &mut event);
            Some((Event::new(&*slot.name, event), raw))
        }
        Verdict::Unresolved(problem) => {
            unresolved(app, slot, masked(slot, request, None), problem)?;
            None
        }
        Verdict::Ignored(problem) => {
            app.metrics.callback(&slot.name, "ignored");
            tracing::info!(provider = slot.name, code = problem.code, "a callback was ignored");
            None
        }
        Verdict::Refused(problem) => {
            app.metrics.callback(&slot.name, "refused");
            tracing::warn!(provider = slot.name, code = problem.code, "a callback was refused");
            app.refused.count(&slot.name, &problem.code, request.received_at);
            if let Ok(address) = request.remote_address.parse() {
                app.guard.refused(address)?;
            }
            None
        }
    };
    Ok((answer.reply, accepted))
}

/// A callback as it is kept: without card data.
fn masked(slot: &Slot, request: CallbackRequest, event: Option<&ProvedEvent>) -> RawCallback {
    let mut raw = raw(&slot.name, request);
    if CardData::new(slot.live().description(), event).mask_callback(&mut raw) {
        tracing::warn!(provider = slot.name, "a callback held card data, which is masked before it is kept");
    }
    raw
}

/// A callback as it is kept, but for card data, which it may still hold.
pub fn raw(provider: &str, request: CallbackRequest) -> RawCallback {
    RawCallback {
        provider: provider.to_owned(),
        received_at: request.received_at,
        method: if request.method == HttpMethod::Get { "GET" } else { "POST" }.to_owned(),
        query: request.query,
        headers: request.headers.into_iter().filter(|(name, _)| is_kept(name)).collect(),
        body: request.body,
        remote_address: request.remote_address,
        is_masked: false,
    }
}

/// Keeps what is proved and not understood, once, however often it comes.
fn unresolved(app: &Shared, slot: &Slot, raw: RawCallback, problem: Said) -> Result<(), Problem> {
    let Said { code, mut message, .. } = problem;
    CardData::new(slot.live().description(), None).mask_named("", &mut message);
    let kept = app.ledger.keep_unrecognized(raw, code.clone(), message, Some(PROVED_MAX));
    let kept = kept.inspect_err(|_| not_stored(app, slot))?;
    app.metrics.callback(&slot.name, "unresolved");
    match kept {
        Keeping::Kept => {
            tracing::warn!(provider = slot.name, code, "a callback is proved and not understood; the operator must look at it");
        }
        Keeping::Counted => tracing::info!(provider = slot.name, code, "a callback that is kept as not understood came again"),
        Keeping::TooMany => {
            tracing::error!(
                provider = slot.name,
                code,
                "a proved callback is not kept: too many of its provider wait for the operator"
            );
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the callback cannot be kept now; send it again"));
        }
    }
    Ok(())
}

impl Kept {
    /// Counts and logs it.
    async fn count(self, app: &App, slot: &Slot) -> Result<(), Problem> {
        let Kept { raw, transaction, order, outcome } = self;
        if let Err(error @ ledger::Error::SumTooLarge(_)) = &outcome {
            // It is proved, and would be refused for ever: the operator must see it.
            let said = error.to_string();
            return Err(blocking(app, move |app| Ok(failed(app, RawCallback::clone(&raw), SUM_TOO_LARGE, said))).await?);
        }
        let name = match outcome.inspect_err(|_| not_stored(app, slot))? {
            Outcome::Entered { repeated: false, .. } => {
                // Whoever follows the entries looks again; for nothing else, or forgers would make everybody look.
                app.entered.send_replace(());
                "entered"
            }
            Outcome::Unmatched { repeated: false, .. } => "unmatched",
            Outcome::Entered { .. } | Outcome::Unmatched { .. } => "repeated",
            Outcome::NoMoney => "no-money",
            Outcome::Contradiction { id } => {
                if let Some(id) = id {
                    let said = "a callback repeats an event and says something else; the operator must look at both";
                    tracing::warn!(provider = slot.name, transaction, id, "{said}");
                }
                "contradiction"
            }
        };
        app.metrics.callback(&slot.name, name);
        slot.accepted();
        tracing::info!(provider = slot.name, transaction, order, outcome = name, "a callback was accepted");
        Ok(())
    }
}

fn not_stored(app: &Shared, slot: &Slot) {
    app.metrics.callback(&slot.name, "not-stored");
}

/// Keeps a callback that nothing proves, unless the same was kept before, or too many wait.
///
/// # Errors
/// Where it cannot be kept.
pub fn keep_unproved(app: &Shared, raw: RawCallback, code: &str, message: String) -> Result<Keeping, ledger::Error> {
    let provider = raw.provider.clone();
    let kept = app.ledger.keep_unrecognized(raw, code.to_owned(), message, Some(UNPROVED_MAX))?;
    if kept == Keeping::TooMany {
        tracing::error!(provider, code, "a callback is not kept: too many of its provider wait for the operator");
    }
    Ok(kept)
}

/// The provider could not judge, or the ledger not enter: the payment system tells it again in any case; where the callback cannot
/// be kept either, that is what it hears.
fn failed(app: &Shared, raw: RawCallback, code: &str, what: String) -> Problem {
    app.metrics.callback(&raw.provider, "failed");
    app.refused.count(&raw.provider, code, raw.received_at);
    let kept = match code {
        PROVIDER_FAILED => keep_unproved(app, raw, code, what),
        _ => app.ledger.keep_unrecognized(raw, code.to_owned(), what, None),
    };
    match kept {
        Ok(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the callback cannot be judged now; send it again"),
        Err(error) => error.into(),
    }
}

/// Whether a header is kept with its callback, so that a provider can judge it again. What a caller shows to be let in could be a
/// secret of this host (its own pages and its API have cookies and a token), and what is of one connection tells nothing later. A
/// provider that judges by `authorization` refuses its callback when that is replayed.
fn is_kept(name: &str) -> bool {
    !NOT_KEPT.contains(&name) && !name.starts_with("proxy-")
}

/// Headers by their lower-case names; one that is no text is left out, since no provider needs it.
fn fields(headers: &HeaderMap) -> Fields {
    let pair = |(name, value): (&HeaderName, &HeaderValue)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()));
    headers.iter().filter_map(pair).collect()
}
