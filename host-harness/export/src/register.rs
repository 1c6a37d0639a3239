//! Registers that were exported before (`register-csv`), read as write-offs.

use std::io::Read;

use money::AMOUNT_MAX;
use sandbox::records::{Date, Money, Party, PartyKind, Writeoff};

use crate::decimal;

/// The columns of a register.
pub const COLUMNS: [&str; 21] = [
    "writeoff_id",
    "account",
    "contract",
    "contract_date",
    "counterparty",
    "type",
    "inn",
    "kpp",
    "service_code",
    "service",
    "period",
    "date",
    "quantity",
    "amount",
    "vat_rate",
    "vat_amount",
    "amount_without_vat",
    "currency",
    "act_number",
    "act_uuid",
    "note",
];

/// Why a line is no write-off.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}, {what}")]
pub struct RegisterError {
    /// The line in the file, from 1.
    pub line: u64,
    /// What is wrong, where, and what to do.
    pub what: String,
}

/// The write-offs of a register, in its order. Numbers may have a point or a comma. A register names no units: all are pieces.
pub fn read(file: impl Read) -> impl Iterator<Item = Result<Writeoff, RegisterError>> {
    // Lines end with LF, so that they are counted right; the CR before it is cut from the last cell.
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').terminator(csv::Terminator::Any(b'\n')).from_reader(file);
    let header = match reader.headers() {
        Ok(header) if header.iter().map(without_cr).eq(COLUMNS) => None,
        Ok(_) => Some(RegisterError { line: 1, what: format!("a register has the columns {}", COLUMNS.join(";")) }),
        Err(error) => Some(of_csv(&error)),
    };
    let is_register = header.is_none();
    let rows = reader.into_records().map(|record| {
        let record = record.map_err(|error| of_csv(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        writeoff(&record).map_err(|what| RegisterError { line, what })
    });
    header.map(Err).into_iter().chain(rows.take_while(move |_| is_register))
}

fn of_csv(error: &csv::Error) -> RegisterError {
    let line = error.position().map_or(1, csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "the text is not UTF-8; save the register as CSV UTF-8".to_owned(),
        csv::ErrorKind::UnequalLengths { len, .. } => {
            format!("it has {len} columns instead of {}; a register's cells are separated by semicolons", COLUMNS.len())
        }
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => "it is no line of a register".to_owned(),
    };
    RegisterError { line, what }
}

fn without_cr(cell: &str) -> &str {
    cell.strip_suffix('\r').unwrap_or(cell)
}

/// The cells of a line, by column.
struct Cells<'r>(&'r csv::StringRecord);

impl<'r> Cells<'r> {
    fn raw(&self, column: &str) -> &'r str {
        let at = COLUMNS.iter().position(|known| *known == column);
        let cell = at.and_then(|at| self.0.get(at)).unwrap_or_default();
        if at == Some(COLUMNS.len() - 1) { without_cr(cell) } else { cell }
    }

    /// A text, without the apostrophe that keeps spreadsheets from taking it for a formula.
    fn text(&self, column: &str) -> String {
        let text = self.raw(column);
        text.strip_prefix('\'').unwrap_or(text).to_owned()
    }

    fn date(&self, column: &str) -> Result<Option<Date>, String> {
        let text = self.raw(column);
        let date = || {
            let mut parts = text.splitn(3, '-');
            let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
            let is_form = (year.len(), month.len(), day.len()) == (4, 2, 2);
            is_form.then_some(Date { year: year.parse().ok()?, month: month.parse().ok()?, day: day.parse().ok()? })
        };
        match date() {
            None if text.is_empty() => Ok(None),
            None => Err(format!("{column} is {text:?} and no day such as 2026-10-31")),
            date => Ok(date),
        }
    }

    fn day(&self, column: &str) -> Result<Date, String> {
        self.date(column)?.ok_or_else(|| format!("{column} is empty"))
    }

    fn number(&self, column: &str, decimals: usize) -> Result<i128, String> {
        let text = self.raw(column);
        decimal::at_most(&text.replace(',', "."), decimals)
            .filter(|number| number.unsigned_abs() <= u128::from(AMOUNT_MAX.unsigned_abs()))
            .ok_or_else(|| format!("{column} is {text:?} and no number with at most {decimals} decimals"))
    }
}

fn writeoff(record: &csv::StringRecord) -> Result<Writeoff, String> {
    let cells = Cells(record);
    let kind = match cells.raw("type") {
        "ЮЛ" => PartyKind::Company,
        "ИП" => PartyKind::SoleProprietor,
        "ФЛ" => PartyKind::Individual,
        other => return Err(format!("type is {other:?} and none of ЮЛ, ИП, ФЛ")),
    };
    let vat_basis_points = match cells.raw("vat_rate") {
        "без НДС" => None,
        other => {
            let rate = cells.number("vat_rate", 2)?.try_into();
            Some(rate.map_err(|_| format!("vat_rate is {other:?} and no rate in percent"))?)
        }
    };
    let amount = cells.number("amount", 2)?;
    let vat = vat_basis_points.map_or(0, |rate| decimal::vat_within(amount, rate));
    for (column, want) in [("vat_amount", vat), ("amount_without_vat", amount - vat)] {
        if cells.number(column, 2)? != want {
            let (got, amount) = (cells.raw(column), cells.raw("amount"));
            return Err(format!(
                "{column} is {got}, which does not fit the amount {amount} at this rate; export the register again"
            ));
        }
    }
    let units = |number: i128| i64::try_from(number).unwrap_or(i64::MAX);
    let note = cells.text("note");
    Ok(Writeoff {
        id: cells.text("writeoff_id"),
        account: cells.text("account"),
        subscriber: Party { kind, name: cells.text("counterparty"), inn: cells.text("inn"), kpp: cells.text("kpp") },
        contract: cells.text("contract"),
        contract_date: cells.date("contract_date")?,
        service_code: cells.text("service_code"),
        service: cells.text("service"),
        unit: String::new(),
        period: cells.day("period")?,
        date: cells.day("date")?,
        quantity_thousandths: units(cells.number("quantity", 3)?),
        amount: Money { minor_units: units(amount), currency: cells.raw("currency").to_owned() },
        vat_basis_points,
        extra: if note.is_empty() { Vec::new() } else { vec![("note".to_owned(), note)] },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "w-1;100500;Д-17;2024-02-29;ООО «Ромашка»;ЮЛ;7700000009;770701001;inet;Доступ;2026-10-01;2026-10-31;\
        1;500.00;22;90.16;409.84;RUB;;;";

    fn rows(lines: &str) -> Vec<Result<Writeoff, RegisterError>> {
        read(format!("\u{feff}{}\r\n{lines}\r\n", COLUMNS.join(";")).as_bytes()).collect()
    }

    #[test]
    fn a_line_is_a_writeoff() {
        let [Ok(row)] = &rows(LINE)[..] else { panic!() };
        assert_eq!((row.id.as_str(), row.contract.as_str(), row.amount.minor_units), ("w-1", "Д-17", 50_000));
        assert_eq!(
            (row.vat_basis_points, row.quantity_thousandths, row.subscriber.kind),
            (Some(2200), 1000, PartyKind::Company)
        );
        assert_eq!(row.contract_date, Some(Date { year: 2024, month: 2, day: 29 }));
        let commas = LINE.replace("500.00", "500,00").replace("90.16", "90,16").replace("409.84", "409,84");
        assert_eq!(rows(&commas)[0].as_ref(), Ok(row));
        let guarded = LINE.replace("Доступ", "\"'=A1;\"\"\n\"").replace(";22;90.16;409.84", ";без НДС;0.00;500.00");
        let [Ok(row)] = &rows(&guarded)[..] else { panic!() };
        assert_eq!((row.service.as_str(), row.vat_basis_points), ("=A1;\"\n", None));
    }

    #[test]
    fn bad_lines_say_where_and_what() {
        for (from, to, words) in [
            ("ЮЛ", "XX", "type is \"XX\""),
            ("500.00", "500.001", "amount is \"500.001\""),
            ("500.00", "1e3", "amount is \"1e3\""),
            ("90.16", "90.15", "vat_amount is 90.15"),
            ("409.84", "409.85", "amount_without_vat is 409.85"),
            ("2026-10-31", "31.10.2026", "date is \"31.10.2026\""),
            ("2026-10-01", "", "period is empty"),
            (";22;", ";-1;", "vat_rate is \"-1\""),
            (";RUB", "", "20 columns"),
        ] {
            let bad = LINE.replacen(from, to, 1);
            let lines = format!("{LINE}\r\n{bad}");
            let error = rows(&lines).pop().unwrap().unwrap_err();
            assert!(error.line == 3 && error.what.contains(words), "{error}");
        }
        let mut other = read("a;b\n1;2\n".as_bytes());
        assert!(other.next().unwrap().unwrap_err().to_string().contains("line 1, a register has the columns"));
        assert_eq!(other.next(), None);
    }
}
