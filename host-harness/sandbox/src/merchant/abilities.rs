//! Calls to what a provider can do beside links, callbacks and exports.
//!
//! Each takes one step: if the provider asks, or has a call made, answer and call again with the same arguments and the answer
//! added to the context.

use domain::{
    CancelResult, Context, Fields, LinkRequest, OperationResult, PaymentReference, RefundRequest, ReportFormat, ReportRequest,
    Step,
};

use super::report::Report;
use super::{Configuration, Merchant, filtered};
use crate::contract::{Operation, ReportStep, StatusStep, refused};
use crate::error::Error;
use crate::function::Function;
use crate::input_bytes::InputBytes;

impl Merchant {
    /// Takes a step to what became of the payment of an order, which `payment` names.
    ///
    /// # Errors
    /// [`Error::NoAbility`] without [`Ability::PaymentStatus`](domain::Ability::PaymentStatus); an exceeded limit, a failure of the
    /// call, or a step that breaks the contract.
    pub fn query_payment(&self, payment: &PaymentReference, context: &Context) -> Result<StatusStep, Error> {
        let mut configured = self.told(Function::QueryPayment, payment, payment, context)?;
        let step = self.contract.abilities().query_payment(&mut configured.instance, configured.merchant, payment, context);
        filtered(&self.texts, step)
    }

    /// Takes a step to a refund.
    ///
    /// # Errors
    /// As for [`Merchant::query_payment`], with [`Ability::Refunds`](domain::Ability::Refunds).
    pub fn refund_payment(&self, request: &RefundRequest, context: &Context) -> Result<Step<OperationResult>, Error> {
        self.operate(&Operation::Refund(request), context)
    }

    /// Takes a step to what became of a refund. `reference` is that of the last answer that was pending.
    ///
    /// # Errors
    /// As for [`Merchant::refund_payment`].
    pub fn query_refund(
        &self,
        request: &RefundRequest,
        reference: Option<&str>,
        context: &Context,
    ) -> Result<Step<OperationResult>, Error> {
        self.operate(&Operation::QueryRefund(request, reference), context)
    }

    /// Takes a step to a charge of the payer of an earlier payment, for a new order.
    ///
    /// # Errors
    /// As for [`Merchant::query_payment`], with [`Ability::RecurringPayments`](domain::Ability::RecurringPayments).
    pub fn charge_again(
        &self,
        payment: &PaymentReference,
        order: &LinkRequest,
        context: &Context,
    ) -> Result<Step<OperationResult>, Error> {
        self.operate(&Operation::Charge(payment, order.into()), context)
    }

    /// Takes a step to what became of a charge. `reference` is that of the last answer that was pending.
    ///
    /// # Errors
    /// As for [`Merchant::charge_again`].
    pub fn query_charge(
        &self,
        payment: &PaymentReference,
        order: &LinkRequest,
        reference: Option<&str>,
        context: &Context,
    ) -> Result<Step<OperationResult>, Error> {
        self.operate(&Operation::QueryCharge(payment, order.into(), reference), context)
    }

    /// Takes a step to the end of a subscription, which an earlier payment began.
    ///
    /// # Errors
    /// As for [`Merchant::charge_again`].
    pub fn cancel_recurring(&self, payment: &PaymentReference, context: &Context) -> Result<Step<CancelResult>, Error> {
        let mut configured = self.told(Function::CancelRecurring, payment, payment, context)?;
        let step = self.contract.abilities().cancel_recurring(&mut configured.instance, configured.merchant, payment, context);
        filtered(&self.texts, step)
    }

    /// Returns the reports that can be read.
    ///
    /// # Errors
    /// As for [`Merchant::query_payment`], with [`Ability::SettlementReports`](domain::Ability::SettlementReports).
    pub fn report_formats(&self) -> Result<Vec<ReportFormat>, Error> {
        let mut configured = self.able(Function::ReportFormats, None)?;
        self.contract.abilities().report_formats(&mut configured.instance, configured.merchant)
    }

    /// Starts to read the file of a report, which holds an instance until it ends.
    ///
    /// # Errors
    /// As for [`Merchant::report_formats`], and [`Error::Provider`] with every problem of the options.
    pub fn open_report(&self, format: &str, options: &Fields) -> Result<Report, Error> {
        let mut configured = self.able(Function::OpenReport, None)?;
        let bytes = format.len() + options.input_bytes();
        self.component.limits.check_input(Function::OpenReport.name(), bytes)?;
        let abilities = self.contract.abilities();
        let report = abilities.open_report(&mut configured.instance, configured.merchant, format, options)?;
        let report = report.map_err(|problems| refused(Function::OpenReport, problems))?;
        Ok(Report::new(configured.instance, abilities, report, &self.component.limits))
    }

    /// Takes a step to a page of a day's report.
    ///
    /// # Errors
    /// As for [`Merchant::report_formats`].
    pub fn fetch_report(&self, request: &ReportRequest, context: &Context) -> Result<ReportStep, Error> {
        let function = Function::FetchReport;
        let mut configured = self.able(function, Some(context))?;
        configured.check_input(function, request)?;
        configured.check_context(function, context)?;
        let step = self.contract.abilities().fetch_report(&mut configured.instance, configured.merchant, request, context);
        filtered(&self.texts, step)
    }

    fn operate(&self, operation: &Operation<'_>, context: &Context) -> Result<Step<OperationResult>, Error> {
        let mut configured = self.told(operation.function(), operation, operation.payment(), context)?;
        let step = self.contract.abilities().operate(&mut configured.instance, configured.merchant, operation, context);
        filtered(&self.texts, step)
    }

    /// Configures an instance for a function that is told a context. The movement of the payment reaches the provider within the
    /// context, and counts there.
    fn told(
        &self,
        function: Function,
        input: &impl InputBytes,
        payment: &PaymentReference,
        context: &Context,
    ) -> Result<Configuration, Error> {
        let configured = self.able(function, Some(context))?;
        configured.check_input(function, input)?;
        configured.check_context(function, &(context, &payment.movement))?;
        Ok(configured)
    }

    /// Configures an instance for a function that the component need not have.
    fn able(&self, function: Function, context: Option<&Context>) -> Result<Configuration, Error> {
        match self.component.compiled.index(function) {
            Some(_) => self.configure(function, context),
            None => Err(Error::NoAbility { function: function.name() }),
        }
    }
}
