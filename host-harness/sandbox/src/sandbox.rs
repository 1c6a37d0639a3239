//! A sandbox: an engine with the limits of everything that is loaded into it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use wasmtime::Engine;

use crate::config::SandboxConfig;
use crate::engine;
use crate::error::Error;
use crate::in_use::InUse;

/// Loads providers. It is cheap to clone, and the clones share one engine and its limits.
#[derive(Clone)]
pub struct Sandbox {
    pub(crate) engine: Engine,
    pub(crate) config: SandboxConfig,
    pub(crate) in_use: Arc<InUse>,
}

impl Sandbox {
    /// Sets up an engine and its ticking thread, which ends with the last clone.
    ///
    /// # Errors
    /// [`LoadError::AddressSpace`](crate::LoadError::AddressSpace) if the process cannot reserve the address space, and
    /// [`LoadError::Engine`](crate::LoadError::Engine) if the engine or its thread cannot be started.
    pub fn new(config: &SandboxConfig) -> Result<Sandbox, Error> {
        let engine = engine::engine(config.concurrent_calls_max, config.memory_bytes_max)?;
        Ok(Sandbox { engine, config: config.clone(), in_use: Arc::default() })
    }

    /// Returns the engine with its settings, for benchmarks against wasmtime alone.
    #[doc(hidden)]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Returns an id of the compiler with its version and settings. While it is the same, a component compiles in the same way.
    pub fn compiler_id(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.engine.precompile_compatibility_hash().hash(&mut hasher);
        format!("{} {:016x}", env!("CARGO_PKG_VERSION"), hasher.finish())
    }

    /// Reports whether components are compiled in a child process first.
    pub fn checks_compiling(&self) -> bool {
        self.config.compile_check.is_some()
    }

    /// Returns the maximum number of concurrent calls. A further call is refused.
    pub fn concurrent_calls_max(&self) -> u32 {
        self.config.concurrent_calls_max
    }
}
