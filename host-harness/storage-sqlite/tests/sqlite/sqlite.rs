//! What the SQLite storage promises besides the rules.

use domain::{
    Account, Correction, Event, EventKind, Facts, LedgerAnswer, LedgerQuestion, Money, Movement, MovementState, MovementsQuery,
    Outcome, PartyKind, ReviewFilter, StoreOutcome, StoredCallback,
};
use ledger::{Error, Ledger, Storage, Submission};
use money::Currency;
use rusqlite::Connection;
use storage_sqlite::{Sqlite, check_database};

fn account(number: &str) -> Account {
    let [name, contract, inn, kpp, foreign_tax_number] = ["Иванов", "", "", "", ""].map(str::to_owned);
    let (kind, contract_date) = (PartyKind::Individual, None);
    Account { number: number.parse().unwrap(), name, kind, contract, contract_date, inn, kpp, foreign_tax_number }
}

#[test]
fn acknowledged_writes_survive_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    for round in 0..3 {
        let ledger = Ledger::new(Sqlite::open(&path).unwrap());
        for earlier in 0..round {
            assert!(ledger.account(&earlier.to_string().parse().unwrap()).unwrap().is_some());
        }
        ledger.put_account(account(&round.to_string())).unwrap().unwrap();
    }
}

#[cfg(unix)]
#[test]
fn database_is_readable_by_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::new(Sqlite::open(&path).unwrap());
    ledger.put_account(account("1")).unwrap().unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.file_name());
    }
}

#[test]
fn newer_database_is_refused_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    drop(Sqlite::open(&path).unwrap());
    let known: i64 = Connection::open(&path).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    let newer = known + 1;
    Connection::open(&path).unwrap().pragma_update(None, "user_version", newer).unwrap();
    assert_eq!(Sqlite::open(&path).unwrap_err(), Error::NewerDatabase { found: newer, known });
    assert_eq!(check_database(&path, None).unwrap_err(), Error::NewerDatabase { found: newer, known });
    let version: i64 = Connection::open(&path).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, newer);
}

/// A database of version 1 with two callbacks, one of which waits for the operator.
const FIRST_ROWS: &str = "
    INSERT INTO accounts VALUES ('1', 'Иванов', 'individual', '', '', '');
    INSERT INTO callbacks VALUES (4, 'chronopay', 100, 'POST', '', x'613d31ff'), (7, 'chronopay', 90, 'GET', 'a=1', x'');
    INSERT INTO unrecognized (callback, message) VALUES (4, 'customer');
    PRAGMA user_version = 1";

/// Returns the names and definitions of everything in the database.
fn schema(connection: &Connection) -> Vec<(String, String)> {
    let mut statement = connection.prepare("SELECT name, ifnull(sql, '') FROM sqlite_master ORDER BY name").unwrap();
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

#[test]
fn first_version_database_migrates_with_all_rows() {
    let folder = tempfile::tempdir().unwrap();
    let [path, fresh] = ["ledger.db", "fresh.db"].map(|name| folder.path().join(name));
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../../src/schema/0001_first.sql")).unwrap();
    old.execute_batch(FIRST_ROWS).unwrap();
    drop(old);
    let callback = |method: &str, query: &str, body: &[u8], received_at| StoredCallback {
        provider: "chronopay".parse().unwrap(),
        received_at,
        method: method.into(),
        path: String::new(),
        query: query.into(),
        headers: Vec::new(),
        body: body.into(),
        remote_address: String::new(),
        sealed_headers: Vec::new(),
        is_masked: false,
    };
    let mut kept = vec![callback("GET", "a=1", b"", 90), callback("POST", "", b"a=1\xff", 100)];
    let whole = StoredCallback {
        headers: vec![("x-sign".to_owned(), "1".to_owned())],
        remote_address: "203.0.113.7".into(),
        ..callback("POST", "", b"b", 110)
    };
    // It is migrated once, and opened again without a change.
    for _ in 0..2 {
        let ledger = Ledger::new(Sqlite::open(&path).unwrap());
        assert!(ledger.account(&"1".parse().unwrap()).unwrap().is_some());
        let waiting = ledger.unrecognized(ReviewFilter::WaitingAfter(0), 10).unwrap();
        let first = (waiting[0].id, &waiting[0].callback, waiting[0].message.as_str());
        assert_eq!(first, (1, &callback("POST", "", b"a=1\xff", 100), "customer"));
        assert_eq!(ledger.last_callbacks(&"chronopay".parse().unwrap(), 10).unwrap(), kept);
        let kept_as = ledger.store_unrecognized(whole.clone(), "malformed".into(), String::new(), None).unwrap();
        assert_eq!(kept_as, if kept.len() == 2 { StoreOutcome::Stored } else { StoreOutcome::Repeated });
        if kept_as == StoreOutcome::Stored {
            kept.insert(0, whole.clone());
        }
    }
    drop(Sqlite::open(&fresh).unwrap());
    let [made_new, fresh] = [path, fresh].map(|path| schema(&Connection::open(path).unwrap()));
    assert_eq!(made_new, fresh);
}

/// The migrations before movements, in their order.
pub const BEFORE_MOVEMENTS: [&str; 9] = [
    include_str!("../../src/schema/0001_first.sql"),
    include_str!("../../src/schema/0002_whole_callbacks.sql"),
    include_str!("../../src/schema/0003_commit_counter.sql"),
    include_str!("../../src/schema/0004_writeoff_dates.sql"),
    include_str!("../../src/schema/0005_accounting.sql"),
    include_str!("../../src/schema/0006_decisions.sql"),
    include_str!("../../src/schema/0007_repetitions.sql"),
    include_str!("../../src/schema/0008_waiting_payments.sql"),
    include_str!("../../src/schema/0009_declined_payments.sql"),
];

/// A database of version 9: a payment that the oldest program stored without its facts, one with its facts, a refund of each, an
/// unmatched payment with a contradiction, a declined payment, a hold, and an outcome of which only the key is known.
const OUTCOMES: &str = r#"
    INSERT INTO accounts (number, name, kind, contract, inn, kpp) VALUES ('1', 'Иванов', 'individual', '', '', '');
    INSERT INTO orders (number, account, provider, minor_units, currency, description, created_at)
        VALUES (7000, '1', 'p', 100, 'RUB', '', 7), (8000, '1', 'p', 50, 'RUB', '', 8), (9000, '1', 'p', 30, 'RUB', '', 9);
    INSERT INTO callbacks (id, provider, received_at, method, query, body, facts, declined_order) VALUES
        (1, 'p', 20, 'GET', '', x'', '{"kind":"payment","recurrence":"first","transaction":"T2","minor-units":50,"currency":"RUB","order":"8000","payer":"7","occurred-at":"1970-01-01T00:00:15Z"}', NULL),
        (2, 'p', 20, 'GET', '', x'', '{"kind":"refund","recurrence":"single","transaction":"R2","minor-units":20,"currency":"RUB","order":"8000"}', NULL),
        (3, 'p', 30, 'GET', '', x'', '{"kind":"payment","recurrence":"single","transaction":"T3","minor-units":9,"currency":"RUB"}', NULL),
        (4, 'p', 31, 'GET', '', x'', '{"kind":"payment","recurrence":"single","transaction":"T3","minor-units":8,"currency":"RUB"}', NULL),
        (5, 'p', 32, 'GET', '', x'', '{"kind":"declined","recurrence":"single","transaction":"D","minor-units":30,"currency":"RUB","order":"9000"}', '9000'),
        (6, 'p', 33, 'GET', '', x'', '{"kind":"hold","recurrence":"single","transaction":"H","minor-units":30,"currency":"RUB","order":"9000"}', NULL);
    INSERT INTO entries (account, kind, minor_units, currency, comment, order_number, transaction_id, provider, at) VALUES
        ('1', 'payment', 100, 'RUB', 'old', 7000, 'T1', 'p', 10), ('1', 'refund', -100, 'RUB', 'back', 7000, 'T1', 'p', 10),
        ('1', 'payment', 50, 'RUB', 'new', 8000, 'T2', 'p', 20), ('1', 'refund', -20, 'RUB', 'back', 8000, 'R2', 'p', 20);
    UPDATE orders SET paid_by = CASE number WHEN 7000 THEN 1 ELSE 3 END WHERE number < 9000;
    INSERT INTO balances VALUES ('1', 'RUB', 30);
    INSERT INTO hours VALUES (0, 'payment', 'p', 'RUB', 2, 150), (0, 'refund', 'p', 'RUB', 2, -120);
    INSERT INTO unmatched (provider, kind, recurrence, transaction_id, minor_units, currency, comment, dedup_key, reason, at, payer)
        VALUES ('p', 'payment', 'single', 'T3', 9, 'RUB', 'lost', 'k3', 'unknown-order', 30, '8');
    INSERT INTO outcomes (provider, dedup_key, entry, unmatched, callback) VALUES ('p', 'k1', 1, NULL, NULL), ('p', 'r1', 2, NULL, NULL),
        ('p', 'k2', 3, NULL, 1), ('p', 'r2', 4, NULL, 2), ('p', 'k3', NULL, 1, 3), ('p', 'd', NULL, NULL, 5), ('p', 'h', NULL, NULL, 6),
        ('p', 'forgotten', NULL, NULL, NULL);
    INSERT INTO contradictions (id, provider, dedup_key, repeated, seen_by, seen_at) VALUES (3, 'p', 'k3', 4, NULL, NULL);
    PRAGMA user_version = 9"#;

#[test]
fn old_outcomes_become_movements() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let old = Connection::open(&path).unwrap();
    BEFORE_MOVEMENTS.iter().for_each(|migration| old.execute_batch(migration).unwrap());
    old.execute_batch(OUTCOMES).unwrap();
    drop(old);
    let ledger = Ledger::new(Sqlite::open(&path).unwrap());
    let database = Connection::open(&path).unwrap();
    for pragma in ["integrity_check", "foreign_key_check"] {
        let mut statement = database.prepare(&format!("PRAGMA {pragma}")).unwrap();
        let found = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect::<Vec<String>>();
        assert!(found.is_empty() || found == ["ok"], "{pragma}: {found:?}");
    }
    assert_eq!(check_database(&path, None).unwrap().findings, []);
    // Entries may be of the new kind, of no unknown one, and are still never changed.
    let entry = |kind: &str| {
        format!(
            "INSERT INTO entries (account, kind, minor_units, currency, comment, at) VALUES ('1', '{kind}', 1, 'RUB', '', 1)"
        )
    };
    assert!(database.execute(&entry("other"), []).unwrap_err().to_string().contains("CHECK"));
    database.execute_batch(&format!("BEGIN; {}; ROLLBACK", entry("chargeback-reversal"))).unwrap();
    for change in ["UPDATE entries SET minor_units = 8", "DELETE FROM entries", "DELETE FROM movements"] {
        assert!(database.execute(change, []).unwrap_err().to_string().contains("cannot be"), "{change}");
    }

    let provider = "p".parse().unwrap();
    let all = MovementsQuery { since: 0, until: 100, kind: None, after: None, limit: 500 };
    let LedgerAnswer::Movements(page) = ledger.answers(&provider, &[LedgerQuestion::Movements(all)], 100).unwrap().remove(0)
    else {
        panic!()
    };
    let shown: Vec<String> = page
        .movements
        .iter()
        .map(|state| {
            let MovementState { movement: Movement { id, event, recorded_at, .. }, later } = state;
            let facts = &event.facts;
            let later = later.iter().map(|one| one.event.dedup_key.as_str()).collect::<Vec<_>>().join(" ");
            let order = facts.order.as_deref().unwrap_or("-");
            let (kind, kopecks) = (facts.kind.name(), facts.amount.minor_units);
            format!(
                "{id} {} {kind} {} {kopecks} {order} {:?} at {recorded_at} → {later}",
                event.dedup_key, facts.transaction, event.comment
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "3 forgotten declined forgotten 0 - \"\" at 0 → ",
            "10003 k1 payment T1 100 7000 \"old\" at 10 → r1",
            "10006 r1 refund T1 100 7000 \"back\" at 10 → ",
            "20002 k2 payment T2 50 8000 \"new\" at 20 → r2",
            "20005 r2 refund R2 20 8000 \"back\" at 20 → ",
            "30002 k3 payment T3 9 - \"lost\" at 30 → ",
            "32004 d declined D 30 9000 \"\" at 32 → ",
            "33003 h hold H 30 9000 \"\" at 33 → ",
        ]
    );
    let contradiction = ledger.contradictions(ReviewFilter::WaitingAfter(0), 9).unwrap().remove(0);
    assert_eq!((contradiction.id, contradiction.first.facts.amount.minor_units), (3, 9));
    assert_eq!(contradiction.repeated.facts.amount.minor_units, 8);
    let money = ledger.order_money(&"9000".parse().unwrap()).unwrap();
    assert!(!money.is_declined, "the hold is a later attempt");
    // A repetition of what has no facts contradicts nothing, and one of what has them does.
    let repeat = |key: &str, transaction: &str, kopecks| {
        let amount = Money { minor_units: kopecks, currency: Currency::RUB };
        let facts = Facts::new(EventKind::Payment, transaction.parse().unwrap(), amount);
        let (provider, dedup_key) = (provider.clone(), key.parse().unwrap());
        let event = Event { provider, facts, comment: String::new(), dedup_key, fee: None, extra: Vec::new() };
        let callback = StoredCallback {
            provider: "p".parse().unwrap(),
            received_at: 40,
            method: "GET".into(),
            path: String::new(),
            query: String::new(),
            headers: Vec::new(),
            body: Vec::new(),
            remote_address: String::new(),
            sealed_headers: Vec::new(),
            is_masked: false,
        };
        ledger.record(Submission::of_callback(event, callback.into())).unwrap().into_outcome().unwrap()
    };
    assert_eq!(repeat("k1", "another", 7), Outcome::Recorded { seq: 1, repeated: true });
    assert_eq!(repeat("forgotten", "another", 7), Outcome::NoMovement { repeated: true });
    assert!(matches!(repeat("k2", "T2", 50), Outcome::Contradiction { id: Some(4) }));
}

#[test]
fn failed_job_is_rolled_back_alone() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Sqlite::open(&folder.path().join("ledger.db")).unwrap();
    std::thread::scope(|scope| {
        for at in 0..40 {
            let storage: &dyn Storage = &storage;
            scope.spawn(move || {
                let number = at.to_string();
                let result = storage.write(move |transaction| {
                    transaction.put_account(&account(&number))?;
                    if at % 2 == 0 { Ok(()) } else { Err(Error::Unavailable("no".into())) }
                });
                assert_eq!(result.is_ok(), at % 2 == 0);
            });
        }
    });
    let ledger = Ledger::new(storage);
    for at in 0..40 {
        assert_eq!(ledger.account(&at.to_string().parse().unwrap()).unwrap().is_some(), at % 2 == 0, "{at}");
    }
}

#[test]
fn entries_cannot_be_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::new(Sqlite::open(&path).unwrap());
    ledger.put_account(account("1")).unwrap().unwrap();
    let other = Connection::open(&path).unwrap();
    let entry =
        "INSERT INTO entries (account, kind, minor_units, currency, comment, at) VALUES ('1', 'correction', -7, 'RUB', '', 1)";
    other.execute(entry, []).unwrap();
    for change in ["UPDATE entries SET minor_units = 8", "DELETE FROM entries"] {
        assert!(other.execute(change, []).unwrap_err().to_string().contains("an entry cannot be"), "{change}");
    }
    other.execute("UPDATE balances SET minor_units = 0", []).unwrap();
    let told: Vec<String> = ledger.check().unwrap().iter().map(ToString::to_string).collect();
    let hour = "hour 1970-01-01 00:00 UTC: correction: 0 of 0.00 RUB are kept, entries come to 1 of -0.07 RUB";
    let balance = "balance 1: 0.00 RUB is kept, its entries come to -0.07 RUB";
    assert_eq!(told, ["entry 1: nothing is kept that it was made by", hour, balance]);
}

/// What can prevent a write, and the error that reports it.
#[test]
fn storage_errors_are_distinct_and_tell_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::new(Sqlite::open(&path).unwrap());
    ledger.put_account(account("1")).unwrap().unwrap();
    // Another program holds a lock on the file: the lock is waited for, and then reported.
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let locked = ledger.ready().unwrap_err();
    assert!(matches!(locked, Error::Locked(_)), "{locked}");
    let said = locked.to_string();
    assert!(
        said.contains("another process holds a lock") && said.contains("end that process") && !said.contains("disk"),
        "{said}"
    );
    other.execute_batch("ROLLBACK").unwrap();
    // A sum beyond 64 bits.
    let amount = Money { minor_units: i64::MAX, currency: Currency::RUB };
    let correct = |key: &str| {
        let account = "1".parse().unwrap();
        let [key, operator, comment] = [key, "anna", ""].map(str::to_owned);
        ledger.correct(Correction { key, account, amount, operator, comment }, 1)
    };
    correct("a").unwrap().unwrap();
    let too_large = correct("b").unwrap_err();
    assert!(matches!(too_large, Error::SumTooLarge(_)), "{too_large}");
    drop(ledger);
    for (what, bytes, damaged) in [("no database", vec![b'x'; 4096], true), ("an empty file", Vec::new(), false)] {
        let path = folder.path().join("other.db");
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(matches!(Sqlite::open(&path), Err(Error::DamagedFile(_))), damaged, "{what}");
    }
    let error = Sqlite::open(&folder.path().join("none/ledger.db")).unwrap_err();
    assert!(matches!(&error, Error::Unavailable(text) if text.contains("none/ledger.db")), "{error}");
}

#[test]
fn storage_recovers_after_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::new(Sqlite::open(&path).unwrap());
    // Another process holds the database for longer than anybody waits.
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(ledger.put_account(account("1")), Err(Error::Locked(_))));
    other.execute_batch("ROLLBACK").unwrap();
    assert!(ledger.account(&"1".parse().unwrap()).unwrap().is_none());
    ledger.put_account(account("1")).unwrap().unwrap();
}
