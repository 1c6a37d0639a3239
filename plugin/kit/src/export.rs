//! The contract's exports, on the writers of `onec`.

use money::Currency;
use onec::{DecimalSeparator, Register, Totals};

use crate::contract::{self, ExportOptions, ExportSummary, Money, PartyKind, Problem, Writeoff};
use crate::problem::Code;
use crate::text;

/// The name of the register's format.
pub const REGISTER_CSV: &str = "register-csv";

/// An export in progress.
#[derive(Debug)]
pub struct Export {
    /// None: it ended, well or not.
    register: Option<Register>,
    currency: Currency,
    period: (onec::Date, onec::Date),
    rows: u64,
}

impl Export {
    /// The formats that can be written, the default first.
    pub const FORMATS: [&'static str; 1] = [REGISTER_CSV];

    /// Begins an export of write-offs in one currency.
    ///
    /// Options of `register-csv` (`extra`): `decimal-separator`, `point` (default) or `comma`.
    ///
    /// # Errors
    /// All problems of the options at once, each with its field.
    pub fn begin(options: &ExportOptions, currency: Currency) -> Result<Export, Vec<Problem>> {
        let mut problems = Vec::new();
        if !Self::FORMATS.contains(&options.format.as_str()) {
            problems.push(Code::Unsupported.at("format", format!("The formats are: {}.", Self::FORMATS.join(", "))));
        }
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
        let separator = decimal_separator(&options.extra).unwrap_or_else(|problem| {
            problems.push(problem);
            DecimalSeparator::default()
        });
        match (start, end) {
            (Some(start), Some(end)) if problems.is_empty() => {
                Ok(Export { register: Some(Register::new(separator)), currency, period: (start, end), rows: 0 })
            }
            _ => Err(problems),
        }
    }

    /// Adds write-offs and gives the bytes that are ready.
    ///
    /// # Errors
    /// The first bad write-off, by `row` and `field`; the export is over then.
    pub fn append(&mut self, rows: &[Writeoff]) -> Result<Vec<u8>, Problem> {
        let mut register = self.register.take().ok_or_else(ended)?;
        let mut out = Vec::new();
        for row in rows {
            self.rows += 1;
            self.writeoff(row)
                .and_then(|writeoff| register.append(&writeoff, &mut out).map_err(problem_of))
                .map_err(|problem| Problem { row: Some(self.rows), ..problem })?;
        }
        self.register = Some(register);
        Ok(out)
    }

    /// Ends the export.
    ///
    /// # Errors
    /// When it is over already.
    pub fn finish(&mut self) -> Result<ExportSummary, Problem> {
        let mut tail = Vec::new();
        let totals = self.register.take().ok_or_else(ended)?.finish(&mut tail);
        Ok(ExportSummary {
            tail,
            rows: totals.rows,
            documents: 0,
            amount: Money { minor_units: totals.all.minor_units, currency: self.currency.to_string() },
            vat_minor_units: totals.all.vat_minor_units,
            extra: totals_by_rate(&totals),
        })
    }

    fn writeoff(&self, row: &Writeoff) -> Result<onec::Writeoff, Problem> {
        if row.amount.currency != self.currency.as_str() {
            let message =
                format!("The merchant's currency is {}; export other currencies by their own merchant.", self.currency);
            return Err(Code::Unsupported.at("amount.currency", message));
        }
        let date = date_of("date", row.date)?;
        if date < self.period.0 || date > self.period.1 {
            let message = format!("{date} lies outside the export's period, {} to {}.", self.period.0, self.period.1);
            return Err(Code::OutOfRange.at("date", message));
        }
        let note = row.extra.iter().find(|(name, _)| name == "note").map(|(_, note)| note.clone());
        Ok(onec::Writeoff {
            id: row.id.clone(),
            account: row.account.clone(),
            subscriber: onec::Party {
                kind: match row.subscriber.kind {
                    PartyKind::Individual => onec::PartyKind::Individual,
                    PartyKind::SoleProprietor => onec::PartyKind::SoleProprietor,
                    PartyKind::Company => onec::PartyKind::Company,
                },
                name: row.subscriber.name.clone(),
                inn: row.subscriber.inn.clone(),
                kpp: row.subscriber.kpp.clone(),
            },
            contract: row.contract.clone(),
            contract_date: row.contract_date.map(|date| date_of("contract-date", date)).transpose()?,
            service_code: row.service_code.clone(),
            service: row.service.clone(),
            period: date_of("period", row.period)?,
            date,
            quantity_thousandths: row.quantity_thousandths,
            minor_units: row.amount.minor_units,
            currency: self.currency,
            vat_basis_points: row.vat_basis_points,
            note: note.unwrap_or_default(),
        })
    }
}

fn ended() -> Problem {
    Code::Invalid.whole("The export has ended; begin a new one.")
}

fn decimal_separator(extra: &contract::Fields) -> Result<DecimalSeparator, Problem> {
    match extra.iter().find(|(name, _)| name == "decimal-separator").map(|(_, value)| value.as_str()) {
        None | Some("point") => Ok(DecimalSeparator::Point),
        Some("comma") => Ok(DecimalSeparator::Comma),
        Some(_) => Err(Code::Invalid.at("extra.decimal-separator", "It is point or comma.")),
    }
}

fn date_of(field: &'static str, date: contract::Date) -> Result<onec::Date, Problem> {
    onec::Date::new(date.year, date.month, date.day).ok_or_else(|| Code::Invalid.at(field, "There is no such day."))
}

fn problem_of(problem: onec::Problem) -> Problem {
    let code = match problem.code {
        onec::Code::Missing => Code::Missing,
        onec::Code::Invalid => Code::Invalid,
        onec::Code::TooLong => Code::TooLong,
        onec::Code::OutOfRange => Code::OutOfRange,
    };
    code.at(problem.field, problem.message)
}

fn totals_by_rate(totals: &Totals) -> contract::Fields {
    let mut fields = contract::Fields::new();
    // «Без НДС» goes last: it has no rate to be sorted by.
    let (without, with): (Vec<_>, Vec<_>) = totals.by_rate.iter().partition(|(rate, _)| rate.is_none());
    for (rate, sums) in with.into_iter().chain(without) {
        let rate = rate.map_or("none".to_owned(), |rate| rate.to_string());
        fields.push((format!("vat-{rate}-amount"), sums.minor_units.to_string()));
        fields.push((format!("vat-{rate}-vat"), sums.vat_minor_units.to_string()));
    }
    fields
}
