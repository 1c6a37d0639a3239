//! Callbacks that an operator has to look at: those that no provider could judge, and those that contradict an earlier one.

use domain::{Contradiction, ReviewFilter, UnrecognizedCallback};

use crate::error::HostError;
use crate::host::Host;
use crate::text::{NAME_CHARS_MAX, required_text};

fn not_waiting() -> HostError {
    HostError::not_found("callback, or it was already acknowledged").with_code("callback-not-waiting")
}

fn not_acknowledged() -> HostError {
    HostError::not_found("acknowledged callback").with_code("callback-not-acknowledged")
}

/// What came of a decision: where there was something to decide about, the log says so.
fn decided(is_done: bool, id: u64, operator: &str, what: &'static str, missing: fn() -> HostError) -> Result<(), HostError> {
    if !is_done {
        return Err(missing());
    }
    tracing::info!(id, operator, "{what}");
    Ok(())
}

impl Host {
    /// Callbacks that no provider could judge.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn unrecognized_callbacks(&self, which: ReviewFilter, limit: u32) -> Result<Vec<UnrecognizedCallback>, HostError> {
        Ok(self.0.ledger.unrecognized(which, limit)?)
    }

    /// How many of them wait in all.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn unrecognized_count(&self) -> Result<u64, HostError> {
        Ok(self.0.ledger.unrecognized_count()?)
    }

    /// Callbacks that repeat an event and say something else.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn contradictions(&self, which: ReviewFilter, limit: u32) -> Result<Vec<Contradiction>, HostError> {
        Ok(self.0.ledger.contradictions(which, limit)?)
    }

    /// How many of them wait in all.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn contradiction_count(&self) -> Result<u64, HostError> {
        Ok(self.0.ledger.contradiction_count()?)
    }

    /// Keeps who acknowledged a callback that no provider could judge.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where it does not wait; else the storage is unavailable.
    pub fn acknowledge_unrecognized(&self, id: u64, operator: String) -> Result<(), HostError> {
        let operator = required_text("operator", operator, NAME_CHARS_MAX)?;
        let is_done = self.0.ledger.acknowledge_unrecognized(id, operator.clone(), self.now())?;
        decided(is_done, id, &operator, "an operator acknowledged a callback that nobody could judge", not_waiting)
    }

    /// Lets a callback that was acknowledged wait again.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where nobody acknowledged it; else the storage is unavailable.
    pub fn reopen_unrecognized(&self, id: u64, operator: String) -> Result<(), HostError> {
        let operator = required_text("operator", operator, NAME_CHARS_MAX)?;
        let is_done = self.0.ledger.reopen_unrecognized(id)?;
        decided(is_done, id, &operator, "an operator lets a callback that nobody could judge wait again", not_acknowledged)
    }

    /// Keeps who acknowledged a contradiction.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where it does not wait; else the storage is unavailable.
    pub fn acknowledge_contradiction(&self, id: u64, operator: String) -> Result<(), HostError> {
        let operator = required_text("operator", operator, NAME_CHARS_MAX)?;
        let is_done = self.0.ledger.acknowledge_contradiction(id, operator.clone(), self.now())?;
        decided(is_done, id, &operator, "an operator acknowledged a contradiction", not_waiting)
    }

    /// Lets a contradiction that was acknowledged wait again.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where nobody acknowledged it; else the storage is unavailable.
    pub fn reopen_contradiction(&self, id: u64, operator: String) -> Result<(), HostError> {
        let operator = required_text("operator", operator, NAME_CHARS_MAX)?;
        let is_done = self.0.ledger.reopen_contradiction(id)?;
        decided(is_done, id, &operator, "an operator lets a contradiction wait again", not_acknowledged)
    }
}
