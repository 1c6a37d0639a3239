//! Providers on disk: what is loaded is what is locked.
//!
//! A folder holds `providers.lock`, which says of each provider's name which component it is, and under which limits it runs, and
//! `components/SHA256.wasm`, each component under the digest of its bytes. A component is staged, looked at by whoever wants it, and
//! published: the lock is replaced in one step, and the version of before stays, so that one can go back to it. Wherever a crash
//! comes, the lock that is found is the old one or the new one, and the components that it names are whole.
//!
//! The lock may be edited by hand while a host runs: every change and every [`Catalog::lock`] reads it anew. Changes of several
//! processes come one after the other, by an advisory lock on the folder's file `catalog.lock`.
//!
//! The crate `host` calls it for swaps, roll backs and the start; the command line opens it and locks the components that `serve` is
//! given.
//!
//! A host that starts:
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
