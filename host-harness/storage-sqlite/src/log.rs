//! The log: whether it continues the database that it lies beside.
//!
//! SQLite applies every whole commit of a log to whatever database lies beside it: neither file names the other. If a copy of
//! the database was restored and the log from before was left, the database is damaged, and SQLite notices nothing. So this
//! program reads both files before SQLite may.
//!
//! Every commit of this program, and every start, adds one to the row of `commit_counter`, so the page of that row is in the log
//! with each of them. SQLite begins a log only when everything before it is in the database and synced. It copies pages into the
//! database only when the log is synced, and as the log has them. So beside its own log, that page of the database holds either
//! the row before the first row of the log, or a row of the log: wherever the process was killed, and whatever was torn off the
//! end of the log before it was synced. Any other row, and none, belongs to another database or to another time.
//!
//! | the log | the database that it continues |
//! |---|---|
//! | has no whole commit, or none with the row | any: nothing is applied, or the log cannot be told apart |
//! | its first row counts n commits | it counts n - 1 and has the same id, or it has a row of the log |
//! | its first row got a new id, since a loss was accepted | it has the same last commit and another id, or a row of the log |
//! | its first row counts 0 commits, since it made the table | it has no row yet and no table, or a row of the log |
//! | its first row counts more, in a commit of every page (`VACUUM`) | any: nothing of the database is used |
//!
//! A copy of `VACUUM INTO` has the row of its time, but other pages. Its header says that it has no log, until this program
//! opens it and counts that.
//!
//! What this cannot tell apart: two copies of one database that both continued to be used, if one has by chance the number before
//! the first of the other's log, or made the same number in the same second; logs of a program older than the table; what another
//! program commits without the row. A plain copy of the file since the log began is continued by the log. If the disk later loses
//! what was synced and copied, the log is refused as well: it would take some pages back, and not others.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use ledger::{Commit, Error};

use crate::failure;
use crate::mark::{COUNTED_SINCE, Counter, log_path};

/// The header of a log, and of each frame in it.
const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
/// The magic number, without the bit that tells the checksum's byte order.
const MAGIC: u32 = 0x377f_0682;
/// The header of a database, at the beginning of its first page.
const DATABASE_HEADER_BYTES: usize = 100;
/// What the bytes 18 and 19 of a database's header are if it has a log.
const HAS_LOG: [u8; 2] = [2, 2];
/// A byte of the database that SQLite locks. The page with it is never used.
const LOCKED_BYTE: u32 = 0x4000_0000;
/// The row of `commit_counter` before its id: the rowid 1, the length of the record's header, NULL for the rowid, the type of a
/// text of 32 bytes.
const ROW: [u8; 4] = [1, 5, 0, 13 + 2 * ID_BYTES as u8];
const ID_BYTES: usize = 32;
/// The longest such row, with the types of two integers and their values.
const ROW_BYTES_MAX: usize = ROW.len() + 2 + ID_BYTES + 2 * 8;

/// Refuses a database with a log that does not continue it. Changes nothing. Call it before this process opens the database: it
/// closes the file, which gives up every lock of the process on it.
///
/// # Errors
/// If the log does not continue the database, or one of them cannot be read.
pub fn refuse_unrelated(database: &Path) -> Result<(), Error> {
    // SQLite follows symbolic links before it names the log.
    let database = &match std::fs::canonicalize(database) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found.map_err(|error| failure::of_file(database, &error))?,
    };
    let log = &log_path(database);
    // Twice, since a page may be read while a process that uses the database copies it.
    for _ in 0..2 {
        let mut file = File::open(database).map_err(|error| failure::of_file(database, &error))?;
        if continues(&mut file, log).map_err(|error| failure::of_file(log, &error))? {
            return Ok(());
        }
    }
    Err(Error::UnrelatedLog { database: database.display().to_string(), log: log.display().to_string() })
}

fn continues(database: &mut File, log: &Path) -> io::Result<bool> {
    let Some(commits) = Commits::open(log)? else { return Ok(true) };
    let begun = commits.header;
    // If the log began anew meanwhile, a process uses it, which looked at it first.
    Ok(is_log_of(database, log, commits)? || Commits::open(log)?.is_none_or(|commits| commits.header != begun))
}

/// Reads the database before the rest of the log: a process that uses them writes to the log first.
fn is_log_of(database: &mut File, log: &Path, mut commits: Commits) -> io::Result<bool> {
    let page_bytes = commits.page_bytes;
    let header = read_at(database, 0, DATABASE_HEADER_BYTES)?;
    let Some(mut commit) = commits.next()? else { return Ok(true) };
    // SQLite removes a log beside an empty file.
    if header.is_empty() {
        return Ok(true);
    }
    if header.get(18..20) != Some(&HAS_LOG) {
        return Ok(false);
    }
    let begins_with_every_page = commit.has_every_page(page_bytes);
    let (page, first) = loop {
        if let Some(row) = commit.row {
            break row;
        }
        let Some(next) = commits.next()? else { return Ok(true) };
        commit = next;
    };
    let made_table = first.last.number == 0;
    let kept = row(&read_at(database, u64::from(page - 1) * page_bytes as u64, page_bytes)?);
    if begins_with_every_page && !made_table {
        return Ok(true);
    }
    match kept {
        Some(kept) if is_before(&kept, &first) => Ok(true),
        Some(kept) => has(log, |commit| commit.row.as_ref().is_some_and(|row| *row == (page, kept.clone()))),
        None if made_table => Ok(is_before_counter(&header) || has(log, |commit| commit.header.as_deref() == Some(&header))?),
        None => Ok(false),
    }
}

fn is_before(kept: &Counter, first: &Counter) -> bool {
    if kept.database_id == first.database_id {
        kept.last.number.checked_add(1) == Some(first.last.number)
    } else {
        kept.last == first.last
    }
}

fn is_before_counter(header: &[u8]) -> bool {
    i64::from(number_at(header, 60)) < COUNTED_SINCE
}

/// Reports whether one of the log's commits is the wanted one.
fn has(log: &Path, is_wanted: impl Fn(&LogCommit) -> bool) -> io::Result<bool> {
    let Some(mut commits) = Commits::open(log)? else { return Ok(false) };
    while let Some(commit) = commits.next()? {
        if is_wanted(&commit) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads so many bytes, or as many as there are.
fn read_at(file: &mut File, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.seek(SeekFrom::Start(offset))?;
    file.take(bytes as u64).read_to_end(&mut content)?;
    Ok(content)
}

/// What a commit of a log has.
#[derive(Default)]
struct LogCommit {
    pages: Vec<u32>,
    /// The database's size after it.
    page_count: u32,
    /// The header of the database, if the first page is among the pages.
    header: Option<Vec<u8>>,
    /// The row of `commit_counter`, and its page.
    row: Option<(u32, Counter)>,
}

impl LogCommit {
    fn has_every_page(&self, page_bytes: usize) -> bool {
        let mut pages = self.pages.clone();
        pages.sort_unstable();
        let locked = LOCKED_BYTE / page_bytes as u32 + 1;
        (1..=self.page_count).all(|page| page == locked || pages.binary_search(&page).is_ok())
    }
}

/// The whole commits of a log, as SQLite finds them: frames up to the first that is torn or left of an earlier log.
struct Commits {
    log: BufReader<File>,
    header: [u8; HEADER_BYTES],
    page_bytes: usize,
    sums: (u32, u32),
}

impl Commits {
    /// Opens a log. Returns `None` if SQLite finds nothing in it.
    fn open(log: &Path) -> io::Result<Option<Commits>> {
        let file = match File::open(log) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let (mut log, mut header) = (BufReader::new(file), [0; HEADER_BYTES]);
        if !is_read(&mut log, &mut header)? {
            return Ok(None);
        }
        let page_bytes = number_at(&header, 8) as usize;
        let mut commits = Commits { log, header, page_bytes, sums: (0, 0) };
        let (summed, sums) = header.split_at(24);
        commits.add(summed);
        let is_log =
            number_at(&header, 0) & !1 == MAGIC && page_bytes.is_power_of_two() && (512..=65_536).contains(&page_bytes);
        Ok((is_log && commits.sums == (number_at(sums, 0), number_at(sums, 4))).then_some(commits))
    }

    fn next(&mut self) -> io::Result<Option<LogCommit>> {
        let mut commit = LogCommit::default();
        let mut frame = vec![0; FRAME_HEADER_BYTES + self.page_bytes];
        while is_read(&mut self.log, &mut frame)? {
            let (header, content) = frame.split_at(FRAME_HEADER_BYTES);
            let (page, page_count) = (number_at(header, 0), number_at(header, 4));
            self.add(header.get(..8).unwrap_or_default());
            self.add(content);
            let is_of_log = header.get(8..16) == self.header.get(16..24);
            if page == 0 || !is_of_log || self.sums != (number_at(header, 16), number_at(header, 20)) {
                break;
            }
            commit.pages.push(page);
            if page == 1 {
                commit.header = content.get(..DATABASE_HEADER_BYTES).map(<[u8]>::to_vec);
            }
            if let Some(counter) = row(content) {
                commit.row = Some((page, counter));
            }
            if page_count > 0 {
                commit.page_count = page_count;
                return Ok(Some(commit));
            }
        }
        Ok(None)
    }

    /// Adds bytes to the checksum, which goes over everything before it.
    fn add(&mut self, bytes: &[u8]) {
        let is_big_endian = self.header.get(3).is_some_and(|byte| byte & 1 == 1);
        let word = |at, bytes| if is_big_endian { number_at(bytes, at) } else { number_at(bytes, at).swap_bytes() };
        let (mut one, mut other) = self.sums;
        for pair in bytes.chunks_exact(8) {
            one = one.wrapping_add(word(0, pair)).wrapping_add(other);
            other = other.wrapping_add(word(4, pair)).wrapping_add(one);
        }
        self.sums = (one, other);
    }
}

/// Reads all the bytes. Returns whether there were so many.
fn is_read(log: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match log.read_exact(bytes) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    }
}

fn number_at(bytes: &[u8], at: usize) -> u32 {
    let number = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    number.map_or(0, |number| u32::from_be_bytes(*number))
}

/// Returns the row of `commit_counter`, if that is what a page holds: it is the only row of a leaf, and ends where the page ends.
/// Nothing before the row is used but what is the same in every version of the page: after a loss of power, the page may have
/// the beginning of one version and the end of another.
fn row(page: &[u8]) -> Option<Counter> {
    if page.first() != Some(&0x0d) || page.get(3..5) != Some(&[0, 1]) {
        return None;
    }
    let end = page.last_chunk::<ROW_BYTES_MAX>()?;
    (0..end.len()).find_map(|at| {
        let (types, values) = end.get(at..)?.strip_prefix(&ROW)?.split_at_checked(2)?;
        let (id, numbers) = values.split_at_checked(ID_BYTES)?;
        let &[of_number, of_at] = types else { return None };
        let (number, at) = numbers.split_at_checked(integer_bytes(of_number)?)?;
        let last = Commit { number: integer(of_number, number), at: integer(of_at, at) };
        let is_id = id.iter().all(u8::is_ascii_hexdigit);
        let database_id = std::str::from_utf8(id).ok()?.to_owned();
        (is_id && integer_bytes(of_at) == Some(at.len())).then_some(Counter { database_id, last })
    })
}

/// Returns the length of an integer by its type in a record. The types 8 and 9 are the numbers 0 and 1.
fn integer_bytes(of: u8) -> Option<usize> {
    match of {
        1..=4 => Some(of.into()),
        5 => Some(6),
        6 => Some(8),
        8 | 9 => Some(0),
        _ => None,
    }
}

fn integer(of: u8, bytes: &[u8]) -> u64 {
    let first = u64::from(of == 9);
    bytes.iter().fold(first, |number, byte| number << 8 | u64::from(*byte))
}
