//! CloudPayments as a payment provider, and TipTop Pay (Kazakhstan), which speaks the same protocol at another address.
//!
//! Built from CloudPayments' public documentation (developers.cloudpayments.ru) and public integrations. `docs/cloudpayments.md` lists
//! each fact with its source, and what is uncertain. What follows from the protocol:
//!
//! - a link is made by a call: the page of an order, or a link and QR code of «СБП»;
//! - a notification is proved by `Content-HMAC` over its body, and its kind is told by its address, which nothing proves: a body that is
//!   not of its address' kind is never an event (`notification.rs`);
//! - CloudPayments asks before it charges (Check), and is answered by the order that it names (`check.rs`);
//! - Cancel does not say whether a hold or a payment was cancelled: what was recorded tells;
//! - a refund is a transaction of its own, so that a notification, a status and the answer to a refund have the same key (`event.rs`).
//!
//! Not supported: payments in two stages (their notifications are taken, but no link asks for one), subscriptions, payments by a token,
//! payouts, and `X-Content-HMAC`.

#![cfg_attr(test, allow(missing_docs))]

mod api;
mod callback;
mod check;
mod event;
mod link;
mod notification;
mod receipt;
mod refund;
mod report;
mod settings;
mod status;
mod transaction;
mod values;

use kit::contract::{CallbackRequest, Date, Description, Fields, HttpReply, Order, Problem, RequestHeader};
use kit::exchanges::{OperationStep, PaymentReference};
use kit::payment_status::StatusStep;
use kit::refunds::RefundRequest;
use kit::settlement_reports::{ReportFormat, ReportStep};
use kit::{Asking, CallbackStep, Context, LinkStep, NoFile, PaymentStatus, Provider, Refunds, SettlementReports, Stop};

/// A configured site of CloudPayments.
pub struct CloudPayments(settings::Settings);

kit::provider!(CloudPayments, asking, payment_status, refunds, settlement_reports);

impl Provider for CloudPayments {
    fn describe() -> Description {
        Description {
            id: "cloudpayments".to_owned(),
            name: "CloudPayments".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            settings: kit::settings::form(&settings::DECLARED),
            currencies: settings::CURRENCIES.iter().map(|currency| currency.value.to_owned()).collect(),
            export_formats: Vec::new(),
            links: true,
            order_id: kit::order::ANY_ID,
            hosts: vec!["api.cloudpayments.ru".to_owned()],
            headers: vec![RequestHeader { name: notification::HEADER.to_owned(), secret: false }],
            extra: kit::description::extra(&notification::REQUIRED_FIELDS),
        }
    }

    fn configure(settings: &Fields) -> Result<Self, Vec<Problem>> {
        settings::Settings::read(settings).map(CloudPayments)
    }
}

impl Asking for CloudPayments {
    fn create_link(&self, order: &Order, context: &Context) -> Result<LinkStep, Stop> {
        link::create(&self.0, order, context)
    }

    fn handle_callback(&self, request: &CallbackRequest, context: &Context) -> Result<CallbackStep, Stop> {
        callback::answer(&self.0, request, context)
    }

    fn unavailable(&self, request: &CallbackRequest) -> HttpReply {
        check::unavailable(request)
    }
}

impl PaymentStatus for CloudPayments {
    fn query_payment(&self, payment: &PaymentReference, context: &Context) -> Result<StatusStep, Stop> {
        status::query(&self.0, payment, context)
    }
}

impl Refunds for CloudPayments {
    fn refund_payment(&self, request: &RefundRequest, context: &Context) -> Result<OperationStep, Stop> {
        refund::refund(&self.0, request, context)
    }

    fn query_refund(&self, request: &RefundRequest, reference: Option<&str>, context: &Context) -> Result<OperationStep, Stop> {
        refund::query(&self.0, request, reference, context)
    }
}

impl SettlementReports for CloudPayments {
    type Report = NoFile;

    fn report_formats(&self) -> Vec<ReportFormat> {
        report::formats()
    }

    fn open_report(&self, _format: &str, _options: &Fields) -> Result<NoFile, Vec<Problem>> {
        Err(vec![report::no_file()])
    }

    fn fetch_report(
        &self,
        format: &str,
        options: &Fields,
        day: Date,
        cursor: Option<&str>,
        context: &Context,
    ) -> Result<ReportStep, Stop> {
        report::fetch(&self.0, [format, cursor.unwrap_or_default()], options, day, context)
    }
}
