//! T-Bank with a stand-in that the host calls: a link, its notifications, a refund, and a lost notification.

use end_to_end::tbank;
use host_tests::{Folder, Host};
use serde_json::{Value, json};
use stand_in::api::tbank::{Config, TBank};
use stand_in::api::{ApiServer, Notification, PaymentApi as _, Reply};

const ACCOUNT: &str = "100500";

/// Starts a stand-in, and a host that may call this machine.
fn start() -> (Folder, Host, ApiServer<TBank>) {
    let config = Config::new(tbank::TERMINAL_KEY, tbank::PASSWORD);
    let bank = ApiServer::start(TBank::new(config), "127.0.0.1:0").unwrap();
    let folder = Folder::default();
    let (key, password, api) = (tbank::TERMINAL_KEY, tbank::PASSWORD, bank.url("/v2"));
    let settings = format!("terminal-key = \"{key}\"\npassword = \"{password}\"\napi-url = \"{api}\"\n");
    let host = folder.start_calling("tbank", &settings);
    host.api.put_account(ACCOUNT);
    (folder, host, bank)
}

/// Makes an order of 100.00 and its link. Returns the link.
fn link(host: &Host) -> Value {
    let body = json!({"account": ACCOUNT, "amount": {"minor_units": 10_000, "currency": "RUB"}, "description": "Пополнение"});
    let (status, link) = host.api.try_post("/links", &body).unwrap();
    assert_eq!(status, 200, "{link}");
    link
}

/// Sends notifications to the host, which the public address does not lead to.
fn send(host: &Host, bank: &ApiServer<TBank>, notifications: Vec<Notification>) -> Vec<Reply> {
    let url = format!("http://{}/callbacks/tbank", host.address);
    let here = |notification| Notification { url: url.clone(), ..notification };
    notifications.into_iter().map(|notification| bank.notify(&here(notification)).unwrap()).collect()
}

#[test]
fn a_payment_and_its_refunds_are_entered_once() {
    let (folder, host, bank) = start();
    let link = link(&host);
    assert_eq!(link["url"], format!("{}?payment=13660", bank.page()), "{link}");
    let order = link["order"].as_str().unwrap();
    let received = Reply { status: 200, body: "OK".to_owned() };
    let paid = bank.with(|bank| bank.pay("13660")).unwrap();
    assert_eq!(send(&host, &bank, [paid.clone(), paid].concat()), vec![received.clone(); 4], "{}", folder.log());
    assert_eq!((host.api.balance(ACCOUNT), host.api.is_paid(order)), (10_000, Some(true)));
    let first = bank.with(|bank| bank.refund("13660", Some(3_000))).unwrap();
    assert_eq!(send(&host, &bank, [first.clone(), first].concat()), vec![received.clone(); 2]);
    // Of a part that is paid back at T-Bank it is not certain how much it is: a person looks, and nothing is debited.
    let kept = host.api.get("/unrecognized");
    assert_eq!((&kept["total"], &kept["unrecognized"][0]["code"]), (&json!(1), &json!("unrecognized-form")), "{kept}");
    assert_eq!(host.api.balance(ACCOUNT), 10_000);
    // The notification of the second refund is lost; that of the third says that all is paid back.
    bank.with(|bank| bank.refund("13660", Some(2_000))).unwrap();
    let third = bank.with(|bank| bank.refund("13660", None)).unwrap();
    assert_eq!(send(&host, &bank, third), [received]);
    assert_eq!(host.api.balance(ACCOUNT), 0);
}

#[test]
fn while_t_bank_cannot_be_asked_a_refund_comes_again() {
    use stand_in::api::Fault;
    let (_folder, host, bank) = start();
    link(&host);
    let paid = bank.with(|bank| bank.pay("13660")).unwrap();
    send(&host, &bank, paid);
    let refund = bank.with(|bank| bank.refund("13660", None)).unwrap();
    for fault in [Fault::Status500, Fault::HangUp] {
        bank.fail_next("/GetState", fault);
        assert_eq!(send(&host, &bank, refund.clone())[0].status, 503, "{fault:?}");
        assert_eq!(host.api.balance(ACCOUNT), 10_000);
    }
    assert_eq!(send(&host, &bank, refund)[0].status, 200);
    assert_eq!(host.api.balance(ACCOUNT), 0);
}
