//! A billing system and a payment system use the gateway over real HTTP, with the real component and a real database.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::server::{
    Server, TOKEN, answer, asked, checked_gateway, config, enter_settings, gateway, gateway_with, listen, payment,
};
use end_to_end::guest::Guest;
use end_to_end::{PRODUCT, SECRET, component, settings, signed};
use gateway::{CallerProof, Token};
use host::Key;
use ledger::Ledger;
use rusqlite::Connection;
use serde_json::{Value, json};
use storage_sqlite::Sqlite;
use support::{Session, try_log_in};

/// From an order's link and a signed callback of 100.00 to the entry in the feed.
#[test]
fn top_up_flows_from_link_to_feed() {
    let server = Server::new();
    let order = server.order();
    let (_, open) = server.get(&format!("/api/v1/orders/{order}"));
    assert_eq!((&open["state"], &open["amount"]["minor_units"]), (&json!("open"), &json!(10_000)));
    let body = payment(&order, "56244472");
    for _ in 0..3 {
        assert_eq!(server.callback(&body), (200, "OK".to_owned()));
    }
    let (_, feed) = server.get("/api/v1/entries?account=100500&after=0");
    let entries = feed["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1);
    let entry = &entries[0];
    assert_eq!(
        (&entry["seq"], &entry["kind"], &entry["amount"]["minor_units"]),
        (&json!(1), &json!("payment"), &json!(10_000))
    );
    assert_eq!((&entry["comment"], &entry["order"]), (&json!("Пополнение баланса через ЛК"), &json!(order)));
    assert_eq!((&entry["transaction"], &entry["provider"]), (&json!("56244472"), &json!("chronopay")));
    assert_eq!(server.balance(), 10_000);
    assert_eq!(server.get(&format!("/api/v1/orders/{order}")).1["state"], "paid");
    assert_eq!(server.get("/api/v1/entries?after=1").1, json!({"entries": []}));
}

#[test]
fn mismatched_callbacks_do_not_pay_order() {
    let server = Server::new();
    let order = server.order();
    let good = payment(&order, "1");
    for (body, status) in [
        (good.replace("total=100.00", "total=1000.00"), 403),
        (good.replace("Purchase", "Refund"), 403),
        ("nothing=1".to_owned(), 403),
        (payment("42", "2"), 200),
        (good.replace("currency=RUB", "currency=USD"), 200),
    ] {
        assert_eq!(server.callback(&body).0, status, "{body}");
    }
    assert_eq!(server.balance(), 0);
    let (_, waiting) = server.get("/api/v1/unmatched");
    let waiting = waiting["unmatched"].as_array().unwrap();
    assert_eq!((waiting.len(), &waiting[0]["reason"], &waiting[0]["order"]), (1, &json!("unknown-order"), &json!("42")));

    let id = waiting[0]["id"].as_u64().unwrap();
    let credit = json!({"account": "100500", "operator": "anna", "comment": "по письму"});
    assert_eq!(server.post(&format!("/api/v1/unmatched/{id}/credit"), &credit), (200, json!({"seq": 1})));
    assert_eq!(server.post(&format!("/api/v1/unmatched/{id}/credit"), &credit).0, 409);
    let dismiss = json!({"operator": "anna", "comment": "x"});
    assert_eq!(server.post(&format!("/api/v1/unmatched/{id}/dismiss"), &dismiss).0, 409);
    assert_eq!((server.balance(), server.get("/api/v1/unmatched").1), (10_000, json!({"total": 0, "unmatched": []})));

    // By GET as well. Then a body that is too large, another method, another provider.
    let url = server.url(&format!("/callbacks/chronopay?{good}"));
    assert_eq!(server.agent.get(url).call().unwrap().status(), 200);
    assert_eq!(server.balance(), 20_000);
    assert_eq!(server.callback(&"x".repeat(32_769)).0, 413);
    assert_eq!(server.agent.put(server.url("/callbacks/chronopay")).send("").unwrap().status(), 403);
    assert_eq!(server.agent.head(server.url("/callbacks/chronopay")).call().unwrap().status(), 405);
    assert_eq!(server.agent.post(server.url("/callbacks/other")).send(&good).unwrap().status(), 404);
}

#[test]
fn concurrent_duplicates_credit_once() {
    let server = Server::new();
    let order = server.order();
    let body = payment(&order, "1");
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..100).map(|_| scope.spawn(|| server.callback(&body))).collect();
        threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), (200, "OK".to_owned())));
    });
    assert_eq!(server.get("/api/v1/entries").1["entries"].as_array().unwrap().len(), 1);
    assert_eq!(server.balance(), 10_000);
}

#[test]
fn storage_failure_returns_503() {
    let server = Server::new();
    let order = server.order();
    let body = payment(&order, "1");
    let other = Connection::open(server.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(server.callback(&body).0, 503);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(server.balance(), 0);
    assert_eq!(server.callback(&body).0, 200);
    assert_eq!(server.balance(), 10_000);
}

#[test]
fn acknowledged_callbacks_survive_restart() {
    let mut server = Server::new();
    let order = server.order();
    let body = payment(&order, "1");
    assert_eq!(server.callback(&body).0, 200);
    server.start(|_| {});
    assert_eq!((server.callback(&body).0, server.balance()), (200, 10_000));
    assert_eq!(server.get("/api/v1/entries").1["entries"].as_array().unwrap().len(), 1);
}

#[test]
fn feed_waits_for_next_entry() {
    let server = Server::new();
    let order = server.order();
    let began = Instant::now();
    assert_eq!(server.get("/api/v1/entries?wait=1").1, json!({"entries": []}));
    assert!(began.elapsed() >= Duration::from_secs(1));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| server.get("/api/v1/entries?wait=60"));
        // The callback may arrive before or after the feed begins to wait: the entry is returned in both cases.
        assert_eq!(server.callback(&payment(&order, "1")).0, 200);
        assert_eq!(waiting.join().unwrap().1["entries"].as_array().unwrap().len(), 1);
    });
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn writeoffs_are_idempotent() {
    let server = Server::new();
    server.order();
    let writeoff = |id: &str, minor_units: i64| {
        json!({"id": id, "account": "100500", "service": "Доступ в интернет", "period": "2026-10-01", "date": "2026-10-31",
            "amount": {"minor_units": minor_units, "currency": "RUB"}, "vat_basis_points": 2200})
    };
    let add = |writeoffs: Vec<Value>| server.post("/api/v1/writeoffs", &json!({ "writeoffs": writeoffs }));
    assert_eq!(add(vec![writeoff("w-1", 500), writeoff("w-2", 700)]), (200, json!({"added": 2, "repeated": 0})));
    assert_eq!(add(vec![writeoff("w-1", 500)]), (200, json!({"added": 0, "repeated": 1})));
    assert_eq!(add(vec![writeoff("w-1", 501)]).0, 409);
    let mut nobody = writeoff("w-3", 1);
    nobody["account"] = json!("7");
    let (status, problem) = add(vec![writeoff("w-4", 1), nobody]);
    assert!(status == 422 && problem["detail"].as_str().unwrap().contains("writeoffs[1].account"), "{problem}");
    assert_eq!(server.balance(), -1_200);
    assert_eq!(add((0..5_000).map(|at| writeoff(&format!("b-{at}"), 1)).collect()).1["added"], 5_000);
}

#[test]
fn api_requires_token() {
    let server = Server::new();
    server.order();
    for path in ["/accounts/100500", "/entries", "/unmatched", "/orders/1", "/nothing"] {
        let url = server.url(&format!("/api/v1{path}"));
        for shown in [None, Some("Bearer "), Some("Bearer 0123456789abcdef0123456789abcdeg"), Some("Basic x"), Some(TOKEN)] {
            let request = server.agent.get(&url);
            let request = if let Some(shown) = shown { request.header("authorization", shown) } else { request };
            let (status, problem) = answer(request.call().unwrap());
            assert!(status == 401 && !problem.to_string().contains(TOKEN), "{path} {shown:?} {problem}");
        }
    }
    for guessable in ["", "short", "has a space in it, though it is long enough"] {
        assert!(Token::new(guessable).is_none());
    }
}

#[test]
fn problems_tell_what_to_do() {
    let server = Server::new();
    server.order();
    let bad = json!({"name": "x", "kind": "robot"});
    for ((status, problem), want, words) in [
        (server.put("/api/v1/accounts/1", &bad), 422, "unknown variant `robot`"),
        (server.put("/api/v1/accounts/1", &json!({"name": "x"})), 422, "missing field"),
        (server.get("/api/v1/accounts/7"), 404, "no such account"),
        (server.get("/api/v1/orders/7"), 404, "no such order"),
        (server.get("/api/v1/entries?after=x"), 400, "after"),
        (server.get("/api/v1/nothing"), 404, "not found"),
        (server.post("/api/v1/entries", &json!({})), 405, "method not allowed"),
        (
            server.post("/api/v1/links", &json!({"account": "7", "amount": asked()["amount"], "description": "x"})),
            422,
            "no such account",
        ),
        (
            server.post("/api/v1/unmatched/99/credit", &json!({"account": "1", "operator": "a", "comment": "c"})),
            404,
            "no such event",
        ),
    ] {
        assert_eq!((status, problem["status"].as_u64()), (want, Some(want.into())), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
    }
    let usd = json!({"account": "100500", "amount": {"minor_units": 1, "currency": "USD"}, "description": "x"});
    let (status, problem) = server.post("/api/v1/links", &usd);
    assert_eq!((status, &problem["problems"][0]["field"]), (422, &json!("amount.currency")), "{problem}");
    assert_eq!(server.agent.get(server.url("/healthz")).call().unwrap().status(), 200);
    assert_eq!(server.agent.get(server.url("/readyz")).call().unwrap().status(), 200);
}

/// Starts a gateway without settings.
fn unset() -> Server {
    let mut server = Server::new();
    let database = server.folder.path().join("unset.db");
    let gateway = gateway(&database, "chronopay", &component(), config());
    server.address = listen(&server.runtime, gateway);
    server
}

#[test]
fn settings_are_saved_over_http_without_showing_secrets() {
    let server = unset();
    let path = "/api/v1/providers/chronopay/settings";
    let is_ready = || server.get("/api/v1/providers").1["providers"][0]["ready"].as_bool().unwrap();
    assert_eq!((server.get(path), is_ready()), ((200, json!({})), false));
    assert_eq!(server.callback("a=1").0, 503, "no verdict is possible: the callback must be sent again");
    let (status, problem) = server.put(path, &json!({"product-id": "1", "shared-sec": SECRET, "robot": "x"}));
    let fields: Vec<_> = problem["problems"].as_array().unwrap().iter().map(|problem| problem["field"].clone()).collect();
    assert!(status == 422 && fields.contains(&json!("product-id")) && fields.contains(&json!("robot")), "{problem}");
    assert!(!problem.to_string().contains(SECRET) && !is_ready());
    assert_eq!(server.put(path, &json!({"product-id": PRODUCT, "shared-sec": SECRET})).0, 204);
    assert_eq!((server.get(path), is_ready()), ((200, json!({"product-id": PRODUCT})), true));
    // A secret that is absent or empty keeps its value.
    for change in [json!({"product-id": PRODUCT, "comment": "a"}), json!({"product-id": PRODUCT, "shared-sec": ""})] {
        assert_eq!(server.put(path, &change).0, 204);
        let order = server.order();
        assert_eq!(server.callback(&payment(&order, &order)).0, 200);
    }
    assert_eq!(server.get("/api/v1/entries").1["entries"][0]["comment"], "a");
    assert_eq!(server.put(path, &json!({"product-id": PRODUCT, "shared-sec": "AnotherSecret999"})).0, 204);
    let order = server.order();
    assert_eq!(server.callback(&payment(&order, &order)).0, 403, "the new secret is in use");
    let unreadable = server.agent.put(server.url(path)).header("authorization", format!("Bearer {TOKEN}"));
    let unreadable = unreadable.content_type("application/json").send(format!("{{\"shared-sec\": {SECRET}}}")).unwrap();
    let (status, problem) = answer(unreadable);
    assert!(status == 400 && !problem.to_string().contains(SECRET), "{problem}");
    assert_eq!(server.get("/api/v1/providers/other/settings").0, 404);
}

#[test]
fn settings_are_sealed_in_database_and_survive_restart() {
    let server = Server::new();
    let order = server.order();
    let documents = |database: &Path| {
        let connection = Connection::open(database).unwrap();
        let sql = "SELECT document FROM documents WHERE name = 'settings/chronopay'";
        connection.query_row(sql, [], |row| row.get::<_, Vec<u8>>(0)).unwrap()
    };
    let sealed = documents(&server.database());
    for plain in [SECRET.as_bytes(), b"shared-sec", PRODUCT.as_bytes()] {
        assert!(!sealed.windows(plain.len()).any(|bytes| bytes == plain));
    }
    let start = |key: &str| {
        let key = Key::parse(key).unwrap();
        listen(&server.runtime, gateway_with(key, &server.database(), "chronopay", &component(), config()))
    };
    let at = |address, body: &str| {
        server.agent.post(format!("http://{address}/callbacks/chronopay")).send(body).unwrap().status().as_u16()
    };
    assert_eq!(at(start(&"5e".repeat(32)), &payment(&order, "1")), 200);
    assert_eq!(at(start(&"5f".repeat(32)), &payment(&order, "1")), 503, "settings cannot be opened with another key");
}

#[test]
fn month_export_is_complete_and_repeatable() {
    let server = Server::new();
    server.order();
    let path = "/api/v1/exports/writeoffs?from=2026-10-01&to=2026-10-31&format=enterprise-data-1.17&mode=per-subscriber";
    let (status, problem) = server.get(path);
    assert!(status == 422 && problem["detail"].as_str().unwrap().contains("set the seller first"), "{problem}");
    let seller = json!({"kind": "company", "name": "ООО «Связь»", "inn": "7700000009", "kpp": "770701001"});
    assert_eq!((server.get("/api/v1/seller").0, server.put("/api/v1/seller", &seller).0), (404, 204));
    assert_eq!(server.get("/api/v1/seller").1, seller);
    let writeoffs: Vec<Value> = (1..=300)
        .map(|at| {
            let (period, date) = if at == 300 { ("2026-11-01", "2026-11-01") } else { ("2026-10-01", "2026-10-31") };
            json!({"id": format!("w-{at}"), "account": "100500", "service": "Доступ в интернет", "period": period, "date": date,
                "amount": {"minor_units": at, "currency": "RUB"}, "vat_basis_points": 2200, "note": "по тарифу"})
        })
        .collect();
    assert_eq!(server.post("/api/v1/writeoffs", &json!({ "writeoffs": writeoffs })).0, 200);
    let (status, file) = server.get(path);
    let text = file.as_str().unwrap();
    assert!(
        status == 200 && text.starts_with('\u{feff}') | text.starts_with("<?xml") && text.contains("ООО «Связь»"),
        "{file}"
    );
    let (_, manifest) = server.get(&path.replace("writeoffs?", "writeoffs/manifest?"));
    let sum: i64 = (1..300).sum();
    assert_eq!((&manifest["rows"], &manifest["amount"]["minor_units"]), (&json!(299), &json!(sum)));
    assert_eq!(manifest["files"][0]["bytes"].as_u64().unwrap() as usize, text.len());
    let sha256 = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(text));
    assert_eq!(manifest["files"][0]["sha256"], sha256);
    assert_eq!(server.get(path), (200, file));
    let verified =
        export::verify::verify(&server.folder.path().join("exports").join(manifest["files"][0]["name"].as_str().unwrap()));
    assert!(verified.unwrap().passes(), "the export agrees with its manifest");
    // The other formats. An export that cannot be created returns the reason, and existing ones are unchanged.
    let register = server.get(&path.replace("enterprise-data-1.17", "register-csv").replace("&mode=per-subscriber", "")).1;
    assert_eq!(register.as_str().unwrap().lines().count(), 300);
    for (changed, words) in [
        (path.replace("1.17", "9"), "format must be one of"),
        (path.replace("to=2026-10-31", "to=2026-09-31"), "to is not a day"),
        (path.replace("per-subscriber", "all"), "extra.mode"),
        (path.replace("2026-10-31", "2026-09-30"), "period"),
    ] {
        let (status, problem) = server.get(&changed);
        assert!((status == 422 || status == 400) && problem["detail"].as_str().unwrap().contains(words), "{problem}");
    }
}

#[test]
fn correction_is_idempotent() {
    let server = Server::new();
    server.order();
    let correct = |key: &str, minor_units: i64| {
        let request = server.agent.post(server.url("/api/v1/accounts/100500/corrections"));
        let request = request.header("authorization", format!("Bearer {TOKEN}")).header("idempotency-key", key);
        let amount = json!({"minor_units": minor_units, "currency": "RUB"});
        answer(request.send_json(json!({"amount": amount, "operator": "anna", "comment": "по заявлению"})).unwrap())
    };
    assert_eq!(correct("k", -700), (200, json!({"seq": 1})));
    assert_eq!(correct("k", -700), (200, json!({"seq": 1})));
    assert_eq!((correct("k", -701).0, correct("l", 0).0, server.balance()), (409, 422, -700));
    let body = json!({"amount": {"minor_units": 1, "currency": "RUB"}, "operator": "anna", "comment": "x"});
    let (status, problem) = server.post("/api/v1/accounts/100500/corrections", &body);
    assert!(status == 422 && problem["detail"].as_str().unwrap().contains("Idempotency-Key"), "{problem}");
}

#[test]
fn openapi_describes_every_route() {
    let server = Server::new();
    let document: Value = server.agent.get(server.url("/api/openapi.json")).call().unwrap().body_mut().read_json().unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3."), "{document}");
    let paths = document["paths"].as_object().unwrap();
    for (path, methods) in [
        ("/accounts/{account}", &["get", "put"][..]),
        ("/links", &["post"]),
        ("/entries", &["get"]),
        ("/writeoffs", &["post"]),
        ("/exports/writeoffs", &["get"]),
        ("/writeoffs/{id}/exclusion", &["post", "delete"]),
        ("/exclusions", &["get"]),
        ("/unmatched", &["get"]),
        ("/unmatched/{id}/credit", &["post"]),
        ("/unmatched/{id}/dismiss", &["post"]),
        ("/contradictions", &["get"]),
        ("/decisions", &["get"]),
        ("/decisions/{id}/undo", &["post"]),
        ("/providers/{name}/settings", &["get", "put"]),
        ("/orders/{order}", &["get"]),
    ] {
        let described: Vec<&String> = paths[&format!("/api/v1{path}")].as_object().unwrap().keys().collect();
        assert!(methods.iter().all(|method| described.iter().any(|one| one == method)), "{path} {described:?}");
    }
    // Every documented route exists, and every reference resolves.
    for (path, methods) in paths {
        let path = path.replace("{id}", "1").replace(['{', '}'], "");
        for method in methods.as_object().unwrap().keys() {
            let request = ureq::http::Request::builder().method(method.to_uppercase().as_str()).uri(server.url(&path));
            let request = request.header("authorization", format!("Bearer {TOKEN}")).body(String::new()).unwrap();
            let (status, problem) = answer(server.agent.run(request).unwrap());
            assert!(status != 405 && problem["detail"] != "not found", "{method} {path} {problem}");
        }
    }
    let text = document.to_string();
    for (at, _) in text.match_indices("#/components/schemas/") {
        let name = text[at + 21..].split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name}");
    }
}

#[test]
fn metrics_count_requests() {
    let server = Server::new();
    let order = server.order();
    let good = payment(&order, "1");
    for body in [&good, &good, &payment("42", "2"), &good.replace("100.00", "100.01")] {
        server.callback(body);
    }
    let metrics = server.agent.get(server.url("/metrics")).call().unwrap().body_mut().read_to_string().unwrap();
    for line in [
        "harness_callbacks_total{provider=\"chronopay\",outcome=\"entered\"} 1",
        "harness_callbacks_total{provider=\"chronopay\",outcome=\"repeated\"} 1",
        "harness_callbacks_total{provider=\"chronopay\",outcome=\"unmatched\"} 1",
        "harness_callbacks_total{provider=\"chronopay\",outcome=\"refused\"} 1",
        "harness_provider_calls_total{provider=\"chronopay\",function=\"handle-callback\",result=\"ok\"} 4",
        "harness_provider_call_seconds_count{provider=\"chronopay\",function=\"handle-callback\"} 4",
        "harness_provider_call_fuel_count{provider=\"chronopay\",function=\"handle-callback\"} 4",
        "harness_provider_call_fuel_bucket{le=\"20000.0\",provider=\"chronopay\",function=\"handle-callback\"} 0",
        "harness_provider_call_fuel_bucket{le=\"1000000.0\",provider=\"chronopay\",function=\"handle-callback\"} 4",
        "harness_http_requests_total{route=\"/callbacks/{provider}\",method=\"POST\",status=\"403\"} 1",
        "harness_unmatched_waiting 1",
        "harness_unrecognized_waiting 0",
        "harness_contradictions_waiting 0",
    ] {
        assert!(metrics.lines().any(|one| one == line), "{line}\n{metrics}");
    }
    assert!(!metrics.contains(&order) && !metrics.contains("100500"), "no personal data");
}

#[test]
fn refusals_are_stored_within_seconds() {
    let server = Server::new();
    for _ in 0..5 {
        assert_eq!(server.callback(&payment("1", "1").replace("100.00", "1.00")).0, 403);
    }
    let other = Connection::open(server.database()).unwrap();
    let counted = || {
        let sql = "SELECT sum(count) FROM refusals WHERE provider = 'chronopay' AND code = 'signature-mismatch'";
        other.query_row(sql, [], |row| row.get::<_, Option<i64>>(0)).unwrap()
    };
    let began = Instant::now();
    while counted() != Some(5) {
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", counted());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn callback_sources_and_rates_are_limited() {
    let rate = std::num::NonZeroU32::new(5);
    let server = Server::with(|config| {
        config.callback_rate = rate;
        config.proxy_header = Some("x-forwarded-for".parse().unwrap());
        let proof = CallerProof { addresses: vec!["203.0.113.0/28".parse().unwrap()], ..CallerProof::default() };
        config.callers = BTreeMap::from([("chronopay".parse().unwrap(), proof)]);
    });
    let order = server.order();
    let body = payment(&order, "1");
    let from = |addresses: &str| {
        let request = server.agent.post(server.url("/callbacks/chronopay")).header("x-forwarded-for", addresses);
        request.send(&body).unwrap()
    };
    assert_eq!(from("203.0.113.1, 203.0.113.16").status(), 403, "an address that the client itself sent is not trusted");
    assert_eq!((server.balance(), from("9.9.9.9, 203.0.113.15").status().as_u16(), server.balance()), (0, 200, 10_000));
    assert!((0..100).all(|_| from("203.0.113.2").status() == 200), "proved callbacks are not limited");
    let forged = |address: &str| {
        let request = server.agent.post(server.url("/callbacks/chronopay")).header("x-forwarded-for", address);
        request.send("a=1").unwrap()
    };
    let limited = (0..100).map(|_| forged("203.0.113.2")).find(|response| response.status() == 429);
    let wait = limited.expect("a hundred at once are too many").headers()["retry-after"].to_str().unwrap().parse::<u64>();
    assert!((1..=10).contains(&wait.unwrap()));
    let metrics = server.client().get("/metrics", "").unwrap();
    let limited = "harness_callbacks_total{provider=\"chronopay\",outcome=\"limited\"} 1";
    assert!(metrics.text().contains(limited), "{}", metrics.text());
    assert_eq!(from("203.0.113.2").status(), 200, "not even by unproved callbacks from the same address");
    assert_eq!(forged("203.0.113.3").status(), 403, "another address is not limited");
}

#[test]
fn oversized_callbacks_never_reach_provider() {
    let server = Server::new();
    let url = server.url("/callbacks/chronopay");
    assert_eq!(server.agent.get(format!("{url}?{}", "x".repeat(16_385))).call().unwrap().status(), 413);
    let headers = (0..5).fold(server.agent.post(&url), |request, at| request.header(format!("x-{at}"), "y".repeat(2_000)));
    assert_eq!(headers.send("a=1").unwrap().status(), 413);
    assert_eq!(server.callback(&"x".repeat(32_768)).0, 403, "a callback within the limits reaches the provider");
    let metrics = server.agent.get(server.url("/metrics")).call().unwrap().body_mut().read_to_string().unwrap();
    assert!(!metrics.contains("result=\"limit\"") && !metrics.contains("outcome=\"failed\""), "{metrics}");
}

#[test]
fn payment_after_link_expiry_is_credited() {
    let server = Server::new();
    server.order();
    let mut asked = asked();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    asked["expires_at"] = json!(now + 3_600);
    let (status, link) = server.post("/api/v1/links", &asked);
    assert_eq!(status, 200, "{link}");
    let order = link["order"].as_str().unwrap();
    let connection = Connection::open(server.database()).unwrap();
    let changed = connection.execute("UPDATE orders SET expires_at = 1 WHERE number = ?", [order.parse::<i64>().unwrap()]);
    assert_eq!(changed.unwrap(), 1);
    assert_eq!(server.callback(&payment(order, "1")).0, 200);
    assert_eq!(server.balance(), 10_000);
}
/// A genuine callback whose amount has a comma: it is not known what it says.
fn unrecognizable(order: &str) -> String {
    signed(&[
        ("customer_id", "001234-100000062"),
        ("transaction_id", "1"),
        ("transaction_type", "Purchase"),
        ("total", "100,00"),
        ("product_id", PRODUCT),
        ("currency", "RUB"),
        ("cs1", order),
    ])
}

#[test]
fn unrecognized_callback_is_stored_raw() {
    let server = Server::new();
    let order = server.order();
    let body = unrecognizable(&order);
    assert_eq!((server.callback(&body).0, server.balance()), (200, 0), "it is accepted, and credits nothing");
    let (_, list) = server.get("/api/v1/unrecognized");
    let one = &list["unrecognized"][0];
    assert_eq!((&one["body"], &one["provider"], &one["method"]), (&json!(body), &json!("chronopay"), &json!("POST")));
    let path = format!("/api/v1/unrecognized/{}/dismiss", one["id"]);
    let seen = json!({"operator": "anna"});
    assert_eq!((server.post(&path, &seen).0, server.post(&path, &seen).0), (204, 404));
    assert_eq!(server.get("/api/v1/unrecognized").1, json!({"total": 0, "unrecognized": []}));
    assert_eq!(server.get("/api/v1/unrecognized?acknowledged=true").1["unrecognized"][0]["body"], json!(body));
    let again = path.replace("dismiss", "reopen");
    assert_eq!((server.post(&again, &seen).0, server.post(&again, &seen).0), (204, 404));
    assert_eq!(server.get("/api/v1/unrecognized").1["total"], 1);
}

/// Whoever has seen a genuine callback can change what is not signed of it, any number of times.
#[test]
fn one_network_has_few_unrecognized_callbacks_stored() {
    let server = Server::with(|config| config.proxy_header = Some("x-forwarded-for".parse().unwrap()));
    let send = |from: &str, number: usize| {
        let body = format!("{}&unsigned={number}", unrecognizable("1"));
        let request = server.agent.post(server.url("/callbacks/chronopay")).header("x-forwarded-for", from);
        request.content_type("application/x-www-form-urlencoded").send(body).unwrap().status().as_u16()
    };
    // One more each minute, if that is how long it takes.
    let refused = (0..200).find(|number| send(&format!("203.0.113.{number}"), *number) == 503).unwrap();
    assert!((100..120).contains(&refused), "{refused}");
    assert_eq!(send("203.0.113.200", 0), 200, "what is stored is counted");
    assert_eq!(send("198.51.100.7", refused), 200, "another network does not wait for it");
    assert_eq!(server.get("/api/v1/unrecognized").1["total"], refused + 1);
}

#[test]
fn stored_callback_is_complete_without_host_secrets() {
    let server = Server::new();
    let body = payment(&server.order(), "1");
    let request = server.agent.post(server.url("/callbacks/chronopay?a=%31"));
    let secret = ["authorization", "proxy-authorization", "proxy-anything", "cookie"];
    let request = secret.iter().fold(request, |request, name| request.header(*name, format!("Bearer {TOKEN}")));
    let request = ["b", "a"].iter().fold(request, |request, value| request.header("X-Sign", *value));
    let headers = [("user-agent", "payer/1"), ("content-type", "text/plain"), ("accept", "a/b"), ("accept-encoding", "c")];
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    assert_eq!(request.header("te", "trailers").send(&body).unwrap().status(), 200);

    let kept = Ledger::new(Sqlite::open(&server.database()).unwrap()).last_callbacks(&"chronopay".parse().unwrap(), 2).unwrap();
    let [kept] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!((kept.method.as_str(), kept.query.as_str(), kept.body.as_slice()), ("POST", "a=%31", body.as_bytes()));
    assert_eq!(kept.remote_address, "127.0.0.1");
    let (host, length) = (server.address.to_string(), body.len().to_string());
    let mut want = [&headers[..], &[("x-sign", "b"), ("x-sign", "a"), ("host", &host), ("content-length", &length)]].concat();
    let mut got: Vec<_> = kept.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    // The values of one name keep their order. The order of names does not matter.
    want.sort_by_key(|(name, _)| *name);
    got.sort_by_key(|(name, _)| *name);
    assert_eq!(got, want);
}

#[test]
fn password_change_ends_operator_sessions() {
    const PASSWORD: &str = "correct horse battery";
    let server = Server::new();
    let ledger = Ledger::new(Sqlite::open(&server.database()).unwrap());
    host::operators::set_password(&ledger, "anna", PASSWORD).unwrap();
    let client = server.client();
    let log_in = |password: &str| try_log_in(&client, "anna", password);
    assert_eq!(log_in("wrong horse battery").status, 403);
    let session = Session::log_in(&client, "anna", PASSWORD);
    let status = |session: &Session| session.get("/operator/statistics").status;
    assert_eq!(status(&session), 200);
    host::operators::set_password(&ledger, "boris", PASSWORD).unwrap();
    assert_eq!(status(&session), 200, "another operator's password does not affect this session");
    host::operators::set_password(&ledger, "anna", PASSWORD).unwrap();
    assert_eq!(status(&session), 303, "a new password ends the sessions of the old one");
    let session = Session::log_in(&client, "anna", PASSWORD);
    assert_eq!(status(&session), 200);
    host::operators::remove(&ledger, "anna").unwrap();
    assert_eq!((status(&session), log_in(PASSWORD).status), (303, 403));
}

#[test]
fn provider_crash_is_503_and_callback_is_stored() {
    let mut server = Server::new();
    let guest = Guest::good().first("(unreachable)").build();
    let database = server.folder.path().join("crash.db");
    let gateway = checked_gateway(&database, "hostile", &guest, &[], config());
    server.address = listen(&server.runtime, gateway);
    let answer = server.agent.post(server.url("/callbacks/hostile?q=1")).send("a=1&b=2").unwrap();
    assert_eq!(answer.status(), 503);
    let (_, list) = server.get("/api/v1/unrecognized");
    let one = &list["unrecognized"][0];
    assert_eq!((&one["body"], &one["query"], &one["provider"]), (&json!("a=1&b=2"), &json!("q=1"), &json!("hostile")));
    let metrics = server.agent.get(server.url("/metrics")).call().unwrap().body_mut().read_to_string().unwrap();
    assert!(metrics.contains("function=\"handle-callback\",result=\"trap\"} 1"), "{metrics}");
    assert!(server.get("/api/v1/entries").1["entries"].as_array().unwrap().is_empty());
}

#[test]
fn last_refusals_are_stored_at_shutdown() {
    let server = Server::new();
    let database = server.folder.path().join("ending.db");
    let gateway = gateway(&database, "chronopay", &component(), config());
    enter_settings(&gateway, "chronopay", settings(&[])).unwrap();
    let (end, ending) = tokio::sync::oneshot::channel::<()>();
    let (address, served) = server.runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        (address, tokio::spawn(gateway.serve(listener, async { drop(ending.await) })))
    });
    let forged = payment("1", "1").replace("100.00", "1.00");
    assert_eq!(server.agent.post(format!("http://{address}/callbacks/chronopay")).send(&forged).unwrap().status(), 403);
    end.send(()).unwrap();
    server.runtime.block_on(served).unwrap();
    let counted: i64 = Connection::open(&database)
        .unwrap()
        .query_row("SELECT sum(count) FROM refusals WHERE code = 'signature-mismatch'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(counted, 1);
}
