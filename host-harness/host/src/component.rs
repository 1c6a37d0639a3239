//! The active component of a payment system, and whether its settings are usable.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::{Ability, CallbackProof, Currency, Description, Fields, ProviderName, SettingKind, SettingSpec};
use sandbox::{Limits, Merchant, Provider};
use zeroize::Zeroizing;

use crate::call_hosts::{CallHost, call_hosts};
use crate::error::HostError;
use crate::error_code::ErrorCode;
use crate::outbound::ClientIdentity;
use crate::provider_texts::ProviderTexts;
use crate::stored_settings::StoredSettings;

/// A component, and whether it can be called. A call that holds it completes with it, even if the component is swapped
/// meanwhile.
pub struct ActiveComponent {
    pub(crate) provider: Provider,
    pub(crate) state: State,
    /// The names of all settings that were ever entered as secrets, whatever the description says about them.
    pub(crate) secrets: BTreeSet<String>,
}

pub(crate) enum State {
    NotConfigured,
    /// Why, and what to do.
    SettingsRejected(String),
    Ready {
        merchant: Merchant,
        /// What proves a callback by these settings.
        proof: CallbackProof,
        /// The entered settings, without secrets.
        public_settings: Fields,
        /// The names of the secrets that were entered.
        entered_secrets: Vec<String>,
        /// The entered secrets of several lines by name, each of which a call may name as its client certificate.
        certificates: Vec<(String, ClientIdentity)>,
        /// What masks the texts of `merchant`.
        texts: Arc<ProviderTexts>,
    },
}

/// Whether a payment system is usable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SettingsState<'s> {
    /// No settings were entered.
    NotConfigured,
    /// The settings are not usable, or the component does not pass the checks with them. Says why, and what to do.
    Rejected(&'s str),
    /// It is configured.
    Ready,
}

impl ActiveComponent {
    pub(crate) fn rejected(name: &ProviderName, provider: Provider, why: String, secrets: BTreeSet<String>) -> ActiveComponent {
        tracing::error!(
            provider = name.as_str(),
            error = why,
            "the provider cannot be used with its settings; enter them again on its page"
        );
        ActiveComponent { provider, state: State::SettingsRejected(why), secrets }
    }

    pub(crate) fn ready(provider: Provider, merchant: Merchant, settings: Fields, stored: &StoredSettings) -> ActiveComponent {
        let mut component = ActiveComponent { provider, state: State::NotConfigured, secrets: stored.secrets().clone() };
        let (secrets, public_settings): (Fields, Fields) =
            settings.into_iter().partition(|(name, _)| component.is_secret(name));
        // Secrets of before too: a payment system may go on with them for a while.
        let values = secrets.iter().map(|(_, value)| value.as_str()).chain(stored.secret_values().map(|(_, value)| value));
        let others = public_settings.iter().map(|(_, value)| value.as_str());
        let texts = Arc::new(ProviderTexts::new(component.description(), values, others));
        let merchant = merchant.with_texts(texts.clone());
        let certificates = component.certificates(&secrets);
        let entered_secrets = secrets.into_iter().map(|(name, _)| name).collect();
        component.state = match merchant.callback_proof() {
            Ok(proof) => State::Ready { merchant, proof, public_settings, entered_secrets, certificates, texts },
            Err(error) => State::SettingsRejected(error.to_string()),
        };
        component
    }

    /// Returns what proves a callback by the settings; `None` if it is not configured.
    pub fn callback_proof(&self) -> Option<CallbackProof> {
        match &self.state {
            State::Ready { proof, .. } => Some(*proof),
            State::NotConfigured | State::SettingsRejected(_) => None,
        }
    }

    /// Returns the component's description of itself.
    pub fn description(&self) -> &Description {
        self.provider.description()
    }

    /// Reports whether its payment system gives a refund no id, so that two refunds of a payment must not be under way at once.
    pub fn pays_back_one_at_a_time(&self) -> bool {
        self.description().extra.iter().any(|(name, value)| name == "refunds" && value == "one-at-a-time")
    }

    /// Returns the SHA-256 of the component's bytes, in hexadecimal.
    pub fn sha256(&self) -> &str {
        self.provider.sha256()
    }

    /// Returns the size of the component's file, in bytes.
    pub fn size_bytes(&self) -> usize {
        self.provider.size_bytes()
    }

    /// Returns the version of the contract that it implements, such as `1.0.0`.
    pub fn contract(&self) -> &'static str {
        self.provider.contract()
    }

    /// Returns what it can do beside links, callbacks and exports.
    pub fn abilities(&self) -> Vec<Ability> {
        self.provider.abilities()
    }

    /// Returns the limits of each call.
    pub fn limits(&self) -> &Limits {
        self.provider.limits()
    }

    /// Returns whether its settings are entered and usable.
    pub fn state(&self) -> SettingsState<'_> {
        match &self.state {
            State::NotConfigured => SettingsState::NotConfigured,
            State::SettingsRejected(why) => SettingsState::Rejected(why),
            State::Ready { .. } => SettingsState::Ready,
        }
    }

    /// Reports whether it is configured.
    pub fn is_ready(&self) -> bool {
        self.state() == SettingsState::Ready
    }

    /// Returns the active settings without secrets; empty if it is not configured.
    pub fn public_settings(&self) -> &[(String, String)] {
        match &self.state {
            State::Ready { public_settings, .. } => public_settings,
            State::NotConfigured | State::SettingsRejected(_) => &[],
        }
    }

    /// Returns the hosts that it may call with its active settings, in the order of their names: those that it declares, and those
    /// of its settings of the kind `url`. None if it has no ability to have calls made.
    pub fn call_hosts(&self) -> BTreeSet<CallHost> {
        call_hosts(&self.provider, self.public_settings())
    }

    fn certificates(&self, secrets: &Fields) -> Vec<(String, ClientIdentity)> {
        let is_block = |name: &str| {
            let declared = self.description().settings.iter().find(|setting| setting.name == name);
            declared.is_some_and(|setting| setting.kind == SettingKind::SecretBlock)
        };
        let blocks = secrets.iter().filter(|(name, value)| is_block(name) && !value.is_empty());
        blocks.map(|(name, value)| (name.clone(), ClientIdentity(Zeroizing::new(value.clone())))).collect()
    }

    /// Returns the client certificate of the setting of this name.
    pub(crate) fn certificate(&self, setting: &str) -> Option<&ClientIdentity> {
        match &self.state {
            State::Ready { certificates, .. } => {
                certificates.iter().find(|(name, _)| name == setting).map(|(_, certificate)| certificate)
            }
            State::NotConfigured | State::SettingsRejected(_) => None,
        }
    }

    /// Reports whether a secret of its settings stands in a text.
    pub(crate) fn holds_secret(&self, text: &str) -> bool {
        match &self.state {
            State::Ready { texts, .. } => texts.holds_secret(text),
            State::NotConfigured | State::SettingsRejected(_) => false,
        }
    }

    /// Reports whether this secret was entered.
    pub fn has_secret(&self, name: &str) -> bool {
        match &self.state {
            State::Ready { entered_secrets, .. } => entered_secrets.iter().any(|secret| secret == name),
            State::NotConfigured | State::SettingsRejected(_) => false,
        }
    }

    /// Reports whether a setting is a secret: by the description, or because it was once entered as one.
    pub fn is_secret(&self, name: &str) -> bool {
        let is_it = |setting: &SettingSpec| setting.name == name && setting.kind.is_secret();
        self.secrets.contains(name) || self.description().settings.iter().any(is_it)
    }

    /// Returns a setting's kind for a form. A setting that was once entered as a secret stays one, and is never shown.
    pub fn kind(&self, setting: &SettingSpec) -> SettingKind {
        match setting.kind {
            SettingKind::TextBlock if self.is_secret(&setting.name) => SettingKind::SecretBlock,
            kind if kind.is_secret() || !self.is_secret(&setting.name) => kind,
            _ => SettingKind::Secret,
        }
    }

    /// Returns the merchant's currency: the one that the settings name, if it is one of the provider's, or else the provider's
    /// first.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`](crate::ErrorKind::Internal) if the provider has no currency, which the contract forbids.
    pub fn currency(&self) -> Result<Currency, HostError> {
        let currencies = &self.description().currencies;
        let of_settings =
            self.public_settings().iter().find_map(|(_, value)| currencies.iter().find(|currency| currency.is(value)));
        let currency = of_settings.or_else(|| currencies.first()).copied();
        currency.ok_or_else(|| HostError::internal("the provider has no currency".to_owned()))
    }

    /// Returns the configured component of the provider `name`, or an error that it is not usable.
    pub(crate) fn merchant(&self, name: &ProviderName) -> Result<&Merchant, HostError> {
        let (code, why) = match &self.state {
            State::Ready { merchant, .. } => return Ok(merchant),
            State::NotConfigured => (ErrorCode::ProviderNotConfigured, "it has no settings yet; enter them first"),
            State::SettingsRejected(why) => (ErrorCode::ProviderSettingsRejected, why.as_str()),
        };
        Err(HostError::unavailable(format!("the provider {name} cannot be used: {why}")).with_code(code))
    }

    pub(crate) fn ready_merchant(&self) -> Option<&Merchant> {
        match &self.state {
            State::Ready { merchant, .. } => Some(merchant),
            State::NotConfigured | State::SettingsRejected(_) => None,
        }
    }
}
