//! What SQLite's storage promises beside the rules.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "these are tests"
)]

use ledger::{Account, Error, Ledger, PartyKind, Sqlite, Storage};
use rusqlite::Connection;

fn account(number: &str) -> Account {
    let [name, contract, inn, kpp] = ["Иванов", "", "", ""].map(str::to_owned);
    Account { number: number.into(), name, kind: PartyKind::Individual, contract, inn, kpp }
}

#[test]
fn what_was_answered_is_there_when_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    for round in 0..3 {
        let ledger = Ledger::new(Sqlite::open(&path).unwrap());
        for earlier in 0..round {
            assert!(ledger.account(&earlier.to_string()).unwrap().is_some());
        }
        ledger.put_account(account(&round.to_string())).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::new(Sqlite::open(&path).unwrap());
    ledger.put_account(account("1")).unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.file_name());
    }
}

#[test]
fn a_newer_database_is_refused_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    drop(Sqlite::open(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 2).unwrap();
    assert!(matches!(Sqlite::open(&path), Err(Error::NewerDatabase { found: 2, known: 1 })));
    let version: i64 = Connection::open(&path).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 2);
}

#[test]
fn a_work_that_fails_leaves_nothing_and_its_neighbours_stay() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Sqlite::open(&folder.path().join("ledger.db")).unwrap();
    std::thread::scope(|scope| {
        for at in 0..40 {
            let storage = &storage;
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
        assert_eq!(ledger.account(&at.to_string()).unwrap().is_some(), at % 2 == 0, "{at}");
    }
}

#[test]
fn entries_cannot_be_changed_and_a_wrong_balance_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::new(Sqlite::open(&path).unwrap());
    ledger.put_account(account("1")).unwrap();
    let other = Connection::open(&path).unwrap();
    let entry =
        "INSERT INTO entries (account, kind, minor_units, currency, comment, at) VALUES ('1', 'correction', -7, 'RUB', '', 1)";
    other.execute(entry, []).unwrap();
    for change in ["UPDATE entries SET minor_units = 8", "DELETE FROM entries"] {
        assert!(other.execute(change, []).unwrap_err().to_string().contains("an entry cannot be"), "{change}");
    }
    let imbalances = || -> Vec<(String, i64, i128)> {
        let imbalances = ledger.check().unwrap().into_iter();
        imbalances.map(|one| (one.of.to_string(), one.kept.minor_units, one.minor_units_of_entries)).collect()
    };
    let balance = |kept| ("the balance of the account 1".to_owned(), kept, -7);
    let hour = |kept| ("the hour from 0, correction by the operator".to_owned(), kept, -7);
    assert_eq!(imbalances(), [balance(0), hour(0)]);
    other.execute("INSERT INTO balances (account, currency, minor_units) VALUES ('1', 'RUB', -7)", []).unwrap();
    assert_eq!(imbalances(), [hour(0)]);
    other.execute("INSERT INTO hours VALUES (0, 'correction', '', 'RUB', 2, -7)", []).unwrap();
    assert_eq!(imbalances(), [hour(-7)]);
    other.execute("UPDATE hours SET count = 1", []).unwrap();
    assert_eq!(imbalances(), []);
    other.execute("UPDATE balances SET minor_units = 9223372036854775807", []).unwrap();
    assert_eq!(imbalances(), [balance(i64::MAX)]);
}

#[test]
fn a_storage_that_refuses_says_so_and_works_again_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::new(Sqlite::open(&path).unwrap());
    // Another process keeps the database for longer than anybody waits.
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(ledger.put_account(account("1")), Err(Error::Unavailable(_))));
    other.execute_batch("ROLLBACK").unwrap();
    assert!(ledger.account("1").unwrap().is_none());
    ledger.put_account(account("1")).unwrap();
}
