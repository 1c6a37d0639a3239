//! What the ledger promises over SQLite: the suite for any storage, a model, and what SQLite adds.

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
mod driven;
mod log;
mod mark;
mod model;
mod operations;
mod restored;
mod sqlite;
mod two_phases;

use std::cell::Cell;

use storage_sqlite::Sqlite;

/// Every rule about money, over this storage.
#[test]
fn sqlite_passes_ledger_suite() {
    let folder = tempfile::tempdir().unwrap();
    let made = Cell::new(0);
    ledger_suite::suite(|| {
        made.set(made.get() + 1);
        Sqlite::open(&folder.path().join(format!("{}.db", made.get()))).unwrap()
    });
}
