//! The program `host-harness serve` as its users meet it: a separate process that is used over HTTP, with the real component
//! and a real database. Here it is killed, filled up and flooded.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "it is all test code")]

pub mod api;
pub mod audit;
pub mod browser;
pub mod callback_spec;
pub mod host;
pub mod site;
pub mod torture;

pub use api::{Api, Entry, Waiting};
pub use browser::{Browser, Engine, Screen};
pub use callback_spec::{CallbackSpec, Type};
pub use host::{Folder, Host};
pub use site::Site;
