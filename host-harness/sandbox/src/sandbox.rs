//! A sandbox: an engine with the limits of all that is loaded into it.

use std::hash::{DefaultHasher, Hash, Hasher};

use wasmtime::Engine;

use crate::compile_check::CompileCheck;
use crate::engine;
use crate::error::Error;
use crate::limits::Limits;

/// What a whole sandbox may use.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct SandboxConfig {
    /// How many calls, warm [`Session`](crate::Session)s and open [`Export`](crate::Export)s there can be at once. Each reserves
    /// some 16 GiB of address space, and no memory until it is used.
    pub concurrent_calls_max: u32,
    /// The most that any provider's [`Limits::memory_bytes_max`] may be.
    pub memory_bytes_max: usize,
    /// How a component is compiled in a child process first. None: it is held to the limits of [`Resource`](crate::Resource)
    /// alone, which bound what is known to cost the compiler time and memory; where a compiler runs out of memory all the same,
    /// it takes this process with it.
    pub compile_check: Option<CompileCheck>,
}

impl Default for SandboxConfig {
    fn default() -> SandboxConfig {
        SandboxConfig { concurrent_calls_max: 256, memory_bytes_max: Limits::MEMORY_BYTES_MAX, compile_check: None }
    }
}

impl SandboxConfig {
    /// The same with another [`concurrent_calls_max`](SandboxConfig::concurrent_calls_max).
    pub fn with_concurrent_calls_max(self, concurrent_calls_max: u32) -> SandboxConfig {
        SandboxConfig { concurrent_calls_max, ..self }
    }

    /// The same with another [`memory_bytes_max`](SandboxConfig::memory_bytes_max).
    pub fn with_memory_bytes_max(self, memory_bytes_max: usize) -> SandboxConfig {
        SandboxConfig { memory_bytes_max, ..self }
    }

    /// The same with another [`compile_check`](SandboxConfig::compile_check).
    pub fn with_compile_check(self, compile_check: Option<CompileCheck>) -> SandboxConfig {
        SandboxConfig { compile_check, ..self }
    }
}

/// Loads providers. Cheap to clone; the clones share one engine and its limits.
#[derive(Clone)]
pub struct Sandbox {
    pub(crate) engine: Engine,
    pub(crate) config: SandboxConfig,
}

impl Sandbox {
    /// Sets up an engine and its ticking thread, which ends with the last clone.
    ///
    /// # Errors
    /// [`LoadError::Engine`](crate::LoadError::Engine) where the machine cannot reserve the address space or start the thread.
    pub fn new(config: &SandboxConfig) -> Result<Sandbox, Error> {
        let engine = engine::engine(config.concurrent_calls_max, config.memory_bytes_max)?;
        Ok(Sandbox { engine, config: config.clone() })
    }

    /// What compiles and runs the components, with its settings: for what is measured against wasmtime alone.
    #[doc(hidden)]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Names the compiler with its version and settings: where it is the same, a component compiles as it did.
    pub fn compiler_id(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.engine.precompile_compatibility_hash().hash(&mut hasher);
        format!("{} {:016x}", env!("CARGO_PKG_VERSION"), hasher.finish())
    }

    /// Whether components are compiled in a child process first.
    pub fn checks_compiling(&self) -> bool {
        self.config.compile_check.is_some()
    }

    /// How many calls there can be at once; the next one is refused.
    pub fn concurrent_calls_max(&self) -> u32 {
        self.config.concurrent_calls_max
    }
}
