//! What is stored of an operation while it is under way: the calls that changed something, with their answers, and what the
//! provider knew when it wanted the last of them. It is sealed, since calls and answers may hold secrets.

use domain::{Exchange, HttpCall, HttpResponse, HttpResult, LinkRequest};
use ledger::{Journal, SentCall};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::HostError;
use crate::sealing::Key;

/// The purpose for which a journal is sealed, and that for an operation's settings.
const JOURNAL: &str = "operation/journal";
const SETTINGS: &str = "operation/settings";

/// The journal of an operation.
#[derive(Default, Serialize, Deserialize)]
pub struct StoredJournal {
    /// Of a link: what the provider was asked for. The same in every pass.
    pub request: Option<LinkRequest>,
    /// Whether the operation was begun at the payment system, so that its status is asked for.
    pub is_begun: bool,
    /// The questions that were answered, and the reads that were made, before the last call.
    pub asked: Vec<Exchange>,
    pub reads: Vec<(HttpCall, HttpResult)>,
    /// The calls that may not be repeated at will, in the order in which they were sent.
    pub calls: Vec<StoredCall>,
}

/// A call that was sent, or was to be sent when the host stopped.
#[derive(Serialize, Deserialize)]
pub struct StoredCall {
    pub digest: String,
    /// Seconds since the epoch.
    pub first_sent_at: u64,
    /// Whether it was sent more than once.
    pub is_repeated: bool,
    /// `None`: it has no answer.
    pub answer: Option<HttpResponse>,
}

impl StoredJournal {
    /// Opens a journal; an empty one if nothing was stored yet. `None` if it was sealed with another key, or another version of
    /// this program wrote it.
    pub fn open(key: &Key, sealed: &[u8]) -> Option<StoredJournal> {
        if sealed.is_empty() {
            return Some(StoredJournal::default());
        }
        serde_json::from_slice(&key.open(JOURNAL, sealed)?).ok()
    }

    /// Reports whether nothing of the operation was sent or begun that may have done something.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty() && !self.is_begun
    }

    /// Seals it.
    ///
    /// # Errors
    /// If the system gives no randomness.
    pub fn seal(&self, key: &Key) -> Result<Vec<u8>, HostError> {
        seal(key, JOURNAL, self)
    }

    /// Returns what decides about further calls.
    pub fn decisive(&self) -> Journal {
        let call = |call: &StoredCall| SentCall {
            digest: call.digest.clone(),
            first_sent_at: call.first_sent_at,
            is_repeated: call.is_repeated,
            is_answered: call.answer.is_some(),
        };
        Journal { calls: self.calls.iter().map(call).collect() }
    }

    /// Takes over the calls of a decision. Answers that are stored stay, unless the decision takes them back.
    pub fn follow(&mut self, decided: &Journal) {
        self.calls.truncate(decided.calls.len());
        for (at, call) in decided.calls.iter().enumerate() {
            match self.calls.get_mut(at) {
                Some(stored) => {
                    stored.is_repeated = call.is_repeated;
                    stored.answer.take_if(|_| !call.is_answered);
                }
                None => self.calls.push(StoredCall {
                    digest: call.digest.clone(),
                    first_sent_at: call.first_sent_at,
                    is_repeated: call.is_repeated,
                    answer: None,
                }),
            }
        }
    }

    /// Returns the stored answer of a call.
    pub fn answer(&self, digest: &str) -> Option<&HttpResponse> {
        self.calls.iter().find(|call| call.digest == digest)?.answer.as_ref()
    }
}

/// Returns the digest of a whole call.
///
/// # Errors
/// If the call cannot be written, which is a fault of this program.
pub fn digest(call: &HttpCall) -> Result<String, HostError> {
    let text = Zeroizing::new(serde_json::to_vec(call).map_err(|error| HostError::internal(error.to_string()))?);
    Ok(hex::encode(Sha256::digest(&text)))
}

/// Seals the settings with which an operation begins.
///
/// # Errors
/// If the system gives no randomness.
pub fn seal_settings(key: &Key, settings: &domain::Fields) -> Result<Vec<u8>, HostError> {
    seal(key, SETTINGS, settings)
}

/// Opens the settings with which an operation began; `None` if they were sealed with another key.
pub fn open_settings(key: &Key, sealed: &[u8]) -> Option<domain::Fields> {
    serde_json::from_slice(&key.open(SETTINGS, sealed)?).ok()
}

fn seal(key: &Key, purpose: &str, what: &impl Serialize) -> Result<Vec<u8>, HostError> {
    let plain = Zeroizing::new(serde_json::to_vec(what).map_err(|error| HostError::internal(error.to_string()))?);
    key.seal(purpose, &plain).map_err(|error| HostError::internal(error.to_string()))
}
