//! Write-offs over HTTP: an accepted one can be exported in its month, and a month's statistics equal its export.

use crate::server::{Server, TOKEN, answer};
use rusqlite::Connection;
use serde_json::{Value, json};

const SELLER: &str = r#"{"kind": "company", "name": "ООО «Связь»", "inn": "7707083893", "kpp": "770701001"}"#;

/// Starts a server with a seller and the account 100500.
fn server() -> Server {
    let server = Server::new();
    set_up(&server);
    server
}

fn set_up(server: &Server) {
    assert_eq!(server.put("/api/v1/seller", &serde_json::from_str(SELLER).unwrap()).0, 204);
    assert_eq!(server.put("/api/v1/accounts/100500", &json!({"name": "Иванов И. И.", "kind": "individual"})).0, 200);
}

fn writeoff(id: &str) -> Value {
    json!({"id": id, "account": "100500", "service": "Интернет", "service_code": "inet", "unit": "мес", "period": "2026-02-01",
        "date": "2026-02-28", "amount": {"minor_units": 12_000, "currency": "RUB"}, "vat_basis_points": 2200})
}

/// Returns a write-off with some fields changed.
fn with(id: &str, changes: &Value) -> Value {
    let mut writeoff = writeoff(id);
    writeoff.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    writeoff
}

fn add(server: &Server, writeoffs: &[Value]) -> (u16, Value) {
    server.post("/api/v1/writeoffs", &json!({ "writeoffs": writeoffs }))
}

fn february(format: &str) -> String {
    format!("/api/v1/exports/writeoffs?from=2026-02-01&to=2026-02-28&format={format}")
}

fn delete(server: &Server, path: &str) -> u16 {
    let request = server.agent.delete(server.url(path)).header("authorization", format!("Bearer {TOKEN}"));
    answer(request.call().unwrap()).0
}

/// Returns the codes and fields of a refusal.
fn fields(problem: &Value) -> Vec<(&str, &str)> {
    let text = |problem: &'_ Value, name: &str| problem[name].as_str().unwrap().to_owned().leak() as &str;
    problem["problems"].as_array().unwrap().iter().map(|one| (text(one, "code"), text(one, "field"))).collect()
}

#[test]
fn writeoffs_that_block_export_are_refused() {
    let server = server();
    for (changes, code, field) in [
        (json!({"date": "2026-02-30"}), "invalid", "date"),
        (json!({"date": "0000-00-00"}), "invalid", "date"),
        (json!({"period": "2026-02-31"}), "invalid", "period"),
        (json!({"period": "2026-01-01"}), "out-of-range", "period"),
        (json!({"period": "2026-03-01", "date": "2026-02-28"}), "out-of-range", "period"),
        (json!({"vat_basis_points": 2100}), "invalid", "vat_basis_points"),
        (json!({"vat_basis_points": 2000}), "invalid", "vat_basis_points"),
        (json!({"vat_basis_points": 10_001}), "out-of-range", "vat_basis_points"),
        (json!({"quantity_thousandths": 0}), "out-of-range", "quantity_thousandths"),
        (json!({"quantity_thousandths": -1000}), "out-of-range", "quantity_thousandths"),
        (json!({"amount": {"minor_units": 100, "currency": "USD"}}), "unsupported", "amount.currency"),
        (json!({"amount": {"minor_units": 100, "currency": "rub"}}), "invalid", "amount.currency"),
        (json!({"amount": {"minor_units": i64::MIN, "currency": "RUB"}}), "out-of-range", "amount.minor_units"),
        (json!({"service": "Интернет "}), "invalid", "service"),
        (json!({"service": "Интер\u{202e}нет"}), "invalid", "service"),
        (json!({"service": ""}), "missing", "service"),
        (json!({"service_code": " inet"}), "invalid", "service_code"),
        (json!({"unit": "мес."}), "other-unit", "unit"),
        (json!({"note": "x".repeat(256)}), "too-long", "note"),
        (json!({"account": "7"}), "unknown-account", "account"),
    ] {
        let (status, problem) = add(&server, &[writeoff("good"), with("bad", &changes)]);
        let field = format!("writeoffs[1].{field}");
        assert_eq!((status, fields(&problem)), (422, vec![(code, field.as_str())]), "{changes}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(&field), "{problem}");
    }
    assert_eq!(server.balance(), 0, "nothing of an invalid batch was entered");
    // A reversal in the same month reduces the act's total, and the register has both lines.
    let back = with("back", &json!({"amount": {"minor_units": -2_000, "currency": "RUB"}}));
    assert_eq!(add(&server, &[writeoff("good"), back]), (200, json!({"added": 2, "repeated": 0})));
    let (status, acts) = server.get(&february("enterprise-data-1.17"));
    assert!(status == 200 && acts.as_str().unwrap().contains("<Сумма>100.00</Сумма>"), "{acts}");
    let (status, register) = server.get(&february("register-csv"));
    assert_eq!((status, register.as_str().unwrap().lines().count()), (200, 3));
}

#[test]
fn all_faults_of_a_batch_are_reported_at_once() {
    let server = server();
    let bad = json!({"date": "2026-02-29", "vat_basis_points": 2100});
    let (status, problem) =
        add(&server, &[with("1", &json!({"quantity_thousandths": 0})), with("2", &bad), with("3", &json!({"note": "\u{1}"}))]);
    let want = [
        ("out-of-range", "writeoffs[0].quantity_thousandths"),
        ("invalid", "writeoffs[1].date"),
        ("invalid", "writeoffs[2].note"),
    ];
    assert_eq!((status, fields(&problem)), (422, want.to_vec()), "{problem}");
    let many: Vec<Value> = (0..130).map(|at| with(&at.to_string(), &json!({"quantity_thousandths": 0}))).collect();
    let (_, problem) = add(&server, &many);
    assert_eq!(fields(&problem).len(), 100);
    assert!(problem["detail"].as_str().unwrap().contains("129 more problems"), "{}", problem["detail"]);
    let dates: Vec<Value> = (0..130).map(|at| with(&at.to_string(), &json!({"date": "2026-02-29"}))).collect();
    assert_eq!(fields(&add(&server, &dates).1).len(), 100);
}

#[test]
fn account_must_be_exportable() {
    let server = server();
    let put = |number: &str, changes: Value| {
        let mut account = json!({"name": "ООО «Ромашка»", "kind": "company", "contract": "Д-17", "contract_date": "2024-02-29",
            "inn": "7701234560", "kpp": "770101001"});
        account.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        server.put(&format!("/api/v1/accounts/{number}"), &account)
    };
    for (changes, field) in [
        (json!({"inn": "7701234561"}), "inn"),
        (json!({"inn": "500100732259"}), "inn"),
        (json!({"inn": "0000000000"}), "inn"),
        (json!({"inn": ""}), "inn"),
        (json!({"kpp": "7701"}), "kpp"),
        (json!({"contract": ""}), "contract"),
        (json!({"name": "ООО\u{200b}«Ромашка»"}), "name"),
    ] {
        let (status, problem) = put("1", changes.clone());
        assert_eq!((status, fields(&problem)[0].1), (422, field), "{changes}: {problem}");
    }
    let (_, problem) = put("1", json!({"inn": ""}));
    assert!(problem["problems"][0]["message"].as_str().unwrap().contains("(foreign_tax_number)"), "{problem}");
    assert_eq!(put("1", json!({"contract_date": "2024-02-30"})).0, 422);
    assert_eq!(server.get("/api/v1/accounts/1").0, 404, "nothing was stored");
    let (status, account) = put("1", json!({}));
    assert_eq!((status, &account["contract_date"]), (200, &json!("2024-02-29")));
    assert_eq!(server.get("/api/v1/accounts/1").1["contract_date"], "2024-02-29");
    // One INN is one buyer.
    let (status, problem) = put("2", json!({"name": "ИП Петров"}));
    assert!(status == 409 && problem["detail"].as_str().unwrap().contains("account 1"), "{problem}");
    assert_eq!(put("2", json!({"name": "АО «Ромашка»", "rename": true})).0, 200);
    assert_eq!(server.get("/api/v1/accounts/1").1["name"], "АО «Ромашка»");
    // The act names the contract with its date.
    assert_eq!(add(&server, &[with("1", &json!({"account": "1"}))]).0, 200);
    let (status, acts) = server.get(&february("enterprise-data-1.17"));
    assert!(
        status == 200 && acts.as_str().unwrap().contains("<Наименование>Д-17 от 29.02.2024</Наименование><Дата>2024-02-29")
    );
}

#[test]
fn statistics_match_export_of_month() {
    let server = server();
    let october: Vec<Value> = (1..=31)
        .map(|day| {
            let amount = json!({"minor_units": 1_000 + day, "currency": "RUB"});
            with(&format!("w-{day}"), &json!({"period": "2026-10-01", "date": format!("2026-10-{day:02}"), "amount": amount}))
        })
        .collect();
    let others = [("2026-09-01", "2026-09-30"), ("2026-11-01", "2026-11-01")]
        .map(|(period, date)| with(date, &json!({"period": period, "date": date})));
    assert_eq!(add(&server, &october).0, 200);
    assert_eq!(add(&server, &others).0, 200);
    let path = "/api/v1/exports/writeoffs/manifest?from=2026-10-01&to=2026-10-31&format=register-csv";
    let (_, manifest) = server.get(path);
    assert_eq!((&manifest["rows"], &manifest["amount"]["minor_units"]), (&json!(31), &json!(31_496)));
    let operator = server.log_in();
    let page = operator.get("/operator/statistics?from=2026-10-01&to=2026-10-31");
    assert!(page.contains("Списание: 31") && page.contains("−314,96\u{a0}₽"), "{page}");
    assert!(page.contains("Списания учтены по своей дате"), "{page}");
    assert!(page.contains(">31.10.2026</td>") && page.contains(">01.10.2026</td>"), "{page}");
    assert!(!page.contains(">30.09.2026</td>") && !page.contains(">01.11.2026</td>"), "{page}");
    let csv = operator.get("/operator/statistics.csv?from=2026-10-01&to=2026-10-31&kind=write-off");
    assert_eq!(csv.lines().count(), 32, "{csv}");
    let first = csv.lines().nth(1).unwrap();
    assert!(first.contains(";\"31.10.2026\";\"100500\";") && first.contains("\"-10,31\""), "{first}");
    // The feed is in the order of entering, and has both the date of a write-off and the time of its entry.
    let (_, feed) = server.get("/api/v1/entries");
    let dates: Vec<&str> = feed["entries"].as_array().unwrap().iter().map(|entry| entry["date"].as_str().unwrap()).collect();
    assert_eq!((dates.len(), dates[0], dates[31], dates[32]), (33, "2026-10-01", "2026-09-30", "2026-11-01"));
    assert!(feed["entries"].as_array().unwrap().iter().all(|entry| entry["at"].as_u64().unwrap() > 1_700_000_000));
}

#[test]
fn wrong_vat_rate_is_refused() {
    let server = server();
    let (_, problem) = add(&server, &[with("1", &json!({"vat_basis_points": 2000}))]);
    let message = problem["problems"][0]["message"].as_str().unwrap();
    assert!(message.ends_with("The general VAT rate of 2026-02 is 22 %, not 20 %; correct it."), "{message}");
}

#[test]
fn reversed_writeoff_is_no_income() {
    let server = server();
    let back = json!({"date": "2026-02-27", "amount": {"minor_units": -2_000, "currency": "RUB"}});
    let same_day = json!({"amount": {"minor_units": -1_000, "currency": "RUB"}});
    assert_eq!(add(&server, &[writeoff("=1"), with("back", &back), with("also-back", &same_day)]).0, 200);
    let operator = server.log_in();
    let page = operator.get("/operator/statistics?from=2026-02-01&to=2026-02-28");
    assert!(page.contains("<title>27.02.2026: +0,00\u{a0}₽, +20,00\u{a0}₽</title>"), "{page}");
    assert!(page.contains("<title>28.02.2026: +0,00\u{a0}₽, −110,00\u{a0}₽</title>"), "{page}");
    assert!(page.contains("Списание: 3") && page.contains("−90,00\u{a0}₽"), "the totals are equal: {page}");
    // The page has the id that an exclusion requires.
    assert!(page.contains("Списание <code>also-back</code>"), "{page}");
    let csv = operator.get("/operator/statistics.csv?from=2026-02-01&to=2026-02-28");
    let ids: Vec<&str> = csv.lines().map(|line| line.split(';').nth(15).unwrap()).collect();
    assert_eq!(ids, ["\"Списание (id)\"", "\"also-back\"", "\"'=1\"", "\"back\""]);
    let entries = &server.get("/api/v1/entries").1["entries"];
    assert_eq!((&entries[0]["writeoff"], &entries[0]["comment"]), (&json!("=1"), &json!("Интернет")));
}

/// Changes stored write-offs to those that an older program accepted.
fn spoil(server: &Server, column: &str, value: &str, id: &str) {
    let database = Connection::open(server.database()).unwrap();
    assert_eq!(database.execute(&format!("UPDATE writeoffs SET {column} = {value} WHERE id = ?"), [id]).unwrap(), 1);
}

#[test]
fn stored_faulty_writeoff_is_excluded_by_decision() {
    for (column, value, words) in [
        ("period", "20260231", "2026-02-31"),
        ("date", "20260230", "2026-02-30"),
        ("vat_basis_points", "2100", "2100"),
        ("quantity_thousandths", "0", "quantity"),
        ("unit", "'шт'", "unit"),
    ] {
        let server = server();
        assert_eq!(add(&server, &[writeoff("1"), writeoff("2"), writeoff("3/ё")]).0, 200);
        spoil(&server, column, value, "3/ё");
        let (status, problem) = server.get(&february("enterprise-data-1.17"));
        let told = problem.to_string();
        assert!(status == 422 && told.contains("3/ё") && told.contains(words), "{column}: {problem}");
        let exclusion = "/api/v1/writeoffs/3%2F%D1%91/exclusion";
        let reason = json!({"operator": "anna", "reason": "ошибка биллинга, заявка 17"});
        assert_eq!(server.post("/api/v1/writeoffs/nobody/exclusion", &reason).0, 404);
        assert_eq!(server.post(exclusion, &json!({"operator": "anna", "reason": " "})).0, 422, "a reason is required");
        let (status, decision) = server.post(exclusion, &reason);
        assert_eq!((status, &decision["writeoff"], &decision["operator"]), (200, &json!("3/ё"), &json!("anna")));
        assert_eq!(server.post(exclusion, &reason).0, 409);
        assert_eq!(server.get("/api/v1/exclusions").1["exclusions"][0]["reason"], "ошибка биллинга, заявка 17");
        let (status, acts) = server.get(&february("enterprise-data-1.17"));
        assert!(status == 200 && acts.as_str().unwrap().contains("<Сумма>240.00</Сумма>"), "{column}: {acts}");
        let path = february("enterprise-data-1.17").replace("writeoffs?", "writeoffs/manifest?");
        let excluded = &server.get(&path).1["excluded"];
        assert_eq!((&excluded[0]["writeoff"], &excluded[0]["reason"]), (&json!("3/ё"), &json!("ошибка биллинга, заявка 17")));
        assert_eq!((&excluded[0]["amount"]["minor_units"], &excluded[1]), (&json!(12_000), &Value::Null));
        assert_eq!(server.balance(), -36_000, "the account stays debited");
        assert_eq!((delete(&server, &format!("{exclusion}?operator=boris")), delete(&server, exclusion)), (204, 400));
        assert_eq!(delete(&server, &format!("{exclusion}?operator=boris")), 409);
        assert_eq!(server.get(&february("enterprise-data-1.17")).0, 422);
        assert_eq!(server.get("/api/v1/exclusions").1, json!({"exclusions": []}));
    }
}
