//! Write-offs, as billing adds them.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use ledger::{Day, WriteOff, WriteOffRefusal};
use sandbox::records::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, Body, Details, Json, NAME_CHARS_MAX, TEXT_CHARS_MAX, checked, optional};
use crate::problem::Problem;
use crate::{App, blocking, now};

/// How many write-offs a batch has at most, and how many bytes.
const WRITEOFFS_MAX: usize = 10_000;
const BYTES_MAX: usize = 16 << 20;
const SERVICE_CHARS_MAX: usize = 250;

/// The limit of the batch's body, for the route.
pub fn limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(BYTES_MAX)
}

/// Write-offs to be added, all or none.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// At most 10,000, and 16 MiB.
    writeoffs: Vec<NewWriteoff>,
}

/// A charge for a service.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWriteoff {
    /// Billing's id, unique over all accounts: the same again debits nothing more.
    id: String,
    account: String,
    /// Billing's code of the service.
    #[serde(default)]
    service_code: String,
    /// The service's name, of at most 250 characters.
    service: String,
    /// The unit's name, such as `мес`.
    #[serde(default)]
    unit: String,
    /// The first day of the period charged for.
    #[schema(value_type = String, format = Date)]
    period: Date,
    /// The day of the charge.
    #[schema(value_type = String, format = Date)]
    date: Date,
    /// Thousandths of the unit; 1000 is one.
    #[serde(default = "one")]
    quantity_thousandths: i64,
    /// What was charged, VAT included; negative for a correction.
    amount: Amount,
    /// VAT in hundredths of a percent: 2200 is 22 %; absent: «без НДС».
    vat_basis_points: Option<u16>,
    #[serde(default)]
    note: String,
}

fn one() -> i64 {
    1000
}

impl NewWriteoff {
    fn writeoff(self, index: usize) -> Result<WriteOff, Problem> {
        let day = |date: Date| Day { year: date.year, month: date.month, day: date.day };
        let field = |name: &str| format!("writeoffs[{index}].{name}");
        Ok(WriteOff {
            id: checked(&field("id"), self.id, NAME_CHARS_MAX)?,
            account: self.account,
            service_code: optional(&field("service_code"), self.service_code, NAME_CHARS_MAX)?,
            service: checked(&field("service"), self.service, SERVICE_CHARS_MAX)?,
            unit: optional(&field("unit"), self.unit, NAME_CHARS_MAX)?,
            period: day(self.period),
            date: day(self.date),
            quantity_thousandths: self.quantity_thousandths,
            amount: self.amount.money(&field("amount"))?,
            vat_basis_points: self.vat_basis_points,
            note: optional(&field("note"), self.note, TEXT_CHARS_MAX)?,
        })
    }
}

/// What a batch came to.
#[derive(Serialize, ToSchema)]
pub struct Added {
    /// How many were new.
    added: usize,
    /// How many were there before, the same.
    repeated: usize,
}

/// Debits accounts for services, each write-off once.
#[utoipa::path(post, path = "/writeoffs", request_body = Batch, responses(
    (status = OK, body = Added), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn add(State(app): State<App>, body: Body<Batch>) -> Result<Json<Added>, Problem> {
    let Json(Batch { writeoffs }) = body?;
    if writeoffs.len() > WRITEOFFS_MAX {
        return Err(Problem::unprocessable(format!("a batch has at most {WRITEOFFS_MAX} write-offs; send several")));
    }
    let writeoffs = writeoffs.into_iter().enumerate().map(|(index, writeoff)| writeoff.writeoff(index));
    let writeoffs = writeoffs.collect::<Result<Vec<WriteOff>, Problem>>()?;
    let added = blocking(&app, move |app| {
        app.ledger.add_writeoffs(writeoffs, now())?.map_err(|refusal| match refusal {
            WriteOffRefusal::UnknownAccount(index) => {
                Problem::unprocessable(format!("writeoffs[{index}].account is not known"))
            }
            WriteOffRefusal::IdReused(index) => Problem::new(
                StatusCode::CONFLICT,
                format!("writeoffs[{index}].id is another write-off's that was added before"),
            ),
        })
    })
    .await?;
    app.entered.send_replace(());
    Ok(Json(Added { added: added.added, repeated: added.repeated }))
}
