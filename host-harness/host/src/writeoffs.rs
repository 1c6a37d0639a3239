//! Write-offs, as billing adds them, and those that an operator leaves out of exports.

use domain::{ExcludedWriteOff, Exclusion, ExclusionRefusal, UndatedWriteOff, WriteOff, WriteOffRefusal, WriteOffsAdded};

use crate::error::HostError;
use crate::host::Host;
use crate::text::{NAME_CHARS_MAX, TEXT_CHARS_MAX, required_text};

impl From<ExclusionRefusal> for HostError {
    fn from(refusal: ExclusionRefusal) -> HostError {
        match refusal {
            ExclusionRefusal::Unknown => HostError::not_found("write-off"),
            ExclusionRefusal::AlreadyExcluded => HostError::conflict("the write-off is left out already"),
            ExclusionRefusal::NotExcluded => HostError::conflict("the write-off is not left out"),
        }
    }
}

impl Host {
    /// Debits accounts for services, each write-off once: all, or none where any could not be exported, with what is wrong by its index.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn add_writeoffs(&self, writeoffs: Vec<WriteOff>) -> Result<Result<WriteOffsAdded, WriteOffRefusal>, HostError> {
        let added = self.0.ledger.add_writeoffs(writeoffs, self.now())?;
        if added.is_ok() {
            self.0.observer.entries_changed();
        }
        Ok(added)
    }

    /// What adding them would be refused for; nothing is added.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn check_writeoffs(&self, writeoffs: &[WriteOff]) -> Result<Result<(), WriteOffRefusal>, HostError> {
        Ok(self.0.ledger.check_writeoffs(writeoffs)?)
    }

    /// Leaves a write-off out of exports, by an operator's decision; its account stays debited.
    ///
    /// # Errors
    /// There is no such write-off, it is left out already, a text is missing or too long, or the storage is unavailable.
    pub fn exclude_writeoff(&self, writeoff: String, operator: String, reason: String) -> Result<Exclusion, HostError> {
        let operator = required_text("operator", operator, NAME_CHARS_MAX)?;
        let reason = required_text("reason", reason, TEXT_CHARS_MAX)?;
        Ok(self.0.ledger.exclude_writeoff(writeoff, operator, reason, self.now())??)
    }

    /// Takes a write-off that was left out into exports again.
    ///
    /// # Errors
    /// There is no such write-off, it is not left out, or the storage is unavailable.
    pub fn include_writeoff(&self, writeoff: String, operator: String) -> Result<(), HostError> {
        let operator = required_text("operator", operator, NAME_CHARS_MAX)?;
        self.0.ledger.include_writeoff(writeoff.clone(), operator.clone(), self.now())??;
        tracing::info!(operator, writeoff, "a write-off that was left out of exports is in them again");
        Ok(())
    }

    /// What is left out, the last decision first.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn exclusions(&self, before: Option<u64>, limit: u32) -> Result<Vec<ExcludedWriteOff>, HostError> {
        Ok(self.0.ledger.exclusions(before, limit)?)
    }

    /// Write-offs of an older program whose days are none of the calendar, by their id, and what was decided of each.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn writeoffs_of_no_day(&self, after: &str, limit: u32) -> Result<Vec<(UndatedWriteOff, Option<Exclusion>)>, HostError> {
        Ok(self.0.ledger.writeoffs_of_no_day(after, limit)?)
    }
}
