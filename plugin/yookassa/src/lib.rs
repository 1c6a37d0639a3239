//! YooKassa (ЮKassa) as a payment provider.
//!
//! Built from YooKassa's public documentation (yookassa.ru/developers) and its own SDKs. `docs/yookassa.md` lists each fact with its
//! source, and what is uncertain. Four things follow from the protocol:
//!
//! - a notification is not signed: it says which payment or refund to ask about, and nothing else of it is believed;
//! - the API's answer over TLS is the proof: it must be about the id asked for, of this shop and in roubles, and its `metadata`
//!   names the order, which was put there when the payment was made;
//! - what changes something is known to YooKassa by a key for a day, made of the order's or the refund's id;
//! - YooKassa does not find a payment by the order: the link's `reference` is the payment's id.
//!
//! Not supported: other currencies, payments in two stages by this program's wish (a hold that another program made is recorded),
//! saved payment methods and automatic payments, «Безопасная сделка», split payments, electronic certificates, invoices and
//! payouts, and authentication by OAuth.

#![cfg_attr(test, allow(missing_docs))]

mod api;
mod callback;
mod link;
mod object;
mod payment;
mod receipt;
mod refund;
mod refunds;
mod settings;
mod status;
#[cfg(test)]
mod testing;

use kit::contract::{CallbackProof, CallbackRequest, Description, Fields, Order, OrderIdForm, Problem};
use kit::exchanges::{OperationStep, PaymentReference};
use kit::payment_status::StatusStep;
use kit::refunds::RefundRequest;
use kit::{Asking, CallbackStep, Context, LinkStep, PaymentStatus, Provider, Refunds, Stop};

/// The longest order's id, in characters: the key that is made of it has at most 64.
const ORDER_CHARS_MAX: u8 = 50;

/// A configured YooKassa shop.
pub struct YooKassa(settings::Settings);

kit::provider!(YooKassa, asking, payment_status, refunds);

impl Provider for YooKassa {
    fn describe() -> Description {
        Description {
            id: "yookassa".to_owned(),
            name: "ЮKassa".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            settings: kit::settings::form(&settings::DECLARED),
            currencies: vec![settings::CURRENCY.to_string()],
            export_formats: Vec::new(),
            links: true,
            order_id: OrderIdForm { chars_max: ORDER_CHARS_MAX, digits_only: false },
            hosts: vec![settings::HOST.to_owned()],
            headers: Vec::new(),
            extra: kit::description::extra(&callback::REQUIRED_FIELDS),
        }
    }

    fn configure(settings: &Fields) -> Result<Self, Vec<Problem>> {
        settings::Settings::read(settings).map(YooKassa)
    }

    fn callback_proof(&self) -> CallbackProof {
        CallbackProof::Lookup
    }
}

impl Asking for YooKassa {
    fn create_link(&self, order: &Order, context: &Context) -> Result<LinkStep, Stop> {
        link::create(&self.0, order, context)
    }

    fn handle_callback(&self, request: &CallbackRequest, context: &Context) -> Result<CallbackStep, Stop> {
        callback::answer(&self.0, request, context)
    }
}

impl PaymentStatus for YooKassa {
    fn query_payment(&self, payment: &PaymentReference, context: &Context) -> Result<StatusStep, Stop> {
        status::query(&self.0, payment, context)
    }
}

impl Refunds for YooKassa {
    fn refund_payment(&self, request: &RefundRequest, context: &Context) -> Result<OperationStep, Stop> {
        refunds::refund(&self.0, request, context)
    }

    fn query_refund(&self, request: &RefundRequest, reference: Option<&str>, context: &Context) -> Result<OperationStep, Stop> {
        refunds::query(&self.0, request, reference, context)
    }
}
