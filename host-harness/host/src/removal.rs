//! What people decide about a payment system: that it takes no new orders for a while, that it takes them again, or that it is out
//! of use.

use std::sync::PoisonError;

use catalog::Version;
use domain::{OpenOrders, ProviderName};

use crate::error::HostError;
use crate::host::Host;
use crate::registry::{Absent, Availability, NotLoaded};
use crate::roster::{Record, Removal, Stamp};
use crate::stored_settings::LoadedSettings;

/// A payment system in use whose component cannot be loaded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NotLoadedProvider {
    /// As this host calls it.
    pub name: ProviderName,
    /// The payment system's name, as its component said it last.
    pub title: String,
    /// What the lock says, or said last.
    pub locked: Option<Version>,
    /// Why, and what to do.
    pub why: String,
    /// Who says that it takes no new orders, and since when.
    pub paused: Option<Stamp>,
}

/// A payment system that was removed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RemovedProvider {
    /// As this host called it.
    pub name: ProviderName,
    /// The payment system's name, as its component said it last.
    pub title: String,
    /// By whom, and when.
    pub removed: Stamp,
}

/// Why a payment system is not removed.
#[derive(Debug, thiserror::Error)]
pub enum RemovalError {
    /// Orders are open, and nobody confirmed that it is removed all the same.
    #[error("{} orders are not paid; confirm that it is removed all the same", .0.all)]
    OpenOrders(OpenOrders),
    /// It cannot be.
    #[error(transparent)]
    Failed(HostError),
}

impl<E: Into<HostError>> From<E> for RemovalError {
    fn from(error: E) -> RemovalError {
        RemovalError::Failed(error.into())
    }
}

impl Host {
    /// Lets a payment system take no new orders, or take them again. Callbacks are taken as before.
    ///
    /// # Errors
    /// There is no such payment system, or the storage is unavailable.
    pub fn set_paused(&self, name: &ProviderName, is_paused: bool, by: String) -> Result<(), HostError> {
        let _swapping = self.0.swap_lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.registry.require_in_use(name)?;
        let paused = is_paused.then(|| Stamp { by: by.clone(), at: self.now() });
        self.0.roster.change(&self.0.ledger, name, |record| {
            // Who paused it first is who is asked about it.
            if record.paused.is_some() != is_paused {
                record.paused = paused;
            }
        })?;
        if let Some(slot) = self.0.registry.find(name) {
            slot.set_paused(self.0.roster.get(name).and_then(|record| record.paused));
        }
        tracing::info!(
            operator = by,
            provider = name.as_str(),
            paused = is_paused,
            "an operator decides whether a provider takes new orders"
        );
        Ok(())
    }

    /// Takes a payment system out of use: out of the lock, with its components. Its settings stay sealed, and come back if the same
    /// component is added again. While orders are open it must be confirmed. A crash in between leaves the decision, which the next start
    /// carries out.
    ///
    /// # Errors
    /// [`RemovalError::OpenOrders`] where it is not confirmed; else there is no such payment system, or storage or catalog are unavailable.
    pub fn remove_provider(&self, name: &ProviderName, is_confirmed: bool, by: String) -> Result<(), RemovalError> {
        let _swapping = self.0.swap_lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.registry.require_in_use(name)?;
        let open = self.open_orders(name)?;
        if open.all > 0 && !is_confirmed {
            return Err(RemovalError::OpenOrders(open));
        }
        let (ledger, roster) = (&self.0.ledger, &self.0.roster);
        let lock = self.lock_of_what_is_used()?;
        self.set_settings_apart(name)?;
        let removal = |done| Removal { decision: Stamp { by: by.clone(), at: self.now() }, done };
        roster.change(ledger, name, |record| record.removed = Some(removal(false)))?;
        if lock.contains_key(name)
            && let Err(error) = self.0.catalog.remove(name)
        {
            // It stays in use, and so it does at the next start.
            roster.change(ledger, name, |record| record.removed = None)?;
            return Err(error.into());
        }
        self.0.registry.set_absent(name, Absent::Removed(roster.get(name).unwrap_or_default()));
        roster.change(ledger, name, |record| record.removed = Some(removal(true)))?;
        tracing::warn!(operator = by, provider = name.as_str(), open_orders = open.all, "an operator removed a provider");
        Ok(())
    }

    /// Whoever may remove and add must not hand the secrets of one component to another.
    fn set_settings_apart(&self, name: &ProviderName) -> Result<(), HostError> {
        if let LoadedSettings::Stored(mut stored) = LoadedSettings::load(name, &self.0.ledger, &self.0.key)? {
            stored.set_apart();
            stored.save(name, &self.0.ledger, &self.0.key)?;
        }
        Ok(())
    }

    /// Those in use whose component cannot be loaded, by name.
    pub fn not_loaded_providers(&self) -> Vec<NotLoadedProvider> {
        let status = |(name, NotLoaded { locked, title, why }): (ProviderName, NotLoaded)| {
            let paused = self.0.roster.get(&name).and_then(|record| record.paused);
            NotLoadedProvider { name, title, locked, why, paused }
        };
        self.0.registry.not_loaded().into_iter().map(status).collect()
    }

    /// Those that were removed, by name.
    pub fn removed_providers(&self) -> Vec<RemovedProvider> {
        let removed = |(name, record): (ProviderName, Record)| {
            Some(RemovedProvider { name, title: record.title, removed: record.removed?.decision })
        };
        self.0.roster.removed().into_iter().filter_map(removed).collect()
    }

    /// Whether a name takes calls; `None` where nobody knows it.
    pub fn availability(&self, name: &ProviderName) -> Option<Availability> {
        self.0.registry.availability(name)
    }

    /// Whether a name is in use: loaded, or to be loaded again.
    pub fn is_in_use(&self, name: &ProviderName) -> bool {
        self.0.registry.is_in_use(name)
    }
}
