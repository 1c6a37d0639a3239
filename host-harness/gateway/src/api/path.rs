//! Parameters in a route's path.

pub use axum::extract::Path;
use serde::Deserialize;
use utoipa::IntoParams;

/// The account in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct AccountPath {
    /// The account's number in billing: 1 to 64 characters without control characters.
    pub account: String,
}

/// The order in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OrderPath {
    /// The order's id.
    pub order: String,
}

/// The provider in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ProviderPath {
    /// The provider's name in this host: up to 64 characters `a`-`z`, `0`-`9` and `-`. It does not begin with `-`.
    pub name: String,
}

/// The write-off in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct WriteOffPath {
    /// The write-off's id in billing.
    pub id: String,
}

/// The item of a list in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct NumberPath {
    /// The item's id, as the list reports it.
    pub id: u64,
}
