//! The port to a client that makes the HTTP calls of providers.

use std::time::Duration;

use domain::{HttpCall, HttpResult};
use zeroize::Zeroizing;

/// Makes HTTP calls to payment systems. The host decides which calls are made; an implementation decides how. It uses TLS, follows
/// no redirect, and connects to no address of this machine or of a private network unless the operator allows it.
pub trait Outbound: Send + Sync {
    /// Makes one call, and passes its result to `then`, once, on any thread, which `then` must not block for long. The reason of a
    /// result without an answer is logged and shown: of the call, it names the host alone.
    fn send(&self, call: OutboundCall, then: Box<dyn FnOnce(HttpResult) + Send>);

    /// Returns the proxy by which calls are made, as `host:port`, for the operator. `None` without one.
    fn proxy(&self) -> Option<String> {
        None
    }
}

/// A call to make. The host has checked that its component may call this URL's host.
pub struct OutboundCall {
    /// The call. Its `repeatable`, `answer_bytes_max` and `client_certificate` are the host's concern.
    pub call: HttpCall,
    /// How long the whole call may take, from connecting to the last byte.
    pub time_max: Duration,
    /// The longest body of an answer, in bytes, after decoding. A longer answer is [`HttpResult::Unknown`].
    pub answer_bytes_max: usize,
    /// The client certificate to show.
    pub identity: Option<ClientIdentity>,
}

/// A client certificate with its private key, both in PEM.
#[derive(Clone)]
pub struct ClientIdentity(pub Zeroizing<String>);
