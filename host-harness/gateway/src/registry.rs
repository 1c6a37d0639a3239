//! The payment systems by name: those that are loaded, those that cannot be, and those that were removed.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use axum::http::StatusCode;
use catalog::Version;

use crate::problem::Problem;
use crate::providers::Slot;
use crate::roster::Record;

/// After how long whoever found a payment system out of order asks again, in seconds.
pub const RETRY_SECONDS: u64 = 60;

/// A payment system that takes no calls.
#[derive(Clone)]
pub enum Absent {
    NotLoaded(NotLoaded),
    Removed(Record),
}

/// A payment system whose component cannot be loaded.
#[derive(Clone)]
pub struct NotLoaded {
    /// What the lock says, or said last.
    pub locked: Option<Version>,
    /// The payment system's name, as its component said it last.
    pub title: String,
    /// Why, and what to do.
    pub why: String,
}

impl Absent {
    /// What a caller is told.
    fn problem(&self, name: &str) -> Problem {
        match self {
            Absent::NotLoaded(NotLoaded { why, .. }) => {
                let detail = format!(
                    "the provider {name} is not loaded: {why}; swap in a good component, go back to the one before, or put its \
                     file right and send SIGHUP"
                );
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).with_retry_after(RETRY_SECONDS)
            }
            Absent::Removed(_) => {
                let detail = format!("the provider {name} was removed; to use it again, add its component under the same name");
                Problem::new(StatusCode::GONE, detail)
            }
        }
    }
}

#[derive(Default)]
struct Inner {
    slots: BTreeMap<String, Arc<Slot>>,
    absent: BTreeMap<String, Absent>,
}

/// All payment systems, by name: a name is loaded or absent.
#[derive(Default)]
pub struct Providers(RwLock<Inner>);

impl Providers {
    fn inner(&self) -> RwLockReadGuard<'_, Inner> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that are loaded.
    pub fn all(&self) -> Vec<Arc<Slot>> {
        self.inner().slots.values().cloned().collect()
    }

    /// Those whose component cannot be loaded.
    pub fn not_loaded(&self) -> Vec<(String, NotLoaded)> {
        let not_loaded = |(name, absent): (&String, &Absent)| match absent {
            Absent::NotLoaded(not_loaded) => Some((name.clone(), not_loaded.clone())),
            Absent::Removed(_) => None,
        };
        self.inner().absent.iter().filter_map(not_loaded).collect()
    }

    /// Whether each that is in use is loaded, by name.
    pub fn is_loaded(&self) -> Vec<(String, bool)> {
        let loaded = self.all().into_iter().map(|slot| (slot.name.clone(), true));
        loaded.chain(self.not_loaded().into_iter().map(|(name, _)| (name, false))).collect()
    }

    /// Whether a name is in use: loaded, or to be loaded again.
    pub fn is_in_use(&self, name: &str) -> bool {
        let inner = self.inner();
        inner.slots.contains_key(name) || matches!(inner.absent.get(name), Some(Absent::NotLoaded(_)))
    }

    pub fn find(&self, name: &str) -> Option<Arc<Slot>> {
        self.inner().slots.get(name).cloned()
    }

    /// Why a name that is known takes no calls.
    pub fn absent(&self, name: &str) -> Option<Absent> {
        self.inner().absent.get(name).cloned()
    }

    pub fn get(&self, name: &str) -> Result<Arc<Slot>, Problem> {
        let inner = self.inner();
        inner.slots.get(name).cloned().ok_or_else(|| match inner.absent.get(name) {
            Some(absent) => absent.problem(name),
            None => Problem::new(StatusCode::NOT_FOUND, format!("there is no provider called {name}")),
        })
    }

    pub fn add(&self, slot: Slot) {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        inner.absent.remove(&slot.name);
        inner.slots.insert(slot.name.clone(), Arc::new(slot));
    }

    /// Takes a name out of use.
    pub fn set_absent(&self, name: &str, absent: Absent) {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        inner.slots.remove(name);
        inner.absent.insert(name.to_owned(), absent);
    }

    /// The provider of a name; without one, the only one that takes new orders.
    pub fn choose(&self, name: Option<&str>) -> Result<Arc<Slot>, Problem> {
        let inner = self.inner();
        match name {
            Some(name) => inner.slots.get(name).cloned().ok_or_else(|| match inner.absent.get(name) {
                Some(absent @ Absent::NotLoaded(_)) => absent.problem(name),
                Some(Absent::Removed(_)) => {
                    Problem::unprocessable(format!("the provider {name} was removed; name another one"))
                }
                None => Problem::unprocessable(format!("there is no provider called {name}")),
            }),
            None => {
                let is_single = inner.slots.len() == 1;
                let mut open = inner.slots.values().filter(|slot| is_single || slot.paused().is_none());
                let only = open.next().filter(|_| open.next().is_none());
                let names: Vec<&str> = inner.slots.keys().map(String::as_str).collect();
                let unclear = || match &names[..] {
                    [] => Problem::unprocessable("no provider is loaded; add one first"),
                    names => Problem::unprocessable(format!("set `provider` to one of: {}", names.join(", "))),
                };
                only.cloned().ok_or_else(unclear)
            }
        }
    }
}
