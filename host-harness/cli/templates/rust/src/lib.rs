//! Example Pay, a made-up payment system, as a payment provider.
//!
//! The contract, `wit/payment-provider.wit`, says what each function must do, with every unit, charset and limit. This file
//! binds it to plain functions on values, which are tested like any others: `cargo test`.

mod amount;
mod callback;
mod link;
mod settings;
mod sign;
mod text;

/// The contract as Rust types.
mod binding {
    wit_bindgen::generate!({ path: "wit", world: "provider" });
    pub use exports::billing::payments::payment_provider as contract;
}

use binding::contract::{
    self, CallbackAnswer, CallbackRequest, Description, ExportOptions, ExportPart, ExportTotals, Fields, Guest, GuestMerchant,
    GuestWriteoffExport, HttpReply, Order, PaymentLink, Problem, Verdict, Writeoff,
};
use settings::Settings;

struct ExamplePay;

#[cfg(target_arch = "wasm32")]
binding::export!(ExamplePay with_types_in binding);

impl Guest for ExamplePay {
    type Merchant = Settings;
    type WriteoffExport = NoExport;

    fn describe() -> Description {
        Description {
            id: env!("CARGO_PKG_NAME").to_owned(),
            name: "Example Pay".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            settings: settings::form(),
            currencies: vec![settings::CURRENCY.to_owned()],
            export_formats: Vec::new(),
            links: true,
            headers: Vec::new(),
            extra: Fields::new(),
        }
    }
}

impl GuestMerchant for Settings {
    fn configure(fields: Fields) -> Result<contract::Merchant, Vec<Problem>> {
        Settings::read(&fields).map(contract::Merchant::new)
    }

    fn create_link(&self, order: Order) -> Result<PaymentLink, Vec<Problem>> {
        link::create(self, &order)
    }

    fn handle_callback(&self, request: CallbackRequest) -> CallbackAnswer {
        let verdict = callback::judge(self, &request);
        // A refusal says no reason, which would help a forger.
        let (status, text) = match verdict {
            Verdict::Accepted(_) | Verdict::Unresolved(_) | Verdict::Ignored(_) => (200, "OK"),
            Verdict::Refused(_) => (403, "Forbidden"),
        };
        let headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
        CallbackAnswer { verdict, reply: HttpReply { status, headers, body: text.into() } }
    }

    fn export_writeoffs(&self, _: ExportOptions) -> Result<contract::WriteoffExport, Vec<Problem>> {
        Err(vec![text::problem("unsupported", "format", "This provider exports nothing.")])
    }
}

/// The contract requires the type, though `export_writeoffs` never makes one.
struct NoExport;

impl GuestWriteoffExport for NoExport {
    fn append(&self, _: Vec<Writeoff>) -> Result<(), Vec<Problem>> {
        Err(vec![text::problem("unsupported", None, "This provider exports nothing.")])
    }

    fn finish(&self) -> Result<ExportTotals, Vec<Problem>> {
        Err(vec![text::problem("unsupported", None, "This provider exports nothing.")])
    }

    fn read(&self) -> Option<ExportPart> {
        None
    }
}
