//! The component that only exports.

use std::sync::OnceLock;

use ::onec::OneC;
use domain::Settings;
use kit::Provider as _;
use sandbox::{Merchant, Provider};

use crate::{component_of, patient_limits, sandbox};

/// Returns the provider, loaded from its component.
pub fn provider() -> &'static Provider {
    static PROVIDER: OnceLock<Provider> = OnceLock::new();
    PROVIDER.get_or_init(|| sandbox().load(&component_of("onec"), patient_limits()).expect("the component loads"))
}

/// Returns a configured merchant in the sandbox.
pub fn merchant(settings: &[(&str, &str)]) -> Merchant {
    provider().merchant(Settings::new(settings.iter().copied())).expect("the settings are good")
}

/// Returns the same merchant as native Rust.
pub fn native(settings: &[(&str, &str)]) -> OneC {
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    match OneC::configure(&settings) {
        Ok(merchant) => merchant,
        Err(problems) => panic!("{problems:?}"),
    }
}
