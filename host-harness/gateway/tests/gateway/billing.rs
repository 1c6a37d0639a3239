//! Billing is asked about accounts: when a payer looks for one, and before a payment is entered.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Barrier, Mutex, Weak};

use domain::{AccountState, CallbackRequest};
use end_to_end::component_of;
use gateway::{CallerProof, Config, Gateway};
use host::{AccountQuestion, AccountReply, BillingAccounts, HostBuilder, Lane, NoAccountAnswer, ProcessedCallback};
use outbound::{BillingClient, BillingOptions};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::billing_stand_in::Billing;
use crate::payment_system::closed_port;
use crate::server::{Server, config, host, key, listen, payment, publish, store_checked};
use crate::swap::{KEY, made_up};

const TOKEN_OF_BILLING: &str = "token-that-billing-knows";
/// Results of ОСМП: done, come again, no such account, an account that takes no payments, less than the least, more than the most.
const DONE: &str = "0";
const TEMPORARY: &str = "1";
const UNKNOWN: &str = "5";
const INACTIVE: &str = "79";
const TOO_SMALL: &str = "241";
const TOO_LARGE: &str = "242";
const OTHER: &str = "300";

fn billing_at(url: &str) -> Arc<BillingClient> {
    let options = BillingOptions { url: url.to_owned(), token: Some(TOKEN_OF_BILLING.to_owned().into()), ca_file: None };
    Arc::new(BillingClient::new(&options).unwrap())
}

/// Starts a server with ChronoPay, and terminals that are known by their address.
fn server(change: impl FnOnce(HostBuilder) -> HostBuilder) -> Server {
    let mut server = Server::new();
    let gateway = gateway_on(&server, change);
    server.address = listen(&server.runtime, gateway);
    server
}

fn gateway_on(server: &Server, change: impl FnOnce(HostBuilder) -> HostBuilder) -> Gateway {
    let component = component_of("osmp");
    store_checked(&server.database(), "osmp", &component, &[]);
    publish(&server.database(), "osmp", &component);
    let proof = CallerProof { addresses: vec!["127.0.0.0/8".parse().unwrap()], ..CallerProof::default() };
    let config = Config { callers: [("osmp".parse().unwrap(), proof)].into(), ..config() };
    Gateway::open(change(host(&server.database(), key())), config).unwrap_or_else(|error| panic!("{error}"))
}

fn server_of(billing: &Billing) -> Server {
    server(|host| host.billing_accounts(billing_at(&billing.url())))
}

/// Sends a terminal's request, and returns the reply.
fn send(server: &Server, query: &str) -> String {
    let answer = server.client().get(&format!("/callbacks/osmp?{query}"), "").unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text().to_owned()
}

fn value(reply: &str, name: &str) -> String {
    let (_, rest) = reply.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("{name}: {reply}"));
    rest.split_once('<').unwrap().0.to_owned()
}

/// Returns the result of a payment, and the host's number of it.
fn numbered(reply: &str) -> (String, String) {
    (value(reply, "result"), value(reply, "prv_txn"))
}

fn check(server: &Server, account: &str, sum: &str) -> String {
    value(&send(server, &format!("command=check&txn_id=1&account={account}&sum={sum}&prv_id=5")), "result")
}

/// Pays, and returns the reply.
fn pay(server: &Server, number: usize, account: &str, sum: &str) -> String {
    send(server, &format!("command=pay&txn_id={number}&txn_date=20261120100005&account={account}&sum={sum}&prv_id=5"))
}

fn paid(server: &Server, number: usize, account: &str, sum: &str) -> String {
    value(&pay(server, number, account, sum), "result")
}

fn entries(server: &Server) -> Vec<Value> {
    server.get("/api/v1/entries").1["entries"].as_array().unwrap().clone()
}

fn nothing_is_stored(server: &Server) {
    assert_eq!(entries(server), Vec::<Value>::new());
    for path in ["/api/v1/unmatched", "/api/v1/unrecognized"] {
        assert_eq!(server.get(path).1["total"], 0, "{path}");
    }
}

/// Waits until so many refusals of terminals are stored, by their codes.
fn wait_for_refusals(server: &Server, want: &[(&str, i64)]) {
    loop {
        let database = Connection::open(server.database()).unwrap();
        let sql = "SELECT code, sum(count) FROM refusals WHERE provider = 'osmp' GROUP BY code ORDER BY code";
        let mut rows = database.prepare(sql).unwrap();
        let rows = rows.query_map((), |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))).unwrap();
        let rows: Vec<_> = rows.map(Result::unwrap).collect();
        let count = |rows: &mut dyn Iterator<Item = i64>| rows.sum::<i64>();
        if count(&mut rows.iter().map(|(_, count)| *count)) >= count(&mut want.iter().map(|(_, count)| *count)) {
            assert_eq!(rows.iter().map(|(code, count)| (code.as_str(), *count)).collect::<Vec<_>>(), want);
            return;
        }
        std::thread::yield_now();
    }
}

fn metric(server: &Server, line: &str) -> Option<u64> {
    let metrics = server.client().get("/metrics", "").unwrap();
    metrics.text().lines().find_map(|text| text.strip_prefix(line)?.trim().parse().ok())
}

#[test]
fn payer_is_told_what_billing_knows() {
    let billing = Billing::start();
    let server = server_of(&billing);
    let money = |minor_units: i64| json!({"minor_units": minor_units, "currency": "RUB"});
    let known = json!({"number": "100500", "holder": "Петров П. П.", "address": "Москва", "balance": money(-5_005), "due": money(60_000)});
    billing.set_account("100500", known);
    billing.close_account("100501");
    billing.take_at_most(1_000_000);
    let shown = send(&server, "command=check&txn_id=1&account=100500&sum=10.45&prv_id=5");
    assert_eq!(value(&shown, "result"), DONE);
    for field in ["FIO\">Петров П. П.<", "address\">Москва<", "balance\">-50.05<", "rec_sum\">600.00<"] {
        assert!(shown.contains(field), "{field}: {shown}");
    }
    let (token, question) = billing.questions().remove(0);
    assert_eq!(token.as_deref(), Some("Bearer token-that-billing-knows"));
    let expect = json!({"purpose": "check", "provider": "osmp", "account": "100500", "amount": money(1_045), "fields": {"service": "5"}});
    assert_eq!(question, expect);
    assert_eq!(check(&server, "100500", "0.00"), DONE);
    assert!(billing.questions()[1].1.get("amount").is_none());
    assert_eq!(check(&server, "100500", "10000.01"), TOO_LARGE, "more than billing takes");
    assert_eq!(
        (check(&server, "100501", "10.45"), check(&server, "100502", "10.45")),
        (INACTIVE.to_owned(), UNKNOWN.to_owned())
    );
    // The ledger is not asked instead.
    assert_eq!(server.put("/api/v1/accounts/100502", &json!({"name": "Иванов", "kind": "individual"})).0, 200);
    assert_eq!(check(&server, "100502", "10.45"), UNKNOWN);
    nothing_is_stored(&server);
    assert_eq!(server.get("/api/v1/accounts/100500").0, 404, "a check creates no account");
}

#[test]
fn payment_is_entered_once_billing_agrees() {
    let billing = Billing::start();
    let server = server_of(&billing);
    billing.open_account("100500");
    billing.close_account("100501");
    billing.take_at_most(1_000_000);
    let first = pay(&server, 1, "100500", "10.45");
    assert_eq!(value(&first, "result"), DONE);
    let (_, question) = billing.questions().remove(0);
    assert_eq!((&question["purpose"], &question["amount"]["minor_units"]), (&json!("payment"), &json!(1_045)));
    assert_eq!(question["fields"], json!({"service": "5"}), "a terminal's number is not billing's concern");
    let (_, account) = server.get("/api/v1/accounts/100500");
    assert_eq!((&account["name"], &account["kind"]), (&json!("Петров П. П."), &json!("individual")));
    assert_eq!(server.balance(), 1_045);
    // What billing refuses leaves a line among the refusals, and nothing else.
    for (number, account, sum, result) in
        [(2, "100501", "10.45", INACTIVE), (3, "100502", "10.45", UNKNOWN), (4, "100500", "10000.01", TOO_LARGE)]
    {
        assert_eq!(paid(&server, number, account, sum), result, "{account} {sum}");
    }
    assert_eq!(entries(&server).len(), 1);
    for path in ["/api/v1/unmatched", "/api/v1/unrecognized"] {
        assert_eq!(server.get(path).1["total"], 0, "{path}");
    }
    for account in ["100501", "100502"] {
        assert_eq!(server.get(&format!("/api/v1/accounts/{account}")).0, 404);
    }
    let not_agreed = "harness_callbacks_total{provider=\"osmp\",outcome=\"not-agreed\"}";
    assert_eq!(metric(&server, not_agreed), Some(3));
    wait_for_refusals(&server, &[("account-inactive", 1), ("amount-too-large", 1), ("unknown-account", 1)]);
    // The operator's name stays.
    let renamed = json!({"name": "Петров Пётр Петрович", "kind": "individual"});
    assert_eq!(server.put("/api/v1/accounts/100500", &renamed).0, 200);
    assert_eq!(paid(&server, 5, "100500", "10.45"), DONE);
    assert_eq!(server.get("/api/v1/accounts/100500").1["name"], "Петров Пётр Петрович");
}

/// The payer looked, and the account is closed before the money comes; what was entered before stays so.
#[test]
fn what_was_entered_is_repeated_and_what_is_refused_is_not_entered() {
    let billing = Billing::start();
    let server = server_of(&billing);
    billing.open_account("100500");
    assert_eq!(check(&server, "100500", "10.45"), DONE);
    let first = numbered(&pay(&server, 1, "100500", "10.45"));
    billing.close_account("100500");
    assert_eq!(paid(&server, 2, "100500", "10.45"), INACTIVE, "between the check and the payment");
    let asked = billing.asked();
    assert_eq!(numbered(&pay(&server, 1, "100500", "10.45")), first, "a repetition has the same number");
    billing.answer(500, "text/html", "");
    assert_eq!(numbered(&pay(&server, 1, "100500", "10.45")), first);
    assert_eq!(billing.asked(), asked, "billing is not asked about a repetition");
    assert_eq!((server.balance(), entries(&server).len()), (1_045, 1));
    // A cancellation is none of billing's.
    assert_eq!(value(&send(&server, "command=cancel&txn_id=9&txn_date=20261120100005&cancel_txn_id=1"), "result"), DONE);
    assert_eq!((server.balance(), billing.asked()), (0, asked));
}

#[test]
fn payments_of_one_account_at_once_are_all_entered() {
    const AT_ONCE: usize = 10;
    let billing = Billing::start();
    let server = server_of(&billing);
    billing.open_account("100500");
    // All are under way before the first is answered.
    billing.hold();
    std::thread::scope(|scope| {
        let running: Vec<_> = (1..=AT_ONCE)
            .map(|number| {
                scope.spawn({
                    let server = &server;
                    move || paid(server, number, "100500", "10.45")
                })
            })
            .collect();
        billing.wait_for(AT_ONCE);
        billing.recover();
        running.into_iter().for_each(|payment| assert_eq!(payment.join().unwrap(), DONE));
    });
    assert_eq!((server.balance(), entries(&server).len(), billing.asked()), (10_450, AT_ONCE, AT_ONCE), "without a restart");
}

/// Otherwise billing could refuse the second while the first is entered.
#[test]
fn one_payment_told_often_at_once_is_asked_about_once() {
    const AT_ONCE: usize = 8;
    let billing = Billing::start();
    let server = server_of(&billing);
    billing.open_account("100500");
    billing.hold();
    let ready = Barrier::new(AT_ONCE + 1);
    let mut replies: Vec<(String, String)> = std::thread::scope(|scope| {
        let pay = || {
            ready.wait();
            numbered(&pay(&server, 1, "100500", "10.45"))
        };
        let running: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(pay)).collect();
        ready.wait();
        billing.wait_for(1);
        let called = "harness_provider_calls_total{provider=\"osmp\",function=\"handle-callback\",result=\"ok\"}";
        while metric(&server, called) != Some(AT_ONCE as u64) {
            std::thread::yield_now();
        }
        // All but the first wait for it now, and would be refused if they asked.
        billing.recover();
        running.into_iter().map(|payment| payment.join().unwrap()).collect()
    });
    replies.dedup();
    assert!(replies.len() == 1 && replies[0].0 == DONE, "{replies:?}");
    assert_eq!((server.balance(), entries(&server).len(), billing.asked()), (1_045, 1, 1));
}

/// Whatever is wrong with billing, nobody hears that there is no such account.
#[test]
fn billing_without_an_answer_is_no_refusal() {
    let billing = Billing::start();
    let server = server_of(&billing);
    billing.open_account("100500");
    let (json, none) = ("application/json", r#"{"account": null}"#);
    let other = r#"{"account": {"number": "100501"}}"#;
    let refused = r#"{"account": {"number": "100500", "refusal": {"code": "closed"}}}"#;
    let dollars = r#"{"account": {"number": "100500", "balance": {"minor_units": 1, "currency": "XXY"}}}"#;
    let long = format!(r#"{{"account": {{"number": "100500", "holder": "{}"}}}}"#, "И".repeat(251));
    let endless = " ".repeat((64 << 10) + 1);
    let cases: [(u16, &str, &str); 13] = [
        (404, "text/html", "<h1>Not Found</h1>"),
        (404, json, none),
        (500, json, none),
        (302, json, none),
        (401, json, none),
        (200, "text/html", none),
        (200, json, "{\"account\": nul"),
        (200, json, "{}"),
        (200, json, other),
        (200, json, refused),
        (200, json, dollars),
        (200, json, &long),
        (200, json, &endless),
    ];
    for (at, (status, content_type, body)) in cases.into_iter().enumerate() {
        billing.answer(status, content_type, body);
        assert_eq!(check(&server, "100500", "10.45"), TEMPORARY, "{status} {content_type} {body}");
        assert_eq!(paid(&server, at + 1, "100500", "10.45"), TEMPORARY, "{status} {content_type} {body}");
    }
    nothing_is_stored(&server);
    let count = cases.len() as u64;
    for purpose in ["check", "payment"] {
        let line = format!("harness_billing_questions_total{{purpose=\"{purpose}\",result=\"unknown\"}}");
        assert_eq!(metric(&server, &line), Some(count), "{purpose}");
    }
    let (_, calls) = server.get("/api/v1/calls");
    let shown = ["host", "answered", "not_sent", "unknown"].map(|name| &calls["billing"][name]);
    assert_eq!(json!(shown), json!([billing.host(), 0, 0, 2 * count]), "{calls}");
    assert!(calls["billing"]["failure"]["message"].as_str().unwrap().contains("longer than the 65536 bytes"), "{calls}");
    // It recovers, and the same payment comes again.
    billing.recover();
    assert_eq!((check(&server, "100500", "10.45"), paid(&server, 1, "100500", "10.45")), (DONE.to_owned(), DONE.to_owned()));
    assert_eq!(server.balance(), 1_045);
    let page = server.log_in().get("/operator/calls");
    assert!(page.contains(&format!("спрашивает биллинг: <b>{}</b>", billing.host())), "{page}");
    assert!(page.contains(">биллинг</td>") && !page.contains(TOKEN_OF_BILLING), "{page}");
}

#[test]
fn billing_that_is_down_is_no_refusal() {
    let server = server(|host| host.billing_accounts(billing_at(&format!("http://127.0.0.1:{}/", closed_port()))));
    assert_eq!(
        (check(&server, "100500", "10.45"), paid(&server, 1, "100500", "10.45")),
        (TEMPORARY.to_owned(), TEMPORARY.to_owned())
    );
    nothing_is_stored(&server);
    let (_, calls) = server.get("/api/v1/calls");
    assert_eq!((&calls["billing"]["not_sent"], &calls["billing"]["unknown"]), (&json!(2), &json!(0)), "{calls}");
}

/// Billing takes no thread while it is waited for, and is waited for 3 s.
#[test]
fn billing_that_hangs_holds_nobody_else() {
    const WAITING: usize = 64;
    let billing = Billing::start();
    let server = server_of(&billing);
    let order = server.order();
    billing.open_account("100500");
    billing.hold();
    std::thread::scope(|scope| {
        let running: Vec<_> = (1..=WAITING)
            .map(|number| {
                scope.spawn({
                    let server = &server;
                    move || paid(server, number, "100500", "10.45")
                })
            })
            .collect();
        // So many are asked at once.
        billing.wait_for(32);
        assert_eq!(server.callback(&payment(&order, "1")).0, 200);
        assert!(!running.iter().any(std::thread::ScopedJoinHandle::is_finished), "ChronoPay's callback waited for billing");
        running.into_iter().for_each(|payment| assert_eq!(payment.join().unwrap(), TEMPORARY));
    });
    assert_eq!((server.balance(), entries(&server).len()), (10_000, 1), "only ChronoPay's payment is entered");
    let (_, calls) = server.get("/api/v1/calls");
    let failure = calls["billing"]["failure"]["message"].as_str().unwrap();
    assert!(failure.starts_with("the call took longer than its 3 s"), "{calls}");
}

#[test]
fn without_billing_the_ledger_answers() {
    let server = server(|host| host);
    assert_eq!(
        (check(&server, "100500", "10.45"), paid(&server, 1, "100500", "10.45")),
        (UNKNOWN.to_owned(), UNKNOWN.to_owned())
    );
    assert_eq!(server.put("/api/v1/accounts/100500", &json!({"name": "Иванов Иван", "kind": "individual"})).0, 200);
    assert_eq!((check(&server, "100500", "10.45"), paid(&server, 1, "100500", "10.45")), (DONE.to_owned(), DONE.to_owned()));
    assert!(server.get("/api/v1/calls").1["billing"].is_null());
    assert!(!server.log_in().get("/operator/calls").contains("спрашивает биллинг"));
}

/// Tells of a top-up that has happened, and returns the status and the reply.
fn tell(server: &Server, payment: &str, account: &str) -> (u16, String) {
    let signed = format!("{KEY}top-up{payment}100500100.00;{account};RUB;17");
    let sign = end_to_end::md5_hex(&[signed.as_bytes()]);
    let body =
        format!("type=top-up&payment={payment}&payer=100500&amount=100.00&order={account}&currency=RUB&shop=17&sign={sign}");
    let mut answer = server.agent.post(server.url("/callbacks/made-up/pay")).send(body).unwrap();
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

/// What happened is entered where billing has the account, whether or not billing would take the payment.
#[test]
fn what_happened_is_entered_if_billing_knows_the_account() {
    let billing = Billing::start();
    let server = server_of(&billing);
    assert_eq!(server.swap("made-up", &made_up("tells-top-ups"), "").0, 200);
    let (status, said) = server.put("/api/v1/providers/made-up/settings", &json!({"shop": "17", "key": KEY}));
    assert_eq!(status, 204, "{said}");
    billing.hold();
    assert_eq!(tell(&server, "10000001", "100500"), (200, "NO unavailable".to_owned()), "billing does not answer");
    nothing_is_stored(&server);
    billing.recover();
    billing.close_account("100500");
    let (status, reply) = tell(&server, "10000001", "100500");
    assert!(status == 200 && reply.starts_with("OK "), "{status} {reply}");
    assert_eq!((server.balance(), billing.questions().pop().unwrap().1["purpose"].clone()), (10_000, json!("payment")));
    assert_eq!(server.get("/api/v1/accounts/100500").1["name"], "100500", "billing does not show its holder");
    let asked = billing.asked();
    // The ledger has the account now.
    assert!(tell(&server, "10000002", "100500").1.starts_with("OK "));
    assert_eq!(billing.asked(), asked);
    assert_eq!(tell(&server, "10000003", "100777"), (200, "KEPT".to_owned()), "it waits for an operator");
    let (_, unmatched) = server.get("/api/v1/unmatched");
    assert_eq!(
        (&unmatched["total"], &unmatched["unmatched"][0]["reason"]),
        (&json!(1), &json!("unknown-account")),
        "{unmatched}"
    );
    assert_eq!(server.balance(), 20_000);
}

/// The document says what is asked and understood.
#[test]
fn document_for_billing_describes_what_is_asked_and_answered() {
    let billing = Billing::start();
    let server = server_of(&billing);
    let document = server.client().get("/api/billing-openapi.json", "").unwrap();
    assert_eq!(document.status, 200, "without a token");
    let document = document.json();
    let schema = |name: &str| document["components"]["schemas"][name].clone();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let required = |name: &str| {
        let mut required: Vec<String> = serde_json::from_value(schema(name)["required"].clone()).unwrap_or_default();
        required.sort_unstable();
        required
    };
    // The example of an account, with a refusal of every code, is an answer that is understood.
    let example = schema("BillingAccount")["example"].clone();
    assert_eq!(names(&example), names(&schema("BillingAccount")["properties"]));
    billing.set_account("100500", example.clone());
    assert_eq!(check(&server, "100500", "10.45"), DONE);
    let codes = schema("RefusalCode")["enum"].as_array().cloned().unwrap_or_else(|| {
        let one_of = schema("RefusalCode")["oneOf"].as_array().unwrap().clone();
        one_of.into_iter().map(|one| one["enum"][0].clone()).collect()
    });
    let all = ["account-inactive", "amount-out-of-range", "amount-too-small", "amount-too-large", "forbidden"];
    assert_eq!(codes, all);
    for code in codes {
        let mut account = example.clone();
        account["refusal"] = json!({"code": code, "message": "No.", "translations": {"ru": "Нет."}});
        assert_eq!(names(&account["refusal"]), names(&schema("AccountRefusal")["properties"]));
        billing.set_account("100500", account);
        assert!(![DONE, TEMPORARY, UNKNOWN].contains(&check(&server, "100500", "10.45").as_str()), "{code}");
    }
    // With the least.
    assert_eq!((required("BillingAccount"), required("AccountRefusal")), (vec!["number".to_owned()], vec!["code".to_owned()]));
    assert_eq!(required("AccountAnswer"), ["account"]);
    billing.set_account("100500", json!({"number": "100500"}));
    assert_eq!(check(&server, "100500", "10.45"), DONE);
    // What is asked.
    let (_, question) = billing.questions().pop().unwrap();
    assert_eq!(names(&question), names(&schema("AccountQuestion")["properties"]));
    assert_eq!(names(&schema("AccountQuestion")["example"]), names(&question));
    assert_eq!(required("AccountQuestion"), ["account", "fields", "provider", "purpose"]);
}

/// What the operator lets payers pay holds at terminals too, with billing's agreement or without.
#[test]
fn operator_limits_and_pauses_terminals() {
    let server = server(|host| host);
    assert_eq!(server.put("/api/v1/accounts/100500", &json!({"name": "Иванов И. И.", "kind": "individual"})).0, 200);
    let limits =
        json!({"smallest": {"minor_units": 2_000, "currency": "RUB"}, "largest": {"minor_units": 100_000, "currency": "RUB"}});
    let (status, said) = server.put("/api/v1/providers/osmp/limits", &limits);
    assert!(status < 300, "{status} {said}");
    for (sum, result) in [("19.99", TOO_SMALL), ("20.00", DONE), ("1000.00", DONE), ("1000.01", TOO_LARGE)] {
        assert_eq!(check(&server, "100500", sum), result, "{sum}");
    }
    assert_eq!(
        (paid(&server, 1, "100500", "19.99"), paid(&server, 2, "100500", "1000.01")),
        (TOO_SMALL.to_owned(), TOO_LARGE.to_owned())
    );
    assert_eq!((paid(&server, 3, "100500", "20.00"), server.balance()), (DONE.to_owned(), 2_000));
    assert_eq!(server.post("/api/v1/providers/osmp/pause", &json!({})).0, 204);
    assert_eq!((check(&server, "100500", "20.00"), paid(&server, 4, "100500", "20.00")), ("7".to_owned(), "7".to_owned()));
    assert_eq!(paid(&server, 3, "100500", "20.00"), DONE, "what is entered stays so");
    assert_eq!(server.balance(), 2_000);
    // A refused check is counted as a refused payment is.
    wait_for_refusals(&server, &[("amount-too-large", 2), ("amount-too-small", 2), ("forbidden", 2)]);
}

/// One number with another sum or for another account is refused, and an operator sees both. With another time it is the payment
/// again.
#[test]
fn operator_sees_payments_of_one_number_that_differ() {
    let server = server(|host| host);
    for account in ["100500", "100501"] {
        let body = json!({"name": "Иванов И. И.", "kind": "individual"});
        assert_eq!(server.put(&format!("/api/v1/accounts/{account}"), &body).0, 200);
    }
    assert_eq!(paid(&server, 1, "100500", "20.00"), DONE);
    let later = "command=pay&txn_id=1&txn_date=20261121100005&account=100500&sum=20.00";
    assert_eq!(value(&send(&server, later), "result"), DONE);
    let cancel = |own: usize| send(&server, &format!("command=cancel&txn_id={own}&cancel_txn_id=2"));
    assert_eq!(paid(&server, 2, "100500", "10.00"), DONE);
    assert_eq!([value(&cancel(8), "result"), value(&cancel(9), "result")], [DONE, DONE]);
    assert_eq!(server.get("/api/v1/contradictions").1["total"], 0);
    for (account, sum) in [("100500", "20.01"), ("100501", "20.00"), ("100501", "20.00")] {
        assert_eq!(paid(&server, 1, account, sum), OTHER, "{account} {sum}");
    }
    let shown = server.get("/api/v1/contradictions").1;
    assert_eq!(shown["total"], 2, "{shown}");
    let told = |at: usize, which: &str| {
        let callback = &shown["contradictions"][at][which]["callback"];
        callback["query"].as_str().unwrap_or_default().to_owned()
    };
    assert!(told(0, "first").contains("sum=20.00") && told(0, "repeated").contains("sum=20.01"), "{shown}");
    assert!(told(1, "first").contains("account=100500") && told(1, "repeated").contains("account=100501"), "{shown}");
    assert_eq!((server.balance(), entries(&server).len()), (2_000, 3));
    assert!(server.log_in().get("/operator/unmatched").contains("противоречат первым"));
}

/// A terminal may tell of a payment on a later day than it was paid.
#[test]
fn the_day_at_the_terminal_is_told_beside_that_of_the_entry() {
    let server = server(|host| host);
    let order = server.order();
    assert_eq!(server.callback(&payment(&order, "1")).0, 200);
    let late = "command=pay&txn_id=1&txn_date=20201128235900&account=100500&sum=20.00";
    assert_eq!(value(&send(&server, late), "result"), DONE);
    let entries = entries(&server);
    assert_eq!(entries[1]["occurred_at"], "2020-11-28T23:59:00+03:00", "{entries:?}");
    assert!(entries[0].as_object().unwrap().contains_key("occurred_at"), "{entries:?}");
    let session = server.log_in();
    let (page, csv) = (session.get("/operator/statistics"), session.get("/operator/statistics.csv"));
    assert_eq!(page.matches("в платёжной системе 28.11.2020 23:59:00").count(), 1, "{page}");
    assert_eq!(page.matches("в платёжной системе ").count(), 1, "the other one is of the same day, or unknown: {page}");
    let rows: Vec<&str> = csv.lines().collect();
    assert!(rows[0].ends_with("\"Время в платёжной системе\""), "{csv}");
    assert!(rows.iter().any(|row| row.ends_with("\"28.11.2020 23:59:00\"")), "{csv}");
}

/// A billing that does not answer: its first question when a test wants it, and the others at once.
struct Unanswering {
    first: Mutex<Option<Sender<AccountReply>>>,
    asked: Arc<AtomicUsize>,
}

impl BillingAccounts for Unanswering {
    fn find(&self, _: AccountQuestion, then: AccountReply) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.first.lock().unwrap().take() {
            Some(first) => first.send(then).unwrap(),
            None => then(no_answer()),
        }
    }
}

fn no_answer() -> Result<Option<AccountState>, NoAccountAnswer> {
    Err(NoAccountAnswer { reason: "a test".to_owned(), is_sent: true })
}

/// Repetitions of a payment wait for each other. One whose terminal has hung up does not have the others wait for billing once more.
#[test]
fn billing_is_not_asked_for_a_terminal_that_hung_up() {
    let server = Server::new();
    let ((question, first), asked) = (channel(), Arc::new(AtomicUsize::new(0)));
    let billing = Unanswering { first: Mutex::new(Some(question)), asked: asked.clone() };
    let gateway = gateway_on(&server, |host| host.billing_accounts(Arc::new(billing)));
    let (host, terminal) = (gateway.host().clone(), Arc::new(()));
    let (sender, processed) = channel();
    let pay = |number: usize, caller: Weak<()>| {
        let sender = sender.clone();
        let pay = "command=pay&txn_id=1&txn_date=20261120100005&account=100500&sum=20.00&prv_id=5";
        let request = CallbackRequest::get(pay);
        let done = move |ended: ProcessedCallback| {
            drop(ended.finish());
            sender.send(number).unwrap();
        };
        host.submit_callback(&"osmp".parse().unwrap(), Lane::Main, request, caller, done).unwrap();
    };
    pay(1, Arc::downgrade(&terminal));
    let first = first.recv().unwrap();
    pay(2, Weak::new());
    pay(3, Weak::new());
    first(no_answer());
    let mut ended: Vec<usize> = (0..3).map(|_| processed.recv().unwrap()).collect();
    ended.sort_unstable();
    assert_eq!((ended, asked.load(Ordering::Relaxed)), (vec![1, 2, 3], 1), "nobody waits for what billing would say");
    pay(4, Arc::downgrade(&terminal));
    assert_eq!((processed.recv().unwrap(), asked.load(Ordering::Relaxed)), (4, 2));
}
