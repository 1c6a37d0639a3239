//! Tokens that are good once, and were used; kept with the ledger, so that a restart makes none of them good again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ledger::Ledger;

/// The document that keeps them: an id and the second of the epoch until which it would be good, a line each.
const DOCUMENT: &str = "cabinet-spent";
/// How many are kept; beyond them those are forgotten that end soonest. They last for hours, and people leave rarely.
const KEPT_MAX: usize = 10_000;

/// The ids of tokens that are no longer good, each with the second of the epoch when its token ends anyway.
pub struct SpentTokens(Mutex<HashMap<String, u64>>);

impl SpentTokens {
    /// What was kept.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn open(ledger: &Ledger) -> Result<SpentTokens, ledger::Error> {
        let kept = ledger.document(DOCUMENT)?.and_then(|kept| String::from_utf8(kept).ok()).unwrap_or_default();
        let pairs = kept.lines().filter_map(|line| line.split_once(' '));
        Ok(SpentTokens(Mutex::new(pairs.filter_map(|(id, until)| Some((id.to_owned(), until.parse().ok()?))).collect())))
    }

    /// Whether a token was used.
    pub fn contains(&self, id: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }

    /// Spends a token that ends at a second of the epoch; whether it was good until now.
    ///
    /// # Errors
    /// The storage is unavailable: the token stays good.
    pub fn spend(&self, ledger: &Ledger, id: &str, until: u64, now: u64) -> Result<bool, ledger::Error> {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.contains_key(id) {
            return Ok(false);
        }
        let mut next = spent.clone();
        next.retain(|_, until| *until > now);
        next.insert(id.to_owned(), until);
        while next.len() > KEPT_MAX {
            let soonest = next.iter().min_by_key(|(_, until)| **until).map(|(id, _)| id.clone());
            soonest.map(|id| next.remove(&id));
        }
        let lines: Vec<String> = next.iter().map(|(id, until)| format!("{id} {until}")).collect();
        ledger.put_document(DOCUMENT.to_owned(), lines.join("\n").into_bytes())?;
        *spent = next;
        Ok(true)
    }
}
