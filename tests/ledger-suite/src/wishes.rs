//! Rules about wishes: what a payment system asks the ledger to agree to.

use domain::{Correction, Event, EventKind, Money, Order, Outcome, Recurrence, WishRefusal};
use ledger::{Ledger, Origin, Reported, Submission};
use money::Currency;

use crate::{
    AT, account, balance, callback, changed, entries, event, facts, new_order, order, payment, rub, submission, submit, wish,
};

const RECORDED: Outcome = Outcome::NoMovement { repeated: false };

fn refused(refusal: WishRefusal) -> Outcome {
    Outcome::Refused(refusal)
}

fn another(ledger: &Ledger) -> Order {
    ledger.create_order(new_order(rub(10_000)), AT).unwrap().unwrap()
}

/// Nothing is left of a refused wish: no movement, no callback, nothing for an operator.
pub fn a_wish_is_refused_with_its_reason(ledger: &Ledger) {
    let (open, held, paid) = (order(ledger), another(ledger), another(ledger));
    facts(ledger, &[payment(&paid, "T0"), event(EventKind::Hold, &held, "h"), event(EventKind::Hold, &open, "ended")], AT);
    let release =
        changed(event(EventKind::HoldRelease, &open, "r"), |event| event.facts.ends_hold = Some("ended".parse().unwrap()));
    facts(ledger, &[release], AT);
    account(ledger, "100501");
    let of = |kind, order: &Order, change: &dyn Fn(&mut Event)| changed(event(kind, order, "wish"), |event| change(event));
    let ends = |hold: &'static str| move |event: &mut Event| event.facts.ends_hold = Some(hold.parse().unwrap());
    let usd = Money { minor_units: 10_000, currency: Currency::parse("USD").unwrap() };
    for kind in [EventKind::Payment, EventKind::Hold] {
        for (event, refusal) in [
            (of(kind, &open, &|event| event.facts.order = None), WishRefusal::UnknownOrder),
            (of(kind, &open, &|event| event.facts.order = Some("42".parse().unwrap())), WishRefusal::UnknownOrder),
            (of(kind, &open, &|event| event.facts.account = Some("100501".parse().unwrap())), WishRefusal::UnknownOrder),
            (
                of(kind, &open, &|event| {
                    event.facts.order = None;
                    event.facts.account = Some("7".parse().unwrap());
                }),
                WishRefusal::UnknownAccount,
            ),
            (of(kind, &paid, &|_| {}), WishRefusal::OrderPaid),
            (of(kind, &held, &|_| {}), WishRefusal::OrderHeld),
            (of(kind, &open, &|event| event.facts.amount = rub(9_999)), WishRefusal::AmountMismatch),
            (of(kind, &open, &|event| event.facts.amount = usd), WishRefusal::CurrencyMismatch),
            (of(kind, &open, &|event| event.facts.amount = rub(0)), WishRefusal::AmountOutOfRange),
            (of(kind, &open, &|event| event.facts.recurrence = Recurrence::Repeat), WishRefusal::Forbidden),
        ] {
            assert_eq!(wish(ledger, &event, AT).outcome, refused(refusal), "{event:?}");
        }
        // From this second on.
        let expires_at = open.expires_at.unwrap();
        assert_eq!(wish(ledger, &of(kind, &open, &|_| {}), expires_at).outcome, refused(WishRefusal::OrderExpired));
    }
    for (event, refusal) in [
        (of(EventKind::Payment, &open, &ends("ended")), WishRefusal::HoldEnded),
        (of(EventKind::Payment, &open, &ends("none")), WishRefusal::HoldEnded),
        // The hold is of another order.
        (of(EventKind::Payment, &open, &ends("h")), WishRefusal::HoldEnded),
        (of(EventKind::HoldRelease, &open, &|_| {}), WishRefusal::HoldEnded),
        (of(EventKind::HoldRelease, &open, &ends("ended")), WishRefusal::HoldEnded),
        (of(EventKind::HoldRelease, &open, &ends("payment:T0")), WishRefusal::HoldEnded),
        (of(EventKind::Hold, &open, &|event| event.facts.expires_at = Some(AT)), WishRefusal::HoldEnded),
        (of(EventKind::Payment, &open, &|event| event.facts.transaction = "T0".parse().unwrap()), WishRefusal::AlreadyEntered),
        (of(EventKind::Chargeback, &paid, &|_| {}), WishRefusal::Forbidden),
        (of(EventKind::ChargebackReversal, &paid, &|_| {}), WishRefusal::Forbidden),
        (of(EventKind::Declined, &paid, &|_| {}), WishRefusal::Forbidden),
    ] {
        let wished = Submission {
            origin: Origin::Callback(callback("chronopay", AT).into()),
            ..submission(Reported::Wish(event.clone()), AT)
        };
        let recorded = submit(ledger, wished).remove(0);
        assert_eq!((recorded.outcome, recorded.movement), (refused(refusal), None), "{event:?}");
    }
    assert_eq!(ledger.last_callbacks(&"chronopay".parse().unwrap(), 10).unwrap(), []);
    assert_eq!((entries(ledger).len(), ledger.unmatched_count().unwrap()), (1, 0));
    // None of them prevents the same wish later.
    assert_eq!(wish(ledger, &of(EventKind::Hold, &open, &|_| {}), AT).outcome, RECORDED);
    let paid = changed(payment(&open, "T9"), |event| event.facts.ends_hold = Some("wish".parse().unwrap()));
    assert_eq!(wish(ledger, &paid, AT).outcome, Outcome::Recorded { seq: 2, repeated: false });
    assert_eq!(wish(ledger, &event(EventKind::HoldRelease, &held, "r2"), AT).outcome, refused(WishRefusal::HoldEnded));
    assert_eq!(wish(ledger, &changed(event(EventKind::HoldRelease, &held, "r2"), ends("h")), AT).outcome, RECORDED);
    assert_eq!(wish(ledger, &payment(&held, "T8"), AT).outcome, Outcome::Recorded { seq: 3, repeated: false });
}

/// A wish that is repeated has the first answer, whatever happened since.
pub fn a_wish_is_answered_once(ledger: &Ledger) {
    let order = order(ledger);
    let expired = order.expires_at.unwrap() + 1;
    let hold = changed(event(EventKind::Hold, &order, "h"), |event| event.facts.expires_at = Some(expired - 1));
    let paid = changed(payment(&order, "T1"), |event| event.facts.ends_hold = Some("h".parse().unwrap()));
    let first = [wish(ledger, &hold, AT), wish(ledger, &paid, AT)];
    let back = changed(event(EventKind::Refund, &order, "back"), |event| event.facts.original = Some("T1".parse().unwrap()));
    let refunded = wish(ledger, &back, AT);
    assert_eq!(refunded.outcome, Outcome::Recorded { seq: 2, repeated: false });
    let again = [&hold, &paid, &back].map(|event| wish(ledger, event, expired));
    assert_eq!(
        again.clone().map(|recorded| recorded.outcome),
        [
            Outcome::NoMovement { repeated: true },
            Outcome::Recorded { seq: 1, repeated: true },
            Outcome::Recorded { seq: 2, repeated: true }
        ]
    );
    for (first, again) in first.iter().chain([&refunded]).zip(&again) {
        assert_eq!(first.movement.as_ref().unwrap().movement, again.movement.as_ref().unwrap().movement);
    }
    // The same key with other facts is a contradiction. An operator sees it where the money is another one.
    let known = first[1].movement.as_ref().unwrap().movement.id;
    let late = changed(paid.clone(), |event| event.facts.occurred_at = Some("2026-11-02".to_owned()));
    let late = [changed(late, |event| event.facts.transaction = "T9".parse().unwrap())];
    let of_other_money =
        [changed(paid.clone(), |event| event.facts.amount = rub(1)), changed(paid, |event| event.facts.amount = rub(2))];
    for (other, id) in
        [(&late[0], None), (&of_other_money[0], Some(1)), (&of_other_money[0], None), (&of_other_money[1], Some(2))]
    {
        let contradiction = wish(ledger, other, AT);
        assert_eq!(contradiction.outcome, Outcome::Contradiction { id });
        assert_eq!(contradiction.movement.unwrap().movement.id, known);
    }
    assert_eq!((ledger.contradiction_count().unwrap(), balance(ledger, "100500")), (2, 0));
}

pub fn a_refund_that_is_asked_for_must_be_covered(ledger: &Ledger) {
    let first = order(ledger);
    let back = |key: &str, original: &str, kopecks| {
        changed(event(EventKind::Refund, &first, key), |event| {
            event.facts.order = None;
            event.facts.original = Some(original.parse().unwrap());
            event.facts.amount = rub(kopecks);
        })
    };
    let not_returnable = refused(WishRefusal::NotReturnable);
    assert_eq!(wish(ledger, &back("a", "T1", 1), AT).outcome, not_returnable, "nothing is paid");
    facts(ledger, &[payment(&first, "T1")], AT);
    assert_eq!(wish(ledger, &back("a", "T2", 1), AT).outcome, not_returnable, "another payment");
    assert_eq!(wish(ledger, &back("a", "T1", 10_001), AT).outcome, not_returnable, "more than was paid");
    let usd = Money { minor_units: 1, currency: Currency::parse("USD").unwrap() };
    let foreign = changed(back("a", "T1", 1), |event| event.facts.amount = usd);
    assert_eq!(wish(ledger, &foreign, AT).outcome, refused(WishRefusal::CurrencyMismatch));
    // The subscriber has spent a part.
    let (account, operator, comment) = ("100500".parse().unwrap(), "anna".to_owned(), "x".to_owned());
    ledger.correct(Correction { key: "k".into(), account, amount: rub(-6_000), operator, comment }, AT).unwrap().unwrap();
    assert_eq!(wish(ledger, &back("a", "T1", 4_001), AT).outcome, not_returnable, "more than is left of it");
    assert_eq!(wish(ledger, &back("a", "T1", 3_000), AT).outcome, Outcome::Recorded { seq: 3, repeated: false });
    assert_eq!(wish(ledger, &back("b", "T1", 1_001), AT).outcome, not_returnable);
    // A fact is entered whatever the balance.
    assert_eq!(facts(ledger, &[back("b", "T1", 7_000)], AT)[0].outcome, Outcome::Recorded { seq: 4, repeated: false });
    assert_eq!((balance(ledger, "100500"), ledger.check().unwrap()), (-6_000, vec![]));
}

/// An account that billing has and the ledger lacks is created with what is recorded of it, and with nothing else.
pub fn an_account_of_billing_is_created_with_its_payment(ledger: &Ledger) {
    let order = order(ledger);
    let of_account = |key: &str, kind, number: &str| {
        changed(event(kind, &order, key), |event| {
            (event.facts.order, event.facts.account) = (None, Some(number.parse().unwrap()));
        })
    };
    let with_accounts = |reported, numbers: &[&str]| {
        let account = |number: &&str| ledger::individual(number.parse().unwrap(), "Петров П. П.");
        Submission { accounts: numbers.iter().map(account).collect(), ..submission(reported, AT) }
    };
    let name_of = |number: &str| ledger.account(&number.parse().unwrap()).unwrap().map(|(account, _)| account.name);
    let paid = of_account("p1", EventKind::Payment, "7");
    assert_eq!(ledger.account_of_wish(&paid).unwrap(), paid.facts.account);
    assert_eq!(wish(ledger, &paid, AT).outcome, refused(WishRefusal::UnknownAccount), "billing did not say that it has it");
    // A refused wish leaves no account either.
    let none = changed(paid.clone(), |event| event.facts.amount = rub(0));
    let outcome = submit(ledger, with_accounts(Reported::Wish(none), &["7"])).remove(0).outcome;
    assert_eq!((outcome, name_of("7")), (refused(WishRefusal::AmountOutOfRange), None));
    let entered = submit(ledger, with_accounts(Reported::Wish(paid.clone()), &["7", "8"])).remove(0).outcome;
    assert_eq!(entered, Outcome::Recorded { seq: 1, repeated: false });
    assert_eq!((name_of("7").as_deref(), name_of("8"), balance(ledger, "7")), (Some("Петров П. П."), None, 10_000));
    assert_eq!(ledger.account_of_wish(&paid).unwrap(), None, "it is recorded");
    // An account that is there stays as it is.
    let more = of_account("p2", EventKind::Hold, "100500");
    assert_eq!(submit(ledger, with_accounts(Reported::Wish(more), &["100500"])).remove(0).outcome, RECORDED);
    assert_ne!(name_of("100500").as_deref(), Some("Петров П. П."));
    // The account of an order; that of another provider's is not told.
    let ordered = event(EventKind::Payment, &order, "p3");
    assert_eq!(ledger.account_of_wish(&ordered).unwrap(), Some(order.account.clone()));
    let of_another = changed(ordered, |event| event.provider = "robokassa".parse().unwrap());
    assert_eq!(ledger.account_of_wish(&of_another).unwrap(), None);
    // What happened is entered likewise, and waits for an operator where billing lacks the account.
    let happened = ["8", "9"].map(|number| {
        changed(of_account(&format!("f{number}"), EventKind::Payment, number), |event| {
            event.facts.transaction = number.parse().unwrap();
        })
    });
    assert_eq!(ledger.unknown_payees(&happened).unwrap(), happened.iter().collect::<Vec<_>>());
    let recorded = submit(ledger, with_accounts(Reported::Facts(happened.to_vec()), &["8"]));
    let recorded: Vec<Outcome> = recorded.into_iter().map(|recorded| recorded.outcome).collect();
    assert_eq!(recorded[0], Outcome::Recorded { seq: 2, repeated: false });
    assert!(matches!(recorded[1], Outcome::Unmatched { repeated: false, .. }), "{recorded:?}");
    assert_eq!(ledger.unknown_payees(&happened).unwrap(), Vec::<&Event>::new(), "both are recorded");
    assert_eq!((balance(ledger, "8"), name_of("9"), ledger.check().unwrap()), (10_000, None, vec![]));
}

/// Two wishes at once end as one after the other would.
pub fn of_two_wishes_at_once_one_is_refused(ledger: &Ledger) {
    let first = order(ledger);
    for round in 0..8 {
        let order = if round == 0 { first.clone() } else { another(ledger) };
        let kind = if round % 2 == 0 { EventKind::Payment } else { EventKind::Hold };
        let wished = |which: usize| event(kind, &order, &format!("{round}-{which}"));
        let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|which| {
                    let wished = submission(Reported::Wish(wished(which)), AT);
                    scope.spawn(move || submit(ledger, wished).remove(0).outcome)
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let refusal = if kind == EventKind::Payment { WishRefusal::OrderPaid } else { WishRefusal::OrderHeld };
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == refused(refusal)).count(), 3, "{outcomes:?}");
    }
    assert_eq!((entries(ledger).len(), balance(ledger, "100500"), ledger.check().unwrap()), (4, 40_000, vec![]));
}
