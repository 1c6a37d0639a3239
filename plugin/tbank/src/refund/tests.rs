use super::*;
use crate::api::tests::answered;
use crate::event::Subject;
use crate::settings::tests::settings;
use crate::state::tests::{get_state, state_of};
use kit::contract::{Event, Money};
use kit::exchanges::{Exchange, HttpResult, Movement, MovementName, MovementState, PaymentReference};

const SUBJECT: Subject<'static> = Subject { payment: "13660", order: "42" };

fn request(amount: i64, full: bool) -> RefundRequest {
    let movement = Some(MovementState { movement: 0, later: Vec::new() });
    let payment = PaymentReference { order: None, link: None, movement, extra: Vec::new() };
    let amount = Money { minor_units: amount, currency: "RUB".into() };
    RefundRequest { id: "r-7".into(), payment, amount, full, reason: String::new(), receipt: None, extra: Vec::new() }
}

/// A context that knows a payment of 100.00 and these refunds of it: amount, and sum with it.
fn recorded(refunds: &[(i64, i64)]) -> Context {
    let settings = settings(&[]);
    let mut events = vec![SUBJECT.paid(&settings, 10_000)];
    events.extend(refunds.iter().map(|(amount, total)| SUBJECT.refunded(&settings, *amount, *total)));
    of_events(events)
}

fn of_events(events: Vec<Event>) -> Context {
    let last = u32::try_from(events.len()).unwrap();
    let movement = |event| Movement { id: "1".into(), event, recorded_at: 0, extra: Vec::new() };
    let movements: Vec<Movement> = events.into_iter().map(movement).collect();
    let key = movements[0].event.dedup_key.clone();
    let state = MovementState { movement: 0, later: (1..last).collect() };
    let asked = vec![Exchange::Movement((MovementName::Key(key), Ok(Some(state))))];
    let (outcomes, called, extra) = (Vec::new(), Vec::new(), Vec::new());
    kit::exchanges::Context { now: 0, asked, called, outcomes, movements, extra }.into()
}

fn cancel(status: &str, before: i64, after: i64) -> HttpResult {
    answered(
        200,
        &format!(
            r#"{{"Success":true,"ErrorCode":"0","TerminalKey":"1321054611234","OrderId":"42","PaymentId":"13660","Status":"{status}",
                "OriginalAmount":{before},"NewAmount":{after}}}"#
        ),
    )
}

fn refusal(code: &str) -> HttpResult {
    answered(200, &format!(r#"{{"Success":false,"ErrorCode":"{code}","Message":"Сумма в запросе больше"}}"#))
}

fn shown(step: &OperationStep) -> String {
    match step {
        OperationStep::Succeeded(event) => {
            assert_eq!((event.transaction.as_str(), event.original.as_deref()), ("13660", Some("13660")));
            format!("{} {}", event.amount.minor_units, event.dedup_key)
        }
        OperationStep::Pending(pending) => format!("pending {}", pending.reference.as_deref().unwrap()),
        OperationStep::Refused(problem) => format!("refused {}", problem.code),
        OperationStep::Unavailable(_) => "unavailable".into(),
        OperationStep::Unknown(_) => "unknown".into(),
        OperationStep::Ask(_) | OperationStep::Call(_) => panic!(),
    }
}

/// Pays 30.00 back of a payment in this state, with this answer to Cancel. Returns how long the call may be repeated, and the step.
fn paid_back(state: HttpResult, answer: HttpResult) -> (String, String) {
    let (settings, request) = (settings(&[]), request(3_000, false));
    let context = recorded(&[]).called(get_state(), state);
    match pay_back(&settings, &request, &context) {
        Err(Stop::Call(call)) => {
            let repeatable = format!("{:?}", call.repeatable).replace("Repeatable::", "");
            let step = pay_back(&settings, &request, &context.called(*call, answer)).unwrap();
            (repeatable, shown(&step))
        }
        Ok(step) => (String::new(), shown(&step)),
        Err(_) => panic!(),
    }
}

#[test]
fn what_cancel_answers() {
    let whole = || state_of("CONFIRMED", 10_000, "cards");
    for (answer, want) in [
        (cancel("PARTIAL_REFUNDED", 10_000, 7_000), "3000 refund:13660:3000"),
        // Others were paid back between the two calls.
        (cancel("PARTIAL_REFUNDED", 8_000, 5_000), "3000 refund:13660:5000"),
        (cancel("REFUNDED", 3_000, 0), "3000 refund:13660:10000"),
        (cancel("REFUNDED", 6_000, 3_000), "pending 13660-r0"),
        (cancel("ASYNC_REFUNDING", 10_000, 7_000), "pending 13660-r0"),
        // The present amounts, for a request that T-Bank knew.
        (cancel("PARTIAL_REFUNDED", 7_000, 7_000), "pending 13660-r0"),
        (cancel("CONFIRMED", 10_000, 7_000), "unknown"),
        (answered(200, r#"{"Success":true,"ErrorCode":"0","TerminalKey":"1321054611234"}"#), "unknown"),
        (refusal("330"), "refused invalid"),
        (refusal("9999"), "unknown"),
        (HttpResult::NotSent("no route".into()), "unavailable"),
        (HttpResult::Unknown("timeout".into()), "unknown"),
        (answered(500, ""), "unknown"),
    ] {
        assert_eq!(paid_back(whole(), answer).1, want);
    }
    let other = cancel("PARTIAL_REFUNDED", 10_000, 7_000);
    let HttpResult::Response(mut response) = other else { panic!() };
    response.body = String::from_utf8(response.body).unwrap().replace("13660", "13661").into_bytes();
    assert_eq!(paid_back(whole(), HttpResult::Response(response)).1, "unknown");
}

#[test]
fn only_the_refund_of_a_card_may_be_sent_again() {
    for (source, want) in [("cards", "Within(86400)"), ("qrsbp", "Never"), ("TinkoffPay", "Never")] {
        let (repeatable, _) = paid_back(state_of("CONFIRMED", 10_000, source), cancel("PARTIAL_REFUNDED", 10_000, 7_000));
        assert_eq!(repeatable, want, "{source}");
    }
}

#[test]
fn nothing_is_sent_where_there_is_nothing_to_pay_back() {
    for (state, want) in [
        (state_of("REFUNDED", 10_000, "cards"), "unknown"),
        (state_of("REFUNDING", 10_000, "cards"), "unavailable"),
        (state_of("AUTHORIZED", 10_000, "cards"), "refused invalid"),
        (state_of("NEW", 10_000, "cards"), "refused invalid"),
        (answered(500, ""), "unavailable"),
        (HttpResult::NotSent("no route".into()), "unavailable"),
        (HttpResult::Unknown("timeout".into()), "unavailable"),
        (refusal("255"), "unavailable"),
    ] {
        assert_eq!(paid_back(state, refusal("0")), (String::new(), want.to_owned()));
    }
    // An earlier try did it.
    let context = recorded(&[(7_000, 7_000)]).called(get_state(), state_of("REFUNDED", 0, "cards"));
    let mut request_after = request(3_000, false);
    request_after.payment.movement = Some(MovementState { movement: 0, later: vec![1] });
    assert_eq!(shown(&pay_back(&settings(&[]), &request_after, &context).unwrap()), "3000 refund:13660:10000");
    // What is left of a payment of which a part was paid back elsewhere is not known; T-Bank refuses what is too much.
    let (settings, part) = (settings(&[]), request(3_000, false));
    let context = recorded(&[]).called(get_state(), state_of("PARTIAL_REFUNDED", 8_000, "cards"));
    let Err(Stop::Call(call)) = pay_back(&settings, &part, &context) else { panic!() };
    for (answer, want) in [
        (cancel("PARTIAL_REFUNDED", 8_000, 5_000), "3000 refund:13660:5000"),
        (cancel("ASYNC_REFUNDING", 8_000, 5_000), "pending 13660-r2000"),
        (cancel("ASYNC_REFUNDING", 8_000, 6_000), "pending 13660"),
    ] {
        let context =
            recorded(&[]).called(get_state(), state_of("PARTIAL_REFUNDED", 8_000, "cards")).called(*call.clone(), answer);
        assert_eq!(shown(&pay_back(&settings, &part, &context).unwrap()), want);
    }
}

#[test]
fn what_is_no_payment_or_too_much_is_refused_without_a_call() {
    let usd = RefundRequest { amount: Money { minor_units: 1, currency: "USD".into() }, ..request(1, false) };
    for request in [request(10_001, false), request(0, false), usd] {
        assert!(shown(&pay_back(&settings(&[]), &request, &recorded(&[])).unwrap()).starts_with("refused "));
        assert_eq!(shown(&query(&settings(&[]), &request, None, &recorded(&[])).unwrap()), "unknown");
    }
    let held = of_events(vec![SUBJECT.held(&settings(&[]), 10_000)]);
    assert_eq!(shown(&pay_back(&settings(&[]), &request(1, false), &held).unwrap()), "refused invalid");
}

#[test]
fn a_whole_request() {
    let body = |request: &RefundRequest| {
        let context = recorded(&[]).called(get_state(), state_of("CONFIRMED", 10_000, "cards"));
        let Err(Stop::Call(call)) = pay_back(&settings(&[("taxation", "osn")]), request, &context) else { panic!() };
        let body = String::from_utf8(call.body).unwrap();
        body.split_once(",\"Token\"").unwrap().0.to_owned()
    };
    let want = r#"{"TerminalKey":"1321054611234","PaymentId":"13660","Amount":3000,"ExternalRequestId":"r-7""#;
    assert_eq!(body(&request(3_000, false)), want);
    let item = kit::contract::ReceiptItem {
        name: "Аванс".into(),
        quantity_thousandths: 1_000,
        price: Money { minor_units: 3_000, currency: "RUB".into() },
        amount: Money { minor_units: 3_000, currency: "RUB".into() },
        measure: "piece".into(),
        vat: kit::contract::Vat::Exempt,
        method: "advance".into(),
        subject: "payment".into(),
        extra: Vec::new(),
    };
    let receipt =
        Some(kit::contract::Receipt { items: vec![item], contact: "a@b.ru".into(), taxation: None, extra: Vec::new() });
    assert!(
        body(&RefundRequest { receipt: receipt.clone(), ..request(3_000, false) })
            .contains(r#""Receipt":{"FfdVersion":"1.05""#)
    );
    // T-Bank prints the receipt of the payment again, when all of it is paid back.
    assert!(!body(&RefundRequest { receipt, ..request(10_000, true) }).contains("Receipt"));
}

#[test]
fn the_sum_tells_what_became_of_a_refund() {
    for (recorded_refunds, status, named, reference, want) in [
        // The answer to Cancel was lost.
        (&[][..], "PARTIAL_REFUNDED", 7_000, None, "3000 refund:13660:3000"),
        (&[], "PARTIAL_REFUNDED", 3_000, None, "3000 refund:13660:3000"),
        (&[(2_000, 2_000)], "PARTIAL_REFUNDED", 5_000, None, "3000 refund:13660:5000"),
        (&[(7_000, 7_000)], "REFUNDED", 0, None, "3000 refund:13660:10000"),
        (&[], "CONFIRMED", 10_000, None, "unknown"),
        (&[], "PARTIAL_REFUNDED", 5_000, None, "unknown"),
        // The callback told it, or it was never done.
        (&[(3_000, 3_000)], "PARTIAL_REFUNDED", 7_000, None, "unknown"),
        (&[], "ASYNC_REFUNDING", 10_000, None, "pending 13660"),
        // T-Bank said that it is under way.
        (&[], "ASYNC_REFUNDING", 10_000, Some("13660-r0"), "pending 13660-r0"),
        (&[], "PARTIAL_REFUNDED", 7_000, Some("13660-r0"), "3000 refund:13660:3000"),
        (&[], "PARTIAL_REFUNDED", 3_000, Some("13660-r0"), "3000 refund:13660:3000"),
        (&[(2_000, 2_000)], "PARTIAL_REFUNDED", 5_000, Some("13660-r2000"), "3000 refund:13660:5000"),
        (&[(3_000, 3_000)], "PARTIAL_REFUNDED", 7_000, Some("13660-r0"), "3000 refund:13660:3000"),
        (&[], "CONFIRMED", 10_000, Some("13660-r0"), "refused invalid"),
        // As it was before, by one meaning of what T-Bank names: not certain enough to let it be sent again.
        (&[(2_000, 2_000)], "PARTIAL_REFUNDED", 8_000, Some("13660-r2000"), "unknown"),
        // 35.00 were paid back before: 65.00 can be what was left then, and what is paid back now.
        (&[(3_500, 3_500)], "PARTIAL_REFUNDED", 6_500, Some("13660-r3500"), "unknown"),
        (&[(3_500, 3_500)], "PARTIAL_REFUNDED", 6_500, None, "unknown"),
        // Another refund came after it.
        (&[], "PARTIAL_REFUNDED", 5_000, Some("13660-r0"), "unknown"),
        (&[], "REFUNDED", 0, Some("13660-r0"), "3000 refund:13660:3000"),
        (&[(3_000, 3_000), (2_000, 5_000)], "PARTIAL_REFUNDED", 5_000, Some("13660-r0"), "3000 refund:13660:3000"),
        // A callback told both as one: it must not be entered again.
        (&[(5_000, 5_000)], "PARTIAL_REFUNDED", 5_000, Some("13660-r0"), "unknown"),
        (&[], "AUTHORIZED", 10_000, Some("13660-r0"), "unknown"),
        (&[], "PARTIAL_REFUNDED", 10_000, Some("13660-r0"), "unknown"),
    ] {
        let context = recorded(recorded_refunds).called(get_state(), state_of(status, named, "qrsbp"));
        let step = query(&settings(&[]), &request(3_000, false), reference, &context).unwrap();
        assert_eq!(shown(&step), want, "{recorded_refunds:?} {status} {named} {reference:?}");
    }
    let unreachable = recorded(&[]).called(get_state(), HttpResult::NotSent("no route".into()));
    assert_eq!(shown(&query(&settings(&[]), &request(3_000, false), None, &unreachable).unwrap()), "unavailable");
}
