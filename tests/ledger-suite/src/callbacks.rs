//! Rules about callbacks.

use domain::{
    Acknowledged, Event, Outcome, Refusals, Report, ReviewFilter, StoreOutcome, StoredCallback, UnrecognizedCallback,
};
use ledger::Ledger;

use crate::{AT, balance, callback, changed, entered, entries, lost, new_order, order, payment, record, refund, rub, take};

pub fn a_repetition_that_says_something_else_is_shown_once(ledger: &Ledger) {
    let first = order(ledger);
    let second = ledger.create_order(new_order(rub(10_000)), AT).unwrap().unwrap();
    let event = payment(&first, "T1");
    assert_eq!(take(ledger, &event), entered(1));
    let told = changed(event.clone(), |event| event.facts.order = Some(second.id.clone()));
    assert_eq!(take(ledger, &told), Outcome::Contradiction { id: Some(1) });
    assert_eq!(take(ledger, &told), Outcome::Contradiction { id: None });
    // The values beside the event may change, and so may the comment.
    let extra = vec![("attempt".to_owned(), "2".to_owned())];
    let same = Event { extra, comment: "Top-up".into(), ..event.clone() };
    assert_eq!(take(ledger, &same), Outcome::Recorded { seq: 1, repeated: true });
    // An unmatched refund, reported again with another date.
    let back = changed(refund(&first, "T9", 500), |event| {
        event.facts.order = None;
        event.facts.occurred_at = Some("2026-11-01".into());
    });
    assert!(matches!(take(ledger, &back), Outcome::Unmatched { repeated: false, .. }));
    let later = changed(back.clone(), |event| event.facts.occurred_at = Some("2026-11-02".into()));
    assert_eq!(take(ledger, &later), Outcome::Contradiction { id: Some(2) });

    let received = |report: &Report| report.callback.as_ref().map(|callback| (callback.received_at, callback.body.clone()));
    let shown = ledger.contradictions(ReviewFilter::WaitingAfter(0), 10).unwrap();
    let facts: Vec<_> =
        shown.iter().map(|one| (one.id, one.outcome.clone(), one.first.facts.clone(), one.repeated.facts.clone())).collect();
    let waits = Outcome::Unmatched { id: 1, repeated: false };
    assert_eq!(
        facts,
        [(1, entered(1), event.facts.clone(), told.facts.clone()), (2, waits, back.facts.clone(), later.facts.clone())]
    );
    assert_eq!(
        (received(&shown[0].first), received(&shown[0].repeated)),
        (Some((AT + 1, b"a=1".to_vec())), Some((AT + 1, b"a=1".to_vec())))
    );
    assert!(ledger.acknowledge_contradiction(1, "anna".into(), AT).unwrap());
    assert!(!ledger.acknowledge_contradiction(1, "anna".into(), AT).unwrap());
    let acknowledged = || ledger.contradictions(ReviewFilter::AcknowledgedBefore(None), 10).unwrap();
    assert_eq!(acknowledged()[0].acknowledged, Some(Acknowledged { operator: "anna".into(), at: AT }));
    assert!(ledger.reopen_contradiction(1).unwrap() && acknowledged().is_empty());
    assert!(ledger.acknowledge_contradiction(1, "boris".into(), AT).unwrap());
    assert_eq!(
        (ledger.contradictions(ReviewFilter::WaitingAfter(0), 10).unwrap().len(), ledger.contradiction_count().unwrap()),
        (1, 1)
    );
    // No more than the maximum are stored.
    for at in 0..20 {
        take(ledger, &changed(event.clone(), |event| event.facts.order = Some(at.to_string().parse().unwrap())));
    }
    assert_eq!(ledger.contradiction_count().unwrap(), 10);
    assert_eq!((entries(ledger).len(), balance(ledger, "100500")), (1, 10_000));
}

pub fn lists_go_on_after_a_place(ledger: &Ledger) {
    let order = order(ledger);
    for at in 0..5 {
        lost(ledger, &order, &format!("T{at}"));
    }
    let ids = |after, limit| ledger.unmatched_events(after, limit).unwrap().iter().map(|one| one.id).collect::<Vec<_>>();
    assert_eq!((ids(0, 2), ids(2, 2), ids(4, 2), ids(5, 2)), (vec![1, 2], vec![3, 4], vec![5], vec![]));
    assert_eq!(ledger.unmatched_count().unwrap(), 5);
}

pub fn refusals_are_counted_and_unknown_forms_kept(ledger: &Ledger) {
    let hour = AT - AT % 3600;
    let callback = StoredCallback { body: b"total=1\xff".to_vec(), ..callback("chronopay", hour) };
    let refusals = |at, code: &str, count| Refusals { provider: "chronopay".into(), code: code.into(), hour: at, count };
    for at in [hour, hour + 3599, hour + 3600] {
        ledger.count_refusals(vec![refusals(at, "signature-mismatch", 2), refusals(at, "malformed", 1)]).unwrap();
    }
    let keep = |callback: &StoredCallback, max| {
        ledger.store_unrecognized(callback.clone(), "unknown-type".into(), "customer".into(), max)
    };
    assert_eq!(keep(&callback, None).unwrap(), StoreOutcome::Stored);
    // The same bytes are one callback, whenever they arrive. Another callback is not stored if too many wait.
    let later = StoredCallback { received_at: hour + 60, ..callback.clone() };
    assert_eq!(keep(&later, Some(1)).unwrap(), StoreOutcome::Repeated);
    let other = StoredCallback { query: "a".into(), ..callback.clone() };
    assert_eq!(keep(&other, Some(1)).unwrap(), StoreOutcome::LimitReached);
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
        ledger.unrecognized(ReviewFilter::WaitingAfter(0), 10).unwrap(),
        [UnrecognizedCallback { id: 1, callback: one, code, message, times, last_at, acknowledged: None }]
    );
    assert_eq!(keep(&other, Some(2)).unwrap(), StoreOutcome::Stored);
    assert_eq!(
        (ledger.unrecognized(ReviewFilter::WaitingAfter(1), 10).unwrap().len(), ledger.unrecognized_count().unwrap()),
        (1, 2)
    );
    for id in [1, 2] {
        assert!(ledger.acknowledge_unrecognized(id, "anna".into(), AT).unwrap());
        assert!(!ledger.acknowledge_unrecognized(id, "anna".into(), AT).unwrap());
    }
    assert_eq!(
        (ledger.unrecognized(ReviewFilter::WaitingAfter(0), 10).unwrap(), ledger.unrecognized_count().unwrap()),
        (vec![], 0)
    );
    let acknowledged = |before| ledger.unrecognized(ReviewFilter::AcknowledgedBefore(before), 10).unwrap();
    let who = |one: &UnrecognizedCallback| (one.id, one.acknowledged.clone().unwrap().operator);
    assert_eq!(acknowledged(None).iter().map(who).collect::<Vec<_>>(), [(2, "anna".to_owned()), (1, "anna".to_owned())]);
    assert_eq!(acknowledged(Some(2)).len(), 1);
    assert_eq!([2, 2, 9].map(|id| ledger.reopen_unrecognized(id).unwrap()), [true, false, false]);
    assert_eq!((acknowledged(None).len(), ledger.unrecognized_count().unwrap()), (1, 1));
    assert!(ledger.acknowledge_unrecognized(2, "anna".into(), AT).unwrap());
    // Another code has a limit of its own.
    let unjudged = StoredCallback { query: "b".into(), ..callback.clone() };
    let stored = ledger.store_unrecognized(unjudged.clone(), "merchant-mismatch".into(), String::new(), Some(1)).unwrap();
    assert_eq!((stored, ledger.unrecognized_count().unwrap()), (StoreOutcome::Stored, 1));
    // It arrives again and is accepted, so that nobody needs to look at it.
    let order = order(ledger);
    record(ledger, payment(&order, "1"), StoredCallback { received_at: hour + 9, ..unjudged });
    let who_and_when = |one: UnrecognizedCallback| (one.id, one.acknowledged.map(|by| (by.operator, by.at)));
    let last = acknowledged(None).into_iter().next().map(who_and_when);
    assert_eq!(last, Some((3, Some((Acknowledged::BY_THIS_PROGRAM.to_owned(), hour + 9)))));
    // A callback that was acknowledged stays acknowledged.
    assert_eq!(keep(&callback, Some(0)).unwrap(), StoreOutcome::Repeated);
    assert_eq!(ledger.unrecognized_count().unwrap(), 0);
}

pub fn the_last_callbacks_come_back_as_they_came(ledger: &Ledger) {
    let order = order(ledger);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let paid = StoredCallback {
        provider: "chronopay".parse().unwrap(),
        received_at: AT + 9,
        method: "GET".into(),
        path: String::new(),
        query: "a=%D1%8F&a".into(),
        // A repeated name, an empty value, and characters that would end a string in JSON or SQL.
        headers: vec![pair("x-sign", "b\"\\',]\n"), pair("accept", ""), pair("x-sign", "я")],
        body: b"\x00\xff".to_vec(),
        remote_address: "2001:db8::7".into(),
        sealed_headers: b"\x00sealed\xff".to_vec(),
        is_masked: true,
    };
    let unrecognized = StoredCallback { method: "POST".into(), ..callback("chronopay", AT + 3) };
    let other = callback("other", AT + 5);
    record(ledger, payment(&order, "1"), paid.clone());
    for callback in [&unrecognized, &other] {
        ledger.store_unrecognized(callback.clone(), "malformed".into(), String::new(), None).unwrap();
    }
    // The same event again, reported by a later callback.
    let again = callback("chronopay", AT + 4);
    record(ledger, payment(&order, "1"), again.clone());

    let last = |provider: &str, limit| ledger.last_callbacks(&provider.parse().unwrap(), limit).unwrap();
    // Ordered by when they were stored, whatever the clock said.
    let all = [again, unrecognized, paid];
    assert_eq!(last("chronopay", 10), all);
    assert_eq!(last("chronopay", 2), all[..2]);
    assert_eq!((last("other", 10), last("none", 10), last("chronopay", 0)), (vec![other], vec![], vec![]));
}

pub fn documents_take_the_place_of_their_name(ledger: &Ledger) {
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
