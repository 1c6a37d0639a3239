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

/// Why a write-off is left out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExclusionRequest {
    /// Who decides.
    operator: String,
    /// Why, of at most 255 characters; the export's manifest has it.
    reason: String,
}

/// A decision.
#[derive(Serialize, ToSchema)]
pub struct ExclusionReport {
    /// Its number: later ones are higher.
    id: u64,
    /// The write-off.
    writeoff: String,
    operator: String,
    reason: String,
    /// Seconds since the epoch.
    at: u64,
}

impl From<Exclusion> for ExclusionReport {
    fn from(Exclusion { id, writeoff, operator, reason, at }: Exclusion) -> ExclusionReport {
        ExclusionReport { id, writeoff, operator, reason, at }
    }
}

/// Leaves a write-off out of exports; its account stays debited.
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
    /// Who undoes it.
    operator: String,
}

/// Takes a write-off that was left out into exports again.
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
    /// Only decisions before this one; the `id` of the last that was seen.
    before: Option<u64>,
}

/// Decisions in force, the last first.
#[derive(Serialize, ToSchema)]
pub struct Exclusions {
    /// At most 1000; ask for those before the last one.
    exclusions: Vec<Excluded>,
}

/// A decision with what it is about.
#[derive(Serialize, ToSchema)]
struct Excluded {
    #[serde(flatten)]
    decision: ExclusionReport,
    account: String,
    service: String,
    /// The write-off's day as it stands; an older program did not look whether it exists.
    date: String,
    /// What was charged.
    amount: Amount,
}

/// What is left out of exports.
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
