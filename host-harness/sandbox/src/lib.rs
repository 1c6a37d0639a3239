//! Loads any payment provider, a component of the contract `billing:payments`, and calls it under limits.
//!
//! A provider reaches nothing: a component that imports anything is refused. A call gets a fresh instance, so nothing is left
//! from one call to the next, and it is bounded in time, fuel, memory, input and output. What a provider does wrong is the
//! error of that call alone.
//!
//! ```no_run
//! use sandbox::{Limits, Sandbox, SandboxConfig, Settings};
//!
//! # fn main() -> Result<(), sandbox::Error> {
//! let sandbox = Sandbox::new(&SandboxConfig::default())?;
//! let provider = sandbox.load_file("chronopay.wasm".as_ref(), Limits::default())?;
//! let settings = Settings::new([("product-id", "001234-0001-0001"), ("shared-sec", "TestSharedSec001")]);
//! let merchant = provider.merchant(settings)?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Sandbox`], [`Provider`] and [`Merchant`] are shared by threads freely; a call blocks its thread.

mod call;
mod check;
mod engine;
mod error;
mod limits;
mod load;
mod merchant;
pub mod records;

pub use call::Usage;
pub use engine::{Sandbox, SandboxConfig};
pub use error::{Error, Limit, LoadError};
pub use limits::Limits;
pub use load::Provider;
pub use merchant::{Export, Merchant, Session};
pub use records::Settings;

/// The interface that a provider exports, with the version that this sandbox knows.
pub const CONTRACT: &str = "billing:payments/payment-provider@1.0.0";
