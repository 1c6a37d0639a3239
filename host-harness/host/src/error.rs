//! The host's errors, for programs and for people.

use std::fmt;

use domain::{InvalidIdentifier, LinkFailure, Problem};

use crate::error_code::ErrorCode;

/// The seconds after which a payment system is to send a callback again if its provider is unusable.
const RETRY_SECONDS: u64 = 60;

/// Why the host did not perform an operation. Nothing of the operation was done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HostError {
    /// For a program: the kind of the error.
    pub kind: ErrorKind,
    /// For a program: which error it is, if its kind does not say it.
    pub code: Option<ErrorCode>,
    /// For a person, in English: what is wrong, and what to do.
    pub message: String,
    /// What is wrong, by field, if a provider or a rule reports it.
    pub problems: Vec<Problem>,
    /// The seconds after which to retry, if known.
    pub retry_after: Option<u64>,
}

/// The kind of an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is well-formed, but not valid.
    Invalid,
    /// There is no such thing.
    NotFound,
    /// It existed, and was removed.
    Gone,
    /// It conflicts with an earlier operation, or was done already.
    Conflict,
    /// The data was changed since the caller read it.
    Stale,
    /// It cannot be done now; the same request can be retried.
    Unavailable,
    /// The provider violated the contract, exceeded a limit or crashed.
    ProviderFailed,
    /// A fault of the program; the log has details.
    Internal,
}

impl HostError {
    /// Creates an error. The message says what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> HostError {
        HostError { kind, code: None, message: message.into(), problems: Vec::new(), retry_after: None }
    }

    /// The input is well-formed, but not valid.
    pub fn invalid(message: impl Into<String>) -> HostError {
        HostError::new(ErrorKind::Invalid, message)
    }

    /// There is no such thing: `what` ends the sentence.
    pub fn not_found(what: &str) -> HostError {
        HostError::new(ErrorKind::NotFound, format!("there is no such {what}"))
    }

    /// There is no order with this id.
    pub fn unknown_order() -> HostError {
        HostError::not_found("order").with_code(ErrorCode::OrderUnknown)
    }

    /// There is no payment with this number.
    pub fn unknown_payment() -> HostError {
        HostError::not_found("payment").with_code(ErrorCode::PaymentUnknown)
    }

    /// There is no operation with this id.
    pub fn unknown_operation() -> HostError {
        HostError::not_found("operation").with_code(ErrorCode::OperationNotFound)
    }

    /// It conflicts with an earlier operation, or was done already.
    pub fn conflict(message: impl Into<String>) -> HostError {
        HostError::new(ErrorKind::Conflict, message)
    }

    /// It cannot be done now.
    pub(crate) fn unavailable(message: impl Into<String>) -> HostError {
        HostError::new(ErrorKind::Unavailable, message)
    }

    /// Returns the error for a callback. The payment system sends it again, since somebody may have put the provider right by
    /// then.
    pub(crate) fn of_callback(self) -> HostError {
        HostError { retry_after: Some(RETRY_SECONDS), ..self }
    }

    /// A fault of the program. Logs the reason; the message refers to the log.
    pub fn internal(reason: String) -> HostError {
        tracing::error!(error = reason, "an operation failed inside the program; report it to the program's authors");
        HostError::new(ErrorKind::Internal, "internal error; see the host's log")
    }

    /// Returns the error with a code of its own.
    pub fn with_code(self, code: ErrorCode) -> HostError {
        HostError { code: Some(code), ..self }
    }

    /// Returns the error with what is wrong by field.
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
            _ => HostError::new(ErrorKind::ProviderFailed, message).with_code(ErrorCode::ProviderFailed),
        }
    }
}

impl From<LinkFailure> for HostError {
    fn from(failure: LinkFailure) -> HostError {
        match failure {
            LinkFailure::Failed(problems) => sandbox::Error::Provider(problems).into(),
            LinkFailure::Unavailable(problem) => {
                HostError::unavailable("the payment system cannot make the link now; try again later")
                    .with_problems(vec![problem])
            }
            LinkFailure::Unknown(problem) => {
                let message = "it is not known whether the payment system made the link, and it is not asked for again; make a new \
                    order, with another Idempotency-Key";
                HostError::conflict(message).with_code(ErrorCode::OrderWithoutLink).with_problems(vec![problem])
            }
        }
    }
}

impl From<export::WriteError> for HostError {
    fn from(error: export::WriteError) -> HostError {
        HostError::new(ErrorKind::Unavailable, error.to_string())
    }
}
