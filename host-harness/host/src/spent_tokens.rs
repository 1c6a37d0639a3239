//! Spent one-time tokens. They are stored in the ledger, so that a restart does not make them valid again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ledger::Ledger;

/// The document that stores them. Each line is a token's id and its expiry, in seconds since the epoch.
const DOCUMENT: &str = "cabinet-spent";
/// How many are stored. Above this number, those that expire first are forgotten. Tokens are valid for hours, and people rarely
/// log out.
const KEPT_MAX: usize = 10_000;

/// The ids of spent tokens, each with its expiry in seconds since the epoch.
pub struct SpentTokens(Mutex<HashMap<String, u64>>);

impl SpentTokens {
    /// Reads the spent tokens.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn open(ledger: &Ledger) -> Result<SpentTokens, ledger::Error> {
        let kept = ledger.document(DOCUMENT)?.and_then(|kept| String::from_utf8(kept).ok()).unwrap_or_default();
        let pairs = kept.lines().filter_map(|line| line.split_once(' '));
        Ok(SpentTokens(Mutex::new(pairs.filter_map(|(id, until)| Some((id.to_owned(), until.parse().ok()?))).collect())))
    }

    /// Reports whether a token was spent.
    pub fn contains(&self, id: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }

    /// Spends a token that expires at `until`, in seconds since the epoch. Returns whether it was unspent until now.
    ///
    /// # Errors
    /// If the storage is unavailable. Then the token stays unspent.
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
