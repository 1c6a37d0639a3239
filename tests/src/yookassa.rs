//! YooKassa: its component, and the same code as native Rust.

use std::sync::OnceLock;

use ::yookassa::YooKassa;
use domain::Settings;
use kit::Provider as _;
use sandbox::{Merchant, Provider};

use crate::{component_of, patient_limits, sandbox};

/// The shop's number.
pub const SHOP: &str = "100500";
/// The shop's key.
pub const KEY: &str = "live_TestSecretKey1";

/// A notification of a paid payment. The values are made up; the fields are those of the documentation's examples.
pub const NOTIFICATION: &str = include_str!("../data/yookassa/notification.json");
/// The payment, as the API shows it.
pub const PAYMENT: &str = include_str!("../data/yookassa/payment.json");
/// What a payment has beside `metadata` while it waits to be paid.
pub const CONFIRMATION: &str = r#""confirmation": {"type": "redirect", "confirmation_url": "https://yoomoney.ru/checkout/payments/v2/contract?orderId=2c85d8f3"},
  "metadata""#;

/// Returns YooKassa, loaded from its component.
pub fn provider() -> &'static Provider {
    static PROVIDER: OnceLock<Provider> = OnceLock::new();
    PROVIDER.get_or_init(|| sandbox().load(&component_of("yookassa"), patient_limits()).expect("YooKassa loads"))
}

/// Returns good settings with changes. A changed setting replaces the one with the same name.
pub fn settings(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let base = [("shop-id", SHOP), ("secret-key", KEY), ("return-url", "https://lk.example.ru/")];
    kit::settings::entered_with(&base, changes)
}

/// Returns a configured merchant in the sandbox.
pub fn merchant(changes: &[(&str, &str)]) -> Merchant {
    provider().merchant(Settings::new(settings(changes))).expect("the settings are good")
}

/// Returns the same merchant as native Rust.
pub fn native(changes: &[(&str, &str)]) -> YooKassa {
    match YooKassa::configure(&settings(changes)) {
        Ok(merchant) => merchant,
        Err(problems) => panic!("{problems:?}"),
    }
}
