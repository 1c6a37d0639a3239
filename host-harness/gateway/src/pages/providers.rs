//! «Провайдеры»: which components run, within what limits, and how they do.

use std::collections::BTreeMap;

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::Redirect;
use catalog::Version;
use ledger::Refusals;
use maud::{Markup, html};
use sandbox::Limits;

use super::layout::{Page, titles};
use super::settings::badge;
use super::text::{self, Clock, DAY_SECONDS, Lang};
use super::{AppState, FILE, FORM_BYTES_MAX, Operator, Posted, Uploaded, csrf};
use crate::operators::Session;
use crate::problem::Problem;
use crate::providers::{FUNCTIONS, RESULTS, Slot, State as Readiness};
use crate::replay::Change;
use crate::swap::{self, Asked, LimitChanges, Refusal, Swapped, Unswapped};
use crate::{App, Shared, blocking, now};

/// The limit of a form with a component in it.
pub fn limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(Limits::COMPONENT_BYTES_MAX + FORM_BYTES_MAX)
}

/// What came of a swap, and for which provider.
type Done = Option<(String, Result<Swapped, Unswapped>)>;

pub async fn page(State(app): AppState, lang: Lang, Operator(session): Operator) -> Result<Markup, Problem> {
    show(&app, lang, &session, None).await
}

/// The page without what came of a form.
pub async fn again(_: Operator) -> Redirect {
    Redirect::to("/operator/providers")
}

/// Swaps a provider's component for the file of a form.
pub async fn swap(
    State(app): AppState,
    Path(name): Path<String>,
    lang: Lang,
    Uploaded { session, bytes, .. }: Uploaded,
) -> Result<Markup, Problem> {
    app.providers.get(&name)?;
    swap_in(&app, lang, &session, name, move |_| Ok(bytes), None).await
}

/// Adds a provider.
pub async fn add(State(app): AppState, lang: Lang, Uploaded { session, fields, bytes }: Uploaded) -> Result<Markup, Problem> {
    let name = fields.get("name").to_owned();
    if app.providers.find(&name).is_some() {
        return Err(Problem::new(StatusCode::CONFLICT, format!("there is a provider called {name}; swap its component")));
    }
    swap_in(&app, lang, &session, name, move |_| Ok(bytes), None).await
}

/// Swaps a component that was refused for what it judges otherwise, which the operator has seen.
pub async fn swap_accepted(
    State(app): AppState,
    Path(name): Path<String>,
    lang: Lang,
    Posted { session, fields }: Posted,
) -> Result<Markup, Problem> {
    let (sha256, accepted) = (fields.get("sha256").to_owned(), fields.get("accept").to_owned());
    swap_in(&app, lang, &session, name, move |app| Ok(app.catalog.read(&sha256)?), Some(accepted)).await
}

async fn swap_in(
    app: &App,
    lang: Lang,
    session: &Session,
    name: String,
    bytes: impl FnOnce(&Shared) -> Result<Vec<u8>, Problem> + Send + 'static,
    accepted: Option<String>,
) -> Result<Markup, Problem> {
    tracing::info!(operator = session.operator, provider = name, "an operator swaps a component");
    let (name, done) = blocking(app, move |app| {
        let asked = Asked { name: name.clone(), bytes: bytes(app)?, limits: LimitChanges::default(), accepted };
        Ok((name, swap::swap(app, asked)))
    })
    .await?;
    show(app, lang, session, Some((name, done))).await
}

/// Goes back to the component that was used before.
pub async fn back(
    State(app): AppState,
    Path(name): Path<String>,
    lang: Lang,
    Posted { session, .. }: Posted,
) -> Result<Markup, Problem> {
    tracing::info!(operator = session.operator, provider = name, "an operator goes back to a component");
    let done = blocking(&app, move |app| {
        let done = swap::back(app, &name);
        Ok((name, done))
    })
    .await?;
    show(&app, lang, &session, Some(done)).await
}

async fn show(app: &App, lang: Lang, session: &Session, done: Done) -> Result<Markup, Problem> {
    // What was refused within the last second counts too.
    let (refusals, lock) = blocking(app, |app| {
        app.refused.keep(&app.ledger);
        Ok((app.ledger.refusals(now().saturating_sub(DAY_SECONDS))?, app.catalog.lock()?))
    })
    .await?;
    let content = html! {
        @if let Some((name, done)) = &done { (outcome(app, lang, session, name, done)) }
        @for slot in app.providers.all() {
            @let previous = lock.get(&slot.name).and_then(|locked| locked.previous.as_ref());
            (provider(app, lang, session, &slot, &refusals, previous))
        }
        section.card {
            h2 { (lang.of("Добавить платёжную систему", "Add a payment system")) }
            // What came of a swap is shown at another address: this form says where it goes.
            form method="post" enctype="multipart/form-data" action="/operator/providers" {
                (csrf(session))
                label { (lang.of("Имя", "Name"))
                    input name="name" required pattern="[a-z0-9][a-z0-9\\-]*" maxlength="64" autocomplete="off";
                    span.hint { (lang.of(
                        "Строчные латинские буквы, цифры и дефис. По нему приходят уведомления: /callbacks/ИМЯ",
                        "Small Latin letters, digits and hyphens. Its callbacks come to it: /callbacks/NAME",
                    )) }
                }
                (file(lang))
                button { (lang.of("Проверить и добавить", "Check and add")) }
            }
        }
    };
    Ok(Page::operators(lang, titles::providers(lang), session).show(&content))
}

/// The field for a component's file; it is the form's last.
fn file(lang: Lang) -> Markup {
    html! { label { (lang.of("Файл компонента (.wasm)", "The component's file (.wasm)")) input type="file" name=(FILE) accept=".wasm,application/wasm" required; } }
}

/// What came of a swap.
fn outcome(app: &App, lang: Lang, session: &Session, name: &str, done: &Result<Swapped, Unswapped>) -> Markup {
    match done {
        Ok(swapped) => html! {
            p.good role="status" {
                b { (name) } ": "
                @if swapped.swapped { (lang.of("теперь работает компонент ", "the component in use is now ")) }
                @else { (lang.of("этот компонент и так работает: ", "this component is in use already: ")) }
                (version(&swapped.current)) "."
                @if let Some(found) = &swapped.found {
                    (lang.of(" Повторено прежних уведомлений: ", " Callbacks told again: ")) (found.replayed) "."
                }
            }
            @if app.providers.find(name).is_some_and(|slot| !slot.live().is_ready()) {
                p { a href={ "/operator/settings/" (name) } { (lang.of("Введите её настройки", "Enter its settings")) } }
            }
        },
        Err(Unswapped::Failed(problem)) => html! {
            p.bad role="alert" { b { (name) } ": " (lang.of("не заменён, работает прежний компонент. ", "not swapped, the old component stays in use. ")) (problem.detail) }
        },
        Err(Unswapped::Refused(refusal)) => refused_component(app, lang, session, name, refusal),
    }
}

/// Which component it is.
fn version(version: &Version) -> Markup {
    html! { (version.id) " " (version.version) ", SHA-256 " code { (version.sha256) } }
}

fn refused_component(app: &App, lang: Lang, session: &Session, name: &str, refusal: &Refusal) -> Markup {
    html! {
        section.card role="alert" {
            p.bad { b { (name) } ": " (lang.of("не принят, работает прежний компонент.", "not taken, the old component stays in use.")) }
            p {
                @if refusal.accept.is_some() {
                    (lang.of("Прежних уведомлений, о которых он судит иначе: ", "Callbacks that it judges otherwise: ")) b { (refusal.changed) }
                    (lang.of(". Посмотрите, что меняется; замените, только если так и задумано.", ". Look at what changes; swap only if it is meant."))
                } @else { (refusal.detail) }
            }
            @for problem in &refusal.problems { p.hint { @if let Some(field) = &problem.field { b { (field) } ": " } (problem.message) } }
            @if let Some(report) = &refusal.report { pre { (report) } }
            @if let Some(accept) = &refusal.accept {
                @for change in &refusal.changes { (changed(app, lang, change)) }
                @if refusal.changed > refusal.changes.len() {
                    p.hint { (lang.of("и ещё ", "and more: ")) (refusal.changed - refusal.changes.len()) }
                }
                form method="post" action={ "/operator/providers/" (name) "/component/accepted" } {
                    (csrf(session))
                    input type="hidden" name="sha256" value=(refusal.sha256);
                    input type="hidden" name="accept" value=(accept);
                    button { (lang.of("Так и задумано: заменить", "This is meant: swap")) }
                }
            }
        }
    }
}

/// A callback that is judged otherwise.
fn changed(app: &App, lang: Lang, change: &Change) -> Markup {
    let nothing = || "—".to_owned();
    html! {
        table.changes {
            caption {
                (Clock::new(app.config.utc_offset_hours).text(change.received_at))
                @if let Some(transaction) = &change.transaction { (lang.of(", транзакция ", ", transaction ")) (transaction) }
            }
            thead { tr { th { (lang.of("Что", "What")) } th { (lang.of("Было", "Before")) } th { (lang.of("Стало бы", "After")) } } }
            tbody {
                @for difference in &change.differences {
                    tr {
                        td data-label=(lang.of("Что", "What")) { span { (text::field(lang, &difference.field)) " " span.hint { "(" (difference.field) ")" } } }
                        td.words data-label=(lang.of("Было", "Before")) { (difference.before.clone().unwrap_or_else(nothing)) }
                        td.words data-label=(lang.of("Стало бы", "After")) { (difference.after.clone().unwrap_or_else(nothing)) }
                    }
                }
            }
        }
    }
}

/// What is used, what was before, and the way from one to another.
fn component(lang: Lang, session: &Session, name: &str, previous: Option<&Version>) -> Markup {
    html! {
        details {
            summary { (lang.of("Заменить компонент", "Swap the component")) }
            p.hint {
                (lang.of(
                    "Новый компонент проверяется и заново разбирает последние уведомления; если он судит о них иначе, чем прежний, остаётся прежний.",
                    "A new component is checked, and told the last callbacks again; if it judges them otherwise than the old one, the old one stays.",
                ))
            }
            form method="post" enctype="multipart/form-data" action={ "/operator/providers/" (name) "/component" } {
                (csrf(session))
                (file(lang))
                button { (lang.of("Проверить и заменить", "Check and swap")) }
            }
        }
        @if let Some(previous) = previous {
            form method="post" action={ "/operator/providers/" (name) "/component/previous" } {
                (csrf(session))
                p.hint { (lang.of("Прежний компонент: ", "The component before: ")) (version(previous)) }
                button.quiet { (lang.of("Вернуть прежний компонент", "Go back to the component before")) }
            }
        }
    }
}

fn provider(
    app: &App,
    lang: Lang,
    session: &Session,
    slot: &Slot,
    refusals: &[Refusals],
    previous: Option<&Version>,
) -> Markup {
    let clock = Clock::new(app.config.utc_offset_hours);
    let live = slot.live();
    let (loaded, description) = (&live.provider, live.description());
    let limits = loaded.limits();
    let facts = [
        (lang.of("Имя", "Name"), slot.name.clone()),
        (lang.of("Компонент", "Component"), format!("{} {}", description.id, description.version)),
        ("SHA-256", loaded.sha256().to_owned()),
        (lang.of("Размер", "Size"), format!("{} {}", loaded.size_bytes(), lang.of("байт", "bytes"))),
        (lang.of("Контракт", "Contract"), loaded.contract().to_owned()),
        (
            lang.of("Импорты", "Imports"),
            lang.of("нет: ни сети, ни файлов, ни часов", "none: no network, no files, no clock").to_owned(),
        ),
        (
            lang.of("Пределы вызова", "Limits of a call"),
            format!(
                "{} {}, {} {}, {} MiB",
                limits.time_max.as_millis(),
                lang.of("мс", "ms"),
                limits.fuel_max,
                lang.of("ед. топлива", "units of fuel"),
                limits.memory_bytes_max >> 20
            ),
        ),
    ];
    html! {
        section.card {
            h2 { (description.name) " " (badge(lang, &live)) }
            @if let Readiness::Unusable(why) = &live.state { p.bad { (why) } }
            dl { @for (name, value) in facts { dt { (name) } dd { (value) } } }
            p {
                (lang.of("Последнее принятое уведомление: ", "The last accepted callback: "))
                (slot.accepted_at().map_or_else(|| lang.of("не было с запуска", "none since the start").to_owned(), |at| clock.text(at)))
            }
            (refused(lang, slot, refusals))
            (calls(app, lang, slot))
            @if let Some(failure) = slot.failure() {
                p.bad { (lang.of("Последний сбой: ", "The last failure: ")) (clock.text(failure.at)) " " (failure.message) }
            }
            p { a href={ "/operator/settings/" (slot.name) } { (lang.of("Настройки", "Settings")) } }
            (component(lang, session, &slot.name, previous))
        }
    }
}

/// What was refused within a day, by reason, and what to do about it.
fn refused(lang: Lang, slot: &Slot, refusals: &[Refusals]) -> Markup {
    let mut by_code: BTreeMap<&str, u64> = BTreeMap::new();
    for refusals in refusals.iter().filter(|refusals| refusals.provider == slot.name) {
        *by_code.entry(&refusals.code).or_default() += refusals.count;
    }
    html! {
        @if by_code.is_empty() { p.good { (lang.of("За сутки ни одно уведомление не отвергнуто.", "No callback was refused within a day.")) } }
        @else {
            p.bad { (lang.of("Отвергнуто за сутки:", "Refused within a day:")) }
            ul { @for (code, count) in by_code { li { b { (count) } " — " (text::refusal(lang, code)) " " span.hint { "(" (code) ")" } } } }
        }
    }
}

/// Calls and errors since the start.
fn calls(app: &App, lang: Lang, slot: &Slot) -> Markup {
    let results = [
        lang.of("успешно", "ok"),
        lang.of("отказ", "problem"),
        lang.of("предел", "limit"),
        lang.of("сбой", "crash"),
        lang.of("нарушение контракта", "broken contract"),
    ];
    html! {
        table {
            thead { tr { th { (lang.of("Вызовы с запуска", "Calls since the start")) } @for result in results { th.amount { (result) } } } }
            tbody {
                @for function in FUNCTIONS {
                    tr {
                        td data-label=(lang.of("Вызов", "Call")) { (function) }
                        @for (label, result) in results.iter().zip(RESULTS) {
                            td.amount data-label=(label) { (app.metrics.calls_of(&slot.name, function, result)) }
                        }
                    }
                }
            }
        }
    }
}
