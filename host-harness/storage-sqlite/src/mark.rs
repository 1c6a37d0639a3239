//! The mark: a file beside the database that remembers the last commit that was answered.
//!
//! SQLite's log ends at its first bad frame. If a disk damages a frame, all commits from there on are lost after a restart, and
//! the database looks whole to SQLite. So each commit, and each start, is counted in the database
//! (`schema/0003_commit_counter.sql`), as part of the commit. After each commit, before anybody is answered, the mark is
//! overwritten with the same number. The mark is not synced then, since that would cost a second sync for each commit.
//!
//! What happens at a start:
//!
//! | the mark | the database | what it means | what happens |
//! |---|---|---|---|
//! | none | new | a new folder | the mark is made |
//! | none | has commits | made by an older program, or a copy that was restored without its mark | the mark is made; the log says so |
//! | the same number | | nothing is missing | |
//! | a lower number | | the process or the machine ended after a commit and before its mark was on disk | the mark is brought up |
//! | a higher number | | the end of the log was lost, the log's file is gone, or it is an older copy | refused |
//! | another id | | another database's, or a copy from before a loss was accepted | refused |
//! | another id | older than the counter | an older copy, made before commits were counted | refused |
//! | damaged | | the disk damaged the mark | refused |
//! | may not be read | | the file belongs to another user | refused, as for a database that may not be read |
//! | any | missing or empty | somebody moved the database or its log away, or the disk lost it | refused |
//! | none, but a log | missing or empty | the same | refused |
//!
//! A database that is refused opens with `--accept-loss`, unless SQLite's own check finds damage as well. The database then
//! gets a new id: a copy from before counts as another database from then on.
//!
//! What was done at payment systems since an older copy was made is not known. So a database that is opened with a loss, or without a
//! mark, has no pending operation any more: each is unknown, and waits for a person; and no operation about a payment begins before a
//! person has compared (`ledger::record_restoration`).
//!
//! What the mark can detect: when a process ends, in whatever way, the system retains what was written to the mark, so every
//! commit that was answered is remembered. After a loss of power the mark may be some seconds old (Linux writes it within about
//! 30), and commits of those seconds that the disk lost in spite of their sync go unnoticed. The mark never reports a loss that
//! did not happen: the number is written only after the commit is on disk. It cannot detect damage within the data that
//! remains; `ledger check` looks for that. Two copies of one folder that both continue to be used have the same id, and are not
//! told apart.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use ledger::{Commit, Error, Loss};

use crate::failure;

/// The version of the database from which on commits are counted.
pub const COUNTED_SINCE: i64 = 3;
/// How many bytes of the SHA-256 end the line, as its checksum.
const SUM_BYTES: usize = 8;

/// The commit counter of a database, or the content of its mark.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counter {
    /// The database's id.
    pub database_id: String,
    /// The last commit.
    pub last: Commit,
}

impl Counter {
    /// Formats the mark's one line. For a database it always has the same length, so that overwriting it needs no space on the
    /// disk. It is shorter than a sector, so that a write is not torn.
    fn line(&self) -> String {
        let Counter { database_id, last: Commit { number, at } } = self;
        let text = format!("database {database_id} commit {number:020} at {at:020}");
        let sum = sum(&text);
        format!("{text} sum {sum}\n")
    }

    fn parse(line: &str) -> Option<Counter> {
        let (text, sum_of_text) = line.strip_suffix('\n')?.split_once(" sum ")?;
        let mut words = text.split(' ');
        let mut value = |name: &str| words.next().filter(|word| *word == name).and(words.next());
        let database_id = value("database")?.to_owned();
        let number = value("commit")?.parse().ok()?;
        let at = value("at")?.parse().ok()?;
        (sum(text) == sum_of_text).then_some(Counter { database_id, last: Commit { number, at } })
    }
}

fn sum(text: &str) -> String {
    Sha256::digest(text).iter().take(SUM_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the path of a database's mark.
pub fn path(database: &Path) -> PathBuf {
    database.with_extension("mark")
}

/// The result of reading a mark.
#[derive(PartialEq, Eq, Debug)]
pub enum Found {
    /// There is no mark.
    Missing,
    /// The mark is whole.
    Whole(Counter),
    /// The mark cannot be read: its path, and the reason.
    Unreadable(String),
}

/// Reads a mark. Read it before the counter, or with the database locked: a commit in between would look like a loss.
///
/// # Errors
/// If this program's user may not read it: that says nothing about the database.
pub fn read(path: &Path) -> Result<Found, Error> {
    let unreadable = |why: String| Found::Unreadable(format!("the mark {} {why}", path.display()));
    Ok(match std::fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Found::Missing,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return Err(failure::of_file(path, &error)),
        Err(error) => unreadable(format!("cannot be read: {error}")),
        Ok(bytes) => match std::str::from_utf8(&bytes).ok().and_then(Counter::parse) {
            Some(counter) => Found::Whole(counter),
            None => unreadable("is damaged".to_owned()),
        },
    })
}

/// The files of a database before it is opened, which removes an old log and creates what is missing.
pub struct Files {
    database: PathBuf,
    /// `None` if there is no such file.
    size_bytes: Option<u64>,
    has_log: bool,
}

impl Files {
    /// Looks at the files of a database.
    ///
    /// # Errors
    /// If they cannot be looked at.
    pub fn of(database: &Path) -> Result<Files, Error> {
        let size = |path: &Path| match std::fs::metadata(path) {
            Ok(file) => Ok(Some(file.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failure::of_file(path, &error)),
        };
        let has_log = size(&log_path(database))?.is_some_and(|bytes| bytes > 0);
        Ok(Files { database: database.to_owned(), size_bytes: size(database)?, has_log })
    }

    /// Returns the path of the database.
    pub fn database(&self) -> &Path {
        &self.database
    }

    /// Returns the path of the mark.
    pub fn mark(&self) -> PathBuf {
        path(&self.database)
    }

    /// Returns what is lost if there is no database, or an empty one, and its mark or its log is there; `None` for a new folder.
    pub fn loss(&self, mark: &Found) -> Option<Loss> {
        if self.is_empty() { self.loss_of_all(mark) } else { None }
    }

    fn is_empty(&self) -> bool {
        self.size_bytes.unwrap_or_default() == 0
    }

    /// The same for a database in which no table was found.
    pub fn loss_of_all(&self, mark: &Found) -> Option<Loss> {
        let (database, log) = (self.database.display(), log_path(&self.database));
        let beside = match mark {
            Found::Whole(Counter { last, .. }) => {
                format!("{} says that its last commit is number {last}", self.mark().display())
            }
            Found::Unreadable(mark) => mark.clone(),
            // A first start that did not come to its end leaves a first page and a log without a commit.
            Found::Missing if self.has_log && self.is_empty() => format!("its log {} is there", log.display()),
            Found::Missing => return None,
        };
        let database = match (self.size_bytes, self.has_log) {
            (None, _) => format!("{database} is missing"),
            (Some(0), _) => format!("{database} is empty"),
            (Some(_), true) => format!("{database} is empty and nothing can be read in its log {}", log.display()),
            (Some(_), false) => format!("{database} is empty and its log {} is missing", log.display()),
        };
        Some(Loss::NoDatabase { database, beside })
    }
}

/// Returns the path of a database's log.
pub fn log_path(database: &Path) -> PathBuf {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// Compares a mark with the database's counter. Returns what the database lacks; `None` if it lacks nothing.
pub fn loss(mark: &Found, counter: &Counter) -> Option<Loss> {
    let kept = counter.last;
    match mark {
        Found::Missing => None,
        Found::Unreadable(mark) => Some(Loss::UnreadableMark { mark: mark.clone(), kept }),
        Found::Whole(Counter { database_id, last }) if *database_id != counter.database_id => {
            Some(Loss::OtherDatabase { answered: *last, kept })
        }
        Found::Whole(Counter { last, .. }) => (last.number > kept.number).then_some(Loss::Commits { answered: *last, kept }),
    }
}

/// A mark that is overwritten after each commit.
#[derive(Debug)]
pub struct Mark {
    file: File,
    database_id: String,
}

impl Mark {
    /// Opens or creates a database's mark, sets it to the counter, and syncs it.
    pub fn open(path: &Path, counter: &Counter) -> io::Result<Mark> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mark = Mark { file: options.open(path)?, database_id: counter.database_id.clone() };
        // A damaged mark may be longer.
        mark.file.set_len(counter.line().len() as u64)?;
        mark.write(counter.last)?;
        mark.file.sync_all()?;
        if let Some(folder) = path.parent().filter(|_| cfg!(unix)) {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            File::open(folder)?.sync_all()?;
        }
        Ok(mark)
    }

    #[cfg(test)]
    pub fn of_file(file: File) -> Mark {
        Mark { file, database_id: String::new() }
    }

    /// Records a commit that is on disk.
    pub fn write(&self, last: Commit) -> io::Result<()> {
        let line = Counter { database_id: self.database_id.clone(), last }.line();
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(line.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(database_id: &str, number: u64) -> Counter {
        Counter { database_id: database_id.into(), last: Commit { number, at: 1_795_000_000 } }
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(&folder.path().join("ledger.db"));
        assert_eq!(path.file_name().unwrap(), "ledger.mark");
        assert_eq!(read(&path), Ok(Found::Missing));
        let mark = Mark::open(&path, &counter("a", 7)).unwrap();
        assert_eq!(read(&path), Ok(Found::Whole(counter("a", 7))));
        mark.write(counter("a", 8).last).unwrap();
        assert_eq!(read(&path), Ok(Found::Whole(counter("a", 8))));
        // The mark of another database, over a longer file.
        std::fs::write(&path, "x".repeat(1_000)).unwrap();
        Mark::open(&path, &counter("b", u64::MAX)).unwrap();
        assert_eq!(read(&path), Ok(Found::Whole(counter("b", u64::MAX))));
    }

    #[test]
    fn a_bit_that_is_wrong_and_an_end_that_is_missing_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.mark");
        let line = counter("0123456789abcdef0123456789abcdef", 12).line();
        assert!(line.len() < 512, "{line}");
        for at in 0..line.len() {
            for bit in 0..8 {
                let mut damaged = line.clone().into_bytes();
                damaged[at] ^= 1 << bit;
                std::fs::write(&path, damaged).unwrap();
                assert!(matches!(read(&path), Ok(Found::Unreadable(_))), "{at} {bit}");
            }
            std::fs::write(&path, &line[..at]).unwrap();
            assert!(matches!(read(&path), Ok(Found::Unreadable(_))), "{at}");
        }
    }

    #[test]
    fn a_loss_is_what_the_mark_has_and_the_database_has_not() {
        let of_7 = counter("a", 7);
        let [six, seven, eight] = [6, 7, 8].map(|number| counter("a", number).last);
        let whole = |number| Found::Whole(counter("a", number));
        assert_eq!(loss(&Found::Missing, &of_7), None);
        assert_eq!([6, 7].map(|number| loss(&whole(number), &of_7)), [None, None]);
        assert_eq!(loss(&whole(8), &of_7), Some(Loss::Commits { answered: eight, kept: seven }));
        let other = Found::Whole(counter("b", 6));
        assert_eq!(loss(&other, &of_7), Some(Loss::OtherDatabase { answered: six, kept: seven }));
        let mark = "the mark m is damaged".to_owned();
        let unreadable = Found::Unreadable(mark.clone());
        assert_eq!(loss(&unreadable, &of_7), Some(Loss::UnreadableMark { mark, kept: seven }));
    }
}
