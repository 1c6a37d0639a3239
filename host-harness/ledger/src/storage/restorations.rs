//! The steps for databases that were restored.

use domain::{Comparison, Restoration};

use crate::error::Error;

/// Starts on an older copy of the storage.
#[allow(clippy::missing_errors_doc, reason = "each fails where the storage is unavailable")]
pub trait Restorations {
    /// Stores a restoration, which nobody has compared.
    fn insert_restoration(&mut self, copied_at: Option<u64>, started_at: u64) -> Result<(), Error>;
    /// Returns all restorations, the latest first.
    fn restorations(&mut self) -> Result<Vec<Restoration>, Error>;
    /// Stores who compared, once for a restoration.
    fn set_comparison(&mut self, id: u64, comparison: &Comparison) -> Result<(), Error>;
}
