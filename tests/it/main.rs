//! Real and hostile components in the sandbox. They are a single program, since each test program would be linked with all of
//! wasmtime.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "these are tests"
)]

mod abilities;
mod budgets;
mod chronopay;
mod cloudpayments;
mod compile;
mod conformance;
mod embed;
mod entries;
mod exports;
mod hostile;
mod load;
mod onec;
mod osmp;
mod provider_suite;
mod register;
mod robokassa;
mod shipped_abilities;
mod tbank;
mod yookassa;
