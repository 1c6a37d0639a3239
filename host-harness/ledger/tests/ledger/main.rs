//! What the ledger promises, by rule, by storage and against a model. One program, since each would be linked with all of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "these are tests"
)]

mod accounting;
mod check;
mod mark;
mod model;
mod rules;
mod sqlite;
