//! Identifiers in requests. An invalid identifier gets the same answer as an unknown one.

use domain::{AccountNumber, MovementId, OperationId, OrderId, ProviderName};
use host::HostError;

use crate::problem::Problem;

/// Returns the account in a path.
///
/// # Errors
/// 404 for an invalid number, as for an unknown account.
pub fn account(number: String) -> Result<AccountNumber, Problem> {
    AccountNumber::new(number).map_err(|_| HostError::unknown_account().into())
}

/// Returns the order in a path.
///
/// # Errors
/// 404 for an invalid id, as for an unknown order.
pub fn order(id: String) -> Result<OrderId, Problem> {
    OrderId::new(id).map_err(|_| HostError::unknown_order().into())
}

/// Returns the operation in a path or a query.
///
/// # Errors
/// 404 for an invalid id, as for an unknown operation.
pub fn operation(id: String) -> Result<OperationId, Problem> {
    OperationId::new(id).map_err(|_| HostError::unknown_operation().into())
}

/// Returns the payment whose movement has this number.
///
/// # Errors
/// 404 for a text that is no number, as for an unknown payment.
pub fn payment(movement: &str) -> Result<MovementId, Problem> {
    movement.parse().map(MovementId).map_err(|_| HostError::unknown_payment().into())
}

/// Returns the provider in a path.
///
/// # Errors
/// 404 for an invalid name, as for an unknown provider.
pub fn provider(name: String) -> Result<ProviderName, Problem> {
    ProviderName::new(name.as_str()).map_err(|_| HostError::unknown_provider(&name).into())
}

/// Returns the provider that a request for an order or export names, if any.
///
/// # Errors
/// [`ErrorKind::Invalid`](host::ErrorKind::Invalid) for an invalid name, as for an unknown provider.
pub fn chosen_provider(name: Option<String>) -> Result<Option<ProviderName>, HostError> {
    name.map(|name| ProviderName::new(name.as_str()).map_err(|_| HostError::invalid_provider(&name))).transpose()
}

/// Returns the name of the provider whose component is swapped, or that is to be added.
///
/// # Errors
/// [`ErrorKind::Invalid`](host::ErrorKind::Invalid), which says what a valid name is.
pub fn new_provider(name: &str) -> Result<ProviderName, HostError> {
    ProviderName::new(name).map_err(|_| HostError::impossible_provider(name))
}
