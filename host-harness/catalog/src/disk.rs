//! The disk operations that changes consist of, behind a trait, so that a test can stop between any two of them.

use std::fs::{File, FileTimes};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// What the catalog needs of a disk. A file's bytes and a folder's names are durable once they are synced, and not before.
pub trait Disk: Send + Sync {
    /// Waits for all others that change the folder, and excludes them until the returned value is dropped.
    fn exclusive(&self, path: &Path) -> io::Result<Box<dyn Send>>;
    /// Creates a folder and its parents. An existing folder stays as it is.
    fn make_folder(&self, path: &Path) -> io::Result<()>;
    /// Opens a file, to read its bytes from the first.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>>;
    /// Lists a folder's names, each with the time since its file was written or touched.
    fn list(&self, folder: &Path) -> io::Result<Vec<(String, Duration)>>;
    /// Writes a file. An existing file is overwritten.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Makes a file's bytes or a folder's names durable.
    fn sync(&self, path: &Path) -> io::Result<()>;
    /// Renames a file in one step, replacing an existing one.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Sets a file's time of modification to now.
    fn touch(&self, path: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The real disk of the machine.
pub struct Real;

impl Disk for Real {
    fn exclusive(&self, path: &Path) -> io::Result<Box<dyn Send>> {
        let file = File::options().create(true).append(true).open(path)?;
        file.lock()?;
        // The lock ends when its file is closed.
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
            // A time in the future counts as now: the clock was set back.
            let age = SystemTime::now().duration_since(entry.metadata()?.modified()?).unwrap_or_default();
            // A name that is not UTF-8 is not the catalog's.
            files.extend(entry.file_name().into_string().ok().map(|name| (name, age)));
        }
        Ok(files)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        File::create(path)?.write_all(bytes)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        // Other systems cannot open a folder as a file, and names need no sync there.
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
