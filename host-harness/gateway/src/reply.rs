//! Replies under `/callbacks/` are data for a browser, whatever a component returns.
//!
//! A component is not trusted, and its replies come from the origin at which operators are logged in. Therefore the host
//! determines how a browser treats a reply, and takes only the status, the text and a few headers from the component.

use std::any::Any;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::HttpReply;
use tower_http::catch_panic::CatchPanicLayer;

use crate::problem::Problem;

/// The maximum size of a reply's body: payment systems expect a word, or a few lines of XML.
const BODY_BYTES_MAX: usize = 64 << 10;
/// How many of a component's headers are sent, in addition to the content type.
const HEADERS_MAX: usize = 16;
/// The allowed media types of a body. None of them runs scripts in a browser that honours [`POLICY`] and `nosniff`.
const MEDIA_TYPES: [&str; 4] = ["text/plain", "application/json", "text/xml", "application/xml"];
const MEDIA_TYPE_DEFAULT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const CHARSET_CHARS_MAX: usize = 40;
/// Forbids the document everything, even inside a frame.
const POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";
/// Headers with which an application makes the web server in front of it send something else: a file, or an internal address.
const FOR_WEB_SERVERS: [&str; 6] = ["x-accel-", "x-sendfile", "x-send-file", "x-lighttpd-", "x-litespeed-", "x-reproxy-"];

/// An answer under `/callbacks/`. It is made only from a component's reply, which [`Reply::of_provider`] reduces to data, or
/// from a problem of the host.
pub struct Reply(Response);

impl Reply {
    /// Converts the reply of a component. The sandbox has already refused replies that violate the contract, before anything
    /// was entered. A reply that could not be sent unchanged becomes 502, and never content that a browser interprets.
    pub fn of_provider(reply: HttpReply) -> Reply {
        let (status, body_bytes) = (reply.status, reply.body.len());
        Reply::data(reply).map(Reply::guarded).unwrap_or_else(|| {
            tracing::error!(
                status,
                body_bytes,
                "a component's reply has a status, type or size that is not allowed, and 502 was sent; ask the component's author"
            );
            Problem::new(StatusCode::BAD_GATEWAY, "the provider's reply cannot be sent").into()
        })
    }

    /// Returns the answer for a reply, if its status, size and type are allowed.
    fn data(HttpReply { status, headers, body }: HttpReply) -> Option<Response> {
        let status = StatusCode::from_u16(status).ok().filter(|_| matches!(status, 200..=299 | 400..=599))?;
        let declared = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let content_type = declared.map_or(Some(MEDIA_TYPE_DEFAULT), |(_, value)| media_type(value))?;
        if body.len() > BODY_BYTES_MAX {
            return None;
        }
        let has_body = !matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT);
        let mut response = Response::new(if has_body { Body::from(body) } else { Body::empty() });
        *response.status_mut() = status;
        for (name, value) in headers.iter().filter_map(own_header).take(HEADERS_MAX) {
            response.headers_mut().append(name, value);
        }
        if has_body {
            response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        }
        Some(response)
    }

    fn guarded(mut response: Response) -> Reply {
        let headers = response.headers_mut();
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Reply(response)
    }
}

impl From<Problem> for Reply {
    fn from(problem: Problem) -> Reply {
        Reply::guarded(problem.into_response())
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        self.0
    }
}

/// Answers a handler's panic with 500. The panic's message is only on standard error. Without this layer, the connection would
/// be closed.
pub fn catch_panics() -> CatchPanicLayer<fn(Box<dyn Any + Send>) -> Response> {
    CatchPanicLayer::custom(|_| {
        // It is data at every address.
        Reply::from(Problem::internal("a request's handler panicked: see standard error".to_owned())).into_response()
    })
}

/// Returns the media type to send: the declared one with its charset, or `None` if it is not among [`MEDIA_TYPES`].
fn media_type(declared: &str) -> Option<HeaderValue> {
    let (essence, parameters) = declared.split_once(';').unwrap_or((declared, ""));
    let known = MEDIA_TYPES.iter().find(|known| essence.trim().eq_ignore_ascii_case(known))?;
    let is_token = |text: &str| {
        (1..=CHARSET_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    let charset = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (name.trim().eq_ignore_ascii_case("charset") && is_token(value)).then_some(value)
    });
    let text = charset.map(|charset| HeaderValue::try_from(format!("{known}; charset={charset}")));
    Some(text.and_then(Result::ok).unwrap_or_else(|| HeaderValue::from_static(known)))
}

/// Returns a component's header if it may be sent: a custom header that browsers and web servers do not interpret.
fn own_header((name, value): &(String, String)) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::try_from(name.as_str()).ok()?;
    let is_providers =
        name.as_str().starts_with("x-") && !FOR_WEB_SERVERS.iter().any(|prefix| name.as_str().starts_with(prefix));
    is_providers.then_some((name, HeaderValue::try_from(value.as_str()).ok()?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]
mod tests {
    use axum::Router;
    use axum::body::to_bytes;
    use axum::extract::Request;
    use axum::routing::get;
    use hyper::body::Body as _;
    use tower::ServiceExt;

    use super::*;
    use crate::problem::ErrorPage;

    fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Reply::of_provider(HttpReply { status, headers, body: body.into() }).into_response()
    }

    #[test]
    fn nothing_but_data_is_sent() {
        let hostile = [
            ("set-cookie", "session=x; Path=/"),
            ("Location", "https://evil.example/"),
            ("refresh", "0; url=https://evil.example/"),
            ("content-security-policy", "default-src *"),
            ("X-Content-Type-Options", "sniff"),
            ("clear-site-data", "*"),
            ("strict-transport-security", "max-age=0"),
            ("access-control-allow-origin", "*"),
            ("service-worker-allowed", "/"),
            ("link", "</x>; rel=preload"),
            ("content-length", "5"),
            ("transfer-encoding", "chunked"),
            ("content-encoding", "gzip"),
            ("connection", "upgrade"),
            ("www-authenticate", "Basic"),
            ("X-Accel-Redirect", "/internal/key"),
            ("x-sendfile", "/var/lib/harness/key"),
            ("x-request-id", "1\r\nset-cookie: a=b"),
            ("x-answer", "yes"),
            ("X-Answer", "twice"),
        ];
        let response = reply(200, &hostile, "<script>");
        let mut names: Vec<_> =
            response.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                ("cache-control", "no-store"),
                ("content-security-policy", POLICY),
                ("content-type", "text/plain; charset=utf-8"),
                ("x-answer", "twice"),
                ("x-answer", "yes"),
                ("x-content-type-options", "nosniff"),
            ]
        );
    }

    #[test]
    fn a_type_is_one_of_a_list_and_keeps_its_charset() {
        for (declared, sent) in [
            ("text/plain", Some("text/plain")),
            ("TEXT/XML; Charset=\"windows-1251\"", Some("text/xml; charset=windows-1251")),
            ("application/json;q=1; charset=UTF-8", Some("application/json; charset=UTF-8")),
            ("application/xml; charset=a b", Some("application/xml")),
            ("text/html", None),
            ("application/xhtml+xml", None),
            ("image/svg+xml", None),
            ("text/plain, text/html", None),
            ("multipart/x-mixed-replace; boundary=x", None),
            ("", None),
        ] {
            let got = media_type(declared);
            assert_eq!(got.as_ref().map(|value| value.to_str().unwrap()), sent, "{declared}");
            let status = if sent.is_some() { 200 } else { 502 };
            assert_eq!(reply(200, &[("Content-Type", declared)], "<script>").status(), status, "{declared}");
        }
    }

    #[test]
    fn a_status_that_is_no_answer_or_a_body_too_large_is_502() {
        for (status, sent) in [(200, 200), (299, 299), (400, 400), (599, 599), (100, 502), (199, 502), (302, 502), (600, 502)] {
            assert_eq!(reply(status, &[("location", "/")], "OK").status(), sent, "{status}");
        }
        assert_eq!(reply(200, &[], &"x".repeat(BODY_BYTES_MAX)).status(), 200);
        let response = reply(200, &[], &"x".repeat(BODY_BYTES_MAX + 1));
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
        assert_eq!(response.headers()["content-security-policy"], POLICY);
        let empty = reply(204, &[("content-type", "text/plain")], "a body");
        assert!(!empty.headers().contains_key("content-type") && empty.into_body().is_end_stream());
    }

    async fn panics() {
        panic!("of a secret");
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_and_its_words_are_not_sent() {
        let router = Router::new().route("/", get(panics)).layer(catch_panics());
        let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()["content-security-policy"], POLICY);
        assert!(response.extensions().get::<ErrorPage>().is_some(), "a page can show it");
        let text = to_bytes(response.into_body(), 1 << 10).await.unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert!(text.contains("the host's log") && !text.contains("secret"), "{text}");
    }
}
