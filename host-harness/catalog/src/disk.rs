//! The steps that changes on disk are made of, so that a test can stop between any two of them.

use std::fs::{File, FileTimes};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// What the catalog asks of a disk. A file's bytes and a folder's names are durable when each was synced, and not before.
pub trait Disk: Send + Sync {
    /// Waits for everybody else who changes the folder, until what is given is dropped.
    fn exclusive(&self, path: &Path) -> io::Result<Box<dyn Send>>;
    /// Makes a folder with those above it; one that is there stays.
    fn make_folder(&self, path: &Path) -> io::Result<()>;
    /// A file's bytes, from the first.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>>;
    /// A folder's names, and how long ago each file was written or touched.
    fn list(&self, folder: &Path) -> io::Result<Vec<(String, Duration)>>;
    /// Writes a file, which may be there.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Makes a file's bytes or a folder's names durable.
    fn sync(&self, path: &Path) -> io::Result<()>;
    /// Puts a file in the place of another in one step.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes a file one that was written now.
    fn touch(&self, path: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The machine's own.
pub struct Real;

impl Disk for Real {
    fn exclusive(&self, path: &Path) -> io::Result<Box<dyn Send>> {
        let file = File::options().create(true).append(true).open(path)?;
        file.lock()?;
        // The lock ends with its file.
        Ok(Box::new(file))
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(File::open(path)?))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<(String, Duration)>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            // A time to come is one of now: the clock was set back.
            let age = SystemTime::now().duration_since(entry.metadata()?.modified()?).unwrap_or_default();
            // A name that is no text is not the catalog's.
            files.extend(entry.file_name().into_string().ok().map(|name| (name, age)));
        }
        Ok(files)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        File::create(path)?.write_all(bytes)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        // Elsewhere a folder cannot be opened as a file, and names need no sync.
        if cfg!(unix) || path.is_file() { File::open(path)?.sync_all() } else { Ok(()) }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn touch(&self, path: &Path) -> io::Result<()> {
        File::options().append(true).open(path)?.set_times(FileTimes::new().set_modified(SystemTime::now()))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }
}
