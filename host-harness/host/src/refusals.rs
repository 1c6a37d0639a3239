//! Counts refused callbacks in memory, and writes the counts every second, so that forgers cannot cause disk writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::Refusals;
use ledger::{HOUR_SECONDS, Ledger};

/// How many distinct counts are held between two writes. Providers choose their codes freely.
const DISTINCT_KEYS_MAX: usize = 1000;
/// The code of a callback that the component failed to judge.
pub const PROVIDER_FAILED: &str = "provider-failed";
/// The code of a callback that only its caller could prove, whom the host does not know.
pub const CALLER_UNKNOWN: &str = "caller-unknown";
/// The code of a callback that proves nothing by itself, where too many such callbacks have calls made already.
pub const TOO_MANY_LOOKUPS: &str = "too-many-lookups";
/// The code of a callback whose amount the ledger could not add.
pub const SUM_TOO_LARGE: &str = "sum-too-large";
/// The name under which the rest are counted.
pub const OTHER: &str = "other";
/// The code of callbacks to an address without a provider. The address takes the place of the provider's name.
pub const UNKNOWN_ADDRESS: &str = "unknown-address";
/// How many of these addresses are counted separately in an hour, and how many characters of each are stored. Both are limited
/// because anybody can invent addresses.
const ADDRESSES_MAX: usize = 20;
const ADDRESS_CHARS_MAX: usize = 64;

type Counts = BTreeMap<(String, String, u64), u64>;

/// The counts that are not written yet.
#[derive(Default)]
pub struct RefusalCounter(Mutex<State>);

#[derive(Default)]
struct State {
    counts: Counts,
    /// The hour of `addresses`.
    hour: u64,
    addresses: BTreeSet<String>,
}

impl RefusalCounter {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a refusal. `at` is in seconds since the epoch.
    pub fn count(&self, provider: &str, code: &str, at: u64) {
        self.state().add((provider.to_owned(), code.to_owned(), at - at % HOUR_SECONDS), 1);
    }

    /// Counts a callback to an address without a provider. `address` is the part after `/callbacks/`. Returns whether it is the
    /// address's first within the hour.
    pub fn count_unknown(&self, address: &str, at: u64) -> bool {
        let hour = at - at % HOUR_SECONDS;
        let mut state = self.state();
        if state.hour != hour {
            state.hour = hour;
            state.addresses.clear();
        }
        let address: String = address.chars().take(ADDRESS_CHARS_MAX).collect();
        let has_room = state.addresses.len() < ADDRESSES_MAX;
        let is_first = has_room && state.addresses.insert(address.clone());
        let name = if state.addresses.contains(&address) { address } else { OTHER.to_owned() };
        state.add((name, UNKNOWN_ADDRESS.to_owned(), hour), 1);
        is_first
    }

    /// Writes the counts since the last write. If that fails, they are kept for the next one.
    pub fn flush(&self, ledger: &Ledger) {
        let counts = std::mem::take(&mut self.state().counts);
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
            tracing::warn!(%error, "the counts of refused callbacks could not be stored and will be tried again");
            let mut state = self.state();
            counts.into_iter().for_each(|(key, count)| state.add(key, count));
        }
    }
}

impl State {
    fn add(&mut self, key: (String, String, u64), count: u64) {
        let is_new = !self.counts.contains_key(&key) && self.counts.len() >= DISTINCT_KEYS_MAX;
        let key = if is_new { (key.0, OTHER.to_owned(), key.2) } else { key };
        *self.counts.entry(key).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_somebody_thinks_of_do_not_fill_the_table() {
        let refused = RefusalCounter::default();
        assert!(refused.count_unknown("Chronopay", 7_201) && !refused.count_unknown("Chronopay", 7_202));
        for at in 0..1000 {
            refused.count_unknown(&format!("{at}-{}", "x".repeat(5000)), 7_203);
        }
        assert!(!refused.count_unknown("Chronopay", 7_204));
        let counts = refused.state().counts.clone();
        let count = |address: &str| counts.get(&(address.to_owned(), UNKNOWN_ADDRESS.to_owned(), 7_200)).copied();
        assert_eq!((count("Chronopay"), count(OTHER), counts.len()), (Some(3), Some(981), ADDRESSES_MAX + 1));
        assert!(counts.keys().all(|(address, ..)| address.chars().count() <= ADDRESS_CHARS_MAX));
        assert!(refused.count_unknown("late", 10_800), "the next hour counts new addresses again");
    }
}
