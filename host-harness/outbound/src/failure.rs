//! Why a call failed.

use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

use crate::limits;

/// Why a call failed. Whether it may have had its effect is not told here, but by the call's progress.
///
/// The texts are for an operator. They name the host that was called, and nothing else of the call: a path, a query, a header or
/// a body may hold secrets.
#[derive(Error, Debug)]
pub enum Failure {
    /// Nothing can be made of the URL.
    #[error("the component's URL cannot be called: {0}")]
    Url(&'static str),
    /// A header is one that the client sets.
    #[error("the component sets the header `{0}`, which the client alone may set")]
    ReservedHeader(&'static str),
    /// A header is not one of HTTP. Headers are counted from 1.
    #[error("header {0} of the component's call has a name or a character that HTTP does not allow")]
    Header(usize),
    /// An answer could come in a coding that is not decoded.
    #[error("the component's call accepts a content coding that is not decoded; `accept-encoding` may name gzip and identity")]
    AcceptEncoding,
    /// More headers than can be sent.
    #[error("the component's call has too many headers")]
    Headers,
    /// The method is not one of HTTP.
    #[error("the component's call has a method that HTTP does not allow")]
    Method,
    /// The client certificate cannot be shown.
    #[error("the client certificate cannot be used: {0}; enter a certificate and its private key in PEM, without a password")]
    Identity(String),
    /// The host is not one to call.
    #[error("{host} is {what}, which is not called")]
    Forbidden { host: String, what: &'static str },
    /// The name leads to no address that may be called.
    #[error(
        "{host} resolves to {address}, which is not a public address; list {host} in the hosts of the local network if it is meant"
    )]
    NotPublic { host: String, address: IpAddr },
    /// Billing's name leads to no address that it may be asked at.
    #[error(
        "{host} resolves to {address}, where billing is not asked: over http it may be this machine or in a private network alone; \
         use https for a public address"
    )]
    NotBilling { host: String, address: IpAddr },
    /// The name could not be resolved.
    #[error("the name {host} cannot be resolved: {error}")]
    Name { host: String, error: io::Error },
    /// The name has no address.
    #[error("the name {host} has no address")]
    NoAddress { host: String },
    /// No address took the connection.
    #[error("no connection to {host} at {address}: {error}")]
    Connect { host: String, address: IpAddr, error: io::Error },
    /// The proxy did not open a tunnel.
    #[error("the proxy {proxy} opens no connection to {host}: {problem}")]
    Proxy { proxy: String, host: String, problem: String },
    /// No TLS.
    #[error("no TLS with {host}: {problem}")]
    Tls { host: String, problem: String },
    /// There is nothing to know a payment system's certificate by.
    #[error("this machine has no CA certificates: install the system's package of them (ca-certificates), or name a CA file")]
    NoRoots,
    /// The connection ended, or what came is not HTTP.
    #[error("{host} gave no whole answer: {problem}")]
    Answer { host: String, problem: String },
    /// The body is too long.
    #[error("the answer of {host} is longer than the {bytes_max} bytes that this call allows")]
    TooLong { host: String, bytes_max: usize },
    /// The body's coding is not one that was asked for.
    #[error("the answer of {host} has a content coding or transfer coding that was not asked for; only gzip is decoded")]
    Coding { host: String },
    /// The body does not decode.
    #[error("the answer of {host} is not whole and valid gzip")]
    Undecodable { host: String },
    /// The time is up.
    #[error("the call took longer than its {} s, while {doing}", .time_max.as_secs_f32())]
    Time { time_max: Duration, doing: &'static str },
    /// The client or its task ended.
    #[error("the call was given up, because the program is ending or an error of its own stopped the call")]
    GivenUp,
}

/// Says what an error of the HTTP library means.
pub fn of_http(error: &hyper::Error) -> String {
    if error.is_parse_too_large() {
        return head_too_long();
    }
    if let Some(error) = io_source(error) {
        return of_io(error);
    }
    if error.is_parse() {
        return "what it sent is not HTTP/1.1".to_owned();
    }
    "it closed the connection before the answer was complete".to_owned()
}

/// Says that an answer's head is too long.
pub fn head_too_long() -> String {
    format!("its headers exceed {} bytes or {} fields", limits::HEAD_BYTES_MAX, limits::HEADERS_MAX)
}

/// Says what an error of a connection means.
pub fn of_io(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::AlertReceived(alert)) => format!("it ended TLS with the alert {alert:?}"),
        Some(error) => format!("TLS failed: {error}"),
        None if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted) => {
            "it closed the connection".to_owned()
        }
        None => error.to_string(),
    }
}

fn io_source(error: &hyper::Error) -> Option<&io::Error> {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        source = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_connection_is_said_in_words() {
        for kind in [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset, ErrorKind::ConnectionAborted] {
            assert_eq!(of_io(&kind.into()), "it closed the connection");
        }
        assert_eq!(of_io(&io::Error::other("no route")), "no route");
    }
}
