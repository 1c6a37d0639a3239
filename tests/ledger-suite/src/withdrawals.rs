//! Rules about operations that an operator withdraws, and the lists that operators read.

use domain::{
    LastTry, Operation, OperationFault, OperationId, OperationKind, OperationSelection, OperationState, OperationTask,
    OperationVerdict, Progress, TriedCall,
};
use ledger::{Ledger, OperationEnd};

use crate::operations::{back, begin, end, paid, unknown};
use crate::{AT, new_order, rub};

fn withdraw(ledger: &Ledger, id: &OperationId) -> Result<Operation, OperationFault> {
    ledger.withdraw_operation(id.clone(), "anna".into(), "передумал".into(), AT + 5).unwrap()
}

fn progress(is_sent: bool, call: Option<TriedCall>) -> Progress {
    let last_try = Some(LastTry { at: AT + 1, call, message: "не отвечает".into() });
    Progress { journal: b"call".to_vec(), reference: None, next_at: Some(AT + 60), tries: 1, is_sent, last_try }
}

/// Of the withdrawal and what is stored before a call is sent, the first one counts: what is withdrawn is never sent, and what may have
/// been sent is not withdrawn.
pub fn what_is_withdrawn_is_not_sent(ledger: &Ledger) {
    let (_, payment) = paid(ledger);
    let first = begin(ledger, back(payment, 6_000)).unwrap();
    assert!(!first.is_sent && first.last_try.is_none());
    assert!(begin(ledger, back(payment, 6_000)).is_err());
    let withdrawn = withdraw(ledger, &first.id).unwrap();
    let decision = withdrawn.decision.clone().unwrap();
    assert_eq!((decision.operator.as_str(), decision.comment.as_str(), decision.at), ("anna", "передумал", AT + 5));
    assert!(withdrawn.is_withdrawn() && withdrawn.ended_at == Some(AT + 5) && withdrawn.next_at.is_none());
    assert_eq!(withdraw(ledger, &first.id).unwrap(), withdrawn, "the same again");
    let other = ledger.withdraw_operation(first.id.clone(), "boris".into(), "передумал".into(), AT + 5).unwrap();
    assert_eq!(other, Err(OperationFault::Ended));
    // Whoever was about to send it stores that first, and is refused.
    let before_sending = ledger.save_progress(first.id.clone(), progress(true, None)).unwrap();
    assert_eq!(before_sending, Err(OperationFault::Ended));
    assert_eq!(ledger.due_operations(AT + 999, 9).unwrap(), []);

    // The amount is free again.
    let second = begin(ledger, back(payment, 6_000)).unwrap();
    let stored = || ledger.operation(&second.id).unwrap().unwrap();
    for (is_sent, call) in [(true, None), (true, Some(TriedCall::NoAnswer)), (true, Some(TriedCall::Answered(500)))] {
        ledger.save_progress(second.id.clone(), progress(is_sent, call)).unwrap().unwrap();
        assert_eq!((stored().is_sent, stored().last_try), (true, progress(is_sent, call).last_try));
        assert_eq!(withdraw(ledger, &second.id), Err(OperationFault::Sent), "{call:?}");
    }
    // It never left.
    ledger.save_progress(second.id.clone(), progress(false, Some(TriedCall::NotSent))).unwrap().unwrap();
    assert_eq!(stored().last_try.unwrap().call, Some(TriedCall::NotSent));
    assert!(withdraw(ledger, &second.id).unwrap().is_withdrawn());
    assert_eq!(ledger.check().unwrap(), []);
}

/// What has ended, what nobody knows and what is no refund or charge is not withdrawn.
pub fn only_pending_refunds_and_charges_are_withdrawn(ledger: &Ledger) {
    let (_, payment) = paid(ledger);
    let [lost, done, refused] = [1, 2, 3].map(|kopecks| begin(ledger, back(payment, kopecks)).unwrap().id);
    end(ledger, &lost, unknown());
    end(ledger, &done, OperationEnd::Refused { code: "declined".into(), message: String::new() });
    end(ledger, &refused, unknown());
    ledger.resolve_operation(refused.clone(), OperationVerdict::Done, "anna".into(), "передумал".into(), AT).unwrap().unwrap();
    let order = |kopecks| ledger.create_order(new_order(rub(kopecks)), AT).unwrap().unwrap().id;
    let cancel = begin(ledger, OperationTask::Cancel { payment }).unwrap().id;
    let link = begin(ledger, OperationTask::Link { order: order(7) }).unwrap().id;
    for (id, fault) in [
        (&lost, OperationFault::Sent),
        (&done, OperationFault::Ended),
        (&refused, OperationFault::Ended),
        (&cancel, OperationFault::NotWithdrawable),
        (&link, OperationFault::NotWithdrawable),
        (&OperationId::new("op1").unwrap(), OperationFault::NoSuchOperation),
    ] {
        assert_eq!(withdraw(ledger, id), Err(fault), "{id}");
    }
    let order = order(500);
    let charge = begin(ledger, OperationTask::Charge { payment, order: order.clone() }).unwrap().id;
    assert!(withdraw(ledger, &charge).unwrap().is_withdrawn());
    assert!(begin(ledger, OperationTask::Charge { payment, order }).is_ok(), "the order can be charged for again");
    assert_eq!(ledger.check().unwrap(), []);
}

/// Links stand apart from what operators do. One that waits for an operator does not.
pub fn operations_are_listed_by_kind_and_by_who_acted(ledger: &Ledger) {
    let (_, payment) = paid(ledger);
    let link = || {
        let order = ledger.create_order(new_order(rub(7)), AT).unwrap().unwrap().id;
        begin(ledger, OperationTask::Link { order }).unwrap().id
    };
    let (made, going_on, lost) = (link(), link(), link());
    end(ledger, &made, OperationEnd::Completed { result: None });
    end(ledger, &lost, unknown());
    let [refund, ended] = [1, 2].map(|kopecks| begin(ledger, back(payment, kopecks)).unwrap().id);
    end(ledger, &ended, OperationEnd::Refused { code: "declined".into(), message: String::new() });
    let cancel = begin(ledger, OperationTask::Cancel { payment }).unwrap().id;
    let ids = |operations: Vec<Operation>| operations.into_iter().map(|one| one.id).collect::<Vec<_>>();
    let only = OperationSelection::Only;
    for (selection, open, done) in [
        (OperationSelection::All, vec![&going_on, &lost, &refund, &cancel], vec![&ended, &made]),
        (OperationSelection::ButLinks, vec![&lost, &refund, &cancel], vec![&ended]),
        (only(OperationKind::Refund), vec![&refund], vec![&ended]),
        (only(OperationKind::Charge), vec![], vec![]),
        (only(OperationKind::Cancel), vec![&cancel], vec![]),
        (only(OperationKind::Link), vec![&going_on, &lost], vec![&made]),
    ] {
        let [open, done] = [open, done].map(|ids| ids.into_iter().cloned().collect::<Vec<_>>());
        assert_eq!(ids(ledger.open_operations(selection, None, 9).unwrap()), open, "{selection:?}");
        assert_eq!(ids(ledger.ended_operations(selection, None, 9).unwrap()), done, "{selection:?}");
    }
    let but_links = OperationSelection::ButLinks;
    assert_eq!(ids(ledger.open_operations(but_links, Some(&lost), 1).unwrap()), std::slice::from_ref(&refund));

    // Who decided last comes first; a link appears when somebody decides about it.
    ledger.resolve_operation(lost.clone(), OperationVerdict::NotDone, "anna".into(), "x".into(), AT + 30).unwrap().unwrap();
    ledger.withdraw_operation(refund.clone(), "anna".into(), "x".into(), AT + 20).unwrap().unwrap();
    let acted = ledger.acted_operations(None, 9).unwrap();
    let place = |at: usize| Some((acted[at].acted_at(), acted[at].id.clone()));
    assert_eq!(ids(acted.clone()), [lost.clone(), refund.clone(), cancel.clone(), ended.clone()]);
    assert_eq!(ids(ledger.acted_operations(place(0).as_ref(), 1).unwrap()), [refund]);
    assert_eq!(ids(ledger.acted_operations(place(2).as_ref(), 9).unwrap()), [ended]);
}

/// The entry of a refund is told with the operation that made it.
pub fn operations_are_found_by_their_movements(ledger: &Ledger) {
    let (_, payment) = paid(ledger);
    let lost = begin(ledger, back(payment, 1_000)).unwrap();
    end(ledger, &lost.id, unknown());
    let done =
        ledger.resolve_operation(lost.id.clone(), OperationVerdict::Done, "anna".into(), "x".into(), AT).unwrap().unwrap();
    let OperationState::Done { movement: Some(refund), .. } = done.state else { panic!("{done:?}") };
    let found = ledger.operations_of_movements(&[payment, refund]).unwrap();
    assert_eq!(found, [(refund, done)]);
}
