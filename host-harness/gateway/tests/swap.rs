//! Components that take each other's place while the gateway runs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "these are tests"
)]

mod server;

use catalog::Catalog;
use end_to_end::guest::Guest;
use end_to_end::{another, component, patched, signed};
use serde_json::{Value, json};
use server::{Server, TOKEN, answer, config, listen};
use sha2::{Digest, Sha256};

const COMMENT: &str = "Пополнение баланса через ЛК";
/// Of the same length.
const OTHER_COMMENT: &str = "Пополнение баланса через ИК";

impl Server {
    fn swap(&self, name: &str, component: &[u8], query: &str) -> (u16, Value) {
        let request = self.agent.post(self.url(&format!("/api/v1/providers/{name}/component{query}")));
        let request = request.header("authorization", format!("Bearer {TOKEN}"));
        answer(request.header("content-type", "application/wasm").send(component).unwrap())
    }

    fn back(&self, name: &str) -> (u16, Value) {
        self.post(&format!("/api/v1/providers/{name}/component/previous"), &json!({}))
    }

    /// The digest of what is used, by the API and by the lock.
    fn in_use(&self, name: &str) -> String {
        let (_, list) = self.get("/api/v1/providers");
        let provider = list["providers"].as_array().unwrap().iter().find(|provider| provider["name"] == name).unwrap();
        let sha256 = provider["sha256"].as_str().unwrap().to_owned();
        assert_eq!(self.catalog().lock().unwrap()[name].current.sha256, sha256);
        sha256
    }

    fn catalog(&self) -> Catalog {
        Catalog::open(self.folder.path()).unwrap()
    }

    /// Pays an order anew, and gives the entry's comment.
    fn pay(&self, transaction: &str) -> String {
        let order = self.order();
        assert_eq!(self.callback(&payment(&order, transaction)).0, 200);
        let (_, feed) = self.get("/api/v1/entries");
        let entry = feed["entries"].as_array().unwrap().iter().find(|entry| entry["transaction"] == transaction);
        entry.unwrap()["comment"].as_str().unwrap().to_owned()
    }
}

fn payment(order: &str, transaction: &str) -> String {
    signed(&[
        ("transaction_type", "Purchase"),
        ("customer_id", "001234-100000062"),
        ("product_id", end_to_end::PRODUCT),
        ("transaction_id", transaction),
        ("order_id", order),
        ("cs1", order),
        ("total", "100.00"),
        ("currency", "RUB"),
    ])
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[test]
fn another_component_takes_the_place_and_gives_it_back() {
    let mut server = Server::new();
    let (old, new) = (component(), another(&component(), "new"));
    assert_eq!(server.pay("1"), COMMENT);
    let (status, swapped) = server.swap("chronopay", &new, "");
    assert_eq!(status, 200, "{swapped}");
    assert_eq!((&swapped["current"]["sha256"], &swapped["previous"]["sha256"]), (&json!(sha256(&new)), &json!(sha256(&old))));
    assert_eq!((&swapped["swapped"], &swapped["replayed"], &swapped["changes"]), (&json!(true), &json!(1), &json!([])));
    assert_eq!(server.in_use("chronopay"), sha256(&new));
    assert_eq!(server.pay("2"), COMMENT, "the settings are the same");

    let (status, again) = server.swap("chronopay", &new, "");
    assert_eq!((status, &again["swapped"], &again["previous"]["sha256"]), (200, &json!(false), &json!(sha256(&old))));

    // A host that starts anew uses what was swapped in.
    let restarted = gateway::Gateway::new(
        ledger::Ledger::new(ledger::Sqlite::open(&server.database()).unwrap()),
        server.catalog(),
        end_to_end::sandbox().clone(),
        config(server.folder.path()),
    );
    server.address = listen(&server.runtime, restarted.unwrap());
    assert_eq!(server.in_use("chronopay"), sha256(&new));
    assert_eq!(server.pay("3"), COMMENT);

    let (status, back) = server.back("chronopay");
    assert_eq!((status, &back["current"]["sha256"]), (200, &json!(sha256(&old))), "{back}");
    assert_eq!(server.in_use("chronopay"), sha256(&old));
    assert_eq!(server.pay("4"), COMMENT);
    assert_eq!(server.back("chronopay").1["current"]["sha256"], sha256(&new), "and forth again");
}

#[test]
fn a_changed_verdict_stops_a_swap_until_it_is_accepted() {
    let server = Server::new();
    let (old, new) = (component(), patched(&component(), COMMENT, OTHER_COMMENT));
    server.pay("1");
    server.pay("2");
    let (status, refused) = server.swap("chronopay", &new, "");
    assert_eq!((status, &refused["changed"]), (422, &json!(2)), "{refused}");
    assert_eq!(
        (&refused["changes"][0]["transaction"], &refused["changes"][0]["differences"]),
        (&json!("2"), &json!([{"field": "event.comment", "before": COMMENT, "after": OTHER_COMMENT}]))
    );
    assert_eq!(server.in_use("chronopay"), sha256(&old));
    let accept = refused["accept"].as_str().unwrap();
    // Another component with the same changes is not what was accepted, and neither are other changes.
    assert_eq!(server.swap("chronopay", &another(&new, "x"), &format!("?accept_changes={accept}")).0, 422);
    server.pay("3");
    let (status, refused) = server.swap("chronopay", &new, &format!("?accept_changes={accept}"));
    assert_eq!((status, &refused["changed"]), (422, &json!(3)));
    let accept = refused["accept"].as_str().unwrap();
    let (status, swapped) = server.swap("chronopay", &new, &format!("?accept_changes={accept}"));
    assert_eq!((status, swapped["changes"].as_array().unwrap().len()), (200, 3), "{swapped}");
    assert_eq!((server.in_use("chronopay"), server.pay("4")), (sha256(&new), OTHER_COMMENT.to_owned()));
    assert_eq!(server.back("chronopay").0, 200, "nothing stops the way back");
    assert_eq!(server.pay("5"), COMMENT);
}

#[test]
fn what_is_no_such_component_is_not_taken() {
    let server = Server::new();
    let old = component();
    let guest = Guest::good().build();
    for (what, bytes, words) in [
        ("nothing", &b""[..], "it is no WebAssembly component"),
        ("half a component", &old[..old.len() / 2], "it is damaged"),
        ("another provider", &guest, "it is hostile, and chronopay is chronopay"),
    ] {
        let (status, refused) = server.swap("chronopay", bytes, "");
        let detail = refused["detail"].as_str().unwrap();
        assert!(status == 422 && detail.contains(words), "{what}: {status} {detail}");
        assert_eq!(server.in_use("chronopay"), sha256(&old), "{what}");
    }
    let (status, refused) = server.swap("chronopay", &vec![0; (4 << 20) + 1], "");
    assert_eq!(status, 413, "{refused}");
    let (status, refused) = server.swap("chronopay", &another(&old, "x"), "?memory_bytes_max=65536");
    assert!(status == 422 && refused["detail"].as_str().unwrap().contains("65536"), "{refused}");
    assert_eq!(server.swap("chronopay", &old, "?fuel=1").0, 400, "a misspelt wish is none");
    let (status, refused) = server.back("chronopay");
    assert!(status == 422 && refused["detail"].as_str().unwrap().contains("nothing before"), "{refused}");
    assert_eq!(server.back("other").0, 404);
    assert_eq!(server.swap("Other", &guest, "").0, 422, "a name stands in addresses");
    assert_eq!(server.pay("1"), COMMENT);
}

#[test]
fn a_component_that_does_not_take_the_settings_is_not_taken() {
    let server = Server::new();
    // It knows `product-iq` and no `product-id`.
    let (status, refused) = server.swap("chronopay", &patched(&component(), "product-id", "product-iq"), "");
    assert_eq!(status, 422, "{refused}");
    let fields: Vec<_> = refused["problems"].as_array().unwrap().iter().map(|problem| &problem["field"]).collect();
    assert!(fields.contains(&&json!("product-id")), "{refused}");
    assert_eq!(server.in_use("chronopay"), sha256(&component()));
}

#[test]
fn a_component_that_fails_a_check_is_not_taken() {
    let server = Server::new();
    let good = Guest::good().build();
    let (status, added) = server.swap("guest", &good, "");
    assert_eq!((status, &added["previous"]), (200, &Value::Null), "a new name adds a provider: {added}");
    assert_eq!(server.put("/api/v1/providers/guest/settings", &json!({})).0, 204);
    let (status, refused) = server.swap("guest", &Guest::good().first("(unreachable)").build(), "");
    assert_eq!(status, 422, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("any-input"), "{refused}");
    let checks = refused["checks"]["checks"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["name"] == "any-input" && check["outcome"] == "fails"), "{refused}");
    assert_eq!(server.in_use("guest"), sha256(&good));
}

#[test]
fn limits_stay_with_a_provider() {
    let server = Server::new();
    let (first, second) = (another(&component(), "1"), another(&component(), "2"));
    assert_eq!(server.swap("chronopay", &first, "?fuel_max=20000000&time_ms_max=500").0, 200);
    assert_eq!(server.swap("chronopay", &second, "").0, 200);
    let locked = &server.catalog().lock().unwrap()["chronopay"];
    let limits = |version: &catalog::Version| (version.limits.fuel_max, version.limits.time_max.as_millis());
    assert_eq!((limits(&locked.current), limits(locked.previous.as_ref().unwrap())), ((20_000_000, 500), (20_000_000, 500)));
    // The same component under other limits is another version.
    assert_eq!(server.swap("chronopay", &second, "?fuel_max=30000000").1["swapped"], true);
    assert_eq!(limits(&server.catalog().lock().unwrap()["chronopay"].current), (30_000_000, 500));
}
