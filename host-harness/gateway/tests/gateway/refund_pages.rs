//! What the operator's pages and the API say of operations: whether they were sent, what was answered, who began and decided them; and the
//! withdrawal of a refund that was not sent.

use std::sync::atomic::Ordering;

use domain::{LastTry, NewOperation, OperationId, OperationTask, Progress, TriedCall};
use ledger::Ledger;
use serde_json::{Value, json};
use storage_sqlite::Sqlite;

use crate::decisions::sees;
use crate::operations::{Shop, problem};
use crate::refunds::{Mood, NAME, ORDER, START, configure_shop};
use crate::server::Session;
use crate::swap::{KEY, made_up_callback};

const PAGE: &str = "/operator/operations";

impl Shop {
    /// Asks for a refund of 30.00 that becomes pending, and returns its id.
    fn pending(&self, mood: Mood) -> String {
        self.bank.is(mood);
        let (status, refund) = self.refund("k1", 3_000);
        assert_eq!((status, &refund["state"]), (200, &json!("pending")), "{refund}");
        refund["id"].as_str().unwrap().to_owned()
    }

    fn payment_page(&self) -> String {
        format!("/operator/payments/{}", self.payment)
    }

    fn ledger(&self) -> Ledger {
        Ledger::new(Sqlite::open(&self.server.folder.path().join("ledger.db")).unwrap())
    }

    /// Posts a form, and returns where it leads.
    fn location(&self, session: &Session<'_>, path: &str, fields: &[(&str, &str)]) -> String {
        let fields = [&[("csrf", session.csrf())], fields].concat();
        let answer = self.server.client().post(path, &session.cookies(), &fields).unwrap();
        assert_eq!(answer.status, 303, "{path}: {}", answer.text());
        answer.header("location").to_owned()
    }
}

/// Returns a page in English.
fn in_english(shop: &Shop, session: &Session<'_>, path: &str) -> String {
    shop.server.client().get(path, &format!("{}; language=en", session.cookies())).unwrap().text().to_owned()
}

#[test]
fn it_is_said_whether_a_refund_was_sent_and_what_was_answered() {
    let not_sent = "Возврат ещё не отправлен платёжной системе, деньги не двигались.";
    let sent = "Возврат отправлен платёжной системе. Она ещё не сообщила, что деньги возвращены.";
    for (mood, is_sent, russian, english, call, status) in [
        (
            Mood::IsDown,
            false,
            [not_sent, "связаться с платёжной системой не удалось.", "Отправить сейчас", "Отменить возврат…"],
            [
                "The refund was not sent to the payment system yet",
                "the payment system could not be reached.",
                "Withdraw the refund…",
            ],
            "not-sent",
            Value::Null,
        ),
        (
            Mood::LosesAnswers,
            true,
            [
                sent,
                "платёжная система не ответила. Причина — на странице «Обращения»",
                "Спросить сейчас",
                "Отменить нельзя: запрос уже у платёжной системы",
            ],
            [
                "The refund was sent to the payment system.",
                "the payment system did not answer. the connection was cut.",
                "It cannot be withdrawn",
            ],
            "no-answer",
            Value::Null,
        ),
        (
            Mood::Fails,
            true,
            [sent, "платёжная система ответила, статус HTTP 500", "Спросить сейчас", "Отменить нельзя"],
            ["The refund was sent", "the payment system answered, HTTP status 500", "Ask now"],
            "answered",
            json!(500),
        ),
        (
            Mood::TakesTime,
            true,
            [sent, "платёжная система ответила, статус HTTP 200", "номер у платёжной системы: r-1", "Отменить нельзя"],
            ["The refund was sent", "HTTP status 200", "the payment system's number: r-1"],
            "answered",
            json!(200),
        ),
    ] {
        let shop = Shop::open();
        let id = shop.pending(mood);
        let told = shop.operation(&id);
        assert_eq!(
            (&told["sent"], &told["last_try"]["call"], &told["last_try"]["status"]),
            (&json!(is_sent), &json!(call), &status),
            "{told}"
        );
        assert_eq!(told["last_try"]["at"], json!(START), "{told}");
        let session = shop.server.log_in();
        for path in [PAGE.to_owned(), shop.payment_page()] {
            let page = session.get(&path);
            sees(&page, &russian);
            sees(&page, &["Последняя попытка — ", "Следующая попытка — "]);
            sees(&in_english(&shop, &session, &path), &english);
            assert_eq!(page.contains("/withdraw"), !is_sent, "{mood:?}: {page}");
            assert!(!page.contains("Отложена"), "{page}");
        }
    }
}

#[test]
fn what_a_callback_will_tell_is_said() {
    let shop = Shop::open();
    let id = shop.pending(Mood::TakesTime);
    let last_try = Some(LastTry { at: START, call: Some(TriedCall::Answered(200)), message: String::new() });
    let waiting =
        Progress { journal: Vec::new(), reference: Some("0".into()), next_at: None, tries: 0, is_sent: true, last_try };
    shop.ledger().save_progress(OperationId::new(id).unwrap(), waiting).unwrap().unwrap();
    let session = shop.server.log_in();
    sees(&session.get(PAGE), &["Сама программа больше не спрашивает: о результате сообщит уведомление платёжной системы."]);
    sees(&in_english(&shop, &session, PAGE), &["the payment system's callback will tell the result"]);
}

#[test]
fn asking_now_says_what_came_of_it() {
    let shop = Shop::open();
    let id = shop.pending(Mood::IsDown);
    let session = shop.server.log_in();
    let retry = format!("{PAGE}/{id}/retry");
    shop.clock.0.fetch_add(7, Ordering::Relaxed);
    let location = shop.location(&session, &retry, &[("kind", "refund")]);
    assert_eq!(location, format!("{PAGE}?kind=refund&tried={id}"));
    let page = session.get(&location);
    sees(&page, &[&format!("Пока не выполнена: операция {id}"), "Возврат ещё не отправлен платёжной системе"]);
    assert!(!page.contains("спросили ещё раз"), "{page}");
    assert_eq!(shop.operation(&id)["last_try"]["at"], json!(START + 7));
    // From the payment's page it leads back there.
    shop.bank.is(Mood::Answers);
    let location = shop.location(&session, &retry, &[("payment", &shop.payment)]);
    assert_eq!(location, format!("{}?operation={id}", shop.payment_page()));
    sees(&session.get(&location), &["Возвращено: 30,00 ₽ ."]);
    sees(&session.get(&shop.location(&session, &retry, &[])), &[&format!("Выполнена: операция {id}")]);
    // An address with an operation that there is not shows the list.
    sees(&session.get(&format!("{PAGE}?tried=op7")), &["Незавершённых операций нет."]);
}

#[test]
fn refund_that_was_not_sent_is_withdrawn_on_the_page() {
    let shop = Shop::open();
    let id = shop.pending(Mood::IsDown);
    let session = shop.server.log_in();
    let path = format!("{PAGE}/{id}/withdraw");
    sees(&session.post(&path, &[]), &["Отменить эту операцию?", "отправлена не будет", "Да, отменить возврат"]);
    sees(&session.post(&path, &[("decision", "confirmed"), ("comment", "")]), &["Напишите, почему", "Да, отменить возврат"]);
    assert_eq!(shop.operation(&id)["state"], "pending", "nothing is withdrawn before it is confirmed");
    let confirmed = [("decision", "confirmed"), ("comment", "не тот платёж"), ("payment", &*shop.payment)];
    for _ in 0..2 {
        let location = shop.location(&session, &path, &confirmed);
        assert_eq!(location, format!("{}?operation={id}", shop.payment_page()), "the same form again leads there again");
        sees(&session.get(&location), &["Возврат отменён, деньги не двигались: 30,00 ₽", "Можно вернуть не больше 100,00 ₽"]);
    }
    let withdrawn = shop.operation(&id);
    assert_eq!((&withdrawn["state"], &withdrawn["problem"]["code"]), (&json!("refused"), &json!("withdrawn")));
    assert_eq!(
        (&withdrawn["decision"]["operator"], &withdrawn["decision"]["comment"]),
        (&json!("anna"), &json!("не тот платёж"))
    );
    sees(&session.get(PAGE), &["отменено", "Отменена до отправки, деньги не двигались: не тот платёж — anna, "]);
    let other = session.post(&path, &[("decision", "confirmed"), ("comment", "иначе")]);
    sees(&other, &["Эта операция уже завершена."]);
    // It is never sent.
    shop.bank.is(Mood::Answers);
    for _ in 0..9 {
        shop.clock.0.fetch_add(3_600, Ordering::Relaxed);
        shop.host.go_on_with_due();
    }
    assert_eq!((shop.paid_back(), shop.server.balance()), (vec![], 10_000));
    assert_eq!(shop.refund("k2", 10_000).1["state"], "done", "the whole payment is free again");
}

#[test]
fn refund_is_withdrawn_by_the_api_unless_it_was_sent() {
    let shop = Shop::open();
    let body = json!({"operator": "boris", "comment": "передумали"});
    let withdraw = |id: &str| shop.server.post(&format!("/api/v1/operations/{id}/withdraw"), &body);
    let id = shop.pending(Mood::IsDown);
    let (status, withdrawn) = withdraw(&id);
    assert_eq!((status, &withdrawn["state"], &withdrawn["next_at"]), (200, &json!("refused"), &Value::Null), "{withdrawn}");
    assert_eq!(withdrawn["ended_at"], json!(START));
    assert_eq!(withdraw(&id), (200, withdrawn), "the same withdrawal again");
    shop.bank.is(Mood::LosesAnswers);
    let sent = shop.refund("k2", 3_000).1["id"].as_str().unwrap().to_owned();
    assert_eq!(problem(withdraw(&sent)), (409, "operation-sent".to_owned()));
    shop.bank.is(Mood::Answers);
    let done = shop.refund("k3", 1_000).1["id"].as_str().unwrap().to_owned();
    assert_eq!(problem(withdraw(&done)), (409, "operation-ended".to_owned()));
    assert_eq!(problem(withdraw("op7")), (404, "operation-not-found".to_owned()));
    for wrong in
        [json!({"operator": "boris"}), json!({"operator": "boris", "comment": ""}), json!({"operator": "", "comment": "x"})]
    {
        assert_eq!(shop.server.post(&format!("/api/v1/operations/{sent}/withdraw"), &wrong).0, 422, "{wrong}");
    }
    // The page says why not, whenever it is confirmed.
    let session = shop.server.log_in();
    let confirmed = [("decision", "confirmed"), ("comment", "передумали")];
    for fields in [&confirmed[..], &[]] {
        sees(&session.post(&format!("{PAGE}/{sent}/withdraw"), fields), &["Отменить нельзя"]);
    }
    assert_eq!(shop.operation(&sent)["state"], "pending");
}

/// The refund is stored as sent before the call leaves: whoever withdraws it then is refused.
#[test]
fn refund_that_is_being_sent_is_not_withdrawn() {
    let shop = Shop::open();
    let (host, ledger) = (shop.host.clone(), shop.ledger());
    let (said, refusal) = std::sync::mpsc::channel();
    shop.bank.meanwhile(move || {
        let [due] = &ledger.open_operations(domain::OperationSelection::All, None, 9).unwrap()[..] else { panic!() };
        said.send(host.withdraw_operation(&due.id, "anna".to_owned(), "поздно".to_owned()).map(drop)).unwrap();
    });
    let refund = shop.refund("k1", 3_000).1;
    assert_eq!(refund["state"], "done", "{refund}");
    assert_eq!(refusal.recv().unwrap().unwrap_err().code, Some(host::ErrorCode::OperationSent));
    assert_eq!((shop.paid_back().len(), shop.server.balance()), (1, 7_000));
}

#[test]
fn operations_are_chosen_by_kind_in_the_address() {
    let shop = Shop::open();
    let id = shop.pending(Mood::IsDown);
    let order =
        shop.host.create_order(host::OrderRequest::new("100500".parse().unwrap(), crate::refunds::rub(500), "Ещё")).unwrap().id;
    let link = NewOperation {
        is_alone: false,
        provider: NAME.parse().unwrap(),
        task: OperationTask::Link { order },
        reason: String::new(),
        operator: String::new(),
        idempotency_key: None,
        component_sha256: "ab".repeat(32),
        settings: Vec::new(),
        next_at: u64::MAX >> 1,
    };
    let link = shop.ledger().begin_operation(link, START).unwrap().unwrap().operation.id;
    let session = shop.server.log_in();
    let place = |id: &str| format!("операция {id}");
    for (query, has) in [
        ("", [true, false]),
        ("?kind=nonsense", [true, false]),
        ("?kind=refund", [true, false]),
        ("?kind=link", [false, true]),
        ("?kind=charge", [false, false]),
        ("?kind=all", [true, true]),
    ] {
        let page = session.get(&format!("{PAGE}{query}"));
        assert_eq!([&id, link.as_str()].map(|id| page.contains(&place(id))), has, "{query}: {page}");
    }
    let page = session.get(&format!("{PAGE}?kind=refund"));
    assert!(page.contains("<option value=\"refund\" selected>"), "{page}");
    assert!(page.contains("<input type=\"hidden\" name=\"kind\" value=\"refund\">"), "the forms keep the choice: {page}");
    for (kind, want) in [("refund", vec![id.clone()]), ("link", vec![link.to_string()]), ("charge", vec![])] {
        assert_eq!(shop.listed(&format!("?kind={kind}")), want);
    }
    assert_eq!(shop.server.get("/api/v1/operations?kind=nonsense").0, 400);
}

#[test]
fn who_began_and_decided_a_refund_stands_in_the_decisions_and_the_statistics() {
    let shop = Shop::open();
    let id = shop.lose();
    let decision = json!({"verdict": "done", "comment": "в выписке", "operator": "boris"});
    assert_eq!(shop.server.post(&format!("/api/v1/operations/{id}/decision"), &decision).0, 200);
    let session = shop.server.log_in();
    sees(
        &session.get("/operator/decisions"),
        &[
            "Возврат 30,00 ₽ , faulty выполнено",
            "billing, платёж",
            "Почему: ошибочный платёж",
            "Решение — выполнена: в выписке — boris, ",
        ],
    );
    let year = "?from=2026-01-01&to=2027-12-31";
    let made_by = format!("Операция {id} , начал billing: ошибочный платёж ; исход записал boris: в выписке");
    sees(&session.get(&format!("/operator/statistics{year}")), &[&made_by.replace(" ;", ";")]);
    let csv = session.get(&format!("/operator/statistics.csv{year}"));
    let mut lines = csv.lines();
    let columns =
        "\"Операция\";\"Операцию начал\";\"Причина операции\";\"Исход записал\";\"Как узнал\";\"Время в платёжной системе\"";
    assert!(lines.next().unwrap().ends_with(columns), "{csv}");
    let refund = lines.find(|line| line.contains("\"Возврат\"")).unwrap();
    assert!(refund.ends_with(&format!("\"{id}\";\"billing\";\"ошибочный платёж\";\"boris\";\"в выписке\";\"\"")), "{refund}");
    let payment = csv.lines().find(|line| line.contains("\"Платёж\"")).unwrap();
    assert!(payment.ends_with("\"\";\"\";\"\";\"\";\"\";\"\""), "{payment}");
}

#[test]
fn decisions_and_operations_are_one_list_that_goes_on() {
    let shop = Shop::open();
    let correct = |key: usize| {
        shop.clock.0.fetch_add(1, Ordering::Relaxed);
        let correction =
            json!({"amount": {"minor_units": 1, "currency": "RUB"}, "operator": "anna", "comment": format!("правка {key}.")});
        let bearer = format!("Bearer {}", crate::server::TOKEN);
        let (key, json) = (key.to_string(), "application/json");
        let headers = [("authorization", &*bearer), ("content-type", json), ("idempotency-key", &*key)];
        let path = "/api/v1/accounts/100500/corrections";
        let answer = shop.server.client().send("POST", path, &headers, correction.to_string().as_bytes()).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    let compare = |copies: u64, comment: &str| {
        let now = shop.clock.0.fetch_add(1, Ordering::Relaxed) + 1;
        (0..copies).for_each(|_| shop.ledger().record_restoration(Some(now), now).unwrap());
        let last = shop.host.restorations().unwrap()[0].id;
        shop.host.record_comparison(last, "anna".to_owned(), comment.to_owned()).unwrap();
    };
    compare(2, "сверка двух.");
    let first = shop.refund("k1", 100).1["id"].as_str().unwrap().to_owned();
    (0..70).for_each(correct);
    shop.clock.0.fetch_add(1, Ordering::Relaxed);
    let middle = shop.refund("k2", 100).1["id"].as_str().unwrap().to_owned();
    compare(1, "сверка одной.");
    (70..120).for_each(correct);
    let session = shop.server.log_in();
    let (mut path, mut pages) = ("/operator/decisions".to_owned(), Vec::new());
    loop {
        let page = session.get(&path);
        let next =
            page.split_once("href=\"/operator/decisions?before").map(|(_, rest)| rest.split_once('"').unwrap().0.to_owned());
        pages.push(page);
        let Some(next) = next else { break };
        path = format!("/operator/decisions?before{}", next.replace("&amp;", "&"));
    }
    assert_eq!(pages.iter().map(|page| page.matches("section class=\"card\"").count()).collect::<Vec<_>>(), [50, 50, 24]);
    let all = pages.concat();
    for correction in 0..120 {
        assert_eq!(all.matches(&format!("правка {correction}.")).count(), 1, "{correction}");
    }
    for id in [&first, &middle] {
        assert_eq!(all.matches(&format!("операция {id}")).count(), 1);
    }
    assert!(pages[1].contains(&middle) && pages[2].contains(&first));
    for (comparison, page, copies) in [("сверка одной.", 1, 1), ("сверка двух.", 2, 2)] {
        assert_eq!((all.matches(comparison).count(), pages[page].matches(comparison).count()), (1, 1), "{comparison}");
        assert_eq!(pages[page].matches("Копия от ").count(), copies, "{comparison}");
    }
    // The link from an entry shows its decision first, and nothing that is later.
    let page = session.get("/operator/decisions?before=71");
    assert!(page.contains("№ 70. ") && !page.contains(&middle) && !page.contains("№ 71. "), "{page}");
    assert!(!page.contains("сверка одной."), "{page}");
}

#[test]
fn what_nobody_knows_has_not_ended() {
    let shop = Shop::open();
    let id = shop.lose();
    assert_eq!(shop.operation(&id)["ended_at"], Value::Null);
    let session = shop.server.log_in();
    let page = session.get(&shop.payment_page());
    sees(&page, &["исход неизвестен", "Неизвестно, выполнена ли она: ", "Последняя попытка — ", "Как вы это узнали"]);
    assert!(!page.contains("Завершена "), "{page}");
    // It can be decided there, and what is missing is named.
    let path = format!("{PAGE}/{id}/decision");
    let form = [("verdict", "done"), ("comment", ""), ("payment", &*shop.payment)];
    let page = session.post(&path, &form);
    sees(&page, &["Напишите, как вы это узнали"]);
    assert!(!page.contains("Напишите, почему"), "{page}");
    let form = [("verdict", "not-done"), ("comment", "в выписке нет"), ("payment", &*shop.payment), ("decision", "confirmed")];
    assert_eq!(shop.location(&session, &path, &form), format!("{}?operation={id}", shop.payment_page()));
    assert_eq!(shop.operation(&id)["ended_at"], shop.operation(&id)["decision"]["at"]);
}

#[test]
fn what_is_not_found_is_said_in_the_pages_language() {
    let shop = Shop::open();
    let session = shop.server.log_in();
    for (path, code) in [
        ("/api/v1/operations/op7", "operation-not-found"),
        ("/api/v1/operations/ё", "operation-not-found"),
        ("/api/v1/orders/7", "order-unknown"),
    ] {
        assert_eq!(problem(shop.server.get(path)), (404, code.to_owned()), "{path}");
    }
    let page = session.get("/operator/payments/7");
    sees(&page, &["Не найдено. Такого платежа нет."]);
    let page = session.post(&format!("{PAGE}/op7/withdraw"), &[]);
    sees(&page, &["Не найдено. Такой операции нет."]);
    assert!(!page.contains("there is no such"), "{page}");
    sees(&in_english(&shop, &session, "/operator/payments/7"), &["Not found. there is no such payment."]);
}

/// A refund of which nothing was sent goes on with the settings that were corrected meanwhile; one that was sent, with those that sent it.
#[test]
fn corrected_settings_reach_a_refund_that_was_not_sent() {
    for (mood, shop_of_call) in [(Mood::IsDown, "18"), (Mood::LosesAnswers, "17")] {
        let shop = Shop::open();
        let id = shop.pending(mood);
        configure_shop(&shop.host, "18");
        shop.bank.is(Mood::Answers);
        let session = shop.server.log_in();
        shop.location(&session, &format!("{PAGE}/{id}/retry"), &[]);
        assert_eq!((&shop.operation(&id)["state"], shop.bank.shop().as_str()), (&json!("done"), shop_of_call), "{mood:?}");
        assert_eq!(shop.paid_back(), ["30.00"]);
    }
    // What was sent with the corrected settings keeps them when they change once more.
    let shop = Shop::open();
    let id = shop.pending(Mood::IsDown);
    configure_shop(&shop.host, "18");
    shop.bank.is(Mood::LosesAnswers);
    let session = shop.server.log_in();
    let retry = || shop.location(&session, &format!("{PAGE}/{id}/retry"), &[]);
    retry();
    configure_shop(&shop.host, "19");
    shop.bank.is(Mood::Answers);
    retry();
    assert_eq!((&shop.operation(&id)["state"], shop.bank.shop().as_str()), (&json!("done"), "18"));
}

#[test]
fn a_try_by_hand_is_none_of_the_schedule() {
    let shop = Shop::open();
    let id = shop.pending(Mood::IsDown);
    let session = shop.server.log_in();
    let next_at = || shop.operation(&id)["next_at"].as_u64().unwrap();
    let before = next_at();
    for _ in 0..10 {
        shop.location(&session, &format!("{PAGE}/{id}/retry"), &[]);
    }
    assert_eq!((before, next_at()), (START + 30, START + 30));
    shop.clock.0.fetch_add(30, Ordering::Relaxed);
    shop.host.go_on_with_due();
    assert_eq!(next_at(), START + 30 + 60, "the second pause of the schedule");
}

#[test]
fn a_long_reason_is_refused_beside_its_field_and_stays() {
    let shop = Shop::open();
    let session = shop.server.log_in();
    let reason = "я".repeat(251);
    let form = format!("{}/refund", shop.payment_page());
    let fields = [("csrf", session.csrf()), ("amount", "30"), ("reason", &reason)];
    let page = shop.server.client().post(&form, &session.cookies(), &fields).unwrap();
    assert_eq!(page.status, 422);
    assert!(
        page.text().contains("принимают не больше 250 знаков, здесь 251.") && page.text().contains(&reason),
        "{}",
        page.text()
    );
    let fields = [("csrf", session.csrf()), ("amount", "30"), ("reason", &reason[2..])];
    assert!(shop.server.client().post(&form, &session.cookies(), &fields).unwrap().text().contains("Вернуть 30,00"));
}

#[test]
fn a_decision_says_what_is_entered_already_and_what_will_be() {
    let shop = Shop::open();
    let id = shop.lose();
    let session = shop.server.log_in();
    let ask = |verdict: &str| {
        let fields = [("csrf", session.csrf()), ("comment", "кабинет"), ("verdict", verdict), ("payment", &*shop.payment)];
        let page = shop.server.client().post(&format!("{PAGE}/{id}/decision"), &session.cookies(), &fields).unwrap();
        page.text().to_owned()
    };
    assert!(ask("done").contains("Баланс после") && ask("not-done").contains("снова можно будет вернуть"));
    // All of the payment goes back at the payment system, and its callback is entered.
    let back = made_up_callback("refund", ORDER, "00000001", KEY);
    shop.host.receive_callback(&NAME.parse().unwrap(), end_to_end::post(back.as_bytes())).unwrap();
    assert_eq!(shop.server.balance(), 0);
    for (verdict, words) in [("done", "новой проводки не будет, баланс не изменится"), ("not-done", "столько не осталось")]
    {
        let page = ask(verdict);
        assert!(page.contains("уже учтено возвратов: <b>100,00\u{a0}₽</b>") && page.contains(words), "{page}");
        assert!(!page.contains("Баланс после"), "{page}");
    }
}
