//! What can go wrong, for a program and for a person.

use std::fmt;

use domain::Problem;

/// Why the host did not do what it was asked to. Nothing of it was done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HostError {
    /// For a program.
    pub kind: ErrorKind,
    /// For a person, in English: what is wrong, and what to do.
    pub message: String,
    /// What is wrong by field, where a provider or a rule says it.
    pub problems: Vec<Problem>,
}

/// What kind of failure it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// What was given can be read, and not be done.
    Invalid,
    /// It cannot be done now; the same may be asked again.
    Unavailable,
    /// The provider answered with what it must not, exceeded a limit or crashed.
    ProviderFailed,
    /// What should never happen; the log says more.
    Internal,
}

impl HostError {
    /// An error in a sentence that says what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> HostError {
        HostError { kind, message: message.into(), problems: Vec::new() }
    }

    /// What should never happen; the log says more.
    pub fn internal(reason: String) -> HostError {
        tracing::error!(reason, "an operation failed");
        HostError::new(ErrorKind::Internal, "the host failed; its log says why")
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for HostError {}

impl From<ledger::Error> for HostError {
    fn from(error: ledger::Error) -> HostError {
        let kind = match error {
            ledger::Error::SumTooLarge(_) => ErrorKind::Invalid,
            _ => ErrorKind::Unavailable,
        };
        HostError::new(kind, error.to_string())
    }
}

impl From<catalog::Error> for HostError {
    fn from(error: catalog::Error) -> HostError {
        let kind = match error {
            catalog::Error::Name(_) | catalog::Error::Missing { .. } => ErrorKind::Invalid,
            _ => ErrorKind::Unavailable,
        };
        HostError::new(kind, error.to_string())
    }
}

impl From<sandbox::Error> for HostError {
    fn from(error: sandbox::Error) -> HostError {
        let message = error.to_string();
        match error {
            sandbox::Error::Provider(problems) => HostError { problems, ..HostError::new(ErrorKind::Invalid, message) },
            _ => HostError::new(ErrorKind::ProviderFailed, message),
        }
    }
}
