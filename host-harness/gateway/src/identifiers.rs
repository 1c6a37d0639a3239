//! Identifiers as requests name them: a text that cannot be one is answered as one that nobody knows.

use domain::{AccountNumber, OrderId, ProviderName};
use host::HostError;

use crate::problem::Problem;

/// The account of an address.
///
/// # Errors
/// 404, as for an account that nobody has.
pub fn account(number: String) -> Result<AccountNumber, Problem> {
    AccountNumber::new(number).map_err(|_| HostError::unknown_account().into())
}

/// The order of an address.
///
/// # Errors
/// 404, as for an order that nobody made.
pub fn order(id: String) -> Result<OrderId, Problem> {
    OrderId::new(id).map_err(|_| Problem::not_found("order"))
}

/// The provider of an address.
///
/// # Errors
/// 404, as for a provider that nobody added.
pub fn provider(name: String) -> Result<ProviderName, Problem> {
    ProviderName::new(name.as_str()).map_err(|_| HostError::unknown_provider(&name).into())
}

/// The provider that an order or an export is to be of, where it is named.
///
/// # Errors
/// [`ErrorKind::Invalid`](host::ErrorKind::Invalid), as for a provider that nobody added.
pub fn chosen_provider(name: Option<String>) -> Result<Option<ProviderName>, HostError> {
    name.map(|name| ProviderName::new(name.as_str()).map_err(|_| HostError::invalid_provider(&name))).transpose()
}

/// The name that a provider is to have, or has, whose component is swapped.
///
/// # Errors
/// [`ErrorKind::Invalid`](host::ErrorKind::Invalid): what a name is.
pub fn new_provider(name: &str) -> Result<ProviderName, HostError> {
    ProviderName::new(name).map_err(|_| HostError::impossible_provider(name))
}
