//! What SQLite's and the system's errors mean to whoever uses the ledger.

use std::io;
use std::path::Path;

use rusqlite::ErrorCode;
use rusqlite::ffi::{SQLITE_CONSTRAINT_DATATYPE, SQLITE_IOERR_SHMSIZE};

use ledger::Error;

/// Which error one of SQLite's is.
pub fn refused(error: rusqlite::Error) -> Error {
    let text = error.to_string();
    match error {
        // A statement of the program's does not fit the tables, or a value not its column.
        rusqlite::Error::SqlInputError { .. }
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::Utf8Error(..) => return Error::Damaged(text),
        _ => {}
    }
    let Some(failure) = error.sqlite_error() else { return Error::Unavailable(text) };
    match failure.code {
        ErrorCode::DiskFull => Error::Full(text),
        // The index of the log lies beside it, and only ever grows.
        ErrorCode::SystemIoFailure if failure.extended_code == SQLITE_IOERR_SHMSIZE => Error::Full(text),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => Error::ReadOnly(text),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => Error::Locked(text),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Error::Damaged(text),
        // A strict column of integers is given the float that a sum beyond 64 bits has become.
        ErrorCode::ConstraintViolation if failure.extended_code == SQLITE_CONSTRAINT_DATATYPE => Error::SumTooLarge(text),
        _ => Error::Unavailable(text),
    }
}

/// Which error one of a file's is.
pub fn of_file(path: &Path, error: &io::Error) -> Error {
    let text = format!("{}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full(text),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Error::ReadOnly(text),
        _ => Error::Unavailable(text),
    }
}
