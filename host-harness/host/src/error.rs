//! What can go wrong, for a program and for a person.

use std::fmt;

use domain::{InvalidIdentifier, Problem};

/// After how long whoever found a payment system out of order tries again, in seconds.
const RETRY_SECONDS: u64 = 60;

/// Why the host did not do what it was asked to. Nothing of it was done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HostError {
    /// For a program: what kind of failure it is.
    pub kind: ErrorKind,
    /// For a program: which failure it is, where the host names it, such as `decision-already-undone`; else the kind's name.
    pub code: &'static str,
    /// For a person, in English: what is wrong, and what to do.
    pub message: String,
    /// What is wrong by field, where a provider or a rule says it.
    pub problems: Vec<Problem>,
    /// After how many seconds to try again, where that is known.
    pub retry_after: Option<u64>,
}

/// What kind of failure it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// What was given can be read, and not be done.
    Invalid,
    /// There is no such thing.
    NotFound,
    /// There is no such thing any more.
    Gone,
    /// Somebody else did something else, or it was done before.
    Conflict,
    /// What was read before is not what is there now.
    Stale,
    /// It cannot be done now; the same may be asked again.
    Unavailable,
    /// The provider answered with what it must not, exceeded a limit or crashed.
    ProviderFailed,
    /// What should never happen; the log says more.
    Internal,
}

impl ErrorKind {
    /// Its name, such as `not-found`.
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::Invalid => "invalid",
            ErrorKind::NotFound => "not-found",
            ErrorKind::Gone => "gone",
            ErrorKind::Conflict => "conflict",
            ErrorKind::Stale => "stale",
            ErrorKind::Unavailable => "unavailable",
            ErrorKind::ProviderFailed => "provider-failed",
            ErrorKind::Internal => "internal",
        }
    }
}

impl HostError {
    /// An error in a sentence that says what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> HostError {
        HostError { kind, code: kind.name(), message: message.into(), problems: Vec::new(), retry_after: None }
    }

    /// What was given can be read, and not be done.
    pub fn invalid(message: impl Into<String>) -> HostError {
        HostError::new(ErrorKind::Invalid, message)
    }

    /// There is no such thing: `what` ends the sentence.
    pub fn not_found(what: &str) -> HostError {
        HostError::new(ErrorKind::NotFound, format!("there is no such {what}"))
    }

    /// Somebody else did something else, or it was done before.
    pub fn conflict(message: impl Into<String>) -> HostError {
        HostError::new(ErrorKind::Conflict, message)
    }

    /// A payment system takes nothing now.
    pub(crate) fn out_of_order(message: impl Into<String>) -> HostError {
        HostError { retry_after: Some(RETRY_SECONDS), ..HostError::new(ErrorKind::Unavailable, message) }
    }

    /// What should never happen; the log says more.
    pub fn internal(reason: String) -> HostError {
        tracing::error!(reason, "an operation failed");
        HostError::new(ErrorKind::Internal, "internal error; see the host's log")
    }

    /// The same with a name for programs.
    pub fn with_code(self, code: &'static str) -> HostError {
        HostError { code, ..self }
    }

    /// The same with what is wrong by field.
    pub fn with_problems(self, problems: Vec<Problem>) -> HostError {
        HostError { problems, ..self }
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for HostError {}

impl From<InvalidIdentifier> for HostError {
    fn from(error: InvalidIdentifier) -> HostError {
        HostError::invalid(error.to_string())
    }
}

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

impl From<export::WriteError> for HostError {
    fn from(error: export::WriteError) -> HostError {
        HostError::new(ErrorKind::Unavailable, error.to_string())
    }
}
