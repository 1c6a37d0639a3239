//! Orders and their links, as a billing system creates them.

use serde_json::{Value, json};

use crate::server::{Server, TOKEN, answer, asked};

impl Server {
    /// Creates a link with an idempotency key.
    fn link(&self, key: &str, asked: &Value) -> (u16, Value) {
        let request = self.agent.post(self.url("/api/v1/links")).header("authorization", format!("Bearer {TOKEN}"));
        answer(request.header("idempotency-key", key).send_json(asked).unwrap())
    }

    /// Returns the number of the provider's open orders; there must be one.
    fn open_orders(&self) -> u64 {
        let (status, problem) = self.delete("/api/v1/providers/chronopay");
        assert_eq!(status, 409, "{problem}");
        problem["open_orders"].as_u64().unwrap()
    }

    fn decide(&self, what: &str) {
        let (status, said) = self.post(&format!("/api/v1/providers/chronopay/{what}"), &json!({"operator": "anna"}));
        assert_eq!(status, 204, "{said}");
    }
}

/// Returns the request for a link with one other field.
fn asked_with(field: &str, value: Value) -> Value {
    let mut asked = asked();
    asked[field] = value;
    asked
}

#[test]
fn links_are_signed_and_idempotent() {
    let server = Server::new();
    server.order();
    let (status, first) = server.link("k-1", &asked());
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
    assert_eq!(server.link("k-1", &asked()), (200, first));
    let other = json!({"account": "100500", "amount": {"minor_units": 1, "currency": "RUB"}, "description": "x"});
    assert_eq!(server.link("k-1", &other).0, 409);
}

#[test]
fn refused_link_leaves_no_order_and_does_not_use_the_key() {
    let server = Server::new();
    server.order();
    let dollars = asked_with("amount", json!({"minor_units": 10_000, "currency": "USD"}));
    let (status, problem) = server.link("k-2", &dollars);
    assert_eq!((status, &problem["problems"][0]["field"]), (422, &json!("amount.currency")), "{problem}");
    assert_eq!(server.open_orders(), 1, "only the one before");
    assert_eq!(server.link("k-2", &asked()).0, 200);
    assert_eq!(server.open_orders(), 2);
}

#[test]
fn repetition_gets_its_order_even_if_the_provider_takes_no_new_ones() {
    let server = Server::new();
    server.order();
    let (_, first) = server.link("k-1", &asked());
    assert_eq!(server.swap("robokassa", &end_to_end::component_of("robokassa"), "").0, 200);
    assert_eq!(server.link("k-1", &asked()), (200, first.clone()));
    assert_eq!(server.link("k-1", &asked_with("provider", json!("robokassa"))).0, 409, "it was made for chronopay");
    server.decide("pause");
    assert_eq!(server.link("k-1", &asked()), (200, first));
    let (status, problem) = server.link("k-2", &asked_with("provider", json!("chronopay")));
    assert_eq!((status, &problem["code"]), (409, &json!("provider-paused")), "{problem}");
}

#[test]
fn provider_may_be_left_out_if_one_can_be_paid_with() {
    let server = Server::new();
    server.order();
    assert_eq!(server.swap("robokassa", &end_to_end::component_of("robokassa"), "").0, 200);
    let (status, link) = server.post("/api/v1/links", &asked());
    assert_eq!(status, 200, "robokassa has no settings: {link}");
    let order = link["order"].as_str().unwrap();
    assert_eq!(server.get(&format!("/api/v1/orders/{order}")).1["provider"], "chronopay");
    server.decide("pause");
    let (status, problem) = server.post("/api/v1/links", &asked());
    assert_eq!((status, &problem["code"]), (409, &json!("provider-paused")), "{problem}");

    // With the only one that has links paused, one without links does not make it unclear which is meant.
    let server = Server::new();
    server.order();
    assert_eq!(server.swap("onec", &end_to_end::component_of("onec"), "").0, 200);
    assert_eq!(server.put("/api/v1/providers/onec/settings", &json!({})).0, 204);
    assert_eq!(server.post("/api/v1/links", &asked()).0, 200);
    server.decide("pause");
    let (status, problem) = server.post("/api/v1/links", &asked());
    assert_eq!((status, &problem["code"]), (409, &json!("provider-paused")), "{problem}");
}

#[test]
fn expiry_in_milliseconds_is_refused() {
    let server = Server::new();
    server.order();
    let (status, problem) = server.post("/api/v1/links", &asked_with("expires_at", json!(2_000_000_000_000_u64)));
    assert_eq!((status, &problem["code"]), (422, &json!("order-expires-too-late")), "{problem}");
    assert_eq!(server.post("/api/v1/links", &asked_with("expires_at", json!(2_000_000_000_u64))).0, 200);
}
