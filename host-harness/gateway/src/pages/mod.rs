//! Pages for people, rendered on the server. All of them work without JavaScript.

mod amount;
mod another_order;
pub mod cabinet;
mod callbacks;
mod calls;
mod chart;
mod component;
mod confirm;
mod corrections;
mod decisions;
mod destination;
mod ended;
mod exclusions;
mod export;
mod layout;
mod login;
mod occurred;
mod operation;
mod operations;
pub mod order;
mod order_payments;
mod payment;
mod provider_titles;
mod providers;
mod qr;
mod requisites;
mod restorations;
mod returns;
mod settings;
mod statistics;
mod statistics_file;
mod swap;
mod text;
mod unmatched;
mod unpaid_orders;
mod waiting;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, FromRequestParts, Multipart, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use cookie::{Cookie, SameSite};
use host::Limits;
use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use tokio_stream::StreamExt as _;

use crate::problem::{ErrorPage, Problem};
use crate::reply::catch_panics;
use crate::sessions::Session;
use crate::shared::{App, blocking};
use destination::Destination;
use layout::Page;
use text::Lang;

const STYLE: &str = include_str!("../assets/style.css");
const SCRIPT: &str = include_str!("../assets/copy.js");
const ORDER_SCRIPT: &str = include_str!("../assets/order.js");

/// The cookies of the operator's session and of the reader's language.
const SESSION_COOKIE: &str = "session";
const LANGUAGE_COOKIE: &str = "language";
/// The name of the field with a form's CSRF token.
const CSRF: &str = "csrf";
/// The largest form that is read, in bytes.
const FORM_BYTES_MAX: usize = 64 << 10;

/// How long to read a refused form to its end.
const PASSED_OVER_TIME_MAX: Duration = Duration::from_secs(10);

/// The characters that are encoded in a segment of a path.
const ENCODED_IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

/// Allows no content from elsewhere, no inline script or style, and no frame around a page.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub fn router(app: &App) -> Router<App> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/operator/statistics") }))
        .route("/operator", get(|| async { Redirect::to("/operator/statistics") }))
        .route("/operator/login", get(login::page).post(login::log_in))
        .route("/operator/logout", post(login::log_out))
        .route("/operator/settings", get(settings::all))
        .route("/operator/settings/{provider}", get(settings::page).post(settings::save))
        // The result of a form is shown at the form's address. A GET of that address, as from the language switch, shows the
        // page.
        .route("/operator/settings/{provider}/check", get(settings::again).post(settings::check))
        .route("/operator/statistics", get(statistics::page))
        .route("/operator/statistics.csv", get(statistics_file::csv))
        .route("/operator/accounts/{account}/cabinet", get(statistics::again).post(cabinet::open_as_operator))
        .route("/operator/unmatched", get(unmatched::page))
        .route("/operator/unmatched/{id}", get(unmatched::one).post(unmatched::resolve))
        .route("/operator/unrecognized/{id}", get(callbacks::to_list).post(callbacks::acknowledge_one))
        .route("/operator/unrecognized/{id}/judge", get(callbacks::to_list).post(callbacks::judge))
        .route("/operator/contradictions/{id}", get(callbacks::to_list).post(callbacks::acknowledge_contradicting))
        .route("/operator/acknowledged", get(callbacks::acknowledged))
        .route("/operator/unrecognized/{id}/reopen", get(callbacks::to_list).post(callbacks::reopen_one))
        .route("/operator/contradictions/{id}/reopen", get(callbacks::to_list).post(callbacks::reopen_contradicting))
        .route("/operator/decisions", get(decisions::page))
        .route("/operator/decisions/{id}/undo", get(decisions::again).post(decisions::undo))
        .route("/operator/operations", get(operations::page))
        .route("/operator/operations/{id}/decision", get(operations::again).post(operations::decide))
        .route("/operator/operations/{id}/retry", get(operations::again).post(operations::retry))
        .route("/operator/operations/{id}/withdraw", get(operations::again).post(operations::withdraw))
        .route("/operator/operations/restorations/{id}", get(operations::again).post(restorations::compare))
        .route("/operator/payments/{payment}", get(payment::page))
        .route("/operator/payments/{payment}/refund", get(payment::again).post(payment::refund_payment))
        .route("/operator/corrections", get(corrections::page).post(corrections::enter))
        .route("/operator/corrections/change", get(corrections::again).post(corrections::change))
        .route("/operator/export", get(export::page).post(export::make))
        .route("/operator/export/seller", get(exclusions::to_page).post(export::put_seller))
        .route("/operator/export/exclusions", get(exclusions::to_page).post(exclusions::exclude))
        .route("/operator/export/exclusions/undo", get(exclusions::to_page).post(exclusions::include))
        .route("/operator/export/files/{name}", get(export::file))
        .route("/operator/calls", get(calls::page))
        .route("/operator/providers", get(providers::page).post(swap::add).layer(providers::limit()))
        .route("/operator/providers/{provider}/component", get(providers::again).post(swap::swap).layer(providers::limit()))
        .route("/operator/providers/{provider}/component/accepted", get(providers::again).post(swap::swap_accepted))
        .route("/operator/providers/{provider}/component/previous", get(providers::again).post(swap::back))
        .route("/operator/providers/{provider}/pause", get(providers::again).post(providers::pause))
        .route("/operator/providers/{provider}/resume", get(providers::again).post(providers::resume))
        .route("/operator/providers/{provider}/remove", get(providers::again).post(providers::remove))
        .route("/cabinet", get(cabinet::page).post(returns::by_post))
        .route("/cabinet/", get(cabinet::page).post(returns::by_post))
        .route("/cabinet/enter/{token}", get(cabinet::enter).post(cabinet::enter_instead))
        .route("/cabinet/leave", get(cabinet::left).post(cabinet::leave))
        // After an invalid amount, the cabinet is shown at this address.
        .route("/cabinet/orders", get(|| async { Redirect::to("/cabinet") }).post(cabinet::top_up))
        .route("/cabinet/orders/{token}", get(order::page).post(order::return_from_payment))
        .route("/cabinet/orders/{token}/returned", get(order::returned).post(order::return_from_payment))
        .route("/cabinet/orders/{token}/failed", get(order::failed).post(order::return_from_failed_payment))
        .route("/cabinet/orders/{token}/again", get(order::back_to_page).post(another_order::again))
        .route("/operator/{*rest}", get(crate::problem::not_found))
        .route("/cabinet/{*rest}", get(crate::problem::not_found))
        .route("/language/{language}", get(layout::choose))
        .route("/assets/style.css", get(|| async { asset("text/css; charset=utf-8", STYLE) }))
        .route("/assets/copy.js", get(|| async { asset("text/javascript; charset=utf-8", SCRIPT) }))
        .route("/assets/order.js", get(|| async { asset("text/javascript; charset=utf-8", ORDER_SCRIPT) }))
        // Also inside the page middleware, so that a panic is answered with a page.
        .layer(catch_panics())
        .layer(axum::middleware::from_fn_with_state(app.clone(), page_middleware))
}

fn asset(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "max-age=3600")], text)
}

/// Gives every page its headers, and turns every problem into a page.
async fn page_middleware(lang: Lang, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if is_bare(&response) {
        // axum answers an invalid path with a message of its own.
        response = crate::problem::not_found().await.into_response();
    }
    if let Some(shown) = response.extensions().get::<ErrorPage>().cloned() {
        let status = response.status();
        let page = Page::plain(lang, lang.of("Ошибка", "Something went wrong"));
        let retry_after = response.headers_mut().remove(header::RETRY_AFTER);
        response = (status, page.show(&problem(lang, status, &shown, retry_after.as_ref()))).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        // For the log.
        response.extensions_mut().insert(shown);
    }
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    // An address in the cabinet identifies the subscriber, and must not be sent to other sites.
    set(header::REFERRER_POLICY, "same-origin");
    set(header::CACHE_CONTROL, "no-store");
    response
}

/// Reports whether a response is axum's own plain-text error about an invalid path.
fn is_bare(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    response.status() == StatusCode::BAD_REQUEST
        && kind.starts_with("text/plain")
        && response.extensions().get::<ErrorPage>().is_none()
}

fn problem(lang: Lang, status: StatusCode, shown: &ErrorPage, retry_after: Option<&HeaderValue>) -> Markup {
    let seconds = retry_after.and_then(|value| value.to_str().ok());
    html! {
        p.bad role="alert" {
            (match status {
                StatusCode::SERVICE_UNAVAILABLE => lang.of(
                    "Сейчас это невозможно; ничего не потеряно. Попробуйте ещё раз.",
                    "It is not possible now; nothing is lost. Try again.",
                ),
                StatusCode::NOT_FOUND => lang.of("Не найдено.", "Not found."),
                StatusCode::TOO_MANY_REQUESTS => lang.of("Слишком много попыток.", "Too many attempts."),
                _ => lang.of("Запрос не выполнен.", "The request failed."),
            })
        }
        @if let Some(seconds) = seconds {
            p { (lang.of("Повторить можно через ", "Try again in ")) b { (seconds) (lang.of(" с", " s")) } "." }
        }
        p.hint { (text::sentence(lang, shown.sentence(lang == Lang::Ru))) }
        @for problem in &shown.problems {
            p.hint { @if let Some(field) = &problem.field { b { (field) } ": " } (problem.message) }
        }
    }
}

/// Returns a cookie's value.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let headers = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    headers.flat_map(Cookie::split_parse).flatten().find(|cookie| cookie.name() == name)?.value_raw()
}

/// Returns the header for a cookie that scripts cannot read and that is not sent with another site's form.
fn set_cookie(app: &App, name: &str, value: &str, path: &str, seconds: u64) -> HeaderMap {
    let is_secure = app.config.public_url.starts_with("https:");
    let value = HeaderValue::try_from(cookie_text(is_secure, name, value, path, seconds)).ok();
    value.map(|value| (header::SET_COOKIE, value)).into_iter().collect()
}

fn cookie_text(is_secure: bool, name: &str, value: &str, path: &str, seconds: u64) -> String {
    let cookie = Cookie::build((name, value)).path(path).max_age(time::Duration::seconds(seconds.cast_signed()));
    cookie.http_only(true).same_site(SameSite::Lax).secure(is_secure).to_string()
}

/// The operator who requests a page.
pub struct Operator(pub Session);

impl FromRequestParts<App> for Operator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Operator, Response> {
        let session = cookie(&parts.headers, SESSION_COOKIE).and_then(|token| app.sessions.of(token, app.now()));
        let out = || Destination::of(parts).log_in();
        let session = session.ok_or_else(out)?;
        let name = session.operator.clone();
        let kept = blocking(app, move |app| Ok(app.host.stored_password_hash(&name)?)).await;
        let kept = kept.map_err(Problem::into_response)?;
        if kept.as_ref() == Some(&session.kept) { Ok(Operator(session)) } else { Err(out()) }
    }
}

/// The fields of a form.
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Returns a field's text without surrounding spaces; empty if it is absent.
    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value.trim())
    }

    /// Returns all fields with this name.
    fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.trim())
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(other, _)| other == name)
    }

    /// Returns a field's text as it was sent, with surrounding spaces.
    fn as_sent(&self, name: &str) -> &str {
        self.0.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }

    async fn read(request: Request) -> Result<Fields, Problem> {
        let mut chunks = request.into_body().into_data_stream();
        let mut form = Vec::new();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| Problem::late(&error).unwrap_or_else(incomplete))?;
            form.extend_from_slice(&chunk);
            if form.len() > FORM_BYTES_MAX {
                drain_body(Body::from_stream(chunks)).await;
                return Err(too_large());
            }
        }
        Ok(Fields(form_urlencoded::parse(&form).into_owned().collect()))
    }
}

fn incomplete() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "the form was cut off; send it again")
        .in_russian("Форма пришла не целиком. Отправьте её ещё раз.")
}

fn too_large() -> Problem {
    let detail = "the form is larger than 64 KiB, and nothing of it was saved; shorten its longest text and send it again";
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
        .in_russian("Форма больше 64 КиБ, ничего из неё не сохранено. Сократите самый длинный текст и отправьте её ещё раз.")
}

/// A form with the CSRF token of the operator's session.
pub struct CsrfForm {
    session: Session,
    fields: Fields,
}

impl FromRequest<App> for CsrfForm {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<CsrfForm, Response> {
        let (mut parts, body) = request.into_parts();
        let Operator(session) = Operator::from_request_parts(&mut parts, app).await?;
        require_own_site(&parts.headers, &app.config.public_url).map_err(Problem::into_response)?;
        let fields = Fields::read(Request::from_parts(parts, body)).await.map_err(Problem::into_response)?;
        own(&session, &fields).map_err(Problem::into_response)?;
        Ok(CsrfForm { session, fields })
    }
}

/// An uploaded file, with the form's fields before it and the CSRF token of the operator's session.
pub struct CsrfUpload {
    session: Session,
    fields: Fields,
    bytes: Vec<u8>,
}

/// The name of the field with the file.
const FILE: &str = "file";

impl FromRequest<App> for CsrfUpload {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<CsrfUpload, Response> {
        let (mut parts, body) = request.into_parts();
        let Operator(session) = match Operator::from_request_parts(&mut parts, app).await {
            Ok(operator) => operator,
            Err(out) => {
                drain_body(body).await;
                return Err(out);
            }
        };
        if let Err(foreign) = require_own_site(&parts.headers, &app.config.public_url) {
            drain_body(body).await;
            return Err(foreign.into_response());
        }
        let form = Multipart::from_request(Request::from_parts(parts, body), app).await.map_err(IntoResponse::into_response)?;
        let read = CsrfUpload::read(session, form).await;
        read.map_err(Problem::into_response)
    }
}

impl CsrfUpload {
    async fn read(session: Session, mut form: Multipart) -> Result<CsrfUpload, Problem> {
        let unreadable = |error: MultipartError| Problem::unread_upload(error.status(), &error);
        let mut fields = Fields(Vec::new());
        while let Some(field) = form.next_field().await.map_err(unreadable)? {
            let name = field.name().unwrap_or_default().to_owned();
            if name != FILE {
                fields.0.push((name, field.text().await.map_err(unreadable)?));
                continue;
            }
            if let Err(foreign) = own(&session, &fields) {
                drop(field);
                while let Ok(Some(_)) = form.next_field().await {}
                return Err(foreign);
            }
            let bytes = field.bytes().await.map_err(unreadable)?.into();
            return Ok(CsrfUpload { session, fields, bytes });
        }
        Err(Problem::new(StatusCode::BAD_REQUEST, "the form has no file"))
    }
}

/// Reads the body of a refused upload to its end and discards it: a browser whose connection is closed while it sends shows no
/// answer.
async fn drain_body(body: Body) {
    let mut chunks = body.into_data_stream();
    let all = async {
        let mut bytes = 0;
        while let Some(Ok(chunk)) = chunks.next().await {
            bytes += chunk.len();
            if bytes > Limits::COMPONENT_BYTES_MAX + FORM_BYTES_MAX {
                break;
            }
        }
    };
    drop(tokio::time::timeout(PASSED_OVER_TIME_MAX, all).await);
}

/// Refuses a form that a browser sends from a page of another site, even with a token that this one leaked. A browser says so by
/// `Sec-Fetch-Site` or, over plain HTTP or before 2023, by `Origin` alone; what is no browser says neither.
fn require_own_site(headers: &HeaderMap, public_url: &str) -> Result<(), Problem> {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let is_same_site = match text(HeaderName::from_static("sec-fetch-site")) {
        Some(site) => matches!(site, "same-origin" | "none"),
        None => text(header::ORIGIN).is_none_or(|origin| {
            // A web server may pass the requests on under another name, and then the public address decides.
            let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
            origin.eq_ignore_ascii_case(public_url)
                || (!authority.is_empty() && text(header::HOST).is_some_and(|host| host.eq_ignore_ascii_case(authority)))
        }),
    };
    let detail = "the form was sent from a page of another site; open the page of this host and send it from there";
    let foreign = || {
        Problem::new(StatusCode::FORBIDDEN, detail)
            .in_russian("Форма отправлена со страницы другого сайта. Откройте страницу этой программы и отправьте её оттуда.")
    };
    if is_same_site { Ok(()) } else { Err(foreign()) }
}

/// Checks that a form has the CSRF token of the session.
fn own(session: &Session, fields: &Fields) -> Result<(), Problem> {
    let detail = "the form belongs to an earlier login; open the page again";
    let foreign = || {
        Problem::new(StatusCode::FORBIDDEN, detail)
            .in_russian("Форма открыта до нового входа или не на этой странице. Откройте страницу заново и повторите.")
    };
    if session.csrf_matches(fields.get(CSRF)) { Ok(()) } else { Err(foreign()) }
}

/// Returns the form field with the CSRF token of the session.
fn csrf(session: &Session) -> Markup {
    html! { input type="hidden" name=(CSRF) value=(session.csrf); }
}

/// Encodes a segment of a path.
fn path_segment(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, ENCODED_IN_PATH)
}

type AppState = State<App>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_an_account_is_one_piece_of_a_path() {
        assert_eq!(path_segment("a/b ?#ё~+%*-._9").to_string(), "a%2Fb%20%3F%23%D1%91%7E%2B%25*-._9");
    }

    #[test]
    fn a_cookie_is_for_no_script_and_no_other_sites_form() {
        let kept = cookie_text(true, "session", "a_b-9", "/", 43_200);
        assert_eq!(kept, "session=a_b-9; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=43200");
        let left = cookie_text(false, "cabinet", "", "/cabinet", 0);
        assert_eq!(left, "cabinet=; HttpOnly; SameSite=Lax; Path=/cabinet; Max-Age=0");
    }

    #[test]
    fn a_form_of_another_site_is_refused() {
        let is_same_site = |lines: &[(&'static str, &'static str)]| {
            let pair =
                |(name, value): &(&'static str, &'static str)| (HeaderName::from_static(name), HeaderValue::from_static(value));
            require_own_site(&lines.iter().map(pair).collect(), "https://pay.example.ru").is_ok()
        };
        let (host, inner) = (("host", "pay.example.ru"), ("host", "10.0.0.5:8080"));
        for own in [
            &[host][..],
            &[host, ("origin", "https://pay.example.ru")],
            &[inner, ("origin", "https://pay.example.ru")],
            &[inner, ("origin", "http://10.0.0.5:8080")],
            &[inner, ("origin", "https://desk.example.ru"), ("sec-fetch-site", "same-origin")],
            &[host, ("sec-fetch-site", "none")],
        ] {
            assert!(is_same_site(own), "{own:?}");
        }
        for foreign in [
            &[host, ("origin", "https://evil.example")][..],
            &[host, ("origin", "https://pay.example.ru.evil.example")],
            &[host, ("origin", "https://pay.example.ru:8443")],
            &[host, ("origin", "null")],
            &[host, ("origin", "")],
            &[("origin", "https://evil.example")],
            &[host, ("sec-fetch-site", "cross-site")],
            &[host, ("origin", "https://pay.example.ru"), ("sec-fetch-site", "cross-site")],
            &[host, ("sec-fetch-site", "same-site")],
        ] {
            assert!(!is_same_site(foreign), "{foreign:?}");
        }
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let lines = ["language=en; session", " a=; session=a=b ;login=%20", "session=later"];
        let headers: HeaderMap = lines.map(|line| (header::COOKIE, HeaderValue::from_static(line))).into_iter().collect();
        for (name, value) in [
            ("language", Some("en")),
            ("session", Some("a=b")),
            ("a", Some("")),
            ("login", Some("%20")),
            ("sessio", None),
            ("Session", None),
            ("", None),
        ] {
            assert_eq!(cookie(&headers, name), value, "{name}");
        }
    }
}
