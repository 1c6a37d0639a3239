//! The process that a gateway runs in: its threads, and the signals that it gets.

use std::io;

use tokio::runtime::Runtime;
use tokio::signal;

use crate::shared::App;

/// What ends a process that writes beyond the limit of a file's size (Linux's signal(7)).
#[cfg(target_os = "linux")]
const SIGXFSZ: i32 = 25;

/// The threads that a gateway runs on, and its handlers of signals.
///
/// Make it before anything slow. From then on SIGHUP no longer ends the process: one that arrives while the ledger is opened or
/// components are compiled is remembered until the gateway serves, and the lock file is read then. A write beyond the limit of a
/// file's size becomes an error like that of a full disk.
pub struct Process {
    pub(crate) runtime: Runtime,
    pub(crate) hang_up: HangUp,
}

impl Process {
    /// Starts the threads and sets the handlers.
    ///
    /// # Errors
    /// A thread cannot be started, or a handler not be set.
    pub fn prepare() -> io::Result<Process> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let entered = runtime.enter();
        let hang_up = HangUp::listen()?;
        // A handler stays for as long as the process lives.
        #[cfg(target_os = "linux")]
        drop(signal::unix::signal(signal::unix::SignalKind::from_raw(SIGXFSZ))?);
        drop(entered);
        Ok(Process { runtime, hang_up })
    }
}

/// SIGHUP: the catalog's lock file was changed by hand.
#[cfg(unix)]
pub struct HangUp(signal::unix::Signal);

#[cfg(unix)]
impl HangUp {
    fn listen() -> io::Result<HangUp> {
        Ok(HangUp(signal::unix::signal(signal::unix::SignalKind::hangup())?))
    }

    /// Uses what the catalog's lock file says, whenever the process is told that it changed.
    pub(crate) async fn reload_lock(mut self, app: App) {
        while self.0.recv().await.is_some() {
            let app = app.clone();
            drop(tokio::task::spawn_blocking(move || app.host.reload_lock()).await);
        }
    }
}

/// There is no such signal here: a changed lock file is used at the next start.
#[cfg(not(unix))]
pub struct HangUp;

#[cfg(not(unix))]
impl HangUp {
    fn listen() -> io::Result<HangUp> {
        Ok(HangUp)
    }

    pub(crate) async fn reload_lock(self, _: App) {}
}

/// Ends when the process is asked to.
#[cfg(unix)]
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())?;
    let mut interrupt = signal::unix::signal(signal::unix::SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
    })
}

/// Ends when the process is asked to.
#[cfg(not(unix))]
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async { drop(signal::ctrl_c().await) })
}
