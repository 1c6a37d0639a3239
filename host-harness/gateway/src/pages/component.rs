//! The component of a payment system: the active one, the forms that swap it, and the result of a swap.

use domain::{Choice, ProviderName, SettingKind, SettingSpec};
use host::{CallHost, ErrorKind, Refusal, SwapError, SwapReport, VerdictChange, Version, payment_hosts};
use maud::{Markup, html};

use super::calls::hosts;
use super::settings::{BLOCK_ROWS, confirmation};
use super::text::{self, Clock, Lang};
use super::{FILE, csrf};
use crate::sessions::Session;
use crate::shared::App;

/// The prefix of a form's settings.
pub const SETTING: &str = "set.";

/// The result of a swap, and its provider.
pub struct FormOutcome {
    pub name: ProviderName,
    pub result: Result<SwapReport, SwapError>,
    /// The settings that were entered with the component, sealed, so that the next form need not ask for them again.
    pub entered: String,
    /// The same settings without secrets.
    pub shown: domain::Fields,
}

/// Returns the field for a component's file, which must be the form's last.
pub fn file(lang: Lang) -> Markup {
    html! { label { (lang.of("Файл компонента (.wasm)", "The component's file (.wasm)")) input type="file" name=(FILE) accept=".wasm,application/wasm" required; } }
}

/// Shows the result of a swap.
pub fn outcome(app: &App, lang: Lang, session: &Session, done: &FormOutcome) -> Markup {
    let name = &done.name;
    match &done.result {
        Ok(swapped) => html! {
            p.good role="status" {
                @if swapped.added {
                    (lang.of("Платёжная система ", "The payment system ")) b { (name) } (lang.of(" добавлена: ", " was added: "))
                } @else {
                    b { (name) } ": "
                    @if swapped.swapped { (lang.of("теперь работает компонент ", "the component in use is now ")) }
                    @else { (lang.of("этот компонент уже установлен: ", "this component is in use already: ")) }
                }
                (version(&swapped.current)) "."
                @if let Some(found) = &swapped.found {
                    (lang.of(" Проверено на прежних уведомлениях: ", " Checked against earlier callbacks: ")) (found.replay.replayed) "."
                    (left_out(lang, found.replay.left_out, found.replay.without_headers))
                }
            }
            @if let Ok(provider) = app.host.provider(name) {
                p { (lang.of("Компонент обращается к узлам: ", "The component may call: ")) (hosts(lang, &provider.component.call_hosts())) "." }
                @if !provider.component.is_ready() {
                    p { a href={ "/operator/settings/" (name) } { (lang.of("Введите её настройки", "Enter its settings")) } }
                }
            }
        },
        Err(SwapError::Failed(error)) if error.kind == ErrorKind::Gone => html! {
            p.bad role="alert" {
                b { (name) } ": "
                (lang.of(
                    "компонент не заменён, потому что эту платёжную систему тем временем удалили. Если она нужна, добавьте её заново внизу списка.",
                    "the component was not swapped, because somebody removed this payment system meanwhile. To use it again, add it at the end of the list.",
                ))
            }
            p { a href="/operator/providers" { (lang.of("К списку платёжных систем", "To the list of payment systems")) } }
        },
        Err(SwapError::Failed(error)) => html! {
            p.bad role="alert" { b { (name) } ": " (stays(app, lang, name)) " " (error) }
        },
        Err(SwapError::Refused(refusal)) => refused_component(app, lang, session, done, refusal),
    }
}

/// Says what a refusal leaves unchanged.
fn stays(app: &App, lang: Lang, name: &ProviderName) -> &'static str {
    if app.host.is_in_use(name) {
        lang.of("не принят, работает прежний компонент.", "rejected; the current component stays active.")
    } else {
        lang.of("платёжная система не добавлена.", "the payment system was not added.")
    }
}

/// Says how many callbacks could not be replayed, or not as they came.
fn left_out(lang: Lang, left_out: usize, without_headers: usize) -> Markup {
    html! {
        @if left_out > 0 {
            (lang.of(" Пропущено уведомлений, в которых скрыты данные карт: ", " Callbacks left out because card data in them was masked: "))
            (left_out) "."
        }
        @if without_headers > 0 {
            (lang.of(
                " Проверено без секретных заголовков, потому что они закрыты другим ключом: ",
                " Callbacks compared without their secret headers, which were sealed with another key: ",
            ))
            (without_headers) "."
        }
    }
}

/// Shows a component's id, version and digest.
pub fn version(version: &Version) -> Markup {
    html! { (version.id) " " (version.version) ", SHA-256 " code { (version.sha256) } }
}

fn refused_component(app: &App, lang: Lang, session: &Session, done: &FormOutcome, refusal: &Refusal) -> Markup {
    let is_decided_by_form = refusal.accept.is_some() || !refusal.relabelled.is_empty() || !refusal.wanted.is_empty();
    html! {
        section.card role="alert" {
            p.bad { b { (done.name) } ": " (stays(app, lang, &done.name)) }
            @if !is_decided_by_form { p { (refusal.detail) } }
            @for problem in refusal.problems.iter().filter(|problem| !is_wanted(refusal, problem)) {
                p.hint { @if let Some(field) = &problem.field { b { (field) } ": " } (problem.message) }
            }
            @if let Some(report) = &refusal.report { pre { (report) } }
            @if is_decided_by_form { (decision(app, lang, session, done, refusal)) }
        }
    }
}

fn is_wanted(refusal: &Refusal, problem: &domain::Problem) -> bool {
    refusal.wanted.iter().any(|setting| problem.field.as_ref() == Some(&setting.name))
}

/// Returns the form that accepts a component's changes, with fields for the settings that it needs.
fn decision(app: &App, lang: Lang, session: &Session, done: &FormOutcome, refusal: &Refusal) -> Markup {
    let in_use = app.host.provider(&done.name).ok().map(|provider| provider.component.sha256().to_owned());
    html! {
        @if !refusal.new_hosts.is_empty() {
            p.bad {
                (lang.of(
                    "Новый компонент будет обращаться к узлам, к которым прежний не обращался. Замените, только если это узлы его платёжной системы:",
                    "The new component may call hosts that the current one may not. Apply this only if they are its payment system's:",
                ))
            }
            ul { @for host in &refusal.new_hosts { li { b { (host) } } } }
        }
        @if refusal.changed > 0 {
            p {
                (lang.of("Прежних уведомлений, которые он обрабатывает иначе: ", "Callbacks whose verdict it changes: ")) b { (refusal.changed) }
                (lang.of(". Посмотрите, что меняется; замените, только если так и задумано.", ". Review the changes; apply them only if they are intended."))
                (left_out(lang, refusal.left_out, refusal.without_headers))
            }
            @for change in &refusal.changes { (changed(app, lang, change)) }
            @if refusal.changed > refusal.changes.len() {
                p.hint { (lang.of("и ещё ", "and more: ")) (refusal.changed - refusal.changes.len()) }
            }
        }
        form method="post" action={ "/operator/providers/" (done.name) "/component/accepted" } {
            (csrf(session))
            input type="hidden" name="sha256" value=(refusal.sha256);
            input type="hidden" name="accept" value=(refusal.accept.as_deref().unwrap_or_default());
            input type="hidden" name="entered" value=(done.entered);
            input type="hidden" name="in_use" value=(in_use.unwrap_or_default());
            @if !refusal.relabelled.is_empty() {
                p.bad {
                    (lang.of(
                        "Эти настройки вводились как секрет, а новый компонент объявляет их обычными. Исправный компонент так не делает: спросите автора. Их прежние значения в любом случае останутся скрытыми.",
                        "These settings were entered as secrets, and the new component declares them otherwise. A good component does not: ask its author. Their values stay masked in any case.",
                    ))
                }
                @for one in &refusal.relabelled {
                    label.choice {
                        input type="checkbox" name="accept_relabelled" value=(one.name) required;
                        b { (one.name) } " (" (one.kind.name()) ")"
                    }
                }
            }
            @if !refusal.wanted.is_empty() {
                p { (lang.of("Новому компоненту нужны эти настройки. До замены работает прежний.", "The new component needs these settings. Until the swap the current one stays in use.")) }
                @for setting in &refusal.wanted { (field(lang, setting, done, refusal)) }
            }
            button {
                @if refusal.accept.is_none() && refusal.relabelled.is_empty() { (lang.of("Проверить и заменить", "Check and swap")) }
                @else { (lang.of("Так и задумано: заменить", "Apply these changes")) }
            }
        }
    }
}

/// Returns the field for a setting that a new component needs.
fn field(lang: Lang, setting: &SettingSpec, done: &FormOutcome, refusal: &Refusal) -> Markup {
    let name = format!("{SETTING}{}", setting.name);
    let entered = done.shown.iter().find(|(other, _)| *other == setting.name).map(|(_, value)| value.as_str());
    let value = entered.or(setting.default_value.as_deref()).unwrap_or_default();
    let wrong = refusal.problems.iter().find(|problem| problem.field.as_ref() == Some(&setting.name));
    let is_masked = refusal.relabelled.iter().any(|one| one.name == setting.name);
    html! {
        label {
            span { (lang.pick(&setting.title)) @if setting.required { " " b.required title=(lang.of("обязательно", "required")) { "*" } } }
            @match setting.kind {
                SettingKind::Secret => input type="password" name=(name) autocomplete="new-password";,
                SettingKind::SecretBlock => textarea name=(name) rows=(BLOCK_ROWS) autocomplete="off" spellcheck="false" {},
                SettingKind::TextBlock => textarea name=(name) rows=(BLOCK_ROWS) spellcheck="false" { @if !is_masked { (value) } },
                _ if is_masked => input type="password" name=(name) autocomplete="new-password";,
                SettingKind::Choice => select name=(name) {
                    @for Choice { value: choice, title } in &setting.choices {
                        option value=(choice) selected[choice == value] { (lang.pick(title)) }
                    }
                },
                SettingKind::Flag => {
                    input type="hidden" name=(name) value="false";
                    input type="checkbox" name=(name) value="true" checked[value == "true"];
                },
                SettingKind::Url => input type="url" name=(name) value=(value);,
                SettingKind::Integer => input inputmode="numeric" name=(name) value=(value);,
                SettingKind::Text => input name=(name) value=(value);,
            }
            @if let Some(problem) = wrong { span.bad { (problem.message_in(lang.tag())) } }
            span.hint { (lang.pick(&setting.help)) }
        }
        @if let Some(host) = wrong.filter(|problem| problem.code == payment_hosts::CODE).and_then(|_| CallHost::of_url(value)) {
            (confirmation(lang, "confirm_hosts", &host.to_string()))
        }
    }
}

/// Shows a callback whose verdict changes.
fn changed(app: &App, lang: Lang, change: &VerdictChange) -> Markup {
    let nothing = || "—".to_owned();
    html! {
        table.changes {
            caption {
                (Clock::new(app.config.utc_offset_hours).text(change.received_at))
                @if let Some(transaction) = &change.transaction { (lang.of(", транзакция ", ", transaction ")) (transaction) }
            }
            thead { tr { th { (lang.of("Что", "What")) } th { (lang.of("Было", "Before")) } th { (lang.of("Будет", "After")) } } }
            tbody {
                @for difference in &change.differences {
                    tr {
                        td data-label=(lang.of("Что", "What")) { span { (text::field(lang, &difference.field)) " " span.hint { "(" (difference.field) ")" } } }
                        td.words data-label=(lang.of("Было", "Before")) { (difference.before.clone().unwrap_or_else(nothing)) }
                        td.words data-label=(lang.of("Будет", "After")) { (difference.after.clone().unwrap_or_else(nothing)) }
                    }
                }
            }
        }
    }
}

/// Shows the active and the previous component, with the forms to swap and roll back.
pub fn component(lang: Lang, session: &Session, name: &str, in_use: Option<&str>, previous: Option<&Version>) -> Markup {
    let in_use = html! { input type="hidden" name="in_use" value=(in_use.unwrap_or_default()); };
    html! {
        details {
            summary { (lang.of("Заменить компонент", "Swap the component")) }
            p.hint {
                (lang.of(
                    "Новый компонент проверяется и заново разбирает последние уведомления; если он обрабатывает их иначе, чем прежний, остаётся прежний.",
                    "A new component is checked, and told the last callbacks again; if it judges them otherwise than the old one, the old one stays.",
                ))
            }
            form method="post" enctype="multipart/form-data" action={ "/operator/providers/" (name) "/component" } {
                (csrf(session))
                (in_use)
                (file(lang))
                button { (lang.of("Проверить и заменить", "Check and swap")) }
            }
        }
        @if let Some(previous) = previous {
            form method="post" action={ "/operator/providers/" (name) "/component/previous" } {
                (csrf(session))
                (in_use)
                p.hint { (lang.of("Прежний компонент: ", "The component before: ")) (version(previous)) }
                button.quiet { (lang.of("Вернуть прежний компонент", "Go back to the component before")) }
            }
        }
    }
}
