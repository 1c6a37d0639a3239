//! Operators' logins, and the sessions of the cabinet.

use crate::server::Server;
use ledger::Ledger;
use serde_json::json;
use storage_sqlite::Sqlite;
use support::agent;
use ureq::http::Response;

const PASSWORD: &str = "correct horse battery";

fn cookie_of(response: &Response<ureq::Body>) -> Option<String> {
    let cookie = response.headers().get("set-cookie")?.to_str().unwrap();
    Some(cookie.split(';').next().unwrap().to_owned())
}

fn body(mut response: Response<ureq::Body>) -> String {
    response.body_mut().read_to_string().unwrap()
}

/// Starts a server that trusts a proxy header, with some operators.
fn with_operators(names: &[&str]) -> Server {
    let server = Server::with(|config| config.proxy_header = Some("x-forwarded-for".parse().unwrap()));
    let ledger = Ledger::new(Sqlite::open(&server.database()).unwrap());
    names.iter().for_each(|name| host::operators::set_password(&ledger, name, PASSWORD).unwrap());
    server
}

fn log_in(server: &Server, name: &str, password: &str, address: &str) -> Response<ureq::Body> {
    let request = agent().post(server.url("/operator/login")).header("cookie", "login=m").header("x-forwarded-for", address);
    request.send_form([("csrf", "m"), ("operator", name), ("password", password)]).unwrap()
}

#[test]
fn password_guesser_is_throttled_without_his_office() {
    let server = with_operators(&["anna", "boris"]);
    let office = "203.0.113.7";
    assert_eq!(log_in(&server, "boris", PASSWORD, office).status(), 303);
    let tried: Vec<u16> = (0..12).map(|_| log_in(&server, "anna", "wrong horse battery", office).status().as_u16()).collect();
    assert_eq!(tried[..5], [403; 5]);
    assert!(tried[5..].iter().filter(|status| **status == 429).count() >= 4, "{tried:?}");
    let limited =
        (0..12).map(|_| log_in(&server, "anna", "wrong horse battery", office)).find(|one| one.status() == 429).unwrap();
    let seconds: u64 = limited.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=900).contains(&seconds));
    let page = body(limited);
    assert!(page.contains("Слишком много попыток") && page.contains(&seconds.to_string()), "{page}");
    assert!(page.contains("подождите и попробуйте ещё раз") && !page.contains("too many"), "{page}");
    // A colleague, and the same operator from another address.
    assert_eq!(log_in(&server, "boris", PASSWORD, office).status(), 303);
    assert_eq!(log_in(&server, "anna", PASSWORD, "198.51.100.1").status(), 303);
}

#[test]
fn distributed_guessing_is_throttled_without_lockout() {
    let mut server = with_operators(&["anna"]);
    assert_eq!(log_in(&server, "anna", PASSWORD, "203.0.113.7").status(), 303);
    for name in ["anna", "nobody"] {
        let tried =
            (0..60).map(|at| log_in(&server, name, "wrong horse battery", &format!("198.51.100.{at}")).status().as_u16());
        let tried: Vec<u16> = tried.collect();
        assert!(tried.iter().filter(|status| **status == 429).count() >= 30, "{name} {tried:?}");
    }
    assert_eq!(log_in(&server, "anna", PASSWORD, "203.0.113.7").status(), 303, "from an address of earlier logins");
    // The address is remembered after a restart, and only for her.
    server.start(|config| config.proxy_header = Some("x-forwarded-for".parse().unwrap()));
    let limited = (0..60).any(|at| log_in(&server, "anna", "wrong horse battery", &format!("192.0.2.{at}")).status() == 429);
    assert!(limited);
    assert_eq!(log_in(&server, "anna", PASSWORD, "203.0.113.7").status(), 303);
}

#[test]
fn operators_are_identified() {
    let server = with_operators(&["anna"]);
    let ledger = Ledger::new(Sqlite::open(&server.database()).unwrap());
    for (name, words) in
        [("аnna", "Latin letters"), ("Anna", "operator anna"), ("an na", "Latin letters"), ("", "Latin letters")]
    {
        let refused = host::operators::set_password(&ledger, name, PASSWORD).unwrap_err().to_string();
        assert!(refused.contains(words), "{name}: {refused}");
    }
    let weak = host::operators::set_password(&ledger, "anna", "aaaaaaaaaa").unwrap_err().to_string();
    assert!(weak.contains("easy to guess"), "{weak}");
    assert_eq!(log_in(&server, "anna", PASSWORD, "1.1.1.1").status(), 303, "the old password still works");
    // An existing operator with a name in another script can still log in, and change the password.
    ledger.put_document("operator/анна".into(), ledger.document("operator/anna").unwrap().unwrap()).unwrap();
    assert_eq!(log_in(&server, "анна", PASSWORD, "1.1.1.1").status(), 303);
    host::operators::set_password(&ledger, "анна", "another horse battery").unwrap();
    assert_eq!(host::operators::list(&ledger).unwrap(), ["anna", "анна"]);
    host::operators::remove(&ledger, "анна").unwrap();
    for name in ["анна", "nobody", "addresses/anna"] {
        assert!(host::operators::remove(&ledger, name).unwrap_err().to_string().contains("--list"), "{name}");
    }
    assert_eq!(host::operators::list(&ledger).unwrap(), ["anna"]);
}

/// Returns a link to an account's cabinet, as billing gets it.
fn entrance(server: &Server, account: &str) -> String {
    let subscriber = json!({"name": "Иванов И. И.", "kind": "individual"});
    assert_eq!(server.put(&format!("/api/v1/accounts/{account}"), &subscriber).0, 200);
    let (status, link) = server.post(&format!("/api/v1/accounts/{account}/cabinet"), &json!({}));
    assert_eq!(status, 200, "{link}");
    link["url"].as_str().unwrap().strip_prefix("https://billing.example.ru").unwrap().to_owned()
}

fn get(server: &Server, path: &str, cookie: &str) -> Response<ureq::Body> {
    agent().get(server.url(path)).header("cookie", cookie).call().unwrap()
}

fn post(server: &Server, path: &str, cookie: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Response<ureq::Body> {
    let request = agent().post(server.url(path)).header("cookie", cookie);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.send_form(fields.iter().copied()).unwrap()
}

/// Returns the CSRF token of a page's form with this action.
fn mark(page: &str, action: &str) -> String {
    let form = page.split(&format!("action=\"{action}\"")).nth(1).unwrap();
    form.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[test]
fn cabinet_link_works_once() {
    let mut server = Server::new();
    let path = entrance(&server, "100500");
    assert_ne!(path, entrance(&server, "100500"), "every link is different");
    assert_eq!(agent().head(server.url(&path)).call().unwrap().status(), 200, "a HEAD request does not spend it");
    let entered = get(&server, &path, "");
    assert_eq!(entered.status(), 303);
    let cookie = cookie_of(&entered).unwrap();
    assert_eq!(get(&server, "/cabinet", &cookie).status(), 200);
    let again = get(&server, &path, "");
    assert_eq!((again.status().as_u16(), cookie_of(&again)), (403, None));
    server.start(|_| {});
    assert_eq!((get(&server, &path, "").status().as_u16(), get(&server, "/cabinet", &cookie).status().as_u16()), (403, 200));
}

/// A double click, or an old tab: the session stays open, and after a double click the browser has the first answer's cookie.
#[test]
fn used_link_opens_cabinet_of_existing_session() {
    let server = Server::new();
    let link = entrance(&server, "100500");
    let inside = cookie_of(&get(&server, &link, "")).unwrap();
    let again = get(&server, &link, &inside);
    assert_eq!((again.status().as_u16(), again.headers()["location"].to_str().unwrap()), (303, "/cabinet"));
    let without = get(&server, &link, "");
    assert_eq!(without.status(), 403);
    let page = body(without);
    assert!(page.contains("По этой ссылке уже вошли") && page.contains(r#"href="/cabinet""#), "{page}");
    // The link does not work in another account's session.
    let other = cookie_of(&get(&server, &entrance(&server, "100501"), "")).unwrap();
    assert_eq!(get(&server, &link, &other).status(), 403);
}

#[test]
fn concurrent_uses_of_link_enter_once() {
    let server = Server::new();
    let path = entrance(&server, "100500");
    let entered = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..20).map(|_| scope.spawn(|| get(&server, &path, "").status() == 303)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).filter(|entered| *entered).count()
    });
    assert_eq!(entered, 1);
}

#[test]
fn logout_invalidates_copied_cookies() {
    let mut server = Server::new();
    let cookie = cookie_of(&get(&server, &entrance(&server, "100500"), "")).unwrap();
    let elsewhere = cookie_of(&get(&server, &entrance(&server, "100500"), "")).unwrap();
    let page = body(get(&server, "/cabinet", &cookie));
    let leave = |fields: &[(&str, &str)], headers: &[(&str, &str)]| {
        post(&server, "/cabinet/leave", &cookie, fields, headers).status().as_u16()
    };
    // A form from another site does not end the session.
    for headers in [[("origin", "https://evil.example")], [("sec-fetch-site", "cross-site")], [("sec-fetch-site", "same-site")]]
    {
        assert_eq!(leave(&[], &headers), 403);
    }
    assert_eq!(leave(&[("csrf", "x")], &[]), 403);
    assert_eq!(get(&server, "/cabinet", &cookie).status(), 200);
    let own = mark(&page, "/cabinet/leave");
    assert_eq!(get(&server, "/cabinet/leave", &cookie).status(), 303, "a logged-in subscriber is not shown the logout page");
    assert_eq!(leave(&[("csrf", &own)], &[("origin", "https://billing.example.ru"), ("sec-fetch-site", "same-origin")]), 303);
    assert!(body(get(&server, "/cabinet/leave", &cookie)).contains("Вы вышли из личного кабинета"));
    assert_eq!(get(&server, "/cabinet", &cookie).status(), 403);
    let amount = [("csrf", own.as_str()), ("amount", "100"), ("provider", "chronopay")];
    assert_eq!(post(&server, "/cabinet/orders", &cookie, &amount, &[]).status(), 403);
    assert_eq!(get(&server, "/cabinet", &elsewhere).status(), 200, "another device stays logged in");
    server.start(|_| {});
    assert_eq!(get(&server, "/cabinet", &cookie).status(), 403, "also after a restart");
    assert_eq!(get(&server, "/cabinet", &elsewhere).status(), 200);
}

#[test]
fn link_to_another_account_asks_first() {
    let server = Server::new();
    let first = cookie_of(&get(&server, &entrance(&server, "100500"), "")).unwrap();
    let path = entrance(&server, "200600");
    let asked = get(&server, &path, &first);
    assert_eq!((asked.status().as_u16(), cookie_of(&asked)), (200, None));
    let page = body(asked);
    assert!(page.contains("100500") && page.contains("200600"), "{page}");
    assert_eq!(post(&server, &path, &first, &[("csrf", "x")], &[]).status(), 403);
    assert_eq!(post(&server, &path, "", &[("csrf", &mark(&page, &path))], &[]).status(), 403);
    let entered = post(&server, &path, &first, &[("csrf", &mark(&page, &path))], &[]);
    assert_eq!(entered.status(), 303);
    assert!(body(get(&server, "/cabinet", &cookie_of(&entered).unwrap())).contains("200600"));
    assert_eq!(get(&server, &path, "").status(), 403, "it is spent now");
    // A link of the same account changes nothing.
    assert_eq!(get(&server, &entrance(&server, "100500"), &first).status(), 303);
}

#[test]
fn broken_order_token_is_not_found() {
    let server = Server::new();
    for path in ["/cabinet/orders/%0d%0aX:y", "/cabinet/orders/x/failed", "/cabinet/orders/%ff", "/cabinet/orders/%00"] {
        let status = post(&server, path, "", &[], &[]).status().as_u16();
        assert!(status == 404 || status == 400, "{path} {status}");
    }
}

/// A browser says from where a form comes, and the token alone is not enough.
#[test]
fn form_of_another_site_is_refused_even_with_the_token() {
    let server = Server::new();
    let session = server.log_in();
    let body = format!("csrf={}", session.csrf());
    let path = "/operator/providers/chronopay/pause";
    for (name, value, status) in [
        ("origin", "https://evil.example", 403),
        ("sec-fetch-site", "cross-site", 403),
        ("origin", "https://billing.example.ru", 303),
    ] {
        let headers = [
            ("cookie", session.cookies()),
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
            (name, value.to_owned()),
        ];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = server.client().send("POST", path, &headers, body.as_bytes()).unwrap();
        assert_eq!(answer.status, status, "{name}: {value}");
    }
}
