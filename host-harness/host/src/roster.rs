//! The payment systems that this host knows, and people's decisions about them: pauses and removals. The catalog's lock says
//! which components to load. It is a file: an empty or truncated one takes no payment system out of use.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use catalog::{Catalog, Lock, LockedProvider, Version};
use domain::ProviderName;
use ledger::Ledger;
use serde::{Deserialize, Serialize};

use crate::error::HostError;
use crate::stored_settings;

/// The document with the records. Nothing in it is secret.
const DOCUMENT: &str = "providers";

/// Who made a decision, and when.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Stamp {
    /// The operator, or the caller of the API.
    pub by: String,
    /// Seconds since the epoch.
    pub at: u64,
}

/// A payment system that is, or was, in use.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The payment system's name, as its component last reported it.
    pub title: String,
    /// Its last version in the lock.
    pub current: Option<Version>,
    pub previous: Option<Version>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<Version>,
    /// Set while it takes no new orders.
    pub paused: Option<Stamp>,
    /// Set if it was removed.
    pub removed: Option<Removal>,
}

/// A payment system's removal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Removal {
    #[serde(flatten)]
    pub decision: Stamp,
    /// Whether it was also removed from the lock. If not, the next start removes it.
    pub done: bool,
}

type Records = BTreeMap<ProviderName, Record>;

/// The records by name, as the ledger stores them.
pub(crate) struct Roster(Mutex<Records>);

impl Roster {
    /// Reads the records from the ledger.
    pub fn load(ledger: &Ledger) -> Result<Roster, ledger::Error> {
        Ok(Roster(Mutex::new(read(ledger)?)))
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn get(&self, name: &ProviderName) -> Option<Record> {
        self.records().get(name).cloned()
    }

    /// Returns all that were removed.
    pub fn removed(&self) -> Vec<(ProviderName, Record)> {
        let is_removed = |(_, record): &(&ProviderName, &Record)| record.removed.is_some();
        self.records().iter().filter(is_removed).map(|(name, record)| (name.clone(), record.clone())).collect()
    }

    /// Changes the record of a name, and stores it before the change becomes visible.
    pub fn change(&self, ledger: &Ledger, name: &ProviderName, change: impl FnOnce(&mut Record)) -> Result<(), HostError> {
        let mut records = self.records();
        let mut changed = records.clone();
        change(changed.entry(name.clone()).or_default());
        if changed != *records {
            let document = serde_json::to_vec(&changed).map_err(|error| HostError::internal(error.to_string()))?;
            ledger.put_document(DOCUMENT.to_owned(), document)?;
            *records = changed;
        }
        Ok(())
    }

    /// Stores the lock's entry of a name, and its component's title.
    pub fn follow(
        &self,
        ledger: &Ledger,
        name: &ProviderName,
        locked: &LockedProvider,
        title: Option<&str>,
    ) -> Result<(), HostError> {
        self.change(ledger, name, |record| {
            record.current = Some(locked.current.clone());
            record.previous = locked.previous.clone();
            record.kept = locked.kept.clone();
            if let Some(title) = title {
                record.title = title.to_owned();
            }
        })
    }
}

fn read(ledger: &Ledger) -> Result<Records, ledger::Error> {
    let Some(document) = ledger.document(DOCUMENT)? else { return Ok(Records::new()) };
    let damaged = |error: serde_json::Error| ledger::Error::Damaged(format!("the document {DOCUMENT}: {error}"));
    let records: BTreeMap<String, Record> = serde_json::from_slice(&document).map_err(damaged)?;
    Ok(records.into_iter().map(|(name, record)| (ProviderName::stored(name), record)).collect())
}

/// Returns the payment systems that the ledger knows and nobody removed: those that were ever loaded, and those with settings.
///
/// # Errors
/// If the ledger cannot be read.
pub fn known_providers(ledger: &Ledger) -> Result<BTreeSet<ProviderName>, ledger::Error> {
    let records = read(ledger)?;
    let documents = ledger.document_names(stored_settings::DOCUMENTS)?;
    let of_settings = documents.iter().filter_map(|document| document.strip_prefix(stored_settings::DOCUMENTS));
    let is_left = |name: &&str| records.get(*name).is_none_or(|record| record.removed.is_none());
    Ok(records.keys().map(ProviderName::as_str).chain(of_settings).filter(is_left).map(ProviderName::stored).collect())
}

/// Returns the payment systems that an operator removed and nobody added again.
///
/// # Errors
/// If the ledger cannot be read.
pub fn removed_providers(ledger: &Ledger) -> Result<BTreeSet<ProviderName>, ledger::Error> {
    let records = read(ledger)?.into_iter();
    Ok(records.filter(|(_, record)| record.removed.is_some()).map(|(name, _)| name).collect())
}

/// Returns those of [`known_providers`] and those that only open orders name: all that an empty lock would take out of use. It reads
/// all orders.
///
/// # Errors
/// If the ledger cannot be read.
fn in_use(ledger: &Ledger) -> Result<BTreeSet<ProviderName>, ledger::Error> {
    let records = read(ledger)?;
    let is_left = |name: &ProviderName| records.get(name).is_none_or(|record| record.removed.is_none());
    let of_orders = ledger.providers_of_open_orders()?.into_iter().filter(is_left);
    Ok(known_providers(ledger)?.into_iter().chain(of_orders).collect())
}

/// Refuses a lock without any payment system if the ledger knows some.
pub(crate) fn refuse_empty_lock(ledger: &Ledger, lock: &Lock) -> Result<(), EmptyLock> {
    if !lock.is_empty() {
        return Ok(());
    }
    let known = in_use(ledger)?;
    if known.is_empty() { Ok(()) } else { Err(EmptyLock::Known(known.into_iter().collect())) }
}

/// Why an empty lock is not followed.
#[derive(Debug, thiserror::Error)]
pub enum EmptyLock {
    /// It names none of the payment systems that are in use.
    #[error(
        "providers.lock is empty or missing, but the ledger knows {}; put back a copy of the file, or start once with \
         --restore-lock, which writes it again as it was last; a payment system is taken out of use by \
         `host-harness provider NAME --remove` or on the page «Платёжные системы»",
        .0.join(", ")
    )]
    Known(Vec<ProviderName>),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
}

/// The result of restoring a lock.
#[derive(Debug, Default)]
pub struct RestoredLock {
    /// The payment systems that the lock names again.
    pub names: Vec<ProviderName>,
    /// Those that it cannot name, mostly because their component files are gone, and why.
    pub left_out: BTreeMap<ProviderName, catalog::Error>,
    /// Where the damaged lock file was moved to, if it could not be parsed.
    pub damaged: Option<PathBuf>,
}

/// Restores the entries that the lock lacks and the ledger remembers, if their component files still exist. A damaged lock is moved
/// aside and replaced.
///
/// # Errors
/// If the ledger cannot be read, or the lock cannot be read or written.
pub fn restore_lock(ledger: &Ledger, catalog: &Catalog) -> Result<RestoredLock, HostError> {
    let damaged = catalog.set_damaged_lock_aside()?;
    Ok(RestoredLock { damaged, ..add_missing(ledger, catalog)? })
}

/// Restores the missing entries of a lock that can be parsed.
pub(crate) fn add_missing(ledger: &Ledger, catalog: &Catalog) -> Result<RestoredLock, HostError> {
    let lock = catalog.lock()?;
    let entry = |(name, record): (ProviderName, Record)| match record {
        Record { current: Some(current), previous, kept, removed: None, .. } => {
            Some((name, LockedProvider { current, previous, kept }))
        }
        _ => None,
    };
    let missing = read(ledger)?.into_iter().filter(|(name, _)| !lock.contains_key(name));
    let entries: Lock = missing.filter_map(entry).collect();
    if entries.is_empty() {
        return Ok(RestoredLock::default());
    }
    let mut names: Vec<ProviderName> = entries.keys().cloned().collect();
    let left_out = catalog.restore(entries)?;
    names.retain(|name| !left_out.contains_key(name));
    Ok(RestoredLock { names, left_out, damaged: None })
}

/// Tells why a payment system is not in the lock.
pub(crate) fn log_left_out(name: &ProviderName, error: &catalog::Error) {
    tracing::error!(provider = name.as_str(), %error, "the provider cannot be restored in providers.lock; add its component again by `host-harness swap`");
}

/// Returns the message to the operator about a provider that somebody took out of the lock.
pub(crate) fn not_named(name: &ProviderName) -> String {
    format!(
        "providers.lock did not name it, so its entry was restored and it stays in use; to remove it, use the page or \
         `host-harness provider {name} --remove`"
    )
}
