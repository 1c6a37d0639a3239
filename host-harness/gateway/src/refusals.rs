//! Refused callbacks, counted in memory and kept every second: who forges callbacks must not make the disk work.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use ledger::{HOUR_SECONDS, Ledger, Refusals, Sqlite};

/// How many kinds of refusal are told apart between two times of keeping; codes are the providers' own.
const KINDS_MAX: usize = 1000;
/// What the others are counted as.
const OTHER: &str = "other";

type Counts = BTreeMap<(String, String, u64), u64>;

/// The counts that are not kept yet.
#[derive(Default)]
pub struct Refused(Mutex<Counts>);

impl Refused {
    /// Counts a refusal at a second of the epoch.
    pub fn count(&self, provider: &str, code: &str, at: u64) {
        self.add((provider.to_owned(), code.to_owned(), at - at % HOUR_SECONDS), 1);
    }

    fn add(&self, key: (String, String, u64), count: u64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !counts.contains_key(&key) && counts.len() >= KINDS_MAX;
        let key = if is_new { (key.0, OTHER.to_owned(), key.2) } else { key };
        *counts.entry(key).or_default() += count;
    }

    /// Keeps what was counted since the last time; where that fails it is kept the next time.
    pub fn keep(&self, ledger: &Ledger<Sqlite>) {
        let counts = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if counts.is_empty() {
            return;
        }
        let refusals = counts.iter().map(|((provider, code, hour), count)| Refusals {
            provider: provider.clone(),
            code: code.clone(),
            hour: *hour,
            count: *count,
        });
        if let Err(error) = ledger.count_refusals(refusals.collect()) {
            tracing::warn!(%error, "refusals are not kept yet");
            counts.into_iter().for_each(|(key, count)| self.add(key, count));
        }
    }
}
