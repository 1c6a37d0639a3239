//! The real components and hostile ones in the sandbox. One program, since each would be linked with all of wasmtime.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "these are tests"
)]

mod budgets;
mod chronopay;
mod compile;
mod conformance;
mod embed;
mod entries;
mod exports;
mod hostile;
mod load;
mod provider_suite;
mod register;
mod robokassa;
