//! What the SQLite storage promises besides the rules.

use domain::{Account, Correction, Money, PartyKind, ReviewFilter, StoreOutcome, StoredCallback};
use ledger::{Error, Ledger, Storage};
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
        query: query.into(),
        headers: Vec::new(),
        body: body.into(),
        remote_address: String::new(),
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
