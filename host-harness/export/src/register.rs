//! Reads registers that were exported before (`register-csv`) as write-offs.

use std::io::Read;

use domain::{AccountNumber, Date, ExportRow, Money, Party, PartyKind};
use money::{AMOUNT_MAX, Currency};

use crate::decimal;

/// The columns of a register. A register of an earlier version lacks the last one.
pub const COLUMNS: [&str; 22] = [
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
    "foreign_tax_number",
];
const COLUMNS_BEFORE: usize = 21;

/// Why a line is not a write-off.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}, {what}")]
pub struct RegisterError {
    /// The line in the file, from 1.
    pub line: u64,
    /// What is wrong, where, and what to do.
    pub what: String,
}

/// Whether a register's write-offs must name their acts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Acts {
    /// Write-offs in roubles must name theirs. This detects that a spreadsheet changed an account or a contract, which would
    /// move the write-off to another act.
    #[default]
    Required,
    /// No write-off must: the register was not made by an export.
    Optional,
}

/// Reads the write-offs of a register, in its order. Numbers may have a point or a comma. A register has no column of units:
/// every unit is the piece.
pub fn read(file: impl Read, acts: Acts) -> impl Iterator<Item = Result<ExportRow, RegisterError>> {
    lines(file).map(move |line| {
        let Line { writeoff, line, .. } = line?;
        let names_act = writeoff.extra.iter().any(|(name, _)| name == ACT_UUID);
        if acts == Acts::Required && writeoff.amount.currency == Currency::RUB && !names_act {
            let what = "act_uuid is empty, so that nothing shows whether a spreadsheet changed the account (00123 to 123); export the \
                        register again, or say that its acts are not known";
            return Err(RegisterError { line, what: what.to_owned() });
        }
        Ok(writeoff)
    })
}

/// The extra field of a write-off that names its act.
pub(crate) const ACT_UUID: &str = "act-uuid";

/// A line of a register.
pub(crate) struct Line {
    /// The line's number in the file, from 1.
    pub line: u64,
    pub writeoff: ExportRow,
    pub vat_minor_units: i128,
}

/// Reads the lines of a register, in its order.
pub(crate) fn lines(file: impl Read) -> impl Iterator<Item = Result<Line, RegisterError>> {
    // Lines end with LF, so that they are counted correctly. A CR before it is cut from the last cell.
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').terminator(csv::Terminator::Any(b'\n')).from_reader(file);
    let header = match reader.headers() {
        Ok(header) => {
            let columns = || header.iter().map(without_cr);
            let is_known = columns().eq(COLUMNS) || columns().eq(COLUMNS.into_iter().take(COLUMNS_BEFORE));
            (!is_known).then(|| RegisterError { line: 1, what: format!("a register has the columns {}", COLUMNS.join(";")) })
        }
        Err(error) => Some(of_csv(&error)),
    };
    let is_register = header.is_none();
    let rows = reader.into_records().map(|record| {
        let record = record.map_err(|error| of_csv(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        match writeoff(&record) {
            Ok((writeoff, vat_minor_units)) => Ok(Line { line, writeoff, vat_minor_units }),
            Err(what) => Err(RegisterError { line, what }),
        }
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
        if at == self.0.len().checked_sub(1) { without_cr(cell) } else { cell }
    }

    /// Returns a text without the apostrophe that keeps spreadsheets from taking it for a formula.
    fn text(&self, column: &str) -> String {
        let text = self.raw(column);
        text.strip_prefix('\'').unwrap_or(text).to_owned()
    }

    fn date(&self, column: &str) -> Result<Option<Date>, String> {
        let text = self.raw(column);
        match Date::parse(text) {
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

/// Parses a line into its write-off, and the VAT that it adds to its act's line. That VAT is within a kopeck of the write-off's
/// own, because the own VAT was rounded.
fn writeoff(record: &csv::StringRecord) -> Result<(ExportRow, i128), String> {
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
    let (told_vat, told_rest) = (cells.number("vat_amount", 2)?, cells.number("amount_without_vat", 2)?);
    let misfit = |column| {
        let (got, amount) = (cells.raw(column), cells.raw("amount"));
        Err(format!("{column} is {got}, which does not fit the amount {amount} at this rate; export the register again"))
    };
    if (told_vat - vat).abs() > i128::from(vat_basis_points.is_some_and(|rate| rate > 0)) {
        return misfit("vat_amount");
    }
    if told_vat + told_rest != amount {
        return misfit("amount_without_vat");
    }
    let units = |number: i128| i64::try_from(number).unwrap_or(i64::MAX);
    let extra = [
        ("note", cells.text("note")),
        (ACT_UUID, cells.text("act_uuid")),
        ("foreign-tax-number", cells.text("foreign_tax_number")),
    ];
    let extra = extra.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.to_owned(), value));
    let code = cells.raw("currency");
    let currency = Currency::parse(code).ok_or_else(|| format!("currency is {code:?} and no code such as RUB"))?;
    let writeoff = ExportRow {
        id: cells.text("writeoff_id"),
        account: AccountNumber::stored(cells.text("account")),
        subscriber: Party { kind, name: cells.text("counterparty"), inn: cells.text("inn"), kpp: cells.text("kpp") },
        contract: cells.text("contract"),
        contract_date: cells.date("contract_date")?,
        service_code: cells.text("service_code"),
        service: cells.text("service"),
        unit: String::new(),
        period: cells.day("period")?,
        date: cells.day("date")?,
        quantity_thousandths: units(cells.number("quantity", 3)?),
        amount: Money { minor_units: units(amount), currency },
        vat_basis_points,
        extra: extra.collect(),
    };
    Ok((writeoff, told_vat))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "w-1;100500;Д-17;2024-02-29;ООО «Ромашка»;ЮЛ;7700000009;770701001;inet;Доступ;2026-10-01;2026-10-31;\
        1;500.00;22;90.16;409.84;RUB;10-100500;72b5193f-51d3-5246-aeb4-1b3602756499;;";

    fn rows(lines: &str) -> Vec<Result<ExportRow, RegisterError>> {
        read(format!("\u{feff}{}\r\n{lines}\r\n", COLUMNS.join(";")).as_bytes(), Acts::Required).collect()
    }

    #[test]
    fn a_line_is_a_writeoff() {
        let [Ok(row)] = &rows(LINE)[..] else { panic!() };
        assert_eq!((row.id.as_str(), row.contract.as_str(), row.amount.minor_units), ("w-1", "Д-17", 50_000));
        assert_eq!(
            (row.vat_basis_points, row.quantity_thousandths, row.subscriber.kind),
            (Some(2200), 1000, PartyKind::Company)
        );
        assert_eq!(row.contract_date, Date::new(2024, 2, 29));
        let commas = LINE.replace("500.00", "500,00").replace("90.16", "90,16").replace("409.84", "409,84");
        assert_eq!(rows(&commas)[0].as_ref(), Ok(row));
        let guarded = LINE.replace("Доступ", "\"'=A1;\"\"\n\"").replace(";22;90.16;409.84", ";без НДС;0.00;500.00");
        let [Ok(row)] = &rows(&guarded)[..] else { panic!() };
        assert_eq!((row.service.as_str(), row.vat_basis_points), ("=A1;\"\n", None));
    }

    #[test]
    fn a_register_of_before_is_read_where_its_acts_may_be_unknown() {
        let line = LINE.replace("10-100500;72b5193f-51d3-5246-aeb4-1b3602756499;;", ";;заметка");
        let register = format!("{}\r\n{line}\r\n", COLUMNS[..COLUMNS_BEFORE].join(";"));
        let rows: Vec<_> = read(register.as_bytes(), Acts::Optional).collect::<Result<_, _>>().unwrap();
        assert_eq!(rows[0].extra, [("note".to_owned(), "заметка".to_owned())]);
        assert!(read(register.as_bytes(), Acts::Required).next().unwrap().is_err());
        let abroad = register.replace(";RUB;", ";KZT;");
        assert!(read(abroad.as_bytes(), Acts::Required).next().unwrap().is_ok(), "no act is of another currency");
    }

    #[test]
    fn a_line_may_have_the_kopeck_that_its_act_needs() {
        let line = LINE.replace(";90.16;409.84;", ";90.17;409.83;");
        assert!(rows(&line)[0].is_ok());
        let free = LINE.replace(";22;90.16;409.84;", ";0;0.01;499.99;");
        assert!(rows(&free)[0].is_err());
    }

    #[test]
    fn bad_lines_say_where_and_what() {
        for (from, to, words) in [
            ("ЮЛ", "XX", "type is \"XX\""),
            ("500.00", "500.001", "amount is \"500.001\""),
            ("500.00", "1e3", "amount is \"1e3\""),
            ("90.16", "90.14", "vat_amount is 90.14"),
            ("409.84", "409.85", "amount_without_vat is 409.85"),
            (";10-100500;72b5193f-51d3-5246-aeb4-1b3602756499", ";;", "act_uuid is empty"),
            ("2026-10-31", "31.10.2026", "date is \"31.10.2026\""),
            ("2026-10-01", "", "period is empty"),
            ("2026-10-31", "2026-10-32", "date is \"2026-10-32\" and no day"),
            (";RUB", ";rub", "currency is \"rub\" and no code"),
            (";22;", ";-1;", "vat_rate is \"-1\""),
            (";RUB", "", "21 columns"),
        ] {
            let bad = LINE.replacen(from, to, 1);
            let lines = format!("{LINE}\r\n{bad}");
            let error = rows(&lines).pop().unwrap().unwrap_err();
            assert!(error.line == 3 && error.what.contains(words), "{error}");
        }
        let mut other = read("a;b\n1;2\n".as_bytes(), Acts::Optional);
        assert!(other.next().unwrap().unwrap_err().to_string().contains("line 1, a register has the columns"));
        assert_eq!(other.next(), None);
    }
}
