//! YooKassa's stand-in as a merchant sees it.

use serde_json::{Value, json};
use stand_in::api::yookassa::{Config, YooKassa};
use stand_in::api::{ApiServer, PaymentRow};
use support::{Answer, agent};

use crate::shop::Shop;

/// `printf 'shop:key' | base64` of 100500 and test-secret-key.
const CREDENTIALS: &str = "Basic MTAwNTAwOnRlc3Qtc2VjcmV0LWtleQ==";
const BODY: &str = r#"{"amount":{"value":"100.00","currency":"RUB"},"capture":true,"metadata":{"order_id":"42"},
    "confirmation":{"type":"redirect","return_url":"https://lk.example.ru/"}}"#;

fn started(callback_url: &str) -> ApiServer<YooKassa> {
    let (shop_id, secret_key) = ("100500".to_owned(), "test-secret-key".into());
    let config = Config { shop_id, secret_key, callback_url: callback_url.to_owned(), is_test: false, first_id: 7 };
    ApiServer::start(YooKassa::new(config), "127.0.0.1:0").unwrap()
}

fn post(system: &ApiServer<YooKassa>, path: &str, key: &str, body: &str) -> (u16, Value) {
    let request = agent().post(system.url(path)).header("authorization", CREDENTIALS).header("idempotence-key", key);
    let answer = Answer::of(request.send(body).unwrap()).unwrap();
    (answer.status, serde_json::from_str(answer.text()).unwrap())
}

fn get(system: &ApiServer<YooKassa>, path: &str, credentials: &str) -> (u16, Value) {
    let answer = Answer::of(agent().get(system.url(path)).header("authorization", credentials).call().unwrap()).unwrap();
    (answer.status, serde_json::from_str(answer.text()).unwrap())
}

#[test]
fn a_key_makes_one_payment() {
    let system = started("http://127.0.0.1:1/");
    let (status, first) = post(&system, "/v3/payments", "order-42", BODY);
    assert_eq!((status, &first["status"], &first["paid"]), (200, &json!("pending"), &json!(false)));
    assert_eq!(post(&system, "/v3/payments", "order-42", BODY), (200, first.clone()));
    assert_ne!(post(&system, "/v3/payments", "order-43", BODY).1["id"], first["id"]);
    assert_eq!(post(&system, "/v3/payments", "", BODY).1["parameter"], json!("Idempotence-Key"));
    let wrong = BODY.replace("100.00", "0.00");
    assert_eq!(post(&system, "/v3/payments", "order-44", &wrong).1["code"], json!("invalid_request"));
}

#[test]
fn only_the_shops_own_payments_are_shown_and_only_with_its_key() {
    let system = started("http://127.0.0.1:1/");
    let (_, own) = post(&system, "/v3/payments", "order-42", BODY);
    let own = format!("/v3/payments/{}", own["id"].as_str().unwrap());
    let others = format!("/v3/payments/{}", system.with(|system| system.pay_another_shop("42", 10_000)));
    assert_eq!(get(&system, &own, CREDENTIALS).0, 200);
    assert_eq!(get(&system, &own, "Basic MTAwNTAwOng=").0, 401);
    assert_eq!(get(&system, &others, CREDENTIALS).0, 404);
    assert_eq!(get(&system, "/v3/payments/2c-1", CREDENTIALS).1["code"], json!("not_found"));
}

#[test]
fn a_payment_is_paid_and_paid_back_with_notifications() {
    let shop = Shop::new("/callbacks/yookassa", &[(200, "OK"), (200, "OK")]);
    let system = started(&shop.url);
    let (_, payment) = post(&system, "/v3/payments", "order-42", BODY);
    let id = payment["id"].as_str().unwrap();
    assert_eq!(system.pay(id).unwrap().len(), 1);
    assert!(system.pay(id).is_err(), "it is paid once");
    let refund = format!(r#"{{"payment_id":"{id}","amount":{{"value":"30.00","currency":"RUB"}}}}"#);
    let (status, made) = post(&system, "/v3/refunds", "refund-1", &refund);
    assert_eq!((status, &made["status"], &made["payment_id"]), (200, &json!("succeeded"), &json!(id)));
    assert_eq!(post(&system, "/v3/refunds", "refund-1", &refund), (200, made));
    assert_eq!(post(&system, "/v3/refunds", "refund-2", &refund.replace("30.00", "70.01")).1["parameter"], json!("amount"));
    assert_eq!(system.refund(id, None).unwrap().len(), 1);
    assert_eq!(get(&system, &format!("/v3/refunds?payment_id={id}"), CREDENTIALS).1["items"].as_array().unwrap().len(), 2);
    let row = PaymentRow {
        id: id.to_owned(),
        order: "42".into(),
        minor_units: 10_000,
        refunded: 10_000,
        status: "succeeded".into(),
        is_open: false,
    };
    assert_eq!((system.with(|system| stand_in::api::PaymentApi::payments(system)), system.refunds()), (vec![row], 2));
    let sent = shop.received();
    assert_eq!(sent.len(), 2);
}
