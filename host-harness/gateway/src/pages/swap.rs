//! Forms that swap a component or add one.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use domain::ProviderName;
use host::{Confirmed, HostError, SwapError, SwapRequest};
use maud::Markup;

use super::component::{FormOutcome, SETTING};
use super::providers::{Notice, show};
use super::text::Lang;
use super::{AppState, CsrfForm, CsrfUpload, Fields};
use crate::identifiers;
use crate::problem::Problem;
use crate::sessions::Session;
use crate::shared::{App, blocking};

/// How long the settings entered with a component are passed from form to form, in seconds: as long as the component waits.
const ENTERED_SECONDS: u64 = 3600;

/// Swaps a provider's component for the uploaded file.
pub async fn swap(
    State(app): AppState,
    Path(name): Path<String>,
    lang: Lang,
    CsrfUpload { session, fields, bytes }: CsrfUpload,
) -> Result<Markup, Problem> {
    match identifiers::new_provider(&name) {
        Ok(name) => {
            let request = SwapRequest { in_use: in_use(&fields), ..SwapRequest::new(name, bytes) };
            swap_in(&app, lang, &session, request).await
        }
        Err(error) => show_impossible(&app, lang, &session, name, error).await,
    }
}

/// Adds a provider.
pub async fn add(
    State(app): AppState,
    lang: Lang,
    CsrfUpload { session, fields, bytes }: CsrfUpload,
) -> Result<Markup, Problem> {
    let name = match identifiers::new_provider(fields.get("name")) {
        Ok(name) => name,
        Err(error) => return show_impossible(&app, lang, &session, fields.get("name").to_owned(), error).await,
    };
    if app.host.is_in_use(&name) {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            format!("the name {name} is taken; replace that payment system's component, or choose another name"),
        ));
    }
    swap_in(&app, lang, &session, SwapRequest::new(name, bytes)).await
}

/// Swaps in a component that was refused for its changes or its settings: the operator has reviewed the changes, and entered
/// the settings.
pub async fn swap_accepted(
    State(app): AppState,
    Path(name): Path<String>,
    lang: Lang,
    CsrfForm { session, fields }: CsrfForm,
) -> Result<Markup, Problem> {
    let sha256 = fields.get("sha256").to_owned();
    let bytes = blocking(&app, move |app| Ok(app.host.staged_component(&sha256)?)).await?;
    let name = match identifiers::new_provider(&name) {
        Ok(name) => name,
        Err(error) => return show_impossible(&app, lang, &session, name, error).await,
    };
    let request = SwapRequest {
        settings: settings(&app, &name, &fields),
        accept_changes: Some(fields.get("accept").to_owned()).filter(|accept| !accept.is_empty()),
        accept_relabelled: fields.all("accept_relabelled").map(str::to_owned).collect(),
        in_use: in_use(&fields),
        confirmed: Confirmed::Hosts(fields.all("confirm_hosts").map(str::to_owned).collect()),
        ..SwapRequest::new(name, bytes)
    };
    swap_in(&app, lang, &session, request).await
}

/// Returns the component that was active when the form was made.
fn in_use(fields: &Fields) -> Option<String> {
    Some(fields.get("in_use").to_owned()).filter(|sha256| !sha256.is_empty())
}

/// Returns the settings entered in this form and in the forms before it. The last field with a name counts: an unticked box
/// sends nothing, and a hidden field before it has the value for that. An empty secret keeps the one that was entered before.
fn settings(app: &App, name: &str, fields: &Fields) -> domain::Fields {
    let before = app.host.key().open_token(&purpose(name), fields.get("entered"), app.now());
    let mut settings: domain::Fields = before.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    for (field, value) in &fields.0 {
        let Some(setting) = field.strip_prefix(SETTING) else { continue };
        let is_left = value.trim().is_empty() && settings.iter().any(|(other, _)| other == setting);
        if !is_left {
            settings.retain(|(other, _)| other != setting);
            // With surrounding spaces, so that they are reported.
            settings.push((setting.to_owned(), value.clone()));
        }
    }
    settings
}

/// Returns the purpose for which the entered settings are sealed.
fn purpose(name: &str) -> String {
    format!("swap-settings/{name}")
}

async fn swap_in(app: &App, lang: Lang, session: &Session, request: SwapRequest) -> Result<Markup, Problem> {
    let name = request.name.clone();
    tracing::info!(operator = session.operator, provider = name.as_str(), "an operator requested a swap");
    let settings = request.settings.clone();
    let done = blocking(app, move |app| {
        let result = app.host.swap(request);
        let is_shown = |field: &str| match &result {
            Err(SwapError::Refused(refusal)) => {
                refusal.wanted.iter().any(|setting| setting.name == field && !setting.kind.is_secret())
                    && !refusal.relabelled.iter().any(|one| one.name == field)
            }
            _ => false,
        };
        let shown = settings.iter().filter(|(field, _)| is_shown(field)).cloned().collect();
        let json = serde_json::to_string(&settings).map_err(|error| Problem::internal(error.to_string()))?;
        let entered = if settings.is_empty() {
            String::new()
        } else {
            app.host.key().seal_token(&purpose(&name), &json, app.now() + ENTERED_SECONDS)
        };
        Ok(FormOutcome { name, result, entered, shown })
    })
    .await?;
    show(app, lang, session, Notice::Swapped(Box::new(done))).await
}

/// Shows the error for an invalid provider name, which is only displayed.
async fn show_impossible(app: &App, lang: Lang, session: &Session, name: String, error: HostError) -> Result<Markup, Problem> {
    let (name, result) = (ProviderName::stored(name), Err(SwapError::Failed(error)));
    let done = FormOutcome { name, result, entered: String::new(), shown: domain::Fields::new() };
    show(app, lang, session, Notice::Swapped(Box::new(done))).await
}

/// Rolls back to the previous component.
pub async fn back(
    State(app): AppState,
    Path(name): Path<String>,
    lang: Lang,
    CsrfForm { session, fields }: CsrfForm,
) -> Result<Markup, Problem> {
    tracing::info!(operator = session.operator, provider = name, "an operator requested a rollback");
    let name = match ProviderName::new(name.as_str()) {
        Ok(name) => name,
        Err(_) => {
            let unknown = HostError::unknown_provider(&name);
            return show_impossible(&app, lang, &session, name, unknown).await;
        }
    };
    let in_use = in_use(&fields);
    let done = blocking(&app, move |app| {
        let result = app.host.roll_back(&name, in_use);
        Ok(FormOutcome { name, result, entered: String::new(), shown: domain::Fields::new() })
    })
    .await?;
    show(&app, lang, &session, Notice::Swapped(Box::new(done))).await
}
