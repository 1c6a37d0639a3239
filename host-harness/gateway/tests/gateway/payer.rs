//! A subscriber who pays and an operator who enters settings, on the pages and in the API: over real HTTP, without a browser.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::server::{Server, TOKEN, answer, asked, callback_with, publish};
use domain::{Money, NewOrder};
use end_to_end::{PRODUCT, SECRET, component_of, signed};
use ledger::Ledger;
use money::Currency;
use serde_json::{Value, json};
use storage_sqlite::Sqlite;
use support::{Answer, Session};

const PASSWORD: &str = "correct horse battery";
pub const SETTINGS: &str = "/operator/settings/chronopay";
pub const SETTINGS_API: &str = "/api/v1/providers/chronopay/settings";
const LIMITS_API: &str = "/api/v1/providers/chronopay/limits";

/// A browser with cookies that does not follow redirects.
pub struct Person<'s> {
    server: &'s Server,
    cookie: String,
}

impl<'s> Person<'s> {
    pub fn new(server: &'s Server, cookie: &str) -> Person<'s> {
        Person { server, cookie: cookie.to_owned() }
    }

    pub fn operator(server: &'s Server) -> Person<'s> {
        let ledger = Ledger::new(Sqlite::open(&server.database()).unwrap());
        host::operators::set_password(&ledger, "anna", PASSWORD).unwrap();
        Person::new(server, &Session::log_in(&server.client(), "anna", PASSWORD).cookies())
    }

    pub fn subscriber(server: &'s Server) -> Person<'s> {
        let account = json!({"name": "Иванов И. И.", "kind": "individual", "contract": "Д-17"});
        assert_eq!(server.put("/api/v1/accounts/100500", &account).0, 200);
        let (_, link) = server.post("/api/v1/accounts/100500/cabinet", &Value::Null);
        let path = link["url"].as_str().unwrap().split_once("example.ru").unwrap().1.to_owned();
        Person::new(server, &set_cookie(&server.client().get(&path, "").unwrap()))
    }

    /// Another subscriber.
    pub fn other(server: &'s Server) -> Person<'s> {
        assert_eq!(server.put("/api/v1/accounts/7", &json!({"name": "Петров", "kind": "individual"})).0, 200);
        let (_, link) = server.post("/api/v1/accounts/7/cabinet", &Value::Null);
        let entrance = link["url"].as_str().unwrap().split_once("example.ru").unwrap().1.to_owned();
        Person::new(server, &set_cookie(&server.client().get(&entrance, "").unwrap()))
    }

    pub fn get(&self, path: &str) -> Answer {
        self.server.client().get(path, &self.cookie).unwrap()
    }

    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.server.client().post(path, &self.cookie, fields).unwrap()
    }

    pub fn top_up(&self, amount: &str) -> Answer {
        self.top_up_by("chronopay", amount)
    }

    pub fn top_up_by(&self, provider: &str, amount: &str) -> Answer {
        let mark = self.get("/cabinet").hidden("csrf");
        self.post("/cabinet/orders", &[("csrf", &mark), ("amount", amount), ("provider", provider)])
    }

    /// Submits the settings form of a page, with some fields changed.
    pub fn settings(&self, path: &str, page: &Answer, changes: &[(&str, &str)]) -> Answer {
        let (csrf, version) = (page.hidden("csrf"), page.hidden("host.version"));
        let base = [
            ("csrf", csrf.as_str()),
            ("host.version", version.as_str()),
            ("host.smallest", "10"),
            ("host.largest", "100 000"),
            ("product-id", PRODUCT),
        ];
        let kept = base.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        self.post(path, &kept.chain(changes).copied().collect::<Vec<_>>())
    }
}

/// Returns the cookie that an answer sets.
fn set_cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// Returns the time in seconds since the epoch.
pub fn seconds() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

pub fn callback(server: &Server, secret: &str, order: &str, transaction: &str) -> u16 {
    let text = signed(&[
        ("customer_id", "001234-100000062"),
        ("transaction_id", transaction),
        ("transaction_type", "Purchase"),
        ("total", "100.00"),
        ("product_id", PRODUCT),
        ("currency", "RUB"),
        ("cs1", order),
    ]);
    let text = if secret == SECRET { text } else { text.replace("sign=", "sign=0") };
    server.callback(&text).0
}

/// Puts the settings through the API, with headers and a query.
fn put(server: &Server, path: &str, if_match: &str, body: &Value) -> (u16, String, Value) {
    let mut request = server.agent.put(server.url(path)).header("authorization", format!("Bearer {TOKEN}"));
    if !if_match.is_empty() {
        request = request.header("if-match", if_match);
    }
    let response = request.send_json(body).unwrap();
    let etag = response.headers().get("etag").map_or(String::new(), |value| value.to_str().unwrap().to_owned());
    let (status, body) = answer(response);
    (status, etag, body)
}

#[test]
fn order_page_polls_only_after_payer_went_to_pay() {
    let server = Server::new();
    let payer = Person::subscriber(&server);
    let made = payer.top_up("100 руб");
    let path = made.header("location").to_owned();
    assert!(made.status == 303 && path.starts_with("/cabinet/orders/"), "{} {path}", made.status);
    let before = Person::new(&server, "").get(&path);
    assert!(before.text().contains("<h1>К оплате</h1>") && before.text().contains("100,00\u{a0}₽"), "{}", before.text());
    assert!(!before.text().contains("http-equiv") && !before.text().contains("data-watched"), "{}", before.text());
    let policy = before.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("form-action"), "{policy}");
    let (_, link) = before.text().split_once("name=\"success_url\" value=\"").unwrap();
    assert!(link.starts_with(&format!("https://billing.example.ru{path}/returned\"")), "{link}");

    // By POST as well, and without a cookie.
    for (from, to) in [("", "/returned"), ("/returned", "/returned"), ("/failed", "/failed")] {
        let back = Person::new(&server, "").post(&format!("{path}{from}"), &[("OutSum", "100.00")]);
        assert_eq!((back.status, back.header("location")), (303, format!("{path}{to}").as_str()));
    }
    let returned = Person::new(&server, "").get(&format!("{path}/returned"));
    assert!(
        returned.text().contains("Ждём подтверждения") && returned.text().contains("Проверить сейчас"),
        "{}",
        returned.text()
    );
    assert!(returned.text().contains("data-watched"), "{}", returned.text());
    assert!(
        returned.text().contains("<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>"),
        "{}",
        returned.text()
    );
    assert!(
        returned.text().contains("/assets/order.js") && !returned.text().contains("Перейти к оплате"),
        "{}",
        returned.text()
    );
    assert!(returned.header("content-security-policy").contains("connect-src 'self'"));
    let order = before.hidden("cs1");
    assert_eq!(callback(&server, SECRET, &order, "7"), 200);
    let paid = payer.get(&format!("{path}/failed"));
    assert!(paid.text().contains("<h1>Оплачено</h1>") && !paid.text().contains("http-equiv"), "{}", paid.text());
}

/// While a payment system holds an order's amount, neither page of the order offers to pay it again; once it is released, it can be.
#[test]
fn an_order_that_is_held_says_so() {
    const KEY: &str = "TestKassaKey001";
    let mut server = Server::new();
    publish(&server.database(), "payme", &component_of("payme"));
    server.restart();
    let settings = json!({"cash-desk": "587f72c72cac0d162c722ae2", "key": KEY});
    assert_eq!(server.put("/api/v1/providers/payme/settings", &settings).0, 204);
    let payer = Person::subscriber(&server);
    let path = payer.top_up_by("payme", "100").header("location").to_owned();
    let page = payer.get(&path);
    let (_, link) = page.text().split_once("https://checkout.paycom.uz/").unwrap();
    let link = String::from_utf8(STANDARD.decode(link.split_once('"').unwrap().0).unwrap()).unwrap();
    let order = link.split_once("ac.order_id=").unwrap().1.split_once(';').unwrap().0;
    let call = |method: &str, params: Value| {
        let body = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).to_string();
        let request = server.agent.post(server.url("/callbacks/payme"));
        let request = request.header("authorization", format!("Basic {}", STANDARD.encode(format!("Paycom:{KEY}"))));
        answer(request.send(body).unwrap()).1["result"]["state"].clone()
    };
    let state = || {
        let mut report = server.get(&format!("/api/v1/orders/{order}")).1;
        (report["state"].take(), report["held_by"]["transaction"].take())
    };
    assert_eq!(state(), (json!("open"), Value::Null));
    let created = json!({"id": "t1", "time": 1_800_000_000_000_u64, "amount": 10_000, "account": {"order_id": order}});
    assert_eq!((call("CreateTransaction", created), state()), (json!(1), (json!("held"), json!("t1"))));
    for page in [path.clone(), format!("{path}/returned"), format!("{path}/failed")] {
        let held = payer.get(&page);
        assert!(held.text().contains("<h1>Платёж выполняется</h1>") && held.text().contains("data-watched"), "{}", held.text());
        assert!(
            !held.text().contains("Перейти к оплате") && held.text().contains("Платить второй раз не нужно"),
            "{}",
            held.text()
        );
    }
    assert_eq!(
        (call("CancelTransaction", json!({"id": "t1", "reason": 3})), state()),
        (json!(-1), (json!("open"), Value::Null))
    );
    for page in [path.clone(), format!("{path}/returned"), format!("{path}/failed")] {
        let released = payer.get(&page);
        assert!(released.text().contains("<h1>Платёж не состоялся</h1>"), "{}", released.text());
        assert!(released.text().contains("удержание снято, деньги не списаны"), "{}", released.text());
        assert!(!released.text().contains("второй раз не нужно") && released.text().contains("Попробовать ещё раз"));
    }
    let cabinet = payer.get("/cabinet");
    assert!(cabinet.text().contains("платёж не состоялся, деньги не списаны"), "{}", cabinet.text());
}

#[test]
fn payer_returning_to_cabinet_sees_order() {
    let server = Server::new();
    let payer = Person::subscriber(&server);
    let path = payer.top_up("100").header("location").to_owned();
    let order = payer.get(&path).hidden("cs1");
    let fields = [("OutSum", "100.00"), ("InvId", &*order), ("SignatureValue", "AA"), ("Shp_order", &*order)];
    let stranger = Person::new(&server, "");
    for address in ["/cabinet", "/cabinet/"] {
        let back = stranger.post(address, &fields);
        assert_eq!(back.status, 303);
        let by_get = back.header("location");
        let seen = payer.get(by_get);
        assert_eq!((seen.status, seen.header("location")), (303, format!("{path}/returned").as_str()));
        for query in [by_get, &format!("{address}?OutSum=100&InvId={order}"), &format!("{address}?failed=1")] {
            let page = stranger.get(query);
            assert!(page.status == 200 && page.text().contains("платить второй раз не нужно"), "{query} {}", page.text());
            assert!(!page.text().contains(&order), "an order's number reveals nothing");
        }
    }
    // Another subscriber's order is not shown, and an empty or unreadable form is not an error.
    let other = Person::other(&server);
    assert!(other.get(&format!("/cabinet?InvId={order}")).text().contains("Петров"));
    for fields in [&[][..], &[("x", &*"y".repeat(70_000))]] {
        assert_eq!(stranger.post("/cabinet", fields).header("location"), "/cabinet?returned=1");
    }
    assert_eq!(stranger.get("/cabinet").status, 403);
    assert_eq!(stranger.get("/cabinet/orders").header("location"), "/cabinet");
}

#[test]
fn expired_order_offers_a_new_one() {
    let server = Server::new();
    let payer = Person::subscriber(&server);
    let path = payer.top_up("100").header("location").to_owned();
    let now = seconds();
    let id = payer.get(&path).hidden("cs1");
    let ends = server.get(&format!("/api/v1/orders/{id}")).1["expires_at"].as_u64().unwrap();
    assert!((now + 3_590..now + 3_610).contains(&ends), "an order of the cabinet expires after an hour: {ends}");
    // An order that has not expired is not created again.
    assert_eq!(payer.post(&format!("{path}/again"), &[]).header("location"), path);
    let connection = rusqlite::Connection::open(server.database()).unwrap();
    connection.execute("UPDATE orders SET expires_at = ? WHERE number = ?", [now as i64 - 1, id.parse().unwrap()]).unwrap();
    for step in ["", "/returned", "/failed"] {
        let ended = payer.get(&format!("{path}{step}"));
        assert!(ended.status == 200 && ended.text().contains("<h1>Срок оплаты истёк</h1>"), "{}", ended.text());
        assert!(!ended.text().contains("Перейти к оплате") && !ended.text().contains("http-equiv"), "{}", ended.text());
        assert!(ended.text().contains("Создать новый заказ"), "{}", ended.text());
    }
    let anew = payer.post(&format!("{path}/again"), &[]).header("location").to_owned();
    assert_ne!(anew, path);
    let page = payer.get(&anew);
    assert!(
        page.text().contains("К оплате") && page.text().contains("100,00\u{a0}₽") && page.hidden("cs1") != id,
        "{}",
        page.text()
    );
    // A late payment is credited nevertheless.
    assert_eq!(callback(&server, SECRET, &id, "9"), 200);
    assert!(payer.get(&path).text().contains("Оплачено"));
}

/// A payer is not asked to pay again for a payment that waits for an operator or was entered by one.
#[test]
fn order_page_shows_unmatched_payments_and_refunds() {
    let server = Server::new();
    let payer = Person::subscriber(&server);
    let top_up = || {
        let path = payer.top_up("100").header("location").to_owned();
        let id = payer.get(&path).hidden("cs1");
        (path, id)
    };
    let pay = |order: &str, transaction: &str, more: &[(&str, &str)]| {
        assert_eq!(server.callback(&callback_with(order, transaction, more)).0, 200);
    };
    let (path, order) = top_up();
    pay(&order, "1", &[("total", "101.00")]);
    for step in ["", "/returned", "/failed"] {
        let page = payer.get(&format!("{path}{step}"));
        assert!(page.text().contains("<h1>Платёж проверяет оператор</h1>"), "{}", page.text());
        assert!(page.text().contains("101,00\u{a0}₽") && !page.text().contains("Перейти к оплате"), "{}", page.text());
    }
    let decision = json!({"account": "100500", "operator": "anna", "comment": "по чеку"});
    assert_eq!(server.post("/api/v1/unmatched/1/credit", &decision).0, 200);
    let page = payer.get(&path);
    assert!(page.text().contains("<h1>Зачислено оператором</h1>"), "{}", page.text());
    assert!(!page.text().contains("Перейти к оплате"), "{}", page.text());

    let (path, order) = top_up();
    pay(&order, "2", &[]);
    pay(&order, "3", &[]);
    let page = payer.get(&path);
    assert!(page.text().contains("<h1>Оплачено</h1>"), "{}", page.text());
    assert!(page.text().contains("Пришёл платёж, который проверяет оператор: <b>100,00\u{a0}₽</b>"), "{}", page.text());

    // One of two payments that are not entered goes back at the payment system: only the other one waits.
    let (path, order) = top_up();
    pay(&order, "12", &[]);
    pay(&order, "12", &[("transaction_type", "Refund")]);
    pay(&order, "13", &[]);
    pay(&order, "14", &[]);
    pay(&order, "13", &[("transaction_type", "Refund")]);
    let page = payer.get(&path);
    assert!(page.text().contains("<h1>Платёж проверяет оператор</h1>"), "{}", page.text());
    assert!(page.text().contains("Платёж возвращён, на счёт он не зачислялся: <b>100,00\u{a0}₽</b>"), "{}", page.text());
    assert_eq!(page.text().matches("Пришёл платёж, который проверяет оператор").count(), 1, "{}", page.text());

    let (path, order) = top_up();
    pay(&order, "4", &[]);
    assert!(!payer.get(&path).text().contains("оператор"));
    let (in_part, partly) = top_up();
    pay(&partly, "5", &[]);
    pay(&partly, "5", &[("transaction_type", "Refund"), ("total", "40.00")]);
    let page = payer.get(&in_part);
    assert!(page.text().contains("<h1>Оплачено</h1>"), "{}", page.text());
    assert!(page.text().contains("Возвращено: <b>40,00\u{a0}₽</b>"), "{}", page.text());
    assert!(page.text().contains("Осталось от платежа: <b>60,00\u{a0}₽</b>"), "{}", page.text());
    pay(&order, "4", &[("transaction_type", "Refund")]);
    let page = payer.get(&path);
    assert!(
        page.text().contains("<h1>Платёж возвращён</h1>") && page.text().contains("Возвращено: <b>100,00\u{a0}₽</b>"),
        "{}",
        page.text()
    );
    assert!(payer.get("/cabinet").text().contains("Возврат платежа"));
}

#[test]
fn form_keeps_amount_when_provider_was_paused() {
    let server = Server::new();
    let payer = Person::subscriber(&server);
    let path = payer.top_up("100").header("location").to_owned();
    assert_eq!(server.post("/api/v1/providers/chronopay/pause", &json!({"operator": "anna"})).0, 204);
    let page = payer.top_up("250");
    assert!(page.text().contains("Этот способ оплаты сейчас недоступен."), "{}", page.text());
    assert!(!page.text().contains("anna") && !page.text().contains("/api/"), "{}", page.text());
    let order: i64 = payer.get(&path).hidden("cs1").parse().unwrap();
    let connection = rusqlite::Connection::open(server.database()).unwrap();
    connection.execute("UPDATE orders SET expires_at = 1 WHERE number = ?", [order]).unwrap();
    let page = payer.post(&format!("{path}/again"), &[]);
    assert!(page.status == 409 && page.text().contains("Этот способ оплаты сейчас недоступен."), "{}", page.text());
}

#[test]
fn cabinet_pays_by_provider_that_requires_expiry() {
    let server = Server::new();
    let settings = json!({"product-id": PRODUCT, "shared-sec": SECRET, "order-control": "order-id-with-expiry"});
    assert_eq!(server.put(SETTINGS_API, &settings).0, 204);
    let payer = Person::subscriber(&server);
    let path = payer.top_up("100,50").header("location").to_owned();
    let page = payer.get(&path);
    assert!(page.status == 200 && page.text().contains("orderExpiretime"), "{}", page.text());
    let operator = Person::operator(&server);
    let form = operator.get(SETTINGS);
    let checked = operator.settings(
        &format!("{SETTINGS}/check"),
        &form,
        &[("order-control", "order-id-with-expiry"), ("shared-sec", "")],
    );
    assert!(checked.text().contains("Ссылка на оплату создана, ведёт на "), "{}", checked.text());
    let link = json!({"account": "100500", "amount": {"minor_units": 10_000, "currency": "RUB"}, "description": "x",
        "extra": {"time-limit-minutes": "60"}});
    let (status, link) = server.post("/api/v1/links", &link);
    assert!(status == 200 && link.to_string().contains("orderTimelimit"), "{link}");
}

#[test]
fn link_reports_ignored_options() {
    let server = Server::new();
    let account = json!({"name": "Иванов И. И.", "kind": "individual", "contract": "Д-17"});
    assert_eq!(server.put("/api/v1/accounts/100500", &account).0, 200);
    let (status, link) = server.post("/api/v1/links", &asked());
    assert!(status == 200 && link.get("not_passed_on").is_none(), "{link}");
    let mut asked = asked();
    asked["expires_at"] = json!(seconds() + 3_600);
    let (status, link) = server.post("/api/v1/links", &asked);
    assert_eq!((status, &link["not_passed_on"]), (200, &json!(["expires-at"])), "{link}");
    let (_, description) = server.get("/api/openapi.json");
    let field = &description["components"]["schemas"]["Link"]["properties"]["not_passed_on"];
    assert!(field["description"].as_str().unwrap().contains("does not support"), "{field}");
}

#[test]
fn expired_link_is_refused() {
    let server = Server::new();
    let account = json!({"name": "Иванов И. И.", "kind": "individual", "contract": "Д-17"});
    assert_eq!(server.put("/api/v1/accounts/100500", &account).0, 200);
    for at in [0, 1, seconds() - 1] {
        let mut asked = asked();
        asked["expires_at"] = json!(at);
        let (status, problem) = server.post("/api/v1/links", &asked);
        assert!(status == 422 && problem["detail"].as_str().unwrap().starts_with("expires_at has passed"), "{at} {problem}");
    }
    assert_eq!(server.get("/api/v1/orders/1").0, 404, "no order was created");
}

#[test]
fn cabinet_explains_bad_amount_and_keeps_it() {
    let server = Server::new();
    let payer = Person::subscriber(&server);
    for (typed, words) in [
        ("0,01", "От 10 до 100\u{a0}000\u{a0}₽."),
        ("999 999 999 999", "От 10 до 100\u{a0}000\u{a0}₽."),
        ("100.555", "Не больше двух знаков после запятой."),
        ("1.000,50", "можно прочесть по-разному"),
        ("сто", "не похоже на сумму"),
        ("-100", "с минусом"),
        ("100 $", "только в валюте ₽"),
        ("", "Введите сумму."),
    ] {
        let page = payer.top_up(typed);
        assert!(page.status == 200 && page.text().contains(words), "{typed} {}", page.text());
        assert!(page.text().contains(&format!("value=\"{typed}\"")), "{typed} stays: {}", page.text());
    }
    for typed in ["100 ₽", "1 000,50", "100р", "+100", "10", "100000", "100\u{a0}руб."] {
        assert_eq!(payer.top_up(typed).status, 303, "{typed}");
    }
}

#[test]
fn top_up_limits_are_set_by_page_and_api() {
    let server = Server::new();
    let payer = Person::subscriber(&server);
    let amount = |minor_units: i64| json!({"minor_units": minor_units, "currency": "RUB"});
    let limits = |smallest, largest| json!({"smallest": amount(smallest), "largest": amount(largest)});
    assert_eq!(server.get(LIMITS_API), (200, limits(1_000, 10_000_000)));
    let link = |minor_units: i64| {
        server.post("/api/v1/links", &json!({"account": "100500", "amount": amount(minor_units), "description": "x"})).0
    };
    assert_eq!(link(1), 200, "default limits apply only in the cabinet");
    assert_eq!(put(&server, LIMITS_API, "", &limits(5_000, 50_000)).0, 204);
    assert_eq!((link(4_999), link(5_000), link(50_000), link(50_001)), (422, 200, 200, 422));
    assert!(payer.top_up("10").text().contains("От 50 до 500\u{a0}₽."));
    for bad in [limits(0, 1), limits(2, 1), json!({"smallest": amount(1)}), limits(1, i64::MAX)] {
        assert_eq!(put(&server, LIMITS_API, "", &bad).0, 422, "{bad}");
    }
    let dollars = json!({"smallest": {"minor_units": 1, "currency": "USD"}, "largest": amount(5)});
    assert_eq!(put(&server, LIMITS_API, "", &dollars).0, 422);

    let operator = Person::operator(&server);
    let page = operator.get(SETTINGS);
    assert!(page.text().contains("name=\"host.smallest\"") && page.text().contains("value=\"50\""), "{}", page.text());
    let refused = operator.settings(SETTINGS, &page, &[("host.smallest", "500"), ("host.largest", "20")]);
    assert!(refused.text().contains("Наименьшая сумма должна быть больше нуля и не больше наибольшей."), "{}", refused.text());
    assert_eq!(server.get(LIMITS_API), (200, limits(5_000, 50_000)), "nothing was saved");
    let saved = operator.settings(SETTINGS, &page, &[("host.smallest", "20 ₽"), ("host.largest", "1 500,50")]);
    assert!(saved.text().contains("Настройки сохранены"), "{}", saved.text());
    assert_eq!(server.get(LIMITS_API), (200, limits(2_000, 150_050)));
}

#[test]
fn typed_secret_is_never_lost_silently() {
    let server = Server::new();
    let operator = Person::operator(&server);
    let page = operator.get(SETTINGS);
    let refused = operator.settings(SETTINGS, &page, &[("product-id", "1"), ("shared-sec", "AnotherSecret001")]);
    assert!(refused.text().contains("Секрет не сохранён, введите его ещё раз."), "{}", refused.text());
    assert!(!refused.text().contains("AnotherSecret001"));
    let saved = operator.settings(SETTINGS, &refused, &[("shared-sec", "")]);
    assert!(saved.text().contains("Секреты не изменились."), "{}", saved.text());
    let saved = operator.settings(SETTINGS, &saved, &[("shared-sec", "AnotherSecret001")]);
    assert!(saved.text().contains("Изменены секреты: SharedSec."), "{}", saved.text());
    // A check tries what was typed, and says that it saved nothing.
    let checked = operator.settings(&format!("{SETTINGS}/check"), &saved, &[("shared-sec", SECRET), ("comment", "новый")]);
    assert!(checked.text().contains("Секрет проверен, но не сохранён"), "{}", checked.text());
    assert!(checked.text().contains("value=\"новый\""), "typed values stay in the form");
    assert_ne!(server.get(SETTINGS_API).1["comment"], "новый");
}

/// A page reload after saving submits the form again.
#[test]
fn resent_form_is_no_conflicting_edit() {
    let server = Server::new();
    let operator = Person::operator(&server);
    let form = operator.get(SETTINGS);
    let changes = [("comment", "новый"), ("shared-sec", "AnotherSecret001")];
    for _ in 0..2 {
        let saved = operator.settings(SETTINGS, &form, &changes);
        assert!(saved.text().contains("Настройки сохранены и уже действуют."), "{}", saved.text());
    }
    let other = operator.settings(SETTINGS, &form, &[("comment", "новый"), ("shared-sec", "AnotherSecret002")]);
    assert!(other.text().contains("настройки изменил кто-то другой"), "{}", other.text());
}

#[test]
fn likely_mistakes_are_shown_beside_saved_settings() {
    let server = Server::new();
    let operator = Person::operator(&server);
    let form = operator.get(SETTINGS);
    // A Cyrillic letter that looks like a Latin one.
    let saved = operator.settings(SETTINGS, &form, &[("shared-sec", "T\u{435}stSharedSec001")]);
    assert!(saved.text().contains("проверьте раскладку: SharedSec"), "{}", saved.text());
    let saved = operator.settings(SETTINGS, &saved, &[("shared-sec", SECRET)]);
    assert!(saved.text().contains("Изменены секреты") && !saved.text().contains("раскладку"), "{}", saved.text());
    let saved = operator.settings(SETTINGS, &saved, &[("shared-sec", ""), ("currency", "USD")]);
    assert!(saved.text().contains("Валюта теперь USD: проверьте"), "{}", saved.text());
    let large = operator.settings(SETTINGS, &saved, &[("shared-sec", ""), ("host.largest", &"9".repeat(20))]);
    assert!(large.text().contains("Слишком большая сумма."), "{}", large.text());
}

#[test]
fn concurrent_edits_do_not_overwrite() {
    let server = Server::new();
    let operator = Person::operator(&server);
    let [first, second] = [operator.get(SETTINGS), operator.get(SETTINGS)];
    assert!(operator.settings(SETTINGS, &first, &[("comment", "первый")]).text().contains("Настройки сохранены"));
    let told = operator.settings(SETTINGS, &second, &[("comment", "второй"), ("shared-sec", "AnotherSecret001")]);
    assert!(told.text().contains("настройки изменил кто-то другой"), "{}", told.text());
    assert!(told.text().contains("value=\"второй\"") && told.text().contains("Сейчас сохранено: первый"), "{}", told.text());
    assert!(told.text().contains("Секрет не сохранён, введите его ещё раз."), "{}", told.text());
    assert_eq!(server.get(SETTINGS_API).1["comment"], "первый");
    assert!(operator.settings(SETTINGS, &told, &[("comment", "второй")]).text().contains("Настройки сохранены"));
    assert_eq!(server.get(SETTINGS_API).1["comment"], "второй");

    let settings = |comment: &str| json!({"product-id": PRODUCT, "comment": comment});
    let (status, old, _) = put(&server, SETTINGS_API, "", &settings("a"));
    assert_eq!(status, 204);
    let (status, new, _) = put(&server, SETTINGS_API, &old, &settings("b"));
    assert!(status == 204 && new != old, "{old} {new}");
    let (status, _, problem) = put(&server, SETTINGS_API, &old, &settings("c"));
    assert_eq!((status, &problem["status"]), (412, &json!(412)), "{problem}");
    assert_eq!(server.get(SETTINGS_API).1["comment"], "b");
    assert_eq!(put(&server, SETTINGS_API, "*", &settings("d")).0, 204);
    assert_eq!(put(&server, SETTINGS_API, "no-quotes", &settings("e")).0, 400);
    let limits = json!({"smallest": {"minor_units": 1, "currency": "RUB"}, "largest": {"minor_units": 5, "currency": "RUB"}});
    assert_eq!(put(&server, LIMITS_API, &old, &limits).0, 412);
    let read = server.agent.get(server.url(LIMITS_API)).header("authorization", format!("Bearer {TOKEN}")).call().unwrap();
    let etag = read.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(put(&server, LIMITS_API, &etag, &limits).0, 204);
}

#[test]
fn invisible_characters_are_refused_everywhere() {
    let server = Server::new();
    let operator = Person::operator(&server);
    for (name, value, place, code) in [
        ("shared-sec", "TestSharedSec001\u{feff}", 17, "U+FEFF"),
        ("shared-sec", "Test\u{200b}SharedSec001", 5, "U+200B"),
        ("shared-sec", "TestSharedSec001 ", 17, "U+0020"),
        ("product-id", "\u{a0}001234-0001-0001", 1, "U+00A0"),
        ("comment", "Пополнение\u{202e}", 11, "U+202E"),
        ("comment", "a\tb", 2, "U+0009"),
    ] {
        let mut settings = json!({"product-id": PRODUCT});
        settings[name] = json!(value);
        let (status, problem) = server.put(SETTINGS_API, &settings);
        let found: Vec<_> = problem["problems"].as_array().unwrap().iter().filter(|one| one["field"] == name).collect();
        assert!(status == 422 && found.len() == 1, "{value:?} {problem}");
        let message = found[0]["message"].as_str().unwrap();
        assert!(found[0]["code"] == "setting-invisible", "{problem}");
        assert!(message.contains(&format!("Character {place} ")) && message.contains(code), "{value:?} {message}");
        assert!(!problem.to_string().contains("SharedSec001"), "{problem}");
        let page = operator.settings(SETTINGS, &operator.get(SETTINGS), &[(name, value)]);
        assert!(
            page.text().contains(&format!("Знак {place} не виден")) && page.text().contains(code),
            "{value:?} {}",
            page.text()
        );
    }
    assert_eq!(callback(&server, SECRET, "1", "1"), 200, "the active settings are the old ones");
}

#[test]
fn check_counts_callbacks_and_creates_no_entries() {
    let server = Server::new();
    let operator = Person::operator(&server);
    // Without the form's fields, the check is about the saved settings.
    let csrf = operator.get(SETTINGS).hidden("csrf");
    let saved = operator.post(&format!("{SETTINGS}/check"), &[("csrf", &csrf)]);
    assert!(saved.text().contains("Ссылка на оплату создана, ведёт на "), "{}", saved.text());
    let check = || operator.settings(&format!("{SETTINGS}/check"), &operator.get(SETTINGS), &[]).text().to_owned();
    assert!(check().contains("За сутки не было ни одного уведомления."));
    let order = server.order();
    // An entry without a callback, and old callbacks, do not count.
    let correction = json!({"amount": {"minor_units": 5, "currency": "RUB"}, "operator": "anna", "comment": "x"});
    let request = server.agent.post(server.url("/api/v1/accounts/100500/corrections")).header("idempotency-key", "k");
    assert_eq!(request.header("authorization", format!("Bearer {TOKEN}")).send_json(correction).unwrap().status(), 200);
    assert_eq!(callback(&server, SECRET, &order, "1"), 200);
    rusqlite::Connection::open(server.database()).unwrap().execute("UPDATE callbacks SET received_at = 1", []).unwrap();
    assert!(check().contains("За сутки не было ни одного уведомления."));
    for (order, transaction) in [(&*order, "1"), ("99", "2"), ("99", "3")] {
        assert_eq!(callback(&server, SECRET, order, transaction), 200);
    }
    assert!(
        check().contains(
            "За сутки принято: 3, из них неопознанных: 2; отвергнуто: 0, из них с неверной подписью: 0. Секрет верен."
        )
    );
    assert_eq!(callback(&server, "another", &order, "4"), 403);
    assert!(check().contains("отвергнуто: 1, из них с неверной подписью: 1. Вероятно, подделка"), "{}", check());
}

#[test]
fn oversized_form_is_explained() {
    let server = Server::new();
    let operator = Person::operator(&server);
    let page = operator.settings(SETTINGS, &operator.get(SETTINGS), &[("comment", &"я".repeat(40_000))]);
    assert!(page.status == 413 && page.text().contains("Форма больше 64 КиБ"), "{} {}", page.status, page.text());
}

#[test]
fn order_of_previous_version_never_expires_and_can_be_paid() {
    let server = Server::new();
    let payer = Person::subscriber(&server);
    let ledger = Ledger::new(Sqlite::open(&server.database()).unwrap());
    let order = NewOrder {
        account: "100500".parse().unwrap(),
        provider: "chronopay".parse().unwrap(),
        amount: Money { minor_units: 10_000, currency: Currency::RUB },
        description: "Пополнение".to_owned(),
        idempotency_key: None,
        expires_at: None,
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let order = ledger.create_order(order, now).unwrap().unwrap();
    let returned = payer.get(&format!("/cabinet?order={}", order.id)).header("location").to_owned();
    let page = payer.get(returned.strip_suffix("/returned").unwrap());
    assert!(page.text().contains("<h1>К оплате</h1>") && page.text().contains("Перейти к оплате"), "{}", page.text());
}
