//! The gateway as a process.

use std::future::IntoFuture;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal;
use tokio::sync::watch;

use crate::Gateway;

/// How long requests may go on after the process was asked to end: a callback takes milliseconds, a feed may wait for a minute.
const ENDING_TIME_MAX: Duration = Duration::from_secs(5);

impl Gateway {
    /// Serves on an address until the process is asked to end (SIGTERM, SIGINT), and then what was begun. `ready` is told the
    /// address, whose port the system chose where it was 0.
    ///
    /// # Errors
    /// Where the address cannot be listened on.
    pub fn run(self, listen: SocketAddr, ready: impl FnOnce(SocketAddr)) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let served = runtime.block_on(async {
            let listener = TcpListener::bind(listen).await?;
            let (ended, mut ending) = watch::channel(());
            let asked = asked_to_end()?;
            ready(listener.local_addr()?);
            let served = axum::serve(listener, self.router()).with_graceful_shutdown(async move {
                asked.await;
                ended.send_replace(());
            });
            tokio::select! {
                served = served.into_future() => served,
                () = async {
                    // An error is a server that is gone.
                    drop(ending.changed().await);
                    tokio::time::sleep(ENDING_TIME_MAX).await;
                } => Ok(()),
            }
        });
        // What a provider or the ledger is at is ended by their own limits.
        runtime.shutdown_timeout(ENDING_TIME_MAX);
        served
    }
}

/// Ends when the process is asked to.
#[cfg(unix)]
fn asked_to_end() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())?;
    let mut interrupt = signal::unix::signal(signal::unix::SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
    })
}

/// Ends when the process is asked to.
#[cfg(not(unix))]
fn asked_to_end() -> io::Result<impl Future<Output = ()>> {
    Ok(async { drop(signal::ctrl_c().await) })
}
