//! Restorations of the ledger from a copy: until a person has compared the payment systems with it, no operation about a payment
//! begins.

use domain::{ComparisonRefusal, Restoration};

use crate::error::HostError;
use crate::host::Host;
use crate::text::{TEXT_CHARS_MAX, operator_name, required_text};

impl Host {
    /// Returns the starts on an older copy of the ledger, the latest first.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn restorations(&self) -> Result<Vec<Restoration>, HostError> {
        Ok(self.0.ledger.restorations()?)
    }

    /// Records that an operator compared the payment systems with the ledger, for a restoration and those before it. Operations
    /// about payments begin again, unless there is a later restoration. The same again changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such restoration;
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if somebody recorded it already;
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for an empty comment or an invalid name; or the storage is unavailable.
    pub fn record_comparison(&self, id: u64, operator: String, comment: String) -> Result<(), HostError> {
        let (operator, comment) = (operator_name(operator)?, required_text("comment", comment, TEXT_CHARS_MAX)?);
        let recorded = self.0.ledger.record_comparison(id, operator.clone(), comment, self.now())?;
        recorded.map_err(|refusal| match refusal {
            ComparisonRefusal::Unknown => HostError::not_found("restoration"),
            ComparisonRefusal::AlreadyCompared => HostError::conflict("the comparison was already recorded"),
        })?;
        tracing::warn!(
            operator,
            "the payment systems were compared with the restored ledger; operations about payments begin again"
        );
        Ok(())
    }
}
