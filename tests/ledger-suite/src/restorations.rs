//! Rules about a ledger that is an older copy: nothing about a payment is sent before a person has compared.

use domain::{ComparisonRefusal, NewOperation, OperationRefusal, OperationState, OperationTask};
use ledger::{Ledger, OperationEnd, missing_since};

use crate::operations::{back, begin, end, new, paid};
use crate::{AT, new_order, rub};

const NOT_COMPARED: OperationRefusal = OperationRefusal::NotCompared { since: Some(AT - 60) };

fn compare(ledger: &Ledger, id: u64, operator: &str) -> Result<(), ComparisonRefusal> {
    ledger.record_comparison(id, operator.into(), "по выписке".into(), AT + 7).unwrap()
}

/// After a restoration no refund, charge or cancel begins, whichever key it has; links are made.
pub fn nothing_about_a_payment_begins_before_a_comparison(ledger: &Ledger) {
    let (_, payment) = paid(ledger);
    let keyed = |key: &str, task| NewOperation { idempotency_key: Some(key.into()), ..new(task) };
    let first = ledger.begin_operation(keyed("k1", back(payment, 1_000)), AT).unwrap().unwrap().operation;
    let done = begin(ledger, back(payment, 1_500)).unwrap();
    end(ledger, &done.id, OperationEnd::Refused { code: "declined".into(), message: String::new() });
    assert_eq!((ledger.restorations().unwrap(), missing_since(&[])), (vec![], None));

    ledger.record_restoration(Some(AT - 60), AT).unwrap();
    let order = ledger.create_order(new_order(rub(10_000)), AT).unwrap().unwrap().id;
    for task in
        [back(payment, 2_000), OperationTask::Charge { payment, order: order.clone() }, OperationTask::Cancel { payment }]
    {
        for operation in [new(task.clone()), keyed("k2", task)] {
            assert_eq!(ledger.begin_operation(operation, AT + 1).unwrap(), Err(NOT_COMPARED));
        }
    }
    // What was pending may have been done, and is what its key names; of what had ended that is known.
    let again = ledger.begin_operation(keyed("k1", back(payment, 1_000)), AT + 1).unwrap().unwrap();
    assert_eq!((again.is_new, &again.operation.id, again.operation.state.name()), (false, &first.id, "unknown"));
    assert_eq!(ledger.operation(&done.id).unwrap().unwrap().state.name(), "refused");
    assert_eq!(ledger.due_operations(u64::MAX, 9).unwrap(), []);
    // A link moves no money.
    begin(ledger, OperationTask::Link { order }).unwrap();

    assert_eq!(compare(ledger, 9, "anna"), Err(ComparisonRefusal::Unknown));
    assert_eq!(compare(ledger, 1, "anna"), Ok(()));
    let restoration = &ledger.restorations().unwrap()[0];
    assert_eq!((restoration.copied_at, restoration.started_at), (Some(AT - 60), AT));
    let comparison = restoration.comparison.clone().unwrap();
    assert_eq!((comparison.operator.as_str(), comparison.comment.as_str(), comparison.at), ("anna", "по выписке", AT + 7));
    assert_eq!((compare(ledger, 1, "anna"), compare(ledger, 1, "boris")), (Ok(()), Err(ComparisonRefusal::AlreadyCompared)));
    assert_eq!(ledger.restorations().unwrap()[0].comparison.as_ref().unwrap().operator, "anna");
    assert_eq!(begin(ledger, back(payment, 2_000)).unwrap().state, OperationState::Pending);
    assert_eq!(ledger.check().unwrap(), []);
}

/// Of several restorations the earliest moment counts, an unknown one before all, and a comparison is of those before it.
pub fn a_comparison_is_of_the_restorations_before_it(ledger: &Ledger) {
    let (_, payment) = paid(ledger);
    let refused = |since| Err(OperationRefusal::NotCompared { since });
    ledger.record_restoration(Some(AT - 60), AT).unwrap();
    ledger.record_restoration(Some(AT - 90), AT + 1).unwrap();
    assert_eq!(begin(ledger, back(payment, 1)), refused(Some(AT - 90)));
    ledger.record_restoration(None, AT + 2).unwrap();
    assert_eq!(begin(ledger, back(payment, 1)), refused(None));
    assert_eq!(compare(ledger, 2, "anna"), Ok(()));
    let compared: Vec<_> = ledger.restorations().unwrap().iter().map(|one| (one.id, one.comparison.is_some())).collect();
    assert_eq!(compared, [(3, false), (2, true), (1, true)]);
    assert_eq!(begin(ledger, back(payment, 1)), refused(None));
    assert_eq!(compare(ledger, 3, "boris"), Ok(()));
    begin(ledger, back(payment, 1)).unwrap();
}
