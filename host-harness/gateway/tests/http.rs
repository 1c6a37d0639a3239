//! A billing system and a payment system at the gateway, over real HTTP, with the real component and a real database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "these are tests"
)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use end_to_end::{provider, settings, signed};
use gateway::{Config, Gateway, Key, Token};
use ledger::{Ledger, Sqlite};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;
use ureq::http::Response;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A gateway on a free port; it ends with the test.
struct Server {
    folder: TempDir,
    address: SocketAddr,
    runtime: tokio::runtime::Runtime,
    agent: Agent,
}

impl Server {
    fn new() -> Server {
        Server::with(|_| {})
    }

    /// A gateway whose configuration is not the usual one.
    fn with(change: impl FnOnce(&mut Config)) -> Server {
        let folder = TempDir::new().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
        let mut server = Server { folder, address: ([127, 0, 0, 1], 0).into(), runtime, agent };
        server.start(change);
        server
    }

    fn database(&self) -> std::path::PathBuf {
        self.folder.path().join("ledger.db")
    }

    fn start(&mut self, change: impl FnOnce(&mut Config)) {
        let mut config = config(self.folder.path());
        change(&mut config);
        self.address = serve(&self.runtime, &self.database(), config);
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.agent.post(self.url(path)).header("authorization", format!("Bearer {TOKEN}"));
        answer(request.send_json(body).unwrap())
    }

    fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.agent.put(self.url(path)).header("authorization", format!("Bearer {TOKEN}"));
        answer(request.send_json(body).unwrap())
    }

    fn get(&self, path: &str) -> (u16, Value) {
        answer(self.agent.get(self.url(path)).header("authorization", format!("Bearer {TOKEN}")).call().unwrap())
    }

    fn callback(&self, body: &str) -> (u16, String) {
        let response = self.agent.post(self.url("/callbacks/chronopay")).send(body);
        let mut response = response.unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }

    /// An order of 100.00 for the account 100500.
    fn order(&self) -> String {
        let account = json!({"name": "Иванов И. И.", "kind": "individual", "contract": "Д-17"});
        assert_eq!(self.put("/api/v1/accounts/100500", &account).0, 200);
        let (status, link) = self.post("/api/v1/links", &asked());
        assert_eq!(status, 200, "{link}");
        link["order"].as_str().unwrap().to_owned()
    }

    fn balance(&self) -> i64 {
        self.get("/api/v1/accounts/100500").1["balances"][0]["minor_units"].as_i64().unwrap_or(0)
    }
}

fn config(folder: &Path) -> Config {
    Config {
        public_url: "https://billing.example.ru".to_owned(),
        token: Token::new(TOKEN).unwrap(),
        key: Key::parse(&"5e".repeat(32)).unwrap(),
        exports: folder.join("exports"),
        utc_offset_hours: 3,
        callback_rate: None,
        proxy_header: None,
        callback_sources: BTreeMap::new(),
    }
}

/// Serves ChronoPay with the settings of the vectors.
fn serve(runtime: &tokio::runtime::Runtime, database: &Path, config: Config) -> SocketAddr {
    let ledger = Ledger::new(Sqlite::open(database).unwrap());
    let providers = BTreeMap::from([("chronopay".to_owned(), provider().clone())]);
    let gateway = Gateway::new(ledger, providers, config).unwrap();
    gateway.enter_settings("chronopay", settings(&[])).unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(gateway.serve(listener, std::future::pending()));
        address
    })
}

fn answer(mut response: Response<ureq::Body>) -> (u16, Value) {
    let text = response.body_mut().read_to_string().unwrap();
    (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn asked() -> Value {
    json!({"account": "100500", "amount": {"minor_units": 10_000, "currency": "RUB"}, "description": "Пополнение баланса"})
}

/// A signed callback of 100.00 for an order.
fn payment(order: &str, transaction: &str) -> String {
    signed(&[
        ("customer_id", "001234-100000062"),
        ("transaction_id", transaction),
        ("transaction_type", "Purchase"),
        ("total", "100.00"),
        ("product_id", "001234-0001-0001"),
        ("currency", "RUB"),
        ("cs1", order),
    ])
}

#[test]
fn a_top_up_from_the_link_to_the_feed() {
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
fn links_are_signed_and_made_once_for_a_key() {
    let server = Server::new();
    server.order();
    let request = || {
        let request = server.agent.post(server.url("/api/v1/links")).header("authorization", format!("Bearer {TOKEN}"));
        request.header("idempotency-key", "k-1")
    };
    let (status, first) = answer(request().send_json(asked()).unwrap());
    assert_eq!(status, 200);
    assert!(first["url"].as_str().unwrap().starts_with("https://payments.chronopay.com/?"), "{first}");
    assert_eq!(first["form_action"], "https://payments.chronopay.com/");
    let fields = first["form_fields"].as_array().unwrap();
    assert!(
        fields.contains(&json!(["cs1", first["order"]])) && fields.contains(&json!(["product_price", "100.00"])),
        "{first}"
    );
    let back = json!(["cb_url", "https://billing.example.ru/callbacks/chronopay"]);
    assert!(fields.contains(&back), "{first}");
    assert_eq!(answer(request().send_json(asked()).unwrap()), (200, first));
    let other = json!({"account": "100500", "amount": {"minor_units": 1, "currency": "RUB"}, "description": "x"});
    assert_eq!(answer(request().send_json(other).unwrap()).0, 409);
}

#[test]
fn callbacks_that_are_no_payment_of_the_order() {
    let server = Server::new();
    let order = server.order();
    let good = payment(&order, "1");
    for (body, status) in [
        (good.replace("total=100.00", "total=1000.00"), 403),
        (good.replace("Purchase", "Refund"), 403),
        ("nothing=1".to_owned(), 403),
        (payment("42", "2"), 200),
        (good.replace("currency=RUB", "currency=USD"), 403),
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
    assert_eq!((server.balance(), server.get("/api/v1/unmatched").1), (10_000, json!({"unmatched": []})));

    // By GET as well; a body that is too large, another method, another provider.
    let url = server.url(&format!("/callbacks/chronopay?{good}"));
    assert_eq!(server.agent.get(url).call().unwrap().status(), 200);
    assert_eq!(server.balance(), 20_000);
    assert_eq!(server.callback(&"x".repeat(32_769)).0, 413);
    assert_eq!(server.agent.put(server.url("/callbacks/chronopay")).send("").unwrap().status(), 405);
    assert_eq!(server.agent.post(server.url("/callbacks/other")).send(&good).unwrap().status(), 404);
}

#[test]
fn a_hundred_copies_at_once_credit_once() {
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
fn a_ledger_that_refuses_is_503_and_loses_nothing() {
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
fn what_was_answered_is_there_after_a_restart() {
    let mut server = Server::new();
    let order = server.order();
    let body = payment(&order, "1");
    assert_eq!(server.callback(&body).0, 200);
    server.start(|_| {});
    assert_eq!((server.callback(&body).0, server.balance()), (200, 10_000));
    assert_eq!(server.get("/api/v1/entries").1["entries"].as_array().unwrap().len(), 1);
}

#[test]
fn the_feed_waits_for_an_entry() {
    let server = Server::new();
    let order = server.order();
    let began = Instant::now();
    assert_eq!(server.get("/api/v1/entries?wait=1").1, json!({"entries": []}));
    assert!(began.elapsed() >= Duration::from_secs(1));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| server.get("/api/v1/entries?wait=60"));
        // It comes before or after the feed begins to wait; either way it is there.
        assert_eq!(server.callback(&payment(&order, "1")).0, 200);
        assert_eq!(waiting.join().unwrap().1["entries"].as_array().unwrap().len(), 1);
    });
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn writeoffs_are_taken_once() {
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
fn nobody_is_let_in_without_the_token() {
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
fn problems_say_what_to_do() {
    let server = Server::new();
    server.order();
    let bad = json!({"name": "x", "kind": "robot"});
    for ((status, problem), want, words) in [
        (server.put("/api/v1/accounts/1", &bad), 422, "unknown variant `robot`"),
        (server.put("/api/v1/accounts/1", &json!({"name": "x"})), 422, "missing field"),
        (server.get("/api/v1/accounts/7"), 404, "no such account"),
        (server.get("/api/v1/orders/7"), 404, "no such order"),
        (server.get("/api/v1/entries?after=x"), 400, "after"),
        (server.get("/api/v1/nothing"), 404, "nothing at this address"),
        (server.post("/api/v1/entries", &json!({})), 405, "another method"),
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
