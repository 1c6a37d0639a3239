//! Providers and their settings.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ledger::Money;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, Body, Details};
use crate::hosts::Confirmed;
use crate::limits::TopUpLimits;
use crate::problem::Problem;
use crate::providers::{self, Entering, State as Readiness};
use crate::{App, blocking, orders};

/// The providers that are loaded.
#[derive(Serialize, ToSchema)]
pub struct Loaded {
    providers: Vec<ProviderReport>,
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
}

/// The providers that are loaded.
#[utoipa::path(get, path = "/providers", responses(
    (status = OK, body = Loaded), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn list(State(app): State<App>) -> Json<Loaded> {
    let report = |slot: &Arc<providers::Slot>| {
        let live = slot.live();
        let description = live.description();
        ProviderReport {
            name: slot.name.clone(),
            title: description.name.clone(),
            version: description.version.clone(),
            sha256: live.provider.sha256().to_owned(),
            currencies: description.currencies.clone(),
            export_formats: description.export_formats.clone(),
            callback_url: orders::callback_url(&app, slot),
            ready: live.is_ready(),
        }
    };
    Json(Loaded { providers: app.providers.all().iter().map(report).collect() })
}

/// A provider's settings, without its secrets. The header `ETag` says their version.
#[utoipa::path(get, path = "/providers/{name}/settings", responses(
    (status = OK, body = BTreeMap<String, String>), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn settings(State(app): State<App>, Path(name): Path<String>) -> Result<Response, Problem> {
    let slot = app.providers.get(&name)?;
    let version = blocking(&app, move |app| Ok(app.providers.get(&name)?.version(app)?)).await?;
    let settings: BTreeMap<String, String> = match &slot.live().state {
        Readiness::Ready { shown, .. } => shown.iter().cloned().collect(),
        Readiness::Unset | Readiness::Unusable(_) => BTreeMap::new(),
    };
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
#[utoipa::path(put, path = "/providers/{name}/settings", request_body = BTreeMap<String, String>,
    params(
        ("confirm_hosts" = Option<String>, Query, description = "hosts that payers may be sent to, in ASCII, with commas between them"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the settings that are changed")),
    responses((status = NO_CONTENT), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn put_settings(
    State(app): State<App>,
    Path(name): Path<String>,
    agreed: Result<Query<Agreed>, QueryRejection>,
    headers: HeaderMap,
    body: Body<BTreeMap<String, String>>,
) -> Result<Response, Problem> {
    let Query(Agreed { confirm_hosts }) = agreed?;
    // The message of a body that cannot be read may hold a piece of it: a secret.
    let unreadable = |rejection: axum::extract::rejection::JsonRejection| {
        Problem::new(rejection.status(), "the body is JSON of the form {\"name\": \"value\"}")
    };
    let Json(entered) = body.map_err(unreadable)?;
    let hosts = confirm_hosts.split(',').map(str::trim).filter(|host| !host.is_empty());
    let entering = Entering {
        settings: entered.into_iter().collect(),
        limits: None,
        version: version(&headers)?,
        confirmed: Confirmed::Hosts(hosts.map(str::to_ascii_lowercase).collect()),
    };
    let saved = providers::enter(&app, name, entering).await??;
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
#[utoipa::path(get, path = "/providers/{name}/limits", responses(
    (status = OK, body = Limits), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn limits(State(app): State<App>, Path(name): Path<String>) -> Result<Response, Problem> {
    blocking(&app, move |app| {
        let slot = app.providers.get(&name)?;
        let (limits, currency) = (slot.limits(app)?, orders::currency(&slot.live())?);
        let amount = |minor_units| Amount::from(Money { minor_units, currency });
        let limits = Limits { smallest: amount(limits.smallest()), largest: amount(limits.largest()) };
        Ok((etag(&slot.version(app)?), Json(limits)).into_response())
    })
    .await
}

/// Enters how much a top-up may be, in the cabinet and for links. `If-Match` as with settings.
#[utoipa::path(put, path = "/providers/{name}/limits", request_body = Limits,
    params(("If-Match" = Option<String>, Header, description = "the ETag of what is changed")),
    responses((status = NO_CONTENT), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn put_limits(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body<Limits>,
) -> Result<Response, Problem> {
    let Json(Limits { smallest, largest }) = body?;
    let version = version(&headers)?;
    let (smallest, largest) = (smallest.money("smallest")?, largest.money("largest")?);
    blocking(&app, move |app| {
        let slot = app.providers.get(&name)?;
        let currency = orders::currency(&slot.live())?;
        if [smallest.currency, largest.currency] != [currency; 2] {
            return Err(Problem::unprocessable(format!(
                "smallest.currency and largest.currency must be the merchant's: {currency}"
            )));
        }
        let limits = TopUpLimits::new(smallest.minor_units, largest.minor_units)
            .ok_or_else(|| Problem::unprocessable("smallest must be positive and not above largest"))?;
        Ok((StatusCode::NO_CONTENT, etag(&slot.put_limits(app, limits, version)?)).into_response())
    })
    .await
}

fn etag(version: &str) -> [(header::HeaderName, String); 1] {
    [(header::ETAG, format!("\"{version}\""))]
}

/// The version that a caller has read; none where any may be written over.
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
