use super::*;
use crate::settings::tests::{SECRET, settings};
use kit::base64::{Alphabet, encode};
use kit::contract::{EventKind, Money, Recurrence};
use kit::exchanges::{Exchange, MovementState, NoAnswer};
use kit::hmac::Mac;
use kit::request::post;

/// A Pay as a public repository has it, with made-up values.
const PAY: &str = "TransactionId=2593940675&Amount=100.00&Currency=RUB&PaymentAmount=100.00&PaymentCurrency=RUB&OperationType=Payment&\
                   InvoiceId=42&AccountId=100500&SubscriptionId=&Name=&Email=payer%40example.com&DateTime=2024-11-29+10%3A03%3A04&\
                   CardFirstSix=220220&CardLastFour=1248&CardType=MIR&AuthCode=136461&TestMode=0&Status=Completed&\
                   GatewayName=Tinkoff&TotalFee=3.90&PaymentMethod=&Rrn=433410512543";

fn request(path: &str, body: &str) -> CallbackRequest {
    let code = encode(Alphabet::Standard, Mac::Sha256.sign(SECRET.as_bytes(), &[body]));
    CallbackRequest { path: path.to_owned(), headers: vec![("content-hmac".to_owned(), code)], ..post(body) }
}

/// Answers that nothing is recorded, but these keys.
fn context(recorded: &[&str]) -> Context {
    ["payment:2593940675", "hold:2593940675"].into_iter().fold(Context::at(0), |context, key| {
        let state = recorded.contains(&key).then(|| MovementState { movement: 0, later: Vec::new() });
        context.answered(Exchange::Movement((MovementName::Key(key.to_owned()), Ok(state))))
    })
}

fn step(changes: &[(&str, &str)], path: &str, body: &str, recorded: &[&str]) -> CallbackStep {
    answer(&settings(changes), &request(path, body), &context(recorded)).unwrap()
}

/// Returns the verdict with the event's key or the problem's code, and the reply.
fn judged(changes: &[(&str, &str)], path: &str, body: &str, recorded: &[&str]) -> String {
    let (verdict, reply) = match step(changes, path, body, recorded) {
        CallbackStep::Done(CallbackAnswer { verdict, reply }) => (verdict, reply),
        other => panic!("{other:?}"),
    };
    let verdict = match verdict {
        Verdict::Happened(events) => format!("{:?} {}", events[0].kind, events[0].dedup_key),
        Verdict::Unresolved(problem) => format!("unresolved {}", problem.code),
        Verdict::Ignored(problem) => format!("ignored {}", problem.code),
        Verdict::Refused(problem) => format!("refused {}", problem.code),
    };
    format!("{verdict} | {} {}", reply.status, String::from_utf8(reply.body).unwrap())
}

fn confirm() -> String {
    PAY.replace("&OperationType=Payment", "").replace("&GatewayName=Tinkoff", "")
}

fn fail() -> String {
    PAY.replace("&Status=Completed", "").replace("&GatewayName=Tinkoff", "") + "&Reason=InsufficientFunds&ReasonCode=5051"
}

const REFUND: &str = "TransactionId=568&PaymentTransactionId=2593940675&Amount=40.00&DateTime=2024-11-30+08%3A00%3A00&\
                      OperationType=Refund&InvoiceId=42&AccountId=100500";
const CANCEL: &str = "TransactionId=2593940675&Amount=100.00&DateTime=2024-11-30+08%3A00%3A00&InvoiceId=42&AccountId=100500";

#[test]
fn a_whole_payment() {
    let CallbackStep::Done(CallbackAnswer { verdict: Verdict::Happened(events), .. }) = step(&[], "/pay", PAY, &[]) else {
        panic!()
    };
    let rub = |minor_units| Money { minor_units, currency: "RUB".to_owned() };
    let extra = [
        ("card-type", "MIR"),
        ("approval-code", "136461"),
        ("payer-email", "payer@example.com"),
        ("rrn", "433410512543"),
        ("invoice-id", "42"),
        ("account-id", "100500"),
        ("total-fee", "3.90"),
        ("card-mask", "220220******1248"),
    ];
    let want = Event {
        kind: EventKind::Payment,
        recurrence: Recurrence::Single,
        transaction: "2593940675".to_owned(),
        original: None,
        ends_hold: Some("hold:2593940675".to_owned()),
        expires_at: None,
        order: Some("42".to_owned()),
        account: None,
        payer: None,
        amount: rub(10_000),
        fee: Some(rub(390)),
        occurred_at: Some("2024-11-29T10:03:04Z".to_owned()),
        comment: "Пополнение баланса через ЛК".to_owned(),
        dedup_key: "payment:2593940675".to_owned(),
        extra: extra.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
    };
    assert_eq!(events, [want]);
}

#[test]
fn events_by_kind() {
    let (payment, hold) = ("payment:2593940675", "hold:2593940675");
    for (path, body, recorded, want) in [
        ("/pay", PAY.to_owned(), &[][..], "EventKind::Payment payment:2593940675"),
        ("/pay", PAY.replace("Completed", "Authorized"), &[], "EventKind::Hold hold:2593940675"),
        ("/confirm", confirm(), &[], "EventKind::Payment payment:2593940675"),
        ("/fail", fail(), &[], "EventKind::Declined declined:2593940675"),
        ("/refund", REFUND.to_owned(), &[], "EventKind::Refund refund:568"),
        ("/cancel", CANCEL.to_owned(), &[hold], "EventKind::HoldRelease cancel:2593940675"),
        ("/cancel", CANCEL.to_owned(), &[payment], "EventKind::Refund cancel:2593940675"),
        ("/cancel", CANCEL.to_owned(), &[payment, hold], "EventKind::Refund cancel:2593940675"),
        ("/cancel", CANCEL.to_owned(), &[], "unresolved unknown-type"),
    ] {
        assert_eq!(judged(&[], path, &body, recorded), format!("{want} | 200 {{\"code\":0}}"), "{path} {body}");
    }
}

/// The body is signed and the address is not: a body at another address is no event.
#[test]
fn no_event_follows_from_the_address() {
    let check = PAY.replace("&GatewayName=Tinkoff", "");
    let bodies = [
        ("/check", check),
        ("/pay", PAY.to_owned()),
        ("/fail", fail()),
        ("/confirm", confirm()),
        ("/refund", REFUND.to_owned()),
        ("/cancel", CANCEL.to_owned()),
    ];
    for (own, body) in &bodies {
        for path in ["/check", "/pay", "/fail", "/confirm", "/refund", "/cancel", "", "/", "/receipt"] {
            if path == *own {
                continue;
            }
            // A Check is declined: what it would pay for could not be credited.
            let code = if *own == "/check" { 13 } else { 0 };
            let want = format!("unresolved unknown-type | 200 {{\"code\":{code}}}");
            assert_eq!(judged(&[], path, body, &["payment:2593940675", "hold:2593940675"]), want, "{own} at {path}");
        }
    }
}

#[test]
fn what_is_proved_and_not_understood_is_unresolved() {
    for (from, to, want) in [
        ("=2593940675", "=02593940675", "unresolved unrecognized-form"),
        ("=2593940675", "=", "unresolved unrecognized-form"),
        ("Amount=100.00&C", "Amount=100.001&C", "unresolved unrecognized-form"),
        ("Amount=100.00&C", "Amount=1e2&C", "unresolved unrecognized-form"),
        ("Amount=100.00&C", "Amount=-100.00&C", "unresolved unrecognized-form"),
        ("Amount=100.00&C", "Amount=100.0000&C", "EventKind::Payment payment:2593940675"),
        ("Amount=100.00&C", "Amount=0.00&C", "ignored no-money-moved"),
        ("&Currency=RUB", "&Currency=USD", "unresolved currency-mismatch"),
        ("&Currency=RUB", "", "unresolved currency-mismatch"),
        ("TestMode=0", "TestMode=1", "unresolved test-callback"),
        ("TestMode=0", "TestMode=2", "unresolved unrecognized-form"),
        ("TestMode=0&", "", "unresolved unrecognized-form"),
        ("Status=Completed", "Status=Declined", "unresolved unknown-type"),
        ("=Payment&", "=CardPayout&", "unresolved unknown-type"),
        ("&Rrn=", "&Amount=1.00&Rrn=", "unresolved field-conflict"),
        ("&Rrn=", "&Email=x&Rrn=", "EventKind::Payment payment:2593940675"),
        ("Name=&", "Name=%FF&", "EventKind::Payment payment:2593940675"),
        ("TotalFee=3.90", "TotalFee=free", "EventKind::Payment payment:2593940675"),
        ("DateTime=2024", "DateTime=24", "EventKind::Payment payment:2593940675"),
    ] {
        assert!(PAY.contains(from), "{from}");
        assert_eq!(judged(&[], "/pay", &PAY.replace(from, to), &[]), format!("{want} | 200 {{\"code\":0}}"), "{to}");
    }
    assert_eq!(judged(&[], "/check", "{", &[]), "unresolved unrecognized-form | 200 {\"code\":13}");
    let refund = REFUND.replace("PaymentTransactionId=2593940675", "PaymentTransactionId=x");
    assert_eq!(judged(&[], "/refund", &refund, &[]), "unresolved unrecognized-form | 200 {\"code\":0}");
    assert_eq!(
        judged(&[], "/refund", &format!("{REFUND}&Currency=USD"), &[]),
        "unresolved currency-mismatch | 200 {\"code\":0}"
    );
}

#[test]
fn in_test_mode_nothing_is_credited() {
    let test = [("test-mode", "true")];
    let tested = |body: &str| body.replace("TestMode=0", "TestMode=1");
    for (path, body, recorded, want) in [
        ("/pay", tested(PAY), &[][..], "ignored test-callback"),
        ("/confirm", tested(&confirm()), &[], "ignored test-callback"),
        ("/fail", tested(&fail()), &[], "ignored test-callback"),
        ("/refund", REFUND.to_owned(), &[], "ignored test-callback"),
        ("/cancel", CANCEL.to_owned(), &[], "ignored test-callback"),
        ("/pay", PAY.to_owned(), &[], "unresolved live-callback"),
        // What takes back real money is a fact in any mode.
        ("/refund", REFUND.to_owned(), &["payment:2593940675"], "EventKind::Refund refund:568"),
        ("/cancel", CANCEL.to_owned(), &["hold:2593940675"], "EventKind::HoldRelease cancel:2593940675"),
    ] {
        assert_eq!(judged(&test, path, &body, recorded), format!("{want} | 200 {{\"code\":0}}"), "{path} {body}");
    }
}

#[test]
fn json_is_the_same_as_a_form() {
    let json = r#"{"TransactionId":2593940675,"Amount":100.0,"Currency":"RUB","PaymentAmount":"100.00","OperationType":"Payment","InvoiceId":"42",
        "TestMode":0,"Status":"Completed","GatewayName":"Tinkoff","TotalFee":3.90,"VatAboveTotalFee":0.86,"Data":{"a":{"b":[1]}},"DateTime":"2024-11-29 10:03:04"}"#;
    let CallbackStep::Done(CallbackAnswer { verdict: Verdict::Happened(events), .. }) = step(&[], "/pay", json, &[]) else {
        panic!()
    };
    let [event] = &events[..] else { panic!() };
    assert_eq!((event.dedup_key.as_str(), event.amount.minor_units), ("payment:2593940675", 10_000));
    assert_eq!(event.fee.as_ref().map(|fee| fee.minor_units), Some(476), "the VAT on top of the fee is kept too");
    assert_eq!(event.occurred_at.as_deref(), Some("2024-11-29T10:03:04Z"));
}

#[test]
fn a_request_without_proof_asks_nothing() {
    let settings = settings(&[]);
    let asked = |request: &CallbackRequest| answer(&settings, request, &Context::at(0));
    let genuine = request("/cancel", CANCEL);
    assert!(matches!(asked(&genuine), Err(Stop::Ask(questions)) if questions.len() == 2));
    let check = request("/check", &PAY.replace("&GatewayName=Tinkoff", ""));
    assert_eq!(asked(&check), Err(Stop::Ask(vec![Question::Order("42".to_owned())])));
    for forged in [
        CallbackRequest { headers: Vec::new(), ..genuine.clone() },
        CallbackRequest { body: CANCEL.replace("100.00", "100.01").into_bytes(), ..genuine.clone() },
        CallbackRequest { headers: genuine.headers.clone(), ..check },
    ] {
        let Ok(CallbackStep::Done(CallbackAnswer { verdict, reply })) = asked(&forged) else { panic!() };
        assert!(matches!(verdict, Verdict::Refused(_)));
        assert_eq!((reply.status, reply.body.as_slice()), (403, &b"Forbidden"[..]));
    }
}

#[test]
fn what_is_not_answered_is_unavailable() {
    let unanswered = |key: &str| Exchange::Movement((MovementName::Key(key.to_owned()), Err(NoAnswer::Unavailable)));
    let context = Context::at(0).answered(unanswered("payment:2593940675")).answered(unanswered("hold:2593940675"));
    assert_eq!(answer(&settings(&[]), &request("/cancel", CANCEL), &context), Err(Stop::Unavailable));
}

#[test]
fn an_order_that_is_none_is_not_named() {
    for (invoice, want) in [("42", Some("42")), ("", None), ("a+b", None), ("%D0%B7", None), (&"x".repeat(65), None)] {
        let body = PAY.replace("InvoiceId=42", &format!("InvoiceId={invoice}"));
        let CallbackStep::Done(CallbackAnswer { verdict: Verdict::Happened(events), .. }) = step(&[], "/pay", &body, &[])
        else {
            panic!()
        };
        assert_eq!(events[0].order.as_deref(), want, "{invoice}");
    }
}

#[test]
fn card_numbers_are_masked() {
    assert_eq!(card_mask("220220", "1248"), "220220******1248");
    for (first, last) in [("", ""), ("220220", ""), ("2202201", "1248"), ("22022x", "1248"), ("220220", "12481")] {
        assert_eq!(card_mask(first, last), "", "{first} {last}");
    }
}
