//! What a provider can do beside links and callbacks: a trait for each ability of the contract.
//!
//! `wit/payment-status.wit`, `refunds.wit`, `recurring-payments.wit` and `settlement-reports.wit` specify each function. All are
//! straight code, as those of [`Asking`](crate::Asking): an answer that is not there yet ends them by `?`.

use std::cell::RefCell;

use crate::binding::exchanges::{self, OperationStep, PaymentReference};
use crate::binding::payment_status::{self, StatusStep};
use crate::binding::recurring_payments::{self, CancelStep};
use crate::binding::refunds::{self, RefundRequest};
use crate::binding::settlement_reports::{self, ControlTotals, GuestReportReader, ReportFormat, ReportRow, ReportStep};
use crate::component::{Component, Provider};
use crate::context::{Context, NO_ANSWER, Stop};
use crate::contract::{Date, Fields, MerchantBorrow, Order, Problem};
use crate::problem::Code;

/// A payment system that can be asked what has become of a payment.
pub trait PaymentStatus: Provider {
    /// Returns what is known of the payment of an order.
    ///
    /// # Errors
    /// What must be asked or called first, by the methods of [`Context`].
    fn query_payment(&self, payment: &PaymentReference, context: &Context) -> Result<StatusStep, Stop>;
}

/// A payment system that pays back.
pub trait Refunds: Provider {
    /// Pays a payment back, in full or in part.
    ///
    /// # Errors
    /// What must be asked or called first, by the methods of [`Context`].
    fn refund_payment(&self, request: &RefundRequest, context: &Context) -> Result<OperationStep, Stop>;

    /// Returns what became of a refund. `reference` is that of the last `pending`.
    ///
    /// # Errors
    /// What must be asked or called first, by the methods of [`Context`].
    fn query_refund(&self, request: &RefundRequest, reference: Option<&str>, context: &Context) -> Result<OperationStep, Stop>;
}

/// A payment system that charges a payer again without the payer.
pub trait RecurringPayments: Provider {
    /// Charges the payer of an earlier payment, for a new order.
    ///
    /// # Errors
    /// What must be asked or called first, by the methods of [`Context`].
    fn charge_again(&self, payment: &PaymentReference, order: &Order, context: &Context) -> Result<OperationStep, Stop>;

    /// Returns what became of a charge. `reference` is that of the last `pending`.
    ///
    /// # Errors
    /// What must be asked or called first, by the methods of [`Context`].
    fn query_charge(
        &self,
        payment: &PaymentReference,
        order: &Order,
        reference: Option<&str>,
        context: &Context,
    ) -> Result<OperationStep, Stop>;

    /// Ends a subscription.
    ///
    /// # Errors
    /// What must be asked or called first, by the methods of [`Context`].
    fn cancel_recurring(&self, payment: &PaymentReference, context: &Context) -> Result<CancelStep, Stop>;
}

/// A payment system whose reports can be read.
pub trait SettlementReports: Provider {
    /// A report that is being read.
    type Report: Report;

    /// Returns the reports that can be read.
    fn report_formats(&self) -> Vec<ReportFormat>;

    /// Begins to read a report's file.
    ///
    /// # Errors
    /// All problems of the options at once, each with its field.
    fn open_report(&self, format: &str, options: &Fields) -> Result<Self::Report, Vec<Problem>>;

    /// Fetches a page of the report of a day. A payment system whose reports come as files leaves this out.
    ///
    /// # Errors
    /// What must be asked or called first, by the methods of [`Context`].
    fn fetch_report(
        &self,
        _format: &str,
        _options: &Fields,
        _day: Date,
        _cursor: Option<&str>,
        _context: &Context,
    ) -> Result<ReportStep, Stop> {
        Ok(ReportStep::Failed(vec![Code::Unsupported.at("format", "This report comes as a file; no call fetches it.")]))
    }
}

/// A report that is being read: bytes in, rows out.
pub trait Report: 'static {
    /// Reads more of the file.
    ///
    /// # Errors
    /// The first problem, with its row and field. The report is over then.
    fn append(&mut self, bytes: &[u8]) -> Result<Vec<ReportRow>, Problem>;

    /// Returns the rows that remain, and the report's control totals.
    ///
    /// # Errors
    /// As for [`append`](Report::append).
    fn finish(&mut self) -> Result<(Vec<ReportRow>, ControlTotals), Problem>;
}

/// The reader of a payment system whose reports are fetched by calls alone.
pub enum NoFile {}

impl Report for NoFile {
    fn append(&mut self, _: &[u8]) -> Result<Vec<ReportRow>, Problem> {
        match *self {}
    }

    fn finish(&mut self) -> Result<(Vec<ReportRow>, ControlTotals), Problem> {
        match *self {}
    }
}

/// Why an ability has no result: a question was not answered.
fn unavailable() -> Problem {
    Code::Unavailable.whole(NO_ANSWER)
}

/// The step of a function that has no result yet. Events are recorded for callbacks alone.
macro_rules! step_of {
    ($stop:expr, $step:ident) => {
        match $stop {
            Stop::Ask(questions) => $step::Ask(questions),
            Stop::Call(call) => $step::Call(*call),
            Stop::Record(_) | Stop::Want(_) | Stop::Unavailable => $step::Unavailable(unavailable()),
        }
    };
}

impl<P: PaymentStatus> payment_status::Guest for Component<P> {
    fn query_payment(merchant: MerchantBorrow<'_>, payment: PaymentReference, context: exchanges::Context) -> StatusStep {
        let step = Component::<P>::of(&merchant).query_payment(&payment, &context.into());
        step.unwrap_or_else(|stop| step_of!(stop, StatusStep))
    }
}

impl<P: Refunds> refunds::Guest for Component<P> {
    fn refund_payment(merchant: MerchantBorrow<'_>, request: RefundRequest, context: exchanges::Context) -> OperationStep {
        let step = Component::<P>::of(&merchant).refund_payment(&request, &context.into());
        step.unwrap_or_else(|stop| step_of!(stop, OperationStep))
    }

    fn query_refund(
        merchant: MerchantBorrow<'_>,
        request: RefundRequest,
        reference: Option<String>,
        context: exchanges::Context,
    ) -> OperationStep {
        let step = Component::<P>::of(&merchant).query_refund(&request, reference.as_deref(), &context.into());
        step.unwrap_or_else(|stop| step_of!(stop, OperationStep))
    }
}

impl<P: RecurringPayments> recurring_payments::Guest for Component<P> {
    fn charge_again(
        merchant: MerchantBorrow<'_>,
        payment: PaymentReference,
        order: Order,
        context: exchanges::Context,
    ) -> OperationStep {
        let step = Component::<P>::of(&merchant).charge_again(&payment, &order, &context.into());
        step.unwrap_or_else(|stop| step_of!(stop, OperationStep))
    }

    fn query_charge(
        merchant: MerchantBorrow<'_>,
        payment: PaymentReference,
        order: Order,
        reference: Option<String>,
        context: exchanges::Context,
    ) -> OperationStep {
        let step = Component::<P>::of(&merchant).query_charge(&payment, &order, reference.as_deref(), &context.into());
        step.unwrap_or_else(|stop| step_of!(stop, OperationStep))
    }

    fn cancel_recurring(merchant: MerchantBorrow<'_>, payment: PaymentReference, context: exchanges::Context) -> CancelStep {
        let step = Component::<P>::of(&merchant).cancel_recurring(&payment, &context.into());
        step.unwrap_or_else(|stop| step_of!(stop, CancelStep))
    }
}

impl<P: SettlementReports> settlement_reports::Guest for Component<P> {
    type ReportReader = RefCell<P::Report>;

    fn report_formats(merchant: MerchantBorrow<'_>) -> Vec<ReportFormat> {
        Component::<P>::of(&merchant).report_formats()
    }

    fn open_report(
        merchant: MerchantBorrow<'_>,
        format: String,
        options: Fields,
    ) -> Result<settlement_reports::ReportReader, Vec<Problem>> {
        let report = Component::<P>::of(&merchant).open_report(&format, &options)?;
        Ok(settlement_reports::ReportReader::new(RefCell::new(report)))
    }

    fn fetch_report(
        merchant: MerchantBorrow<'_>,
        format: String,
        options: Fields,
        day: Date,
        cursor: Option<String>,
        context: exchanges::Context,
    ) -> ReportStep {
        let provider = Component::<P>::of(&merchant);
        let step = provider.fetch_report(&format, &options, day, cursor.as_deref(), &context.into());
        step.unwrap_or_else(|stop| step_of!(stop, ReportStep))
    }
}

impl<R: Report> GuestReportReader for RefCell<R> {
    fn append(&self, bytes: Vec<u8>) -> Result<Vec<ReportRow>, Problem> {
        self.borrow_mut().append(&bytes)
    }

    fn finish(&self) -> Result<(Vec<ReportRow>, ControlTotals), Problem> {
        self.borrow_mut().finish()
    }
}
