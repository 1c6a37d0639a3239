use super::*;
use crate::api::tests::answered;
use crate::settings::tests::settings;
use crate::state::tests::{get_state, state_of};
use kit::contract::{Money, Order, PaymentLink};
use kit::exchanges::{Exchange, HttpCall, HttpResult, MovementName};

fn payment(reference: Option<&str>) -> PaymentReference {
    let order = Order {
        id: "42".into(),
        account: "100500".into(),
        amount: Money { minor_units: 10_000, currency: "RUB".into() },
        description: String::new(),
        language: String::new(),
        callback_url: String::new(),
        success_url: String::new(),
        failure_url: String::new(),
        expires_at: None,
        receipt: None,
        payer: Vec::new(),
        extra: Vec::new(),
    };
    let link = PaymentLink {
        url: None,
        form: None,
        qr: None,
        reference: reference.map(str::to_owned),
        expires_at: None,
        extra: Vec::new(),
    };
    PaymentReference { order: Some(order), link: Some(link), movement: None, extra: Vec::new() }
}

fn check_order() -> HttpCall {
    read(&settings(&[]), "CheckOrder", &[("OrderId", Scalar::Text("42"))])
}

fn payments(ids: &str) -> HttpResult {
    answered(
        200,
        &format!(r#"{{"Success":true,"ErrorCode":"0","TerminalKey":"1321054611234","OrderId":"42","Payments":[{ids}]}}"#),
    )
}

fn shown(step: Result<StatusStep, Stop>) -> String {
    match step {
        Ok(StatusStep::Done(status)) => {
            let mut told: Vec<String> =
                status.events.iter().map(|event| format!("{} {}", event.amount.minor_units, event.dedup_key)).collect();
            told.extend(status.unresolved.map(|problem| format!("unresolved {}", problem.code)));
            told.extend(status.ask_again.map(|seconds| format!("again {seconds}")));
            told.join(", ")
        }
        Ok(StatusStep::Unavailable(_)) => "unavailable".into(),
        Ok(StatusStep::Ask(_) | StatusStep::Call(_)) | Err(_) => panic!(),
    }
}

#[test]
fn a_state_is_told_as_a_notification_tells_it() {
    for (status, amount, want) in [
        ("CONFIRMED", 10_000, "10000 payment:13660"),
        ("AUTHORIZED", 10_000, "10000 hold:13660, again 60"),
        ("REVERSED", 10_000, "0 hold-release:13660"),
        ("REJECTED", 0, "10000 declined:13660"),
        ("NEW", 10_000, ""),
        ("DEADLINE_EXPIRED", 10_000, ""),
        ("ASYNC_REFUNDING", 10_000, "again 60"),
        ("PARTIAL_REVERSED", 10_000, "unresolved unknown-type"),
        ("PAID", 10_000, "unresolved unknown-type"),
    ] {
        let context = Context::at(0).called(get_state(), state_of(status, amount, "cards"));
        assert_eq!(shown(query(&settings(&[]), &payment(Some("13660")), &context)), want, "{status}");
    }
}

#[test]
fn a_payment_and_its_refund_heal_lost_notifications() {
    let order = kit::exchanges::OrderState {
        account: "100500".into(),
        amount: Money { minor_units: 10_000, currency: "RUB".into() },
        description: String::new(),
        expires_at: None,
        paid_by: None,
        held_by: None,
        closed_at: None,
        extra: Vec::new(),
    };
    let context = |status: &str| {
        Context::at(0)
            .called(get_state(), state_of(status, 7_000, "cards"))
            .answered(Exchange::Movement((MovementName::Key("payment:13660".into()), Ok(None))))
            .answered(Exchange::Order(("42".into(), Ok(Some(order.clone())))))
    };
    for (status, want) in [
        ("REFUNDED", "10000 payment:13660, 10000 refund:13660:10000"),
        // How much went back is not certain; that the payment came in is.
        ("PARTIAL_REFUNDED", "10000 payment:13660, unresolved unrecognized-form"),
    ] {
        assert_eq!(shown(query(&settings(&[]), &payment(Some("13660")), &context(status))), want);
    }
}

#[test]
fn an_order_without_a_link_is_looked_up() {
    let known = r#"{"PaymentId":"13660","Status":"CONFIRMED","Success":"true"}"#;
    for (answer, want) in [
        (payments(known), "10000 payment:13660"),
        (payments(""), ""),
        (answered(200, r#"{"Success":false,"ErrorCode":"335"}"#), ""),
        (answered(200, r#"{"Success":false,"ErrorCode":"204"}"#), "unavailable"),
        (answered(503, ""), "unavailable"),
        (payments(&known.replace("13660", "x")), "unavailable"),
        (payments("1"), "unavailable"),
        (HttpResult::NotSent("no route".into()), "unavailable"),
    ] {
        let context = Context::at(0).called(check_order(), answer).called(get_state(), state_of("CONFIRMED", 10_000, "cards"));
        assert_eq!(shown(query(&settings(&[]), &payment(None), &context)), want);
    }
}

#[test]
fn what_cannot_be_told_is_no_event() {
    let other = answered(
        200,
        r#"{"Success":true,"ErrorCode":"0","TerminalKey":"1321054611234","Status":"CONFIRMED","PaymentId":"13660","OrderId":"43","Amount":10000}"#,
    );
    for (answer, want) in [
        (other, "unresolved unrecognized-form"),
        (answered(500, ""), "unavailable"),
        (HttpResult::Unknown("timeout".into()), "unavailable"),
    ] {
        let context = Context::at(0).called(get_state(), answer);
        assert_eq!(shown(query(&settings(&[]), &payment(Some("13660")), &context)), want);
    }
    let demo = settings(&[("terminal-key", "1321054611234DEMO")]);
    assert_eq!(shown(query(&demo, &payment(Some("13660")), &Context::at(0))), "");
}
