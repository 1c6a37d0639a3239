//! Providers: their settings, and pausing, resuming and removing them.

use std::collections::BTreeMap;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{Money, SettingKind, SettingSpec};
use host::{
    Confirmed, NAME_CHARS_MAX, NewSettings, NotLoadedProvider, ProviderStatus, RemovalError, SettingsState, Stamp,
    required_text,
};
use money::Currency;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::path::{Path, ProviderPath};
use super::{Amount, Body, Details, Json};
use crate::identifiers;
use crate::problem::{Problem, problem_json};
use crate::shared::{App, blocking};

/// The operator's name for a caller that does not give one.
const CALLER: &str = "api";

/// The providers that are in use, and those that were removed.
#[derive(Serialize, ToSchema)]
pub struct ProviderList {
    providers: Vec<ProviderReport>,
    /// Their settings and orders are kept, and what still comes for them is shown with the unrecognized callbacks.
    removed: Vec<RemovedReport>,
}

/// Whether a provider can be used.
#[derive(Serialize, ToSchema, PartialEq, Eq, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum UseState {
    /// Its settings are entered and of use.
    Ready,
    /// Nobody entered its settings.
    NotConfigured,
    /// Its settings are of no use, or its component does not pass the checks with them.
    Unusable,
    /// Its component is damaged, missing or refused; callbacks hear 503.
    NotLoaded,
}

/// A provider.
#[derive(Serialize, ToSchema)]
struct ProviderReport {
    /// As this host calls it; its callbacks come to /callbacks/{name}.
    name: String,
    /// The payment system's name.
    title: String,
    version: String,
    /// Of the component's bytes, in hexadecimal.
    sha256: String,
    currencies: Vec<String>,
    export_formats: Vec<String>,
    callback_url: String,
    /// Whether its settings are entered and of use.
    ready: bool,
    state: UseState,
    /// Why it is unusable or not loaded, and what to do.
    problem: Option<String>,
    /// Whether it takes new orders: it is ready, and nobody paused it.
    offered: bool,
    /// Who paused it, and when.
    paused: Option<StampReport>,
    /// What it failed with last, since the start.
    failure: Option<FailureReport>,
}

/// What somebody decided.
#[derive(Serialize, ToSchema)]
struct StampReport {
    by: String,
    /// Seconds since the epoch.
    at: u64,
}

/// What a provider failed with.
#[derive(Serialize, ToSchema)]
struct FailureReport {
    /// Seconds since the epoch.
    at: u64,
    message: String,
}

/// A provider that was removed.
#[derive(Serialize, ToSchema)]
struct RemovedReport {
    name: String,
    title: String,
    by: String,
    /// Seconds since the epoch.
    at: u64,
}

/// One setting of a provider, as its component describes it.
#[derive(Serialize, ToSchema)]
pub struct SettingReport {
    name: String,
    /// `text`, `secret`, `choice`, `url`, `flag` or `integer`. What was once entered as a secret is one.
    kind: &'static str,
    required: bool,
    /// By language.
    title: BTreeMap<String, String>,
    default_value: Option<String>,
    choices: Vec<String>,
}

impl SettingReport {
    pub fn new(setting: &SettingSpec, kind: SettingKind) -> SettingReport {
        SettingReport {
            name: setting.name.clone(),
            kind: kind.name(),
            required: setting.required,
            title: setting.title.iter().cloned().collect(),
            default_value: setting.default_value.clone(),
            choices: setting.choices.clone(),
        }
    }
}

/// The providers that are in use, and those that were removed.
#[utoipa::path(get, path = "/providers", operation_id = "list_providers", responses(
    (status = OK, body = ProviderList), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn list(State(app): State<App>) -> Json<ProviderList> {
    let loaded = app.host.providers().into_iter().map(|provider| loaded(&app, &provider));
    let not_loaded = app.host.not_loaded_providers().into_iter().map(|provider| not_loaded(&app, provider));
    let mut providers: Vec<ProviderReport> = loaded.chain(not_loaded).collect();
    providers.sort_by(|one, other| one.name.cmp(&other.name));
    let removed = app.host.removed_providers().into_iter().map(|provider| RemovedReport {
        name: provider.name.into(),
        title: provider.title,
        by: provider.removed.by,
        at: provider.removed.at,
    });
    Json(ProviderList { providers, removed: removed.collect() })
}

impl From<Stamp> for StampReport {
    fn from(Stamp { by, at }: Stamp) -> StampReport {
        StampReport { by, at }
    }
}

fn loaded(app: &App, provider: &ProviderStatus) -> ProviderReport {
    let component = &provider.component;
    let description = component.description();
    let (state, problem) = match component.state() {
        SettingsState::Ready => (UseState::Ready, None),
        SettingsState::NotConfigured => (UseState::NotConfigured, None),
        SettingsState::Rejected(why) => (UseState::Unusable, Some(why.to_owned())),
    };
    ProviderReport {
        name: provider.name.to_string(),
        title: description.name.clone(),
        version: description.version.clone(),
        sha256: component.sha256().to_owned(),
        currencies: description.currencies.iter().map(Currency::to_string).collect(),
        export_formats: description.export_formats.clone(),
        callback_url: app.host.callback_url(&provider.name),
        ready: component.is_ready(),
        state,
        problem,
        offered: provider.is_offered(),
        paused: provider.paused.clone().map(StampReport::from),
        failure: provider.failure.clone().map(|failure| FailureReport { at: failure.at, message: failure.message }),
    }
}

fn not_loaded(app: &App, provider: NotLoadedProvider) -> ProviderReport {
    let (version, sha256) = provider.locked.map(|locked| (locked.version, locked.sha256)).unwrap_or_default();
    ProviderReport {
        callback_url: app.host.callback_url(&provider.name),
        name: provider.name.into(),
        title: provider.title,
        version,
        sha256,
        currencies: Vec::new(),
        export_formats: Vec::new(),
        ready: false,
        state: UseState::NotLoaded,
        problem: Some(provider.why),
        offered: false,
        paused: provider.paused.map(StampReport::from),
        failure: None,
    }
}

/// By whom a provider is paused or used again.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct By {
    /// The operator's name, which is kept; `api` without it.
    operator: Option<String>,
}

impl By {
    fn operator(self) -> Result<String, Problem> {
        Ok(required_text("operator", self.operator.unwrap_or_else(|| CALLER.to_owned()), NAME_CHARS_MAX)?)
    }
}

/// Lets a provider take no new orders: links are refused, and the cabinet does not offer it. Its callbacks are taken as before.
#[utoipa::path(post, path = "/providers/{name}/pause", operation_id = "pause_provider",
    request_body = By, params(ProviderPath), responses(
    (status = NO_CONTENT), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn pause(
    State(app): State<App>,
    Path(ProviderPath { name }): Path<ProviderPath>,
    body: Body<By>,
) -> Result<StatusCode, Problem> {
    set_paused(&app, name, true, body).await
}

/// Lets a provider take new orders again.
#[utoipa::path(post, path = "/providers/{name}/resume", operation_id = "resume_provider",
    request_body = By, params(ProviderPath), responses(
    (status = NO_CONTENT), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn resume(
    State(app): State<App>,
    Path(ProviderPath { name }): Path<ProviderPath>,
    body: Body<By>,
) -> Result<StatusCode, Problem> {
    set_paused(&app, name, false, body).await
}

async fn set_paused(app: &App, name: String, is_paused: bool, body: Body<By>) -> Result<StatusCode, Problem> {
    let Json(by) = body?;
    let operator = by.operator()?;
    let name = identifiers::provider(name)?;
    blocking(app, move |app| Ok(app.host.set_paused(&name, is_paused, operator)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How a provider is removed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RemovalOptions {
    /// Removes it though orders are open that could still be paid.
    #[serde(default)]
    confirm: bool,
    /// The operator's name, which is kept; `api` without it.
    operator: Option<String>,
}

/// Why a provider is not removed, by RFC 9457.
#[derive(Serialize, ToSchema)]
struct OpenOrdersProblem {
    /// What the status means.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What to do.
    detail: String,
    /// Orders that are not paid.
    open_orders: u64,
    /// Those of the last seven days.
    open_orders_recent: u64,
}

/// Takes a provider out of use. While orders are open, 409 says how many, and `confirm=true` is needed. Its settings are kept sealed;
/// callbacks that still come for it hear 503, and are kept and shown with the unrecognized ones.
#[utoipa::path(delete, path = "/providers/{name}", operation_id = "remove_provider",
    params(ProviderPath, RemovalOptions), responses((status = NO_CONTENT),
    (status = CONFLICT, body = OpenOrdersProblem, content_type = "application/problem+json"),
    (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn remove(
    State(app): State<App>,
    Path(ProviderPath { name }): Path<ProviderPath>,
    options: Result<Query<RemovalOptions>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(RemovalOptions { confirm, operator }) = options?;
    let operator = By { operator }.operator()?;
    let name = identifiers::provider(name)?;
    let removed = blocking(&app, move |app| Ok(app.host.remove_provider(&name, confirm, operator))).await?;
    match removed {
        Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(RemovalError::Failed(error)) => Err(error.into()),
        Err(RemovalError::OpenOrders(open)) => {
            let status = StatusCode::CONFLICT;
            let detail = format!(
                "{} orders are not paid, {} of them of the last seven days; pause the provider and wait, or repeat with confirm=true",
                open.all, open.recent
            );
            let title = status.canonical_reason().unwrap_or_default().to_owned();
            let (open_orders, open_orders_recent) = (open.all, open.recent);
            let status_code = status.as_u16();
            Ok(problem_json(status, &OpenOrdersProblem { title, status: status_code, detail, open_orders, open_orders_recent }))
        }
    }
}

/// A provider's settings, without its secrets. The header `ETag` says their version.
#[utoipa::path(get, path = "/providers/{name}/settings", operation_id = "get_provider_settings",
    params(ProviderPath), responses(
    (status = OK, body = BTreeMap<String, String>), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn settings(State(app): State<App>, Path(ProviderPath { name }): Path<ProviderPath>) -> Result<Response, Problem> {
    let name = identifiers::provider(name)?;
    let (provider, version) =
        blocking(&app, move |app| Ok((app.host.provider(&name)?, app.host.settings_version(&name)?))).await?;
    let settings: BTreeMap<String, String> = provider.component.public_settings().iter().cloned().collect();
    Ok((etag(&version), Json(settings)).into_response())
}

/// What whoever enters settings agrees to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreed {
    /// Hosts in ASCII, with commas between them.
    #[serde(default)]
    confirm_hosts: String,
}

/// Enters a provider's settings, all at once; a secret that is absent or empty stays as it was. They are used from the next call
/// on. An address that leads payers to another host than before, and than the component's own, is refused with the code
/// `host-unconfirmed` until that host is confirmed. With `If-Match` and the `ETag` that was read before, what somebody else entered
/// meanwhile is not written over: 412.
#[utoipa::path(put, path = "/providers/{name}/settings", operation_id = "put_provider_settings",
    request_body = BTreeMap<String, String>,
    params(ProviderPath, ("confirm_hosts" = Option<String>, Query, description = "hosts that payers may be sent to, in ASCII, with commas between them"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the settings that are changed")),
    responses((status = NO_CONTENT), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn put_settings(
    State(app): State<App>,
    Path(ProviderPath { name }): Path<ProviderPath>,
    agreed: Result<Query<Agreed>, QueryRejection>,
    headers: HeaderMap,
    body: Body<BTreeMap<String, String>>,
) -> Result<Response, Problem> {
    let Query(Agreed { confirm_hosts }) = agreed?;
    // The error of an unreadable body may quote it, and it has secrets.
    let unreadable = |problem: Problem| {
        Problem::new(problem.status, "the body must be JSON of the form {\"name\": \"value\"}, each name once")
    };
    let Json(entered) = body.map_err(unreadable)?;
    let new = NewSettings {
        settings: entered.into_iter().collect(),
        limits: None,
        version: version(&headers)?,
        confirmed: Confirmed::listed(&confirm_hosts),
    };
    let name = identifiers::provider(name)?;
    let saved = blocking(&app, move |app| Ok(app.host.save_settings(&name, new)?)).await?;
    Ok((StatusCode::NO_CONTENT, etag(&saved.version)).into_response())
}

/// How much a top-up may be.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The smallest, in the merchant's currency.
    smallest: Amount,
    /// The largest, in the merchant's currency.
    largest: Amount,
}

/// How much a top-up may be: what was entered, or else 10.00 and 100,000.00, which hold in the cabinet alone. The header `ETag` says
/// the version of settings and limits.
#[utoipa::path(get, path = "/providers/{name}/limits", operation_id = "get_provider_limits", params(ProviderPath), responses(
    (status = OK, body = Limits), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn limits(State(app): State<App>, Path(ProviderPath { name }): Path<ProviderPath>) -> Result<Response, Problem> {
    let name = identifiers::provider(name)?;
    blocking(&app, move |app| {
        let currency = app.host.provider(&name)?.component.currency()?;
        let limits = app.host.top_up_limits(&name)?;
        let amount = |minor_units| Amount::from(Money { minor_units, currency });
        let limits = Limits { smallest: amount(limits.smallest()), largest: amount(limits.largest()) };
        Ok((etag(&app.host.settings_version(&name)?), Json(limits)).into_response())
    })
    .await
}

/// Enters how much a top-up may be, in the cabinet and for links. `If-Match` as with settings.
#[utoipa::path(put, path = "/providers/{name}/limits", operation_id = "put_provider_limits", request_body = Limits,
    params(ProviderPath, ("If-Match" = Option<String>, Header, description = "the ETag of what is changed")),
    responses((status = NO_CONTENT), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn put_limits(
    State(app): State<App>,
    Path(ProviderPath { name }): Path<ProviderPath>,
    headers: HeaderMap,
    body: Body<Limits>,
) -> Result<Response, Problem> {
    let Json(Limits { smallest, largest }) = body?;
    let version = version(&headers)?;
    let (smallest, largest) = (smallest.money("smallest")?, largest.money("largest")?);
    let name = identifiers::provider(name)?;
    blocking(&app, move |app| {
        let version = app.host.save_top_up_limits(&name, smallest, largest, version)?;
        Ok((StatusCode::NO_CONTENT, etag(&version)).into_response())
    })
    .await
}

fn etag(version: &str) -> [(header::HeaderName, String); 1] {
    [(header::ETAG, format!("\"{version}\""))]
}

/// Returns the version that the caller has read, or `None` to overwrite any.
fn version(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).filter(|version| !version.contains('"'));
    let unreadable = || Problem::new(StatusCode::BAD_REQUEST, "If-Match must be the ETag that was read, with its quotes, or *");
    version.map(|version| Some(version.to_owned())).ok_or_else(unreadable)
}
