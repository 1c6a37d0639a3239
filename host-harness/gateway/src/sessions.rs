//! The sessions of operators.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use subtle::ConstantTimeEq;

use crate::problem::Problem;

/// How long a session lasts, in seconds: a working day; and how long it lasts after its last request.
pub const SESSION_SECONDS: u64 = 12 * 3600;
const SESSION_IDLE_SECONDS: u64 = 30 * 60;
const TOKEN_BYTES: usize = 32;

/// An operator's session.
#[derive(Clone)]
pub struct Session {
    /// The operator's name.
    pub operator: String,
    /// The CSRF token in the session's own forms.
    pub csrf: String,
    /// The stored hash of the password at login. A changed hash ends the session.
    pub kept: String,
    /// Whether a form was sent before the login, to which no page has said yet that nothing was done.
    is_form_lost: Arc<AtomicBool>,
    /// In seconds since the epoch: when the session ends in any case, and when it was last used.
    expires_at: u64,
    used_at: u64,
}

impl Session {
    fn is_over(&self, now: u64) -> bool {
        now >= self.expires_at || now >= self.used_at + SESSION_IDLE_SECONDS
    }

    /// Reports once, to the page that says it, that a form was sent before the login and did nothing.
    pub fn take_lost_form(&self) -> bool {
        self.is_form_lost.swap(false, Ordering::Relaxed)
    }

    /// Reports whether a form is the session's own.
    pub fn csrf_matches(&self, csrf: &str) -> bool {
        self.csrf.as_bytes().ct_eq(csrf.as_bytes()).into()
    }
}

/// The sessions. They end with the process.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<String, Session>>);

impl Sessions {
    /// Begins a session, and returns the value of its cookie. `is_form_lost` says that a form was sent before it, and did nothing.
    pub fn begin(&self, operator: String, kept: String, is_form_lost: bool, now: u64) -> Result<String, Problem> {
        let (token, csrf) = (random()?, random()?);
        let (is_form_lost, expires_at) = (Arc::new(is_form_lost.into()), now + SESSION_SECONDS);
        let session = Session { operator, csrf, kept, is_form_lost, expires_at, used_at: now };
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| !session.is_over(now));
        sessions.insert(token.clone(), session);
        Ok(token)
    }

    /// Returns the session of a cookie, and records its use.
    pub fn of(&self, token: &str, now: u64) -> Option<Session> {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get_mut(token).filter(|session| !session.is_over(now))?;
        // If the clock is set back, the session does not last longer.
        session.used_at = session.used_at.max(now);
        Some(session.clone())
    }

    /// Ends a session.
    pub fn end(&self, token: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(token);
    }
}

/// Returns an unguessable text.
pub fn random() -> Result<String, Problem> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| Problem::internal(format!("no randomness: {error}")))?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_when_nobody_uses_it_and_after_a_day() {
        let sessions = Sessions::default();
        let begin = || sessions.begin("anna".to_owned(), String::new(), false, 1000).unwrap();
        let is_there = |token: &str, now| sessions.of(token, now).is_some();
        let idle = begin();
        assert!(is_there(&idle, 1000 + SESSION_IDLE_SECONDS - 1) && is_there(&idle, 1000 + 2 * SESSION_IDLE_SECONDS - 2));
        assert!(!is_there(&idle, 1000 + 3 * SESSION_IDLE_SECONDS));
        let used = begin();
        let minutes = (1000..1000 + SESSION_SECONDS).step_by(60);
        assert!(minutes.into_iter().all(|now| is_there(&used, now)));
        assert!(!is_there(&used, 1000 + SESSION_SECONDS));
        let ended = begin();
        sessions.end(&ended);
        assert!(!is_there(&ended, 1000));
    }
}
