//! Rules about movements: their numbers, what follows from them, and what a provider is told of them.

use std::collections::BTreeSet;

use domain::{
    Event, EventKind, LedgerAnswer, LedgerQuestion, MovementName, MovementOrigin, MovementsQuery, Order, Outcome, WishRefusal,
};
use ledger::{Ledger, Origin, Recorded, Reported, Submission, Submitted};

use crate::{
    AT, ask, balance, callback, changed, entries, event, facts, later, movement_state, new_order, order, order_state, payment,
    rub, submission, submit, take, wish,
};

/// The seven facts of an order whose first attempt was released, and that was then paid, refunded in two parts, charged back and
/// won. `life` makes their keys its own.
fn life(order: &Order, life: &str) -> Vec<Event> {
    let of = |kind, name: &str, kopecks| {
        changed(event(kind, order, &format!("{name}:{life}")), |event| {
            event.facts.amount = rub(kopecks);
            if kind != EventKind::Payment && kind != EventKind::Hold {
                event.facts.order = None;
                event.facts.original = Some(format!("paid:{life}").parse().unwrap());
            }
        })
    };
    let release = changed(of(EventKind::HoldRelease, "released", 10_000), |event| {
        event.facts.original = None;
        event.facts.ends_hold = Some(format!("held:{life}").parse().unwrap());
    });
    vec![
        of(EventKind::Hold, "held", 10_000),
        release,
        of(EventKind::Payment, "paid", 10_000),
        of(EventKind::Refund, "back-1", 3_000),
        of(EventKind::Refund, "back-2", 2_000),
        of(EventKind::Chargeback, "disputed", 5_000),
        of(EventKind::ChargebackReversal, "won", 5_000),
    ]
}

/// What the repetition of each event of a life says.
fn amounts(ledger: &Ledger, repeated: &[Recorded]) -> Vec<i64> {
    let amount = |recorded: &Recorded| match recorded.outcome {
        Outcome::Recorded { seq, repeated: true } => ledger.entries(None, seq - 1, 1).unwrap()[0].amount.minor_units,
        Outcome::NoMovement { repeated: true } => 0,
        ref other => panic!("{other:?}"),
    };
    repeated.iter().map(amount).collect()
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(count - 1);
    let with_last = |one: &Vec<usize>| (0..count).map(|at| [&one[..at], &[count - 1], &one[at..]].concat()).collect::<Vec<_>>();
    shorter.iter().flat_map(with_last).collect()
}

/// Facts may come in any order, each as often as one likes.
pub fn a_life_of_a_payment_ends_alike_in_every_order(ledger: &Ledger) {
    order(ledger);
    for with_hold in [false, true] {
        for (number, permutation) in permutations(7).into_iter().enumerate() {
            // The payment of the second kind of life ends a hold, and then nothing released that.
            if with_hold && permutation[0] != 1 {
                continue;
            }
            let order = ledger.create_order(new_order(rub(10_000)), AT).unwrap().unwrap();
            let name = format!("{with_hold}-{number}");
            let mut events = life(&order, &name);
            if with_hold {
                events[2].facts.ends_hold = Some(events[0].dedup_key.clone());
            }
            let arriving: Vec<Event> =
                permutation.iter().filter(|at| !(with_hold && **at == 1)).map(|at| events[*at].clone()).collect();
            let before = (balance(ledger, "100500"), entries_count(ledger));
            // Half of the lives arrive by one submission, and the others event by event.
            let first = match number % 16 {
                0 => arriving.iter().flat_map(|event| facts(ledger, std::slice::from_ref(event), AT)).collect(),
                _ => facts(ledger, &arriving, AT),
            };
            let again = facts(ledger, &arriving, AT + 1);
            let number_of = |recorded: &Recorded| recorded.movement.as_ref().unwrap().movement.id;
            let numbers = [&first, &again].map(|recorded| recorded.iter().map(number_of).collect::<Vec<_>>());
            assert_eq!(numbers[0], numbers[1], "{permutation:?}");

            let mut by_key: Vec<(&str, i64)> =
                arriving.iter().map(|event| event.dedup_key.split(':').next().unwrap()).zip(amounts(ledger, &again)).collect();
            by_key.sort_unstable();
            let want = [("back-1", -3_000), ("back-2", -2_000), ("disputed", -5_000), ("held", 0), ("paid", 10_000)];
            let rest: &[(&str, i64)] = if with_hold { &[("won", 5_000)] } else { &[("released", 0), ("won", 5_000)] };
            assert_eq!(by_key, [&want[..], rest].concat(), "{permutation:?}");
            assert_eq!((balance(ledger, "100500"), entries_count(ledger)), (before.0 + 5_000, before.1 + 5), "{permutation:?}");

            let state = order_state(ledger, &order, AT);
            let keys = |names: &[&str]| names.iter().map(|one| format!("{one}:{name}")).collect::<BTreeSet<_>>();
            let paid_by = state.paid_by.unwrap();
            let follows = |state: &domain::MovementState| later(state).into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
            assert_eq!(follows(&paid_by), keys(&["back-1", "back-2", "disputed", "won"]), "{permutation:?}");
            let hold = movement_state(ledger, &format!("held:{name}"), AT);
            let ended: &[&str] = if with_hold { &["paid", "back-1", "back-2", "disputed", "won"] } else { &["released"] };
            assert_eq!((follows(&hold), state.held_by), (keys(ended), None), "{permutation:?}");
        }
    }
    assert_eq!(
        (ledger.check().unwrap(), ledger.unmatched_count().unwrap(), ledger.contradiction_count().unwrap()),
        (vec![], 0, 0)
    );
}

fn entries_count(ledger: &Ledger) -> u64 {
    ledger.last_seq().unwrap()
}

pub fn movements_have_numbers_that_stay(ledger: &Ledger) {
    let order = order(ledger);
    let of_second = |second: u64, keys: &[&str]| {
        let declined: Vec<Event> = keys.iter().map(|key| event(EventKind::Declined, &order, key)).collect();
        let recorded = facts(ledger, &declined, second);
        recorded.iter().map(|one| one.movement.as_ref().unwrap().movement.id.0).collect::<Vec<_>>()
    };
    assert_eq!(order.id.as_str(), (AT * 1000).to_string(), "orders have even numbers");
    assert_eq!(of_second(AT, &["a", "b"]), [AT * 1000 + 1, AT * 1000 + 3]);
    // Whatever the clock says, no number is given twice, and a repetition has the first one.
    assert_eq!(of_second(AT - 60, &["c", "a"]), [AT * 1000 + 5, AT * 1000 + 1]);
    assert_eq!(of_second(AT + 1, &["d"]), [AT * 1000 + 1001]);
    let paid = take(ledger, &payment(&order, "T1"));
    assert_eq!(paid, Outcome::Recorded { seq: 1, repeated: false });
    let state = movement_state(ledger, "payment:T1", AT);
    assert_eq!((state.movement.origin, state.movement.event.clone()), (MovementOrigin::Callback, payment(&order, "T1")));
    // It is found by its number too, by its own provider only, and by no other text.
    let by_number = |provider: &str, text: &str| {
        let question = LedgerQuestion::Movement(MovementName::Id(text.to_owned()));
        ledger.answers(&provider.parse().unwrap(), &[question], AT).unwrap().remove(0)
    };
    let number = state.movement.id.to_string();
    assert_eq!(by_number("chronopay", &number), LedgerAnswer::Movement(Some(state)));
    let none = LedgerAnswer::Movement(None);
    assert_eq!(by_number("robokassa", &number), none);
    for text in ["", "0", "-1", "+1", " 1", "1e3", "one", "99999999999999999999", &format!("0{number}"), &format!("{number} ")]
    {
        assert_eq!(by_number("chronopay", text), none, "{text}");
    }
    let foreign = LedgerQuestion::Order(order.id.clone());
    assert_eq!(ledger.answers(&"robokassa".parse().unwrap(), &[foreign], AT).unwrap(), [LedgerAnswer::Order(None)]);
    // What an event says is kept, whatever it came to.
    let whole = changed(event(EventKind::Hold, &order, "whole"), |event| {
        event.facts.account = Some("100500".parse().unwrap());
        event.facts.payer = Some("7".into());
        event.facts.occurred_at = Some("2026-11-01T10:00:00+03:00".into());
        event.facts.expires_at = Some(AT + 60);
        event.fee = Some(rub(350));
        event.comment = "Холд".into();
        event.extra = vec![("card-mask".into(), "411111XXXXXX1111".into())];
    });
    let refund = changed(event(EventKind::Refund, &order, "unknown"), |event| {
        event.facts.original = Some("none".parse().unwrap());
        event.fee = Some(rub(1));
        event.extra = vec![("a".into(), "b".into())];
    });
    for event in [whole, refund] {
        take(ledger, &event);
        assert_eq!(movement_state(ledger, &event.dedup_key, AT).movement.event, event);
    }
}

pub fn movements_are_listed_by_their_time(ledger: &Ledger) {
    let order = order(ledger);
    let at = |key: &str, kind: EventKind, occurred_at: Option<&str>| {
        let event = changed(event(kind, &order, key), |event| {
            event.facts.occurred_at = occurred_at.map(str::to_owned);
        });
        facts(ledger, &[event], AT);
    };
    // AT is 2026-11-02 00:05:00 UTC.
    at("second", EventKind::Declined, None);
    at("first", EventKind::Hold, Some("2026-11-02T03:04:59+03:00"));
    at("no-offset", EventKind::Declined, Some("2026-11-01T00:00:00"));
    at("last", EventKind::Declined, Some("2026-11-02T00:05:01Z"));
    let foreign = Event { provider: "robokassa".parse().unwrap(), ..event(EventKind::Declined, &order, "foreign") };
    ledger.record(Submission::of_callback(foreign, callback("robokassa", AT).into())).unwrap();
    let page = |since, until, kind, after: Option<&str>, limit| {
        let query = MovementsQuery { since, until, kind, after: after.map(str::to_owned), limit };
        let LedgerAnswer::Movements(page) = ask(ledger, LedgerQuestion::Movements(query), AT) else { panic!() };
        let keys = page.movements.iter().map(|one| one.movement.event.dedup_key.to_string()).collect::<Vec<_>>();
        (keys, page.more)
    };
    let all = ["first", "second", "no-offset", "last"].map(str::to_owned);
    assert_eq!(page(0, u64::MAX, None, None, 500), (all.to_vec(), false));
    assert_eq!(page(0, u64::MAX, None, None, u16::MAX), (all.to_vec(), false));
    assert_eq!(page(0, u64::MAX, None, None, 4), (all.to_vec(), false));
    assert_eq!(page(0, u64::MAX, None, None, 3), (all[..3].to_vec(), true));
    assert_eq!(page(0, u64::MAX, None, None, 0), (all[..1].to_vec(), true));
    // Both ends are included.
    assert_eq!(page(AT - 1, AT, None, None, 9), (all[..3].to_vec(), false));
    assert_eq!(page(AT, AT, None, None, 9), (all[1..3].to_vec(), false));
    assert_eq!(page(AT + 1, AT + 1, None, None, 9), (all[3..].to_vec(), false));
    assert_eq!(page(AT + 2, u64::MAX, None, None, 9), (vec![], false));
    assert_eq!(page(0, u64::MAX, Some(EventKind::Hold), None, 9), (all[..1].to_vec(), false));
    assert_eq!(page(0, u64::MAX, Some(EventKind::Declined), None, 2), (all[1..3].to_vec(), true));
    assert_eq!(page(0, u64::MAX, Some(EventKind::Payment), None, 2), (vec![], false));
    // A list goes on after a movement, whose time need not be within the range.
    let number = |key: &str| movement_state(ledger, key, AT).movement.id.to_string();
    assert_eq!(page(0, u64::MAX, None, Some(&number("second")), 9), (all[2..].to_vec(), false));
    assert_eq!(page(AT + 1, u64::MAX, None, Some(&number("first")), 9), (all[3..].to_vec(), false));
    assert_eq!(page(0, u64::MAX, None, Some(&number("last")), 9), (vec![], false));
    for unknown in ["1", "x", ""] {
        assert_eq!(page(0, u64::MAX, None, Some(unknown), 9), (vec![], false), "{unknown}");
    }
}

/// Each fact of a submission is decided alone, and the next one sees it.
pub fn a_submission_is_decided_as_a_whole(ledger: &Ledger) {
    let order = order(ledger);
    let stored = |ledger: &Ledger| ledger.last_callbacks(&"chronopay".parse().unwrap(), 10).unwrap().len();
    let lost = changed(payment(&order, "T2"), |event| event.facts.order = None);
    let events = vec![payment(&order, "T1"), lost, payment(&order, "T1"), event(EventKind::Declined, &order, "no")];
    let callback = callback("chronopay", AT);
    let all = Submission { origin: Origin::Callback(callback.into()), ..submission(Reported::Facts(events), AT) };
    let outcomes: Vec<Outcome> = submit(ledger, all).into_iter().map(|recorded| recorded.outcome).collect();
    assert_eq!(
        outcomes,
        [
            Outcome::Recorded { seq: 1, repeated: false },
            Outcome::Unmatched { id: 1, repeated: false },
            Outcome::Recorded { seq: 1, repeated: true },
            Outcome::NoMovement { repeated: false },
        ]
    );
    // All by one callback, which is stored once.
    assert_eq!((stored(ledger), entries(ledger).len()), (1, 1));
    assert_eq!(submit(ledger, submission(Reported::Facts(Vec::new()), AT)), []);
    // Facts that contradict need no callback.
    let other = changed(payment(&order, "T1"), |event| event.facts.amount = rub(9));
    assert_eq!(facts(ledger, std::slice::from_ref(&other), AT)[0].outcome, Outcome::Contradiction { id: Some(1) });
    let shown = ledger.contradictions(domain::ReviewFilter::WaitingAfter(0), 9).unwrap().remove(0);
    assert_eq!((shown.first.callback.is_some(), shown.repeated.callback, shown.repeated.facts), (true, None, other.facts));
    assert_eq!(stored(ledger), 1);
}

/// What a provider was told about orders and movements must still be so when its events are recorded.
pub fn changed_answers_record_nothing(ledger: &Ledger) {
    let order = order(ledger);
    let provider = "chronopay".parse().unwrap();
    let questions = || {
        let key = |key: &str| LedgerQuestion::Movement(MovementName::Key(key.parse().unwrap()));
        let all = MovementsQuery { since: 0, until: u64::MAX, kind: None, after: None, limit: 500 };
        [LedgerQuestion::Order(order.id.clone()), key("held"), key("payment:T1"), LedgerQuestion::Movements(all)]
    };
    let told = |which: usize| {
        let question = questions()[which].clone();
        let answer = ledger.answers(&provider, std::slice::from_ref(&question), AT).unwrap().remove(0);
        vec![(question, answer)]
    };
    let try_with = |answers: Vec<(LedgerQuestion, LedgerAnswer)>, event: &Event| {
        let wished = Submission { answers, ..submission(Reported::Wish(event.clone()), AT) };
        ledger.record(wished).unwrap()
    };
    let other = event(EventKind::Declined, &order, "other");
    // Unchanged: it is done, and each answer is compared.
    let before: Vec<_> = (0..4).map(told).collect();
    let hold = changed(event(EventKind::Hold, &order, "held"), |event| event.facts.expires_at = Some(AT + 100));
    let Submitted::Done(held) = try_with(before.concat(), &hold) else { panic!() };
    assert_eq!(held[0].outcome, Outcome::NoMovement { repeated: false });
    // The hold changed the order, itself, and the list, but not a payment that nobody knows.
    let paid = changed(payment(&order, "T1"), |event| event.facts.ends_hold = Some("held".parse().unwrap()));
    for (which, answers) in before.into_iter().enumerate() {
        if which != 2 {
            let refused = Submission { answers, ..submission(Reported::Facts(vec![other.clone()]), AT) };
            assert_eq!(ledger.record(refused).unwrap(), Submitted::AnswersChanged, "{which}");
        }
    }
    let fresh: Vec<_> = (0..4).map(told).collect();
    let Submitted::Done(done) = try_with(fresh.concat(), &paid) else { panic!() };
    assert_eq!(done[0].outcome, Outcome::Recorded { seq: 1, repeated: false });
    for (which, answers) in fresh.into_iter().enumerate() {
        let refused = Submission { answers, ..submission(Reported::Facts(vec![other.clone()]), AT) };
        assert_eq!(ledger.record(refused).unwrap(), Submitted::AnswersChanged, "{which}");
    }
    // A refund follows from the payment, and so changes what was told of it.
    let answers = told(2);
    let back = changed(event(EventKind::Refund, &order, "back"), |event| event.facts.original = Some("T1".parse().unwrap()));
    assert_eq!(
        wish(ledger, &changed(back.clone(), |event| event.facts.amount = rub(5_000)), AT).outcome,
        Outcome::Recorded { seq: 2, repeated: false }
    );
    let second = changed(back, |event| {
        event.facts.amount = rub(5_000);
        event.dedup_key = "back-2".parse().unwrap();
    });
    assert_eq!(try_with(answers, &second), Submitted::AnswersChanged);
    assert_eq!((entries(ledger).len(), balance(ledger, "100500")), (2, 5_000));
    let Submitted::Done(done) = try_with(told(2), &second) else { panic!() };
    assert_eq!(done[0].outcome, Outcome::Recorded { seq: 3, repeated: false });
    assert!(WishRefusal::from_name("not-returnable").is_some());
}
