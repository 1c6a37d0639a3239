//! Connects a provider's plain functions to the contract's resources.

use std::cell::RefCell;

use crate::Export;
use crate::contract::{
    self, CallbackAnswer, CallbackRequest, Description, ExportOptions, ExportPart, ExportTotals, Fields, Guest, GuestMerchant,
    GuestWriteoffExport, Order, PaymentLink, Problem, Writeoff,
};
use crate::problem::Code;

/// A payment system as functions on values. `Self` is a configured merchant, which exists only with valid settings.
///
/// The contract (`wit/payment-provider.wit`) specifies each function, with every unit, charset and limit.
pub trait Provider: Sized + 'static {
    /// Returns the provider's description.
    fn describe() -> Description;

    /// Creates a merchant from settings.
    ///
    /// # Errors
    /// All problems at once, each with its field.
    fn configure(settings: &Fields) -> Result<Self, Vec<Problem>>;

    /// Returns the payment link for an order.
    ///
    /// # Errors
    /// All problems at once, each with its field.
    fn create_link(&self, order: &Order) -> Result<PaymentLink, Vec<Problem>>;

    /// Verifies a request to the callback address and answers it.
    fn handle_callback(&self, request: &CallbackRequest) -> CallbackAnswer;

    /// Starts an export. A provider whose description names no export formats leaves this out: it refuses every format.
    ///
    /// # Errors
    /// All problems of the options at once, each with its field.
    fn export_writeoffs(&self, _options: &ExportOptions) -> Result<Export, Vec<Problem>> {
        Err(vec![Code::Unsupported.at("format", "This provider exports nothing; export with one that has export formats.")])
    }
}

/// Implements the contract's exports on top of a [`Provider`].
pub struct Component<P>(P);

impl<P: Provider> Guest for Component<P> {
    type Merchant = Component<P>;
    type WriteoffExport = RefCell<Export>;

    fn describe() -> Description {
        P::describe()
    }
}

impl<P: Provider> GuestMerchant for Component<P> {
    fn configure(settings: Fields) -> Result<contract::Merchant, Vec<Problem>> {
        P::configure(&settings).map(|provider| contract::Merchant::new(Component(provider)))
    }

    fn create_link(&self, order: Order) -> Result<PaymentLink, Vec<Problem>> {
        self.0.create_link(&order)
    }

    fn handle_callback(&self, request: CallbackRequest) -> CallbackAnswer {
        self.0.handle_callback(&request)
    }

    fn export_writeoffs(&self, options: ExportOptions) -> Result<contract::WriteoffExport, Vec<Problem>> {
        self.0.export_writeoffs(&options).map(|export| contract::WriteoffExport::new(RefCell::new(export)))
    }
}

impl GuestWriteoffExport for RefCell<Export> {
    fn append(&self, rows: Vec<Writeoff>) -> Result<(), Vec<Problem>> {
        self.borrow_mut().append(rows)
    }

    fn finish(&self) -> Result<ExportTotals, Vec<Problem>> {
        self.borrow_mut().finish()
    }

    fn read(&self) -> Option<ExportPart> {
        self.borrow_mut().read()
    }
}
