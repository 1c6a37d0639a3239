//! What waits for the operator.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use ledger::{ResolveRefusal, Unmatched, Unrecognized};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::accounts::Entered;
use super::{Amount, Body, Details, Json, NAME_CHARS_MAX, TEXT_CHARS_MAX, checked};
use crate::problem::Problem;
use crate::{App, Shared, blocking, now};

/// How many events that wait are given at once.
pub const UNMATCHED_MAX: u32 = 1000;

/// What waits, the oldest first.
#[derive(Serialize, ToSchema)]
pub struct Waiting {
    /// At most 1000.
    unmatched: Vec<UnmatchedReport>,
}

/// A proved movement of money that fits no order.
#[derive(Serialize, ToSchema)]
struct UnmatchedReport {
    id: u64,
    /// Why it waits: `unknown-order`, `other-provider`, `other-amount`, `other-currency`, `already-paid`, `no-first-payment`,
    /// `more-than-paid` or `amount-not-positive`.
    reason: &'static str,
    provider: String,
    /// `payment`, `refund` or `chargeback`.
    kind: &'static str,
    /// The payment system's id.
    transaction: String,
    /// The order that the payment system names.
    order: Option<String>,
    amount: Amount,
    comment: String,
    /// Seconds since the epoch.
    at: u64,
}

/// Payments and the like that wait for the operator.
#[utoipa::path(get, path = "/unmatched", responses(
    (status = OK, body = Waiting), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn list(State(app): State<App>) -> Result<Json<Waiting>, Problem> {
    let waiting = blocking(&app, |app| Ok(app.ledger.waiting(UNMATCHED_MAX)?)).await?;
    let report = |Unmatched { id, event, reason, at, .. }: Unmatched| UnmatchedReport {
        id,
        reason: reason.name(),
        provider: event.provider,
        kind: event.kind.name(),
        transaction: event.transaction,
        order: event.order,
        amount: event.amount.into(),
        comment: event.comment,
        at,
    };
    Ok(Json(Waiting { unmatched: waiting.into_iter().map(report).collect() }))
}

/// Callbacks that no provider could judge, the oldest first.
#[derive(Serialize, ToSchema)]
pub struct Unjudged {
    /// At most 1000.
    unrecognized: Vec<UnrecognizedReport>,
}

/// A callback of a form that its provider does not know, though it is signed, or that its provider failed at.
#[derive(Serialize, ToSchema)]
struct UnrecognizedReport {
    id: u64,
    provider: String,
    /// What is said of it.
    message: String,
    /// `GET` or `POST`.
    method: String,
    /// Still encoded.
    query: String,
    /// What is no UTF-8 in it is replaced.
    body: String,
    /// Seconds since the epoch.
    received_at: u64,
}

/// Callbacks that no provider could judge: nothing was credited by them.
#[utoipa::path(get, path = "/unrecognized", responses(
    (status = OK, body = Unjudged), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn unrecognized(State(app): State<App>) -> Result<Json<Unjudged>, Problem> {
    let waiting = blocking(&app, |app| Ok(app.ledger.unrecognized(UNMATCHED_MAX)?)).await?;
    let report = |Unrecognized { id, callback, message }: Unrecognized| UnrecognizedReport {
        id,
        provider: callback.provider,
        message,
        method: callback.method,
        query: callback.query,
        body: String::from_utf8_lossy(&callback.body).into_owned(),
        received_at: callback.received_at,
    };
    Ok(Json(Unjudged { unrecognized: waiting.into_iter().map(report).collect() }))
}

/// By whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    operator: String,
}

/// Says that an operator saw to a callback that no provider could judge.
#[utoipa::path(post, path = "/unrecognized/{id}/dismiss", request_body = Seen, responses(
    (status = NO_CONTENT), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn see_to(State(app): State<App>, Path(id): Path<u64>, body: Body<Seen>) -> Result<StatusCode, Problem> {
    let Json(Seen { operator }) = body?;
    see_to_unrecognized(&app, id, checked("operator", operator, NAME_CHARS_MAX)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keeps who saw to a callback.
pub async fn see_to_unrecognized(app: &App, id: u64, operator: String) -> Result<(), Problem> {
    let is_there = blocking(app, move |app| {
        tracing::info!(id, operator, "an operator saw to a callback");
        Ok(app.ledger.see_to_unrecognized(id, operator, now())?)
    });
    if is_there.await? { Ok(()) } else { Err(Problem::missing("callback")) }
}

/// To which account, by whom and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credit {
    account: String,
    operator: String,
    comment: String,
}

/// By whom and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Dismissal {
    operator: String,
    comment: String,
}

/// Enters what waits to an account: a payment credits it, a refund or chargeback debits it.
#[utoipa::path(post, path = "/unmatched/{id}/credit", request_body = Credit, responses(
    (status = OK, body = Entered), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn credit(State(app): State<App>, Path(id): Path<u64>, body: Body<Credit>) -> Result<Json<Entered>, Problem> {
    let Json(Credit { account, operator, comment }) = body?;
    Ok(Json(Entered { seq: resolve(&app, id, Some(account), operator, comment).await?.unwrap_or_default() }))
}

/// Dismisses what waits: no money moves.
#[utoipa::path(post, path = "/unmatched/{id}/dismiss", request_body = Dismissal, responses(
    (status = NO_CONTENT), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn dismiss(State(app): State<App>, Path(id): Path<u64>, body: Body<Dismissal>) -> Result<StatusCode, Problem> {
    let Json(Dismissal { operator, comment }) = body?;
    resolve(&app, id, None, operator, comment).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Enters what waits to an account, or dismisses it where there is none; gives the entry's place.
pub async fn resolve(
    app: &App,
    id: u64,
    account: Option<String>,
    operator: String,
    comment: String,
) -> Result<Option<u64>, Problem> {
    let operator = checked("operator", operator, NAME_CHARS_MAX)?;
    let comment = checked("comment", comment, TEXT_CHARS_MAX)?;
    let resolved = blocking(app, move |app: &Shared| {
        tracing::info!(id, operator, credited = account.is_some(), "an operator decides on what waited");
        let resolved = match account {
            Some(account) => app.ledger.enter_unmatched(id, account, operator, comment, now())?.map(Some),
            None => app.ledger.dismiss_unmatched(id, operator, comment, now())?.map(|()| None),
        };
        resolved.map_err(|refusal| match refusal {
            ResolveRefusal::Unknown => Problem::missing("event"),
            ResolveRefusal::AlreadyResolved => Problem::new(StatusCode::CONFLICT, "somebody credited or dismissed it before"),
            ResolveRefusal::UnknownAccount => Problem::unprocessable("there is no such account"),
            ResolveRefusal::AmountNotPositive => Problem::unprocessable("it is about no money; dismiss it"),
            ResolveRefusal::AlreadyEntered => Problem::unprocessable("the same transaction was entered before; dismiss it"),
        })
    });
    let resolved = resolved.await?;
    app.entered.send_replace(());
    Ok(resolved)
}
