//! The list of what an export leaves out of its files, beside them as `FILE.left-out.csv`. It has the form of a register. Each
//! line is what was left out together for one reason.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use domain::{ExportRow, LeftOut, Problem};
use money::format_amount;

use crate::decimal;

/// The columns of the list.
pub const COLUMNS: [&str; 14] = [
    "writeoff_id",
    "rows",
    "account",
    "contract",
    "counterparty",
    "service_code",
    "service",
    "period",
    "amount",
    "vat_rate",
    "vat_amount",
    "currency",
    "reason",
    "comment",
];

/// The code of the reason for what a person's decision left out.
pub const BY_DECISION: &str = "by-decision";

/// Returns the path of an export's list.
pub fn path_of(out: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(out);
    name.push(".left-out.csv");
    PathBuf::from(name)
}

/// Makes the line of a write-off that a decision left out, with the reason that the person gave.
pub(crate) fn by_decision(row: &ExportRow, reason: &str) -> LeftOut {
    let vat = row.vat_basis_points.map_or(0, |rate| decimal::vat_within(row.amount.minor_units.into(), rate));
    LeftOut {
        rows: 1,
        writeoff: row.id.clone(),
        account: row.account.to_string(),
        subscriber: row.subscriber.name.clone(),
        contract: row.contract.clone(),
        service_code: row.service_code.clone(),
        service: row.service.clone(),
        period: row.period,
        vat_basis_points: row.vat_basis_points,
        amount: row.amount,
        // The VAT is within the amount, so it fits.
        vat_minor_units: vat.try_into().unwrap_or_default(),
        reason: Problem::new(BY_DECISION, reason),
    }
}

/// Writes a line of the list.
pub(crate) fn write_line(out: &mut impl Write, line: &LeftOut) -> io::Result<()> {
    let period = line.period.to_string();
    let rate = match line.vat_basis_points {
        Some(rate) if rate % 100 == 0 => (rate / 100).to_string(),
        Some(rate) => format!("{}.{:02}", rate / 100, rate % 100),
        None => "без НДС".to_owned(),
    };
    let comment = match line.reason.code.as_str() {
        "not-positive" => {
            "Сумма услуги или всего акта за месяц не больше нуля: эта строка ни в один акт не вошла. Если сумма меньше нуля, оформите \
             корректировку в 1С."
        }
        _ => &line.reason.message,
    };
    write_cells(
        out,
        &[
            &guarded(&line.writeoff),
            &line.rows.to_string(),
            &guarded(&line.account),
            &guarded(&line.contract),
            &guarded(&line.subscriber),
            &guarded(&line.service_code),
            &guarded(&line.service),
            &period,
            &format_amount(line.amount.minor_units),
            &rate,
            &format_amount(line.vat_minor_units),
            line.amount.currency.as_str(),
            &guarded(&line.reason.code),
            &guarded(comment),
        ],
    )
}

/// Writes the head of the list: the byte order mark and the names of the columns.
pub(crate) fn write_header(out: &mut impl Write) -> io::Result<()> {
    out.write_all("\u{feff}".as_bytes())?;
    write_cells(out, &COLUMNS)
}

fn write_cells(out: &mut impl Write, cells: &[&str]) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new().delimiter(b';').terminator(csv::Terminator::CRLF).from_writer(out);
    writer.write_record(cells)?;
    writer.flush()
}

/// Guards a text so that a spreadsheet does not take it for a formula, as in a register.
fn guarded(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\'']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

/// The sums of a list, in minor units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Sums {
    pub rows: u64,
    pub minor_units: i128,
    pub vat_minor_units: i128,
}

/// Reads a list and sums it up.
pub(crate) fn read(file: impl Read) -> Result<Sums, String> {
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_reader(file);
    if !reader.headers().map_err(|error| error.to_string())?.iter().eq(COLUMNS) {
        return Err(format!("it has not the columns {}", COLUMNS.join(";")));
    }
    let mut sums = Sums::default();
    for (line, record) in (2..).zip(reader.records()) {
        let record = record.map_err(|error| error.to_string())?;
        let cell =
            |column: &str| COLUMNS.iter().position(|known| *known == column).and_then(|at| record.get(at)).unwrap_or_default();
        let number = |column| decimal::exact(cell(column), 2).ok_or_else(|| format!("in record {line} {column} is no amount"));
        sums.rows += cell("rows").parse::<u64>().map_err(|_| format!("in record {line} rows is no number"))?;
        sums.minor_units += number("amount")?;
        sums.vat_minor_units += number("vat_amount")?;
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use domain::Money;

    use super::*;
    use crate::tests::writeoff;

    #[test]
    fn a_list_reads_back_and_is_no_formula() {
        let mut row = writeoff();
        row.service = "=HYPERLINK(\"x\";1)".into();
        row.amount.minor_units = -50_000;
        let by_person = by_decision(&row, "ошибка; исправят");
        let not_positive = LeftOut {
            rows: 3,
            vat_basis_points: None,
            vat_minor_units: 0,
            amount: Money { minor_units: 0, ..row.amount },
            reason: Problem { code: "not-positive".into(), ..by_person.reason.clone() },
            ..by_person.clone()
        };
        let mut file = Vec::new();
        write_header(&mut file).unwrap();
        write_line(&mut file, &by_person).unwrap();
        write_line(&mut file, &not_positive).unwrap();
        let text = String::from_utf8(file.clone()).unwrap();
        assert!(text.starts_with("\u{feff}writeoff_id;rows;account;") && text.contains("\r\n"), "{text}");
        assert!(text.contains("\"'=HYPERLINK(\"\"x\"\";1)\""), "{text}");
        assert!(text.contains(";-500.00;22;-90.16;RUB;by-decision;\"ошибка; исправят\"\r\n"), "{text}");
        assert!(text.contains(";0.00;без НДС;0.00;RUB;not-positive;Сумма услуги или всего акта за месяц не больше нуля: эта строка ни в один акт не вошла."), "{text}");
        assert_eq!(read(&file[..]), Ok(Sums { rows: 4, minor_units: -50_000, vat_minor_units: -9_016 }));
        let bad = text.replace("-500.00", "-500,00");
        assert_eq!(read(bad.as_bytes()), Err("in record 2 amount is no amount".into()));
        assert!(read("a;b\n".as_bytes()).is_err());
    }
}
