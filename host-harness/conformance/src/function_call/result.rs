//! The result of a function that may ask.

use domain::{
    CallbackAnswer, CancelResult, ControlTotals, LinkFailure, OperationResult, PaymentLink, PaymentStatus, Problem,
    ProvedEvent, ReportFailure, ReportPage, ReportRow,
};
use serde_json::{Value, json};

/// The result of a function that may ask.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are those of the functions")]
pub enum FunctionResult {
    Link(Result<PaymentLink, LinkFailure>),
    Callback(CallbackAnswer),
    Status(Result<PaymentStatus, Problem>),
    Operation(OperationResult),
    Cancel(CancelResult),
    Page(Result<ReportPage, ReportFailure>),
    File(Result<(Vec<ReportRow>, ControlTotals), Vec<Problem>>),
}

impl FunctionResult {
    /// Returns the name of its case in the contract: `done`, `failed`, `succeeded`, …; of a callback, its verdict.
    pub fn name(&self) -> &'static str {
        match self {
            FunctionResult::Callback(answer) => answer.verdict.name(),
            FunctionResult::Operation(result) => result.name(),
            FunctionResult::Cancel(result) => result.name(),
            FunctionResult::Link(Ok(_))
            | FunctionResult::Status(Ok(_))
            | FunctionResult::Page(Ok(_))
            | FunctionResult::File(Ok(_)) => "done",
            FunctionResult::Link(Err(LinkFailure::Failed(_)))
            | FunctionResult::Page(Err(ReportFailure::Failed(_)))
            | FunctionResult::File(Err(_)) => "failed",
            FunctionResult::Link(Err(LinkFailure::Unavailable(_)))
            | FunctionResult::Status(Err(_))
            | FunctionResult::Page(Err(ReportFailure::Unavailable(_))) => "unavailable",
            FunctionResult::Link(Err(LinkFailure::Unknown(_))) => "unknown",
        }
    }

    /// Returns the events that it reports.
    pub fn events(&self) -> &[ProvedEvent] {
        match self {
            FunctionResult::Callback(answer) => answer.verdict.events(),
            FunctionResult::Status(Ok(status)) => &status.events,
            FunctionResult::Operation(OperationResult::Succeeded(event)) => std::slice::from_ref(event),
            _ => &[],
        }
    }

    /// Returns the problems that it reports.
    pub fn problems(&self) -> Vec<&Problem> {
        match self {
            FunctionResult::Callback(answer) => answer.verdict.problem().into_iter().collect(),
            FunctionResult::Status(Ok(status)) => status.unresolved.iter().collect(),
            FunctionResult::Link(Err(LinkFailure::Failed(problems)))
            | FunctionResult::Page(Err(ReportFailure::Failed(problems)))
            | FunctionResult::File(Err(problems)) => problems.iter().collect(),
            FunctionResult::Status(Err(problem))
            | FunctionResult::Link(Err(LinkFailure::Unavailable(problem) | LinkFailure::Unknown(problem)))
            | FunctionResult::Page(Err(ReportFailure::Unavailable(problem)))
            | FunctionResult::Operation(
                OperationResult::Refused(problem) | OperationResult::Unavailable(problem) | OperationResult::Unknown(problem),
            )
            | FunctionResult::Cancel(
                CancelResult::Refused(problem) | CancelResult::Unavailable(problem) | CancelResult::Unknown(problem),
            ) => vec![problem],
            FunctionResult::Link(Ok(_))
            | FunctionResult::Page(Ok(_))
            | FunctionResult::File(Ok(_))
            | FunctionResult::Operation(OperationResult::Succeeded(_) | OperationResult::Pending(_))
            | FunctionResult::Cancel(CancelResult::Cancelled) => Vec::new(),
        }
    }

    /// Returns what it is, for a finding.
    pub fn place(&self) -> &'static str {
        match self {
            FunctionResult::Link(_) => "a link, or the problem of one",
            FunctionResult::Callback(_) => "the answer to a callback",
            FunctionResult::Status(_) => "the status of a payment",
            FunctionResult::Operation(_) => "the result of a refund or a charge",
            FunctionResult::Cancel(_) => "the result of ending a subscription",
            FunctionResult::Page(_) | FunctionResult::File(_) => "a row of a report, or a problem of it",
        }
    }

    /// Returns it in JSON: `result`, which is its name, `problems`, and what it has beside them: of a link all its fields, of a
    /// status `events`, `unresolved` and `ask_again`, of an operation `event`, or `ask_again` and `reference`, of a report `rows`,
    /// `next` and `control`, of a callback `events` and `reply`.
    pub fn to_json(&self) -> Value {
        let more = match self {
            FunctionResult::Link(Ok(link)) => json!(link),
            FunctionResult::Callback(answer) => json!({"events": answer.verdict.events(), "reply": answer.reply}),
            FunctionResult::Status(Ok(status)) => json!(status),
            FunctionResult::Operation(OperationResult::Succeeded(event)) => json!({"event": event}),
            FunctionResult::Operation(OperationResult::Pending(pending)) => json!(pending),
            FunctionResult::Page(Ok(page)) => json!(page),
            FunctionResult::File(Ok((rows, control))) => json!({"rows": rows, "control": control}),
            _ => json!({}),
        };
        let mut whole = json!({"result": self.name(), "problems": self.problems()});
        if let (Value::Object(whole), Value::Object(more)) = (&mut whole, more) {
            whole.extend(more);
        }
        whole
    }
}
