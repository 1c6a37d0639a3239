//! Secret headers of callbacks: stored sealed, and opened only to judge a stored callback again.

use std::path::Path;

use domain::StoredCallback;
use gateway::Gateway;
use host::Key;
use ledger::Ledger;
use serde_json::{Value, json};
use storage_sqlite::Sqlite;

use crate::decisions::sees;
use crate::server::{Server, checked_gateway, config, enter_settings, host, listen};
use crate::swap::{KEY, made_up, made_up_payment};

/// The header that proves a callback of the component with the fault `header-proves`.
const HEADER: (&str, &str) = ("x-key", "TestHeaderKey");
const OTHER_HEADERS: [(&str, &str); 2] = [("x-shop", "17"), ("x-other", "1")];

fn made_up_settings() -> Vec<(String, String)> {
    [("shop", "17"), ("key", KEY)].map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// Starts a server with ChronoPay, and with the made-up provider under the name `made-up`, whose component has a fault.
fn with_faulty(fault: &str) -> Server {
    let mut server = Server::new();
    let gateway = checked_gateway(&server.database(), "made-up", &made_up(fault), &made_up_settings(), config());
    server.address = listen(&server.runtime, gateway);
    server
}

impl Server {
    fn put_account(&self) {
        let account = json!({"name": "Иванов И. И.", "kind": "individual", "contract": "Д-17"});
        assert_eq!(self.put("/api/v1/accounts/100500", &account).0, 200);
    }

    /// Sends a payment of a new order with headers, and returns the status and the order.
    fn pay_with_header(&self, payment: &str, more: &str, headers: &[(&str, &str)]) -> (u16, String) {
        self.put_account();
        let mut asked = crate::server::asked();
        asked["provider"] = "made-up".into();
        let (status, link) = self.post("/api/v1/links", &asked);
        assert_eq!(status, 200, "{link}");
        let order = link["order"].as_str().unwrap().to_owned();
        let body = format!("{}{more}", made_up_payment(&order, payment, KEY));
        (self.client().send("POST", "/callbacks/made-up", headers, body.as_bytes()).unwrap().status, order)
    }

    /// Swaps in a component, and accepts what it changes.
    fn swap_accepted(&self, component: &[u8]) -> Value {
        let (status, answer) = self.swap("made-up", component, "");
        let Some(accept) = answer["accept"].as_str() else {
            assert_eq!(status, 200, "{answer}");
            return answer;
        };
        let (status, answer) = self.swap("made-up", component, &format!("?accept_changes={accept}"));
        assert_eq!(status, 200, "{answer}");
        answer
    }

    fn ledger(&self) -> Ledger {
        Ledger::new(Sqlite::open(&self.database()).unwrap())
    }
}

fn headers() -> [(&'static str, &'static str); 3] {
    [OTHER_HEADERS[0], HEADER, OTHER_HEADERS[1]]
}

/// Requires that no file of a folder holds a text.
fn require_nowhere(folder: &Path, text: &str) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.extension().is_none_or(|extension| extension != "wasm") {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()), "{text} is in {}", path.display());
        }
    }
}

#[test]
fn a_callback_that_failed_is_judged_again_with_its_secret_header() {
    let server = with_faulty("panic-at-nul");
    let (status, order) = server.pay_with_header("10000001", "&a=%00", &headers());
    assert_eq!((status, server.balance()), (503, 0));
    let (_, list) = server.get("/api/v1/unrecognized");
    let one = &list["unrecognized"][0];
    assert_eq!((&list["total"], &one["code"]), (&json!(1), &json!("provider-failed")), "{list}");
    let judge = format!("/api/v1/unrecognized/{}/judge", one["id"]);
    let anna = json!({"operator": "anna"});

    // Nothing shows the header, and no file holds it.
    let session = server.log_in();
    let page = session.get("/operator/unmatched");
    sees(&page, &["Проверить ещё раз", &order]);
    assert!(!page.contains(HEADER.1) && !list.to_string().contains(HEADER.1), "the header is shown");
    require_nowhere(server.folder.path(), HEADER.1);
    let stored = server.ledger().last_callbacks(&"made-up".parse().unwrap(), 2).unwrap();
    let names: Vec<&str> =
        stored[0].headers.iter().map(|(name, _)| name.as_str()).filter(|name| name.starts_with("x-")).collect();
    assert_eq!((names, stored[0].sealed_headers.is_empty()), (vec!["x-shop", "x-other"], false));

    // The same component fails again: the callback waits as before.
    let (status, failed) = server.post(&judge, &anna);
    assert_eq!((status, &failed["code"]), (502, &json!("provider-failed")), "{failed}");
    let (_, list) = server.get("/api/v1/unrecognized");
    assert_eq!((&list["total"], &list["unrecognized"][0]["times"], server.balance()), (&json!(1), &json!(1), 0), "{list}");

    // The next component is proved by the header alone, and judges both.
    let swapped = server.swap_accepted(&made_up("header-proves"));
    let difference = &swapped["changes"][0]["differences"];
    assert!(difference.to_string().contains("happened"), "the replay has the header: {swapped}");
    assert_eq!((&swapped["replayed"], &swapped["without_headers"]), (&json!(1), &json!(0)), "{swapped}");
    let (status, judged) = server.post(&judge, &anna);
    assert_eq!((status, &judged["verdict"], &judged["without_headers"]), (200, &json!("accepted"), &json!(false)), "{judged}");
    assert_eq!((server.balance(), &judged["outcomes"][0]["repeated"]), (10_000, &json!(false)), "{judged}");
    assert!(judged["outcomes"][0]["entry"].is_u64(), "{judged}");
    let (_, acknowledged) = server.get("/api/v1/unrecognized?acknowledged=true");
    assert_eq!(acknowledged["unrecognized"][0]["acknowledged"]["operator"], "anna", "{acknowledged}");
    let (status, again) = server.post(&judge, &anna);
    assert_eq!((status, &again["code"]), (404, &json!("callback-not-waiting")), "{again}");
    require_nowhere(server.folder.path(), HEADER.1);
}

#[test]
fn a_swap_replays_secret_headers() {
    let server = with_faulty("header-proves");
    let (status, _) = server.pay_with_header("10000001", "", &headers());
    assert_eq!((status, server.balance()), (200, 10_000));
    // Without the header, the active component would refuse it, and the verdict would change.
    let (status, swapped) = server.swap("made-up", &made_up("none"), "");
    assert_eq!((status, &swapped["replayed"], &swapped["changes"]), (200, &json!(1), &json!([])), "{swapped}");
    assert!(!swapped.to_string().contains(HEADER.1));
}

#[test]
fn with_another_key_a_callback_is_judged_without_its_secret_headers() {
    let mut server = with_faulty("panic-at-nul");
    assert_eq!(server.pay_with_header("10000001", "&a=%00", &headers()).0, 503);
    // The database of a copy, with the key of another folder: settings are entered again.
    let other = || Key::parse(&"7f".repeat(32)).unwrap();
    let catalog = server.catalog();
    let next = made_up("header-proves");
    catalog.stage(&next).unwrap();
    let version = catalog::Version::of(&end_to_end::sandbox().load(&next, sandbox::Limits::default()).unwrap());
    catalog.publish(&"made-up".parse().unwrap(), version).unwrap();
    let gateway = Gateway::open(host(&server.database(), other()), config()).unwrap();
    enter_settings(&gateway, "made-up", made_up_settings()).unwrap();
    server.address = listen(&server.runtime, gateway);

    let id = server.get("/api/v1/unrecognized").1["unrecognized"][0]["id"].clone();
    let (status, judged) = server.post(&format!("/api/v1/unrecognized/{id}/judge"), &json!({"operator": "anna"}));
    assert_eq!(
        (status, &judged["verdict"], &judged["code"]),
        (200, &json!("refused"), &json!("signature-mismatch")),
        "{judged}"
    );
    assert_eq!((&judged["without_headers"], server.balance()), (&json!(true), 0), "{judged}");
    let session = server.log_in();
    let page = session.post(&format!("/operator/unrecognized/{id}/judge"), &[]);
    sees(&page, &["Подпись не подтвердилась.", "Проверено без секретных заголовков"]);
    sees(&session.get("/operator/unmatched"), &["Проверить ещё раз"]);
    let (_, swapped) = server.swap("made-up", &made_up("none"), "");
    assert_eq!((&swapped["without_headers"], &swapped["changed"]), (&json!(1), &json!(1)), "{swapped}");

    // With the right key it is accepted.
    server.address =
        listen(&server.runtime, checked_gateway(&server.database(), "made-up", &next, &made_up_settings(), config()));
    let page = server.log_in().post(&format!("/operator/unrecognized/{id}/judge"), &[]);
    sees(&page, &["Уведомление принято и отмечено разобранным."]);
    assert_eq!(server.balance(), 10_000);
}

#[test]
fn headers_of_a_callback_of_a_removed_provider_are_all_sealed() {
    let server = with_faulty("none");
    assert_eq!(server.delete("/api/v1/providers/made-up?operator=anna&confirm=true").0, 204);
    let body = made_up_payment("42", "10000001", KEY);
    let headers = [HEADER, ("authorization", "Basic VGVzdDpUZXN0")];
    assert_eq!(server.client().send("POST", "/callbacks/made-up", &headers, body.as_bytes()).unwrap().status, 503);
    let stored = server.ledger().last_callbacks(&"made-up".parse().unwrap(), 2).unwrap();
    assert_eq!((stored.len(), stored[0].headers.len(), stored[0].sealed_headers.is_empty()), (1, 0, false));
    require_nowhere(server.folder.path(), HEADER.1);
    // It waits while nobody can judge it.
    let id = server.get("/api/v1/unrecognized").1["unrecognized"][0]["id"].clone();
    let (status, said) = server.post(&format!("/api/v1/unrecognized/{id}/judge"), &json!({"operator": "anna"}));
    assert_eq!((status, &said["code"]), (410, &json!("provider-removed")), "{said}");
}

#[test]
fn what_is_not_stored_as_it_came_is_not_judged_again() {
    let server = Server::new();
    let card = [("creditcardnumber", "4111111111111111"), ("total", "100,00")];
    assert_eq!(server.callback(&crate::server::callback_with("42", "1", &card)).0, 200);
    let id = server.get("/api/v1/unrecognized").1["unrecognized"][0]["id"].clone();
    let (status, said) = server.post(&format!("/api/v1/unrecognized/{id}/judge"), &json!({"operator": "anna"}));
    assert_eq!((status, &said["code"]), (409, &json!("callback-not-judgeable")), "{said}");
    assert!(!server.log_in().get("/operator/unmatched").contains("Проверить ещё раз"));
    // Another one is judged again, and is as little understood as before.
    assert_eq!(server.callback(&crate::server::callback_with("42", "2", &card[1..])).0, 200);
    let id = server.get("/api/v1/unrecognized").1["unrecognized"][1]["id"].clone();
    let (status, judged) = server.post(&format!("/api/v1/unrecognized/{id}/judge"), &json!({"operator": "anna"}));
    assert_eq!(
        (status, &judged["verdict"], &judged["code"]),
        (200, &json!("unresolved"), &json!("unrecognized-form")),
        "{judged}"
    );
    assert_eq!((&judged["outcomes"], server.balance()), (&json!([]), 0));
    assert_eq!(server.get("/api/v1/unrecognized").1["total"], 2);
}

/// Nobody waits for the reply any more by which the payment system would hear whether it was agreed to.
#[test]
fn a_wish_is_not_recorded_when_it_is_judged_again() {
    let server = Server::with_made_up();
    server.put_account();
    let callback = StoredCallback {
        provider: "made-up".parse().unwrap(),
        received_at: 1_795_860_000,
        method: "POST".to_owned(),
        path: String::new(),
        query: String::new(),
        headers: Vec::new(),
        body: crate::asking::top_up_body("12345678", "100500").into_bytes(),
        remote_address: String::new(),
        sealed_headers: Vec::new(),
        is_masked: false,
    };
    server.ledger().store_unrecognized(callback, "provider-failed".to_owned(), "It crashed.".to_owned(), None).unwrap();
    let (status, said) = server.post("/api/v1/unrecognized/1/judge", &json!({"operator": "anna"}));
    assert_eq!((status, &said["code"], server.balance()), (409, &json!("callback-not-judgeable"), 0), "{said}");
    assert_eq!(server.get("/api/v1/unrecognized").1["total"], 1);
}
