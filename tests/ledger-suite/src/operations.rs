//! Rules about operations: what may be begun, how it ends, and what its event comes to in each order of arrival.

use domain::{
    BegunOperation, Event, EventKind, MismatchReason, Money, MovementId, NewOperation, OpenOperations, Operation,
    OperationFault, OperationId, OperationRefusal, OperationSelection, OperationState, OperationTask, OperationVerdict, Order,
    OrderId, Outcome, Progress,
};
use ledger::{EndedOperation, Ledger, OperationEnd};
use money::Currency;

use crate::{
    AT, balance, changed, entered, entries, facts, movement_state, new_order, order, payment, refund, rub, take, waits,
};

pub fn begin(ledger: &Ledger, task: OperationTask) -> Result<Operation, OperationRefusal> {
    let begun = ledger.begin_operation(new(task), AT).unwrap()?;
    assert!(begun.is_new);
    assert_eq!(begun.operation.state, OperationState::Pending);
    assert_eq!(ledger.operation(&begun.operation.id).unwrap().as_ref(), Some(&begun.operation));
    Ok(begun.operation)
}

pub fn new(task: OperationTask) -> NewOperation {
    NewOperation {
        provider: "chronopay".parse().unwrap(),
        task,
        reason: "по заявлению".into(),
        operator: "anna".into(),
        idempotency_key: None,
        component_sha256: "ab".repeat(32),
        settings: b"sealed".to_vec(),
        next_at: AT + 60,
        is_alone: false,
    }
}

/// Creates an order of 100.00 that is paid by the transaction `T1` of the payer `7`, and returns it with its payment.
pub fn paid(ledger: &Ledger) -> (Order, MovementId) {
    let order = order(ledger);
    let event = changed(payment(&order, "T1"), |event| event.facts.payer = Some("7".into()));
    facts(ledger, &[event], AT);
    (order, movement_state(ledger, "payment:T1", AT).movement.id)
}

pub fn back(payment: MovementId, kopecks: i64) -> OperationTask {
    OperationTask::Refund { payment, amount: rub(kopecks) }
}

fn moved(event: &Event) -> OperationEnd {
    OperationEnd::Moved { event: event.clone(), answers: Vec::new(), now: AT }
}

pub fn unknown() -> OperationEnd {
    OperationEnd::Unknown { message: "нет ответа".into() }
}

/// Ends an operation, and returns it with what its event came to.
pub fn end(ledger: &Ledger, id: &OperationId, end: OperationEnd) -> (Operation, Option<Outcome>) {
    let ended = ledger.end_operation(id.clone(), end, AT + 9).unwrap().unwrap();
    let EndedOperation::Ended { operation, recorded } = ended else { panic!("the answers changed") };
    assert_eq!(ledger.operation(id).unwrap().as_ref(), Some(&operation));
    assert_eq!(ledger.check().unwrap(), []);
    (operation, recorded.map(|recorded| recorded.outcome))
}

fn resolve(ledger: &Ledger, id: &OperationId, verdict: OperationVerdict) -> Operation {
    let resolved = ledger.resolve_operation(id.clone(), verdict, "boris".into(), "звонил в банк".into(), AT + 20);
    let operation = resolved.unwrap().unwrap();
    let decision = operation.decision.clone().unwrap();
    assert_eq!((decision.operator.as_str(), decision.comment.as_str(), decision.at), ("boris", "звонил в банк", AT + 20));
    assert_eq!(ledger.check().unwrap(), []);
    operation
}

fn left(kopecks: i64) -> OperationRefusal {
    OperationRefusal::ExceedsPaymentLeft { left: rub(kopecks) }
}

pub fn an_operation_is_refused_with_its_reason(ledger: &Ledger) {
    let (order, payment_id) = paid(ledger);
    let open = ledger.create_order(new_order(rub(500)), AT).unwrap().unwrap();
    crate::account(ledger, "100501");
    let of_other = domain::NewOrder { account: "100501".parse().unwrap(), ..new_order(rub(500)) };
    let of_other = ledger.create_order(of_other, AT).unwrap().unwrap();
    facts(ledger, &[changed(payment(&open, "T2"), |event| event.facts.order = None)], AT);
    let unmatched = movement_state(ledger, "payment:T2", AT).movement.id;
    facts(ledger, &[refund(&order, "T1", 1_000)], AT);
    let returned = movement_state(ledger, "refund:T1:1000", AT).movement.id;
    let usd = Money { minor_units: 1, currency: Currency::parse("USD").unwrap() };
    let charge = |payment, order: &Order| OperationTask::Charge { payment, order: order.id.clone() };
    let none = OrderId::new("42").unwrap();
    for (task, refusal) in [
        (back(MovementId(1), 1), OperationRefusal::UnknownPayment),
        (back(returned, 1), OperationRefusal::UnknownPayment),
        (back(unmatched, 1), OperationRefusal::PaymentNotEntered),
        (back(payment_id, 0), OperationRefusal::AmountNotPositive),
        (back(payment_id, -1), OperationRefusal::AmountNotPositive),
        (OperationTask::Refund { payment: payment_id, amount: usd }, OperationRefusal::CurrencyMismatch),
        (back(payment_id, 9_001), left(9_000)),
        (OperationTask::Cancel { payment: returned }, OperationRefusal::UnknownPayment),
        (charge(MovementId(1), &open), OperationRefusal::UnknownPayment),
        (charge(unmatched, &open), OperationRefusal::PaymentNotEntered),
        (charge(payment_id, &order), OperationRefusal::OrderPaid),
        (charge(payment_id, &of_other), OperationRefusal::OtherAccount),
        (OperationTask::Charge { payment: payment_id, order: none.clone() }, OperationRefusal::UnknownOrder),
        (OperationTask::Link { order: none }, OperationRefusal::UnknownOrder),
        (OperationTask::Link { order: order.id.clone() }, OperationRefusal::OrderPaid),
    ] {
        assert_eq!(begin(ledger, task.clone()), Err(refusal), "{task:?}");
        let of_another = NewOperation { provider: "robokassa".parse().unwrap(), ..new(task.clone()) };
        let refusal = ledger.begin_operation(of_another, AT).unwrap().unwrap_err();
        assert!(matches!(refusal, OperationRefusal::UnknownPayment | OperationRefusal::UnknownOrder), "{task:?}: {refusal:?}");
    }
    // Payment systems do not always name the payer.
    let nameless = ledger.create_order(new_order(rub(700)), AT).unwrap().unwrap();
    facts(ledger, &[payment(&nameless, "T3")], AT);
    let nameless = movement_state(ledger, "payment:T3", AT).movement.id;
    assert_eq!(begin(ledger, charge(nameless, &open)), Err(OperationRefusal::NoPayer));
    assert_eq!((ledger.open_operations(OperationSelection::All, None, 9).unwrap(), ledger.check().unwrap()), (vec![], vec![]));
}

/// What is entered, what is under way, and what waits for an operator: none of it is paid back twice.
pub fn refunds_leave_what_is_left(ledger: &Ledger) {
    let (order, payment) = paid(ledger);
    assert_eq!(begin(ledger, back(payment, 10_001)), Err(left(10_000)));
    let first = begin(ledger, back(payment, 3_000)).unwrap();
    assert_eq!(begin(ledger, back(payment, 7_001)), Err(left(7_000)));
    // One that is unknown may have been done.
    end(ledger, &first.id, unknown());
    assert_eq!(begin(ledger, back(payment, 7_001)), Err(left(7_000)));
    // One that was refused was not.
    let second = begin(ledger, back(payment, 7_000)).unwrap();
    end(ledger, &second.id, OperationEnd::Refused { code: "declined".into(), message: String::new() });
    facts(ledger, &[refund(&order, "T1", 2_000)], AT);
    assert_eq!(begin(ledger, back(payment, 5_001)), Err(left(5_000)));
    // It waits, since it would be too much, and may be of this payment.
    let waiting = changed(refund(&order, "R9", 9_000), |event| event.facts.original = Some("T1".parse().unwrap()));
    assert_eq!(waits(ledger, &take(ledger, &waiting)), MismatchReason::ExceedsPaidAmount);
    assert_eq!(begin(ledger, back(payment, 1)), Err(left(0)));
    ledger.dismiss_unmatched(1, "anna".into(), "x".into(), AT).unwrap().unwrap();
    let of = |kind, key: &str, kopecks| {
        changed(refund(&order, key, kopecks), |event| {
            event.facts.kind = kind;
            event.facts.original = Some("T1".parse().unwrap());
            event.dedup_key = key.parse().unwrap();
        })
    };
    facts(ledger, &[of(EventKind::Chargeback, "C1", 4_000)], AT);
    assert_eq!(begin(ledger, back(payment, 1_001)), Err(left(1_000)));
    facts(ledger, &[of(EventKind::ChargebackReversal, "C2", 500)], AT);
    assert_eq!(begin(ledger, back(payment, 1_501)), Err(left(1_500)));
    resolve(ledger, &first.id, OperationVerdict::NotDone);
    assert_eq!(begin(ledger, back(payment, 4_501)), Err(left(4_500)));
    begin(ledger, back(payment, 4_500)).unwrap();
    // A payment that an operator took back has nothing left.
    assert_eq!(begin(ledger, back(payment, 1)), Err(left(0)));
}

pub fn of_two_refunds_at_once_one_is_refused(ledger: &Ledger) {
    let (_, payment) = paid(ledger);
    let begun: Vec<Result<BegunOperation, OperationRefusal>> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| ledger.begin_operation(new(back(payment, 10_000)), AT).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(begun.iter().filter(|one| **one == Err(left(0))).count(), 3, "{begun:?}");
    assert_eq!(ledger.operations_of_payment(payment).unwrap().len(), 1);
}

pub fn an_operation_is_begun_once_for_a_key(ledger: &Ledger) {
    let (_, payment) = paid(ledger);
    let keyed = NewOperation { idempotency_key: Some("k".into()), ..new(back(payment, 6_000)) };
    let first = ledger.begin_operation(keyed.clone(), AT).unwrap().unwrap();
    assert!(first.is_new);
    // Another component and other settings are no other content.
    let again = NewOperation { component_sha256: "cd".repeat(32), settings: vec![1], next_at: AT + 99, ..keyed.clone() };
    let again = ledger.begin_operation(again, AT + 5).unwrap().unwrap();
    assert_eq!(again, BegunOperation { is_new: false, ..first.clone() });
    assert_eq!(ledger.operation_of_key("k").unwrap(), Some(first.operation.clone()));
    for other in [
        NewOperation { task: back(payment, 5_000), ..keyed.clone() },
        NewOperation { task: OperationTask::Cancel { payment }, ..keyed.clone() },
        NewOperation { reason: "x".into(), ..keyed.clone() },
        NewOperation { operator: "boris".into(), ..keyed.clone() },
    ] {
        assert_eq!(ledger.begin_operation(other, AT).unwrap(), Err(OperationRefusal::KeyReused));
    }
    // It has the same answer when it has ended; the next try has a key and an id of its own.
    end(ledger, &first.operation.id, OperationEnd::Refused { code: "declined".into(), message: "мало денег".into() });
    let ended = ledger.begin_operation(keyed.clone(), AT).unwrap().unwrap();
    assert_eq!((ended.is_new, ended.operation.state.name()), (false, "refused"));
    let next = NewOperation { idempotency_key: Some("k2".into()), ..keyed };
    assert_ne!(ledger.begin_operation(next, AT).unwrap().unwrap().operation.id, first.operation.id);
}

/// An operation goes on from what was stored last, until it has ended.
pub fn progress_is_stored_until_the_end(ledger: &Ledger) {
    let (_, payment) = paid(ledger);
    let [first, second, third] = [1, 2, 3].map(|kopecks| begin(ledger, back(payment, kopecks)).unwrap());
    assert_eq!(ledger.due_operations(AT + 59, 9).unwrap(), []);
    let due = |now, limit| -> Vec<OperationId> {
        ledger.due_operations(now, limit).unwrap().into_iter().map(|due| due.operation.id).collect()
    };
    assert_eq!(due(AT + 60, 2), [first.id.clone(), second.id.clone()]);
    let progress = |next_at| Progress {
        journal: b"call".to_vec(),
        reference: Some("r1".into()),
        next_at,
        tries: 2,
        is_sent: true,
        last_try: None,
    };
    ledger.save_progress(second.id.clone(), progress(Some(AT + 5))).unwrap().unwrap();
    ledger.save_progress(third.id.clone(), progress(None)).unwrap().unwrap();
    assert_eq!(due(AT + 60, 9), [second.id.clone(), first.id.clone()]);
    let stored = ledger.operation_to_continue(&second.id).unwrap().unwrap();
    assert_eq!((stored.settings.as_slice(), stored.journal.as_slice()), (b"sealed".as_slice(), b"call".as_slice()));
    let Operation { reference, next_at, tries, .. } = stored.operation;
    assert_eq!((reference.as_deref(), next_at, tries), (Some("r1"), Some(AT + 5), 2));
    let provider = "chronopay".parse().unwrap();
    assert_eq!(ledger.open_operation_counts(Some(&provider)).unwrap(), OpenOperations { pending: 3, unknown: 0 });
    let (ended, _) = end(ledger, &first.id, unknown());
    assert_eq!((ended.next_at, ended.ended_at, due(AT + 60, 9)), (None, None, vec![second.id.clone()]));
    assert_eq!(ledger.open_operation_counts(Some(&provider)).unwrap(), OpenOperations { pending: 2, unknown: 1 });
    assert_eq!(ledger.open_operation_counts(None).unwrap(), OpenOperations { pending: 2, unknown: 1 });
    end(ledger, &second.id, OperationEnd::Refused { code: "declined".into(), message: String::new() });
    assert_eq!(ledger.open_operation_counts(Some(&"robokassa".parse().unwrap())).unwrap(), OpenOperations::default());
    for (id, fault) in [
        (&first.id, OperationFault::Ended),
        (&second.id, OperationFault::Ended),
        (&OperationId::new("op1").unwrap(), OperationFault::NoSuchOperation),
        (&OperationId::new("none").unwrap(), OperationFault::NoSuchOperation),
    ] {
        assert_eq!(ledger.save_progress(id.clone(), progress(Some(1))).unwrap(), Err(fault), "{id}");
    }
    assert_eq!(ledger.end_operation(second.id.clone(), unknown(), AT).unwrap(), Err(OperationFault::Ended));
    let resolved = |id: &OperationId| {
        ledger.resolve_operation(id.clone(), OperationVerdict::Done, "anna".into(), "x".into(), AT).unwrap().unwrap_err()
    };
    assert_eq!([resolved(&second.id), resolved(&third.id)], [OperationFault::NotUnknown; 2]);
    // Lists go on after a place.
    let ids = |operations: Vec<Operation>| operations.into_iter().map(|one| one.id).collect::<Vec<_>>();
    assert_eq!(ids(ledger.open_operations(OperationSelection::All, None, 9).unwrap()), [first.id.clone(), third.id.clone()]);
    assert_eq!(
        ids(ledger.open_operations(OperationSelection::All, Some(&first.id), 1).unwrap()),
        std::slice::from_ref(&third.id)
    );
    end(ledger, &third.id, OperationEnd::Refused { code: "declined".into(), message: String::new() });
    assert_eq!(ids(ledger.ended_operations(OperationSelection::All, None, 9).unwrap()), [third.id.clone(), second.id.clone()]);
    assert_eq!(ids(ledger.ended_operations(OperationSelection::All, Some(&third.id), 9).unwrap()), [second.id]);
}

/// A refund's event is entered once, whether a callback reports it before the operation ends, after it, or never.
pub fn an_operation_and_a_callback_enter_a_refund_once(ledger: &Ledger) {
    let (order, payment) = paid(ledger);
    let event = |key: &str| changed(refund(&order, key, 1_000), |event| event.facts.original = Some("T1".parse().unwrap()));
    let refunded = |key: &str| movement_state(ledger, &format!("refund:{key}:1000"), AT).movement.id;
    // The callback first.
    let first = begin(ledger, back(payment, 1_000)).unwrap();
    assert_eq!(take(ledger, &event("R1")), entered(2));
    let (ended, outcome) = end(ledger, &first.id, moved(&event("R1")));
    assert_eq!(outcome, Some(Outcome::Recorded { seq: 2, repeated: true }));
    assert_eq!(ended.state, OperationState::Done { movement: Some(refunded("R1")), result: None });
    // The operation first.
    let second = begin(ledger, back(payment, 1_000)).unwrap();
    let (ended, outcome) = end(ledger, &second.id, moved(&event("R2")));
    assert_eq!(outcome, Some(entered(3)));
    assert_eq!(ended.state, OperationState::Done { movement: Some(refunded("R2")), result: None });
    assert_eq!(take(ledger, &event("R2")), Outcome::Recorded { seq: 3, repeated: true });
    // An operation that waits for a callback ends with it; one that the host goes on with does not.
    let third = begin(ledger, back(payment, 1_000)).unwrap();
    let waiting = Progress { journal: Vec::new(), reference: None, next_at: None, tries: 1, is_sent: true, last_try: None };
    ledger.save_progress(third.id.clone(), waiting).unwrap().unwrap();
    let fourth = begin(ledger, back(payment, 1_000)).unwrap();
    assert_eq!(take(ledger, &event("R3")), entered(4));
    let state = |id: &OperationId| ledger.operation(id).unwrap().unwrap().state;
    assert_eq!(state(&third.id), OperationState::Done { movement: Some(refunded("R3")), result: None });
    assert_eq!(state(&fourth.id), OperationState::Pending);
    // An event belongs to one operation: nobody knows what became of the other.
    let (ended, outcome) = end(ledger, &fourth.id, moved(&event("R3")));
    assert_eq!((ended.state.name(), outcome), ("unknown", Some(Outcome::Recorded { seq: 4, repeated: true })));
    // What happened is recorded also after an end that said otherwise.
    let fifth = begin(ledger, back(payment, 1_000)).unwrap();
    end(ledger, &fifth.id, OperationEnd::Refused { code: "declined".into(), message: String::new() });
    let (ended, outcome) = end(ledger, &fifth.id, moved(&event("R5")));
    assert_eq!((ended.state.name(), outcome), ("done", Some(entered(5))));
    assert_eq!(end(ledger, &fifth.id, moved(&event("R5"))).1, Some(Outcome::Recorded { seq: 5, repeated: true }));
    assert_eq!((balance(ledger, "100500"), entries(ledger).len()), (6_000, 5));
    // The operations are found by their payment.
    let ids: Vec<OperationId> = ledger.operations_of_payment(payment).unwrap().into_iter().map(|one| one.id).collect();
    assert_eq!(ids, [first.id, second.id, third.id, fourth.id, fifth.id]);
}

/// A refund that is done with an event of something else is not the one that was asked for. What is told is entered all the same.
pub fn a_refund_of_something_else_is_unknown(ledger: &Ledger) {
    let (order, payment) = paid(ledger);
    let event =
        |key: &str, kopecks| changed(refund(&order, key, kopecks), |event| event.facts.original = Some("T1".parse().unwrap()));
    let first = begin(ledger, back(payment, 1_000)).unwrap();
    let (ended, outcome) = end(ledger, &first.id, moved(&event("R1", 4_000)));
    let OperationState::Unknown { message } = ended.state else { panic!("{ended:?}") };
    assert!(message.starts_with("Запрошен возврат 10.00 RUB, а платёжная система сообщила о возврате 40.00 RUB."), "{message}");
    assert_eq!((outcome, balance(ledger, "100500")), (Some(entered(2)), 6_000));
    // What may still be done is not paid back again.
    assert_eq!(begin(ledger, back(payment, 5_001)), Err(left(5_000)));
    resolve(ledger, &first.id, OperationVerdict::NotDone);
    assert_eq!(balance(ledger, "100500"), 6_000);
    // In another currency it waits for an operator, and so does the operation.
    let usd = Money { minor_units: 1_000, currency: Currency::parse("USD").unwrap() };
    let second = begin(ledger, back(payment, 1_000)).unwrap();
    let (ended, outcome) = end(ledger, &second.id, moved(&changed(event("R2", 1_000), |event| event.facts.amount = usd)));
    assert_eq!((ended.state.name(), waits(ledger, &outcome.unwrap())), ("unknown", MismatchReason::CurrencyMismatch));
    let third = begin(ledger, back(payment, 1_000)).unwrap();
    let of_other = changed(event("R3", 1_000), |event| event.facts.original = Some("T9".parse().unwrap()));
    let (ended, outcome) = end(ledger, &third.id, moved(&of_other));
    let OperationState::Unknown { message } = ended.state else { panic!("{ended:?}") };
    assert!(
        message.starts_with("Запрошен возврат платежа T1, а платёжная система сообщила о возврате платежа T9."),
        "{message}"
    );
    assert_eq!(waits(ledger, &outcome.unwrap()), MismatchReason::UnknownPayment);
    assert_eq!((balance(ledger, "100500"), entries(ledger).len()), (6_000, 2));
}

/// A refund that was done by what an operator says is entered once, whenever the payment system reports it.
pub fn a_refund_that_an_operator_declares_done_is_entered_once(ledger: &Ledger) {
    let (order, payment) = paid(ledger);
    let report = |key: &str| changed(refund(&order, key, 1_000), |event| event.facts.original = Some("T1".parse().unwrap()));
    let unclear = || {
        let operation = begin(ledger, back(payment, 1_000)).unwrap();
        end(ledger, &operation.id, unknown());
        operation.id
    };
    // Not reported: it is entered, and a later report waits.
    let first = unclear();
    let done = resolve(ledger, &first, OperationVerdict::Done);
    let OperationState::Done { movement: Some(movement), .. } = done.state else { panic!("{done:?}") };
    assert_eq!(balance(ledger, "100500"), 9_000);
    let states = movement_state(ledger, "payment:T1", AT).later;
    let [entered_by] = states.as_slice() else { panic!("{states:?}") };
    assert_eq!((entered_by.id, entered_by.origin), (movement, domain::MovementOrigin::Operation));
    let late = take(ledger, &report("R1"));
    assert_eq!(waits(ledger, &late), MismatchReason::EnteredByOperator);
    assert_eq!(balance(ledger, "100500"), 9_000);
    // Also by the order alone, and if the operation itself reports it after all.
    let by_order = changed(report("R2"), |event| event.facts.original = None);
    assert_eq!(waits(ledger, &take(ledger, &by_order)), MismatchReason::EnteredByOperator);
    let (ended, outcome) = end(ledger, &first, moved(&report("R3")));
    assert_eq!(
        (ended.state, waits(ledger, &outcome.unwrap())),
        (OperationState::Done { movement: Some(movement), result: None }, MismatchReason::EnteredByOperator)
    );
    // Another amount is another refund, and so is what another operation reports as its own.
    let other = changed(report("R4"), |event| event.facts.amount = rub(999));
    assert!(matches!(take(ledger, &other), Outcome::Recorded { .. }));
    for id in [1, 2, 3] {
        ledger.dismiss_unmatched(id, "anna".into(), "он же".into(), AT).unwrap().unwrap();
    }
    let second = begin(ledger, back(payment, 1_000)).unwrap();
    let (_, outcome) = end(ledger, &second.id, moved(&report("R5")));
    assert!(matches!(outcome, Some(Outcome::Recorded { .. })));
    assert_eq!(balance(ledger, "100500"), 7_001);
    // Two of the same amount that operators declare done are two.
    let third = unclear();
    resolve(ledger, &third, OperationVerdict::Done);
    assert_eq!(balance(ledger, "100500"), 6_001);
}

/// A refund that was reported is done, if the report can be of no other, whatever is known of it otherwise; and an operator who declares it
/// done enters it no second time.
pub fn a_refund_that_was_reported_is_not_declared_again(ledger: &Ledger) {
    let (order, payment) = paid(ledger);
    let report = |key: &str| changed(refund(&order, key, 1_000), |event| event.facts.original = Some("T1".parse().unwrap()));
    let by = |key: &str| {
        let movement = Some(movement_state(ledger, &format!("refund:{key}:1000"), AT).movement.id);
        OperationState::Done { movement, result: None }
    };
    let state = |operation: &Operation| ledger.operation(&operation.id).unwrap().unwrap().state;
    // Reported after its outcome is unknown.
    let first = begin(ledger, back(payment, 1_000)).unwrap();
    end(ledger, &first.id, unknown());
    assert_eq!(take(ledger, &report("R1")), entered(2));
    assert_eq!(state(&first), by("R1"));
    let decided = ledger.resolve_operation(first.id, OperationVerdict::NotDone, "anna".into(), "x".into(), AT).unwrap();
    assert_eq!(decided, Err(OperationFault::NotUnknown));
    // Reported before that, while the host goes on with it.
    let second = begin(ledger, back(payment, 1_000)).unwrap();
    assert_eq!(take(ledger, &report("R2")), entered(3));
    assert_eq!(state(&second), OperationState::Pending);
    assert_eq!(end(ledger, &second.id, unknown()).0.state, by("R2"));
    // Of two the report may be of either: a person decides, and it is entered once.
    let [third, fourth] = [0, 1].map(|_| begin(ledger, back(payment, 1_000)).unwrap());
    end(ledger, &third.id, unknown());
    assert_eq!(take(ledger, &report("R3")), entered(4));
    end(ledger, &fourth.id, unknown());
    assert_eq!([&third, &fourth].map(|one| state(one).name()), ["unknown", "unknown"]);
    assert_eq!(resolve(ledger, &third.id, OperationVerdict::Done).state, by("R3"));
    assert_eq!(balance(ledger, "100500"), 7_000);
    resolve(ledger, &fourth.id, OperationVerdict::NotDone);
    // The next one of the same amount is another refund.
    assert_eq!(take(ledger, &report("R4")), entered(5));
    // One that was not done frees its amount.
    let rest = begin(ledger, back(payment, 6_000)).unwrap();
    end(ledger, &rest.id, unknown());
    assert_eq!(begin(ledger, back(payment, 1)), Err(left(0)));
    let refused = resolve(ledger, &rest.id, OperationVerdict::NotDone);
    let message = "нет ответа".to_owned();
    assert_eq!(refused.state, OperationState::Refused { code: OperationState::NOT_DONE.to_owned(), message });
    assert_ne!(begin(ledger, back(payment, 6_000)).unwrap().id, rest.id);
}

/// Where all of a payment went back by what was reported of other refunds, one that an operator declares done is none beside them: nothing
/// is left for anybody to decide.
pub fn a_refund_beyond_what_is_left_is_declared_done_alone(ledger: &Ledger) {
    let (order, payment) = paid(ledger);
    let lost = begin(ledger, back(payment, 3_000)).unwrap();
    end(ledger, &lost.id, unknown());
    let all = changed(refund(&order, "R1", 10_000), |event| event.facts.original = Some("T1".parse().unwrap()));
    assert_eq!(take(ledger, &all), entered(2));
    let done = resolve(ledger, &lost.id, OperationVerdict::Done);
    assert_eq!(done.state, OperationState::Done { movement: None, result: None });
    assert_eq!((balance(ledger, "100500"), ledger.unmatched_count().unwrap()), (0, 0));
}

/// An order has one link; a subscription is ended by one operation at a time.
pub fn a_link_is_made_once(ledger: &Ledger) {
    let (_, payment) = paid(ledger);
    let order = ledger.create_order(new_order(rub(500)), AT).unwrap().unwrap();
    let link = OperationTask::Link { order: order.id.clone() };
    let begun: Vec<BegunOperation> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| ledger.begin_operation(new(link.clone()), AT).unwrap().unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let id = begun[0].operation.id.clone();
    assert!(begun.iter().all(|one| one.operation.id == id));
    assert_eq!(begun.iter().filter(|one| one.is_new).count(), 1);
    let result = Some("https://pay.example.ru/1".to_owned());
    end(ledger, &id, OperationEnd::Completed { result: result.clone() });
    facts(ledger, &[crate::payment(&order, "T2")], AT);
    let again = ledger.begin_operation(new(link), AT).unwrap().unwrap();
    let state = OperationState::Done { movement: None, result };
    assert_eq!((again.is_new, again.operation.state), (false, state));
    assert_eq!(ledger.operations_of_order(&order.id).unwrap().len(), 1);
    // An end of a subscription that has ended may be begun again.
    let cancel = OperationTask::Cancel { payment };
    let first = begin(ledger, cancel.clone()).unwrap();
    let under_way = || OperationRefusal::AlreadyUnderWay { id: first.id.clone() };
    assert_eq!(begin(ledger, cancel.clone()), Err(under_way()));
    end(ledger, &first.id, unknown());
    assert_eq!(begin(ledger, cancel.clone()), Err(under_way()));
    resolve(ledger, &first.id, OperationVerdict::NotDone);
    begin(ledger, cancel).unwrap();
}
