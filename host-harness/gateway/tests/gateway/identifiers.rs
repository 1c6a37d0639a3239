//! Invalid identifiers get the same answer as unknown ones.

use crate::server::{Server, TOKEN, answer};
use serde_json::{Value, json};

/// An unknown account, order and provider, and invalid ones, as in paths.
const UNKNOWN: [&str; 3] = ["7", "7", "nobody"];
const IMPOSSIBLE: [&str; 3] = ["%0A", "%0A", "No_body"];

/// A request that names an account, an order or a provider.
type Ask<'a> = &'a dyn Fn([&str; 3]) -> (u16, Value);

#[test]
fn impossible_identifier_in_address_is_unknown() {
    let server = Server::new();
    let amount = json!({"minor_units": 100, "currency": "RUB"});
    let correct = |account: &str| {
        let request = server.agent.post(server.url(&format!("/api/v1/accounts/{account}/corrections")));
        let request = request.header("authorization", format!("Bearer {TOKEN}")).header("idempotency-key", "k");
        answer(request.send_json(json!({"amount": amount, "operator": "anna", "comment": "x"})).unwrap())
    };
    let limits = json!({"smallest": amount, "largest": amount});
    let asked: [(&str, Ask<'_>, u16); 13] = [
        ("account", &|[account, ..]| server.get(&format!("/api/v1/accounts/{account}")), 404),
        ("cabinet", &|[account, ..]| server.post(&format!("/api/v1/accounts/{account}/cabinet"), &json!({})), 404),
        ("correction", &|[account, ..]| correct(account), 404),
        ("order", &|[_, order, _]| server.get(&format!("/api/v1/orders/{order}")), 404),
        ("pause", &|[.., name]| server.post(&format!("/api/v1/providers/{name}/pause"), &json!({})), 404),
        ("remove", &|[.., name]| server.delete(&format!("/api/v1/providers/{name}")), 404),
        ("settings", &|[.., name]| server.get(&format!("/api/v1/providers/{name}/settings")), 404),
        ("new settings", &|[.., name]| server.put(&format!("/api/v1/providers/{name}/settings"), &json!({})), 404),
        ("limits", &|[.., name]| server.get(&format!("/api/v1/providers/{name}/limits")), 404),
        ("new limits", &|[.., name]| server.put(&format!("/api/v1/providers/{name}/limits"), &limits), 404),
        ("back", &|[.., name]| server.post(&format!("/api/v1/providers/{name}/component/previous"), &json!({})), 404),
        ("entries", &|[account, ..]| server.get(&format!("/api/v1/entries?account={account}")), 200),
        (
            "export",
            &|[.., name]| server.get(&format!("/api/v1/exports/writeoffs?from=2026-02-01&to=2026-02-28&provider={name}")),
            422,
        ),
    ];
    for (what, ask, status) in asked {
        let [unknown, impossible] = [UNKNOWN, IMPOSSIBLE].map(|names| {
            let (status, answer) = ask(names);
            (status, answer.to_string().replace(names[2], "NAME"))
        });
        assert_eq!(unknown, impossible, "{what}");
        assert_eq!(unknown.0, status, "{what}: {}", unknown.1);
    }
    let callback = |name: &str| {
        let answer = server.client().send("POST", &format!("/callbacks/{name}"), &[], b"a=1").unwrap();
        (answer.status, answer.text().to_owned())
    };
    assert_eq!(callback("nobody"), callback("No_body"));
    assert_eq!(callback("No_body").0, 404);
}

#[test]
fn impossible_identifier_in_body_is_unknown() {
    let server = Server::new();
    server.order();
    let detail = |(status, answer): (u16, Value)| (status, answer["detail"].as_str().unwrap().replace("No_body", "nobody"));
    let link =
        |account: &str, provider: &str| {
            let amount = json!({"minor_units": 10_000, "currency": "RUB"});
            detail(server.post(
                "/api/v1/links",
                &json!({"account": account, "provider": provider, "amount": amount, "description": "x"}),
            ))
        };
    let no_account = (422, "there is no such account; add it first".to_owned());
    assert_eq!((link("7", "chronopay"), link(" ", "chronopay")), (no_account.clone(), no_account));
    let no_provider = (422, "there is no provider called nobody".to_owned());
    assert_eq!((link("100500", "nobody"), link("100500", "No_body")), (no_provider.clone(), no_provider));

    let writeoff = |account: &str, day: &str| {
        json!({"id": "w", "account": account, "service": "Интернет", "period": "2026-02-01", "date": day,
            "amount": {"minor_units": 100, "currency": "RUB"}})
    };
    for day in ["2026-02-28", "2026-02-30"] {
        let add = |account| server.post("/api/v1/writeoffs", &json!({"writeoffs": [writeoff(account, day)]}));
        assert_eq!(add("7"), add("\n"));
        assert_eq!(add("\n").0, 422);
    }

    // Nothing exists under these identifiers yet: the answer says what a valid number and name are.
    let put =
        |account: &str| detail(server.put(&format!("/api/v1/accounts/{account}"), &json!({"name": "x", "kind": "individual"})));
    let rule = "account must have 1 to 64 characters, none of them a control character";
    for account in ["%0A", "%20", &"1".repeat(65)] {
        assert_eq!(put(account), (422, rule.to_owned()));
    }
    let swap = server.agent.post(server.url("/api/v1/providers/No_body/component"));
    let swap = swap.header("authorization", format!("Bearer {TOKEN}")).send(&end_to_end::component()[..]).unwrap();
    let rule = "\"nobody\" is no name of a provider; it is a-z, 0-9 and -, at most 64 of them, and does not begin with -";
    assert_eq!(detail(answer(swap)), (422, rule.to_owned()));
}

#[test]
fn impossible_identifier_on_pages_is_unknown() {
    let server = Server::new();
    server.order();
    let anna = server.log_in();
    let pages = |names: [&str; 3]| {
        let [account, _, name] = names;
        let statistics = anna.get(&format!("/operator/statistics?account={account}&provider={name}"));
        let statistics = statistics.replace(&format!("value=\"{account}\""), "value=\"\"");
        [
            statistics.replace(&format!("account={account}"), "account="),
            anna.get(&format!("/operator/settings/{name}")),
            anna.post(&format!("/operator/providers/{name}/pause"), &[]),
            anna.post(&format!("/operator/providers/{name}/component/previous"), &[]),
            anna.post(&format!("/operator/accounts/{account}/cabinet"), &[]),
        ]
        .map(|page| page.replace(name, "NAME"))
    };
    // A text without characters that a path would encode.
    let impossible = "1".repeat(65);
    for (unknown, impossible) in pages(UNKNOWN).into_iter().zip(pages([&impossible, "", "No_body"])) {
        assert_eq!(unknown, impossible);
    }
    let added = anna.post(
        "/operator/corrections",
        &[("account", ""), ("direction", "credit"), ("amount", "1"), ("currency", "RUB"), ("comment", "x")],
    );
    assert!(added.contains("Введите лицевой счёт."), "{added}");
}
