//! A sandbox: an engine with the limits of everything that is loaded into it.

use std::hash::{DefaultHasher, Hash, Hasher};

use wasmtime::Engine;

use crate::compile_check::CompileCheck;
use crate::engine;
use crate::error::Error;
use crate::limits::Limits;

/// The limits of a whole sandbox.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct SandboxConfig {
    /// The maximum number of concurrent calls, warm [`Session`](crate::Session)s and open [`Export`](crate::Export)s together.
    /// Each reserves about 16 GiB of address space, but uses no memory before it is needed.
    pub concurrent_calls_max: u32,
    /// The highest value that a provider's [`Limits::memory_bytes_max`] may have.
    pub memory_bytes_max: usize,
    /// How a component is compiled in a child process first. If `None`, only the limits of [`Resource`](crate::Resource) apply,
    /// which limit what is known to cost the compiler time and memory. If the compiler still runs out of memory, this process
    /// dies with it.
    pub compile_check: Option<CompileCheck>,
}

impl Default for SandboxConfig {
    fn default() -> SandboxConfig {
        SandboxConfig { concurrent_calls_max: 256, memory_bytes_max: Limits::MEMORY_BYTES_MAX, compile_check: None }
    }
}

impl SandboxConfig {
    /// Returns this configuration with another [`concurrent_calls_max`](SandboxConfig::concurrent_calls_max).
    pub fn with_concurrent_calls_max(self, concurrent_calls_max: u32) -> SandboxConfig {
        SandboxConfig { concurrent_calls_max, ..self }
    }

    /// Returns this configuration with another [`memory_bytes_max`](SandboxConfig::memory_bytes_max).
    pub fn with_memory_bytes_max(self, memory_bytes_max: usize) -> SandboxConfig {
        SandboxConfig { memory_bytes_max, ..self }
    }

    /// Returns this configuration with another [`compile_check`](SandboxConfig::compile_check).
    pub fn with_compile_check(self, compile_check: Option<CompileCheck>) -> SandboxConfig {
        SandboxConfig { compile_check, ..self }
    }
}

/// Loads providers. It is cheap to clone, and the clones share one engine and its limits.
#[derive(Clone)]
pub struct Sandbox {
    pub(crate) engine: Engine,
    pub(crate) config: SandboxConfig,
}

impl Sandbox {
    /// Sets up an engine and its ticking thread, which ends with the last clone.
    ///
    /// # Errors
    /// [`LoadError::AddressSpace`](crate::LoadError::AddressSpace) if the process cannot reserve the address space, and
    /// [`LoadError::Engine`](crate::LoadError::Engine) if the engine or its thread cannot be started.
    pub fn new(config: &SandboxConfig) -> Result<Sandbox, Error> {
        let engine = engine::engine(config.concurrent_calls_max, config.memory_bytes_max)?;
        Ok(Sandbox { engine, config: config.clone() })
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
