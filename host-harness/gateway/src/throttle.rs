//! What is logged at most once a minute, however often it happens.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);

/// When something was told last.
#[derive(Default)]
pub struct EveryMinute(Mutex<Option<Instant>>);

impl EveryMinute {
    /// Whether it is to be told now; it then counts as told.
    pub fn is_due(&self) -> bool {
        let mut told_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = told_at.is_none_or(|told_at| told_at.elapsed() >= MINUTE);
        if is_due {
            *told_at = Some(Instant::now());
        }
        is_due
    }
}
