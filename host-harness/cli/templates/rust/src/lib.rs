//! Example Pay, a made-up payment system, as a payment provider.
//!
//! The contract, `wit/payment-provider.wit`, says what each function must do, with every unit, charset and limit. This file
//! binds it to plain functions on values, which are tested like any others: `cargo test`.

mod amount;
mod asking;
mod callback;
mod check;
mod link;
mod reply;
mod settings;
mod sign;
mod text;

/// The contract as Rust types.
mod binding {
    // Of a provider that never asks the world is `provider`, and its component is smaller by a third.
    wit_bindgen::generate!({ path: "wit", world: "asking-provider" });
    pub use exports::billing::payments::payment_provider as contract;
    pub use exports::billing::payments::{asking, exchanges};
}

use asking::Asking;
use binding::asking::{CallbackStep, Guest as AskingGuest, LinkStep};
use binding::contract::{
    self, CallbackAnswer, CallbackProof, CallbackRequest, Description, ExportOptions, ExportPart, ExportTotals, Fields, Guest,
    GuestMerchant, GuestWriteoffExport, MerchantBorrow, Order, OrderIdForm, PaymentLink, Problem, Verdict, Writeoff,
};
use binding::exchanges::Context;
use settings::Settings;

/// Why there is no export.
fn no_export(field: Option<&str>) -> Vec<Problem> {
    vec![text::problem("unsupported", field, "Выгрузки здесь нет.", "This provider exports nothing.")]
}

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
            order_id: OrderIdForm { chars_max: 64, digits_only: false },
            // No call is made for this provider. A payment system that is asked over HTTP has its host here.
            hosts: Vec::new(),
            headers: Vec::new(),
            extra: Fields::new(),
        }
    }
}

impl GuestMerchant for Settings {
    fn configure(fields: Fields) -> Result<contract::Merchant, Vec<Problem>> {
        Settings::read(&fields).map(contract::Merchant::new)
    }

    /// Example Pay signs every callback.
    fn callback_proof(&self) -> CallbackProof {
        CallbackProof::Signature
    }

    fn create_link(&self, order: Order) -> Result<PaymentLink, Vec<Problem>> {
        link::create(self, &order)
    }

    /// The host calls the function of `asking` in place of this one. A provider that never asks has its callbacks here.
    fn handle_callback(&self, _: CallbackRequest) -> CallbackAnswer {
        let (ru, en) = ("Этот компонент задаёт вопросы.", "This component asks; call the function of `asking`.");
        CallbackAnswer { verdict: Verdict::Refused(text::problem("unsupported", None, ru, en)), reply: reply::unavailable() }
    }

    fn export_writeoffs(&self, _: ExportOptions) -> Result<contract::WriteoffExport, Vec<Problem>> {
        Err(no_export(Some("format")))
    }
}

/// What the host calls of a provider that asks: again and again, with what was answered so far.
impl AskingGuest for ExamplePay {
    fn create_link(merchant: MerchantBorrow<'_>, order: Order, _: Context) -> LinkStep {
        link::create(merchant.get(), &order).map_or_else(LinkStep::Failed, LinkStep::Done)
    }

    fn handle_callback(merchant: MerchantBorrow<'_>, request: CallbackRequest, context: Context) -> CallbackStep {
        callback::handle(merchant.get(), &request, &Asking(context.asked))
    }
}

/// The contract requires the type, though `export_writeoffs` never makes one.
struct NoExport;

impl GuestWriteoffExport for NoExport {
    fn append(&self, _: Vec<Writeoff>) -> Result<(), Vec<Problem>> {
        Err(no_export(None))
    }

    fn finish(&self) -> Result<ExportTotals, Vec<Problem>> {
        Err(no_export(None))
    }

    fn read(&self) -> Option<ExportPart> {
        None
    }
}
