use super::*;
use crate::settings::tests::settings;
use crate::sign::token;
use crate::state::tests::{get_state, state_of};
use kit::contract::{EventKind, Money};
use kit::exchanges::{Exchange, HttpResult, Movement, MovementName, MovementState, OrderState, Question};
use kit::request::{get, post};

/// A notification with changes, signed with the password of the tests.
fn signed(changes: &[(&str, &str)]) -> String {
    let base = [
        ("TerminalKey", "\"1321054611234\""),
        ("OrderId", "\"42\""),
        ("Success", "true"),
        ("Status", "\"CONFIRMED\""),
        ("PaymentId", "13660"),
        ("ErrorCode", "\"0\""),
        ("Amount", "10000"),
        ("CardId", "322264"),
        ("Pan", "\"430000******0777\""),
        ("ExpDate", "\"1130\""),
        ("Data", "{\"Source\":\"cards\"}"),
    ];
    let kept = base.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    let fields: Vec<(&str, &str)> = kept.chain(changes).copied().filter(|(_, value)| !value.is_empty()).collect();
    let scalars: Vec<(&str, &str)> = fields
        .iter()
        .filter(|(_, value)| !value.starts_with('{'))
        .map(|(name, value)| (*name, value.trim_matches('"')))
        .collect();
    let token = token(&scalars, &settings(&[]).password);
    let fields: String = fields.iter().map(|(name, value)| format!("\"{name}\":{value},")).collect();
    format!("{{{fields}\"Token\":\"{token}\"}}")
}

fn ordered(minor_units: i64) -> Exchange {
    let order = OrderState {
        account: "100500".into(),
        amount: Money { minor_units, currency: "RUB".into() },
        description: String::new(),
        expires_at: None,
        paid_by: None,
        held_by: None,
        closed_at: None,
        extra: Vec::new(),
    };
    Exchange::Order(("42".into(), Ok(Some(order))))
}

fn no_order() -> Exchange {
    Exchange::Order(("42".into(), Ok(None)))
}

fn no_movement() -> Exchange {
    Exchange::Movement((MovementName::Key("payment:13660".into()), Ok(None)))
}

/// The verdict, or what stops before it.
fn judged(changes: &[(&str, &str)], body: &str, context: Context) -> String {
    let step = handle(&settings(changes), &post(body), &context);
    let answer = match step {
        Ok(CallbackStep::Done(answer)) => answer,
        Ok(CallbackStep::Unavailable(reply)) => return format!("unavailable {}", reply.status),
        Ok(_) => panic!(),
        Err(Stop::Ask(questions)) => return format!("asks {}", questions.iter().map(asked).collect::<Vec<_>>().join(", ")),
        Err(Stop::Call(call)) => return format!("calls {}", call.url),
        Err(_) => panic!(),
    };
    let reply = format!("{} {}", answer.reply.status, String::from_utf8(answer.reply.body).unwrap());
    match answer.verdict {
        Verdict::Happened(events) => {
            assert_eq!(reply, "200 OK");
            let told = |event: &Event| format!("{} {}", event.amount.minor_units, event.dedup_key);
            events.iter().map(told).collect::<Vec<_>>().join(", ")
        }
        Verdict::Unresolved(problem) => {
            assert_eq!(reply, "200 OK");
            format!("unresolved {} {}", problem.code, problem.field.unwrap_or_default())
        }
        Verdict::Ignored(problem) => {
            assert_eq!(reply, "200 OK");
            format!("ignored {}", problem.code)
        }
        Verdict::Refused(problem) => {
            assert_eq!(reply, "403 Forbidden");
            format!("refused {}", problem.code)
        }
    }
}

fn asked(question: &Question) -> String {
    match question {
        Question::Order(id) => format!("order {id}"),
        Question::Movement(MovementName::Key(key)) => format!("movement {key}"),
        _ => panic!(),
    }
}

fn known() -> Context {
    Context::at(0).answered(ordered(10_000))
}

#[test]
fn each_status_has_its_verdict() {
    const DECLINED: [(&str, &str); 2] = [("Success", "false"), ("ErrorCode", "\"1051\"")];
    for (status, want) in [
        ("CONFIRMED", "10000 payment:13660"),
        ("AUTHORIZED", "10000 hold:13660"),
        ("REVERSED", "0 hold-release:13660"),
        ("PARTIAL_REVERSED", "unresolved unknown-type Status"),
        ("CANCELED", "ignored no-money-moved"),
        ("DEADLINE_EXPIRED", "ignored no-money-moved"),
        ("3DS_CHECKING", "ignored no-money-moved"),
        ("ASYNC_REFUNDING", "ignored no-money-moved"),
        ("RECEIPT", "ignored no-money-moved"),
        ("PAID", "unresolved unknown-type Status"),
        ("confirmed", "unresolved unknown-type Status"),
        ("REFUNDED", "calls https://securepay.tinkoff.ru/v2/GetState"),
        ("PARTIAL_REFUNDED", "calls https://securepay.tinkoff.ru/v2/GetState"),
    ] {
        assert_eq!(judged(&[], &signed(&[("Status", &format!("\"{status}\""))]), known()), want, "{status}");
    }
    let declined = signed(&[&DECLINED[..], &[("Status", "\"REJECTED\"")]].concat());
    assert_eq!(judged(&[], &declined, known()), "10000 declined:13660");
    assert_eq!(judged(&[], &declined, Context::at(0).answered(no_order())), "ignored no-money-moved");
    // A payment that went wrong is none.
    assert_eq!(judged(&[], &signed(&DECLINED), known()), "unresolved unrecognized-form Success");
    assert_eq!(judged(&[], &signed(&[("RequestKey", "\"13021e10\"")]), known()), "ignored no-money-moved");
    assert_eq!(judged(&[], &signed(&[("NotificationType", "\"LINKACCOUNT\"")]), known()), "ignored no-money-moved");
}

#[test]
fn nothing_is_asked_and_nobody_is_called_before_the_token_holds() {
    let genuine = signed(&[]);
    let refund = signed(&[("Status", "\"REFUNDED\"")]);
    for (body, want) in [
        (genuine.replace("10000", "90000"), "refused signature-mismatch"),
        (genuine.replace("\"42\"", "\"43\""), "refused signature-mismatch"),
        (genuine.replace("CONFIRMED", "REFUNDED"), "refused signature-mismatch"),
        (refund.replace("13660", "13661"), "refused signature-mismatch"),
        (genuine.replace("Token", "token"), "refused signature-missing"),
        (genuine.replace("\"Amount\"", "\"Amount\":1,\"Amount\""), "refused field-conflict"),
        (genuine.replace('}', ""), "refused malformed"),
        (String::new(), "refused malformed"),
        ("[]".to_owned(), "refused malformed"),
    ] {
        assert_eq!(judged(&[], &body, Context::at(0)), want, "{body}");
        assert!(matches!(handle(&settings(&[]), &get(&body), &Context::at(0)), Ok(CallbackStep::Done(_))));
    }
    assert_eq!(judged(&[("password", "TestPassword2")], &genuine, known()), "refused signature-mismatch");
    // What is not signed does not matter.
    assert_eq!(judged(&[], &genuine.replace("cards", "qrsbp"), known()), "10000 payment:13660");
    assert_eq!(judged(&[], &genuine, Context::at(0)), "asks order 42");
}

#[test]
fn a_digit_that_moved_between_two_values_credits_nothing() {
    for (from, to) in [
        ("\"Amount\":10000,\"CardId\":322264", "\"Amount\":100003,\"CardId\":22264"),
        ("\"Amount\":10000,\"CardId\":322264", "\"Amount\":1000,\"CardId\":\"0322264\""),
        ("\"Amount\":10000,\"CardId\":322264", "\"Amount\":10000322264"),
        ("\"OrderId\":\"42\"", "\"OrderId\":\"2\",\"Message\":\"4\""),
        ("\"ExpDate\":\"1130\"", "\"Orde\":\"1130\""),
        ("\"42\",\"Success\"", "\"424\",\"Success\""),
    ] {
        let genuine = signed(&[]);
        let moved = genuine
            .replace(from, to)
            .replace("\"430000******0777\"", if to.contains("424") { "\"30000******0777\"" } else { "\"430000******0777\"" });
        assert_ne!(genuine, moved, "{from}");
        let judged = judged(&[], &moved, known());
        assert!(judged.starts_with("unresolved unrecognized-form"), "{to}: {judged}");
    }
    // An order that the host does not know: the ledger keeps the payment for an operator.
    let not_known = |body: &str, result| judged(&[], body, Context::at(0).answered(no_order()).called(get_state(), result));
    let state = || state_of("CONFIRMED", 10_000, "cards");
    assert_eq!(
        judged(&[], &signed(&[]), Context::at(0).answered(no_order())),
        "calls https://securepay.tinkoff.ru/v2/GetState"
    );
    assert_eq!(not_known(&signed(&[]), state()), "10000 payment:13660");
    let moved = signed(&[]).replace("\"Amount\":10000,\"CardId\":322264", "\"Amount\":100003,\"CardId\":22264");
    assert_eq!(not_known(&moved, state()), "unresolved unrecognized-form Amount");
    assert_eq!(not_known(&signed(&[]), HttpResult::Unknown("timeout".into())), "unavailable 503");
    assert_eq!(judged(&[], &signed(&[]), Context::at(0).answered(ordered(20_000))), "unresolved unrecognized-form Amount");
}

#[test]
fn another_terminal_and_tests_are_told_apart() {
    let other = signed(&[("TerminalKey", "\"1321054611235\"")]);
    assert_eq!(judged(&[], &other, known()), "unresolved merchant-mismatch TerminalKey");
    let demo = [("terminal-key", "1321054611234DEMO")];
    let of_demo = signed(&[("TerminalKey", "\"1321054611234DEMO\"")]);
    assert_eq!(judged(&demo, &of_demo, known()), "ignored test-callback");
    assert_eq!(judged(&[], &of_demo, known()), "unresolved merchant-mismatch TerminalKey");
    let environment = [("api-url", "https://rest-api-test.tinkoff.ru/v2"), ("test-mode", "true")];
    assert_eq!(judged(&environment, &signed(&[]), known()), "unresolved live-callback TerminalKey");
}

/// A context in which T-Bank tells a state, and these refunds of a payment of 100.00 are recorded: amount, and sum with it.
fn paid_back(status: &str, amount: i64, recorded: &[(i64, i64)]) -> Context {
    let settings = settings(&[]);
    let subject = crate::event::Subject { payment: "13660", order: "42" };
    let events = [
        vec![subject.paid(&settings, 10_000)],
        recorded.iter().map(|(amount, total)| subject.refunded(&settings, *amount, *total)).collect(),
    ]
    .concat();
    let movement = |(at, event)| Movement { id: format!("{at}"), event, recorded_at: 0, extra: Vec::new() };
    let movements = events.into_iter().enumerate().map(movement).collect();
    let state = MovementState { movement: 0, later: (1..=u32::try_from(recorded.len()).unwrap()).collect() };
    let asked = vec![Exchange::Movement((MovementName::Key("payment:13660".into()), Ok(Some(state))))];
    let (outcomes, called, extra) = (Vec::new(), Vec::new(), Vec::new());
    let context = kit::exchanges::Context { now: 0, asked, called, outcomes, movements, extra };
    Context::from(context).called(get_state(), state_of(status, amount, "cards"))
}

#[test]
fn what_was_paid_back_is_asked_and_what_is_recorded_is_taken_off() {
    let of = |status: &str| signed(&[("Status", &format!("\"{status}\"")), ("Amount", "777")]);
    for (notified, status, amount, recorded, want) in [
        // Paid back elsewhere: no document says whether T-Bank names what is left or what went back.
        ("PARTIAL_REFUNDED", "PARTIAL_REFUNDED", 7_000, &[][..], "unresolved unrecognized-form Amount"),
        ("PARTIAL_REFUNDED", "PARTIAL_REFUNDED", 5_000, &[(3_000, 3_000)], "unresolved unrecognized-form Amount"),
        // Paid back from here, whichever it names.
        ("PARTIAL_REFUNDED", "PARTIAL_REFUNDED", 7_000, &[(3_000, 3_000)], "3000 refund:13660:3000"),
        ("PARTIAL_REFUNDED", "PARTIAL_REFUNDED", 3_000, &[(3_000, 3_000)], "3000 refund:13660:3000"),
        // A notification that comes late tells what is so now.
        ("PARTIAL_REFUNDED", "REFUNDED", 10_000, &[(3_000, 3_000)], "7000 refund:13660:10000"),
        ("REFUNDED", "REFUNDED", 10_000, &[], "10000 refund:13660:10000"),
        ("REFUNDED", "CONFIRMED", 10_000, &[], "unresolved unrecognized-form Amount"),
        ("PARTIAL_REFUNDED", "PARTIAL_REFUNDED", 10_000, &[], "unresolved unrecognized-form Amount"),
        ("REFUNDED", "ASYNC_REFUNDING", 10_000, &[], "unavailable 503"),
    ] {
        let judged = judged(&[], &of(notified), paid_back(status, amount, recorded));
        assert_eq!(judged, want, "{notified} {status} {amount} {recorded:?}");
    }
    let asks = |context: Context| judged(&[], &of("REFUNDED"), context);
    let called = || Context::at(0).called(get_state(), state_of("REFUNDED", 10_000, "cards"));
    assert_eq!(asks(called()), "asks movement payment:13660");
    assert_eq!(asks(called().answered(no_movement())), "asks order 42");
    assert_eq!(asks(called().answered(no_movement()).answered(no_order())), "unresolved unrecognized-form Amount");
    let both = "10000 payment:13660, 10000 refund:13660:10000";
    assert_eq!(asks(called().answered(no_movement()).answered(ordered(10_000))), both);
    assert_eq!(asks(Context::at(0).called(get_state(), HttpResult::NotSent("no route".into()))), "unavailable 503");
    assert_eq!(asks(Context::at(0).called(get_state(), HttpResult::Unknown("timeout".into()))), "unavailable 503");
    let other = signed(&[("Status", "\"REFUNDED\""), ("OrderId", "\"43\"")]);
    assert_eq!(judged(&[], &other, called()), "unresolved unrecognized-form OrderId");
}

#[test]
fn an_event_holds_what_an_operator_looks_for() {
    let Ok(CallbackStep::Done(answer)) = handle(&settings(&[("comment", "Пополнение")]), &post(signed(&[])), &known())
    else {
        panic!()
    };
    let Verdict::Happened(events) = answer.verdict else { panic!() };
    let extra: Vec<(&str, &str)> = events[0].extra.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(extra, [("payment-type", "cards"), ("card-mask", "430000******0777")]);
    assert_eq!((events[0].kind, events[0].comment.as_str()), (EventKind::Payment, "Пополнение"));
    assert_eq!((events[0].transaction.as_str(), events[0].order.as_deref()), ("13660", Some("42")));
    assert_eq!((events[0].ends_hold.as_deref(), events[0].amount.currency.as_str()), (Some("hold:13660"), "RUB"));
}
