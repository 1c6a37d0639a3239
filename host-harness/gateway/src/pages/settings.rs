//! «Настройка платежных систем»: the form that a provider's description asks for.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use ledger::Filter;
use maud::{Markup, html};
use sandbox::records::{self, Order, Setting, SettingKind};

use super::layout::{Page, titles};
use super::text::{Clock, DAY_SECONDS, Lang};
use super::{AppState, Operator, Posted, csrf};
use crate::operators::Session;
use crate::problem::Problem;
use crate::providers::{self, Live, Slot, State as Readiness};
use crate::{App, Shared, blocking, now, orders};

/// What was done before the page is shown.
enum Done {
    Nothing,
    Saved,
    Refused(Problem),
    Checked(Vec<Check>),
}

/// One thing that was looked at: whether it is good, and what was found.
struct Check {
    is_good: Option<bool>,
    what: String,
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
        Readiness::Unusable(_) => html! { span.badge.bad { (lang.of("не работает", "not usable")) } },
    }
}

pub async fn page(
    State(app): AppState,
    Path(name): Path<String>,
    lang: Lang,
    Operator(session): Operator,
) -> Result<Markup, Problem> {
    let slot = app.providers.get(&name)?;
    Ok(show(&app, &slot, lang, &session, &entered(&slot), &Done::Nothing))
}

pub async fn save(
    State(app): AppState,
    Path(name): Path<String>,
    lang: Lang,
    Posted { session, fields }: Posted,
) -> Result<Markup, Problem> {
    let slot = app.providers.get(&name)?;
    let live = slot.live();
    let values: records::Fields =
        live.description().settings.iter().map(|setting| (setting.name.clone(), value(setting, &fields))).collect();
    let done = match providers::enter(&app, name.clone(), values.clone()).await {
        Ok(()) => {
            tracing::info!(operator = session.operator, provider = name, "an operator entered settings");
            Done::Saved
        }
        Err(problem) => Done::Refused(problem),
    };
    Ok(show(&app, &slot, lang, &session, &values, &done))
}

/// What the form says for a setting. A flag that is not ticked is not sent at all.
fn value(setting: &Setting, fields: &super::Fields) -> String {
    let entered = fields.get(&setting.name).to_owned();
    if setting.kind == SettingKind::Flag && entered.is_empty() { "false".to_owned() } else { entered }
}

/// What was entered before, without secrets.
fn entered(slot: &Slot) -> records::Fields {
    match &slot.live().state {
        Readiness::Ready { shown, .. } => shown.clone(),
        Readiness::Unset | Readiness::Unusable(_) => Vec::new(),
    }
}

/// The page without what came of a check.
pub async fn again(State(app): AppState, Path(name): Path<String>, _: Operator) -> Result<Redirect, Problem> {
    let slot = app.providers.get(&name)?;
    Ok(Redirect::to(&format!("/operator/settings/{}", slot.name)))
}

pub async fn check(
    State(app): AppState,
    Path(name): Path<String>,
    lang: Lang,
    Posted { session, .. }: Posted,
) -> Result<Markup, Problem> {
    let slot = app.providers.get(&name)?;
    let checks = blocking(&app, move |app| checks(app, &*app.providers.get(&name)?, lang)).await?;
    Ok(show(&app, &slot, lang, &session, &entered(&slot), &Done::Checked(checks)))
}

/// What can be known without asking the payment system: whether the provider takes the settings and makes a link, and what its
/// callbacks of the last day say of the secret.
fn checks(app: &Shared, slot: &Slot, lang: Lang) -> Result<Vec<Check>, Problem> {
    let mut checks = Vec::new();
    let mut add = |is_good, what: String| checks.push(Check { is_good, what });
    let live = slot.live();
    if let Readiness::Unusable(why) = &live.state {
        add(Some(false), why.clone());
    }
    let currency = currency(&live);
    let order = Order {
        description: lang.of("Проверка настроек", "Check of the settings").to_owned(),
        callback_url: orders::callback_url(app, slot),
        success_url: app.config.public_url.clone(),
        failure_url: app.config.public_url.clone(),
        expires_at: Some(now() + DAY_SECONDS),
        ..Order::new("1", "1", records::Money { minor_units: 100, currency })
    };
    match slot.call(app, "create-link", |merchant| merchant.create_link(&order)) {
        Ok(Ok(link)) => {
            let good = lang.of("Ссылка на оплату создаётся и ведёт на ", "Links are made, and lead to ");
            add(Some(true), format!("{good}{}", link.form_action));
        }
        Ok(Err(error)) => add(Some(false), format!("{}: {error}", lang.of("Ссылка не создаётся", "No link is made"))),
        Err(problem) => add(Some(false), problem.detail),
    }
    let since = now().saturating_sub(DAY_SECONDS);
    let filter = Filter { provider: Some(slot.name.clone()), from: Some(since), ..Filter::default() };
    let taken: u64 = app.ledger.hours(&filter)?.iter().map(|hour| hour.count).sum();
    let refusals = app.ledger.refusals(since)?;
    let refused: Vec<_> = refusals.iter().filter(|refusals| refusals.provider == slot.name).collect();
    let mismatches: u64 = refused.iter().filter(|one| one.code == "signature-mismatch").map(|one| one.count).sum();
    match (taken, mismatches) {
        (0, 0) => add(
            None,
            lang.of(
                "За сутки не было ни одного уведомления. Секрет подтвердит только первое настоящее: саму платёжную систему проверка не спрашивает.",
                "No callback came within a day. Only a genuine one proves the secret: the payment system itself is not asked.",
            )
            .to_owned(),
        ),
        (0, _) => add(
            Some(false),
            lang.of(
                "Уведомления приходят, но их подпись не сходится: секрет, скорее всего, введён неверно.",
                "Callbacks come, and their signature does not hold: the secret is most likely wrong.",
            )
            .to_owned(),
        ),
        (taken, 1..) => {
            let [took, refused] = [
                lang.of("Принято уведомлений за сутки — ", "Callbacks taken within a day — "),
                lang.of("подпись не сошлась — ", "with a signature that does not hold — "),
            ];
            let advice = lang.of(
                "Это подделки, или секрет недавно меняли: проверьте ещё раз после следующего платежа.",
                "These are forged, or the secret was changed lately: check again after the next payment.",
            );
            add(None, format!("{took}{taken}, {refused}{mismatches}. {advice}"));
        }
        (taken, 0) => {
            let good = lang.of("Секрет верен: принято уведомлений за сутки — ", "The secret is right: callbacks taken within a day — ");
            add(Some(true), format!("{good}{taken}"));
        }
    }
    Ok(checks)
}

/// The currency of the settings, if they name one of the provider's, or else its first.
pub fn currency(live: &Live) -> String {
    let currencies = &live.description().currencies;
    let of_settings = match &live.state {
        Readiness::Ready { shown, .. } => {
            shown.iter().map(|(_, value)| value).find(|value| currencies.contains(value)).cloned()
        }
        Readiness::Unset | Readiness::Unusable(_) => None,
    };
    of_settings.or_else(|| currencies.first().cloned()).unwrap_or_default()
}

fn show(app: &App, slot: &Slot, lang: Lang, session: &Session, values: &records::Fields, done: &Done) -> Markup {
    let live = slot.live();
    let description = live.description();
    let problems = match done {
        Done::Refused(problem) => &problem.problems[..],
        _ => &[],
    };
    let content = html! {
        p { b { (description.name) } " " (badge(lang, &live)) }
        @match done {
            Done::Saved => p.good role="status" { (lang.of("Настройки сохранены и уже действуют.", "The settings are saved and in use.")) },
            Done::Refused(problem) => p.bad role="alert" {
                (lang.of("Настройки не сохранены, действуют прежние.", "The settings are not saved; the old ones stay in use."))
                @if problem.problems.is_empty() { " " (problem.detail) }
            },
            Done::Checked(checks) => ul.list role="status" { @for check in checks { (shown_check(check)) } },
            Done::Nothing => {},
        }
        (addresses(app, slot, lang))
        form.card method="post" {
            (csrf(session))
            @for setting in &description.settings {
                (field(setting, &live, lang, values, problems))
            }
            button { (lang.of("Сохранить", "Save")) }
        }
        form method="post" action={ "/operator/settings/" (slot.name) "/check" } {
            (csrf(session))
            button.quiet { (lang.of("Проверить настройки", "Check the settings")) }
        }
        @if let Some(at) = slot.accepted_at() {
            p.hint { (lang.of("Последнее уведомление принято ", "The last callback was accepted at ")) (Clock::new(app.config.utc_offset_hours).text(at)) }
        }
    };
    Page::operators(lang, titles::settings(lang), session).show(&content)
}

fn shown_check(check: &Check) -> Markup {
    let (class, mark) = match check.is_good {
        Some(true) => ("good", "✓"),
        Some(false) => ("bad", "✗"),
        None => ("hint", "…"),
    };
    html! { li class=(class) { (mark) " " (check.what) } }
}

/// What the payment system is to be told.
fn addresses(app: &App, slot: &Slot, lang: Lang) -> Markup {
    let callback = orders::callback_url(app, slot);
    let cabinet = format!("{}/cabinet", app.config.public_url);
    html! {
        div.card {
            p { (lang.of("Эти адреса передайте платёжной системе:", "Hand these addresses over to the payment system:")) }
            (address("callback-url", lang.of("Адрес для уведомлений", "Callback URL"), &callback, lang))
            (address("cabinet-url", lang.of("Адрес личного кабинета", "Cabinet URL"), &cabinet, lang))
        }
    }
}

fn address(id: &str, title: &str, url: &str, lang: Lang) -> Markup {
    html! {
        label { (title)
            span.row {
                input id=(id) readonly value=(url);
                // A script shows it: without one, nothing would come of it.
                button.quiet type="button" data-copy=(id) data-copied=(lang.of("Скопировано", "Copied")) hidden {
                    (lang.of("Копировать", "Copy"))
                }
            }
        }
    }
}

fn field(setting: &Setting, live: &Live, lang: Lang, values: &records::Fields, problems: &[records::Problem]) -> Markup {
    let entered = values.iter().find(|(name, _)| *name == setting.name).map(|(_, value)| value.as_str());
    let default_value = setting.default_value.as_deref().unwrap_or_default();
    let value = entered.filter(|value| !value.is_empty()).unwrap_or(default_value);
    let name = setting.name.as_str();
    let help = format!("{name}-help");
    let wrong = problems.iter().find(|problem| problem.field.as_deref() == Some(name));
    let invalid = wrong.map(|_| "true");
    let is_kept = match &live.state {
        Readiness::Ready { secrets, .. } => secrets.iter().any(|secret| secret == name),
        Readiness::Unset | Readiness::Unusable(_) => false,
    };
    html! {
        label {
            span { (lang.pick(&setting.title)) @if setting.required { " " b.required title=(lang.of("обязательно", "required")) { "*" } } }
            @match live.kind(setting) {
                SettingKind::Secret => input type="password" name=(name) autocomplete="new-password" aria-describedby=(help)
                    aria-invalid=[invalid] placeholder=[is_kept.then(|| lang.of("введён; оставьте пустым, чтобы не менять", "entered; leave it empty to keep it"))];,
                SettingKind::Choice => select name=(name) aria-describedby=(help) aria-invalid=[invalid] {
                    @for choice in &setting.choices { option value=(choice) selected[choice == value] { (choice) } }
                },
                SettingKind::Flag => input type="checkbox" name=(name) value="true" checked[value == "true"] aria-describedby=(help);,
                SettingKind::Url => input type="url" name=(name) value=(value) aria-describedby=(help) aria-invalid=[invalid];,
                SettingKind::Integer => input inputmode="numeric" name=(name) value=(value) aria-describedby=(help) aria-invalid=[invalid];,
                SettingKind::Text => input name=(name) value=(value) aria-describedby=(help) aria-invalid=[invalid];,
            }
            @if let Some(problem) = wrong { span.bad role="alert" { (in_words(lang, problem)) } }
            span.hint id=(help) { (lang.pick(&setting.help)) }
        }
    }
}

/// What is wrong with a setting: providers say it in English.
fn in_words(lang: Lang, problem: &records::Problem) -> String {
    let ru = match problem.code.as_str() {
        "setting-missing" => "Нужно заполнить.",
        "setting-invalid" => "Такое значение не подходит.",
        _ => "Не подходит.",
    };
    match lang {
        Lang::Ru => format!("{ru} {}", problem.message),
        Lang::En => problem.message.clone(),
    }
}
