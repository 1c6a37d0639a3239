//! The options of an export.

use money::Currency;

use crate::check::KPP_MESSAGE;
use crate::date::{Date, Moment};
use crate::rates::Rules;
use crate::text::{Charset, chars};
use crate::version::Version;
use crate::writeoff::{Code, Party, PartyKind, Problem};

/// Which write-offs become one document.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// Those of one contract and month.
    #[default]
    PerSubscriber,
    /// Those of one contract and month for companies and sole proprietors; one document a month for all individuals, in which a
    /// line's VAT is the sum of the write-offs' VAT.
    SummaryIndividuals,
}

/// The options of an export.
#[derive(Clone, Debug)]
pub struct Options {
    /// The version of EnterpriseData to write; `None` for a register.
    pub version: Option<Version>,
    /// The seller, as 1C's database knows it.
    pub seller: Party,
    /// The first day. In EnterpriseData it must be the first of a month.
    pub period_start: Date,
    /// The last day. In EnterpriseData it must be the last of a month, of the same year.
    pub period_end: Date,
    /// The creation time stated in the file, in UTC. `None` states the end of the period, so that the same input produces the
    /// same bytes.
    pub created_at: Option<Moment>,
    /// The currency of all write-offs. In EnterpriseData it must be RUB.
    pub currency: Currency,
    /// Which write-offs become one document.
    pub mode: Mode,
    /// The number of documents after which another file begins.
    pub documents_per_file: Option<u64>,
    /// The prefix of every document number: at most 4 capital letters and digits.
    pub number_prefix: String,
    /// The prefix that all accounts share and document numbers leave out.
    pub account_prefix: String,
    /// The name of the counterparty that represents all individuals, 1 to 100 characters.
    pub individuals_name: String,
    /// A general VAT rate, in hundredths of a percent, that is allowed besides that of each write-off's month.
    pub other_vat_rate: Option<u16>,
    /// Whether a line that sums up to zero or less is refused rather than left out.
    pub refuses_not_positive: bool,
}

impl Options {
    /// The default name of the counterparty that represents all individuals.
    pub const INDIVIDUALS_NAME: &'static str = "Физические лица";

    /// Returns the rules for write-offs that these options imply.
    pub(crate) fn rules(&self) -> Rules {
        Rules { other_vat_rate: self.other_vat_rate, version: self.version, has_options: true }
    }

    /// Checks the options of an export to EnterpriseData.
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
            "The seller's INN is needed: 10 digits of a company or 12 of a sole proprietor, with their check digits.";
        rule(
            *kind != PartyKind::Individual,
            Code::Invalid,
            "seller.kind",
            "The seller must be a company or a sole proprietor.",
        );
        rule(!name.trim().is_empty(), Code::Missing, "seller.name", "The seller's name is needed.");
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

    /// October 2026, with both general VAT rates.
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
