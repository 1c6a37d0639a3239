//! Providers: their settings, and pausing, resuming and removing them.

use std::collections::BTreeMap;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{Ability, Choice, Money, SettingKind, SettingSpec};
use host::{CallHost, Confirmed, Failure, NewSettings, NotLoadedProvider, ProviderStatus, RemovalError, SettingsState, Stamp};
use money::Currency;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::path::{Path, ProviderPath};
use super::query::ListQuery;
use super::{Amount, Body, Details, Json};
use crate::identifiers;
use crate::problem::{Problem, problem_json};
use crate::shared::{App, blocking};

/// The operator's name for a caller that does not give one.
const CALLER: &str = "api";

/// The providers in use, and the removed ones.
#[derive(Serialize, ToSchema)]
pub struct ProviderList {
    /// The providers in use, by name.
    providers: Vec<ProviderReport>,
    /// The removed providers. Their settings and orders are kept; later callbacks are stored as unrecognized ones.
    removed: Vec<RemovedReport>,
}

/// Whether a provider is usable.
#[derive(Serialize, ToSchema, PartialEq, Eq, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum UseState {
    /// It is configured and usable.
    Ready,
    /// No settings were entered.
    NotConfigured,
    /// Its component refuses the settings, or fails the checks with them.
    Unusable,
    /// Its component is damaged, missing or refused. Callbacks are answered with 503.
    NotLoaded,
}

/// A provider.
#[derive(Serialize, ToSchema)]
struct ProviderReport {
    /// The name in this host. Callbacks are sent to /callbacks/{name}.
    name: String,
    /// The payment system's name.
    title: String,
    /// The component's version.
    version: String,
    /// The SHA-256 of the component's bytes, in hexadecimal.
    sha256: String,
    /// The ISO 4217 codes of the currencies that it supports.
    currencies: Vec<String>,
    /// The export formats that it supports, the default first.
    export_formats: Vec<String>,
    /// What its component can do beside links, callbacks and exports: `asking`, `payment-status`, `refunds`, `recurring-payments`,
    /// `settlement-reports`.
    abilities: Vec<&'static str>,
    /// The hosts that the component may call: those that it declares, and those of its settings of kind `url`; with a port if that is
    /// not 443.
    calls_to: Vec<String>,
    /// The URL to which the payment system sends callbacks.
    callback_url: String,
    /// Whether it is configured and usable: `state` is `ready`.
    ready: bool,
    /// Whether it is usable.
    state: UseState,
    /// Why it is unusable or not loaded, and what to do; null otherwise.
    problem: Option<String>,
    /// Whether it has payment links. Without them it takes no orders.
    links: bool,
    /// Whether it takes new orders: it has links, is ready and not paused.
    offered: bool,
    /// Who paused it, and when; null if it is not paused.
    paused: Option<StampReport>,
    /// Its last failure since the start of the gateway; null if there was none.
    failure: Option<FailureReport>,
}

/// Who did something, and when.
#[derive(Serialize, ToSchema)]
struct StampReport {
    /// The operator's name.
    by: String,
    /// When, in seconds since the Unix epoch.
    at: u64,
}

/// A failure of a provider's component, or of a call to its payment system.
#[derive(Serialize, ToSchema)]
pub struct FailureReport {
    /// When, in seconds since the Unix epoch.
    at: u64,
    /// The error message, in English.
    message: String,
}

/// A removed provider.
#[derive(Serialize, ToSchema)]
struct RemovedReport {
    /// Its name in this host.
    name: String,
    /// The payment system's name.
    title: String,
    /// The name of the operator who removed it.
    by: String,
    /// When it was removed, in seconds since the Unix epoch.
    at: u64,
}

/// The description of a provider's setting.
#[derive(Serialize, ToSchema)]
pub struct SettingReport {
    /// The setting's name.
    name: String,
    /// `text`, `secret`, `text-block`, `secret-block`, `choice`, `url`, `flag` or `integer`. A block has several lines.
    /// A setting that was once entered as a secret stays one.
    kind: &'static str,
    /// Whether it must be entered.
    required: bool,
    /// The titles by language, such as `ru`.
    title: BTreeMap<String, String>,
    /// The default value; null if there is none.
    default_value: Option<String>,
    /// The allowed values of a `choice`; empty for other kinds.
    choices: Vec<ChoiceReport>,
}

/// A value that a setting may have.
#[derive(Serialize, ToSchema)]
struct ChoiceReport {
    /// The value.
    value: String,
    /// The titles by language, such as `ru`.
    title: BTreeMap<String, String>,
}

impl ChoiceReport {
    fn new(Choice { value, title }: &Choice) -> ChoiceReport {
        ChoiceReport { value: value.clone(), title: title.iter().cloned().collect() }
    }
}

impl SettingReport {
    pub fn new(setting: &SettingSpec, kind: SettingKind) -> SettingReport {
        SettingReport {
            name: setting.name.clone(),
            kind: kind.name(),
            required: setting.required,
            title: setting.title.iter().cloned().collect(),
            default_value: setting.default_value.clone(),
            choices: setting.choices.iter().map(ChoiceReport::new).collect(),
        }
    }
}

/// Returns the providers in use and the removed ones.
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

impl From<Failure> for FailureReport {
    fn from(Failure { at, message }: Failure) -> FailureReport {
        FailureReport { at, message }
    }
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
        abilities: component.abilities().into_iter().map(Ability::name).collect(),
        calls_to: component.call_hosts().iter().map(CallHost::to_string).collect(),
        callback_url: app.host.callback_url(&provider.name),
        ready: component.is_ready(),
        state,
        problem,
        links: description.links,
        offered: provider.is_offered(),
        paused: provider.paused.clone().map(StampReport::from),
        failure: provider.failure.clone().map(FailureReport::from),
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
        abilities: Vec::new(),
        calls_to: Vec::new(),
        ready: false,
        state: UseState::NotLoaded,
        problem: Some(provider.why),
        links: false,
        offered: false,
        paused: provider.paused.map(StampReport::from),
        failure: None,
    }
}

/// The operator who pauses or resumes a provider.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct By {
    /// The operator's name: 1 to 64 visible characters, no space at either end. Default: `api`.
    operator: Option<String>,
}

impl By {
    fn operator(self) -> String {
        self.operator.unwrap_or_else(|| CALLER.to_owned())
    }
}

/// Pauses a provider.
///
/// It takes no new orders: payment links are refused, and the cabinet does not offer it. Callbacks are processed as before.
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

/// Resumes a paused provider.
///
/// It takes new orders again.
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
    let operator = by.operator();
    let name = identifiers::provider(name)?;
    blocking(app, move |app| Ok(app.host.set_paused(&name, is_paused, operator)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Options of a removal.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RemovalOptions {
    /// Whether to remove the provider even if it has open orders, which could still be paid.
    #[serde(default)]
    confirm: bool,
    /// The operator's name: 1 to 64 visible characters, no space at either end. Default: `api`.
    operator: Option<String>,
}

/// The provider was not removed: a problem by RFC 9457. Without the numbers it has operations that have not ended, and the
/// code `operations-open`.
#[derive(Serialize, ToSchema)]
struct OpenOrdersProblem {
    /// The meaning of the status.
    title: String,
    /// The HTTP status.
    status: u16,
    /// The reason, and what to do.
    detail: String,
    /// The number of unpaid orders.
    #[schema(required = false)]
    open_orders: u64,
    /// The number of unpaid orders of the last seven days.
    #[schema(required = false)]
    open_orders_recent: u64,
}

/// Removes a provider.
///
/// If it has open orders, the answer is 409 with their number unless `confirm` is true. Its settings are kept, encrypted. Later
/// callbacks are answered with 503 and stored as unrecognized ones.
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
    let operator = By { operator }.operator();
    let name = identifiers::provider(name)?;
    let removed = blocking(&app, move |app| Ok(app.host.remove_provider(&name, confirm, operator))).await?;
    match removed {
        Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(RemovalError::Failed(error)) => Err(error.into()),
        Err(RemovalError::OpenOrders(open)) => {
            let status = StatusCode::CONFLICT;
            let detail = format!(
                "unpaid orders: {}, of these from the last seven days: {}; pause the provider and wait, or confirm the removal: \
                 confirm=true, on the command line --confirm",
                open.all, open.recent
            );
            let title = status.canonical_reason().unwrap_or_default().to_owned();
            let (open_orders, open_orders_recent) = (open.all, open.recent);
            let status_code = status.as_u16();
            Ok(problem_json(status, &OpenOrdersProblem { title, status: status_code, detail, open_orders, open_orders_recent }))
        }
    }
}

/// Returns a provider's settings without the secrets.
///
/// The header `ETag` is their version.
#[utoipa::path(get, path = "/providers/{name}/settings", operation_id = "get_provider_settings",
    params(ProviderPath), responses(
    (status = OK, description = "The settings by name.", body = BTreeMap<String, String>),
    (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn settings(State(app): State<App>, Path(ProviderPath { name }): Path<ProviderPath>) -> Result<Response, Problem> {
    let name = identifiers::provider(name)?;
    let (provider, version) =
        blocking(&app, move |app| Ok((app.host.provider(&name)?, app.host.settings_version(&name)?))).await?;
    let settings: BTreeMap<String, String> = provider.component.public_settings().iter().cloned().collect();
    Ok((etag(&version), Json(settings)).into_response())
}

/// What the caller confirms about new settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreed {
    /// Hosts in ASCII, with their ports where these are not 443, separated by commas.
    #[serde(default)]
    confirm_hosts: String,
}

/// Replaces a provider's settings.
///
/// A secret that is absent or empty keeps its value. The settings are used from the next call on. A URL with a new host, to which
/// payers and calls with the secrets would be sent, is refused with the code `host-unconfirmed` until `confirm_hosts` names the host,
/// and with `secret-unconfirmed` at each stored secret that is not entered again. A URL of this machine, of the local network or of a
/// special address is refused with `host-unreachable` unless the options of the gateway allow it. With `If-Match`, the answer is 412
/// if somebody else has changed the settings in the meantime.
#[utoipa::path(put, path = "/providers/{name}/settings", operation_id = "put_provider_settings",
    request_body = BTreeMap<String, String>,
    params(ProviderPath,
        ("confirm_hosts" = Option<String>, Query,
            description = "The hosts to which payers and calls may be sent, in ASCII, with `:port` where it is not 443; separated by commas, or \
                           the parameter several times."),
        ("If-Match" = Option<String>, Header,
            description = "The `ETag` that was returned with the settings. Without it, changes by others are overwritten.")),
    responses((status = NO_CONTENT), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn put_settings(
    State(app): State<App>,
    Path(ProviderPath { name }): Path<ProviderPath>,
    agreed: Result<ListQuery<Agreed>, QueryRejection>,
    headers: HeaderMap,
    body: Body<BTreeMap<String, String>>,
) -> Result<Response, Problem> {
    let ListQuery(Agreed { confirm_hosts }) = agreed?;
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

/// The limits of a top-up.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The smallest amount, in the merchant's currency.
    smallest: Amount,
    /// The largest amount, in the merchant's currency.
    largest: Amount,
}

/// Returns the limits of a top-up.
///
/// If none were entered, they are 10.00 and 100,000.00, and apply to the cabinet and to payments that name an account (terminals), not
/// to payment links of the API. The header `ETag` is the version of settings
/// and limits.
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

/// Sets the limits of a top-up, for the cabinet and for payment links.
///
/// With `If-Match`, the answer is 412 if somebody else has changed the settings or limits in the meantime.
#[utoipa::path(put, path = "/providers/{name}/limits", operation_id = "put_provider_limits", request_body = Limits,
    params(ProviderPath,
        ("If-Match" = Option<String>, Header,
            description = "The `ETag` that was returned with the limits. Without it, changes by others are overwritten.")),
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
