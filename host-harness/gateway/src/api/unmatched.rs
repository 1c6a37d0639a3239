//! Payments and the like that wait for the operator.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use domain::{ResolveRefusal, Unmatched};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::accounts::Entered;
use super::{Amount, Body, Details, ExtraField, Json, NAME_CHARS_MAX, TEXT_CHARS_MAX, checked, extra};
use crate::problem::Problem;
use crate::{App, Shared, blocking, now};

/// How many of a list are given at once.
pub const PAGE_ROWS: u32 = 1000;

/// Where a list goes on.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// Only those after this one; the `id` of the last that was seen.
    #[serde(default)]
    pub after: u64,
}

/// What waits, the oldest first.
#[derive(Serialize, ToSchema)]
pub struct Waiting {
    /// How many wait in all.
    total: u64,
    /// At most 1000; ask for those after the last one.
    unmatched: Vec<UnmatchedReport>,
}

/// A proved movement of money that fits no order.
#[derive(Serialize, ToSchema)]
struct UnmatchedReport {
    id: u64,
    /// Why it waits: `unknown-order`, `other-provider`, `other-amount`, `other-currency`, `already-paid`, `no-first-payment`,
    /// `more-than-paid`, `not-paid`, `other-payer`, `other-payment` or `amount-not-positive`.
    reason: &'static str,
    provider: String,
    /// `payment`, `refund` or `chargeback`.
    kind: &'static str,
    /// The payment system's id.
    transaction: String,
    /// The order that the payment system names.
    order: Option<String>,
    /// The payment system's id of the payer.
    payer: Option<String>,
    amount: Amount,
    /// When it happened by the payment system's clock, as the provider tells it.
    occurred_at: Option<String>,
    comment: String,
    /// What the provider says beside, as received: not proved.
    extra: Vec<ExtraField>,
    /// When it came, seconds since the epoch.
    at: u64,
}

/// Payments and the like that wait for the operator.
#[utoipa::path(get, path = "/unmatched", params(Listing), responses(
    (status = OK, body = Waiting), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn list(State(app): State<App>, query: Result<Query<Listing>, QueryRejection>) -> Result<Json<Waiting>, Problem> {
    let Query(Listing { after }) = query?;
    blocking(&app, move |app| {
        let unmatched = app.ledger.waiting(after, PAGE_ROWS)?.into_iter().map(report).collect();
        Ok(Json(Waiting { total: app.ledger.waiting_count()?, unmatched }))
    })
    .await
}

fn report(Unmatched { id, event, reason, at, .. }: Unmatched) -> UnmatchedReport {
    UnmatchedReport {
        id,
        reason: reason.name(),
        provider: event.provider,
        kind: event.facts.kind.name(),
        transaction: event.facts.transaction,
        order: event.facts.order,
        payer: event.facts.payer,
        amount: event.facts.amount.into(),
        occurred_at: event.facts.occurred_at,
        comment: event.comment,
        extra: extra(event.extra),
        at,
    }
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
    Ok(Json(Entered { seq: enter(&app, id, account, operator, comment).await? }))
}

/// Dismisses what waits: no money moves.
#[utoipa::path(post, path = "/unmatched/{id}/dismiss", request_body = Dismissal, responses(
    (status = NO_CONTENT), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn dismiss(State(app): State<App>, Path(id): Path<u64>, body: Body<Dismissal>) -> Result<StatusCode, Problem> {
    let Json(Dismissal { operator, comment }) = body?;
    dismiss_unmatched(&app, id, operator, comment).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Enters what waits to an account, and gives the entry's place.
pub async fn enter(app: &App, id: u64, account: String, operator: String, comment: String) -> Result<u64, Problem> {
    let operator = checked("operator", operator, NAME_CHARS_MAX)?;
    let comment = checked("comment", comment, TEXT_CHARS_MAX)?;
    let seq = blocking(app, move |app: &Shared| {
        let entered = app.ledger.enter_unmatched(id, account.clone(), operator.clone(), comment, now())?;
        let seq = entered.map_err(refused)?;
        tracing::info!(id, operator, account, seq, "an operator entered what waited to an account");
        Ok(seq)
    });
    let seq = seq.await?;
    app.entered.send_replace(());
    Ok(seq)
}

/// Dismisses what waits.
pub async fn dismiss_unmatched(app: &App, id: u64, operator: String, comment: String) -> Result<(), Problem> {
    let operator = checked("operator", operator, NAME_CHARS_MAX)?;
    let comment = checked("comment", comment, TEXT_CHARS_MAX)?;
    blocking(app, move |app: &Shared| {
        app.ledger.dismiss_unmatched(id, operator.clone(), comment, now())?.map_err(refused)?;
        tracing::info!(id, operator, "an operator dismissed what waited");
        Ok(())
    })
    .await
}

/// What a rule's no says.
pub fn refused(refusal: ResolveRefusal) -> Problem {
    match refusal {
        ResolveRefusal::Unknown => Problem::missing("event").in_russian("Такого неопознанного платежа нет."),
        ResolveRefusal::AlreadyResolved => Problem::new(StatusCode::CONFLICT, "somebody credited or dismissed it before")
            .in_russian("По этому платежу решение уже принято: смотрите «Решения»."),
        ResolveRefusal::UnknownAccount => {
            Problem::unprocessable("there is no such account").in_russian("Такого лицевого счёта нет.")
        }
        ResolveRefusal::AmountNotPositive => Problem::unprocessable("it is about no money; dismiss it")
            .in_russian("Сумма не больше нуля: зачислить нечего, отклоните."),
        ResolveRefusal::AlreadyEntered => Problem::unprocessable("the same transaction was entered before; dismiss it")
            .in_russian("Эта транзакция уже зачислена: отклоните повтор."),
    }
}
