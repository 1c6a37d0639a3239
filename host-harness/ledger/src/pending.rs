//! What waits for an operator: payments that fit no order, callbacks that nobody could judge, and callbacks that contradict others.

use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::rules::Ledger;
use domain::{Acknowledged, Contradiction, ReviewFilter, StoreOutcome, StoredCallback, UnmatchedEvent, UnrecognizedCallback};

impl Ledger {
    /// The events that wait for the operator, the oldest first, after one of them.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn unmatched_events(&self, after: u64, limit: u32) -> Result<Vec<UnmatchedEvent>, Error> {
        self.storage().read(|transaction| transaction.unmatched_events(after, limit))
    }

    /// An event that waits, or waited.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn unmatched(&self, id: u64) -> Result<Option<UnmatchedEvent>, Error> {
        self.storage().read(|transaction| transaction.unmatched(id))
    }

    /// How many events wait.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn unmatched_count(&self) -> Result<u64, Error> {
        self.storage().read(|transaction| transaction.unmatched_count())
    }

    /// Keeps a callback that nobody could judge, with what is said of it, for a program and for a person; the same bytes again are
    /// counted. With `of_provider_max` it is not kept where so many of its provider wait: nothing proves such a callback.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn store_unrecognized(
        &self,
        callback: StoredCallback,
        code: String,
        message: String,
        of_provider_max: Option<u64>,
    ) -> Result<StoreOutcome, Error> {
        let digest = digest(&callback);
        self.storage().write(move |transaction| {
            if transaction.count_unrecognized(&digest, callback.received_at)? {
                return Ok(StoreOutcome::Repeated);
            }
            if let Some(max) = of_provider_max
                && transaction.unrecognized_count(Some(&callback.provider))? >= max
            {
                return Ok(StoreOutcome::LimitReached);
            }
            let id = transaction.insert_callback(&callback, None)?;
            transaction.insert_unrecognized(id, &code, &message, &digest)?;
            Ok(StoreOutcome::Stored)
        })
    }

    /// The callbacks that nobody could judge.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn unrecognized(&self, which: ReviewFilter, limit: u32) -> Result<Vec<UnrecognizedCallback>, Error> {
        self.storage().read(|transaction| transaction.unrecognized(which, limit))
    }

    /// How many no operator has acknowledged.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn unrecognized_count(&self) -> Result<u64, Error> {
        self.storage().read(|transaction| transaction.unrecognized_count(None))
    }

    /// Says that an operator acknowledged a callback that nobody could judge; whether there was one.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn acknowledge_unrecognized(&self, id: u64, operator: String, at: u64) -> Result<bool, Error> {
        let by = Acknowledged { operator, at };
        self.storage().write(move |transaction| transaction.acknowledge_unrecognized(id, Some(&by)))
    }

    /// Says that one that was acknowledged waits again; whether there was one.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn reopen_unrecognized(&self, id: u64) -> Result<bool, Error> {
        self.storage().write(move |transaction| transaction.acknowledge_unrecognized(id, None))
    }

    /// The callbacks that contradict an earlier one.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn contradictions(&self, which: ReviewFilter, limit: u32) -> Result<Vec<Contradiction>, Error> {
        self.storage().read(|transaction| transaction.contradictions(which, limit))
    }

    /// How many no operator has acknowledged.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn contradiction_count(&self) -> Result<u64, Error> {
        self.storage().read(|transaction| transaction.contradiction_count())
    }

    /// Says that an operator acknowledged a contradiction; whether there was one.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn acknowledge_contradiction(&self, id: u64, operator: String, at: u64) -> Result<bool, Error> {
        let by = Acknowledged { operator, at };
        self.storage().write(move |transaction| transaction.acknowledge_contradiction(id, Some(&by)))
    }

    /// Says that one that was acknowledged waits again; whether there was one.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn reopen_contradiction(&self, id: u64) -> Result<bool, Error> {
        self.storage().write(move |transaction| transaction.acknowledge_contradiction(id, None))
    }
}

/// What makes a callback the same one again.
fn digest(callback: &StoredCallback) -> [u8; 32] {
    let StoredCallback { provider, method, query, body, .. } = callback;
    let mut hash = Sha256::new();
    for part in [provider.as_bytes(), method.as_bytes(), query.as_bytes(), body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
