//! The stand-ins over HTTP: what each accepts and refuses, and what each scenario sends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "it is all test code")]

mod api;
mod checks;
mod chronopay;
mod program;
mod robokassa;
mod shop;
mod vectors;
mod wire;
