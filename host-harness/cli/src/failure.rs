//! Why the program ends without doing what it was asked, and its exit code.

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

use domain::Problem;
use export::{ExportError, Faults};
use sandbox::Error;

use crate::escape;

/// A failure, as one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The arguments or the files are of no use.
    #[error("{0}")]
    Usage(String),
    /// Whoever read standard output has read enough, as `head` does.
    #[error("standard output is no longer read")]
    Unread,
    /// The component cannot be loaded.
    #[error("{component}: {error}")]
    Component {
        /// Its file.
        component: String,
        /// Why.
        error: Error,
    },
    /// The sandbox or the provider says no.
    #[error("{0}")]
    Sandbox(#[from] Error),
    /// There is no export, and not by the sandbox's or the disk's fault.
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

/// The exit codes.
pub const UNUSABLE: u8 = 2;
/// A callback is refused, or the provider has a problem.
pub const REFUSED: u8 = 3;
/// A limit, a crash, or an answer against the contract.
pub const BROKEN: u8 = 4;
/// The component cannot be loaded.
pub const NOT_LOADED: u8 = 5;

impl Failure {
    /// A file that cannot be used.
    pub fn file(path: &Path, error: impl Display) -> Failure {
        Failure::Usage(format!("cannot use {}: {error}", path.display()))
    }

    /// The sentence as a terminal shows it: what a component says is escaped, and each fault of an export's rows has a line of its own.
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

    /// The program's exit code.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Usage(_) | Failure::Unread => UNUSABLE,
            Failure::Component { .. } => NOT_LOADED,
            Failure::Sandbox(error) => code_of(error),
            Failure::Export(ExportError::Unaccounted { .. }) => BROKEN,
            Failure::Export(_) => REFUSED,
        })
    }

    /// The provider's problems, for a program.
    pub fn problems(&self) -> Option<&[Problem]> {
        match self {
            Failure::Sandbox(Error::Provider(problems)) => Some(problems),
            Failure::Export(ExportError::Faults(faults)) => Some(&faults.problems),
            _ => None,
        }
    }
}

/// The exit code of an error of the sandbox's.
pub fn code_of(error: &Error) -> u8 {
    match error {
        Error::Load(_) => NOT_LOADED,
        Error::Provider(_) => REFUSED,
        _ => BROKEN,
    }
}
