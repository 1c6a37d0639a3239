//! The payment systems in use: their status, and their calls.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use domain::{OpenOrders, ProviderName};
use sandbox::{Error, Merchant, Provider, Usage};

use crate::component::{ActiveComponent, State};
use crate::error::{ErrorKind, HostError};
use crate::error_code::ErrorCode;
use crate::host::Host;
use crate::observer::ProviderCall;
use crate::slot::{ProviderSlot, ProviderStatus, with_stored_settings};
use crate::swap::outcome::{Refusal, SwapError};

/// Orders younger than this, a week, may still be paid.
pub const RECENT_SECONDS: u64 = 7 * 24 * 3600;

impl HostError {
    /// There is no provider with this name, or the name is invalid.
    pub fn unknown_provider(name: &str) -> HostError {
        HostError::new(ErrorKind::NotFound, format!("there is no provider called {name}")).with_code(ErrorCode::ProviderUnknown)
    }

    /// The same, as an error about a field of the request.
    pub fn invalid_provider(name: &str) -> HostError {
        HostError::invalid(format!("there is no provider called {name}")).with_code(ErrorCode::ProviderUnknown)
    }

    /// A provider's name is invalid.
    pub fn impossible_provider(name: &str) -> HostError {
        catalog::Error::Name(name.to_owned()).into()
    }

    /// The error shown to a payer if a provider takes no new orders.
    pub fn provider_not_offered() -> HostError {
        let detail = "this payment method is not available now; choose another one in the cabinet, or come back later";
        HostError::new(ErrorKind::Conflict, detail).with_code(ErrorCode::ProviderNotOffered)
    }
}

/// What a measured call gave, for [`Host::call`].
pub(crate) fn measured<T>(result: Result<(T, Usage), Error>) -> Result<(T, Option<Usage>), Error> {
    result.map(|(answer, usage)| (answer, Some(usage)))
}

impl Host {
    /// Calls a configured provider, and observes the call's result, duration and usage. The outer error says that the provider is not
    /// configured.
    pub(crate) fn call<T>(
        &self,
        slot: &ProviderSlot,
        component: &ActiveComponent,
        function: &'static str,
        call: impl FnOnce(&Merchant) -> Result<(T, Option<Usage>), Error>,
    ) -> Result<Result<T, Error>, HostError> {
        let merchant = component.merchant(&slot.name)?;
        let _permit = self.0.permits.acquire();
        let started = Instant::now();
        let (result, usage) = match call(merchant) {
            Ok((answer, usage)) => (Ok(answer), usage),
            Err(error) => (Err(error), None),
        };
        self.observe_call(slot, function, &result, started.elapsed(), usage);
        Ok(result)
    }

    pub(crate) fn observe_call<T>(
        &self,
        slot: &ProviderSlot,
        function: &'static str,
        result: &Result<T, Error>,
        time: Duration,
        usage: Option<Usage>,
    ) {
        let came_to = match result {
            Ok(_) => "ok",
            Err(Error::Provider(_)) => "problem",
            Err(Error::Limit { .. }) => "limit",
            Err(Error::Contract { .. } | Error::ExportClosed | Error::ReportClosed) => "contract",
            Err(_) => "trap",
        };
        self.0.observer.provider_called(&slot.name, &ProviderCall { function, result: came_to, time, usage });
        if let Err(error) = result
            && !matches!(error, Error::Provider(_))
        {
            tracing::error!(provider = slot.name.as_str(), function, %error, "the provider failed");
            slot.fail(self.now(), error.to_string());
        }
    }

    /// Activates another component with the stored settings from the next call on, after `publish` has made the change durable.
    /// If the active component is configured, a component that refuses the settings does not replace it. `write` stores the
    /// settings that the component was checked with, unless somebody else changed them meanwhile.
    pub(crate) fn replace_component(
        &self,
        slot: &ProviderSlot,
        provider: Provider,
        write: impl FnOnce() -> Result<(), SwapError>,
        publish: impl FnOnce() -> Result<(), SwapError>,
    ) -> Result<(), SwapError> {
        let _updating = slot.update_lock.lock().unwrap_or_else(PoisonError::into_inner);
        write()?;
        let component = with_stored_settings(&slot.name, provider, &self.0.ledger, &self.0.key)?;
        if let (State::SettingsRejected(why), true) = (&component.state, slot.component().is_ready()) {
            return Err(Refusal::new(format!("it does not take the settings that were entered: {why}")).into());
        }
        publish()?;
        slot.activate(component);
        Ok(())
    }

    /// Returns the loaded payment systems, by name.
    pub fn providers(&self) -> Vec<ProviderStatus> {
        self.0.registry.all().iter().map(|slot| slot.status()).collect()
    }

    /// Returns a loaded payment system.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the name is unknown, [`ErrorKind::Gone`] if it was removed, [`ErrorKind::Unavailable`] if its
    /// component cannot be loaded.
    pub fn provider(&self, name: &ProviderName) -> Result<ProviderStatus, HostError> {
        Ok(self.0.registry.get(name)?.status())
    }

    /// Returns a payment system that payers can choose now.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] with the code `provider-not-offered`, an error for a payer, if it is paused, removed or not
    /// usable.
    pub fn offered_provider(&self, name: &ProviderName) -> Result<ProviderStatus, HostError> {
        let status = self.0.registry.find(name).map(|slot| slot.status()).filter(ProviderStatus::is_offered);
        status.ok_or_else(HostError::provider_not_offered)
    }

    /// Returns how many orders wait to be paid by a payment system: all, and those of the last [`RECENT_SECONDS`].
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn open_orders(&self, name: &ProviderName) -> Result<OpenOrders, HostError> {
        Ok(self.0.ledger.open_orders(name, self.now().saturating_sub(RECENT_SECONDS))?)
    }
}
