//! The client against servers on this machine that do what no server should.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "these are tests"
)]

mod answers;
mod billing;
mod calls;
mod certificates;
mod client;
mod identities;
mod outcomes;
mod proxies;
mod server;
mod tls;
