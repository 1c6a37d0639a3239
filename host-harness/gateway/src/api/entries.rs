//! The feed of entries.

use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use domain::{AccountNumber, Date, Entry};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::decisions::DecidedByReport;
use super::{Amount, Details, EntryKindDto, ExtraField, Json, extra};
use crate::problem::Problem;
use crate::shared::{App, blocking};

/// How many entries are returned at once.
const ENTRIES_MAX: u32 = 1000;
/// How long a request may wait for an entry, in seconds.
const WAIT_SECONDS_MAX: u64 = 60;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Only of this account.
    account: Option<String>,
    /// Only those after this one; the `seq` of the last that was seen.
    #[serde(default)]
    after: u64,
    /// Seconds to wait for an entry where there is none yet; at most 60.
    #[serde(default)]
    wait: u64,
}

/// Entries, in order.
#[derive(Serialize, ToSchema)]
pub struct Feed {
    /// At most 1000; ask for those after the last one.
    entries: Vec<EntryReport>,
}

/// A line of the ledger. Nothing changes or removes it.
#[derive(Serialize, ToSchema)]
struct EntryReport {
    /// Its place in the ledger: later ones are higher, and none comes in between.
    seq: u64,
    account: String,
    kind: EntryKindDto,
    /// What the balance changed by.
    amount: Amount,
    comment: String,
    /// The order that it is about.
    order: Option<String>,
    /// The payment system's id.
    transaction: Option<String>,
    /// The provider that told of it.
    provider: Option<String>,
    /// When it was entered, seconds since the epoch.
    at: u64,
    /// A write-off's own day, by which statistics count it; none of the others has one.
    #[schema(value_type = Option<String>, format = Date)]
    date: Option<Date>,
    /// The operator's decision that it was made by; none where a payment system or billing told of it.
    decision: Option<DecidedByReport>,
    /// The place of the entry that it takes back.
    reverses: Option<u64>,
    /// The id of the write-off that it was made by: exports name it so, and an exclusion asks for it.
    writeoff: Option<String>,
    /// What the provider said beside, as received: not proved.
    extra: Vec<ExtraField>,
}

impl From<Entry> for EntryReport {
    fn from(entry: Entry) -> EntryReport {
        EntryReport {
            seq: entry.seq,
            account: entry.account.into(),
            kind: entry.kind.into(),
            amount: entry.amount.into(),
            comment: entry.comment,
            order: entry.order.map(String::from),
            transaction: entry.transaction.map(String::from),
            provider: entry.provider.map(String::from),
            at: entry.at,
            date: entry.date,
            decision: entry.decision.map(DecidedByReport::from),
            reverses: entry.reverses,
            writeoff: entry.writeoff,
            extra: extra(entry.extra),
        }
    }
}

/// A feed to follow: entries after a place, in order, none left out.
#[utoipa::path(get, path = "/entries", operation_id = "list_entries", params(ListQuery), responses(
    (status = OK, body = Feed), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn feed(State(app): State<App>, query: Result<Query<ListQuery>, QueryRejection>) -> Result<Json<Feed>, Problem> {
    let Query(ListQuery { account, after, wait }) = query?;
    // An invalid number is searched for as well, and has no entries.
    let account = account.map(AccountNumber::stored);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(wait.min(WAIT_SECONDS_MAX));
    // Subscribed before it is read, so that no entry comes between.
    let mut entered = app.entered.subscribe();
    let mut ending = app.ending.subscribe();
    loop {
        let account = account.clone();
        let found = blocking(&app, move |app| Ok(app.host.entries_after(account.as_ref(), after, ENTRIES_MAX)?)).await?;
        let is_over = !found.is_empty()
            || tokio::select! {
                more = tokio::time::timeout_at(deadline, entered.changed()) => more.is_err(),
                _ = ending.wait_for(|is_ending| *is_ending) => true,
            };
        if is_over {
            return Ok(Json(Feed { entries: found.into_iter().map(EntryReport::from).collect() }));
        }
    }
}
