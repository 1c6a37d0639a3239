//! Swaps a provider's component while the host runs. The candidate is loaded and checked, its verdicts on earlier callbacks are
//! compared with the active component's, and only then is it activated.
//!
//! A refused candidate changes nothing. For an accepted one, its settings are stored beside those of the previous component,
//! then the lock file is replaced, then the component is activated. After a crash, the host therefore has one component or the
//! other, each with its settings. Calls that have begun complete with the component that they began with.

pub(crate) mod outcome;
mod replay;
pub(crate) mod vetting;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use catalog::{Lock, LockedProvider, Version};
use domain::ProviderName;
use sandbox::Provider;

use crate::component::ActiveComponent;
use crate::error::HostError;
use crate::host::Host;
use crate::registry::{Absent, NotLoaded};
use crate::roster;
use crate::slot::ProviderSlot;
use crate::stored_settings::{LoadedSettings, StoredSettings};
use outcome::{Refusal, SwapError, SwapReport, SwapRequest, VettingResult};
use vetting::{NewHosts, Tools};

pub use replay::{Difference, Replay, VerdictChange};

fn conflict(detail: String) -> SwapError {
    HostError::conflict(detail).into()
}

/// A provider's name, and its current state.
struct Target {
    name: ProviderName,
    slot: Option<Arc<ProviderSlot>>,
    absent: Option<Absent>,
}

impl Target {
    fn of(host: &Host, name: &ProviderName) -> Target {
        Target { name: name.clone(), slot: host.0.registry.find(name), absent: host.0.registry.absent(name) }
    }

    fn component(&self) -> Option<Arc<ActiveComponent>> {
        self.slot.as_ref().map(|slot| slot.component())
    }

    /// Returns the version in the lock, or the last one before the provider was removed.
    fn locked(&self) -> Option<Version> {
        match (&self.slot, &self.absent) {
            (Some(slot), _) => Some(Version::of(&slot.component().provider)),
            (None, Some(Absent::NotLoaded(NotLoaded { locked, .. }))) => locked.clone(),
            (None, Some(Absent::Removed(record))) => record.current.clone(),
            (None, None) => None,
        }
    }

    fn sha256(&self) -> Option<String> {
        self.locked().map(|version| version.sha256)
    }

    /// Reports whether the candidate must accept the settings: a payment system that takes callbacks must continue to take
    /// them.
    fn must_configure(&self) -> bool {
        match &self.slot {
            Some(slot) => slot.component().is_ready(),
            None => matches!(self.absent, Some(Absent::NotLoaded(_))),
        }
    }

    /// Requires that the component is for the same payment system: all settings, orders and callbacks of a name belong to one
    /// payment system, even after it was removed.
    fn require_same_id(&self, provider: &Provider) -> Result<(), Box<Refusal>> {
        let (name, new) = (&self.name, &provider.description().id);
        match self.locked() {
            Some(Version { id, .. }) if id != *new => Err(Box::new(Refusal::new(format!(
                "the component is {new} but provider {name} runs {id}; add it under a new name"
            )))),
            _ => Ok(()),
        }
    }
}

impl Host {
    /// Swaps a provider's component, or adds a provider under a new name.
    ///
    /// # Errors
    /// [`SwapError::Refused`] if the component is refused, with the reason. [`SwapError::Failed`] if a limit is 0, somebody else
    /// made a swap or removed the provider first, or the storage or the catalog is unavailable.
    pub fn swap(&self, request: SwapRequest) -> Result<SwapReport, SwapError> {
        request.limits.require_positive()?;
        // Read before waiting for the lock: a concurrent swap must be detected.
        let seen = request.in_use.clone().or_else(|| Target::of(self, &request.name).sha256());
        let _swapping = self.0.swap_lock.lock().unwrap_or_else(PoisonError::into_inner);
        let target = Target::of(self, &request.name);
        let name = &request.name;
        require_seen(&target, seen.as_deref())?;
        if request.in_use.is_some() {
            // A component that replaces another must not bring back a provider that was removed meanwhile.
            self.0.registry.require_in_use(name)?;
        }
        self.lock_of_what_is_used()?;
        let locked = target.locked();
        let limits = request.limits.apply_to(locked.as_ref().map(|version| version.limits).unwrap_or_default());
        let provider = self.0.sandbox.load(&request.bytes, limits);
        let provider = provider.map_err(|error| Refusal::new(format!("the component cannot be loaded: {error}")))?;
        let version = Version::of(&provider);
        if target.slot.is_some() && locked.as_ref() == Some(&version) && request.settings.is_empty() {
            return Ok(SwapReport {
                previous: previous(self, name)?,
                current: version,
                swapped: false,
                added: false,
                found: None,
            });
        }
        // Stored before it is vetted, since an operator who accepts its changes refers to it by its digest.
        self.0.catalog.stage(&request.bytes)?;
        target.require_same_id(&provider)?;
        let found = self.vet(&target, &request, &provider, NewHosts::MustBeAccepted)?;
        publish(self, &target, provider, &found, || {
            let needed = self.components_of_operations(name)?;
            Ok(self.0.catalog.publish_keeping(name, version.clone(), &needed)?)
        })?;
        let previous = previous(self, name)?;
        tracing::info!(
            provider = name.as_str(),
            version = version.version,
            sha256 = version.sha256,
            "a component was swapped in"
        );
        for setting in &request.accept_relabelled {
            tracing::warn!(
                provider = name.as_str(),
                setting,
                "the new component no longer declares a setting as a secret; its value stays masked"
            );
        }
        let added = target.slot.is_none() && !matches!(target.absent, Some(Absent::NotLoaded(_)));
        Ok(SwapReport { current: version, previous, swapped: true, added, found: Some(found) })
    }

    /// Exchanges the previous component and the active one. The previous component was vetted when it was swapped in, and a
    /// rollback is made for its verdicts, so that it is only loaded, and must accept its earlier settings. If it never had
    /// settings, it is vetted like any other.
    ///
    /// # Errors
    /// As for [`Host::swap`].
    pub fn roll_back(&self, name: &ProviderName, in_use: Option<String>) -> Result<SwapReport, SwapError> {
        let seen = in_use.or_else(|| Target::of(self, name).sha256());
        let _swapping = self.0.swap_lock.lock().unwrap_or_else(PoisonError::into_inner);
        let target = Target::of(self, name);
        require_seen(&target, seen.as_deref())?;
        self.0.registry.require_in_use(name)?;
        let none = || Refusal::new(format!("there is no earlier component of {name}"));
        let before = self.lock_of_what_is_used()?.remove(name).and_then(|locked| locked.previous).ok_or_else(none)?;
        let provider = self.0.catalog.load(&self.0.sandbox, &before)?;
        let stored = LoadedSettings::load(name, &self.0.ledger, &self.0.key)?.or_empty();
        let found = if stored.is_checked(&before.sha256) {
            None
        } else {
            let request = SwapRequest::new(name.clone(), Vec::new());
            Some(self.vet(&target, &request, &provider, NewHosts::WereAccepted)?)
        };
        let (settings, revision) = match &found {
            Some(found) => (found.settings.as_ref(), found.revision),
            None => (None, stored.revision()),
        };
        publish_with(self, &target, provider, settings, revision, || Ok(self.0.catalog.roll_back(name).map(drop)?))?;
        tracing::info!(
            provider = name.as_str(),
            version = before.version,
            sha256 = before.sha256,
            "a component was rolled back"
        );
        Ok(SwapReport { current: before, previous: previous(self, name)?, swapped: true, added: false, found })
    }

    fn vet(
        &self,
        target: &Target,
        request: &SwapRequest,
        provider: &Provider,
        new_hosts: NewHosts,
    ) -> Result<VettingResult, SwapError> {
        let (component, must_configure) = (target.component(), target.must_configure());
        let tools = Tools { ledger: &self.0.ledger, key: &self.0.key, outbound: self.0.outbound.as_deref() };
        vetting::vet(&tools, request, component.as_deref(), provider, must_configure, new_hosts)
    }

    /// Applies manual changes of the lock file. An entry that is refused is replaced by the active component's, so that a
    /// restart does not use it either. A missing entry is written again, since only a person's explicit removal takes a payment
    /// system out of use.
    pub fn reload_lock(&self) {
        let _swapping = self.0.swap_lock.lock().unwrap_or_else(PoisonError::into_inner);
        let lock = match self.0.catalog.lock() {
            Ok(lock) => lock,
            Err(error) => {
                return tracing::error!(%error, "providers.lock cannot be used, and nothing changes; correct it or restore its copy");
            }
        };
        if let Err(why) = roster::refuse_empty_lock(&self.0.ledger, &lock) {
            tracing::error!(error = %why, "providers.lock is ignored and will be written again with the active components");
        }
        let mut differs = keep_in_use(self, &lock);
        for (name, locked) in &lock {
            differs |= follow(self, name, locked);
        }
        if !differs {
            tracing::info!("providers.lock was read again: it names the active components, and nothing changes");
        }
    }

    /// Returns the components that can be rolled back to, by the provider's name.
    ///
    /// # Errors
    /// If the catalog is unavailable.
    pub fn previous_components(&self) -> Result<BTreeMap<ProviderName, Version>, HostError> {
        let previous = |(name, locked): (ProviderName, LockedProvider)| Some((name, locked.previous?));
        Ok(self.0.catalog.lock()?.into_iter().filter_map(previous).collect())
    }

    /// Returns the bytes of a component by their SHA-256. The component was refused for its changed verdicts or its settings,
    /// and waits for an operator's decision.
    ///
    /// # Errors
    /// If it does not wait any more, or the catalog is unavailable.
    pub fn staged_component(&self, sha256: &str) -> Result<Vec<u8>, HostError> {
        Ok(self.0.catalog.read(sha256)?)
    }

    /// Returns the lock, for a change of it. Entries in use that were deleted by hand are restored first; otherwise their
    /// components would be removed.
    pub(crate) fn lock_of_what_is_used(&self) -> Result<Lock, catalog::Error> {
        keep_in_use(self, &self.0.catalog.lock()?);
        self.0.catalog.lock()
    }
}

/// Returns an error if the active component is not the one that the caller saw.
fn require_seen(target: &Target, seen: Option<&str>) -> Result<(), SwapError> {
    let in_use = target.sha256();
    if in_use.as_deref() == seen {
        return Ok(());
    }
    let what = target.locked().map_or_else(
        || "it was removed".to_owned(),
        |version| format!("it is now {} {}, sha256 {}", version.id, version.version, version.sha256),
    );
    Err(conflict(format!("somebody else swapped {} meanwhile: {what}; review it, and decide again", target.name)))
}

/// Returns the component that can be rolled back to.
fn previous(host: &Host, name: &ProviderName) -> Result<Option<Version>, catalog::Error> {
    Ok(host.0.catalog.lock()?.remove(name).and_then(|locked| locked.previous))
}

/// Applies the lock file's entry of a name. Returns whether it differs from what is in use.
fn follow(host: &Host, name: &ProviderName, locked: &LockedProvider) -> bool {
    let target = Target::of(host, name);
    if target.component().is_some_and(|component| Version::of(&component.provider) == locked.current) {
        return false;
    }
    match apply_locked(host, &target, &locked.current) {
        Ok(()) => {
            tracing::info!(
                provider = name.as_str(),
                version = locked.current.version,
                "the component that providers.lock names is active now"
            )
        }
        Err(error) => {
            tracing::error!(
                provider = name.as_str(),
                sha256 = locked.current.sha256,
                %error,
                "the component that providers.lock names was refused"
            );
            if target.absent.is_none() {
                set_back(host, name, target.slot.as_deref(), locked);
            }
        }
    }
    true
}

fn apply_locked(host: &Host, target: &Target, locked: &Version) -> Result<(), SwapError> {
    let provider = host.0.catalog.load(&host.0.sandbox, locked)?;
    target.require_same_id(&provider)?;
    let request = SwapRequest::new(target.name.clone(), Vec::new());
    let found = host.vet(target, &request, &provider, NewHosts::MustBeAccepted)?;
    publish(host, target, provider, &found, || Ok(()))
}

/// Restores entries that are in use but missing from the lock, since nobody removed these payment systems. Returns whether any
/// were missing.
fn keep_in_use(host: &Host, lock: &Lock) -> bool {
    let missing = host.0.registry.all().into_iter().filter(|slot| !lock.contains_key(&slot.name));
    let missing: Vec<Arc<ProviderSlot>> = missing.collect();
    if missing.is_empty() {
        return false;
    }
    for slot in &missing {
        let what = roster::not_named(&slot.name);
        tracing::error!(provider = slot.name.as_str(), "{what}");
        slot.fail(host.now(), what);
    }
    let entry = |slot: &Arc<ProviderSlot>| {
        let (previous, kept) = host.0.roster.get(&slot.name).map(|record| (record.previous, record.kept)).unwrap_or_default();
        (slot.name.clone(), LockedProvider { current: Version::of(&slot.component().provider), previous, kept })
    };
    restore(host, missing.iter().map(entry).collect());
    true
}

fn restore(host: &Host, entries: Lock) {
    let names: Vec<ProviderName> = entries.keys().cloned().collect();
    let left_out = match host.0.catalog.restore(entries) {
        Ok(left_out) => left_out,
        Err(error) => {
            return tracing::error!(%error, "providers.lock cannot be restored; check the disk and the rights of the data folder");
        }
    };
    for name in names {
        match left_out.get(&name) {
            None => {
                tracing::warn!(provider = name.as_str(), "providers.lock was restored: it names the active component again")
            }
            Some(error) => {
                tracing::error!(provider = name.as_str(), %error, "the active component cannot be restored in providers.lock; swap it in again before the next start")
            }
        }
    }
}

/// Restores the active component's entry in the lock file, since the new entry was refused. Without an active component, removes
/// the entry.
fn set_back(host: &Host, name: &ProviderName, slot: Option<&ProviderSlot>, refused: &LockedProvider) {
    match slot {
        Some(slot) => {
            let current = Version::of(&slot.component().provider);
            restore(host, Lock::from([(name.clone(), LockedProvider { current, ..refused.clone() })]));
        }
        None => match host.0.catalog.remove(name) {
            Ok(()) => {
                tracing::warn!(provider = name.as_str(), "the refused component was removed from providers.lock")
            }
            Err(error) => {
                tracing::error!(provider = name.as_str(), %error, "the refused component cannot be removed from providers.lock; remove its entry by hand")
            }
        },
    }
}

/// Activates a component from the next call on, with the settings that it was vetted with, after `publish` has made the change
/// durable.
fn publish(
    host: &Host,
    target: &Target,
    provider: Provider,
    found: &VettingResult,
    publish: impl FnOnce() -> Result<(), SwapError>,
) -> Result<(), SwapError> {
    publish_with(host, target, provider, found.settings.as_ref(), found.revision, publish)
}

fn publish_with(
    host: &Host,
    target: &Target,
    provider: Provider,
    settings: Option<&StoredSettings>,
    revision: u64,
    publish: impl FnOnce() -> Result<(), SwapError>,
) -> Result<(), SwapError> {
    let Target { name, slot, .. } = target;
    let title = provider.description().name.clone();
    let write = || {
        if LoadedSettings::load(name, &host.0.ledger, &host.0.key)?.or_empty().revision() != revision {
            return Err(conflict(format!(
                "somebody else entered settings of {name} while the component was checked; look at them, and swap again"
            )));
        }
        settings.map_or(Ok(()), |settings| Ok(settings.save(name, &host.0.ledger, &host.0.key)?))
    };
    match slot {
        Some(slot) => host.replace_component(slot, provider, write, publish)?,
        None => {
            write()?;
            let paused = host.0.roster.get(name).and_then(|record| record.paused);
            let slot = ProviderSlot::open(name, provider, paused, &host.0.ledger, &host.0.key)?;
            publish()?;
            host.0.registry.add(slot);
        }
    }
    remember(host, name, &title);
    Ok(())
}

/// Stores the lock's entry in the ledger. A failure does not fail the swap, since the next start stores it again.
fn remember(host: &Host, name: &ProviderName, title: &str) {
    let locked = host.0.catalog.lock().map_err(HostError::from).map(|mut lock: Lock| lock.remove(name));
    let kept = locked.and_then(|locked| match locked {
        Some(locked) => host.0.roster.follow(&host.0.ledger, name, &locked, Some(title)),
        None => Ok(()),
    });
    let kept = kept.and_then(|()| host.0.roster.change(&host.0.ledger, name, |record| record.removed = None));
    if let Err(error) = kept {
        tracing::error!(
            provider = name.as_str(),
            error = error.message,
            "the entry of providers.lock cannot be stored in the ledger; the next start stores it"
        );
    }
}
