//! Starts on an older copy of the ledger, and who compared the payment systems with it.

use axum::extract::State;
use domain::{Comparison, Restoration};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Details, Json};
use crate::problem::Problem;
use crate::shared::{App, blocking};

/// A start on an older copy of the ledger, or on one whose loss of commits was accepted.
#[derive(Serialize, ToSchema)]
struct RestorationReport {
    /// Its number, from 1.
    id: u64,
    /// When the last commit was made that the copy has, in seconds since the Unix epoch; null if that is not known.
    copied_at: Option<u64>,
    /// When the host was started on it.
    started_at: u64,
    /// Who compared the payment systems with it; null as long as nobody has.
    comparison: Option<ComparisonReport>,
}

/// An operator's decision that the ledger has all that the payment systems did since the copy was made.
#[derive(Serialize, ToSchema)]
struct ComparisonReport {
    /// The operator's name.
    operator: String,
    /// How it was compared, in the operator's words.
    comment: String,
    /// When it was recorded, in seconds since the Unix epoch.
    at: u64,
}

impl From<Restoration> for RestorationReport {
    fn from(Restoration { id, copied_at, started_at, comparison }: Restoration) -> RestorationReport {
        let comparison = comparison.map(|Comparison { operator, comment, at }| ComparisonReport { operator, comment, at });
        RestorationReport { id, copied_at, started_at, comparison }
    }
}

/// Restorations of the ledger, the latest first.
#[derive(Serialize, ToSchema)]
pub struct Restorations {
    /// All of them.
    restorations: Vec<RestorationReport>,
}

/// Returns the restorations of the ledger from older copies, and the operators' comparisons.
#[utoipa::path(get, path = "/restorations", operation_id = "list_restorations", responses(
    (status = OK, body = Restorations), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn list(State(app): State<App>) -> Result<Json<Restorations>, Problem> {
    let restorations = blocking(&app, |app| Ok(app.host.restorations()?)).await?;
    Ok(Json(Restorations { restorations: restorations.into_iter().map(RestorationReport::from).collect() }))
}
