//! The API as programs meet it: its OpenAPI document, and the form of its errors.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::net::Shutdown;

use serde_json::{Value, json};

use crate::server::{Server, TOKEN, asked, checked_gateway, config, gateway, gateway_with, listen, payment};
use end_to_end::component;
use end_to_end::guest::Guest;
use host::Key;

/// Returns the operations of the document, each with its path.
fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
    })
}

/// Code generators refuse a document that breaks one of these rules.
#[test]
fn openapi_document_is_complete() {
    let server = Server::new();
    let document = server.get("/api/openapi.json").1;
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap_or_default();
        assert!(!id.is_empty() && ids.insert(id), "{name}: operationId {id:?}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}: {status} {response}");
        }
        let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        for parameter in parameters {
            assert!(parameter["schema"].is_object(), "{name}: {parameter}");
            assert!(parameter["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}: {parameter}");
        }
        let declared = parameters.iter().filter(|parameter| parameter["in"] == "path").map(|parameter| {
            assert_eq!(parameter["required"], true, "{name}: {parameter}");
            parameter["name"].as_str().unwrap()
        });
        let in_path = name.split('{').skip(1).map(|rest| rest.split('}').next().unwrap());
        assert_eq!(declared.collect::<Vec<_>>(), in_path.collect::<Vec<_>>(), "{name}");
    }
    assert!(ids.len() > 30, "{ids:?}");
}

/// Sends a request with a JSON body, and returns the status, the content type and the problem.
fn send(server: &Server, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String, Value) {
    let bearer = format!("Bearer {TOKEN}");
    let headers = [&[("authorization", bearer.as_str())], headers].concat();
    let answer = server.client().send(method, path, &headers, body).unwrap();
    (answer.status, answer.header("content-type").to_owned(), answer.json())
}

#[test]
fn every_error_is_a_problem() {
    let server = Server::new();
    server.order();
    const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
    // One byte more than each limit: a client that is not stopped while it sends reads the answer.
    let [json, batch, component, upload] = [2 << 20, 16 << 20, 4 << 20, (4 << 20) + (64 << 10)].map(|max| vec![b' '; max + 1]);
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/gateway.md")).unwrap();
    let not_a_number = "`id` in the path must be a whole number, such as 17";
    for (method, path, headers, body, status, words) in [
        ("POST", "/api/v1/decisions/abc/undo", JSON, &b"{}"[..], 400, not_a_number),
        ("POST", "/api/v1/unmatched/abc/credit", JSON, b"{}", 400, not_a_number),
        ("POST", "/api/v1/unmatched/-1/dismiss", JSON, b"{}", 400, not_a_number),
        ("POST", "/api/v1/unmatched/18446744073709551616/dismiss", JSON, b"{}", 400, not_a_number),
        ("POST", "/api/v1/unrecognized/1.5/dismiss", JSON, b"{}", 400, not_a_number),
        ("POST", "/api/v1/contradictions/%31x/reopen", JSON, b"{}", 400, not_a_number),
        ("GET", "/api/v1/accounts/%FF", &[], b"", 400, "`account` in the path must be percent-encoded UTF-8"),
        ("GET", "/api/v1/providers/%FF/settings", &[], b"", 400, "`name` in the path must be percent-encoded UTF-8"),
        ("POST", "/api/v1/links", JSON, &json, 413, "the body is larger"),
        ("POST", "/api/v1/writeoffs", JSON, &batch, 413, "the body is larger"),
        ("POST", "/api/v1/providers/chronopay/component", &[], &component, 413, "a component has at most"),
        ("POST", "/api/v1/providers/chronopay/component", &[], &upload, 413, "a component has at most"),
        ("POST", "/api/v1/links", &[], b"{}", 415, "Content-Type: application/json"),
        ("POST", "/api/v1/links", &[("content-type", "text/plain")], b"{}", 415, "Content-Type: application/json"),
        ("POST", "/api/v1/providers/chronopay/component", &[("content-type", "multipart/form-data")], b"", 400, "boundary"),
        ("POST", "/api/v1/links", JSON, b"{", 400, "EOF"),
        ("GET", "/api/v1/entries?after=-1", &[], b"", 400, "after"),
        ("GET", "/api/v1/entries?robot=1", &[], b"", 400, "robot"),
        ("GET", "/api/v1/exports/writeoffs?from=x", &[], b"", 400, "from"),
        ("DELETE", "/api/v1/entries", &[], b"", 405, "method not allowed"),
        ("PATCH", "/api/v1/accounts/1", &[], b"", 405, "method not allowed"),
        ("POST", "/api/openapi.json", &[], b"", 405, "method not allowed"),
        ("GET", "/api/v1/nothing", &[], b"", 404, "not found"),
        ("GET", "/api/v1/", &[], b"", 404, "not found"),
        ("GET", "/api/v1", &[], b"", 404, "not found"),
        ("GET", "/api/nothing", &[], b"", 404, "not found"),
        ("GET", "/api/v1/accounts/7/", &[], b"", 404, "not found"),
    ] {
        let (found, content_type, problem) = send(&server, method, path, headers, body);
        let of = format!("{method} {path}: {content_type} {problem}");
        assert_eq!((found, content_type.as_str()), (status, "application/problem+json"), "{of}");
        assert_eq!((&problem["status"], problem["title"].is_string()), (&json!(status), true), "{of}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{of}");
        assert!(page.contains(&format!("\n| {status} | ")), "docs/gateway.md says nothing about {of}");
    }
    let (status, problem) =
        server.post("/api/v1/decisions/18446744073709551615/undo", &json!({"operator": "a", "reason": "b"}));
    assert_eq!((status, &problem["code"]), (404, &json!("decision-unknown")), "{problem}");
}

#[test]
fn wrong_type_names_its_field() {
    let server = Server::new();
    let mut link = asked();
    link["amount"]["minor_units"] = json!("100");
    let (status, problem) = server.post("/api/v1/links", &link);
    let detail = problem["detail"].as_str().unwrap();
    assert!(status == 422 && detail.contains("amount.minor_units: invalid type: string \"100\""), "{problem}");
}

#[test]
fn unlisted_currency_is_refused() {
    let server = Server::new();
    server.order();
    let correct = |currency: &str| {
        let amount = json!({"minor_units": 100, "currency": currency});
        let body = json!({"amount": amount, "operator": "anna", "comment": "x"}).to_string();
        let headers = [("content-type", "application/json"), ("idempotency-key", currency)];
        let (status, _, answer) = send(&server, "POST", "/api/v1/accounts/100500/corrections", &headers, body.as_bytes());
        (status, answer["detail"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(
        [correct("RUR"), correct("XXQ"), correct("rub")],
        [
            (422, "amount.currency must not be RUR, the rouble's code until 1998; use RUB".to_owned()),
            (422, "amount.currency must be a code of ISO 4217, such as RUB; it does not list XXQ".to_owned()),
            (422, "amount.currency must be a code such as RUB".to_owned()),
        ]
    );
    assert_eq!([correct("KZT").0, correct("RUB").0], [200, 200]);
    let mut link = asked();
    link["amount"]["currency"] = json!("RUR");
    let (status, problem) = server.post("/api/v1/links", &link);
    assert!(status == 422 && problem["detail"].as_str().unwrap().ends_with("use RUB"), "{problem}");
}

/// A follower whose place is later than the ledger's end would skip all entries until that place.
#[test]
fn feed_refuses_place_after_last_entry() {
    let server = Server::new();
    assert_eq!(server.get("/api/v1/entries").1, json!({"entries": []}));
    let unknown = |path: &str, last: u64| {
        let (status, problem) = server.get(path);
        assert_eq!((status, &problem["code"]), (409, &json!("entries-after-unknown")), "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.contains(&format!("the ledger ends at {last}.")) && detail.ends_with(&format!("after={last}")),
            "{detail}"
        );
    };
    unknown("/api/v1/entries?after=1", 0);
    let order = server.order();
    assert_eq!(server.callback(&payment(&order, "1")).0, 200);
    assert_eq!(server.get("/api/v1/entries?after=1").1, json!({"entries": []}));
    assert_eq!(server.get("/api/v1/entries?after=1&account=7").1, json!({"entries": []}));
    for path in ["after=2", "after=2&wait=60", "after=2&account=100500", "after=18446744073709551615"] {
        unknown(&format!("/api/v1/entries?{path}"), 1);
    }
    // A page whose address names an entry that is lost shows no notice.
    let page = server.log_in().get("/operator/unmatched?entry=9");
    assert!(!page.contains("entries-after-unknown") && page.contains("Неопознанные"), "{page}");
}

/// A restored ledger gives numbers again that a follower has seen.
#[test]
fn feed_refuses_another_entry_under_the_same_number() {
    let [one, other] = ["1", "2"].map(|transaction| {
        let server = Server::new();
        let order = server.order();
        assert_eq!(server.callback(&payment(&order, transaction)).0, 200);
        let digest = server.get("/api/v1/entries").1["entries"][0]["digest"].as_str().unwrap().to_owned();
        assert_eq!(server.get(&format!("/api/v1/entries?after=1&digest={digest}")).1, json!({"entries": []}));
        (server, digest)
    });
    for after in [0, 1, 2] {
        let (status, problem) = one.0.get(&format!("/api/v1/entries?after={after}&digest={}&wait=60", other.1));
        assert_eq!((status, &problem["code"]), (409, &json!("entries-after-unknown")), "{problem}");
    }
}

/// A billing system can tell why a provider is not usable. None of the reasons goes away by itself.
#[test]
fn unusable_provider_has_code() {
    let mut server = Server::new();
    server.order();
    let refused = |server: &Server, path: &str, body: &Value| {
        let answer = server.client().api("POST", path, TOKEN, body).unwrap();
        (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned(), answer.header("retry-after").to_owned())
    };
    let code = |status: u16, code: &str| (status, code.to_owned(), String::new());
    let pause = json!({"operator": "anna"});
    assert_eq!(server.post("/api/v1/providers/chronopay/pause", &pause).0, 204);
    assert_eq!(refused(&server, "/api/v1/links", &asked()), code(409, "provider-paused"));
    assert_eq!(server.post("/api/v1/providers/chronopay/resume", &pause).0, 204);

    let other = Key::parse(&"5f".repeat(32)).unwrap();
    let crashing = Guest::good().first("(unreachable)").with(|guest| guest.link[0] = 7).build();
    let file = |server: &Server, name: &str| server.folder.path().join(name).join("ledger.db");
    for name in ["unset", "other-key", "crash"] {
        std::fs::create_dir(server.folder.path().join(name)).unwrap();
    }
    std::fs::copy(server.database(), file(&server, "other-key")).unwrap();
    for (gateway, status, want, of_callback) in [
        (gateway(&file(&server, "unset"), "chronopay", &component(), config()), 503, "provider-not-configured", "60"),
        (
            gateway_with(other, &file(&server, "other-key"), "chronopay", &component(), config()),
            503,
            "provider-settings-rejected",
            "60",
        ),
        (checked_gateway(&file(&server, "crash"), "chronopay", &crashing, &[], config()), 502, "provider-failed", ""),
    ] {
        server.address = listen(&server.runtime, gateway);
        let account = json!({"name": "x", "kind": "individual"});
        assert_eq!(server.put("/api/v1/accounts/100500", &account).0, 200);
        assert_eq!(refused(&server, "/api/v1/links", &asked()), code(status, want));
        let (status, _, retry_after) = refused(&server, "/callbacks/chronopay", &json!({}));
        assert_eq!((status, retry_after.as_str()), (503, of_callback), "{want}");
    }
}

/// Returns the requests that name an operator, in their body or query: `POST /api/v1/decisions/{id}/undo`.
fn naming_an_operator(document: &Value) -> BTreeSet<String> {
    let names_one = |operation: &Value| {
        let schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
        let schema = schema.map(|name| name.trim_start_matches("#/components/schemas/"));
        let in_body = schema.is_some_and(|name| document["components"]["schemas"][name]["properties"]["operator"].is_object());
        let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        in_body || parameters.iter().any(|parameter| parameter["name"] == "operator")
    };
    let named = operations(document).filter(|(_, operation)| names_one(operation));
    let request = |(name, _): (String, &Value)| {
        let (method, path) = name.split_once(' ').unwrap();
        format!("{} {path}", method.to_uppercase())
    };
    named.map(request).collect()
}

/// Returns the path of `POST /api/v1/decisions/{id}/undo`, with something in its place.
fn path_of(request: &str) -> String {
    let (_, path) = request.split_once(' ').unwrap();
    path.replace("{account}", "100500").replace("{id}", "1").replace("{name}", "chronopay")
}

/// Whoever decides is named by one rule, whatever is decided.
#[test]
fn name_of_an_operator_is_checked_everywhere() {
    let server = Server::new();
    let (comment, reason) = ("by hand", "by hand");
    let amount = json!({"minor_units": 100, "currency": "RUB"});
    let bodies = [
        ("POST /api/v1/accounts/{account}/corrections", json!({"amount": amount, "comment": comment})),
        ("POST /api/v1/contradictions/{id}/dismiss", json!({})),
        ("POST /api/v1/contradictions/{id}/reopen", json!({})),
        ("POST /api/v1/decisions/{id}/undo", json!({"reason": reason})),
        ("POST /api/v1/operations", json!({"provider": "chronopay", "payment": "1", "kind": "refund", "amount": amount})),
        ("POST /api/v1/operations/{id}/decision", json!({"verdict": "done", "comment": comment})),
        ("POST /api/v1/operations/{id}/withdraw", json!({"comment": comment})),
        ("POST /api/v1/providers/{name}/pause", json!({})),
        ("POST /api/v1/providers/{name}/resume", json!({})),
        ("POST /api/v1/unmatched/{id}/credit", json!({"account": "100500", "comment": comment})),
        ("POST /api/v1/unmatched/{id}/dismiss", json!({"comment": comment})),
        ("POST /api/v1/unrecognized/{id}/dismiss", json!({})),
        ("POST /api/v1/unrecognized/{id}/judge", json!({})),
        ("POST /api/v1/unrecognized/{id}/reopen", json!({})),
        ("POST /api/v1/writeoffs/{id}/exclusion", json!({"reason": reason})),
    ];
    let queries = ["DELETE /api/v1/providers/{name}", "DELETE /api/v1/writeoffs/{id}/exclusion"];
    let listed: BTreeSet<String> = bodies.iter().map(|(request, _)| *request).chain(queries).map(str::to_owned).collect();
    assert_eq!(
        naming_an_operator(&server.get("/api/openapi.json").1),
        listed,
        "every request that names an operator is tried here"
    );
    let too_long = "я".repeat(65);
    for name in ["", " ", "anna ", "an\nna", "an\u{200b}na", too_long.as_str()] {
        for (request, body) in &bodies {
            let mut body = body.clone();
            body["operator"] = json!(name);
            let bearer = format!("Bearer {TOKEN}");
            let headers = [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", "1")];
            let sent = server.client().send("POST", &path_of(request), &headers, body.to_string().as_bytes()).unwrap();
            let (status, problem) = (sent.status, sent.json());
            assert_eq!((status, &problem["code"]), (422, &json!("operator-name-invalid")), "{request} {name:?} {problem}");
        }
        for request in queries {
            let encoded: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
            let (status, problem) = server.delete(&format!("{}?operator={encoded}", path_of(request)));
            assert_eq!((status, &problem["code"]), (422, &json!("operator-name-invalid")), "{request} {name:?} {problem}");
        }
    }
    assert_eq!(server.get("/api/v1/decisions").1["decisions"], json!([]));
}

#[test]
fn upload_that_is_cut_off_says_so() {
    let server = Server::new();
    let form = "multipart/form-data; boundary=b";
    let part = "--b\r\ncontent-disposition: form-data; name=\"component\"; filename=\"a\"\r\n\r\n";
    for (content_type, begun) in [("application/wasm", "\0asm"), (form, part)] {
        let head = format!("POST /api/v1/providers/a/component HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n");
        let request = format!("{head}content-type: {content_type}\r\ncontent-length: 9999\r\n\r\n{begun}");
        let mut stream = support::wire::send(server.address, &request);
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("did not arrive whole"), "{content_type}: {answer:?}");
    }
    assert_eq!(server.catalog().lock().unwrap().len(), 1);
}
