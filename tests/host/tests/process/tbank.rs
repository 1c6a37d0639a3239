//! T-Bank with a stand-in that the host calls: a link, its notifications, a refund, and a lost notification.

use end_to_end::tbank;
use host_tests::{Folder, Host};
use serde_json::{Value, json};
use stand_in::api::tbank::{Config, Source, TBank};
use stand_in::api::{ApiServer, Fault, Notification, PaymentApi as _, Reply};

use crate::swap::wait_for;

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

#[test]
fn an_order_whose_link_will_not_come_is_ended_at_once() {
    let (_folder, host, bank) = start();
    let body = json!({"account": ACCOUNT, "amount": {"minor_units": 10_000, "currency": "RUB"}, "description": "Пополнение"});
    let ask = |key: &str| host.api.try_post_once("/links", key, &body).unwrap();
    // Init made a payment and its answer was lost, and CheckOrder does not know of it yet.
    bank.fail_next("/Init", Fault::HangUpAfterExecuting);
    bank.with(|bank| bank.list_no_orders(true));
    let (status, waits) = ask("k-1");
    assert_eq!((status, &waits["code"]), (503, &Value::Null), "{waits}");
    // T-Bank takes no second Init of the order.
    let (status, waits) = ask("k-1");
    assert_eq!(status, 503, "{waits}");
    bank.with(|bank| bank.list_no_orders(false));
    for _ in 0..2 {
        let (status, ended) = ask("k-1");
        assert_eq!((status, &ended["code"]), (409, &json!("order-without-link")), "{ended}");
        assert!(ended["detail"].as_str().unwrap().contains("make a new order"), "{ended}");
    }
    let (status, link) = ask("k-2");
    assert_eq!((status, &link["url"]), (200, &json!(format!("{}?payment=13661", bank.page()))), "{link}");
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
    wait_for("what the first told is settled", || host.api.get("/unrecognized")["total"] == 0);
    let settled = &host.api.get("/unrecognized?acknowledged=true")["unrecognized"][0];
    assert_eq!(
        (&settled["id"], &settled["acknowledged"]["operator"]),
        (&kept["unrecognized"][0]["id"], &json!("host-harness"))
    );
}

#[test]
fn what_a_status_could_not_tell_is_settled_by_a_later_refund() {
    for is_from_here in [true, false] {
        let (_folder, host, bank) = start();
        let order = link(&host)["order"].as_str().unwrap().to_owned();
        // The notifications of the payment and of a part that is paid back in the cabinet are lost.
        bank.with(|bank| bank.pay("13660")).unwrap();
        bank.with(|bank| bank.refund("13660", Some(3_000))).unwrap();
        let ask = || host.api.try_post(&format!("/orders/{order}/status"), &json!({})).unwrap();
        assert_eq!((ask().0, host.api.balance(ACCOUNT)), (200, 10_000));
        let kept = host.api.get("/unrecognized");
        let message = kept["unrecognized"][0]["message"].as_str().unwrap();
        assert!(message.starts_with("Из 100.00 ₽ записано возвращённым 0.00 ₽"), "{kept}");
        ask();
        assert_eq!(host.api.get("/unrecognized")["total"], 1, "it is no clearer");
        if is_from_here {
            assert_eq!(pay_back(&host, "k-1", 2_000).1["state"], "done");
        } else {
            let all = bank.with(|bank| bank.refund("13660", None)).unwrap();
            send(&host, &bank, all);
        }
        assert_eq!(host.api.balance(ACCOUNT), if is_from_here { 5_000 } else { 0 });
        wait_for("what the status told is settled", || host.api.get("/unrecognized")["total"] == 0);
    }
}

/// Begins a refund of the payment, and returns the answer.
fn pay_back(host: &Host, key: &str, minor_units: i64) -> (u16, Value) {
    let payment = host.api.get("/entries?after=0")["entries"][0]["movement"].clone();
    let body = json!({"provider": "tbank", "payment": payment, "kind": "refund", "reason": "ошибочный платёж",
        "amount": {"minor_units": minor_units, "currency": "RUB"}});
    host.api.try_post_once("/operations", key, &body).unwrap()
}

/// Asks T-Bank now about an operation, and returns its state.
fn ask_now(host: &Host, operation: &Value) -> Value {
    let path = format!("/operations/{}/retry", operation["id"].as_str().unwrap());
    host.api.try_post(&path, &json!({})).unwrap().1["state"].clone()
}

/// A payment of 100.00, credited.
fn paid(source: Source) -> (Folder, Host, ApiServer<TBank>) {
    let (folder, host, bank) = start();
    link(&host);
    bank.with(|bank| bank.pay_from("13660", source)).unwrap();
    let notifications = bank.with(|bank| bank.pay("13660")).unwrap();
    send(&host, &bank, notifications);
    assert_eq!(host.api.balance(ACCOUNT), 10_000);
    (folder, host, bank)
}

/// The amounts of the refunds that are entered, in their order.
fn refunds(host: &Host) -> Vec<i64> {
    host.api.get("/entries?after=1")["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["amount"]["minor_units"].as_i64().unwrap())
        .collect()
}

#[test]
fn a_refund_from_here_brings_what_was_paid_back_in_the_cabinet() {
    for is_notified in [false, true] {
        let (_folder, host, bank) = paid(Source::Card);
        let cabinet = bank.with(|bank| bank.refund("13660", Some(2_000))).unwrap();
        if is_notified {
            send(&host, &bank, cabinet);
            assert_eq!(host.api.get("/unrecognized")["total"], 1);
        }
        assert_eq!(host.api.balance(ACCOUNT), 10_000);
        let (status, refund) = pay_back(&host, "k-1", 3_000);
        assert_eq!((status, &refund["state"]), (200, &json!("done")), "{refund}");
        assert_eq!((refunds(&host), host.api.balance(ACCOUNT)), (vec![-3_000, -2_000], 5_000));
        assert_eq!(host.api.get("/unrecognized")["total"], 0, "what told of it is done with");
        // Whatever tells of either later repeats them.
        let told = bank.with(|bank| bank.notification("13660")).unwrap();
        send(&host, &bank, vec![told]);
        let all = bank.with(|bank| bank.refund("13660", None)).unwrap();
        send(&host, &bank, all);
        assert_eq!(refunds(&host), [-3_000, -2_000, -5_000]);
        for list in ["/unrecognized", "/contradictions", "/unmatched"] {
            assert_eq!(host.api.get(list)["total"], 0, "{list}");
        }
    }
}

#[test]
fn two_refunds_of_a_payment_are_one_after_the_other() {
    let (_folder, host, bank) = paid(Source::Sbp);
    let (_, first) = pay_back(&host, "k-1", 3_000);
    assert_eq!(first["state"], "pending", "{first}");
    let (status, second) = pay_back(&host, "k-2", 3_000);
    assert_eq!((status, &second["code"]), (409, &json!("operation-under-way")), "{second}");
    assert_eq!(pay_back(&host, "k-1", 3_000).1["id"], first["id"], "it is the same refund");
    assert_eq!(bank.refund_requests().len(), 1);
    // T-Bank reports it before the host has asked: of a part, that is not clear yet.
    let notifications = bank.with(TBank::finish_refunds);
    send(&host, &bank, notifications);
    assert_eq!((&host.api.get("/unrecognized")["total"], host.api.balance(ACCOUNT)), (&json!(1), 10_000));
    assert_eq!(ask_now(&host, &first), "done");
    assert_eq!((&host.api.get("/unrecognized")["total"], host.api.balance(ACCOUNT)), (&json!(0), 7_000));
    let (_, second) = pay_back(&host, "k-2", 3_000);
    assert_eq!(second["state"], "pending", "{second}");
    bank.with(TBank::finish_refunds);
    assert_eq!(ask_now(&host, &second), "done");
    assert_eq!((refunds(&host), host.api.balance(ACCOUNT)), (vec![-3_000, -3_000], 4_000));
    assert_ne!(first["id"], second["id"]);
}

#[test]
fn an_answer_that_tells_nothing_is_asked_for_again_with_the_same_key() {
    let (_folder, host, bank) = paid(Source::Card);
    bank.fail_next("/Cancel", Fault::Busy);
    bank.fail_next("/Cancel", Fault::Busy);
    let (_, refund) = pay_back(&host, "k-1", 3_000);
    assert_eq!(refund["state"], "pending", "{refund}");
    assert_eq!(ask_now(&host, &refund), "pending");
    assert_eq!((ask_now(&host, &refund), host.api.balance(ACCOUNT)), (json!("done"), 7_000));
    let keys: Vec<String> = bank.refund_requests().into_iter().map(|request| request.key).collect();
    assert_eq!((keys.len(), keys[0] == keys[1] && keys[1] == keys[2], bank.refunds()), (3, true, 1));
    // By «СБП» nothing tells a second one from the first.
    let (_folder, host, bank) = paid(Source::Sbp);
    bank.fail_next("/Cancel", Fault::Busy);
    let (_, refund) = pay_back(&host, "k-1", 3_000);
    assert_eq!(refund["state"], "pending", "{refund}");
    assert_eq!((ask_now(&host, &refund), bank.refund_requests().len()), (json!("unknown"), 1));
}

#[test]
fn while_t_bank_cannot_be_asked_a_refund_comes_again() {
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

#[test]
fn the_log_names_the_operation_or_the_order_of_a_call_that_failed() {
    let (folder, host, bank) = paid(Source::Card);
    let is_said = |name: &str| {
        let is_of_call = |line: &&str| line.contains("a call has no answer");
        folder.log().lines().filter(is_of_call).any(|line| line.contains(name))
    };
    bank.fail_next("/Cancel", Fault::HangUp);
    let (_, refund) = pay_back(&host, "k-1", 3_000);
    let id = refund["id"].as_str().unwrap();
    assert!(is_said(&format!("for{{operation=\"{id}\" kind=\"refund\"}}")), "{}", folder.log());
    bank.fail_next("/Init", Fault::HangUp);
    let body = json!({"account": ACCOUNT, "amount": {"minor_units": 10_000, "currency": "RUB"}, "description": "Пополнение"});
    assert_ne!(host.api.try_post("/links", &body).unwrap().0, 200);
    assert!(is_said("kind=\"link\" order=\""), "{}", folder.log());
    let order = link(&host)["order"].as_str().unwrap().to_owned();
    bank.fail_next("/GetState", Fault::HangUp);
    assert_eq!(host.api.try_post(&format!("/orders/{order}/status"), &json!({})).unwrap().0, 503);
    assert!(is_said(&format!("for{{order=\"{order}\"}}")), "{}", folder.log());
}
