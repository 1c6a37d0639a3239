//! Starts on a database that is an older copy, or may be one, and the comparisons with the payment systems that follow them.

/// A start on a database that lacks what was done since a moment, or may lack it: a copy that was restored, or one whose loss of
/// commits was accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Restoration {
    /// The number, from 1.
    pub id: u64,
    /// When the last commit was made that the database has, seconds since the epoch: what was done from then on may be missing.
    /// `None` if that is not known, such as of an empty ledger.
    pub copied_at: Option<u64>,
    /// When the host was started on it, seconds since the epoch.
    pub started_at: u64,
    /// Who compared the payment systems with the ledger since then; `None` as long as nobody has.
    pub comparison: Option<Comparison>,
}

/// An operator's word that what the payment systems did since a copy was made is in the ledger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Comparison {
    /// The operator.
    pub operator: String,
    /// How it was compared, in the operator's words.
    pub comment: String,
    /// When, seconds since the epoch.
    pub at: u64,
}

/// Why a comparison is not recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ComparisonRefusal {
    /// There is no restoration with this number.
    Unknown,
    /// Somebody has recorded it already.
    AlreadyCompared,
}
