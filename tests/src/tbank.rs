//! T-Bank: its component, and its vectors.

use std::sync::OnceLock;

use domain::Settings;
use sandbox::{Merchant, Provider};

use crate::{component_of, patient_limits, sandbox};

/// The terminal of the vectors.
pub const TERMINAL_KEY: &str = "1321054611234";
/// The password of the vectors.
pub const PASSWORD: &str = "TestPassword1";

/// The vectors, and those of a test terminal. Their Tokens were computed by Python's `hashlib`, without any code of this project.
pub const VECTORS: [&[u8]; 2] =
    [include_bytes!("../data/tbank/vectors.json"), include_bytes!("../data/tbank/vectors-test-mode.json")];

/// Returns T-Bank, loaded from its component.
pub fn provider() -> &'static Provider {
    static PROVIDER: OnceLock<Provider> = OnceLock::new();
    PROVIDER.get_or_init(|| sandbox().load(&component_of("tbank"), patient_limits()).expect("T-Bank loads"))
}

/// Returns the settings of the vectors with changes. A changed setting replaces the one with the same name.
pub fn settings(changes: &[(&str, &str)]) -> Settings {
    let base = [("terminal-key", TERMINAL_KEY), ("password", PASSWORD)];
    Settings::new(kit::settings::entered_with(&base, changes))
}

/// Returns a configured merchant in the sandbox.
pub fn merchant(changes: &[(&str, &str)]) -> Merchant {
    provider().merchant(settings(changes)).expect("the settings are good")
}
