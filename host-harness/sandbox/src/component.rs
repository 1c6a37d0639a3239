//! A compiled component that can be instantiated.

use std::sync::Arc;

use wasmtime::ResourceLimiter;
use wasmtime::component::{ComponentExportIndex, InstancePre};

use crate::config::SandboxConfig;
use crate::function::Function;
use crate::limits::Limits;

/// A compiled component, with the limits of its calls.
#[derive(Clone)]
pub(crate) struct LimitedComponent {
    pub(crate) compiled: Arc<CompiledComponent>,
    pub(crate) limits: Limits,
    pub(crate) sandbox: SandboxConfig,
}

/// A compiled component.
pub(crate) struct CompiledComponent {
    pub(crate) pre: InstancePre<Memory>,
    /// An optional function may be missing.
    pub(crate) functions: [Option<ComponentExportIndex>; Function::ALL.len()],
    pub(crate) size_bytes: usize,
    pub(crate) memory_bytes_min: u64,
    pub(crate) sha256: String,
}

impl CompiledComponent {
    pub(crate) fn index(&self, function: Function) -> Option<ComponentExportIndex> {
        // The array has an element for every variant, in their order.
        #[allow(clippy::indexing_slicing)]
        self.functions[function as usize]
    }
}

/// Counts the memory of an instance, and remembers whether a growth was refused, because the guest's abort that follows is due
/// to the limit.
pub(crate) struct Memory {
    pub(crate) bytes_max: usize,
    pub(crate) bytes: usize,
    pub(crate) refused: bool,
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let bytes = self.bytes.saturating_add(desired.saturating_sub(current));
        if bytes > self.bytes_max {
            self.refused = true;
            return Ok(false);
        }
        self.bytes = bytes;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // The pool limits the number of elements.
        Ok(true)
    }
}
