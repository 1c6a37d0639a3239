//! «Настройка платёжных систем»: the form that a provider's description asks for.

mod check;
mod form;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use domain::{SettingKind, SettingSpec};
use maud::{Markup, html};
use money::Currency;

use super::layout::{Page, titles};
use super::text::Lang;
use super::{AppState, Fields, Operator, Posted, amount};
use crate::hosts::Confirmed;
use crate::limits::TopUpLimits;
use crate::problem::Problem;
use crate::providers::{self, Entering, Live, NotSaved, Saved, Slot, State as Readiness};
use crate::{App, blocking};
use check::Check;
use form::View;

/// The form's own fields beside the component's settings, whose names have no dots.
const VERSION: &str = "host.version";
const SMALLEST: &str = "host.smallest";
const LARGEST: &str = "host.largest";
const CONFIRM: &str = "host.confirm.";

/// What was done before the page is shown.
enum Done {
    Nothing,
    Saved(Saved),
    /// Somebody else saved other settings in the meantime.
    Stale,
    Refused(Problem),
    Checked(Vec<Check>, Option<Problem>),
}

/// What stands in the form.
struct Typed {
    /// The component's settings; secrets were typed just now.
    settings: domain::Fields,
    /// The smallest and the largest top-up, as they were typed.
    limits: [String; 2],
    /// The version that the form began with.
    version: String,
}

/// The providers; where there is one, its page.
pub async fn all(State(app): AppState, lang: Lang, Operator(session): Operator) -> Response {
    let slots = app.providers.all();
    if let [only] = &slots[..] {
        return Redirect::to(&format!("/operator/settings/{}", only.name)).into_response();
    }
    let list = html! {
        ul.list {
            @for slot in slots {
                @let live = slot.live();
                li { a href={ "/operator/settings/" (slot.name) } { (live.description().name) } " " (badge(lang, &live)) }
            }
        }
    };
    Page::operators(lang, titles::settings(lang), &session).show(&list).into_response()
}

/// Whether a provider can be used, in a word.
pub fn badge(lang: Lang, live: &Live) -> Markup {
    match &live.state {
        Readiness::Ready { .. } => html! { span.badge.good { (lang.of("настроена", "ready")) } },
        Readiness::Unset => html! { span.badge { (lang.of("не настроена", "not set")) } },
        Readiness::Unusable(_) => html! { span.badge.bad { (lang.of("ошибка настроек", "settings refused")) } },
    }
}

/// What is kept, as the form shows it: without secrets.
async fn kept(app: &App, slot: &Slot, lang: Lang) -> Result<Typed, Problem> {
    let name = slot.name.clone();
    let (limits, version) = blocking(app, move |app| {
        let slot = app.providers.get(&name)?;
        Ok((slot.limits(app)?, slot.version(app)?))
    })
    .await?;
    let settings = match &slot.live().state {
        Readiness::Ready { shown, .. } => shown.clone(),
        Readiness::Unset | Readiness::Unusable(_) => Vec::new(),
    };
    let limits = [limits.smallest(), limits.largest()].map(|minor_units| super::text::short_number(lang, minor_units));
    Ok(Typed { settings, limits, version })
}

pub async fn page(
    State(app): AppState,
    Path(name): Path<String>,
    lang: Lang,
    Operator(session): Operator,
) -> Result<Markup, Problem> {
    let slot = app.providers.get(&name)?;
    let typed = kept(&app, &slot, lang).await?;
    Ok(View { app: &app, slot: &slot, lang, session: &session, typed: &typed, in_use: &typed }.page(&Done::Nothing))
}

fn typed(live: &Live, fields: &Fields) -> Typed {
    let settings = live.description().settings.iter().map(|setting| (setting.name.clone(), value(setting, fields))).collect();
    let limits = [SMALLEST, LARGEST].map(|name| fields.get(name).to_owned());
    Typed { settings, limits, version: fields.get(VERSION).to_owned() }
}

/// What the form says for a setting, with the spaces that were typed. A flag that is not ticked is not sent at all.
fn value(setting: &SettingSpec, fields: &Fields) -> String {
    let entered = fields.as_sent(&setting.name).to_owned();
    if setting.kind == SettingKind::Flag && entered.is_empty() { "false".to_owned() } else { entered }
}

/// The limits of the form; where they are none, a problem that names the fields.
fn limits(lang: Lang, currency: Currency, [smallest, largest]: &[String; 2]) -> Result<TopUpLimits, Vec<domain::Problem>> {
    let problem = |field: &str, message: String| {
        vec![domain::Problem { code: "limit-invalid".to_owned(), field: Some(field.to_owned()), row: None, message }]
    };
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

/// The form's limits in the currency that the entered settings name.
fn typed_limits(lang: Lang, live: &Live, typed: &Typed) -> Result<TopUpLimits, Vec<domain::Problem>> {
    let currencies = &live.description().currencies;
    let named =
        typed.settings.iter().map(|(_, value)| value).find_map(|value| currencies.iter().find(|currency| currency.is(value)));
    let currency = named.or(currencies.first()).copied().unwrap_or(Currency::RUB);
    limits(lang, currency, &typed.limits)
}

/// The hosts whose boxes were ticked.
fn confirmed(live: &Live, fields: &Fields) -> Confirmed {
    let boxes = live.description().settings.iter().map(|setting| fields.get(&format!("{CONFIRM}{}", setting.name)));
    Confirmed::Hosts(boxes.filter(|host| !host.is_empty()).map(str::to_owned).collect())
}

pub async fn save(
    State(app): AppState,
    Path(name): Path<String>,
    lang: Lang,
    Posted { session, fields }: Posted,
) -> Result<Markup, Problem> {
    let slot = app.providers.get(&name)?;
    let live = slot.live();
    let mut typed = typed(&live, &fields);
    if !fields.has(VERSION) {
        // Whoever sends a form of his own names the component's settings alone.
        let kept = kept(&app, &slot, lang).await?;
        (typed.version, typed.limits) = (kept.version, kept.limits);
    }
    let done = match typed_limits(lang, &live, &typed) {
        Err(wrong_limits) => {
            // All that is wrong is said at once; nothing is saved.
            let mut problems =
                tried(&app, &name, typed.settings.clone()).await?.err().map_or_else(Vec::new, |other| other.problems);
            problems.extend(wrong_limits);
            Done::Refused(Problem::unprocessable("the limits of a top-up are not amounts").with_problems(problems))
        }
        Ok(limits) => {
            let entering = Entering {
                settings: typed.settings.clone(),
                limits: Some(limits),
                version: Some(typed.version.clone()),
                confirmed: confirmed(&live, &fields),
            };
            match providers::enter(&app, name.clone(), entering).await? {
                Ok(saved) => Done::Saved(saved),
                Err(NotSaved::Stale) => Done::Stale,
                Err(NotSaved::Refused(problem)) => Done::Refused(problem),
            }
        }
    };
    let in_use = kept(&app, &slot, lang).await?;
    match &done {
        Done::Saved(saved) => {
            let secrets = saved.changed_secrets.join(" ");
            tracing::info!(operator = session.operator, provider = name, secrets, "an operator entered settings");
            typed = kept(&app, &slot, lang).await?;
        }
        // Whoever was told saves what he sees, also over what another saved.
        Done::Stale => typed.version.clone_from(&in_use.version),
        _ => {}
    }
    Ok(View { app: &app, slot: &slot, lang, session: &session, typed: &typed, in_use: &in_use }.page(&done))
}

/// The provider with settings that are not saved.
async fn tried(app: &App, name: &str, settings: domain::Fields) -> Result<Result<Live, Problem>, Problem> {
    let name = name.to_owned();
    blocking(app, move |app| Ok(app.providers.get(&name)?.tried(app, settings))).await
}

/// The page without what came of a check.
pub async fn again(State(app): AppState, Path(name): Path<String>, _: Operator) -> Result<Redirect, Problem> {
    let slot = app.providers.get(&name)?;
    Ok(Redirect::to(&format!("/operator/settings/{}", slot.name)))
}

/// Tries what is typed, and saves nothing.
pub async fn check(
    State(app): AppState,
    Path(name): Path<String>,
    lang: Lang,
    Posted { session, fields }: Posted,
) -> Result<Markup, Problem> {
    let slot = app.providers.get(&name)?;
    let typed = if fields.has(VERSION) { typed(&slot.live(), &fields) } else { kept(&app, &slot, lang).await? };
    let limits = typed_limits(lang, &slot.live(), &typed);
    let tried = tried(&app, &name, typed.settings.clone()).await?;
    let (live, mut problems) = match tried {
        Ok(live) => (Some(live), Vec::new()),
        Err(problem) => (None, problem.problems),
    };
    let within = limits.as_ref().copied().unwrap_or(TopUpLimits::DEFAULT);
    problems.extend(limits.err().into_iter().flatten());
    let checks =
        blocking(&app, move |app| check::checks(app, &*app.providers.get(&name)?, live.as_ref(), within, lang)).await?;
    let refused = (!problems.is_empty()).then(|| Problem::unprocessable("the settings are refused").with_problems(problems));
    let in_use = kept(&app, &slot, lang).await?;
    let view = View { app: &app, slot: &slot, lang, session: &session, typed: &typed, in_use: &in_use };
    Ok(view.page(&Done::Checked(checks, refused)))
}
