//! Providers on disk: only what is locked is loaded.
//!
//! A folder holds `providers.lock`, which names each provider's component and the limits that it runs under, and
//! `components/SHA256.wasm`, each component under the digest of its bytes. A component is staged, inspected by the caller, and
//! published: the lock is replaced in one step, and the former version stays, so that it can be rolled back to. Whenever a
//! crash happens, the lock is the old one or the new one, and the components that it names are whole.
//!
//! The lock may be edited by hand while a host runs: every change and every [`Catalog::lock`] reads it again. An advisory lock
//! on the folder's file `catalog.lock` serializes the changes of several processes.
//!
//! The crate `host` calls it for swaps, rollbacks and the start. The command line opens it and locks the components that
//! `serve` is given.
//!
//! How a host starts:
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = sandbox::Sandbox::new(&sandbox::SandboxConfig::default())?;
//! let catalog = catalog::Catalog::open("data/providers".as_ref())?;
//! for (name, locked) in catalog.lock()? {
//!     let provider = catalog.load(&sandbox, &locked.current)?;
//!     println!("{name} is {}", provider.description().version);
//! }
//! # Ok(())
//! # }
//! ```

#![cfg_attr(test, allow(missing_docs))]

#[cfg(test)]
mod crash;
mod disk;
mod error;
mod files;
mod lock;

pub use error::Error;
pub use files::Catalog;
pub use lock::{Lock, LockedProvider, Version};
