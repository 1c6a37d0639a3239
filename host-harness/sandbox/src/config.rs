//! The configuration of a sandbox.

use crate::compile_check::CompileCheck;
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
