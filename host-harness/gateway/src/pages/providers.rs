//! «Платёжные системы»: the components in use, their limits, their status, and people's decisions about them.

use std::collections::BTreeMap;

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use domain::{OpenOrders, ProviderName, Refusals};
use host::{
    ABILITY_FUNCTIONS, ActiveComponent, CALL_RESULTS, FUNCTIONS, Limits, NotLoadedProvider, OTHER, ProviderStatus,
    RemovalError, SettingsState, Stamp, UNKNOWN_ADDRESS, Version,
};
use maud::{Markup, html};

use super::calls::hosts;
use super::component::{FormOutcome, component, file, outcome, version};
use super::layout::{Page, titles};
use super::settings::badge;
use super::text::{self, Clock, DAY_SECONDS, Lang};
use super::{AppState, CsrfForm, FORM_BYTES_MAX, Operator, csrf, provider_titles};
use crate::identifiers;
use crate::problem::Problem;
use crate::sessions::Session;
use crate::shared::{App, blocking};

const ADDRESS: &str = "/operator/providers";

/// The size limit of a form with a component.
pub fn limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(Limits::COMPONENT_BYTES_MAX + FORM_BYTES_MAX)
}

/// The result of the form that is shown on the page.
pub enum Notice {
    Nothing,
    Swapped(Box<FormOutcome>),
    /// The removal must be confirmed.
    Removal(ProviderName, OpenOrders),
}

pub async fn page(State(app): AppState, lang: Lang, Operator(session): Operator) -> Result<Markup, Problem> {
    show(&app, lang, &session, Notice::Nothing).await
}

/// Redirects to the page, without the result of a form.
pub async fn again(_: Operator) -> Redirect {
    Redirect::to(ADDRESS)
}

/// Pauses a provider.
pub async fn pause(
    State(app): AppState,
    Path(name): Path<String>,
    CsrfForm { session, .. }: CsrfForm,
) -> Result<Redirect, Problem> {
    set_paused(&app, name, true, session).await
}

/// Resumes a provider.
pub async fn resume(
    State(app): AppState,
    Path(name): Path<String>,
    CsrfForm { session, .. }: CsrfForm,
) -> Result<Redirect, Problem> {
    set_paused(&app, name, false, session).await
}

async fn set_paused(app: &App, name: String, is_paused: bool, session: Session) -> Result<Redirect, Problem> {
    let name = identifiers::provider(name)?;
    blocking(app, move |app| Ok(app.host.set_paused(&name, is_paused, session.operator)?)).await?;
    Ok(Redirect::to(ADDRESS))
}

/// Removes a provider. Asks first, and shows how many of its orders are open.
pub async fn remove(
    State(app): AppState,
    Path(name): Path<String>,
    lang: Lang,
    CsrfForm { session, fields }: CsrfForm,
) -> Result<Response, Problem> {
    let name = identifiers::provider(name)?;
    let is_confirmed = fields.get("confirm") == "true";
    let (operator, removed) = (session.operator.clone(), name.clone());
    let done = blocking(&app, move |app| {
        // A name that is not in use is refused, and not asked about.
        Ok(match is_confirmed || !app.host.is_in_use(&removed) {
            true => app.host.remove_provider(&removed, is_confirmed, operator),
            false => {
                app.host.open_orders(&removed).map_err(RemovalError::from).and_then(|open| Err(RemovalError::OpenOrders(open)))
            }
        })
    });
    match done.await? {
        Ok(()) => Ok(Redirect::to(ADDRESS).into_response()),
        Err(RemovalError::Failed(error)) => Err(error.into()),
        Err(RemovalError::OpenOrders(open)) => {
            Ok(show(&app, lang, &session, Notice::Removal(name, open)).await?.into_response())
        }
    }
}

pub async fn show(app: &App, lang: Lang, session: &Session, notice: Notice) -> Result<Markup, Problem> {
    let (refusals, previous) = blocking(app, |app| {
        let since = app.now().saturating_sub(DAY_SECONDS);
        Ok((app.host.refusals(since)?, app.host.previous_components()?))
    })
    .await?;
    let content = html! {
        @match &notice {
            Notice::Nothing => {},
            Notice::Swapped(done) => (outcome(app, lang, session, done)),
            Notice::Removal(name, open) => (confirm(lang, session, name, *open)),
        }
        (unknown_addresses(lang, &refusals))
        @for provider in app.host.not_loaded_providers() {
            (not_loaded(app, lang, session, &provider, &refusals, previous.get(&provider.name)))
        }
        @for status in app.host.providers() { (provider(app, lang, session, &status, &refusals, previous.get(&status.name))) }
        (removed(app, lang, &refusals))
        section.card {
            h2 { (lang.of("Добавить платёжную систему", "Add a payment system")) }
            // The result of a swap is shown at another address, so that the form needs an explicit action.
            form method="post" enctype="multipart/form-data" action=(ADDRESS) {
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

/// Asks whether to remove a provider.
fn confirm(lang: Lang, session: &Session, name: &str, open: OpenOrders) -> Markup {
    html! {
        section.card role="alert" {
            @if open.all > 0 {
                p.bad {
                    b { (name) } (lang.of(": неоплаченных заказов — ", ": unpaid orders: ")) (open.all)
                    (lang.of(", из них за последние 7 дней — ", ", of these from the last 7 days: ")) (open.recent) "."
                }
                p {
                    (lang.of(
                        "Платежи по ним ещё могут прийти. После удаления их уведомления не зачисляются: они получают отказ «повторите позже» и хранятся в «Неопознанных». Лучше сначала не предлагать эту платёжную систему и подождать.",
                        "They may still be paid. After the removal their callbacks credit nothing: they are answered «retry later» and are stored under «Unmatched». It is better to pause this payment system first, and to wait.",
                    ))
                }
            } @else {
                p.bad { (lang.of("Удалить платёжную систему ", "Remove the payment system ")) b { (name) } "?" }
                p {
                    (lang.of(
                        "Неоплаченных заказов у неё нет. После удаления через неё нельзя платить, и её уведомления не зачисляются. Чтобы вернуть её, добавьте её компонент под тем же именем.",
                        "It has no unpaid orders. After the removal nobody can pay by it, and its callbacks credit nothing. To use it again, add its component under the same name.",
                    ))
                }
            }
            form method="post" action={ (ADDRESS) "/" (name) "/remove" } {
                (csrf(session))
                input type="hidden" name="confirm" value="true";
                button {
                    @if open.all > 0 { (lang.of("Всё равно удалить ", "Remove anyway: ")) } @else { (lang.of("Удалить ", "Remove ")) }
                    (name)
                }
            }
            p { a href=(ADDRESS) { (lang.of("Не удалять", "Do not remove it")) } }
        }
    }
}

/// Shows the buttons that pause, resume or remove a provider.
fn decisions(app: &App, lang: Lang, session: &Session, name: &str, paused: Option<&Stamp>) -> Markup {
    let clock = Clock::new(app.config.utc_offset_hours);
    html! {
        @if let Some(Stamp { by, at }) = paused {
            p.bad {
                (lang.of("Новые заказы не принимаются: ", "It takes no new orders: ")) (by) ", " (clock.text(*at))
                (lang.of(". Уведомления принимаются как прежде.", ". Its callbacks are taken as before."))
            }
        }
        form.inline method="post" action={ (ADDRESS) "/" (name) @if paused.is_some() { "/resume" } @else { "/pause" } } {
            (csrf(session))
            button.quiet {
                @if paused.is_some() { (lang.of("Снова предлагать", "Offer it again")) }
                @else { (lang.of("Не предлагать", "Do not offer it")) }
            }
        }
        form.inline method="post" action={ (ADDRESS) "/" (name) "/remove" } {
            (csrf(session))
            button.quiet { (lang.of("Удалить", "Remove")) }
        }
    }
}

/// Shows a provider whose component cannot be loaded, and what to do.
fn not_loaded(
    app: &App,
    lang: Lang,
    session: &Session,
    provider: &NotLoadedProvider,
    refusals: &[Refusals],
    previous: Option<&Version>,
) -> Markup {
    let NotLoadedProvider { name, locked, why, paused, .. } = provider;
    html! {
        section.card {
            h2 { (provider_titles::of(app, name)) " " span.badge.bad { (lang.of("не загружена", "not loaded")) } }
            p.bad role="alert" { (why) }
            p {
                (lang.of(
                    "Её уведомления получают ответ 503, и платёжная система пришлёт их снова; остальные платёжные системы работают. Загрузите исправный компонент, верните прежний или положите на место его файл и пошлите процессу SIGHUP.",
                    "Its callbacks hear 503, and the payment system sends them again; the other payment systems work. Swap in a good component, go back to the one before, or put its file back and send SIGHUP to the process.",
                ))
            }
            dl {
                dt { (lang.of("Имя", "Name")) } dd { (name) }
                @if let Some(locked) = locked { dt { (lang.of("Компонент", "Component")) } dd { (version(locked)) } }
            }
            (refused(lang, name, refusals))
            (decisions(app, lang, session, name, paused.as_ref()))
            (component(lang, session, name, locked.as_ref().map(|locked| locked.sha256.as_str()), previous))
        }
    }
}

/// Shows the removed providers, and the callbacks that still arrive for them.
fn removed(app: &App, lang: Lang, refusals: &[Refusals]) -> Markup {
    let clock = Clock::new(app.config.utc_offset_hours);
    let removed = app.host.removed_providers();
    let count = |name: &str| -> u64 {
        refusals.iter().filter(|refusals| refusals.provider == name).map(|refusals| refusals.count).sum()
    };
    html! {
        @if !removed.is_empty() {
            section.card {
                h2 { (lang.of("Удалённые", "Removed")) }
                ul.list {
                    @for one in &removed {
                        li {
                            b { (one.name) } @if !one.title.is_empty() { " (" (one.title) ")" }
                            (lang.of(" — удалил ", ": removed by ")) (one.removed.by) ", " (clock.text(one.removed.at))
                            @if count(&one.name) > 0 {
                                ". " span.bad { (lang.of("Уведомлений за сутки: ", "Callbacks within a day: ")) (count(&one.name)) }
                                (lang.of(", они в «Неопознанных»", ", see «Unmatched»"))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Says what a component can do beside links, callbacks and exports.
fn abilities(lang: Lang, component: &ActiveComponent) -> String {
    let abilities: Vec<&str> = component.abilities().into_iter().map(|ability| text::ability(lang, ability)).collect();
    if abilities.is_empty() { lang.of("ничего", "none").to_owned() } else { abilities.join(", ") }
}

fn provider(
    app: &App,
    lang: Lang,
    session: &Session,
    status: &ProviderStatus,
    refusals: &[Refusals],
    previous: Option<&Version>,
) -> Markup {
    let clock = Clock::new(app.config.utc_offset_hours);
    let component_in_use = &status.component;
    let description = component_in_use.description();
    let limits = component_in_use.limits();
    let facts = [
        (lang.of("Имя", "Name"), status.name.to_string()),
        (lang.of("Компонент", "Component"), format!("{} {}", description.id, description.version)),
        ("SHA-256", component_in_use.sha256().to_owned()),
        (lang.of("Размер", "Size"), format!("{} {}", component_in_use.size_bytes(), lang.of("байт", "bytes"))),
        (lang.of("Контракт", "Contract"), component_in_use.contract().to_owned()),
        (lang.of("Что умеет ещё", "Abilities"), abilities(lang, component_in_use)),
        (
            lang.of("Импорты", "Imports"),
            lang.of("нет: ни сети, ни файлов, ни часов", "none: no network, no files, no clock").to_owned(),
        ),
        (lang.of("Обращается к узлам", "May call"), hosts(lang, &component_in_use.call_hosts())),
        (
            lang.of("Ограничения", "Limits of a call"),
            format!(
                "{} {}, {} {}, {} {}",
                limits.time_max.as_millis(),
                lang.of("мс", "ms"),
                grouped(limits.fuel_max),
                lang.of("условных единиц вычислений", "units of fuel"),
                limits.memory_bytes_max >> 20,
                lang.of("МиБ", "MiB")
            ),
        ),
    ];
    html! {
        section.card {
            h2 {
                (provider_titles::of(app, &status.name)) " " (badge(lang, component_in_use))
                @if status.paused.is_some() { " " span.badge { (lang.of("не предлагается", "not offered")) } }
            }
            @if let SettingsState::Rejected(why) = component_in_use.state() { p.bad { (why) } }
            @if app.host.is_caller_unknown(&status.name, component_in_use) { p.bad { (caller_unknown(lang)) } }
            dl { @for (name, value) in facts { dt { (name) } dd { (value) } } }
            p {
                (lang.of("Последнее принятое уведомление: ", "The last accepted callback: "))
                (status.last_accepted_at.map_or_else(|| lang.of("не было с запуска", "none since the start").to_owned(), |at| clock.text(at)))
            }
            (refused(lang, &status.name, refusals))
            (calls(app, lang, &status.name))
            @if let Some(failure) = &status.failure {
                p.bad { (lang.of("Последний сбой: ", "The last failure: ")) (clock.text(failure.at)) " " (failure.message) }
            }
            p { a href={ "/operator/settings/" (status.name) } { (lang.of("Настройки", "Settings")) } }
            (decisions(app, lang, session, &status.name, status.paused.as_ref()))
            (component(lang, session, &status.name, Some(component_in_use.sha256()), previous))
        }
    }
}

fn caller_unknown(lang: Lang) -> &'static str {
    lang.of(
        "Уведомления не принимаются: протокол этой платёжной системы ничем не подтверждает, что их прислала она. Администратор должен указать при запуске, кто может их присылать: адреса (--callback-from), имя и пароль (--callback-credentials) или клиентский сертификат (--callback-certificate).",
        "No callbacks are taken: nothing in this payment system's protocol proves that it sent them. The administrator must say at the start who may send them: by address (--callback-from), user name and password (--callback-credentials) or client certificate (--callback-certificate).",
    )
}

/// Shows the last day's callbacks to addresses without a provider: the payment system may have a wrong address.
fn unknown_addresses(lang: Lang, refusals: &[Refusals]) -> Markup {
    let mut by_address: BTreeMap<&str, u64> = BTreeMap::new();
    for refusals in refusals.iter().filter(|refusals| refusals.code == UNKNOWN_ADDRESS) {
        *by_address.entry(&refusals.provider).or_default() += refusals.count;
    }
    html! {
        @if !by_address.is_empty() {
            section.card {
                h2 { (lang.of("Уведомления на неизвестные адреса за сутки", "Callbacks to unknown addresses within a day")) }
                p.hint {
                    (lang.of(
                        "Такой платёжной системы здесь нет, ответ — 404. Если адрес похож на ваш, исправьте его в личном кабинете платёжной системы: он чувствителен к регистру.",
                        "There is no such payment system here; the answer is 404. Where an address resembles yours, correct it at the payment system: capitals matter.",
                    ))
                }
                ul {
                    @for (address, count) in by_address {
                        li { b { (count) } " — " @if address == OTHER { (lang.of("другие", "others")) } @else { code.words { "/callbacks/" (address) } } }
                    }
                }
            }
        }
    }
}

/// Shows the last day's refused callbacks by code, and what to do about them.
fn refused(lang: Lang, name: &str, refusals: &[Refusals]) -> Markup {
    let mut by_code: BTreeMap<&str, u64> = BTreeMap::new();
    for refusals in refusals.iter().filter(|refusals| refusals.provider == name) {
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

/// Shows calls and errors since the start; of the abilities, the functions that were called.
fn calls(app: &App, lang: Lang, name: &str) -> Markup {
    let results = [
        lang.of("успешно", "ok"),
        lang.of("отказ", "problem"),
        lang.of("предел", "limit"),
        lang.of("сбой", "crash"),
        lang.of("нарушение протокола", "broken contract"),
    ];
    let count = |function, result| app.metrics.calls_of(name, function, result);
    let is_called = |function| CALL_RESULTS.iter().any(|result| count(function, result) > 0);
    let functions = FUNCTIONS.into_iter().chain(ABILITY_FUNCTIONS.into_iter().filter(|function| is_called(function)));
    html! {
        table {
            thead { tr { th { (lang.of("Вызовов с момента запуска", "Calls since the start")) } @for result in results { th.amount { (result) } } } }
            tbody {
                @for function in functions {
                    tr {
                        td data-label=(lang.of("Вызов", "Call")) { (function) }
                        @for (label, result) in results.iter().zip(CALL_RESULTS) {
                            td.amount data-label=(label) { (count(function, result)) }
                        }
                    }
                }
            }
        }
    }
}

/// Formats a number with thousands separators: `10 000 000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let is_group = |at: usize| at > 0 && (digits.len() - at).is_multiple_of(3);
    let apart = digits.char_indices().flat_map(|(at, digit)| is_group(at).then_some('\u{a0}').into_iter().chain([digit]));
    apart.collect()
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1\u{a0}000"), (10_000_000, "10\u{a0}000\u{a0}000")] {
            assert_eq!(grouped(number), text);
        }
    }
}
