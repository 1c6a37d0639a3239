//! SQLite, durable: a write-ahead log that is synced before anybody is answered.
//!
//! One thread writes. Works that come while it syncs go into its next transaction together, so that many callbacks share one sync of
//! the disk. Where one of them fails, they are run again, each in a savepoint of its own. After each commit the mark beside the
//! database is overwritten (`mark.rs`), and then whoever waits is answered.

mod accounting;
mod callbacks;
mod check;
mod decisions;
mod failure;
mod mark;
mod pending;
mod rows;
mod statistics;
mod steps;

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SendError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

pub use check::{Checked, check};

use crate::error::{Commit, Error, Loss};
use crate::storage::{Storage, Transaction};
use failure::refused;
use mark::{Counter, Mark};
use steps::Steps;

/// What each version of the database adds to the one before.
const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("whole_callbacks.sql"),
    include_str!("commit_counter.sql"),
    include_str!("writeoff_dates.sql"),
    include_str!("accounting.sql"),
    include_str!("decisions.sql"),
    include_str!("repetitions.sql"),
    include_str!("waiting_payments.sql"),
];
/// How many works share a commit at most, so that the first does not wait for ever.
const WORKS_MAX: usize = 256;
/// How long a lock of another process is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of the database the writer has in memory at most: the pages that new rows go to, and the ways to them. After a page was
/// split SQLite looks through all of it at the commit, so that more makes callbacks slower: with 16 MiB, 5,300 a second came over 64
/// connections, with 4 MiB 6,700.
const CACHE_KIBIBYTES: i64 = 4 << 10;
/// How large the pages of a new database are. A callback changes a few rows in nine of them, and each page that a commit changes is
/// written whole: what the disk takes in is what limits many callbacks.
const PAGE_BYTES: i64 = 1_024;
/// How long the log becomes before it goes into the database: the longer it is, the more changes of a page are written there as one,
/// and the more is read after a crash.
const LOG_BYTES: i64 = 16 << 20;

/// The ledger's database in a file.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    /// None: it is closing.
    works: Option<Sender<Box<dyn Work>>>,
    writer: Option<JoinHandle<()>>,
    readers: Mutex<Vec<Connection>>,
    opened: Opened,
    mark_failure: MarkFailure,
}

/// Why the mark could not be written after the last commit; none where it could.
type MarkFailure = Arc<Mutex<Option<String>>>;

/// What the mark beside a database said when it was opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Opened {
    /// The database has every commit that its mark knows.
    Whole,
    /// There was no mark to compare with, and one was made: an older program's database, or a copy that came without its mark.
    WithoutMark,
    /// Commits are missing, and whoever opened it accepts that.
    LossAccepted(Loss),
}

/// What becomes of a database that lacks commits which were answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnLoss {
    /// It is not opened.
    Refuse,
    /// It is opened, if it is not damaged: it gets a new id, and counts on from its own last commit.
    Accept,
}

/// A work that somebody waits for.
trait Work: Send {
    /// Runs it, again where what it did was undone; says whether it is to be kept.
    fn run(&mut self, transaction: &mut dyn Transaction) -> bool;
    /// Why it failed when it ran last, if it did.
    fn failure(&self) -> Option<Error>;
    /// Tells its result, or why it was not kept.
    fn answer(self: Box<Self>, kept: Result<(), Error>);
}

struct Waited<F, A, T> {
    work: F,
    result: Option<Result<T, Error>>,
    answer: A,
}

impl<T, F, A> Work for Waited<F, A, T>
where
    T: Send,
    F: Fn(&mut dyn Transaction) -> Result<T, Error> + Send,
    A: FnOnce(Result<T, Error>) + Send,
{
    fn run(&mut self, transaction: &mut dyn Transaction) -> bool {
        let result = (self.work)(transaction);
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn failure(&self) -> Option<Error> {
        self.result.as_ref()?.as_ref().err().cloned()
    }

    fn answer(self: Box<Self>, kept: Result<(), Error>) {
        let result = self.result.unwrap_or_else(|| Err(Error::Unavailable("the work was not run".to_owned())));
        (self.answer)(kept.and(result));
    }
}

impl Sqlite {
    /// Opens the database, or makes it, readable by its owner alone.
    ///
    /// # Errors
    /// Where it cannot be opened, is newer than this program, or lacks commits that were answered.
    pub fn open(path: &Path) -> Result<Sqlite, Error> {
        Sqlite::open_with(path, OnLoss::Refuse)
    }

    /// The same, with a choice of what a loss means. Nothing is changed where it is refused.
    ///
    /// # Errors
    /// As `open`; a database that is damaged is refused even where a loss is accepted.
    pub fn open_with(path: &Path, on_loss: OnLoss) -> Result<Sqlite, Error> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map_err(|error| failure::of_file(path, &error))?;
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // A log with a bad frame stays as it is until a loss is accepted: what comes after the frame may still be read by hand.
        let keep_log = |connection: &Connection, keep| {
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep).map_err(refused)
        };
        keep_log(&connection, true)?;
        let (opened, mark) = prepare(&mut connection, &mark::path(path), on_loss)?;
        keep_log(&connection, false)?;
        Ok(Sqlite::start(path, connection, mark, opened))
    }

    fn start(path: &Path, connection: Connection, mark: Mark, opened: Opened) -> Sqlite {
        let mark_failure = MarkFailure::default();
        let (works, receiver) = channel();
        let mut writer = Writer { connection, mark, mark_failure: mark_failure.clone() };
        let thread = std::thread::spawn(move || writer.run(&receiver));
        let readers = Mutex::new(Vec::new());
        Sqlite { path: path.to_owned(), works: Some(works), writer: Some(thread), readers, opened, mark_failure }
    }

    /// What the mark said when it was opened.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    fn reader(&self) -> Result<Connection, Error> {
        let pooled = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        pooled.map_or_else(|| connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY), Ok)
    }
}

impl Drop for Sqlite {
    /// Waits for the works that were taken.
    fn drop(&mut self) {
        self.works = None;
        if let Some(writer) = self.writer.take() {
            // A writer that died has told whoever waited for it.
            drop(writer.join());
        }
    }
}

impl Storage for Sqlite {
    fn begin<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Transaction) -> Result<T, Error> + Send + 'static,
        answer: impl FnOnce(Result<T, Error>) + Send + 'static,
    ) {
        let work: Box<dyn Work> = Box::new(Waited { work, result: None, answer });
        let refused = match &self.works {
            Some(works) => works.send(work).err().map(|SendError(work)| work),
            None => Some(work),
        };
        if let Some(work) = refused {
            work.answer(Err(Error::Unavailable("the writer ended".to_owned())));
        }
    }

    fn ready(&self) -> Result<(), Error> {
        self.write(|transaction| transaction.probe())?;
        let failure = self.mark_failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        failure.map_or(Ok(()), |failure| Err(Error::Unavailable(failure)))
    }

    fn read<T>(&self, work: impl FnOnce(&mut dyn Transaction) -> Result<T, Error>) -> Result<T, Error> {
        let mut connection = self.reader()?;
        let transaction = connection.transaction().map_err(refused)?;
        let result = work(&mut Steps(&transaction));
        drop(transaction);
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        result
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(refused)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(refused)?;
    if flags.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) {
        connection.pragma_update(None, "page_size", PAGE_BYTES).map_err(refused)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(refused)?;
        // The log is synced at every commit: who was answered is on disk.
        connection.pragma_update(None, "synchronous", "FULL").map_err(refused)?;
        // A database that was made before has pages of its own size.
        let page_bytes: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(refused)?;
        connection.pragma_update(None, "wal_autocheckpoint", LOG_BYTES / page_bytes.max(1)).map_err(refused)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIBIBYTES).map_err(refused)?;
    }
    connection.pragma_update(None, "foreign_keys", true).map_err(refused)?;
    // A statement is planned once, and not anew for each value that could let it use another index.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(refused)?;
    // What a savepoint may undo stays in memory: nothing of the ledger is to lie in a folder for everybody's temporary files.
    connection.pragma_update(None, "temp_store", "MEMORY").map_err(refused)?;
    Ok(connection)
}

/// Brings the database up to date and compares it with its mark, under one lock: no other process commits meanwhile, and nothing is
/// changed where it is refused.
fn prepare(connection: &mut Connection, path: &Path, on_loss: OnLoss) -> Result<(Opened, Mark), Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refused)?;
    let found = migrate(&transaction)?;
    let counter = counter(&transaction)?;
    let on_disk = mark::read(path);
    let opened = match mark::loss(&on_disk, &counter) {
        Some(loss) if on_loss == OnLoss::Refuse => return Err(Error::Lost(loss)),
        Some(loss) => {
            check::refuse_damage(&transaction)?;
            let sql = "UPDATE commit_counter SET database_id = lower(hex(randomblob(16)))";
            transaction.execute(sql, []).map_err(refused)?;
            Opened::LossAccepted(loss)
        }
        None if on_disk == mark::Found::Missing && found > 0 => Opened::WithoutMark,
        None => Opened::Whole,
    };
    transaction.commit().map_err(refused)?;
    // Another process may have committed since then.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refused)?;
    let counter = self::counter(&transaction)?;
    let mark = Mark::open(path, &counter).map_err(|error| failure::of_file(path, &error))?;
    Ok((opened, mark))
}

/// Brings the database to this program's version; gives the one that it had, 0 for a new one.
fn migrate(transaction: &Connection) -> Result<i64, Error> {
    let known = MIGRATIONS.len() as i64;
    let found = version(transaction)?;
    if found > known {
        return Err(Error::NewerDatabase { found, known });
    }
    let done = usize::try_from(found).map_err(|_| Error::Damaged(format!("its version is {found}")))?;
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration).map_err(refused)?;
    }
    transaction.pragma_update(None, "user_version", known).map_err(refused)?;
    Ok(found)
}

fn version(connection: &Connection) -> Result<i64, Error> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(refused)
}

fn counter(connection: &Connection) -> Result<Counter, Error> {
    let sql = "SELECT database_id, commits, committed_at FROM commit_counter";
    let counter = Steps(connection).one(sql, [], |row| {
        let last = Commit { number: rows::unsigned(row.get(1)?)?, at: rows::unsigned(row.get(2)?)? };
        Ok(Counter { database_id: row.get(0)?, last })
    })?;
    counter.ok_or_else(|| Error::Damaged("it has no counter of commits".to_owned()))
}

/// The thread that writes.
struct Writer {
    connection: Connection,
    mark: Mark,
    mark_failure: MarkFailure,
}

impl Writer {
    /// Takes works until there is nobody who could send one.
    fn run(&mut self, waiting: &Receiver<Box<dyn Work>>) {
        while let Ok(first) = waiting.recv() {
            let mut works: Vec<Box<dyn Work>> = vec![first];
            works.extend(waiting.try_iter().take(WORKS_MAX - 1));
            let kept = write_together(&mut self.connection, &mut works);
            if let Ok(Some(commit)) = kept {
                self.remember(commit);
            }
            for work in works {
                work.answer(kept.clone().map(drop));
            }
        }
    }

    /// Writes the mark. The commit is on disk: where the mark cannot be written, `ready` says so.
    fn remember(&self, commit: Commit) {
        let failure = self.mark.write(commit).err().map(|error| format!("the mark beside it cannot be written: {error}"));
        *self.mark_failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

/// Runs works in one transaction. None of them fails but where the storage does: only then does each need a savepoint, which copies
/// every page that it touches. Gives the commit; none where they changed nothing.
fn write_together(connection: &mut Connection, works: &mut [Box<dyn Work>]) -> Result<Option<Commit>, Error> {
    let changes_before = connection.total_changes();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refused)?;
    if works.iter_mut().all(|work| work.run(&mut Steps(&transaction))) {
        return commit(transaction, changes_before);
    }
    // It rolls back.
    drop(transaction);
    write_apart(connection, works)
}

/// Runs works in one transaction, each in a savepoint of its own, so that what fails leaves the others.
fn write_apart(connection: &mut Connection, works: &mut [Box<dyn Work>]) -> Result<Option<Commit>, Error> {
    let changes_before = connection.total_changes();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refused)?;
    for work in works {
        transaction.execute_batch("SAVEPOINT work").map_err(refused)?;
        let keep = work.run(&mut Steps(&transaction));
        // A full disk ends the whole transaction at once; what came before in it is lost too.
        if transaction.is_autocommit() {
            return Err(work.failure().unwrap_or_else(|| Error::Unavailable("it gave the transaction up".to_owned())));
        }
        let end = if keep { "RELEASE work" } else { "ROLLBACK TO work; RELEASE work" };
        transaction.execute_batch(end).map_err(refused)?;
    }
    commit(transaction, changes_before)
}

/// Counts a commit, in it, and makes it.
fn commit(transaction: rusqlite::Transaction<'_>, changes_before: u64) -> Result<Option<Commit>, Error> {
    if transaction.total_changes() == changes_before {
        return Ok(None);
    }
    let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let sql = "UPDATE commit_counter SET commits = commits + 1, committed_at = ? RETURNING commits";
    let number = Steps(&transaction).one(sql, [rows::signed(at)], |row| rows::unsigned(row.get(0)?))?;
    let number = number.ok_or_else(|| Error::Damaged("it has no counter of commits".to_owned()))?;
    transaction.commit().map_err(refused)?;
    Ok(Some(Commit { number, at }))
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
        let storage = Sqlite::start(&path, connection, Mark::of_file(full), Opened::Whole);
        storage.write(|transaction| transaction.put_document("a", b"1")).unwrap();
        assert_eq!(storage.read(|transaction| transaction.document("a")), Ok(Some(b"1".to_vec())));
        let error = storage.ready().unwrap_err().to_string();
        assert!(error.contains("the mark beside it cannot be written"), "{error}");
    }
}
