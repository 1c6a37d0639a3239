//! How an export is wished for.

use money::Currency;

use crate::check::KPP_MESSAGE;
use crate::date::{Date, Moment};
use crate::rates::Rules;
use crate::text::{Charset, chars};
use crate::version::Version;
use crate::writeoff::{Code, Party, PartyKind, Problem};

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
    /// The version of EnterpriseData to write; none for a register.
    pub version: Option<Version>,
    /// The operator, as 1C's base knows it.
    pub seller: Party,
    /// The first day; in EnterpriseData it begins a month.
    pub period_start: Date,
    /// The last day; in EnterpriseData it ends a month of the same year.
    pub period_end: Date,
    /// When the file says it was made, in UTC; None: at the period's end, so that the same input gives the same bytes.
    pub created_at: Option<Moment>,
    /// The currency of all write-offs; in EnterpriseData RUB.
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
    /// Whether a month that is zero or below is refused, and not left out.
    pub refuses_not_positive: bool,
}

impl Options {
    /// The name of the counterparty that stands for all individuals, unless another is given.
    pub const INDIVIDUALS_NAME: &'static str = "Физические лица";

    /// What they change in the rules for a write-off.
    pub(crate) fn rules(&self) -> Rules {
        Rules { other_vat_rate: self.other_vat_rate, version: self.version, has_options: true }
    }

    /// Checks what an export of EnterpriseData needs.
    ///
    /// # Errors
    /// All problems at once, each with its field.
    pub(crate) fn check(&self) -> Result<(), Vec<Problem>> {
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
}

const NOT_TEXT: &str = "It holds a control character or a line break; remove it.";

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Of October 2026, with both general rates of VAT.
    pub(crate) fn options() -> Options {
        Options {
            version: None,
            seller: Party {
                kind: PartyKind::Company,
                name: "ООО «Связь»".into(),
                inn: "7700000009".into(),
                kpp: "770701001".into(),
                foreign_tax_number: String::new(),
            },
            period_start: Date::new(2026, 10, 1).unwrap(),
            period_end: Date::new(2026, 10, 31).unwrap(),
            created_at: None,
            currency: Currency::RUB,
            mode: Mode::PerSubscriber,
            documents_per_file: None,
            number_prefix: String::new(),
            account_prefix: String::new(),
            individuals_name: Options::INDIVIDUALS_NAME.into(),
            other_vat_rate: Some(2000),
            refuses_not_positive: false,
        }
    }
}
