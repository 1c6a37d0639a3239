//! The payment systems in use: what is known of them, and their calls.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use domain::{OpenOrders, ProviderName};
use sandbox::{Error, Merchant, Provider, Usage};

use crate::component::{ActiveComponent, State};
use crate::error::{ErrorKind, HostError};
use crate::host::Host;
use crate::observer::ProviderCall;
use crate::slot::{ProviderSlot, ProviderStatus, with_stored_settings};
use crate::swap::outcome::{Refusal, SwapError};

/// Orders that are younger may well be paid yet: a week.
pub const RECENT_SECONDS: u64 = 7 * 24 * 3600;

impl HostError {
    /// No provider has this name, or can have it.
    pub fn unknown_provider(name: &str) -> HostError {
        HostError::new(ErrorKind::NotFound, format!("there is no provider called {name}"))
    }

    /// The same, where the name is a part of what is asked for.
    pub fn invalid_provider(name: &str) -> HostError {
        HostError::invalid(format!("there is no provider called {name}"))
    }

    /// No provider can have this name.
    pub fn impossible_provider(name: &str) -> HostError {
        catalog::Error::Name(name.to_owned()).into()
    }

    /// What a payer is told of a provider that takes no new orders.
    pub fn provider_not_offered() -> HostError {
        let detail = "this payment method is not available now; choose another one in the cabinet, or come back later";
        HostError::new(ErrorKind::Conflict, detail).with_code("provider-not-offered")
    }
}

/// What a measured call gave, for [`Host::call`].
pub(crate) fn measured<T>(result: Result<(T, Usage), Error>) -> Result<(T, Option<Usage>), Error> {
    result.map(|(answer, usage)| (answer, Some(usage)))
}

impl Host {
    /// Calls a configured provider; the outer error is that there is none. The call is observed, with its time and usage.
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
            Err(Error::Contract { .. } | Error::ExportClosed) => "contract",
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

    /// Uses another component from the next call on, with the settings that are stored, once `publish` has made it last. A component
    /// that works is not replaced by one that does not take its settings. `write` writes the settings that the component was checked
    /// with, if nobody entered others meanwhile.
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

    /// The payment systems that are loaded, by name.
    pub fn providers(&self) -> Vec<ProviderStatus> {
        self.0.registry.all().iter().map(|slot| slot.status()).collect()
    }

    /// A payment system that is loaded.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where nobody knows it, [`ErrorKind::Gone`] where it was removed, [`ErrorKind::Unavailable`] where its
    /// component cannot be loaded.
    pub fn provider(&self, name: &ProviderName) -> Result<ProviderStatus, HostError> {
        Ok(self.0.registry.get(name)?.status())
    }

    /// A payment system that payers may choose now.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`], with the code `provider-not-offered`: what a payer is told of one that is paused, removed or out of
    /// order.
    pub fn offered_provider(&self, name: &ProviderName) -> Result<ProviderStatus, HostError> {
        let status = self.0.registry.find(name).map(|slot| slot.status()).filter(ProviderStatus::is_offered);
        status.ok_or_else(HostError::provider_not_offered)
    }

    /// How many orders wait for a payment by a payment system: all, and those of the last [`RECENT_SECONDS`].
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn open_orders(&self, name: &ProviderName) -> Result<OpenOrders, HostError> {
        Ok(self.0.ledger.open_orders(name, self.now().saturating_sub(RECENT_SECONDS))?)
    }
}
