//! An instance, and calls into it within a budget.

use std::sync::Arc;

use wasmtime::component::{ComponentExportIndex, ComponentNamedList, Instance as WasmInstance, Lift, Lower};
use wasmtime::{PoolConcurrencyLimitError, Store, Trap};

use crate::component::{LimitedComponent, Memory};
use crate::engine::ticks;
use crate::error::{Error, Limit, LoadError};
use crate::function::Function;
use crate::limits::Limits;

/// The resources that a call used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// Units of fuel, the start of a fresh instance included.
    pub fuel: u64,
    /// The memory of the instance after the call, in bytes.
    pub memory_bytes: usize,
}

/// An instance of a provider, with the budget of the current call.
pub(crate) struct Instance {
    store: Store<Memory>,
    instance: WasmInstance,
    component: Arc<LimitedComponent>,
    /// The fuel at the start of the current budget.
    fuel_max: u64,
}

impl Instance {
    /// Creates an instance for a call of a function, with this much fuel. The start-up counts toward that call's budget.
    pub(crate) fn new(component: &Arc<LimitedComponent>, function: Function, fuel_max: u64) -> Result<Instance, Error> {
        let limits = &component.limits;
        let memory = Memory { bytes_max: limits.memory_bytes_max, bytes: 0, refused: false };
        let mut store = Store::new(component.compiled.pre.engine(), memory);
        store.limiter(|memory| memory);
        store.epoch_deadline_trap();
        // Wasmtime counts the bytes that it copies out of an instance, so that a few bytes of the guest's cannot become
        // gigabytes in the host.
        store.set_hostcall_fuel(limits.output_bytes_max);
        reset_budget(&mut store, limits, fuel_max)?;
        let instance = component
            .compiled
            .pre
            .instantiate(&mut store)
            .map_err(|error| classify_error(component, &store, function, fuel_max, &error))?;
        Ok(Instance { store, instance, component: component.clone(), fuel_max })
    }

    /// Resets the budget to a full one, with this much fuel.
    pub(crate) fn reset_budget(&mut self, fuel_max: u64) -> Result<(), Error> {
        self.fuel_max = fuel_max;
        reset_budget(&mut self.store, &self.component.limits, self.fuel_max)
    }

    /// Calls a function within the rest of the budget.
    pub(crate) fn call<P, R>(&mut self, function: Function, arguments: P) -> Result<R, Error>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let index = self.index(function)?;
        let callee = self.instance.get_typed_func::<P, R>(&mut self.store, index).map_err(|error| {
            Error::Load(LoadError::SignatureMismatch { function: function.name(), reason: format!("{:#}", error.root_cause()) })
        })?;
        let result = callee.call(&mut self.store, arguments);
        result.map_err(|error| classify_error(&self.component, &self.store, function, self.fuel_max, &error))
    }

    /// Reports whether the component exports a function.
    pub(crate) fn has(&self, function: Function) -> bool {
        self.component.compiled.index(function).is_some()
    }

    /// Finds a function. A required one was found when the component was loaded.
    fn index(&self, function: Function) -> Result<ComponentExportIndex, Error> {
        let missing = || LoadError::SignatureMismatch { function: function.name(), reason: "it is missing".to_owned() };
        self.component.compiled.index(function).ok_or_else(|| Error::Load(missing()))
    }

    /// Checks that the component exports a function with these types, unless it need not and does not export it.
    pub(crate) fn check_signature<P, R>(&mut self, function: Function) -> Result<(), Error>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let Ok(index) = self.index(function) else { return Ok(()) };
        self.instance.get_typed_func::<P, R>(&mut self.store, index).map(drop).map_err(|error| {
            Error::Load(LoadError::SignatureMismatch { function: function.name(), reason: format!("{:#}", error.root_cause()) })
        })
    }

    /// Returns what the current call has used so far.
    pub(crate) fn usage(&self) -> Usage {
        let fuel_left = self.store.get_fuel().unwrap_or_default();
        Usage { fuel: self.fuel_max.saturating_sub(fuel_left), memory_bytes: self.store.data().bytes }
    }
}

fn reset_budget(store: &mut Store<Memory>, limits: &Limits, fuel_max: u64) -> Result<(), Error> {
    store.set_epoch_deadline(ticks(limits.time_max));
    store.set_fuel(fuel_max).map_err(|error| Error::Load(LoadError::Engine(error.to_string())))
}

/// Wasmtime's message when a call exceeds the limit on copied results.
const OUTPUT_EXHAUSTED: &str =
    "too much data is being copied between the host and the guest: fuel allocated for hostcalls has been exhausted";

/// Converts an error of wasmtime's, by its type.
fn classify_error(
    component: &LimitedComponent,
    store: &Store<Memory>,
    function: Function,
    fuel_max: u64,
    error: &wasmtime::Error,
) -> Error {
    let limits = &component.limits;
    let function = function.name();
    let limit = |limit| Error::Limit { function, limit };
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return match trap {
            Trap::OutOfFuel => limit(Limit::Fuel(fuel_max)),
            Trap::Interrupt => limit(Limit::TimeMs(limits.time_max.as_millis())),
            Trap::StackOverflow => limit(Limit::Stack),
            _ if store.data().refused => limit(Limit::MemoryBytes(limits.memory_bytes_max)),
            // The address of an argument or result does not hold such a value.
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
    // The error's type is private to wasmtime, so it is recognized by its text, which a test checks.
    let reason = error.root_cause().to_string();
    if reason == OUTPUT_EXHAUSTED {
        limit(Limit::OutputBytes(limits.output_bytes_max))
    } else {
        Error::Engine { function, reason }
    }
}

/// Returns the error for invalid memory for arguments, invalid handles or invalid results.
fn broken_abi(function: &'static str, reason: impl std::fmt::Display) -> Error {
    Error::Contract { function, what: format!("its memory, handles or results are not what they must be: {reason}") }
}

/// Reports whether the error is about invalid memory for an argument, an invalid handle, or a result that is not a valid
/// string, list or variant. Wasmtime reports these as plain texts.
fn is_lift_error(error: &wasmtime::Error) -> bool {
    error.is::<&'static str>()
        || error.is::<String>()
        || error.is::<std::str::Utf8Error>()
        || error.is::<std::num::TryFromIntError>()
}
