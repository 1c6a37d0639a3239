//! Rules about charges: which order a repeat pays, and what it ends; and about orders whose status is asked for.

use domain::{
    MovementId, Operation, OperationId, OperationRefusal, OperationState, OperationTask, OperationVerdict, Order, Outcome,
    Progress, Recurrence,
};
use ledger::{Ledger, OperationEnd, WAIT_SECONDS_MAX, next_ask};

use crate::operations::{back, begin, end, new, paid};
use crate::{AT, balance, changed, entered, facts, movement_state, new_order, payment, rub, take};

/// The repeat of a payer that a payment system reports for the first order.
fn repeat(first: &Order, transaction: &str, kopecks: i64) -> domain::Event {
    changed(payment(first, transaction), |event| {
        event.facts.recurrence = Recurrence::Repeat;
        event.facts.payer = Some("7".into());
        event.facts.amount = rub(kopecks);
    })
}

fn charge(ledger: &Ledger, payment: MovementId, kopecks: i64) -> (Operation, Order) {
    let order = ledger.create_order(new_order(rub(kopecks)), AT).unwrap().unwrap();
    (begin(ledger, OperationTask::Charge { payment, order: order.id.clone() }).unwrap(), order)
}

/// Stores that a charge waits for a callback.
fn wait(ledger: &Ledger, id: &OperationId) {
    let waiting = Progress { journal: Vec::new(), reference: None, next_at: None, tries: 1, is_sent: true, last_try: None };
    ledger.save_progress(id.clone(), waiting).unwrap().unwrap();
}

fn is_done(ledger: &Ledger, id: &OperationId, transaction: &str) -> bool {
    let movement = movement_state(ledger, &format!("payment:{transaction}"), AT).movement.id;
    ledger.operation(id).unwrap().unwrap().state == OperationState::Done { movement: Some(movement), result: None }
}

fn is_paid(ledger: &Ledger, order: &Order) -> bool {
    ledger.order(&order.id).unwrap().unwrap().paid_by.is_some()
}

/// A charge that waits for a callback ends with the next repeat of its payer for its amount, and no other.
pub fn a_repeat_ends_the_charge_that_waits_for_it(ledger: &Ledger) {
    let (first, payment) = paid(ledger);
    let (waiting, order) = charge(ledger, payment, 500);
    wait(ledger, &waiting.id);
    let other_payer = changed(repeat(&first, "T2", 500), |event| event.facts.payer = Some("8".into()));
    let nameless = changed(repeat(&first, "T3", 500), |event| event.facts.payer = None);
    for event in [other_payer, repeat(&first, "T4", 499), nameless] {
        assert!(matches!(take(ledger, &event), Outcome::Recorded { .. }));
    }
    assert!(!is_paid(ledger, &order));
    assert_eq!(take(ledger, &repeat(&first, "T5", 500)), entered(5));
    assert!(is_done(ledger, &waiting.id, "T5") && is_paid(ledger, &order));
    assert_eq!(take(ledger, &repeat(&first, "T5", 500)), Outcome::Recorded { seq: 5, repeated: true });
    // The next one is the payment system's own.
    assert_eq!(take(ledger, &repeat(&first, "T6", 500)), entered(6));
    assert_eq!(balance(ledger, "100500"), 10_000 + 500 + 499 + 500 + 500 + 500);
}

/// A charge and its callback pay the order once, in either order; the order that was charged is the one that is paid.
pub fn a_charge_pays_its_order_once(ledger: &Ledger) {
    let (first, payment) = paid(ledger);
    let moved = |event: &domain::Event| OperationEnd::Moved { event: event.clone(), answers: Vec::new(), now: AT };
    // The operation first, with an event that names the first order.
    let (one, order) = charge(ledger, payment, 500);
    let event = repeat(&first, "T2", 500);
    assert_eq!(end(ledger, &one.id, moved(&event)).1, Some(entered(2)));
    assert!(is_done(ledger, &one.id, "T2") && is_paid(ledger, &order));
    assert_eq!(take(ledger, &event), Outcome::Recorded { seq: 2, repeated: true });
    // The callback first, while the host goes on with the charge.
    let (two, order) = charge(ledger, payment, 500);
    let event = repeat(&first, "T3", 500);
    assert_eq!(take(ledger, &event), entered(3));
    assert_eq!(ledger.operation(&two.id).unwrap().unwrap().state, OperationState::Pending);
    assert_eq!(end(ledger, &two.id, moved(&event)).1, Some(Outcome::Recorded { seq: 3, repeated: true }));
    assert!(is_done(ledger, &two.id, "T3") && is_paid(ledger, &order));
    // With an event that names the new order: also where the outcome of the charge is not known.
    let (three, order) = charge(ledger, payment, 500);
    assert_eq!(
        begin(ledger, OperationTask::Charge { payment, order: order.id.clone() }),
        Err(OperationRefusal::AlreadyUnderWay { id: three.id.clone() })
    );
    end(ledger, &three.id, OperationEnd::Unknown { message: String::new() });
    assert_eq!(take(ledger, &repeat(&first, "T4", 500)), entered(4));
    assert!(!is_paid(ledger, &order));
    assert_eq!(take(ledger, &repeat(&order, "T5", 500)), entered(5));
    assert!(is_done(ledger, &three.id, "T5") && is_paid(ledger, &order));
    // By what an operator says it has no movement until the payment system reports it.
    let (four, order) = charge(ledger, payment, 500);
    end(ledger, &four.id, OperationEnd::Unknown { message: String::new() });
    let resolved = ledger.resolve_operation(four.id.clone(), OperationVerdict::Done, "anna".into(), "x".into(), AT);
    assert_eq!(resolved.unwrap().unwrap().state, OperationState::Done { movement: None, result: None });
    assert_eq!(take(ledger, &repeat(&order, "T6", 500)), entered(6));
    assert!(is_done(ledger, &four.id, "T6") && is_paid(ledger, &order));
    assert_eq!(balance(ledger, "100500"), 10_000 + 5 * 500);
}

/// An unpaid order is asked about until it is paid, or nobody is to ask any more.
pub fn unpaid_orders_are_asked_about(ledger: &Ledger) {
    crate::account(ledger, "100500");
    let new = domain::NewOrder { expires_at: None, ..new_order(rub(10_000)) };
    let keyed = domain::NewOrder { idempotency_key: Some("k".into()), ..new.clone() };
    let first = ledger.create_watched_order(keyed.clone(), AT).unwrap().unwrap();
    assert_eq!(ledger.create_watched_order(keyed, AT).unwrap().unwrap(), first);
    let second = ledger.create_watched_order(new.clone(), AT + 100).unwrap().unwrap();
    ledger.create_order(new, AT).unwrap().unwrap();
    let ask = |now, limit| ledger.orders_to_ask(now, limit).unwrap();
    assert_eq!(ask(AT + 59, 9), []);
    let [found] = ask(AT + 99, 9).try_into().unwrap();
    assert_eq!((found.order.id.clone(), Some(found.next_at), found.asked), (first.id.clone(), next_ask(&first, AT, None), 0));
    ledger.asked(first.id.clone(), Some(AT + 300)).unwrap();
    let asked: Vec<_> = ask(AT + 400, 9).into_iter().map(|found| (found.order.id, found.asked)).collect();
    assert_eq!(asked, [(second.id.clone(), 0), (first.id.clone(), 1)]);
    assert_eq!(ask(AT + 400, 1).len(), 1);
    // What is paid is forgotten with the payment, also if an answer about it is on its way.
    facts(ledger, &[payment(&first, "T1")], AT);
    ledger.asked(first.id.clone(), Some(AT + 300)).unwrap();
    assert_eq!(ask(AT + 400, 9).len(), 1);
    ledger.asked(second.id.clone(), None).unwrap();
    ledger.asked(second.id, Some(AT)).unwrap();
    assert_eq!((ask(u64::MAX, 9), ledger.check().unwrap()), (vec![], vec![]));
}

/// A clock that was days ahead for a moment leaves nothing to wait for days.
pub fn what_was_put_off_while_the_clock_was_ahead_goes_on(ledger: &Ledger) {
    const AHEAD: u64 = 10 * 24 * 3_600;
    let (_, payment) = paid(ledger);
    let put_off = |next_at| {
        let operation = domain::NewOperation { next_at, ..new(back(payment, 1)) };
        ledger.begin_operation(operation, AT).unwrap().unwrap().operation.id
    };
    let (ahead, _waits) = (put_off(AT + AHEAD), put_off(AT + WAIT_SECONDS_MAX));
    let due: Vec<_> = ledger.due_operations(AT, 9).unwrap().into_iter().map(|due| due.operation.id).collect();
    assert_eq!(due, [ahead]);

    let order = domain::NewOrder { expires_at: None, ..new_order(rub(10_000)) };
    let order = ledger.create_watched_order(order, AT + AHEAD).unwrap().unwrap();
    let asked_about = |now| ledger.orders_to_ask(now, 9).unwrap().iter().any(|asked| asked.order.id == order.id);
    assert!(asked_about(AT), "its first time is ten days ahead");
    let next_at = next_ask(&order, AT, None).unwrap();
    assert!(next_at <= AT + WAIT_SECONDS_MAX, "{next_at}");
    ledger.asked(order.id.clone(), Some(next_at)).unwrap();
    assert!(!asked_about(AT) && asked_about(next_at));
}
