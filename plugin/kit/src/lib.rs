//! What any provider needs to implement a payment system.
//!
//! A provider is a type that implements [`Provider`] as plain functions on the contract's values, which are tested natively.
//! One line turns it into a component: [`provider!`].
//!
//! The providers of this workspace use it. Those that export write-offs enable the feature `writeoffs`, which is most of a
//! component: only a component built with it holds the writers of 1C's formats.

#![cfg_attr(test, allow(missing_docs))]

#[cfg(any(target_arch = "wasm32", test))]
mod allocator;
#[cfg(feature = "base64")]
pub mod base64;
#[doc(hidden)]
pub mod binding;
mod component;
#[cfg(feature = "datetime")]
pub mod datetime;
#[cfg(feature = "decimal")]
pub mod decimal;
pub mod description;
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
pub mod reply;
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

pub use binding::contract;
pub use component::{Component, Provider};
#[cfg(feature = "writeoffs")]
pub use export::Export;
#[cfg(not(feature = "writeoffs"))]
use no_export::Export;

/// Exports a [`Provider`] as a component when it is compiled for WebAssembly.
#[macro_export]
macro_rules! provider {
    ($provider:ident) => {
        #[cfg(target_arch = "wasm32")]
        mod exported {
            type Component = $crate::Component<super::$provider>;
            $crate::binding::export_component!(Component with_types_in $crate::binding);
        }
    };
}
