//! Orders, payments and write-offs: all rules about money are in this crate.
//!
//! The ledger knows no provider, no HTTP and no SQL. A provider's proof arrives as an [`Event`](domain::Event). In one
//! transaction, [`Ledger`] decides exactly once what the event is worth to an account, and makes a movement of it, with a number of
//! its own. A [`Storage`] stores the result, and answers only when it is on disk. The crate `host` calls this crate; `storage-sqlite` implements its port. The tests' crate
//! `ledger-suite` tests what a storage must do.
//!
//! Amounts are minor units with their currency. An account's balance in a currency is the sum of its entries, and each hour has
//! sums of its entries as well. Both are stored beside the entries, and [`Ledger::check`] compares them.

#![cfg_attr(test, allow(missing_docs))]

mod accounting;
mod decisions;
mod digest;
mod error;
mod exportable;
pub mod operations;
mod pending;
mod restorations;
mod rules;
mod schedule;
mod statistics;
mod status_asks;
pub mod storage;
mod submission;

pub use error::{Commit, Error, Loss, utc_text};
pub use exportable::{faults_of_party, individual};
pub use operations::{
    CALL_SECONDS_MAX, CallDecision, EndedOperation, GiveUp, Journal, OperationEnd, Pass, ProviderResult, SentCall, WantedCall,
};
pub use restorations::{RESTORED, missing_since, record_restoration};
pub use rules::{HOUR_SECONDS, Ledger, enter};
pub use schedule::{ASK_AGAIN_SECONDS_MIN, WAIT_SECONDS_MAX, next_ask};
pub use statistics::Pages;
pub use storage::Storage;
pub use submission::{Origin, Recorded, Reported, Submission, Submitted};
