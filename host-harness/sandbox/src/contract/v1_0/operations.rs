//! The arguments and results of payment status, refunds and recurring payments, in version 1.0.0.

use domain::{OperationResult, Step};
use wasmtime::component::{ComponentType, Lift, Lower};

use super::arguments::{Fields, Money, Order, Receipt, argument};
use super::context::{Context, MovementState};
use super::results::{Problem, result};
use super::steps::{Event, HttpCall, Question, events, questions};
use crate::contract::rules::Violations;

argument! {
    PaymentForm<'a> {
        action "action": &'a str,
        inputs "inputs": Fields<'a>,
    }
}

argument! {
    PaymentLink<'a> {
        url "url": Option<&'a str>,
        form "form": Option<PaymentForm<'a>>,
        qr "qr": Option<&'a str>,
        reference "reference": Option<&'a str>,
        expires_at "expires-at": Option<u64>,
        extra "extra": Fields<'a>,
    }
}

impl<'a> From<&'a domain::PaymentLink> for PaymentLink<'a> {
    fn from(link: &'a domain::PaymentLink) -> PaymentLink<'a> {
        let domain::PaymentLink { url, form, qr, reference, expires_at, extra } = link;
        PaymentLink {
            url: url.as_deref(),
            form: form.as_ref().map(|form| PaymentForm { action: &form.action, inputs: &form.inputs }),
            qr: qr.as_deref(),
            reference: reference.as_deref(),
            expires_at: *expires_at,
            extra,
        }
    }
}

argument! {
    PaymentReference<'a> {
        order "order": Option<Order<'a>>,
        link "link": Option<PaymentLink<'a>>,
        movement "movement": Option<MovementState>,
        extra "extra": Fields<'a>,
    }
}

impl<'a> PaymentReference<'a> {
    /// Converts a reference, whose movement is added to the context.
    pub fn new(payment: &'a domain::PaymentReference, context: &mut Context<'a>) -> PaymentReference<'a> {
        let domain::PaymentReference { order, link, movement } = payment;
        PaymentReference {
            order: order.as_ref().map(Order::from),
            link: link.as_ref().map(PaymentLink::from),
            movement: movement.as_ref().map(|state| context.add(state)),
            extra: &[],
        }
    }
}

argument! {
    RefundRequest<'a> {
        id "id": &'a str,
        payment "payment": PaymentReference<'a>,
        amount "amount": Money<'a>,
        full "full": bool,
        reason "reason": &'a str,
        receipt "receipt": Option<Receipt<'a>>,
        extra "extra": Fields<'a>,
    }
}

impl<'a> RefundRequest<'a> {
    /// Converts a request, whose payment's movement is added to the context.
    pub fn new(request: &'a domain::RefundRequest, context: &mut Context<'a>) -> RefundRequest<'a> {
        let domain::RefundRequest { id, payment, amount, full, reason, receipt } = request;
        RefundRequest {
            id,
            payment: PaymentReference::new(payment, context),
            amount: amount.into(),
            full: *full,
            reason,
            receipt: receipt.as_ref().map(Receipt::from),
            extra: &[],
        }
    }
}

result! {
    PaymentStatus {
        events "events": Vec<Event>,
        unresolved "unresolved": Option<Problem>,
        ask_again "ask-again": Option<u32>,
    }
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub enum StatusStep {
    #[component(name = "ask")]
    Ask(Vec<Question>),
    #[component(name = "call")]
    Call(HttpCall),
    #[component(name = "done")]
    Done(PaymentStatus),
    #[component(name = "unavailable")]
    Unavailable(Problem),
}

impl StatusStep {
    pub fn into_domain(self, violations: &mut Violations) -> Step<Result<domain::PaymentStatus, domain::Problem>> {
        Step::Done(match self {
            StatusStep::Ask(asked) => return questions(asked, violations),
            StatusStep::Call(call) => return Step::Call(call.into()),
            StatusStep::Unavailable(problem) => Err(problem.into_domain(violations)),
            StatusStep::Done(PaymentStatus { events: happened, unresolved, ask_again }) => Ok(domain::PaymentStatus {
                events: events(happened, violations),
                unresolved: unresolved.map(|problem| problem.into_domain(violations)),
                ask_again,
            }),
        })
    }
}

result! {
    Pending into domain::Pending {
        ask_again "ask-again": Option<u32>,
        reference "reference": Option<String>,
    }
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub enum OperationStep {
    #[component(name = "ask")]
    Ask(Vec<Question>),
    #[component(name = "call")]
    Call(HttpCall),
    #[component(name = "succeeded")]
    Succeeded(Event),
    #[component(name = "pending")]
    Pending(Pending),
    #[component(name = "refused")]
    Refused(Problem),
    #[component(name = "unavailable")]
    Unavailable(Problem),
    #[component(name = "unknown")]
    Unknown(Problem),
}

impl OperationStep {
    pub fn into_domain(self, violations: &mut Violations) -> Step<OperationResult> {
        Step::Done(match self {
            OperationStep::Ask(asked) => return questions(asked, violations),
            OperationStep::Call(call) => return Step::Call(call.into()),
            OperationStep::Succeeded(event) => OperationResult::Succeeded(Box::new(event.into_domain(violations))),
            OperationStep::Pending(pending) => OperationResult::Pending(pending.into()),
            OperationStep::Refused(problem) => OperationResult::Refused(problem.into_domain(violations)),
            OperationStep::Unavailable(problem) => OperationResult::Unavailable(problem.into_domain(violations)),
            OperationStep::Unknown(problem) => OperationResult::Unknown(problem.into_domain(violations)),
        })
    }
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub enum CancelStep {
    #[component(name = "ask")]
    Ask(Vec<Question>),
    #[component(name = "call")]
    Call(HttpCall),
    #[component(name = "cancelled")]
    Cancelled,
    #[component(name = "refused")]
    Refused(Problem),
    #[component(name = "unavailable")]
    Unavailable(Problem),
    #[component(name = "unknown")]
    Unknown(Problem),
}

impl CancelStep {
    pub fn into_domain(self, violations: &mut Violations) -> Step<domain::CancelResult> {
        Step::Done(match self {
            CancelStep::Ask(asked) => return questions(asked, violations),
            CancelStep::Call(call) => return Step::Call(call.into()),
            CancelStep::Cancelled => domain::CancelResult::Cancelled,
            CancelStep::Refused(problem) => domain::CancelResult::Refused(problem.into_domain(violations)),
            CancelStep::Unavailable(problem) => domain::CancelResult::Unavailable(problem.into_domain(violations)),
            CancelStep::Unknown(problem) => domain::CancelResult::Unknown(problem.into_domain(violations)),
        })
    }
}
