//! Rules about decisions.

use domain::{
    Correction, CorrectionRefusal, DecidedBy, DecisionKind, EntryFilter, EntryKind, Event, MismatchReason, Outcome,
    ResolveRefusal, UndoRefusal,
};
use ledger::{Ledger, OperationEnd};

use crate::operations::{back, begin, end, unknown};
use crate::{AT, account, balance, changed, entered, entries, lost, order, payment, refund, rub, take};

pub fn the_operator_decides_once(ledger: &Ledger) {
    let order = order(ledger);
    account(ledger, "100501");
    let lost = |transaction: &str| {
        let outcome = take(ledger, &changed(payment(&order, transaction), |event| event.facts.order = None));
        let Outcome::Unmatched { id, .. } = outcome else { panic!("{outcome:?}") };
        id
    };
    let (first, second) = (lost("T1"), lost("T2"));
    let enter = |id, account: &str| {
        ledger.credit_unmatched(id, account.parse().unwrap(), "anna".into(), "по письму".into(), AT + 9).unwrap()
    };
    let dismiss = |id| ledger.dismiss_unmatched(id, "anna".into(), "не наш".into(), AT + 9).unwrap();
    assert_eq!(enter(first, "7"), Err(ResolveRefusal::UnknownAccount));
    assert_eq!(enter(99, "100501"), Err(ResolveRefusal::Unknown));
    assert_eq!(enter(first, "100501"), Ok(1));
    assert_eq!(
        (enter(first, "100501"), dismiss(first)),
        (Err(ResolveRefusal::AlreadyResolved), Err(ResolveRefusal::AlreadyResolved))
    );
    assert_eq!((dismiss(second), enter(second, "100501")), (Ok(()), Err(ResolveRefusal::AlreadyResolved)));
    assert_eq!((balance(ledger, "100501"), balance(ledger, "100500")), (10_000, 0));
    assert_eq!(ledger.unmatched_events(0, 10).unwrap(), []);
    // A refund debits the account that the operator chose.
    assert_eq!(take(ledger, &changed(refund(&order, "T1", 10_000), |event| event.facts.order = None)), entered(2));
    assert_eq!(balance(ledger, "100501"), 0);
    // The same transaction under another key cannot be entered a second time.
    let again = take(
        ledger,
        &changed(payment(&order, "T1"), |event| {
            event.facts.order = None;
            event.dedup_key = "other".parse().unwrap();
        }),
    );
    let Outcome::Unmatched { id, .. } = again else { panic!("{again:?}") };
    assert_eq!(enter(id, "100501"), Err(ResolveRefusal::AlreadyEntered));
}

fn undo(ledger: &Ledger, id: u64) -> Result<Option<u64>, UndoRefusal> {
    let checked = ledger.check_undo(id).unwrap().map(|_| ());
    let undone = ledger.undo_decision(id, "boris".into(), "не тот счёт".into(), AT + 20).unwrap();
    assert_eq!(checked, undone.clone().map(|_| ()), "the check predicts the result");
    assert_eq!(ledger.check().unwrap(), []);
    undone
}

pub fn a_decision_is_undone_by_an_entry_of_the_opposite_amount(ledger: &Ledger) {
    let order = order(ledger);
    let waits = lost(ledger, &order, "T1");
    assert_eq!(
        ledger.credit_unmatched(waits, "100500".parse().unwrap(), "anna".into(), "по письму".into(), AT + 9).unwrap(),
        Ok(1)
    );
    let correction = Correction {
        key: "k".into(),
        account: "100500".parse().unwrap(),
        amount: rub(-250),
        operator: "anna".into(),
        comment: "перерасчёт".into(),
    };
    assert_eq!(ledger.correct(correction, AT + 10).unwrap(), Ok(2));
    let dismissed = lost(ledger, &order, "T2");
    assert_eq!(ledger.dismiss_unmatched(dismissed, "anna".into(), "не наш".into(), AT + 11).unwrap(), Ok(()));

    assert_eq!((undo(ledger, 1), undo(ledger, 2), undo(ledger, 3)), (Ok(Some(3)), Ok(Some(4)), Ok(None)));
    assert_eq!(balance(ledger, "100500"), 0);
    let all = entries(ledger);
    let by = |id, operator: &str, reason: &str| Some(DecidedBy { id, operator: operator.into(), reason: reason.into() });
    let made: Vec<_> = all.iter().map(|entry| (entry.comment.as_str(), entry.decision.clone(), entry.reverses)).collect();
    assert_eq!(
        made,
        [
            ("Зачислено оператором", by(1, "anna", "по письму"), None),
            ("перерасчёт", by(2, "anna", "перерасчёт"), None),
            ("Сторно: Зачислено оператором", by(4, "boris", "не тот счёт"), Some(1)),
            ("Сторно: перерасчёт", by(5, "boris", "не тот счёт"), Some(2)),
        ]
    );
    let [first, _, reversal, _] = &all[..] else { panic!("{all:?}") };
    assert_eq!((reversal.kind, reversal.amount), (EntryKind::Payment, rub(-10_000)));
    assert_eq!((&reversal.transaction, &reversal.extra), (&first.transaction, &first.extra));
    assert_eq!(first.extra, [("card-mask".to_owned(), "411111XXXXXX1111".to_owned())]);
    // The hour's payments add up to zero, as at the payment system.
    let hours = ledger.hours(&EntryFilter { kind: Some(EntryKind::Payment), ..EntryFilter::default() }).unwrap();
    assert_eq!(hours.iter().map(|hour| hour.amount.minor_units).sum::<i64>(), 0);
    // Both events wait again.
    assert_eq!(
        ledger.unmatched_events(0, 10).unwrap().iter().map(|unmatched| unmatched.id).collect::<Vec<_>>(),
        [waits, dismissed]
    );

    let kinds = |decided: Vec<domain::Decided>| {
        let of = |decided: &domain::Decided| {
            let decision = &decided.decision;
            let seq = decided.entry.as_ref().map(|entry| entry.seq);
            (decision.id, decision.kind, decision.undoes, decision.undone_by, seq, decided.event.is_some())
        };
        decided.iter().map(of).collect::<Vec<_>>()
    };
    let want = [
        (6, DecisionKind::Undoing, Some(3), None, None, true),
        (5, DecisionKind::Undoing, Some(2), None, Some(4), false),
        (4, DecisionKind::Undoing, Some(1), None, Some(3), true),
        (3, DecisionKind::Dismissal, None, Some(6), None, true),
        (2, DecisionKind::Correction, None, Some(5), Some(2), false),
        (1, DecisionKind::Entry, None, Some(4), Some(1), true),
    ];
    assert_eq!(kinds(ledger.decisions(None, 10).unwrap()), want);
    assert_eq!(kinds(ledger.decisions(Some(4), 2).unwrap()), want[3..5]);
}

pub fn what_is_undone_can_be_decided_anew(ledger: &Ledger) {
    let order = order(ledger);
    account(ledger, "100501");
    let waits = lost(ledger, &order, "T1");
    let enter = |account: &str| {
        ledger.credit_unmatched(waits, account.parse().unwrap(), "anna".into(), "по письму".into(), AT + 9).unwrap()
    };
    assert_eq!(enter("100500"), Ok(1));
    let [first] = &entries(ledger)[..] else { panic!() };
    assert!(first.movement.is_some() && first.origin.is_some());
    assert_eq!(undo(ledger, 1), Ok(Some(2)));
    assert_eq!(entries(ledger)[0], *first, "an entry that is taken back stays as it was");
    assert_eq!(enter("100501"), Ok(3));
    let all = entries(ledger);
    assert_eq!((&all[0], all[1].movement, all[2].movement, all[2].origin), (first, None, first.movement, first.origin));
    assert_eq!((balance(ledger, "100500"), balance(ledger, "100501")), (0, 10_000));
    assert_eq!(ledger.unmatched_count().unwrap(), 0);
    // A refund debits the account that has the money now, and for no more than came in.
    assert_eq!(take(ledger, &changed(refund(&order, "T1", 10_000), |event| event.facts.order = None)), entered(4));
    assert_eq!((balance(ledger, "100500"), balance(ledger, "100501")), (0, 0));
    let more = changed(refund(&order, "T1", 1), |event| event.facts.order = None);
    assert_eq!(crate::waits(ledger, &take(ledger, &more)), MismatchReason::ExceedsPaidAmount);
    // A transaction whose payment was reversed is no longer paid: another callback may enter it.
    let (fourth, fifth) = (lost(ledger, &order, "T2"), Event { dedup_key: "other".parse().unwrap(), ..payment(&order, "T2") });
    assert_eq!(ledger.credit_unmatched(fourth, "100501".parse().unwrap(), "anna".into(), "x".into(), AT).unwrap(), Ok(5));
    let third = ledger.decisions(None, 1).unwrap()[0].decision.id;
    assert_eq!(undo(ledger, third), Ok(Some(6)));
    assert_eq!(take(ledger, &fifth), entered(7));
    assert_eq!((balance(ledger, "100500"), balance(ledger, "100501")), (10_000, 0));
    let again = ledger.credit_unmatched(fourth, "100501".parse().unwrap(), "anna".into(), "x".into(), AT).unwrap();
    assert_eq!(again, Err(ResolveRefusal::AlreadyEntered));
}

pub fn a_decision_is_undone_once_and_not_behind_a_refund(ledger: &Ledger) {
    let order = order(ledger);
    assert_eq!(undo(ledger, 1), Err(UndoRefusal::Unknown));
    let waits = lost(ledger, &order, "T1");
    ledger.credit_unmatched(waits, "100500".parse().unwrap(), "anna".into(), "по письму".into(), AT + 9).unwrap().unwrap();
    let back = changed(refund(&order, "T1", 4_000), |event| event.facts.order = None);
    assert_eq!(take(ledger, &back), entered(2));
    assert_eq!(undo(ledger, 1), Err(UndoRefusal::MoneyWentBack { seq: 2 }));
    assert_eq!(balance(ledger, "100500"), 6_000);
    let waits = lost(ledger, &order, "T2");
    ledger.dismiss_unmatched(waits, "anna".into(), "не наш".into(), AT + 9).unwrap().unwrap();
    assert_eq!((undo(ledger, 2), undo(ledger, 2)), (Ok(None), Err(UndoRefusal::AlreadyUndone)));
    assert_eq!(undo(ledger, 3), Err(UndoRefusal::IsUndoing));
}

/// A payment that is being paid back stays entered until the refund has ended.
pub fn a_decision_is_not_undone_while_its_payment_is_refunded(ledger: &Ledger) {
    let order = order(ledger);
    let waits = lost(ledger, &order, "T1");
    let credit = |account: &str| {
        ledger.credit_unmatched(waits, account.parse().unwrap(), "anna".into(), "по письму".into(), AT + 9).unwrap().unwrap()
    };
    credit("100500");
    let payment = entries(ledger)[0].movement.unwrap();
    let refund = || begin(ledger, back(payment, 4_000)).unwrap().id;
    for state in ["pending", "unknown"] {
        let id = refund();
        if state == "unknown" {
            end(ledger, &id, unknown());
        }
        assert_eq!(undo(ledger, 1), Err(UndoRefusal::RefundUnderWay { id: id.clone() }), "{state}");
        assert_eq!(ledger.check_undo(1).unwrap().unwrap_err(), UndoRefusal::RefundUnderWay { id: id.clone() });
        end(ledger, &id, OperationEnd::Refused { code: "declined".into(), message: String::new() });
    }
    assert_eq!((undo(ledger, 1), balance(ledger, "100500")), (Ok(Some(2)), 0));
    assert_eq!(ledger.check().unwrap(), []);
}

pub fn corrections_are_entered_once_for_a_key(ledger: &Ledger) {
    account(ledger, "100500");
    let correction = Correction {
        key: "k".into(),
        account: "100500".parse().unwrap(),
        amount: rub(-250),
        operator: "anna".into(),
        comment: "по заявлению".into(),
    };
    assert_eq!(ledger.correct(correction.clone(), AT).unwrap(), Ok(1));
    assert_eq!(ledger.correct(correction.clone(), AT + 1).unwrap(), Ok(1));
    let entered = &entries(ledger)[..];
    assert_eq!((entered.len(), entered[0].kind, entered[0].amount), (1, EntryKind::Correction, rub(-250)));
    assert_eq!((entered[0].comment.as_str(), entered[0].at, balance(ledger, "100500")), ("по заявлению", AT, -250));
    for (changed, refusal) in [
        (Correction { operator: "boris".into(), ..correction.clone() }, CorrectionRefusal::KeyReused),
        (Correction { amount: rub(0), key: "l".into(), ..correction.clone() }, CorrectionRefusal::AmountZero),
        (Correction { account: "7".parse().unwrap(), key: "l".into(), ..correction }, CorrectionRefusal::UnknownAccount),
    ] {
        assert_eq!(ledger.correct(changed, AT).unwrap(), Err(refusal));
    }
    assert_eq!((balance(ledger, "100500"), ledger.check().unwrap()), (-250, vec![]));
}

pub fn a_balance_that_is_no_number_any_more_is_refused(ledger: &Ledger) {
    account(ledger, "1");
    let correct = |key: &str, minor_units| {
        let (operator, comment) = ("anna".into(), "x".into());
        ledger.correct(
            Correction { key: key.into(), account: "1".parse().unwrap(), amount: rub(minor_units), operator, comment },
            AT,
        )
    };
    assert_eq!(correct("a", i64::MAX - 1).unwrap(), Ok(1));
    let refused = correct("b", 2).unwrap_err();
    assert!(matches!(refused, ledger::Error::SumTooLarge(_)), "{refused}");
    assert_eq!(correct("c", 1).unwrap(), Ok(2));
    assert_eq!((balance(ledger, "1"), ledger.check().unwrap()), (i64::MAX, vec![]));
}
