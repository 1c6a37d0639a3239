//! Whether the ledger takes what is told: a commit that is made to see it, at most one a second.

use std::time::{Duration, Instant};

use host::{ErrorKind, Host, HostError};
use tokio::sync::Mutex;

/// How long a result is given to whoever asks: asking more often does not make the disk work more.
const RESULT_TIME: Duration = Duration::from_secs(1);

/// The last result, and when it was known. Locked while one is made: others wait for it.
#[derive(Default)]
pub struct Readiness(Mutex<Option<(Instant, Result<(), HostError>)>>);

impl Readiness {
    /// Asks, or gives what came of it a moment ago.
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
