//! An operation at a payment system, as the API tells of it.

use domain::{LastTry, MovementId, Operation, OperationDecision, OperationKind, OperationState, TriedCall};
use serde::Serialize;
use utoipa::ToSchema;

use super::Amount;

/// The kind of an operation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = OperationKind)]
enum OperationKindDto {
    /// Pays a payment back, in full or in part.
    Refund,
    /// Charges the payer of a payment again, for a new order.
    Charge,
    /// Ends the subscription that a payment began.
    Cancel,
    /// Makes the payment link of an order, at a payment system that must be called for it.
    Link,
}

impl From<OperationKind> for OperationKindDto {
    fn from(kind: OperationKind) -> OperationKindDto {
        match kind {
            OperationKind::Refund => OperationKindDto::Refund,
            OperationKind::Charge => OperationKindDto::Charge,
            OperationKind::Cancel => OperationKindDto::Cancel,
            OperationKind::Link => OperationKindDto::Link,
        }
    }
}

/// What has become of an operation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = OperationState)]
enum OperationStateDto {
    /// It goes on by itself.
    Pending,
    /// It is done.
    Done,
    /// It was not done, and will not be.
    Refused,
    /// It may have been done or not: a person must find out and decide.
    Unknown,
}

/// Why an operation was refused, or why its outcome is unknown.
#[derive(Serialize, ToSchema)]
struct OperationProblem {
    /// The provider's code, or the host's: `provider-failed`, `not-done` if an operator says so, or `withdrawn` if one withdrew it
    /// before anything was sent. Null if the outcome is unknown.
    code: Option<String>,
    /// The reason: in English if the host says it, in Russian if the provider says it in Russian.
    message: String,
}

impl OperationProblem {
    fn new(code: Option<String>, message: String) -> OperationProblem {
        OperationProblem { code, message: host::in_english(&message).unwrap_or(message) }
    }
}

/// What an operator found out about an operation whose outcome was unknown, or why one withdrew it.
#[derive(Serialize, ToSchema)]
struct OperationDecisionReport {
    /// The operator's name.
    operator: String,
    /// The reason, in the operator's words.
    comment: String,
    /// When, in seconds since the Unix epoch.
    at: u64,
}

impl From<OperationDecision> for OperationDecisionReport {
    fn from(OperationDecision { operator, comment, at }: OperationDecision) -> OperationDecisionReport {
        OperationDecisionReport { operator, comment, at }
    }
}

/// How the last call of a try went.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = TriedCall)]
enum TriedCallDto {
    /// It did not leave this machine.
    NotSent,
    /// It was sent, and not answered.
    NoAnswer,
    /// It was answered.
    Answered,
}

/// The last try of an operation after which it goes on.
#[derive(Serialize, ToSchema)]
#[schema(as = LastTry)]
struct LastTryReport {
    /// When it was over, in seconds since the Unix epoch.
    at: u64,
    /// How its last call went; null if it came to no call.
    call: Option<TriedCallDto>,
    /// The HTTP status of the answer; null if there was none.
    status: Option<u16>,
    /// What the provider says of it, in Russian if it says it in Russian, or else why there is no answer; may be empty.
    message: String,
}

impl From<LastTry> for LastTryReport {
    fn from(LastTry { at, call, message }: LastTry) -> LastTryReport {
        let (call, status) = match call {
            None => (None, None),
            Some(TriedCall::NotSent) => (Some(TriedCallDto::NotSent), None),
            Some(TriedCall::NoAnswer) => (Some(TriedCallDto::NoAnswer), None),
            Some(TriedCall::Answered(status)) => (Some(TriedCallDto::Answered), Some(status)),
        };
        LastTryReport { at, call, status, message }
    }
}

/// An operation at a payment system.
#[derive(Serialize, ToSchema)]
pub struct OperationReport {
    /// The operation's id.
    id: String,
    /// What is done.
    kind: OperationKindDto,
    /// The provider's name.
    provider: String,
    /// The payment, as its entry's `movement`; null for a link.
    payment: Option<String>,
    /// The id of the order of a charge or a link; null for other kinds.
    order: Option<String>,
    /// The amount of a refund; null for other kinds.
    amount: Option<Amount>,
    /// The reason; may be empty.
    reason: String,
    /// Who asked for it; empty for a link.
    operator: String,
    /// What has become of it.
    state: OperationStateDto,
    /// Why it was refused or its outcome is unknown; null in other states.
    problem: Option<OperationProblem>,
    /// The movement of the refund or payment that it made, as in the feed of entries; null if it made none.
    movement: Option<String>,
    /// The payment system's own name of it; null if it gave none.
    reference: Option<String>,
    /// When it was begun, in seconds since the Unix epoch.
    created_at: u64,
    /// When it was done, refused or decided, in seconds since the Unix epoch; null while it is pending or unknown.
    ended_at: Option<u64>,
    /// When it is tried again, in seconds since the Unix epoch; null if it is not pending, or waits for a callback.
    next_at: Option<u64>,
    /// How many times it was put off to try again.
    tries: u32,
    /// Whether anything was sent that may have its effect at the payment system. If not, it can be withdrawn.
    sent: bool,
    /// The last try after which it goes on; null if there was none.
    last_try: Option<LastTryReport>,
    /// An operator's decision, if one decided about it or withdrew it; null otherwise.
    decision: Option<OperationDecisionReport>,
}

impl From<Operation> for OperationReport {
    fn from(operation: Operation) -> OperationReport {
        let (kind, task) = (operation.task.kind(), operation.task);
        let (state, problem, movement) = state(operation.state);
        OperationReport {
            id: operation.id.into(),
            kind: kind.into(),
            provider: operation.provider.into(),
            payment: task.payment().map(|payment| payment.to_string()),
            order: task.order().map(ToString::to_string),
            amount: task.amount().map(Amount::from),
            reason: operation.reason,
            operator: operation.operator,
            state,
            problem,
            movement: movement.map(|movement| movement.to_string()),
            reference: operation.reference,
            created_at: operation.created_at,
            ended_at: operation.ended_at,
            next_at: operation.next_at,
            tries: operation.tries,
            sent: operation.is_sent,
            last_try: operation.last_try.map(LastTryReport::from),
            decision: operation.decision.map(OperationDecisionReport::from),
        }
    }
}

fn state(state: OperationState) -> (OperationStateDto, Option<OperationProblem>, Option<MovementId>) {
    match state {
        OperationState::Pending => (OperationStateDto::Pending, None, None),
        OperationState::Done { movement, .. } => (OperationStateDto::Done, None, movement),
        OperationState::Refused { code, message } => {
            (OperationStateDto::Refused, Some(OperationProblem::new(Some(code), message)), None)
        }
        OperationState::Unknown { message } => (OperationStateDto::Unknown, Some(OperationProblem::new(None, message)), None),
    }
}
