//! The contract between a host and its providers, in the versions that this sandbox knows: a file each.
//!
//! A version is known by the interface that a component exports. It alone knows its own wire types: they become [`domain`]'s
//! values here, or the answer breaks the contract.

mod rules;
#[cfg(feature = "testing")]
mod testing;
mod v1_0;

use domain::{CallbackAnswer, CallbackRequest, Description, ExportPart, ExportTotals, PaymentLink, Problem};
use wasmtime::component::ResourceAny;

use crate::call::Instance;
use crate::error::{Error, LoadError};
use crate::function::Function;
use crate::unchecked::{ExportOptions, ExportRow, LinkRequest};

pub(crate) use rules::Files;

/// The interface that a provider exports, with the newest version that was released.
pub const CONTRACT: &str = v1_0::INTERFACE;

/// The versions, newest first.
const VERSIONS: &[&dyn Contract] = &[
    #[cfg(feature = "testing")]
    &testing::V1_1Testing,
    &v1_0::V1_0,
];

/// The contract's interface, without its version.
const UNVERSIONED: &str = "billing:payments/payment-provider";

/// A result of a function that may refuse what it is given with problems.
pub(crate) type CallResult<T> = Result<Result<T, Vec<Problem>>, Error>;

/// A version of the contract. Every function is called within what is left of the instance's budget, and gives
/// [`Error::Contract`] where the answer breaks a rule; problems are as the provider gave them.
pub(crate) trait Contract: Sync {
    /// The exported interface's name, with its version.
    fn interface(&self) -> &'static str;

    /// A function's name within the exported interface.
    fn export_name(&self, function: Function) -> &'static str;

    /// Makes sure that a function has the contract's types.
    fn check_signature(&self, instance: &mut Instance, function: Function) -> Result<(), Error>;

    /// Asks who the provider is.
    fn describe(&self, instance: &mut Instance) -> Result<Description, Error>;

    /// Makes a merchant of settings.
    fn configure(&self, instance: &mut Instance, settings: &[(String, String)]) -> CallResult<ResourceAny>;

    /// Makes a payment link.
    fn create_link(&self, instance: &mut Instance, merchant: ResourceAny, request: &LinkRequest<'_>)
    -> CallResult<PaymentLink>;

    /// Has a callback judged.
    fn handle_callback(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        request: &CallbackRequest,
    ) -> Result<CallbackAnswer, Error>;

    /// Begins an export.
    fn export_writeoffs(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        options: &ExportOptions<'_>,
    ) -> CallResult<ResourceAny>;

    /// Adds write-offs to an export.
    fn append(&self, instance: &mut Instance, export: ResourceAny, rows: &[ExportRow<'_>]) -> CallResult<()>;

    /// Ends an export.
    fn finish(&self, instance: &mut Instance, export: ResourceAny) -> CallResult<ExportTotals>;

    /// The next piece of an export's output.
    fn read(&self, instance: &mut Instance, export: ResourceAny) -> Result<Option<ExportPart>, Error>;
}

/// The newest version that is among a component's exports.
///
/// # Errors
/// Where there is none.
pub(crate) fn of_exports(exports: &[String]) -> Result<&'static dyn Contract, LoadError> {
    let is_exported = |version: &&&'static dyn Contract| exports.iter().any(|name| name == version.interface());
    if let Some(version) = VERSIONS.iter().find(is_exported) {
        return Ok(*version);
    }
    let known = VERSIONS.iter().map(|version| version.interface()).collect::<Vec<_>>().join(", ");
    let is_contract = |name: &&String| name.split('@').next() == Some(UNVERSIONED);
    Err(match exports.iter().find(is_contract) {
        Some(exported) => LoadError::UnknownVersion { exported: exported.clone(), known },
        None => LoadError::NoContract { exported: exports.to_vec(), known },
    })
}

/// Makes sure that an answer of a function breaks no rule.
pub(crate) fn require_valid(function: Function, violations: Vec<String>) -> Result<(), Error> {
    if violations.is_empty() { Ok(()) } else { Err(Error::Contract { function: function.name(), what: violations.join("; ") }) }
}

/// What a provider refuses, as the call's error; or what it violates in saying so.
pub(crate) fn refused(function: Function, problems: Vec<Problem>) -> Error {
    require_valid(function, rules::problems(&problems)).err().unwrap_or(Error::Provider(problems))
}
