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
    /// When to try again, in seconds.
    pub retry_after_seconds: Option<u64>,
}

/// What kind of failure it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no such thing.
    NotFound,
    /// There was such a thing, and a person removed it.
    Gone,
    /// What was given can be read, and not be done.
    Invalid,
    /// What was given does not go with what is there.
    Conflict,
    /// Somebody changed it since it was read.
    Stale,
    /// It cannot be done now; the same may be asked again.
    Unavailable,
    /// A subscriber chose a payment system that takes no payments now.
    NotOffered,
    /// The provider answered with what it must not, exceeded a limit or crashed.
    ProviderFailed,
    /// What should never happen; the log says more.
    Internal,
}

impl HostError {
    /// An error in a sentence that says what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> HostError {
        HostError { kind, message: message.into(), problems: Vec::new(), retry_after_seconds: None }
    }

    /// What was given can be read, and not be done.
    pub fn invalid(message: impl Into<String>) -> HostError {
        HostError::new(ErrorKind::Invalid, message)
    }

    /// What was given does not go with what is there.
    pub fn conflict(message: impl Into<String>) -> HostError {
        HostError::new(ErrorKind::Conflict, message)
    }

    /// There is no such thing.
    pub fn not_found(what: &str) -> HostError {
        HostError::new(ErrorKind::NotFound, format!("there is no such {what}"))
    }

    /// What should never happen; the log says more.
    pub fn internal(reason: String) -> HostError {
        tracing::error!(reason, "an operation failed");
        HostError::new(ErrorKind::Internal, "the host failed; its log says why")
    }

    /// What is wrong by field.
    #[must_use]
    pub fn with_problems(self, problems: Vec<Problem>) -> HostError {
        HostError { problems, ..self }
    }

    /// When to try again, in seconds.
    #[must_use]
    pub fn with_retry_after(self, seconds: u64) -> HostError {
        HostError { retry_after_seconds: Some(seconds), ..self }
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
            sandbox::Error::Provider(problems) => HostError::invalid(message).with_problems(problems),
            _ => HostError::new(ErrorKind::ProviderFailed, message),
        }
    }
}
