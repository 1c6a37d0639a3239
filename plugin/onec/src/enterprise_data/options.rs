//! How an export is wished for, and what a write-off must be for it.

use money::Currency;

use crate::check::{KPP_MESSAGE, Rules};
use crate::date::{Date, Moment};
use crate::text::{Charset, chars};
use crate::writeoff::{Code, Party, PartyKind, Problem};

/// A version of the format.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs)]
pub enum Version {
    V1_8,
    V1_17,
    V1_19,
    V1_20,
    V1_22,
}

impl Version {
    /// All versions that can be written.
    pub const ALL: [Version; 5] = [Version::V1_17, Version::V1_19, Version::V1_20, Version::V1_22, Version::V1_8];

    /// `1.17`
    pub fn as_str(self) -> &'static str {
        match self {
            Version::V1_8 => "1.8",
            Version::V1_17 => "1.17",
            Version::V1_19 => "1.19",
            Version::V1_20 => "1.20",
            Version::V1_22 => "1.22",
        }
    }

    /// Whether a VAT rate is a structure that can say any rate; before 1.17 it is one of a list of names.
    pub(crate) fn has_any_rate(self) -> bool {
        self >= Version::V1_17
    }
}

/// What becomes one document.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// Every contract's month.
    #[default]
    PerSubscriber,
    /// Every contract's month of companies and sole proprietors; one document a month for all individuals, with the VAT of each
    /// line the sum of the write-offs' VAT.
    SummaryIndividuals,
}

/// The options of an export.
#[derive(Clone, Debug)]
pub struct Options {
    /// The version to write.
    pub version: Version,
    /// The operator, as 1C's base knows it.
    pub seller: Party,
    /// The first day, which begins a month.
    pub period_start: Date,
    /// The last day, which ends a month of the same year.
    pub period_end: Date,
    /// When the file says it was made, in UTC; None: at the period's end, so that the same input gives the same bytes.
    pub created_at: Option<Moment>,
    /// The currency of all write-offs: RUB.
    pub currency: Currency,
    /// What becomes one document.
    pub mode: Mode,
    /// Begins another file after so many documents.
    pub documents_per_file: Option<u64>,
    /// Stands before every document number: at most 4 capital letters and digits.
    pub number_prefix: String,
    /// What all accounts begin with and document numbers leave out.
    pub account_prefix: String,
    /// The name of the counterparty that stands for all individuals, 1 to 100 characters.
    pub individuals_name: String,
    /// A general rate of VAT, in hundredths of a percent, that is allowed beside the one of each write-off's month.
    pub other_vat_rate: Option<u16>,
}

impl Options {
    /// The name of the counterparty that stands for all individuals, unless another is given.
    pub const INDIVIDUALS_NAME: &'static str = "Физические лица";

    /// What they change in the rules for a write-off.
    pub(super) fn rules(&self) -> Rules {
        Rules { other_vat_rate: self.other_vat_rate, version: Some(self.version) }
    }

    pub(super) fn check(&self) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        let mut rule = |holds: bool, code: Code, field: &'static str, message: &str| {
            if !holds {
                problems.push(*Problem::new(code, field, message));
            }
        };
        let Party { kind, name, inn, .. } = &self.seller;
        let inn_message =
            "The operator's own INN is needed: 10 digits of a company or 12 of a sole proprietor, with their check digits.";
        rule(*kind != PartyKind::Individual, Code::Invalid, "seller.kind", "The operator is a company or a sole proprietor.");
        rule(!name.trim().is_empty(), Code::Missing, "seller.name", "The operator's name is needed.");
        rule(Charset::Line.holds(name), Code::Invalid, "seller.name", NOT_TEXT);
        rule(self.seller.has_its_inn(), if inn.is_empty() { Code::Missing } else { Code::Invalid }, "seller.inn", inn_message);
        rule(self.seller.may_have_its_kpp(), Code::Invalid, "seller.kpp", KPP_MESSAGE);
        let (start, end) = (self.period_start, self.period_end);
        let whole = "Documents are of whole calendar months: begin with a month's first day and end with a month's last.";
        rule(start.month().begins_with(start), Code::Invalid, "period-start", whole);
        rule(end.month().ends_with(end), Code::Invalid, "period-end", whole);
        let years =
            "An export lies within one year, since document numbers are unique within a year; export each year by itself.";
        rule(start.month().year() == end.month().year(), Code::Invalid, "period-end", years);
        rule(start <= end, Code::OutOfRange, "period-end", "The last day lies before the first.");
        let currency = "EnterpriseData documents are in RUB; export another currency as register-csv.";
        rule(self.currency == Currency::RUB, Code::Unsupported, "format", currency);
        rule(
            self.documents_per_file != Some(0),
            Code::OutOfRange,
            "extra.documents-per-file",
            "A file has at least one document.",
        );
        let prefix = "At most 4 capital letters and digits.";
        let is_prefix = |char: char| matches!(char, '0'..='9' | 'A'..='Z' | 'А'..='Я');
        let prefix_holds = self.number_prefix.chars().all(is_prefix) && chars(&self.number_prefix) <= 4;
        rule(prefix_holds, Code::Invalid, "extra.number-prefix", prefix);
        rule(Charset::Line.holds(&self.account_prefix), Code::Invalid, "extra.account-prefix", NOT_TEXT);
        let name_chars = chars(self.individuals_name.trim());
        let name_holds = (1..=100).contains(&name_chars) && Charset::Line.holds(&self.individuals_name);
        rule(name_holds, Code::Invalid, "extra.individuals-name", "A name of 1 to 100 characters, without control characters.");
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    pub(super) fn check_period(&self, period: Date) -> Result<(), Box<Problem>> {
        let (first, last) = (self.period_start.month(), self.period_end.month());
        if (first..=last).contains(&period.month()) {
            return Ok(());
        }
        let message = format!(
            "The charge is for {}, outside the export's months {first} to {last}: it would change a document of a closed month. \
             Correct that month in 1C, or charge it for a month exported.",
            period.month()
        );
        Err(Problem::new(Code::OutOfRange, "period", &message))
    }
}

const NOT_TEXT: &str = "It holds a control character or a line break; remove it.";
