//! ChronoPay's register («детализация») as a CSV file. Its columns are not public, so the operator names them.

mod options;
mod value;

use kit::Report;
use kit::contract::{EventKind, Fields, Money, Problem};
use kit::problem::{Code, Message};
use kit::settlement_reports::{ControlTotals, ReportRow};
use kit::text::shown;
use money::Currency;

use crate::csv::{CsvError, Reader, Row};
use options::{Column, Options};
use value::{amount, time};

pub use options::format;

/// The longest text of an id, by the contract: of a transaction, an order and an account; of a payout.
const ID_CHARS_MAX: usize = 64;
const PAYOUT_CHARS_MAX: usize = 255;

/// Begins to read a register.
///
/// # Errors
/// All problems of the options at once, each with its field.
pub fn open(format: &str, options: &Fields, currency: Currency) -> Result<Register, Vec<Problem>> {
    if format != options::CSV {
        return Err(vec![Code::Unsupported.at("format", "The format is csv.")]);
    }
    let options = Options::read(options)?;
    let reader = Reader::new(options.separator);
    Ok(Register { currency, options, reader, header: None })
}

/// A register that is being read.
pub struct Register {
    currency: Currency,
    options: Options,
    reader: Reader,
    /// None: the row with the names of the columns was not read yet.
    header: Option<Header>,
}

/// Where the columns stand.
struct Header {
    /// How many there are.
    columns: usize,
    /// The place of each column that the options name, in the order of [`Column::ALL`].
    places: Vec<Option<usize>>,
}

impl Report for Register {
    fn append(&mut self, bytes: &[u8]) -> Result<Vec<ReportRow>, Problem> {
        let Register { currency, options, reader, header } = self;
        let mut rows = Vec::new();
        for byte in bytes {
            let number = reader.row();
            reader
                .push(*byte, |row| read_row(row, options, *currency, header, &mut rows))
                .map_err(|wrong| wrong.problem(number))?;
        }
        Ok(rows)
    }

    fn finish(&mut self) -> Result<(Vec<ReportRow>, ControlTotals), Problem> {
        let Register { currency, options, reader, header } = self;
        let mut rows = Vec::new();
        let number = reader.row();
        reader.finish(|row| read_row(row, options, *currency, header, &mut rows)).map_err(|wrong| wrong.problem(number))?;
        if header.is_none() {
            return Err(Code::Missing.at("header-row", "The file ends before the row with the names of the columns."));
        }
        // ChronoPay is not known to write totals.
        Ok((rows, ControlTotals { rows: None, gross: None, fee: None, net: None, extra: Vec::new() }))
    }
}

/// What is wrong with a row.
enum Wrong {
    Csv(CsvError),
    Value(Problem),
}

impl From<CsvError> for Wrong {
    fn from(error: CsvError) -> Wrong {
        Wrong::Csv(error)
    }
}

impl Wrong {
    fn problem(self, row: u64) -> Problem {
        let problem = match self {
            Wrong::Value(problem) => problem,
            Wrong::Csv(CsvError::TooLong) => {
                Code::TooLong.whole("The row is longer than any row of a register. Is it the separator that the options name?")
            }
            Wrong::Csv(CsvError::Quote) => {
                Code::Malformed.whole("A quote stands within a field; it must be doubled, in a field in quotes.")
            }
            Wrong::Csv(CsvError::CutOff) => Code::Malformed.whole("The file ends within quotes: it was cut off."),
        };
        Problem { row: Some(row), ..problem }
    }
}

fn read_row(
    row: &Row,
    options: &Options,
    currency: Currency,
    header: &mut Option<Header>,
    rows: &mut Vec<ReportRow>,
) -> Result<(), Wrong> {
    match header {
        Some(header) => rows.push(header.row(row, options, currency).map_err(Wrong::Value)?),
        None if row.number < options.header_row => {}
        None => *header = Some(Header::read(row, options).map_err(Wrong::Value)?),
    }
    Ok(())
}

impl Header {
    /// Finds the columns that the options name.
    fn read(row: &Row, options: &Options) -> Result<Header, Problem> {
        let names: Vec<String> = row.fields().map(|field| options.encoding.text(field)).collect();
        let place = |column: Column| {
            let Some(wanted) = options.column(column) else { return Ok(None) };
            let mut places = names.iter().enumerate().filter(|(_, name)| name.trim() == wanted).map(|(at, _)| at);
            match (places.next(), places.next()) {
                (Some(place), None) => Ok(Some(place)),
                (None, _) => {
                    let message = format!("The file has no column «{}»; it has: {}.", shown(wanted), shown(&names.join(", ")));
                    Err(Code::Missing.at(column.option(), message))
                }
                (Some(_), Some(_)) => Err(Code::FieldConflict.at(column.option(), "The file has two columns of this name.")),
            }
        };
        let places = Column::ALL.into_iter().map(place).collect::<Result<Vec<_>, Problem>>()?;
        Ok(Header { columns: names.len(), places })
    }

    /// Reads a row.
    fn row(&self, row: &Row, options: &Options, currency: Currency) -> Result<ReportRow, Problem> {
        let count = row.fields().count();
        if count != self.columns {
            let message = format!("The row has {count} of {} columns: the file was cut off or changed.", self.columns);
            return Err(Code::Malformed.whole(message));
        }
        let fields = Values { header: self, row, options };
        let kind = fields.kind()?;
        let theirs = fields.of(Column::Currency);
        if !theirs.is_empty() && !currency.is_meant_by(&theirs) {
            let message = format!("The row is in «{}»; the settings name {currency}.", shown(&theirs));
            return Err(fields.problem(Code::Unsupported, Column::Currency, message));
        }
        let written = fields.amount(Column::Amount)?;
        let written = written.ok_or_else(|| fields.problem(Code::Missing, Column::Amount, "The row has no amount."))?;
        let kind = match kind {
            Kind::OfAmount if written < 0 => Some(EventKind::Refund),
            Kind::OfAmount => Some(EventKind::Payment),
            Kind::Of(kind) => kind,
        };
        if kind == Some(EventKind::Payment) && written < 0 {
            return Err(fields.problem(Code::OutOfRange, Column::Amount, "The amount of a payment is negative."));
        }
        // A register may write what goes back without a sign.
        let goes_back = matches!(kind, Some(EventKind::Refund | EventKind::Chargeback));
        let sign = if goes_back && written > 0 { -1 } else { 1 };
        let money = |minor_units: i64| Money { minor_units, currency: currency.as_str().to_owned() };
        let (occurred_at, day) = match fields.of(Column::Date).as_str() {
            "" => (None, None),
            text => {
                let wrong = || {
                    fields.problem(Code::Invalid, Column::Date, "It is no date such as 2026-10-31, 31.10.2026 or 10/31/2026.")
                };
                let (at, day) = time(text, &options.zone).ok_or_else(wrong)?;
                (Some(at), Some(day))
            }
        };
        let original = fields.id(Column::Original, ID_CHARS_MAX)?;
        Ok(ReportRow {
            kind,
            transaction: fields.id(Column::Transaction, ID_CHARS_MAX)?.unwrap_or_default(),
            order: fields.id(Column::Order, ID_CHARS_MAX)?,
            account: fields.id(Column::Account, ID_CHARS_MAX)?,
            gross: money(sign * written),
            fee: fields.amount(Column::Fee)?.map(money),
            net: fields.amount(Column::Net)?.map(|net| money(sign * net)),
            occurred_at,
            day,
            payout: fields.id(Column::Payout, PAYOUT_CHARS_MAX)?,
            extra: original.map(|original| ("original".to_owned(), original)).into_iter().collect(),
        })
    }
}

/// What a row is.
enum Kind {
    /// What the sign of its amount says, since no column does.
    OfAmount,
    /// None: no movement of a payer's money.
    Of(Option<EventKind>),
}

/// The values of a row.
struct Values<'r> {
    header: &'r Header,
    row: &'r Row,
    options: &'r Options,
}

impl Values<'_> {
    /// Returns a column's value without white space around it; empty if there is no such column.
    fn of(&self, column: Column) -> String {
        let place = self.header.places.get(column as usize).copied().flatten();
        let field = place.and_then(|place| self.row.fields().nth(place)).unwrap_or_default();
        self.options.encoding.text(field).trim().to_owned()
    }

    fn problem(&self, code: Code, column: Column, message: impl Into<Message>) -> Problem {
        code.at(self.options.column(column).unwrap_or_default(), message)
    }

    fn kind(&self) -> Result<Kind, Problem> {
        if self.options.column(Column::Type).is_none() {
            return Ok(Kind::OfAmount);
        }
        let name = self.of(Column::Type);
        self.options.kind(&name).map(Kind::Of).ok_or_else(|| {
            let message = format!("The type «{}» is in none of the lists of types; add it to one.", shown(&name));
            self.problem(Code::UnknownType, Column::Type, message)
        })
    }

    fn amount(&self, column: Column) -> Result<Option<i64>, Problem> {
        let text = self.of(column);
        if text.is_empty() {
            return Ok(None);
        }
        let wrong = |message: &'static str| self.problem(Code::Invalid, column, message);
        amount(&text, self.options.decimal_mark).map(Some).map_err(wrong)
    }

    /// Returns a text that names something; `None` if it is empty.
    fn id(&self, column: Column, chars_max: usize) -> Result<Option<String>, Problem> {
        let text = self.of(column);
        kit::text::check("", &text, chars_max)
            .map_err(|problem| Problem { field: self.options.column(column).map(str::to_owned), ..problem })?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }
}

#[cfg(test)]
mod tests;
