//! Callbacks that an operator must review: the unrecognized ones, and those that contradict an earlier one.

use domain::{Contradiction, ReviewFilter, UnrecognizedCallback};

use crate::error::HostError;
use crate::error_code::ErrorCode;
use crate::host::Host;
use crate::text::{NAME_CHARS_MAX, required_text};

fn not_waiting() -> HostError {
    HostError::not_found("callback, or it was already acknowledged").with_code(ErrorCode::CallbackNotWaiting)
}

fn not_acknowledged() -> HostError {
    HostError::not_found("acknowledged callback").with_code(ErrorCode::CallbackNotAcknowledged)
}

/// Logs an operator's decision, if there was something to decide about; otherwise returns the error `missing`.
fn decided(is_done: bool, id: u64, operator: &str, what: &'static str, missing: fn() -> HostError) -> Result<(), HostError> {
    if !is_done {
        return Err(missing());
    }
    tracing::info!(id, operator, "{what}");
    Ok(())
}

impl Host {
    /// Returns unrecognized callbacks.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn unrecognized_callbacks(&self, which: ReviewFilter, limit: u32) -> Result<Vec<UnrecognizedCallback>, HostError> {
        Ok(self.0.ledger.unrecognized(which, limit)?)
    }

    /// Returns how many of them wait.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn unrecognized_count(&self) -> Result<u64, HostError> {
        Ok(self.0.ledger.unrecognized_count()?)
    }

    /// Returns callbacks that repeat an event and contradict it.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn contradictions(&self, which: ReviewFilter, limit: u32) -> Result<Vec<Contradiction>, HostError> {
        Ok(self.0.ledger.contradictions(which, limit)?)
    }

    /// Returns how many of them wait.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn contradiction_count(&self) -> Result<u64, HostError> {
        Ok(self.0.ledger.contradiction_count()?)
    }

    /// Acknowledges an unrecognized callback, and stores by whom.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if it does not wait; else the storage is unavailable.
    pub fn acknowledge_unrecognized(&self, id: u64, operator: String) -> Result<(), HostError> {
        let operator = required_text("operator", operator, NAME_CHARS_MAX)?;
        let is_done = self.0.ledger.acknowledge_unrecognized(id, operator.clone(), self.now())?;
        decided(is_done, id, &operator, "an operator acknowledged an unrecognized callback", not_waiting)
    }

    /// Reopens an acknowledged callback, so that it waits again.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if it was not acknowledged; else the storage is unavailable.
    pub fn reopen_unrecognized(&self, id: u64, operator: String) -> Result<(), HostError> {
        let operator = required_text("operator", operator, NAME_CHARS_MAX)?;
        let is_done = self.0.ledger.reopen_unrecognized(id)?;
        decided(is_done, id, &operator, "an operator reopened an unrecognized callback", not_acknowledged)
    }

    /// Acknowledges a contradiction, and stores by whom.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if it does not wait; else the storage is unavailable.
    pub fn acknowledge_contradiction(&self, id: u64, operator: String) -> Result<(), HostError> {
        let operator = required_text("operator", operator, NAME_CHARS_MAX)?;
        let is_done = self.0.ledger.acknowledge_contradiction(id, operator.clone(), self.now())?;
        decided(is_done, id, &operator, "an operator acknowledged a contradiction", not_waiting)
    }

    /// Reopens an acknowledged contradiction, so that it waits again.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if it was not acknowledged; else the storage is unavailable.
    pub fn reopen_contradiction(&self, id: u64, operator: String) -> Result<(), HostError> {
        let operator = required_text("operator", operator, NAME_CHARS_MAX)?;
        let is_done = self.0.ledger.reopen_contradiction(id)?;
        decided(is_done, id, &operator, "an operator reopened a contradiction", not_acknowledged)
    }
}
