//! Exports of write-offs for 1C, as a provider of its own.
//!
//! Write-offs are the operator's and not a payment system's: whoever takes payments by a component without exports adds this
//! one. It has no payment links, and it refuses every callback, since nobody sends it any.
//!
//! An export is the same bytes whichever component writes it: the references and numbers in it are made of the seller's «ИНН»
//! and of billing's keys.

#![cfg_attr(test, allow(missing_docs))]

mod settings;

use kit::contract::{
    CallbackAnswer, CallbackRequest, Description, ExportOptions, Fields, Order, PaymentLink, Problem, Verdict,
};
use kit::problem::Code;
use kit::{Export, Provider, reply};

/// Exports in one currency.
pub struct OneC(settings::Settings);

kit::provider!(OneC);

impl Provider for OneC {
    fn describe() -> Description {
        Description {
            id: "onec".to_owned(),
            name: "1С".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            settings: kit::settings::form(&settings::DECLARED),
            currencies: settings::CURRENCIES.map(|currency| currency.value.to_owned()).to_vec(),
            export_formats: Export::FORMATS.map(str::to_owned).to_vec(),
            links: false,
            order_id: kit::order::ANY_ID,
            hosts: Vec::new(),
            headers: Vec::new(),
            extra: Fields::new(),
        }
    }

    fn configure(settings: &Fields) -> Result<Self, Vec<Problem>> {
        settings::Settings::read(settings).map(OneC)
    }

    fn create_link(&self, _: &Order) -> Result<PaymentLink, Vec<Problem>> {
        Err(vec![Code::Unsupported.whole("1C takes no payments; make the link with a payment system.")])
    }

    fn handle_callback(&self, _: &CallbackRequest) -> CallbackAnswer {
        let problem = Code::Unsupported.whole("1C takes no payments and sends no callbacks.");
        CallbackAnswer { verdict: Verdict::Refused(problem), reply: reply::forbidden() }
    }

    fn export_writeoffs(&self, options: &ExportOptions) -> Result<Export, Vec<Problem>> {
        Export::begin(options, self.0.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_taken_for_a_payment() {
        let onec = OneC::configure(&Fields::new()).unwrap_or_else(|problems| panic!("{problems:?}"));
        let request = kit::request::post("transaction_type=Purchase&total=100.00");
        let CallbackAnswer { verdict: Verdict::Refused(problem), reply } = onec.handle_callback(&request) else {
            panic!("it is taken for something")
        };
        assert_eq!((problem.code.as_str(), reply.status), ("unsupported", 403));
    }
}
