//! Maps the errors of SQLite and of the system to the ledger's.

use std::io;
use std::path::Path;

use rusqlite::ErrorCode;
use rusqlite::ffi::{SQLITE_CONSTRAINT_DATATYPE, SQLITE_IOERR_SHMSIZE};

use ledger::Error;

/// Converts an error of SQLite.
pub fn refused(error: rusqlite::Error) -> Error {
    let text = error.to_string();
    match error {
        // A statement of the program does not fit the tables, or a value does not fit its column.
        rusqlite::Error::SqlInputError { .. }
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::Utf8Error(..) => return Error::Damaged(text),
        _ => {}
    }
    let Some(failure) = error.sqlite_error() else { return Error::Unavailable(text) };
    match failure.code {
        ErrorCode::DiskFull => Error::Full(text),
        // The index of the log is a file beside it that never shrinks.
        ErrorCode::SystemIoFailure if failure.extended_code == SQLITE_IOERR_SHMSIZE => Error::Full(text),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => Error::ReadOnly(text),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => Error::Locked(text),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Error::DamagedFile(text),
        // A sum beyond 64 bits becomes a float, which a strict integer column refuses.
        ErrorCode::ConstraintViolation if failure.extended_code == SQLITE_CONSTRAINT_DATATYPE => {
            Error::SumTooLarge("a balance, or the sum of an hour".to_owned())
        }
        _ => Error::Unavailable(text),
    }
}

/// Converts an error of a file.
pub fn of_file(path: &Path, error: &io::Error) -> Error {
    let text = format!("{}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full(text),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Error::ReadOnly(text),
        _ => Error::Unavailable(text),
    }
}
