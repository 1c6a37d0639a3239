//! The contract between a host and its providers, in the versions that this sandbox knows: one module for each.
//!
//! The interface that a component exports identifies the version. Only the version's module knows its wire types, and converts
//! them to the types of [`domain`]. An answer that cannot be converted breaks the contract.

mod abilities;
mod rules;
#[cfg(feature = "testing")]
mod testing;
mod v1_0;

use domain::{
    CallbackAnswer, CallbackProof, Context, Description, ExportPart, ExportTotals, LinkFailure, PaymentLink, Problem, Step,
};
use wasmtime::component::ResourceAny;

use crate::call::Instance;
use crate::error::{Error, LoadError};
use crate::function::Function;
use crate::request::GivenRequest;
use crate::unchecked::{ExportOptions, ExportRow, LinkRequest};

pub(crate) use abilities::{Abilities, Operation};
pub use abilities::{ReportStep, StatusStep};
pub(crate) use rules::Files;

/// The interface that a provider exports, in the newest released version.
pub const CONTRACT: &str = v1_0::INTERFACE;

/// The versions, newest first.
const VERSIONS: &[&dyn Contract] = &[
    #[cfg(feature = "testing")]
    &testing::V1_1Testing,
    &v1_0::V1_0,
];

/// The contract's interface, without its version.
const UNVERSIONED: &str = "billing:payments/payment-provider";

/// The result of a function that may refuse its arguments with problems.
pub(crate) type CallResult<T> = Result<Result<T, Vec<Problem>>, Error>;

/// A step to a payment link.
pub type LinkStep = Step<Result<PaymentLink, LinkFailure>>;

/// A version of the contract. Every function is called within the rest of the instance's budget, and returns
/// [`Error::Contract`] if the answer breaks a rule. Problems are passed on as the provider returned them.
pub(crate) trait Contract: Sync {
    /// Returns the exported interface's name, with its version.
    fn interface(&self) -> &'static str;

    /// Returns the interface of a function, and the function's name within it.
    fn export_name(&self, function: Function) -> (&'static str, &'static str);

    /// Returns the version's abilities.
    fn abilities(&self) -> &'static dyn Abilities;

    /// Checks that a function has the contract's types.
    fn check_signature(&self, instance: &mut Instance, function: Function) -> Result<(), Error>;

    /// Returns the provider's description.
    fn describe(&self, instance: &mut Instance) -> Result<Description, Error>;

    /// Creates a merchant from settings.
    fn configure(&self, instance: &mut Instance, settings: &[(String, String)]) -> CallResult<ResourceAny>;

    /// Returns what proves a callback by the merchant's settings.
    fn callback_proof(&self, instance: &mut Instance, merchant: ResourceAny) -> Result<CallbackProof, Error>;

    /// Takes a step to a payment link.
    fn create_link(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        request: &LinkRequest<'_>,
        context: &Context,
    ) -> Result<LinkStep, Error>;

    /// Takes a step to a verdict about a callback.
    fn handle_callback(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        request: &GivenRequest<'_>,
        context: &Context,
    ) -> Result<Step<CallbackAnswer>, Error>;

    /// Starts an export.
    fn export_writeoffs(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        options: &ExportOptions<'_>,
    ) -> CallResult<ResourceAny>;

    /// Adds write-offs to an export.
    fn append(&self, instance: &mut Instance, export: ResourceAny, rows: &[ExportRow<'_>]) -> CallResult<()>;

    /// Ends an export and returns its totals.
    fn finish(&self, instance: &mut Instance, export: ResourceAny) -> CallResult<ExportTotals>;

    /// Returns the next part of an export's output.
    fn read(&self, instance: &mut Instance, export: ResourceAny) -> Result<Option<ExportPart>, Error>;
}

/// Returns the newest version among a component's exports.
///
/// # Errors
/// If there is none.
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

/// Returns an error if a function's answer broke rules.
pub(crate) fn require_valid(function: Function, violations: Vec<String>) -> Result<(), Error> {
    if violations.is_empty() { Ok(()) } else { Err(Error::Contract { function: function.name(), what: violations.join("; ") }) }
}

/// Converts a provider's refusal to the call's error: its problems, or the rules that these problems break.
pub(crate) fn refused(function: Function, problems: Vec<Problem>) -> Error {
    require_valid(function, rules::problems(&problems)).err().unwrap_or(Error::Provider(problems))
}
