//! Operators' decisions about money, and undoing them.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use domain::{Decided, DecidedBy, Decision};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::path::{NumberPath, Path};
use super::{Amount, Body, Details, Json};
use crate::problem::Problem;
use crate::shared::{App, blocking};

/// How many are returned at once.
const DECISIONS_MAX: u32 = 1000;

/// Whose decision an entry was made by.
#[derive(Serialize, ToSchema)]
pub struct DecidedByReport {
    /// The decision's number.
    id: u64,
    operator: String,
    /// In the operator's words.
    reason: String,
}

impl From<DecidedBy> for DecidedByReport {
    fn from(DecidedBy { id, operator, reason }: DecidedBy) -> DecidedByReport {
        DecidedByReport { id, operator, reason }
    }
}

/// A decision about money.
#[derive(Serialize, ToSchema)]
struct DecisionReport {
    /// Later ones are higher.
    id: u64,
    /// `entry`, `dismissal`, `correction` or `undoing`.
    kind: &'static str,
    operator: String,
    /// In the operator's words.
    reason: String,
    /// Seconds since the epoch.
    at: u64,
    /// The event that it is about, among those that waited.
    unmatched: Option<u64>,
    /// The decision that it undoes.
    undoes: Option<u64>,
    /// The decision that undid it.
    undone_by: Option<u64>,
    /// The place of the entry that it made.
    entry: Option<u64>,
    /// The account of that entry.
    account: Option<String>,
    /// What the balance changed by; without an entry, what the event is about.
    amount: Option<Amount>,
}

impl From<Decided> for DecisionReport {
    fn from(Decided { decision, entry, event }: Decided) -> DecisionReport {
        let Decision { id, kind, unmatched, undoes, operator, reason, at, undone_by } = decision;
        let amount = entry.as_ref().map(|entry| entry.amount).or(event.map(|event| event.facts.amount));
        let (seq, account) = entry.map(|entry| (entry.seq, entry.account.into())).unzip();
        let (kind, amount) = (kind.name(), amount.map(Amount::from));
        DecisionReport { id, kind, operator, reason, at, unmatched, undoes, undone_by, entry: seq, account, amount }
    }
}

/// Decisions, the last first.
#[derive(Serialize, ToSchema)]
pub struct Decisions {
    /// At most 1000; ask for those before the last one.
    decisions: Vec<DecisionReport>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// Only decisions before this one; the `id` of the last that was seen.
    before: Option<u64>,
}

/// What operators decided about money: who, when and why.
#[utoipa::path(get, path = "/decisions", operation_id = "list_decisions", params(Listing), responses(
    (status = OK, body = Decisions), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn list(State(app): State<App>, query: Result<Query<Listing>, QueryRejection>) -> Result<Json<Decisions>, Problem> {
    let Query(Listing { before }) = query?;
    let decided = blocking(&app, move |app| Ok(app.host.decisions(before, DECISIONS_MAX)?)).await?;
    Ok(Json(Decisions { decisions: decided.into_iter().map(DecisionReport::from).collect() }))
}

/// By whom and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Undoing {
    operator: String,
    /// Why, of at most 255 characters.
    reason: String,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
pub struct Undone {
    /// The place of the entry that takes back; none where no money had moved.
    seq: Option<u64>,
}

/// Undoes a decision: what it entered is taken back by an entry of the opposite amount, and an event that it was about waits again.
#[utoipa::path(post, path = "/decisions/{id}/undo", operation_id = "undo_decision",
    request_body = Undoing, params(NumberPath), responses(
    (status = OK, body = Undone), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn undo(
    State(app): State<App>,
    Path(NumberPath { id }): Path<NumberPath>,
    body: Body<Undoing>,
) -> Result<Json<Undone>, Problem> {
    let Json(Undoing { operator, reason }) = body?;
    blocking(&app, move |app| Ok(Json(Undone { seq: app.host.undo_decision(id, operator, reason)? }))).await
}
