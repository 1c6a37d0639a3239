//! Checks with a commit whether the ledger accepts writes, at most once a second.

use std::time::{Duration, Instant};

use host::{ErrorKind, Host, HostError};
use tokio::sync::Mutex;

/// How long a result is reused, so that frequent requests do not cause more disk writes.
const RESULT_TIME: Duration = Duration::from_secs(1);

/// The last result, and when it was obtained. The lock is held during a check, so that others wait for its result.
#[derive(Default)]
pub struct Readiness(Mutex<Option<(Instant, Result<(), HostError>)>>);

impl Readiness {
    /// Checks the ledger, or returns a recent result.
    pub async fn ask(&self, host: &Host) -> Result<(), HostError> {
        let mut last = self.0.lock().await;
        if let Some((known, result)) = &*last
            && known.elapsed() < RESULT_TIME
        {
            return result.clone();
        }
        let host = host.clone();
        let committed = tokio::task::spawn_blocking(move || host.ready()).await;
        let result = committed.unwrap_or_else(|error| Err(HostError::new(ErrorKind::Unavailable, error.to_string())));
        *last = Some((Instant::now(), result.clone()));
        result
    }
}
