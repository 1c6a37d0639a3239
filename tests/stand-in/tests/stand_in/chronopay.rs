//! The stand-in for ChronoPay.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use stand_in::chronopay::{ChronoPay, Config, ConfigError, OrderControl, Running, sign_callback, sign_request};
use stand_in::{Patience, Sent};

use crate::checks::{self, config_error, only, start};
use crate::shop::Shop;
use crate::wire::{Fields, LONGEST, Page, changed, decode, get, press, value};

const SECRET: &str = "TestSharedSec001";
const PRODUCT: &str = "001234-0001-0001";

fn config() -> Config {
    let patience = Patience { delay_ms: 1, retry_ms: 1, answer_timeout_ms: 5000, ..Patience::default() };
    Config { patience, ..Config::new(SECRET, PRODUCT) }
}

fn page() -> Running {
    start(config())
}

/// Returns a link for order 42 of 100.00 RUB, without order control. `changes` are not signed.
fn link(changes: &[(&str, &str)]) -> Fields {
    let base = [
        ("product_id", PRODUCT),
        ("product_price", "100.00"),
        ("product_price_currency", "RUB"),
        ("product_name", "Пополнение <счёта>"),
        ("cs1", "42"),
        ("cs2", "100500"),
        ("success_url", "https://lk.example.ru/ok"),
        ("decline_url", "https://lk.example.ru/no"),
        ("language", "Ru"),
        ("email", "ivan@example.ru"),
        ("f_name", "Иван"),
        ("s_name", "\"Петров\" & сын"),
        ("sign", "47576a5a1106286cd1642cdd8c5e485d"),
    ];
    changed(&base, changes)
}

/// Starts a merchant that answers with these statuses in order, and repeats the last one.
fn merchant(statuses: &[u16]) -> Shop {
    let answers: Vec<_> = statuses.iter().map(|status| (*status, "OK")).collect();
    Shop::new("/callbacks/chronopay", &answers)
}

/// Pays link 42 by a scenario. Returns the buyer's page, what was sent, and what arrived.
fn pay(scenario: &str, config: Config, statuses: &[u16], changes: &[(&str, &str)]) -> (Page, Vec<Sent>, Vec<Fields>) {
    let merchant = merchant(statuses);
    let running: Running = start(config);
    let fields = link(&[changes, &[("cb_url", &merchant.url), ("scenario", scenario)]].concat());
    let bought = press(&running, "pay", &fields);
    let sent = running.settled(LONGEST).unwrap();
    (bought, sent, merchant.forms())
}

/// Returns the type, transaction, total and order of each callback, and whether its signature is valid.
fn gist(received: &[Fields]) -> Vec<(&str, &str, &str, &str, bool)> {
    let gist = |form| {
        let [kind, transaction, total, order, sign] =
            ["transaction_type", "transaction_id", "total", "cs1", "sign"].map(|name| value(form, name));
        (kind, transaction, total, order, sign == sign_callback(SECRET, form))
    };
    received.iter().map(|form| gist(form)).collect()
}

const PURCHASE: (&str, &str, &str, &str, bool) = ("Purchase", "56244472", "100.00", "42", true);

#[test]
fn link_and_form_show_payment_page() {
    checks::a_link_and_a_form_show(&page(), &link(&[]), &["100.00 RUB", PRODUCT, "Это не ChronoPay"], SECRET);
}

#[test]
fn payment_page_carries_request_and_scenario() {
    let merchant = merchant(&[200]);
    checks::the_page_carries(&page(), &link(&[("cb_url", &merchant.url)]), "refund");
}

#[test]
fn each_order_control_accepts_only_its_signature() {
    let basic: &[(&str, &str)] = &[];
    let order: &[(&str, &str)] = &[("order_id", "42"), ("sign", "09347bdab595aaaa622b08de24275103")];
    let minutes: &[(&str, &str)] =
        &[("order_id", "42"), ("orderTimelimit", "30"), ("sign", "f8a088981494d7662a9eeb37c625bf12")];
    let expiry: &[(&str, &str)] =
        &[("order_id", "42"), ("orderExpiretime", "2030-01-02T03:04:05+0300"), ("sign", "4218a0468795898032996b5348b831df")];
    for (order_control, statuses) in [
        (OrderControl::Basic, [200, 403, 403, 403]),
        (OrderControl::OrderId, [400, 200, 403, 403]),
        (OrderControl::OrderIdWithExpiry, [400, 403, 200, 200]),
    ] {
        let running: Running = start(Config { order_control, ..config() });
        let got = [basic, order, minutes, expiry].map(|changes| get(&running, &link(changes)).0);
        assert_eq!(got, statuses, "{order_control:?}");
    }
    // Shops may send an order id that is not signed.
    assert_eq!(get(&page(), &link(&[("order_id", "42")])).0, 200);
}

#[test]
fn bad_request_is_refused_with_reason() {
    let upper = "47576A5A1106286CD1642CDD8C5E485D";
    let right = sign_request(SECRET, &[PRODUCT, "1000.00"]);
    let dear = sign_request("TestSharedSec002", &[PRODUCT, "100.00"]);
    let cheap = sign_request(SECRET, &[PRODUCT, "0.00"]);
    let cases = [
        (&[("product_id", "")][..], 400, "product_id"),
        (&[("product_id", "001234-0001-0002")], 400, "product_id"),
        (&[("product_price", "0.00"), ("sign", &cheap)], 400, "product_price"),
        (&[("product_price", "")], 400, "product_price"),
        (&[("product_price", "1000.00")], 403, "не сходится"),
        (&[("sign", &dear)], 403, "не сходится"),
        (&[("sign", upper)], 403, "не сходится"),
        (&[("sign", "")], 403, "её нет"),
        (&[("order_id", "42"), ("sign", "09347bdab595aaaa622b08de24275103")], 403, "по варианту order-id,"),
        (&[("product_price_currency", "USD")], 400, "product_price_currency"),
        (&[("orderTimelimit", "30")], 400, "orderTimelimit"),
        (&[("cb_type", "X")], 400, "cb_type"),
        (&[("cb_url", "ftp://lk.example.ru/")], 400, "cb_url"),
        (&[("success_url", "javascript:alert(1)")], 400, "success_url"),
        (&[("decline_url", "https://кабинет.рф/")], 400, "Punycode"),
        (&[("scenario", "rob")], 400, "scenario"),
        (&[("scenario", "other-order")], 400, "scenario"),
        (&[("cs1", "42"), ("cs1", "43")], 400, "дважды"),
    ];
    let cases = cases.map(|(changes, status, reason)| (link(changes), status, reason));
    checks::is_refused(&page(), cases, &[SECRET, &right, "47576a5a"]);
}

#[test]
fn payment_callback_has_usual_fields() {
    let (Page(status, location, _), sent, received) = pay("pay", config(), &[200], &[("order_id", "42"), ("cs3", "x")]);
    assert_eq!((status, location.as_str()), (303, "https://lk.example.ru/ok"));
    assert_eq!(gist(&received), [PURCHASE]);
    let form = &received[0];
    for (name, want) in [
        ("customer_id", "001234-156244472"),
        ("site_id", "001234-0001"),
        ("product_id", PRODUCT),
        ("order_id", "42"),
        ("cs2", "100500"),
        ("cs3", "x"),
        ("email", "ivan@example.ru"),
        ("name", "Иван \"Петров\" & сын"),
        ("language", "ru"),
        ("currency", "RUB"),
        ("payment_type", "MasterCard"),
        ("creditcardnumber", "555555XXXXXX4444"),
        ("auth_code", "891189"),
    ] {
        assert_eq!(value(form, name), want, "{name}");
    }
    let (date, time) = value(form, "date").split_once(' ').unwrap();
    assert_eq!((date.len(), time), (10, value(form, "time")));
    let sent = only(&sent);
    assert_eq!((sent.status, sent.answer.as_deref(), &sent.problem), (Some(200), Some("OK"), &None));
    assert_eq!((sent.transaction_id.as_str(), sent.order.as_str(), &decode(&sent.body)), ("56244472", "42", form));
}

#[test]
fn callback_price_has_two_decimals_and_order_id_only_if_sent() {
    let sign = sign_request(SECRET, &[PRODUCT, "99.5"]);
    let (_, _, received) = pay("pay", config(), &[200], &[("product_price", "99.5"), ("sign", &sign)]);
    assert_eq!(gist(&received), [("Purchase", "56244472", "99.50", "42", true)]);
    assert!(!received[0].iter().any(|(name, _)| name == "order_id"));
}

#[test]
fn cb_type_sets_method_and_keeps_url_query() {
    for (cb_type, method) in [("", "POST"), ("P", "POST"), ("p", "POST"), ("G", "GET")] {
        let merchant = merchant(&[200]);
        let running = page();
        let url = format!("{}?shop=7", merchant.url);
        press(&running, "pay", &link(&[("cb_url", &url), ("cb_type", cb_type)]));
        running.settled(LONGEST).unwrap();
        let received = merchant.received();
        let (got, path, form) = only(&received);
        assert_eq!((got.as_str(), path.as_str()), (method, "/callbacks/chronopay"), "{cb_type}");
        assert_eq!(value(form, "sign"), sign_callback(SECRET, form));
        assert_eq!(value(form, "shop"), if method == "GET" { "7" } else { "" });
    }
}

#[test]
fn configured_address_is_called_without_cb_url() {
    let merchant = merchant(&[200]);
    let running: Running = start(Config { callback_url: Some(merchant.url.clone()), ..config() });
    press(&running, "pay", &link(&[]));
    running.settled(LONGEST).unwrap();
    assert_eq!(merchant.received().len(), 1);

    let running = page();
    assert!(get(&running, &link(&[])).2.contains("Уведомление отправить некуда"));
    assert_eq!(press(&running, "pay", &link(&[])).0, 303);
    let sent = running.settled(LONGEST).unwrap();
    assert_eq!((sent.len(), sent[0].status), (1, None));
    assert!(sent[0].problem.is_some());
}

#[test]
fn cancelled_payment_sends_no_callback() {
    let running = page();
    let Page(status, location, _) = press(&running, "refuse", &link(&[]));
    assert_eq!((status, location.as_str()), (303, "https://lk.example.ru/no"));
    assert_eq!(running.settled(LONGEST), Some(Vec::new()));
    let Page(status, _, text) = press(&running, "refuse", &link(&[("decline_url", "")]));
    assert!(status == 200 && text.contains("Оплата не прошла"));
    assert_eq!(press(&running, "think", &link(&[])).0, 400);
}

#[test]
fn declined_payment_sends_decline() {
    let (Page(status, location, _), _, received) = pay("decline", config(), &[200], &[]);
    assert_eq!((status, location.as_str()), (303, "https://lk.example.ru/no"));
    assert_eq!(gist(&received), [("decline", "56244472", "100.00", "42", true)]);

    let (Page(_, location, _), sent, _) = pay("decline", Config { decline_callback: false, ..config() }, &[200], &[]);
    assert_eq!((location.as_str(), sent.len()), ("https://lk.example.ru/no", 0));
}

#[test]
fn genuine_scenarios_send_their_callbacks() {
    let refund = ("Refund", "56244473", "100.00", "42", true);
    let chargeback = ("chargeback", "56244473", "100.00", "42", true);
    for (scenario, want) in [
        ("pay", &[PURCHASE][..]),
        ("retry", &[PURCHASE]),
        ("repeat", &[PURCHASE, PURCHASE, PURCHASE]),
        ("delay", &[PURCHASE]),
        ("reorder", &[refund, PURCHASE]),
        ("drop-reply", &[PURCHASE, PURCHASE]),
        ("refund", &[PURCHASE, refund]),
        ("chargeback", &[PURCHASE, chargeback]),
        ("other-amount", &[("Purchase", "56244472", "101.00", "42", true)]),
        ("unknown-order", &[("Purchase", "56244472", "100.00", "9000000000056244472", true)]),
        ("unknown-form", &[("Purchase", "56244472", "100,00", "42", true)]),
    ] {
        let (Page(status, location, _), sent, received) = pay(scenario, config(), &[200], &[]);
        assert_eq!((status, location.as_str()), (303, "https://lk.example.ru/ok"), "{scenario}");
        assert_eq!(gist(&received), want, "{scenario}");
        let bodies: Vec<_> = sent.iter().map(|sent| decode(&sent.body)).collect();
        assert_eq!(bodies, received, "{scenario}");
        assert!(sent.iter().all(|sent| sent.scenario.name() == scenario));
        assert!(received.iter().all(|form| value(form, "customer_id") == "001234-156244472"), "{scenario}");
    }
}

#[test]
fn forged_callbacks_are_sent_once() {
    for (scenario, total) in [("tamper", "101.00"), ("forge", "100.00")] {
        let (_, sent, received) = pay(scenario, config(), &[403], &[]);
        assert_eq!(gist(&received), [("Purchase", "56244472", total, "42", false)], "{scenario}");
        assert_eq!((sent.len(), sent[0].status), (1, Some(403)));
    }
    let (_, _, received) = pay("tamper", config(), &[403], &[]);
    let signed: Fields = received[0]
        .iter()
        .map(|(name, value)| (name.clone(), if name == "total" { "100.00".to_owned() } else { value.clone() }))
        .collect();
    assert_eq!(value(&signed, "sign"), sign_callback(SECRET, &signed), "the total was changed after it was signed");
}

#[test]
fn unknown_order_replaces_both_order_fields() {
    let (_, _, received) = pay("unknown-order", config(), &[200], &[("order_id", "42")]);
    assert_eq!(value(&received[0], "order_id"), value(&received[0], "cs1"));
}

#[test]
fn refund_can_keep_payment_id() {
    let (_, _, received) = pay("refund", Config { refund_keeps_id: true, ..config() }, &[200], &[]);
    assert_eq!(gist(&received), [PURCHASE, ("Refund", "56244472", "100.00", "42", true)]);
}

#[test]
fn delayed_callback_follows_buyers_return() {
    let merchant = merchant(&[200]);
    let patience = Patience { delay_ms: 1500, ..config().patience };
    let running: Running = start(Config { patience, ..config() });
    let Page(status, _, _) = press(&running, "pay", &link(&[("cb_url", &merchant.url), ("scenario", "delay")]));
    assert_eq!((status, merchant.received().len()), (303, 0));
    assert_eq!(running.settled(Duration::ZERO), None, "a callback is still to be sent");
    running.settled(LONGEST).unwrap();
    assert_eq!(merchant.received().len(), 1);
}

#[test]
fn callback_is_retried_until_200() {
    for (statuses, want) in [
        (&[503, 500, 200][..], &[503, 500, 200][..]),
        (&[302, 204, 403, 200], &[302, 204, 403, 200]),
        (&[503], &[503, 503, 503, 503, 503]),
    ] {
        let (Page(status, _, _), sent, received) = pay("retry", config(), statuses, &[]);
        assert_eq!(status, 303);
        assert_eq!(sent.iter().map(|sent| sent.status.unwrap()).collect::<Vec<_>>(), want);
        assert_eq!(gist(&received), vec![PURCHASE; want.len()]);
    }
    // Nothing listens on port 1.
    let patience = Patience { attempts_max: 2, ..config().patience };
    let running: Running = start(Config { patience, ..config() });
    press(&running, "pay", &link(&[("cb_url", "http://127.0.0.1:1/")]));
    let sent = running.settled(LONGEST).unwrap();
    assert_eq!(sent.len(), 2);
    assert!(sent.iter().all(|sent| sent.status.is_none() && sent.problem.is_some()), "{sent:?}");
}

/// The merchant reads the whole request, and then sees the connection close before or after its answer.
#[test]
fn dropped_reply_and_hang_up_are_retried() {
    for (scenario, answers) in [("drop-reply", true), ("hang-up", false)] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/callback?shop=7", listener.local_addr().unwrap());
        let running = page();
        let merchant = std::thread::spawn(move || {
            let mut bodies = Vec::new();
            for call in 0..2 {
                let (mut stream, _) = listener.accept().unwrap();
                bodies.push(read_request(&mut stream));
                if answers || call == 1 {
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nOK").unwrap();
                }
                // Closing with an unread answer resets the connection.
                assert_eq!(stream.read(&mut [0; 8]).unwrap_or(0), 0, "the client must close the connection");
            }
            bodies
        });
        press(&running, "pay", &link(&[("cb_url", &url), ("scenario", scenario)]));
        let sent = running.settled(LONGEST).unwrap();
        let bodies = merchant.join().unwrap();
        assert_eq!(sent.iter().map(|sent| sent.status).collect::<Vec<_>>(), [None, Some(200)], "{scenario}");
        assert!(sent.iter().all(|sent| sent.problem.is_none()));
        assert_eq!(sent.iter().map(|sent| sent.body.clone()).collect::<Vec<_>>(), bodies);
        assert_eq!(bodies[0], bodies[1]);
    }
}

fn read_request(stream: &mut std::net::TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
            if body.len() == length {
                assert!(head.starts_with("post /callback?shop=7 http/1.1"), "{head}");
                return String::from_utf8_lossy(&bytes).split_once("\r\n\r\n").unwrap().1.to_owned();
            }
        }
        let mut more = [0; 4096];
        let read = stream.read(&mut more).unwrap();
        assert!(read > 0, "the request is cut off");
        bytes.extend_from_slice(&more[..read]);
    }
}

#[test]
fn sent_callbacks_are_listed_without_secret() {
    let merchant = merchant(&[200]);
    let running = page();
    for scenario in ["pay", "tamper"] {
        press(&running, "pay", &link(&[("cb_url", &merchant.url), ("scenario", scenario)]));
    }
    let list = checks::listed(&running, SECRET);
    assert_eq!(list.len(), 2);
    assert_eq!(
        (&list[0]["scenario"], &list[0]["transaction_id"], &list[0]["order"], &list[0]["status"], &list[0]["answer"]),
        (&"pay".into(), &"56244472".into(), &"42".into(), &200.into(), &"OK".into())
    );
    assert_eq!((&list[1]["scenario"], &list[1]["transaction_id"]), (&"tamper".into(), &"56244473".into()));
    assert_eq!(list[0]["body"], running.sent()[0].body);
}

#[test]
fn page_lists_every_scenario() {
    checks::every_scenario_is_on_the_page(&page(), &link(&[]));
}

#[test]
fn bad_configuration_is_refused() {
    let refused = config_error::<ChronoPay>;
    assert!(matches!(refused(Config::new(SECRET, "1234")), ConfigError::ProductId));
    assert!(matches!(refused(Config::new("", PRODUCT)), ConfigError::Secret));
    assert!(matches!(refused(Config { currency: "rub".into(), ..config() }), ConfigError::Currency));
    let callback_url = Some("https://billing.example.ru/".to_owned());
    assert!(matches!(refused(Config { callback_url, ..config() }), ConfigError::CallbackUrl));
    checks::an_address_is_taken_once(&page(), config());
}

#[test]
fn stopping_frees_the_port() {
    checks::stopping_frees_the_port(page(), config(), &link(&[]));
}
