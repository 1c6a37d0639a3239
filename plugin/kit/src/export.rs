//! The contract's exports, built on the writers of `writeoffs`.

use std::mem::take;

use money::Currency;
use writeoffs::{DecimalSeparator, EnterpriseData, Mode, Options, Output, Register, Totals, Version};

use crate::contract::{self, ExportOptions, ExportPart, ExportTotals, LeftOut, Money, PartyKind, Problem, Writeoff};
use crate::problem::Code;
use crate::text;

/// The largest size of one part, in bytes, by the contract.
const PART_BYTES_MAX: usize = 256 << 10;

/// How many problems of one call get messages of their own. With more, a chunk of bad rows could return a longer result than a
/// host accepts.
const MESSAGES_MAX: usize = 256;
const MORE: &str = "It is one of many; correct those before it first.";

/// An export in progress.
#[derive(Debug)]
pub struct Export {
    /// `None` once the export has ended, successfully or not.
    writer: Option<Writer>,
    output: Output,
    currency: Currency,
    rows: u64,
    /// Whether a problem was found. From then on nothing is written.
    has_failed: bool,
}

#[derive(Debug)]
enum Writer {
    EnterpriseData(Box<EnterpriseData>),
    Register(Box<Register>),
}

impl Export {
    /// The supported formats, the default first.
    pub const FORMATS: [&'static str; 6] = [
        "enterprise-data-1.17",
        "enterprise-data-1.19",
        "enterprise-data-1.20",
        "enterprise-data-1.22",
        "enterprise-data-1.8",
        "register-csv",
    ];

    /// Starts an export of write-offs in one currency.
    ///
    /// Write-offs are ordered by account, byte by byte. Options (`extra`) of all formats; a register accepts them too, since it
    /// names the acts:
    ///
    /// - `mode`: `per-subscriber` (default) writes one document for each contract and month; `summary-individuals` writes one a
    ///   month for all individuals and separate ones for everybody else;
    /// - `number-prefix`: a prefix of document numbers, at most 4 capital letters and digits;
    /// - `account-prefix`: a prefix that all accounts share and that document numbers leave out;
    /// - `individuals-name`: the counterparty that represents all individuals, «Физические лица» by default;
    /// - `other-vat-rate`, `20` or `22`: allows this general VAT rate besides the one of each write-off's month;
    /// - `not-positive`: whether to `leave-out` (default) or `refuse` lines that sum up to zero or less.
    ///
    /// Only `enterprise-data-…` has `documents-per-file`: the number of documents after which another file begins. Only
    /// `register-csv` has `decimal-separator`: `point` (default) or `comma`.
    ///
    /// Any other option is refused; otherwise a misspelt one would go unnoticed.
    ///
    /// # Errors
    /// All problems of the options at once, each with its field.
    pub fn begin(options: &ExportOptions, currency: Currency) -> Result<Export, Vec<Problem>> {
        let mut problems = unknown_options(options);
        let seller = &options.seller;
        for (field, value, chars_max) in
            [("seller.name", &seller.name, 250), ("seller.inn", &seller.inn, 12), ("seller.kpp", &seller.kpp, 9)]
        {
            problems.extend(text::check(field, value, chars_max).err());
        }
        let mut day = |field, date| date_of(field, date).map_err(|problem| problems.push(problem)).ok();
        let start = day("period-start", options.period_start);
        let end = day("period-end", options.period_end);
        // Documents check their days by rules of their own, which include this one.
        if start > end && end.is_some() && version(&options.format).is_none() {
            problems.push(Code::OutOfRange.at("period-end", "The last day lies before the first."));
        }
        let (Some(start), Some(end)) = (start, end) else { return Err(problems) };
        let writer = match (options.format.as_str(), version(&options.format)) {
            (_, Some(version)) => enterprise_data(version, options, (start, end), currency, &mut problems),
            ("register-csv", _) => register(options, (start, end), currency, &mut problems),
            _ => {
                problems.push(Code::Unsupported.at("format", format!("The formats are: {}.", Self::FORMATS.join(", "))));
                None
            }
        };
        match writer {
            Some(_) if problems.is_empty() => {
                Ok(Export { writer, output: Output::default(), currency, rows: 0, has_failed: false })
            }
            _ => Err(problems),
        }
    }

    /// Appends write-offs.
    ///
    /// # Errors
    /// All problems found since the last call, by `row` and `field`. After the first problem nothing more is written.
    pub fn append(&mut self, mut rows: Vec<Writeoff>) -> Result<(), Vec<Problem>> {
        let mut writer = self.writer.take().ok_or_else(|| vec![ended()])?;
        let mut faults = Vec::new();
        for row in &mut rows {
            self.rows += 1;
            match self.read_row(row) {
                Err(problems) => faults.extend(problems),
                Ok(writeoff) => match &mut writer {
                    Writer::EnterpriseData(writer) => writer.append(self.rows, writeoff, &mut self.output),
                    Writer::Register(writer) => writer.append(self.rows, writeoff, &mut self.output),
                },
            }
        }
        self.writer = Some(writer);
        self.told(faults)
    }

    /// Ends the input and returns the totals.
    ///
    /// # Errors
    /// Those of [`append`](Export::append). If `append` has already reported a problem, the list may be empty. Also fails if
    /// the export has already ended.
    pub fn finish(&mut self) -> Result<ExportTotals, Vec<Problem>> {
        let totals = match self.writer.take().ok_or_else(|| vec![ended()])? {
            Writer::EnterpriseData(writer) => writer.finish(&mut self.output),
            Writer::Register(writer) => writer.finish(&mut self.output),
        };
        self.told(Vec::new())?;
        if self.has_failed { Err(Vec::new()) } else { Ok(self.totals(totals)) }
    }

    /// Reports the problems found by the writer, together with `faults`, those of rows that could not be read. Discards the
    /// output if there are any.
    fn told(&mut self, mut faults: Vec<Problem>) -> Result<(), Vec<Problem>> {
        faults.extend(self.output.take_faults().into_iter().map(problem_of));
        self.has_failed |= !faults.is_empty();
        if self.has_failed {
            self.output.discard();
        }
        // By row, whether it could be read or not. The writer may find a problem of a row only after later rows.
        faults.sort_by_key(|problem| problem.row);
        for problem in faults.iter_mut().skip(MESSAGES_MAX) {
            problem.message.iter_mut().for_each(|(_, message)| MORE.clone_into(message));
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Returns the next part of the output, or `None` if none is ready.
    pub fn read(&mut self) -> Option<ExportPart> {
        Some(match self.output.take(PART_BYTES_MAX)? {
            writeoffs::Part::Bytes(bytes) => ExportPart::Bytes(bytes),
            writeoffs::Part::FileEnd(totals) => ExportPart::FileEnd(self.totals(totals)),
            writeoffs::Part::LeftOut(left_out) => ExportPart::LeftOut(self.left_out(left_out)),
            writeoffs::Part::Warning(writeoffs::Warning { row, kind, message }) => {
                let (code, field) = match kind {
                    writeoffs::WarningKind::SameName => (Code::SameName, "service-code"),
                    writeoffs::WarningKind::OneCode => (Code::OneCode, "service"),
                    writeoffs::WarningKind::LateContract => (Code::LateContract, "contract-date"),
                };
                ExportPart::Warning(Problem { row: Some(row), ..code.at(field, message) })
            }
        })
    }

    fn left_out(&self, left_out: writeoffs::LeftOut) -> LeftOut {
        let writeoffs::Day { year, month, day } = left_out.period.into();
        LeftOut {
            rows: left_out.rows,
            writeoff: left_out.writeoff,
            account: left_out.account,
            subscriber: left_out.subscriber,
            contract: left_out.contract,
            service_code: left_out.service_code,
            service: left_out.service,
            period: contract::Date { year, month, day },
            vat_basis_points: left_out.vat_basis_points,
            amount: Money { minor_units: left_out.sums.minor_units, currency: self.currency.to_string() },
            vat_minor_units: left_out.sums.vat_minor_units,
            reason: Problem { row: Some(left_out.row), ..Code::NotPositive.at("amount.minor-units", NOT_POSITIVE) },
        }
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

    /// Converts a row to a write-off. Moves the row's texts, which are empty afterwards.
    ///
    /// # Errors
    /// If the currency is another one or one of the days does not exist: all problems of the row.
    fn read_row(&self, row: &mut Writeoff) -> Result<writeoffs::Writeoff, Vec<Problem>> {
        let contract_date = row.contract_date.map(|day| day_of(day).date());
        let (period, date) = (day_of(row.period).date(), day_of(row.date).date());
        let has_currency = self.currency.is(&row.amount.currency);
        let (true, Some(period), Some(date), None | Some(Some(_))) = (has_currency, period, date, contract_date) else {
            return Err(self.all_problems(row));
        };
        let mut extra =
            |wanted| row.extra.iter_mut().find(|(name, _)| name == wanted).map(|(_, value)| take(value)).unwrap_or_default();
        let (note, foreign_tax_number, act_uuid) = (extra("note"), extra("foreign-tax-number"), extra("act-uuid"));
        Ok(writeoffs::Writeoff {
            id: take(&mut row.id),
            account: take(&mut row.account),
            subscriber: writeoffs::Party { foreign_tax_number, ..party(&mut row.subscriber) },
            contract: take(&mut row.contract),
            contract_date: contract_date.flatten(),
            service_code: take(&mut row.service_code),
            service: take(&mut row.service),
            unit: take(&mut row.unit),
            period,
            date,
            quantity_thousandths: row.quantity_thousandths,
            minor_units: row.amount.minor_units,
            currency: self.currency,
            vat_basis_points: row.vat_basis_points,
            note,
            act_uuid,
        })
    }

    #[cold]
    fn all_problems(&self, row: &Writeoff) -> Vec<Problem> {
        let extra = |wanted| row.extra.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value);
        let candidate = writeoffs::Candidate {
            id: &row.id,
            account: &row.account,
            kind: kind(row.subscriber.kind),
            name: &row.subscriber.name,
            inn: &row.subscriber.inn,
            kpp: &row.subscriber.kpp,
            foreign_tax_number: extra("foreign-tax-number"),
            contract: &row.contract,
            contract_date: row.contract_date.map(day_of),
            service_code: &row.service_code,
            service: &row.service,
            unit: &row.unit,
            period: day_of(row.period),
            date: day_of(row.date),
            quantity_thousandths: row.quantity_thousandths,
            minor_units: row.amount.minor_units,
            currency: &row.amount.currency,
            vat_basis_points: row.vat_basis_points,
            note: extra("note"),
        };
        let mut problems = writeoffs::check_writeoff(&candidate, &writeoffs::Rules::default());
        if !self.currency.is(&row.amount.currency) && problems.iter().all(|problem| problem.field != "amount.currency") {
            let message =
                format!("The merchant's currency is {}; export other currencies by their own merchant.", self.currency);
            problems.push(*writeoffs::Problem::new(writeoffs::Code::Unsupported, "amount.currency", &message));
        }
        problems.into_iter().map(|problem| problem_of(*Box::new(problem).of_row(self.rows, &row.id))).collect()
    }
}

/// The reason why write-offs are left out of acts.
const NOT_POSITIVE: &str = "It, or all of its act, sums up to zero or less in the month, and an act holds nothing that is not \
                            positive: it is in no act. Correct the earlier act in 1C where it is less.";

/// The options of all formats.
const OPTIONS: [&str; 6] = ["mode", "number-prefix", "account-prefix", "individuals-name", "other-vat-rate", "not-positive"];

/// Returns a problem for each option that the format does not have.
fn unknown_options(options: &ExportOptions) -> Vec<Problem> {
    let own = if options.format == "register-csv" { "decimal-separator" } else { "documents-per-file" };
    let mut problems = Vec::new();
    for (name, _) in &options.extra {
        if name != own && !OPTIONS.contains(&name.as_str()) {
            let known = OPTIONS.join(", ");
            let message = ["There is no option \"", name, "\"; the options are: ", &known, ", ", own, "."].concat();
            problems.push(Code::Unsupported.at("extra", message));
        }
    }
    problems
}

fn version(format: &str) -> Option<Version> {
    let version = format.strip_prefix("enterprise-data-")?;
    Version::ALL.into_iter().find(|known| known.as_str() == version)
}

fn enterprise_data(
    version: Version,
    options: &ExportOptions,
    period: (writeoffs::Date, writeoffs::Date),
    currency: Currency,
    problems: &mut Vec<Problem>,
) -> Option<Writer> {
    match EnterpriseData::begin(version, options_of(options, period, currency, problems)) {
        Ok(writer) => Some(Writer::EnterpriseData(Box::new(writer))),
        Err(more) => {
            problems.extend(more.into_iter().map(problem_of));
            None
        }
    }
}

fn register(
    options: &ExportOptions,
    period: (writeoffs::Date, writeoffs::Date),
    currency: Currency,
    problems: &mut Vec<Problem>,
) -> Option<Writer> {
    let separator = match extra(options, "decimal-separator") {
        None | Some("point") => DecimalSeparator::Point,
        Some("comma") => DecimalSeparator::Comma,
        Some(_) => {
            problems.push(Code::Invalid.at("extra.decimal-separator", "It is point or comma."));
            return None;
        }
    };
    Some(Writer::Register(Box::new(Register::new(separator, &options_of(options, period, currency, problems)))))
}

fn options_of(
    options: &ExportOptions,
    period: (writeoffs::Date, writeoffs::Date),
    currency: Currency,
    problems: &mut Vec<Problem>,
) -> Options {
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
        let at = writeoffs::Moment::of_epoch(seconds);
        if at.is_none() {
            problems.push(Code::OutOfRange.at("created-at", "It lies after the year 9999."));
        }
        at
    });
    let refuses_not_positive = match extra("not-positive") {
        None | Some("leave-out") => false,
        Some("refuse") => true,
        Some(_) => {
            problems.push(Code::Invalid.at("extra.not-positive", "It is leave-out or refuse."));
            false
        }
    };
    Options {
        version: None,
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
        refuses_not_positive,
    }
}

/// Parses the general VAT rate that is allowed besides that of the write-off's month, in hundredths of a percent.
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

fn kind(kind: PartyKind) -> writeoffs::PartyKind {
    match kind {
        PartyKind::Individual => writeoffs::PartyKind::Individual,
        PartyKind::SoleProprietor => writeoffs::PartyKind::SoleProprietor,
        PartyKind::Company => writeoffs::PartyKind::Company,
    }
}

fn party(party: &mut contract::Party) -> writeoffs::Party {
    writeoffs::Party {
        kind: kind(party.kind),
        name: take(&mut party.name),
        inn: take(&mut party.inn),
        kpp: take(&mut party.kpp),
        foreign_tax_number: String::new(),
    }
}

fn day_of(contract::Date { year, month, day }: contract::Date) -> writeoffs::Day {
    writeoffs::Day { year, month, day }
}

fn date_of(field: &'static str, date: contract::Date) -> Result<writeoffs::Date, Problem> {
    day_of(date).date().ok_or_else(|| Code::Invalid.at(field, "There is no such day."))
}

fn problem_of(problem: writeoffs::Problem) -> Problem {
    let code = match problem.code {
        writeoffs::Code::Missing => Code::Missing,
        writeoffs::Code::Invalid => Code::Invalid,
        writeoffs::Code::TooLong => Code::TooLong,
        writeoffs::Code::OutOfRange => Code::OutOfRange,
        writeoffs::Code::Unsupported => Code::Unsupported,
    };
    Problem { row: problem.row, ..code.at(problem.field, problem.message) }
}

fn totals_by_rate(totals: &Totals) -> contract::Fields {
    let mut fields = contract::Fields::new();
    // «Без НДС» goes last, since it has no rate to sort by.
    let (without, with) = totals.by_rate.split_at(totals.by_rate.partition_point(|(rate, _)| rate.is_none()));
    for (rate, sums) in with.iter().chain(without) {
        let rate = rate.map_or("none".to_owned(), |rate| rate.to_string());
        fields.push((["vat-", &rate, "-amount"].concat(), sums.minor_units.to_string()));
        fields.push((["vat-", &rate, "-vat"].concat(), sums.vat_minor_units.to_string()));
    }
    fields.push(("vat-rounding".to_owned(), totals.vat_rounding.to_string()));
    fields
}
