//! The lock by which only one host serves a data folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::failure::Failure;

/// The file that is locked while a host serves the folder. The file stays when the host ends; only the lock counts.
const NAME: &str = "serve.lock";

/// The lock of a data folder. It is held as long as the value lives, and no longer than the process. Only `serve` takes it:
/// `operator` and `ledger check` work beside a running host, over the database's own locks.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

impl DataLock {
    /// Takes the lock.
    ///
    /// # Errors
    /// If another process holds the lock, or the file cannot be created in the folder.
    pub fn take(data: &Path) -> Result<DataLock, Failure> {
        let path = data.join(NAME);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let unusable = |error: std::io::Error| Failure::of_data(&path, &error);
        let mut file = options.open(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(taken(data, file)),
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        // The id of the process that holds the lock, for the message of a second one.
        let written = file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).map(drop);
        written.and_then(|()| writeln!(file, "{}", std::process::id())).map_err(unusable)?;
        Ok(DataLock { _file: file })
    }
}

fn taken(data: &Path, mut file: File) -> Failure {
    let mut text = String::new();
    let process = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse::<u32>().ok());
    let process = process.map_or_else(String::new, |process| format!(", process {process},"));
    Failure::Usage(format!(
        "another `host-harness serve`{process} serves the folder {} already; stop it first, or give this one a folder of its own",
        data.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_taken_once_and_again_when_it_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataLock::take(folder.path()).unwrap();
        let second = DataLock::take(folder.path()).unwrap_err().to_string();
        assert!(second.contains(&format!("process {}, serves the folder", std::process::id())), "{second}");
        drop(first);
        DataLock::take(folder.path()).unwrap();
        let missing = DataLock::take(&folder.path().join("none")).unwrap_err().to_string();
        assert!(missing.contains(NAME), "{missing}");
    }
}
