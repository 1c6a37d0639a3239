//! The program as a process: killed, filled up, simulated, in a browser. It is a single test program, since each would be
//! linked with all of wasmtime.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "these are tests"
)]

mod browser;
mod durability;
mod failures;
mod golden;
mod operations;
mod secrets;
mod simulation;
mod swap;
mod tbank;
mod terminals;
mod torture;
mod yookassa;
