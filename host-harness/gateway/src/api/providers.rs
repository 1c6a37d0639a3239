//! Providers and their settings.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Body, Details, Json};
use crate::problem::Problem;
use crate::providers::{self, State as Readiness};
use crate::{App, orders};

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

/// A provider's settings, without its secrets.
#[utoipa::path(get, path = "/providers/{name}/settings", responses(
    (status = OK, body = BTreeMap<String, String>), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn settings(State(app): State<App>, Path(name): Path<String>) -> Result<Json<BTreeMap<String, String>>, Problem> {
    Ok(Json(match &app.providers.get(&name)?.live().state {
        Readiness::Ready { shown, .. } => shown.iter().cloned().collect(),
        Readiness::Unset | Readiness::Unusable(_) => BTreeMap::new(),
    }))
}

/// Enters a provider's settings, all at once; a secret that is absent or empty stays as it was. They are used from the next call
/// on.
#[utoipa::path(put, path = "/providers/{name}/settings", request_body = BTreeMap<String, String>, responses(
    (status = NO_CONTENT), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn put_settings(
    State(app): State<App>,
    Path(name): Path<String>,
    body: Body<BTreeMap<String, String>>,
) -> Result<StatusCode, Problem> {
    // The message of a body that cannot be read may hold a piece of it: a secret.
    let unreadable =
        |problem: Problem| Problem::new(problem.status, "the body is JSON of the form {\"name\": \"value\"}, each name once");
    let Json(entered) = body.map_err(unreadable)?;
    providers::enter(&app, name, entered.into_iter().collect()).await?;
    Ok(StatusCode::NO_CONTENT)
}
