//! Operations at payment systems: refunds, repeated charges and ends of subscriptions.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use domain::{MovementId, Operation, OperationDecision, OperationKind, OperationState, OperationVerdict, ProviderName};
use host::{HostError, OperationAction, OperationRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::path::{OperationPath, Path};
use super::{Amount, Body, Details, Json, idempotency_key};
use crate::identifiers;
use crate::problem::Problem;
use crate::shared::{App, blocking};

/// How many operations are returned at once.
const OPERATIONS_MAX: u32 = 1000;
/// Who asked for an operation if the request does not say.
const BILLING: &str = "billing";

/// The kind of an operation about a payment.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum NewOperationKind {
    /// Pays a payment back, in full or in part.
    Refund,
    /// Charges the payer of a payment again, for a new order.
    Charge,
    /// Ends the subscription that a payment began.
    Cancel,
}

/// An operation that is to be done at a payment system.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOperation {
    /// The name of the payment's provider.
    provider: String,
    /// The payment: the `movement` of its entry.
    payment: String,
    /// What to do.
    kind: NewOperationKind,
    /// The amount to pay back, positive and in the payment's currency. Needed for a refund, and for nothing else.
    amount: Option<Amount>,
    /// The id of the order to charge for: an unpaid one of the same provider and account. Needed for a charge, and for nothing else.
    order: Option<String>,
    /// The reason, for the payment system and the operators, of at most 255 characters.
    #[serde(default)]
    reason: String,
    /// The name of whoever asks for it: 1 to 64 visible characters, no space at either end. Default: `billing`.
    operator: Option<String>,
}

impl NewOperation {
    fn request(self, idempotency_key: String) -> Result<OperationRequest, Problem> {
        let action = match (self.kind, self.amount, self.order) {
            (NewOperationKind::Refund, Some(amount), None) => OperationAction::Refund(amount.money("amount")?),
            (NewOperationKind::Charge, None, Some(order)) => OperationAction::Charge(identifiers::order(order)?),
            (NewOperationKind::Cancel, None, None) => OperationAction::Cancel,
            _ => {
                let detail =
                    "a refund needs `amount` and no `order`, a charge needs `order` and no `amount`, a cancel needs neither";
                return Err(Problem::unprocessable(detail));
            }
        };
        Ok(OperationRequest {
            provider: named_provider(&self.provider)?,
            payment: identifiers::payment(&self.payment)?,
            action,
            reason: self.reason,
            operator: self.operator.unwrap_or_else(|| BILLING.to_owned()),
            idempotency_key: Some(idempotency_key),
        })
    }
}

fn named_provider(name: &str) -> Result<ProviderName, HostError> {
    ProviderName::new(name).map_err(|_| HostError::invalid_provider(name))
}

/// The kind of an operation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = OperationKind)]
enum OperationKindDto {
    /// Pays a payment back, in full or in part.
    Refund,
    /// Charges the payer of a payment again, for a new order.
    Charge,
    /// Ends the subscription that a payment began.
    Cancel,
    /// Makes the payment link of an order, at a payment system that must be called for it.
    Link,
}

impl From<OperationKind> for OperationKindDto {
    fn from(kind: OperationKind) -> OperationKindDto {
        match kind {
            OperationKind::Refund => OperationKindDto::Refund,
            OperationKind::Charge => OperationKindDto::Charge,
            OperationKind::Cancel => OperationKindDto::Cancel,
            OperationKind::Link => OperationKindDto::Link,
        }
    }
}

/// What has become of an operation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = OperationState)]
enum OperationStateDto {
    /// It goes on by itself.
    Pending,
    /// It is done.
    Done,
    /// It was not done, and will not be.
    Refused,
    /// It may have been done or not: a person must find out and decide.
    Unknown,
}

/// Why an operation was refused, or why its outcome is unknown.
#[derive(Serialize, ToSchema)]
struct OperationProblem {
    /// The provider's code, or the host's: `provider-failed`, or `not-done` if an operator says so. Null if the outcome is unknown.
    code: Option<String>,
    /// The reason, in Russian if the provider says it in Russian.
    message: String,
}

/// What an operator found out about an operation whose outcome was unknown.
#[derive(Serialize, ToSchema)]
struct OperationDecisionReport {
    /// The operator's name.
    operator: String,
    /// The reason, in the operator's words.
    comment: String,
    /// When, in seconds since the Unix epoch.
    at: u64,
}

impl From<OperationDecision> for OperationDecisionReport {
    fn from(OperationDecision { operator, comment, at }: OperationDecision) -> OperationDecisionReport {
        OperationDecisionReport { operator, comment, at }
    }
}

/// An operation at a payment system.
#[derive(Serialize, ToSchema)]
pub struct OperationReport {
    /// The operation's id.
    id: String,
    /// What is done.
    kind: OperationKindDto,
    /// The provider's name.
    provider: String,
    /// The payment, as its entry's `movement`; null for a link.
    payment: Option<String>,
    /// The id of the order of a charge or a link; null for other kinds.
    order: Option<String>,
    /// The amount of a refund; null for other kinds.
    amount: Option<Amount>,
    /// The reason; may be empty.
    reason: String,
    /// Who asked for it; empty for a link.
    operator: String,
    /// What has become of it.
    state: OperationStateDto,
    /// Why it was refused or its outcome is unknown; null in other states.
    problem: Option<OperationProblem>,
    /// The movement of the refund or payment that it made, as in the feed of entries; null if it made none.
    movement: Option<String>,
    /// The payment system's own name of it; null if it gave none.
    reference: Option<String>,
    /// When it was begun, in seconds since the Unix epoch.
    created_at: u64,
    /// When it ended, in seconds since the Unix epoch; null if it is pending.
    ended_at: Option<u64>,
    /// When it is tried again, in seconds since the Unix epoch; null if it is not pending, or waits for a callback.
    next_at: Option<u64>,
    /// How many times it was put off to try again.
    tries: u32,
    /// An operator's decision, if its outcome was unknown and an operator decided; null otherwise.
    decision: Option<OperationDecisionReport>,
}

impl From<Operation> for OperationReport {
    fn from(operation: Operation) -> OperationReport {
        let (kind, task) = (operation.task.kind(), operation.task);
        let (state, problem, movement) = state(operation.state);
        OperationReport {
            id: operation.id.into(),
            kind: kind.into(),
            provider: operation.provider.into(),
            payment: task.payment().map(|payment| payment.to_string()),
            order: task.order().map(ToString::to_string),
            amount: task.amount().map(Amount::from),
            reason: operation.reason,
            operator: operation.operator,
            state,
            problem,
            movement: movement.map(|movement| movement.to_string()),
            reference: operation.reference,
            created_at: operation.created_at,
            ended_at: operation.ended_at,
            next_at: operation.next_at,
            tries: operation.tries,
            decision: operation.decision.map(OperationDecisionReport::from),
        }
    }
}

fn state(state: OperationState) -> (OperationStateDto, Option<OperationProblem>, Option<MovementId>) {
    match state {
        OperationState::Pending => (OperationStateDto::Pending, None, None),
        OperationState::Done { movement, .. } => (OperationStateDto::Done, None, movement),
        OperationState::Refused { code, message } => {
            (OperationStateDto::Refused, Some(OperationProblem { code: Some(code), message }), None)
        }
        OperationState::Unknown { message } => {
            (OperationStateDto::Unknown, Some(OperationProblem { code: None, message }), None)
        }
    }
}

/// Begins an operation about a payment, such as a refund.
///
/// It is on disk before anything is sent. The answer is the operation as far as it came: if it is `pending`, the gateway goes on by
/// itself, also after a restart. Nothing is sent twice. Repeat a request that was not answered, with the same key.
#[utoipa::path(post, path = "/operations", operation_id = "begin_operation", request_body = NewOperation,
    params(("Idempotency-Key" = String, Header, description = "A key of 1 to 255 ASCII characters, \
        unique for the operation. A repeated request with the same key returns the same operation; a different one is refused \
        with 409.")), responses(
    (status = OK, body = OperationReport), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn begin(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body<NewOperation>,
) -> Result<Json<OperationReport>, Problem> {
    let Json(new) = body?;
    let key = idempotency_key(&headers)?;
    let request = new.request(key.ok_or_else(|| {
        Problem::unprocessable("the Idempotency-Key header is required, so that the operation is done once")
    })?)?;
    blocking(&app, move |app| Ok(Json(app.host.operate(request)?.into()))).await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Returns only the open operations after this id.
    after: Option<String>,
    /// Whether to return the operations that are done or refused, the latest first, instead of those that are pending or unknown.
    #[serde(default)]
    ended: bool,
    /// Returns only the ended operations before this id.
    before: Option<String>,
}

/// Operations: those that are pending or unknown, the oldest first; or those that have ended, the latest first.
#[derive(Serialize, ToSchema)]
pub struct OperationList {
    /// At most 1000 operations. For the next ones, set `after` to the last `id`; for ended ones, `before`.
    operations: Vec<OperationReport>,
}

/// Returns the operations at payment systems.
#[utoipa::path(get, path = "/operations", operation_id = "list_operations", params(ListQuery), responses(
    (status = OK, body = OperationList), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn list(
    State(app): State<App>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<OperationList>, Problem> {
    let Query(ListQuery { after, ended, before }) = query?;
    let (after, before) = (after.map(identifiers::operation).transpose()?, before.map(identifiers::operation).transpose()?);
    let found = blocking(&app, move |app| {
        Ok(match ended {
            true => app.host.ended_operations(before.as_ref(), OPERATIONS_MAX)?,
            false => app.host.open_operations(after.as_ref(), OPERATIONS_MAX)?,
        })
    });
    Ok(Json(OperationList { operations: found.await?.into_iter().map(OperationReport::from).collect() }))
}

/// Returns an operation and its state.
#[utoipa::path(get, path = "/operations/{id}", operation_id = "get_operation", params(OperationPath), responses(
    (status = OK, body = OperationReport), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn get(
    State(app): State<App>,
    Path(OperationPath { id }): Path<OperationPath>,
) -> Result<Json<OperationReport>, Problem> {
    blocking(&app, move |app| Ok(Json(app.host.operation(&identifiers::operation(id)?)?.into()))).await
}

/// What an operator found out.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    /// The payment system has done it. A refund is entered.
    Done,
    /// The payment system has not done it. It may be asked for again, as a new operation.
    NotDone,
}

/// An operator's decision about an operation whose outcome is unknown.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OperationDecision)]
pub struct NewDecision {
    /// Whether the payment system has done it.
    verdict: Verdict,
    /// How the operator knows, of 1 to 255 characters.
    comment: String,
    /// The operator's name: 1 to 64 visible characters, no space at either end.
    operator: String,
}

/// Records what an operator found out about an operation whose outcome is unknown.
///
/// Look at the payment system first. A refund that is declared done debits the account; one that is declared not done frees its
/// amount for another refund.
#[utoipa::path(post, path = "/operations/{id}/decision", operation_id = "decide_operation", request_body = NewDecision,
    params(OperationPath), responses(
    (status = OK, body = OperationReport), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn decide(
    State(app): State<App>,
    Path(OperationPath { id }): Path<OperationPath>,
    body: Body<NewDecision>,
) -> Result<Json<OperationReport>, Problem> {
    let Json(NewDecision { verdict, comment, operator }) = body?;
    let verdict = match verdict {
        Verdict::Done => OperationVerdict::Done,
        Verdict::NotDone => OperationVerdict::NotDone,
    };
    blocking(&app, move |app| {
        let id = identifiers::operation(id)?;
        Ok(Json(app.host.decide_operation(&id, verdict, operator, comment)?.into()))
    })
    .await
}

/// Tries a pending operation again now, instead of at its `next_at`.
///
/// An operation that is not pending stays as it is.
#[utoipa::path(post, path = "/operations/{id}/retry", operation_id = "retry_operation", params(OperationPath), responses(
    (status = OK, body = OperationReport), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn retry(
    State(app): State<App>,
    Path(OperationPath { id }): Path<OperationPath>,
) -> Result<Json<OperationReport>, Problem> {
    blocking(&app, move |app| Ok(Json(app.host.retry_operation(&identifiers::operation(id)?)?.into()))).await
}
