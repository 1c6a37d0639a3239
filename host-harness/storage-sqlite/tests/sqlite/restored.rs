//! Operations in a database that is restored or damaged.

use std::path::Path;

use domain::{
    Event, EventKind, Facts, Finding, FindingCode, LedgerAnswer, LedgerQuestion, MovementId, NewOperation, Operation,
    OperationRefusal, OperationState, OperationTask,
};
use ledger::{Ledger, Loss, OperationEnd, Origin, Reported, Submission};
use rusqlite::Connection;
use storage_sqlite::{OnLoss, Opened, Sqlite, check_database, mark_path};

use crate::driven::{Driven, roubles};
use crate::sqlite::BEFORE_MOVEMENTS;

fn event(kind: EventKind, key: &str, change: impl FnOnce(&mut Facts)) -> Event {
    let mut facts = Facts::new(kind, key.parse().unwrap(), roubles(100));
    change(&mut facts);
    let (provider, comment, dedup_key) = ("p".parse().unwrap(), String::new(), key.parse().unwrap());
    Event { provider, facts, comment, dedup_key, fee: None, extra: Vec::new() }
}

/// Creates a ledger with a payment of 100.00 of the payer `7`, and returns the payment.
fn paid(folder: &Path) -> (Driven, MovementId) {
    let driven = Driven::new(folder, 100);
    let payment = event(EventKind::Payment, "T1", |facts| {
        facts.order = Some(driven.order.clone());
        facts.payer = Some("7".to_owned());
    });
    let (provider, origin, answers): (domain::ProviderName, _, _) = (payment.provider.clone(), Origin::Status, Vec::new());
    let events = Reported::Facts(vec![payment]);
    let accounts = Vec::new();
    let submission =
        Submission { provider: provider.clone(), events, origin, answers, accounts, now: 1, at: 1, wants_states: false };
    driven.ledger.record(submission).unwrap();
    let question = LedgerQuestion::Order(driven.order.clone());
    let LedgerAnswer::Order(Some(order)) = driven.ledger.answers(&provider, &[question], 1).unwrap().remove(0) else {
        panic!()
    };
    (driven, order.paid_by.unwrap().movement.id)
}

fn new(task: OperationTask) -> NewOperation {
    NewOperation {
        provider: "p".parse().unwrap(),
        task,
        reason: String::new(),
        operator: "anna".to_owned(),
        idempotency_key: None,
        component_sha256: "ab".repeat(32),
        settings: Vec::new(),
        next_at: 1,
        is_alone: false,
    }
}

fn begin(ledger: &Ledger, task: OperationTask) -> Operation {
    ledger.begin_operation(new(task), 1).unwrap().unwrap().operation
}

fn back(payment: MovementId, amount: i64) -> OperationTask {
    OperationTask::Refund { payment, amount: roubles(amount) }
}

/// Nothing is sent again after an older copy is restored, whether with the newer mark or without one: not by itself, and not before a
/// person has compared.
#[test]
fn restored_copy_has_no_pending_operation() {
    for keeps_mark in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let (driven, payment) = paid(folder.path());
        let pending = begin(&driven.ledger, back(payment, 10));
        let refused = begin(&driven.ledger, back(payment, 20));
        let end = OperationEnd::Refused { code: "declined".into(), message: String::new() };
        driven.ledger.end_operation(refused.id.clone(), end, 2).unwrap().unwrap();
        let driven = driven.restart(folder.path());
        assert_eq!(driven.ledger.due_operations(1, 9).unwrap().len(), 1, "a restart alone changes nothing");
        let Driven { ledger, .. } = driven;
        drop(ledger);
        let copy = std::fs::read(&path).unwrap();
        let counter = Connection::open(&path).unwrap();
        let copied_at =
            counter.query_row("SELECT committed_at FROM commit_counter", [], |row| row.get::<_, i64>(0)).unwrap() as u64;
        drop(counter);
        let ledger = Ledger::new(Sqlite::open(&path).unwrap());
        let lost = begin(&ledger, back(payment, 30));
        drop(ledger);
        std::fs::write(&path, copy).unwrap();
        let on_loss = if keeps_mark {
            OnLoss::Accept
        } else {
            std::fs::remove_file(mark_path(&path)).unwrap();
            OnLoss::Refuse
        };
        let storage = Sqlite::open_with(&path, on_loss).unwrap();
        match storage.opened() {
            Opened::LossAccepted(Loss::Commits { .. }) => assert!(keeps_mark),
            Opened::WithoutMark => assert!(!keeps_mark),
            other => panic!("{other:?}"),
        }
        let ledger = Ledger::new(storage);
        let state = |id| ledger.operation(id).unwrap().unwrap().state;
        let OperationState::Unknown { message } = state(&pending.id) else { panic!("{:?}", state(&pending.id)) };
        assert!(message.contains("восстановлена из копии"), "{message}");
        assert_eq!(state(&refused.id).name(), "refused");
        assert_eq!(ledger.due_operations(u64::MAX, 9).unwrap(), []);
        // Nor by another request, whether billing's or an operator's, before somebody has compared.
        let asked_again = ledger.begin_operation(new(back(payment, 30)), 9).unwrap();
        assert_eq!(asked_again, Err(OperationRefusal::NotCompared { since: Some(copied_at) }));
        drop(ledger);
        let ledger = Ledger::new(Sqlite::open(&path).unwrap());
        let [restoration] = &ledger.restorations().unwrap()[..] else { panic!("a restart alone is no restoration") };
        assert_eq!((restoration.copied_at, &restoration.comparison), (Some(copied_at), &None));
        ledger.record_comparison(restoration.id, "anna".into(), "по выписке".into(), 9).unwrap().unwrap();
        // What the copy lacks keeps its id for itself, since time has gone on.
        let next = ledger.begin_operation(new(back(payment, 30)), 9).unwrap().unwrap().operation;
        assert_ne!(next.id, lost.id);
    }
}

/// Each damage is found, and by one finding.
#[test]
fn operations_that_contradict_other_records_are_found() {
    let refund = |set: &str| format!("UPDATE operations SET {set} WHERE kind = 'refund'");
    let second = |kind: &str| {
        format!(
            "DROP INDEX operations_{kind}; INSERT INTO operations (kind, provider, payment, order_number, reason, operator,
                component_sha256, settings, created_at, state, tries, journal)
            SELECT kind, provider, payment, order_number, reason, operator, component_sha256, settings, created_at, state, tries,
                journal FROM operations WHERE kind = '{kind}'"
        )
    };
    for (damage, want) in [
        (refund("payment = (SELECT id FROM movements WHERE kind = 'refund')"), "its payment is none of its provider"),
        (refund("provider = 'q'"), "its payment is none of its provider"),
        ("UPDATE operations SET order_number = NULL WHERE kind = 'charge'".to_owned(), "its order is none of its provider"),
        (refund("movement = NULL"), "it is done, and has no movement"),
        (refund("state = 'refused'"), "it is not done, and has a movement"),
        (refund("movement = payment"), "is none that it can make"),
        (refund("next_at = 1"), "it has ended, and is to go on"),
        ("UPDATE operations SET ended_at = 1 WHERE kind = 'charge'".to_owned(), "it is open, and has ended"),
        (refund("state = 'refused', movement = NULL, code = 'withdrawn', is_sent = 1"), "it was sent, and is withdrawn"),
        (refund("decided_by = 'anna'"), "it is decided in part"),
        (second("link"), "another link of the order"),
        (second("charge"), "another charge of the order"),
        (second("cancel"), "another cancel of the payment"),
        (
            "INSERT INTO orders_to_ask SELECT number, 1, 0 FROM orders WHERE paid_by IS NOT NULL".to_owned(),
            "is paid, and its status is still asked for",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let (Driven { ledger, .. }, payment) = paid(folder.path());
        let refunded = begin(&ledger, back(payment, 100));
        let back = event(EventKind::Refund, "R1", |facts| facts.original = Some("T1".parse().unwrap()));
        let end = OperationEnd::Moved { event: back, answers: Vec::new(), now: 2 };
        ledger.end_operation(refunded.id, end, 2).unwrap().unwrap();
        let (account, provider) = ("1".parse().unwrap(), "p".parse().unwrap());
        let (description, idempotency_key, expires_at) = (String::new(), None, None);
        let order = domain::NewOrder { account, provider, amount: roubles(5), description, idempotency_key, expires_at };
        let order = ledger.create_order(order, 2).unwrap().unwrap().id;
        begin(&ledger, OperationTask::Charge { payment, order: order.clone() });
        begin(&ledger, OperationTask::Link { order });
        begin(&ledger, OperationTask::Cancel { payment });
        assert_eq!(check_database(&path, None).unwrap().findings, []);
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; {damage}")).unwrap();
        drop(connection);
        let findings: Vec<Finding> = check_database(&path, None).unwrap().findings;
        let [Finding { code: FindingCode::Operation, detail, .. }] = findings.as_slice() else {
            panic!("{damage}: {findings:?}")
        };
        assert!(detail.contains(want), "{damage}: {detail}");
    }
}

/// The migrations before an operation said what was sent of it, in their order.
const BEFORE_TRIES: [&str; 4] = [
    include_str!("../../src/schema/0010_movements.sql"),
    include_str!("../../src/schema/0011_callback_paths.sql"),
    include_str!("../../src/schema/0012_operations.sql"),
    include_str!("../../src/schema/0013_sealed_headers.sql"),
];

/// Of what an older version began, everything with a journal may have been sent, and what nobody knows has not ended.
#[test]
fn operations_of_an_older_version_may_have_been_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    BEFORE_MOVEMENTS.iter().chain(&BEFORE_TRIES).for_each(|migration| old.execute_batch(migration).unwrap());
    for (number, state, journal, ended_at) in
        [(1, "pending", "", "NULL"), (2, "pending", "ab", "NULL"), (3, "unknown", "ab", "7"), (4, "done", "ab", "8")]
    {
        let sql = format!(
            "INSERT INTO operations (number, kind, order_number, provider, reason, operator, component_sha256, settings, created_at,
                state, tries, journal, ended_at)
            VALUES ({number}, 'link', {number}, 'p', '', '', '', x'', 1, '{state}', 0, x'{journal}', {ended_at})"
        );
        old.execute_batch(&sql).unwrap();
    }
    old.execute_batch("PRAGMA user_version = 13").unwrap();
    drop(old);
    drop(Sqlite::open(&path).unwrap());
    let database = Connection::open(&path).unwrap();
    let mut statement = database.prepare("SELECT is_sent, ended_at FROM operations ORDER BY number").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap);
    assert_eq!(rows.collect::<Vec<(bool, Option<i64>)>>(), [(false, None), (true, None), (true, None), (true, Some(8))]);
}
