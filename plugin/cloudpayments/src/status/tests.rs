use super::*;
use crate::api::tests::responded;
use crate::settings::tests::settings;
use crate::transaction::tests::model;
use kit::contract::Money;
use kit::exchanges::{Exchange, HttpResult, MovementName, MovementState};

fn order() -> Order {
    Order {
        id: "42".into(),
        account: "100500".into(),
        amount: Money { minor_units: 15_900, currency: "RUB".into() },
        description: String::new(),
        language: String::new(),
        callback_url: String::new(),
        success_url: String::new(),
        failure_url: String::new(),
        expires_at: None,
        payer: Vec::new(),
        receipt: None,
        extra: Vec::new(),
    }
}

fn reference() -> PaymentReference {
    PaymentReference { order: Some(order()), link: None, movement: None, extra: Vec::new() }
}

fn found(success: bool, model: &str) -> HttpResult {
    responded(200, &format!(r#"{{"Model":{model},"Success":{success},"Message":null}}"#))
}

/// Asks until there is a result. The calls are answered in this order; of movements, only this key is recorded.
fn query_with(changes: &[(&str, &str)], mut answers: Vec<HttpResult>, recorded: &str) -> (StatusStep, Vec<String>) {
    let settings = settings(changes);
    let (mut context, mut called) = (Context::at(0), Vec::new());
    loop {
        match query(&settings, &reference(), &context) {
            Ok(step) => return (step, called),
            Err(Stop::Call(call)) => {
                let path = call.url.trim_start_matches("https://api.cloudpayments.ru");
                called.push(format!("{path} {}", String::from_utf8(call.body.clone()).unwrap()));
                context = context.called(*call, answers.remove(0));
            }
            Err(Stop::Ask(_)) => {
                for key in ["payment:897749645", "hold:897749645"] {
                    let state = (key == recorded).then(|| MovementState { movement: 0, later: Vec::new() });
                    context = context.answered(Exchange::Movement((MovementName::Key(key.to_owned()), Ok(state))));
                }
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn name_of(step: StatusStep) -> String {
    match step {
        StatusStep::Done(PaymentStatus { events, unresolved, ask_again }) => {
            let keys: Vec<&str> = events.iter().map(|event| event.dedup_key.as_str()).collect();
            let code = unresolved.map(|problem| problem.code).unwrap_or_default();
            format!("[{}] {code}{}", keys.join(" "), ask_again.map(|seconds| seconds.to_string()).unwrap_or_default())
        }
        StatusStep::Unavailable(_) => "unavailable".to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_order_by_its_last_operation() {
    let status = |status: &'static str| [("\"Completed\"", status)];
    for (changes, recorded, want) in [
        (&[][..], "", "[payment:897749645] "),
        (&status("\"Authorized\""), "", "[hold:897749645] "),
        (&status("\"Declined\""), "", "[declined:897749645] "),
        (&status("\"AwaitingAuthentication\""), "", "[] 60"),
        (&status("\"Cancelled\""), "", "[] "),
        (&status("\"Cancelled\""), "payment:897749645", "[cancel:897749645] "),
        (&status("\"Cancelled\""), "hold:897749645", "[cancel:897749645] "),
        (&status("\"Later\""), "", "[] unknown-type"),
        (&[("\"Type\":0", "\"Type\":2")], "", "[] unknown-type"),
        (&[("\"TestMode\":false", "\"TestMode\":true")], "", "[] test-callback"),
        (&[("pk_test_site_1", "pk_other")], "", "[] merchant-mismatch"),
        (&[("\"RUB\",\"P", "\"USD\",\"P")], "", "[] merchant-mismatch"),
        (&[("\"InvoiceId\":\"42\"", "\"InvoiceId\":\"43\"")], "", "unavailable"),
        (&[("\"Amount\":159,\"C", "\"Amount\":1.591,\"C")], "", "unavailable"),
    ] {
        let (step, called) = query_with(&[], vec![found(true, &model(changes))], recorded);
        assert_eq!(name_of(step), want, "{changes:?}");
        assert_eq!(called, [r#"/v2/payments/find {"InvoiceId":"42"}"#]);
    }
}

#[test]
fn answers_that_are_no_status() {
    for (result, want) in [
        (responded(200, r#"{"Success":false,"Message":"Not found"}"#), "[] "),
        (responded(200, r#"{"Success":false,"Message":"Try later"}"#), "unavailable"),
        (responded(200, r#"{"Success":true,"Message":"Not found"}"#), "unavailable"),
        (responded(200, r#"{"Success":true,"Model":[]}"#), "unavailable"),
        (responded(404, r#"{"Success":false,"Message":"Not found"}"#), "unavailable"),
        (responded(503, ""), "unavailable"),
        (HttpResult::NotSent("no route".into()), "unavailable"),
        (HttpResult::Unknown("no answer".into()), "unavailable"),
        // The documentation's answer about a declined payment says so too.
        (found(false, &model(&[("\"Completed\"", "\"Declined\"")])), "[declined:897749645] "),
        // A contradiction is no payment.
        (found(false, &model(&[])), "unavailable"),
    ] {
        assert_eq!(name_of(query_with(&[], vec![result.clone()], "").0), want, "{result:?}");
    }
}

/// A refund of 40.00 of the payment.
fn refund(changes: &[(&str, &str)]) -> String {
    let refund = [
        ("\"TransactionId\":897749645", "\"TransactionId\":568"),
        ("\"Amount\":159,\"C", "\"Amount\":40.00,\"C"),
        ("\"Type\":0", "\"Type\":1"),
        ("\"OriginalTransactionId\":null", "\"OriginalTransactionId\":897749645"),
    ];
    model(&[&refund, changes].concat())
}

#[test]
fn a_refund_tells_of_the_payment_before_it() {
    let payment = || found(true, &model(&[]));
    let declined = found(true, &model(&[("\"Completed\"", "\"Declined\"")]));
    for (last, original, want) in [
        (refund(&[]), payment(), "[payment:897749645 refund:568] "),
        (refund(&[("\"Completed\"", "\"Declined\"")]), payment(), "[payment:897749645] "),
        (refund(&[("\"Completed\"", "\"AwaitingAuthentication\"")]), payment(), "[payment:897749645] 600"),
        (refund(&[]), declined, "[] unknown-type"),
        (refund(&[]), found(true, &refund(&[("568", "897749645")])), "[] unknown-type"),
        (refund(&[]), found(true, &model(&[("\"42\"", "\"43\"")])), "[] unknown-type"),
        (refund(&[]), found(true, &model(&[("897749645", "897749646")])), "unavailable"),
        (refund(&[]), responded(200, r#"{"Success":false,"Message":"Not found"}"#), "unavailable"),
    ] {
        let (step, called) = query_with(&[], vec![found(true, &last), original], "");
        assert_eq!(name_of(step), want, "{last}");
        assert_eq!(called[1..], [r#"/payments/get {"TransactionId":897749645}"#]);
    }
}

#[test]
fn events_are_those_of_notifications() {
    let (step, _) = query_with(&[], vec![found(true, &refund(&[])), found(true, &model(&[]))], "");
    let StatusStep::Done(PaymentStatus { events, .. }) = step else { panic!() };
    let [payment, refund] = &events[..] else { panic!("{events:?}") };
    assert_eq!((payment.order.as_deref(), payment.amount.minor_units), (Some("42"), 15_900));
    assert_eq!((payment.ends_hold.as_deref(), payment.transaction.as_str()), (Some("hold:897749645"), "897749645"));
    assert_eq!(payment.occurred_at.as_deref(), Some("2021-10-30T03:59:58Z"));
    assert_eq!((refund.original.as_deref(), refund.amount.minor_units), (Some("897749645"), 4_000));
    assert_eq!(refund.comment, "Возврат платежа");
}

#[test]
fn in_test_mode_nothing_is_credited() {
    let test = [("test-mode", "true")];
    let tested = model(&[("\"TestMode\":false", "\"TestMode\":true")]);
    assert_eq!(name_of(query_with(&test, vec![found(true, &tested)], "").0), "[] ");
    assert_eq!(name_of(query_with(&test, vec![found(true, &model(&[]))], "").0), "[] live-callback");
}
