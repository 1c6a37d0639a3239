//! Terminals and banks' apps that speak the check-pay protocol of ОСМП (now QIWI), or Sber's variant of it, as a payment provider.
//!
//! The payer enters an account's number at a terminal or in an app. The payment system first asks whether the account takes a payment
//! («check»), and then reports the payment («pay»), for as long as it takes to get a final answer. `docs/osmp.md` lists each fact with its
//! source, and what is uncertain. Four things follow from the protocol:
//!
//! - nothing in a request proves it, so that the host must know the caller ([`CallbackProof::Caller`]);
//! - there is no order: a payment names an account, and billing is asked to agree to it;
//! - every repetition of a payment has the same number in its reply, the host's number of the movement;
//! - every reply has the status 200, and its code says whether the payment system comes again.
//!
//! Not supported: signatures, which one implementation knows and no document describes, and windows-1251.

#![cfg_attr(test, allow(missing_docs))]

mod account;
mod callback;
mod message;
mod names;
mod reason;
mod reply;
mod settings;

use kit::contract::{CallbackProof, CallbackRequest, Description, Fields, HttpReply, Order, Problem};
use kit::problem::Code;
use kit::{Asking, CallbackStep, Context, LinkStep, Provider, Stop};

/// A configured system of terminals.
pub struct Osmp(settings::Settings);

kit::provider!(Osmp, asking);

impl Provider for Osmp {
    fn describe() -> Description {
        Description {
            id: "osmp".to_owned(),
            name: "Терминалы (ОСМП)".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            settings: kit::settings::form(&settings::DECLARED),
            currencies: settings::CURRENCIES.map(|currency| currency.value.to_owned()).to_vec(),
            export_formats: Vec::new(),
            links: false,
            order_id: kit::order::ANY_ID,
            hosts: Vec::new(),
            headers: Vec::new(),
            extra: kit::description::extra(&names::REQUIRED),
        }
    }

    fn configure(settings: &Fields) -> Result<Self, Vec<Problem>> {
        settings::Settings::read(settings).map(Osmp)
    }

    fn callback_proof(&self) -> CallbackProof {
        CallbackProof::Caller
    }
}

impl Asking for Osmp {
    fn create_link(&self, _: &Order, _: &Context) -> Result<LinkStep, Stop> {
        let message = "Payers pay at terminals and in banks' apps, by the account's number; there is no link.";
        Ok(LinkStep::Failed(vec![Code::Unsupported.whole(message)]))
    }

    fn handle_callback(&self, request: &CallbackRequest, context: &Context) -> Result<CallbackStep, Stop> {
        callback::step(&self.0, request, context)
    }

    fn unavailable(&self, request: &CallbackRequest) -> HttpReply {
        callback::unavailable(&self.0, request)
    }
}
