//! What waits for an operator: payments that match no order, unrecognized callbacks, and contradictions.

use crate::digest::digest;
use crate::error::Error;
use crate::rules::Ledger;
use domain::{Acknowledged, Contradiction, ReviewFilter, StoreOutcome, StoredCallback, UnmatchedEvent, UnrecognizedCallback};

impl Ledger {
    /// Returns the events that wait for an operator, the oldest first, after the one with this id.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn unmatched_events(&self, after: u64, limit: u32) -> Result<Vec<UnmatchedEvent>, Error> {
        self.storage().read(|transaction| transaction.unmatched_events(after, limit))
    }

    /// Returns an unmatched event, resolved or not.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn unmatched(&self, id: u64) -> Result<Option<UnmatchedEvent>, Error> {
        self.storage().read(|transaction| transaction.unmatched(id))
    }

    /// Returns how many events wait.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn unmatched_count(&self) -> Result<u64, Error> {
        self.storage().read(|transaction| transaction.unmatched_count())
    }

    /// Stores an unrecognized callback, with a code for programs and a message for people. A repetition with the same bytes is
    /// only counted. With `of_code_max`, the callback is not stored if this many of its provider with the same code already wait:
    /// anyone who has seen one callback can send it with other unsigned fields.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn store_unrecognized(
        &self,
        callback: StoredCallback,
        code: String,
        message: String,
        of_code_max: Option<u64>,
    ) -> Result<StoreOutcome, Error> {
        let digest = digest(&callback);
        self.storage().write(move |transaction| {
            if transaction.count_unrecognized(&digest, callback.received_at)? {
                return Ok(StoreOutcome::Repeated);
            }
            if let Some(max) = of_code_max
                && transaction.unrecognized_count(Some((&callback.provider, &code)))? >= max
            {
                return Ok(StoreOutcome::LimitReached);
            }
            let id = transaction.insert_callback(&callback)?;
            transaction.insert_unrecognized(id, &code, &message, &digest)?;
            Ok(StoreOutcome::Stored)
        })
    }

    /// Returns unrecognized callbacks.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn unrecognized(&self, which: ReviewFilter, limit: u32) -> Result<Vec<UnrecognizedCallback>, Error> {
        self.storage().read(|transaction| transaction.unrecognized(which, limit))
    }

    /// Returns how many are not acknowledged.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn unrecognized_count(&self) -> Result<u64, Error> {
        self.storage().read(|transaction| transaction.unrecognized_count(None))
    }

    /// Acknowledges an unrecognized callback for an operator. Returns whether one with this id waited.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn acknowledge_unrecognized(&self, id: u64, operator: String, at: u64) -> Result<bool, Error> {
        let by = Acknowledged { operator, at };
        self.storage().write(move |transaction| transaction.acknowledge_unrecognized(id, Some(&by)))
    }

    /// Acknowledges an unrecognized callback for the operator who had it judged again, when what it reports is recorded. The recording
    /// may have acknowledged it as a repetition already.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn acknowledge_judged(&self, id: u64, operator: String, at: u64) -> Result<(), Error> {
        let by = Acknowledged { operator, at };
        self.storage().write(move |transaction| {
            transaction.acknowledge_unrecognized(id, None)?;
            transaction.acknowledge_unrecognized(id, Some(&by)).map(drop)
        })
    }

    /// Acknowledges an unrecognized callback, if one of the same content waits: what it is about was told again, and is recorded.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn acknowledge_repeated(&self, callback: &StoredCallback, at: u64) -> Result<(), Error> {
        let (digest, by) = (digest(callback), Acknowledged { operator: Acknowledged::BY_THIS_PROGRAM.to_owned(), at });
        self.storage().write(move |transaction| transaction.acknowledge_repeated(&digest, &by))
    }

    /// Reopens an acknowledged callback, so that it waits again. Returns whether there was one with this id.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn reopen_unrecognized(&self, id: u64) -> Result<bool, Error> {
        self.storage().write(move |transaction| transaction.acknowledge_unrecognized(id, None))
    }

    /// Returns the callbacks that contradict an earlier one.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn contradictions(&self, which: ReviewFilter, limit: u32) -> Result<Vec<Contradiction>, Error> {
        self.storage().read(|transaction| transaction.contradictions(which, limit))
    }

    /// Returns how many are not acknowledged.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn contradiction_count(&self) -> Result<u64, Error> {
        self.storage().read(|transaction| transaction.contradiction_count())
    }

    /// Acknowledges a contradiction for an operator. Returns whether one with this id waited.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn acknowledge_contradiction(&self, id: u64, operator: String, at: u64) -> Result<bool, Error> {
        let by = Acknowledged { operator, at };
        self.storage().write(move |transaction| transaction.acknowledge_contradiction(id, Some(&by)))
    }

    /// Reopens an acknowledged callback, so that it waits again. Returns whether there was one with this id.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn reopen_contradiction(&self, id: u64) -> Result<bool, Error> {
        self.storage().write(move |transaction| transaction.acknowledge_contradiction(id, None))
    }
}
