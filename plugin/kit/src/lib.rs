//! What any provider needs to implement a payment system.
//!
//! A provider is a type that implements [`Provider`] as plain functions on the contract's values, which are tested natively.
//! One line turns it into a component: [`provider!`].
//!
//! The providers of this workspace use it. Those that export write-offs enable the feature `writeoffs`, which is most of a
//! component: only a component built with it holds the writers of 1C's formats.

#![cfg_attr(test, allow(missing_docs))]

mod abilities;
#[cfg(any(target_arch = "wasm32", test))]
mod allocator;
#[cfg(feature = "base64")]
pub mod base64;
#[doc(hidden)]
pub mod binding;
pub mod call;
mod component;
mod context;
#[cfg(feature = "datetime")]
pub mod datetime;
#[cfg(feature = "decimal")]
pub mod decimal;
pub mod description;
pub mod event;
#[cfg(feature = "writeoffs")]
mod export;
pub mod form;
#[cfg(feature = "hmac")]
pub mod hmac;
#[cfg(feature = "json")]
pub mod json;
#[cfg(feature = "jwt")]
pub mod jwt;
pub mod link;
#[cfg(not(feature = "writeoffs"))]
mod no_export;
pub mod order;
mod printable;
pub mod problem;
#[cfg(feature = "receipts")]
pub mod receipts;
pub mod refund;
pub mod reply;
pub mod request;
#[cfg(feature = "rsa")]
pub mod rsa;
pub mod settings;
pub mod signature;
pub mod text;
pub mod url;
#[cfg(any(feature = "xml-read", feature = "xml-write"))]
pub mod xml;

/// A component's allocator.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static MEMORY: allocator::Memory<allocator::Instance> = allocator::Memory::of_instance();

pub use abilities::{NoFile, PaymentStatus, RecurringPayments, Refunds, Report, SettlementReports};
pub use binding::asking::{CallbackStep, LinkStep};
pub use binding::{contract, exchanges, payment_status, recurring_payments, refunds, settlement_reports};
pub use component::{Asking, Component, Provider};
pub use context::{Context, Recorded, Stop};
#[cfg(feature = "writeoffs")]
pub use export::Export;
#[cfg(not(feature = "writeoffs"))]
use no_export::Export;

/// Exports a [`Provider`] as a component when it is compiled for WebAssembly. What else it implements is named after its type:
/// `kit::provider!(Example, asking, payment_status, refunds, recurring_payments, settlement_reports)`.
#[macro_export]
macro_rules! provider {
    ($provider:ident $(, $ability:ident)*) => {
        #[cfg(target_arch = "wasm32")]
        mod exported {
            type Component = $crate::Component<super::$provider>;
            $crate::export!(Component $(, $ability)*);
        }
    };
}

/// Exports interfaces of a component: the base interface, and the abilities that are named. The generated macro of the whole world
/// would export every ability, and a component has what it exports, used or not.
#[doc(hidden)]
#[macro_export]
macro_rules! export {
    ($component:ident $(, $ability:ident)*) => {
        $crate::binding::contract::__export_billing_payments_payment_provider_1_0_0_cabi!(
            $component with_types_in $crate::binding::contract
        );
        $($crate::export_ability!($component, $ability);)*
    };
}

/// Exports an ability of a component.
#[doc(hidden)]
#[macro_export]
macro_rules! export_ability {
    ($component:ident, asking) => {
        $crate::binding::asking::__export_billing_payments_asking_1_0_0_cabi!($component with_types_in $crate::binding::asking);
    };
    ($component:ident, payment_status) => {
        $crate::binding::payment_status::__export_billing_payments_payment_status_1_0_0_cabi!(
            $component with_types_in $crate::binding::payment_status
        );
    };
    ($component:ident, refunds) => {
        $crate::binding::refunds::__export_billing_payments_refunds_1_0_0_cabi!(
            $component with_types_in $crate::binding::refunds
        );
    };
    ($component:ident, recurring_payments) => {
        $crate::binding::recurring_payments::__export_billing_payments_recurring_payments_1_0_0_cabi!(
            $component with_types_in $crate::binding::recurring_payments
        );
    };
    ($component:ident, settlement_reports) => {
        $crate::binding::settlement_reports::__export_billing_payments_settlement_reports_1_0_0_cabi!(
            $component with_types_in $crate::binding::settlement_reports
        );
    };
}
