//! From a file's bytes to a provider that can be called.

use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker, ResourceAny};

use crate::call::{Function, Instance, Memory, Usage};
use crate::compile_check::CompileCheck;
use crate::engine::{self, Sandbox, SandboxConfig};
use crate::error::{Error, LoadError};
use crate::limits::Limits;
use crate::merchant::{Answered, Appended, Begun, Configured, Finished, Linked, Merchant, Part};
use crate::records::{CallbackRequest, Description, ExportOptions, Fields, Order, Settings, Writeoff};
use crate::summary::ComponentSummary;
use crate::{CONTRACT, check};

/// A loaded provider. Cheap to clone, shared by threads; it lives as long as anything made of it.
#[derive(Clone)]
pub struct Provider {
    loaded: Arc<Loaded>,
    description: Arc<Description>,
    describe_usage: Usage,
}

/// A component, ready to be instantiated.
#[derive(Clone)]
pub(crate) struct Loaded {
    pub(crate) pre: InstancePre<Memory>,
    pub(crate) limits: Limits,
    pub(crate) concurrent_calls_max: u32,
    functions: [ComponentExportIndex; Function::ALL.len()],
    size_bytes: usize,
    memory_bytes_min: u64,
    sandbox: SandboxConfig,
    sha256: String,
}

impl Loaded {
    pub(crate) fn index(&self, function: Function) -> ComponentExportIndex {
        // The array has a place for every variant, in their order.
        #[allow(clippy::indexing_slicing)]
        self.functions[function as usize]
    }
}

impl Sandbox {
    /// Loads a component from a file, which is read whole and hashed before anything else.
    ///
    /// # Errors
    /// [`LoadError`] where it is no such component; a limit, a trap or a broken contract where its `describe` fails.
    pub fn load_file(&self, path: &Path, limits: Limits) -> Result<Provider, Error> {
        let unreadable = |source| LoadError::Unreadable { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        // One byte more than may be, so that a file that is too large is seen without reading it all.
        let most = u64::try_from(limits.component_bytes_max).unwrap_or(u64::MAX).saturating_add(1);
        std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(unreadable)?;
        self.load(&bytes, limits)
    }

    /// Loads a component from its bytes. It is compiled twice where the sandbox has a
    /// [`compile_check`](SandboxConfig::compile_check), and that takes some seconds at worst: call it on a thread of its own.
    ///
    /// # Errors
    /// As [`Sandbox::load_file`].
    pub fn load(&self, bytes: &[u8], limits: Limits) -> Result<Provider, Error> {
        self.load_checked(bytes, limits, self.config.compile_check.as_ref())
    }

    /// Loads a component without [`SandboxConfig::compile_check`]: one that was loaded with it before, where
    /// [`Sandbox::compiler_id`] was the same, compiles again in the same way.
    ///
    /// # Errors
    /// As [`Sandbox::load_file`].
    pub fn load_compiled_before(&self, bytes: &[u8], limits: Limits) -> Result<Provider, Error> {
        self.load_checked(bytes, limits, None)
    }

    fn load_checked(&self, bytes: &[u8], limits: Limits, check: Option<&CompileCheck>) -> Result<Provider, Error> {
        let sha256 = hex::encode(Sha256::digest(bytes));
        limits.check_component(bytes.len(), &self.config)?;
        let summary = ComponentSummary::read(bytes)?;
        summary.check()?;
        limits.check_memory(summary.memory_bytes_min)?;
        if let Some(check) = check {
            check.run(bytes)?;
        }
        let component = engine::compile(&self.engine, bytes)?;
        let functions = functions(&component)?;
        let pre = Linker::new(&self.engine).instantiate_pre(&component).map_err(engine::invalid)?;
        let concurrent_calls_max = self.config.concurrent_calls_max;
        let (size_bytes, memory_bytes_min, sandbox) = (bytes.len(), summary.memory_bytes_min, self.config.clone());
        let loaded = Loaded { pre, limits, concurrent_calls_max, functions, size_bytes, memory_bytes_min, sandbox, sha256 };
        let loaded = Arc::new(loaded);
        let (description, describe_usage) = describe(&loaded)?;
        Ok(Provider { loaded, description: Arc::new(description), describe_usage })
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
    /// Who the provider is, and the form of its settings.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Asks the provider once more who it is, within its limits.
    ///
    /// # Errors
    /// [`LoadError::Description`] where the answer breaks the contract's rules; the call's own limits and failures.
    pub fn describe(&self) -> Result<Description, Error> {
        describe(&self.loaded).map(|(description, _)| description)
    }

    /// The contract that it exports, with the version.
    pub fn contract(&self) -> &'static str {
        CONTRACT
    }

    /// What it imports: nothing, or it would not be loaded.
    pub fn imports(&self) -> &[String] {
        &[]
    }

    /// The component's size.
    pub fn size_bytes(&self) -> usize {
        self.loaded.size_bytes
    }

    /// The component's SHA-256, in lower-case hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.loaded.sha256
    }

    /// The limits it was loaded with.
    pub fn limits(&self) -> &Limits {
        &self.loaded.limits
    }

    /// The same provider under other limits, without compiling it again. Merchants that were made of this one keep its limits.
    ///
    /// # Errors
    /// [`LoadError`] where the component does not fit into them, or they do not fit into the sandbox.
    pub fn with_limits(&self, limits: Limits) -> Result<Provider, Error> {
        limits.check_component(self.loaded.size_bytes, &self.loaded.sandbox)?;
        limits.check_memory(self.loaded.memory_bytes_min)?;
        let loaded = Arc::new(Loaded { limits, ..Loaded::clone(&self.loaded) });
        Ok(Provider { loaded, ..self.clone() })
    }

    /// What `describe` used when the provider was loaded, with an instance's start.
    pub fn describe_usage(&self) -> Usage {
        self.describe_usage
    }

    /// A merchant with these settings, which the provider checks.
    ///
    /// # Errors
    /// [`Error::Provider`] with every problem of the settings; [`Error::Limit`] where they are too large.
    pub fn merchant(&self, settings: Settings) -> Result<Merchant, Error> {
        Merchant::new(self.loaded.clone(), settings)
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("id", &self.description.id)
            .field("sha256", &self.loaded.sha256)
            .finish_non_exhaustive()
    }
}

fn functions(component: &Component) -> Result<[ComponentExportIndex; Function::ALL.len()], LoadError> {
    let interface = component.get_export_index(None, CONTRACT);
    let mut indices = Vec::new();
    for function in Function::ALL {
        let index = interface.and_then(|interface| component.get_export_index(Some(&interface), function.export_name()));
        let missing = || LoadError::Shape { function: function.name(), reason: "it is missing".to_owned() };
        indices.push(index.ok_or_else(missing)?);
    }
    indices.try_into().map_err(|_| LoadError::NoContract(Vec::new()))
}

/// Asks a provider who it is, and makes sure that every function has the contract's types before anyone needs it.
fn describe(loaded: &Arc<Loaded>) -> Result<(Description, Usage), Error> {
    let mut instance = Instance::new(loaded, Function::Describe)?;
    check_shapes(&mut instance)?;
    let (description,) = instance.call::<(), (Description,)>(Function::Describe, ())?;
    match check::description(&description) {
        broken if broken.is_empty() => Ok((description, instance.usage())),
        broken => Err(Error::Load(LoadError::Description(broken))),
    }
}

fn check_shapes(instance: &mut Instance) -> Result<(), Error> {
    instance.check_shape::<(), (Description,)>(Function::Describe)?;
    instance.check_shape::<(&Fields,), Configured>(Function::Configure)?;
    instance.check_shape::<(ResourceAny, &Order), Linked>(Function::CreateLink)?;
    instance.check_shape::<(ResourceAny, &CallbackRequest), Answered>(Function::HandleCallback)?;
    instance.check_shape::<(ResourceAny, &ExportOptions), Begun>(Function::ExportWriteoffs)?;
    instance.check_shape::<(ResourceAny, &[Writeoff]), Appended>(Function::Append)?;
    instance.check_shape::<(ResourceAny,), Finished>(Function::Finish)?;
    instance.check_shape::<(ResourceAny,), Part>(Function::Read)
}
