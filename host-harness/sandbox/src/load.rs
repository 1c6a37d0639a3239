//! Loads a provider from the bytes of a file.

use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use domain::{Ability, Description, Settings};
use sha2::{Digest, Sha256};
use wasmtime::component::{Component, ComponentExportIndex, Linker};

use crate::call::{Instance, Usage};
use crate::compile_check::CompileCheck;
use crate::component::{CompiledComponent, LimitedComponent};
use crate::config::SandboxConfig;
use crate::contract::Contract;
use crate::engine;
use crate::error::{Error, LoadError};
use crate::function::Function;
use crate::limits::Limits;
use crate::merchant::Merchant;
use crate::sandbox::Sandbox;
use crate::summary::ComponentSummary;

/// A loaded provider. It is cheap to clone, threads can share it, and it lives as long as anything created from it.
#[derive(Clone)]
pub struct Provider {
    component: Arc<LimitedComponent>,
    contract: &'static dyn Contract,
    description: Arc<Description>,
    describe_usage: Usage,
}

impl Sandbox {
    /// Loads a component from a file. The whole file is read and hashed first.
    ///
    /// # Errors
    /// [`LoadError`] if the file is not a component that can be loaded; an exceeded limit, a trap or a broken contract if its
    /// `describe` fails.
    pub fn load_file(&self, path: &Path, limits: Limits) -> Result<Provider, Error> {
        let unreadable = |source| LoadError::Unreadable { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        // One byte more than allowed, so that a file that is too large is detected without reading all of it.
        let most = u64::try_from(limits.component_bytes_max).unwrap_or(u64::MAX).saturating_add(1);
        std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(unreadable)?;
        self.load(&bytes, limits)
    }

    /// Loads a component from its bytes. If the sandbox has a [`compile_check`](SandboxConfig::compile_check), the component is
    /// compiled twice, which takes some seconds at worst: call this on a separate thread. A component that is loaded already, and
    /// in use, is not compiled again.
    ///
    /// # Errors
    /// As for [`Sandbox::load_file`].
    pub fn load(&self, bytes: &[u8], limits: Limits) -> Result<Provider, Error> {
        self.load_checked(bytes, limits, self.config.compile_check.as_ref())
    }

    /// Loads a component without [`SandboxConfig::compile_check`]. Use this for a component that was loaded with the check
    /// before, under the same [`Sandbox::compiler_id`]: it compiles again in the same way.
    ///
    /// # Errors
    /// As for [`Sandbox::load_file`].
    pub fn load_compiled_before(&self, bytes: &[u8], limits: Limits) -> Result<Provider, Error> {
        self.load_checked(bytes, limits, None)
    }

    fn load_checked(&self, bytes: &[u8], limits: Limits, check: Option<&CompileCheck>) -> Result<Provider, Error> {
        limits.check_component(bytes.len(), &self.config)?;
        let (compiled, contract) = self.compiled(bytes, &limits, check)?;
        limits.check_memory(compiled.memory_bytes_min)?;
        let component = Arc::new(LimitedComponent { compiled, limits, sandbox: self.config.clone() });
        let (description, describe_usage) = described(&component, contract)?;
        Ok(Provider { component, contract, description: Arc::new(description), describe_usage })
    }

    /// Compiles a component, unless it is in use already.
    fn compiled(
        &self,
        bytes: &[u8],
        limits: &Limits,
        check: Option<&CompileCheck>,
    ) -> Result<(Arc<CompiledComponent>, &'static dyn Contract), Error> {
        let sha256 = hex::encode(Sha256::digest(bytes));
        if let Some(compiled) = self.in_use.get(&sha256) {
            return Ok(compiled);
        }
        let summary = ComponentSummary::read(bytes)?;
        let contract = summary.check()?;
        // Before it is compiled, which costs more.
        limits.check_memory(summary.memory_bytes_min)?;
        if let Some(check) = check {
            check.run(bytes)?;
        }
        let component = engine::compile(&self.engine, bytes)?;
        let functions = functions(&component, contract)?;
        let pre = Linker::new(&self.engine).instantiate_pre(&component).map_err(engine::invalid)?;
        let (size_bytes, memory_bytes_min) = (bytes.len(), summary.memory_bytes_min);
        let compiled = Arc::new(CompiledComponent { pre, functions, size_bytes, memory_bytes_min, sha256 });
        self.in_use.insert(&compiled, contract);
        Ok((compiled, contract))
    }
}

impl Limits {
    fn check_component(&self, size_bytes: usize, sandbox: &SandboxConfig) -> Result<(), LoadError> {
        if self.memory_bytes_max > sandbox.memory_bytes_max {
            return Err(LoadError::LimitsOverSandbox { asked: self.memory_bytes_max, allowed: sandbox.memory_bytes_max });
        }
        let (needed, allowed) = (size_bytes as u64, self.component_bytes_max as u64);
        if needed > allowed { Err(LoadError::TooLarge { what: "component", needed, allowed }) } else { Ok(()) }
    }

    fn check_memory(&self, needed: u64) -> Result<(), LoadError> {
        let allowed = self.memory_bytes_max as u64;
        if needed > allowed { Err(LoadError::TooLarge { what: "memory", needed, allowed }) } else { Ok(()) }
    }
}

impl Provider {
    /// Returns the provider's description, with the form of its settings.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Calls `describe` again, within the limits.
    ///
    /// # Errors
    /// [`LoadError::Description`] if the answer breaks the contract's rules; an exceeded limit or a failure of the call.
    pub fn describe(&self) -> Result<Description, Error> {
        described(&self.component, self.contract).map(|(description, _)| description)
    }

    /// Returns the contract that it exports, with the version.
    pub fn contract(&self) -> &'static str {
        self.contract.interface()
    }

    /// Returns the abilities that it has beside the contract's base interface. It has all functions of each.
    pub fn abilities(&self) -> Vec<Ability> {
        let has = |function: &Function| self.component.compiled.index(*function).is_some();
        let mut abilities: Vec<Ability> = Function::ALL.into_iter().filter(has).filter_map(Function::ability).collect();
        abilities.dedup();
        abilities
    }

    /// Returns its imports, which are always empty: a component with imports is not loaded.
    pub fn imports(&self) -> &[String] {
        &[]
    }

    /// Returns the component's size, in bytes.
    pub fn size_bytes(&self) -> usize {
        self.component.compiled.size_bytes
    }

    /// Returns the component's SHA-256, in lower-case hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.component.compiled.sha256
    }

    /// Returns its limits.
    pub fn limits(&self) -> &Limits {
        &self.component.limits
    }

    /// Returns the same provider under other limits, without compiling it again. Merchants created from this one keep its
    /// limits.
    ///
    /// # Errors
    /// [`LoadError`] if the component exceeds these limits, or if they exceed those of the sandbox.
    pub fn with_limits(&self, limits: Limits) -> Result<Provider, Error> {
        limits.check_component(self.component.compiled.size_bytes, &self.component.sandbox)?;
        limits.check_memory(self.component.compiled.memory_bytes_min)?;
        let component = Arc::new(LimitedComponent { limits, ..LimitedComponent::clone(&self.component) });
        Ok(Provider { component, ..self.clone() })
    }

    /// Returns what `describe` used when the provider was loaded, including the instance's start.
    pub fn describe_usage(&self) -> Usage {
        self.describe_usage
    }

    /// Creates a merchant with these settings, which the provider checks.
    ///
    /// # Errors
    /// [`Error::Provider`] with every problem of the settings; [`Error::Limit`] if they are too large.
    pub fn merchant(&self, settings: Settings) -> Result<Merchant, Error> {
        Merchant::new(self.component.clone(), self.contract, self.description.clone(), settings)
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("id", &self.description.id)
            .field("sha256", &self.component.compiled.sha256)
            .finish_non_exhaustive()
    }
}

/// Finds a version's functions among a component's exports.
fn functions(
    component: &Component,
    contract: &dyn Contract,
) -> Result<[Option<ComponentExportIndex>; Function::ALL.len()], LoadError> {
    let mut indices = [None; Function::ALL.len()];
    for (function, index) in Function::ALL.into_iter().zip(&mut indices) {
        let (interface, name) = contract.export_name(function);
        let interface = component.get_export_index(None, interface);
        *index = interface.and_then(|interface| component.get_export_index(Some(&interface), name));
        let is_missing = index.is_none() && (interface.is_some() || function.ability().is_none());
        if is_missing {
            return Err(LoadError::SignatureMismatch { function: function.name(), reason: "it is missing".to_owned() });
        }
    }
    Ok(indices)
}

/// Calls a provider's `describe`, and checks that every function has the contract's types before any is needed.
fn described(component: &Arc<LimitedComponent>, contract: &dyn Contract) -> Result<(Description, Usage), Error> {
    let mut instance = Instance::new(component, Function::Describe, component.limits.fuel_max)?;
    for function in Function::ALL {
        contract.check_signature(&mut instance, function)?;
    }
    let description = contract.describe(&mut instance)?;
    Ok((description, instance.usage()))
}
