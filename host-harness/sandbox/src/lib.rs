//! Loads payment providers, which are components of the contract `billing:payments`, and calls them under limits.
//!
//! A provider has no access to anything outside: a component that imports anything is refused. Each call gets a fresh instance,
//! so no state passes from one call to the next. Each call is limited in time, fuel, memory, input and output. A fault of the
//! provider fails only the call in which it occurs.
//!
//! `host`, `catalog`, `conformance` and the command line use this crate. A billing system may also embed it alone.
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
//! Loading compiles the component, which takes a fifth of a second for a provider in Rust and some seconds for one in
//! JavaScript. So load on a separate thread (with tokio, in `spawn_blocking`). A component that would take too long to compile
//! is refused before it is compiled, by the limits of [`Resource`]. If the component is not your own, also set
//! [`SandboxConfig::compile_check`]: the component is then compiled first in a child process, which may use 8 s of processor
//! time and 640 MiB of address space, so that a cost which these limits miss ends the child and not your process. The child is
//! any program whose `main` calls [`compile_checked`], such as your own with an argument:
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
//! A sandbox reserves about 16 GiB of address space for each concurrent call (4 TiB by default), but uses no memory before a
//! call needs it. If address space is limited (`ulimit -v`, systemd's `LimitAS`, `vm.overcommit_memory=2`), lower
//! [`SandboxConfig::concurrent_calls_max`] or raise that limit.
//!
//! # Values
//!
//! Arguments and results are types of [`domain`], which this crate re-exports for programs that embed it alone.
//!
//! [`Sandbox`], [`Provider`] and [`Merchant`] can be shared between threads. A call blocks its thread.

mod call;
mod compile_check;
mod compile_cost;
mod component;
mod config;
mod contract;
mod drive;
mod engine;
mod error;
mod function;
mod in_use;
mod input_bytes;
mod limits;
mod load;
mod merchant;
mod request;
mod resource;
mod sandbox;
mod summary;
mod texts;
pub mod unchecked;

pub use call::Usage;
pub use compile_check::{CompileCheck, CompileUsage, compile_checked};
pub use config::SandboxConfig;
pub use contract::{CONTRACT, LinkStep, ReportStep, StatusStep};
pub use domain;
pub use drive::{Answers, NoAnswers, drive, unanswered};
pub use error::{Error, Limit, LoadError};
pub use limits::Limits;
pub use load::Provider;
pub use merchant::{Export, Merchant, Report, Session};
pub use resource::{Resource, TOGETHER_PERCENT_MAX};
pub use sandbox::Sandbox;
pub use texts::TextFilter;
