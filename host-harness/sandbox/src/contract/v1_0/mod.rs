//! `billing:payments/payment-provider@1.0.0`.

pub mod arguments;
pub mod results;

use domain::{Description, ExportPart, ExportTotals, PaymentLink};
use wasmtime::component::ResourceAny;

use self::results::Violations;
use super::{CallResult, Contract, require_valid, rules};
use crate::call::Instance;
use crate::error::{Error, LoadError};
use crate::function::Function;
use crate::request::GivenRequest;
use crate::unchecked::{ExportOptions, ExportRow, LinkRequest};

/// The exported interface's name.
pub const INTERFACE: &str = "billing:payments/payment-provider@1.0.0";

/// Version 1.0.0.
pub struct V1_0;

/// The functions' results, as wasmtime lifts them.
type Described = (results::Description,);
type ConfiguredResult = (Result<ResourceAny, Vec<results::Problem>>,);
type LinkedResult = (Result<results::PaymentLink, Vec<results::Problem>>,);
type Judged = (results::CallbackAnswer,);
type BegunResult = (Result<ResourceAny, Vec<results::Problem>>,);
type AppendedResult = (Result<(), Vec<results::Problem>>,);
type FinishedResult = (Result<results::ExportTotals, Vec<results::Problem>>,);
type Read = (Option<results::ExportPart>,);

/// Converts a payment link and checks the contract's rules.
pub fn linked(link: Result<impl Into<PaymentLink>, Vec<results::Problem>>) -> CallResult<PaymentLink> {
    let link = match link {
        Ok(link) => link.into(),
        Err(problems) => return Ok(Err(results::problems(problems))),
    };
    require_valid(Function::CreateLink, rules::payment_link(&link))?;
    Ok(Ok(link))
}

impl Contract for V1_0 {
    fn interface(&self) -> &'static str {
        INTERFACE
    }

    fn export_name(&self, function: Function) -> &'static str {
        match function {
            Function::Describe => "describe",
            Function::Configure => "[static]merchant.configure",
            Function::CreateLink => "[method]merchant.create-link",
            Function::HandleCallback => "[method]merchant.handle-callback",
            Function::ExportWriteoffs => "[method]merchant.export-writeoffs",
            Function::Append => "[method]writeoff-export.append",
            Function::Finish => "[method]writeoff-export.finish",
            Function::Read => "[method]writeoff-export.read",
        }
    }

    fn check_signature(&self, instance: &mut Instance, function: Function) -> Result<(), Error> {
        type On<T> = (ResourceAny, T);
        match function {
            Function::Describe => instance.check_signature::<(), Described>(function),
            Function::Configure => instance.check_signature::<(&[(String, String)],), ConfiguredResult>(function),
            Function::CreateLink => instance.check_signature::<On<arguments::Order<'_>>, LinkedResult>(function),
            Function::HandleCallback => instance.check_signature::<On<arguments::CallbackRequest<'_>>, Judged>(function),
            Function::ExportWriteoffs => instance.check_signature::<On<arguments::ExportOptions<'_>>, BegunResult>(function),
            Function::Append => instance.check_signature::<On<&[arguments::Writeoff<'_>]>, AppendedResult>(function),
            Function::Finish => instance.check_signature::<(ResourceAny,), FinishedResult>(function),
            Function::Read => instance.check_signature::<(ResourceAny,), Read>(function),
        }
    }

    fn describe(&self, instance: &mut Instance) -> Result<Description, Error> {
        let (description,) = instance.call::<(), Described>(Function::Describe, ())?;
        let mut violations = Violations::new();
        let description = description.into_domain(&mut violations);
        violations.extend(rules::description(&description));
        if violations.is_empty() { Ok(description) } else { Err(Error::Load(LoadError::Description(violations))) }
    }

    fn configure(&self, instance: &mut Instance, settings: &[(String, String)]) -> CallResult<ResourceAny> {
        let (merchant,) = instance.call::<_, ConfiguredResult>(Function::Configure, (settings,))?;
        Ok(merchant.map_err(results::problems))
    }

    fn create_link(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        request: &LinkRequest<'_>,
    ) -> CallResult<PaymentLink> {
        let (link,) = instance.call::<_, LinkedResult>(Function::CreateLink, (merchant, arguments::Order::from(request)))?;
        linked(link)
    }

    fn handle_callback(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        request: &GivenRequest<'_>,
    ) -> Result<domain::CallbackAnswer, Error> {
        let function = Function::HandleCallback;
        let (answer,) = instance.call::<_, Judged>(function, (merchant, arguments::CallbackRequest::from(request)))?;
        let mut violations = Violations::new();
        let answer = answer.into_domain(&mut violations);
        violations.extend(rules::callback_answer(&answer));
        require_valid(function, violations)?;
        Ok(answer)
    }

    fn export_writeoffs(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        options: &ExportOptions<'_>,
    ) -> CallResult<ResourceAny> {
        let arguments = (merchant, arguments::ExportOptions::from(options));
        let (export,) = instance.call::<_, BegunResult>(Function::ExportWriteoffs, arguments)?;
        Ok(export.map_err(results::problems))
    }

    fn append(&self, instance: &mut Instance, export: ResourceAny, rows: &[ExportRow<'_>]) -> CallResult<()> {
        let rows: Vec<arguments::Writeoff<'_>> = rows.iter().map(arguments::Writeoff::from).collect();
        let (appended,) = instance.call::<_, AppendedResult>(Function::Append, (export, &rows[..]))?;
        Ok(appended.map_err(results::problems))
    }

    fn finish(&self, instance: &mut Instance, export: ResourceAny) -> CallResult<ExportTotals> {
        let (totals,) = instance.call::<_, FinishedResult>(Function::Finish, (export,))?;
        let totals = match totals {
            Ok(totals) => totals,
            Err(problems) => return Ok(Err(results::problems(problems))),
        };
        let mut violations = Violations::new();
        let totals = totals.into_domain(&mut violations);
        violations.extend(rules::export_totals(&totals));
        require_valid(Function::Finish, violations)?;
        Ok(Ok(totals))
    }

    fn read(&self, instance: &mut Instance, export: ResourceAny) -> Result<Option<ExportPart>, Error> {
        let (part,) = instance.call::<_, Read>(Function::Read, (export,))?;
        let Some(part) = part else { return Ok(None) };
        let mut violations = Violations::new();
        let part = part.into_domain(&mut violations);
        violations.extend(rules::export_part(&part));
        require_valid(Function::Read, violations)?;
        Ok(Some(part))
    }
}
