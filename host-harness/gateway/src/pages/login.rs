//! The way in for operators, and out.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use subtle::ConstantTimeEq;

use super::layout::Page;
use super::text::Lang;
use super::{AppState, CSRF, Fields, Posted, SESSION_COOKIE, cookie, set_cookie};
use crate::operators::{SESSION_SECONDS, is_password, kept, random};
use crate::problem::Problem;
use crate::run::Peer;
use crate::{App, blocking, now};

/// The login form's own mark: nobody else's form logs an operator in.
const LOGIN_COOKIE: &str = "login";
const LOGIN_SECONDS: u64 = 3600;

pub async fn page(State(app): AppState, lang: Lang) -> Result<Response, Problem> {
    form(&app, lang, None)
}

fn form(app: &App, lang: Lang, wrong: Option<&str>) -> Result<Response, Problem> {
    let mark = random()?;
    let page = Page::plain(lang, lang.of("Вход для оператора", "Operator's login"));
    let shown = page.show(&fields(lang, &mark, wrong));
    Ok((set_cookie(app, LOGIN_COOKIE, &mark, "/operator/login", LOGIN_SECONDS), shown).into_response())
}

fn fields(lang: Lang, mark: &str, wrong: Option<&str>) -> Markup {
    html! {
        @if let Some(wrong) = wrong { p.bad role="alert" { (wrong) } }
        form.card method="post" action="/operator/login" {
            input type="hidden" name=(CSRF) value=(mark);
            label { (lang.of("Имя", "Name")) input name="operator" autocomplete="username" required autofocus; }
            label { (lang.of("Пароль", "Password")) input type="password" name="password" autocomplete="current-password" required; }
            button { (lang.of("Войти", "Log in")) }
        }
        p.hint {
            (lang.of("Пароль задаётся на сервере: ", "A password is set on the server: "))
            code { "host-harness operator NAME --data DIR" }
        }
    }
}

pub async fn log_in(State(app): AppState, lang: Lang, peer: Peer, request: Request) -> Result<Response, Problem> {
    let address = app.guard.address(request.headers(), peer.0);
    app.guard.login(address)?;
    let mark = cookie(request.headers(), LOGIN_COOKIE).unwrap_or_default().to_owned();
    let fields = Fields::read(request).await?;
    let is_own: bool = mark.as_bytes().ct_eq(fields.get(CSRF).as_bytes()).into();
    if mark.is_empty() || !is_own {
        return Err(Problem::new(StatusCode::FORBIDDEN, "the form is too old or not this page's; open the page again"));
    }
    let operator = fields.get("operator").to_owned();
    // As it was typed: spaces may be part of it.
    let password = fields.0.iter().find(|(name, _)| name == "password").map(|(_, value)| value.clone()).unwrap_or_default();
    let name = operator.clone();
    let one_at_a_time = app.hashing.acquire().await;
    let kept = blocking(&app, move |app| {
        let kept = kept(&app.ledger, &name)?;
        let is_right = is_password(kept.as_deref(), &password)?;
        Ok(kept.filter(|_| is_right))
    });
    let kept = kept.await?;
    drop(one_at_a_time);
    let Some(kept) = kept else {
        tracing::warn!(%address, "a login was refused");
        let wrong = lang.of("Имя или пароль неверны.", "The name or the password is wrong.");
        return Ok((StatusCode::FORBIDDEN, form(&app, lang, Some(wrong))?).into_response());
    };
    tracing::info!(operator, %address, "an operator logged in");
    let token = app.sessions.begin(operator, kept, now())?;
    let headers = set_cookie(&app, SESSION_COOKIE, &token, "/", SESSION_SECONDS);
    Ok((headers, Redirect::to("/operator/statistics")).into_response())
}

pub async fn log_out(State(app): AppState, headers: HeaderMap, posted: Posted) -> Response {
    if let Some(token) = cookie(&headers, SESSION_COOKIE) {
        app.sessions.end(token);
    }
    tracing::info!(operator = posted.session.operator, "an operator logged out");
    (set_cookie(&app, SESSION_COOKIE, "", "/", 0), Redirect::to("/operator/login")).into_response()
}
