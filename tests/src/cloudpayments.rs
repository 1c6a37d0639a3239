//! CloudPayments: its component and its vectors.

use std::sync::OnceLock;

use domain::{CallbackRequest, Settings};
use sandbox::{Merchant, Provider};

use crate::vectors::Vectors;
use crate::{component_of, patient_limits, sandbox};

/// The Public ID of the vectors.
pub const PUBLIC_ID: &str = "pk_test_site_1";
/// The API Secret of the vectors.
pub const API_SECRET: &str = "TestApiSecret0001";

/// Returns CloudPayments, loaded from its component.
pub fn provider() -> &'static Provider {
    static PROVIDER: OnceLock<Provider> = OnceLock::new();
    PROVIDER.get_or_init(|| sandbox().load(&component_of("cloudpayments"), patient_limits()).expect("CloudPayments loads"))
}

/// Returns the settings of the vectors with changes. A changed setting replaces the one with the same name.
pub fn settings(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let base = [("public-id", PUBLIC_ID), ("api-secret", API_SECRET)];
    kit::settings::entered_with(&base, changes)
}

/// Returns a configured merchant in the sandbox.
pub fn merchant(changes: &[(&str, &str)]) -> Merchant {
    provider().merchant(Settings::new(settings(changes))).expect("the settings are good")
}

/// Returns the vectors. Their signatures were made by openssl.
pub fn vectors() -> &'static Vectors {
    static VECTORS: OnceLock<Vectors> = OnceLock::new();
    VECTORS.get_or_init(|| Vectors::from_json(include_str!("../data/cloudpayments/vectors.json")))
}

/// Returns a genuine payment of order 42, 100.00 roubles.
pub fn genuine() -> &'static CallbackRequest {
    &vectors().callbacks[0].request
}
