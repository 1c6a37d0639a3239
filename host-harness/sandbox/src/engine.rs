//! The one place that configures wasmtime, and the clock of its deadlines.

use std::time::Duration;

use wasmtime::component::Component;
use wasmtime::{Config, Engine, EngineWeak, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use crate::error::LoadError;

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

/// What a call reserves of address space, about: each of its memories has 4 GiB, so that no access needs a check.
const ADDRESS_SPACE_OF_CALL: u64 = MEMORIES_PER_COMPONENT_MAX as u64 * (4 << 30);
/// The stack of a thread that compiles.
const COMPILE_STACK_BYTES: usize = 8 << 20;
/// How much later than others a thread that compiles gets a processor: calls are waited for, and a component is not.
const COMPILE_NICENESS: i32 = 5;

/// Sets an engine up for so many calls at once, each of so much memory.
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

/// Compiles a component, on threads that leave the processors to others.
pub(crate) fn compile(engine: &Engine, component: &[u8]) -> Result<Component, LoadError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .thread_name(|_| "sandbox-compiler".to_owned())
        .stack_size(COMPILE_STACK_BYTES)
        .start_handler(|_| lower_priority())
        .build()
        .map_err(|error| LoadError::Engine(error.to_string()))?;
    pool.install(|| Component::new(engine, component)).map_err(invalid)
}

/// Compiles a component as [`compile`] does, on this thread alone and without room for calls.
pub(crate) fn compile_unpooled(component: &[u8]) -> wasmtime::Result<()> {
    let mut config = compiler_config();
    config.parallel_compilation(false);
    Engine::new(&config)?.precompile_component(component).map(drop)
}

/// Lets this thread wait for others; on systems where that is a matter of the whole process, nothing changes.
pub(crate) fn lower_priority() {
    #[cfg(target_os = "linux")]
    // Refused or not, the thread does its work.
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

/// All that decides what is compiled, and how calls are bounded.
fn compiler_config() -> Config {
    let mut config = Config::new();
    config
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
