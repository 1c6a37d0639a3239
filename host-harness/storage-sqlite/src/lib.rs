//! The ledger's durable storage in SQLite: a write-ahead log that is synced before anybody is answered.
//!
//! One thread writes (`writer.rs`). Jobs that arrive while it syncs share its next transaction, so that many callbacks share
//! one sync of the disk. If one of them fails, all are run again, each in a savepoint of its own. After each commit the mark
//! beside the database is overwritten (`mark.rs`), and then the callers are answered. A database is opened only if the log
//! beside it is its own (`log.rs`).
//!
//! The command line opens it and makes a `Ledger` of it, for `serve`, `operator` and `ledger check`. No other crate of the
//! product knows that there is SQL.

#![cfg_attr(test, allow(missing_docs))]

mod accounting;
mod callbacks;
mod check;
mod damage;
mod decisions;
mod facts;
mod failure;
mod log;
mod mark;
mod movements;
mod opened_files;
mod operations;
mod pending;
mod query;
mod restorations;
mod rows;
mod schema;
mod statistics;
mod transaction;
mod writer;

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SendError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use ledger::storage::{ReadJob, Storage, WriteJob};
use ledger::{Error, Loss, record_restoration};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

pub use check::{Checked, check as check_database};
pub use mark::path as mark_path;

use failure::refused;
use mark::{COUNTED_SINCE, Files, Mark};
use opened_files::OpenedFiles;
use query::SqlTransaction;
use schema::{connect, migrate};
use writer::{Faults, Writer};

/// The ledger's database in a file.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    /// `None` while it is closing.
    jobs: Option<Sender<Box<dyn WriteJob>>>,
    writer: Option<JoinHandle<()>>,
    readers: Mutex<Vec<Connection>>,
    opened: Opened,
    files: OpenedFiles,
    faults: Arc<Faults>,
}

/// What the mark beside a database showed when the database was opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Opened {
    /// The database is new.
    New,
    /// The database has every commit that the mark records.
    Whole,
    /// There was no mark, and one was created: the database is an older program's, or a copy that came without its mark. It counts
    /// as restored.
    WithoutMark,
    /// Commits are missing, and the caller accepted the loss. It counts as restored.
    LossAccepted(Loss),
}

/// What to do with a database that lacks commits which were answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnLoss {
    /// It is not opened.
    Refuse,
    /// It is opened unless it is damaged. It gets a new id, and counts on from its own last commit.
    Accept,
}

impl Sqlite {
    /// Opens the database, or creates it readable by its owner alone.
    ///
    /// # Errors
    /// If it cannot be opened, is newer than this program, lacks commits that were answered, or lies beside the log of another
    /// database.
    pub fn open(path: &Path) -> Result<Sqlite, Error> {
        Sqlite::open_with(path, OnLoss::Refuse)
    }

    /// Opens the database, with a choice of what to do about a loss. A refused database is not changed.
    ///
    /// # Errors
    /// As for `open`. A damaged database, and one beside another's log, is refused even if a loss is accepted.
    pub fn open_with(path: &Path, on_loss: OnLoss) -> Result<Sqlite, Error> {
        let files = Files::of(path)?;
        let gone = files.loss(&mark::read(&mark::path(path))?);
        if let (Some(loss), OnLoss::Refuse) = (&gone, on_loss) {
            return Err(Error::Lost(loss.clone()));
        }
        log::refuse_unrelated(path)?;
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map_err(|error| failure::of_file(path, &error))?;
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // A log with a bad frame is left as it is until a loss is accepted: what comes after the frame may still be read by
        // hand.
        let keep_log = |connection: &Connection, keep| {
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep).map_err(refused)
        };
        keep_log(&connection, true)?;
        let (opened, mark) = prepare(&mut connection, &files, gone, on_loss)?;
        keep_log(&connection, false)?;
        Ok(Sqlite::start(OpenedFiles::of(path)?, path, connection, mark, opened))
    }

    fn start(files: OpenedFiles, path: &Path, connection: Connection, mark: Mark, opened: Opened) -> Sqlite {
        let faults = Arc::<Faults>::default();
        let (jobs, receiver) = channel();
        let mut writer = Writer { connection, mark, faults: faults.clone() };
        let thread = std::thread::spawn(move || writer.run(&receiver));
        let readers = Mutex::new(Vec::new());
        Sqlite { path: path.to_owned(), jobs: Some(jobs), writer: Some(thread), readers, opened, files, faults }
    }

    /// Returns what the mark showed when the database was opened.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    fn read_with(&self, job: &mut ReadJob<'_>) -> Result<(), Error> {
        let mut connection = self.reader()?;
        let transaction = connection.transaction().map_err(refused)?;
        let result = job(&mut SqlTransaction(&transaction));
        drop(transaction);
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        result
    }

    fn reader(&self) -> Result<Connection, Error> {
        let pooled = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        pooled.map_or_else(|| connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY), Ok)
    }
}

impl Drop for Sqlite {
    /// Waits for the submitted jobs. The writer's connection is the last one that is closed: it copies the log into the database,
    /// which a connection that only reads cannot do.
    fn drop(&mut self) {
        self.readers.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        // Without jobs to come, the writer ends.
        self.jobs = None;
        if let Some(writer) = self.writer.take() {
            // If the writer panicked, the callers that wait for it notice that themselves.
            drop(writer.join());
        }
    }
}

impl Storage for Sqlite {
    fn submit_job(&self, job: Box<dyn WriteJob>) {
        let refused = match &self.jobs {
            Some(jobs) => jobs.send(job).err().map(|SendError(job)| job),
            None => Some(job),
        };
        if let Some(job) = refused {
            job.answer(Err(Error::Unavailable("the writer ended".to_owned())));
        }
    }

    fn ready(&self) -> Result<(), Error> {
        if let Some(damage) = self.faults.damage.get() {
            return Err(Error::DamagedFile(damage.clone()));
        }
        self.files.check()?;
        let storage: &dyn Storage = self;
        storage.write(|transaction| transaction.probe())?;
        let failure = self.faults.mark.lock().unwrap_or_else(PoisonError::into_inner).clone();
        failure.map_or(Ok(()), |failure| Err(Error::Unavailable(failure)))
    }

    fn read_job(&self, job: &mut ReadJob<'_>) -> Result<(), Error> {
        let result = self.read_with(job);
        self.faults.notice(result.as_ref().err());
        result
    }
}

/// Brings the database up to date and compares it with its mark, under one lock: no other process commits meanwhile, and a
/// refused database is not changed.
fn prepare(connection: &mut Connection, files: &Files, gone: Option<Loss>, on_loss: OnLoss) -> Result<(Opened, Mark), Error> {
    let path = &files.mark();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refused)?;
    let found = migrate(&transaction)?;
    let counter = schema::counter(&transaction)?;
    let on_disk = mark::read(path)?;
    let of_all = || if found == 0 { files.loss_of_all(&on_disk) } else { None };
    let loss = gone.or_else(of_all).or_else(|| mark::loss(&on_disk, &counter));
    let opened = match loss {
        Some(loss) if on_loss == OnLoss::Refuse => return Err(Error::Lost(loss)),
        Some(loss) => {
            damage::refuse_damage(&transaction)?;
            let sql = "UPDATE commit_counter SET database_id = lower(hex(randomblob(16)))";
            transaction.execute(sql, []).map_err(refused)?;
            Opened::LossAccepted(loss)
        }
        None if found == 0 => Opened::New,
        None if on_disk == mark::Found::Missing => Opened::WithoutMark,
        None => Opened::Whole,
    };
    if matches!(opened, Opened::WithoutMark | Opened::LossAccepted(_)) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let copied_at = Some(counter.last.at).filter(|_| counter.last.number > 0);
        record_restoration(&mut SqlTransaction(&transaction), copied_at, now)?;
    }
    // The first commit of a log is thus of one database at one time (`log.rs`). A new id does the same.
    if found >= COUNTED_SINCE && !matches!(opened, Opened::LossAccepted(_)) {
        writer::count(&transaction)?;
    }
    transaction.commit().map_err(refused)?;
    // Another process may have committed since then.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refused)?;
    let counter = schema::counter(&transaction)?;
    let mark = Mark::open(path, &counter).map_err(|error| failure::of_file(path, &error))?;
    Ok((opened, mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_mark_that_cannot_be_written_loses_nothing_and_is_not_ready() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        drop(Sqlite::open(&path).unwrap());
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
        let storage = Sqlite::start(OpenedFiles::of(&path).unwrap(), &path, connection, Mark::of_file(full), Opened::Whole);
        let storage: &dyn Storage = &storage;
        storage.write(|transaction| transaction.put_document("a", b"1")).unwrap();
        assert_eq!(storage.read(|transaction| transaction.document("a")), Ok(Some(b"1".to_vec())));
        let error = storage.ready().unwrap_err().to_string();
        assert!(error.contains("the mark beside it cannot be written"), "{error}");
    }
}
