//! Exports of write-offs for accounting.

use serde::{Deserialize, Serialize};

use crate::account::{Account, Party};
use crate::amount::Money;
use crate::date::Date;
use crate::fields::Fields;
use crate::identifiers::AccountNumber;
use crate::json;
use crate::provider::Problem;
use crate::writeoff::WriteOff;

/// A write-off with its subscriber, as exports take it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportRow {
    /// Billing's id, 1 to 64 characters; unique over all accounts.
    pub id: String,
    /// The subscriber's account. JSON may have any text: a component judges it.
    #[serde(deserialize_with = "json::account_number")]
    pub account: AccountNumber,
    /// Who buys.
    pub subscriber: Party,
    /// The contract's number, at most 64 characters; empty where an individual has none.
    #[serde(default)]
    pub contract: String,
    /// The contract's day.
    #[serde(default, deserialize_with = "json::contract_date")]
    pub contract_date: Option<Date>,
    /// Billing's code of the service, at most 64 characters; may be empty.
    #[serde(default)]
    pub service_code: String,
    /// The service's name, 1 to 250 characters.
    pub service: String,
    /// The unit's name; empty: a piece.
    #[serde(default)]
    pub unit: String,
    /// The first day of the period charged for.
    #[serde(deserialize_with = "json::period")]
    pub period: Date,
    /// The day of the charge.
    #[serde(deserialize_with = "json::date")]
    pub date: Date,
    /// Thousandths of the unit: 1000 is one. Positive.
    #[serde(default = "json::one_in_thousandths")]
    pub quantity_thousandths: i64,
    /// What was charged, VAT included; negative for a correction.
    pub amount: Money,
    /// VAT in hundredths of a percent: 2200 is 22 %; none is «без НДС».
    #[serde(default)]
    pub vat_basis_points: Option<u16>,
    /// `note`, `foreign-tax-number` and `act-uuid`, where there are such.
    #[serde(default, deserialize_with = "json::fields")]
    pub extra: Fields,
}

impl ExportRow {
    /// A write-off of the ledger's, with its account.
    pub fn new(account: Account, writeoff: WriteOff) -> ExportRow {
        let extra = [("note", writeoff.note), ("foreign-tax-number", account.foreign_tax_number)];
        let extra = extra.into_iter().filter(|(_, value)| !value.is_empty());
        ExportRow {
            id: writeoff.id,
            account: account.number,
            subscriber: Party { kind: account.kind, name: account.name, inn: account.inn, kpp: account.kpp },
            contract: account.contract,
            contract_date: account.contract_date,
            service_code: writeoff.service_code,
            service: writeoff.service,
            unit: writeoff.unit,
            period: writeoff.period,
            date: writeoff.date,
            quantity_thousandths: writeoff.quantity_thousandths,
            amount: writeoff.amount,
            vat_basis_points: writeoff.vat_basis_points,
            extra: extra.map(|(name, value)| (name.to_owned(), value)).collect(),
        }
    }
}

/// What to export, and for whom.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportOptions {
    /// One of the provider's formats.
    #[serde(default)]
    pub format: String,
    /// The operator.
    pub seller: Party,
    /// The first day exported.
    #[serde(deserialize_with = "json::period_start")]
    pub period_start: Date,
    /// The last day exported, not before the first.
    #[serde(deserialize_with = "json::period_end")]
    pub period_end: Date,
    /// When the file says it was made, seconds since the epoch. 0: at the period's end, so that the same write-offs give the same
    /// bytes.
    #[serde(default)]
    pub created_at: u64,
    /// Options of the format.
    #[serde(default, deserialize_with = "json::fields")]
    pub extra: Fields,
}

/// What a file or a whole export holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportTotals {
    /// How many write-offs.
    pub rows: u64,
    /// How many documents; 0 where the format has none.
    pub documents: u64,
    /// The exact sum of these write-offs.
    pub amount: Money,
    /// The exact sum of the VAT as it is written, in the same minor units.
    pub vat_minor_units: i64,
    /// Totals by VAT rate, in minor units: `vat-2200-amount`, `vat-2200-vat`; and `vat-rounding`.
    pub extra: Fields,
}

/// Write-offs that are in no file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// How many write-offs.
    pub rows: u64,
    /// The id of the last of them.
    pub writeoff: String,
    /// Their account; empty where it is several accounts'.
    pub account: String,
    /// The subscriber's name, or what stands for all individuals.
    pub subscriber: String,
    /// The contract's number; may be empty.
    pub contract: String,
    /// Billing's code of the service; may be empty.
    pub service_code: String,
    /// The service's name.
    pub service: String,
    /// The first day of the month charged for.
    pub period: Date,
    /// VAT in hundredths of a percent; none is «без НДС».
    pub vat_basis_points: Option<u16>,
    /// The exact sum of the write-offs.
    pub amount: Money,
    /// The VAT within it, in the same minor units.
    pub vat_minor_units: i64,
    /// Why, with the row of the last write-off.
    pub reason: Problem,
}

/// A piece of an export's output, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExportPart {
    /// More of the current file, at most 262,144 bytes.
    Bytes(Vec<u8>),
    /// The current file is whole, and this is what it holds. What follows is another file.
    FileEnd(ExportTotals),
    /// Write-offs that are in no file. It belongs to the whole export.
    LeftOut(LeftOut),
    /// What is exported but deserves a look.
    Warning(Problem),
}

/// What a step of an export gives: its result, or all problems of the rows; or why it has neither.
pub type ExportStep<T, E> = Result<Result<T, Vec<Problem>>, E>;

/// An export in progress, whoever writes it: write-offs in, pieces of files out.
///
/// Each step gives its result, or all problems of the rows that were not reported before, by row and field; after a problem no
/// more is written, but more rows may be given to find more.
pub trait ExportWriter {
    /// Why a step has neither a result nor problems; the export is over then.
    type Error: std::error::Error;

    /// Takes any number of write-offs, in the order that the format asks for, and gives the output that is ready.
    ///
    /// # Errors
    /// The writer's own.
    fn write_rows(&mut self, rows: &[ExportRow]) -> ExportStep<Vec<ExportPart>, Self::Error>;

    /// Ends the export, and gives its totals and the rest of the output.
    ///
    /// # Errors
    /// The writer's own.
    fn end(&mut self) -> ExportStep<(ExportTotals, Vec<ExportPart>), Self::Error>;
}
