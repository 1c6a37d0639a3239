//! The files of a database in use: whether somebody moved, removed or replaced them.
//!
//! A system goes on to write to a file that has lost its name, and tells nobody: what is answered then is in no file that the
//! next start finds.

use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use ledger::Error;

use crate::failure;
use crate::mark::log_path;

/// The database and its log, with what tells one file from another.
#[derive(Debug)]
pub struct OpenedFiles([(PathBuf, FileId); 2]);

/// The device and the file's number on it.
type FileId = (u64, u64);

impl OpenedFiles {
    /// Looks at the files of a database that is open.
    pub fn of(database: &Path) -> Result<OpenedFiles, Error> {
        let opened = |path: PathBuf| {
            let id = id(&path).map_err(|error| failure::of_file(&path, &error))?;
            Ok((path, id))
        };
        // SQLite follows symbolic links before it names the log.
        let target = std::fs::canonicalize(database).map_err(|error| failure::of_file(database, &error))?;
        Ok(OpenedFiles([opened(database.to_owned())?, opened(log_path(&target))?]))
    }

    /// # Errors
    /// If there is another file by one of the names, or none.
    pub fn check(&self) -> Result<(), Error> {
        let OpenedFiles(files) = self;
        files.iter().try_for_each(|(path, opened)| match id(path) {
            Ok(id) if id == *opened => Ok(()),
            Ok(_) => Err(Error::FileReplaced(format!("{} is another file", path.display()))),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(Error::FileReplaced(format!("{} is gone", path.display())))
            }
            Err(error) => Err(failure::of_file(path, &error)),
        })
    }
}

/// A file is not opened for that: closing it would give up the locks that SQLite holds on it.
fn id(path: &Path) -> io::Result<FileId> {
    std::fs::metadata(path).map(|file| of_metadata(&file))
}

#[cfg(unix)]
fn of_metadata(file: &Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt;
    (file.dev(), file.ino())
}

/// Other systems keep a file that is open from being moved or removed.
#[cfg(not(unix))]
fn of_metadata(_: &Metadata) -> FileId {
    (0, 0)
}
