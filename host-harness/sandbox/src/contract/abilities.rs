//! The part of a version that belongs to abilities.

use domain::{
    CancelResult, Context, ControlTotals, Fields, OperationResult, PaymentReference, PaymentStatus, Problem, RefundRequest,
    ReportFailure, ReportFormat, ReportPage, ReportRequest, ReportRow, Step,
};
use wasmtime::component::ResourceAny;

use super::CallResult;
use crate::call::Instance;
use crate::error::Error;
use crate::function::Function;
use crate::unchecked::LinkRequest;

/// A step to what became of a payment; the problem says why it cannot be asked now.
pub type StatusStep = Step<Result<PaymentStatus, Problem>>;

/// A step to a page of a report.
pub type ReportStep = Step<Result<ReportPage, ReportFailure>>;

/// An operation that moves money, or a question about one.
pub(crate) enum Operation<'a> {
    Refund(&'a RefundRequest),
    /// With the reference of the last answer that was pending.
    QueryRefund(&'a RefundRequest, Option<&'a str>),
    Charge(&'a PaymentReference, LinkRequest<'a>),
    /// With the reference of the last answer that was pending.
    QueryCharge(&'a PaymentReference, LinkRequest<'a>, Option<&'a str>),
}

impl Operation<'_> {
    pub(crate) fn function(&self) -> Function {
        match self {
            Operation::Refund(_) => Function::RefundPayment,
            Operation::QueryRefund(..) => Function::QueryRefund,
            Operation::Charge(..) => Function::ChargeAgain,
            Operation::QueryCharge(..) => Function::QueryCharge,
        }
    }

    /// Returns the payment that it is about.
    pub(crate) fn payment(&self) -> &PaymentReference {
        match self {
            Operation::Refund(request) | Operation::QueryRefund(request, _) => &request.payment,
            Operation::Charge(payment, _) | Operation::QueryCharge(payment, ..) => payment,
        }
    }
}

/// The abilities in a version of the contract. A component that lacks one has no function to call for it, which is an error. As
/// with [`Contract`](super::Contract), an answer that breaks a rule is an error.
pub(crate) trait Abilities: Sync {
    /// Takes a step to what became of a payment.
    fn query_payment(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        payment: &PaymentReference,
        context: &Context,
    ) -> Result<StatusStep, Error>;

    /// Takes a step of an operation.
    fn operate(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        operation: &Operation<'_>,
        context: &Context,
    ) -> Result<Step<OperationResult>, Error>;

    /// Takes a step to the end of a subscription.
    fn cancel_recurring(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        payment: &PaymentReference,
        context: &Context,
    ) -> Result<Step<CancelResult>, Error>;

    /// Returns the reports that can be read.
    fn report_formats(&self, instance: &mut Instance, merchant: ResourceAny) -> Result<Vec<ReportFormat>, Error>;

    /// Starts to read a report's file.
    fn open_report(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        format: &str,
        options: &Fields,
    ) -> CallResult<ResourceAny>;

    /// Reads more of a report's file, and returns its rows.
    fn append_report(&self, instance: &mut Instance, report: ResourceAny, bytes: &[u8]) -> CallResult<Vec<ReportRow>>;

    /// Ends a report's file, and returns the remaining rows and the report's totals.
    fn finish_report(&self, instance: &mut Instance, report: ResourceAny) -> CallResult<(Vec<ReportRow>, ControlTotals)>;

    /// Takes a step to a page of a report.
    fn fetch_report(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        request: &ReportRequest,
        context: &Context,
    ) -> Result<ReportStep, Error>;
}
