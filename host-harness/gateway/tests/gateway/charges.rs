//! Repeated charges and ends of subscriptions by the API, over real HTTP: a charge whose order is paid is done, whichever is known first.

use std::sync::atomic::Ordering;

use domain::OperationState;
use host::OrderRequest;
use serde_json::{Value, json};

use crate::operations::{Shop, problem};
use crate::refunds::{Mood, NAME, ORDER, rub};
use crate::swap::{KEY, made_up_payment};

/// How often an hour passes until nobody can tell what became of a charge whose answer was lost: its key is forgotten after a day.
const UNKNOWN_AFTER_HOURS: usize = 30;

fn order(shop: &Shop) -> String {
    let request = OrderRequest::new("100500".parse().unwrap(), rub(10_000), "Абонентская плата");
    shop.host.create_order(request).unwrap().id.to_string()
}

fn charge(shop: &Shop, key: &str, order: &str) -> (u16, Value) {
    shop.ask(key, &json!({"provider": NAME, "payment": shop.payment, "kind": "charge", "order": order}))
}

fn callback(shop: &Shop, order: &str, payment: &str) {
    let request = end_to_end::post(made_up_payment(order, payment, KEY).as_bytes());
    shop.host.receive_callback(&NAME.parse().unwrap(), request).unwrap();
}

fn hours(shop: &Shop, hours: usize) {
    for _ in 0..hours {
        shop.clock.0.fetch_add(3_600, Ordering::Relaxed);
        shop.host.go_on_with_due();
    }
}

/// Checks that a charge is done by the payment of its order, and that nothing more is sent.
fn is_done(shop: &Shop, id: &str, order: &str) {
    let charge = shop.operation(id);
    let entries = shop.server.get(&format!("/api/v1/entries?after={}", 0)).1["entries"].as_array().unwrap().clone();
    let entry = entries.iter().find(|entry| entry["order"] == order).unwrap();
    assert_eq!((&charge["state"], &charge["movement"]), (&json!("done"), &entry["movement"]), "{charge}");
    assert_eq!((&charge["problem"], &charge["next_at"]), (&Value::Null, &Value::Null), "{charge}");
    assert_eq!(shop.server.get(&format!("/api/v1/orders/{order}")).1["state"], "paid");
    let calls = shop.bank.calls();
    hours(shop, 3);
    assert_eq!(shop.bank.calls(), calls, "nothing is sent again");
    assert_eq!(shop.operation(id), charge);
}

#[test]
fn charge_whose_order_is_paid_before_its_answer_is_done() {
    for mood in [Mood::LosesAnswers, Mood::Fails, Mood::Refuses, Mood::TakesTime] {
        let shop = Shop::open();
        let order = order(&shop);
        shop.bank.is(mood);
        let (host, of) = (shop.host.clone(), order.clone());
        shop.bank.meanwhile(move || {
            let request = end_to_end::post(made_up_payment(&of, "00000002", KEY).as_bytes());
            host.receive_callback(&NAME.parse().unwrap(), request).unwrap();
        });
        let (status, charge) = charge(&shop, "k1", &order);
        assert_eq!((status, &charge["state"]), (200, &json!("done")), "{charge}");
        is_done(&shop, charge["id"].as_str().unwrap(), &order);
    }
}

#[test]
fn charge_whose_order_is_paid_after_a_lost_answer_is_done() {
    for (mood, hours_before, state) in [
        (Mood::LosesAnswers, 0, "pending"),
        (Mood::LosesAnswers, UNKNOWN_AFTER_HOURS, "unknown"),
        (Mood::Fails, 0, "pending"),
        (Mood::TakesTime, 1, "pending"),
    ] {
        let shop = Shop::open();
        let order = order(&shop);
        shop.bank.is(mood);
        let (status, charge) = charge(&shop, "k1", &order);
        assert_eq!((status, &charge["state"], &charge["sent"]), (200, &json!("pending"), &json!(true)), "{charge}");
        let id = charge["id"].as_str().unwrap();
        hours(&shop, hours_before);
        assert_eq!(shop.operation(id)["state"], state);
        callback(&shop, &order, "00000002");
        is_done(&shop, id, &order);
    }
}

#[test]
fn order_that_was_charged_by_what_a_person_says_is_not_charged_again() {
    let shop = Shop::open();
    let order = order(&shop);
    shop.bank.is(Mood::LosesAnswers);
    let (_, begun) = charge(&shop, "k1", &order);
    hours(&shop, UNKNOWN_AFTER_HOURS);
    let id = begun["id"].as_str().unwrap();
    let decision = json!({"verdict": "done", "comment": "в кабинете есть", "operator": "boris"});
    let (status, decided) = shop.server.post(&format!("/api/v1/operations/{id}/decision"), &decision);
    assert_eq!((status, &decided["state"], &decided["movement"]), (200, &json!("done"), &Value::Null), "{decided}");
    let path = format!("/api/v1/orders/{order}");
    let report = shop.server.get(&path).1;
    assert_eq!((&report["state"], &report["charged_by"]), (&json!("open"), &json!(id)), "{report}");
    let (status, refused) = charge(&shop, "k2", &order);
    assert_eq!((status, &refused["code"]), (409, &json!("order-charged")), "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains(id), "{refused}");
    callback(&shop, &order, "00000002");
    is_done(&shop, id, &order);
    assert_eq!(shop.server.get(&path).1["charged_by"], Value::Null);
}

#[test]
fn charge_that_fits_nothing_is_refused_with_its_code() {
    let shop = Shop::open();
    let body = |payment: &str, order: &str| json!({"provider": NAME, "payment": payment, "kind": "charge", "order": order});
    let expired = OrderRequest {
        expires_at: Some(shop.clock.0.load(Ordering::Relaxed) + 60),
        ..OrderRequest::new("100500".parse().unwrap(), rub(10_000), "Абонентская плата")
    };
    let expired = shop.host.create_order(expired).unwrap().id.to_string();
    shop.clock.0.fetch_add(60, Ordering::Relaxed);
    for (asked, status, code) in [
        (body("7", &expired), 404, "payment-unknown"),
        (body("x", &expired), 404, "payment-unknown"),
        (body(&shop.payment, "7"), 404, "order-unknown"),
        (body(&shop.payment, ORDER), 409, "operation-refused"),
        (body(&shop.payment, &expired), 409, "order-expired"),
    ] {
        assert_eq!(problem(shop.ask("k", &asked)), (status, code.to_owned()), "{asked}");
    }
    let of_unknown = json!({"provider": NAME, "payment": "7", "kind": "cancel"});
    assert_eq!(problem(shop.ask("k", &of_unknown)), (404, "payment-unknown".to_owned()));
    assert_eq!((shop.bank.calls(), shop.listed("")), (0, vec![]));
}

#[test]
fn end_of_a_subscription_says_that_it_was_sent() {
    for (mood, state, sent) in [
        (Mood::Answers, "done", true),
        (Mood::LosesAnswers, "unknown", true),
        (Mood::Refuses, "refused", true),
        (Mood::IsDown, "pending", false),
    ] {
        let shop = Shop::open();
        shop.bank.is(mood);
        let (status, cancel) = shop.ask("k1", &json!({"provider": NAME, "payment": shop.payment, "kind": "cancel"}));
        assert_eq!((status, &cancel["state"], &cancel["sent"]), (200, &json!(state), &json!(sent)), "{cancel}");
    }
}

/// What is stored is answered, whatever fails later: a caller who hears that nothing was done would do it again.
#[test]
fn operation_that_is_stored_is_answered_when_the_disk_fails_then() {
    let shop = Shop::open();
    let database = shop.server.folder.path().join("ledger.db");
    let sql = |path: &std::path::Path, sql: &str| rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
    let full = database.clone();
    shop.bank.meanwhile(move || {
        sql(
            &full,
            "CREATE TRIGGER full BEFORE UPDATE ON operations BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
        );
    });
    let (status, refund) = shop.refund("k1", 3_000);
    assert_eq!((status, &refund["state"], &refund["sent"]), (200, &json!("pending"), &json!(true)), "{refund}");
    let id = refund["id"].as_str().unwrap();
    let (status, again) = shop.server.post(&format!("/api/v1/operations/{id}/retry"), &Value::Null);
    assert_eq!((status, &again["state"]), (200, &json!("pending")), "{again}");
    sql(&database, "DROP TRIGGER full");
    let (status, done) = shop.refund("k1", 3_000);
    assert_eq!((status, &done["id"], &done["state"]), (200, &json!(id), &json!("pending")), "{done}");
    hours(&shop, 1);
    let operation = shop.host.operation(&domain::OperationId::new(id).unwrap()).unwrap();
    assert!(matches!(operation.state, OperationState::Done { .. }), "{operation:?}");
    assert_eq!((shop.paid_back().len(), shop.server.balance()), (1, 7_000));
}
