//! Operations at payment systems: refunds, repeated charges and ends of subscriptions. `operation_report.rs` is how one is told.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use domain::{OperationKind, OperationSelection, OperationVerdict, ProviderName};
use host::{HostError, OperationAction, OperationRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::operation_report::OperationReport;
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

/// Begins an operation about a payment, such as a refund.
///
/// It is on disk before anything is sent. The answer is the operation as far as it came: if it is `pending`, the gateway goes on by
/// itself, also after a restart. Repeat a request that was not answered, with the same key: it is the same operation, and is done
/// once. A call whose answer was lost is sent again only with a key by which the payment system does it once.
///
/// After the ledger was restored from a copy the answer is 409 with the code `restored-not-compared`, until a person has compared the
/// payment systems with the ledger on the page «Операции».
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
    /// Returns only the operations of this kind.
    #[param(inline)]
    kind: Option<ListedKind>,
}

/// The kind of the operations to return.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum ListedKind {
    /// Refunds.
    Refund,
    /// Repeated charges.
    Charge,
    /// Ends of subscriptions.
    Cancel,
    /// Payment links of orders.
    Link,
}

impl ListedKind {
    fn selection(self) -> OperationSelection {
        OperationSelection::Only(match self {
            ListedKind::Refund => OperationKind::Refund,
            ListedKind::Charge => OperationKind::Charge,
            ListedKind::Cancel => OperationKind::Cancel,
            ListedKind::Link => OperationKind::Link,
        })
    }
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
    let Query(ListQuery { after, ended, before, kind }) = query?;
    let selection = kind.map_or(OperationSelection::All, ListedKind::selection);
    let (after, before) = (after.map(identifiers::operation).transpose()?, before.map(identifiers::operation).transpose()?);
    let found = blocking(&app, move |app| {
        Ok(match ended {
            true => app.host.ended_operations(selection, before.as_ref(), OPERATIONS_MAX)?,
            false => app.host.open_operations(selection, after.as_ref(), OPERATIONS_MAX)?,
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

/// Who withdraws an operation, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OperationWithdrawal)]
pub struct Withdrawal {
    /// The operator's name: 1 to 64 visible characters, no space at either end.
    operator: String,
    /// The reason, of 1 to 255 characters.
    comment: String,
}

/// Withdraws a pending refund or charge of which nothing was sent yet.
///
/// It is `refused` then with the code `withdrawn`: it will not be sent, and its amount is free for another refund. Of one that was
/// sent, or may have been, nothing changes: the answer is 409 with the code `operation-sent`. The same withdrawal again is answered
/// as the first one.
#[utoipa::path(post, path = "/operations/{id}/withdraw", operation_id = "withdraw_operation", request_body = Withdrawal,
    params(OperationPath), responses(
    (status = OK, body = OperationReport), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn withdraw(
    State(app): State<App>,
    Path(OperationPath { id }): Path<OperationPath>,
    body: Body<Withdrawal>,
) -> Result<Json<OperationReport>, Problem> {
    let Json(Withdrawal { operator, comment }) = body?;
    blocking(&app, move |app| {
        let id = identifiers::operation(id)?;
        Ok(Json(app.host.withdraw_operation(&id, operator, comment)?.into()))
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
