//! What payment systems tell.

use std::net::IpAddr;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use ledger::{Outcome, RawCallback};
use sandbox::records::{CallbackRequest, Fields, HttpMethod, HttpReply, Verdict};
use tokio::sync::oneshot;

use crate::problem::Problem;
use crate::providers::Slot;
use crate::run::Peer;
use crate::{App, Shared, absent, convert, now};

/// What is read of a request; all three together are less than a sandbox takes, so that nobody from outside can make a provider's
/// call fail. A callback has two kilobytes.
const BODY_BYTES_MAX: usize = 32 << 10;
const QUERY_BYTES_MAX: usize = 16 << 10;
const HEADERS_BYTES_MAX: usize = 8 << 10;
/// How long the body may take to come.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// The headers that are not kept with a callback, beside `proxy-…`: see [`is_kept`].
const NOT_KEPT: [&str; 8] =
    ["authorization", "cookie", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// The code of a callback that is signed and has a form that the provider does not know, by the contract.
const UNRECOGNIZED_FORM: &str = "unrecognized-form";
/// The codes under which the host counts what it refuses itself.
const PROVIDER_FAILED: &str = "provider-failed";
const OTHER_ADDRESS: &str = "other-address";

/// Takes a callback: the payment system hears the provider's reply when the ledger has kept what it came to.
pub async fn take(State(app): State<App>, Path(name): Path<String>, peer: Peer, request: Request) -> Result<Response, Problem> {
    let method = match *request.method() {
        Method::GET => HttpMethod::Get,
        Method::POST => HttpMethod::Post,
        _ => return Ok(crate::problem::method_not_allowed().await.into_response()),
    };
    let slot = match app.providers.get(&name) {
        Ok(slot) => slot,
        Err(problem) => return Err(absent::callback(&app, name, method, peer, request, problem).await?),
    };
    let address = app.guard.address(request.headers(), peer.0);
    app.guard.callback(address).inspect_err(|_| app.metrics.callback(&name, "limited"))?;
    if !app.guard.is_source(&name, address) {
        app.refused.count(&slot.name, OTHER_ADDRESS, now());
        app.metrics.callback(&name, "refused");
        tracing::warn!(provider = name, %address, "a callback came from an address that is not in the provider's list");
        return Err(Problem::new(StatusCode::FORBIDDEN, "callbacks are not taken from this address"));
    }
    let callback = read(method, address, request).await?;
    let (tell, told) = oneshot::channel();
    let (app_of_call, slot_of_call) = (app.clone(), slot.clone());
    app.callers.make(move || judge(&app_of_call, &slot_of_call, callback, tell));
    // A task of its own: what was begun goes on where the payment system hangs up.
    let answered = tokio::spawn(async move {
        let answer = told.await.map_err(Problem::unfinished)??;
        answer.kept.map_or(Ok(()), |kept| kept.count(&app, &slot))?;
        Ok(answer.reply)
    });
    Ok(response(answered.await.unwrap_or_else(|error| Err(Problem::unfinished(error)))?))
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
    let body = body(request.into_body()).await?.ok_or_else(|| too_large("body", BODY_BYTES_MAX))?;
    let remote_address = address.to_string();
    Ok(CallbackRequest { method, query, headers, body, remote_address, received_at: now() })
}

/// The body; `None` where it is too large.
async fn body(body: Body) -> Result<Option<Vec<u8>>, Problem> {
    match tokio::time::timeout(BODY_TIME_MAX, to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(bytes)) => Ok(Some(bytes.into())),
        Ok(Err(_)) => Ok(None),
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the callback's body did not come in time")),
    }
}

/// What a callback came to.
struct Answer {
    reply: HttpReply,
    /// None: it was not accepted.
    kept: Option<Kept>,
}

/// An accepted callback, when the ledger was at it.
struct Kept {
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
            let (transaction, order) = (event.transaction.clone(), event.order.clone().unwrap_or_default());
            app.ledger.begin_event(event, raw, move |outcome| {
                drop(tell.send(Ok(Answer { reply, kept: Some(Kept { transaction, order, outcome }) })));
            });
        }
    }
}

/// The provider's reply, and what is accepted with it.
fn verdict(
    app: &Shared,
    slot: &Slot,
    request: CallbackRequest,
) -> Result<(HttpReply, Option<(ledger::Event, RawCallback)>), Problem> {
    let answer = slot.call(app, "handle-callback", |merchant| merchant.handle_callback(&request));
    let answer = answer.inspect_err(|_| app.metrics.callback(&slot.name, "failed"))?;
    let raw = raw(&slot.name, request);
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Err(failed(app, raw, error.to_string())),
    };
    let accepted = match answer.verdict {
        Verdict::Accepted(event) => match convert::event(&slot.name, event) {
            Some(event) => Some((event, raw)),
            None => return Err(failed(app, raw, "the event's currency is none".to_owned())),
        },
        Verdict::Ignored(problem) => {
            app.metrics.callback(&slot.name, "ignored");
            tracing::info!(provider = slot.name, code = problem.code, "a callback was ignored");
            None
        }
        Verdict::Refused(problem) => {
            app.metrics.callback(&slot.name, "refused");
            tracing::warn!(provider = slot.name, code = problem.code, "a callback was refused");
            app.refused.count(&slot.name, &problem.code, raw.received_at);
            if problem.code == UNRECOGNIZED_FORM {
                app.ledger.keep_unrecognized(raw, problem.message).inspect_err(|_| not_stored(app, slot))?;
            }
            None
        }
    };
    Ok((answer.reply, accepted))
}

/// A callback as it is kept.
pub fn raw(provider: &str, request: CallbackRequest) -> RawCallback {
    RawCallback {
        provider: provider.to_owned(),
        received_at: request.received_at,
        method: if request.method == HttpMethod::Get { "GET" } else { "POST" }.to_owned(),
        query: request.query,
        headers: request.headers.into_iter().filter(|(name, _)| is_kept(name)).collect(),
        body: request.body,
        remote_address: request.remote_address,
    }
}

impl Kept {
    /// Counts and logs it.
    fn count(self, app: &Shared, slot: &Slot) -> Result<(), Problem> {
        let Kept { transaction, order, outcome } = self;
        let name = match outcome.inspect_err(|_| not_stored(app, slot))? {
            Outcome::Entered { repeated: false, .. } => {
                // Whoever follows the entries looks again; for nothing else, or forgers would make everybody look.
                app.entered.send_replace(());
                "entered"
            }
            Outcome::Unmatched { repeated: false, .. } => "unmatched",
            Outcome::Entered { .. } | Outcome::Unmatched { .. } => "repeated",
            Outcome::NoMoney => "no-money",
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

/// The provider could not judge: the payment system tells it again in any case; where the callback cannot be kept either, that is
/// what it hears.
fn failed(app: &Shared, raw: RawCallback, what: String) -> Problem {
    app.metrics.callback(&raw.provider, "failed");
    app.refused.count(&raw.provider, PROVIDER_FAILED, raw.received_at);
    match app.ledger.keep_unrecognized(raw, what) {
        Ok(()) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the callback cannot be judged now; send it again"),
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

/// The provider's reply; the sandbox has checked its form.
fn response(reply: HttpReply) -> Response {
    let mut response = reply.body.into_response();
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::BAD_GATEWAY);
    response.headers_mut().clear();
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
