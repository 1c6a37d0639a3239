//! YooKassa with a stand-in that the host calls: links, notifications that the host looks up, and forged ones.

use end_to_end::yookassa;
use host_tests::{Folder, Host};
use serde_json::{Value, json};
use stand_in::api::yookassa::{Config, YooKassa};
use stand_in::api::{ApiServer, Fault, Notification, PaymentApi as _};

const ACCOUNT: &str = "100500";

/// Starts a stand-in, and a host that may call this machine.
fn start() -> (Folder, Host, ApiServer<YooKassa>) {
    let config = Config {
        shop_id: yookassa::SHOP.to_owned(),
        secret_key: yookassa::KEY.into(),
        callback_url: "http://127.0.0.1:1/callbacks/yookassa".to_owned(),
        is_test: false,
        first_id: 7,
    };
    let system = ApiServer::start(YooKassa::new(config), "127.0.0.1:0").unwrap();
    let folder = Folder::default();
    let (shop, key, api) = (yookassa::SHOP, yookassa::KEY, system.url("/v3"));
    let settings =
        format!("shop-id = \"{shop}\"\nsecret-key = \"{key}\"\napi-url = \"{api}\"\nreturn-url = \"https://lk.example.ru/\"\n");
    let host = folder.start_calling("yookassa", &settings);
    host.api.put_account(ACCOUNT);
    (folder, host, system)
}

/// Makes an order of 100.00. Returns its id, and the payment that YooKassa made for it.
fn order(host: &Host, system: &ApiServer<YooKassa>) -> (String, String) {
    let body = json!({"account": ACCOUNT, "amount": {"minor_units": 10_000, "currency": "RUB"}, "description": "Пополнение"});
    let (status, link): (u16, Value) = host.api.try_post("/links", &body).unwrap();
    assert_eq!(status, 200, "{link}");
    let order = link["order"].as_str().unwrap().to_owned();
    let payments = system.with(|system| system.payments());
    let payment = payments.into_iter().find(|payment| payment.order == order).unwrap().id;
    assert_eq!(link["url"], format!("{}?payment={payment}", system.page()), "{link}");
    (order, payment)
}

/// Sends a notification to the host, which the public address does not lead to. Returns the status of the reply.
fn send(host: &Host, system: &ApiServer<YooKassa>, notification: &Notification) -> u16 {
    let url = format!("http://{}/callbacks/yookassa", host.address);
    system.notify(&Notification { url, ..notification.clone() }).unwrap().status
}

#[test]
fn what_yookassa_confirms_is_entered_once() {
    let (folder, host, system) = start();
    let (order, payment) = order(&host, &system);
    let paid = system.with(|system| system.pay(&payment)).unwrap().remove(0);
    for fault in [Fault::Status500, Fault::HangUp] {
        system.fail_next(&payment, fault);
        assert_eq!((send(&host, &system, &paid), host.api.balance(ACCOUNT)), (503, 0), "{fault:?}");
    }
    for _ in 0..2 {
        assert_eq!(send(&host, &system, &paid), 200, "{}", folder.log());
        assert_eq!((host.api.balance(ACCOUNT), host.api.is_paid(&order)), (10_000, Some(true)));
    }
    let refunded = system.with(|system| system.refund(&payment, Some(3_000))).unwrap().remove(0);
    for _ in 0..2 {
        assert_eq!((send(&host, &system, &refunded), host.api.balance(ACCOUNT)), (200, 7_000));
    }
}

#[test]
fn what_yookassa_does_not_confirm_enters_nothing() {
    let (_folder, host, system) = start();
    let (order, unpaid) = order(&host, &system);
    let others = system.with(|system| system.pay_another_shop(&order, 10_000));
    for (event, id) in [
        ("payment.succeeded", unpaid.as_str()),
        ("payment.succeeded", &others),
        ("payment.succeeded", "2c85d8f3-000f-5000-8000-1b68e7b15f3f"),
        ("refund.succeeded", &unpaid),
    ] {
        let forged = system.with(|system| system.forged(event, id, &order, 10_000));
        assert_eq!(send(&host, &system, &forged), 403, "{event} {id}");
    }
    assert_eq!((host.api.balance(ACCOUNT), host.api.is_paid(&order)), (0, Some(false)));
}
