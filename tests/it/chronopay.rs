//! The shipped component of ChronoPay.

use chronopay::ChronoPay;
use domain::{AccountNumber, Fields, LinkRequest, OrderId};
use end_to_end::straight::Straight;
use end_to_end::vectors::Vectors;
use end_to_end::{md5_hex, merchant, native, order, provider, settings, signed, vectors};
use money::Currency;
use sandbox::Provider;
use serde_json::Value;

use crate::provider_suite::{Changes, Fixture, OrderChange, field, native_link, provider_suite};

struct Shipped;

provider_suite!(Shipped);

impl Fixture for Shipped {
    type Native = ChronoPay;

    const LINK_SETTINGS: &'static [Changes] =
        &[&[("order-control", "basic")], &[("order-control", "order-id")], &[("order-control", "order-id-with-expiry")]];
    const ORDERS: &'static [OrderChange] = &[
        ("nothing", |_, _| {}),
        ("an id that is none", |order, _| order.id = OrderId::stored("заказ 1")),
        ("no account", |order, _| order.account = AccountNumber::stored("")),
        ("nothing to pay", |order, _| order.amount.minor_units = 0),
        ("less than nothing", |order, _| order.amount.minor_units = i64::MIN),
        ("more than there is", |order, _| order.amount.minor_units = i64::MAX),
        ("another currency", |order, _| order.amount.currency = Currency::parse("USD").unwrap()),
        ("a long description", |order, long| order.description = long.into()),
        ("every text", |order, _| order.description = "Пополнение & «счёт» №1 +100%".into()),
        ("another language", |order, _| order.language = "EN-us".into()),
        ("a Cyrillic host", |order, _| order.success_url = "https://лк.рф/оплата?x=1".into()),
        ("no URL", |order, _| order.callback_url = "billing.example.ru".into()),
        ("a payer", |order, _| {
            order.payer =
                [("email", "a@b.ru"), ("name", "Иванов Иван"), ("hobby", "x")].map(|(a, b)| (a.into(), b.into())).into();
        }),
        ("everything wrong", |order, long| {
            *order = LinkRequest {
                id: OrderId::stored(long),
                account: AccountNumber::stored(long),
                success_url: "x".into(),
                failure_url: "y".into(),
                ..order.clone()
            };
        }),
    ];
    const WRONG_SETTINGS: Changes = &[
        ("product-id", "1234"),
        ("shared-sec", "short"),
        ("order-control", "maybe"),
        ("currency", "rub"),
        ("payment-page", "http://payments.example.ru/"),
        ("language", "zz"),
        ("payment-type-group", "01"),
        ("comment", "строка\nвторая"),
        ("colour", "red"),
    ];
    const REFUSED_SETTINGS: &'static [Changes] = &[
        &[],
        &[("product-id", "001234-0001-0001"), ("shared-sec", "")],
        &[("product-id", "001234-0001-0001"), ("shared-sec", "        ")],
        &[("product-id", "001234-0001-0001"), ("shared-sec", "TestSharedSec001"), ("shared-sec", "TestSharedSec001")],
        &[("product-id", "001234-0001-0001"), ("shared-sec", "TestSharedSec001"), ("payment-page", "https://x.ru/?a=1")],
        &[("product-id", "001234-0001-0001"), ("shared-sec", "x")],
    ];
    const INSERTIONS: &'static [&'static str] = &[];

    fn provider() -> &'static Provider {
        provider()
    }

    fn settings(changes: &[(&str, &str)]) -> Fields {
        settings(changes)
    }

    fn vectors() -> Vec<(&'static str, &'static Vectors)> {
        vec![("check", vectors())]
    }

    fn reply(_: &[u8]) -> String {
        "OK".to_owned()
    }

    /// The signature covers four values joined without separators, so it is valid for every way to split them.
    fn recut() -> Vec<(String, Vec<String>)> {
        ["Purchase", "Rebill", "Refund", "chargeback", "decline", "Preauth", "onetime"].map(recut_of).into()
    }
}

fn recut_of(kind: &str) -> (String, Vec<String>) {
    let values = ["001234-100000062", "56244472", kind, "100.00"];
    let joined = values.concat();
    let form = |values: [&str; 4]| {
        let names = ["customer_id", "transaction_id", "transaction_type", "total"];
        let mut fields: Vec<(&str, &str)> = names.into_iter().zip(values).collect();
        fields.extend([("product_id", "001234-0001-0001"), ("currency", "RUB"), ("cs1", "42")]);
        signed(&fields)
    };
    let mut cuts = Vec::new();
    for first in 0..=joined.len() {
        for second in first..=joined.len() {
            for third in second..=joined.len() {
                let cut = [&joined[..first], &joined[first..second], &joined[second..third], &joined[third..]];
                if cut != values {
                    cuts.push(form(cut));
                }
            }
        }
    }
    let genuine = form(values);
    assert_eq!(sign_of(&genuine), sign_of(&cuts[0]), "{kind}");
    (genuine, cuts)
}

fn sign_of(body: &str) -> &str {
    body.rsplit_once("sign=").unwrap().1
}

/// Reads the other file of vectors, which hosts in other languages use as well.
fn shared_vectors() -> Value {
    serde_json::from_str(include_str!("../data/chronopay/vectors.json")).unwrap()
}

#[test]
fn both_vector_files_hold_the_same_callbacks() {
    let shared = shared_vectors();
    let callbacks = shared["callbacks"].as_array().unwrap();
    assert!(callbacks.len() >= 15, "vectors are missing");
    for callback in callbacks {
        let vector = vectors().callbacks.iter().find(|vector| vector.name == callback["name"].as_str().unwrap()).unwrap();
        let body = callback["body"].as_str().unwrap().as_bytes();
        assert_eq!((vector.form(), vector.verdict.as_str()), (body, callback["verdict"].as_str().unwrap()), "{}", vector.name);
        let kind = vector.event.as_ref().and_then(|event| event["kind"].as_str());
        assert_eq!(kind, callback["kind"].as_str(), "{}", vector.name);
    }
}

#[test]
fn links_have_vector_signatures() {
    let base = order();
    let minutes = LinkRequest { extra: vec![("time-limit-minutes".into(), "30".into())], ..order() };
    let moment = LinkRequest { expires_at: Some(1_893_542_645), ..order() };
    let cases = [
        ("basic", "basic", &base),
        ("order control", "order-id", &base),
        ("time limit 30 minutes", "order-id-with-expiry", &minutes),
        ("expire time", "order-id-with-expiry", &moment),
    ];
    let shared = shared_vectors();
    let requests = shared["requests"].as_array().unwrap();
    assert_eq!(cases.len(), requests.len());
    for ((name, control, order), vector) in cases.into_iter().zip(requests) {
        assert_eq!(vector["name"], name);
        let sign = md5_hex(&[vector["signed"].as_str().unwrap().as_bytes()]);
        assert_eq!(vector["sign"], sign.as_str(), "{name}: the vector itself");
        let changes = [("order-control", control)];
        let link = merchant(&changes).link(order).unwrap();
        assert_eq!(field(&link, "sign"), sign, "{name}");
        assert_eq!(Ok(link), native_link(&native(&changes), order), "{name}");
    }
}
