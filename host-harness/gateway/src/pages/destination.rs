//! Where an operator goes on after a login: back to the page, never to what a form would have done.

use axum::http::request::Parts;
use axum::http::{Method, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;

use super::{ENCODED_IN_PATH, Fields};

/// Where those go on who came by no other page.
const START: &str = "/operator/statistics";
const LOGIN: &str = "/operator/login";
/// What is no page to come back to: the login, its end, and files.
const NO_PAGES: [&str; 4] = [LOGIN, "/operator/logout", "/operator/statistics.csv", "/operator/export/files/"];

/// The names of the login form's fields, which are those of its address too.
const TO: &str = "to";
const UNSENT: &str = "unsent";

/// Where an operator goes on after the login.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Destination {
    /// The page's path and query. It is checked when it is used.
    to: String,
    /// `yes` if a form was sent without a session.
    unsent: String,
}

impl Destination {
    /// Returns where the sender of a request that lacks a session goes on: to the page that was asked for, or to the one from
    /// which the form was sent or the file asked for. The address of a form answers GET too, by its page.
    pub fn of(parts: &Parts) -> Destination {
        let own = parts.uri.path_and_query().map(|own| own.as_str().to_owned()).unwrap_or_default();
        let is_form = !matches!(parts.method, Method::GET | Method::HEAD);
        let from = parts.headers.get(header::REFERER).and_then(|from| from.to_str().ok()?.parse::<Uri>().ok());
        let from = from.and_then(|from| from.path_and_query().map(|from| from.as_str().to_owned()));
        let from = from.filter(|from| is_page(from));
        let to = if !is_form && is_page(&own) { own } else { from.unwrap_or(own) };
        let is_lost = is_form && is_page(&to);
        Destination { to, unsent: if is_lost { "yes" } else { "" }.to_owned() }
    }

    /// Returns the destination that a login form names.
    pub fn sent(fields: &Fields) -> Destination {
        Destination { to: fields.as_sent(TO).to_owned(), unsent: fields.as_sent(UNSENT).to_owned() }
    }

    /// Reports whether a form was sent that did nothing.
    pub fn is_form_lost(&self) -> bool {
        self.unsent == "yes"
    }

    /// Returns the fields of the login form.
    pub fn fields(&self) -> Markup {
        html! {
            @if is_page(&self.to) { input type="hidden" name=(TO) value=(self.to); }
            @if self.is_form_lost() { input type="hidden" name=(UNSENT) value="yes"; }
        }
    }

    /// Redirects to the login.
    pub fn log_in(&self) -> Response {
        if !is_page(&self.to) {
            return Redirect::to(LOGIN).into_response();
        }
        let unsent = if self.is_form_lost() { format!("&{UNSENT}=yes") } else { String::new() };
        let to = utf8_percent_encode(&self.to, ENCODED_IN_PATH);
        Redirect::to(&format!("{LOGIN}?{TO}={to}{unsent}")).into_response()
    }

    /// Redirects to the page, after the login.
    pub fn go(&self) -> Redirect {
        Redirect::to(if is_page(&self.to) { &self.to } else { START })
    }
}

/// Reports whether a text is the path and query of an operator's page on this site.
fn is_page(text: &str) -> bool {
    let is_path = text.parse::<Uri>().is_ok_and(|uri| uri.scheme().is_none() && uri.authority().is_none());
    is_path && text.starts_with("/operator/") && !NO_PAGES.iter().any(|other| text.starts_with(other))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use axum::http::Request;

    use super::*;

    fn of(method: Method, path: &str, referer: Option<&str>) -> (String, bool) {
        let request = Request::builder().method(method).uri(path);
        let request = referer.into_iter().fold(request, |request, from| request.header(header::REFERER, from));
        let destination = Destination::of(&request.body(()).unwrap().into_parts().0);
        let shown = destination.go().into_response();
        (shown.headers()["location"].to_str().unwrap().to_owned(), destination.is_form_lost())
    }

    #[test]
    fn a_login_leads_back_to_the_page() {
        let site = |path: &str| Some(format!("https://billing.example.ru{path}"));
        for (method, path, referer, to, is_lost) in [
            (Method::GET, "/operator/decisions?before=7", None, "/operator/decisions?before=7", false),
            (Method::GET, "/operator/decisions", site("/operator/export"), "/operator/decisions", false),
            (Method::GET, "/operator/statistics.csv?a=1", site("/operator/statistics?a=1"), "/operator/statistics?a=1", false),
            (Method::GET, "/operator/export/files/a.xml", None, START, false),
            (
                Method::POST,
                "/operator/payments/1/refund",
                site("/operator/payments/1?a=%D0"),
                "/operator/payments/1?a=%D0",
                true,
            ),
            (Method::POST, "/operator/payments/1/refund", None, "/operator/payments/1/refund", true),
            (Method::POST, "/operator/payments/1/refund", site("/cabinet"), "/operator/payments/1/refund", true),
            (Method::POST, "/operator/logout", None, START, false),
            (Method::POST, "/operator/unmatched/1", site("/operator/login?to=x"), "/operator/unmatched/1", true),
        ] {
            assert_eq!(of(method, path, referer.as_deref()), (to.to_owned(), is_lost), "{path} from {referer:?}");
        }
    }

    #[test]
    fn a_login_leads_to_no_other_site() {
        for foreign in
            ["https://evil.example/operator/", "//evil.example/operator/", "/\\evil.example", "/cabinet", "", "x\r\ny"]
        {
            assert!(!is_page(foreign), "{foreign:?}");
        }
        assert!(is_page("/operator/statistics?account=100500&next=https://evil.example"));
    }
}
