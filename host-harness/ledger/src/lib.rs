//! Orders, payments and write-offs: every rule about money lives here.
//!
//! The ledger knows no provider, no HTTP and no SQL. What a provider proved comes in as an [`Event`]; [`Ledger`] decides in one
//! transaction what it is worth to an account, exactly once; a [`Storage`] keeps it, and answers only when it is on disk.
//!
//! Amounts are minor units with their currency. An account's balance in a currency is the sum of its entries, as are the sums of
//! each hour; both are kept beside the entries, and [`Ledger::check`] compares them.

#![cfg_attr(test, allow(missing_docs))]

mod error;
mod model;
mod rules;
mod sqlite;
mod statistics;
mod storage;

pub use error::Error;
pub use model::{
    Account, Balance, CallbackCounts, Correction, CorrectionRefusal, Day, Entry, EntryKind, Event, EventKind, Imbalance, Money,
    NewEntry, NewOrder, Order, OrderRefusal, Outcome, PartyKind, RawCallback, Reason, Recurrence, Refusals, Resolution,
    ResolveRefusal, Sum, Unmatched, Unrecognized, WriteOff, WriteOffRefusal, WriteOffsAdded,
};
pub use rules::{HOUR_SECONDS, Ledger};
pub use sqlite::Sqlite;
pub use statistics::{Filter, Hour, PageFrom, Place};
pub use storage::{Storage, Transaction};
