//! The contract as Rust types, generated from `wit/`: with all interfaces, of which a provider exports those that it names.

// In a provider, only the generated glue is unsafe.
#![allow(unsafe_code, missing_docs)]

wit_bindgen::generate!({
    path: "../../wit",
    world: "complete-provider",
    pub_export_macro: true,
    export_macro_name: "export_component",
    default_bindings_module: "kit::binding",
    additional_derives: [PartialEq, Eq],
});

pub use exports::billing::payments::payment_provider as contract;
pub use exports::billing::payments::{asking, exchanges, payment_status, recurring_payments, refunds, settlement_reports};
