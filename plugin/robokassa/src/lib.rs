//! Robokassa as a payment provider.
//!
//! Built from Robokassa's public documentation (docs.robokassa.ru) and public integrations, dumps of real notifications among
//! them; `docs/robokassa.md` lists each fact with its source, and what is not certain. Four things follow from the protocol:
//!
//! - a notification on ResultURL is signed with Password #2 over sum, invoice and the merchant's own parameters (`Shp_…`), so the
//!   order that an event names is proved;
//! - the signed text is joined by colons: its values are read by grammars without one, so that it can be cut in one way only;
//! - ResultURL tells of payments alone: refunds are made at Robokassa, and nothing here hears of them;
//! - the shop is not in a notification: Password #2 tells shops apart, and test payments from real ones.
//!
//! An order's id goes in `Shp_order`, always, and is the invoice's number too where it can be one: then Robokassa takes no second
//! payment of it. Else Robokassa numbers the invoice itself.
//!
//! Robokassa has addresses in its cabinet and not in a link: an order's `callback-url`, `success-url` and `failure-url` are not
//! passed on. (A link may replace two of them by `SuccessUrl2` and `FailUrl2`, which are signed; whether they are signed encoded or
//! not, the documentation and Robokassa's support contradict each other, and a wrong signature loses every payment.)
//!
//! Left out: receipts (`Receipt`), holding (`StepByStep`), recurring payments, `ResultUrl2`, other currencies than the rouble
//! (`OutSumCurrency`), and the hashes RIPEMD160, SHA1 and SHA384.

#![cfg_attr(test, allow(missing_docs))]

mod callback;
mod link;
mod payment;
mod settings;
mod sign;

use kit::contract::{CallbackAnswer, CallbackRequest, Description, ExportOptions, Fields, Order, PaymentLink, Problem};
use kit::{Export, Provider};

/// A merchant's Robokassa, configured.
pub struct Robokassa(settings::Settings);

kit::provider!(Robokassa);

impl Provider for Robokassa {
    fn describe() -> Description {
        Description {
            id: "robokassa".to_owned(),
            name: "Robokassa".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            settings: kit::settings::form(&settings::DECLARED),
            currencies: vec![settings::CURRENCY.to_string()],
            export_formats: Export::FORMATS.map(str::to_owned).to_vec(),
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

    fn export_writeoffs(&self, options: &ExportOptions) -> Result<Export, Vec<Problem>> {
        Export::begin(options, settings::CURRENCY)
    }
}
