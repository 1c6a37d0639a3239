//! Data that the disk has lost is noticed, and only one host serves a folder.

use std::fs::File;
use std::process::{Command, Output};

use host_tests::host::program;
use host_tests::{CallbackSpec, Folder};
use rusqlite::Connection;
use serde_json::Value;

const ACCOUNT: &str = "100500";
const PRICE: i64 = 10_000;
const PAYMENTS: i64 = 20;

/// Returns the folder of a host that answered payments and was killed.
fn killed() -> Folder {
    let folder = Folder::default();
    let host = folder.start();
    host.api.put_account(ACCOUNT);
    for transaction in 1..=PAYMENTS {
        let order = host.api.order(ACCOUNT, PRICE);
        assert_eq!(host.api.callback(&CallbackSpec::payment(&order, transaction as u64, PRICE).body()), 200);
    }
    host.kill();
    folder
}

fn check(folder: &Folder, more: &[&str]) -> Output {
    Command::new(program()).args(["ledger", "check", "--data"]).arg(folder.data()).args(more).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn damaged_wal_stops_start_until_loss_is_accepted() {
    let folder = killed();
    let log = folder.data().join("ledger.db-wal");
    let mut bytes = std::fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&log, bytes).unwrap();

    let checked = check(&folder, &["--json"]);
    assert_eq!(checked.status.code(), Some(3));
    let found: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!((&found["passed"], &found["findings"][0]["code"]), (&Value::Bool(false), &Value::from("lost-commits")));

    for _ in 0..2 {
        assert_eq!(folder.try_start(folder.command()).err().unwrap().code(), Some(2));
    }
    let said = folder.log();
    assert!(said.contains("commits that were answered are missing") && said.contains("--accept-loss"), "{said}");
    let operator =
        Command::new(program()).args(["operator", "anna", "--remove", "--data"]).arg(folder.data()).output().unwrap();
    assert!(text(&operator.stderr).contains("--accept-loss"), "nothing is written before a person decides");

    let mut accepting = folder.command();
    accepting.arg("--accept-loss");
    let host = folder.try_start(accepting).unwrap();
    let left = host.api.balance(ACCOUNT);
    assert!(left < PRICE * PAYMENTS, "{left}");
    assert!(folder.log().contains("the loss of these commits was accepted"), "{}", folder.log());
    host.kill();
    let host = folder.start();
    assert_eq!(host.api.balance(ACCOUNT), left);
    assert_eq!(text(&check(&folder, &[]).stdout).lines().last().unwrap().split(':').next(), Some("the ledger is consistent"));
}

#[test]
fn killed_host_starts_without_reporting_loss() {
    let folder = killed();
    let host = folder.start();
    assert_eq!(host.api.balance(ACCOUNT), PRICE * PAYMENTS);
    assert!(!folder.log().contains("mark"), "{}", folder.log());
}

/// The copy of the manual, the file of an earlier stop, and another ledger's file.
#[test]
fn restored_copy_over_a_forgotten_log_is_refused_until_the_log_is_moved() {
    let folder = killed();
    folder.start().stop();
    let [stopped, copy] = ["stopped.db", "copy.db"].map(|name| folder.path().join(name));
    std::fs::copy(folder.database(), &stopped).unwrap();
    folder.start().stop();
    let host = folder.start();
    let pay = |transaction: i64| {
        let order = host.api.order(ACCOUNT, PRICE);
        assert_eq!(host.api.callback(&CallbackSpec::payment(&order, transaction as u64, PRICE).body()), 200);
    };
    pay(PAYMENTS + 1);
    Connection::open(folder.database()).unwrap().execute("VACUUM INTO ?", [copy.to_str()]).unwrap();
    pay(PAYMENTS + 2);
    host.kill();
    let other = killed();
    other.start().stop();

    let [log, forgotten, matching] = ["ledger.db-wal", "forgotten", "matching"].map(|name| folder.data().join(name));
    std::fs::rename(folder.database(), &matching).unwrap();
    std::fs::remove_file(folder.data().join("ledger.db-shm")).unwrap();
    for (restored, payments) in [(&copy, PAYMENTS + 1), (&stopped, PAYMENTS), (&other.database(), PAYMENTS)] {
        std::fs::copy(restored, folder.database()).unwrap();
        let files = || [folder.database(), log.clone()].map(|file| std::fs::read(file).unwrap());
        let before = files();
        for accepting in [&[][..], &["--accept-loss"]] {
            let mut command = folder.command();
            command.args(accepting);
            let logged = folder.log().len();
            assert_eq!(folder.try_start(command).err().unwrap().code(), Some(2), "{}", folder.log());
            let said = folder.log().split_off(logged);
            assert!(said.contains("ledger.db-wal does not continue the database") && said.contains("move "), "{said}");
        }
        let checked = check(&folder, &["--json"]);
        assert_eq!(checked.status.code(), Some(2));
        assert!(text(&checked.stderr).contains("does not continue the database"), "{}", text(&checked.stderr));
        assert!(files() == before && !folder.data().join("ledger.db-shm").exists(), "nothing is changed");
        std::fs::rename(&log, &forgotten).unwrap();
        std::fs::remove_file(folder.data().join("ledger.mark")).unwrap();
        let host = folder.start();
        assert_eq!(host.api.balance(ACCOUNT), PRICE * payments);
        assert!(host.stop().success());
        std::fs::rename(&forgotten, &log).unwrap();
    }
    std::fs::rename(&matching, folder.database()).unwrap();
    std::fs::remove_file(folder.data().join("ledger.mark")).unwrap();
    assert_eq!(folder.start().api.balance(ACCOUNT), PRICE * (PAYMENTS + 2));
}

#[test]
fn moved_database_is_reported_as_not_ready() {
    let folder = killed();
    let host = folder.start();
    assert_eq!(host.api.status("/readyz"), 200);
    let moved = folder.path().join("moved.db");
    std::fs::rename(folder.database(), &moved).unwrap();
    let is_ready_within = |wanted: bool| {
        let began = std::time::Instant::now();
        // The last result is reported for up to a second.
        while (host.api.status("/readyz") == 200) != wanted {
            assert!(began.elapsed().as_secs() < 30, "{}", folder.log());
        }
    };
    is_ready_within(false);
    let said = folder.log();
    assert!(said.contains("was moved, removed or replaced under the running program") && said.contains("is gone"), "{said}");
    std::fs::rename(&moved, folder.database()).unwrap();
    is_ready_within(true);
}

#[test]
fn second_host_on_a_folder_is_refused() {
    let folder = killed();
    let first = folder.start();
    assert_eq!(folder.try_start(folder.command()).err().unwrap().code(), Some(2));
    let said = format!("another `host-harness serve`, process {}, serves the folder", first.id());
    assert!(folder.log().contains(&said), "{}", folder.log());
    // The first one continues, and so do commands that run beside it.
    assert_eq!(first.api.status("/readyz"), 200);
    assert_eq!(check(&folder, &[]).status.code(), Some(0));
    let password = folder.path().join("password");
    std::fs::write(&password, "a password of nobody else\n").unwrap();
    let operator = |arguments: &[&str]| {
        let mut command = Command::new(program());
        command.arg("operator").args(arguments).arg("--data").arg(folder.data());
        command.stdin(File::open(&password).unwrap()).status().unwrap()
    };
    assert!(operator(&["anna"]).success());
    assert!(operator(&["anna", "--remove"]).success());
    first.kill();
    folder.start();
}

#[test]
fn check_prints_findings_and_scope_of_since() {
    let folder = killed();
    folder.start().stop();
    let database = Connection::open(folder.database()).unwrap();
    database.execute("UPDATE balances SET minor_units = minor_units + 1", []).unwrap();
    drop(database);
    let wrong = format!("balance {ACCOUNT}: 2000.01 RUB is kept, its entries come to 2000.00 RUB");
    for since in [&[][..], &["--since", "2026-01-01"]] {
        let checked = check(&folder, since);
        assert_eq!((checked.status.code(), text(&checked.stdout).trim_end()), (Some(3), wrong.as_str()), "{since:?}");
        assert!(text(&checked.stderr).contains("the check found 1 problem"), "{}", text(&checked.stderr));
    }
    // Nothing was entered since that day.
    let later = check(&folder, &["--since", "2999-01-01"]);
    assert_eq!(later.status.code(), Some(0));
    assert!(text(&later.stdout).contains("earlier entries and damage were not checked"));
    assert_eq!(check(&folder, &["--since", "2026-02-30"]).status.code(), Some(2));
}

#[test]
fn readiness_commits_at_most_once_a_second() {
    let folder = killed();
    let host = folder.start();
    let commits = || {
        let database = Connection::open(folder.database()).unwrap();
        database.query_row("SELECT commits FROM commit_counter", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let (before, began) = (commits(), std::time::Instant::now());
    for _ in 0..200 {
        assert_eq!(host.api.status("/readyz"), 200);
    }
    let (made, took) = (commits() - before, began.elapsed().as_secs() as i64);
    assert!((1..=took + 1).contains(&made), "{made} commits in {took} s");
}

#[test]
fn locked_database_is_reported_as_not_ready() {
    let folder = killed();
    let host = folder.start();
    let other = Connection::open(folder.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(host.api.status("/readyz"), 503);
    assert!(folder.log().contains("another process holds a lock on the ledger's database"), "{}", folder.log());
    other.execute_batch("ROLLBACK").unwrap();
    // The reason is reported for up to a second.
    let ready = || host.api.status("/readyz") == 200;
    let began = std::time::Instant::now();
    while !ready() {
        assert!(began.elapsed().as_secs() < 30, "{}", folder.log());
    }
}
