//! The feed of entries.

use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use domain::{AccountNumber, Date, Entry, MovementOrigin};
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
    /// Returns only the entries of this account.
    account: Option<String>,
    /// Returns only the entries after this sequence number: the `seq` of the last entry that was processed. A number later than the
    /// ledger's last entry is refused with 409 and the code `entries-after-unknown`: the ledger was restored from a backup.
    #[serde(default)]
    after: u64,
    /// The `digest` of the entry `after`. If the ledger's entry with that number is another one, the request is refused with 409 and
    /// the code `entries-after-unknown`: the ledger was restored from a backup, and has given the number again.
    digest: Option<String>,
    /// How long to wait if there is no entry yet, in seconds; values above 60 mean 60.
    #[serde(default)]
    wait: u64,
}

/// Entries in the order of their sequence numbers.
#[derive(Serialize, ToSchema)]
pub struct Feed {
    /// At most 1000 entries. For the next ones, set `after` and `digest` to those of the last one.
    entries: Vec<EntryReport>,
}

/// A ledger entry. It is never changed or removed.
#[derive(Serialize, ToSchema)]
struct EntryReport {
    /// The sequence number. Later entries have higher numbers.
    seq: u64,
    /// Tells the entry from another one that gets the same number after a backup was restored: 16 hexadecimal digits. Send it with
    /// `after`.
    digest: String,
    /// The account's number.
    account: String,
    /// The kind of the entry.
    kind: EntryKindDto,
    /// The amount added to the balance: negative for a debit.
    amount: Amount,
    /// The comment for the subscriber or the operator.
    comment: String,
    /// The order's id; null if the entry belongs to no order.
    order: Option<String>,
    /// The payment system's transaction id; null if no payment system is involved.
    transaction: Option<String>,
    /// The name of the provider that reported the transaction; null if none did.
    provider: Option<String>,
    /// The number of the payment, refund or chargeback that the entry enters: an operation names a payment by it. Null if the entry
    /// enters none.
    movement: Option<String>,
    /// How the gateway learnt of that movement; null if the entry enters none.
    origin: Option<OriginDto>,
    /// When that movement happened by the payment system's clock: `YYYY-MM-DD` or `YYYY-MM-DDThh:mm:ss`, with an offset where its zone
    /// is known, or as received if it has no such form. It may be another day than that of `at`. Null if it is not known.
    occurred_at: Option<String>,
    /// When it was entered, in seconds since the Unix epoch.
    at: u64,
    /// The date of a write-off, by which statistics count it; null for other kinds.
    #[schema(value_type = Option<String>, format = Date)]
    date: Option<Date>,
    /// The operator's decision that created the entry; null if a payment system or billing did.
    decision: Option<DecidedByReport>,
    /// The sequence number of the entry that this one reverses; null if it reverses none.
    reverses: Option<u64>,
    /// Billing's id of the write-off; null for other kinds.
    writeoff: Option<String>,
    /// Additional fields from the payment system as received. They may be unsigned: do not rely on them.
    extra: Vec<ExtraField>,
}

impl From<Entry> for EntryReport {
    fn from(entry: Entry) -> EntryReport {
        EntryReport {
            seq: entry.seq,
            digest: host::entry_digest(&entry),
            account: entry.account.into(),
            kind: entry.kind.into(),
            amount: entry.amount.into(),
            comment: entry.comment,
            order: entry.order.map(String::from),
            transaction: entry.transaction.map(String::from),
            provider: entry.provider.map(String::from),
            movement: entry.movement.map(|movement| movement.to_string()),
            origin: entry.origin.map(OriginDto::from),
            occurred_at: entry.occurred_at,
            at: entry.at,
            date: entry.date,
            decision: entry.decision.map(DecidedByReport::from),
            reverses: entry.reverses,
            writeoff: entry.writeoff,
            extra: extra(entry.extra),
        }
    }
}

/// How the gateway learnt of a payment, refund or chargeback.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = Origin)]
enum OriginDto {
    /// A callback reported it.
    Callback,
    /// The payment system was asked, and answered so.
    Status,
    /// The answer to an operation, such as a refund, reported it.
    Operation,
    /// The gateway ended a hold whose time was over.
    Expiry,
}

impl From<MovementOrigin> for OriginDto {
    fn from(origin: MovementOrigin) -> OriginDto {
        match origin {
            MovementOrigin::Callback => OriginDto::Callback,
            MovementOrigin::Status => OriginDto::Status,
            MovementOrigin::Operation => OriginDto::Operation,
            MovementOrigin::Expiry => OriginDto::Expiry,
        }
    }
}

/// Returns the feed of entries.
///
/// The feed has all entries after a sequence number in order, without gaps. To follow it, repeat the request with the `seq` and the
/// `digest` of the last entry.
#[utoipa::path(get, path = "/entries", operation_id = "list_entries", params(ListQuery), responses(
    (status = OK, body = Feed), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn feed(State(app): State<App>, query: Result<Query<ListQuery>, QueryRejection>) -> Result<Json<Feed>, Problem> {
    let Query(ListQuery { account, after, digest, wait }) = query?;
    // An invalid number is searched for as well, and has no entries.
    let account = account.map(AccountNumber::stored);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(wait.min(WAIT_SECONDS_MAX));
    // Subscribed before it is read, so that no entry comes between.
    let mut entered = app.entered.subscribe();
    let mut ending = app.ending.subscribe();
    if let Some(digest) = digest {
        blocking(&app, move |app| Ok(app.host.require_entry(after, &digest)?)).await?;
    }
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
