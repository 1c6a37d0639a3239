//! The pages for the buyer, in Russian.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use url::Url;

const STYLE: &str = "body{font:18px/1.5 sans-serif;max-width:30rem;margin:0 auto;padding:1rem;color:#1a1a1a;background:#fff}\
    h1{font-size:1.4rem}.price{font-size:2rem;font-weight:bold;margin:.5rem 0}\
    .note{padding:.5rem .75rem;background:#fff3cd;border-left:4px solid #b58900;overflow-wrap:anywhere}\
    pre{white-space:pre-wrap;overflow-wrap:anywhere;padding:.5rem .75rem;background:#f4f4f4}\
    select,button,input:not([type=hidden]){font:inherit;width:100%;min-height:3rem;margin:.5rem 0;padding:.5rem;box-sizing:border-box}\
    button{border:1px solid #0b5c2e;border-radius:.4rem;background:#fff;color:#0b5c2e}\
    button[value=pay]{background:#0b5c2e;color:#fff}";

/// The form's field that says which button was pressed.
pub const CHOICE: &str = "choice";
/// The form's field that names the scenario.
pub const SCENARIO: &str = "scenario";

/// Renders a page. `system` is the payment system that the stand-in plays, and which the page disclaims to be.
pub fn page(system: &str, title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="ru" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (STYLE) }
            }
            body {
                h1 { (title) }
                (body)
                p { small { "Это не " (system) ", а замена для испытаний. Деньги не списываются." } }
            }
        }
    };
    page.into_string()
}

/// Renders the form that carries a request on to `/pay`, with its buttons and a choice of scenarios, each with name and title.
pub fn pay_form<'s>(
    fields: &[(String, String)],
    scenarios: impl IntoIterator<Item = (&'s str, &'s str)>,
    selected: &str,
) -> Markup {
    html! {
        form method="post" action="/pay" {
            @for (name, value) in fields {
                input type="hidden" name=(name) value=(value);
            }
            label for="scenario" { "Что сделать" }
            select id="scenario" name=(SCENARIO) {
                @for (name, title) in scenarios {
                    option value=(name) selected[name == selected] { (title) }
                }
            }
            button type="submit" name=(CHOICE) value="pay" { "Оплатить" }
            button type="submit" name=(CHOICE) value="refuse" { "Отказаться" }
        }
    }
}

/// Renders the page for a refused request.
pub fn refused(system: &str, message: &str) -> String {
    let body = html! { p.note { (message) } p { "Вернитесь в магазин и начните оплату заново." } };
    page(system, "Оплатить нельзя", &body)
}

/// Renders the page for a buyer whose shop has named no return page.
pub fn outcome(system: &str, paid: bool) -> String {
    let (title, text) = match paid {
        true => ("Оплата прошла", "Эту страницу можно закрыть."),
        false => ("Оплата не прошла", "Деньги не списаны. Вернитесь в магазин."),
    };
    page(system, title, &html! { p { (text) } })
}

/// Redirects the buyer to the shop, or shows the outcome if there is no URL.
pub fn go(system: &str, url: Option<Url>, paid: bool) -> Response {
    match url {
        Some(url) => (StatusCode::SEE_OTHER, [(header::LOCATION, url.to_string())]).into_response(),
        None => respond(StatusCode::OK, outcome(system, paid)),
    }
}

/// Builds the response for a page.
pub fn respond(status: StatusCode, page: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, page).into_response()
}
