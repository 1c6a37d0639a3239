//! Write-offs that billing adds.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use domain::{AccountNumber, Fault, Money, WriteOff, WriteOffRefusal, WriteOffsAdded, WrittenDate};
use money::Currency;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, Body, Details, Json};
use crate::problem::Problem;
use crate::shared::{App, Shared, blocking};

/// The maximum size of a batch, in write-offs and in bytes.
const WRITEOFFS_MAX: usize = 10_000;
const BYTES_MAX: usize = 16 << 20;
/// The fields of a write-off's fault that belong to its account, besides `subscriber.…`.
const OF_ACCOUNT: [&str; 3] = ["contract", "contract_date", "foreign_tax_number"];

/// Returns the size limit of a batch.
pub fn limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(BYTES_MAX)
}

/// A batch of write-offs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// At most 10,000 write-offs. The request must not exceed 16 MiB.
    writeoffs: Vec<NewWriteoff>,
}

/// A charge for a service.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWriteoff {
    /// Billing's id of the write-off, unique over all accounts. The same write-off again debits nothing more.
    id: String,
    /// The number of the account that is debited.
    account: String,
    /// Billing's code of the service. All write-offs with the same code (or, without a code, the same name) must have the same unit.
    #[serde(default)]
    service_code: String,
    /// The service's name, of 1 to 250 characters.
    service: String,
    /// The unit of measure, such as `мес`.
    #[serde(default)]
    unit: String,
    /// The first day of the period that is charged, in the month of `date`.
    #[schema(value_type = String, format = Date)]
    period: WrittenDate,
    /// The date of the charge.
    #[schema(value_type = String, format = Date)]
    date: WrittenDate,
    /// The quantity in thousandths of the unit. Default: 1000, which is one unit.
    #[serde(default = "one")]
    quantity_thousandths: i64,
    /// The amount charged, including VAT, in RUB; negative for a correction.
    amount: Amount,
    /// The VAT rate in hundredths of a percent: 2200 is 22 %. Absent: not subject to VAT («без НДС»).
    vat_basis_points: Option<u16>,
    /// A note for accounting.
    #[serde(default)]
    note: String,
}

fn one() -> i64 {
    1000
}

impl NewWriteoff {
    /// Converts the write-off, or returns the faults that prevent this. The ledger decides whether it can be exported.
    fn writeoff(self) -> Result<WriteOff, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut fault = |field: &str, message: String| faults.push(Fault { code: "invalid", field: field.to_owned(), message });
        let mut day = |field: &str, written: WrittenDate| {
            let day = written.day();
            if day.is_none() {
                fault(field, format!("{written} is not a day of the calendar"));
            }
            day
        };
        let (period, date) = (day("period", self.period), day("date", self.date));
        let currency = Currency::parse(&self.amount.currency);
        if currency.is_none() {
            fault("amount.currency", "must be a code of three capital letters, such as RUB".to_owned());
        }
        let (Some(period), Some(date), Some(currency)) = (period, date, currency) else { return Err(faults) };
        Ok(WriteOff {
            id: self.id,
            account: AccountNumber::new(self.account).map_err(|_| vec![Fault::unknown_account()])?,
            service_code: self.service_code,
            service: self.service,
            unit: self.unit,
            period,
            date,
            quantity_thousandths: self.quantity_thousandths,
            amount: Money { minor_units: self.amount.minor_units, currency },
            vat_basis_points: self.vat_basis_points,
            note: self.note,
        })
    }
}

/// The result of a batch.
#[derive(Serialize, ToSchema)]
#[schema(as = WriteOffsAdded)]
pub struct WriteOffsAddedDto {
    /// The number of write-offs that were added.
    added: usize,
    /// The number of write-offs that had been added before.
    repeated: usize,
}

/// Adds write-offs, which debit accounts for services.
///
/// A batch is added completely or not at all. If write-offs are invalid or could not be exported, `problems` names up to 100 of
/// their fields as `writeoffs[INDEX].field`.
#[utoipa::path(post, path = "/writeoffs", operation_id = "add_writeoffs", request_body = Batch, responses(
    (status = OK, body = WriteOffsAddedDto), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn add(State(app): State<App>, body: Body<Batch>) -> Result<Json<WriteOffsAddedDto>, Problem> {
    let Json(Batch { writeoffs }) = body?;
    if writeoffs.len() > WRITEOFFS_MAX {
        return Err(Problem::unprocessable(format!("a batch has at most {WRITEOFFS_MAX} write-offs; send several")));
    }
    let mut faults = Vec::new();
    let mut good = Vec::with_capacity(writeoffs.len());
    for (index, writeoff) in writeoffs.into_iter().enumerate() {
        match writeoff.writeoff() {
            Ok(writeoff) => good.push((index, writeoff)),
            Err(of_one) => faults.extend(of_one.into_iter().map(|fault| (index, fault))),
        }
    }
    let added = blocking(&app, move |app| add_all(app, good, faults)).await?;
    Ok(Json(WriteOffsAddedDto { added: added.added, repeated: added.repeated }))
}

/// Adds the write-offs if none is invalid. Otherwise reports the faults of all.
fn add_all(app: &Shared, good: Vec<(usize, WriteOff)>, mut faults: Vec<(usize, Fault)>) -> Result<WriteOffsAdded, Problem> {
    let (indices, writeoffs): (Vec<usize>, Vec<WriteOff>) = good.into_iter().unzip();
    let mut more = 0;
    if faults.is_empty() {
        match app.host.add_writeoffs(writeoffs)? {
            Ok(added) => return Ok(added),
            Err(refusal) => (faults, more) = (refusal.faults, refusal.more),
        }
    } else {
        if let Err(refusal) = app.host.check_writeoffs(&writeoffs)? {
            more = refusal.more;
            let index = |(at, fault)| Some((*indices.get(at)?, fault));
            faults.extend(refusal.faults.into_iter().filter_map(index));
            faults.sort_by_key(|(index, _)| *index);
        }
        more += faults.len().saturating_sub(WriteOffRefusal::FAULTS_MAX);
        faults.truncate(WriteOffRefusal::FAULTS_MAX);
    }
    Err(refused(faults, more))
}

fn refused(faults: Vec<(usize, Fault)>, more: usize) -> Problem {
    let is_conflict = faults.iter().all(|(_, fault)| fault.code == "id-reused");
    let problems: Vec<_> = faults.into_iter().map(|(index, fault)| problem(index, fault)).collect();
    let first = problems.first().map(|problem| problem.to_string()).unwrap_or_default();
    let detail = match problems.len() - 1 + more {
        0 => format!("nothing was added: {first}"),
        others => format!("nothing was added: {first}; {others} more problems"),
    };
    let status = if is_conflict { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
    Problem::new(status, detail).with_problems(problems)
}

/// Returns the problem of the write-off at an index. A fault of its account is reported about the account, since it must be
/// corrected there.
fn problem(index: usize, fault: Fault) -> domain::Problem {
    let path = format!("writeoffs[{index}].");
    let of_account =
        fault.field.strip_prefix("subscriber.").or(OF_ACCOUNT.contains(&fault.field.as_str()).then_some(&fault.field));
    let Some(field) = of_account else { return fault.problem(&path) };
    let message = format!("the account cannot be exported because of its {field}: {} PUT the account first.", fault.message);
    Fault { message, field: "account".to_owned(), ..fault }.problem(&path)
}
