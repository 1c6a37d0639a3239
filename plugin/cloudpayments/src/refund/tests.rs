use super::*;
use crate::api::tests::responded;
use crate::settings::tests::settings;
use crate::transaction::tests::model;
use kit::contract::{Event, EventKind, Money, Order, Recurrence};
use kit::exchanges::{HttpCall, HttpResult, Movement, MovementState, Outcome, PaymentReference, Repeatable};
use kit::receipts::example;

fn event(kind: EventKind, transaction: &str) -> Event {
    Event {
        kind,
        recurrence: Recurrence::Single,
        transaction: transaction.into(),
        original: None,
        ends_hold: None,
        expires_at: None,
        order: Some("42".into()),
        account: None,
        payer: None,
        amount: Money { minor_units: 15_900, currency: "RUB".into() },
        fee: None,
        occurred_at: None,
        comment: String::new(),
        dedup_key: transaction.into(),
        extra: Vec::new(),
    }
}

/// A context that knows the payment, and a refund of it that was recorded.
fn context(payment: &str) -> Context {
    let movement = |kind, transaction: &str| Movement {
        id: "1".into(),
        event: event(kind, transaction),
        recorded_at: 0,
        extra: Vec::new(),
    };
    Context::at(0)
        .recorded(Outcome::Entered, movement(EventKind::Payment, payment))
        .recorded(Outcome::Entered, movement(EventKind::Refund, "500"))
}

fn request() -> RefundRequest {
    let order = Order {
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
    };
    let movement = Some(MovementState { movement: 0, later: vec![1] });
    RefundRequest {
        id: "r-1".into(),
        payment: PaymentReference { order: Some(order), link: None, movement, extra: Vec::new() },
        amount: Money { minor_units: 4_000, currency: "RUB".into() },
        full: false,
        reason: String::new(),
        receipt: None,
        extra: Vec::new(),
    }
}

/// What the API tells of the refund.
fn refund_answer(changes: &[(&str, &str)]) -> HttpResult {
    let refund = [
        ("\"TransactionId\":897749645", "\"TransactionId\":568"),
        ("\"Amount\":159,\"C", "\"Amount\":40,\"C"),
        ("\"Type\":0", "\"Type\":1"),
        ("\"OriginalTransactionId\":null", "\"OriginalTransactionId\":897749645"),
    ];
    let model = model(&[&refund, changes].concat());
    responded(200, &format!(r#"{{"Model":{model},"Success":true,"Message":null}}"#))
}

fn created() -> HttpResult {
    responded(200, r#"{"Model":{"TransactionId":568},"Success":true,"Message":null}"#)
}

type Step = Result<OperationStep, Stop>;

/// Asks until there is a result. The calls are answered in this order.
fn run(mut context: Context, mut answers: Vec<HttpResult>, ask: impl Fn(&Context) -> Step) -> (String, Vec<HttpCall>) {
    let mut calls = Vec::new();
    loop {
        match ask(&context) {
            Ok(step) => return (name_of(&step), calls),
            Err(Stop::Call(call)) => {
                calls.push((*call).clone());
                context = context.called(*call, answers.remove(0));
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn name_of(step: &OperationStep) -> String {
    match step {
        OperationStep::Succeeded(event) => format!("succeeded {} {}", event.dedup_key, event.amount.minor_units),
        OperationStep::Pending(pending) => format!("pending {}", pending.reference.as_deref().unwrap_or("-")),
        OperationStep::Refused(problem) => format!("refused {}", problem.message[0].1),
        OperationStep::Unavailable(_) => "unavailable".to_owned(),
        OperationStep::Unknown(_) => "unknown".to_owned(),
        other => panic!("{other:?}"),
    }
}

fn refunded(request: &RefundRequest, answers: Vec<HttpResult>) -> (String, Vec<HttpCall>) {
    run(context("897749645"), answers, |context| refund(&settings(&[]), request, context))
}

#[test]
fn a_refund_is_made_and_asked_about() {
    let (said, calls) = refunded(&RefundRequest { receipt: Some(example()), ..request() }, vec![created(), refund_answer(&[])]);
    assert_eq!(said, "succeeded refund:568 4000");
    assert_eq!(calls[0].url, "https://api.cloudpayments.ru/payments/refund");
    assert_eq!(calls[0].repeatable, Repeatable::Within(3600));
    assert!(calls[0].headers.contains(&("x-request-id".to_owned(), "refund-r-1".to_owned())));
    let body = String::from_utf8(calls[0].body.clone()).unwrap();
    let want = r#"{"TransactionId":897749645,"Amount":40.00,"JsonData":{"CloudPayments":{"CustomerReceipt":{"Items":["#;
    assert!(body.starts_with(want), "{body}");
    assert_eq!((calls[1].body.as_slice(), &calls[1].repeatable), (&br#"{"TransactionId":568}"#[..], &Repeatable::Always));
}

#[test]
fn what_became_of_the_call() {
    for (answers, want) in [
        (vec![HttpResult::NotSent("no route".into())], "unavailable"),
        (vec![HttpResult::Unknown("no answer".into())], "unknown"),
        (vec![responded(401, "")], "unavailable"),
        (vec![responded(500, "")], "unknown"),
        (vec![responded(200, "")], "unknown"),
        (vec![responded(200, r#"{"Success":true,"Model":{}}"#)], "unknown"),
        (
            vec![responded(200, r#"{"Success":false,"Message":"Сумма больше\nостатка"}"#)],
            "refused CloudPayments refuses the refund: «Сумма больше остатка».",
        ),
        (vec![created(), refund_answer(&[("\"Completed\"", "\"AwaitingAuthentication\"")])], "pending 568"),
        (
            vec![created(), refund_answer(&[("\"Completed\"", "\"Declined\""), ("Оплата успешно проведена", "Нет денег")])],
            "refused CloudPayments refuses the refund: «Нет денег».",
        ),
        (vec![created(), HttpResult::NotSent("no route".into())], "pending 568"),
        (vec![created(), responded(200, r#"{"Success":false,"Message":"Not found"}"#)], "pending 568"),
        (vec![created(), refund_answer(&[("\"TransactionId\":568", "\"TransactionId\":569")])], "pending 568"),
        (vec![created(), refund_answer(&[("\"OriginalTransactionId\":897749645", "\"OriginalTransactionId\":1")])], "unknown"),
        (vec![created(), refund_answer(&[("\"Amount\":40,", "\"Amount\":41,")])], "unknown"),
        (vec![created(), refund_answer(&[("pk_test_site_1", "pk_other")])], "unknown"),
        (vec![created(), refund_answer(&[("\"TestMode\":false", "\"TestMode\":true")])], "unknown"),
    ] {
        assert_eq!(refunded(&request(), answers.clone()).0, want, "{answers:?}");
    }
}

#[test]
fn what_cannot_be_paid_back_is_refused_without_a_call() {
    let dollars = RefundRequest { amount: Money { minor_units: 1, currency: "USD".into() }, ..request() };
    let mut bad = example();
    bad.taxation = Some("envd".into());
    let without = RefundRequest { payment: PaymentReference { movement: None, ..request().payment }, ..request() };
    for request in [dollars, RefundRequest { receipt: Some(bad), ..request() }, without] {
        assert!(refunded(&request, Vec::new()).0.starts_with("refused "));
    }
    let other = run(context("A-1"), Vec::new(), |context| refund(&settings(&[]), &request(), context));
    assert!(other.0.starts_with("refused "), "a transaction of another system");
}

#[test]
fn what_became_of_a_refund() {
    let recorded = [("\"TransactionId\":568", "\"TransactionId\":500")];
    for (reference, answer, want) in [
        (Some("568"), refund_answer(&[]), "succeeded refund:568 4000"),
        (Some("568"), refund_answer(&[("\"Completed\"", "\"Later\"")]), "pending 568"),
        (Some("568"), HttpResult::Unknown("no answer".into()), "pending 568"),
        // Its number is not known: it is the last operation of the order, if it was not recorded before.
        (None, refund_answer(&[]), "succeeded refund:568 4000"),
        (None, refund_answer(&recorded), "unknown"),
        (None, refund_answer(&[("\"Amount\":40,", "\"Amount\":41,")]), "unknown"),
        (None, responded(200, r#"{"Success":false,"Message":"Not found"}"#), "unknown"),
        (None, HttpResult::NotSent("no route".into()), "pending -"),
    ] {
        let (said, calls) =
            run(context("897749645"), vec![answer.clone()], |context| query(&settings(&[]), &request(), reference, context));
        assert_eq!(said, want, "{reference:?} {answer:?}");
        assert!(calls.iter().all(|call| call.repeatable == Repeatable::Always));
    }
    let no_order = RefundRequest { payment: PaymentReference { order: None, ..request().payment }, ..request() };
    let (said, _) = run(context("897749645"), Vec::new(), |context| query(&settings(&[]), &no_order, None, context));
    assert_eq!(said, "unknown");
}
