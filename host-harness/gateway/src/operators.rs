//! Operators: their passwords, and who is logged in.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use ledger::{Ledger, Storage};
use subtle::ConstantTimeEq;

use crate::problem::Problem;

/// How short a password may be, and how long, in bytes: hashing takes its whole length.
const PASSWORD_CHARS_MIN: usize = 10;
const PASSWORD_BYTES_MAX: usize = 1024;
const NAME_CHARS_MAX: usize = 64;
/// How long a session lasts, in seconds: a working day.
pub const SESSION_SECONDS: u64 = 12 * 3600;
const TOKEN_BYTES: usize = 32;

/// Why a password is not set.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The name is of no use.
    #[error("an operator's name has 1 to {NAME_CHARS_MAX} letters, digits, dots, hyphens or underscores")]
    Name,
    /// The password is of no use.
    #[error("a password has at least {PASSWORD_CHARS_MIN} characters, and at most {PASSWORD_BYTES_MAX} bytes")]
    Password,
    /// It cannot be hashed.
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
    /// It cannot be kept.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
}

fn document(name: &str) -> String {
    format!("operator/{name}")
}

fn is_name(name: &str) -> bool {
    let is_plain = |char: char| char.is_alphanumeric() || matches!(char, '.' | '-' | '_');
    (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && name.chars().all(is_plain)
}

/// Sets an operator's password, or makes the operator.
///
/// # Errors
/// Where the name or password is of no use, or where they cannot be kept.
pub fn set_password<S: Storage>(ledger: &Ledger<S>, name: &str, password: &str) -> Result<(), OperatorError> {
    if !is_name(name) {
        return Err(OperatorError::Name);
    }
    if password.chars().count() < PASSWORD_CHARS_MIN || password.len() > PASSWORD_BYTES_MAX {
        return Err(OperatorError::Password);
    }
    let hash = hash(password).map_err(OperatorError::Hash)?;
    ledger.put_document(document(name), hash.into_bytes())?;
    Ok(())
}

/// Takes an operator's password away: nobody logs in by the name any more, and who is logged in is out.
///
/// # Errors
/// Where it cannot be kept.
pub fn remove<S: Storage>(ledger: &Ledger<S>, name: &str) -> Result<(), OperatorError> {
    Ok(ledger.put_document(document(name), Vec::new())?)
}

fn hash(password: &str) -> Result<String, String> {
    Ok(Argon2::default().hash_password(password.as_bytes()).map_err(|error| error.to_string())?.to_string())
}

/// What is kept of an operator's password; `None` for a name that nobody has.
pub fn kept<S: Storage>(ledger: &Ledger<S>, name: &str) -> Result<Option<String>, Problem> {
    let kept = if is_name(name) { ledger.document(&document(name))? } else { None };
    Ok(kept.and_then(|kept| String::from_utf8(kept).ok()).filter(|kept| !kept.is_empty()))
}

/// Whether a password is the one that is kept. It takes as long where none is.
pub fn is_password(kept: Option<&str>, password: &str) -> Result<bool, Problem> {
    static NOBODY: OnceLock<String> = OnceLock::new();
    if password.len() > PASSWORD_BYTES_MAX {
        return Ok(false);
    }
    let text = kept.unwrap_or_else(|| NOBODY.get_or_init(|| hash("nobody").unwrap_or_default()));
    let hash = PasswordHash::new(text).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok() && kept.is_some())
}

/// An operator who is logged in.
#[derive(Clone)]
pub struct Session {
    /// Who.
    pub operator: String,
    /// What the session's own forms say, and nobody else's.
    pub csrf: String,
    /// What was kept of the password then: another password ends the session.
    pub kept: String,
    /// Seconds since the epoch.
    expires_at: u64,
}

impl Session {
    /// Whether a form is the session's own.
    pub fn is_own(&self, csrf: &str) -> bool {
        self.csrf.as_bytes().ct_eq(csrf.as_bytes()).into()
    }
}

/// Who is logged in; it ends with the process.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<String, Session>>);

impl Sessions {
    /// Begins a session and gives what its cookie says.
    pub fn begin(&self, operator: String, kept: String, now: u64) -> Result<String, Problem> {
        let (token, csrf) = (random()?, random()?);
        let session = Session { operator, csrf, kept, expires_at: now + SESSION_SECONDS };
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| session.expires_at > now);
        sessions.insert(token.clone(), session);
        Ok(token)
    }

    /// The session of a cookie.
    pub fn of(&self, token: &str, now: u64) -> Option<Session> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(token).filter(|session| session.expires_at > now).cloned()
    }

    /// Ends a session.
    pub fn end(&self, token: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(token);
    }
}

/// A text that nobody can guess.
pub fn random() -> Result<String, Problem> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| Problem::internal(format!("no randomness: {error}")))?;
    Ok(hex::encode(bytes))
}
