//! Write-offs that billing adds, and their exclusion from exports by operators.

use domain::{ExcludedWriteOff, Exclusion, ExclusionRefusal, UndatedWriteOff, WriteOff, WriteOffRefusal, WriteOffsAdded};

use crate::error::HostError;
use crate::host::Host;
use crate::text::{TEXT_CHARS_MAX, operator_name, required_text};

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
    /// Adds write-offs, each of which debits its account once. Adds all of them, or none if any could not be exported. The
    /// inner error says what is wrong with each, by its index.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn add_writeoffs(&self, writeoffs: Vec<WriteOff>) -> Result<Result<WriteOffsAdded, WriteOffRefusal>, HostError> {
        let added = self.0.ledger.add_writeoffs(writeoffs, self.now())?;
        if added.is_ok() {
            self.0.observer.entries_changed();
        }
        Ok(added)
    }

    /// Checks whether write-offs can be added, without adding them. The inner error is as for [`Host::add_writeoffs`].
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn check_writeoffs(&self, writeoffs: &[WriteOff]) -> Result<Result<(), WriteOffRefusal>, HostError> {
        Ok(self.0.ledger.check_writeoffs(writeoffs)?)
    }

    /// Excludes a write-off from exports by an operator's decision. Its account stays debited.
    ///
    /// # Errors
    /// If there is no such write-off, it is excluded already, a text is missing or too long, or the storage is unavailable.
    pub fn exclude_writeoff(&self, writeoff: String, operator: String, reason: String) -> Result<Exclusion, HostError> {
        let operator = operator_name(operator)?;
        let reason = required_text("reason", reason, TEXT_CHARS_MAX)?;
        Ok(self.0.ledger.exclude_writeoff(writeoff, operator, reason, self.now())??)
    }

    /// Undoes a write-off's exclusion, so that exports include it again.
    ///
    /// # Errors
    /// If there is no such write-off, it is not excluded, or the storage is unavailable.
    pub fn include_writeoff(&self, writeoff: String, operator: String) -> Result<(), HostError> {
        let operator = operator_name(operator)?;
        self.0.ledger.include_writeoff(writeoff.clone(), operator.clone(), self.now())??;
        tracing::info!(operator, writeoff, "an operator undid a write-off's exclusion from exports");
        Ok(())
    }

    /// Returns the excluded write-offs, the latest decision first, before the one with this id.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn exclusions(&self, before: Option<u64>, limit: u32) -> Result<Vec<ExcludedWriteOff>, HostError> {
        Ok(self.0.ledger.exclusions(before, limit)?)
    }

    /// Returns write-offs of an older program whose dates do not exist in the calendar, by id, after the one with this id, and
    /// the exclusion of each.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn writeoffs_of_no_day(&self, after: &str, limit: u32) -> Result<Vec<(UndatedWriteOff, Option<Exclusion>)>, HostError> {
        Ok(self.0.ledger.writeoffs_of_no_day(after, limit)?)
    }
}
