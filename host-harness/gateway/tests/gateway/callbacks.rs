//! Callback addresses: where callbacks are accepted, what is counted at similar addresses, and the form of every answer.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use crate::server::{Server, checked_gateway, config, listen, payment};
use domain::{Correction, Money};
use end_to_end::guest::{Guest, REPLY_HEADERS};
use gateway::{CallerProof, Config};
use ledger::Ledger;
use money::Currency;
use rusqlite::Connection;
use serde_json::json;
use storage_sqlite::Sqlite;
use ureq::http::Response;

fn is_data(response: &Response<ureq::Body>) -> bool {
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    header("content-security-policy").as_deref() == Some("default-src 'none'; sandbox; frame-ancestors 'none'")
        && header("x-content-type-options").as_deref() == Some("nosniff")
        && header("cache-control").as_deref() == Some("no-store")
        && header("set-cookie").is_none()
        && header("location").is_none()
        && header("content-type").is_some_and(|kind| kind.starts_with("text/plain") || kind == "application/problem+json")
}

#[test]
fn callback_replies_are_never_pages() {
    let mut server = Server::new();
    let order = server.order();
    let post = |path: &str, body: &str| server.agent.post(server.url(path)).send(body).unwrap();
    for (path, body, status) in [
        ("/callbacks/chronopay", payment(&order, "1"), 200),
        ("/callbacks/chronopay", "a=1".to_owned(), 403),
        ("/callbacks/chronopay", "x".repeat(32_769), 413),
        ("/callbacks/other", String::new(), 404),
        ("/callbacks/%ff", String::new(), 404),
        ("/callbacks/<script>", String::new(), 404),
        ("/callbacks/", String::new(), 404),
        ("/callbacks", String::new(), 404),
    ] {
        let response = post(&path.replace('<', "%3C").replace('>', "%3E"), &body);
        assert_eq!((response.status().as_u16(), is_data(&response)), (status, true), "{path} {:?}", response.headers());
    }
    let head = server.agent.head(server.url("/callbacks/chronopay")).call().unwrap();
    assert_eq!((head.status().as_u16(), is_data(&head)), (405, true));
    let guest = Guest::good().first("(unreachable)").build();
    let database = server.folder.path().join("crash.db");
    let gateway = checked_gateway(&database, "hostile", &guest, &[], config());
    server.address = listen(&server.runtime, gateway);
    let failed = server.agent.post(server.url("/callbacks/hostile")).send("a=1").unwrap();
    assert_eq!((failed.status().as_u16(), is_data(&failed)), (503, true));
}

#[test]
fn trailing_slash_is_the_same_address() {
    let server = Server::new();
    let order = server.order();
    assert_eq!(server.agent.post(server.url("/callbacks/chronopay/")).send(payment(&order, "1")).unwrap().status(), 200);
    assert_eq!(server.balance(), 10_000);
    assert_eq!(server.agent.get(server.url("/callbacks/chronopay/?a=1")).call().unwrap().status(), 403);
}

#[test]
fn callbacks_to_unknown_providers_are_counted_and_shown() {
    let server = Server::new();
    let body = payment("1", "1");
    let paths =
        ["/callbacks/Chronopay", "//callbacks/chronopay", "/callbacks//chronopay", "/callbacks/chronopays/x", "/Callbacks/y"];
    for path in paths {
        assert_eq!(server.agent.post(server.url(path)).send(&body).unwrap().status(), 404, "{path}");
    }
    assert_eq!(server.agent.get(server.url("/nothing")).call().unwrap().status(), 404);
    let other = Connection::open(server.database()).unwrap();
    let counted = || {
        let sql = "SELECT provider, sum(count) FROM refusals WHERE code = 'unknown-address' GROUP BY provider";
        let mut statement = other.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))).unwrap();
        rows.map(Result::unwrap).collect::<BTreeMap<_, _>>()
    };
    let want = ["Chronopay", "//callbacks/chronopay", "/chronopay", "chronopays/x", "/Callbacks/y"];
    let want: BTreeMap<_, _> = want.into_iter().map(|address| (address.to_owned(), 1)).collect();
    let began = Instant::now();
    while counted() != want {
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", counted());
        std::thread::sleep(Duration::from_millis(50));
    }
    let metrics = server.agent.get(server.url("/metrics")).call().unwrap().body_mut().read_to_string().unwrap();
    assert!(metrics.contains("harness_callbacks_total{provider=\"other\",outcome=\"unknown-address\"} 5"), "{metrics}");
    let page = server.log_in().get("/operator/providers");
    for address in want.keys() {
        assert!(page.contains(address.as_str()), "{address} is not on the page: {page}");
    }
}

/// An accepted payment with a reply that cannot be sent violates the contract, before anything is entered.
#[test]
fn payment_with_forbidden_reply_is_stored_without_credit() {
    let mut server = Server::new();
    let guest = Guest::good().with(|guest| {
        guest.accept(10_000, "1", "RUB", "payment:1");
        let [name, value] = ["set-cookie", "session=1; Path=/operator"].map(|text| guest.text(text));
        let headers = guest.put_words(&[name, value].concat());
        guest.answer[REPLY_HEADERS..REPLY_HEADERS + 2].copy_from_slice(&[headers, 1]);
    });
    let guest = guest.build();
    let database = server.folder.path().join("cookie.db");
    server.address = listen(&server.runtime, checked_gateway(&database, "hostile", &guest, &[], config()));
    let answer = server.agent.post(server.url("/callbacks/hostile")).send("a=1").unwrap();
    assert_eq!((answer.status().as_u16(), is_data(&answer)), (503, true));
    assert_eq!(server.get("/api/v1/entries").1["entries"], json!([]));
    assert_eq!(server.get("/api/v1/unmatched").1["total"], 0);
    let kept = server.get("/api/v1/unrecognized").1;
    assert_eq!((&kept["total"], &kept["unrecognized"][0]["code"]), (&json!(1), &json!("provider-failed")), "{kept}");
    assert!(kept["unrecognized"][0]["message"].as_str().unwrap().contains("reply"), "{kept}");
}

/// A proved payment is stored, even if no balance could hold it.
#[test]
fn payment_overflowing_balance_is_unmatched() {
    let server = Server::new();
    let order = server.order();
    let amount = Money { minor_units: i64::MAX - 1, currency: Currency::RUB };
    let account = "100500".parse().unwrap();
    let [key, operator, comment] = ["k", "anna", "x"].map(str::to_owned);
    let ledger = Ledger::new(Sqlite::open(&server.database()).unwrap());
    ledger.correct(Correction { key, account, amount, operator, comment }, 1).unwrap().unwrap();
    for _ in 0..2 {
        assert_eq!(server.callback(&payment(&order, "1")).0, 503);
    }
    let kept = server.get("/api/v1/unrecognized").1;
    let one = &kept["unrecognized"][0];
    assert_eq!((&kept["total"], &one["code"], &one["times"]), (&json!(1), &json!("sum-too-large"), &json!(2)), "{kept}");
    let page = server.log_in().get("/operator/unmatched");
    assert!(page.contains("баланс с этой суммой не поместился бы"), "{page}");
    assert_eq!(server.balance(), i64::MAX - 1);
}

/// Clients that prove nothing do not block proved callbacks, even from the same address.
#[test]
fn forgers_behind_proxy_do_not_block_genuine_callbacks() {
    let server = Server::with(|config| config.callback_rate = NonZeroU32::new(1));
    let orders: Vec<String> = (0..5).map(|_| server.order()).collect();
    let mut refused = BTreeMap::new();
    for _ in 0..300 {
        *refused.entry(server.callback("sign=0").0).or_insert(0) += 1;
    }
    assert!(refused[&429] > 250 && refused.keys().all(|status| [403, 429].contains(status)), "{refused:?}");
    for (at, order) in orders.iter().enumerate() {
        assert_eq!(server.callback("sign=0").0, 429);
        assert_eq!(server.callback(&payment(order, &at.to_string())), (200, "OK".to_owned()));
    }
    assert_eq!(server.balance(), 50_000);
}

/// A component says that its callbacks prove nothing: they are taken only from callers that the host knows.
#[test]
fn unproved_callbacks_are_taken_from_known_callers_alone() {
    let mut server = Server::new();
    let guest = Guest::good().code("callback-proof", "(i32.const 2)").build();
    let with = |proof| Config { callers: [("hostile".parse().unwrap(), proof)].into(), ..config() };
    let addresses = |net: &str| CallerProof { addresses: vec![net.parse().unwrap()], ..CallerProof::default() };
    let credentials =
        CallerProof { credentials: Some("osmp:long enough password".to_owned().into()), ..CallerProof::default() };
    for (database, config, status) in [
        ("anyone.db", config(), 503),
        ("known.db", with(addresses("127.0.0.0/8")), 200),
        ("others.db", with(addresses("203.0.113.0/28")), 403),
        ("password.db", with(credentials), 401),
    ] {
        let database = server.folder.path().join(database);
        server.address = listen(&server.runtime, checked_gateway(&database, "hostile", &guest, &[], config));
        let answer = server.agent.post(server.url("/callbacks/hostile")).send("a=1").unwrap();
        assert_eq!(answer.status().as_u16(), status, "{}", database.display());
    }
}
