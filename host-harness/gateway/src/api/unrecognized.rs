//! Callbacks that the operator must review: unrecognized ones, and those that contradict an earlier one.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use domain::{Contradiction, Facts, Outcome, ReviewFilter, StoredCallback, UnrecognizedCallback};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::path::{NumberPath, Path};
use super::unmatched::PAGE_ROWS;
use super::{Amount, Body, Details, Json};
use crate::problem::Problem;
use crate::shared::{App, blocking};

/// Which callbacks: those that wait, or those that an operator acknowledged.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Only those after this one; the `id` of the last that was seen.
    #[serde(default)]
    after: u64,
    /// `true`: those that an operator acknowledged, the last first, instead of those that wait.
    #[serde(default)]
    acknowledged: bool,
    /// Of those acknowledged, only those before this one.
    before: Option<u64>,
}

impl ListQuery {
    fn attention(&self) -> ReviewFilter {
        if self.acknowledged { ReviewFilter::AcknowledgedBefore(self.before) } else { ReviewFilter::WaitingAfter(self.after) }
    }
}

/// Who acknowledged a callback.
#[derive(Serialize, ToSchema)]
struct AcknowledgedReport {
    operator: String,
    /// Seconds since the epoch.
    at: u64,
}

impl From<domain::Acknowledged> for AcknowledgedReport {
    fn from(domain::Acknowledged { operator, at }: domain::Acknowledged) -> AcknowledgedReport {
        AcknowledgedReport { operator, at }
    }
}

/// Callbacks that no provider could judge, the oldest first.
#[derive(Serialize, ToSchema)]
pub struct UnrecognizedList {
    /// How many wait in all.
    total: u64,
    /// At most 1000; ask for those after the last one, or of those acknowledged before it.
    unrecognized: Vec<UnrecognizedReport>,
}

/// A callback of a form that its provider does not know, though it is signed, or that its provider failed at.
#[derive(Serialize, ToSchema)]
struct UnrecognizedReport {
    id: u64,
    /// The provider's code, or the host's: `provider-failed`, `provider-removed`.
    code: String,
    /// What is said of it.
    message: String,
    /// How often the same bytes came.
    times: u64,
    /// When they came last, seconds since the epoch.
    last_at: u64,
    /// Who acknowledged it, where somebody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged: Option<AcknowledgedReport>,
    #[serde(flatten)]
    callback: CallbackReport,
}

/// A callback as it is kept.
#[derive(Serialize, ToSchema)]
struct CallbackReport {
    provider: String,
    /// `GET` or `POST`.
    method: String,
    /// Still encoded.
    query: String,
    /// What is no UTF-8 in it is replaced.
    body: String,
    /// Seconds since the epoch.
    received_at: u64,
    /// Whether card data in it was masked before it was kept.
    is_masked: bool,
}

impl From<StoredCallback> for CallbackReport {
    fn from(callback: StoredCallback) -> CallbackReport {
        CallbackReport {
            provider: callback.provider.into(),
            method: callback.method,
            query: callback.query,
            body: String::from_utf8_lossy(&callback.body).into_owned(),
            received_at: callback.received_at,
            is_masked: callback.is_masked,
        }
    }
}

/// Callbacks that no provider could judge: nothing was credited by them.
#[utoipa::path(get, path = "/unrecognized", operation_id = "list_unrecognized", params(ListQuery), responses(
    (status = OK, body = UnrecognizedList), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn list(
    State(app): State<App>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<UnrecognizedList>, Problem> {
    let Query(asked) = query?;
    let report = |UnrecognizedCallback { id, callback, code, message, times, last_at, acknowledged }: UnrecognizedCallback| {
        let (callback, acknowledged) = (callback.into(), acknowledged.map(Into::into));
        UnrecognizedReport { id, code, message, times, last_at, acknowledged, callback }
    };
    blocking(&app, move |app| {
        let unrecognized = app.host.unrecognized_callbacks(asked.attention(), PAGE_ROWS)?.into_iter().map(report).collect();
        Ok(Json(UnrecognizedList { total: app.host.unrecognized_count()?, unrecognized }))
    })
    .await
}

/// Callbacks that contradict an earlier one, the oldest first.
#[derive(Serialize, ToSchema)]
pub struct Contradictions {
    /// How many wait in all.
    total: u64,
    /// At most 1000; ask for those after the last one, or of those acknowledged before it.
    contradictions: Vec<ContradictionReport>,
}

/// A callback that repeats an event and says something else. Nothing was entered by it.
#[derive(Serialize, ToSchema)]
struct ContradictionReport {
    id: u64,
    /// The place of the entry that the first one made.
    entry: Option<u64>,
    /// The number of the event that the first one left to wait.
    unmatched: Option<u64>,
    /// Who acknowledged it, where somebody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged: Option<AcknowledgedReport>,
    first: CallbackOfEvent,
    repeated: CallbackOfEvent,
}

/// A callback with what it says.
#[derive(Serialize, ToSchema)]
struct CallbackOfEvent {
    callback: CallbackReport,
    event: FactsReport,
}

/// What a callback says of its event.
#[derive(Serialize, ToSchema)]
struct FactsReport {
    /// `payment`, `refund`, `chargeback`, `hold` or `declined`.
    kind: &'static str,
    /// `single`, `first` or `repeat`.
    recurrence: &'static str,
    transaction: String,
    order: Option<String>,
    payer: Option<String>,
    amount: Amount,
    occurred_at: Option<String>,
}

fn told((callback, facts): (StoredCallback, Facts)) -> CallbackOfEvent {
    let Facts { kind, recurrence, transaction, order, payer, amount, occurred_at } = facts;
    let (kind, recurrence, amount) = (kind.name(), recurrence.name(), amount.into());
    let (transaction, order) = (transaction.into(), order.map(String::from));
    let event = FactsReport { kind, recurrence, transaction, order, payer, amount, occurred_at };
    CallbackOfEvent { callback: callback.into(), event }
}

/// Callbacks that repeat an event and say something else, each with the one that told it first.
#[utoipa::path(get, path = "/contradictions", operation_id = "list_contradictions", params(ListQuery), responses(
    (status = OK, body = Contradictions), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn contradictions(
    State(app): State<App>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Contradictions>, Problem> {
    let Query(asked) = query?;
    let report = |Contradiction { id, outcome, first, repeated, acknowledged }: Contradiction| {
        let (entry, unmatched) = match outcome {
            Outcome::Recorded { seq, .. } => (Some(seq), None),
            Outcome::Unmatched { id, .. } => (None, Some(id)),
            Outcome::NoMovement | Outcome::Contradiction { .. } => (None, None),
        };
        let acknowledged = acknowledged.map(Into::into);
        ContradictionReport { id, entry, unmatched, acknowledged, first: told(first), repeated: told(repeated) }
    };
    blocking(&app, move |app| {
        let contradictions = app.host.contradictions(asked.attention(), PAGE_ROWS)?.into_iter().map(report).collect();
        Ok(Json(Contradictions { total: app.host.contradiction_count()?, contradictions }))
    })
    .await
}

/// By whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    operator: String,
}

/// Says that an operator acknowledged a callback that no provider could judge.
#[utoipa::path(post, path = "/unrecognized/{id}/dismiss", operation_id = "dismiss_unrecognized",
    request_body = Acknowledgement, params(NumberPath), responses(
    (status = NO_CONTENT), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn dismiss(
    State(app): State<App>,
    Path(NumberPath { id }): Path<NumberPath>,
    body: Body<Acknowledgement>,
) -> Result<StatusCode, Problem> {
    let Json(Acknowledgement { operator }) = body?;
    blocking(&app, move |app| Ok(app.host.acknowledge_unrecognized(id, operator)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says that an operator acknowledged a callback that contradicts an earlier one.
#[utoipa::path(post, path = "/contradictions/{id}/dismiss", operation_id = "dismiss_contradiction",
    request_body = Acknowledgement, params(NumberPath), responses(
    (status = NO_CONTENT), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn dismiss_contradiction(
    State(app): State<App>,
    Path(NumberPath { id }): Path<NumberPath>,
    body: Body<Acknowledgement>,
) -> Result<StatusCode, Problem> {
    let Json(Acknowledgement { operator }) = body?;
    blocking(&app, move |app| Ok(app.host.acknowledge_contradiction(id, operator)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says that a callback that was acknowledged waits again.
#[utoipa::path(post, path = "/unrecognized/{id}/reopen", operation_id = "reopen_unrecognized",
    request_body = Acknowledgement, params(NumberPath), responses(
    (status = NO_CONTENT), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn reopen(
    State(app): State<App>,
    Path(NumberPath { id }): Path<NumberPath>,
    body: Body<Acknowledgement>,
) -> Result<StatusCode, Problem> {
    let Json(Acknowledgement { operator }) = body?;
    blocking(&app, move |app| Ok(app.host.reopen_unrecognized(id, operator)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says that a contradiction that was acknowledged waits again.
#[utoipa::path(post, path = "/contradictions/{id}/reopen", operation_id = "reopen_contradiction",
    request_body = Acknowledgement, params(NumberPath), responses(
    (status = NO_CONTENT), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn reopen_contradicting(
    State(app): State<App>,
    Path(NumberPath { id }): Path<NumberPath>,
    body: Body<Acknowledgement>,
) -> Result<StatusCode, Problem> {
    let Json(Acknowledgement { operator }) = body?;
    blocking(&app, move |app| Ok(app.host.reopen_contradiction(id, operator)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}
