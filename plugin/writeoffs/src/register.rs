//! `register-csv`: one line per write-off, for people, spreadsheets and 1C's table loaders.
//!
//! UTF-8 with a byte order mark. Cells are separated by `;` and lines end with CR LF. A cell is quoted if it contains `;`, `"`
//! or a line break. Dates are `YYYY-MM-DD`, amounts have two decimals.
//!
//! In roubles a register also names the act that each write-off belongs to in 1C, by number and reference, and how much it adds
//! to the VAT of its line in the act, so that the register's VAT equals that of the acts to the kopeck. A write-off that is
//! left out of the acts has a reference and no number.

use money::Currency;

use crate::acts::Acts;
use crate::date::{Date, Month};
use crate::identity::Reference;
use crate::options::Options;
use crate::output::Output;
use crate::totals::{Sums, Totals};
use crate::writeoff::{Code, PartyKind, Problem, Writeoff};

const HEADER: &str = "\u{feff}writeoff_id;account;contract;contract_date;counterparty;type;inn;kpp;service_code;service;period;\
    date;quantity;amount;vat_rate;vat_amount;amount_without_vat;currency;act_number;act_uuid;note;foreign_tax_number\r\n";
/// The most text of one account, in bytes. It is held until the account ends, since its acts are not known before.
const ACCOUNT_BYTES_MAX: usize = 3 << 20;

/// The decimal separator of amounts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DecimalSeparator {
    /// `100.00`
    #[default]
    Point,
    /// `100,00`, as a Russian spreadsheet reads numbers.
    Comma,
}

/// The writer of a register.
#[derive(Debug)]
pub struct Register {
    separator: DecimalSeparator,
    acts: Acts,
    /// Whether write-offs become acts, which they do in roubles only.
    has_acts: bool,
    /// The lines of the current account.
    pending: Pending,
    totals: Totals,
    begun: bool,
}

/// Lines whose acts are not known yet.
#[derive(Debug, Default)]
struct Pending {
    text: Vec<u8>,
    lines: Vec<PendingLine>,
}

/// The end of a line's text, and the position in it where the act's cells are inserted.
#[derive(Debug)]
struct PendingLine {
    act_at: usize,
    end: usize,
    of: Of,
}

/// What a write-off belongs to.
#[derive(Clone, Copy, Debug)]
enum Of {
    /// The line of the account's acts with this index.
    Account(usize),
    /// The month's act of all individuals.
    Individuals(Month),
}

impl Register {
    /// Creates an empty register. Of the options, only the period and the currency are required.
    pub fn new(separator: DecimalSeparator, options: &Options) -> Register {
        Register {
            separator,
            acts: Acts::new(options),
            has_acts: options.currency == Currency::RUB,
            pending: Pending::default(),
            totals: Totals::default(),
            begun: false,
        }
    }

    /// Adds a write-off, which is row `row` of the input. Writes the lines of earlier accounts once they are complete. Problems
    /// are reported to the output.
    pub fn append(&mut self, row: u64, writeoff: Writeoff, out: &mut Output) {
        if out.is_over() || !self.acts.check(row, &writeoff, out) {
            return;
        }
        self.begin(out.buffer());
        if let Err(problem) = self.take(row, &writeoff, out) {
            out.fault(*problem.of_row(row, &writeoff.id));
        }
    }

    /// Ends the register. An empty one still has its header.
    pub fn finish(mut self, out: &mut Output) -> Totals {
        self.begin(out.buffer());
        self.end_account(out);
        out.end_file(self.totals.clone());
        self.totals
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.begun, true) {
            out.extend_from_slice(HEADER.as_bytes());
        }
    }

    fn take(&mut self, row: u64, writeoff: &Writeoff, out: &mut Output) -> Result<(), Box<Problem>> {
        let rate = writeoff.vat_basis_points;
        let own = Sums::of(writeoff.minor_units, rate);
        if !self.has_acts {
            self.totals.add(1, rate, own, own.vat_minor_units)?;
            write_line(self.separator, writeoff, own.vat_minor_units, b";;", out.buffer());
            return Ok(());
        }
        if self.acts.begins_account(writeoff)? {
            self.end_account(out);
        }
        if self.pending.text.len() > ACCOUNT_BYTES_MAX {
            out.end_faults();
            return Err(too_much_text());
        }
        let added = self.acts.add(row, writeoff.clone(), out)?;
        let sums = Sums { vat_minor_units: added.vat, ..own };
        self.totals.add(1, rate, sums, own.vat_minor_units)?;
        let text = &mut self.pending.text;
        let act_at = write_line(self.separator, writeoff, added.vat, b"", text);
        let of = added.line.map_or(Of::Individuals(writeoff.period.month()), Of::Account);
        self.pending.lines.push(PendingLine { act_at, end: text.len(), of });
        Ok(())
    }

    /// Writes the current account's lines, now that its acts are known. If an act cannot have a number, the cell is empty: the
    /// export that loads the act reports the problem.
    fn end_account(&mut self, out: &mut Output) {
        let (ended, _) = self.acts.end_account(out);
        let Pending { text, lines } = &mut self.pending;
        let out = out.buffer();
        out.reserve(text.len() + 64 * lines.len());
        let mut from = 0;
        for PendingLine { act_at, end, of } in lines.drain(..) {
            out.extend_from_slice(text.get(from..act_at).unwrap_or_default());
            match of {
                Of::Individuals(month) => {
                    act_cells(&self.acts.number_of_individuals(month), &self.acts.act_of_individuals(month), out);
                }
                Of::Account(line) => {
                    if let Some((act, is_kept)) = ended.act_of_line(line) {
                        let number = act.number.as_ref().ok().filter(|_| is_kept).map_or("", String::as_str);
                        act_cells(number, &act.reference, out);
                    }
                }
            }
            out.extend_from_slice(text.get(act_at..end).unwrap_or_default());
            from = end;
        }
        text.clear();
    }
}

#[cold]
fn too_much_text() -> Box<Problem> {
    let message = "The account has more write-offs than a register can hold at a time, some 10000; sum them up before.";
    Problem::new(Code::OutOfRange, "account", message)
}

fn act_cells(number: &str, reference: &Reference, out: &mut Vec<u8>) {
    cell(number, out);
    cell(reference.text(), out);
}

/// Writes a write-off's line with the cells of its act. Returns their position.
fn write_line(separator: DecimalSeparator, row: &Writeoff, vat: i64, act_cells: &[u8], out: &mut Vec<u8>) -> usize {
    let kind = match row.subscriber.kind {
        PartyKind::Individual => "ФЛ",
        PartyKind::SoleProprietor => "ИП",
        PartyKind::Company => "ЮЛ",
    };
    text_cell(&row.id, out);
    text_cell(&row.account, out);
    text_cell(&row.contract, out);
    date_cell(row.contract_date, out);
    text_cell(&row.subscriber.name, out);
    cell(kind, out);
    text_cell(&row.subscriber.inn, out);
    text_cell(&row.subscriber.kpp, out);
    text_cell(&row.service_code, out);
    text_cell(&row.service, out);
    date_cell(Some(row.period), out);
    date_cell(Some(row.date), out);
    trimmed_cell(separator, row.quantity_thousandths.unsigned_abs(), 3, out);
    amount_cell(separator, row.minor_units, out);
    match row.vat_basis_points {
        Some(rate) => trimmed_cell(separator, rate.into(), 2, out),
        None => cell("без НДС", out),
    }
    amount_cell(separator, vat, out);
    amount_cell(separator, row.minor_units.saturating_sub(vat), out);
    cell(row.currency.as_str(), out);
    let act_at = out.len();
    out.extend_from_slice(act_cells);
    text_cell(&row.note, out);
    text_cell(&row.subscriber.foreign_tax_number, out);
    out.pop();
    out.extend_from_slice(b"\r\n");
    act_at
}

fn amount_cell(separator: DecimalSeparator, minor_units: i64, out: &mut Vec<u8>) {
    let from = out.len();
    money::write_amount(out, minor_units);
    end_number(separator, from, out);
}

/// Writes a decimal without trailing zeros: 1000 with three decimals is `1`, 2550 with two is `25.5`.
fn trimmed_cell(separator: DecimalSeparator, units: u64, decimals: usize, out: &mut Vec<u8>) {
    let from = out.len();
    money::write_decimal(out, units, decimals);
    while out.pop_if(|byte| *byte == b'0').is_some() {}
    out.pop_if(|byte| *byte == b'.');
    end_number(separator, from, out);
}

fn end_number(separator: DecimalSeparator, from: usize, out: &mut Vec<u8>) {
    let number = out.get_mut(from..).unwrap_or_default();
    if separator == DecimalSeparator::Comma
        && let Some(point) = number.iter_mut().find(|byte| **byte == b'.')
    {
        *point = b',';
    }
    out.push(b';');
}

fn date_cell(date: Option<Date>, out: &mut Vec<u8>) {
    cell(&date.map(Date::text).unwrap_or_default(), out);
}

/// Writes a cell that a spreadsheet must not interpret as a formula. If it begins like a formula or with an apostrophe, an
/// apostrophe is put before it, so that a reader who drops one leading apostrophe always gets the text back.
fn text_cell(text: &str, out: &mut Vec<u8>) {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\'']) {
        cell(&["'", text].concat(), out)
    } else {
        cell(text, out)
    }
}

fn cell(text: &str, out: &mut Vec<u8>) {
    // The loop has no early exit, so that compilers can vectorize it.
    let quotes = text.bytes().fold(false, |any, byte| any | matches!(byte, b';' | b'"' | b'\n' | b'\r'));
    if quotes {
        out.push(b'"');
        for byte in text.bytes() {
            if byte == b'"' {
                out.push(b'"');
            }
            out.push(byte);
        }
        out.push(b'"');
    } else {
        out.extend_from_slice(text.as_bytes());
    }
    out.push(b';');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::tests::options;
    use crate::output::tests::files;
    use crate::writeoff::tests::writeoff;
    use money::format_amount;
    use proptest::prelude::*;

    fn register(separator: DecimalSeparator, rows: &[Writeoff]) -> (String, Totals) {
        register_with(separator, &options(), rows)
    }

    fn register_with(separator: DecimalSeparator, options: &Options, rows: &[Writeoff]) -> (String, Totals) {
        let mut register = Register::new(separator, options);
        let mut out = Output::default();
        for row in rows {
            register.append(1, row.clone(), &mut out);
        }
        let totals = register.finish(&mut out);
        assert_eq!(out.take_faults(), []);
        let file = files(&mut out).pop().unwrap();
        assert_eq!(file.1, totals);
        (file.0, totals)
    }

    /// An independent parser of the format.
    fn read(text: &str) -> Vec<Vec<String>> {
        let mut rows = vec![vec![String::new()]];
        let mut quoted = false;
        let mut chars = text.strip_prefix('\u{feff}').unwrap().chars().peekable();
        while let Some(char) = chars.next() {
            let row = rows.last_mut().unwrap();
            match char {
                '"' if quoted && chars.peek() == Some(&'"') => row.last_mut().unwrap().push(chars.next().unwrap()),
                '"' => quoted = !quoted,
                ';' if !quoted => row.push(String::new()),
                '\r' if !quoted => {
                    assert_eq!(chars.next(), Some('\n'));
                    rows.push(vec![String::new()]);
                }
                char => row.last_mut().unwrap().push(char),
            }
        }
        assert_eq!(rows.pop(), Some(vec![String::new()]));
        rows
    }

    #[test]
    fn lines_as_an_accountant_sees_them() {
        let rows = [
            writeoff(),
            Writeoff {
                id: "w-2".into(),
                service: "=HYPERLINK(\"http://x\";1)".into(),
                quantity_thousandths: 1500,
                minor_units: -4_05,
                vat_basis_points: None,
                note: "первая\r\nвторая".into(),
                ..writeoff()
            },
            Writeoff { id: "'w".into(), vat_basis_points: Some(700), minor_units: 10_700, ..writeoff() },
        ];
        let (text, totals) = register(DecimalSeparator::Point, &rows);
        let want = "\u{feff}writeoff_id;account;contract;contract_date;counterparty;type;inn;kpp;service_code;service;period;\
            date;quantity;amount;vat_rate;vat_amount;amount_without_vat;currency;act_number;act_uuid;note;foreign_tax_number\r\n\
            w-1;100500;Д-17;2024-02-29;ООО «Ромашка»;ЮЛ;7701234560;770101001;inet;Доступ в интернет;2026-10-01;2026-10-31;\
            1;500.00;22;90.16;409.84;RUB;10-100500;72b5193f-51d3-5246-aeb4-1b3602756499;;\r\n\
            w-2;100500;Д-17;2024-02-29;ООО «Ромашка»;ЮЛ;7701234560;770101001;inet;\"'=HYPERLINK(\"\"http://x\"\";1)\";2026-10-01;2026-10-31;\
            1.5;-4.05;без НДС;0.00;-4.05;RUB;;72b5193f-51d3-5246-aeb4-1b3602756499;\"первая\r\nвторая\";\r\n\
            ''w;100500;Д-17;2024-02-29;ООО «Ромашка»;ЮЛ;7701234560;770101001;inet;Доступ в интернет;2026-10-01;2026-10-31;\
            1;107.00;7;7.00;100.00;RUB;10-100500;72b5193f-51d3-5246-aeb4-1b3602756499;;\r\n";
        assert_eq!(text, want);
        assert_eq!((totals.rows, totals.all.minor_units, totals.all.vat_minor_units), (3, 50_000 - 405 + 10_700, 9_016 + 700));
        assert_eq!(totals.by_rate.iter().map(|(rate, _)| *rate).collect::<Vec<_>>(), [None, Some(700), Some(2200)]);
    }

    #[test]
    fn an_empty_register_has_its_header() {
        let (text, totals) = register(DecimalSeparator::Point, &[]);
        assert_eq!((text.as_str(), totals), (HEADER, Totals::default()));
    }

    #[test]
    fn decimal_commas_on_wish() {
        let row = Writeoff { quantity_thousandths: 500, ..writeoff() };
        let (text, _) = register(DecimalSeparator::Comma, &[row]);
        assert!(text.contains(";0,5;500,00;22;90,16;409,84;RUB;"), "{text}");
    }

    #[test]
    fn the_vat_is_that_of_the_acts() {
        let daily = |at: usize| Writeoff { id: at.to_string(), minor_units: 1_613, ..writeoff() };
        let rows: Vec<Writeoff> = (0..31).map(daily).collect();
        let (text, totals) = register(DecimalSeparator::Point, &rows);
        // 22/122 of 500.03. The sum of each write-off's own VAT is 90.21.
        assert_eq!((totals.all.vat_minor_units, totals.vat_rounding), (9_017, 9_017 - 31 * 291));
        let vat = |row: &Vec<String>| row[15].replace('.', "").parse::<i64>().unwrap();
        let table = read(&text);
        assert_eq!(table[1..].iter().map(vat).sum::<i64>(), 9_017);
        assert!(table[1..].iter().all(|row| (290..=291).contains(&vat(row))));
        // The act of all individuals sums up the VAT of each write-off.
        let options = Options { mode: crate::Mode::SummaryIndividuals, ..options() };
        let person = |row: &Writeoff| {
            let mut row = row.clone();
            row.subscriber =
                crate::Party { kind: PartyKind::Individual, inn: String::new(), kpp: String::new(), ..row.subscriber };
            row
        };
        let people: Vec<Writeoff> = rows.iter().map(person).collect();
        let (text, totals) = register_with(DecimalSeparator::Point, &options, &people);
        assert_eq!((totals.all.vat_minor_units, totals.vat_rounding), (31 * 291, 0));
        assert_eq!(read(&text)[1][18], "ФЛ-10");
    }

    #[test]
    fn other_currencies_have_no_acts() {
        let currency = Currency::parse("KZT").unwrap();
        let row = Writeoff { currency, vat_basis_points: Some(1200), ..writeoff() };
        let (text, _) = register_with(DecimalSeparator::Point, &Options { currency, ..options() }, &[row]);
        assert!(text.ends_with(";500.00;12;53.57;446.43;KZT;;;;\r\n"), "{text}");
    }

    #[test]
    fn an_account_without_a_document_number_is_listed_without_one() {
        let row = Writeoff { account: "123456789012".into(), ..writeoff() };
        let (text, _) = register(DecimalSeparator::Point, &[row]);
        let cells = read(&text).remove(1);
        assert_eq!((cells[18].as_str(), cells[19].len()), ("", 36));
    }

    #[test]
    fn an_account_with_too_many_lines_is_refused_and_not_held() {
        let mut register = Register::new(DecimalSeparator::Point, &options());
        let mut out = Output::default();
        for at in 0..50_000 {
            register.append(at, Writeoff { id: at.to_string(), ..writeoff() }, &mut out);
        }
        register.finish(&mut out);
        let [problem] = &out.take_faults()[..] else { panic!() };
        assert!(problem.message.contains("sum them up") && problem.row.unwrap() > 10_000, "{problem:?}");
    }

    proptest! {
        #[test]
        fn any_text_reads_back(note in "[=+@'\";\\r\\n\\t а-яa-z-]{0,20}", minor_units in -1_000_000_000i64..1_000_000_000) {
            let row = Writeoff { note: note.clone(), minor_units, ..writeoff() };
            let (text, totals) = register(DecimalSeparator::Point, &[row]);
            let rows = read(&text);
            prop_assert_eq!(rows.len(), 2);
            prop_assert_eq!(rows[1].len(), rows[0].len());
            let cell = &rows[1][20];
            prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']));
            prop_assert_eq!(cell.strip_prefix('\'').unwrap_or(cell), note.as_str());
            prop_assert_eq!(&rows[1][13], &format_amount(minor_units));
            prop_assert_eq!(totals.all.minor_units, minor_units);
        }
    }
}
