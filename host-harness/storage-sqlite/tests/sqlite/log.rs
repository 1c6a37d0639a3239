//! A start beside every kind of log: each row of the table in `src/log.rs`.

use std::path::{Path, PathBuf};

use domain::{Account, PartyKind};
use ledger::{Error, Ledger, Storage};
use rusqlite::Connection;
use storage_sqlite::{OnLoss, Sqlite, check_database};
use tempfile::TempDir;

/// A disk may write this much of a page and lose the rest.
const SECTOR_BYTES: usize = 512;
const LOG_HEADER_BYTES: usize = 32;

fn path(folder: &TempDir, name: &str) -> PathBuf {
    folder.path().join(name)
}

fn open(folder: &TempDir) -> Ledger {
    Ledger::new(Sqlite::open(&path(folder, "ledger.db")).unwrap())
}

fn sql(folder: &TempDir, sql: &str) {
    Connection::open(path(folder, "ledger.db")).unwrap().execute_batch(sql).unwrap();
}

/// Makes commits.
fn commit(ledger: &Ledger, accounts: std::ops::Range<u32>) {
    for number in accounts {
        let [contract, inn, kpp, foreign_tax_number] = ["", "", "", ""].map(str::to_owned);
        let (name, kind) = (format!("Иванов {number}").repeat(4), PartyKind::Individual);
        let number = number.to_string().parse().unwrap();
        let account = Account { number, name, kind, contract, contract_date: None, inn, kpp, foreign_tax_number };
        ledger.put_account(account).unwrap().unwrap();
    }
}

/// A database and its log, as the end of a process leaves them.
#[derive(Clone, PartialEq)]
struct Files {
    database: Vec<u8>,
    log: Vec<u8>,
}

impl Files {
    fn of(folder: &Path) -> Files {
        let read = |name| std::fs::read(folder.join(name)).unwrap_or_default();
        Files { database: read("ledger.db"), log: read("ledger.db-wal") }
    }

    fn put(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(path(&folder, "ledger.db"), &self.database).unwrap();
        std::fs::write(path(&folder, "ledger.db-wal"), &self.log).unwrap();
        folder
    }

    /// Returns the database with all of the log copied into it.
    fn copied(&self) -> Vec<u8> {
        let folder = self.put();
        sql(&folder, "PRAGMA wal_checkpoint(TRUNCATE)");
        std::fs::read(path(&folder, "ledger.db")).unwrap()
    }

    /// Returns the log's frames: where each ends, and whether it ends a commit.
    fn frames(&self) -> Vec<(usize, bool)> {
        let number = |at: usize| u32::from_be_bytes(self.log[at..at + 4].try_into().unwrap());
        let frame = 24 + number(8) as usize;
        let starts = (LOG_HEADER_BYTES..).step_by(frame).take_while(|start| start + frame <= self.log.len());
        // Frames of an earlier log have another salt.
        let starts = starts.take_while(|start| self.log[start + 8..start + 16] == self.log[16..24]);
        starts.map(|start| (start + frame, number(start + 4) > 0)).collect()
    }

    fn torn(&self, log_bytes: usize) -> Files {
        Files { database: self.database.clone(), log: self.log[..log_bytes].to_vec() }
    }

    fn assert_refused(&self, name: &str) {
        let folder = self.put();
        let database = path(&folder, "ledger.db");
        let opened = |on_loss| Sqlite::open_with(&database, on_loss).map(drop);
        let results = [opened(OnLoss::Refuse), opened(OnLoss::Accept), check_database(&database, None).map(drop)];
        for result in results {
            assert!(
                matches!(&result, Err(Error::UnrelatedLog { log, .. }) if log.ends_with("ledger.db-wal")),
                "{name}: {result:?}"
            );
        }
        assert!(Files::of(folder.path()) == *self, "{name}: nothing is changed");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "{name}: nothing is created");
        // The administrator moves the log away.
        std::fs::remove_file(path(&folder, "ledger.db-wal")).unwrap();
        drop(open(&folder));
        assert_eq!(check_database(&database, None).unwrap().findings, [], "{name}");
    }

    fn assert_opens(&self, name: &str) {
        let folder = self.put();
        let database = path(&folder, "ledger.db");
        match check_database(&database, None) {
            Err(Error::OlderDatabase { .. }) => {}
            checked => assert_eq!(checked.unwrap_or_else(|error| panic!("{name}: {error}")).findings, [], "{name}"),
        }
    }
}

/// Returns a database whose pages are copied from the log up to some byte.
fn copied_up_to(bytes: usize, before: &[u8], after: &[u8]) -> Vec<u8> {
    let rest = before.get(bytes..).unwrap_or_default();
    [&after[..bytes.min(after.len())], rest].concat()
}

fn golden(name: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/golden").join(name).join("data/ledger.db");
    std::fs::copy(data, path(&folder, "ledger.db")).unwrap();
    folder
}

/// Returns the files of every kind of log that a process can leave, with more commits in it.
fn killed() -> Vec<(&'static str, Files)> {
    let working = |folder: &TempDir| {
        let ledger = open(folder);
        commit(&ledger, 100..112);
        Files::of(folder.path())
    };
    let new = tempfile::tempdir().unwrap();
    let restarted = tempfile::tempdir().unwrap();
    commit(&open(&restarted), 0..130);
    let begun_anew = tempfile::tempdir().unwrap();
    let vacuumed = tempfile::tempdir().unwrap();
    let running = [("", &begun_anew), ("VACUUM", &vacuumed)].map(|(statement, folder)| {
        let ledger = open(folder);
        commit(&ledger, 0..130);
        sql(folder, &format!("PRAGMA wal_checkpoint(RESTART); {statement}"));
        commit(&ledger, 100..112);
        Files::of(folder.path())
    });
    let [begun_anew, vacuumed] = running;
    let lost = tempfile::tempdir().unwrap();
    commit(&open(&lost), 0..130);
    std::fs::write(path(&lost, "ledger.mark"), "x").unwrap();
    drop(Sqlite::open_with(&path(&lost, "ledger.db"), OnLoss::Refuse).unwrap_err());
    let accepted = Ledger::new(Sqlite::open_with(&path(&lost, "ledger.db"), OnLoss::Accept).unwrap());
    commit(&accepted, 100..112);
    vec![
        ("a new database", working(&new)),
        ("one that was opened again", working(&restarted)),
        ("a log that began anew", begun_anew),
        ("a log that begins with VACUUM", vacuumed),
        ("a log that begins with a new id", Files::of(lost.path())),
        ("a migrated database without the counter", working(&golden("database-2"))),
        ("a migrated database", working(&golden("database-8"))),
    ]
}

#[test]
fn every_crash_leaves_a_log_that_opens() {
    for (name, files) in killed() {
        let frames = files.frames();
        let ends: Vec<usize> = frames.iter().filter(|(_, is_commit)| *is_commit).map(|(end, _)| *end).collect();
        assert!(ends.len() >= 12, "{name}: {} commits", ends.len());
        // The end of the log is torn off.
        for (end, _) in frames {
            for torn in [files.torn(end - SECTOR_BYTES), files.torn(end)] {
                // Before its first commit, a new database has no tables.
                if torn.log.len() < ends[0] { drop(open(&torn.put())) } else { torn.assert_opens(name) }
            }
        }
        // Half of the log is copied, and then the rest; each sector may be the last one. What was copied is in the log.
        let half = ends[ends.len() / 2];
        let (halfway, whole) = (files.torn(half).copied(), files.copied());
        for (before, after, log_bytes) in [(&files.database, &halfway, half), (&halfway, &whole, files.log.len())] {
            for bytes in (0..=after.len()).step_by(SECTOR_BYTES) {
                let database = copied_up_to(bytes, before, after);
                Files { database: database.clone(), log: files.log.clone() }.assert_opens(name);
                if bytes % (7 * SECTOR_BYTES) == 0 {
                    Files { database, log: files.log[..log_bytes].to_vec() }.assert_opens(name);
                }
            }
        }
        // The next start works on.
        let folder = Files { database: halfway, log: files.log.clone() }.put();
        commit(&open(&folder), 112..113);
        assert_eq!(check_database(&path(&folder, "ledger.db"), None).unwrap().findings, [], "{name}");
    }
}

#[test]
fn log_of_another_time_or_database_is_refused_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    commit(&open(&folder), 0..20);
    // As after a copy was restored: in the next copy the counter has the same page.
    sql(&folder, "VACUUM");
    let earlier = Files::of(folder.path()).database;
    drop(open(&folder));
    let ledger = open(&folder);
    commit(&ledger, 20..30);
    let copy = path(&folder, "copy.db");
    sql(&folder, &format!("VACUUM INTO '{}'", copy.display()));
    let copy = std::fs::read(copy).unwrap();
    commit(&ledger, 30..40);
    let killed = Files::of(folder.path());
    drop(ledger);
    let later = {
        commit(&open(&folder), 40..50);
        Files::of(folder.path()).database
    };
    let used_copy = Files { database: copy.clone(), log: Vec::new() }.put();
    drop(open(&used_copy));
    sql(&used_copy, "UPDATE commit_counter SET committed_at = committed_at + 60");
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let new_ledger = open(&one);
    commit(&new_ledger, 0..20);
    let of_new = Files::of(one.path()).log;
    commit(&open(&other), 0..20);
    let other = Files::of(other.path()).database;
    let older_version = golden("database-8");
    let before_migration = Files::of(older_version.path()).database;
    drop(open(&older_version));
    let migrated = open(&older_version);
    commit(&migrated, 100..101);
    let of_migrated = Files::of(older_version.path()).log;
    let ends = killed.frames().into_iter().filter(|(_, is_commit)| *is_commit).map(|(end, _)| end);
    let ends: Vec<usize> = ends.collect();
    let copied = killed.torn(ends[8]).copied();
    for (name, database, log) in [
        ("a copy of the time of the log", &copy, &killed.log),
        ("such a copy that was used since", &Files::of(used_copy.path()).database, &killed.log),
        ("the file before the last start", &earlier, &killed.log),
        ("the file after the log", &later, &killed.log),
        ("another database", &other, &killed.log),
        ("another database, and the log of a new one", &other, &of_new),
        ("the file before it was migrated", &before_migration, &of_migrated),
        ("a log that lost what was copied", &copied, &killed.torn(ends[4]).log),
    ] {
        Files { database: database.clone(), log: log.clone() }.assert_refused(name);
    }
    killed.assert_opens("its own log");
}

#[test]
fn log_without_a_commit_is_no_reason_to_refuse() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder);
    commit(&ledger, 0..20);
    sql(&folder, &format!("VACUUM INTO '{}'", path(&folder, "copy.db").display()));
    let (database, Files { log, .. }) = (std::fs::read(path(&folder, "copy.db")).unwrap(), Files::of(folder.path()));
    let mut damaged = log.clone();
    // In the header's checksum.
    damaged[28] ^= 1;
    for log in [Vec::new(), vec![0; 5_000], log[..LOG_HEADER_BYTES].to_vec(), log[..LOG_HEADER_BYTES + 24].to_vec(), damaged] {
        Files { database: database.clone(), log }.assert_opens("nothing is applied");
    }
}

#[cfg(unix)]
#[test]
fn files_moved_or_replaced_under_a_running_ledger_are_not_ready() {
    for name in ["ledger.db", "ledger.db-wal"] {
        let folder = tempfile::tempdir().unwrap();
        let ledger = open(&folder);
        commit(&ledger, 0..3);
        ledger.ready().unwrap();
        let [file, moved] = [name, "moved"].map(|name| path(&folder, name));
        let said = |ledger: &Ledger| match ledger.ready() {
            Err(Error::FileReplaced(said)) => said,
            other => panic!("{name}: {other:?}"),
        };
        std::fs::rename(&file, &moved).unwrap();
        assert!(said(&ledger).ends_with(&format!("{name} is gone")));
        std::fs::copy(&moved, &file).unwrap();
        assert!(said(&ledger).ends_with(&format!("{name} is another file")));
        std::fs::rename(&moved, &file).unwrap();
        ledger.ready().unwrap();
        drop(ledger);
        assert!(open(&folder).account(&"2".parse().unwrap()).unwrap().is_some());
    }
}

#[cfg(unix)]
#[test]
fn reported_damage_ends_readiness() {
    let folder = tempfile::tempdir().unwrap();
    commit(&open(&folder), 0..200);
    let storage = Sqlite::open(&path(&folder, "ledger.db")).unwrap();
    let storage: &dyn Storage = &storage;
    storage.ready().unwrap();
    let damaged: Vec<u8> = Files::of(folder.path()).database.iter().skip(1024).map(|_| 0xff).collect();
    let file = std::fs::OpenOptions::new().write(true).open(path(&folder, "ledger.db")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &damaged, 1024).unwrap();
    let read = storage.read(|transaction| transaction.account(&"100".parse().unwrap()));
    assert!(matches!(read, Err(Error::DamagedFile(_))), "{read:?}");
    assert!(matches!(storage.ready(), Err(Error::DamagedFile(_))));
}
