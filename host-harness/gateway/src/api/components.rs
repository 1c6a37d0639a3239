//! The components of providers, and swapping them while the host runs.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::multipart::MultipartError;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{Fields, ProviderName, SettingSpec};
use host::{
    CallHost, CheckReport, Confirmed, ErrorCode, LimitChanges, Limits, Refusal, SwapError, SwapReport, SwapRequest,
    VerdictChange, Version,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::path::{Path, ProviderPath};
use super::providers::SettingReport;
use super::query::ListQuery;
use super::{Details, Json};
use crate::identifiers;
use crate::problem::{FieldProblem, Problem, problem_json};
use crate::shared::{App, Shared, blocking};

/// The size limit of the settings in a request with a component, in bytes.
const SETTINGS_BYTES_MAX: usize = 64 << 10;

/// Returns the size limit of a request with a component.
pub fn limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(Limits::COMPONENT_BYTES_MAX + SETTINGS_BYTES_MAX)
}

/// Options of a swap. A limit that is absent stays as it is.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SwapOptions {
    /// The `accept` of an earlier answer: accepts the changed verdicts and new hosts that it listed.
    accept_changes: Option<String>,
    /// The names of secrets that the component may declare as other settings, separated by commas. Their values stay secret.
    accept_relabelled: Option<String>,
    /// The SHA-256 of the component to replace, in hexadecimal. If another one is active, the answer is 409.
    in_use: Option<String>,
    /// The hosts to which the settings of this request may send payers and calls, in ASCII, with `:port` where it is not 443;
    /// separated by commas, or the parameter several times.
    confirm_hosts: Option<String>,
    /// The memory limit of a call, in bytes.
    memory_bytes_max: Option<usize>,
    /// The limit of a call, in units of fuel.
    fuel_max: Option<u64>,
    /// The limit of one step of an export, in units of fuel.
    export_fuel_max: Option<u64>,
    /// The time limit of a call, in milliseconds.
    time_ms_max: Option<u64>,
}

/// A component with new settings, as a form.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes a form that is read part by part")]
struct ComponentForm {
    /// A JSON object of setting names and values, such as {"name": "value"}. An absent setting keeps its value.
    settings: Option<String>,
    /// The component, of at most 4 MiB. It must be the last part.
    #[schema(value_type = String, format = Binary)]
    component: Vec<u8>,
}

/// A component.
#[derive(Serialize, ToSchema)]
struct Component {
    /// The id of the payment system, as the component reports it.
    id: String,
    /// The component's version.
    version: String,
    /// The SHA-256 of the component's bytes, in hexadecimal.
    sha256: String,
}

/// The result of a swap.
#[derive(Serialize, ToSchema)]
#[schema(as = SwapReport)]
pub struct Swapped {
    /// The component that is active now.
    current: Component,
    /// The component to which a roll-back returns; null if there is none.
    previous: Option<Component>,
    /// Whether the component was swapped: false if it was active already.
    swapped: bool,
    /// The hosts that the component may call, with a port if that is not 443.
    calls_to: Vec<String>,
    /// The number of stored callbacks with which both components were compared.
    replayed: usize,
    /// The number of stored callbacks that were not compared because card data in them is masked.
    left_out: usize,
    /// The number of stored callbacks that were compared without their secret headers, which were sealed with another key.
    without_headers: usize,
    /// The changed verdicts, which were accepted.
    changes: Vec<ChangedVerdict>,
    /// The report of the conformance checks; null if none were made.
    #[schema(value_type = Option<Object>)]
    checks: Option<CheckReport>,
}

/// The component was refused, and the active one stays: a problem by RFC 9457. If the request itself was refused, such as for a name that
/// no provider can have, it has no more than any problem.
#[derive(Serialize, ToSchema)]
struct RefusedComponent {
    /// The meaning of the status.
    title: String,
    /// The HTTP status.
    status: u16,
    /// The reason, and what to do.
    detail: String,
    /// `component-refused`.
    #[schema(required = false)]
    code: &'static str,
    /// The SHA-256 of the refused component, in hexadecimal; null if it was not loaded.
    #[schema(required = false)]
    sha256: Option<String>,
    /// The problems that the component reports about the settings.
    #[schema(required = false)]
    problems: Vec<FieldProblem>,
    /// The settings that are new or have changed. Send them together with the component.
    #[schema(required = false)]
    wanted: Vec<SettingReport>,
    /// The secrets that the component declares as other settings. If that is intended, name them in `accept_relabelled`.
    #[schema(required = false)]
    relabelled: Vec<RelabelledSecret>,
    /// The report of the conformance checks; null if none failed.
    #[schema(value_type = Option<Object>, required = false)]
    checks: Option<CheckReport>,
    /// At most 20 stored callbacks whose verdict changes.
    #[schema(required = false)]
    changes: Vec<ChangedVerdict>,
    /// The number of stored callbacks whose verdict changes.
    #[schema(required = false)]
    changed: usize,
    /// The number of stored callbacks that were not compared because card data in them is masked.
    #[schema(required = false)]
    left_out: usize,
    /// The number of stored callbacks that were compared without their secret headers, which were sealed with another key.
    #[schema(required = false)]
    without_headers: usize,
    /// The hosts that the component may call and the active one may not, with a port if that is not 443.
    #[schema(required = false)]
    new_hosts: Vec<String>,
    /// If the changes are intended, repeat the request with this value as `accept_changes`; null if nothing changes.
    #[schema(required = false)]
    accept: Option<String>,
}

/// A secret that a component declares as another kind of setting.
#[derive(Serialize, ToSchema)]
struct RelabelledSecret {
    /// The setting's name.
    name: String,
    /// The kind that the component declares, such as `text`.
    kind: &'static str,
}

/// A stored callback whose verdict changes.
#[derive(Serialize, ToSchema)]
#[schema(as = Change)]
struct ChangedVerdict {
    /// When it was received, in seconds since the Unix epoch.
    received_at: u64,
    /// The payment system's transaction id; null if neither component accepts the callback.
    transaction: Option<String>,
    /// What changes.
    differences: Vec<Difference>,
}

/// A field of a verdict that changes.
#[derive(Serialize, ToSchema)]
struct Difference {
    /// `verdict`, `code`, `error`, or a field of the event, such as `event.amount.minor_units`.
    field: String,
    /// The value from the active component; null if the field is absent.
    before: Option<String>,
    /// The value from the new component; null if the field is absent.
    after: Option<String>,
}

impl From<VerdictChange> for ChangedVerdict {
    fn from(VerdictChange { received_at, transaction, differences }: VerdictChange) -> ChangedVerdict {
        let difference = |host::Difference { field, before, after }: host::Difference| Difference { field, before, after };
        ChangedVerdict { received_at, transaction, differences: differences.into_iter().map(difference).collect() }
    }
}

/// Swaps a provider's component, or adds a provider under a new name.
///
/// The component is loaded, checked, and compared with the active one on the last stored callbacks. It is refused if a check fails, if
/// a verdict changes, if it may call hosts that the active one may not, or if it declares a secret as another setting. New settings are sent in the same request, as a form. Settings
/// that the component does not know are kept, encrypted, and return with a roll-back. Running calls end with the component with which
/// they began.
#[utoipa::path(post, path = "/providers/{name}/component", operation_id = "swap_component", params(ProviderPath, SwapOptions),
    request_body(content((super::Bytes = "application/wasm"), (ComponentForm = "multipart/form-data")),
        description = "The component, of at most 4 MiB, alone or with settings."),
    responses((status = OK, body = Swapped),
        (status = UNPROCESSABLE_ENTITY, body = RefusedComponent, content_type = "application/problem+json"),
        (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn swap(
    State(app): State<App>,
    Path(ProviderPath { name }): Path<ProviderPath>,
    options: Result<ListQuery<SwapOptions>, QueryRejection>,
    request: Request,
) -> Result<Response, Problem> {
    // The request is read completely before it is refused: a client whose connection is closed while it sends gets no answer.
    let read = read(&app, request).await;
    let ListQuery(options) = options?;
    let (bytes, settings) = read?;
    let SwapOptions { accept_changes, in_use, memory_bytes_max, fuel_max, export_fuel_max, time_ms_max, .. } = options;
    let limits = LimitChanges { memory_bytes_max, fuel_max, export_fuel_max, time_ms_max };
    let accept_relabelled = options.accept_relabelled.unwrap_or_default();
    let accept_relabelled = accept_relabelled.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let confirmed = Confirmed::listed(&options.confirm_hosts.unwrap_or_default());
    let name = identifiers::new_provider(&name)?;
    let request = SwapRequest { name, bytes, limits, settings, accept_changes, accept_relabelled, in_use, confirmed };
    blocking(&app, move |app| answer(app, &request.name.clone(), app.host.swap(request))).await
}

/// Returns the component in a request, and the settings sent with it.
async fn read(app: &App, request: Request) -> Result<(Vec<u8>, Fields), Problem> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !content_type.is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("multipart/form-data")) {
        let bytes = Bytes::from_request(request, app).await;
        let bytes = bytes.map_err(|rejection| Problem::unread_upload(rejection.status(), &rejection))?;
        return Ok((component(bytes)?, Fields::new()));
    }
    let form = Multipart::from_request(request, app).await;
    let mut form = form.map_err(|rejection| Problem::new(rejection.status(), rejection.body_text()))?;
    let unreadable = |error: MultipartError| Problem::unread_upload(error.status(), &error);
    let mut settings = Fields::new();
    while let Some(part) = form.next_field().await.map_err(unreadable)? {
        match part.name() {
            Some("component") => return Ok((component(part.bytes().await.map_err(unreadable)?)?, settings)),
            Some("settings") => settings = entered(&part.bytes().await.map_err(unreadable)?)?,
            _ => {
                return Err(Problem::new(
                    StatusCode::BAD_REQUEST,
                    "the form must have the parts `settings`, if any, and `component`, in this order",
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

/// Options of a roll-back.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RollBackOptions {
    /// The SHA-256 of the component to replace, in hexadecimal. If another one is active, the answer is 409.
    in_use: Option<String>,
}

/// Rolls back to the previous component and its settings.
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
    blocking(&app, move |app| answer(app, &name, app.host.roll_back(&name, in_use))).await
}

fn answer(app: &Shared, name: &ProviderName, swapped: Result<SwapReport, SwapError>) -> Result<Response, Problem> {
    match swapped {
        Ok(swapped) => Ok(Json(report(app, name, swapped)).into_response()),
        Err(SwapError::Refused(refusal)) => Ok(refused(*refusal)),
        Err(SwapError::Failed(error)) => Err(error.into()),
    }
}

fn report(app: &Shared, name: &ProviderName, done: SwapReport) -> Swapped {
    let SwapReport { current, previous, swapped, found, .. } = done;
    let hosts = app.host.provider(name).map(|provider| provider.component.call_hosts()).unwrap_or_default();
    let calls_to = hosts.iter().map(CallHost::to_string).collect();
    let component = |version: Version| Component { id: version.id, version: version.version, sha256: version.sha256 };
    let (current, previous) = (component(current), previous.map(component));
    let (replay, checks) = found.map(|found| (found.replay, found.report)).unzip();
    let replay = replay.unwrap_or_default();
    let (replayed, left_out, without_headers) = (replay.replayed, replay.left_out, replay.without_headers);
    let changes = replay.changes.into_iter().map(ChangedVerdict::from).collect();
    Swapped { current, previous, swapped, calls_to, replayed, left_out, without_headers, changes, checks }
}

fn refused(refusal: Refusal) -> Response {
    let Refusal { detail, sha256, problems, wanted, report, changes, changed, left_out, without_headers, .. } = refusal;
    let (new_hosts, accept, relabelled) = (refusal.new_hosts, refusal.accept, refusal.relabelled);
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    problem_json(
        status,
        &RefusedComponent {
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail,
            code: ErrorCode::ComponentRefused.name(),
            sha256: Some(sha256).filter(|sha256| !sha256.is_empty()),
            problems: problems.into_iter().map(FieldProblem::from).collect(),
            wanted: wanted.iter().map(|setting: &SettingSpec| SettingReport::new(setting, setting.kind)).collect(),
            relabelled: relabelled.into_iter().map(|one| RelabelledSecret { name: one.name, kind: one.kind.name() }).collect(),
            checks: report,
            changes: changes.into_iter().map(ChangedVerdict::from).collect(),
            changed,
            left_out,
            without_headers,
            new_hosts,
            accept,
        },
    )
}
