//! Unmatched payments, refunds and chargebacks, which wait for the operator.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use domain::{AccountNumber, ResolveRefusal, UnmatchedEvent};
use host::HostError;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::accounts::EntryRef;
use super::path::{NumberPath, Path};
use super::{Amount, Body, Details, ExtraField, Json, extra};
use crate::problem::Problem;
use crate::shared::{App, blocking};

/// How many items of a list are returned at once.
pub const PAGE_ROWS: u32 = 1000;

/// A page of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// Returns only the events after this id.
    #[serde(default)]
    pub after: u64,
}

/// Unmatched events, the oldest first.
#[derive(Serialize, ToSchema)]
pub struct UnmatchedList {
    /// The number of all unmatched events.
    total: u64,
    /// At most 1000 events. For the next ones, set `after` to the last `id`.
    unmatched: Vec<UnmatchedReport>,
}

/// An unmatched event: a genuine payment, refund or chargeback that fits no order.
#[derive(Serialize, ToSchema)]
struct UnmatchedReport {
    /// The event's id.
    id: u64,
    /// Why it is unmatched: `unknown-order`, `other-provider`, `other-amount`, `other-currency`, `already-paid`, `no-first-payment`,
    /// `more-than-paid`, `not-paid`, `unknown-payment`, `more-than-charged-back`, `other-payer`, `other-payment`,
    /// `amount-not-positive`, `unknown-account`, `other-account`, `hold-released`, `hold-paid` or `entered-by-operator`.
    reason: &'static str,
    /// The provider's name.
    provider: String,
    /// `payment`, `refund`, `chargeback`, `chargeback-reversal` or `hold-release`.
    kind: &'static str,
    /// The payment system's transaction id.
    transaction: String,
    /// The order id that the payment system sent; null if it sent none.
    order: Option<String>,
    /// The payment system's id of the payer; null if it sent none.
    payer: Option<String>,
    /// The amount of the event.
    amount: Amount,
    /// When it happened by the payment system's clock, as the provider reports it; null if it does not.
    occurred_at: Option<String>,
    /// The provider's comment.
    comment: String,
    /// Additional fields from the payment system as received. They may be unsigned: do not rely on them.
    extra: Vec<ExtraField>,
    /// When the callback was received, in seconds since the Unix epoch.
    at: u64,
}

/// Returns the unmatched events.
#[utoipa::path(get, path = "/unmatched", operation_id = "list_unmatched", params(Listing), responses(
    (status = OK, body = UnmatchedList), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn list(
    State(app): State<App>,
    query: Result<Query<Listing>, QueryRejection>,
) -> Result<Json<UnmatchedList>, Problem> {
    let Query(Listing { after }) = query?;
    blocking(&app, move |app| {
        let unmatched = app.host.unmatched_events(after, PAGE_ROWS)?.into_iter().map(report).collect();
        Ok(Json(UnmatchedList { total: app.host.unmatched_count()?, unmatched }))
    })
    .await
}

fn report(UnmatchedEvent { id, event, reason, at, .. }: UnmatchedEvent) -> UnmatchedReport {
    UnmatchedReport {
        id,
        reason: reason.name(),
        provider: event.provider.into(),
        kind: event.facts.kind.name(),
        transaction: event.facts.transaction.into(),
        order: event.facts.order.map(String::from),
        payer: event.facts.payer,
        amount: event.facts.amount.into(),
        occurred_at: event.facts.occurred_at,
        comment: event.comment,
        extra: extra(event.extra),
        at,
    }
}

/// The account to which an unmatched event is credited, the operator, and the reason.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credit {
    /// The account's number.
    account: String,
    /// The operator's name: 1 to 64 visible characters, no space at either end.
    operator: String,
    /// The reason, of 1 to 255 characters.
    comment: String,
}

/// The operator who dismisses an unmatched event, and the reason.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Dismissal {
    /// The operator's name: 1 to 64 visible characters, no space at either end.
    operator: String,
    /// The reason, of 1 to 255 characters.
    comment: String,
}

/// Enters an unmatched event to an account.
///
/// A payment credits the account; a refund or chargeback debits it.
#[utoipa::path(post, path = "/unmatched/{id}/credit", operation_id = "credit_unmatched",
    request_body = Credit, params(NumberPath), responses(
    (status = OK, body = EntryRef), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn credit(
    State(app): State<App>,
    Path(NumberPath { id }): Path<NumberPath>,
    body: Body<Credit>,
) -> Result<Json<EntryRef>, Problem> {
    let Json(Credit { account, operator, comment }) = body?;
    let account = AccountNumber::new(account).map_err(|_| HostError::from(ResolveRefusal::UnknownAccount))?;
    blocking(&app, move |app| Ok(Json(EntryRef { seq: app.host.credit_unmatched(id, account, operator, comment)? }))).await
}

/// Dismisses an unmatched event.
///
/// No money moves.
#[utoipa::path(post, path = "/unmatched/{id}/dismiss", operation_id = "dismiss_unmatched",
    request_body = Dismissal, params(NumberPath), responses(
    (status = NO_CONTENT), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn dismiss(
    State(app): State<App>,
    Path(NumberPath { id }): Path<NumberPath>,
    body: Body<Dismissal>,
) -> Result<StatusCode, Problem> {
    let Json(Dismissal { operator, comment }) = body?;
    blocking(&app, move |app| Ok(app.host.dismiss_unmatched(id, operator, comment)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}
