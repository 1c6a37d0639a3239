//! What a provider can do beside links, callbacks and exports: telling what became of a payment, refunds and repeated charges.

use serde::Serialize;

use crate::amount::Money;
use crate::event::ProvedEvent;
use crate::identifiers::OperationId;
use crate::link::PaymentLink;
use crate::movement::MovementState;
use crate::names::names;
use crate::order::Order;
use crate::provider::Problem;
use crate::receipt::Receipt;

/// What a provider may be able to do. Its component exports an interface of this name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Ability {
    /// It asks the host, and has calls made, before it answers.
    Asking,
    /// It finds out what became of a payment.
    PaymentStatus,
    /// It pays payments back.
    Refunds,
    /// It charges a payer again, without the payer.
    RecurringPayments,
    /// It reads reports of what the payment system took, kept and paid out.
    SettlementReports,
}

names!(Ability {
    Asking "asking", PaymentStatus "payment-status", Refunds "refunds", RecurringPayments "recurring-payments",
    SettlementReports "settlement-reports",
});

/// The payment that an ability is about, or the order that may have been paid.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PaymentReference {
    /// The order, if there is one.
    pub order: Option<Order>,
    /// The link that was made for the order; `None` if none was, or if it needed no call.
    pub link: Option<PaymentLink>,
    /// The payment, or the hold if there is no payment. `None` if the order is not known to be paid.
    pub movement: Option<MovementState>,
}

/// What has happened to a payment, as the payment system says when it is asked. In JSON: all fields.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PaymentStatus {
    /// What has happened so far, as callbacks would have reported it: at most 100 events, each with its own dedup key.
    pub events: Vec<ProvedEvent>,
    /// Why the provider cannot tell what has happened to the money, if something may have.
    pub unresolved: Option<Problem>,
    /// Seconds until it is worth asking again. `None`: the host's own schedule decides.
    pub ask_again: Option<u32>,
}

/// An operation that goes on at the payment system.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Pending {
    /// Seconds until it is worth asking. `None`: a callback reports the end.
    pub ask_again: Option<u32>,
    /// The payment system's own name of the operation, 1 to 255 characters. The provider gets it back when it is asked.
    pub reference: Option<String>,
}

/// The result of an operation that moves money: a refund or a charge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OperationResult {
    /// It is done: a fact, equal to what a callback would report of it.
    Succeeded(Box<ProvedEvent>),
    /// It goes on.
    Pending(Pending),
    /// It was not done, and this request never will be.
    Refused(Problem),
    /// It was not done, since the payment system cannot be reached. It may be tried again, with the same id.
    Unavailable(Problem),
    /// It may have been done. It must not be sent again by itself.
    Unknown(Problem),
}

impl OperationResult {
    /// Returns its name in the contract.
    pub fn name(&self) -> &'static str {
        match self {
            OperationResult::Succeeded(_) => "succeeded",
            OperationResult::Pending(_) => "pending",
            OperationResult::Refused(_) => "refused",
            OperationResult::Unavailable(_) => "unavailable",
            OperationResult::Unknown(_) => "unknown",
        }
    }
}

/// A request to pay back a payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefundRequest {
    /// The host's id. It stays the same in every try, until one is refused.
    pub id: OperationId,
    /// The payment, with a movement, and with its order if it paid one.
    pub payment: PaymentReference,
    /// The amount, positive, in the payment's currency, at most what is left of the payment.
    pub amount: Money,
    /// Whether that is all of the payment, of which nothing was paid back.
    pub full: bool,
    /// The reason for the payment system, at most 255 characters; may be empty.
    pub reason: String,
    /// What the payment system is to print.
    pub receipt: Option<Receipt>,
}

/// The result of ending a subscription.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CancelResult {
    /// It is ended: the payment system charges no more.
    Cancelled,
    /// It was not done, and never will be.
    Refused(Problem),
    /// It was not done, since the payment system cannot be reached. It may be tried again.
    Unavailable(Problem),
    /// It may have been done.
    Unknown(Problem),
}

impl CancelResult {
    /// Returns its name in the contract.
    pub fn name(&self) -> &'static str {
        match self {
            CancelResult::Cancelled => "cancelled",
            CancelResult::Refused(_) => "refused",
            CancelResult::Unavailable(_) => "unavailable",
            CancelResult::Unknown(_) => "unknown",
        }
    }
}
