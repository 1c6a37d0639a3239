//! What a provider may use.

use crate::error::{Error, Limit};
use std::time::Duration;

/// The limits of one provider; every call has them anew.
///
/// The defaults are the contract's: a provider's author counts on them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// The largest component, in bytes.
    pub component_bytes_max: usize,
    /// The memory of one instance, all its linear memories together, in bytes. At most
    /// [`SandboxConfig::memory_bytes_max`](crate::SandboxConfig::memory_bytes_max).
    pub memory_bytes_max: usize,
    /// The work of one call, in units of fuel: about one unit an instruction. Deterministic, unlike time.
    pub fuel_max: u64,
    /// The same for one step of an export: a chunk of write-offs, or the end, with all that is written and read then.
    pub export_fuel_max: u64,
    /// How long one call may take; it ends at most two ticks of 10 ms later.
    pub time_max: Duration,
    /// The arguments of one call, in bytes of text and of bodies.
    pub input_bytes_max: usize,
    /// The results of one call, in bytes as they are copied out.
    pub output_bytes_max: usize,
}

impl Limits {
    /// A provider in JavaScript, engine and all, is 1.6 MB.
    pub const COMPONENT_BYTES_MAX: usize = 4 << 20;
    /// A provider that holds one callback and one chunk of an export needs 2 MiB.
    pub const MEMORY_BYTES_MAX: usize = 16 << 20;
    /// A callback takes some ten thousand; an interpreted one a hundred times that.
    pub const FUEL_MAX: u64 = 10_000_000;
    /// Fuel counts every byte that is written, and a chunk may become a megabyte of documents.
    pub const EXPORT_FUEL_MAX: u64 = 100_000_000;
    /// A payment system waits for seconds; fuel ends first, unless the machine is overloaded.
    pub const TIME_MAX: Duration = Duration::from_millis(250);
    /// A callback has two kilobytes; nothing honest is thirty times that.
    pub const INPUT_BYTES_MAX: usize = 64 << 10;
    /// The lines of a chunk of write-offs are a few times their input.
    pub const OUTPUT_BYTES_MAX: usize = 1 << 20;

    /// The same with another [`component_bytes_max`](Limits::component_bytes_max).
    pub fn with_component_bytes_max(self, component_bytes_max: usize) -> Limits {
        Limits { component_bytes_max, ..self }
    }

    /// The same with another [`memory_bytes_max`](Limits::memory_bytes_max).
    pub fn with_memory_bytes_max(self, memory_bytes_max: usize) -> Limits {
        Limits { memory_bytes_max, ..self }
    }

    /// The same with another [`fuel_max`](Limits::fuel_max).
    pub fn with_fuel_max(self, fuel_max: u64) -> Limits {
        Limits { fuel_max, ..self }
    }

    /// The same with another [`export_fuel_max`](Limits::export_fuel_max).
    pub fn with_export_fuel_max(self, export_fuel_max: u64) -> Limits {
        Limits { export_fuel_max, ..self }
    }

    /// The same with another [`time_max`](Limits::time_max).
    pub fn with_time_max(self, time_max: Duration) -> Limits {
        Limits { time_max, ..self }
    }

    /// The same with another [`input_bytes_max`](Limits::input_bytes_max).
    pub fn with_input_bytes_max(self, input_bytes_max: usize) -> Limits {
        Limits { input_bytes_max, ..self }
    }

    /// The same with another [`output_bytes_max`](Limits::output_bytes_max).
    pub fn with_output_bytes_max(self, output_bytes_max: usize) -> Limits {
        Limits { output_bytes_max, ..self }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            component_bytes_max: Limits::COMPONENT_BYTES_MAX,
            memory_bytes_max: Limits::MEMORY_BYTES_MAX,
            fuel_max: Limits::FUEL_MAX,
            export_fuel_max: Limits::EXPORT_FUEL_MAX,
            time_max: Limits::TIME_MAX,
            input_bytes_max: Limits::INPUT_BYTES_MAX,
            output_bytes_max: Limits::OUTPUT_BYTES_MAX,
        }
    }
}

impl Limits {
    pub(crate) fn check_input(&self, function: &'static str, bytes: usize) -> Result<(), Error> {
        if bytes > self.input_bytes_max {
            return Err(Error::Limit { function, limit: Limit::InputBytes(self.input_bytes_max) });
        }
        Ok(())
    }
}
