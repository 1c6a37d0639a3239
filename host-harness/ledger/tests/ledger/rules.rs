//! What any storage must pass, run on each that there is: every rule about money.

use domain::{
    Account, Acknowledged, Attention, Correction, CorrectionRefusal, Date, DecidedBy, DecisionKind, Entry, EntryKind, Event,
    EventKind, Facts, Filter, Hour, Keeping, Listed, Money, NewOrder, OpenOrders, Order, OrderRefusal, Outcome, PageFrom,
    PartyKind, RawCallback, Reason, Recurrence, Refusals, ResolveRefusal, UndoRefusal, Unrecognized, WriteOff, WriteOffRefusal,
    WriteOffsAdded,
};
use ledger::{Ledger, Pages, Sqlite, Storage};
use money::Currency;

/// Runs every rule on a storage that is made anew each time.
macro_rules! on {
    ($storage:ident: $make:expr; $($rule:ident,)*) => {
        mod $storage { $(#[test] fn $rule() { let (_folder, storage) = $make; super::$rule(&super::Ledger::new(storage)); })* }
    };
}

on! {
    sqlite: super::sqlite_storage();
    a_payment_credits_its_order_once,
    what_does_not_fit_its_order_waits,
    the_refund_of_a_payment_that_waited_waits_too,
    money_goes_back_from_where_it_came,
    money_goes_back_once_under_whatever_id,
    money_that_goes_back_first,
    a_refund_is_of_the_payer_who_paid,
    a_series_credits_the_account_of_the_first,
    no_money_no_entry,
    orders_are_made_once_for_a_key,
    open_orders_are_counted_by_provider,
    the_operator_decides_once,
    a_decision_is_undone_by_an_entry_of_the_opposite_amount,
    what_is_undone_can_be_decided_anew,
    a_decision_is_undone_once_and_not_behind_a_refund,
    a_repetition_that_says_something_else_is_shown_once,
    lists_go_on_after_a_place,
    a_hundred_copies_at_once_are_one_payment,
    the_feed_skips_nothing,
    writeoffs_debit_once_and_come_in_order,
    an_id_of_a_write_off_is_one_over_all_accounts,
    refusals_are_counted_and_unknown_forms_kept,
    the_last_callbacks_come_back_as_they_came,
    statistics_are_of_the_entries,
    a_list_has_the_entries_of_its_start,
    corrections_are_entered_once_for_a_key,
    a_balance_that_is_no_number_any_more_is_refused,
    documents_take_the_place_of_their_name,
}

fn sqlite_storage() -> (tempfile::TempDir, Sqlite) {
    let folder = tempfile::tempdir().unwrap();
    let storage = Sqlite::open(&folder.path().join("ledger.db")).unwrap();
    (folder, storage)
}

const AT: u64 = 1_793_577_900;

fn rub(minor_units: i64) -> Money {
    Money { minor_units, currency: Currency::RUB }
}

fn account<S: Storage>(ledger: &Ledger<S>, number: &str) {
    let account = Account {
        number: number.into(),
        name: "Иванов И. И.".into(),
        kind: PartyKind::Individual,
        contract: String::new(),
        contract_date: Date::new(2024, 2, 29),
        inn: String::new(),
        kpp: String::new(),
        foreign_tax_number: String::new(),
    };
    assert_eq!(ledger.put_account(account.clone()).unwrap(), Ok(()));
    assert_eq!(ledger.account(number).unwrap().unwrap().0, account);
}

fn new_order(amount: Money) -> NewOrder {
    NewOrder {
        account: "100500".into(),
        provider: "chronopay".into(),
        amount,
        description: "Пополнение".into(),
        idempotency_key: None,
        expires_at: Some(AT + 60),
    }
}

/// An order of 100.00 for an account that has nothing.
fn order<S: Storage>(ledger: &Ledger<S>) -> Order {
    account(ledger, "100500");
    ledger.create_order(new_order(rub(10_000)), AT).unwrap().unwrap()
}

fn payment(order: &Order, transaction: &str) -> Event {
    Event {
        provider: "chronopay".into(),
        facts: Facts {
            kind: EventKind::Payment,
            recurrence: Recurrence::Single,
            transaction: transaction.into(),
            order: Some(order.id.clone()),
            payer: None,
            amount: order.amount,
            occurred_at: None,
        },
        comment: "Пополнение баланса через ЛК".into(),
        dedup_key: format!("payment:{transaction}"),
        extra: Vec::new(),
    }
}

/// An event that says something else.
fn changed(mut event: Event, change: impl FnOnce(&mut Event)) -> Event {
    change(&mut event);
    event
}

fn refund(order: &Order, transaction: &str, minor_units: i64) -> Event {
    let dedup_key = format!("refund:{transaction}:{minor_units}");
    changed(payment(order, transaction), |event| {
        event.facts.kind = EventKind::Refund;
        event.facts.amount = rub(minor_units);
        event.dedup_key = dedup_key;
    })
}

fn callback(provider: &str, received_at: u64) -> RawCallback {
    RawCallback {
        provider: provider.into(),
        received_at,
        method: "POST".into(),
        query: String::new(),
        headers: Vec::new(),
        body: b"a=1".to_vec(),
        remote_address: String::new(),
        is_masked: false,
    }
}

fn take<S: Storage>(ledger: &Ledger<S>, event: &Event) -> Outcome {
    let outcome = ledger.take_event(event.clone(), callback(&event.provider, AT + 1)).unwrap();
    assert_eq!(ledger.check().unwrap(), []);
    outcome
}

fn balance<S: Storage>(ledger: &Ledger<S>, number: &str) -> i64 {
    ledger.account(number).unwrap().unwrap().1.first().map_or(0, |balance| balance.minor_units)
}

fn entries<S: Storage>(ledger: &Ledger<S>) -> Vec<Entry> {
    ledger.entries(None, 0, 1_000).unwrap()
}

fn entered(seq: u64) -> Outcome {
    Outcome::Entered { seq, repeated: false }
}

/// The reason for which the last event waits.
fn waits<S: Storage>(ledger: &Ledger<S>, outcome: &Outcome) -> Reason {
    let waiting = ledger.waiting(0, 1_000).unwrap();
    let Outcome::Unmatched { id, repeated: false } = outcome else { panic!("{outcome:?}") };
    waiting.iter().find(|unmatched| unmatched.id == *id).unwrap().reason
}

fn a_payment_credits_its_order_once<S: Storage>(ledger: &Ledger<S>) {
    let order = order(ledger);
    let event = payment(&order, "T1");
    // After the order's link has ended, too.
    assert_eq!(take(ledger, &event), entered(1));
    assert_eq!(balance(ledger, "100500"), 10_000);
    for _ in 0..3 {
        assert_eq!(take(ledger, &event), Outcome::Entered { seq: 1, repeated: true });
    }
    // Whatever else it says: the key is the fact, and the operator sees what is said.
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
    assert_eq!((made.order.as_ref(), made.transaction.as_deref(), made.at), (Some(&order.id), Some("T1"), AT + 1));
    assert_eq!(ledger.order(&order.id).unwrap().unwrap().paid_by, Some(1));
    // A second payment of the order, and the same one under another key.
    assert_eq!(waits(ledger, &take(ledger, &payment(&order, "T2"))), Reason::AlreadyPaid);
    let again = Event { dedup_key: "other".into(), ..event };
    assert_eq!(waits(ledger, &take(ledger, &again)), Reason::AlreadyPaid);
    assert_eq!((entries(ledger).len(), balance(ledger, "100500")), (1, 10_000));
}

fn what_does_not_fit_its_order_waits<S: Storage>(ledger: &Ledger<S>) {
    let order = order(ledger);
    let base = payment(&order, "T");
    let usd = Money { minor_units: 10_000, currency: Currency::parse("USD").unwrap() };
    let cases = [
        (refund(&order, "T", 10_000), Reason::NotPaid),
        (changed(base.clone(), |event| event.facts.order = None), Reason::UnknownOrder),
        (changed(base.clone(), |event| event.facts.order = Some("42".into())), Reason::UnknownOrder),
        (changed(base.clone(), |event| event.facts.order = Some(format!("0{}", order.id))), Reason::UnknownOrder),
        (changed(base.clone(), |event| event.facts.order = Some("' OR 1=1".into())), Reason::UnknownOrder),
        (Event { provider: "robokassa".into(), ..base.clone() }, Reason::OtherProvider),
        (changed(base.clone(), |event| event.facts.amount = rub(9_999)), Reason::OtherAmount),
        (changed(base.clone(), |event| event.facts.amount = rub(10_001)), Reason::OtherAmount),
        (changed(base.clone(), |event| event.facts.amount = usd), Reason::OtherCurrency),
        (changed(base.clone(), |event| event.facts.amount = rub(0)), Reason::AmountNotPositive),
        (changed(base.clone(), |event| event.facts.amount = rub(-10_000)), Reason::AmountNotPositive),
        (changed(base.clone(), |event| event.facts.recurrence = Recurrence::Repeat), Reason::NoFirstPayment),
        (refund(&order, "T", 10_000), Reason::OtherPayment),
        (changed(refund(&order, "T", 1), |event| event.facts.order = None), Reason::UnknownOrder),
    ];
    for (at, (event, reason)) in cases.into_iter().enumerate() {
        let event = Event { dedup_key: at.to_string(), ..event };
        let outcome = take(ledger, &event);
        assert_eq!(waits(ledger, &outcome), reason, "{event:?}");
        let Outcome::Unmatched { id, .. } = outcome else { panic!() };
        assert_eq!(take(ledger, &event), Outcome::Unmatched { id, repeated: true });
    }
    assert_eq!((entries(ledger).len(), balance(ledger, "100500")), (0, 0));
    // None of it stands in the way of the payment itself.
    assert_eq!(take(ledger, &base), entered(1));
}

fn money_goes_back_from_where_it_came<S: Storage>(ledger: &Ledger<S>) {
    let order = order(ledger);
    take(ledger, &payment(&order, "T1"));
    assert_eq!(take(ledger, &refund(&order, "T1", 4_000)), entered(2));
    assert_eq!(waits(ledger, &take(ledger, &refund(&order, "T1", 6_001))), Reason::MoreThanPaid);
    // Tied by the transaction, without an order.
    let chargeback = changed(refund(&order, "T1", 6_000), |event| {
        event.facts.kind = EventKind::Chargeback;
        event.facts.order = None;
    });
    assert_eq!(take(ledger, &chargeback), entered(3));
    assert_eq!(balance(ledger, "100500"), 0);
    let kinds: Vec<EntryKind> = entries(ledger).iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [EntryKind::Payment, EntryKind::Refund, EntryKind::Chargeback]);
}

/// A refund with an id of its own and a chargeback under the payment's tell of the same money.
fn money_goes_back_once_under_whatever_id<S: Storage>(ledger: &Ledger<S>) {
    let order = order(ledger);
    take(ledger, &payment(&order, "T1"));
    assert_eq!(take(ledger, &refund(&order, "T2", 10_000)), entered(2));
    let chargeback = changed(refund(&order, "T1", 10_000), |event| {
        event.facts.kind = EventKind::Chargeback;
        event.dedup_key = "chargeback".into();
    });
    assert_eq!(waits(ledger, &take(ledger, &chargeback)), Reason::MoreThanPaid);
    assert_eq!(balance(ledger, "100500"), 0);
    // What came in by a repeat may go back too, under its own id or not.
    let repeat = changed(payment(&order, "T3"), |event| {
        event.facts.recurrence = Recurrence::Repeat;
        event.facts.amount = rub(2_500);
    });
    take(ledger, &repeat);
    assert_eq!(waits(ledger, &take(ledger, &refund(&order, "T4", 2_501))), Reason::MoreThanPaid);
    assert!(matches!(take(ledger, &refund(&order, "T4", 2_500)), Outcome::Entered { .. }));
    assert_eq!(waits(ledger, &take(ledger, &refund(&order, "T3", 1))), Reason::MoreThanPaid);
    assert_eq!(balance(ledger, "100500"), 0);
}

/// A refund that names an order alone may be that of a payment which was never entered: it takes nothing from who paid once.
fn the_refund_of_a_payment_that_waited_waits_too<S: Storage>(ledger: &Ledger<S>) {
    let order = order(ledger);
    take(ledger, &payment(&order, "T1"));
    let second = take(ledger, &payment(&order, "T2"));
    assert_eq!(waits(ledger, &second), Reason::AlreadyPaid);
    let money = ledger.order_money(&order.id).unwrap();
    assert_eq!((money.entries.len(), money.unmatched.len()), (1, 1));
    assert_eq!(waits(ledger, &take(ledger, &refund(&order, "T3", 10_000))), Reason::OtherPayment);
    let Outcome::Unmatched { id, .. } = second else { panic!() };
    ledger.dismiss_unmatched(id, "anna".to_owned(), "второй раз".to_owned(), 2).unwrap().unwrap();
    assert_eq!(waits(ledger, &take(ledger, &refund(&order, "T4", 10_000))), Reason::OtherPayment);
    assert_eq!(waits(ledger, &take(ledger, &refund(&order, "T2", 10_000))), Reason::OtherPayment);
    assert_eq!(balance(ledger, "100500"), 10_000);
    // One of the payment that was entered is known by its transaction.
    assert_eq!(take(ledger, &refund(&order, "T1", 10_000)), entered(2));
}

fn money_that_goes_back_first<S: Storage>(ledger: &Ledger<S>) {
    let order = order(ledger);
    // Nobody's balance goes below nothing for an order that a callback only names.
    assert_eq!(waits(ledger, &take(ledger, &refund(&order, "T1", 10_000))), Reason::NotPaid);
    assert_eq!(take(ledger, &payment(&order, "T1")), entered(1));
    assert_eq!(balance(ledger, "100500"), 10_000);
    ledger.enter_unmatched(1, "100500".to_owned(), "anna".to_owned(), "возврат".to_owned(), AT).unwrap().unwrap();
    assert_eq!(balance(ledger, "100500"), 0);
    assert_eq!(waits(ledger, &take(ledger, &refund(&order, "T1", 1))), Reason::MoreThanPaid);
}

/// Many payment systems sign the payer and not the order: a refund that names another's order takes nothing from him.
fn a_refund_is_of_the_payer_who_paid<S: Storage>(ledger: &Ledger<S>) {
    let order = order(ledger);
    let of = |payer: &str, event: Event| changed(event, |event| event.facts.payer = Some(payer.to_owned()));
    take(ledger, &of("071", payment(&order, "T1")));
    assert_eq!(waits(ledger, &take(ledger, &of("070", refund(&order, "T2", 10_000)))), Reason::OtherPayer);
    assert_eq!(balance(ledger, "100500"), 10_000);
    assert_eq!(take(ledger, &of("071", refund(&order, "T3", 4_000))), entered(2));
    // Where one of the two tells no payer, the order is all that there is to go by.
    assert_eq!(take(ledger, &refund(&order, "T4", 6_000)), entered(3));
}

fn a_series_credits_the_account_of_the_first<S: Storage>(ledger: &Ledger<S>) {
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
                event.dedup_key = "payment:T3".into();
                event.facts.transaction = "T3".into();
            })
        ),
        entered(3)
    );
    assert_eq!(take(ledger, &repeat), Outcome::Entered { seq: 2, repeated: true });
    let twice = Event { dedup_key: "another".into(), ..repeat };
    assert_eq!(waits(ledger, &take(ledger, &twice)), Reason::AlreadyPaid);
    assert_eq!(balance(ledger, "100500"), 15_000);
    assert_eq!(ledger.order(&order.id).unwrap().unwrap().paid_by, Some(1));
}

fn no_money_no_entry<S: Storage>(ledger: &Ledger<S>) {
    let order = order(ledger);
    for kind in [EventKind::Hold, EventKind::Declined] {
        let event = changed(payment(&order, "T1"), |event| {
            event.facts.kind = kind;
            event.dedup_key = kind.name().into();
        });
        assert_eq!((take(ledger, &event), take(ledger, &event)), (Outcome::NoMoney, Outcome::NoMoney));
    }
    assert_eq!((entries(ledger).len(), ledger.waiting(0, 10).unwrap().len()), (0, 0));
}

fn orders_are_made_once_for_a_key<S: Storage>(ledger: &Ledger<S>) {
    account(ledger, "100500");
    let keyed = NewOrder { idempotency_key: Some("k".into()), ..new_order(rub(100)) };
    let made = ledger.create_order(keyed.clone(), AT).unwrap().unwrap();
    assert_eq!(ledger.create_order(keyed.clone(), AT + 5).unwrap(), Ok(made.clone()));
    let other = NewOrder { amount: rub(200), ..keyed };
    assert_eq!(ledger.create_order(other, AT).unwrap(), Err(OrderRefusal::KeyReused));
    assert_eq!(ledger.create_order(new_order(rub(0)), AT).unwrap(), Err(OrderRefusal::AmountNotPositive));
    let nobody = NewOrder { account: "7".into(), ..new_order(rub(100)) };
    assert_eq!(ledger.create_order(nobody, AT).unwrap(), Err(OrderRefusal::UnknownAccount));
    let ids: Vec<String> = (0..50).map(|_| ledger.create_order(new_order(rub(100)), AT).unwrap().unwrap().id).collect();
    assert!(ids.is_sorted() && ids.iter().all(|id| *id != made.id && id.bytes().all(|byte| byte.is_ascii_digit())));
    assert_eq!(ledger.order(&made.id).unwrap(), Some(made));
}

fn open_orders_are_counted_by_provider<S: Storage>(ledger: &Ledger<S>) {
    account(ledger, "100500");
    let make = |provider: &str, at| {
        let order = NewOrder { provider: provider.into(), ..new_order(rub(10_000)) };
        ledger.create_order(order, at).unwrap().unwrap()
    };
    let (paid, _, _, _) = (make("chronopay", AT), make("chronopay", AT), make("chronopay", AT + 10), make("other", AT));
    take(ledger, &payment(&paid, "1"));
    assert_eq!(ledger.open_orders("chronopay", AT + 10).unwrap(), OpenOrders { all: 2, recent: 1 });
    assert_eq!(ledger.open_orders("nobody", 0).unwrap(), OpenOrders::default());
    assert_eq!(ledger.providers_of_open_orders().unwrap(), ["chronopay", "other"]);
}

fn the_operator_decides_once<S: Storage>(ledger: &Ledger<S>) {
    let order = order(ledger);
    account(ledger, "100501");
    let lost = |transaction: &str| {
        let outcome = take(ledger, &changed(payment(&order, transaction), |event| event.facts.order = None));
        let Outcome::Unmatched { id, .. } = outcome else { panic!("{outcome:?}") };
        id
    };
    let (first, second) = (lost("T1"), lost("T2"));
    let enter =
        |id, account: &str| ledger.enter_unmatched(id, account.into(), "anna".into(), "по письму".into(), AT + 9).unwrap();
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
    assert_eq!(ledger.waiting(0, 10).unwrap(), []);
    // Its money goes back from the account that the operator chose.
    assert_eq!(take(ledger, &changed(refund(&order, "T1", 10_000), |event| event.facts.order = None)), entered(2));
    assert_eq!(balance(ledger, "100501"), 0);
    // The same transaction under another key cannot be entered a second time.
    let again = take(
        ledger,
        &changed(payment(&order, "T1"), |event| {
            event.facts.order = None;
            event.dedup_key = "other".into();
        }),
    );
    let Outcome::Unmatched { id, .. } = again else { panic!("{again:?}") };
    assert_eq!(enter(id, "100501"), Err(ResolveRefusal::AlreadyEntered));
}

/// A payment that waits for the operator, of 100.00.
fn lost<S: Storage>(ledger: &Ledger<S>, order: &Order, transaction: &str) -> u64 {
    let extra = vec![("card-mask".to_owned(), "411111XXXXXX1111".to_owned())];
    let event = changed(payment(order, transaction), |event| {
        event.facts.order = None;
        event.facts.payer = Some("7".into());
        event.facts.occurred_at = Some("2026-11-01".into());
        event.extra = extra;
    });
    match take(ledger, &event) {
        Outcome::Unmatched { id, repeated: false } => {
            assert_eq!(ledger.unmatched(id).unwrap().unwrap().event, event);
            id
        }
        outcome => panic!("{outcome:?}"),
    }
}

fn undo<S: Storage>(ledger: &Ledger<S>, id: u64) -> Result<Option<u64>, UndoRefusal> {
    let checked = ledger.check_undo(id).unwrap().map(|_| ());
    let undone = ledger.undo_decision(id, "boris".into(), "не тот счёт".into(), AT + 20).unwrap();
    assert_eq!(checked, undone.map(|_| ()), "what is told before is what happens");
    assert_eq!(ledger.check().unwrap(), []);
    undone
}

fn a_decision_is_undone_by_an_entry_of_the_opposite_amount<S: Storage>(ledger: &Ledger<S>) {
    let order = order(ledger);
    let waits = lost(ledger, &order, "T1");
    assert_eq!(ledger.enter_unmatched(waits, "100500".into(), "anna".into(), "по письму".into(), AT + 9).unwrap(), Ok(1));
    let correction = Correction {
        key: "k".into(),
        account: "100500".into(),
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
    // The hour's payments come to nothing, as at the payment system.
    let hours = ledger.hours(&Filter { kind: Some(EntryKind::Payment), ..Filter::default() }).unwrap();
    assert_eq!(hours.iter().map(|hour| hour.amount.minor_units).sum::<i64>(), 0);
    // Both events wait again.
    assert_eq!(ledger.waiting(0, 10).unwrap().iter().map(|unmatched| unmatched.id).collect::<Vec<_>>(), [waits, dismissed]);

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

fn what_is_undone_can_be_decided_anew<S: Storage>(ledger: &Ledger<S>) {
    let order = order(ledger);
    account(ledger, "100501");
    let waits = lost(ledger, &order, "T1");
    let enter =
        |account: &str| ledger.enter_unmatched(waits, account.into(), "anna".into(), "по письму".into(), AT + 9).unwrap();
    assert_eq!(enter("100500"), Ok(1));
    assert_eq!(undo(ledger, 1), Ok(Some(2)));
    assert_eq!(enter("100501"), Ok(3));
    assert_eq!((balance(ledger, "100500"), balance(ledger, "100501")), (0, 10_000));
    assert_eq!(ledger.waiting_count().unwrap(), 0);
    // Its money goes back from the account that it is on now, and no more of it than came in.
    assert_eq!(take(ledger, &changed(refund(&order, "T1", 10_000), |event| event.facts.order = None)), entered(4));
    assert_eq!((balance(ledger, "100500"), balance(ledger, "100501")), (0, 0));
    let more = changed(refund(&order, "T1", 1), |event| event.facts.order = None);
    assert_eq!(self::waits(ledger, &take(ledger, &more)), Reason::MoreThanPaid);
    // A transaction whose payment was taken back is not paid any more: it may be entered by another callback.
    let (fourth, fifth) = (lost(ledger, &order, "T2"), Event { dedup_key: "other".into(), ..payment(&order, "T2") });
    assert_eq!(ledger.enter_unmatched(fourth, "100501".into(), "anna".into(), "x".into(), AT).unwrap(), Ok(5));
    let third = ledger.decisions(None, 1).unwrap()[0].decision.id;
    assert_eq!(undo(ledger, third), Ok(Some(6)));
    assert_eq!(take(ledger, &fifth), entered(7));
    assert_eq!((balance(ledger, "100500"), balance(ledger, "100501")), (10_000, 0));
    let again = ledger.enter_unmatched(fourth, "100501".into(), "anna".into(), "x".into(), AT).unwrap();
    assert_eq!(again, Err(ResolveRefusal::AlreadyEntered));
}

fn a_decision_is_undone_once_and_not_behind_a_refund<S: Storage>(ledger: &Ledger<S>) {
    let order = order(ledger);
    assert_eq!(undo(ledger, 1), Err(UndoRefusal::Unknown));
    let waits = lost(ledger, &order, "T1");
    ledger.enter_unmatched(waits, "100500".into(), "anna".into(), "по письму".into(), AT + 9).unwrap().unwrap();
    let back = changed(refund(&order, "T1", 4_000), |event| event.facts.order = None);
    assert_eq!(take(ledger, &back), entered(2));
    assert_eq!(undo(ledger, 1), Err(UndoRefusal::MoneyWentBack { seq: 2 }));
    assert_eq!(balance(ledger, "100500"), 6_000);
    let waits = lost(ledger, &order, "T2");
    ledger.dismiss_unmatched(waits, "anna".into(), "не наш".into(), AT + 9).unwrap().unwrap();
    assert_eq!((undo(ledger, 2), undo(ledger, 2)), (Ok(None), Err(UndoRefusal::AlreadyUndone)));
    assert_eq!(undo(ledger, 3), Err(UndoRefusal::IsUndoing));
}

fn a_repetition_that_says_something_else_is_shown_once<S: Storage>(ledger: &Ledger<S>) {
    let first = order(ledger);
    let second = ledger.create_order(new_order(rub(10_000)), AT).unwrap().unwrap();
    let event = payment(&first, "T1");
    assert_eq!(take(ledger, &event), entered(1));
    let told = changed(event.clone(), |event| event.facts.order = Some(second.id.clone()));
    assert_eq!(take(ledger, &told), Outcome::Contradiction { id: Some(1) });
    assert_eq!(take(ledger, &told), Outcome::Contradiction { id: None });
    // What stands beside the event may change, and so may the words.
    let extra = vec![("attempt".to_owned(), "2".to_owned())];
    let same = Event { extra, comment: "Top-up".into(), ..event.clone() };
    assert_eq!(take(ledger, &same), Outcome::Entered { seq: 1, repeated: true });
    // A refund that waits, told again with another day.
    let back = changed(refund(&first, "T9", 500), |event| {
        event.facts.order = None;
        event.facts.occurred_at = Some("2026-11-01".into());
    });
    assert!(matches!(take(ledger, &back), Outcome::Unmatched { repeated: false, .. }));
    let later = changed(back.clone(), |event| event.facts.occurred_at = Some("2026-11-02".into()));
    assert_eq!(take(ledger, &later), Outcome::Contradiction { id: Some(2) });

    let shown = ledger.contradictions(Attention::WaitingAfter(0), 10).unwrap();
    let facts: Vec<_> =
        shown.iter().map(|one| (one.id, one.outcome.clone(), one.first.1.clone(), one.repeated.1.clone())).collect();
    let waits = Outcome::Unmatched { id: 1, repeated: false };
    assert_eq!(
        facts,
        [(1, entered(1), event.facts.clone(), told.facts.clone()), (2, waits, back.facts.clone(), later.facts.clone())]
    );
    assert_eq!((shown[0].first.0.received_at, shown[0].repeated.0.body.as_slice()), (AT + 1, &b"a=1"[..]));
    assert!(ledger.acknowledge_contradiction(1, "anna".into(), AT).unwrap());
    assert!(!ledger.acknowledge_contradiction(1, "anna".into(), AT).unwrap());
    let acknowledged = || ledger.contradictions(Attention::AcknowledgedBefore(None), 10).unwrap();
    assert_eq!(acknowledged()[0].acknowledged, Some(Acknowledged { operator: "anna".into(), at: AT }));
    assert!(ledger.reopen_contradiction(1).unwrap() && acknowledged().is_empty());
    assert!(ledger.acknowledge_contradiction(1, "boris".into(), AT).unwrap());
    assert_eq!(
        (ledger.contradictions(Attention::WaitingAfter(0), 10).unwrap().len(), ledger.contradiction_count().unwrap()),
        (1, 1)
    );
    // So many, and no more.
    for at in 0..20 {
        take(ledger, &changed(event.clone(), |event| event.facts.order = Some(at.to_string())));
    }
    assert_eq!(ledger.contradiction_count().unwrap(), 10);
    assert_eq!((entries(ledger).len(), balance(ledger, "100500")), (1, 10_000));
}

fn lists_go_on_after_a_place<S: Storage>(ledger: &Ledger<S>) {
    let order = order(ledger);
    for at in 0..5 {
        lost(ledger, &order, &format!("T{at}"));
    }
    let ids = |after, limit| ledger.waiting(after, limit).unwrap().iter().map(|one| one.id).collect::<Vec<_>>();
    assert_eq!((ids(0, 2), ids(2, 2), ids(4, 2), ids(5, 2)), (vec![1, 2], vec![3, 4], vec![5], vec![]));
    assert_eq!(ledger.waiting_count().unwrap(), 5);
}

fn a_hundred_copies_at_once_are_one_payment<S: Storage>(ledger: &Ledger<S>) {
    let order = order(ledger);
    let event = payment(&order, "T1");
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..100).map(|_| scope.spawn(|| take(ledger, &event))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == entered(1)).count(), 1);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Entered { seq: 1, .. })));
    assert_eq!((entries(ledger).len(), balance(ledger, "100500")), (1, 10_000));
}

fn the_feed_skips_nothing<S: Storage>(ledger: &Ledger<S>) {
    account(ledger, "100500");
    let seen = std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for at in 0..25 {
                    let order = ledger.create_order(new_order(rub(100)), AT).unwrap().unwrap();
                    take(ledger, &payment(&order, &format!("{thread}-{at}")));
                }
            });
        }
        let mut seen: Vec<u64> = Vec::new();
        while seen.len() < 100 {
            let after = seen.last().copied().unwrap_or(0);
            seen.extend(ledger.entries(Some("100500"), after, 7).unwrap().iter().map(|entry| entry.seq));
        }
        seen
    });
    assert!(seen.into_iter().eq(1..=100), "in order, none left out");
}

fn october(day: u8) -> Date {
    Date::new(2026, 10, day).unwrap()
}

fn writeoff(id: &str, account: &str, day: u8, minor_units: i64) -> WriteOff {
    WriteOff {
        id: id.into(),
        account: account.into(),
        service_code: "inet".into(),
        service: "Доступ в интернет".into(),
        unit: "мес".into(),
        period: october(1),
        date: october(day),
        quantity_thousandths: 1000,
        amount: rub(minor_units),
        vat_basis_points: Some(2200),
        note: String::new(),
    }
}

fn writeoffs_debit_once_and_come_in_order<S: Storage>(ledger: &Ledger<S>) {
    let accounts = ["10", "2", "Я", "a"];
    accounts.iter().for_each(|number| account(ledger, number));
    let mut batch: Vec<WriteOff> =
        (0..2_500).map(|at| writeoff(&format!("w-{at}"), accounts[at % 4], u8::try_from(1 + at % 31).unwrap(), 100)).collect();
    let add = |batch: &[WriteOff]| ledger.add_writeoffs(batch.to_vec(), AT).unwrap();
    assert_eq!(add(&batch), Ok(WriteOffsAdded { added: 2_500, repeated: 0 }));
    assert_eq!(add(&batch[..10]), Ok(WriteOffsAdded { added: 0, repeated: 10 }));
    assert_eq!((balance(ledger, "10"), balance(ledger, "Я")), (-62_500, -62_500));
    assert_eq!(entries(ledger)[0].kind, EntryKind::WriteOff);
    // A batch is all or nothing.
    let refused = |batch: &[WriteOff]| {
        let WriteOffRefusal { faults, more } = add(batch).unwrap_err();
        assert_eq!(more, 0);
        faults.into_iter().map(|(index, fault)| (index, fault.code, fault.field)).collect::<Vec<_>>()
    };
    let news = [writeoff("n-1", "10", 1, 5), writeoff("n-2", "77", 1, 5)];
    assert_eq!(refused(&news), [(1, "unknown-account", "account".to_owned())]);
    let reused = [(1, "id-reused", "id".to_owned())];
    assert_eq!(refused(&[news[0].clone(), writeoff("w-0", "10", 1, 101)]), reused);
    assert_eq!(refused(&[news[0].clone(), writeoff("w-0", "2", 1, 100)]), reused, "one id is of one account");
    assert_eq!(refused(&[news[0].clone(), WriteOff { note: "x".into(), ..news[0].clone() }]), reused);
    assert_eq!(add(&[news[0].clone(), news[0].clone()]), Ok(WriteOffsAdded { added: 1, repeated: 1 }));
    assert_eq!((balance(ledger, "10"), ledger.check().unwrap()), (-62_505, vec![]));

    let of_days = |from: u8, to: u8| {
        let mut read = Vec::new();
        let take = |page: Vec<Listed>| {
            for Listed { account, writeoff, exclusion } in page {
                let writeoff = writeoff.unwrap();
                assert_eq!((&account.number, exclusion), (&writeoff.account, None));
                read.push(writeoff);
            }
            Ok::<(), ledger::Error>(())
        };
        ledger.writeoffs(october(from), october(to), take).unwrap();
        read
    };
    let all = of_days(1, 31);
    batch.push(news[0].clone());
    batch.sort_by(|one, other| (&one.account, &one.id).cmp(&(&other.account, &other.id)));
    assert_eq!(all, batch, "by the bytes of the account, then of the id");
    let some = of_days(3, 4);
    assert!(!some.is_empty() && some.iter().all(|writeoff| (3..=4).contains(&writeoff.date.day())));
    assert_eq!(some.len(), batch.iter().filter(|writeoff| (3..=4).contains(&writeoff.date.day())).count());
}

fn an_id_of_a_write_off_is_one_over_all_accounts<S: Storage>(ledger: &Ledger<S>) {
    account(ledger, "100500");
    account(ledger, "100501");
    let of = |account: &str| writeoff("1", account, 1, 100);
    assert_eq!(ledger.add_writeoffs(vec![of("100500")], AT).unwrap(), Ok(WriteOffsAdded { added: 1, repeated: 0 }));
    let refused = ledger.add_writeoffs(vec![of("100501")], AT).unwrap().unwrap_err();
    assert_eq!(refused.faults.iter().map(|(at, fault)| (*at, fault.code)).collect::<Vec<_>>(), [(0, "id-reused")]);
    assert_eq!((balance(ledger, "100501"), entries(ledger).len()), (0, 1));
}

fn refusals_are_counted_and_unknown_forms_kept<S: Storage>(ledger: &Ledger<S>) {
    let hour = AT - AT % 3600;
    let callback = RawCallback { body: b"total=1\xff".to_vec(), ..callback("chronopay", hour) };
    let refusals = |at, code: &str, count| Refusals { provider: "chronopay".into(), code: code.into(), hour: at, count };
    for at in [hour, hour + 3599, hour + 3600] {
        ledger.count_refusals(vec![refusals(at, "signature-mismatch", 2), refusals(at, "malformed", 1)]).unwrap();
    }
    let keep =
        |callback: &RawCallback, max| ledger.keep_unrecognized(callback.clone(), "unknown-type".into(), "customer".into(), max);
    assert_eq!(keep(&callback, None).unwrap(), Keeping::Kept);
    // The same bytes are one callback, whenever they come; another is not kept where too many wait.
    let later = RawCallback { received_at: hour + 60, ..callback.clone() };
    assert_eq!(keep(&later, Some(1)).unwrap(), Keeping::Counted);
    let other = RawCallback { query: "a".into(), ..callback.clone() };
    assert_eq!(keep(&other, Some(1)).unwrap(), Keeping::TooMany);
    let counts = |since| {
        let refusals = ledger.refusals(since).unwrap().into_iter();
        refusals.map(|refusals| (refusals.code, refusals.hour - hour, refusals.count)).collect::<Vec<_>>()
    };
    let of = |code: &str, after, count| (code.to_owned(), after, count);
    let second = [of("malformed", 3600, 1), of("signature-mismatch", 3600, 2)];
    let first = [of("malformed", 0, 2), of("signature-mismatch", 0, 4)];
    assert_eq!(counts(hour + 1), [first, second.clone()].concat());
    assert_eq!(counts(hour + 3600), second);
    let (code, message) = ("unknown-type".to_owned(), "customer".to_owned());
    let (one, times, last_at) = (callback.clone(), 2, hour + 60);
    assert_eq!(
        ledger.unrecognized(Attention::WaitingAfter(0), 10).unwrap(),
        [Unrecognized { id: 1, callback: one, code, message, times, last_at, acknowledged: None }]
    );
    assert_eq!(keep(&other, Some(2)).unwrap(), Keeping::Kept);
    assert_eq!(
        (ledger.unrecognized(Attention::WaitingAfter(1), 10).unwrap().len(), ledger.unrecognized_count().unwrap()),
        (1, 2)
    );
    for id in [1, 2] {
        assert!(ledger.acknowledge_unrecognized(id, "anna".into(), AT).unwrap());
        assert!(!ledger.acknowledge_unrecognized(id, "anna".into(), AT).unwrap());
    }
    assert_eq!(
        (ledger.unrecognized(Attention::WaitingAfter(0), 10).unwrap(), ledger.unrecognized_count().unwrap()),
        (vec![], 0)
    );
    let acknowledged = |before| ledger.unrecognized(Attention::AcknowledgedBefore(before), 10).unwrap();
    let who = |one: &Unrecognized| (one.id, one.acknowledged.clone().unwrap().operator);
    assert_eq!(acknowledged(None).iter().map(who).collect::<Vec<_>>(), [(2, "anna".to_owned()), (1, "anna".to_owned())]);
    assert_eq!(acknowledged(Some(2)).len(), 1);
    assert_eq!([2, 2, 9].map(|id| ledger.reopen_unrecognized(id).unwrap()), [true, false, false]);
    assert_eq!((acknowledged(None).len(), ledger.unrecognized_count().unwrap()), (1, 1));
    assert!(ledger.acknowledge_unrecognized(2, "anna".into(), AT).unwrap());
    // Who has seen it has seen it.
    assert_eq!(keep(&callback, Some(0)).unwrap(), Keeping::Counted);
    assert_eq!(ledger.unrecognized_count().unwrap(), 0);
}

fn the_last_callbacks_come_back_as_they_came<S: Storage>(ledger: &Ledger<S>) {
    let order = order(ledger);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let paid = RawCallback {
        provider: "chronopay".into(),
        received_at: AT + 9,
        method: "GET".into(),
        query: "a=%D1%8F&a".into(),
        // A name that comes twice, an empty value, and text that would end a text in JSON or SQL.
        headers: vec![pair("x-sign", "b\"\\',]\n"), pair("accept", ""), pair("x-sign", "я")],
        body: b"\x00\xff".to_vec(),
        remote_address: "2001:db8::7".into(),
        is_masked: true,
    };
    let unrecognized = RawCallback { method: "POST".into(), ..callback("chronopay", AT + 3) };
    let other = callback("other", AT + 5);
    ledger.take_event(payment(&order, "1"), paid.clone()).unwrap();
    for callback in [&unrecognized, &other] {
        ledger.keep_unrecognized(callback.clone(), "malformed".into(), String::new(), None).unwrap();
    }
    // The same event again, told later by another callback.
    let again = callback("chronopay", AT + 4);
    ledger.take_event(payment(&order, "1"), again.clone()).unwrap();

    let last = |provider, limit| ledger.last_callbacks(provider, limit).unwrap();
    // By when they were kept, whatever the clock said.
    let all = [again, unrecognized, paid];
    assert_eq!(last("chronopay", 10), all);
    assert_eq!(last("chronopay", 2), all[..2]);
    assert_eq!((last("other", 10), last("none", 10), last("chronopay", 0)), (vec![other], vec![], vec![]));
}

/// Entries of two accounts, providers and currencies over four days, and everything that can be asked of them, held against what
/// is found by going through all.
fn statistics_are_of_the_entries<S: Storage>(ledger: &Ledger<S>) {
    const DAY: u64 = 86_400;
    for number in ["1", "2"] {
        account(ledger, number);
    }
    for at in 0..120_u64 {
        let account = if at % 3 == 0 { "1" } else { "2" };
        let amount = if at % 5 == 0 { Money { minor_units: 7, currency: Currency::parse("USD").unwrap() } } else { rub(100) };
        let when = AT + at * DAY / 30;
        if at % 4 == 0 {
            // They count by their dates, which begin before the days on which they come and end after them.
            let day = u8::try_from(1 + at % 27).unwrap();
            ledger.add_writeoffs(vec![writeoff(&format!("w{at}"), account, day, 100)], when).unwrap().unwrap();
        } else {
            let provider = if at % 7 == 0 { "other" } else { "chronopay" };
            let order = NewOrder { account: account.into(), provider: provider.into(), ..new_order(amount) };
            let order = ledger.create_order(order, AT).unwrap().unwrap();
            let event = Event { provider: provider.into(), ..payment(&order, &at.to_string()) };
            ledger.take_event(event, callback(provider, when)).unwrap();
        }
    }
    assert_eq!(ledger.check().unwrap(), []);
    let all = entries(ledger);
    assert_eq!(all.len(), 120);
    let mut asked = 0;
    for account in [None, Some("1"), Some("3")] {
        for kind in [None, Some(EntryKind::Payment), Some(EntryKind::Refund)] {
            for provider in [None, Some("other")] {
                for (from, until) in [(None, None), (Some(AT + DAY), None), (Some(AT + DAY), Some(AT + 3 * DAY))] {
                    let [account, provider] = [account, provider].map(|text| text.map(str::to_owned));
                    let filter = Filter { account, kind, provider, from, until };
                    asked += statistic(ledger, &filter, &all);
                }
            }
        }
    }
    assert!(asked > 500, "most filters leave entries: {asked}");
}

/// Holds one filter's statistic against all entries; gives how many it leaves.
fn statistic<S: Storage>(ledger: &Ledger<S>, filter: &Filter, all: &[Entry]) -> usize {
    let is_of = |entry: &&Entry, from: Option<u64>, until: Option<u64>| {
        filter.account.as_ref().is_none_or(|account| entry.account == *account)
            && filter.kind.is_none_or(|kind| entry.kind == kind)
            && filter.provider.as_ref().is_none_or(|provider| entry.provider.as_ref() == Some(provider))
            && from.is_none_or(|from| entry.counted_at() >= from)
            && until.is_none_or(|until| entry.counted_at() < until)
    };
    let mut want: Vec<Entry> = all.iter().filter(|entry| is_of(entry, filter.from, filter.until)).cloned().collect();
    want.sort_by_key(|entry| std::cmp::Reverse(entry.place()));
    // Forwards in pages of 7, and back again.
    let mut pages = vec![ledger.page(filter, PageFrom::Latest, 7).unwrap()];
    while let Some(last) = pages.last().unwrap().last() {
        pages.push(ledger.page(filter, PageFrom::Before(last.place()), 7).unwrap());
    }
    assert_eq!(pages.concat(), want, "{filter:?}");
    if let [.., before, last, _] = &pages[..] {
        assert_eq!(&ledger.page(filter, PageFrom::After(last[0].place()), 7).unwrap(), before, "{filter:?}");
    }
    let (mut read, mut list) = (Vec::new(), Pages::new(filter.clone(), 50));
    loop {
        let page = ledger.next_page(&mut list).unwrap();
        if page.is_empty() {
            break;
        }
        read.extend(page);
    }
    assert_eq!(read, want, "{filter:?}");

    let [from, until] = [filter.from.map(|from| from - from % 3600), filter.until.map(|until| until.div_ceil(3600) * 3600)];
    let hours = ledger.hours(filter).unwrap();
    let mut whole: Vec<&Entry> = all.iter().filter(|entry| is_of(entry, from, until)).collect();
    for Hour { hour, kind, provider, count, amount } in hours {
        let (of_hour, others) = whole.into_iter().partition::<Vec<&Entry>, _>(|entry| {
            let at = entry.counted_at();
            let key = (at - at % 3600, entry.kind, &entry.provider, entry.amount.currency);
            key == (hour, kind, &provider, amount.currency)
        });
        let sum: i64 = of_hour.iter().map(|entry| entry.amount.minor_units).sum();
        assert_eq!((of_hour.len() as u64, sum), (count, amount.minor_units), "{filter:?} {hour}");
        whole = others;
    }
    assert_eq!(whole, Vec::<&Entry>::new(), "{filter:?}: every entry is in an hour");
    want.len()
}

/// Whatever is entered while a list is read is not in it, wherever its time would put it, and what was there is, once.
fn a_list_has_the_entries_of_its_start<S: Storage>(ledger: &Ledger<S>) {
    account(ledger, "1");
    let enter = |tag: &str, at: u64| {
        let writeoffs = (0..10).map(|number| writeoff(&format!("{tag}{number}"), "1", 1, 1)).collect();
        ledger.add_writeoffs(writeoffs, at).unwrap().unwrap();
    };
    enter("a", AT);
    enter("b", AT + 100);
    let mut want = entries(ledger);
    want.reverse();
    let (mut list, mut read) = (Pages::new(Filter::default(), 3), Vec::new());
    for round in 0_u64.. {
        let page = ledger.next_page(&mut list).unwrap();
        if page.is_empty() {
            break;
        }
        read.extend(page);
        // The clock may have gone back.
        [AT - 50, AT, AT + 50, AT + 200].iter().for_each(|at| enter(&format!("{round}-{at}-"), *at));
    }
    assert_eq!(read, want);
}

fn corrections_are_entered_once_for_a_key<S: Storage>(ledger: &Ledger<S>) {
    account(ledger, "100500");
    let correction = Correction {
        key: "k".into(),
        account: "100500".into(),
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
        (Correction { account: "7".into(), key: "l".into(), ..correction }, CorrectionRefusal::UnknownAccount),
    ] {
        assert_eq!(ledger.correct(changed, AT).unwrap(), Err(refusal));
    }
    assert_eq!((balance(ledger, "100500"), ledger.check().unwrap()), (-250, vec![]));
}

fn a_balance_that_is_no_number_any_more_is_refused<S: Storage>(ledger: &Ledger<S>) {
    account(ledger, "1");
    let correct = |key: &str, minor_units| {
        let (operator, comment) = ("anna".into(), "x".into());
        ledger.correct(Correction { key: key.into(), account: "1".into(), amount: rub(minor_units), operator, comment }, AT)
    };
    assert_eq!(correct("a", i64::MAX - 1).unwrap(), Ok(1));
    let refused = correct("b", 2).unwrap_err();
    assert!(matches!(refused, ledger::Error::SumTooLarge(_)), "{refused}");
    assert_eq!(correct("c", 1).unwrap(), Ok(2));
    assert_eq!((balance(ledger, "1"), ledger.check().unwrap()), (i64::MAX, vec![]));
}

fn documents_take_the_place_of_their_name<S: Storage>(ledger: &Ledger<S>) {
    assert_eq!(ledger.document("a").unwrap(), None);
    for document in [&b"1"[..], b"\x00\xff", b""] {
        ledger.put_document("a".into(), document.to_vec()).unwrap();
        assert_eq!((ledger.document("a").unwrap().as_deref(), ledger.document("b").unwrap()), (Some(document), None));
    }
    for (name, document) in [("list/b", "1"), ("list/a", "1"), ("list/gone", ""), ("liste", "1"), ("list/%_", "1")] {
        ledger.put_document(name.into(), document.into()).unwrap();
    }
    assert_eq!(ledger.document_names("list/").unwrap(), ["list/%_", "list/a", "list/b"]);
    ledger.ready().unwrap();
}
