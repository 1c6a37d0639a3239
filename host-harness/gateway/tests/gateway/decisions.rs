//! What waits for an operator, and operators' decisions, on the pages and in the API.

use crate::server::{Server, callback_with, checked_gateway, config, listen};
use end_to_end::guest::Guest;
use rusqlite::Connection;
use serde_json::{Value, json};

/// A published test card number.
const CARD: &str = "4111111111111111";

/// Returns the text of a page without tags, with plain spaces.
fn words(page: &str) -> String {
    let mut text = String::new();
    let mut is_mark = false;
    for char in page.chars() {
        match char {
            '<' => is_mark = true,
            '>' => (is_mark, text) = (false, text + " "),
            '\u{a0}' => text.push(' '),
            char if !is_mark => text.push(char),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Checks that a page has texts, one after the other or not.
pub fn sees(page: &str, all: &[&str]) {
    let said = words(page);
    all.iter().for_each(|text| assert!(said.contains(text), "{text:?} is not in {said}"));
}

fn entry(server: &Server, seq: u64) -> Value {
    server.get(&format!("/api/v1/entries?after={}", seq - 1)).1["entries"][0].clone()
}

#[test]
fn unmatched_payment_is_credited_after_confirmation_and_undone() {
    let server = Server::new();
    server.order();
    assert_eq!(server.callback(&callback_with("42", "1", &[("payment_type", "Visa")])).0, 200);
    let session = server.log_in();
    let list = session.get("/operator/unmatched");
    sees(&list, &["Ждут решения: 1", "100,00 ₽ — Платёж", "плательщик 001234-100000062", "Зачислить… Отклонить"]);

    let form = |account, decision| [("account", account), ("comment", "по письму"), ("decision", decision)];
    let none = session.post("/operator/unmatched/1", &form("100501", "credit"));
    sees(&none, &["Такого лицевого счёта нет."]);
    assert!(none.contains("value=\"100501\"") && none.contains("value=\"по письму\""), "typed values stay in the form: {none}");
    sees(&session.post("/operator/unmatched/1", &form("", "credit")), &["Введите лицевой счёт."]);
    let asked = session.post("/operator/unmatched/1", &form(" 100500 ", "credit"));
    let balance = "Баланс сейчас 0,00 ₽ Баланс после 100,00 ₽";
    sees(&asked, &["Абонент Иванов И. И.", "Договор Д-17", balance, "Почему: по письму", "Зачислить 100,00 ₽ на счёт 100500"]);
    assert_eq!(server.balance(), 0, "nothing is entered before it is confirmed");

    session.post("/operator/unmatched/1", &form("100500", "confirmed"));
    assert_eq!(server.balance(), 10_000);
    let made = entry(&server, 1);
    assert_eq!(made["comment"], "Зачислено оператором");
    assert!(made["movement"].is_string(), "an operation can name a payment that an operator credited: {made}");
    assert_eq!(made["decision"], json!({"id": 1, "operator": "anna", "reason": "по письму"}));
    assert!(made["extra"].as_array().unwrap().contains(&json!({"name": "payment-type", "value": "Visa"})), "{made}");
    sees(
        &session.get("/operator/unmatched?entry=1"),
        &["Зачислено 100,00 ₽ на счёт 100500 (Иванов И. И.), проводка 1.", "Неразобранных платежей нет."],
    );
    // The same form again redirects as before. Another decision gets the error that one exists.
    assert_eq!(session.post("/operator/unmatched/1", &form("100500", "confirmed")), "");
    let other = [("account", "100500"), ("comment", "иначе"), ("decision", "confirmed")];
    sees(&session.post("/operator/unmatched/1", &other), &["решение уже принято"]);
    assert_eq!(server.balance(), 10_000);
    sees(
        &session.get("/operator/statistics"),
        &["Зачислено оператором № 1. Решение № 1 , anna: по письму", "payment-type Visa"],
    );
    let csv = session.get("/operator/statistics.csv");
    assert!(
        csv.lines()
            .next()
            .unwrap()
            .contains("\"Решил\";\"Почему\";\"Сторно проводки\";\"Сведения платёжной системы\";\"Списание (id)\";"),
        "{csv}"
    );
    assert!(csv.contains(";\"anna\";\"по письму\";\"\";\"") && csv.contains("payment-type=Visa"), "{csv}");

    let undo = |decision| session.post("/operator/decisions/1/undo", &[("reason", "не тот счёт"), ("decision", decision)]);
    sees(&undo("ask"), &["Отменить это решение?", "Баланс сейчас 100,00 ₽ Баланс после 0,00 ₽", "Платёж снова будет ждать"]);
    assert_eq!(server.balance(), 10_000);
    undo("confirmed");
    let back = entry(&server, 2);
    assert_eq!((&back["reverses"], &back["comment"]), (&json!(1), &json!("Сторно: Зачислено оператором")));
    assert_eq!(back["movement"], Value::Null);
    assert_eq!(back["decision"], json!({"id": 2, "operator": "anna", "reason": "не тот счёт"}));
    assert_eq!((server.balance(), &server.get("/api/v1/unmatched").1["total"]), (0, &json!(1)));
    sees(&undo("confirmed"), &["Это решение уже отменено."]);
    sees(
        &session.get("/operator/decisions"),
        &["№ 2. Отмена решения № 1: −100,00 ₽", "отменено решением № 2", "Почему: не тот счёт"],
    );
    sees(&session.post("/operator/decisions/2/undo", &[("reason", "x")]), &["Отмену нельзя отменить"]);
}

#[test]
fn refund_decision_debits_and_says_so() {
    let server = Server::new();
    server.order();
    assert_eq!(server.callback(&callback_with("42", "1", &[("transaction_type", "Refund")])).0, 200);
    let session = server.log_in();
    sees(&session.get("/operator/unmatched"), &["100,00 ₽ — Возврат", "Списать… Отклонить"]);
    let form = |decision| [("account", "100500"), ("comment", "возврат по заявлению"), ("decision", decision)];
    let asked = session.post("/operator/unmatched/1", &form("credit"));
    sees(&asked, &["Баланс сейчас 0,00 ₽ Баланс после −100,00 ₽", "Списать 100,00 ₽ со счёта 100500"]);
    session.post("/operator/unmatched/1", &form("confirmed"));
    assert_eq!((server.balance(), &entry(&server, 1)["comment"]), (-10_000, &json!("Списано оператором: возврат")));
}

#[test]
fn correction_form_enters_once() {
    let server = Server::new();
    server.order();
    let session = server.log_in();
    let form = |account: &'static str, amount: &'static str, key: &'static str, decision: &'static str| {
        let fields =
            [("account", account), ("direction", "debit"), ("amount", amount), ("currency", "rub"), ("comment", "перерасчёт")];
        session.post("/operator/corrections", &[&fields[..], &[("key", key), ("decision", decision)]].concat())
    };
    sees(&form("100500", "ten", "", ""), &["Это не похоже на сумму."]);
    sees(&form("100500", "0", "", ""), &["Сумма не может быть нулём."]);
    sees(&form("7", "10", "", ""), &["Такого лицевого счёта нет."]);
    let asked = form("100500", "1 000,50 руб", "", "");
    sees(&asked, &["Иванов И. И.", "Баланс после −1 000,50 ₽", "За что: перерасчёт", "Списать 1 000,50 ₽ со счёта 100500"]);
    let key = asked.split("name=\"key\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(key.len() > 20, "{key}");
    assert_eq!(server.balance(), 0);
    for _ in 0..2 {
        form("100500", "1 000,50 руб", "k", "confirmed");
        assert_eq!(server.balance(), -100_050);
    }
    // Confirmed from another tab, where the first one was not mentioned: the page asks again.
    let again = form("100500", "1 000,50 руб", "of another tab", "confirmed");
    sees(&again, &["такая же корректировка этого счёта уже внесена: проводка 1", "Баланс после −2 001,00 ₽"]);
    assert_eq!(server.balance(), -100_050);
    assert_eq!(entry(&server, 1)["decision"], json!({"id": 1, "operator": "anna", "reason": "перерасчёт"}));
    sees(&session.get("/operator/corrections?entry=1"), &["Списано 1 000,50 ₽ со счёта 100500"]);
    let undo = json!({"operator": "boris", "reason": "ошибка"});
    assert_eq!(server.post("/api/v1/decisions/1/undo", &undo), (200, json!({"seq": 2})));
    assert_eq!((server.balance(), server.post("/api/v1/decisions/1/undo", &undo).0), (0, 409));
    let decisions = server.get("/api/v1/decisions").1;
    let of = |at: usize, name: &str| decisions["decisions"][at][name].clone();
    assert_eq!((of(0, "kind"), of(0, "undoes"), of(0, "operator")), (json!("undoing"), json!(1), json!("boris")));
    assert_eq!((of(1, "undone_by"), of(1, "entry"), of(1, "account")), (json!(2), json!(1), json!("100500")));
    assert_eq!(server.get("/api/v1/decisions?before=2").1["decisions"].as_array().unwrap().len(), 1);
    assert_eq!(server.post("/api/v1/decisions/9/undo", &undo).0, 404);
}

#[test]
fn contradicting_repetition_is_shown_beside_the_first() {
    let server = Server::new();
    let first = server.order();
    let second = server.order();
    // ChronoPay's signature does not cover the order.
    for _ in 0..2 {
        assert_eq!(server.callback(&callback_with(&second, "1", &[])).0, 200);
        assert_eq!(server.callback(&callback_with(&first, "1", &[])).0, 200);
    }
    assert_eq!(server.balance(), 10_000);
    let session = server.log_in();
    let page = session.get("/operator/unmatched");
    let orders = format!("заказ {second} {first}");
    sees(
        &page,
        &[
            "Повторные уведомления, которые противоречат первым: 1",
            "Транзакция 1 , chronopay: по первому уведомлению сделана проводка 1",
            &orders,
        ],
    );
    assert!(page.contains(&format!("cs1={first}")) && page.contains(&format!("cs1={second}")), "both are listed: {page}");
    let told = server.get("/api/v1/contradictions").1;
    let one = &told["contradictions"][0];
    assert_eq!((&told["total"], &one["entry"]), (&json!(1), &json!(1)));
    assert_eq!((&one["first"]["event"]["order"], &one["repeated"]["event"]["order"]), (&json!(second), &json!(first)));
    session.post("/operator/contradictions/1", &[]);
    assert_eq!(server.get("/api/v1/contradictions").1["total"], 0);
    let anna = json!({"operator": "anna"});
    assert_eq!(server.post("/api/v1/contradictions/1/dismiss", &anna).0, 404);
    // What was acknowledged is listed with who did it, and can be reopened.
    let put_away = server.get("/api/v1/contradictions?acknowledged=true").1;
    assert_eq!(put_away["contradictions"][0]["acknowledged"]["operator"], "anna", "{put_away}");
    sees(&session.get("/operator/acknowledged"), &["Разобрано: anna", "Вернуть в список", &orders]);
    session.post("/operator/contradictions/1/reopen", &[]);
    assert_eq!(server.get("/api/v1/contradictions").1["total"], 1);
    assert_eq!(server.post("/api/v1/contradictions/1/reopen", &anna).0, 404);
    assert_eq!(server.post("/api/v1/contradictions/1/dismiss", &anna).0, 204);
    assert_eq!(server.post("/api/v1/contradictions/1/reopen", &anna).0, 204);
    sees(&session.get("/operator/acknowledged"), &["Здесь пока ничего нет."]);
}

#[test]
fn refund_on_another_day_is_not_a_repetition() {
    let server = Server::new();
    let order = server.order();
    assert_eq!(server.callback(&callback_with(&order, "1", &[])).0, 200);
    let refund = |date| {
        callback_with(&order, "1", &[("transaction_type", "Refund"), ("total", "30.00"), ("date", date), ("time", "10:00:00")])
    };
    for date in ["11/01/2026", "11/01/2026", "11/05/2026", "11/05/2026", "05.11.2026"] {
        assert_eq!(server.callback(&refund(date)).0, 200, "{date}");
    }
    assert_eq!(server.balance(), 7_000);
    let told = server.get("/api/v1/contradictions").1;
    let day = |at: usize, which: &str| told["contradictions"][at][which]["event"]["occurred_at"].clone();
    assert_eq!((day(0, "first"), day(0, "repeated")), (json!("2026-11-01T10:00:00"), json!("2026-11-05T10:00:00")));
    assert_eq!(
        (day(1, "repeated"), &told["total"]),
        (json!("05.11.2026"), &json!(2)),
        "dates that cannot be parsed are compared too"
    );
}

#[test]
fn only_card_data_is_masked_before_storing() {
    let server = Server::new();
    let order = server.order();
    let with_card = |transaction, more: &[(&'static str, &'static str)]| {
        callback_with(
            &order,
            transaction,
            &[&[("creditcardnumber", CARD), ("cvv", "737"), ("name", "4111 1111 1111 1111")], more].concat(),
        )
    };
    assert_eq!(server.callback(&with_card("1", &[])).0, 200);
    assert_eq!(server.balance(), 10_000);
    // Its amount cannot be parsed: it is stored as unresolved.
    let (status, reply) = server.callback(&with_card("2", &[("total", "100,00")]));
    let kept = server.get("/api/v1/unrecognized").1;
    assert_eq!(kept["total"], 1, "{status} {reply}");
    let body = kept["unrecognized"][0]["body"].as_str().unwrap();
    assert!(body.contains("creditcardnumber=411111XXXXXX1111") && body.contains("cvv=&"), "{body}");
    assert_eq!(kept["unrecognized"][0]["is_masked"], true);
    sees(&server.log_in().get("/operator/unmatched"), &["Данные карты в нём скрыты перед записью.", "411111XXXXXX1111"]);
    // A transaction id that looks like a card number is required, and stays.
    assert_eq!(server.callback(&callback_with("42", "5555555555554444", &[])).0, 200);
    assert_eq!(server.get("/api/v1/unmatched").1["unmatched"][0]["transaction"], "5555555555554444");

    let connection = Connection::open(server.database()).unwrap();
    let masked: Vec<(String, bool)> = connection
        .prepare("SELECT CAST(body AS TEXT), is_masked FROM callbacks ORDER BY id")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(masked.iter().map(|(_, is_masked)| *is_masked).collect::<Vec<_>>(), [true, true, false]);
    assert!(masked[2].0.contains("transaction_id=5555555555554444"), "{}", masked[2].0);
    let bytes: Vec<u8> = std::fs::read_dir(server.folder.path())
        .unwrap()
        .filter_map(|entry| std::fs::read(entry.unwrap().path()).ok())
        .flatten()
        .collect();
    for held in [CARD, "4111+1111", "4111%201111", "4111 1111 1111", "cvv=737"] {
        assert!(!bytes.windows(held.len()).any(|window| window == held.as_bytes()), "{held} is stored");
    }
}

#[test]
fn long_lists_are_complete() {
    let server = Server::new();
    server.order();
    for transaction in 0..3 {
        assert_eq!(server.callback(&callback_with("42", &transaction.to_string(), &[])).0, 200);
    }
    // More than one page of the API. The others are copies of the one that the gateway stored.
    let sql = "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 1007)
        INSERT INTO unmatched (provider, kind, recurrence, transaction_id, order_id, minor_units, currency, comment, dedup_key,
        reason, at) SELECT provider, kind, recurrence, 'copy-' || number, order_id, minor_units, currency, comment,
        'copy-' || number, reason, at FROM unmatched, numbers WHERE id = 1;
        INSERT INTO movements (provider, dedup_key, kind, happened_at, recorded_at, origin, facts, unmatched)
        SELECT copy.provider, copy.dedup_key, first.kind, happened_at, recorded_at, origin,
        json_set(facts, '$.transaction', copy.transaction_id), copy.id
        FROM unmatched AS copy JOIN movements AS first ON first.unmatched = 1 WHERE copy.dedup_key LIKE 'copy-%'";
    Connection::open(server.database()).unwrap().execute_batch(sql).unwrap();
    let first = server.get("/api/v1/unmatched").1;
    let ids = |answer: &Value| {
        answer["unmatched"].as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((&first["total"], ids(&first)), (&json!(1_010), (1..=1_000).collect()));
    let rest = server.get("/api/v1/unmatched?after=1000").1;
    assert_eq!(ids(&rest), (1_001..=1_010).collect::<Vec<_>>());
    let metrics = server.agent.get(server.url("/metrics")).call().unwrap().body_mut().read_to_string().unwrap();
    assert!(metrics.lines().any(|line| line == "harness_unmatched_waiting 1010"), "{metrics}");
    let session = server.log_in();
    let page = session.get("/operator/unmatched");
    sees(&page, &["Ждут решения: 1010", "Дальше →"]);
    assert!(page.contains("/operator/unmatched?after=50"), "{page}");
    let last = session.get("/operator/unmatched?after=1000");
    sees(&last, &["Ждут решения: 1010", "copy-1007"]);
    assert!(!last.contains("?after="), "{last}");
}

#[test]
fn long_lists_of_callbacks_and_exclusions_are_complete() {
    let server = Server::new();
    let order = server.order();
    assert_eq!(server.callback(&callback_with(&order, "1", &[])).0, 200);
    assert_eq!(server.callback(&callback_with("7", "1", &[])).0, 200);
    server.callback(&callback_with(&order, "2", &[("total", "100,00")]));
    let copies = "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 1004)";
    let database = Connection::open(server.database()).unwrap();
    for columns in [
        "unrecognized (callback, message, code) SELECT callback, message, code FROM unrecognized, numbers WHERE id = 1",
        "contradictions (movement, facts, origin) SELECT movement, facts, origin FROM contradictions, numbers WHERE id = 1",
    ] {
        database.execute(&format!("{copies} INSERT INTO {columns}"), []).unwrap();
    }
    for list in ["unrecognized", "contradictions"] {
        let first = server.get(&format!("/api/v1/{list}")).1;
        let rest = server.get(&format!("/api/v1/{list}?after=1000")).1;
        let counts = [&first, &rest].map(|answer| answer[list].as_array().unwrap().len());
        assert_eq!((&first["total"], counts), (&json!(1_005), [1_000, 5]), "{list}");
    }
    let page = server.log_in().get("/operator/unmatched");
    assert!(page.contains("?unrecognized_after=50") && page.contains("?contradictions_after=50"), "{page}");
    sees(&page, &["Нераспознанные уведомления: 1005", "Повторные уведомления, которые противоречат первым: 1005"]);
}

#[test]
fn callback_that_fails_its_provider_is_stored_once() {
    let server = Server::new();
    let guest = Guest::good().first("(unreachable)").build();
    let database = server.folder.path().join("crash.db");
    let gateway = checked_gateway(&database, "hostile", &guest, &[], config());
    let address = listen(&server.runtime, gateway);
    for body in ["a=1", "a=1", "a=1", "a=2"] {
        let answer = server.agent.post(format!("http://{address}/callbacks/hostile")).send(body).unwrap();
        assert_eq!(answer.status(), 503, "{body}");
    }
    let ask = server.agent.get(format!("http://{address}/api/v1/unrecognized"));
    let kept: Value =
        ask.header("authorization", format!("Bearer {}", crate::server::TOKEN)).call().unwrap().body_mut().read_json().unwrap();
    let of = |at: usize, name: &str| kept["unrecognized"][at][name].clone();
    assert_eq!(kept["total"], 2, "{kept}");
    assert_eq!((of(0, "body"), of(0, "times"), of(0, "code")), (json!("a=1"), json!(3), json!("provider-failed")));
    assert_eq!((of(1, "body"), of(1, "times")), (json!("a=2"), json!(1)));
}
