//! Errors of the storage itself. A refusal by a rule is not an error: see the `…Refusal` of each operation.

use std::fmt;

/// Why the ledger could not read or store something. No change of the operation was kept.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// The disk is full. The ledger works again when there is space.
    #[error("the ledger's disk is full: {0}; make room on it, and try again")]
    Full(String),
    /// The file, its folder or its disk is read-only.
    #[error("the ledger's database is read-only: {0}; let this program's user write to the file and its folder, and try again")]
    ReadOnly(String),
    /// Another process holds a lock on the database for longer than the ledger waits.
    #[error(
        "another process holds a lock on the ledger's database: {0}; end that process, such as an open sqlite3, and try again"
    )]
    Locked(String),
    /// Reading or writing failed: the disk is failing, the file is gone, or the writer has ended.
    #[error("the ledger's database cannot be read or written: {0}; look at the disk and the system's log, and try again")]
    Unavailable(String),
    /// A balance or a sum of an hour would exceed 64 bits.
    #[error("a sum of the ledger would exceed 64 bits: {0}; nothing was entered: enter a smaller amount")]
    SumTooLarge(String),
    /// The database was made by a newer program.
    #[error("the database has the version {found}, and this program knows {known}; run the newer program")]
    NewerDatabase {
        /// The database's version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The database was made by an older program, and is opened only for reading.
    #[error(
        "the database has the version {found}, and this program reads {known}; start `host-harness serve` on it once, which \
        brings it up to date"
    )]
    OlderDatabase {
        /// The database's version.
        found: i64,
        /// The version that this program reads.
        known: i64,
    },
    /// The database holds data that no version of this program wrote.
    #[error("the database is damaged: {0}; restore it from a copy")]
    Damaged(String),
    /// The database's file is damaged: nothing that is read from it can be trusted.
    #[error("the database is damaged: {0}; restore it from a copy")]
    DamagedFile(String),
    /// The log beside the database belongs to another database, or to the same one at another time.
    #[error(
        "the log {log} does not continue the database {database}: together they would be damaged, so nothing was opened or \
        changed. If the database is a copy that you restored, move {log} and the -shm file beside it out of the folder, and run \
        `host-harness ledger check`; otherwise put the database back that the log belongs to. If that is this one, the disk damaged \
        the log: restore the newest copy"
    )]
    UnrelatedLog {
        /// The database's file.
        database: String,
        /// The log's file.
        log: String,
    },
    /// A file of the database was moved, removed or replaced while it was in use.
    #[error(
        "a file of the ledger's database was moved, removed or replaced under the running program: {0}; what is entered from now \
        on may be lost: stop the program, put the file back or restore the database from a copy, and start it"
    )]
    FileReplaced(String),
    /// The database lacks commits that were answered.
    #[error("{loss}. {advice}", loss = .0, advice = .0.advice())]
    Lost(Loss),
}

/// What a database lacks by the mark beside it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Loss {
    /// The database has fewer commits than were answered: its end was lost, or it is an older copy of itself.
    Commits {
        /// The last commit that was answered.
        answered: Commit,
        /// The last commit that the database has.
        kept: Commit,
    },
    /// The mark belongs to another database, such as the one from before an older copy was restored and its loss accepted.
    OtherDatabase {
        /// The last commit that was answered, by the other database.
        answered: Commit,
        /// The last commit that the database has.
        kept: Commit,
    },
    /// The mark is damaged, so that it is not known whether commits are missing.
    UnreadableMark {
        /// The mark's file, and what is wrong with it.
        mark: String,
        /// The last commit that the database has.
        kept: Commit,
    },
    /// There is no database, or an empty one, where there was one.
    NoDatabase {
        /// The file, and whether it is missing or empty.
        database: String,
        /// The file beside it that shows it, and what it says.
        beside: String,
    },
}

impl Loss {
    /// What the administrator is to do.
    fn advice(&self) -> &'static str {
        match self {
            Loss::NoDatabase { .. } => {
                "Keep a copy of the folder as it is; then restore the database from its newest copy, with the old mark and log \
                removed. To begin with an empty ledger instead, start `host-harness serve` once with --accept-loss"
            }
            _ => {
                "Restore the newest copy of the database, or compare what came since then with the payment systems; then start \
                `host-harness serve` with --accept-loss"
            }
        }
    }
}

/// A commit by its number, from 1, and when it was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Commit {
    /// Its number; 0 if there was no commit.
    pub number: u64,
    /// When it was made, seconds since the epoch; 0 if there was no commit.
    pub at: u64,
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Commit { number, at } = self;
        match number {
            0 => write!(f, "{number}"),
            _ => write!(f, "{number} of {}", utc_text(*at)),
        }
    }
}

/// Returns a time in seconds since the epoch as `2026-11-29 08:53:44 UTC`.
pub fn utc_text(at: u64) -> String {
    let time = i64::try_from(at).ok().and_then(|at| time::OffsetDateTime::from_unix_timestamp(at).ok());
    let time = time.unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    let (hour, minute, second) = time.to_hms();
    format!("{} {hour:02}:{minute:02}:{second:02} UTC", time.date())
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Loss::Commits { answered, kept } => {
                let missing = answered.number.saturating_sub(kept.number);
                write!(
                    f,
                    "commits that were answered are missing from the database: the last one answered is number {answered}, the \
                    last one there is number {kept}, {missing} are missing; the disk lost them, or the database is an older copy"
                )
            }
            Loss::OtherDatabase { answered, kept } => write!(
                f,
                "the database is not the one that answered last: the mark beside it is of another database, whose last commit is \
                number {answered}; the last one of this database is number {kept}"
            ),
            Loss::UnreadableMark { mark, kept } => write!(
                f,
                "whether commits are missing from the database cannot be told: {mark}; the last one there is number {kept}"
            ),
            Loss::NoDatabase { database, beside } => write!(f, "{database}, but {beside}"),
        }
    }
}
