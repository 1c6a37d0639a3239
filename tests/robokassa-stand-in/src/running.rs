//! A stand-in that runs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use stand_in::log::Log;
use stand_in::serving::{ServeError, Serving};
use thiserror::Error;

use crate::Sent;
use crate::config::Config;
use crate::scenario::Scenario;
use crate::server::{PAGE, StandIn};

/// Why a stand-in does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The shop has no name, or one that cannot be signed.
    #[error("the shop's identifier is empty or holds a colon")]
    MerchantLogin,
    /// A password is missing, or both are one.
    #[error("a password is empty, or Password #1 and Password #2 are the same")]
    Passwords,
    /// The ResultURL cannot be called.
    #[error("the ResultURL is no http:// URL; this server speaks no TLS")]
    ResultUrl,
    /// A page to return to is no URL.
    #[error("SuccessURL or FailURL is no http:// or https:// URL")]
    ReturnUrl,
    /// The address cannot be listened on, or the system gives no threads.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// A stand-in that serves on threads of its own, until it is dropped or stopped.
pub struct Running {
    serving: Serving,
    log: Arc<Log<Scenario>>,
}

impl Running {
    /// Starts one that listens on an address, such as `127.0.0.1:0` for a free port.
    ///
    /// # Errors
    /// Where the configuration is wrong or the address is taken.
    pub fn start(config: Config, listen: &str) -> Result<Running, StartError> {
        let stand_in = StandIn::new(config)?;
        let serving = Serving::start(stand_in.router(), listen)?;
        Ok(Running { serving, log: Arc::clone(stand_in.log()) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.serving.address()
    }

    /// The payment page, as a provider's settings name it: `http://127.0.0.1:8080/Merchant/Index.aspx`.
    pub fn url(&self) -> String {
        format!("http://{}{PAGE}", self.address())
    }

    /// What was sent until now, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.log.sent()
    }

    /// What was sent, once nothing more is under way: no delayed notification, no further attempt. `None` where something still
    /// is after `longest`.
    pub fn settled(&self, longest: Duration) -> Option<Vec<Sent>> {
        self.log.settled(longest)
    }

    /// Stops it, and waits until its port is free; what is under way is given up. Not for async code, which may only drop it.
    pub fn stop(self) {
        self.serving.stop();
    }
}
