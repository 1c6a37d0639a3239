//! Rules about charges: which order a repeat pays, and what it ends; and about orders whose status is asked for.

use domain::{
    MovementId, Operation, OperationFault, OperationId, OperationRefusal, OperationSelection, OperationState, OperationTask,
    OperationVerdict, Order, Outcome, Progress, Recurrence,
};
use ledger::{Ledger, OperationEnd, WAIT_SECONDS_MAX, next_ask};

use crate::operations::{back, begin, end, new, paid, unknown};
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
    ledger.save_progress(id.clone(), progress(None)).unwrap().unwrap();
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
    sent(ledger, &two.id);
    let event = repeat(&first, "T3", 500);
    assert_eq!(take(ledger, &event), entered(3));
    assert!(is_done(ledger, &two.id, "T3") && is_paid(ledger, &order));
    assert_eq!(end(ledger, &two.id, moved(&event)).1, Some(Outcome::Recorded { seq: 3, repeated: true }));
    assert!(is_done(ledger, &two.id, "T3"));
    assert_eq!(balance(ledger, "100500"), 10_000 + 2 * 500);
}

/// How far a charge has come when its payment is reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reach {
    NotSent,
    Sent,
    Waiting,
    Unknown,
    Declared,
}

/// A charge whose order is paid is done with that payment: however far it had come, and however the payment names its order. What the
/// host learns later of the charge changes nothing, and nothing is sent again.
pub fn a_charge_whose_order_is_paid_is_done(ledger: &Ledger) {
    let (first, payer) = paid(ledger);
    let mut entries = 1;
    for reach in [Reach::NotSent, Reach::Sent, Reach::Waiting, Reach::Unknown, Reach::Declared] {
        for (name, recurrence) in [("own", Recurrence::Repeat), ("own", Recurrence::Single), ("first", Recurrence::Repeat)] {
            let (operation, order) = charge(ledger, payer, 500);
            reaches(ledger, &operation.id, reach);
            let key = format!("{reach:?}-{name}-{recurrence:?}");
            let named = if name == "own" { &order } else { &first };
            let event = changed(repeat(named, &key, 500), |event| event.facts.recurrence = recurrence);
            entries += 1;
            assert_eq!(take(ledger, &event), entered(entries), "{key}");
            // A repeat that names the first order is of a charge only if something of that was sent.
            let is_of_charge = name == "own" || reach != Reach::NotSent;
            assert_eq!((is_done(ledger, &operation.id, &key), is_paid(ledger, &order)), (is_of_charge, is_of_charge), "{key}");
            if !is_of_charge {
                let paid = repeat(&order, &format!("{key}-2"), 500);
                entries += 1;
                assert_eq!(take(ledger, &paid), entered(entries), "{key}");
                continue;
            }
            let fault = Err(OperationFault::Ended);
            let id = || operation.id.clone();
            assert_eq!(ledger.save_progress(id(), progress(Some(AT + 5))).unwrap(), fault.clone().map(|_: OperationId| ()));
            for end in [unknown(), OperationEnd::Refused { code: "declined".into(), message: String::new() }] {
                assert_eq!(ledger.end_operation(id(), end, AT).unwrap().map(drop), Err(OperationFault::Ended), "{key}");
            }
            let moved = OperationEnd::Moved { event, answers: Vec::new(), now: AT };
            assert_eq!(end(ledger, &operation.id, moved).1, Some(Outcome::Recorded { seq: entries, repeated: true }), "{key}");
            assert!(is_done(ledger, &operation.id, &key), "{key}");
            let again = begin(ledger, OperationTask::Charge { payment: payer, order: order.id.clone() });
            assert_eq!(again, Err(OperationRefusal::OrderPaid), "{key}");
        }
    }
    assert_eq!(balance(ledger, "100500"), 10_000 + 500 * (entries as i64 - 1));
    assert_eq!(ledger.due_operations(u64::MAX, 99).unwrap(), []);
    assert_eq!(ledger.open_operations(OperationSelection::All, None, 99).unwrap(), []);
}

/// Of several charges of a payer for one amount, a repeat that names the first order is of the one that is most likely done.
pub fn a_repeat_is_of_the_likeliest_charge(ledger: &Ledger) {
    let (first, payer) = paid(ledger);
    let charges: Vec<_> = [Reach::NotSent, Reach::Declared, Reach::Unknown, Reach::Waiting, Reach::Sent]
        .into_iter()
        .map(|reach| {
            let (operation, order) = charge(ledger, payer, 500);
            reaches(ledger, &operation.id, reach);
            (operation.id, order)
        })
        .collect();
    for (key, likeliest) in [("T1-1", 3), ("T1-2", 4), ("T1-3", 2), ("T1-4", 1)] {
        take(ledger, &repeat(&first, key, 500));
        assert!(is_done(ledger, &charges[likeliest].0, key) && is_paid(ledger, &charges[likeliest].1), "{key}");
    }
    take(ledger, &repeat(&first, "T1-5", 500));
    assert!(!is_paid(ledger, &charges[0].1));
}

/// A charge that a person declared done has no movement until its payment is reported. Its order is not charged again.
pub fn an_order_that_was_charged_is_not_charged_again(ledger: &Ledger) {
    let (_, payer) = paid(ledger);
    let (declared, order) = charge(ledger, payer, 500);
    let again = || begin(ledger, OperationTask::Charge { payment: payer, order: order.id.clone() });
    assert_eq!(again(), Err(OperationRefusal::AlreadyUnderWay { id: declared.id.clone() }));
    end(ledger, &declared.id, unknown());
    assert_eq!(again(), Err(OperationRefusal::AlreadyUnderWay { id: declared.id.clone() }));
    let resolved = ledger.resolve_operation(declared.id.clone(), OperationVerdict::Done, "anna".into(), "x".into(), AT);
    assert_eq!(resolved.unwrap().unwrap().state, OperationState::Done { movement: None, result: None });
    assert_eq!(again(), Err(OperationRefusal::OrderCharged { id: declared.id.clone() }));
    assert!(!is_paid(ledger, &order));
    take(ledger, &repeat(&order, "T2", 500));
    assert!(is_done(ledger, &declared.id, "T2") && is_paid(ledger, &order));
    // One that was not done may be charged for again.
    let (denied, order) = charge(ledger, payer, 500);
    end(ledger, &denied.id, unknown());
    ledger.resolve_operation(denied.id, OperationVerdict::NotDone, "anna".into(), "x".into(), AT).unwrap().unwrap();
    begin(ledger, OperationTask::Charge { payment: payer, order: order.id }).unwrap();
    // Nobody is to pay an order that has expired.
    let expired = domain::NewOrder { expires_at: Some(AT), ..new_order(rub(500)) };
    let expired = ledger.create_order(expired, AT - 1).unwrap().unwrap();
    let refused = begin(ledger, OperationTask::Charge { payment: payer, order: expired.id });
    assert_eq!(refused, Err(OperationRefusal::OrderExpired));
}

/// A payment that an operator enters to the account of an order ends the order's charge, whether it names the order or the payer.
pub fn a_payment_that_an_operator_enters_ends_its_charge(ledger: &Ledger) {
    let (_, payer) = paid(ledger);
    crate::account(ledger, "100501");
    let nameless = |key: &str, kopecks, order: Option<&Order>| {
        let event = changed(payment(order.unwrap(), key), |event| {
            (event.facts.payer, event.facts.amount) = (Some("7".into()), rub(kopecks));
        });
        changed(event, |event| event.facts.order = event.facts.order.take().filter(|_| kopecks != 500))
    };
    for (number, reach) in [Reach::Sent, Reach::Waiting, Reach::Unknown, Reach::Declared].into_iter().enumerate() {
        // By the order, for another amount; by the payer, for the amount.
        for kopecks in [499, 500] {
            let (operation, order) = charge(ledger, payer, 500);
            reaches(ledger, &operation.id, reach);
            let key = format!("U{number}{kopecks}");
            let Outcome::Unmatched { id, .. } = take(ledger, &nameless(&key, kopecks, Some(&order))) else { panic!("{key}") };
            assert!(!is_done(ledger, &operation.id, &key));
            let credit = |account: &str| {
                let account = account.parse().unwrap();
                ledger.credit_unmatched(id, account, "anna".into(), "его платёж".into(), AT + 3).unwrap().unwrap()
            };
            // To another account it is no payment of the order.
            credit("100501");
            assert!(!is_done(ledger, &operation.id, &key), "{key}");
            let decision = ledger.decisions(None, 1).unwrap()[0].decision.id;
            ledger.undo_decision(decision, "anna".into(), "не тот".into(), AT + 3).unwrap().unwrap();
            credit("100500");
            assert!(is_done(ledger, &operation.id, &key), "{key}");
            let again = begin(ledger, OperationTask::Charge { payment: payer, order: order.id.clone() });
            assert_eq!(again, Err(OperationRefusal::OrderCharged { id: operation.id }), "{key}");
        }
    }
    assert_eq!(ledger.check().unwrap(), []);
}

fn reaches(ledger: &Ledger, id: &OperationId, reach: Reach) {
    match reach {
        Reach::NotSent => {}
        Reach::Sent => sent(ledger, id),
        Reach::Waiting => wait(ledger, id),
        Reach::Unknown | Reach::Declared => {
            sent(ledger, id);
            end(ledger, id, unknown());
            if reach == Reach::Declared {
                ledger.resolve_operation(id.clone(), OperationVerdict::Done, "anna".into(), "x".into(), AT).unwrap().unwrap();
            }
        }
    }
}

fn progress(next_at: Option<u64>) -> Progress {
    Progress { journal: Vec::new(), reference: None, next_at, tries: 1, is_sent: true, last_try: None }
}

/// Stores that a charge is sent, and that the host goes on with it.
fn sent(ledger: &Ledger, id: &OperationId) {
    ledger.save_progress(id.clone(), progress(Some(AT + 60))).unwrap().unwrap();
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
