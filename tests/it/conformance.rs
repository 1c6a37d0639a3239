//! Whether the conformance checks find the faults that they are meant for. Each faulty provider is made from the same component
//! by writing the name of a fault over a marker in its bytes.

use std::sync::OnceLock;

use conformance::{Answers, Effort, Expected, Outcome, Report, Vectors, check, check_provider};
use end_to_end::guest::Guest;
use end_to_end::{component, component_of, component_path, md5_hex, provider, sandbox};
use sandbox::Limits;
use serde_json::{Value, json};

const MARKER: &[u8; 32] = b"fault:none......................";
const KEY: &str = "faulty-test-key-001";
const SEED: u64 = 7;
/// Where Faulty is called.
const API: &str = "https://api.faulty.example";

/// Returns the component with a fault.
fn faulty(fault: &str) -> Vec<u8> {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    let component = COMPONENT.get_or_init(|| {
        let path = component_path().with_file_name("faulty.wasm");
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; make it with `cargo xtask build`", path.display()))
    });
    let places: Vec<usize> =
        component.windows(MARKER.len()).enumerate().filter(|(_, bytes)| bytes == MARKER).map(|(at, _)| at).collect();
    assert_eq!(places.len(), 1, "the component must contain the marker exactly once");
    let mut component = component.clone();
    let marker = format!("{:.<32}", format!("fault:{fault}"));
    component[places[0]..][..MARKER.len()].copy_from_slice(marker.as_bytes());
    component
}

/// Returns a callback of the made-up payment system, signed by a formula from which the fault may have removed a part.
fn signed(fault: &str, kind: &str, payment: &str, amount: &str, order: &str) -> String {
    let (payer, currency, shop) = ("100500", "RUB", "17");
    let part = |name: &str, value: &str| if fault == format!("unsigned-{name}") { String::new() } else { value.to_owned() };
    let parts = [
        KEY.to_owned(),
        part("type", kind),
        payment.to_owned(),
        part("payer", payer),
        part("amount", amount),
        format!(";{}", part("order", order)),
        format!(";{};{shop}", part("currency", currency)),
    ];
    let sign = md5_hex(&parts.each_ref().map(|part| part.as_bytes()));
    format!(
        "type={kind}&payment={payment}&payer={payer}&amount={amount}&order={order}&currency={currency}&shop={shop}\
         &time=2026-10-31&sign={sign}"
    )
}

fn vectors(fault: &str) -> Vectors {
    let sample = |kind: &str, payment: &str, amount: &str, minor_units: i64, order: &str| {
        json!({
            "name": kind,
            "request": {"method": "POST", "body": signed(fault, kind, payment, amount, order)},
            "verdict": "happened",
            "event": {
                "kind": kind, "transaction": payment, "order": order,
                "amount": {"minor_units": minor_units, "currency": "RUB"},
            },
        })
    };
    let mut second = sample("payment", "20000002", "250.50", 25_050, "43");
    second["name"] = "second payment".into();
    let forged = signed("", "payment", "10000009", "100.00", "42").replace("amount=100.00", "amount=900.00");
    let forged = json!({
        "name": "forged", "request": {"method": "POST", "body": forged}, "verdict": "refused", "code": "signature-mismatch",
    });
    let unknown =
        signed(fault, "lottery payment", "10000006", "10.00", "46").replace("type=lottery payment", "type=lottery+payment");
    let unknown = json!({
        "name": "unknown payment", "request": {"method": "POST", "body": unknown}, "verdict": "unresolved", "code": "unknown-type",
    });
    // Genuine, but a GET has its fields in the query: here they are in the body, and describe a payment that no other sample
    // has.
    let misplaced = signed(fault, "payment", "10000005", "77.00", "45");
    let misplaced = json!({"name": "misplaced", "request": {"method": "GET", "body": misplaced}, "verdict": "refused"});
    // Answered if the order is known, whatever it is; without an answer it cannot be judged.
    let check = signed(fault, "check", "10000008", "100.00", "42");
    let known = json!({"amount": {"minor_units": 10_000, "currency": "RUB"}});
    let checked = |name: &str, verdict: &str, answers: serde_json::Value| json!({"name": name, "request": {"method": "POST", "body": check}, "verdict": verdict, "answers": answers});
    let forged_check = signed("", "check", "10000008", "100.00", "42").replace("payment=10000008", "payment=10000007");
    let forged_check =
        json!({"name": "forged check", "request": {"method": "POST", "body": forged_check}, "verdict": "refused"});
    // By a field that no signature covers, where the fault believes it.
    let body = signed(fault, "hold", "10000004", "300.00", "44").replace("time=2026-10-31", "time=cancelled");
    let kind = if fault.ends_with("-outcome") { "hold_release" } else { "hold" };
    let cancelled = json!({
        "name": "hold, cancelled", "request": {"method": "POST", "body": body}, "verdict": "happened",
        "event": {"kind": kind, "transaction": "10000004", "order": "44"},
    });
    let bundle = json!({
        "name": "bundle", "request": {"method": "POST", "body": signed(fault, "bundle", "10000014", "70.00", "48")},
        "verdict": "happened", "events": [{"kind": "payment", "order": "48"}, {"kind": "refund", "transaction": "10000014"}],
    });
    // Two states of one order: the same question has another answer.
    let settled = |name: &str, payment: &str, order: Value, kind: &str| {
        json!({
            "name": name, "request": {"method": "POST", "body": signed(fault, "settled", payment, "60.00", "47")},
            "answers": [{"order": "47", "is": order}], "verdict": "happened", "event": {"kind": kind, "order": "47"},
        })
    };
    let hint = json!({
        "name": "hint", "request": {"method": "POST", "body": signed(fault, "hint", "10000015", "100.00", "49")},
        "answers": [{"call": format!("GET {API}/payments?shop=17&order=49"), "is": {"body": said("paid", "49", "100.00")}}],
        "verdict": "happened", "event": {"kind": "payment", "transaction": "10000001", "order": "49"},
    });
    let callbacks = json!([
        checked("check", "answered", json!([{"order": "42", "is": known}])),
        checked("check of no order", "answered", json!([{"order": "43", "is": known}, {"order": "42", "is": null}])),
        checked("check without an answer", "unavailable", json!([{"order": "43", "is": known}])),
        forged_check,
        sample("payment", "10000001", "100.00", 10_000, "42"),
        second,
        json!({
            "name": "top-up", "request": {"method": "POST", "body": signed(fault, "top-up", "10000011", "50.00", "100500")},
            "verdict": "wanted", "event": {"kind": "payment", "account": "100500"},
        }),
        sample("refund", "10000003", "100.00", 10_000, "42"),
        sample("hold", "10000004", "300.00", 30_000, "44"),
        cancelled,
        bundle,
        settled("settled", "10000012", json!({"amount": known["amount"]}), "payment"),
        settled("settled once paid", "10000013", json!({"amount": known["amount"], "paid": true}), "refund"),
        hint,
        forged,
        unknown,
        misplaced,
    ]);
    let settings = json!({"shop": "17", "key": KEY});
    let vectors = json!({
        "settings": settings, "order-is-signed": true, "callbacks": callbacks, "operations": operations(),
    });
    Vectors::from_json(vectors.to_string().as_bytes()).unwrap()
}

/// Returns an answer of the payment system about a payment and its refund.
fn said(state: &str, order: &str, amount: &str) -> String {
    format!("state={state}&payment=10000001&payer=100001&refund=20000001&order={order}&amount={amount}&end=1")
}

/// Returns a sample of each function of each ability, and of some functions two orders'.
fn operations() -> Value {
    let rub = |minor_units: i64| json!({"minor_units": minor_units, "currency": "RUB"});
    let payment = |order: &str| {
        json!({
            "order": {"id": order, "amount": rub(10_000)},
            "movement": {"kind": "payment", "transaction": "10000001", "order": order, "payer": "100001", "amount": rub(10_000)},
        })
    };
    let url = API;
    let answer = |line: String, body: String| json!([{"call": line, "is": {"body": body}}]);
    let status = |state: &str, order: &str, events: Value| {
        json!({
            "name": format!("status of {order}: {state}"), "function": "query-payment", "input": {"payment": payment(order)},
            "answers": answer(format!("GET {url}/payments?shop=17&order={order}"), said(state, order, "100.00")),
            "expect": {"result": "done", "events": events, "ask_again": 300},
        })
    };
    let refund = |order: &str| json!({"id": "r-1", "payment": payment(order), "amount": rub(10_000), "full": true});
    let mut asked = refund("42");
    asked["reference"] = "20000001".into();
    // Only a fault has links made by calls.
    let link = |order: &str| {
        json!({
            "name": format!("link of {order}"), "function": "create-link", "expect": {"result": "done"},
            "input": {"id": order, "account": "100500", "amount": rub(10_000)},
            "answers": answer(format!("POST {url}/orders"), said("new", order, "100.00")),
        })
    };
    let charge = json!({"payment": payment("42"), "order": {"id": "77", "account": "100500", "amount": rub(10_000)}});
    let refunded = json!({"result": "succeeded", "event": {"kind": "refund", "amount": rub(10_000)}});
    let charged = json!({"result": "succeeded", "event": {"kind": "payment", "order": "77"}});
    let row = "payment;10000001;42;100.00;3.00;97.00;2026-10-31";
    let total = "total;1;100.00;3.00;97.00";
    json!([
        link("61"),
        link("62"),
        status("paid", "42", json!([{"kind": "payment", "order": "42", "amount": rub(10_000)}])),
        status("refunded", "43", json!([{"kind": "payment"}, {"kind": "refund", "original": "10000001"}])),
        status("none", "44", json!([])),
        {
            "name": "refund", "function": "refund-payment", "input": refund("42"), "expect": refunded,
            "answers": answer(format!("POST {url}/refunds"), said("done", "42", "100.00")),
        },
        {
            "name": "refund that goes on", "function": "refund-payment", "input": refund("43"),
            "answers": answer(format!("POST {url}/refunds"), said("pending", "43", "100.00")),
            "expect": {"result": "pending", "ask_again": 60, "reference": "20000001"},
        },
        {
            "name": "question about a refund", "function": "query-refund", "input": asked, "expect": refunded,
            "answers": answer(format!("GET {url}/refunds?shop=17&id=r-1&reference=20000001"), said("done", "42", "100.00")),
        },
        {
            "name": "charge", "function": "charge-again", "input": charge, "expect": charged,
            "answers": answer(format!("POST {url}/charges"), said("done", "77", "100.00")),
        },
        {
            "name": "question about a charge", "function": "query-charge", "input": charge, "expect": charged,
            "answers": answer(format!("GET {url}/charges?shop=17&order=77&reference="), said("done", "77", "100.00")),
        },
        {
            "name": "end", "function": "cancel-recurring", "input": {"payment": payment("42")}, "expect": {"result": "cancelled"},
            "answers": answer(format!("POST {url}/subscriptions/end"), "state=done&end=1".to_owned()),
        },
        {
            "name": "page", "function": "fetch-report", "input": {"format": "lines", "day": "2026-10-31"},
            "answers": answer(format!("GET {url}/reports?shop=17&day=2026-10-31&page=1"), format!("{row}\nnext;2\n")),
            "expect": {"result": "done", "rows": [{"kind": "payment", "transaction": "10000001"}], "next": "2"},
        },
        {
            "name": "file", "function": "read-report", "input": {"format": "lines", "file": format!("{row}\n{total}\n")},
            "expect": {"result": "done", "rows": [{"gross": rub(10_000), "fee": rub(300)}]},
        },
    ])
}

fn report(fault: &str, effort: Effort) -> Report {
    check(sandbox(), &faulty(fault), Limits::default(), Some(&vectors(fault)), effort, SEED)
}

#[test]
fn provider_without_links_passes_every_other_check() {
    let mut vectors = vectors("no-links");
    vectors.operations.retain(|sample| sample.function.function() != "create-link");
    let report = check(sandbox(), &faulty("no-links"), Limits::default(), Some(&vectors), Effort::Quick, SEED);
    assert!(report.passes(), "{report}");
    for check in &report.checks {
        let is_passed = matches!(check.outcome, Outcome::Passed { cases } if cases > 0);
        let is_skipped = matches!(check.outcome, Outcome::NotApplicable { .. });
        assert!(if check.name == "links" { is_skipped } else { is_passed }, "{report}");
    }
}

/// Returns the names of the failing checks.
fn failing(report: &Report) -> Vec<&'static str> {
    let fails = report.checks.iter().filter(|check| matches!(check.outcome, Outcome::Failed { .. }));
    fails.map(|check| check.name).collect()
}

#[test]
fn faultless_provider_passes_every_check() {
    for effort in [Effort::Full, Effort::Quick] {
        let report = report("none", effort);
        assert!(report.passes(), "{report}");
        assert!(report.checks.iter().all(|check| matches!(check.outcome, Outcome::Passed { cases } if cases > 0)), "{report}");
    }
}

/// A fault, the checks that must fail, and a part of the first one's findings.
type Fault = (&'static str, &'static [&'static str], &'static str);

const FAULTS: [Fault; 90] = [
    ("default-of-no-flag", &["description"], "the default of test is \"yes\""),
    ("another-default", &["description"], "entered as their defaults the answers are others"),
    ("unknown-taken", &["settings"], "configure takes an unknown setting"),
    ("repeated-taken", &["settings"], "entered twice"),
    ("any-choice-taken", &["settings"], "configure takes currency = \"no-such-choice\""),
    ("short-secret-taken", &["settings"], "configure takes key = \"x\""),
    ("problem-without-field", &["settings"], "of the field"),
    ("first-problem-only", &["settings"], "nothing at all must say setting-missing of the field key"),
    ("wrong-amount", &["samples"], "amount is {\"currency\":\"RUB\",\"minor_units\":10001}"),
    ("calls-counted", &["determinism"], "in a warm instance, after other calls"),
    ("asks-differently", &["determinism"], "asks about \"again\""),
    ("asks-before-proof", &["questions", "samples"], "what nobody signed asks about the order"),
    ("moved-boundary", &["mutations"], "\"payment\""),
    ("second-event-unsigned", &["mutations"], "of its event 2: its comment was"),
    ("unsigned-amount", &["mutations", "questions"], "its amount was 10000 RUB"),
    ("unsigned-payer", &["mutations"], "its payer was 100500"),
    ("unsigned-order", &["mutations", "proved", "questions"], "its order was 42"),
    ("unsigned-sum", &["mutations"], "the field \"sum\" is added as"),
    // Who declares that a field is not signed may let it decide what became of the money, and not how much it is.
    ("declared-sum", &["mutations"], "its order was 42"),
    ("unsigned-outcome", &["mutations"], "its kind was HoldRelease and is Hold"),
    ("declared-not-required", &["description"], "`unsigned-callback-fields` has time, and `required-callback-fields` has not"),
    ("unavailable-after-outcomes", &["replies"], "whose event is unavailable: it must return `answered` with a reply that has"),
    ("last-wins", &["mutations"], "is doubled"),
    ("query-wins", &["mutations"], "in the query and genuine in the body"),
    ("unsigned-type", &["refunds", "mutations", "questions"], "and is Payment"),
    ("forgeries-ignored", &["mutations", "samples"], "a damaged callback is refused"),
    (
        "unsigned-currency",
        &["proved"],
        "another value of currency: is refused, currency: It is in another currency. (currency-mismatch)",
    ),
    ("caller-verifies", &["proved"], "\"forged\" is refused as signature-mismatch, though `callback-proof` says `caller`"),
    ("foreign-time-refused", &["proved"], "a value that is not UTF-8 of time: it is refused"),
    ("doubled-time-refused", &["proved"], "a second value of time: it is refused"),
    ("reply-redirects", &["samples", "mutations", "questions", "limits"], "reply status is not 200 to 299 or 400 to 599"),
    ("reply-sets-cookie", &["samples", "mutations", "questions", "limits"], "reply has a header that is neither x-"),
    ("reply-has-location", &["samples", "mutations", "questions", "limits"], "reply has a header that is neither x-"),
    ("reply-is-page", &["samples", "mutations", "questions", "limits"], "reply has a header that is neither x-"),
    ("unknown-ignored", &["samples"], "\"unknown payment\" is ignored"),
    ("panic-at-nul", &["any-input", "mutations", "questions"], "the provider crashed in asking.handle-callback"),
    ("endless-at-percent", &["any-input"], "units of fuel"),
    ("empty-taken", &["any-input", "mutations", "refunds", "samples", "questions"], "what nobody signed is accepted"),
    (
        "code-with-spaces",
        &["any-input", "links"],
        "breaks the contract in asking.create-link: a problem's code is not kebab-case",
    ),
    ("overflow", &["any-input", "links"], "the provider crashed in asking.create-link"),
    ("amount-cut", &["links"], "\"amount\" is \"0\" for an order of 1 minor units"),
    ("amount-as-float", &["links"], "\"amount\" is"),
    ("large-amounts-in-kopecks", &["links"], "\"amount\" is \"1000000\" for an order of 1000000"),
    ("other-url", &["links"], "only in the url amount=0100.00"),
    ("same-link", &["links"], "have the same link"),
    ("zero-taken", &["links"], "an order of 0 minor units gets a link"),
    ("foreign-currency-taken", &["links"], "gets a link"),
    ("accepts-without-memory", &["limits"], "has another answer"),
    ("refuses-without-memory", &["limits"], "has another answer"),
    ("totals-off-by-one", &["exports"], "the totals are"),
    ("row-left-out", &["exports"], "enterprise-data-1.17: "),
    ("row-not-named", &["exports"], "without its row and field"),
    ("bad-day-taken", &["exports"], "a day that does not exist in row"),
    ("secret-in-problem", &["secrets"], "the secret key stands in a problem of configure"),
    ("cut-secret-in-problem", &["secrets"], "the secret key stands in a problem of configure, in part"),
    ("secret-in-refusal", &["secrets"], "the secret key stands in the result of a refund or a charge"),
    ("mistyped-secret-shown", &["secrets"], "a problem of configure with a mistyped secret"),
    ("secret-in-link", &["secrets"], "the secret key stands in a link, in hexadecimal"),
    ("refund-always", &["operations"], "the result is succeeded, and each of its calls is `always` repeatable"),
    ("refund-keyed-by-request", &["operations"], "\"refund\" tell of the refund 20000001 under the dedup keys"),
    ("refund-whole", &["operations"], "\"refund\", asked for with another amount, makes the same call POST https://api.faulty"),
    ("refund-of-any-payment", &["operations"], "\"refund\", asked for with another payment, makes the same call"),
    ("refund-key-of-payment", &["operations"], "\"refund\", asked for with another id, makes the same call"),
    ("charge-key-of-payer", &["operations"], "\"charge\", asked for with another order, makes the same call"),
    ("key-of-amount", &["operations"], "\"status of 43: refunded\" have the same dedup key"),
    ("refund-not-read", &["operations"], "\"status of 43: refunded\": events is"),
    ("first-answer-only", &["determinism"], "when its answers come in another order: "),
    ("path-is-kind", &["paths"], "\"payment\" under the path \"/refund\": its kind was Payment and is Refund"),
    (
        "no-reply-to-conflict",
        &["replies"],
        "\"top-up\", whose event is conflict: it must return `answered` with a reply: the provider crashed",
    ),
    ("cut-answer-believed", &["answers"], "an event follows that the genuine answer does not say"),
    ("other-order-believed", &["answers"], "has the answer of another order's sample: an event follows"),
    ("asks-for-ever", &["answers"], "it gives no result: the provider breaks the contract in payment-status.query-payment"),
    ("lost-is-refused", &["answers"], "has a lost answer: the result is refused, though it may have moved money"),
    ("failure-is-refused", &["answers"], "is answered 500: the result is refused, though who failed may have done it"),
    ("failure-is-unavailable", &["answers"], "is answered 503: the result is unavailable, though who failed may have done it"),
    (
        "lost-hint-ignored",
        &["answers", "mutations"],
        "has a lost answer: it is ignored, though the payment system could not be asked",
    ),
    (
        "lost-question-is-refused",
        &["answers"],
        "the result is refused, though the payment system could not be asked: its amount",
    ),
    ("junk-is-refused", &["answers"], "the result is refused, though the answer cannot be read"),
    ("junk-status-is-empty", &["answers"], "the result is that nothing has happened, though its answer cannot be read"),
    ("junk-hint-ignored", &["answers"], "it is ignored, though its answer cannot be read, and does not come again"),
    ("unavailable-says-ok", &["answers"], "its reply is that to a callback that is accepted, so that it never comes again"),
    ("others-link-believed", &["answers"], "the order 61 gets a link, though the answer is about the order 62"),
    (
        "unavailable-as-entered",
        &["replies"],
        "\"top-up\", whose event is unavailable: it gets the reply of one that is entered",
    ),
    ("refusal-as-entered", &["replies"], "whose event is refused with order-paid: it gets the reply of one that is entered"),
    ("unsent-is-refused", &["answers"], "is not sent: the result is refused, though it moved no money"),
    ("piece-is-a-line", &["reports"], "\"file\" has other rows when it is read"),
    ("report-rows-off-by-one", &["reports"], "\"file\": the number of rows is not what its rows add up to"),
    ("calls-elsewhere", &["calls", "operations", "samples"], "a call goes to api.other.example"),
    ("secret-in-call-url", &["secrets", "operations"], "the secret key stands in the url of a call"),
    ("secret-in-reply", &["secrets"], "the answer to a callback that is refused, in Base64"),
];

#[test]
fn each_fault_fails_exactly_its_checks() {
    // Most of the time is spent compiling the components.
    let (first, second) = FAULTS.split_at(FAULTS.len() / 2);
    let wrong = |faults: &[Fault]| faults.iter().filter_map(what_is_wrong).collect::<Vec<String>>();
    let wrong = std::thread::scope(|scope| {
        let second = scope.spawn(|| wrong(second));
        [wrong(first), second.join().unwrap()].concat()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn what_is_wrong((fault, checks, words): &Fault) -> Option<String> {
    let report = report(fault, Effort::Quick);
    let mut wanted = checks.to_vec();
    wanted.sort_by_key(|name| report.checks.iter().position(|check| check.name == *name));
    let Some(Outcome::Failed { findings }) = report.outcome(checks[0]) else {
        return Some(format!("{fault}: {} does not fail: {report}", checks[0]));
    };
    let tells = findings.iter().any(|finding| finding.contains(words));
    let is_safe = !report.to_string().to_lowercase().contains(KEY);
    let is_right = failing(&report) == wanted && tells && is_safe && report.fails() && !report.passes();
    (!is_right).then(|| format!("{fault}: wanted {wanted:?} to fail and {words:?}: {report}"))
}

/// Click does not sign whether a payment is cancelled: a provider that says so passes, and the report repeats it.
#[test]
fn an_unsigned_field_that_is_declared_may_decide_the_kind() {
    for effort in [Effort::Full, Effort::Quick] {
        let report = report("declared-outcome", effort);
        assert!(report.passes(), "{report}");
        assert_eq!(report.unsigned_fields, ["time"]);
        assert!(report.to_string().contains("time: not signed by the payment system"), "{report}");
    }
    assert!(report("none", Effort::Quick).unsigned_fields.is_empty());
}

/// What `questions` finds by changing a sample that asks, where no sample shows it.
#[test]
fn changed_samples_show_what_is_asked_without_proof() {
    for (fault, words) in [
        ("asks-before-proof", "before its proof, and is refused"),
        ("unsigned-order", "which the sample does not"),
        ("unsigned-type", "and the sample is no event"),
    ] {
        let mut vectors = vectors(fault);
        vectors.callbacks.retain(|sample| sample.name != "forged check");
        let report = check(sandbox(), &faulty(fault), Limits::default(), Some(&vectors), Effort::Quick, SEED);
        let Some(Outcome::Failed { findings }) = report.outcome("questions") else { panic!("{fault}: {report}") };
        assert!(findings.iter().any(|finding| finding.contains(words)), "{fault}: {report}");
    }
}

/// Without the answers of its sample a provider that asks cannot be judged, and the finding says what is missing.
#[test]
fn a_question_without_an_answer_is_a_finding() {
    let mut vectors = vectors("none");
    vectors.callbacks.iter_mut().for_each(|sample| sample.answers = Answers::default());
    let report = check(sandbox(), &faulty("none"), Limits::default(), Some(&vectors), Effort::Quick, SEED);
    assert_eq!(failing(&report), ["samples"], "{report}");
    let words = "\"check\" asks about the order \"42\" and is not answered; give its \"answers\"; the vectors want it answered";
    assert!(report.to_string().contains(words), "{report}");
}

/// A callback reports as many events as the vectors say, each with its fields.
#[test]
fn each_event_of_a_callback_is_compared() {
    let event = |kind: &str| serde_json::from_value(json!({"kind": kind})).unwrap();
    for (kinds, words) in [
        (&["payment"][..], "\"bundle\" has 2 events; the vectors want 1 event"),
        (
            &["payment", "payment"],
            "the event of \"bundle\", number 2 of them, happened, but kind is \"refund\" and not \"payment\"",
        ),
    ] {
        let mut vectors = vectors("none");
        let bundle = vectors.callbacks.iter_mut().find(|sample| sample.name == "bundle").unwrap();
        bundle.expected = Expected::Happened(kinds.iter().map(|kind| event(kind)).collect());
        let report = check(sandbox(), &faulty("none"), Limits::default(), Some(&vectors), Effort::Quick, SEED);
        assert_eq!(failing(&report), ["samples"], "{report}");
        assert!(report.to_string().contains(words), "{report}");
    }
}

#[test]
fn unloadable_component_fails_contract_check() {
    let good = Guest::good().build();
    for (what, component, words) in [
        ("no component", b"not wasm".to_vec(), "not a WebAssembly component"),
        ("cut off", good[..good.len() / 2].to_vec(), "damaged"),
        ("another contract", Guest::good().change("payments@1.0.0", "payments@2.0.0").build(), "billing:payments"),
    ] {
        let report = check(sandbox(), &component, Limits::default(), Some(&vectors("none")), Effort::Quick, SEED);
        assert_eq!((failing(&report), report.is_loaded()), (vec!["contract"], false), "{what}: {report}");
        let Some(Outcome::Failed { findings }) = report.outcome("contract") else { panic!("{report}") };
        assert!(findings[0].contains(words), "{what}: {report}");
        let others = report.checks.iter().skip(1);
        assert!(others.into_iter().all(|check| matches!(check.outcome, Outcome::Skipped { .. })), "{what}: {report}");
    }
}

#[test]
fn checks_without_input_are_skipped() {
    let without = check(sandbox(), &faulty("none"), Limits::default(), None, Effort::Quick, SEED);
    assert!(!without.passes() && !without.fails(), "{without}");
    assert!(
        matches!(without.outcome("links"), Some(Outcome::Skipped { reason }) if reason.contains("give --vectors")),
        "{without}"
    );
    // The settings alone, as a host has them, suffice for checks that need no callback.
    let settings = Vectors::of_settings(vectors("none").settings);
    let report = check(sandbox(), &faulty("none"), Limits::default(), Some(&settings), Effort::Quick, SEED);
    let is = |name: &str, outcome: fn(&Outcome) -> bool| outcome(report.outcome(name).unwrap());
    for name in ["description", "settings", "determinism", "any-input", "links", "limits", "exports", "secrets"] {
        assert!(is(name, |outcome| matches!(outcome, Outcome::Passed { .. })), "{name}: {report}");
    }
    for name in ["samples", "operations", "mutations", "refunds", "proved", "paths"] {
        assert!(is(name, |outcome| matches!(outcome, Outcome::Skipped { .. })), "{name}: {report}");
    }
    assert!(!report.fails() && !report.passes());
    let mut refused = settings;
    refused.settings.retain(|(name, _)| name != "shop");
    let report = check(sandbox(), &faulty("none"), Limits::default(), Some(&refused), Effort::Quick, SEED);
    assert_eq!(failing(&report), ["samples"], "{report}");
}

#[test]
fn secret_declared_as_text_fails_description_check() {
    let provider = sandbox().load(&faulty("none"), Limits::default()).unwrap();
    let secrets = |relabelled: &[&str]| Vectors {
        secrets: vec!["key".to_owned(), "shop".to_owned()],
        relabelled: relabelled.iter().map(|name| (*name).to_owned()).collect(),
        ..vectors("none")
    };
    let report = check_provider(&provider, Some(&secrets(&[])), Effort::Quick, SEED);
    assert_eq!(failing(&report), ["description"], "{report}");
    assert!(report.to_string().contains("shop is a secret, and is declared as text"), "{report}");
    let report = check_provider(&provider, Some(&secrets(&["shop"])), Effort::Quick, SEED);
    assert!(report.passes(), "{report}");
}

#[test]
fn refund_check_is_not_applicable_without_refunds() {
    let mut vectors = vectors("none");
    vectors.callbacks.retain(|sample| sample.name.contains("payment"));
    let report = check(sandbox(), &faulty("none"), Limits::default(), Some(&vectors), Effort::Quick, SEED);
    assert!(matches!(report.outcome("refunds"), Some(Outcome::NotApplicable { .. })), "{report}");
    assert!(report.passes(), "{report}");
    let good = sandbox().load(&Guest::good().build(), Limits::default()).unwrap();
    let report = check_provider(&good, None, Effort::Quick, SEED);
    assert!(matches!(report.outcome("exports"), Some(Outcome::NotApplicable { .. })), "{report}");
}

#[test]
fn same_seed_gives_same_report() {
    let reports = [SEED, SEED, SEED + 1].map(|seed| {
        let vectors = vectors("unsigned-amount");
        check(sandbox(), &faulty("unsigned-amount"), Limits::default(), Some(&vectors), Effort::Quick, seed)
    });
    let text = |at: usize| serde_json::to_string(&reports[at].checks).unwrap();
    assert_eq!(text(0), text(1));
    assert_ne!(text(0), text(2), "another seed must make other inputs");
}

#[test]
fn chronopay_passes() {
    assert!(!component().is_empty());
    let vectors = Vectors::from_json(include_bytes!("../data/chronopay/check.json")).unwrap();
    let report = check_provider(provider(), Some(&vectors), Effort::Full, SEED);
    assert!(report.passes(), "{report}");
}

/// Returns the names of the checks that do not apply. All others were made.
fn not_applicable(report: &Report) -> Vec<&'static str> {
    assert!(report.passes(), "{report}");
    let of_no_use = report.checks.iter().filter(|check| matches!(check.outcome, Outcome::NotApplicable { .. }));
    of_no_use.map(|check| check.name).collect()
}

#[test]
fn onec_passes_what_applies_to_it() {
    let onec = sandbox().load(&component_of("onec"), Limits::default()).unwrap();
    let vectors = Vectors::from_json(include_bytes!("../data/onec/check.json")).unwrap();
    let report = check_provider(&onec, Some(&vectors), Effort::Full, SEED);
    let of_no_use =
        ["operations", "mutations", "refunds", "proved", "paths", "replies", "answers", "links", "reports", "calls"];
    assert_eq!(not_applicable(&report), [&of_no_use[..], &["secrets"]].concat(), "{report}");
    let Some(Outcome::Passed { cases: 4 }) = report.outcome("samples") else { panic!("{report}") };
    // Without samples, or with such as take callbacks for granted, the checks of callbacks are not made.
    let none = Vectors { callbacks: Vec::new(), ..vectors.clone() };
    for vectors in [none, Vectors { takes_callbacks: true, ..vectors }] {
        let report = check_provider(&onec, Some(&vectors), Effort::Quick, SEED);
        assert!(!report.passes() && !report.fails(), "{report}");
        assert!(matches!(report.outcome("samples"), Some(Outcome::Skipped { .. })), "{report}");
    }
}

/// A provider that takes callbacks cannot be excused from their checks by its vectors.
#[test]
fn vectors_are_not_believed_that_there_are_no_callbacks() {
    let mut refused = vectors("none");
    refused.callbacks.retain(|sample| sample.name == "forged");
    refused.takes_callbacks = false;
    let report = check(sandbox(), &faulty("none"), Limits::default(), Some(&refused), Effort::Quick, SEED);
    assert!(!report.passes(), "it has links, so it has payments: {report}");
    for name in ["samples", "mutations", "refunds", "proved", "paths"] {
        assert!(matches!(report.outcome(name), Some(Outcome::Skipped { .. })), "{name}: {report}");
    }
    // It ignores every callback, and takes all settings.
    let without_links = Guest::good().with(|guest| guest.description[12] &= !1).build();
    let vectors = Vectors { takes_callbacks: false, ..Vectors::of_settings(Vec::new()) };
    let report = check(sandbox(), &without_links, Limits::default(), Some(&vectors), Effort::Quick, SEED);
    assert_eq!(failing(&report), ["settings", "any-input"], "{report}");
    assert!(report.to_string().contains("the vectors say that it takes none"), "{report}");
}

#[test]
fn robokassa_passes_with_every_hash() {
    let robokassa = sandbox().load(&component_of("robokassa"), Limits::default()).unwrap();
    for (vectors, effort) in [
        (&include_bytes!("../data/robokassa/vectors.json")[..], Effort::Full),
        (include_bytes!("../data/robokassa/vectors-sha256.json"), Effort::Quick),
        (include_bytes!("../data/robokassa/vectors-sha512.json"), Effort::Quick),
    ] {
        let vectors = Vectors::from_json(vectors).unwrap();
        assert!(vectors.order_is_signed, "its parameters are signed");
        let report = check_provider(&robokassa, Some(&vectors), effort, SEED);
        assert_eq!(not_applicable(&report), ["refunds", "replies", "exports", "reports"], "{report}");
    }
}

/// Returns the names of the checks that lack samples.
fn skipped(report: &Report) -> Vec<&'static str> {
    let skipped = report.checks.iter().filter(|check| matches!(check.outcome, Outcome::Skipped { .. }));
    skipped.map(|check| check.name).collect()
}

#[test]
fn cloudpayments_passes() {
    let cloudpayments = sandbox().load(&component_of("cloudpayments"), Limits::default()).unwrap();
    let vectors = Vectors::from_json(include_bytes!("../data/cloudpayments/vectors.json")).unwrap();
    let report = check_provider(&cloudpayments, Some(&vectors), Effort::Full, SEED);
    assert_eq!(failing(&report), [""; 0], "{report}");
    assert_eq!(skipped(&report), [""; 0], "{report}");
}

#[test]
fn osmp_passes_what_applies_to_it() {
    let osmp = sandbox().load(&component_of("osmp"), Limits::default()).unwrap();
    for (name, vectors) in end_to_end::osmp::VECTORS {
        let effort = if name == "vectors" { Effort::Full } else { Effort::Quick };
        let report = check_provider(&osmp, Some(&Vectors::from_json(vectors).unwrap()), effort, SEED);
        let of_no_use = [
            "operations",
            "mutations",
            "refunds",
            "proved",
            "questions",
            "answers",
            "links",
            "exports",
            "reports",
            "calls",
            "secrets",
        ];
        assert_eq!(not_applicable(&report), of_no_use, "{name}: {report}");
    }
}

/// No call is made in these checks, so that none has a link.
#[test]
fn tbank_fails_no_check() {
    let tbank = sandbox().load(&component_of("tbank"), Limits::default()).unwrap();
    for (vectors, effort) in end_to_end::tbank::VECTORS.into_iter().zip([Effort::Full, Effort::Quick]) {
        let vectors = Vectors::from_json(vectors).unwrap();
        assert!(vectors.order_is_signed, "it is one of the signed fields");
        let report = check_provider(&tbank, Some(&vectors), effort, SEED);
        assert_eq!(failing(&report), [""; 0], "{report}");
    }
}
