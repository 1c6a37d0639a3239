//! Whether the ledger takes what is told: a commit that is made to see it, at most one a second.

use std::time::{Duration, Instant};

use ledger::Error;
use tokio::sync::Mutex;

use crate::App;
use crate::problem::Problem;

/// How long a result is given to whoever asks: asking more often does not make the disk work more.
const RESULT_TIME: Duration = Duration::from_secs(1);

/// The last result, and when it was known. Locked while one is made: others wait for it.
#[derive(Default)]
pub struct Readiness(Mutex<Option<(Instant, Result<(), Error>)>>);

impl Readiness {
    async fn ask(&self, app: &App) -> Result<(), Error> {
        let mut last = self.0.lock().await;
        if let Some((known, result)) = &*last
            && known.elapsed() < RESULT_TIME
        {
            return result.clone();
        }
        let app = app.clone();
        let committed = tokio::task::spawn_blocking(move || app.ledger.ready()).await;
        let result = committed.unwrap_or_else(|error| Err(Error::Unavailable(error.to_string())));
        *last = Some((Instant::now(), result.clone()));
        result
    }
}

/// Asks whether the ledger takes what is told.
pub async fn ready(app: App) -> Result<(), Problem> {
    // On a task of its own: who hangs up does not let the next one begin another commit.
    let asked = tokio::spawn(async move { app.readiness.ask(&app).await });
    Ok(asked.await.map_err(Problem::unfinished)??)
}
