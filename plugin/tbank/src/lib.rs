//! T-Bank's internet acquiring as a payment provider, by its merchant API v2.
//!
//! `docs/tbank.md` lists each fact with its source, and what is uncertain. Four things follow from the protocol:
//!
//! - a notification is signed with the terminal's password over all its scalar fields, the order and the amount among them, so the
//!   order that an event names is proved;
//! - the signed values are joined without separators: the grammars of the fields leave few ways to split the text, and the order
//!   that the host knows must have the amount that the notification names;
//! - the amount of a partial refund is told by no document: one that was made from here is certain by Cancel's answer, and of one that
//!   was made elsewhere a person finds out; nothing follows from the notification's amount;
//! - Init has no key by which T-Bank knows a second one: it is sent once. If its answer is lost, CheckOrder tells whether anything
//!   was made.
//!
//! Not supported: recurring payments, payments in two stages beyond the hold and its end, several shops (`Shops`), and receipts
//! other than those that go with a link or a partial refund.

#![cfg_attr(test, allow(missing_docs))]

mod api;
mod callback;
mod event;
mod link;
mod notification;
mod receipt;
mod refund;
mod refunded;
mod settings;
mod sign;
mod state;
mod status;

use kit::contract::{CallbackRequest, Description, Fields, Order, OrderIdForm, Problem};
use kit::exchanges::{OperationStep, PaymentReference};
use kit::payment_status::StatusStep;
use kit::refunds::RefundRequest;
use kit::{Asking, CallbackStep, Context, LinkStep, PaymentStatus, Provider, Refunds, Stop};

/// A configured terminal of T-Bank.
pub struct TBank(settings::Settings);

kit::provider!(TBank, asking, payment_status, refunds);

impl Provider for TBank {
    fn describe() -> Description {
        Description {
            id: "tbank".to_owned(),
            name: "Т-Банк".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            settings: kit::settings::form(&settings::DECLARED),
            currencies: vec![settings::CURRENCY.to_string()],
            export_formats: Vec::new(),
            links: true,
            order_id: OrderIdForm { chars_max: link::ORDER_ID_CHARS_MAX, digits_only: false },
            hosts: vec![settings::LIVE_HOST.to_owned()],
            headers: Vec::new(),
            extra: kit::description::with_refunds_one_at_a_time(kit::description::extra(&notification::REQUIRED_FIELDS)),
        }
    }

    fn configure(settings: &Fields) -> Result<Self, Vec<Problem>> {
        settings::Settings::read(settings).map(TBank)
    }
}

impl Asking for TBank {
    fn create_link(&self, order: &Order, context: &Context) -> Result<LinkStep, Stop> {
        link::create(&self.0, order, context)
    }

    fn handle_callback(&self, request: &CallbackRequest, context: &Context) -> Result<CallbackStep, Stop> {
        callback::handle(&self.0, request, context)
    }
}

impl PaymentStatus for TBank {
    fn query_payment(&self, payment: &PaymentReference, context: &Context) -> Result<StatusStep, Stop> {
        status::query(&self.0, payment, context)
    }
}

impl Refunds for TBank {
    fn refund_payment(&self, request: &RefundRequest, context: &Context) -> Result<OperationStep, Stop> {
        refund::pay_back(&self.0, request, context)
    }

    fn query_refund(&self, request: &RefundRequest, reference: Option<&str>, context: &Context) -> Result<OperationStep, Stop> {
        refund::query(&self.0, request, reference, context)
    }
}
