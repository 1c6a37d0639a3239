//! A start with every combination of a database and its mark: each row of the table in `src/mark.rs`.

use std::path::{Path, PathBuf};

use domain::{Account, FindingCode, PartyKind};
use ledger::{Error, Ledger, Loss};
use rusqlite::Connection;
use storage_sqlite::{OnLoss, Opened, Sqlite, check_database};
use tempfile::TempDir;

const FILES: [&str; 3] = ["ledger.db", "ledger.db-wal", "ledger.mark"];

fn database(folder: &TempDir) -> PathBuf {
    folder.path().join("ledger.db")
}

fn mark(folder: &TempDir) -> PathBuf {
    folder.path().join("ledger.mark")
}

/// Makes one commit.
fn commit(ledger: &Ledger, number: usize) {
    let [name, contract, inn, kpp, foreign_tax_number] = ["Иванов", "", "", "", ""].map(str::to_owned);
    let (number, kind) = (number.to_string().parse().unwrap(), PartyKind::Individual);
    let account = Account { number, name, kind, contract, contract_date: None, inn, kpp, foreign_tax_number };
    ledger.put_account(account).unwrap().unwrap();
}

/// Copies the files of a ledger in use, as they are after its process was killed.
fn copy(from: &Path, files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        std::fs::copy(from.join(file), folder.path().join(file)).unwrap();
    }
    folder
}

/// Makes a ledger that was killed after twelve commits.
fn killed() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(Sqlite::open(&database(&folder)).unwrap());
    (0..12).for_each(|number| commit(&ledger, number));
    copy(folder.path(), &FILES)
}

fn accounts(folder: &TempDir) -> usize {
    let ledger = Ledger::new(Sqlite::open(&database(folder)).unwrap());
    (0..12).filter(|number| ledger.account(&number.to_string().parse().unwrap()).unwrap().is_some()).count()
}

fn opened(folder: &TempDir) -> Opened {
    Sqlite::open(&database(folder)).unwrap().opened().clone()
}

/// Asserts that opening is refused for a loss, twice, and that a check finds the loss. Then asserts that the database opens if
/// the loss is accepted, and from then on without that. Returns the loss.
fn refused(folder: &TempDir) -> Loss {
    let files = || FILES.map(|file| std::fs::read(folder.path().join(file)).unwrap_or_default());
    let before = files();
    let Error::Lost(loss) = Sqlite::open(&database(folder)).unwrap_err() else { panic!("it is lost") };
    assert_eq!(Sqlite::open(&database(folder)).unwrap_err(), Error::Lost(loss.clone()));
    assert!(files() == before, "a refused database is not changed");
    let findings = check_database(&database(folder), None).unwrap().findings;
    assert_eq!(findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), [FindingCode::LostCommits]);
    let accepted = Sqlite::open_with(&database(folder), OnLoss::Accept).unwrap();
    assert_eq!(*accepted.opened(), Opened::LossAccepted(loss.clone()));
    drop(accepted);
    assert_eq!(opened(folder), Opened::Whole);
    assert_eq!(check_database(&database(folder), None).unwrap().findings, []);
    loss
}

fn numbers(loss: &Loss) -> (u64, u64) {
    match loss {
        Loss::Commits { answered, kept } | Loss::OtherDatabase { answered, kept } => (answered.number, kept.number),
        Loss::UnreadableMark { .. } | Loss::NoDatabase { .. } => panic!("{loss}"),
    }
}

#[test]
fn new_database_gets_a_mark() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(opened(&folder), Opened::New);
    assert!(mark(&folder).is_file());
    assert_eq!(opened(&folder), Opened::Whole);
}

#[test]
fn killed_process_loses_nothing() {
    let folder = killed();
    assert_eq!(check_database(&database(&folder), None).unwrap().findings, []);
    assert_eq!((opened(&folder), accounts(&folder)), (Opened::Whole, 12));
}

#[test]
fn damaged_wal_is_refused() {
    let folder = killed();
    let log = folder.path().join("ledger.db-wal");
    let mut bytes = std::fs::read(&log).unwrap();
    // In the last third, where the commits are.
    let at = bytes.len() * 5 / 6;
    bytes[at] ^= 1;
    std::fs::write(&log, bytes).unwrap();
    let loss = refused(&folder);
    let (answered, kept) = numbers(&loss);
    assert!(answered == 12 && (1..12).contains(&kept), "{loss}");
    assert!(matches!(loss, Loss::Commits { .. }));
    assert_eq!(accounts(&folder) as u64, kept);
    let said = Error::Lost(loss).to_string();
    for part in ["is number 12 of 20", &format!("{} are missing", 12 - kept), "Restore the newest copy", "--accept-loss"] {
        assert!(said.contains(part), "{said}: {part}");
    }
}

#[test]
fn missing_wal_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    // Closing the database copies the tables into it. The commits are in the log alone.
    drop(Sqlite::open(&database(&folder)).unwrap());
    let ledger = Ledger::new(Sqlite::open(&database(&folder)).unwrap());
    (0..3).for_each(|number| commit(&ledger, number));
    let copied = copy(folder.path(), &["ledger.db", "ledger.mark"]);
    // The start counts as well.
    assert_eq!(numbers(&refused(&copied)), (4, 0));
}

/// Every way in which the database is gone and something beside it shows that it was there.
#[test]
fn missing_or_empty_database_is_refused_and_nothing_is_created() {
    let first = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(Sqlite::open(&database(&first)).unwrap());
    (0..3).for_each(|number| commit(&ledger, number));
    // Not closed: all that was committed is in the log.
    let files = |folder: &TempDir| std::fs::read_dir(folder.path()).unwrap().count();
    let empty = |folder: &TempDir, name: &str| std::fs::write(folder.path().join(name), "").unwrap();
    for (name, copied, emptied, words) in [
        ("no database", &["ledger.mark"][..], "", "ledger.db is missing, but"),
        ("an empty one", &["ledger.mark"], "ledger.db", "ledger.db is empty, but"),
        ("a log alone", &["ledger.db-wal"], "", "ledger.db is missing, but its log"),
        ("an empty one and a log", &["ledger.db-wal"], "ledger.db", "ledger.db is empty, but its log"),
        ("a log and a mark", &["ledger.db-wal", "ledger.mark"], "", "ledger.mark says that its last commit is number 3 of 20"),
        ("no log", &["ledger.db", "ledger.mark"], "", "ledger.db-wal is missing, but"),
        ("an empty log", &["ledger.db", "ledger.mark"], "ledger.db-wal", "ledger.db-wal is missing, but"),
        ("an empty mark", &[], "ledger.mark", "ledger.mark is damaged"),
    ] {
        let folder = copy(first.path(), copied);
        if !emptied.is_empty() {
            empty(&folder, emptied);
        }
        let before = files(&folder);
        let checked = check_database(&database(&folder), None).unwrap().findings;
        assert_eq!(checked.iter().map(|finding| finding.code).collect::<Vec<_>>(), [FindingCode::LostCommits], "{name}");
        if !copied.contains(&"ledger.db") {
            assert_eq!(files(&folder), before, "{name}: a check creates nothing");
        }
        let loss = refused(&folder);
        assert!(matches!(loss, Loss::NoDatabase { .. }), "{name}: {loss}");
        let said = Error::Lost(loss).to_string();
        assert!(said.contains(words) && said.contains("restore the database from its newest copy"), "{name}: {said}");
    }
    let folder = copy(first.path(), &["ledger.mark"]);
    Sqlite::open(&database(&folder)).unwrap_err();
    assert_eq!(files(&folder), 1, "a refused start creates nothing");
    // Nothing shows that there was a ledger.
    let folder = tempfile::tempdir().unwrap();
    empty(&folder, "ledger.db");
    let damage = check_database(&database(&folder), None).unwrap().findings;
    assert!(damage.len() == 1 && damage[0].to_string().contains("it is empty"), "{damage:?}");
    assert_eq!(opened(&folder), Opened::New);
}

#[test]
fn older_copy_is_refused_and_newer_one_after_accepted_loss() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(Sqlite::open(&database(&folder)).unwrap());
    (0..4).for_each(|number| commit(&ledger, number));
    let older = copy(folder.path(), &FILES);
    (4..9).for_each(|number| commit(&ledger, number));
    let newer = copy(folder.path(), &FILES);
    drop(ledger);
    // The older copy beside the mark of the newer one.
    std::fs::copy(mark(&newer), mark(&older)).unwrap();
    let loss = refused(&older);
    assert!(matches!(loss, Loss::Commits { .. }) && numbers(&loss) == (9, 4), "{loss}");
    // The newer one beside the mark that continued from the older copy, none of whose commits it has. A start counts as one.
    std::fs::copy(mark(&older), mark(&newer)).unwrap();
    let loss = refused(&newer);
    assert!(matches!(loss, Loss::OtherDatabase { .. }) && numbers(&loss) == (5, 9), "{loss}");
}

#[test]
fn copy_without_mark_gets_one_and_is_reported() {
    let folder = copy(killed().path(), &["ledger.db", "ledger.db-wal"]);
    let checked = check_database(&database(&folder), None).unwrap();
    assert_eq!(checked.findings, []);
    assert!(checked.notes[0].contains("there is no mark"), "{:?}", checked.notes);
    assert!(!mark(&folder).exists(), "a check changes nothing");
    assert_eq!(opened(&folder), Opened::WithoutMark);
    assert_eq!((opened(&folder), accounts(&folder)), (Opened::Whole, 12));
}

#[test]
fn unmarked_old_database_is_refused_beside_a_mark() {
    let folder = tempfile::tempdir().unwrap();
    let before = || {
        let connection = Connection::open(database(&folder)).unwrap();
        connection.execute_batch(include_str!("../../src/schema/0001_first.sql")).unwrap();
        connection.execute_batch(include_str!("../../src/schema/0002_whole_callbacks.sql")).unwrap();
        connection.pragma_update(None, "user_version", 2).unwrap();
    };
    before();
    assert!(matches!(check_database(&database(&folder), None), Err(Error::OlderDatabase { found: 2, .. })));
    assert_eq!(opened(&folder), Opened::WithoutMark);
    commit(&Ledger::new(Sqlite::open(&database(&folder)).unwrap()), 1);
    // Restores the copy from before the start.
    std::fs::remove_file(database(&folder)).unwrap();
    before();
    let bytes = std::fs::read(database(&folder)).unwrap();
    let Error::Lost(loss) = Sqlite::open(&database(&folder)).unwrap_err() else { panic!("it is lost") };
    assert!(matches!(loss, Loss::OtherDatabase { .. }) && numbers(&loss) == (2, 0), "{loss}");
    let version: i64 =
        Connection::open(database(&folder)).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 2, "{} bytes", bytes.len());
    drop(Sqlite::open_with(&database(&folder), OnLoss::Accept).unwrap());
    assert_eq!(opened(&folder), Opened::Whole);
}

#[test]
fn unreadable_mark_is_refused() {
    let folder = killed();
    std::fs::write(mark(&folder), "database x commit 3").unwrap();
    let loss = refused(&folder);
    assert!(matches!(&loss, Loss::UnreadableMark { kept, .. } if kept.number == 12), "{loss}");
    assert_eq!(accounts(&folder), 12);
}

#[test]
fn loss_is_not_accepted_with_damage() {
    let folder = killed();
    drop(Sqlite::open(&database(&folder)).unwrap());
    let older = std::fs::read_to_string(mark(&folder)).unwrap();
    std::fs::write(mark(&folder), older.replace("database ", "database x")).unwrap();
    // The page of a table, after the first page.
    let mut bytes = std::fs::read(database(&folder)).unwrap();
    bytes[1024..2048].fill(0xff);
    std::fs::write(database(&folder), bytes).unwrap();
    let error = Sqlite::open_with(&database(&folder), OnLoss::Accept).unwrap_err();
    assert!(matches!(error, Error::DamagedFile(_)), "{error}");
}

#[test]
fn two_processes_share_one_commit_count() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = [(); 2].map(|()| Ledger::new(Sqlite::open(&database(&folder)).unwrap()));
    for number in 0..10 {
        commit(if number % 2 == 0 { &one } else { &other }, number);
        assert_eq!(check_database(&database(&folder), None).unwrap().findings, []);
    }
    let killed = copy(folder.path(), &FILES);
    assert_eq!((opened(&killed), accounts(&killed)), (Opened::Whole, 10));
}

#[test]
fn only_changes_and_readiness_count_as_commits() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(Sqlite::open(&database(&folder)).unwrap());
    let commits = || {
        let connection = Connection::open(database(&folder)).unwrap();
        connection.query_row("SELECT commits FROM commit_counter", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(commits(), 0);
    assert!(!ledger.acknowledge_unrecognized(1, "anna".into(), 1).unwrap());
    assert_eq!(commits(), 0);
    ledger.ready().unwrap();
    assert_eq!(commits(), 1);
    ledger.ready().unwrap();
    assert_eq!(commits(), 2);
}

#[test]
fn unwritable_mark_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(mark(&folder)).unwrap();
    let error = Sqlite::open(&database(&folder)).unwrap_err();
    assert!(error.to_string().contains("ledger.mark"), "{error}");
}
