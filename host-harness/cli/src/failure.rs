//! The reasons why the program fails, and its exit codes.

use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::ExitCode;

use domain::Problem;
use export::{ExportError, Faults};
use host::LedgerError;
use sandbox::Error;

use crate::escape;

/// A failure, as one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The arguments or the files cannot be used.
    #[error("{0}")]
    Usage(String),
    /// What stands in the way may pass by itself: the disk is full, another process holds a lock or the port.
    #[error("{0}")]
    Passing(String),
    /// The reader of standard output closed it, as `head` does.
    #[error("standard output is no longer read")]
    Unread,
    /// The component cannot be loaded.
    #[error("{component}: {error}")]
    Component {
        /// The component's file.
        component: String,
        /// Why.
        error: Error,
    },
    /// The sandbox or the provider refused the call.
    #[error("{0}")]
    Sandbox(#[from] Error),
    /// The export failed for another reason than the sandbox or the disk.
    #[error("{0}")]
    Export(ExportError<Error>),
}

impl From<ExportError<Error>> for Failure {
    fn from(error: ExportError<Error>) -> Failure {
        match error {
            ExportError::Writer(error) => Failure::Sandbox(error),
            ExportError::Write(error) => Failure::Usage(error.to_string()),
            error => Failure::Export(error),
        }
    }
}

/// What stands in the way may pass by itself, and the same command may succeed later.
const PASSING: u8 = 1;
/// Arguments or files cannot be used.
pub const UNUSABLE: u8 = 2;
/// A callback is refused, or the provider has a problem.
pub const REFUSED: u8 = 3;
/// A call exceeded a limit, crashed, or broke the contract.
pub const BROKEN: u8 = 4;
/// The component cannot be loaded.
pub const NOT_LOADED: u8 = 5;

impl Failure {
    /// Makes the failure of a file that cannot be used.
    pub fn file(path: &Path, error: impl Display) -> Failure {
        Failure::Usage(format!("cannot use {}: {error}", path.display()))
    }

    /// Makes the failure of a file of the data folder that the system does not let this program use.
    pub fn of_data(path: &Path, error: &io::Error) -> Failure {
        let advice = match error.kind() {
            ErrorKind::PermissionDenied => {
                "; let this program's user read and write it (chown), or run the command as the user that `serve` runs as"
            }
            ErrorKind::ReadOnlyFilesystem => "; let this program write to the disk",
            _ => "",
        };
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                Failure::Passing(format!("cannot use {}: {error}; make room on the disk", path.display()))
            }
            _ => Failure::file(path, format!("{error}{advice}")),
        }
    }

    /// Makes the failure of a ledger that cannot be opened, read or written.
    pub fn of_ledger(path: &Path, error: &LedgerError) -> Failure {
        let message = format!("cannot use {}: {error}", path.display());
        match error {
            LedgerError::Full(_) | LedgerError::Locked(_) => Failure::Passing(message),
            _ => Failure::Usage(message),
        }
    }

    /// Makes the failure of a listener. A port may be left by another process, and an address may come with its network.
    pub fn of_listener(error: &io::Error) -> Failure {
        let message = format!("cannot listen on {error}");
        match error.kind() {
            ErrorKind::AddrInUse | ErrorKind::AddrNotAvailable => Failure::Passing(message),
            _ => Failure::Usage(message),
        }
    }

    /// Returns the message for a terminal. A component's text is escaped, and each fault of an export's rows is on a line of
    /// its own.
    pub fn shown(&self) -> String {
        let Failure::Export(ExportError::Faults(Faults { problems, more })) = self else {
            return escape::line(&self.to_string()).into_owned();
        };
        let escaped = |text: &str| escape::line(text).into_owned();
        let shown = |problem: &Problem| Problem {
            field: problem.field.as_deref().map(escaped),
            message: escaped(&problem.message),
            ..problem.clone()
        };
        Faults { problems: problems.iter().map(shown).collect(), more: *more }.to_string()
    }

    /// Returns the program's exit code.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Passing(_) => PASSING,
            Failure::Usage(_) | Failure::Unread => UNUSABLE,
            Failure::Component { .. } => NOT_LOADED,
            Failure::Sandbox(error) => code_of(error),
            Failure::Export(ExportError::Unaccounted { .. }) => BROKEN,
            Failure::Export(_) => REFUSED,
        })
    }

    /// Returns the provider's problems, for JSON output.
    pub fn problems(&self) -> Option<&[Problem]> {
        match self {
            Failure::Sandbox(Error::Provider(problems)) => Some(problems),
            Failure::Export(ExportError::Faults(faults)) => Some(&faults.problems),
            _ => None,
        }
    }
}

/// Returns the exit code for an error of the sandbox.
pub fn code_of(error: &Error) -> u8 {
    match error {
        Error::Load(_) => NOT_LOADED,
        Error::Provider(_) => REFUSED,
        Error::NoAbility { .. } => UNUSABLE,
        _ => BROKEN,
    }
}
