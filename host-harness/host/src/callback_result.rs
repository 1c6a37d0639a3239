//! The result of a callback, and of one that is judged again.

use domain::{Event, HttpReply, Outcome, Problem};

/// The outcome of a callback, for the payment system and for the caller.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct CallbackOutcome {
    /// The provider's reply, to send to the payment system. Whatever it acknowledges is on disk.
    pub reply: HttpReply,
    /// The verdict, and what the ledger recorded.
    pub result: CallbackResult,
}

/// The result of processing a callback.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CallbackResult {
    /// It reported events, and the ledger recorded these outcomes, in their order.
    Accepted(Vec<Outcome>),
    /// It was answered, and there was nothing to record.
    Answered,
    /// It is proved but not understood. It is stored, and waits for an operator.
    Unresolved,
    /// It is proved, but not about money.
    Ignored,
    /// It is not proved, or is for another merchant.
    Refused,
    /// It cannot be judged now, and nothing was stored. The reply has the payment system send it again.
    Unavailable,
}

impl CallbackResult {
    /// Returns the name, such as `accepted`.
    pub fn name(&self) -> &'static str {
        match self {
            CallbackResult::Accepted(_) => "accepted",
            CallbackResult::Answered => "answered",
            CallbackResult::Unresolved => "unresolved",
            CallbackResult::Ignored => "ignored",
            CallbackResult::Refused => "refused",
            CallbackResult::Unavailable => "unavailable",
        }
    }
}

/// A callback that has a reply.
#[derive(Clone)]
pub(crate) struct Answered {
    pub reply: HttpReply,
    pub result: Judged,
    /// Of a callback that is judged again: why it is not accepted.
    pub problem: Option<Problem>,
}

/// The outcome of a stored callback that an operator had judged again.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct JudgedAgain {
    /// The verdict, and what the ledger recorded. Only an accepted callback changes anything.
    pub result: CallbackResult,
    /// Why it is not accepted, as the provider says it.
    pub problem: Option<Problem>,
    /// Whether it was judged without its secret headers, since they were sealed with another key. A provider that is proved by them
    /// refuses it.
    pub lacks_headers: bool,
}

/// The verdict on a callback, with the ledger's outcomes for its events.
#[derive(Clone)]
pub(crate) enum Judged {
    Recorded(Vec<(Event, Outcome)>),
    Other(CallbackResult),
}

impl From<Answered> for CallbackOutcome {
    fn from(Answered { reply, result, .. }: Answered) -> CallbackOutcome {
        CallbackOutcome { reply, result: result.into() }
    }
}

impl From<Judged> for CallbackResult {
    fn from(judged: Judged) -> CallbackResult {
        match judged {
            Judged::Other(result) => result,
            Judged::Recorded(recorded) => CallbackResult::Accepted(recorded.into_iter().map(|(_, outcome)| outcome).collect()),
        }
    }
}
