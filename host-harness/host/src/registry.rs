//! The payment systems by name: loaded, not loaded, or removed.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use catalog::Version;
use domain::ProviderName;

use crate::error::{ErrorKind, HostError};
use crate::error_code::ErrorCode;
use crate::roster::Record;
use crate::slot::ProviderSlot;

/// A payment system that takes no calls.
#[derive(Clone)]
pub(crate) enum Absent {
    NotLoaded(NotLoaded),
    Removed(Box<Record>),
}

/// Whether a known payment system takes calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Availability {
    /// Its component is loaded.
    Loaded,
    /// Its component cannot be loaded.
    NotLoaded,
    /// It was removed.
    Removed,
}

/// A payment system whose component cannot be loaded.
#[derive(Clone)]
pub(crate) struct NotLoaded {
    /// Its version in the lock, or the last one that was there.
    pub locked: Option<Version>,
    /// The payment system's name, as its component last reported it.
    pub title: String,
    /// Why, and what to do.
    pub why: String,
}

impl Absent {
    /// Describes a known payment system whose component could not be loaded.
    pub fn not_loaded(record: Option<Record>, locked: Option<Version>, why: String) -> Absent {
        let record = record.unwrap_or_default();
        Absent::NotLoaded(NotLoaded { locked: locked.or(record.current), title: record.title, why })
    }

    /// Returns the error for a caller.
    fn error(&self, name: &ProviderName) -> HostError {
        match self {
            Absent::NotLoaded(NotLoaded { why, .. }) => HostError::unavailable(format!(
                "the provider {name} is not loaded: {why}; swap in a good component, go back to the one before, or put its file \
                 right and send SIGHUP"
            ))
            .with_code(ErrorCode::ProviderNotLoaded),
            Absent::Removed(_) => {
                let detail = format!("the provider {name} was removed; to use it again, add its component under the same name");
                HostError::new(ErrorKind::Gone, detail).with_code(ErrorCode::ProviderRemoved)
            }
        }
    }
}

#[derive(Default)]
struct Inner {
    slots: BTreeMap<ProviderName, Arc<ProviderSlot>>,
    absent: BTreeMap<ProviderName, Absent>,
}

/// All payment systems by name. Each name is either loaded or absent.
#[derive(Default)]
pub(crate) struct Registry(RwLock<Inner>);

impl Registry {
    fn inner(&self) -> RwLockReadGuard<'_, Inner> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the loaded payment systems.
    pub fn all(&self) -> Vec<Arc<ProviderSlot>> {
        self.inner().slots.values().cloned().collect()
    }

    /// Returns those whose component cannot be loaded.
    pub fn not_loaded(&self) -> Vec<(ProviderName, NotLoaded)> {
        let not_loaded = |(name, absent): (&ProviderName, &Absent)| match absent {
            Absent::NotLoaded(not_loaded) => Some((name.clone(), not_loaded.clone())),
            Absent::Removed(_) => None,
        };
        self.inner().absent.iter().filter_map(not_loaded).collect()
    }

    /// Returns whether a name takes calls, or `None` if it is unknown.
    pub fn availability(&self, name: &ProviderName) -> Option<Availability> {
        let inner = self.inner();
        if inner.slots.contains_key(name) {
            return Some(Availability::Loaded);
        }
        inner.absent.get(name).map(|absent| match absent {
            Absent::NotLoaded(_) => Availability::NotLoaded,
            Absent::Removed(_) => Availability::Removed,
        })
    }

    /// Reports whether a name is in use: its component is loaded, or will be loaded again.
    pub fn is_in_use(&self, name: &ProviderName) -> bool {
        matches!(self.availability(name), Some(Availability::Loaded | Availability::NotLoaded))
    }

    pub fn find(&self, name: &ProviderName) -> Option<Arc<ProviderSlot>> {
        self.inner().slots.get(name).cloned()
    }

    /// Returns why a known name takes no calls, or `None` if it takes calls or is unknown.
    pub fn absent(&self, name: &ProviderName) -> Option<Absent> {
        self.inner().absent.get(name).cloned()
    }

    pub fn get(&self, name: &ProviderName) -> Result<Arc<ProviderSlot>, HostError> {
        let inner = self.inner();
        inner.slots.get(name).cloned().ok_or_else(|| match inner.absent.get(name) {
            Some(absent) => absent.error(name),
            None => HostError::unknown_provider(name),
        })
    }

    /// Returns an error if a name is unknown or was removed.
    pub fn require_in_use(&self, name: &ProviderName) -> Result<(), HostError> {
        if self.is_in_use(name) { Ok(()) } else { self.get(name).map(drop) }
    }

    pub fn add(&self, slot: ProviderSlot) {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        inner.absent.remove(&slot.name);
        inner.slots.insert(slot.name.clone(), Arc::new(slot));
    }

    /// Marks a name as absent.
    pub fn set_absent(&self, name: &ProviderName, absent: Absent) {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        inner.slots.remove(name);
        inner.absent.insert(name.clone(), absent);
    }

    /// Returns the payment system with this name, for a new order. Without a name, returns the only one that payers can choose
    /// now, or else the only one with settings, or else the only loaded one. One without payment links counts only where there
    /// is no other.
    pub fn resolve(&self, name: Option<&ProviderName>) -> Result<Arc<ProviderSlot>, HostError> {
        let inner = self.inner();
        if let Some(name) = name {
            return inner.named(name);
        }
        let all: Vec<_> = inner.slots.values().collect();
        let with_links: Vec<_> = all.iter().copied().filter(|slot| slot.component().description().links).collect();
        let candidates = if with_links.is_empty() { all } else { with_links };
        // The only one that is paused or has no settings says that itself.
        only(&candidates, |slot| slot.status().is_offered())
            .or_else(|| only(&candidates, |slot| slot.component().is_ready()))
            .or_else(|| only(&candidates, |_| true))
            .ok_or_else(|| unclear(&candidates))
    }

    /// Returns the provider with this name, for an export. Without a name, returns the only one with settings that has export
    /// formats, or else the only loaded one that has.
    pub fn resolve_exporting(&self, name: Option<&ProviderName>) -> Result<Arc<ProviderSlot>, HostError> {
        let inner = self.inner();
        let exports = |slot: &ProviderSlot| !slot.component().description().export_formats.is_empty();
        let exporting: Vec<_> = inner.slots.values().filter(|slot| exports(slot)).collect();
        let named = name.map(|name| inner.named(name)).transpose()?;
        match named {
            Some(slot) if exports(&slot) => Ok(slot),
            _ if exporting.is_empty() => {
                Err(HostError::invalid("no provider that is loaded has export formats; add one that has, such as onec.wasm"))
            }
            Some(slot) => {
                let HostError { message: which, .. } = unclear(&exporting);
                Err(HostError::invalid(format!("{} has no export formats; {which}", slot.name)))
            }
            None => only(&exporting, |slot| slot.component().is_ready())
                .or_else(|| only(&exporting, |_| true))
                .ok_or_else(|| unclear(&exporting)),
        }
    }
}

impl Inner {
    /// Returns the loaded provider that a caller named.
    fn named(&self, name: &ProviderName) -> Result<Arc<ProviderSlot>, HostError> {
        self.slots.get(name).cloned().ok_or_else(|| match self.absent.get(name) {
            Some(absent @ Absent::NotLoaded(_)) => absent.error(name),
            Some(Absent::Removed(_)) => HostError::invalid(format!("the provider {name} was removed; name another one"))
                .with_code(ErrorCode::ProviderRemoved),
            None => HostError::invalid_provider(name),
        })
    }
}

/// Returns the only one of which something holds.
fn only(candidates: &[&Arc<ProviderSlot>], holds: impl Fn(&ProviderSlot) -> bool) -> Option<Arc<ProviderSlot>> {
    let mut found = candidates.iter().filter(|slot| holds(slot));
    let first = found.next()?;
    found.next().is_none().then(|| Arc::clone(first))
}

/// Returns the error for a caller who must name one of several providers.
fn unclear(candidates: &[&Arc<ProviderSlot>]) -> HostError {
    let names: Vec<&str> = candidates.iter().map(|slot| slot.name.as_str()).collect();
    HostError::invalid(match &names[..] {
        [] => "no provider is loaded; add one first".to_owned(),
        names => format!("set `provider` to one of: {}", names.join(", ")),
    })
}
