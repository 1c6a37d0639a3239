//! Robokassa as a payment provider.
//!
//! Built from Robokassa's public documentation (docs.robokassa.ru) and public integrations, including dumps of real
//! notifications. `docs/robokassa.md` lists each fact with its source, and what is uncertain. Four things follow from the
//! protocol:
//!
//! - a notification on ResultURL is signed with Password #2 over the sum, the invoice and the merchant's own parameters
//!   (`Shp_…`), so the order that an event names is proved;
//! - the signed text is joined by colons: the grammars of its values exclude colons, so that it can be split in one way only;
//! - ResultURL reports payments only: a refund that was made here is asked about, and one that was made in Robokassa's cabinet
//!   is not reported;
//! - a notification does not name the shop: Password #2 tells shops apart, and test payments from real ones.
//!
//! An order's id is always sent in `Shp_order`. If it can be an invoice number, it is sent as that too: Robokassa then refuses
//! a second payment of the order. Otherwise Robokassa numbers the invoice itself.
//!
//! Robokassa takes addresses from its cabinet rather than from a link: an order's `callback-url` is never passed on, and its
//! `success-url` and `failure-url` only if the settings say how they are signed. (A link may replace two of them by
//! `SuccessUrl2` and `FailUrl2`, which are signed. Robokassa's documentation and its support contradict each other on whether
//! they are signed URL-encoded, and a wrong signature makes every payment fail.)
//!
//! The state of an invoice (OpStateExt) is asked with Password #2, refunds are made with Password #3.
//!
//! Not supported: holding (`StepByStep`), recurring payments, `ResultUrl2`, currencies other than the rouble (`OutSumCurrency`),
//! and the hashes RIPEMD160, SHA1 and SHA384.

#![cfg_attr(test, allow(missing_docs))]

mod callback;
mod event;
mod link;
mod operation;
mod payment;
mod receipt;
mod refund;
mod settings;
mod sign;
mod status;

use kit::contract::{CallbackAnswer, CallbackRequest, Description, Fields, Order, PaymentLink, Problem};
use kit::exchanges::{OperationStep, PaymentReference};
use kit::payment_status::StatusStep;
use kit::refunds::RefundRequest;
use kit::{Context, PaymentStatus, Provider, Refunds, Stop};

/// Robokassa's hosts: of the state of an invoice, and of the Refund API.
const HOSTS: [&str; 2] = ["auth.robokassa.ru", "services.robokassa.ru"];

/// A configured Robokassa merchant.
pub struct Robokassa(settings::Settings);

kit::provider!(Robokassa, payment_status, refunds);

impl Provider for Robokassa {
    fn describe() -> Description {
        Description {
            id: "robokassa".to_owned(),
            name: "Robokassa".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            settings: kit::settings::form(&settings::DECLARED),
            currencies: vec![settings::CURRENCY.to_string()],
            export_formats: Vec::new(),
            links: true,
            order_id: kit::order::ANY_ID,
            hosts: HOSTS.map(str::to_owned).to_vec(),
            headers: Vec::new(),
            extra: kit::description::extra(&callback::REQUIRED_FIELDS),
        }
    }

    fn configure(settings: &Fields) -> Result<Self, Vec<Problem>> {
        settings::Settings::read(settings).map(Robokassa)
    }

    fn create_link(&self, order: &Order) -> Result<PaymentLink, Vec<Problem>> {
        link::create(&self.0, order)
    }

    fn handle_callback(&self, request: &CallbackRequest) -> CallbackAnswer {
        callback::answer(&self.0, request)
    }
}

impl PaymentStatus for Robokassa {
    fn query_payment(&self, payment: &PaymentReference, context: &Context) -> Result<StatusStep, Stop> {
        status::query(&self.0, payment, context)
    }
}

impl Refunds for Robokassa {
    fn refund_payment(&self, request: &RefundRequest, context: &Context) -> Result<OperationStep, Stop> {
        refund::create(&self.0, request, context)
    }

    fn query_refund(&self, request: &RefundRequest, reference: Option<&str>, context: &Context) -> Result<OperationStep, Stop> {
        refund::query(&self.0, request, reference, context)
    }
}
