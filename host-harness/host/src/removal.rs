//! People's decisions about a payment system: to pause it, to resume it, or to remove it.

use std::sync::PoisonError;

use catalog::Version;
use domain::{OpenOperations, OpenOrders, ProviderName};

use crate::error::HostError;
use crate::error_code::ErrorCode;
use crate::host::Host;
use crate::registry::{Absent, Availability, NotLoaded};
use crate::roster::{Record, Removal, Stamp};
use crate::stored_settings::LoadedSettings;

/// A payment system that is in use, but whose component cannot be loaded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NotLoadedProvider {
    /// Its name in this host.
    pub name: ProviderName,
    /// The payment system's name, as its component last reported it.
    pub title: String,
    /// Its version in the lock, or the last one that was there.
    pub locked: Option<Version>,
    /// Why, and what to do.
    pub why: String,
    /// Who paused it, and when.
    pub paused: Option<Stamp>,
}

/// A removed payment system.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RemovedProvider {
    /// Its name in this host.
    pub name: ProviderName,
    /// The payment system's name, as its component last reported it.
    pub title: String,
    /// Who removed it, and when.
    pub removed: Stamp,
}

/// Why a payment system was not removed.
#[derive(Debug, thiserror::Error)]
pub enum RemovalError {
    /// It has open orders, and the removal was not confirmed.
    #[error("{} orders are not paid; confirm that it is removed all the same", .0.all)]
    OpenOrders(OpenOrders),
    /// The removal failed.
    #[error(transparent)]
    Failed(HostError),
}

impl<E: Into<HostError>> From<E> for RemovalError {
    fn from(error: E) -> RemovalError {
        RemovalError::Failed(error.into())
    }
}

impl Host {
    /// Pauses a payment system, so that it takes no new orders, or resumes it. Callbacks are processed in both cases.
    ///
    /// # Errors
    /// If there is no such payment system, or the storage is unavailable.
    pub fn set_paused(&self, name: &ProviderName, is_paused: bool, by: String) -> Result<(), HostError> {
        let _swapping = self.0.swap_lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.registry.require_in_use(name)?;
        let paused = is_paused.then(|| Stamp { by: by.clone(), at: self.now() });
        self.0.roster.change(&self.0.ledger, name, |record| {
            // If it is paused already, the operator who paused it first stays on record.
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
            "an operator decided whether a provider takes new orders"
        );
        Ok(())
    }

    /// Removes a payment system and its components from the lock. Its settings stay stored, sealed, and are used again if the
    /// same component is added again. If orders are open, the removal must be confirmed. After a crash, the next start
    /// completes the removal.
    ///
    /// # Errors
    /// [`RemovalError::OpenOrders`] if it must be confirmed; else it has operations that have not ended, there is no such payment system, or the storage or the
    /// catalog is unavailable.
    pub fn remove_provider(&self, name: &ProviderName, is_confirmed: bool, by: String) -> Result<(), RemovalError> {
        let _swapping = self.0.swap_lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.registry.require_in_use(name)?;
        self.require_no_operations(name)?;
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
            // It stays in use, also after the next start.
            roster.change(ledger, name, |record| record.removed = None)?;
            return Err(error.into());
        }
        self.0.registry.set_absent(name, Absent::Removed(Box::new(roster.get(name).unwrap_or_default())));
        roster.change(ledger, name, |record| record.removed = Some(removal(true)))?;
        tracing::info!(operator = by, provider = name.as_str(), open_orders = open.all, "an operator removed a provider");
        Ok(())
    }

    /// Refuses to remove a payment system with operations that have not ended: nobody could learn what became of them.
    fn require_no_operations(&self, name: &ProviderName) -> Result<(), HostError> {
        let OpenOperations { pending, unknown } = self.0.ledger.open_operation_counts(Some(name))?;
        if pending + unknown == 0 {
            return Ok(());
        }
        let detail = format!(
            "operations of {name} have not ended: {pending} are pending, {unknown} wait for a person; see the page «Операции»"
        );
        Err(HostError::conflict(detail).with_code(ErrorCode::OperationsOpen))
    }

    /// Reserves the settings for the components that had them. Otherwise, a person who may remove and add payment systems could
    /// pass the secrets of one component to another.
    fn set_settings_apart(&self, name: &ProviderName) -> Result<(), HostError> {
        if let LoadedSettings::Stored(mut stored) = LoadedSettings::load(name, &self.0.ledger, &self.0.key)? {
            stored.set_apart();
            stored.save(name, &self.0.ledger, &self.0.key)?;
        }
        Ok(())
    }

    /// Returns those in use whose component cannot be loaded, by name.
    pub fn not_loaded_providers(&self) -> Vec<NotLoadedProvider> {
        let status = |(name, NotLoaded { locked, title, why }): (ProviderName, NotLoaded)| {
            let paused = self.0.roster.get(&name).and_then(|record| record.paused);
            NotLoadedProvider { name, title, locked, why, paused }
        };
        self.0.registry.not_loaded().into_iter().map(status).collect()
    }

    /// Returns the removed ones, by name.
    pub fn removed_providers(&self) -> Vec<RemovedProvider> {
        let removed = |(name, record): (ProviderName, Record)| {
            Some(RemovedProvider { name, title: record.title, removed: record.removed?.decision })
        };
        self.0.roster.removed().into_iter().filter_map(removed).collect()
    }

    /// Returns whether a name takes calls, or `None` if it is unknown.
    pub fn availability(&self, name: &ProviderName) -> Option<Availability> {
        self.0.registry.availability(name)
    }

    /// Reports whether a name is in use: its component is loaded, or will be loaded again.
    pub fn is_in_use(&self, name: &ProviderName) -> bool {
        self.0.registry.is_in_use(name)
    }
}
