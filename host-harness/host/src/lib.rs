//! The application: everything that a page, the API or the command line offers, without HTTP.
//!
//! Blocking, like the ledger and the sandbox; a server puts it on its threads.

#![cfg_attr(test, allow(missing_docs))]

pub mod call_permits;
pub mod call_pool;
mod clock;
mod error;
pub mod operators;
pub mod refusals;
mod sealing;
pub mod spent_tokens;

pub use clock::{Clock, SystemClock};
pub use error::{ErrorKind, HostError};
pub use sealing::{Key, NoRandomness};
