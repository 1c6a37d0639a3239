//! Exclusions of write-offs from exports, which can be undone.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use domain::{ExcludedWriteOff, Exclusion};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::path::{Path, WriteOffPath};
use super::{Amount, Body, Details, Json};
use crate::problem::Problem;
use crate::shared::{App, blocking};

/// How many are returned at once.
const EXCLUSIONS_MAX: u32 = 1000;

/// The operator who excludes a write-off from exports, and the reason.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExclusionRequest {
    /// The operator's name: 1 to 64 visible characters, no space at either end.
    operator: String,
    /// The reason, of 1 to 255 characters. Manifests of exports show it.
    reason: String,
}

/// An exclusion of a write-off from exports.
#[derive(Serialize, ToSchema)]
pub struct ExclusionReport {
    /// The exclusion's id. Later exclusions have higher ids.
    id: u64,
    /// Billing's id of the write-off.
    writeoff: String,
    /// The operator's name.
    operator: String,
    /// The operator's reason.
    reason: String,
    /// When it was excluded, in seconds since the Unix epoch.
    at: u64,
}

impl From<Exclusion> for ExclusionReport {
    fn from(Exclusion { id, writeoff, operator, reason, at }: Exclusion) -> ExclusionReport {
        ExclusionReport { id, writeoff, operator, reason, at }
    }
}

/// Excludes a write-off from exports.
///
/// The account stays debited.
#[utoipa::path(post, path = "/writeoffs/{id}/exclusion", operation_id = "exclude_writeoff",
    request_body = ExclusionRequest, params(WriteOffPath), responses(
    (status = OK, body = ExclusionReport), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn exclude(
    State(app): State<App>,
    Path(WriteOffPath { id }): Path<WriteOffPath>,
    body: Body<ExclusionRequest>,
) -> Result<Json<ExclusionReport>, Problem> {
    let Json(ExclusionRequest { operator, reason }) = body?;
    blocking(&app, move |app| Ok(Json(app.host.exclude_writeoff(id, operator, reason)?.into()))).await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Undone {
    /// The operator's name: 1 to 64 visible characters, no space at either end.
    operator: String,
}

/// Includes an excluded write-off in exports again.
#[utoipa::path(delete, path = "/writeoffs/{id}/exclusion", operation_id = "include_writeoff",
    params(WriteOffPath, Undone), responses(
    (status = NO_CONTENT), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn include(
    State(app): State<App>,
    Path(WriteOffPath { id }): Path<WriteOffPath>,
    query: Result<Query<Undone>, QueryRejection>,
) -> Result<StatusCode, Problem> {
    let Query(Undone { operator }) = query?;
    blocking(&app, move |app| Ok(app.host.include_writeoff(id, operator)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// Returns only the exclusions before this id.
    before: Option<u64>,
}

/// Exclusions in force, the latest first.
#[derive(Serialize, ToSchema)]
pub struct Exclusions {
    /// At most 1000 exclusions. For the next ones, set `before` to the last `id`.
    exclusions: Vec<Excluded>,
}

/// An exclusion and its write-off.
#[derive(Serialize, ToSchema)]
struct Excluded {
    #[serde(flatten)]
    decision: ExclusionReport,
    /// The account's number.
    account: String,
    /// The service's name.
    service: String,
    /// The date of the charge, such as 2026-02-28. In a write-off that an old version stored, the day may not exist.
    date: String,
    /// The amount charged.
    amount: Amount,
}

/// Returns the write-offs that are excluded from exports.
#[utoipa::path(get, path = "/exclusions", operation_id = "list_exclusions", params(Listing), responses(
    (status = OK, body = Exclusions), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn list(State(app): State<App>, query: Result<Query<Listing>, QueryRejection>) -> Result<Json<Exclusions>, Problem> {
    let Query(Listing { before }) = query?;
    let excluded = blocking(&app, move |app| Ok(app.host.exclusions(before, EXCLUSIONS_MAX)?)).await?;
    let report = |ExcludedWriteOff { exclusion, account, service, date, amount }: ExcludedWriteOff| Excluded {
        decision: exclusion.into(),
        account: account.into(),
        service,
        date,
        amount: amount.into(),
    };
    Ok(Json(Exclusions { exclusions: excluded.into_iter().map(report).collect() }))
}
