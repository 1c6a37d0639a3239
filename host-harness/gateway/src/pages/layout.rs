//! The layout of all pages.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{DOCTYPE, Markup, html};

use super::text::Lang;
use super::{LANGUAGE_COOKIE, csrf, set_cookie};
use crate::App;
use crate::sessions::Session;

const YEAR_SECONDS: u64 = 365 * 24 * 3600;

/// A page to be rendered.
pub struct Page<'p> {
    lang: Lang,
    title: &'p str,
    session: Option<&'p Session>,
    /// After how many seconds a browser without scripts reloads the page.
    refresh: Option<u64>,
    /// A script of this page only.
    script: Option<&'p str>,
}

impl<'p> Page<'p> {
    /// Creates a page without an operator's menu.
    pub fn plain(lang: Lang, title: &'p str) -> Page<'p> {
        Page { lang, title, session: None, refresh: None, script: None }
    }

    /// Creates a page for an operator.
    pub fn operators(lang: Lang, title: &'p str, session: &'p Session) -> Page<'p> {
        Page { session: Some(session), ..Page::plain(lang, title) }
    }

    /// Reloads the page after this many seconds if the browser runs no scripts, at the same address, so that the history does
    /// not change.
    pub fn refreshed(self, seconds: Option<u64>) -> Page<'p> {
        Page { refresh: seconds, ..self }
    }

    /// Adds a script.
    pub fn with_script(self, address: &'p str) -> Page<'p> {
        Page { script: Some(address), ..self }
    }

    /// Renders the page.
    pub fn show(self, content: &Markup) -> Markup {
        let Page { lang, title, session, refresh, script } = self;
        html! {
            (DOCTYPE)
            html lang=(lang.tag()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    @if let Some(seconds) = refresh { noscript { meta http-equiv="refresh" content=(seconds); } }
                    title { (title) }
                    link rel="icon" href="data:,";
                    link rel="stylesheet" href="/assets/style.css";
                    script src="/assets/copy.js" defer {}
                    @if let Some(script) = script { script src=(script) defer {} }
                }
                body {
                    header {
                        @if let Some(session) = session { (navigation(lang, title, session)) }
                        (languages(lang))
                    }
                    main { h1 { (title) } @if session.is_some_and(Session::take_lost_form) { (lost_form(lang)) } (content) }
                }
            }
        }
    }
}

/// Says that the form which an operator sent before the login did nothing.
fn lost_form(lang: Lang) -> Markup {
    html! {
        p.bad role="alert" {
            (lang.of(
                "По форме, которую вы отправили перед входом, ничего не сделано: сеанс уже закончился. Сделайте это ещё раз.",
                "Nothing was done of the form that you sent before the login: the session had ended. Do it again.",
            ))
        }
    }
}

fn navigation(lang: Lang, title: &str, session: &Session) -> Markup {
    let pages = [
        ("/operator/statistics", titles::statistics(lang), lang.of("Статистика", "Statistics")),
        ("/operator/unmatched", titles::unmatched(lang), lang.of("Неопознанные", "Unmatched")),
        ("/operator/operations", titles::operations(lang), lang.of("Операции", "Operations")),
        ("/operator/decisions", titles::decisions(lang), lang.of("Решения", "Decisions")),
        ("/operator/export", titles::export(lang), lang.of("Выгрузка в 1С", "Export")),
        ("/operator/settings", titles::settings(lang), lang.of("Настройки", "Settings")),
        ("/operator/providers", titles::providers(lang), lang.of("Платёжные системы", "Payment systems")),
        ("/operator/calls", titles::calls(lang), lang.of("Обращения", "Calls")),
    ];
    html! {
        nav {
            @for (address, page, name) in pages {
                a href=(address) title=(page) aria-current=[(page == title).then_some("page")] { (name) }
            }
        }
        form.inline method="post" action="/operator/logout" {
            (csrf(session))
            span.hint { (session.operator) }
            button.quiet { (lang.of("Выйти", "Log out")) }
        }
    }
}

/// Returns the link to the other language.
fn languages(lang: Lang) -> Markup {
    match lang {
        Lang::Ru => html! { a.hint href="/language/en" lang="en" { "English" } },
        Lang::En => html! { a.hint href="/language/ru" lang="ru" { "По-русски" } },
    }
}

/// Stores the reader's choice of language in a cookie, and redirects back.
pub async fn choose(State(app): State<App>, Path(language): Path<String>, headers: HeaderMap) -> Response {
    let language = if language == "en" { "en" } else { "ru" };
    let back = headers.get(header::REFERER).and_then(|value| value.to_str().ok());
    let back = back
        .and_then(|back| back.strip_prefix(&app.config.public_url))
        // Browsers treat a backslash as a slash, and two slashes begin another host.
        .filter(|path| path.starts_with('/') && !path.starts_with("//") && !path.contains('\\'));
    (set_cookie(&app, LANGUAGE_COOKIE, language, "/", YEAR_SECONDS), Redirect::to(back.unwrap_or("/"))).into_response()
}

/// The titles of pages.
pub mod titles {
    use super::Lang;

    pub fn statistics(lang: Lang) -> &'static str {
        lang.of("Статистика платежей и списаний", "Payments and write-offs")
    }

    pub fn unmatched(lang: Lang) -> &'static str {
        lang.of("Неопознанные платежи", "Unmatched payments")
    }

    pub fn decisions(lang: Lang) -> &'static str {
        lang.of("Решения сотрудников", "Operators' decisions")
    }

    pub fn operations(lang: Lang) -> &'static str {
        lang.of("Операции", "Operations")
    }

    pub fn payment(lang: Lang) -> &'static str {
        lang.of("Платёж", "Payment")
    }

    pub fn corrections(lang: Lang) -> &'static str {
        lang.of("Корректировка", "Correction")
    }

    pub fn export(lang: Lang) -> &'static str {
        lang.of("Выгрузка в 1С", "Export for 1C")
    }

    pub fn settings(lang: Lang) -> &'static str {
        lang.of("Настройка платёжных систем", "Payment systems' settings")
    }

    pub fn calls(lang: Lang) -> &'static str {
        lang.of("Обращения к платёжным системам", "Calls to payment systems")
    }

    pub fn providers(lang: Lang) -> &'static str {
        lang.of("Платёжные системы", "Payment systems")
    }
}
