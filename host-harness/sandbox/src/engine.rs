//! The configuration of wasmtime, which is nowhere else, and the clock for its deadlines.

use std::time::Duration;

use wasmtime::component::Component;
use wasmtime::{Config, Engine, EngineWeak, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use crate::error::LoadError;

/// The interval at which the deadline clock ticks.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// How many bytes of a used instance's memory and tables stay resident for the next instance instead of returning to the
/// system: about as many as a callback touches, and no more, since they are zeroed each time.
const KEEP_RESIDENT_BYTES: usize = 128 << 10;
/// A component in a garbage-collected language has a few core modules; ours has one.
const CORE_INSTANCES_PER_COMPONENT_MAX: u32 = 16;
/// A component uses one. A component in JavaScript has two more, of zero pages, in the stubs for its forbidden imports.
const MEMORIES_PER_COMPONENT_MAX: u32 = 4;
const TABLES_PER_COMPONENT_MAX: u32 = 8;
/// The most entries of a table: a provider's functions that are called by pointer.
const TABLE_ELEMENTS_MAX: usize = 20_000;
/// The stack for WebAssembly frames. It is smaller than the 2 MiB stack of a Rust thread.
const STACK_BYTES_MAX: usize = 512 << 10;

/// About how much address space a call reserves: 4 GiB for each of its memories, so that accesses need no bounds check.
const ADDRESS_SPACE_OF_CALL: u64 = MEMORIES_PER_COMPONENT_MAX as u64 * (4 << 30);
/// The stack of a compiling thread.
const COMPILE_STACK_BYTES: usize = 8 << 20;
/// The nice value of a compiling thread: a payment system waits for a call, but nobody waits for a component.
const COMPILE_NICENESS: i32 = 5;

/// Creates an engine for at most `concurrent_calls_max` calls at once, each with at most `memory_bytes_max` of memory.
pub(crate) fn engine(concurrent_calls_max: u32, memory_bytes_max: usize) -> Result<Engine, LoadError> {
    let failed = |error: wasmtime::Error| {
        let is_of_system = error.root_cause().is::<std::io::Error>() || error.root_cause().is::<rustix::io::Errno>();
        if is_of_system {
            let reserved_bytes = u64::from(concurrent_calls_max).saturating_mul(ADDRESS_SPACE_OF_CALL);
            LoadError::AddressSpace { reserved_bytes, calls: concurrent_calls_max }
        } else {
            LoadError::Engine(format!("{error:#}"))
        }
    };
    let engine = Engine::new(&wasmtime_config(concurrent_calls_max, memory_bytes_max)).map_err(failed)?;
    tick(engine.weak()).map_err(|error| LoadError::Engine(error.to_string()))?;
    Ok(engine)
}

/// Compiles a component on threads of low priority.
pub(crate) fn compile(engine: &Engine, component: &[u8]) -> Result<Component, LoadError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .thread_name(|_| "sandbox-compiler".to_owned())
        .stack_size(COMPILE_STACK_BYTES)
        .start_handler(|_| lower_priority())
        .build()
        .map_err(|error| LoadError::Engine(error.to_string()))?;
    pool.install(|| Component::new(engine, component)).map_err(invalid)
}

/// Compiles a component as [`compile`] does, but on this thread only and without a pool for calls.
pub(crate) fn compile_unpooled(component: &[u8]) -> wasmtime::Result<()> {
    let mut config = compiler_config();
    config.parallel_compilation(false);
    Engine::new(&config)?.precompile_component(component).map(drop)
}

/// Lowers the priority of this thread. Does nothing on systems where the priority belongs to the whole process.
pub(crate) fn lower_priority() {
    #[cfg(target_os = "linux")]
    // If the system refuses, the thread works at the normal priority.
    let _ = rustix::process::setpriority_process(None, COMPILE_NICENESS);
}

pub(crate) fn invalid(error: wasmtime::Error) -> LoadError {
    LoadError::Invalid(format!("{error:#}"))
}

fn wasmtime_config(calls: u32, memory_bytes_max: usize) -> Config {
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
        .max_memory_size(memory_bytes_max)
        .max_unused_warm_slots(calls)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(KEEP_RESIDENT_BYTES)
        .pagemap_scan(wasmtime::Enabled::Auto);

    let mut config = compiler_config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// Returns the settings that affect the compiled code and the limits of calls.
fn compiler_config() -> Config {
    let mut config = Config::new();
    config
        // Fuel limits the work deterministically. Epochs limit the time, even if single instructions are slow.
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES_MAX)
        .cranelift_opt_level(OptLevel::Speed)
        // The same input gives the same output on every machine.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .memory_init_cow(true)
        // Only the trap's name is shown, because a provider's stack frames mean nothing to an operator. Without the tables for
        // backtraces, a loaded component uses a seventh less memory.
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

/// Returns the number of ticks from now until a deadline. The current tick is partial, so it does not count.
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
