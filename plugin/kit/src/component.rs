//! Connects a provider's plain functions to the contract's resources.

use std::cell::RefCell;

use crate::Export;
use crate::binding::asking::{self, CallbackStep, LinkStep};
use crate::binding::exchanges;
use crate::context::{Context, NO_ANSWER, Stop};
use crate::contract::{
    self, CallbackAnswer, CallbackProof, CallbackRequest, Description, ExportOptions, ExportPart, ExportTotals, Fields, Guest,
    GuestMerchant, GuestWriteoffExport, HttpReply, MerchantBorrow, Order, PaymentLink, Problem, Verdict, Writeoff,
};
use crate::problem::Code;
use crate::reply;

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

    /// Returns what proves a callback by the settings: by default a signature, which [`handle_callback`] checks before it asks
    /// anything.
    ///
    /// [`handle_callback`]: Provider::handle_callback
    fn callback_proof(&self) -> CallbackProof {
        CallbackProof::Signature
    }

    /// Returns the payment link for an order. A provider that is [`Asking`] leaves this out.
    ///
    /// # Errors
    /// All problems at once, each with its field.
    fn create_link(&self, _order: &Order) -> Result<PaymentLink, Vec<Problem>> {
        Err(vec![Code::Unsupported.whole("This provider makes no links.")])
    }

    /// Verifies a request to the callback address and answers it. A provider that is [`Asking`] leaves this out.
    fn handle_callback(&self, _request: &CallbackRequest) -> CallbackAnswer {
        let problem = Code::Unsupported.whole("This provider takes no callbacks.");
        CallbackAnswer { verdict: Verdict::Refused(problem), reply: reply::forbidden() }
    }

    /// Starts an export. A provider whose description names no export formats leaves this out: it refuses every format.
    ///
    /// # Errors
    /// All problems of the options at once, each with its field.
    fn export_writeoffs(&self, _options: &ExportOptions) -> Result<Export, Vec<Problem>> {
        Err(vec![Code::Unsupported.at("format", "This provider exports nothing; export with one that has export formats.")])
    }
}

/// A payment system whose provider must know more than the arguments: it asks, has calls made, or replies by what was entered.
///
/// The functions are straight code: an answer that is not there yet ends them by `?`, and [`Component`] returns the question.
pub trait Asking: Provider {
    /// Returns how an order is paid.
    ///
    /// # Errors
    /// What must be asked or called first, by the methods of [`Context`].
    fn create_link(&self, order: &Order, context: &Context) -> Result<LinkStep, Stop>;

    /// Verifies a request to the callback address and answers it.
    ///
    /// # Errors
    /// What must be asked, called or recorded first, by the methods of [`Context`].
    fn handle_callback(&self, request: &CallbackRequest, context: &Context) -> Result<CallbackStep, Stop>;

    /// Returns the reply to a request that cannot be judged now, such as while billing cannot be asked: the payment system is to
    /// come again.
    fn unavailable(&self, _request: &CallbackRequest) -> HttpReply {
        reply::unavailable()
    }
}

/// Implements the contract's exports on top of a [`Provider`].
pub struct Component<P>(P);

impl<P: Provider> Component<P> {
    /// Returns the provider of a merchant.
    pub(crate) fn of<'m>(merchant: &'m MerchantBorrow<'_>) -> &'m P {
        &merchant.get::<Component<P>>().0
    }
}

impl<P: Asking> asking::Guest for Component<P> {
    fn create_link(merchant: MerchantBorrow<'_>, order: Order, context: exchanges::Context) -> LinkStep {
        let unavailable = || Code::Unavailable.whole(NO_ANSWER);
        let provider = Component::<P>::of(&merchant);
        Asking::create_link(provider, &order, &context.into()).unwrap_or_else(|stop| stop.link_step(unavailable))
    }

    fn handle_callback(merchant: MerchantBorrow<'_>, request: CallbackRequest, context: exchanges::Context) -> CallbackStep {
        let provider = Component::<P>::of(&merchant);
        let step = Asking::handle_callback(provider, &request, &context.into());
        step.unwrap_or_else(|stop| stop.callback_step(|| provider.unavailable(&request)))
    }
}

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

    fn callback_proof(&self) -> CallbackProof {
        self.0.callback_proof()
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
