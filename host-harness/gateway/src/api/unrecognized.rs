//! Callbacks that the operator must review: unrecognized ones, and those that contradict an earlier one.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use domain::{Contradiction, Facts, Outcome, Report, ReviewFilter, StoredCallback, UnrecognizedCallback};
use host::{CallbackResult, JudgedAgain};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::path::{NumberPath, Path};
use super::unmatched::PAGE_ROWS;
use super::{Amount, Body, Details, Json};
use crate::problem::Problem;
use crate::shared::{App, blocking};

/// Which callbacks are listed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Returns only the waiting callbacks after this id.
    #[serde(default)]
    after: u64,
    /// Whether to return the callbacks that an operator acknowledged, the latest first, instead of those that wait.
    #[serde(default)]
    acknowledged: bool,
    /// Returns only the acknowledged callbacks before this id.
    before: Option<u64>,
}

impl ListQuery {
    fn attention(&self) -> ReviewFilter {
        if self.acknowledged { ReviewFilter::AcknowledgedBefore(self.before) } else { ReviewFilter::WaitingAfter(self.after) }
    }
}

/// An operator's acknowledgement of a callback.
#[derive(Serialize, ToSchema)]
struct AcknowledgedReport {
    /// The operator's name.
    operator: String,
    /// When, in seconds since the Unix epoch.
    at: u64,
}

impl From<domain::Acknowledged> for AcknowledgedReport {
    fn from(domain::Acknowledged { operator, at }: domain::Acknowledged) -> AcknowledgedReport {
        AcknowledgedReport { operator, at }
    }
}

/// Unrecognized callbacks: the waiting ones, the oldest first; or the acknowledged ones, the latest first.
#[derive(Serialize, ToSchema)]
pub struct UnrecognizedList {
    /// The number of all unrecognized callbacks that wait for an operator.
    total: u64,
    /// At most 1000 callbacks. For the next ones, set `after` to the last `id`; for acknowledged ones, `before`.
    unrecognized: Vec<UnrecognizedReport>,
}

/// A callback that is genuine but has a form that the provider does not know, or that the provider failed to process.
#[derive(Serialize, ToSchema)]
struct UnrecognizedReport {
    /// The id in this list.
    id: u64,
    /// The provider's code, or the host's: `provider-failed`, `provider-removed` or `sum-too-large`.
    code: String,
    /// The reason why it is unrecognized: in Russian if the provider says it in Russian.
    message: String,
    /// How many times the same callback was received.
    times: u64,
    /// When it was last received, in seconds since the Unix epoch.
    last_at: u64,
    /// The operator's acknowledgement; absent if the callback waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged: Option<AcknowledgedReport>,
    #[serde(flatten)]
    callback: CallbackReport,
}

/// A stored callback.
#[derive(Serialize, ToSchema)]
struct CallbackReport {
    /// The provider's name.
    provider: String,
    /// `GET` or `POST`.
    method: String,
    /// The query string, still percent-encoded.
    query: String,
    /// The body as text. Bytes that are not UTF-8 are replaced by U+FFFD.
    body: String,
    /// When it was received, in seconds since the Unix epoch.
    received_at: u64,
    /// Whether card data was masked before the callback was stored.
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

/// Returns the unrecognized callbacks.
///
/// They credited nothing. An operator reviews and acknowledges them.
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

/// Contradictory callbacks: the waiting ones, the oldest first; or the acknowledged ones, the latest first.
#[derive(Serialize, ToSchema)]
pub struct Contradictions {
    /// The number of all contradictions that wait for an operator.
    total: u64,
    /// At most 1000 contradictions. For the next ones, set `after` to the last `id`; for acknowledged ones, `before`.
    contradictions: Vec<ContradictionReport>,
}

/// A callback that repeats an event with different facts. It created no entry.
#[derive(Serialize, ToSchema)]
struct ContradictionReport {
    /// The id in this list.
    id: u64,
    /// The sequence number of the entry that the first callback created; null if it created none.
    entry: Option<u64>,
    /// The id of the unmatched event that the first callback created; null if it created none.
    unmatched: Option<u64>,
    /// The operator's acknowledgement; absent if the contradiction waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged: Option<AcknowledgedReport>,
    /// The callback that reported the event first.
    first: CallbackOfEvent,
    /// The callback that contradicts it.
    repeated: CallbackOfEvent,
}

/// A callback and the event that it reports.
#[derive(Serialize, ToSchema)]
struct CallbackOfEvent {
    /// The stored callback; null if the payment system said so when the host asked it.
    callback: Option<CallbackReport>,
    /// The event that it reports.
    event: FactsReport,
}

/// The facts of an event.
#[derive(Serialize, ToSchema)]
struct FactsReport {
    /// `payment`, `refund`, `chargeback`, `chargeback-reversal`, `hold`, `hold-release` or `declined`.
    kind: &'static str,
    /// `single` (no subscription), `first` (the first payment of a subscription) or `repeat` (a later one).
    recurrence: &'static str,
    /// The payment system's transaction id.
    transaction: String,
    /// The transaction that it takes back, or continues; null if there is none.
    original: Option<String>,
    /// The order id that the payment system sent; null if it sent none.
    order: Option<String>,
    /// The account that the payment system named; null if it named none.
    account: Option<String>,
    /// The payment system's id of the payer; null if it sent none.
    payer: Option<String>,
    /// The amount of the event.
    amount: Amount,
    /// When it happened by the payment system's clock, as the provider reports it; null if it does not.
    occurred_at: Option<String>,
}

fn told(Report { facts, callback }: Report) -> CallbackOfEvent {
    let Facts { kind, recurrence, transaction, original, order, account, payer, amount, occurred_at, .. } = facts;
    let (kind, recurrence, amount) = (kind.name(), recurrence.name(), amount.into());
    let (transaction, original) = (transaction.into(), original.map(String::from));
    let (order, account) = (order.map(String::from), account.map(String::from));
    let event = FactsReport { kind, recurrence, transaction, original, order, account, payer, amount, occurred_at };
    CallbackOfEvent { callback: callback.map(Into::into), event }
}

/// Returns the callbacks that contradict an earlier one about the same event.
#[utoipa::path(get, path = "/contradictions", operation_id = "list_contradictions", params(ListQuery), responses(
    (status = OK, body = Contradictions), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn contradictions(
    State(app): State<App>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Contradictions>, Problem> {
    let Query(asked) = query?;
    let report = |Contradiction { id, outcome, first, repeated, acknowledged, .. }: Contradiction| {
        let (entry, unmatched) = match outcome {
            Outcome::Recorded { seq, .. } => (Some(seq), None),
            Outcome::Unmatched { id, .. } => (None, Some(id)),
            Outcome::NoMovement { .. } | Outcome::Contradiction { .. } | Outcome::Refused(_) => (None, None),
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

/// The operator who reviewed a callback.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// The operator's name: 1 to 64 visible characters, no space at either end.
    operator: String,
}

/// Acknowledges an unrecognized callback.
///
/// It leaves the list of waiting callbacks.
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

/// What came of a callback that was judged again.
#[derive(Serialize, ToSchema)]
pub struct JudgedReport {
    /// `accepted`: what it reports is recorded, and the callback is acknowledged. `answered`, `unresolved`, `ignored`, `refused` or
    /// `unavailable`: nothing is recorded, and it waits as before.
    verdict: &'static str,
    /// Of an accepted callback: what each of its events came to.
    outcomes: Vec<JudgedOutcome>,
    /// Why it is not accepted: the provider's code; null if there is none.
    code: Option<String>,
    /// The provider's message about it; null if there is none.
    message: Option<String>,
    /// Whether it was judged without its secret headers, which were sealed with another key. A provider that is proved by them refuses it.
    without_headers: bool,
}

/// What an event came to.
#[derive(Serialize, ToSchema)]
struct JudgedOutcome {
    /// Whether the event was recorded before.
    repeated: bool,
    /// The sequence number of its entry; null if it has none.
    entry: Option<u64>,
    /// The id of its unmatched event; null if it has none.
    unmatched: Option<u64>,
    /// The id of the contradiction that it makes; null if it makes none.
    contradiction: Option<u64>,
}

impl From<Outcome> for JudgedOutcome {
    fn from(outcome: Outcome) -> JudgedOutcome {
        let none = JudgedOutcome { repeated: false, entry: None, unmatched: None, contradiction: None };
        match outcome {
            Outcome::Recorded { seq, repeated } => JudgedOutcome { entry: Some(seq), repeated, ..none },
            Outcome::Unmatched { id, repeated } => JudgedOutcome { unmatched: Some(id), repeated, ..none },
            Outcome::NoMovement { repeated } => JudgedOutcome { repeated, ..none },
            Outcome::Contradiction { id } => JudgedOutcome { contradiction: id, ..none },
            Outcome::Refused(_) => none,
        }
    }
}

impl From<JudgedAgain> for JudgedReport {
    fn from(judged: JudgedAgain) -> JudgedReport {
        let (code, message) = judged.problem.map(|problem| (problem.code, problem.message)).unzip();
        let verdict = judged.result.name();
        let outcomes = match judged.result {
            CallbackResult::Accepted(outcomes) => outcomes.into_iter().map(JudgedOutcome::from).collect(),
            _ => Vec::new(),
        };
        JudgedReport { verdict, outcomes, code, message, without_headers: judged.lacks_headers }
    }
}

/// Has the active component judge an unrecognized callback again, as after a faulty component was swapped.
///
/// What it reports is recorded, each event once. A callback with masked card data is not judged again.
#[utoipa::path(post, path = "/unrecognized/{id}/judge", operation_id = "judge_unrecognized",
    request_body = Acknowledgement, params(NumberPath), responses(
    (status = OK, body = JudgedReport), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn judge(
    State(app): State<App>,
    Path(NumberPath { id }): Path<NumberPath>,
    body: Body<Acknowledgement>,
) -> Result<Json<JudgedReport>, Problem> {
    let Json(Acknowledgement { operator }) = body?;
    blocking(&app, move |app| Ok(Json(app.host.judge_again(id, operator)?.into()))).await
}

/// Acknowledges a contradiction.
///
/// It leaves the list of waiting contradictions.
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

/// Returns an acknowledged callback to the list of waiting ones.
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

/// Returns an acknowledged contradiction to the list of waiting ones.
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
