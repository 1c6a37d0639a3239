//! Rules about holds.

use domain::{Event, EventKind, MismatchReason, MovementOrigin, Outcome};
use ledger::Ledger;

use crate::{
    AT, balance, changed, entries, event, facts, later, movement_state, new_order, order, order_state, payment, rub, take,
    waits,
};

fn names(event: Event, hold: &str) -> Event {
    changed(event, |event| event.facts.ends_hold = Some(hold.parse().unwrap()))
}

const RECORDED: Outcome = Outcome::NoMovement { repeated: false };

pub fn a_hold_ends_once(ledger: &Ledger) {
    let order = order(ledger);
    let held_by = || order_state(ledger, &order, AT).held_by.map(|hold| hold.movement.event.dedup_key.to_string());
    // Only a hold of the order's amount reserves it, and the first of them.
    assert_eq!(take(ledger, &changed(event(EventKind::Hold, &order, "h0"), |event| event.facts.amount = rub(9_999))), RECORDED);
    assert_eq!(held_by(), None);
    assert_eq!(take(ledger, &event(EventKind::Hold, &order, "h1")), RECORDED);
    assert_eq!(take(ledger, &event(EventKind::Hold, &order, "h2")), RECORDED);
    assert_eq!(held_by().as_deref(), Some("h1"));
    assert_eq!(take(ledger, &names(event(EventKind::HoldRelease, &order, "r1"), "h1")), RECORDED);
    assert_eq!(held_by().as_deref(), Some("h2"));
    assert_eq!(later(&movement_state(ledger, "h1", AT)), ["r1"]);
    // A release of what is released is recorded, and ends nothing more.
    assert_eq!(take(ledger, &names(event(EventKind::HoldRelease, &order, "r1-again"), "h1")), RECORDED);
    assert_eq!(later(&movement_state(ledger, "h1", AT)), ["r1"]);
    // The payment is credited though another hold has the order, and names a hold that nobody knows.
    let paid = names(payment(&order, "T1"), "h3");
    assert_eq!(take(ledger, &paid), Outcome::Recorded { seq: 1, repeated: false });
    assert_eq!((held_by(), balance(ledger, "100500")), (None, 10_000));
    // That hold comes as one that has ended.
    assert_eq!(take(ledger, &event(EventKind::Hold, &order, "h3")), RECORDED);
    assert_eq!(later(&movement_state(ledger, "h3", AT)), ["payment:T1"]);
    assert!(matches!(
        take(
            ledger,
            &changed(payment(&order, "back"), |event| {
                event.facts.kind = EventKind::Refund;
                event.facts.original = Some("T1".parse().unwrap());
                event.facts.amount = rub(1);
            })
        ),
        Outcome::Recorded { .. }
    ));
    assert_eq!(later(&movement_state(ledger, "h3", AT)), ["payment:T1", "payment:back"]);
}

pub fn a_hold_ends_by_its_time(ledger: &Ledger) {
    let order = order(ledger);
    let until =
        |key: &str, expires_at| changed(event(EventKind::Hold, &order, key), |event| event.facts.expires_at = Some(expires_at));
    facts(ledger, &[until("h1", AT + 10), event(EventKind::Hold, &order, "endless")], AT);
    let state = |now| order_state(ledger, &order, now).held_by.map(|hold| hold.movement.event.dedup_key.to_string());
    assert_eq!(state(AT + 9).as_deref(), Some("h1"));
    assert_eq!(later(&movement_state(ledger, "h1", AT + 9)), Vec::<&str>::new());
    // An answer ends it, and so it stays ended.
    assert_eq!(state(AT + 10).as_deref(), Some("endless"));
    let hold = movement_state(ledger, "h1", AT);
    let [release] = &hold.later[..] else { panic!("{hold:?}") };
    assert_eq!((release.event.facts.kind, release.origin), (EventKind::HoldRelease, MovementOrigin::Expiry));
    assert_eq!((release.recorded_at, release.event.facts.happened_at()), (AT + 10, Some(AT + 10)));
    assert_eq!((&release.event.facts.order, release.event.facts.amount), (&Some(order.id.clone()), rub(10_000)));
    // No provider can name it by its key, or take the key for an event of its own.
    assert!(domain::DedupKey::new(release.event.dedup_key.as_str()).is_err());
    assert_eq!(ledger.end_expired_holds(AT + 10).unwrap(), 0);
    // A release that comes later is recorded, and the payment is still credited and belongs to the hold.
    let late = names(payment(&order, "T1"), "h1");
    let recorded = facts(ledger, std::slice::from_ref(&late), AT + 20);
    assert_eq!(recorded[0].outcome, Outcome::Recorded { seq: 1, repeated: false });
    assert_eq!(later(&movement_state(ledger, "h1", AT)).len(), 2);
    // What is reported after its time has ended at once.
    let reported = facts(ledger, &[until("h2", AT + 30)], AT + 40).remove(0).movement.unwrap();
    assert_eq!(reported.later.iter().map(|one| one.origin).collect::<Vec<_>>(), [MovementOrigin::Expiry]);
    // The host's timer ends them, each once.
    let many: Vec<Event> = (0..3).map(|at| until(&format!("timer-{at}"), AT + 50 + at)).collect();
    facts(ledger, &many, AT + 41);
    assert_eq!([50, 51, 90, 90].map(|later| ledger.end_expired_holds(AT + later).unwrap()), [1, 1, 1, 0]);
    assert_eq!(ledger.check().unwrap(), []);
}

/// A payment system that reports both a payment and a release of one hold has made an error: the first one counts, and an
/// operator decides about the other one.
pub fn a_release_and_a_payment_contradict(ledger: &Ledger) {
    let first = order(ledger);
    let release = names(event(EventKind::HoldRelease, &first, "r1"), "h1");
    for event in [event(EventKind::Hold, &first, "h1"), release.clone()] {
        assert_eq!(take(ledger, &event), RECORDED);
    }
    let paid = names(payment(&first, "T1"), "h1");
    assert_eq!(waits(ledger, &take(ledger, &paid)), MismatchReason::HoldReleased);
    assert_eq!(balance(ledger, "100500"), 0);
    assert_eq!(later(&movement_state(ledger, "h1", AT)), ["r1"]);

    let second = ledger.create_order(new_order(rub(10_000)), AT).unwrap().unwrap();
    // Also before the hold.
    assert!(matches!(take(ledger, &names(payment(&second, "T2"), "h2")), Outcome::Recorded { .. }));
    let release = names(event(EventKind::HoldRelease, &second, "r2"), "h2");
    let outcome = take(ledger, &release);
    assert_eq!(waits(ledger, &outcome), MismatchReason::HoldPaid);
    take(ledger, &event(EventKind::Hold, &second, "h2"));
    assert_eq!(later(&movement_state(ledger, "h2", AT)), ["payment:T2"]);
    // It moves no money, so that no operator can enter it.
    let Outcome::Unmatched { id, .. } = outcome else { panic!() };
    let entered = ledger.credit_unmatched(id, "100500".parse().unwrap(), "anna".into(), "x".into(), AT).unwrap();
    assert_eq!(entered, Err(domain::ResolveRefusal::MovesNoMoney));
    ledger.dismiss_unmatched(id, "anna".into(), "x".into(), AT).unwrap().unwrap();

    let third = ledger.create_order(new_order(rub(10_000)), AT).unwrap().unwrap();
    assert_eq!(take(ledger, &names(event(EventKind::HoldRelease, &third, "r3"), "h3")), RECORDED);
    assert_eq!(waits(ledger, &take(ledger, &names(payment(&third, "T3"), "h3"))), MismatchReason::HoldReleased);
    take(ledger, &event(EventKind::Hold, &third, "h3"));
    assert_eq!(later(&movement_state(ledger, "h3", AT)), ["r3"]);
    assert_eq!((entries(ledger).len(), balance(ledger, "100500")), (1, 10_000));
}
