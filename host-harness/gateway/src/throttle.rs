//! Limits a log message to one a minute.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);

/// When the message was last logged.
#[derive(Default)]
pub struct EveryMinute(Mutex<Option<Instant>>);

impl EveryMinute {
    /// Reports whether the message is due, and counts it as logged if so.
    pub fn is_due(&self) -> bool {
        let mut told_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = told_at.is_none_or(|told_at| told_at.elapsed() >= MINUTE);
        if is_due {
            *told_at = Some(Instant::now());
        }
        is_due
    }
}
