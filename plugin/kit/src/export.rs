//! The contract's exports, on the writers of `onec`.

use std::mem::take;

use money::Currency;
use onec::{DecimalSeparator, EnterpriseData, Mode, Options, Output, Register, Rules, Totals, Version};

use crate::contract::{self, ExportOptions, ExportPart, ExportTotals, Money, PartyKind, Problem, Writeoff};
use crate::problem::Code;
use crate::text;

/// The most bytes of one part, by the contract.
const PART_BYTES_MAX: usize = 256 << 10;

/// An export in progress.
#[derive(Debug)]
pub struct Export {
    /// None: it ended, well or not.
    writer: Option<Writer>,
    output: Output,
    currency: Currency,
    period: (onec::Date, onec::Date),
    rows: u64,
}

#[derive(Debug)]
enum Writer {
    EnterpriseData(Box<EnterpriseData>),
    Register(Register),
}

impl Export {
    /// The formats that can be written, the default first.
    pub const FORMATS: [&'static str; 6] = [
        "enterprise-data-1.17",
        "enterprise-data-1.19",
        "enterprise-data-1.20",
        "enterprise-data-1.22",
        "enterprise-data-1.8",
        "register-csv",
    ];

    /// Begins an export of write-offs in one currency.
    ///
    /// Options (`extra`) of the formats `enterprise-data-…`, whose write-offs go by account in the order of bytes:
    ///
    /// - `mode`: `per-subscriber` (default), one document for every contract and month, or `summary-individuals`, one a month for
    ///   all individuals and the others singly;
    /// - `documents-per-file`: begins another file after so many documents;
    /// - `number-prefix`: stands before document numbers, at most 4 capital letters and digits;
    /// - `account-prefix`: what all accounts begin with, and document numbers leave out;
    /// - `individuals-name`: the counterparty that stands for all individuals, «Физические лица» by default.
    ///
    /// Of `register-csv`: `decimal-separator`, `point` (default) or `comma`.
    ///
    /// Of all: `other-vat-rate`, `20` or `22`: allows this general rate of VAT beside the one of each write-off's month.
    ///
    /// # Errors
    /// All problems of the options at once, each with its field.
    pub fn begin(options: &ExportOptions, currency: Currency) -> Result<Export, Vec<Problem>> {
        let mut problems = Vec::new();
        let seller = &options.seller;
        for (field, value, chars_max) in
            [("seller.name", &seller.name, 250), ("seller.inn", &seller.inn, 12), ("seller.kpp", &seller.kpp, 9)]
        {
            problems.extend(text::check(field, value, chars_max).err());
        }
        let mut day = |field, date| date_of(field, date).map_err(|problem| problems.push(problem)).ok();
        let start = day("period-start", options.period_start);
        let end = day("period-end", options.period_end);
        if start > end && end.is_some() {
            problems.push(Code::OutOfRange.at("period-end", "The last day lies before the first."));
        }
        let (Some(start), Some(end)) = (start, end) else { return Err(problems) };
        let writer = match (options.format.as_str(), version(&options.format)) {
            (_, Some(version)) => enterprise_data(version, options, (start, end), currency, &mut problems),
            ("register-csv", _) => register(options, &mut problems),
            _ => {
                problems.push(Code::Unsupported.at("format", format!("The formats are: {}.", Self::FORMATS.join(", "))));
                None
            }
        };
        match writer {
            Some(_) if problems.is_empty() => {
                Ok(Export { writer, output: Output::default(), currency, period: (start, end), rows: 0 })
            }
            _ => Err(problems),
        }
    }

    /// Adds write-offs.
    ///
    /// # Errors
    /// The first bad write-off, by `row` and `field`; the export is over then.
    pub fn append(&mut self, mut rows: Vec<Writeoff>) -> Result<(), Problem> {
        let mut writer = self.writer.take().ok_or_else(ended)?;
        for row in &mut rows {
            self.rows += 1;
            self.append_to(&mut writer, row).map_err(|problem| problem_of(*problem))?;
        }
        self.writer = Some(writer);
        Ok(())
    }

    fn append_to(&mut self, writer: &mut Writer, row: &mut Writeoff) -> Result<(), Box<onec::Problem>> {
        let days = self.check(row).map_err(|problem| problem.of_row(self.rows, &row.id))?;
        let writeoff = writeoff(row, days, self.currency);
        match writer {
            Writer::EnterpriseData(writer) => writer.append(self.rows, writeoff, &mut self.output),
            Writer::Register(writer) => writer.append(self.rows, &writeoff, &mut self.output),
        }
    }

    /// Ends the input.
    ///
    /// # Errors
    /// What is wrong with the last write-offs; or the export is over already.
    pub fn finish(&mut self) -> Result<ExportTotals, Problem> {
        let totals = match self.writer.take().ok_or_else(ended)? {
            Writer::EnterpriseData(writer) => writer.finish(&mut self.output).map_err(|problem| problem_of(*problem))?,
            Writer::Register(writer) => writer.finish(&mut self.output),
        };
        Ok(self.totals(totals))
    }

    /// The next piece of output, if one is ready.
    pub fn read(&mut self) -> Option<ExportPart> {
        Some(match self.output.take(PART_BYTES_MAX)? {
            onec::Part::Bytes(bytes) => ExportPart::Bytes(bytes),
            onec::Part::FileEnd(totals) => ExportPart::FileEnd(self.totals(totals)),
        })
    }

    fn totals(&self, totals: Totals) -> ExportTotals {
        ExportTotals {
            rows: totals.rows,
            documents: totals.documents,
            amount: Money { minor_units: totals.all.minor_units, currency: self.currency.to_string() },
            vat_minor_units: totals.all.vat_minor_units,
            extra: totals_by_rate(&totals),
        }
    }

    /// Checks what every format needs and gives the write-off's days.
    fn check(&self, row: &Writeoff) -> Result<Days, Box<onec::Problem>> {
        if !self.currency.is(&row.amount.currency) {
            let message =
                format!("The merchant's currency is {}; export other currencies by their own merchant.", self.currency);
            return Err(onec::Problem::new(onec::Code::Unsupported, "amount.currency", &message));
        }
        let days = Days {
            contract: row.contract_date.map(|date| day_of("contract-date", date)).transpose()?,
            period: day_of("period", row.period)?,
            charge: day_of("date", row.date)?,
        };
        if days.charge < self.period.0 || days.charge > self.period.1 {
            let message = format!("{} lies outside the export's period, {} to {}.", days.charge, self.period.0, self.period.1);
            return Err(onec::Problem::new(onec::Code::OutOfRange, "date", &message));
        }
        Ok(days)
    }
}

/// The days of a write-off.
struct Days {
    contract: Option<onec::Date>,
    period: onec::Date,
    charge: onec::Date,
}

/// The write-off with the texts of the row, which are empty afterwards.
fn writeoff(row: &mut Writeoff, days: Days, currency: Currency) -> onec::Writeoff {
    let mut extra =
        |wanted| row.extra.iter_mut().find(|(name, _)| name == wanted).map(|(_, value)| take(value)).unwrap_or_default();
    let (note, foreign_tax_number) = (extra("note"), extra("foreign-tax-number"));
    onec::Writeoff {
        id: take(&mut row.id),
        account: take(&mut row.account),
        subscriber: onec::Party { foreign_tax_number, ..party(&mut row.subscriber) },
        contract: take(&mut row.contract),
        contract_date: days.contract,
        service_code: take(&mut row.service_code),
        service: take(&mut row.service),
        unit: take(&mut row.unit),
        period: days.period,
        date: days.charge,
        quantity_thousandths: row.quantity_thousandths,
        minor_units: row.amount.minor_units,
        currency,
        vat_basis_points: row.vat_basis_points,
        note,
    }
}

fn version(format: &str) -> Option<Version> {
    let version = format.strip_prefix("enterprise-data-")?;
    Version::ALL.into_iter().find(|known| known.as_str() == version)
}

fn enterprise_data(
    version: Version,
    options: &ExportOptions,
    period: (onec::Date, onec::Date),
    currency: Currency,
    problems: &mut Vec<Problem>,
) -> Option<Writer> {
    let extra = |name| extra(options, name);
    let mode = match extra("mode") {
        None | Some("per-subscriber") => Mode::PerSubscriber,
        Some("summary-individuals") => Mode::SummaryIndividuals,
        Some(_) => {
            problems.push(Code::Invalid.at("extra.mode", "It is per-subscriber or summary-individuals."));
            Mode::default()
        }
    };
    let documents_per_file = extra("documents-per-file").and_then(|text| {
        let number = text.parse().ok().filter(|number| *number > 0);
        if number.is_none() {
            problems.push(Code::Invalid.at("extra.documents-per-file", "It is a whole number from 1 on."));
        }
        number
    });
    let created_at = Some(options.created_at).filter(|seconds| *seconds > 0).and_then(|seconds| {
        let at = onec::Moment::of_epoch(seconds);
        if at.is_none() {
            problems.push(Code::OutOfRange.at("created-at", "It lies after the year 9999."));
        }
        at
    });
    let options = Options {
        version,
        seller: party(&mut options.seller.clone()),
        period_start: period.0,
        period_end: period.1,
        created_at,
        currency,
        mode,
        documents_per_file,
        number_prefix: extra("number-prefix").unwrap_or_default().to_owned(),
        account_prefix: extra("account-prefix").unwrap_or_default().to_owned(),
        individuals_name: extra("individuals-name").unwrap_or(Options::INDIVIDUALS_NAME).to_owned(),
        other_vat_rate: other_vat_rate(options, problems),
    };
    match EnterpriseData::begin(options) {
        Ok(writer) => Some(Writer::EnterpriseData(Box::new(writer))),
        Err(more) => {
            problems.extend(more.into_iter().map(problem_of));
            None
        }
    }
}

fn register(options: &ExportOptions, problems: &mut Vec<Problem>) -> Option<Writer> {
    let separator = match extra(options, "decimal-separator") {
        None | Some("point") => DecimalSeparator::Point,
        Some("comma") => DecimalSeparator::Comma,
        Some(_) => {
            problems.push(Code::Invalid.at("extra.decimal-separator", "It is point or comma."));
            return None;
        }
    };
    let rules = Rules { other_vat_rate: other_vat_rate(options, problems), version: None };
    Some(Writer::Register(Register::new(separator, rules)))
}

/// The general rate of VAT that is allowed beside the one of the write-off's month, in hundredths of a percent.
fn other_vat_rate(options: &ExportOptions, problems: &mut Vec<Problem>) -> Option<u16> {
    match extra(options, "other-vat-rate")? {
        "20" => Some(2000),
        "22" => Some(2200),
        _ => {
            problems.push(Code::Invalid.at("extra.other-vat-rate", "It is 20 or 22."));
            None
        }
    }
}

fn extra<'o>(options: &'o ExportOptions, name: &str) -> Option<&'o str> {
    options.extra.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn ended() -> Problem {
    Code::Invalid.whole("The export has ended; begin a new one.")
}

fn party(party: &mut contract::Party) -> onec::Party {
    let kind = match party.kind {
        PartyKind::Individual => onec::PartyKind::Individual,
        PartyKind::SoleProprietor => onec::PartyKind::SoleProprietor,
        PartyKind::Company => onec::PartyKind::Company,
    };
    let foreign_tax_number = String::new();
    onec::Party { kind, name: take(&mut party.name), inn: take(&mut party.inn), kpp: take(&mut party.kpp), foreign_tax_number }
}

fn date_of(field: &'static str, date: contract::Date) -> Result<onec::Date, Problem> {
    day_of(field, date).map_err(|problem| problem_of(*problem))
}

fn day_of(field: &'static str, date: contract::Date) -> Result<onec::Date, Box<onec::Problem>> {
    onec::Date::new(date.year, date.month, date.day)
        .ok_or_else(|| onec::Problem::new(onec::Code::Invalid, field, "There is no such day."))
}

fn problem_of(problem: onec::Problem) -> Problem {
    let code = match problem.code {
        onec::Code::Missing => Code::Missing,
        onec::Code::Invalid => Code::Invalid,
        onec::Code::TooLong => Code::TooLong,
        onec::Code::OutOfRange => Code::OutOfRange,
        onec::Code::Unsupported => Code::Unsupported,
    };
    Problem { row: problem.row, ..code.at(problem.field, problem.message) }
}

fn totals_by_rate(totals: &Totals) -> contract::Fields {
    let mut fields = contract::Fields::new();
    // «Без НДС» goes last: it has no rate to be sorted by.
    let (without, with) = totals.by_rate.split_at(totals.by_rate.partition_point(|(rate, _)| rate.is_none()));
    for (rate, sums) in with.iter().chain(without) {
        let rate = rate.map_or("none".to_owned(), |rate| rate.to_string());
        fields.push((["vat-", &rate, "-amount"].concat(), sums.minor_units.to_string()));
        fields.push((["vat-", &rate, "-vat"].concat(), sums.vat_minor_units.to_string()));
    }
    fields
}
