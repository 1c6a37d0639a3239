//! Why a client cannot be made.

use std::path::PathBuf;

use thiserror::Error;

/// Why a client cannot be made of its options. No message holds the password of a proxy.
#[derive(Error, Debug)]
#[non_exhaustive]
pub enum OutboundError {
    /// The CA file cannot be read.
    #[error("the CA file {} cannot be read: {error}; name a file of certificates in PEM that this user may read", .path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The CA file is not one.
    #[error("the CA file {} has {problem}; name a file with one or several certificates in PEM", .path.display())]
    CaCertificate {
        /// The file.
        path: PathBuf,
        /// What is wrong, after "has".
        problem: String,
    },
    /// An entry of the list of local hosts is not a host of a local network.
    #[error("`{entry}` in the hosts of the local network: {problem}; write a name or an address, with or without :port")]
    LanHost {
        /// The entry.
        entry: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The proxy's URL cannot be used.
    #[error(
        "the proxy of {source_name}: {problem}; write http://proxy.example:3128, or http://name:password@proxy.example:3128"
    )]
    Proxy {
        /// The option or variable that has it.
        source_name: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// An entry of the hosts that are called without the proxy cannot be read.
    #[error(
        "`{entry}` in the hosts that are called without the proxy: {problem}; write names, addresses or networks, with commas"
    )]
    NoProxy {
        /// The entry.
        entry: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The URL of billing cannot be used.
    #[error(
        "the URL of billing: {problem}; write https://billing.example.ru/accounts, or http:// for this machine and private networks"
    )]
    BillingUrl {
        /// What is wrong.
        problem: &'static str,
    },
    /// The token for billing cannot be sent.
    #[error("the token for billing is empty, or has a space or a character beyond ASCII, which a header cannot hold")]
    BillingToken,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// The system gives no threads.
    #[error("the threads of the client for payment systems cannot be started: {0}")]
    Threads(#[source] std::io::Error),
}
