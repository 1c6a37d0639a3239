//! What requests share.

use std::sync::Arc;

use host::Host;
use tokio::sync::watch;

use crate::Config;
use crate::callers::Callers;
use crate::guard::Guard;
use crate::hashing::Hashing;
use crate::logins::Logins;
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::readiness::Readiness;
use crate::sessions::Sessions;
use crate::throttle::EveryMinute;

/// The gateway's state, shared by requests.
pub struct Shared {
    pub host: Host,
    pub config: Config,
    pub metrics: Arc<Metrics>,
    pub guard: Guard,
    pub callers: Callers,
    pub sessions: Sessions,
    pub logins: Logins,
    /// Callbacks that came to the listener for everything else.
    pub misdirected: EveryMinute,
    /// Callbacks that prove nothing, of which there are too many.
    pub floods: EveryMinute,
    pub hashing: Hashing,
    pub readiness: Readiness,
    /// Notifies of new entries.
    pub entered: Arc<watch::Sender<()>>,
    /// Becomes true when shutdown is requested.
    pub ending: watch::Sender<bool>,
}

pub type App = Arc<Shared>;

/// Runs a blocking operation of the host on a separate thread, so that it does not block the threads that serve requests.
pub async fn blocking<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&Shared) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let app = app.clone();
    let done = tokio::task::spawn_blocking(move || work(&app)).await;
    done.unwrap_or_else(|error| Err(Problem::task_failed(error)))
}

impl Shared {
    /// Returns the time in seconds since the epoch.
    pub fn now(&self) -> u64 {
        self.host.now()
    }
}
