//! The stand-in for Robokassa.

use stand_in::robokassa::{Config, ConfigError, Hash, Passwords, Robokassa, Running, sign_link, sign_notification};
use stand_in::{Method, Patience, Sent};

use crate::checks::{self, config_error, only, start};
use crate::shop::Shop;
use crate::wire::{Fields, LONGEST, Page, changed, decode, get, press, value};

const SHOP: &str = "robo-demo-test";
const PASSWORD_1: &str = "TestPassword1";
const PASSWORD_2: &str = "TestPassword2";

fn config(result_url: &str) -> Config {
    Config {
        success_url: Some("https://lk.example.ru/cabinet".into()),
        fail_url: Some("https://lk.example.ru/cabinet?failed=1".into()),
        patience: Patience { delay_ms: 1, retry_ms: 1, answer_timeout_ms: 5000, ..Patience::default() },
        ..Config::new(SHOP, Passwords::new(PASSWORD_1, PASSWORD_2), result_url)
    }
}

fn page_of(shop: &Shop) -> Running {
    start(config(&shop.url))
}

/// Nothing listens on port 1.
fn page_alone() -> Running {
    start(config("http://127.0.0.1:1/"))
}

fn own(fields: &[(String, String)]) -> Fields {
    fields.iter().filter(|(name, _)| name.starts_with("Shp_")).cloned().collect()
}

/// Returns a link for order and invoice 42 of 100.00 RUB. `changes` are not signed.
fn link(changes: &[(&str, &str)]) -> Fields {
    let base = [
        ("MerchantLogin", SHOP),
        ("OutSum", "100.00"),
        ("InvId", "42"),
        ("Description", "Пополнение <счёта>"),
        ("Shp_order", "42"),
        ("Culture", "ru"),
        ("Encoding", "utf-8"),
        ("Email", "ivan@example.ru"),
        // Computed by Python's hashlib: robo-demo-test:100.00:42:TestPassword1:Shp_order=42
        ("SignatureValue", "03139b6b295aa160800f290bf48dc5cd"),
    ];
    changed(&base, changes)
}

/// Applies changes to the link and signs it.
fn signed(hash: Hash, password_1: &str, changes: &[(&str, &str)]) -> Fields {
    let fields = link(changes);
    let values = ["MerchantLogin", "OutSum", "InvId"].map(|name| value(&fields, name));
    let signature = sign_link(hash, &values, password_1, &own(&fields));
    link(&[changes, &[("SignatureValue", &signature)]].concat())
}

/// The shop's answers, in order.
type Answers = &'static [(u16, &'static str)];

const TAKES: Answers = &[(200, "OK{InvId}")];

fn shop(answers: Answers) -> Shop {
    Shop::new("/callbacks/robokassa", answers)
}

/// Pays link 42 by a scenario. Returns the buyer's page, what was sent, and what arrived.
fn pay(scenario: &str, answers: Answers, fields: &[(String, String)]) -> (Page, Vec<Sent>, Vec<Fields>) {
    let shop = shop(answers);
    let running = page_of(&shop);
    let bought = press(&running, "pay", &[fields, &[("scenario".to_owned(), scenario.to_owned())]].concat());
    let sent = running.settled(LONGEST).unwrap();
    (bought, sent, shop.forms())
}

/// Returns the sum, invoice and order of each notification, and whether its signature is valid.
fn gist(received: &[Fields]) -> Vec<(&str, &str, &str, bool)> {
    let gist = |form| {
        let [sum, invoice, order, signature] = ["OutSum", "InvId", "Shp_order", "SignatureValue"].map(|name| value(form, name));
        let holds = signature == sign_notification(Hash::Md5, [sum, invoice], PASSWORD_2, &own(form));
        (sum, invoice, order, holds)
    };
    received.iter().map(|form| gist(form)).collect()
}

const PAYMENT: (&str, &str, &str, bool) = ("100.000000", "42", "42", true);

#[test]
fn link_and_form_show_payment_page() {
    let parts = ["100.00 RUB", SHOP, "Счёт 42", "Это не Robokassa"];
    checks::a_link_and_a_form_show(&page_alone(), &link(&[]), &parts, PASSWORD_1);
}

#[test]
fn payment_page_carries_request_and_scenario() {
    let shop = shop(TAKES);
    let running = page_of(&shop);
    checks::every_scenario_is_on_the_page(&running, &link(&[]));
    checks::the_page_carries(&running, &link(&[]), "repeat");
}

#[test]
fn each_hash_accepts_only_its_signature() {
    for hash in [Hash::Md5, Hash::Sha256, Hash::Sha512] {
        let running: Running = start(Config { hash, ..config("http://127.0.0.1:1/") });
        for other in [Hash::Md5, Hash::Sha256, Hash::Sha512] {
            let fields = signed(other, PASSWORD_1, &[]);
            assert_eq!(get(&running, &fields).0, if other == hash { 200 } else { 403 }, "{hash:?} {other:?}");
        }
    }
    let upper = "03139b6b295aa160800f290bf48dc5cd".to_uppercase();
    assert_eq!(get(&page_alone(), &link(&[("SignatureValue", &upper)])).0, 200);
}

#[test]
fn bad_request_is_refused_with_reason() {
    let right = sign_link(Hash::Md5, &[SHOP, "1000.00", "42"], PASSWORD_1, &own(&link(&[])));
    let good = |changes| signed(Hash::Md5, PASSWORD_1, changes);
    let cases = [
        (link(&[("MerchantLogin", "")]), 400, "MerchantLogin"),
        (link(&[("MerchantLogin", "another")]), 400, "ошибка 26"),
        (link(&[("OutSum", "1000.00")]), 403, "ошибка 29"),
        (link(&[("InvId", "43")]), 403, "не сходится"),
        (link(&[("Shp_order", "43")]), 403, "не сходится"),
        (link(&[("Shp_order", "")]), 403, "не сходится"),
        (link(&[("Shp_a", "1")]), 403, "не сходится"),
        (link(&[("SignatureValue", "")]), 403, "её нет"),
        (signed(Hash::Md5, PASSWORD_2, &[]), 403, "не сходится"),
        (good(&[("OutSum", "0.00")]), 400, "OutSum"),
        (good(&[("OutSum", "100,00")]), 400, "OutSum"),
        (good(&[("InvId", "A-42")]), 400, "InvId"),
        (good(&[("Description", &"ы".repeat(101))]), 400, "Description"),
        (good(&[("Culture", "fr")]), 400, "Culture"),
        (good(&[("ExpirationDate", "2020-01-02T03:04")]), 400, "истёк"),
        (good(&[("IsTest", "1")]), 400, "ошибка 23"),
        (good(&[("scenario", "rob")]), 400, "scenario"),
        (good(&[("scenario", "refund")]), 400, "scenario"),
        (good(&[("InvId", "42"), ("InvId", "43")]), 400, "дважды"),
    ];
    checks::is_refused(&page_alone(), cases, &[PASSWORD_1, &right]);
}

#[test]
fn notification_has_usual_fields_and_buyer_returns() {
    let (Page(status, location, _), sent, received) = pay("pay", TAKES, &link(&[]));
    assert_eq!(gist(&received), [PAYMENT]);
    let form = &received[0];
    let names: Vec<&str> = form.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "out_summ",
            "OutSum",
            "inv_id",
            "InvId",
            "crc",
            "SignatureValue",
            "PaymentMethod",
            "IncSum",
            "IncCurrLabel",
            "EMail",
            "Fee",
            "Shp_order"
        ]
    );
    // Computed by Python's hashlib: 100.000000:42:TestPassword2:Shp_order=42
    assert_eq!(value(form, "SignatureValue"), "58DB704BB61C6BFB5C2F37FD90608827");
    assert_eq!((value(form, "EMail"), value(form, "IncSum")), ("ivan@example.ru", "100.000000"));

    assert_eq!(status, 303);
    let (page, query) = location.split_once('?').unwrap();
    let query = decode(query);
    assert_eq!(page, "https://lk.example.ru/cabinet");
    let signature = sign_notification(Hash::Md5, ["100.000000", "42"], PASSWORD_1, &own(&query));
    assert_eq!(value(&query, "SignatureValue"), signature);
    assert_eq!((value(&query, "InvId"), value(&query, "Shp_order")), ("42", "42"));

    let sent = only(&sent);
    assert_eq!((sent.status, sent.answer.as_deref(), &sent.problem), (Some(200), Some("OK42"), &None));
    assert_eq!((sent.transaction_id.as_str(), sent.order.as_str(), &decode(&sent.body)), ("42", "42", form));
}

#[test]
fn invoice_without_number_gets_one() {
    for inv_id in ["0", ""] {
        let fields = signed(Hash::Md5, PASSWORD_1, &[("InvId", inv_id), ("Shp_order", "A-42")]);
        let (_, _, received) = pay("pay", TAKES, &fields);
        assert_eq!(gist(&received), [("100.000000", "700001", "A-42", true)], "{inv_id:?}");
    }
}

#[test]
fn invoice_is_paid_once() {
    let shop = shop(TAKES);
    let running = page_of(&shop);
    assert_eq!(press(&running, "refuse", &link(&[])).0, 303);
    assert_eq!(press(&running, "pay", &link(&[])).0, 303);
    let Page(status, _, text) = press(&running, "pay", &link(&[]));
    assert!(status == 400 && text.contains("ошибка 40"), "{text}");
    let numbered = signed(Hash::Md5, PASSWORD_1, &[("InvId", "0"), ("Shp_order", "A-42")]);
    for _ in 0..2 {
        assert_eq!(press(&running, "pay", &numbered).0, 303);
    }
    running.settled(LONGEST).unwrap();
    let forms = shop.forms();
    assert_eq!(forms.iter().map(|form| value(form, "InvId")).collect::<Vec<_>>(), ["42", "700001", "700002"]);
}

#[test]
fn test_payment_has_its_own_passwords() {
    let shop = shop(TAKES);
    let test_passwords = Some(Passwords::new("OtherPassword1", "OtherPassword2"));
    let running: Running = start(Config { test_passwords, ..config(&shop.url) });
    let test = [("IsTest", "1")];
    assert_eq!(press(&running, "pay", &signed(Hash::Md5, PASSWORD_1, &test)).0, 403);
    let fields = signed(Hash::Md5, "OtherPassword1", &test);
    assert!(get(&running, &fields).2.contains("Тестовый платёж"));
    assert_eq!(press(&running, "pay", &fields).0, 303);
    running.settled(LONGEST).unwrap();
    let forms = shop.forms();
    let form = only(&forms);
    assert_eq!(["OutSum", "InvId", "IsTest", "EMail"].map(|name| value(form, name)), ["100.00", "42", "1", ""]);
    let signature = sign_notification(Hash::Md5, ["100.00", "42"], "OtherPassword2", &own(form));
    assert_eq!(value(form, "SignatureValue"), signature);
}

#[test]
fn notification_method_follows_settings() {
    for (result_method, method) in [(Method::Post, "POST"), (Method::Get, "GET")] {
        let shop = shop(TAKES);
        let config = Config { result_method, ..config(&format!("{}?shop=7", shop.url)) };
        let running: Running = start(config);
        press(&running, "pay", &link(&[]));
        running.settled(LONGEST).unwrap();
        let received = shop.received();
        let (got, path, form) = only(&received);
        assert_eq!((got.as_str(), path.as_str()), (method, "/callbacks/robokassa"));
        assert_eq!(value(form, "shop"), if method == "GET" { "7" } else { "" });
        assert!(!value(form, "SignatureValue").is_empty());
    }
}

#[test]
fn cancelled_and_declined_payments_send_nothing() {
    let running = page_alone();
    let scenario = ("scenario".to_owned(), "decline".to_owned());
    let declined = [link(&[]), vec![scenario]].concat();
    for Page(status, location, _) in [press(&running, "refuse", &link(&[])), press(&running, "pay", &declined)] {
        assert_eq!(status, 303);
        assert!(location.starts_with("https://lk.example.ru/cabinet?failed=1&OutSum="), "{location}");
        assert!(!location.contains("SignatureValue"), "{location}");
    }
    assert_eq!(running.settled(LONGEST), Some(Vec::new()));
    assert_eq!(press(&running, "think", &link(&[])).0, 400);
}

#[test]
fn genuine_scenarios_send_their_notifications() {
    for (scenario, want) in [
        ("pay", &[PAYMENT][..]),
        ("retry", &[PAYMENT]),
        ("repeat", &[PAYMENT, PAYMENT, PAYMENT]),
        ("delay", &[PAYMENT]),
        ("drop-reply", &[PAYMENT, PAYMENT]),
        ("hang-up", &[PAYMENT, PAYMENT]),
        ("other-amount", &[("101.000000", "42", "42", true)]),
        ("unknown-order", &[("100.000000", "9000000000000000001", "9000000000000000001", true)]),
        ("unknown-form", &[("100,000000", "42", "42", true)]),
    ] {
        let (Page(status, _, _), sent, received) = pay(scenario, TAKES, &link(&[]));
        assert_eq!(status, 303, "{scenario}");
        if scenario == "hang-up" {
            // A shop may abort a request when its client disconnects.
            assert!(!received.is_empty() && gist(&received).iter().all(|form| *form == PAYMENT), "{received:?}");
        } else {
            assert_eq!(gist(&received), want, "{scenario}");
        }
        assert_eq!(sent.len(), want.len(), "{scenario}");
        assert!(sent.iter().all(|sent| sent.scenario.name() == scenario));
    }
}

#[test]
fn forged_notifications_are_sent_once() {
    for (scenario, want) in [
        ("tamper", ("101.000000", "42", "42", false)),
        ("other-order", ("100.000000", "42", "9000000000000000001", false)),
        ("forge", ("100.000000", "42", "42", false)),
    ] {
        let (_, sent, received) = pay(scenario, &[(403, "Forbidden")], &link(&[]));
        assert_eq!(gist(&received), [want], "{scenario}");
        assert_eq!((sent.len(), sent[0].status), (1, Some(403)));
    }
    let (_, _, received) = pay("tamper", &[(403, "")], &link(&[]));
    let signature = sign_notification(Hash::Md5, ["100.000000", "42"], PASSWORD_2, &own(&received[0]));
    assert_eq!(value(&received[0], "SignatureValue"), signature, "the sum was changed after it was signed");
}

#[test]
fn notification_is_retried_until_acknowledged() {
    for (answers, want) in [
        (&[(503, ""), (500, ""), (200, "OK{InvId}")][..], 3),
        // Only `OK` and the invoice's number acknowledge it.
        (&[(200, "OK"), (200, "OK43"), (200, ""), (200, "OK{InvId}")], 4),
        (&[(302, "OK{InvId}"), (200, "OK{InvId}")], 2),
        (&[(503, "")], 5),
    ] {
        let (Page(status, _, _), sent, received) = pay("retry", answers, &link(&[]));
        assert_eq!((status, sent.len()), (303, want), "{answers:?}");
        assert_eq!(gist(&received), vec![PAYMENT; want]);
    }
}

#[test]
fn sent_notifications_are_listed_without_password() {
    let shop = shop(TAKES);
    let running = page_of(&shop);
    press(&running, "pay", &link(&[]));
    running.settled(LONGEST).unwrap();
    let list = checks::listed(&running, PASSWORD_2);
    assert_eq!(list.len(), 1);
    assert_eq!(
        (&list[0]["scenario"], &list[0]["transaction_id"], &list[0]["answer"]),
        (&"pay".into(), &"42".into(), &"OK42".into())
    );
}

#[test]
fn bad_configuration_is_refused() {
    let refused = config_error::<Robokassa>;
    let good = || config("http://127.0.0.1:1/");
    assert!(matches!(refused(Config { merchant_login: "a:b".into(), ..good() }), ConfigError::MerchantLogin));
    assert!(matches!(refused(Config { passwords: Passwords::new("", "x"), ..good() }), ConfigError::Passwords));
    assert!(matches!(refused(Config { passwords: Passwords::new("x", "x"), ..good() }), ConfigError::Passwords));
    assert!(matches!(refused(config("https://billing.example.ru/")), ConfigError::ResultUrl));
    assert!(matches!(refused(Config { success_url: Some("cabinet".into()), ..good() }), ConfigError::ReturnUrl));
    checks::an_address_is_taken_once(&page_alone(), good());
}

#[test]
fn stopping_frees_the_port() {
    checks::stopping_frees_the_port(page_alone(), config("http://127.0.0.1:1/"), &link(&[]));
}
