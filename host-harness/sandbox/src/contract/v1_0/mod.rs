//! `billing:payments/payment-provider@1.0.0`.

mod abilities;
pub mod arguments;
pub mod context;
pub mod enums;
mod operations;
mod reports;
pub mod results;
pub mod steps;

use domain::{
    Ability, CallbackAnswer, CallbackProof, Context, Description, ExportPart, ExportTotals, LinkFailure, PaymentLink, Step,
};
use wasmtime::component::ResourceAny;

use super::rules::Violations;
use super::{Abilities, CallResult, Contract, LinkStep, require_valid, rules};
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
type Proof = (enums::CallbackProof,);
type LinkedResult = (Result<steps::PaymentLink, Vec<results::Problem>>,);
type Judged = (steps::CallbackAnswer,);
type NextLink = (steps::LinkStep,);
type NextJudged = (steps::CallbackStep,);
type BegunResult = (Result<ResourceAny, Vec<results::Problem>>,);
type AppendedResult = (Result<(), Vec<results::Problem>>,);
type FinishedResult = (Result<results::ExportTotals, Vec<results::Problem>>,);
type Read = (Option<results::ExportPart>,);

/// The arguments of a function of a merchant, and those of one that is told a context.
type On<T> = (ResourceAny, T);
type Told<'a, T> = (ResourceAny, T, context::Context<'a>);
type Payment<'a> = operations::PaymentReference<'a>;
type Refund<'a> = operations::RefundRequest<'a>;

/// Converts a payment link and checks the contract's rules.
pub fn linked(link: Result<impl Into<PaymentLink>, Vec<results::Problem>>, context: &Context) -> Result<LinkStep, Error> {
    let mut violations = Violations::new();
    let link = link.map(Into::into);
    let link = link.map_err(|problems| LinkFailure::Failed(results::problems(problems, &mut violations)));
    checked(Function::CreateLink, Step::Done(link), context, violations, link_rules)
}

fn link_rules(link: &Result<PaymentLink, LinkFailure>) -> Violations {
    match link {
        Ok(link) => rules::payment_link(link),
        Err(failure) => rules::link_failure(failure),
    }
}

/// Returns a step that breaks no rule.
fn checked<T>(
    function: Function,
    step: Step<T>,
    context: &Context,
    mut violations: Violations,
    result: impl FnOnce(&T) -> Violations,
) -> Result<Step<T>, Error> {
    violations.extend(match &step {
        Step::Ask(questions) => rules::questions(questions, context),
        Step::Call(call) => rules::call(call, context, function.only_reads()),
        Step::Done(done) => result(done),
    });
    require_valid(function, violations)?;
    Ok(step)
}

/// Converts the problems for which a function refuses its arguments.
fn refusal<T>(function: Function, result: Result<T, Vec<results::Problem>>) -> CallResult<T> {
    let problems = match result {
        Ok(value) => return Ok(Ok(value)),
        Err(problems) => problems,
    };
    let mut violations = Violations::new();
    let problems = results::problems(problems, &mut violations);
    require_valid(function, violations)?;
    Ok(Err(problems))
}

fn interface_of(function: Function) -> &'static str {
    match function.ability() {
        None => INTERFACE,
        Some(Ability::Asking) => "billing:payments/asking@1.0.0",
        Some(Ability::PaymentStatus) => "billing:payments/payment-status@1.0.0",
        Some(Ability::Refunds) => "billing:payments/refunds@1.0.0",
        Some(Ability::RecurringPayments) => "billing:payments/recurring-payments@1.0.0",
        Some(Ability::SettlementReports) => "billing:payments/settlement-reports@1.0.0",
    }
}

fn name_of(function: Function) -> &'static str {
    match function {
        Function::Describe => "describe",
        Function::Configure => "[static]merchant.configure",
        Function::CallbackProof => "[method]merchant.callback-proof",
        Function::CreateLink => "[method]merchant.create-link",
        Function::HandleCallback => "[method]merchant.handle-callback",
        Function::ExportWriteoffs => "[method]merchant.export-writeoffs",
        Function::Append => "[method]writeoff-export.append",
        Function::Finish => "[method]writeoff-export.finish",
        Function::Read => "[method]writeoff-export.read",
        Function::AskingLink => "create-link",
        Function::AskingCallback => "handle-callback",
        Function::QueryPayment => "query-payment",
        Function::RefundPayment => "refund-payment",
        Function::QueryRefund => "query-refund",
        Function::ChargeAgain => "charge-again",
        Function::QueryCharge => "query-charge",
        Function::CancelRecurring => "cancel-recurring",
        Function::ReportFormats => "report-formats",
        Function::OpenReport => "open-report",
        Function::AppendReport => "[method]report-reader.append",
        Function::FinishReport => "[method]report-reader.finish",
        Function::FetchReport => "fetch-report",
    }
}

impl Contract for V1_0 {
    fn interface(&self) -> &'static str {
        INTERFACE
    }

    fn export_name(&self, function: Function) -> (&'static str, &'static str) {
        (interface_of(function), name_of(function))
    }

    fn abilities(&self) -> &'static dyn Abilities {
        &V1_0
    }

    fn check_signature(&self, instance: &mut Instance, function: Function) -> Result<(), Error> {
        match function {
            Function::Describe => instance.check_signature::<(), Described>(function),
            Function::Configure => instance.check_signature::<(&[(String, String)],), ConfiguredResult>(function),
            Function::CallbackProof => instance.check_signature::<(ResourceAny,), Proof>(function),
            Function::CreateLink => instance.check_signature::<On<arguments::Order<'_>>, LinkedResult>(function),
            Function::HandleCallback => instance.check_signature::<On<arguments::CallbackRequest<'_>>, Judged>(function),
            Function::AskingLink => instance.check_signature::<Told<'_, arguments::Order<'_>>, NextLink>(function),
            Function::AskingCallback => {
                instance.check_signature::<Told<'_, arguments::CallbackRequest<'_>>, NextJudged>(function)
            }
            Function::ExportWriteoffs => instance.check_signature::<On<arguments::ExportOptions<'_>>, BegunResult>(function),
            Function::Append => instance.check_signature::<On<&[arguments::Writeoff<'_>]>, AppendedResult>(function),
            Function::Finish => instance.check_signature::<(ResourceAny,), FinishedResult>(function),
            Function::Read => instance.check_signature::<(ResourceAny,), Read>(function),
            Function::QueryPayment => instance.check_signature::<Told<'_, Payment<'_>>, abilities::NextStatus>(function),
            Function::RefundPayment => instance.check_signature::<Told<'_, Refund<'_>>, abilities::NextOperation>(function),
            Function::QueryRefund => instance.check_signature::<abilities::RefundQuery<'_>, abilities::NextOperation>(function),
            Function::ChargeAgain => instance.check_signature::<abilities::Charge<'_>, abilities::NextOperation>(function),
            Function::QueryCharge => instance.check_signature::<abilities::ChargeQuery<'_>, abilities::NextOperation>(function),
            Function::CancelRecurring => instance.check_signature::<Told<'_, Payment<'_>>, abilities::NextCancel>(function),
            Function::ReportFormats => instance.check_signature::<(ResourceAny,), abilities::Formats>(function),
            Function::OpenReport => instance.check_signature::<abilities::Opening<'_>, BegunResult>(function),
            Function::AppendReport => instance.check_signature::<On<&[u8]>, abilities::AppendedResult>(function),
            Function::FinishReport => instance.check_signature::<(ResourceAny,), abilities::FinishedResult>(function),
            Function::FetchReport => instance.check_signature::<abilities::Fetching<'_>, abilities::NextPage>(function),
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
        refusal(Function::Configure, merchant)
    }

    fn callback_proof(&self, instance: &mut Instance, merchant: ResourceAny) -> Result<CallbackProof, Error> {
        let (proof,) = instance.call::<_, Proof>(Function::CallbackProof, (merchant,))?;
        Ok(proof.into())
    }

    fn create_link(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        request: &LinkRequest<'_>,
        context: &Context,
    ) -> Result<LinkStep, Error> {
        let order = arguments::Order::from(request);
        if !instance.has(Function::AskingLink) {
            let (link,) = instance.call::<On<_>, LinkedResult>(Function::CreateLink, (merchant, order))?;
            return linked(link, context);
        }
        let function = Function::AskingLink;
        let (step,) = instance.call::<Told<'_, _>, NextLink>(function, (merchant, order, context.into()))?;
        let mut violations = Violations::new();
        let step = step.into_domain(&mut violations);
        checked(function, step, context, violations, link_rules)
    }

    fn handle_callback(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        request: &GivenRequest<'_>,
        context: &Context,
    ) -> Result<Step<CallbackAnswer>, Error> {
        let request = arguments::CallbackRequest::from(request);
        let mut violations = Violations::new();
        let (function, step) = if instance.has(Function::AskingCallback) {
            let function = Function::AskingCallback;
            let (step,) = instance.call::<Told<'_, _>, NextJudged>(function, (merchant, request, context.into()))?;
            (function, step.into_domain(&mut violations))
        } else {
            let function = Function::HandleCallback;
            let (answer,) = instance.call::<On<_>, Judged>(function, (merchant, request))?;
            (function, Step::Done(answer.into_domain(&mut violations)))
        };
        checked(function, step, context, violations, |answer| rules::callback_answer(answer, context))
    }

    fn export_writeoffs(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        options: &ExportOptions<'_>,
    ) -> CallResult<ResourceAny> {
        let arguments = (merchant, arguments::ExportOptions::from(options));
        let (export,) = instance.call::<_, BegunResult>(Function::ExportWriteoffs, arguments)?;
        refusal(Function::ExportWriteoffs, export)
    }

    fn append(&self, instance: &mut Instance, export: ResourceAny, rows: &[ExportRow<'_>]) -> CallResult<()> {
        let rows: Vec<arguments::Writeoff<'_>> = rows.iter().map(arguments::Writeoff::from).collect();
        let (appended,) = instance.call::<_, AppendedResult>(Function::Append, (export, &rows[..]))?;
        refusal(Function::Append, appended)
    }

    fn finish(&self, instance: &mut Instance, export: ResourceAny) -> CallResult<ExportTotals> {
        let (totals,) = instance.call::<_, FinishedResult>(Function::Finish, (export,))?;
        let totals = match refusal(Function::Finish, totals)? {
            Ok(totals) => totals,
            Err(problems) => return Ok(Err(problems)),
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
