//! Reports of what a payment system took, kept and paid out («реестр», «детализация»).

use serde::{Deserialize, Serialize};

use crate::amount::Money;
use crate::date::Date;
use crate::event::EventKind;
use crate::fields::Fields;
use crate::identifiers::{AccountNumber, OrderId, TransactionId};
use crate::json;
use crate::provider::{Problem, SettingSpec};

/// A kind of report that a provider can read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ReportFormat {
    /// Kebab-case, unique within the provider.
    pub name: String,
    /// Its title, by language: `ru` and `en` are always present. 1 to 100 characters each.
    pub title: Fields,
    /// Whether it comes as a file.
    pub file: bool,
    /// Whether a call fetches it.
    pub call: bool,
    /// What the operator is asked for, such as a CSV's columns.
    pub options: Vec<SettingSpec>,
    /// Nothing is defined here yet.
    pub extra: Fields,
}

/// A request for a page of a day's report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportRequest {
    /// The [`ReportFormat::name`].
    pub format: String,
    /// The options that the operator entered.
    #[serde(default, deserialize_with = "json::fields")]
    pub options: Fields,
    /// The payment system's day.
    #[serde(deserialize_with = "json::day")]
    pub day: Date,
    /// The [`ReportPage::next`] of the page before. `None` for the first page.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// A report's file to read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportFile {
    /// The [`ReportFormat::name`].
    pub format: String,
    /// The options that the operator entered.
    #[serde(default, deserialize_with = "json::fields")]
    pub options: Fields,
    /// The file's bytes.
    #[serde(with = "json::body")]
    pub file: Vec<u8>,
}

/// A row of a report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ReportRow {
    /// What it is about. `None`: no movement of a payer's money, such as a monthly fee or a payout. It counts in the totals.
    pub kind: Option<EventKind>,
    /// The payment system's id of the movement.
    pub transaction: Option<TransactionId>,
    /// The order that it names.
    pub order: Option<OrderId>,
    /// The account that it names instead of an order.
    pub account: Option<AccountNumber>,
    /// What the payer paid, as it counts in the totals: what goes back is negative.
    pub gross: Money,
    /// What the payment system keeps of it, as it counts in the totals, if the report says it.
    pub fee: Option<Money>,
    /// What it pays out, if the report says it.
    pub net: Option<Money>,
    /// When it happened by the payment system's clock: `2026-11-27T10:00:00+03:00`.
    pub occurred_at: Option<String>,
    /// The payment system's day that the row belongs to, if the report says it.
    pub day: Option<Date>,
    /// The payout that the row belongs to, if the report names one, 1 to 255 characters.
    pub payout: Option<String>,
    /// What else the report says, by names that the provider documents.
    pub extra: Fields,
}

/// A report's own totals.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct ControlTotals {
    /// The number of rows.
    pub rows: Option<u64>,
    /// The sum of [`ReportRow::gross`].
    pub gross: Option<Money>,
    /// The sum of [`ReportRow::fee`].
    pub fee: Option<Money>,
    /// The sum of [`ReportRow::net`].
    pub net: Option<Money>,
    /// Nothing is defined here yet.
    pub extra: Fields,
}

/// A page of a report that is fetched by calls.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ReportPage {
    /// At most 1,000 rows.
    pub rows: Vec<ReportRow>,
    /// Where the next page begins, 1 to 1,024 characters. `None` if this is the last.
    pub next: Option<String>,
    /// The report's own totals, with its last page, if the payment system gives them.
    pub control: Option<ControlTotals>,
}

/// Why a page of a report is not there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReportFailure {
    /// It cannot be fetched now.
    Unavailable(Problem),
    /// It cannot be fetched so, for problems of the options.
    Failed(Vec<Problem>),
}
