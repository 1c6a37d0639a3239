//! Logins of operators.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "these are tests"
)]

mod server;

use ledger::{Ledger, Sqlite};
use server::Server;
use ureq::Agent;
use ureq::http::Response;

const PASSWORD: &str = "correct horse battery";

fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).max_redirects(0).max_idle_connections(0).build().into()
}

fn cookie_of(response: &Response<ureq::Body>) -> Option<String> {
    let cookie = response.headers().get("set-cookie")?.to_str().unwrap();
    Some(cookie.split(';').next().unwrap().to_owned())
}

fn body(mut response: Response<ureq::Body>) -> String {
    response.body_mut().read_to_string().unwrap()
}

/// A server that believes a header, with some operators.
fn with_operators(names: &[&str]) -> Server {
    let server = Server::with(|config| config.proxy_header = Some("x-forwarded-for".parse().unwrap()));
    let ledger = Ledger::new(Sqlite::open(&server.database()).unwrap());
    names.iter().for_each(|name| gateway::set_password(&ledger, name, PASSWORD).unwrap());
    server
}

fn log_in(server: &Server, name: &str, password: &str, address: &str) -> Response<ureq::Body> {
    let request = agent().post(server.url("/operator/login")).header("cookie", "login=m").header("x-forwarded-for", address);
    request.send_form([("csrf", "m"), ("operator", name), ("password", password)]).unwrap()
}

#[test]
fn a_guesser_is_slowed_and_his_office_is_not() {
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
    // A colleague, and the same operator from elsewhere.
    assert_eq!(log_in(&server, "boris", PASSWORD, office).status(), 303);
    assert_eq!(log_in(&server, "anna", PASSWORD, "198.51.100.1").status(), 303);
}

#[test]
fn many_addresses_do_not_try_more_passwords_and_lock_nobody_out() {
    let mut server = with_operators(&["anna"]);
    assert_eq!(log_in(&server, "anna", PASSWORD, "203.0.113.7").status(), 303);
    for name in ["anna", "nobody"] {
        let tried =
            (0..60).map(|at| log_in(&server, name, "wrong horse battery", &format!("198.51.100.{at}")).status().as_u16());
        let tried: Vec<u16> = tried.collect();
        assert!(tried.iter().filter(|status| **status == 429).count() >= 30, "{name} {tried:?}");
    }
    assert_eq!(log_in(&server, "anna", PASSWORD, "203.0.113.7").status(), 303, "where she logged in before");
    // That is remembered over a restart, and for her alone.
    server.start(|config| config.proxy_header = Some("x-forwarded-for".parse().unwrap()));
    let limited = (0..60).any(|at| log_in(&server, "anna", "wrong horse battery", &format!("192.0.2.{at}")).status() == 429);
    assert!(limited);
    assert_eq!(log_in(&server, "anna", PASSWORD, "203.0.113.7").status(), 303);
}

#[test]
fn operators_are_told_apart_and_known() {
    let server = with_operators(&["anna"]);
    let ledger = Ledger::new(Sqlite::open(&server.database()).unwrap());
    for (name, words) in
        [("аnna", "Latin letters"), ("Anna", "operator anna"), ("an na", "Latin letters"), ("", "Latin letters")]
    {
        let refused = gateway::set_password(&ledger, name, PASSWORD).unwrap_err().to_string();
        assert!(refused.contains(words), "{name}: {refused}");
    }
    let weak = gateway::set_password(&ledger, "anna", "aaaaaaaaaa").unwrap_err().to_string();
    assert!(weak.contains("easy to guess"), "{weak}");
    assert_eq!(log_in(&server, "anna", PASSWORD, "1.1.1.1").status(), 303, "the old one is still hers");
    // Who was made before by a name of another script still logs in, and gets another password.
    ledger.put_document("operator/анна".into(), ledger.document("operator/anna").unwrap().unwrap()).unwrap();
    assert_eq!(log_in(&server, "анна", PASSWORD, "1.1.1.1").status(), 303);
    gateway::set_password(&ledger, "анна", "another horse battery").unwrap();
    assert_eq!(gateway::operators(&ledger).unwrap(), ["anna", "анна"]);
    gateway::remove_operator(&ledger, "анна").unwrap();
    for name in ["анна", "nobody", "addresses/anna"] {
        assert!(gateway::remove_operator(&ledger, name).unwrap_err().to_string().contains("--list"), "{name}");
    }
    assert_eq!(gateway::operators(&ledger).unwrap(), ["anna"]);
}
