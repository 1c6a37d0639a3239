//! The abilities of version 1.0.0.

use domain::{
    CancelResult, ControlTotals, EventKind, Fields, OperationResult, PaymentReference, ReportFormat, ReportRequest, ReportRow,
    Step,
};
use wasmtime::component::ResourceAny;

use super::arguments::{Date, Order};
use super::context::Context;
use super::operations::{CancelStep, OperationStep, StatusStep};
use super::{BegunResult, On, Payment, Refund, Told, V1_0, arguments, checked, refusal, reports, results};
use crate::call::Instance;
use crate::contract::rules::Violations;
use crate::contract::{Abilities, CallResult, Operation, ReportStep, require_valid, rules};
use crate::error::Error;
use crate::function::Function;

/// The arguments of functions.
pub type RefundQuery<'a> = (ResourceAny, Refund<'a>, Option<&'a str>, Context<'a>);
pub type Charge<'a> = (ResourceAny, Payment<'a>, Order<'a>, Context<'a>);
pub type ChargeQuery<'a> = (ResourceAny, Payment<'a>, Order<'a>, Option<&'a str>, Context<'a>);
pub type Opening<'a> = (ResourceAny, &'a str, arguments::Fields<'a>);
pub type Fetching<'a> = (ResourceAny, &'a str, arguments::Fields<'a>, Date, Option<&'a str>, Context<'a>);

/// The results of functions, as wasmtime lifts them.
pub type NextStatus = (StatusStep,);
pub type NextOperation = (OperationStep,);
pub type NextCancel = (CancelStep,);
pub type Formats = (Vec<reports::ReportFormat>,);
pub type AppendedResult = (Result<Vec<reports::ReportRow>, results::Problem>,);
pub type FinishedResult = (Result<(Vec<reports::ReportRow>, reports::ControlTotals), results::Problem>,);
pub type NextPage = (reports::ReportStep,);

/// Converts the problem for which a reader of a report refuses what it read.
fn read<T>(
    function: Function,
    read: Result<T, results::Problem>,
    convert: impl FnOnce(T, &mut Violations) -> (Vec<ReportRow>, ControlTotals),
) -> CallResult<(Vec<ReportRow>, ControlTotals)> {
    let read = match refusal(function, read.map_err(|problem| vec![problem]))? {
        Ok(read) => read,
        Err(problems) => return Ok(Err(problems)),
    };
    let mut violations = Violations::new();
    let (rows, totals) = convert(read, &mut violations);
    violations.extend(rules::report_rows(&rows));
    violations.extend(rules::control_totals(&totals));
    require_valid(function, violations)?;
    Ok(Ok((rows, totals)))
}

impl Abilities for V1_0 {
    fn query_payment(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        payment: &PaymentReference,
        context: &domain::Context,
    ) -> Result<crate::contract::StatusStep, Error> {
        let function = Function::QueryPayment;
        let mut told = Context::from(context);
        let payment = Payment::new(payment, &mut told);
        let (step,) = instance.call::<Told<'_, _>, NextStatus>(function, (merchant, payment, told))?;
        let mut violations = Violations::new();
        let step = step.into_domain(&mut violations);
        checked(function, step, context, violations, rules::payment_status)
    }

    fn operate(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        operation: &Operation<'_>,
        context: &domain::Context,
    ) -> Result<Step<OperationResult>, Error> {
        let function = operation.function();
        let mut told = Context::from(context);
        let refund: &[EventKind] = &[EventKind::Refund];
        let charge: &[EventKind] = &[EventKind::Payment, EventKind::Hold];
        let ((step,), kinds): (NextOperation, _) = match operation {
            Operation::Refund(request) => {
                let request = Refund::new(request, &mut told);
                (instance.call::<Told<'_, _>, _>(function, (merchant, request, told))?, refund)
            }
            Operation::QueryRefund(request, reference) => {
                let request = Refund::new(request, &mut told);
                (instance.call::<RefundQuery<'_>, _>(function, (merchant, request, *reference, told))?, refund)
            }
            Operation::Charge(payment, order) => {
                let payment = Payment::new(payment, &mut told);
                (instance.call::<Charge<'_>, _>(function, (merchant, payment, order.into(), told))?, charge)
            }
            Operation::QueryCharge(payment, order, reference) => {
                let payment = Payment::new(payment, &mut told);
                let arguments = (merchant, payment, order.into(), *reference, told);
                (instance.call::<ChargeQuery<'_>, _>(function, arguments)?, charge)
            }
        };
        let mut violations = Violations::new();
        let step = step.into_domain(&mut violations);
        checked(function, step, context, violations, |result| rules::operation_result(result, kinds))
    }

    fn cancel_recurring(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        payment: &PaymentReference,
        context: &domain::Context,
    ) -> Result<Step<CancelResult>, Error> {
        let function = Function::CancelRecurring;
        let mut told = Context::from(context);
        let payment = Payment::new(payment, &mut told);
        let (step,) = instance.call::<Told<'_, _>, NextCancel>(function, (merchant, payment, told))?;
        let mut violations = Violations::new();
        let step = step.into_domain(&mut violations);
        checked(function, step, context, violations, rules::cancel_result)
    }

    fn report_formats(&self, instance: &mut Instance, merchant: ResourceAny) -> Result<Vec<ReportFormat>, Error> {
        let (formats,) = instance.call::<(ResourceAny,), Formats>(Function::ReportFormats, (merchant,))?;
        let formats: Vec<ReportFormat> = formats.into_iter().map(ReportFormat::from).collect();
        require_valid(Function::ReportFormats, rules::report_formats(&formats))?;
        Ok(formats)
    }

    fn open_report(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        format: &str,
        options: &Fields,
    ) -> CallResult<ResourceAny> {
        let (report,) = instance.call::<Opening<'_>, BegunResult>(Function::OpenReport, (merchant, format, options))?;
        refusal(Function::OpenReport, report)
    }

    fn append_report(&self, instance: &mut Instance, report: ResourceAny, bytes: &[u8]) -> CallResult<Vec<ReportRow>> {
        let function = Function::AppendReport;
        let (appended,) = instance.call::<On<&[u8]>, AppendedResult>(function, (report, bytes))?;
        let rows = read(function, appended, |rows, violations| (reports::rows(rows, violations), ControlTotals::default()))?;
        Ok(rows.map(|(rows, _)| rows))
    }

    fn finish_report(&self, instance: &mut Instance, report: ResourceAny) -> CallResult<(Vec<ReportRow>, ControlTotals)> {
        let (finished,) = instance.call::<(ResourceAny,), FinishedResult>(Function::FinishReport, (report,))?;
        read(Function::FinishReport, finished, |(rows, totals), violations| {
            (reports::rows(rows, violations), totals.into_domain(violations))
        })
    }

    fn fetch_report(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        request: &ReportRequest,
        context: &domain::Context,
    ) -> Result<ReportStep, Error> {
        let function = Function::FetchReport;
        let ReportRequest { format, options, day, cursor } = request;
        let arguments = (merchant, format.as_str(), options.as_slice(), (*day).into(), cursor.as_deref(), context.into());
        let (step,) = instance.call::<Fetching<'_>, NextPage>(function, arguments)?;
        let mut violations = Violations::new();
        let step = step.into_domain(&mut violations);
        checked(function, step, context, violations, |page| match page {
            Ok(page) => rules::report_page(page, cursor.as_deref()),
            Err(failure) => rules::report_failure(failure),
        })
    }
}
