//! SQLite, durable: a write-ahead log that is synced before anybody is answered.
//!
//! One thread writes. Works that come while it syncs go into its next transaction together, so that many callbacks share one sync of
//! the disk. Where one of them fails, they are run again, each in a savepoint of its own.

mod accounting;
mod rows;
mod statistics;
mod steps;

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SendError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::error::Error;
use crate::storage::{Storage, Transaction};
use steps::Steps;

/// What each version of the database adds to the one before.
const MIGRATIONS: [&str; 4] = [
    include_str!("schema.sql"),
    include_str!("whole_callbacks.sql"),
    include_str!("writeoff_dates.sql"),
    include_str!("accounting.sql"),
];
/// How many works share a commit at most, so that the first does not wait for ever.
const WORKS_MAX: usize = 256;
/// How long a lock of another process is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of the database the writer has in memory at most: the pages that new rows go to, and the ways to them.
const CACHE_KIBIBYTES: i64 = 16 << 10;
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
}

/// A work that somebody waits for.
trait Work: Send {
    /// Runs it, again where what it did was undone; says whether it is to be kept.
    fn run(&mut self, transaction: &mut dyn Transaction) -> bool;
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

    fn answer(self: Box<Self>, kept: Result<(), Error>) {
        let result = self.result.unwrap_or_else(|| Err(Error::Unavailable("the work was not run".to_owned())));
        (self.answer)(kept.and(result));
    }
}

impl Sqlite {
    /// Opens the database, or makes it, readable by its owner alone.
    ///
    /// # Errors
    /// Where it cannot be opened, or is newer than this program.
    pub fn open(path: &Path) -> Result<Sqlite, Error> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map_err(|error| Error::Unavailable(format!("{}: {error}", path.display())))?;
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        migrate(&mut connection)?;
        let (works, receiver) = channel();
        let writer = std::thread::spawn(move || write(&mut connection, &receiver));
        Ok(Sqlite { path: path.to_owned(), works: Some(works), writer: Some(writer), readers: Mutex::new(Vec::new()) })
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

    fn read<T>(&self, work: impl FnOnce(&mut dyn Transaction) -> Result<T, Error>) -> Result<T, Error> {
        let mut connection = self.reader()?;
        let transaction = connection.transaction().map_err(refused)?;
        let result = work(&mut Steps(&transaction));
        drop(transaction);
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        result
    }
}

fn refused(error: rusqlite::Error) -> Error {
    Error::Unavailable(error.to_string())
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

fn migrate(connection: &mut Connection) -> Result<(), Error> {
    let known = MIGRATIONS.len() as i64;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refused)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(refused)?;
    if found > known {
        return Err(Error::NewerDatabase { found, known });
    }
    let done = usize::try_from(found).map_err(|_| Error::Damaged(format!("its version is {found}")))?;
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration).map_err(refused)?;
    }
    transaction.pragma_update(None, "user_version", known).map_err(refused)?;
    transaction.commit().map_err(refused)
}

/// Takes works until there is nobody who could send one.
fn write(connection: &mut Connection, waiting: &Receiver<Box<dyn Work>>) {
    while let Ok(first) = waiting.recv() {
        let mut works: Vec<Box<dyn Work>> = vec![first];
        works.extend(waiting.try_iter().take(WORKS_MAX - 1));
        let kept = write_together(connection, &mut works);
        for work in works {
            work.answer(kept.clone());
        }
    }
}

/// Runs works in one transaction. None of them fails but where the storage does: only then does each need a savepoint, which copies
/// every page that it touches.
fn write_together(connection: &mut Connection, works: &mut [Box<dyn Work>]) -> Result<(), Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refused)?;
    if works.iter_mut().all(|work| work.run(&mut Steps(&transaction))) {
        return transaction.commit().map_err(refused);
    }
    // It rolls back.
    drop(transaction);
    write_apart(connection, works)
}

/// Runs works in one transaction, each in a savepoint of its own, so that what fails leaves the others.
fn write_apart(connection: &mut Connection, works: &mut [Box<dyn Work>]) -> Result<(), Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refused)?;
    for work in works {
        transaction.execute_batch("SAVEPOINT work").map_err(refused)?;
        let keep = work.run(&mut Steps(&transaction));
        // A full disk ends the whole transaction at once; what came before in it is lost too.
        if transaction.is_autocommit() {
            return Err(Error::Unavailable("the database gave the transaction up".to_owned()));
        }
        let end = if keep { "RELEASE work" } else { "ROLLBACK TO work; RELEASE work" };
        transaction.execute_batch(end).map_err(refused)?;
    }
    transaction.commit().map_err(refused)
}
