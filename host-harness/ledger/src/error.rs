//! What can go wrong with the storage itself. What the rules say no to is no error: see the `…Refusal` of each operation.

/// Why the ledger could not read or keep something. Nothing of the operation was kept.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The storage refuses: a full disk, a database that is locked or read-only. It may work later.
    #[error("the ledger's storage refuses: {0}; see to the disk, and try again")]
    Unavailable(String),
    /// A balance, or a sum of entries that is kept, would no longer be a number of 64 bits.
    #[error("the amount is too large: with it a balance or a sum would exceed {max} minor units", max = i64::MAX)]
    BeyondRange,
    /// The database was made by a newer program.
    #[error("the database has the version {found}, and this program knows {known}; run the newer program")]
    NewerDatabase {
        /// The database's version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The database holds what no version of this program wrote.
    #[error("the database is damaged: {0}; restore it from a copy")]
    Damaged(String),
}
