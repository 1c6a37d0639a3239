//! Rules about refunds.

use domain::{Acknowledged, EntryKind, Event, EventKind, MismatchReason, Outcome, Recurrence};
use ledger::Ledger;

use crate::{AT, balance, changed, entered, entries, order, payment, refund, rub, take, waits};

pub fn money_goes_back_from_where_it_came(ledger: &Ledger) {
    let order = order(ledger);
    take(ledger, &payment(&order, "T1"));
    assert_eq!(take(ledger, &refund(&order, "T1", 4_000)), entered(2));
    assert_eq!(waits(ledger, &take(ledger, &refund(&order, "T1", 6_001))), MismatchReason::ExceedsPaidAmount);
    // It is matched by the transaction, without an order.
    let chargeback = changed(refund(&order, "T1", 6_000), |event| {
        event.facts.kind = EventKind::Chargeback;
        event.facts.order = None;
    });
    assert_eq!(take(ledger, &chargeback), entered(3));
    assert_eq!(balance(ledger, "100500"), 0);
    let kinds: Vec<EntryKind> = entries(ledger).iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [EntryKind::Payment, EntryKind::Refund, EntryKind::Chargeback]);
}

/// A refund with an id of its own, and a chargeback under the payment's id, report the same money.
pub fn money_goes_back_once_under_whatever_id(ledger: &Ledger) {
    let order = order(ledger);
    take(ledger, &payment(&order, "T1"));
    assert_eq!(take(ledger, &refund(&order, "T2", 10_000)), entered(2));
    let chargeback = changed(refund(&order, "T1", 10_000), |event| {
        event.facts.kind = EventKind::Chargeback;
        event.dedup_key = "chargeback".parse().unwrap();
    });
    assert_eq!(waits(ledger, &take(ledger, &chargeback)), MismatchReason::ExceedsPaidAmount);
    assert_eq!(balance(ledger, "100500"), 0);
    // Money of a repeat may be refunded too, under its own id or another.
    let repeat = changed(payment(&order, "T3"), |event| {
        event.facts.recurrence = Recurrence::Repeat;
        event.facts.amount = rub(2_500);
    });
    take(ledger, &repeat);
    assert_eq!(waits(ledger, &take(ledger, &refund(&order, "T4", 2_501))), MismatchReason::ExceedsPaidAmount);
    assert!(matches!(take(ledger, &refund(&order, "T4", 2_500)), Outcome::Recorded { .. }));
    assert_eq!(waits(ledger, &take(ledger, &refund(&order, "T3", 1))), MismatchReason::ExceedsPaidAmount);
    assert_eq!(balance(ledger, "100500"), 0);
}

/// A refund that names only an order may belong to a payment that was never entered. It debits nothing from the payer whose
/// payment was entered.
pub fn the_refund_of_a_payment_that_waited_waits_too(ledger: &Ledger) {
    let order = order(ledger);
    take(ledger, &payment(&order, "T1"));
    let second = take(ledger, &payment(&order, "T2"));
    assert_eq!(waits(ledger, &second), MismatchReason::AlreadyPaid);
    let money = ledger.order_money(&order.id).unwrap();
    assert_eq!((money.entries.len(), money.unmatched.len()), (1, 1));
    assert_eq!(waits(ledger, &take(ledger, &refund(&order, "T3", 10_000))), MismatchReason::OtherPayment);
    let Outcome::Unmatched { id, .. } = second else { panic!() };
    ledger.dismiss_unmatched(id, "anna".to_owned(), "второй раз".to_owned(), 2).unwrap().unwrap();
    assert_eq!(waits(ledger, &take(ledger, &refund(&order, "T4", 10_000))), MismatchReason::OtherPayment);
    assert_eq!(waits(ledger, &take(ledger, &refund(&order, "T2", 10_000))), MismatchReason::OtherPayment);
    assert_eq!(balance(ledger, "100500"), 10_000);
    // A refund of the entered payment is recognized by its transaction.
    assert_eq!(take(ledger, &refund(&order, "T1", 10_000)), entered(2));
}

pub fn money_that_goes_back_first(ledger: &Ledger) {
    let order = order(ledger);
    // A callback that only names an order makes no balance negative.
    let back = refund(&order, "T1", 10_000);
    assert_eq!(waits(ledger, &take(ledger, &back)), MismatchReason::NotPaid);
    assert_eq!(balance(ledger, "100500"), 0);
    // It is entered by itself with its payment.
    assert_eq!(take(ledger, &payment(&order, "T1")), entered(1));
    assert_eq!((balance(ledger, "100500"), ledger.unmatched_count().unwrap()), (0, 0));
    assert_eq!(take(ledger, &back), Outcome::Recorded { seq: 2, repeated: true });
    let resolution = ledger.unmatched(1).unwrap().unwrap().resolution.unwrap();
    assert_eq!((resolution.operator.as_str(), resolution.seq), (Acknowledged::BY_THIS_PROGRAM, Some(2)));
    assert_eq!(waits(ledger, &take(ledger, &refund(&order, "T1", 1))), MismatchReason::ExceedsPaidAmount);
}

/// Many payment systems sign the payer and not the order. A refund that names another payer's order debits nothing from that
/// payer.
pub fn a_refund_is_of_the_payer_who_paid(ledger: &Ledger) {
    let order = order(ledger);
    let of = |payer: &str, event: Event| changed(event, |event| event.facts.payer = Some(payer.to_owned()));
    take(ledger, &of("071", payment(&order, "T1")));
    assert_eq!(waits(ledger, &take(ledger, &of("070", refund(&order, "T2", 10_000)))), MismatchReason::OtherPayer);
    assert_eq!(balance(ledger, "100500"), 10_000);
    assert_eq!(take(ledger, &of("071", refund(&order, "T3", 4_000))), entered(2));
    // If either event has no payer, only the order can decide.
    assert_eq!(take(ledger, &refund(&order, "T4", 6_000)), entered(3));
}

/// The reversal of a chargeback credits at most what chargebacks took of the payment.
pub fn a_chargeback_is_given_back_once(ledger: &Ledger) {
    let order = order(ledger);
    let of = |kind: EventKind, key: &str, kopecks| {
        changed(refund(&order, "T1", kopecks), |event| {
            event.facts.kind = kind;
            event.facts.order = None;
            event.facts.transaction = key.parse().unwrap();
            event.facts.original = Some("T1".parse().unwrap());
            event.dedup_key = key.parse().unwrap();
        })
    };
    let (chargeback, reversal) = (EventKind::Chargeback, EventKind::ChargebackReversal);
    assert_eq!(waits(ledger, &take(ledger, &of(reversal, "early", 1_000))), MismatchReason::UnknownPayment);
    assert_eq!(take(ledger, &payment(&order, "T1")), entered(1));
    assert_eq!(waits(ledger, &take(ledger, &of(reversal, "much", 4_001))), MismatchReason::ExceedsChargebacks);
    assert_eq!(take(ledger, &of(EventKind::Refund, "refund", 6_000)), entered(2));
    // The reversal that came first is entered with its chargeback, and the one that is too much is not.
    assert_eq!(take(ledger, &of(chargeback, "disputed", 4_000)), entered(3));
    assert_eq!(take(ledger, &of(reversal, "early", 1_000)), Outcome::Recorded { seq: 4, repeated: true });
    assert_eq!(balance(ledger, "100500"), 1_000);
    assert_eq!(take(ledger, &of(reversal, "rest", 3_000)), entered(5));
    assert_eq!(waits(ledger, &take(ledger, &of(reversal, "more", 1))), MismatchReason::ExceedsChargebacks);
    // What was given back can go back again; the reversal of a kopeck that came before this chargeback is entered with it.
    assert_eq!(take(ledger, &of(chargeback, "again", 4_000)), entered(6));
    assert_eq!(take(ledger, &of(reversal, "more", 1)), Outcome::Recorded { seq: 7, repeated: true });
    assert_eq!(waits(ledger, &take(ledger, &of(EventKind::Refund, "beyond", 2))), MismatchReason::ExceedsPaidAmount);
    assert_eq!(balance(ledger, "100500"), 1);
    // What was too much is not entered by itself, also where it would fit later: it may report money that went back already.
    assert_eq!(take(ledger, &of(reversal, "last", 3_999)), entered(8));
    assert_eq!(take(ledger, &of(chargeback, "one", 1)), entered(9));
    assert!(matches!(take(ledger, &of(EventKind::Refund, "beyond", 2)), Outcome::Unmatched { repeated: true, .. }));
}

/// The outcome is the same whether a refund comes before or after the operator enters its payment.
pub fn what_waits_for_a_payment_of_an_operator_is_entered(ledger: &Ledger) {
    let order = order(ledger);
    let id = crate::lost(ledger, &order, "T1");
    let back = |key: &str, original: &str| {
        changed(refund(&order, key, 4_000), |event| {
            event.facts.order = None;
            event.facts.original = Some(original.parse().unwrap());
        })
    };
    assert_eq!(waits(ledger, &take(ledger, &back("R1", "T1"))), MismatchReason::UnknownPayment);
    assert_eq!(waits(ledger, &take(ledger, &back("R2", "T2"))), MismatchReason::UnknownPayment);
    let credited = ledger.credit_unmatched(id, "100500".parse().unwrap(), "anna".into(), "по письму".into(), AT).unwrap();
    assert_eq!((credited, balance(ledger, "100500")), (Ok(1), 6_000));
    assert_eq!(take(ledger, &back("R1", "T1")), Outcome::Recorded { seq: 2, repeated: true });
    assert_eq!(ledger.unmatched_count().unwrap(), 1);
    assert_eq!(crate::later(&crate::movement_state(ledger, "payment:T1", AT)), ["refund:R1:4000"]);
    // Its decision cannot be undone while money is back.
    let undone = ledger.undo_decision(1, "boris".into(), "x".into(), AT).unwrap();
    assert_eq!(undone, Err(domain::UndoRefusal::MoneyWentBack { seq: 2 }));
}
