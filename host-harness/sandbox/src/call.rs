//! One instance, and one bounded call into it.

use std::sync::Arc;

use wasmtime::component::{ComponentNamedList, Instance as WasmInstance, Lift, Lower};
use wasmtime::{PoolConcurrencyLimitError, Store, Trap};

use crate::component::{CompiledComponent, Memory};
use crate::engine::ticks;
use crate::error::{Error, Limit, LoadError};
use crate::function::Function;
use crate::limits::Limits;

/// What a call used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// Units of fuel, the start of a fresh instance included.
    pub fuel: u64,
    /// The memory of the instance after the call, in bytes.
    pub memory_bytes: usize,
}

/// An instance of a provider, with the budget of the call under way.
pub(crate) struct Instance {
    store: Store<Memory>,
    instance: WasmInstance,
    component: Arc<CompiledComponent>,
    /// What the budget under way began with.
    fuel_max: u64,
}

impl Instance {
    /// Makes an instance on behalf of a function; its start-up counts into that call's budget.
    pub(crate) fn new(component: &Arc<CompiledComponent>, function: Function) -> Result<Instance, Error> {
        let limits = &component.limits;
        let memory = Memory { bytes_max: limits.memory_bytes_max, bytes: 0, refused: false };
        let mut store = Store::new(component.pre.engine(), memory);
        store.limiter(|memory| memory);
        store.epoch_deadline_trap();
        // What is lifted out of an instance is counted by wasmtime as it is copied, so that a few bytes of the guest's cannot
        // become gigabytes of the host's.
        store.set_hostcall_fuel(limits.output_bytes_max);
        let fuel_max = function.fuel_max(limits);
        reset_budget(&mut store, limits, fuel_max)?;
        let instance =
            component.pre.instantiate(&mut store).map_err(|error| classify_error(component, &store, function, &error))?;
        Ok(Instance { store, instance, component: component.clone(), fuel_max })
    }

    /// Gives the next call, of this function, a whole budget.
    pub(crate) fn reset_budget(&mut self, function: Function) -> Result<(), Error> {
        self.fuel_max = function.fuel_max(&self.component.limits);
        reset_budget(&mut self.store, &self.component.limits, self.fuel_max)
    }

    /// Calls a function within what is left of the budget.
    pub(crate) fn call<P, R>(&mut self, function: Function, arguments: P) -> Result<R, Error>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let index = self.component.index(function);
        let callee = self.instance.get_typed_func::<P, R>(&mut self.store, index).map_err(|error| {
            Error::Load(LoadError::SignatureMismatch { function: function.name(), reason: format!("{:#}", error.root_cause()) })
        })?;
        callee.call(&mut self.store, arguments).map_err(|error| classify_error(&self.component, &self.store, function, &error))
    }

    /// Whether a function is there with these types.
    pub(crate) fn check_signature<P, R>(&mut self, function: Function) -> Result<(), Error>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let index = self.component.index(function);
        self.instance.get_typed_func::<P, R>(&mut self.store, index).map(drop).map_err(|error| {
            Error::Load(LoadError::SignatureMismatch { function: function.name(), reason: format!("{:#}", error.root_cause()) })
        })
    }

    /// What the call under way has used.
    pub(crate) fn usage(&self) -> Usage {
        let fuel_left = self.store.get_fuel().unwrap_or_default();
        Usage { fuel: self.fuel_max.saturating_sub(fuel_left), memory_bytes: self.store.data().bytes }
    }
}

fn reset_budget(store: &mut Store<Memory>, limits: &Limits, fuel_max: u64) -> Result<(), Error> {
    store.set_epoch_deadline(ticks(limits.time_max));
    store.set_fuel(fuel_max).map_err(|error| Error::Load(LoadError::Engine(error.to_string())))
}

/// What wasmtime says where the allowance for what is copied out is used up.
const OUTPUT_EXHAUSTED: &str =
    "too much data is being copied between the host and the guest: fuel allocated for hostcalls has been exhausted";

/// What an error of wasmtime's means, by its type.
fn classify_error(component: &CompiledComponent, store: &Store<Memory>, function: Function, error: &wasmtime::Error) -> Error {
    let limits = &component.limits;
    let fuel_max = function.fuel_max(limits);
    let function = function.name();
    let limit = |limit| Error::Limit { function, limit };
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return match trap {
            Trap::OutOfFuel => limit(Limit::Fuel(fuel_max)),
            Trap::Interrupt => limit(Limit::TimeMs(limits.time_max.as_millis())),
            Trap::StackOverflow => limit(Limit::Stack),
            _ if store.data().refused => limit(Limit::MemoryBytes(limits.memory_bytes_max)),
            // What is told to be at an address that does not hold it.
            Trap::StringOutOfBounds
            | Trap::ListOutOfBounds
            | Trap::InvalidDiscriminant
            | Trap::InvalidChar
            | Trap::UnalignedPointer => broken_abi(function, trap),
            trap => Error::Trap { function, reason: trap.to_string() },
        };
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return limit(Limit::ConcurrentCalls(component.sandbox.concurrent_calls_max));
    }
    if is_lift_error(error) {
        return broken_abi(function, error.root_cause());
    }
    // Its type is wasmtime's own and cannot be named here; a test holds its text.
    let reason = error.root_cause().to_string();
    if reason == OUTPUT_EXHAUSTED {
        limit(Limit::OutputBytes(limits.output_bytes_max))
    } else {
        Error::Engine { function, reason }
    }
}

/// The memory that the provider gives for arguments, its handles, and its results.
fn broken_abi(function: &'static str, reason: impl std::fmt::Display) -> Error {
    Error::Contract { function, what: format!("its memory, handles or results are not what they must be: {reason}") }
}

/// Whether the error tells of memory for an argument that is none, of handles, or of a result that is no string, no list or no
/// variant: wasmtime has plain texts for those.
fn is_lift_error(error: &wasmtime::Error) -> bool {
    error.is::<&'static str>()
        || error.is::<String>()
        || error.is::<std::str::Utf8Error>()
        || error.is::<std::num::TryFromIntError>()
}
