//! Orders, payments and write-offs: every rule about money lives here.
//!
//! The ledger knows no provider, no HTTP and no SQL. What a provider proved comes in as an [`Event`](domain::Event); [`Ledger`] decides in one
//! transaction what it is worth to an account, exactly once; a [`Storage`] keeps it, and answers only when it is on disk. The crate
//! `host` calls it; `storage-sqlite` implements its port. What a storage must do is tried by the suite in `testing`.
//!
//! Amounts are minor units with their currency. An account's balance in a currency is the sum of its entries, as are the sums of
//! each hour; both are kept beside the entries, and [`Ledger::check`] compares them.

#![cfg_attr(test, allow(missing_docs))]

mod accounting;
mod decisions;
mod error;
mod exportable;
mod pending;
mod rules;
mod statistics;
pub mod storage;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::{Commit, Error, Loss};
pub use exportable::faults_of_party;
pub use rules::{HOUR_SECONDS, Ledger, enter};
pub use statistics::Pages;
pub use storage::Storage;
