//! A payment system under the name in its callback address: its component, and its status.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use domain::{ProviderName, Settings};
use ledger::Ledger;
use sandbox::Provider;

use crate::component::{ActiveComponent, State};
use crate::error::HostError;
use crate::error_code::ErrorCode;
use crate::lookups::Lookups;
use crate::roster::Stamp;
use crate::sealing::Key;
use crate::stored_settings::LoadedSettings;
use crate::swap::vetting;
use crate::unrecognized_rates::UnrecognizedRates;
use crate::wishes::PendingWishes;

/// A payment system in use.
pub(crate) struct ProviderSlot {
    pub(crate) name: ProviderName,
    component: RwLock<Arc<ActiveComponent>>,
    /// Held while settings are saved or the component is swapped, so that the stored and the active ones agree.
    pub(crate) update_lock: Mutex<()>,
    /// When a callback was last accepted, in seconds since the epoch; 0 if none was since the start.
    accepted_at: AtomicU64,
    failure: Mutex<Option<Failure>>,
    /// Who paused it, and when.
    paused: RwLock<Option<Stamp>>,
    /// The callbacks that prove nothing by themselves.
    pub(crate) lookups: Arc<Lookups>,
    /// How many callbacks that cannot be resolved are stored of each network.
    pub(crate) unrecognized: UnrecognizedRates,
    /// The wishes to which billing is being asked to agree.
    pub(crate) wishes: Arc<PendingWishes>,
}

/// A failure of a payment system's component.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Seconds since the epoch.
    pub at: u64,
    /// In English.
    pub message: String,
}

/// A snapshot of a payment system's status.
#[derive(Clone)]
#[non_exhaustive]
pub struct ProviderStatus {
    /// Its name in this host.
    pub name: ProviderName,
    /// The active component.
    pub component: Arc<ActiveComponent>,
    /// Who paused it, and when.
    pub paused: Option<Stamp>,
    /// Its last failure since the start.
    pub failure: Option<Failure>,
    /// When a callback was last accepted since the start, in seconds since the epoch.
    pub last_accepted_at: Option<u64>,
}

impl ProviderStatus {
    /// Reports whether subscribers may choose it: it has payment links, is configured and not paused.
    pub fn is_offered(&self) -> bool {
        self.component.description().links && self.component.is_ready() && self.paused.is_none()
    }
}

/// Returns a component configured with the settings that the ledger stores. A component that never passed the checks with them
/// is checked now.
pub(crate) fn with_stored_settings(
    name: &ProviderName,
    provider: Provider,
    ledger: &Ledger,
    key: &Key,
) -> Result<ActiveComponent, ledger::Error> {
    let mut stored = match LoadedSettings::load(name, ledger, key)? {
        LoadedSettings::Stored(stored) => stored,
        LoadedSettings::NotStored => {
            return Ok(ActiveComponent { provider, state: State::NotConfigured, secrets: Default::default() });
        }
        LoadedSettings::Sealed => {
            let why = "the settings were sealed with another key; put the right key file back and start the host again, or enter them again".to_owned();
            return Ok(ActiveComponent::rejected(name, provider, why, Default::default()));
        }
    };
    let is_adopted = stored.adopt(provider.sha256(), provider.description());
    let secrets = stored.secrets().clone();
    let Some(settings) = stored.values(provider.sha256(), None, provider.description()) else {
        return Ok(ActiveComponent { provider, state: State::NotConfigured, secrets });
    };
    let merchant = match provider.merchant(Settings::new(settings.clone())) {
        Ok(merchant) => merchant,
        Err(error) => {
            let why = vetting::without_secrets(&stored, &settings, error.to_string());
            return Ok(ActiveComponent::rejected(name, provider, why, secrets));
        }
    };
    let is_new = !stored.is_checked(provider.sha256());
    if is_new {
        if let Err(refusal) = vetting::check_first(&provider, &stored, &settings) {
            return Ok(ActiveComponent::rejected(name, provider, refusal.detail, secrets));
        }
        stored.put(provider.sha256(), provider.description(), settings.clone(), Default::default());
    }
    if (is_adopted || is_new)
        && let Err(error) = stored.save(name, ledger, key)
    {
        tracing::error!(
            provider = name.as_str(),
            error = error.message,
            "the checked settings cannot be stored; check the disk and the database"
        );
    }
    Ok(ActiveComponent::ready(provider, merchant, settings, &stored))
}

impl ProviderSlot {
    /// Creates the slot of a payment system, with the settings that the ledger stores.
    pub fn open(
        name: &ProviderName,
        provider: Provider,
        paused: Option<Stamp>,
        ledger: &Ledger,
        key: &Key,
    ) -> Result<ProviderSlot, ledger::Error> {
        Ok(ProviderSlot {
            name: name.clone(),
            paused: RwLock::new(paused),
            component: RwLock::new(Arc::new(with_stored_settings(name, provider, ledger, key)?)),
            update_lock: Mutex::new(()),
            accepted_at: AtomicU64::new(0),
            failure: Mutex::new(None),
            lookups: Arc::default(),
            unrecognized: UnrecognizedRates::default(),
            wishes: Arc::default(),
        })
    }

    /// Returns the active component.
    pub fn component(&self) -> Arc<ActiveComponent> {
        self.component.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Activates another component from the next call on.
    pub fn activate(&self, component: ActiveComponent) {
        *self.component.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(component);
    }

    pub fn status(&self) -> ProviderStatus {
        ProviderStatus {
            name: self.name.clone(),
            component: self.component(),
            paused: self.paused(),
            failure: self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            last_accepted_at: Some(self.accepted_at.load(Ordering::Relaxed)).filter(|at| *at != 0),
        }
    }

    /// Records a failure, to show it to the operator.
    pub fn fail(&self, at: u64, message: String) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(Failure { at, message });
    }

    /// Returns who paused it, and when.
    pub fn paused(&self) -> Option<Stamp> {
        self.paused.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set_paused(&self, paused: Option<Stamp>) {
        *self.paused.write().unwrap_or_else(PoisonError::into_inner) = paused;
    }

    /// Records that a callback was accepted and stored.
    pub fn set_accepted(&self, at: u64) {
        self.accepted_at.store(at, Ordering::Relaxed);
    }

    /// Returns an error for a new order if it has no payment links or is paused.
    pub fn require_orders(&self) -> Result<(), HostError> {
        if !self.component().description().links {
            let name = &self.name;
            let detail = format!("{name} has no payment links: its payers pay elsewhere; use another provider");
            return Err(HostError::conflict(detail).with_code(ErrorCode::ProviderWithoutLinks));
        }
        let Some(Stamp { by, .. }) = self.paused() else { return Ok(()) };
        let name = &self.name;
        Err(HostError::conflict(format!("{name} takes no new orders: {by} paused it; use another provider, or resume it"))
            .with_code(ErrorCode::ProviderPaused))
    }
}
