//! «Провайдеры»: which components run, within what limits, and how they do.

use std::collections::BTreeMap;

use axum::extract::State;
use ledger::Refusals;
use maud::{Markup, html};

use super::layout::{Page, titles};
use super::settings::badge;
use super::text::{self, Clock, DAY_SECONDS, Lang};
use super::{AppState, Operator};
use crate::problem::Problem;
use crate::providers::{FUNCTIONS, RESULTS, Slot, State as Readiness};
use crate::{App, blocking, now};

pub async fn page(State(app): AppState, lang: Lang, Operator(session): Operator) -> Result<Markup, Problem> {
    // What was refused within the last second counts too.
    let refusals = blocking(&app, |app| {
        app.refused.keep(&app.ledger);
        Ok(app.ledger.refusals(now().saturating_sub(DAY_SECONDS))?)
    })
    .await?;
    let content = html! { @for slot in app.providers.all() { (provider(&app, lang, &slot, &refusals)) } };
    Ok(Page::operators(lang, titles::providers(lang), &session).show(&content))
}

fn provider(app: &App, lang: Lang, slot: &Slot, refusals: &[Refusals]) -> Markup {
    let clock = Clock::new(app.config.utc_offset_hours);
    let live = slot.live();
    let (component, description) = (&live.provider, live.description());
    let limits = component.limits();
    let facts = [
        (lang.of("Имя", "Name"), slot.name.clone()),
        (lang.of("Компонент", "Component"), format!("{} {}", description.id, description.version)),
        ("SHA-256", component.sha256().to_owned()),
        (lang.of("Размер", "Size"), format!("{} {}", component.size_bytes(), lang.of("байт", "bytes"))),
        (lang.of("Контракт", "Contract"), component.contract().to_owned()),
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
