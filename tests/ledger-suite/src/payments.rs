//! Rules about payments.

use domain::{
    EntryKind, Event, EventKind, MismatchReason, Money, NewOrder, OpenOrders, OrderId, OrderRefusal, Outcome, Recurrence,
};
use ledger::Ledger;
use money::Currency;

use crate::{
    AT, account, balance, callback, changed, entered, entries, new_order, order, payment, record, refund, rub, take, waits,
};

pub fn a_payment_credits_its_order_once(ledger: &Ledger) {
    let order = order(ledger);
    let event = payment(&order, "T1");
    // The first payment is credited, even after the order's link has expired.
    let late = order.expires_at.unwrap() + 1;
    assert_eq!(record(ledger, event.clone(), callback(&event.provider, late)), entered(1));
    assert_eq!(balance(ledger, "100500"), 10_000);
    for _ in 0..3 {
        assert_eq!(take(ledger, &event), Outcome::Recorded { seq: 1, repeated: true });
    }
    // The dedup key identifies the movement, whatever else the event says. The operator sees the difference.
    assert_eq!(
        take(ledger, &changed(event.clone(), |event| event.facts.amount = rub(99))),
        Outcome::Contradiction { id: Some(1) }
    );
    assert_eq!(balance(ledger, "100500"), 10_000);
    let made = &entries(ledger)[0];
    assert_eq!(
        (made.kind, made.amount, made.comment.as_str()),
        (EntryKind::Payment, rub(10_000), "Пополнение баланса через ЛК")
    );
    assert_eq!((made.order.as_ref(), made.transaction.as_deref(), made.at), (Some(&order.id), Some("T1"), late));
    assert_eq!(ledger.order(&order.id).unwrap().unwrap().paid_by, Some(1));
    // A second payment of the order, and the same one under another key.
    assert_eq!(waits(ledger, &take(ledger, &payment(&order, "T2"))), MismatchReason::AlreadyPaid);
    let again = Event { dedup_key: "other".parse().unwrap(), ..event };
    assert_eq!(waits(ledger, &take(ledger, &again)), MismatchReason::AlreadyPaid);
    assert_eq!((entries(ledger).len(), balance(ledger, "100500")), (1, 10_000));
}

pub fn what_does_not_fit_its_order_waits(ledger: &Ledger) {
    let order = order(ledger);
    let base = payment(&order, "T");
    let usd = Money { minor_units: 10_000, currency: Currency::parse("USD").unwrap() };
    let cases = [
        (refund(&order, "T", 10_000), MismatchReason::NotPaid),
        (changed(base.clone(), |event| event.facts.order = None), MismatchReason::UnknownOrder),
        (changed(base.clone(), |event| event.facts.order = Some("42".parse().unwrap())), MismatchReason::UnknownOrder),
        (
            changed(base.clone(), |event| event.facts.order = Some(format!("0{}", order.id).parse().unwrap())),
            MismatchReason::UnknownOrder,
        ),
        (changed(base.clone(), |event| event.facts.order = Some("' OR 1=1".parse().unwrap())), MismatchReason::UnknownOrder),
        (Event { provider: "robokassa".parse().unwrap(), ..base.clone() }, MismatchReason::ProviderMismatch),
        (changed(base.clone(), |event| event.facts.amount = rub(9_999)), MismatchReason::AmountMismatch),
        (changed(base.clone(), |event| event.facts.amount = rub(10_001)), MismatchReason::AmountMismatch),
        (changed(base.clone(), |event| event.facts.amount = usd), MismatchReason::CurrencyMismatch),
        (changed(base.clone(), |event| event.facts.amount = rub(0)), MismatchReason::AmountNotPositive),
        (changed(base.clone(), |event| event.facts.amount = rub(-10_000)), MismatchReason::AmountNotPositive),
        (changed(base.clone(), |event| event.facts.recurrence = Recurrence::Repeat), MismatchReason::NoInitialPayment),
        (refund(&order, "T", 10_000), MismatchReason::OtherPayment),
        (changed(refund(&order, "T", 1), |event| event.facts.order = None), MismatchReason::UnknownOrder),
    ];
    for (at, (event, reason)) in cases.into_iter().enumerate() {
        let event = Event { dedup_key: at.to_string().parse().unwrap(), ..event };
        let outcome = take(ledger, &event);
        assert_eq!(waits(ledger, &outcome), reason, "{event:?}");
        let Outcome::Unmatched { id, .. } = outcome else { panic!() };
        assert_eq!(take(ledger, &event), Outcome::Unmatched { id, repeated: true });
    }
    assert_eq!((entries(ledger).len(), balance(ledger, "100500")), (0, 0));
    // None of these events prevents the payment itself.
    assert_eq!(take(ledger, &base), entered(1));
}

pub fn a_series_credits_the_account_of_the_first(ledger: &Ledger) {
    let order = order(ledger);
    take(ledger, &changed(payment(&order, "T1"), |event| event.facts.recurrence = Recurrence::First));
    let repeat = changed(payment(&order, "T2"), |event| {
        event.facts.recurrence = Recurrence::Repeat;
        event.facts.amount = rub(2_500);
    });
    assert_eq!(take(ledger, &repeat), entered(2));
    assert_eq!(
        take(
            ledger,
            &changed(repeat.clone(), |event| {
                event.dedup_key = "payment:T3".parse().unwrap();
                event.facts.transaction = "T3".parse().unwrap();
            })
        ),
        entered(3)
    );
    assert_eq!(take(ledger, &repeat), Outcome::Recorded { seq: 2, repeated: true });
    let twice = Event { dedup_key: "another".parse().unwrap(), ..repeat };
    assert_eq!(waits(ledger, &take(ledger, &twice)), MismatchReason::AlreadyPaid);
    assert_eq!(balance(ledger, "100500"), 15_000);
    assert_eq!(ledger.order(&order.id).unwrap().unwrap().paid_by, Some(1));
}

pub fn no_money_no_entry(ledger: &Ledger) {
    let order = order(ledger);
    for kind in [EventKind::Hold, EventKind::Declined] {
        let event = changed(payment(&order, "T1"), |event| {
            event.facts.kind = kind;
            event.dedup_key = kind.name().parse().unwrap();
        });
        let declined = || ledger.order_money(&order.id).unwrap().is_declined;
        assert!(!declined(), "before a decline");
        let outcomes = [false, true].map(|repeated| Outcome::NoMovement { repeated });
        assert_eq!([take(ledger, &event), take(ledger, &event)], outcomes);
        assert_eq!(declined(), kind == EventKind::Declined);
    }
    // Neither another order nor another payment system's word about this one.
    let other = ledger.create_order(new_order(rub(10_000)), AT).unwrap().unwrap();
    assert!(!ledger.order_money(&other.id).unwrap().is_declined);
    let foreign = changed(payment(&other, "T2"), |event| {
        event.provider = "robokassa".parse().unwrap();
        event.facts.kind = EventKind::Declined;
    });
    assert_eq!(take(ledger, &foreign), Outcome::NoMovement { repeated: false });
    assert!(!ledger.order_money(&other.id).unwrap().is_declined);
    assert_eq!((entries(ledger).len(), ledger.unmatched_events(0, 10).unwrap().len()), (0, 0));
}

pub fn orders_are_made_once_for_a_key(ledger: &Ledger) {
    account(ledger, "100500");
    let keyed = NewOrder { idempotency_key: Some("k".into()), ..new_order(rub(100)) };
    let made = ledger.create_order(keyed.clone(), AT).unwrap().unwrap();
    assert_eq!(ledger.create_order(keyed.clone(), AT + 5).unwrap(), Ok(made.clone()));
    let other = NewOrder { amount: rub(200), ..keyed };
    assert_eq!(ledger.create_order(other, AT).unwrap(), Err(OrderRefusal::KeyReused));
    assert_eq!(ledger.create_order(new_order(rub(0)), AT).unwrap(), Err(OrderRefusal::AmountNotPositive));
    let nobody = NewOrder { account: "7".parse().unwrap(), ..new_order(rub(100)) };
    assert_eq!(ledger.create_order(nobody, AT).unwrap(), Err(OrderRefusal::UnknownAccount));
    let ids: Vec<OrderId> = (0..50).map(|_| ledger.create_order(new_order(rub(100)), AT).unwrap().unwrap().id).collect();
    assert!(ids.is_sorted() && ids.iter().all(|id| *id != made.id && id.bytes().all(|byte| byte.is_ascii_digit())));
    assert_eq!(ledger.order(&made.id).unwrap(), Some(made));
}

pub fn open_orders_are_counted_by_provider(ledger: &Ledger) {
    account(ledger, "100500");
    let make = |provider: &str, at| {
        let order = NewOrder { provider: provider.parse().unwrap(), ..new_order(rub(10_000)) };
        ledger.create_order(order, at).unwrap().unwrap()
    };
    let (paid, _, _, _) = (make("chronopay", AT), make("chronopay", AT), make("chronopay", AT + 10), make("other", AT));
    take(ledger, &payment(&paid, "1"));
    assert_eq!(ledger.open_orders(&"chronopay".parse().unwrap(), AT + 10).unwrap(), OpenOrders { all: 2, recent: 1 });
    assert_eq!(ledger.open_orders(&"nobody".parse().unwrap(), 0).unwrap(), OpenOrders::default());
    assert_eq!(ledger.providers_of_open_orders().unwrap(), ["chronopay", "other"]);
}

pub fn a_hundred_copies_at_once_are_one_payment(ledger: &Ledger) {
    let order = order(ledger);
    let event = payment(&order, "T1");
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..100).map(|_| scope.spawn(|| take(ledger, &event))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == entered(1)).count(), 1);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Recorded { seq: 1, .. })));
    assert_eq!((entries(ledger).len(), balance(ledger, "100500")), (1, 10_000));
}

/// At a terminal, the payer names the account and there is no order.
pub fn payments_to_accounts_need_the_account(ledger: &Ledger) {
    let order = order(ledger);
    account(ledger, "100501");
    let to = |transaction: &str, number: &str| {
        changed(payment(&order, transaction), |event| {
            event.facts.order = None;
            event.facts.account = Some(number.parse().unwrap());
        })
    };
    assert_eq!(take(ledger, &to("T1", "100501")), entered(1));
    assert_eq!(take(ledger, &to("T1", "100501")), Outcome::Recorded { seq: 1, repeated: true });
    assert_eq!(waits(ledger, &take(ledger, &to("T2", "7"))), MismatchReason::UnknownAccount);
    // The same transaction under another key.
    let twice = Event { dedup_key: "other".parse().unwrap(), ..to("T1", "100501") };
    assert_eq!(waits(ledger, &take(ledger, &twice)), MismatchReason::AlreadyPaid);
    // The order decides, and the account must be its own.
    let both = |number: &str| changed(payment(&order, "T3"), |event| event.facts.account = Some(number.parse().unwrap()));
    let wrong = Event { dedup_key: "wrong".parse().unwrap(), ..both("100501") };
    assert_eq!(waits(ledger, &take(ledger, &wrong)), MismatchReason::AccountMismatch);
    assert_eq!(take(ledger, &both("100500")), entered(2));
    // Another account is a contradiction, and so is none that is known.
    assert_eq!(take(ledger, &to("T1", "100500")), Outcome::Contradiction { id: Some(1) });
    assert_eq!((balance(ledger, "100500"), balance(ledger, "100501")), (10_000, 10_000));
    // Its refund names the transaction.
    assert_eq!(take(ledger, &changed(refund(&order, "T1", 4_000), |event| event.facts.order = None)), entered(3));
    assert_eq!(balance(ledger, "100501"), 6_000);
}

pub fn ten_payments_of_an_account_at_once_are_ten(ledger: &Ledger) {
    let order = order(ledger);
    std::thread::scope(|scope| {
        for number in 0..10 {
            let paid = changed(payment(&order, &number.to_string()), |event| {
                event.facts.order = None;
                event.facts.account = Some("100500".parse().unwrap());
            });
            scope.spawn(move || {
                assert!(matches!(crate::wish(ledger, &paid, AT).outcome, Outcome::Recorded { repeated: false, .. }))
            });
        }
    });
    assert_eq!((entries(ledger).len(), balance(ledger, "100500")), (10, 100_000));
}
