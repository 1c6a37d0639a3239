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

    /// Returns why every call to this URL would be refused, as far as the URL alone tells: a name may still lead to an address that is
    /// not called. `None` also for a text that is no URL, of which the component's check of its settings tells.
    fn unreachable(&self, url: &str) -> Option<Unreachable>;

    /// Returns the proxy by which calls are made, as `host:port`, for the operator. `None` without one.
    fn proxy(&self) -> Option<String> {
        None
    }
}

/// Why no call reaches the host of a URL.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unreachable {
    /// It is this machine itself, which only tests call, by a switch.
    ThisMachine,
    /// It is an address of the local network that the operator of the server has not listed.
    LocalNetwork,
    /// It is an address that no machine is reached by, such as one of a link, of documentation or of multicast.
    Special,
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

/// What a call is made for, which decides how long its answer may be: the one place that knows the contract's ceilings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallPurpose {
    /// A callback, a link, a status or an operation.
    Payment,
    /// A page of a settlement report.
    Report,
}

impl CallPurpose {
    /// Returns the longest answer to a call, in bytes after decoding: as long as its component allows, and at most 64 KiB, or 1 MiB
    /// for a report.
    pub fn answer_bytes_max(self, call: &HttpCall) -> usize {
        let ceiling = match self {
            CallPurpose::Payment => 64 << 10,
            CallPurpose::Report => 1 << 20,
        };
        usize::try_from(call.answer_bytes_max).unwrap_or(usize::MAX).min(ceiling)
    }
}

/// A client certificate with its private key, both in PEM.
#[derive(Clone)]
pub struct ClientIdentity(pub Zeroizing<String>);

#[cfg(test)]
mod tests {
    use domain::{HttpMethod, Repeatable};

    use super::*;

    #[test]
    fn an_answer_is_as_long_as_its_component_allows_and_its_purpose() {
        for (allowed, payment, report) in [
            (0, 0, 0),
            (1_000, 1_000, 1_000),
            (65_536, 65_536, 65_536),
            (65_537, 65_536, 65_537),
            (1_048_576, 65_536, 1_048_576),
            (1_048_577, 65_536, 1_048_576),
            (u32::MAX, 65_536, 1_048_576),
        ] {
            let call = HttpCall {
                method: HttpMethod::Get,
                url: String::new(),
                headers: Vec::new(),
                body: Vec::new(),
                repeatable: Repeatable::Always,
                answer_bytes_max: allowed,
                client_certificate: None,
                extra: Vec::new(),
            };
            let purposes = [CallPurpose::Payment, CallPurpose::Report];
            assert_eq!(purposes.map(|purpose| purpose.answer_bytes_max(&call)), [payment, report], "{allowed}");
        }
    }
}
