//! Idle connections, bodies that never arrive, and two listeners: callbacks are answered nevertheless.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::server::{Server, config, enter_settings, gateway};
use end_to_end::{component, settings};
use gateway::Listeners;
use serde_json::json;
use support::wire::{connect, send};

/// Sends a raw request, and returns what is answered until the connection is closed.
fn raw(address: SocketAddr, request: &str) -> String {
    let mut answer = Vec::new();
    drop(send(address, request).read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn silent_connections_give_way_to_callbacks() {
    let server = Server::new();
    // More connections than one address may have, but no more than the test's own process may open.
    let silent: Vec<TcpStream> = (0..280).map(|_| connect(server.address)).collect();
    for _ in 0..20 {
        assert_eq!(server.callback("a=1").0, 403);
    }
    // The oldest ones were dropped for the others.
    let mut first = &silent[0];
    assert!(matches!(first.read(&mut [0]), Ok(0) | Err(_)), "nothing was sent to it");
    let mut last = silent.last().unwrap();
    last.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    last.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("200 OK"), "{answer}");
}

#[test]
fn incomplete_body_is_408_on_every_route() {
    let server = Server::new();
    let began = Instant::now();
    let token = crate::server::TOKEN;
    let requests = [
        "POST /callbacks/chronopay HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\na".to_owned(),
        "POST /operator/login HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\na".to_owned(),
        format!(
            "PUT /api/v1/accounts/1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{{"
        ),
        format!(
            "POST /api/v1/links HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{{\r\n"
        ),
    ];
    std::thread::scope(|scope| {
        let waiting: Vec<_> = requests.iter().map(|request| scope.spawn(|| raw(server.address, request))).collect();
        for (request, waiting) in requests.iter().zip(waiting) {
            let answer = waiting.join().unwrap();
            assert!(answer.starts_with("HTTP/1.1 408 "), "{request}\n{answer}");
        }
    });
    assert!((Duration::from_secs(9)..Duration::from_secs(60)).contains(&began.elapsed()));
}

#[test]
fn request_names_exactly_one_host() {
    let server = Server::new();
    for (request, status) in [
        ("GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n", "400"),
        ("GET /healthz HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n", "400"),
        ("GET /healthz HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n", "400"),
        ("GET /healthz HTTP/1.1\r\nhost: \r\nconnection: close\r\n\r\n", "200"),
        ("GET /healthz HTTP/1.1\r\nhost: [2001:db8::1]:8080\r\nconnection: close\r\n\r\n", "200"),
        ("GET /healthz HTTP/1.0\r\n\r\n", "200"),
    ] {
        let answer = raw(server.address, request);
        assert_eq!(answer.split(' ').nth(1), Some(status), "{request}\n{answer}");
    }
}

#[test]
fn callbacks_can_have_their_own_listener() {
    let mut server = Server::new();
    let order = server.order();
    let gateway = gateway(&server.database(), "chronopay", &component(), config());
    enter_settings(&gateway, "chronopay", settings(&[])).unwrap();
    let (main, callbacks) = server.runtime.block_on(async {
        let main = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let callbacks = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addresses = (main.local_addr().unwrap(), callbacks.local_addr().unwrap());
        tokio::spawn(gateway.serve(Listeners { main, callbacks: Some(callbacks) }, std::future::pending()));
        addresses
    });
    let payment = end_to_end::signed(&[
        ("customer_id", "001234-100000062"),
        ("transaction_id", "1"),
        ("transaction_type", "Purchase"),
        ("total", "100.00"),
        ("product_id", "001234-0001-0001"),
        ("currency", "RUB"),
        ("cs1", &order),
    ]);
    let send = |address: SocketAddr, path: &str| {
        server.agent.post(format!("http://{address}{path}")).send(payment.as_str()).unwrap().status().as_u16()
    };
    // A web server that passes callbacks on to the other listener is to be corrected, and not the address at the payment system.
    let mut misdirected = server.agent.post(format!("http://{main}/callbacks/chronopay")).send(payment.as_str()).unwrap();
    let said = misdirected.body_mut().read_to_string().unwrap();
    assert!(misdirected.status() == 421 && said.contains("callbacks are served at another address"), "{said}");
    let counted = || {
        let metrics = server.agent.get(format!("http://{main}/metrics")).call().unwrap().into_body().read_to_string().unwrap();
        metrics.contains("unknown-address")
    };
    assert!(!counted(), "its address is known");
    assert_eq!((send(main, "/callbacks/chronopay-2"), send(callbacks, "/callbacks/chronopay")), (404, 200));
    assert!(counted());
    let get =
        |address: SocketAddr, path: &str| server.agent.get(format!("http://{address}{path}")).call().unwrap().status().as_u16();
    for path in ["/operator/login", "/api/openapi.json", "/cabinet", "/assets/style.css", "/metrics", "/healthz", "/"] {
        assert_eq!(get(callbacks, path), 404, "{path}");
    }
    assert_eq!((get(main, "/operator/login"), get(main, "/healthz")), (200, 200));
    server.address = main;
    assert_eq!(server.balance(), 10_000);
}

#[test]
fn json_body_has_one_reading() {
    let server = Server::new();
    server.order();
    let put = |path: &str, body: &str| {
        let request = server.agent.put(server.url(path)).header("authorization", format!("Bearer {}", crate::server::TOKEN));
        crate::server::answer(request.content_type("application/json").send(body).unwrap())
    };
    for (path, body, words) in [
        ("/api/v1/accounts/7", r#"["x","individual"]"#, "invalid type: sequence"),
        ("/api/v1/accounts/7", r#"{"name": "x", "name": "y", "kind": "individual"}"#, "`name` is given twice"),
        (
            "/api/v1/providers/chronopay/settings",
            r#"{"product-id":"001234-0001-0001","product-id":"001234-0001-0009"}"#,
            "each name once",
        ),
    ] {
        let (status, problem) = put(path, body);
        assert!(status == 422 && problem["detail"].as_str().unwrap().contains(words), "{body}: {status} {problem}");
    }
    assert_eq!(server.get("/api/v1/accounts/7").0, 404);
    let link = |body: &str| {
        let request =
            server.agent.post(server.url("/api/v1/links")).header("authorization", format!("Bearer {}", crate::server::TOKEN));
        crate::server::answer(request.content_type("application/json").send(body).unwrap())
    };
    let good = r#"{"account": "100500", "amount": {"minor_units": 100, "currency": "RUB"}, "description": "x", "payer": {"email": "a@example.ru"}}"#;
    assert_eq!(link(good).0, 200);
    assert_eq!(link(&good.replace(r#"{"minor_units": 100, "currency": "RUB"}"#, r#"[100, "RUB"]"#)).0, 422);
    let twice = link(&good.replace(r#""a@example.ru""#, r#""a@example.ru", "email": "b@example.ru""#));
    assert!(twice.0 == 422 && twice.1["detail"].as_str().unwrap().contains("`email` is given twice"), "{}", twice.1);
    assert_eq!(server.put("/api/v1/accounts/8", &json!({"name": "x", "kind": "individual"})).0, 200);
}

/// A stalled download keeps no snapshot of the ledger open, and is cut off.
#[test]
fn stalled_download_holds_nothing_and_is_cut() {
    let stall_time_max = Duration::from_secs(5);
    let server = Server::with(|config| config.stall_time_max = stall_time_max);
    let account = json!({"name": "Иванов И. И.", "kind": "individual"});
    assert_eq!(server.put("/api/v1/accounts/100500", &account).0, 200);
    // 8 MB of a table: more than the system's buffers hold.
    let add = |part: usize| {
        let writeoffs: Vec<_> = (0..5000)
            .map(|id| {
                json!({"id": format!("{part}-{id}"), "account": "100500", "service": "Интернет".repeat(18), "unit": "мес",
                    "period": "2026-02-01", "date": "2026-02-28", "amount": {"minor_units": 1, "currency": "RUB"}})
            })
            .collect();
        let (status, added) = server.post("/api/v1/writeoffs", &json!({ "writeoffs": writeoffs }));
        assert_eq!(status, 200, "{added}");
    };
    (0..4).for_each(add);

    let log = || std::fs::metadata(server.folder.path().join("ledger.db-wal")).unwrap().len();
    let log_before = log();
    let mut unread = server.log_in().open("/operator/statistics.csv?from=2026-02-01&to=2026-02-28");
    let began = Instant::now();
    (4..8).for_each(add);
    assert!(log() < log_before * 3 / 2, "the log grew from {log_before} to {} bytes", log());

    std::thread::sleep((stall_time_max * 2).saturating_sub(began.elapsed()));
    let mut answer = Vec::new();
    drop(unread.read_to_end(&mut answer));
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
    assert!(!answer.ends_with(b"\r\n0\r\n\r\n"), "all {} bytes came", answer.len());
}
