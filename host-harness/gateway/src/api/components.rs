//! A provider's component, swapped while the host runs.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sandbox::Limits;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Details, Json};
use crate::problem::{FieldProblem, Problem, problem_json};
use crate::replay::Change;
use crate::swap::{self, Asked, LimitChanges, Refusal, Swapped, Unswapped};
use crate::{App, blocking};

/// The limit of a component's body, for the route.
pub fn limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(Limits::COMPONENT_BYTES_MAX)
}

/// How a component is swapped in. A limit that is absent stays as it is for the component in use.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Wishes {
    /// What an earlier answer gave as `accept`: the changed verdicts that it showed are meant.
    accept_changes: Option<String>,
    /// The memory of a call, in bytes.
    memory_bytes_max: Option<usize>,
    /// The work of a call, in units of fuel.
    fuel_max: Option<u64>,
    /// The work of a step of an export, in units of fuel.
    export_fuel_max: Option<u64>,
    /// The time of a call, in milliseconds.
    time_ms_max: Option<u64>,
}

/// A component, by its lock.
#[derive(Serialize, ToSchema)]
struct Component {
    /// The provider's id within the component.
    id: String,
    version: String,
    /// Of the component's bytes, in hexadecimal.
    sha256: String,
}

/// What was swapped.
#[derive(Serialize, ToSchema)]
pub struct SwapReport {
    /// What is used from now on.
    current: Component,
    /// What can be gone back to.
    previous: Option<Component>,
    /// Whether anything changed: not where the component was used already.
    swapped: bool,
    /// How many stored callbacks both components were told.
    replayed: usize,
    /// Those that the new one judges otherwise, which were accepted.
    changes: Vec<Change>,
    /// What was checked, by name.
    #[schema(value_type = Option<Object>)]
    checks: Option<conformance::Report>,
}

/// Why a component is not taken, by RFC 9457; the one in use stays.
#[derive(Serialize, ToSchema)]
struct RefusedComponent {
    /// What the status means.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong, and what to do.
    detail: String,
    /// What the component says of the settings that were entered.
    problems: Vec<FieldProblem>,
    /// What was checked, where a check fails.
    #[schema(value_type = Option<Object>)]
    checks: Option<conformance::Report>,
    /// Stored callbacks that it judges otherwise than the component in use, at most twenty.
    changes: Vec<Change>,
    /// How many it judges otherwise.
    changed: usize,
    /// `accept_changes` for the next time, if these changes are meant.
    accept: Option<String>,
}

/// Swaps a provider's component: it is loaded, checked, and told the last stored callbacks beside the one in use; a changed verdict
/// stops it. A name that is new adds a provider. Calls that were begun end with the component that they began with.
#[utoipa::path(post, path = "/providers/{name}/component", params(Wishes),
    request_body(content = Vec<u8>, content_type = "application/wasm", description = "The component, of at most 4 MiB."),
    responses((status = OK, body = SwapReport),
        (status = UNPROCESSABLE_ENTITY, body = RefusedComponent, content_type = "application/problem+json"),
        (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn swap(
    State(app): State<App>,
    Path(name): Path<String>,
    wishes: Result<Query<Wishes>, QueryRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let Query(Wishes { accept_changes, memory_bytes_max, fuel_max, export_fuel_max, time_ms_max }) = wishes?;
    let bytes = body.map_err(|rejection| Problem::new(rejection.status(), rejection.body_text()))?;
    let limits = LimitChanges { memory_bytes_max, fuel_max, export_fuel_max, time_ms_max };
    let asked = Asked { name, bytes: bytes.into(), limits, accepted: accept_changes };
    blocking(&app, move |app| answer(swap::swap(app, asked))).await
}

/// Goes back to the component that was used before.
#[utoipa::path(post, path = "/providers/{name}/component/previous", responses((status = OK, body = SwapReport),
    (status = UNPROCESSABLE_ENTITY, body = RefusedComponent, content_type = "application/problem+json"),
    (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn back(State(app): State<App>, Path(name): Path<String>) -> Result<Response, Problem> {
    blocking(&app, move |app| answer(swap::back(app, &name))).await
}

fn answer(swapped: Result<Swapped, Unswapped>) -> Result<Response, Problem> {
    match swapped {
        Ok(swapped) => Ok(Json(report(swapped)).into_response()),
        Err(Unswapped::Refused(refusal)) => Ok(refused(*refusal)),
        Err(Unswapped::Failed(problem)) => Err(problem),
    }
}

fn report(Swapped { current, previous, swapped, found }: Swapped) -> SwapReport {
    let component = |version: catalog::Version| Component { id: version.id, version: version.version, sha256: version.sha256 };
    let (current, previous) = (component(current), previous.map(component));
    let (replayed, changes, checks) = match found {
        None => (0, Vec::new(), None),
        Some(found) => (found.replayed, found.changes, Some(found.report)),
    };
    SwapReport { current, previous, swapped, replayed, changes, checks }
}

fn refused(Refusal { detail, problems, report, changes, changed, accept, .. }: Refusal) -> Response {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    problem_json(
        status,
        &RefusedComponent {
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail,
            problems: problems.into_iter().map(FieldProblem::from).collect(),
            checks: report,
            changes,
            changed,
            accept,
        },
    )
}
