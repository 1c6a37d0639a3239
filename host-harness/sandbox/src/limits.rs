//! The limits of a provider.

use crate::error::{Error, Limit};
use std::time::Duration;

/// The limits of one provider. They apply to each call separately.
///
/// The defaults are those of the contract, on which authors of providers rely.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// The largest component, in bytes.
    pub component_bytes_max: usize,
    /// The memory of one instance, all its linear memories together, in bytes. At most
    /// [`SandboxConfig::memory_bytes_max`](crate::SandboxConfig::memory_bytes_max).
    pub memory_bytes_max: usize,
    /// The work of one call, in units of fuel, about one unit per instruction. Unlike time, it is deterministic.
    pub fuel_max: u64,
    /// The work of one step of an export, in units of fuel. A step is a chunk of write-offs, or the end, with all output that
    /// is read in it.
    pub export_fuel_max: u64,
    /// How long one call may take. It is ended at most two ticks of 10 ms later.
    pub time_max: Duration,
    /// The arguments of one call, in bytes of text and of bodies.
    pub input_bytes_max: usize,
    /// The results of one call, in bytes as they are copied out.
    pub output_bytes_max: usize,
}

impl Limits {
    /// The default. A provider in JavaScript is 1.6 MB with its engine.
    pub const COMPONENT_BYTES_MAX: usize = 4 << 20;
    /// The default. A provider that holds one callback and one chunk of an export needs 2 MiB.
    pub const MEMORY_BYTES_MAX: usize = 16 << 20;
    /// The default. A callback takes some ten thousand units, and a hundred times as many in an interpreted language.
    pub const FUEL_MAX: u64 = 10_000_000;
    /// The default. Fuel counts every byte that is written, and a chunk may become a megabyte of documents.
    pub const EXPORT_FUEL_MAX: u64 = 100_000_000;
    /// The default. A payment system waits for seconds. Unless the machine is overloaded, a call runs out of fuel first.
    pub const TIME_MAX: Duration = Duration::from_millis(250);
    /// The default. A callback has two kilobytes, and no genuine one is thirty times as large.
    pub const INPUT_BYTES_MAX: usize = 64 << 10;
    /// What one call is told beside its arguments, in bytes of text and of bodies: eight answers of 64 KiB, and a page of
    /// movements. The same for every provider.
    pub const CONTEXT_BYTES_MAX: usize = 2 << 20;
    /// The default. The lines of a chunk of write-offs are a few times as large as their input.
    pub const OUTPUT_BYTES_MAX: usize = 1 << 20;

    /// Returns these limits with another [`component_bytes_max`](Limits::component_bytes_max).
    pub fn with_component_bytes_max(self, component_bytes_max: usize) -> Limits {
        Limits { component_bytes_max, ..self }
    }

    /// Returns these limits with another [`memory_bytes_max`](Limits::memory_bytes_max).
    pub fn with_memory_bytes_max(self, memory_bytes_max: usize) -> Limits {
        Limits { memory_bytes_max, ..self }
    }

    /// Returns these limits with another [`fuel_max`](Limits::fuel_max).
    pub fn with_fuel_max(self, fuel_max: u64) -> Limits {
        Limits { fuel_max, ..self }
    }

    /// Returns these limits with another [`export_fuel_max`](Limits::export_fuel_max).
    pub fn with_export_fuel_max(self, export_fuel_max: u64) -> Limits {
        Limits { export_fuel_max, ..self }
    }

    /// Returns these limits with another [`time_max`](Limits::time_max).
    pub fn with_time_max(self, time_max: Duration) -> Limits {
        Limits { time_max, ..self }
    }

    /// Returns these limits with another [`input_bytes_max`](Limits::input_bytes_max).
    pub fn with_input_bytes_max(self, input_bytes_max: usize) -> Limits {
        Limits { input_bytes_max, ..self }
    }

    /// Returns these limits with another [`output_bytes_max`](Limits::output_bytes_max).
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
