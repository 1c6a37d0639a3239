//! Login and logout of operators.

use std::net::IpAddr;

use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use host::{network_of, operators::verify_password};
use maud::{Markup, html};
use subtle::ConstantTimeEq;

use super::destination::Destination;
use super::layout::Page;
use super::text::Lang;
use super::{AppState, CSRF, CsrfForm, Fields, SESSION_COOKIE, cookie, set_cookie};
use crate::guard::too_many;
use crate::peer::Peer;
use crate::problem::Problem;
use crate::sessions::{SESSION_SECONDS, random};
use crate::shared::{App, blocking};

/// The cookie with the login form's own CSRF token: no other site's form can log an operator in.
const LOGIN_COOKIE: &str = "login";
const LOGIN_SECONDS: u64 = 3600;

pub async fn page(State(app): AppState, lang: Lang, Query(destination): Query<Destination>) -> Result<Response, Problem> {
    form(&app, lang, &destination, None)
}

fn form(app: &App, lang: Lang, destination: &Destination, wrong: Option<&str>) -> Result<Response, Problem> {
    let mark = random()?;
    let page = Page::plain(lang, lang.of("Вход для оператора", "Operator's login"));
    let shown = page.show(&fields(lang, &mark, destination, wrong));
    Ok((set_cookie(app, LOGIN_COOKIE, &mark, "/operator/login", LOGIN_SECONDS), shown).into_response())
}

fn fields(lang: Lang, mark: &str, destination: &Destination, wrong: Option<&str>) -> Markup {
    html! {
        @if destination.is_form_lost() {
            p.bad role="alert" {
                (lang.of(
                    "Сеанс закончился раньше, чем вы отправили форму: по ней ничего не сделано. Войдите, и программа вернёт вас на ту же страницу.",
                    "The session had ended before you sent the form: nothing was done of it. Log in, and you are back on its page.",
                ))
            }
        }
        @if let Some(wrong) = wrong { p.bad role="alert" { (wrong) } }
        form.card method="post" action="/operator/login" {
            input type="hidden" name=(CSRF) value=(mark);
            (destination.fields())
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
    let mark = cookie(request.headers(), LOGIN_COOKIE).unwrap_or_default().to_owned();
    let fields = Fields::read(request).await?;
    let csrf_matches: bool = mark.as_bytes().ct_eq(fields.get(CSRF).as_bytes()).into();
    if mark.is_empty() || !csrf_matches {
        return Err(Problem::new(StatusCode::FORBIDDEN, "the form has expired; open the page again"));
    }
    let destination = Destination::sent(&fields);
    let operator = fields.get("operator").to_owned();
    // As it was typed: spaces may be part of it.
    let password = fields.0.iter().find(|(name, _)| name == "password").map(|(_, value)| value.clone()).unwrap_or_default();
    let Some(kept) = verify(&app, operator.clone(), password, address).await? else {
        tracing::warn!(%address, "a login attempt failed");
        let wrong = lang.of("Имя или пароль неверны.", "The name or the password is wrong.");
        return Ok((StatusCode::FORBIDDEN, form(&app, lang, &destination, Some(wrong))?).into_response());
    };
    tracing::info!(operator, %address, "an operator logged in");
    let token = app.sessions.begin(operator, kept, destination.is_form_lost(), app.now())?;
    let headers = set_cookie(&app, SESSION_COOKIE, &token, "/", SESSION_SECONDS);
    Ok((headers, destination.go()).into_response())
}

/// Returns the stored hash of an operator's password, if the password is right. An attempt must be due (`logins.rs`), and only
/// few wait for their hash, except those of operators who logged in from the address before.
async fn verify(app: &App, name: String, password: String, address: IpAddr) -> Result<Option<String>, Problem> {
    let busy = || {
        let detail = "too many logins at once; try again";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).with_retry_after(1)
    };
    let network = network_of(address);
    let attempt = name.clone();
    let begun = blocking(app, move |app| {
        let is_known = app.host.known_addresses(&attempt)?.contains(&network);
        app.logins.begin(&attempt, address, is_known, app.now()).map_err(too_many)?;
        Ok((is_known, app.host.stored_password_hash(&attempt)?))
    });
    let (is_known, kept) = begun.await?;
    let _place = match is_known {
        true => None,
        false => Some(app.hashing.place().ok_or_else(busy)?),
    };
    let compared = kept.clone();
    if !app.hashing.run(move |memory| verify_password(compared.as_deref(), &password, memory)).await?? {
        return Ok(None);
    }
    blocking(app, move |app| {
        app.logins.succeed(&name, address);
        app.host.remember_address(&name, network)?;
        Ok(kept)
    })
    .await
}

pub async fn log_out(State(app): AppState, headers: HeaderMap, posted: CsrfForm) -> Response {
    if let Some(token) = cookie(&headers, SESSION_COOKIE) {
        app.sessions.end(token);
    }
    tracing::info!(operator = posted.session.operator, "an operator logged out");
    (set_cookie(&app, SESSION_COOKIE, "", "/", 0), Redirect::to("/operator/login")).into_response()
}
