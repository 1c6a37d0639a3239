//! The components of providers, and swapping them while the host runs.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::multipart::MultipartError;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{Fields, SettingSpec};
use host::{CheckReport, Confirmed, LimitChanges, Limits, Refusal, SwapError, SwapReport, SwapRequest, VerdictChange, Version};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::path::{Path, ProviderPath};
use super::providers::SettingReport;
use super::{Details, Json};
use crate::identifiers;
use crate::problem::{FieldProblem, Problem, problem_json};
use crate::shared::{App, blocking};

/// The size limit of the settings in a request with a component, in bytes.
const SETTINGS_BYTES_MAX: usize = 64 << 10;

/// Returns the size limit of a request with a component.
pub fn limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(Limits::COMPONENT_BYTES_MAX + SETTINGS_BYTES_MAX)
}

/// How a component is swapped in. A limit that is absent stays as it is for the component in use.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SwapOptions {
    /// What an earlier answer gave as `accept`: the changed verdicts that it showed are meant.
    accept_changes: Option<String>,
    /// The names, with commas between them, of settings that were entered as secrets and that the component may declare otherwise.
    /// Their values stay secret.
    accept_relabelled: Option<String>,
    /// The SHA-256 of the component that is to be replaced: where another one is in use by now, the answer is 409.
    in_use: Option<String>,
    /// Hosts that payers may be sent to by settings of the same request, in ASCII, with commas between them.
    confirm_hosts: Option<String>,
    /// The memory of a call, in bytes.
    memory_bytes_max: Option<usize>,
    /// The work of a call, in units of fuel.
    fuel_max: Option<u64>,
    /// The work of a step of an export, in units of fuel.
    export_fuel_max: Option<u64>,
    /// The time of a call, in milliseconds.
    time_ms_max: Option<u64>,
}

/// A component with settings that are entered in the same step, as a form.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes a form that is read part by part")]
struct ComponentForm {
    /// A JSON object of names and texts, as for PUT …/settings: what is absent stays as it is.
    settings: Option<String>,
    /// The component, of at most 4 MiB; the last part.
    #[schema(value_type = String, format = Binary)]
    component: Vec<u8>,
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
#[schema(as = SwapReport)]
pub struct Swapped {
    /// What is used from now on.
    current: Component,
    /// What can be gone back to.
    previous: Option<Component>,
    /// Whether anything changed: not where the component was used already.
    swapped: bool,
    /// How many stored callbacks both components were told.
    replayed: usize,
    /// How many stored callbacks were left out, because card data in them was masked.
    left_out: usize,
    /// Those that the new one judges otherwise, which were accepted.
    changes: Vec<ChangedVerdict>,
    /// What was checked, by name.
    #[schema(value_type = Option<Object>)]
    checks: Option<CheckReport>,
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
    /// The component's, where it was loaded.
    sha256: Option<String>,
    /// What the component says of the settings that were entered.
    problems: Vec<FieldProblem>,
    /// The settings that it asks for, or takes otherwise than the component in use: enter them with the component.
    wanted: Vec<SettingReport>,
    /// What was entered as a secret and is declared otherwise; `accept_relabelled` names each that is meant all the same.
    relabelled: Vec<RelabelledSecret>,
    /// What was checked, where a check fails.
    #[schema(value_type = Option<Object>)]
    checks: Option<CheckReport>,
    /// Stored callbacks that it judges otherwise than the component in use, at most twenty.
    changes: Vec<ChangedVerdict>,
    /// How many it judges otherwise.
    changed: usize,
    /// How many stored callbacks were left out, because card data in them was masked.
    left_out: usize,
    /// `accept_changes` for the next time, if these changes are meant.
    accept: Option<String>,
}

/// A setting that was entered as a secret and that a component declares otherwise.
#[derive(Serialize, ToSchema)]
struct RelabelledSecret {
    name: String,
    /// As what it declares it, such as `text`.
    kind: &'static str,
}

/// A callback that two components judge differently.
#[derive(Serialize, ToSchema)]
#[schema(as = Change)]
struct ChangedVerdict {
    /// When it came, seconds since the epoch.
    received_at: u64,
    /// The transaction that it told of, where either component accepts it.
    transaction: Option<String>,
    differences: Vec<Difference>,
}

/// What is said otherwise.
#[derive(Serialize, ToSchema)]
struct Difference {
    /// `verdict`, `code`, `error`, or a field of the event, such as `event.amount.minor_units`.
    field: String,
    /// What the component in use says; nothing where it has no such field.
    before: Option<String>,
    /// What the new one says.
    after: Option<String>,
}

impl From<VerdictChange> for ChangedVerdict {
    fn from(VerdictChange { received_at, transaction, differences }: VerdictChange) -> ChangedVerdict {
        let difference = |host::Difference { field, before, after }: host::Difference| Difference { field, before, after };
        ChangedVerdict { received_at, transaction, differences: differences.into_iter().map(difference).collect() }
    }
}

/// Swaps a provider's component: it is loaded, checked, and told the last stored callbacks beside the one in use; a changed verdict
/// stops it, and so does a secret that would be one no more. Settings that it needs anew are entered in the same request, as a form;
/// those that it does not know are set aside, sealed, until one goes back. A name that is new adds a provider. Calls that were begun
/// end with the component that they began with.
#[utoipa::path(post, path = "/providers/{name}/component", operation_id = "swap_component", params(ProviderPath, SwapOptions),
    request_body(content((super::Bytes = "application/wasm"), (ComponentForm = "multipart/form-data")),
        description = "The component, of at most 4 MiB, alone or with settings."),
    responses((status = OK, body = Swapped),
        (status = UNPROCESSABLE_ENTITY, body = RefusedComponent, content_type = "application/problem+json"),
        (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn swap(
    State(app): State<App>,
    Path(ProviderPath { name }): Path<ProviderPath>,
    options: Result<Query<SwapOptions>, QueryRejection>,
    request: Request,
) -> Result<Response, Problem> {
    // The request is read completely before it is refused: a client whose connection is closed while it sends gets no answer.
    let read = read(&app, request).await;
    let Query(options) = options?;
    let (bytes, settings) = read?;
    let SwapOptions { accept_changes, in_use, memory_bytes_max, fuel_max, export_fuel_max, time_ms_max, .. } = options;
    let limits = LimitChanges { memory_bytes_max, fuel_max, export_fuel_max, time_ms_max };
    let accept_relabelled = options.accept_relabelled.unwrap_or_default();
    let accept_relabelled = accept_relabelled.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let confirmed = Confirmed::listed(&options.confirm_hosts.unwrap_or_default());
    let name = identifiers::new_provider(&name)?;
    let request = SwapRequest { name, bytes, limits, settings, accept_changes, accept_relabelled, in_use, confirmed };
    blocking(&app, move |app| answer(app.host.swap(request))).await
}

/// Returns the component in a request, and the settings sent with it.
async fn read(app: &App, request: Request) -> Result<(Vec<u8>, Fields), Problem> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !content_type.is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("multipart/form-data")) {
        let bytes = Bytes::from_request(request, app).await;
        let bytes = bytes.map_err(|rejection| Problem::new(rejection.status(), rejection.body_text()))?;
        return Ok((component(bytes)?, Fields::new()));
    }
    let form = Multipart::from_request(request, app).await;
    let mut form = form.map_err(|rejection| Problem::new(rejection.status(), rejection.body_text()))?;
    let unreadable = |error: MultipartError| Problem::new(error.status(), error.body_text());
    let mut settings = Fields::new();
    while let Some(part) = form.next_field().await.map_err(unreadable)? {
        match part.name() {
            Some("component") => return Ok((component(part.bytes().await.map_err(unreadable)?)?, settings)),
            Some("settings") => settings = entered(&part.bytes().await.map_err(unreadable)?)?,
            _ => {
                return Err(Problem::new(
                    StatusCode::BAD_REQUEST,
                    "a part must be `settings` or `component`, and `component` the last",
                ));
            }
        }
    }
    Err(Problem::new(StatusCode::BAD_REQUEST, "the form has no part `component`"))
}

/// Returns the component, unless it is too large. The route's limit also has room for the settings.
fn component(bytes: Bytes) -> Result<Vec<u8>, Problem> {
    if bytes.len() > Limits::COMPONENT_BYTES_MAX {
        let detail = format!("a component has at most {} bytes", Limits::COMPONENT_BYTES_MAX);
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    Ok(bytes.into())
}

fn entered(json: &[u8]) -> Result<Fields, Problem> {
    // The parser's message may quote the text, which has secrets.
    let unreadable = |_| Problem::unprocessable("the part `settings` must be JSON of the form {\"name\": \"value\"}");
    let settings: BTreeMap<String, String> = serde_json::from_slice(json).map_err(unreadable)?;
    Ok(settings.into_iter().collect())
}

/// Which component a roll-back is to replace.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RollBackOptions {
    /// The SHA-256 of the component that is to be replaced: where another one is in use by now, the answer is 409.
    in_use: Option<String>,
}

/// Goes back to the component that was used before, with its settings of before.
#[utoipa::path(post, path = "/providers/{name}/component/previous", operation_id = "roll_back_component",
    params(ProviderPath, RollBackOptions), responses(
    (status = OK, body = Swapped),
    (status = UNPROCESSABLE_ENTITY, body = RefusedComponent, content_type = "application/problem+json"),
    (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn back(
    State(app): State<App>,
    Path(ProviderPath { name }): Path<ProviderPath>,
    options: Result<Query<RollBackOptions>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(RollBackOptions { in_use }) = options?;
    let name = identifiers::provider(name)?;
    blocking(&app, move |app| answer(app.host.roll_back(&name, in_use))).await
}

fn answer(swapped: Result<SwapReport, SwapError>) -> Result<Response, Problem> {
    match swapped {
        Ok(swapped) => Ok(Json(report(swapped)).into_response()),
        Err(SwapError::Refused(refusal)) => Ok(refused(*refusal)),
        Err(SwapError::Failed(error)) => Err(error.into()),
    }
}

fn report(SwapReport { current, previous, swapped, found, .. }: SwapReport) -> Swapped {
    let component = |version: Version| Component { id: version.id, version: version.version, sha256: version.sha256 };
    let (current, previous) = (component(current), previous.map(component));
    let (replay, checks) = found.map(|found| (found.replay, found.report)).unzip();
    let replay = replay.unwrap_or_default();
    let (replayed, left_out) = (replay.replayed, replay.left_out);
    let changes = replay.changes.into_iter().map(ChangedVerdict::from).collect();
    Swapped { current, previous, swapped, replayed, left_out, changes, checks }
}

fn refused(refusal: Refusal) -> Response {
    let Refusal { detail, sha256, problems, wanted, report, changes, changed, left_out, accept, relabelled } = refusal;
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    problem_json(
        status,
        &RefusedComponent {
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail,
            sha256: Some(sha256).filter(|sha256| !sha256.is_empty()),
            problems: problems.into_iter().map(FieldProblem::from).collect(),
            wanted: wanted.iter().map(|setting: &SettingSpec| SettingReport::new(setting, setting.kind)).collect(),
            relabelled: relabelled.into_iter().map(|one| RelabelledSecret { name: one.name, kind: one.kind.name() }).collect(),
            checks: report,
            changes: changes.into_iter().map(ChangedVerdict::from).collect(),
            changed,
            left_out,
            accept,
        },
    )
}
