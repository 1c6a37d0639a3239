//! Operations: what the host does at a payment system and must not do twice, such as a refund.

use crate::amount::Money;
use crate::event::{EventKind, Facts};
use crate::identifiers::{AccountNumber, OperationId, OrderId, ProviderName};
use crate::movement::{MovementId, MovementState};
use crate::names::names;

/// The kind of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OperationKind {
    /// Pays a payment back, in full or in part.
    Refund,
    /// Charges the payer of a payment again, for a new order.
    Charge,
    /// Ends the subscription of a payment.
    Cancel,
    /// Makes the link of an order by calls.
    Link,
}

names!(OperationKind { Refund "refund", Charge "charge", Cancel "cancel", Link "link", });

/// What an operation is to do.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum OperationTask {
    /// Pays an amount of a payment back.
    Refund {
        /// The payment.
        payment: MovementId,
        /// Positive, in the payment's currency.
        amount: Money,
    },
    /// Charges the payer of a payment again, for an order.
    Charge {
        /// The payment whose payer is charged.
        payment: MovementId,
        /// The order, whose amount is charged.
        order: OrderId,
    },
    /// Ends the subscription of a payment.
    Cancel {
        /// The payment.
        payment: MovementId,
    },
    /// Makes the link of an order.
    Link {
        /// The order.
        order: OrderId,
    },
}

impl OperationTask {
    /// Returns its kind.
    pub fn kind(&self) -> OperationKind {
        match self {
            OperationTask::Refund { .. } => OperationKind::Refund,
            OperationTask::Charge { .. } => OperationKind::Charge,
            OperationTask::Cancel { .. } => OperationKind::Cancel,
            OperationTask::Link { .. } => OperationKind::Link,
        }
    }

    /// Returns the payment that it is about.
    pub fn payment(&self) -> Option<MovementId> {
        match self {
            OperationTask::Refund { payment, .. }
            | OperationTask::Charge { payment, .. }
            | OperationTask::Cancel { payment } => Some(*payment),
            OperationTask::Link { .. } => None,
        }
    }

    /// Returns the order that it is for.
    pub fn order(&self) -> Option<&OrderId> {
        match self {
            OperationTask::Charge { order, .. } | OperationTask::Link { order } => Some(order),
            OperationTask::Refund { .. } | OperationTask::Cancel { .. } => None,
        }
    }

    /// Returns the amount of a refund. That of a charge is its order's.
    pub fn amount(&self) -> Option<Money> {
        match self {
            OperationTask::Refund { amount, .. } => Some(*amount),
            _ => None,
        }
    }
}

/// An operation that is not begun yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewOperation {
    /// The provider at whose payment system it is done.
    pub provider: ProviderName,
    /// What is to be done.
    pub task: OperationTask,
    /// The reason, for the payment system and the operator; may be empty.
    pub reason: String,
    /// The operator, or whoever asked for it; empty for a link.
    pub operator: String,
    /// Two operations with the same key are one operation.
    pub idempotency_key: Option<String>,
    /// The SHA-256 of the component that begins it, in lower-case hexadecimal.
    pub component_sha256: String,
    /// The settings that begin it, sealed by the host.
    pub settings: Vec<u8>,
    /// When to go on with it if whoever began it does not, seconds since the epoch.
    pub next_at: u64,
    /// Of a refund: whether it is refused while another one of the payment is pending, since only the sum that was paid back tells
    /// them apart. It is not stored.
    pub is_alone: bool,
}

/// How far an operation has come. The ledger stores it, and does not read it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Progress {
    /// The calls that were made and their answers, sealed by the host.
    pub journal: Vec<u8>,
    /// The payment system's own name of the operation, 1 to 255 characters.
    pub reference: Option<String>,
    /// When to go on with it, seconds since the epoch; `None` if a callback will tell.
    pub next_at: Option<u64>,
    /// How often it was tried.
    pub tries: u32,
    /// Whether a call that changes something was sent, or is about to be: something may have been done.
    pub is_sent: bool,
    /// The last try that came to no end.
    pub last_try: Option<LastTry>,
}

/// How the last call of a try went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TriedCall {
    /// It did not leave this machine.
    NotSent,
    /// It was sent, and not answered.
    NoAnswer,
    /// It was answered, with this HTTP status.
    Answered(u16),
}

/// A try of an operation after which it goes on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LastTry {
    /// When it was over, seconds since the epoch.
    pub at: u64,
    /// How its last call went; `None` if it came to no call.
    pub call: Option<TriedCall>,
    /// What the provider says of it, in Russian where it does, or else why there is no answer; may be empty.
    pub message: String,
}

/// What has become of an operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OperationState {
    /// It goes on.
    Pending,
    /// It is done.
    Done {
        /// The movement of its event. A refund has one. A charge that an operator declared done has none before the payment system
        /// reports it.
        movement: Option<MovementId>,
        /// The link, for the host: it is not read here.
        result: Option<String>,
    },
    /// It was not done, and never will be under its id.
    Refused {
        /// The code of the problem; [`NOT_DONE`](OperationState::NOT_DONE) if an operator says that it was not done.
        code: String,
        /// The message of the problem.
        message: String,
    },
    /// It may have been done or not: a person must decide.
    Unknown {
        /// Why it is not known.
        message: String,
    },
}

impl OperationState {
    /// The code of an operation that was not done by what an operator says.
    pub const NOT_DONE: &'static str = "not-done";
    /// The code of an operation that was withdrawn before anything was sent.
    pub const WITHDRAWN: &'static str = "withdrawn";

    /// Returns the name of the state, in kebab-case.
    pub fn name(&self) -> &'static str {
        match self {
            OperationState::Pending => "pending",
            OperationState::Done { .. } => "done",
            OperationState::Refused { .. } => "refused",
            OperationState::Unknown { .. } => "unknown",
        }
    }

    /// Reports whether it is pending or unknown, so that it may still be done.
    pub fn is_open(&self) -> bool {
        matches!(self, OperationState::Pending | OperationState::Unknown { .. })
    }
}

/// What an operator decided about an operation whose outcome was unknown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OperationVerdict {
    /// It was done.
    Done,
    /// It was not done.
    NotDone,
}

/// An operator's decision about an operation: what became of it where its outcome was unknown, or that it is withdrawn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OperationDecision {
    /// The operator.
    pub operator: String,
    /// The reason, in the operator's words.
    pub comment: String,
    /// When, seconds since the epoch.
    pub at: u64,
}

/// An operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operation {
    /// Its id, which is never given twice. Idempotency keys at payment systems are made of it.
    pub id: OperationId,
    /// The provider.
    pub provider: ProviderName,
    /// What is to be done.
    pub task: OperationTask,
    /// The reason, for the payment system and the operator; may be empty.
    pub reason: String,
    /// The operator, or whoever asked for it; empty for a link.
    pub operator: String,
    /// Two operations with the same key are one operation.
    pub idempotency_key: Option<String>,
    /// The SHA-256 of the component that began it, in lower-case hexadecimal.
    pub component_sha256: String,
    /// When it was begun, seconds since the epoch.
    pub created_at: u64,
    /// What has become of it.
    pub state: OperationState,
    /// The payment system's own name of it.
    pub reference: Option<String>,
    /// Of a pending one: when to go on with it, seconds since the epoch; `None` if a callback will tell.
    pub next_at: Option<u64>,
    /// How often it was tried.
    pub tries: u32,
    /// Whether a call that changes something was sent, or is about to be: something may have been done.
    pub is_sent: bool,
    /// The last try that came to no end.
    pub last_try: Option<LastTry>,
    /// When it was done, refused or decided, seconds since the epoch; `None` while it is pending or unknown.
    pub ended_at: Option<u64>,
    /// The decision about it, if an operator decided.
    pub decision: Option<OperationDecision>,
}

impl Operation {
    /// Reports whether it has everything that a new operation asks for, so that the two are one operation.
    pub fn is(&self, asked: &NewOperation) -> bool {
        let NewOperation { provider, task, reason, operator, idempotency_key, .. } = asked;
        self.provider == *provider
            && self.task == *task
            && self.reason == *reason
            && self.operator == *operator
            && self.idempotency_key == *idempotency_key
    }

    /// Reports whether it was withdrawn before anything was sent.
    pub fn is_withdrawn(&self) -> bool {
        matches!(&self.state, OperationState::Refused { code, .. } if code == OperationState::WITHDRAWN)
    }

    /// Returns when somebody last did something about it: asked for it, or decided about it. Seconds since the epoch.
    pub fn acted_at(&self) -> u64 {
        self.decision.as_ref().map_or(self.created_at, |decision| decision.at)
    }
}

/// An operation with what the host needs to go on with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OperationToContinue {
    /// The operation.
    pub operation: Operation,
    /// The settings that began it, sealed by the host.
    pub settings: Vec<u8>,
    /// The calls that were made and their answers, sealed by the host; empty if none were.
    pub journal: Vec<u8>,
}

/// An operation that was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BegunOperation {
    /// The operation.
    pub operation: Operation,
    /// Whether it was begun now. Otherwise it is the one that was begun before.
    pub is_new: bool,
}

/// Which operations a list has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OperationSelection {
    /// All.
    All,
    /// All but links. A link that waits for a person is among them.
    ButLinks,
    /// Those of a kind.
    Only(OperationKind),
}

/// The number of a provider's operations that have not ended.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct OpenOperations {
    /// Those that go on.
    pub pending: u64,
    /// Those that wait for a person.
    pub unknown: u64,
}

/// A payment, as operators see it before they ask for an operation about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PaymentDetails {
    /// The payment, and what followed from it.
    pub state: MovementState,
    /// The account that it was entered to; `None` if no entry of it is in force.
    pub account: Option<AccountNumber>,
    /// What is left of it for a refund, without the refunds that are under way or wait for an operator. Not negative; `None` if no
    /// entry of it is in force.
    pub left: Option<Money>,
    /// The operations about it, the oldest first.
    pub operations: Vec<Operation>,
}

impl PaymentDetails {
    /// Returns what went back of it by what followed from it: its refunds and chargebacks, without chargebacks that were won.
    pub fn returned(&self) -> Money {
        let returned = self.state.later.iter().fold(0_i64, |sum, one| {
            let Facts { kind, amount, .. } = &one.event.facts;
            let sign = if *kind == EventKind::ChargebackReversal { -1 } else { 1 };
            sum.saturating_add(amount.minor_units.saturating_mul(sign))
        });
        Money { minor_units: returned, ..self.state.movement.event.facts.amount }
    }
}

/// Why an operation is not begun.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OperationRefusal {
    /// The ledger is an older copy, and nobody has compared yet what the payment systems did since it was made.
    NotCompared {
        /// Since when it may be missing from the ledger, seconds since the epoch; `None` if that is not known.
        since: Option<u64>,
    },
    /// The provider has no such payment.
    UnknownPayment,
    /// The payment is not entered, or its entry was taken back.
    PaymentNotEntered,
    /// The amount is not positive.
    AmountNotPositive,
    /// The amount is not in the payment's currency.
    CurrencyMismatch,
    /// Less is left of the payment.
    ExceedsPaymentLeft {
        /// What is left of it, without the refunds that are under way or wait for an operator. Not negative.
        left: Money,
    },
    /// The payment system named no payer of the payment.
    NoPayer,
    /// The provider has no such order.
    UnknownOrder,
    /// The order is for another account than the payment was entered to.
    OtherAccount,
    /// The order is paid.
    OrderPaid,
    /// The order was charged already, though it is not paid by what was reported.
    OrderCharged {
        /// The charge that is done.
        id: OperationId,
    },
    /// The order has expired: nobody is to pay it any more.
    OrderExpired,
    /// The same is being done already, or it is not known whether it was done.
    AlreadyUnderWay {
        /// The operation that does it.
        id: OperationId,
    },
    /// The idempotency key is already used by a different operation.
    KeyReused,
}

impl OperationRefusal {
    /// Returns the name, in kebab-case.
    pub fn name(&self) -> &'static str {
        match self {
            OperationRefusal::NotCompared { .. } => "not-compared",
            OperationRefusal::UnknownPayment => "unknown-payment",
            OperationRefusal::PaymentNotEntered => "payment-not-entered",
            OperationRefusal::AmountNotPositive => "amount-not-positive",
            OperationRefusal::CurrencyMismatch => "currency-mismatch",
            OperationRefusal::ExceedsPaymentLeft { .. } => "exceeds-payment-left",
            OperationRefusal::NoPayer => "no-payer",
            OperationRefusal::UnknownOrder => "unknown-order",
            OperationRefusal::OtherAccount => "other-account",
            OperationRefusal::OrderPaid => "order-paid",
            OperationRefusal::OrderCharged { .. } => "order-charged",
            OperationRefusal::OrderExpired => "order-expired",
            OperationRefusal::AlreadyUnderWay { .. } => "already-under-way",
            OperationRefusal::KeyReused => "key-reused",
        }
    }
}

/// Why an operation cannot be changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OperationFault {
    /// There is no such operation.
    NoSuchOperation,
    /// It has ended: what was recorded of it stays.
    Ended,
    /// It is not unknown, so that there is nothing to decide.
    NotUnknown,
    /// It was sent, so that it cannot be withdrawn.
    Sent,
    /// An operation of this kind is not withdrawn: only refunds and charges are.
    NotWithdrawable,
}
