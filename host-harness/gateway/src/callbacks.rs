//! What payment systems tell.

use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use ledger::RawCallback;
use sandbox::records::{CallbackRequest, Fields, HttpMethod, HttpReply, Verdict};

use crate::problem::Problem;
use crate::{App, Shared, blocking, convert, now};

/// The largest body that is read: a callback has two kilobytes.
const BODY_BYTES_MAX: usize = 64 << 10;
/// The code of a callback that is signed and has a form that the provider does not know, by the contract.
const UNRECOGNIZED_FORM: &str = "unrecognized-form";
/// The code under which a provider's own failure is counted.
const PROVIDER_FAILED: &str = "provider-failed";

/// Takes a callback: the payment system hears the provider's reply when the ledger has kept what it came to.
pub async fn take(State(app): State<App>, Path(name): Path<String>, request: Request) -> Result<Response, Problem> {
    let method = match *request.method() {
        Method::GET => HttpMethod::Get,
        Method::POST => HttpMethod::Post,
        _ => return Ok(crate::problem::method_not_allowed().await.into_response()),
    };
    let query = request.uri().query().unwrap_or_default().to_owned();
    let headers = fields(request.headers());
    let body = to_bytes(request.into_body(), BODY_BYTES_MAX).await.map_err(|_| {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("a callback's body is whole and has at most {BODY_BYTES_MAX} bytes"),
        )
    })?;
    let callback =
        CallbackRequest { method, query, headers, body: body.into(), remote_address: String::new(), received_at: now() };
    let reply = blocking(&app, move |app| judge(app, &name, callback)).await?;
    // Whoever follows the entries looks again.
    app.entered.send_replace(());
    Ok(response(reply))
}

fn judge(app: &Shared, name: &str, request: CallbackRequest) -> Result<HttpReply, Problem> {
    let merchant = app.gateway.providers.get(name);
    let merchant =
        merchant.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, format!("there is no provider called {name}")))?;
    let answer = merchant.handle_callback(&request);
    let raw = RawCallback {
        provider: name.to_owned(),
        received_at: request.received_at,
        method: if request.method == HttpMethod::Get { "GET" } else { "POST" }.to_owned(),
        query: request.query,
        body: request.body,
    };
    let failed = |raw, what: String| -> Problem {
        // The payment system tells it again in any case; where it cannot be kept either, that is what it hears.
        let kept = app.ledger().refuse(raw, PROVIDER_FAILED.to_owned(), Some(what));
        kept.err().map_or_else(
            || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the callback cannot be judged now; send it again"),
            Problem::from,
        )
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Err(failed(raw, error.to_string())),
    };
    match answer.verdict {
        Verdict::Accepted(event) => match convert::event(name, event) {
            Some(event) => {
                app.ledger().take_event(event, raw)?;
            }
            None => return Err(failed(raw, "the event's currency is none".to_owned())),
        },
        Verdict::Ignored(_) => {}
        Verdict::Refused(problem) => {
            let unrecognized = (problem.code == UNRECOGNIZED_FORM).then_some(problem.message);
            app.ledger().refuse(raw, problem.code, unrecognized)?;
        }
    }
    Ok(answer.reply)
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
