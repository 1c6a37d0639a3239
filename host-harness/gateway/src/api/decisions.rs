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

/// The operator's decision that created an entry.
#[derive(Serialize, ToSchema)]
pub struct DecidedByReport {
    /// The decision's id.
    id: u64,
    /// The operator's name.
    operator: String,
    /// The operator's reason.
    reason: String,
}

impl From<DecidedBy> for DecidedByReport {
    fn from(DecidedBy { id, operator, reason }: DecidedBy) -> DecidedByReport {
        DecidedByReport { id, operator, reason }
    }
}

/// An operator's decision about money.
#[derive(Serialize, ToSchema)]
struct DecisionReport {
    /// The decision's id. Later decisions have higher ids.
    id: u64,
    /// `entry` (an unmatched event was credited to an account), `dismissal` (it was dismissed), `correction` or `undoing` (an earlier
    /// decision was undone).
    kind: &'static str,
    /// The operator's name.
    operator: String,
    /// The operator's reason.
    reason: String,
    /// When it was made, in seconds since the Unix epoch.
    at: u64,
    /// The id of the unmatched event that it resolved; null for other kinds.
    unmatched: Option<u64>,
    /// The id of the decision that it undoes; null for other kinds.
    undoes: Option<u64>,
    /// The id of the decision that undid it; null if it is in force.
    undone_by: Option<u64>,
    /// The sequence number of the entry that it created; null if it created none.
    entry: Option<u64>,
    /// The account of that entry; null if it created none.
    account: Option<String>,
    /// The amount of that entry, or else the amount of the event; null if there is neither.
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

/// Decisions, the latest first.
#[derive(Serialize, ToSchema)]
pub struct Decisions {
    /// At most 1000 decisions. For the next ones, set `before` to the last `id`.
    decisions: Vec<DecisionReport>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// Returns only the decisions before this id.
    before: Option<u64>,
}

/// Returns the operators' decisions about money.
#[utoipa::path(get, path = "/decisions", operation_id = "list_decisions", params(Listing), responses(
    (status = OK, body = Decisions), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn list(State(app): State<App>, query: Result<Query<Listing>, QueryRejection>) -> Result<Json<Decisions>, Problem> {
    let Query(Listing { before }) = query?;
    let decided = blocking(&app, move |app| Ok(app.host.decisions(before, DECISIONS_MAX)?)).await?;
    Ok(Json(Decisions { decisions: decided.into_iter().map(DecisionReport::from).collect() }))
}

/// The operator who undoes a decision, and the reason.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Undoing {
    /// The operator's name: 1 to 64 visible characters, no space at either end.
    operator: String,
    /// The reason, of 1 to 255 characters.
    reason: String,
}

/// An undone decision.
#[derive(Serialize, ToSchema)]
pub struct Undone {
    /// The sequence number of the reversing entry; null if no money had moved.
    seq: Option<u64>,
}

/// Undoes a decision.
///
/// The entry that it created is reversed by an entry of the opposite amount, and the event that it resolved is unmatched again.
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
