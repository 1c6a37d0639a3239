//! Operations by the API and on the pages, over real HTTP: a refund is made once, and what nobody knows is decided by a person.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::{Account, AccountNumber, PartyKind};
use gateway::Gateway;
use host::{Host, OrderRequest};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::decisions::sees;
use crate::refunds::{Bank, Hands, Mood, NAME, ORDER, add_component, builder, configure, rub};
use crate::server::{Server, Session, TOKEN, config, listen};
use crate::swap::{KEY, made_up_payment};

/// How often an hour passes until the payment system cannot tell what became of a refund.
const HOURS: usize = 200;

/// A served gateway with a paid order of 100.00, at a payment system that a test controls.
pub struct Shop {
    pub server: Server,
    pub bank: Arc<Bank>,
    pub clock: Hands,
    pub host: Host,
    /// The movement of the payment.
    pub payment: String,
}

impl Shop {
    pub fn open() -> Shop {
        let (folder, bank, clock) = (TempDir::new().unwrap(), Bank::new(), Hands::new());
        add_component(folder.path(), "none");
        let gateway = Gateway::open(builder(folder.path(), &bank, &clock), config()).unwrap();
        let host = gateway.host().clone();
        configure(&host);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let address = listen(&runtime, gateway);
        let server = Server { folder, address, runtime, agent: support::agent() };
        let account: AccountNumber = "100500".parse().unwrap();
        host.put_account(Account::new(account.clone(), "Иванов И. И.".to_owned(), PartyKind::Individual), false).unwrap();
        let order = host.create_order(OrderRequest::new(account, rub(10_000), "Пополнение")).unwrap();
        assert_eq!(order.id, ORDER);
        host.receive_callback(&NAME.parse().unwrap(), end_to_end::post(made_up_payment(ORDER, "00000001", KEY).as_bytes()))
            .unwrap();
        let payment = server.get("/api/v1/entries").1["entries"][0]["movement"].as_str().unwrap().to_owned();
        Shop { server, bank, clock, host, payment }
    }

    /// Asks for an operation, with an idempotency key if it is not empty.
    pub fn ask(&self, key: &str, body: &Value) -> (u16, Value) {
        let bearer = format!("Bearer {TOKEN}");
        let headers = [("authorization", &*bearer), ("content-type", "application/json"), ("idempotency-key", key)];
        let answer = self.server.client().send("POST", "/api/v1/operations", &headers, body.to_string().as_bytes()).unwrap();
        (answer.status, answer.json())
    }

    pub fn refund_of(&self, minor_units: i64) -> Value {
        let amount = json!({"minor_units": minor_units, "currency": "RUB"});
        json!({"provider": NAME, "payment": self.payment, "kind": "refund", "amount": amount, "reason": "ошибочный платёж"})
    }

    pub fn refund(&self, key: &str, minor_units: i64) -> (u16, Value) {
        self.ask(key, &self.refund_of(minor_units))
    }

    /// Begins a refund whose answers are lost until it is unknown, and returns its id.
    pub fn lose(&self) -> String {
        self.bank.is(Mood::LosesAnswers);
        let (status, refund) = self.refund("lost", 3_000);
        assert_eq!((status, &refund["state"]), (200, &json!("pending")), "{refund}");
        for _ in 0..HOURS {
            self.clock.0.fetch_add(3_600, Ordering::Relaxed);
            self.host.go_on_with_due();
        }
        refund["id"].as_str().unwrap().to_owned()
    }

    pub fn operation(&self, id: &str) -> Value {
        self.server.get(&format!("/api/v1/operations/{id}")).1
    }

    pub fn listed(&self, query: &str) -> Vec<String> {
        let list = self.server.get(&format!("/api/v1/operations{query}")).1;
        list["operations"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }

    fn form(&self) -> String {
        format!("/operator/payments/{}/refund", self.payment)
    }

    pub fn paid_back(&self) -> Vec<String> {
        self.bank.paid_back()
    }
}

pub fn problem((status, answer): (u16, Value)) -> (u16, String) {
    (status, answer["code"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn refund_by_the_api_is_made_once() {
    let shop = Shop::open();
    let (status, refund) = shop.refund("k1", 3_000);
    assert_eq!(status, 200, "{refund}");
    for (field, value) in [
        ("kind", json!("refund")),
        ("provider", json!(NAME)),
        ("payment", json!(shop.payment)),
        ("order", Value::Null),
        ("amount", json!({"minor_units": 3_000, "currency": "RUB"})),
        ("reason", json!("ошибочный платёж")),
        ("operator", json!("billing")),
        ("state", json!("done")),
        ("problem", Value::Null),
        ("next_at", Value::Null),
        ("decision", Value::Null),
    ] {
        assert_eq!(refund[field], value, "{field}");
    }
    assert_eq!((shop.server.balance(), shop.paid_back()), (7_000, vec!["30.00".to_owned()]));
    // The entry of the refund is that of the operation's movement.
    let entry = shop.server.get("/api/v1/entries?after=1").1["entries"][0].clone();
    assert_eq!((&entry["kind"], &entry["movement"]), (&json!("refund"), &refund["movement"]));

    assert_eq!(shop.refund("k1", 3_000), (200, refund.clone()), "the same request is the same refund");
    assert_eq!(problem(shop.refund("k1", 2_000)), (409, "operation-key-reused".to_owned()));
    assert_eq!(problem(shop.refund("k2", 7_001)), (409, "refund-exceeds-payment".to_owned()));
    assert_eq!((shop.server.balance(), shop.paid_back().len()), (7_000, 1));
    let id = refund["id"].as_str().unwrap();
    assert_eq!(
        (shop.operation(id), shop.listed(""), shop.listed("?ended=true")),
        (refund.clone(), vec![], vec![id.to_owned()])
    );
    assert_eq!(shop.listed(&format!("?ended=true&before={id}")), Vec::<String>::new());
}

#[test]
fn request_that_fits_no_operation_is_refused() {
    let shop = Shop::open();
    let changed = |field: &str, value: Value| {
        let mut body = shop.refund_of(100);
        body[field] = value;
        body
    };
    for (key, body, status, words) in [
        ("", shop.refund_of(100), 422, "Idempotency-Key"),
        ("k", changed("amount", Value::Null), 422, "a refund needs `amount`"),
        ("k", changed("order", json!(ORDER)), 422, "no `order`"),
        ("k", changed("kind", json!("cancel")), 422, "a cancel needs neither"),
        ("k", changed("kind", json!("link")), 422, "kind"),
        ("k", changed("payment", json!("x")), 404, "no such payment"),
        ("k", changed("payment", json!("7")), 404, "no such payment"),
        ("k", changed("provider", json!("other")), 404, "other"),
        ("k", changed("amount", json!({"minor_units": 0, "currency": "RUB"})), 422, "positive"),
        ("k", changed("amount", json!({"minor_units": 100, "currency": "USD"})), 422, "currency"),
        ("k", changed("reason", json!("а\nб")), 422, "reason"),
        ("k", changed("operator", json!("")), 422, "operator"),
    ] {
        let (said, answer) = shop.ask(key, &body);
        assert!(said == status && answer["detail"].as_str().unwrap().contains(words), "{body}: {said} {answer}");
    }
    assert_eq!((shop.server.balance(), shop.paid_back().len()), (10_000, 0));
    assert_eq!(shop.server.get("/api/v1/operations/nothing").0, 404);
}

#[test]
fn pending_refund_is_tried_again_on_request() {
    let shop = Shop::open();
    shop.bank.is(Mood::IsDown);
    let (_, refund) = shop.refund("k1", 3_000);
    let id = refund["id"].as_str().unwrap();
    assert_eq!((&refund["state"], shop.listed("")), (&json!("pending"), vec![id.to_owned()]));
    assert!(refund["next_at"].is_u64() && refund["ended_at"].is_null(), "{refund}");
    assert_eq!(shop.listed(&format!("?after={id}")), Vec::<String>::new());
    sees(
        &shop.server.log_in().get("/operator/operations"),
        &["Возврат 30,00 ₽", "выполняется", "Следующая попытка", "Отправить сейчас"],
    );
    shop.bank.is(Mood::Answers);
    let (status, tried) = shop.server.post(&format!("/api/v1/operations/{id}/retry"), &Value::Null);
    assert_eq!((status, &tried["state"], shop.paid_back().len()), (200, &json!("done"), 1));
}

#[test]
fn unknown_refund_is_decided_by_the_api() {
    let shop = Shop::open();
    let id = shop.lose();
    let lost = shop.operation(&id);
    assert_eq!((&lost["state"], &lost["problem"]["code"]), (&json!("unknown"), &Value::Null), "{lost}");
    let path = format!("/api/v1/operations/{id}/decision");
    let decision = json!({"verdict": "not-done", "comment": "в выписке нет", "operator": "boris"});
    let (status, decided) = shop.server.post(&path, &decision);
    assert_eq!((status, &decided["state"], &decided["problem"]["code"]), (200, &json!("refused"), &json!("not-done")));
    assert_eq!((&decided["decision"]["operator"], &decided["decision"]["comment"]), (&json!("boris"), &json!("в выписке нет")));
    assert_eq!(shop.server.balance(), 10_000);
    assert_eq!(problem(shop.server.post(&path, &decision)).0, 409);
    // The amount is free again.
    shop.bank.is(Mood::Answers);
    assert_eq!(shop.refund("k2", 10_000).1["state"], "done");
}

#[test]
fn unknown_refund_is_decided_on_the_page_after_a_confirmation() {
    let shop = Shop::open();
    let id = shop.lose();
    let session = shop.server.log_in();
    sees(&session.get("/operator/operations"), &["Возврат 30,00 ₽", "исход неизвестен", "Выполнена… Не выполнена…"]);
    let path = format!("/operator/operations/{id}/decision");
    let decide =
        |verdict, decision| session.post(&path, &[("verdict", verdict), ("comment", "в выписке"), ("decision", decision)]);
    sees(&session.post(&path, &[("verdict", "done"), ("comment", "")]), &["Напишите, как вы это узнали"]);
    sees(&session.post(&path, &[("verdict", ""), ("comment", "в выписке")]), &["Выберите: выполнена или не выполнена."]);
    sees(&decide("not-done", ""), &["плательщик может получить их дважды"]);
    sees(&decide("done", ""), &["Записать, что операция выполнена?", "Баланс сейчас 100,00 ₽ Баланс после 70,00 ₽"]);
    assert_eq!((shop.server.balance(), &shop.operation(&id)["state"]), (10_000, &json!("unknown")));
    for _ in 0..2 {
        assert_eq!(decide("done", "confirmed"), "", "the same form again redirects as before");
    }
    assert_eq!((shop.server.balance(), &shop.operation(&id)["decision"]["operator"]), (7_000, &json!("anna")));
    let other = session.post(&path, &[("verdict", "not-done"), ("comment", "иначе"), ("decision", "confirmed")]);
    sees(&other, &["Возврат 30,00 ₽", "выполнено", "Решение — выполнена: в выписке — anna"]);
    assert_eq!(shop.server.balance(), 7_000);
}

/// Returns the value of a hidden field.
fn hidden<'p>(page: &'p str, name: &str) -> &'p str {
    page.split_once(&format!("name=\"{name}\" value=\"")).unwrap().1.split_once('"').unwrap().0
}

#[test]
fn refund_on_the_page_is_confirmed_and_sent_once() {
    let shop = Shop::open();
    let session = shop.server.log_in();
    let page = format!("/operator/payments/{}", shop.payment);
    assert!(session.get("/operator/statistics").contains(&format!("href=\"{page}\"")), "the statistics lead to the payment");
    let shown = session.get(&page);
    sees(&shown, &["100,00 ₽ , faulty", "Зачислен на лицевой счёт 100500", "Можно вернуть не больше 100,00 ₽"]);
    assert_eq!(hidden(&shown.replace("required inputmode=\"decimal\" maxlength=\"40\" ", ""), "amount"), "100,00");

    let typed = |amount: &'static str, reason: &'static str| [("amount", amount), ("reason", reason)];
    sees(&session.post(&shop.form(), &typed("100,01", "ошибка")), &["Можно вернуть не больше 100,00 ₽."]);
    sees(&session.post(&shop.form(), &typed("0", "ошибка")), &["Сумма должна быть больше нуля."]);
    sees(&session.post(&shop.form(), &typed("50", "")), &["Напишите, почему"]);
    let asked = session.post(&shop.form(), &typed("50", "ошибка"));
    sees(&asked, &["Вернуть 50,00 ₽ из 100,00 ₽?", "Деньги уйдут плательщику, отменить возврат нельзя.", "Почему: ошибка"]);
    assert_eq!((shop.paid_back().len(), shop.listed("?ended=true").len()), (0, 0), "nothing is sent before it is confirmed");

    let (key, seen) = (hidden(&asked, "key"), hidden(&asked, "seen"));
    let confirmed = [("amount", "50"), ("reason", "ошибка"), ("key", key), ("seen", seen), ("decision", "confirmed")];
    for _ in 0..2 {
        assert_eq!(session.post(&shop.form(), &confirmed), "", "the same form again redirects as before");
    }
    assert_eq!((shop.paid_back(), shop.server.balance()), (vec!["50.00".to_owned()], 5_000));
    let [id] = &shop.listed("?ended=true")[..] else { panic!("it is one operation") };
    sees(
        &session.get(&format!("{page}?operation={id}")),
        &["Возвращено: 50,00 ₽ .", "Возврат 50,00 ₽", "Можно вернуть не больше 50,00 ₽"],
    );
    assert_eq!(shop.operation(id)["operator"], "anna");

    // A page that another tab showed before asks again.
    let late = [("amount", "50"), ("reason", "ошибка"), ("key", "page-other"), ("seen", "0"), ("decision", "confirmed")];
    sees(
        &session.post(&shop.form(), &late),
        &["Такой же возврат этого платежа уже есть: операция", "Вернуть 50,00 ₽ из 100,00 ₽?"],
    );
    assert_eq!((shop.paid_back().len(), shop.server.balance()), (1, 5_000));
}

#[test]
fn refund_needs_the_operators_session_and_form() {
    let shop = Shop::open();
    let session = shop.server.log_in();
    let fields = [("amount", "30"), ("reason", "ошибка"), ("key", "page-1"), ("seen", "0"), ("decision", "confirmed")];
    let csrf = [("csrf", session.csrf())];
    let post = |cookies: &str, csrf: &[(&str, &str)]| {
        shop.server.client().post(&shop.form(), cookies, &[csrf, &fields[..]].concat()).unwrap()
    };
    assert!(post("", &csrf).header("location").starts_with("/operator/login?"));
    let cookies = session.cookies();
    assert_eq!([post(&cookies, &[]).status, post(&cookies, &[("csrf", "0")]).status], [403, 403]);
    assert_eq!((shop.paid_back().len(), shop.server.balance()), (0, 10_000));
    assert_eq!((post(&cookies, &csrf).status, shop.server.balance()), (303, 7_000), "nothing else was wrong with the form");
}

#[test]
fn who_confirms_a_refund_after_the_session_is_back_on_the_payments_page_and_nothing_was_done() {
    let shop = Shop::open();
    let session = shop.server.log_in();
    let (page, origin) = (format!("/operator/payments/{}", shop.payment), "https://billing.example.ru");
    let fields = [("amount", "30"), ("reason", "ошибка"), ("key", "page-1"), ("seen", "0"), ("decision", "confirmed")];
    // The page that asks for the confirmation stands at the form's address.
    for from in [page.clone(), shop.form()] {
        let late = support::agent().post(shop.server.url(&shop.form())).header("cookie", "session=ended");
        let late = late.header("referer", format!("{origin}{from}")).header("origin", origin);
        let late = late.send_form(fields.into_iter().chain([("csrf", session.csrf())])).unwrap();
        let login = late.headers()["location"].to_str().unwrap().to_owned();
        let shown = shop.server.client().get(&login, "").unwrap();
        sees(shown.text(), &["Сеанс закончился раньше, чем вы отправили форму", "на ту же страницу"]);
        let log_in = |password: &str| {
            let form = ["csrf", "to", "unsent"].map(|name| (name, shown.hidden(name)));
            let form = form.iter().map(|(name, value)| (*name, value.as_str()));
            let form: Vec<_> = form.chain([("operator", "anna"), ("password", password)]).collect();
            let cookies = format!("login={}", shown.cookie("login").unwrap());
            shop.server.client().post("/operator/login", &cookies, &form).unwrap()
        };
        let wrong = log_in("wrong horse battery");
        assert_eq!((wrong.status, wrong.hidden("to"), wrong.hidden("unsent").as_str()), (403, from.clone(), "yes"));
        let entered = log_in("correct horse battery");
        assert_eq!((entered.status, entered.header("location")), (303, from.as_str()));
        let cookies = format!("session={}", entered.cookie("session").unwrap());
        if from != page {
            assert_eq!(shop.server.client().get(&from, &cookies).unwrap().header("location"), page);
        }
        let said = "По форме, которую вы отправили перед входом, ничего не сделано";
        let open = || shop.server.client().get(&page, &cookies).unwrap();
        sees(open().text(), &[said, "Можно вернуть не больше 100,00 ₽"]);
        assert!(!open().text().contains(said), "it is said once");
    }
    assert_eq!((shop.paid_back().len(), shop.server.balance()), (0, 10_000));
}

/// Confirms a refund of 30.00 on the page, and returns the page that follows.
fn refunded(shop: &Shop, session: &Session<'_>) -> String {
    let fields = [("amount", "30"), ("reason", "ошибка"), ("key", "page-1"), ("seen", "0"), ("decision", "confirmed")];
    assert_eq!(session.post(&shop.form(), &fields), "");
    let [open, ended] = ["", "?ended=true"].map(|query| shop.listed(query));
    session.get(&format!("/operator/payments/{}?operation={}", shop.payment, [open, ended].concat()[0]))
}

#[test]
fn page_says_what_became_of_a_refund() {
    for (mood, words) in [
        (Mood::Answers, "Возвращено: 30,00 ₽"),
        (Mood::TakesTime, "Записано: вернуть 30,00 ₽ . Возврат отправлен платёжной системе."),
        (Mood::IsDown, "Возврат ещё не отправлен платёжной системе, деньги не двигались."),
        (Mood::Refuses, "Возврат не выполнен, деньги не возвращены:"),
    ] {
        let shop = Shop::open();
        shop.bank.is(mood);
        sees(&refunded(&shop, &shop.server.log_in()), &[words]);
    }
}

#[test]
fn component_without_refunds_is_said_and_unknown_payment_is_not_found() {
    let server = Server::new();
    let order = server.order();
    assert_eq!(server.callback(&crate::server::payment(&order, "1")).0, 200);
    let movement = server.get("/api/v1/entries").1["entries"][0]["movement"].as_str().unwrap().to_owned();
    let session = server.log_in();
    let page = session.get(&format!("/operator/payments/{movement}"));
    sees(&page, &["Компонент этой платёжной системы не умеет возвращать деньги.", "«Корректировка»"]);
    assert!(!page.contains("/refund\""), "there is no form: {page}");
    let confirmed = [("amount", "30"), ("reason", "ошибка"), ("key", "page-1"), ("seen", "0"), ("decision", "confirmed")];
    sees(
        &session.post(&format!("/operator/payments/{movement}/refund"), &confirmed),
        &["Компонент этой платёжной системы так не умеет."],
    );
    for path in ["/operator/payments/7", "/operator/payments/x"] {
        sees(&session.get(path), &["Не найдено."]);
    }
}

#[test]
fn status_of_an_order_is_asked_on_request() {
    let shop = Shop::open();
    let path = format!("/api/v1/orders/{ORDER}/status");
    shop.bank.is(Mood::IsDown);
    assert_eq!(shop.server.post(&path, &Value::Null).0, 503);
    let (status, answer) = shop.server.post("/api/v1/orders/77/status", &Value::Null);
    assert_eq!(status, 404, "{answer}");
    let server = Server::new();
    let order = server.order();
    let unsupported = server.post(&format!("/api/v1/orders/{order}/status"), &Value::Null);
    assert_eq!(problem(unsupported), (409, "operation-unsupported".to_owned()));
}

/// The host asks about an order by itself. What it enters then is what the callback would have entered, but for how it learnt of it.
#[test]
fn a_lost_callback_heals_by_asking() {
    let shop = Shop::open();
    let order = shop.host.create_order(OrderRequest::new("100500".parse().unwrap(), rub(10_000), "Пополнение")).unwrap().id;
    shop.bank.takes_payment_of(&order);
    let after = |seconds: u64| {
        shop.clock.0.fetch_add(seconds, Ordering::Relaxed);
        shop.host.go_on_with_due();
        shop.bank.calls()
    };
    assert_eq!(after(30), 0, "it is asked about after a minute");
    assert_eq!(after(90), 1);
    let entries = || shop.server.get("/api/v1/entries").1["entries"].as_array().unwrap().clone();
    let told = |entry: &Value| ["origin", "transaction", "order"].map(|name| entry[name].as_str().unwrap().to_owned());
    let found: Vec<_> = entries().iter().map(told).collect();
    assert_eq!(found, [["callback", "00000001", ORDER], ["status", "00000002", &*order]]);
    let same = ["account", "kind", "amount", "comment", "provider", "extra"];
    assert_eq!(same.map(|name| entries()[1][name].clone()), same.map(|name| entries()[0][name].clone()));
    let session = shop.server.log_in();
    let payment = entries()[1]["movement"].as_str().unwrap().to_owned();
    for page in ["/operator/statistics".to_owned(), format!("/operator/payments/{payment}")] {
        let page = session.get(&page);
        assert_eq!(page.matches("Уведомления не было: программа спросила платёжную систему").count(), 1, "{page}");
    }
    // The callback comes after all, and the host asks no more.
    let late = end_to_end::post(made_up_payment(&order, "00000002", KEY).as_bytes());
    shop.host.receive_callback(&NAME.parse().unwrap(), late).unwrap();
    assert_eq!((after(3_600), entries().len()), (1, 2));
}
