//! Loads any payment provider, a component of the contract `billing:payments`, and calls it under limits.
//!
//! A provider reaches nothing: a component that imports anything is refused. A call gets a fresh instance, so nothing is left
//! from one call to the next, and it is bounded in time, fuel, memory, input and output. What a provider does wrong is the
//! error of that call alone.
//!
//! `host`, `catalog`, `conformance` and the command line call it; a billing system may embed it alone.
//!
//! ```no_run
//! use sandbox::domain::Settings;
//! use sandbox::{Limits, Sandbox, SandboxConfig};
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
//! # Loading
//!
//! Loading compiles, which takes a provider in Rust a fifth of a second and one in JavaScript some seconds: load on a thread of its
//! own (with tokio, in `spawn_blocking`). What a compiler would take too long for is refused before it is compiled, by the limits of
//! [`Resource`]. Set [`SandboxConfig::compile_check`] too where the component is not your own: it is then compiled first in a child
//! process that may use 8 s of processor time and 640 MiB of address space, so that what nobody thought of ends there and not here. The
//! child is any program whose `main` calls [`compile_checked`], such as your own with an argument:
//!
//! ```no_run
//! use sandbox::{CompileCheck, Sandbox, SandboxConfig, compile_checked};
//!
//! fn main() -> Result<std::process::ExitCode, Box<dyn std::error::Error>> {
//!     if std::env::args().nth(1).as_deref() == Some("compile-check") {
//!         return Ok(compile_checked());
//!     }
//!     let compile_check = Some(CompileCheck::by_this_program(&["compile-check"])?);
//!     let sandbox = Sandbox::new(&SandboxConfig::default().with_compile_check(compile_check))?;
//!     # drop(sandbox);
//!     Ok(std::process::ExitCode::SUCCESS)
//! }
//! ```
//!
//! # Address space
//!
//! A sandbox reserves some 16 GiB of address space for each call that there can be at once (4 TiB by default), and no memory until
//! it is used. Where address space is limited (`ulimit -v`, systemd's `LimitAS`, `vm.overcommit_memory=2`), set
//! [`SandboxConfig::concurrent_calls_max`] lower or lift that limit.
//!
//! # Values
//!
//! What goes in and comes out is in the host's words, [`domain`]'s: whoever embeds this crate alone finds them here too.
//!
//! [`Sandbox`], [`Provider`] and [`Merchant`] are shared by threads freely; a call blocks its thread.

mod call;
mod compile_check;
mod compile_cost;
mod component;
mod contract;
mod engine;
mod error;
mod function;
mod input_bytes;
mod limits;
mod load;
mod merchant;
mod resource;
mod sandbox;
mod summary;
pub mod unchecked;

pub use call::Usage;
pub use compile_check::{CompileCheck, CompileUsage, compile_checked};
pub use contract::CONTRACT;
pub use domain;
pub use error::{Error, Limit, LoadError};
pub use limits::Limits;
pub use load::Provider;
pub use merchant::{Export, Merchant, Session};
pub use resource::{Resource, TOGETHER_PERCENT_MAX};
pub use sandbox::{Sandbox, SandboxConfig};
