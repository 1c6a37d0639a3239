//! The one place that configures wasmtime, and the clock of its deadlines.

use std::time::Duration;

use wasmtime::{Config, Engine, EngineWeak, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use crate::error::{Error, LoadError};
use crate::limits::Limits;

/// How often the clock of deadlines ticks.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// How much of a used instance's memory and tables is kept for the next one instead of being given back to the system: what a
/// callback touches, and not more, since it is wiped each time.
const KEEP_RESIDENT_BYTES: usize = 128 << 10;
/// A component in a garbage-collected language has a few core modules; ours has one.
const CORE_INSTANCES_PER_COMPONENT_MAX: u32 = 16;
/// One is used; a component in JavaScript has two more without a page, of the stand-ins for what it must not import.
const MEMORIES_PER_COMPONENT_MAX: u32 = 4;
const TABLES_PER_COMPONENT_MAX: u32 = 8;
/// A provider's functions that are called by pointer.
const TABLE_ELEMENTS_MAX: usize = 20_000;
/// The stack of WebAssembly frames, below the 2 MiB that a thread of Rust has.
const STACK_BYTES_MAX: usize = 512 << 10;

/// What a whole sandbox may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SandboxConfig {
    /// How many calls, warm [`Session`](crate::Session)s and open [`Export`](crate::Export)s there can be at once. Each reserves
    /// some 16 GiB of address space, and no memory until it is used.
    pub concurrent_calls_max: u32,
    /// The most that any provider's [`Limits::memory_bytes_max`] may be.
    pub memory_bytes_max: usize,
}

impl Default for SandboxConfig {
    fn default() -> SandboxConfig {
        SandboxConfig { concurrent_calls_max: 256, memory_bytes_max: Limits::MEMORY_BYTES_MAX }
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
    /// [`LoadError::Engine`] where the machine cannot reserve the address space or start the thread.
    pub fn new(config: &SandboxConfig) -> Result<Sandbox, Error> {
        let engine_error = |reason: String| Error::Load(LoadError::Engine(reason));
        let engine = Engine::new(&wasmtime_config(config)).map_err(|error| engine_error(format!("{error:#}")))?;
        tick(engine.weak()).map_err(|error| engine_error(error.to_string()))?;
        Ok(Sandbox { engine, config: *config })
    }

    /// What compiles and runs the components, with its settings: for what is measured against wasmtime alone.
    #[doc(hidden)]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// How many calls there can be at once; the next one is refused.
    pub fn concurrent_calls_max(&self) -> u32 {
        self.config.concurrent_calls_max
    }
}

fn wasmtime_config(sandbox: &SandboxConfig) -> Config {
    let calls = sandbox.concurrent_calls_max;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_core_instances(calls.saturating_mul(CORE_INSTANCES_PER_COMPONENT_MAX))
        .total_memories(calls.saturating_mul(MEMORIES_PER_COMPONENT_MAX))
        .total_tables(calls.saturating_mul(TABLES_PER_COMPONENT_MAX))
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT_MAX)
        .max_memories_per_component(MEMORIES_PER_COMPONENT_MAX)
        .max_tables_per_component(TABLES_PER_COMPONENT_MAX)
        .max_memories_per_module(MEMORIES_PER_COMPONENT_MAX)
        .max_tables_per_module(TABLES_PER_COMPONENT_MAX)
        .table_elements(TABLE_ELEMENTS_MAX)
        .max_memory_size(sandbox.memory_bytes_max)
        .max_unused_warm_slots(calls)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(KEEP_RESIDENT_BYTES)
        .pagemap_scan(wasmtime::Enabled::Auto);

    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        // Fuel bounds the work deterministically; epochs bound the time, also where an instruction is slow.
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES_MAX)
        .cranelift_opt_level(OptLevel::Speed)
        // The same input gives the same output on every machine.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .memory_init_cow(true)
        // Only the trap's name is shown: a provider's frames mean nothing to an operator. Without the tables of them a loaded component
        // takes a seventh less memory.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false);
    config
}

fn tick(engine: EngineWeak) -> std::io::Result<()> {
    let ticking = move || {
        loop {
            std::thread::sleep(TICK);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    };
    std::thread::Builder::new().name("sandbox-ticker".to_owned()).spawn(ticking).map(drop)
}

/// How many ticks from now a deadline is: the tick that is under way is a partial one and does not count.
pub(crate) fn ticks(time: Duration) -> u64 {
    let ticks = time.as_nanos().div_ceil(TICK.as_nanos());
    u64::try_from(ticks).unwrap_or(u64::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_in_ticks() {
        for (ms, want) in [(0, 1), (1, 2), (10, 2), (11, 3), (250, 26)] {
            assert_eq!(ticks(Duration::from_millis(ms)), want, "{ms} ms");
        }
        assert_eq!(ticks(Duration::MAX), u64::MAX);
    }
}
