//! Calls of providers that ask nothing and have no call made.

use domain::{CallbackAnswer, CallbackRequest, Context, LinkRequest, PaymentLink};
use sandbox::{Error, LinkStep, Merchant, NoAnswers, Session, Usage, drive};

/// Takes a provider to a result, with nobody who answers.
pub trait Straight: Sized {
    /// Returns the verdict about a callback, with its reply.
    fn judge(self, request: &CallbackRequest) -> Result<CallbackAnswer, Error>;

    /// Returns the link of an order. The problems for which there is none are an [`Error::Provider`].
    fn link(self, order: &LinkRequest) -> Result<PaymentLink, Error>;
}

impl Straight for &Merchant {
    fn judge(self, request: &CallbackRequest) -> Result<CallbackAnswer, Error> {
        drive(request.received_at, &mut NoAnswers, |context| self.handle_callback(request, context)).map(|(answer, _)| answer)
    }

    fn link(self, order: &LinkRequest) -> Result<PaymentLink, Error> {
        linked(|context| self.create_link(order, context))
    }
}

impl Straight for &mut Session {
    fn judge(self, request: &CallbackRequest) -> Result<CallbackAnswer, Error> {
        drive(request.received_at, &mut NoAnswers, |context| self.handle_callback(request, context)).map(|(answer, _)| answer)
    }

    fn link(self, order: &LinkRequest) -> Result<PaymentLink, Error> {
        linked(|context| self.create_link(order, context))
    }
}

fn linked(step: impl FnMut(&Context) -> Result<LinkStep, Error>) -> Result<PaymentLink, Error> {
    let (link, _) = drive(0, &mut NoAnswers, step)?;
    link.map_err(|failure| Error::Provider(failure.into_problems()))
}

/// Returns the verdict about a callback in one step, and what it used.
pub fn judged_measured(merchant: &Merchant, request: &CallbackRequest) -> Result<(CallbackAnswer, Usage), Error> {
    let (step, usage) = merchant.handle_callback_measured(request, &Context::at(request.received_at))?;
    Ok((step.done().expect("it asks nothing"), usage))
}

/// Returns the link of an order in one step, and what it used.
pub fn linked_measured(merchant: &Merchant, order: &LinkRequest) -> Result<(PaymentLink, Usage), Error> {
    let (step, usage) = merchant.create_link_measured(order, &Context::at(0))?;
    Ok((step.done().expect("it asks nothing").expect("it makes links"), usage))
}
