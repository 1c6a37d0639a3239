//! Settings that an operator enters. They are checked by the host, tried with the component, and stored completely or not at
//! all.

use std::sync::{Arc, PoisonError};
use std::time::Instant;

use domain::{Currency, Fields, Money, Problem, ProviderName, Settings};
use sandbox::{Error, Merchant};
use sha2::{Digest, Sha256};

use crate::call_hosts::CallHost;
use crate::component::ActiveComponent;
use crate::error::{ErrorKind, HostError};
use crate::host::Host;
use crate::invisible;
use crate::payment_hosts::{self, Confirmed, EnteredSettings};
use crate::slot::{ProviderSlot, ProviderStatus};
use crate::stored_settings::{self, LoadedSettings, StoredSettings};
use crate::swap::vetting;
use crate::top_up_limits::{self, TopUpLimits};

/// How many bytes of a digest make a version.
const VERSION_BYTES: usize = 16;

/// The argument of [`Host::save_settings`].
#[derive(Clone, Default)]
pub struct NewSettings {
    /// The component's settings. A secret that is absent or empty keeps its value; it must be entered where a setting leads to a host
    /// to which it was not sent before.
    pub settings: Fields,
    /// The limits of a top-up; `None` keeps those that are stored.
    pub limits: Option<TopUpLimits>,
    /// The version that the caller read. If it is not the stored version any more, nothing is saved. Without it, versions are
    /// not compared.
    pub version: Option<String>,
    /// The hosts that payers and calls may be sent to.
    pub confirmed: Confirmed,
}

impl NewSettings {
    /// Creates a request with only the component's settings. Set the other fields directly.
    pub fn new<N: Into<String>, V: Into<String>>(settings: impl IntoIterator<Item = (N, V)>) -> NewSettings {
        let settings = settings.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        NewSettings { settings, ..NewSettings::default() }
    }
}

/// The result of saving settings.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SavedSettings {
    /// The version that is now stored.
    pub version: String,
    /// The names of the secrets that changed.
    pub changed_secrets: Vec<String>,
    /// Those of them with characters beyond ASCII: perhaps they were typed in a Russian keyboard layout.
    pub not_latin: Vec<String>,
    /// The merchant's currency, if it changed.
    pub new_currency: Option<Currency>,
}

impl Host {
    /// Checks settings with the component, stores them sealed, and activates them. If any step fails, nothing is changed.
    ///
    /// # Errors
    /// [`ErrorKind::Stale`] if somebody saved other settings since they were read, [`ErrorKind::Invalid`] with a problem for
    /// each refused field; else the payment system is not loaded, or the storage is unavailable.
    pub fn save_settings(&self, provider: &ProviderName, new: NewSettings) -> Result<SavedSettings, HostError> {
        let slot = self.0.registry.get(provider)?;
        let _updating = slot.update_lock.lock().unwrap_or_else(PoisonError::into_inner);
        let component = slot.component();
        let declared = &component.description().settings;
        let new = NewSettings { settings: invisible::with_line_ends(declared, new.settings), ..new };
        let mut stored = self.stored_settings(&slot.name)?;
        let in_use = in_use(&component, &stored);
        if let Err(stale) = self.require_version(&slot, new.version.clone()) {
            return if self.is_stored(&slot, &component, &in_use, &new)? {
                Ok(SavedSettings { version: self.settings_version(provider)?, ..SavedSettings::default() })
            } else {
                Err(stale)
            };
        }
        let mut problems = invisible::problems(declared, &new.settings);
        let compared = EnteredSettings {
            description: component.description(),
            has_calls: !component.abilities().is_empty(),
            outbound: self.0.outbound.as_deref(),
            in_use: &in_use,
            is_secret: &|name| component.is_secret(name),
            entered: &new.settings,
            confirmed: &new.confirmed,
        };
        problems.extend(compared.problems());
        let changed_secrets = changed_secrets(&component, &in_use, &new.settings);
        let is_latin = |name: &String| stored_settings::value(&new.settings, name).is_none_or(str::is_ascii);
        let not_latin = changed_secrets.iter().filter(|name| !is_latin(name)).cloned().collect();
        let settings = completed(&component, in_use, new.settings);
        let merchant = self.configured(&slot, &component, &stored, &settings, problems)?;
        let sha256 = component.sha256();
        stored.put(sha256, component.description(), settings.clone(), stored.relabelled(sha256));
        let new_currency_of = |saved: &ActiveComponent| -> Result<Option<Currency>, HostError> {
            let [before, after] = [component.currency()?, saved.currency()?];
            Ok((component.is_ready() && before != after).then_some(after))
        };
        let limits = match new.limits {
            Some(limits) => limits.to_json()?,
            None => self.0.ledger.document(&top_up_limits::document(&slot.name))?.unwrap_or_default(),
        };
        let version = version(&stored, &limits);
        let mut documents = vec![stored.sealed(&slot.name, &self.0.key)?];
        if new.limits.is_some() {
            documents.push((top_up_limits::document(&slot.name), limits));
        }
        let saved = ActiveComponent::ready(component.provider.clone(), merchant, settings, &stored);
        let new_currency = new_currency_of(&saved)?;
        // Nothing after this write can fail, so that the stored settings, the active ones and the result agree.
        self.0.ledger.put_documents(documents)?;
        slot.activate(saved);
        tracing::info!(provider = slot.name.as_str(), changed_secrets = changed_secrets.join(" "), "settings were saved");
        Ok(SavedSettings { version, changed_secrets, not_latin, new_currency })
    }

    /// Returns why a URL of a setting is never called, and what to do. `None` if it may be, or if nothing is called.
    pub fn unreachable(&self, url: &str) -> Option<Problem> {
        let why = self.0.outbound.as_ref()?.unreachable(url)?;
        Some(payment_hosts::unreachable_problem(&CallHost::of_url(url)?, why))
    }

    /// Reports whether the entered settings, including secrets, equal the stored ones: the same form was submitted again.
    fn is_stored(
        &self,
        slot: &ProviderSlot,
        component: &ActiveComponent,
        in_use: &Fields,
        new: &NewSettings,
    ) -> Result<bool, HostError> {
        let sorted = |mut fields: Fields| {
            fields.sort();
            fields
        };
        let entered = sorted(completed(component, in_use.clone(), new.settings.clone()));
        let limits = self.top_up_limits(&slot.name)?;
        Ok(entered == sorted(in_use.clone()) && new.limits.is_none_or(|entered| entered == limits))
    }

    /// Returns the status that the payment system would have with trial settings, without storing them. Secrets that are not
    /// entered keep their active values.
    ///
    /// # Errors
    /// As for [`Host::save_settings`].
    pub fn try_settings(&self, provider: &ProviderName, entered: Fields) -> Result<ProviderStatus, HostError> {
        let slot = self.0.registry.get(provider)?;
        let component = slot.component();
        let stored = self.stored_settings(&slot.name)?;
        let declared = &component.description().settings;
        let entered = invisible::with_line_ends(declared, entered);
        let mut problems = invisible::problems(declared, &entered);
        let in_use = in_use(&component, &stored);
        let compared = EnteredSettings {
            description: component.description(),
            has_calls: !component.abilities().is_empty(),
            outbound: self.0.outbound.as_deref(),
            in_use: &in_use,
            is_secret: &|name| component.is_secret(name),
            entered: &entered,
            confirmed: &Confirmed::default(),
        };
        problems.extend(compared.unreachable_problems());
        let settings = completed(&component, in_use, entered);
        let merchant = self.configured(&slot, &component, &stored, &settings, problems)?;
        let tried = ActiveComponent::ready(component.provider.clone(), merchant, settings, &stored);
        Ok(ProviderStatus { component: Arc::new(tried), ..slot.status() })
    }

    /// Returns the provider configured with settings, if it accepts them, there are no other problems, and it passes the checks
    /// with them.
    fn configured(
        &self,
        slot: &ProviderSlot,
        component: &ActiveComponent,
        stored: &StoredSettings,
        settings: &Fields,
        mut problems: Vec<Problem>,
    ) -> Result<Merchant, HostError> {
        let started = Instant::now();
        let merchant = component.provider.merchant(Settings::new(settings.clone()));
        self.observe_call(slot, "configure", &merchant, started.elapsed(), None);
        match merchant {
            Ok(merchant) if problems.is_empty() => {
                if !stored.is_checked(component.sha256()) {
                    vetting::check_first(&component.provider, stored, settings)
                        .map_err(|refusal| HostError::invalid(refusal.detail))?;
                }
                Ok(merchant)
            }
            Ok(_) => Err(Error::Provider(problems).into()),
            Err(Error::Provider(others)) => {
                // Reports one problem for each setting: the host's problem is the cause of the component's.
                let is_named = |other: &Problem| problems.iter().any(|problem| problem.field == other.field);
                let others: Vec<_> = others.into_iter().filter(|other| !is_named(other)).collect();
                problems.extend(others);
                Err(Error::Provider(problems).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn stored_settings(&self, provider: &ProviderName) -> Result<StoredSettings, ledger::Error> {
        Ok(LoadedSettings::load(provider, &self.0.ledger, &self.0.key)?.or_empty())
    }

    /// Returns a text that changes whenever settings, component or limits change in the storage. It reveals nothing about them.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn settings_version(&self, provider: &ProviderName) -> Result<String, HostError> {
        let limits = self.0.ledger.document(&top_up_limits::document(provider))?.unwrap_or_default();
        Ok(version(&self.stored_settings(provider)?, &limits))
    }

    /// Returns an error if the stored version is not the one that was read.
    fn require_version(&self, slot: &ProviderSlot, read: Option<String>) -> Result<(), HostError> {
        match read {
            Some(read) if self.settings_version(&slot.name)? != read => Err(HostError::new(
                ErrorKind::Stale,
                "the settings were changed since they were read; nothing was saved: read them again",
            )),
            _ => Ok(()),
        }
    }

    /// Returns the limits of a top-up by a payment system; [`TopUpLimits::DEFAULT`] if no operator entered any.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn top_up_limits(&self, provider: &ProviderName) -> Result<TopUpLimits, HostError> {
        Ok(top_up_limits::entered(&self.0.ledger, provider)?.unwrap_or(TopUpLimits::DEFAULT))
    }

    /// Stores the limits of a top-up, if nothing changed since the version that was read. Returns the version that is now
    /// stored.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if they are not in the merchant's currency or allow no amount, [`ErrorKind::Stale`] if somebody
    /// saved other settings since they were read; else the payment system is not loaded, or the storage is unavailable.
    pub fn save_top_up_limits(
        &self,
        provider: &ProviderName,
        smallest: Money,
        largest: Money,
        read: Option<String>,
    ) -> Result<String, HostError> {
        let slot = self.0.registry.get(provider)?;
        let currency = slot.component().currency()?;
        if [smallest.currency, largest.currency] != [currency; 2] {
            return Err(HostError::invalid(format!(
                "smallest.currency and largest.currency must be the merchant's: {currency}"
            )));
        }
        let limits = TopUpLimits::new(smallest.minor_units, largest.minor_units)
            .ok_or_else(|| HostError::invalid("smallest must be positive and not above largest"))?;
        let _updating = slot.update_lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.require_version(&slot, read)?;
        let (stored, limits) = (self.stored_settings(&slot.name)?, limits.to_json()?);
        let version = version(&stored, &limits);
        self.0.ledger.put_document(top_up_limits::document(&slot.name), limits)?;
        Ok(version)
    }
}

/// Returns the version of stored settings and of the document with the limits.
fn version(stored: &StoredSettings, limits: &[u8]) -> String {
    let digest = Sha256::new().chain_update(stored.revision().to_be_bytes()).chain_update(limits).finalize();
    hex::encode(digest.get(..VERSION_BYTES).unwrap_or_default())
}

/// Returns the active settings with their secrets.
fn in_use(component: &ActiveComponent, stored: &StoredSettings) -> Fields {
    stored.values(component.sha256(), None, component.description()).unwrap_or_default()
}

/// Returns the entered settings, completed with the active secrets where none were entered.
fn completed(component: &ActiveComponent, in_use: Fields, entered: Fields) -> Fields {
    let mut settings: Fields =
        entered.into_iter().filter(|(name, value)| !(value.is_empty() && component.is_secret(name))).collect();
    for (name, value) in in_use {
        if component.is_secret(&name) && !settings.iter().any(|(other, _)| *other == name) {
            settings.push((name, value));
        }
    }
    settings
}

/// Returns the names of entered secrets that differ from the active ones.
fn changed_secrets(component: &ActiveComponent, in_use: &Fields, entered: &Fields) -> Vec<String> {
    let is_changed = |(name, value): &&(String, String)| {
        let is_entered = component.is_secret(name) && !value.is_empty();
        is_entered && stored_settings::value(in_use, name) != Some(value)
    };
    entered.iter().filter(is_changed).map(|(name, _)| name.clone()).collect()
}
