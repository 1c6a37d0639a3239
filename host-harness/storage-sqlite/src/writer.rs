//! The thread that writes.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use ledger::storage::WriteJob;
use ledger::{Commit, Error};
use rusqlite::{Connection, TransactionBehavior};

use crate::failure::refused;
use crate::mark::Mark;
use crate::query::SqlTransaction;
use crate::rows;

/// The most jobs that share a commit, so that the first does not wait indefinitely.
const BATCH_JOBS_MAX: usize = 256;
/// What went wrong since the start and is no failure of a job.
#[derive(Default, Debug)]
pub struct Faults {
    /// Why the mark could not be written after the last commit; `None` if it was written.
    pub mark: Mutex<Option<String>>,
    /// The damage that SQLite reported first.
    pub damage: OnceLock<String>,
}

impl Faults {
    /// Remembers damage of the file: what is read and written from then on cannot be trusted.
    pub fn notice(&self, error: Option<&Error>) {
        if let Some(Error::DamagedFile(what)) = error {
            self.damage.get_or_init(|| what.clone());
        }
    }
}

/// The thread that writes.
pub struct Writer {
    pub connection: Connection,
    pub mark: Mark,
    pub faults: Arc<Faults>,
}

impl Writer {
    /// Runs jobs until all senders are gone.
    pub fn run(&mut self, waiting: &Receiver<Box<dyn WriteJob>>) {
        while let Ok(first) = waiting.recv() {
            let mut jobs: Vec<Box<dyn WriteJob>> = vec![first];
            jobs.extend(waiting.try_iter().take(BATCH_JOBS_MAX - 1));
            let kept = commit_batch(&mut self.connection, &mut jobs);
            if let Ok(Some(commit)) = kept {
                self.remember(commit);
            }
            self.faults.notice(kept.as_ref().err());
            for job in jobs {
                self.faults.notice(job.failure().as_ref());
                job.answer(kept.clone().map(drop));
            }
        }
    }

    /// Writes the mark. The commit is on disk already. If the mark cannot be written, `ready` reports it.
    fn remember(&self, commit: Commit) {
        let failure = self.mark.write(commit).err().map(|error| format!("the mark beside it cannot be written: {error}"));
        *self.faults.mark.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

/// Runs jobs in one transaction. A job fails only if the storage fails. Only then does each job need a savepoint, which copies
/// every page that the job touches. Returns the commit; `None` if the jobs changed nothing.
fn commit_batch(connection: &mut Connection, jobs: &mut [Box<dyn WriteJob>]) -> Result<Option<Commit>, Error> {
    let changes_before = connection.total_changes();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refused)?;
    if jobs.iter_mut().all(|job| job.run(&mut SqlTransaction(&transaction))) {
        return commit(transaction, changes_before);
    }
    // Dropping it rolls it back.
    drop(transaction);
    commit_individually(connection, jobs)
}

/// Runs jobs in one transaction, each in a savepoint of its own, so that a failed job does not affect the others.
fn commit_individually(connection: &mut Connection, jobs: &mut [Box<dyn WriteJob>]) -> Result<Option<Commit>, Error> {
    let changes_before = connection.total_changes();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refused)?;
    for job in jobs {
        transaction.execute_batch("SAVEPOINT job").map_err(refused)?;
        let keep = job.run(&mut SqlTransaction(&transaction));
        // A full disk ends the whole transaction at once. The earlier jobs in it are lost too.
        if transaction.is_autocommit() {
            return Err(job.failure().unwrap_or_else(|| Error::Unavailable("it gave the transaction up".to_owned())));
        }
        let end = if keep { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" };
        transaction.execute_batch(end).map_err(refused)?;
    }
    commit(transaction, changes_before)
}

/// Counts a commit within its transaction, and commits it.
fn commit(transaction: rusqlite::Transaction<'_>, changes_before: u64) -> Result<Option<Commit>, Error> {
    if transaction.total_changes() == changes_before {
        return Ok(None);
    }
    let commit = count(&transaction)?;
    transaction.commit().map_err(refused)?;
    Ok(Some(commit))
}

/// Counts a commit within its transaction.
pub fn count(transaction: &Connection) -> Result<Commit, Error> {
    let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let sql = "UPDATE commit_counter SET commits = commits + 1, committed_at = ? RETURNING commits";
    let number = SqlTransaction(transaction).one(sql, [rows::signed(at)], |row| rows::unsigned(row.get(0)?))?;
    let number = number.ok_or_else(|| Error::Damaged("it has no counter of commits".to_owned()))?;
    Ok(Commit { number, at })
}
