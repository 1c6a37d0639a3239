//! A stand-in that runs.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::runtime::{Builder, Runtime};

use crate::config::Config;
use crate::log::{Log, Sent};
use crate::server::StandIn;

const STOP_TIME_MAX: Duration = Duration::from_secs(2);

/// Why a stand-in does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The product has another form.
    #[error("the product id is not three groups of 6, 4 and 4 digits, such as 001234-0001-0001")]
    ProductId,
    /// There is no secret.
    #[error("the shared secret is empty")]
    Secret,
    /// The currency has another form.
    #[error("the currency is not three capital letters, such as RUB")]
    Currency,
    /// The callback URL cannot be called.
    #[error("the callback URL is no http:// URL; this server speaks no TLS")]
    CallbackUrl,
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(String, #[source] io::Error),
    /// The system gives no threads.
    #[error("cannot start: {0}")]
    Runtime(#[source] io::Error),
}

/// A stand-in that serves on threads of its own, until it is dropped or stopped.
pub struct Running {
    address: SocketAddr,
    log: Arc<Log>,
    runtime: Option<Runtime>,
}

impl Running {
    /// Starts one that listens on an address, such as `127.0.0.1:0` for a free port.
    ///
    /// # Errors
    /// Where the configuration is wrong or the address is taken.
    pub fn start(config: Config, listen: &str) -> Result<Running, StartError> {
        let stand_in = StandIn::new(config)?;
        let failed = |error| StartError::Listen(listen.to_owned(), error);
        let listener = TcpListener::bind(listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(StartError::Runtime)?;
        let listener = {
            let _entered = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(failed)?
        };
        let (log, router) = (Arc::clone(stand_in.log()), stand_in.router());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Running { address, log, runtime: Some(runtime) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The payment page, as a provider's settings name it: `http://127.0.0.1:8080/`.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// What was sent until now, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.log.sent()
    }

    /// What was sent, once nothing more is under way: no delayed callback, no further attempt. `None` where something still is
    /// after `longest`.
    pub fn settled(&self, longest: Duration) -> Option<Vec<Sent>> {
        self.log.settled(longest)
    }

    /// Stops it, and waits until its port is free; what is under way is given up. Not for async code, which may only drop it.
    pub fn stop(mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(STOP_TIME_MAX);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
