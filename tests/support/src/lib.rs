//! What tests of several crates share: server processes, an HTTP client, an operator's session, raw requests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "it is all test code")]

mod client;
mod program;
mod session;
pub mod wire;

pub use client::{Answer, Client, agent};
pub use program::{Program, StartError};
pub use session::{Session, try_log_in};
pub use wire::Wire;
