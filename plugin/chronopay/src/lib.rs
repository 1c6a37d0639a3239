//! ChronoPay as a payment provider.
//!
//! ChronoPay publishes no manual for its merchant protocol. What is known comes from some 35 public integrations of 2006 to
//! 2024; where they differ, the code says which one it follows. Four things follow from the protocol itself:
//!
//! - the request's signature covers the product, the price and (by an option of the account) the order, and nothing else;
//! - the callback's signature covers the customer, the transaction, the type and the total, joined without separators: they are
//!   therefore read by grammars that allow only one way to split the signed text, and the product and currency are checked
//!   against the settings;
//! - the order in a callback is not signed: the host matches it against its own orders;
//! - the callback's type says whether money came in: a correctly signed callback need not be a payment.

#![cfg_attr(test, allow(missing_docs))]

mod callback;
mod csv;
mod gate;
mod link;
mod recurring;
mod register;
mod settings;
mod sign;
mod transaction;

use kit::contract::{
    CallbackAnswer, CallbackRequest, Description, ExportOptions, Fields, Order, PaymentLink, Problem, Verdict,
};
use kit::exchanges::{OperationStep, PaymentReference};
use kit::recurring_payments::CancelStep;
use kit::settlement_reports::ReportFormat;
use kit::{Context, Export, Provider, RecurringPayments, SettlementReports, Stop, reply};

/// A configured ChronoPay merchant.
pub struct ChronoPay(settings::Settings);

kit::provider!(ChronoPay, recurring_payments, settlement_reports);

impl Provider for ChronoPay {
    fn describe() -> Description {
        Description {
            id: "chronopay".to_owned(),
            name: "ChronoPay".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            settings: kit::settings::form(&settings::DECLARED),
            currencies: settings::CURRENCIES.map(|currency| currency.value.to_owned()).to_vec(),
            export_formats: Export::FORMATS.map(str::to_owned).to_vec(),
            links: true,
            order_id: kit::order::ANY_ID,
            hosts: vec!["gate.chronopay.com".to_owned()],
            headers: Vec::new(),
            extra: kit::description::extra(&callback::REQUIRED_FIELDS),
        }
    }

    fn configure(settings: &Fields) -> Result<Self, Vec<Problem>> {
        settings::Settings::read(settings).map(ChronoPay)
    }

    fn create_link(&self, order: &Order) -> Result<PaymentLink, Vec<Problem>> {
        link::create(&self.0, order)
    }

    fn handle_callback(&self, request: &CallbackRequest) -> CallbackAnswer {
        let verdict = callback::verify_and_map(&self.0, request);
        // No source says which reply ChronoPay expects; 200 with `OK` works everywhere. A refusal gives no reason.
        let reply = match verdict {
            Verdict::Happened(_) | Verdict::Unresolved(_) | Verdict::Ignored(_) => reply::text(200, "OK"),
            Verdict::Refused(_) => reply::forbidden(),
        };
        CallbackAnswer { verdict, reply }
    }

    fn export_writeoffs(&self, options: &ExportOptions) -> Result<Export, Vec<Problem>> {
        Export::begin(options, self.0.currency)
    }
}

impl RecurringPayments for ChronoPay {
    fn charge_again(&self, payment: &PaymentReference, order: &Order, context: &Context) -> Result<OperationStep, Stop> {
        recurring::charge(&self.0, payment, order, context)
    }

    fn query_charge(
        &self,
        _payment: &PaymentReference,
        _order: &Order,
        _reference: Option<&str>,
        _context: &Context,
    ) -> Result<OperationStep, Stop> {
        Ok(recurring::not_known())
    }

    fn cancel_recurring(&self, payment: &PaymentReference, context: &Context) -> Result<CancelStep, Stop> {
        recurring::cancel(&self.0, payment, context)
    }
}

impl SettlementReports for ChronoPay {
    type Report = register::Register;

    fn report_formats(&self) -> Vec<ReportFormat> {
        vec![register::format()]
    }

    fn open_report(&self, format: &str, options: &Fields) -> Result<register::Register, Vec<Problem>> {
        register::open(format, options, self.0.currency)
    }
}
