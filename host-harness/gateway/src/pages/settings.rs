//! «Настройка платёжных систем»: the form for the settings in a component's description.

mod check;
mod form;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use domain::{ProviderName, SettingKind, SettingSpec};
use host::{
    ActiveComponent, Confirmed, ErrorKind, HostError, NewSettings, ProviderStatus, SavedSettings, SettingsState, TopUpLimits,
};
use maud::{Markup, html};
use money::Currency;

use super::layout::{Page, titles};
use super::text::Lang;
use super::{AppState, CsrfForm, Fields, Operator, amount, provider_titles};
use crate::identifiers;
use crate::problem::Problem;
use crate::shared::{App, blocking};
use check::Check;
use form::View;

/// The form's own fields, besides the component's settings, whose names have no dots.
const VERSION: &str = "host.version";
const SMALLEST: &str = "host.smallest";
const LARGEST: &str = "host.largest";
const CONFIRM: &str = "host.confirm.";
/// The height of a field with several lines, in lines.
pub const BLOCK_ROWS: u32 = 8;

/// The result of the form that is shown on the page.
enum FormOutcome {
    Nothing,
    Saved(SavedSettings),
    /// Somebody else saved other settings in the meantime.
    Stale,
    Refused(HostError),
    Checked(Vec<Check>, Vec<domain::Problem>),
}

/// The contents of the form.
#[derive(Clone)]
struct Typed {
    /// The component's settings. Secrets are only those that were just typed.
    settings: domain::Fields,
    /// The smallest and the largest top-up, as typed.
    limits: [String; 2],
    /// The version of the settings that the form was made from.
    version: String,
}

/// Lists the providers. If there is only one, redirects to its page.
pub async fn all(State(app): AppState, lang: Lang, Operator(session): Operator) -> Response {
    let providers = app.host.providers();
    if let [only] = &providers[..] {
        return Redirect::to(&format!("/operator/settings/{}", only.name)).into_response();
    }
    let list = html! {
        ul.list {
            @for ProviderStatus { name, component, .. } in providers {
                li { a href={ "/operator/settings/" (name) } { (provider_titles::of(&app, &name)) } " " (badge(lang, &component)) }
            }
        }
    };
    Page::operators(lang, titles::settings(lang), &session).show(&list).into_response()
}

/// Shows whether a provider is usable, in a word.
pub fn badge(lang: Lang, component: &ActiveComponent) -> Markup {
    match component.state() {
        SettingsState::Ready => html! { span.badge.good { (lang.of("настроена", "ready")) } },
        SettingsState::NotConfigured => html! { span.badge { (lang.of("не настроена", "not set")) } },
        SettingsState::Rejected(_) => html! { span.badge.bad { (lang.of("ошибка настроек", "settings refused")) } },
    }
}

/// The box by which an operator confirms a new host. The problem above it says what goes there.
pub fn confirmation(lang: Lang, name: &str, host: &str) -> Markup {
    html! {
        label.choice {
            input type="checkbox" name=(name) value=(host);
            (lang.of("Да, это нужный узел: ", "Yes, this is the host that is meant: ")) (host)
        }
    }
}

/// Returns a snapshot of the payment system, and its stored settings as the form shows them: without secrets.
async fn stored(app: &App, name: &ProviderName, lang: Lang) -> Result<(ProviderStatus, Typed), Problem> {
    let name = name.clone();
    blocking(app, move |app| {
        let provider = app.host.provider(&name)?;
        let (limits, version) = (app.host.top_up_limits(&name)?, app.host.settings_version(&name)?);
        let limits = [limits.smallest(), limits.largest()].map(|minor_units| super::text::field_number(lang, minor_units));
        let typed = Typed { settings: provider.component.public_settings().to_vec(), limits, version };
        Ok((provider, typed))
    })
    .await
}

pub async fn page(
    State(app): AppState,
    Path(name): Path<String>,
    lang: Lang,
    Operator(session): Operator,
) -> Result<Markup, Problem> {
    let (provider, typed) = stored(&app, &identifiers::provider(name)?, lang).await?;
    let view = View { app: &app, provider: &provider, lang, session: &session, typed: &typed, in_use: &typed };
    Ok(view.page(&FormOutcome::Nothing))
}

fn typed(component: &ActiveComponent, fields: &Fields) -> Typed {
    let settings =
        component.description().settings.iter().map(|setting| (setting.name.clone(), value(setting, fields))).collect();
    let limits = [SMALLEST, LARGEST].map(|name| fields.get(name).to_owned());
    Typed { settings, limits, version: fields.get(VERSION).to_owned() }
}

/// Returns a setting's value in the form, with surrounding spaces. An unticked flag is not sent at all.
fn value(setting: &SettingSpec, fields: &Fields) -> String {
    let entered = fields.as_sent(&setting.name).to_owned();
    if setting.kind == SettingKind::Flag && entered.is_empty() { "false".to_owned() } else { entered }
}

/// Parses the form's limits. If they are invalid, returns problems that name the fields.
fn limits(lang: Lang, currency: Currency, [smallest, largest]: &[String; 2]) -> Result<TopUpLimits, Vec<domain::Problem>> {
    let problem = |field: &str, message: String| vec![domain::Problem::new("limit-invalid", message).at(field)];
    let read = |field: &str, typed: &str| {
        let wrong = |wrong: amount::Wrong| problem(field, wrong.text(lang, currency, TopUpLimits::DEFAULT));
        amount::read_any(typed, currency).map_err(wrong)
    };
    let (smallest, largest) = match (read(SMALLEST, smallest), read(LARGEST, largest)) {
        (Ok(smallest), Ok(largest)) => (smallest, largest),
        (smallest, largest) => {
            let problems = [smallest.err(), largest.err()].into_iter().flatten().flatten();
            return Err(problems.collect());
        }
    };
    if largest > money::AMOUNT_MAX {
        return Err(problem(LARGEST, lang.of("Слишком большая сумма.", "The amount is too large.").to_owned()));
    }
    let order = lang.of(
        "Наименьшая сумма должна быть больше нуля и не больше наибольшей.",
        "The smallest amount must be above zero and not above the largest.",
    );
    TopUpLimits::new(smallest, largest).ok_or_else(|| problem(SMALLEST, order.to_owned()))
}

/// Parses the form's limits in the currency that the entered settings name.
fn typed_limits(lang: Lang, component: &ActiveComponent, typed: &Typed) -> Result<TopUpLimits, Vec<domain::Problem>> {
    let currencies = &component.description().currencies;
    let named =
        typed.settings.iter().map(|(_, value)| value).find_map(|value| currencies.iter().find(|currency| currency.is(value)));
    let currency = named.or(currencies.first()).copied().unwrap_or(Currency::RUB);
    limits(lang, currency, &typed.limits)
}

/// Returns the hosts whose boxes were ticked.
fn confirmed(component: &ActiveComponent, fields: &Fields) -> Confirmed {
    let boxes = component.description().settings.iter().map(|setting| fields.get(&format!("{CONFIRM}{}", setting.name)));
    Confirmed::Hosts(boxes.filter(|host| !host.is_empty()).map(str::to_owned).collect())
}

pub async fn save(
    State(app): AppState,
    Path(name): Path<String>,
    lang: Lang,
    CsrfForm { session, fields }: CsrfForm,
) -> Result<Markup, Problem> {
    let name = identifiers::provider(name)?;
    let (before, stored_before) = stored(&app, &name, lang).await?;
    let mut typed = typed(&before.component, &fields);
    if !fields.has(VERSION) {
        // A client with a form of its own sends the component's settings alone.
        (typed.version, typed.limits) = (stored_before.version, stored_before.limits);
    }
    let done = match typed_limits(lang, &before.component, &typed) {
        Err(wrong_limits) => {
            // Reports all problems at once, and saves nothing.
            let tried = try_settings(&app, &name, typed.settings.clone()).await?;
            let mut problems = tried.err().map_or_else(Vec::new, |other| other.problems);
            problems.extend(wrong_limits);
            FormOutcome::Refused(HostError::invalid("the limits of a top-up are not amounts").with_problems(problems))
        }
        Ok(limits) => {
            let new = NewSettings {
                settings: typed.settings.clone(),
                limits: Some(limits),
                version: Some(typed.version.clone()),
                confirmed: confirmed(&before.component, &fields),
            };
            let saved = name.clone();
            match blocking(&app, move |app| Ok(app.host.save_settings(&saved, new))).await? {
                Ok(saved) => FormOutcome::Saved(saved),
                Err(error) if error.kind == ErrorKind::Stale => FormOutcome::Stale,
                Err(error) => FormOutcome::Refused(error),
            }
        }
    };
    let (provider, in_use) = stored(&app, &name, lang).await?;
    match &done {
        FormOutcome::Saved(saved) => {
            let changed_secrets = saved.changed_secrets.join(" ");
            tracing::info!(
                operator = session.operator,
                provider = name.as_str(),
                changed_secrets,
                "an operator saved settings"
            );
            typed = in_use.clone();
        }
        // After the warning, the operator may overwrite what somebody else saved.
        FormOutcome::Stale => typed.version.clone_from(&in_use.version),
        _ => {}
    }
    let view = View { app: &app, provider: &provider, lang, session: &session, typed: &typed, in_use: &in_use };
    Ok(view.page(&done))
}

/// Returns the payment system with settings that are not saved.
async fn try_settings(
    app: &App,
    name: &ProviderName,
    settings: domain::Fields,
) -> Result<Result<ProviderStatus, HostError>, Problem> {
    let name = name.clone();
    blocking(app, move |app| Ok(app.host.try_settings(&name, settings))).await
}

/// Redirects to the page, without the result of a check.
pub async fn again(State(app): AppState, Path(name): Path<String>, _: Operator) -> Result<Redirect, Problem> {
    let provider = app.host.provider(&identifiers::provider(name)?)?;
    Ok(Redirect::to(&format!("/operator/settings/{}", provider.name)))
}

/// Checks what was typed, and saves nothing.
pub async fn check(
    State(app): AppState,
    Path(name): Path<String>,
    lang: Lang,
    CsrfForm { session, fields }: CsrfForm,
) -> Result<Markup, Problem> {
    let name = identifiers::provider(name)?;
    let (provider, in_use) = stored(&app, &name, lang).await?;
    let typed = if fields.has(VERSION) { typed(&provider.component, &fields) } else { in_use.clone() };
    let limits = typed_limits(lang, &provider.component, &typed);
    let (tried, mut problems) = match try_settings(&app, &name, typed.settings.clone()).await? {
        Ok(tried) => (Some(tried), Vec::new()),
        Err(error) => (None, error.problems),
    };
    let within = limits.as_ref().copied().unwrap_or(TopUpLimits::DEFAULT);
    problems.extend(limits.err().into_iter().flatten());
    let checks = blocking(&app, move |app| check::checks(app, &name, tried.as_ref(), within, lang)).await?;
    let view = View { app: &app, provider: &provider, lang, session: &session, typed: &typed, in_use: &in_use };
    Ok(view.page(&FormOutcome::Checked(checks, problems)))
}
