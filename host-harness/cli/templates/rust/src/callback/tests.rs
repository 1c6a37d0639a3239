use serde_json::Value;

use super::*;
use crate::binding::exchanges::{Exchange, MovementState, NoAnswer, OrderState, Question};

const CHECK: &str = "a check of an order that can be paid";

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../vectors.json")).unwrap()
}

fn settings(vectors: &Value) -> Settings {
    let setting = |name: &str| (name.to_owned(), vectors["settings"][name].as_str().unwrap().to_owned());
    Settings::read(&vec![setting("merchant-id"), setting("secret-key")]).ok().unwrap()
}

fn request(sample: &Value) -> CallbackRequest {
    let text = |name: &str| sample["request"][name].as_str().unwrap().to_owned();
    CallbackRequest {
        method: if text("method") == "GET" { HttpMethod::Get } else { HttpMethod::Post },
        path: String::new(),
        query: text("query"),
        headers: Vec::new(),
        body: text("body").into(),
        remote_address: String::new(),
        received_at: 0,
        extra: Fields::new(),
    }
}

fn order(id: &str, answer: Result<Option<OrderState>, NoAnswer>) -> Exchange {
    Exchange::Order((id.to_owned(), answer))
}

fn money(minor_units: i64) -> Money {
    Money { minor_units, currency: CURRENCY.to_owned() }
}

/// Order 42, unpaid.
fn open() -> OrderState {
    OrderState {
        account: "100500".to_owned(),
        amount: money(10_000),
        description: String::new(),
        expires_at: None,
        paid_by: None,
        held_by: None,
        closed_at: None,
        extra: Fields::new(),
    }
}

fn paid() -> OrderState {
    OrderState { paid_by: Some(MovementState { movement: 0, later: Vec::new() }), ..open() }
}

fn sample(name: &str) -> Value {
    let vectors = vectors();
    let sample = vectors["callbacks"].as_array().unwrap().iter().find(|sample| sample["name"] == name);
    sample.unwrap_or_else(|| panic!("{name}")).clone()
}

/// Runs the callbacks that `host-harness check` uses too.
#[test]
fn vectors_get_their_verdicts() {
    let vectors = vectors();
    for sample in vectors["callbacks"].as_array().unwrap() {
        let mut asked = Vec::new();
        for answer in sample["answers"].as_array().into_iter().flatten() {
            let is = &answer["is"];
            let state = || OrderState {
                closed_at: is["closed_at"].as_u64(),
                amount: money(is["amount"]["minor_units"].as_i64().unwrap()),
                ..if is["paid"] == true { paid() } else { open() }
            };
            asked.push(order(answer["order"].as_str().unwrap(), Ok((!is.is_null()).then(state))));
        }
        let (verdict, code) = match handle(&settings(&vectors), &request(sample), &Asking(asked)) {
            CallbackStep::Answered(_) => ("answered", None),
            // The host asks and finds nobody who answers.
            CallbackStep::Ask(_) => ("unavailable", None),
            CallbackStep::Done(CallbackAnswer { verdict, .. }) => match verdict {
                Verdict::Happened(_) => ("happened", None),
                Verdict::Unresolved(problem) => ("unresolved", Some(problem.code)),
                Verdict::Ignored(problem) => ("ignored", Some(problem.code)),
                Verdict::Refused(problem) => ("refused", Some(problem.code)),
            },
            _ => panic!("{sample}"),
        };
        assert_eq!((verdict, code.as_deref()), (sample["verdict"].as_str().unwrap(), sample["code"].as_str()), "{sample}");
    }
}

#[test]
fn check_asks_for_its_order() {
    for asked in [Vec::new(), vec![order("41", Ok(Some(open())))]] {
        let CallbackStep::Ask(questions) = handle(&settings(&vectors()), &request(&sample(CHECK)), &Asking(asked)) else {
            panic!("it does not ask")
        };
        assert!(matches!(&questions[..], [Question::Order(id)] if id == "42"));
    }
}

#[test]
fn check_is_answered_by_the_order() {
    let other_amount = |minor_units| OrderState { amount: money(minor_units), ..open() };
    let other_currency = OrderState { amount: Money { currency: "USD".to_owned(), ..money(10_000) }, ..open() };
    let closed = OrderState { closed_at: Some(1), ..open() };
    let closed_and_paid = OrderState { closed_at: Some(1), ..paid() };
    let no = |reason: &str| format!(r#"{{"accept":false,"reason":"{reason}"}}"#);
    for (state, want) in [
        (Some(open()), r#"{"accept":true}"#.to_owned()),
        (None, no("unknown-order")),
        (Some(paid()), no("order-paid")),
        (Some(closed_and_paid), no("order-paid")),
        (Some(closed), no("order-expired")),
        (Some(other_amount(9_999)), no("amount-mismatch")),
        (Some(other_amount(10_001)), no("amount-mismatch")),
        (Some(other_currency), no("amount-mismatch")),
    ] {
        // The answer to another question comes first.
        let asked = vec![order("41", Ok(Some(paid()))), order("42", Ok(state))];
        let CallbackStep::Answered(reply) = handle(&settings(&vectors()), &request(&sample(CHECK)), &Asking(asked)) else {
            panic!("{want}")
        };
        assert_eq!((reply.status, String::from_utf8(reply.body).unwrap()), (200, want));
        assert_eq!(reply.headers, [("content-type".to_owned(), "application/json".to_owned())]);
    }
}

#[test]
fn check_waits_for_a_host_that_cannot_answer() {
    for no_answer in [NoAnswer::Unavailable, NoAnswer::Unsupported] {
        let asked = Asking(vec![order("42", Err(no_answer))]);
        let CallbackStep::Unavailable(reply) = handle(&settings(&vectors()), &request(&sample(CHECK)), &asked) else {
            panic!("it is judged")
        };
        assert_eq!(reply.status, 503);
    }
}

#[test]
fn forged_check_asks_nothing() {
    let genuine = request(&sample(CHECK));
    let body = String::from_utf8(genuine.body.clone()).unwrap();
    for (from, to) in [
        ("order_id=42", "order_id=43"),
        ("amount=100.00", "amount=200.00"),
        ("signature=", "signature=0"),
        ("&signature=", "&unsigned="),
        ("type=check", "type=check&type=payment"),
    ] {
        let forged = body.replacen(from, to, 1);
        assert_ne!(forged, body);
        let forged = CallbackRequest { body: forged.into(), ..request(&sample(CHECK)) };
        let step = handle(&settings(&vectors()), &forged, &Asking(Vec::new()));
        let is_refused = matches!(step, CallbackStep::Done(CallbackAnswer { verdict: Verdict::Refused(_), .. }));
        assert!(is_refused, "{from} as {to}");
    }
}
