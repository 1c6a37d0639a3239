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

/// A write-off with its subscriber: the input of an export.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportRow {
    /// Billing's id, 1 to 64 characters; unique over all accounts.
    pub id: String,
    /// The subscriber's account. JSON may hold any text: the component checks it.
    #[serde(deserialize_with = "json::account_number")]
    pub account: AccountNumber,
    /// The buyer.
    pub subscriber: Party,
    /// The contract's number, at most 64 characters; empty if an individual has none.
    #[serde(default)]
    pub contract: String,
    /// The date of the contract.
    #[serde(default, deserialize_with = "json::contract_date")]
    pub contract_date: Option<Date>,
    /// Billing's code of the service, at most 64 characters; may be empty.
    #[serde(default)]
    pub service_code: String,
    /// The service's name, 1 to 250 characters.
    pub service: String,
    /// The unit's name; empty for a piece.
    #[serde(default)]
    pub unit: String,
    /// The first day of the period charged for.
    #[serde(deserialize_with = "json::period")]
    pub period: Date,
    /// The date of the charge.
    #[serde(deserialize_with = "json::date")]
    pub date: Date,
    /// The quantity in thousandths of the unit: 1000 is one. Positive.
    #[serde(default = "json::one_in_thousandths")]
    pub quantity_thousandths: i64,
    /// The amount charged, VAT included; negative for a correction.
    pub amount: Money,
    /// The VAT rate in hundredths of a percent: 2200 is 22 %. `None` is «без НДС».
    #[serde(default)]
    pub vat_basis_points: Option<u16>,
    /// `note`, `foreign-tax-number` and `act-uuid`, each if there is one.
    #[serde(default, deserialize_with = "json::fields")]
    pub extra: Fields,
}

impl ExportRow {
    /// Creates the row of a write-off in the ledger, with its account.
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

/// The options of an export.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportOptions {
    /// One of the provider's formats.
    #[serde(default)]
    pub format: String,
    /// The seller.
    pub seller: Party,
    /// The first day exported.
    #[serde(deserialize_with = "json::period_start")]
    pub period_start: Date,
    /// The last day exported, not before the first.
    #[serde(deserialize_with = "json::period_end")]
    pub period_end: Date,
    /// The creation time to write to the file, seconds since the epoch. 0 stands for the period's end, so that the same
    /// write-offs produce the same bytes.
    #[serde(default)]
    pub created_at: u64,
    /// Options of the format.
    #[serde(default, deserialize_with = "json::fields")]
    pub extra: Fields,
}

/// The totals of a file or of a whole export.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportTotals {
    /// The number of write-offs.
    pub rows: u64,
    /// The number of documents; 0 if the format has none.
    pub documents: u64,
    /// The exact sum of the write-offs.
    pub amount: Money,
    /// The exact sum of the VAT as written, in the same minor units.
    pub vat_minor_units: i64,
    /// Totals by VAT rate, in minor units: `vat-2200-amount`, `vat-2200-vat`; and `vat-rounding`.
    pub extra: Fields,
}

/// Write-offs that are in no file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// The number of write-offs.
    pub rows: u64,
    /// The id of the last of them.
    pub writeoff: String,
    /// Their account; empty if there are several.
    pub account: String,
    /// The subscriber's name, or the name that is written for all individuals together.
    pub subscriber: String,
    /// The contract's number; may be empty.
    pub contract: String,
    /// Billing's code of the service; may be empty.
    pub service_code: String,
    /// The service's name.
    pub service: String,
    /// The first day of the month charged for.
    pub period: Date,
    /// The VAT rate in hundredths of a percent; `None` is «без НДС».
    pub vat_basis_points: Option<u16>,
    /// The exact sum of the write-offs.
    pub amount: Money,
    /// The VAT within it, in the same minor units.
    pub vat_minor_units: i64,
    /// The reason, with the row of the last write-off.
    pub reason: Problem,
}

/// A part of an export's output. Parts come in the order of the output.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExportPart {
    /// More of the current file, at most 262,144 bytes.
    Bytes(Vec<u8>),
    /// The end of the current file, with its totals. What follows belongs to the next file.
    FileEnd(ExportTotals),
    /// Write-offs that are in no file. This is about the whole export, not about the current file.
    LeftOut(LeftOut),
    /// A warning about something that is exported but should be reviewed.
    Warning(Problem),
}

/// The result of a step of an export: its output, or all problems of the rows. The outer error says why there is neither.
pub type ExportStep<T, E> = Result<Result<T, Vec<Problem>>, E>;

/// An export in progress, independent of what writes it: write-offs go in, parts of files come out.
///
/// Each step returns its output, or all problems of the rows that were not reported before, by row and field. After a problem
/// nothing more is written, but the caller may pass more rows to find more problems.
pub trait ExportWriter {
    /// Why a step has neither output nor problems. The export has then ended.
    type Error: std::error::Error;

    /// Accepts any number of write-offs, in the order that the format requires, and returns the output that is ready.
    ///
    /// # Errors
    /// The writer's own.
    fn write_rows(&mut self, rows: &[ExportRow]) -> ExportStep<Vec<ExportPart>, Self::Error>;

    /// Ends the export. Returns its totals and the rest of the output.
    ///
    /// # Errors
    /// The writer's own.
    fn end(&mut self) -> ExportStep<(ExportTotals, Vec<ExportPart>), Self::Error>;
}
