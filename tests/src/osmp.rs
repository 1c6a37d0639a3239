//! Terminals by ОСМП's protocol: the component, the same code as native Rust, and the vectors.

use std::sync::OnceLock;

use ::osmp::Osmp;
use domain::Settings;
use kit::Provider as _;
use sandbox::{Merchant, Provider};

use crate::{component_of, patient_limits, sandbox};

/// The files of vectors by name: the protocol as ОСМП wrote it, Sber's variant, and a system that copied it under other names.
pub const VECTORS: [(&str, &[u8]); 3] = [
    ("vectors", include_bytes!("../data/osmp/vectors.json")),
    ("vectors-sber", include_bytes!("../data/osmp/vectors-sber.json")),
    ("vectors-clone", include_bytes!("../data/osmp/vectors-clone.json")),
];

/// Returns the provider, loaded from its component.
pub fn provider() -> &'static Provider {
    static PROVIDER: OnceLock<Provider> = OnceLock::new();
    PROVIDER.get_or_init(|| sandbox().load(&component_of("osmp"), patient_limits()).expect("the component loads"))
}

/// Returns a configured merchant in the sandbox.
pub fn merchant(settings: &[(String, String)]) -> Merchant {
    provider().merchant(Settings::new(settings.iter().cloned())).expect("the settings are good")
}

/// Returns the same merchant as native Rust.
pub fn native(settings: &[(String, String)]) -> Osmp {
    match Osmp::configure(&settings.to_vec()) {
        Ok(merchant) => merchant,
        Err(problems) => panic!("{problems:?}"),
    }
}
