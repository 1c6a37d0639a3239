//! What a provider can ask the host, and the answers.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::amount::Money;
use crate::event::EventKind;
use crate::fields::Fields;
use crate::http_call::{HttpCall, HttpResult};
use crate::identifiers::{AccountNumber, DedupKey, OrderId};
use crate::movement::MovementState;
use crate::order::Order;
use crate::provider::Problem;

/// A question of a provider.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Question {
    /// About an account.
    Account(AccountQuery),
    /// About what the ledger recorded.
    Ledger(LedgerQuestion),
    /// One that this host does not know, by its name.
    Other(String, Fields),
}

impl Question {
    /// Returns the question about the ledger, if it is one.
    pub fn of_ledger(&self) -> Option<&LedgerQuestion> {
        match self {
            Question::Ledger(question) => Some(question),
            Question::Account(_) | Question::Other(..) => None,
        }
    }
}

/// What it is about, for people: `the order "42"`.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Question::Account(query) => write!(f, "the account {:?}", query.number.as_str()),
            Question::Ledger(LedgerQuestion::Order(id)) => write!(f, "the order {:?}", id.as_str()),
            Question::Ledger(LedgerQuestion::Movement(MovementName::Key(key))) => {
                write!(f, "the movement with the dedup key {:?}", key.as_str())
            }
            Question::Ledger(LedgerQuestion::Movement(MovementName::Id(id))) => {
                write!(f, "the movement with the number {id:?}")
            }
            Question::Ledger(LedgerQuestion::Movements(query)) => {
                write!(f, "the movements from the second {} to {}", query.since, query.until)
            }
            Question::Other(name, _) => write!(f, "{name:?}, a question that this contract does not have"),
        }
    }
}

/// A question about what the ledger recorded for one provider.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum LedgerQuestion {
    /// The order of this id.
    Order(OrderId),
    /// A movement.
    Movement(MovementName),
    /// The movements of some time.
    Movements(MovementsQuery),
}

/// How a movement is named.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum MovementName {
    /// By its event's key.
    Key(DedupKey),
    /// By its number, as a payment system repeats it: any text.
    Id(String),
}

/// A query for the movements of a provider whose time lies within a range. A movement's time is that of its event if it has an
/// offset, and otherwise the time of its recording. The order is by time, and by number within a second.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MovementsQuery {
    /// The first second of the range, since the epoch.
    pub since: u64,
    /// The last second of the range.
    pub until: u64,
    /// If given, only the movements of this kind.
    pub kind: Option<EventKind>,
    /// If given, only those after this movement, which is named by its number. After a movement that the provider does not
    /// have there are none.
    pub after: Option<String>,
    /// The most movements to return: 1 to [`LIMIT_MAX`](MovementsQuery::LIMIT_MAX). A larger number counts as that one, and 0 as 1.
    pub limit: u16,
}

impl MovementsQuery {
    /// The most movements of a page.
    pub const LIMIT_MAX: u16 = 500;
}

/// The answer to a [`LedgerQuestion`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "a request has a few of them, and not for long")]
pub enum LedgerAnswer {
    /// The order; `None` if the provider has no such order.
    Order(Option<OrderState>),
    /// The movement; `None` if the provider has none of this name.
    Movement(Option<MovementState>),
    /// A page of movements.
    Movements(MovementsPage),
}

/// An order, and what was recorded of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrderState {
    /// The order.
    pub order: Order,
    /// The payment that paid it.
    pub paid_by: Option<MovementState>,
    /// The hold that reserves it: of its amount, and the first that has not ended. `None` if the order is paid.
    pub held_by: Option<MovementState>,
    /// When it stopped being payable, seconds since the epoch; `None` if it has not.
    pub closed_at: Option<u64>,
}

/// A page of movements.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct MovementsPage {
    /// The movements.
    pub movements: Vec<MovementState>,
    /// Whether there are more.
    pub more: bool,
}

/// A question about an account.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AccountQuery {
    /// The account, as the payer entered it.
    pub number: AccountNumber,
    /// What the payer wants to pay, if it is known.
    pub amount: Option<Money>,
    /// What else the payment system says, such as the `service`.
    pub extra: Fields,
}

/// An account, as a payment system may see it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AccountState {
    /// The account.
    pub number: AccountNumber,
    /// Why it takes no payment, or not this one; `None` if it does.
    pub refusal: Option<Problem>,
    /// The holder as the payer may see it, masked; empty if it is not to be shown.
    pub holder: String,
    /// The address as the payer may see it, masked; empty if it is not to be shown.
    pub address: String,
    /// The balance.
    pub balance: Option<Money>,
    /// What billing recommends to pay.
    pub due: Option<Money>,
    /// What else billing says.
    pub extra: Fields,
}

/// Why a question has no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum NoAnswer {
    /// Whoever could answer it cannot be reached now.
    Unavailable,
    /// The host does not know the question.
    Unsupported,
}

/// A question and its answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "a request has a few of them, and not for long")]
pub enum Exchange {
    /// About an account; the answer is `None` if there is no such account.
    Account(AccountQuery, Result<Option<AccountState>, NoAnswer>),
    /// About what the ledger recorded.
    Ledger(LedgerQuestion, Result<LedgerAnswer, NoAnswer>),
    /// One that this host does not know.
    Other(String, Fields, NoAnswer),
}

impl Exchange {
    /// Returns its question.
    pub fn question(&self) -> Question {
        match self {
            Exchange::Account(query, _) => Question::Account(query.clone()),
            Exchange::Ledger(question, _) => Question::Ledger(question.clone()),
            Exchange::Other(name, values, _) => Question::Other(name.clone(), values.clone()),
        }
    }
}

/// A step of a provider to a result.
#[derive(Clone, PartialEq, Eq)]
pub enum Step<T> {
    /// It asks the host, at least one question.
    Ask(Vec<Question>),
    /// It has the host make a call.
    Call(HttpCall),
    /// The result.
    Done(T),
}

impl<T> Step<T> {
    /// Converts the result.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Step<U> {
        match self {
            Step::Ask(questions) => Step::Ask(questions),
            Step::Call(call) => Step::Call(call),
            Step::Done(result) => Step::Done(convert(result)),
        }
    }

    /// Returns the result; `None` if the provider asks or has a call made.
    pub fn done(self) -> Option<T> {
        match self {
            Step::Done(result) => Some(result),
            Step::Ask(_) | Step::Call(_) => None,
        }
    }
}

impl Context {
    /// Creates the context of a first call, at this second of the epoch.
    pub fn at(now: u64) -> Context {
        Context { now, ..Context::default() }
    }
}

/// What a provider is told about one of its events.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EventOutcome {
    /// It was entered.
    Entered(MovementState),
    /// It was entered or kept before.
    Repeated(MovementState),
    /// Its key was recorded before, of an event that contradicts it.
    Conflict(MovementState),
    /// It fits nothing and waits for an operator.
    Kept(MovementState),
    /// Billing does not agree.
    Refused(Problem),
    /// Nothing could be stored.
    Unavailable,
}

/// What a provider is told besides the arguments of a call: the time, and the answers to what it asked.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Context {
    /// When the request came or the operation was begun, seconds since the epoch. The same in every call for one result.
    pub now: u64,
    /// The questions that were answered.
    pub asked: Vec<Exchange>,
    /// The HTTP calls that were made.
    pub called: Vec<(HttpCall, HttpResult)>,
    /// What was made of the events of a callback whose reply depends on it, in their order; empty before that.
    pub outcomes: Vec<EventOutcome>,
}
