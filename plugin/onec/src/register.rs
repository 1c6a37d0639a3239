//! `register-csv`: one line a write-off, for people, spreadsheets and 1C's table loaders.
//!
//! UTF-8 with a byte order mark, cells separated by `;`, lines ended by CR LF, a cell quoted where it holds `;`, `"` or a line
//! break. Dates are `YYYY-MM-DD`, amounts have two decimals.

use crate::check::{Rules, check_writeoff};
use crate::date::Date;
use crate::output::Output;
use crate::totals::{Sums, Totals};
use crate::writeoff::{PartyKind, Problem, Writeoff};

const HEADER: &str = "\u{feff}writeoff_id;account;contract;contract_date;counterparty;type;inn;kpp;service_code;service;period;\
    date;quantity;amount;vat_rate;vat_amount;amount_without_vat;currency;act_number;act_uuid;note\r\n";

/// What stands before the decimals of an amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DecimalSeparator {
    /// `100.00`
    #[default]
    Point,
    /// `100,00`, as a Russian spreadsheet reads numbers.
    Comma,
}

/// The writer of a register.
#[derive(Debug, Default)]
pub struct Register {
    separator: DecimalSeparator,
    rules: Rules,
    totals: Totals,
    begun: bool,
}

impl Register {
    /// An empty register.
    pub fn new(separator: DecimalSeparator, rules: Rules) -> Register {
        Register { separator, rules, ..Register::default() }
    }

    /// Appends a write-off's line to `out`, and the header before the first.
    ///
    /// # Errors
    /// What is wrong with the write-off; nothing is written then.
    pub fn append(&mut self, row: u64, writeoff: &Writeoff, out: &mut Output) -> Result<(), Box<Problem>> {
        let sums = Sums::of(writeoff.minor_units, writeoff.vat_basis_points);
        let checked = match check_writeoff(&writeoff.candidate(), &self.rules).into_iter().next() {
            Some(problem) => Err(Box::new(problem)),
            None => self.totals.add(1, writeoff.vat_basis_points, sums),
        };
        checked.map_err(|problem| problem.of_row(row, &writeoff.id))?;
        self.begin(out.buffer());
        self.line(writeoff, sums.vat_minor_units, out.buffer());
        Ok(())
    }

    /// Ends the register: an empty one still has its header.
    pub fn finish(mut self, out: &mut Output) -> Totals {
        self.begin(out.buffer());
        out.end_file(self.totals.clone());
        self.totals
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.begun, true) {
            out.extend_from_slice(HEADER.as_bytes());
        }
    }

    fn line(&self, row: &Writeoff, vat: i64, out: &mut Vec<u8>) {
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
        self.trimmed_cell(row.quantity_thousandths.unsigned_abs(), 3, out);
        self.amount_cell(row.minor_units, out);
        match row.vat_basis_points {
            Some(rate) => self.trimmed_cell(rate.into(), 2, out),
            None => cell("без НДС", out),
        }
        self.amount_cell(vat, out);
        self.amount_cell(row.minor_units.saturating_sub(vat), out);
        cell(row.currency.as_str(), out);
        // A register has no acts; whoever makes them may fill these columns in.
        out.extend_from_slice(b";;");
        text_cell(&row.note, out);
        out.pop();
        out.extend_from_slice(b"\r\n");
    }

    fn amount_cell(&self, minor_units: i64, out: &mut Vec<u8>) {
        let from = out.len();
        money::write_amount(out, minor_units);
        self.end_number(from, out);
    }

    /// A decimal without trailing zeros: 1000 with three decimals is `1`, 2550 with two is `25.5`.
    fn trimmed_cell(&self, units: u64, decimals: usize, out: &mut Vec<u8>) {
        let from = out.len();
        money::write_decimal(out, units, decimals);
        while out.pop_if(|byte| *byte == b'0').is_some() {}
        out.pop_if(|byte| *byte == b'.');
        self.end_number(from, out);
    }

    fn end_number(&self, from: usize, out: &mut Vec<u8>) {
        let number = out.get_mut(from..).unwrap_or_default();
        if self.separator == DecimalSeparator::Comma
            && let Some(point) = number.iter_mut().find(|byte| **byte == b'.')
        {
            *point = b',';
        }
        out.push(b';');
    }
}

fn date_cell(date: Option<Date>, out: &mut Vec<u8>) {
    cell(&date.map(Date::text).unwrap_or_default(), out);
}

/// A cell that a spreadsheet must not take for a formula: one that begins as a formula, or with the guard itself, gets an
/// apostrophe before it, so that a reader who drops one leading apostrophe always has the text back.
fn text_cell(text: &str, out: &mut Vec<u8>) {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\'']) {
        cell(&["'", text].concat(), out)
    } else {
        cell(text, out)
    }
}

fn cell(text: &str, out: &mut Vec<u8>) {
    // No early end: the loop is one that compilers make wide.
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
    use crate::output::tests::files;
    use crate::writeoff::tests::writeoff;
    use money::format_amount;
    use proptest::prelude::*;

    fn register(separator: DecimalSeparator, rows: &[Writeoff]) -> (String, Totals) {
        let mut register = Register::new(separator, Rules::default());
        let mut out = Output::default();
        for row in rows {
            register.append(1, row, &mut out).unwrap();
        }
        let totals = register.finish(&mut out);
        let file = files(&mut out).pop().unwrap();
        assert_eq!(file.1, totals);
        (file.0, totals)
    }

    /// An independent reader of the format.
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
            date;quantity;amount;vat_rate;vat_amount;amount_without_vat;currency;act_number;act_uuid;note\r\n\
            w-1;100500;Д-17;2024-02-29;ООО «Ромашка»;ЮЛ;7701234560;770101001;inet;Доступ в интернет;2026-10-01;2026-10-31;\
            1;500.00;22;90.16;409.84;RUB;;;\r\n\
            w-2;100500;Д-17;2024-02-29;ООО «Ромашка»;ЮЛ;7701234560;770101001;inet;\"'=HYPERLINK(\"\"http://x\"\";1)\";2026-10-01;2026-10-31;\
            1.5;-4.05;без НДС;0.00;-4.05;RUB;;;\"первая\r\nвторая\"\r\n\
            ''w;100500;Д-17;2024-02-29;ООО «Ромашка»;ЮЛ;7701234560;770101001;inet;Доступ в интернет;2026-10-01;2026-10-31;\
            1;107.00;7;7.00;100.00;RUB;;;\r\n";
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

    proptest! {
        #[test]
        fn any_text_reads_back(note in "[=+@'\";\\r\\n\\t а-яa-z-]{0,20}", minor_units in -1_000_000_000i64..1_000_000_000) {
            let row = Writeoff { note: note.clone(), minor_units, ..writeoff() };
            let (text, totals) = register(DecimalSeparator::Point, &[row]);
            let rows = read(&text);
            prop_assert_eq!(rows.len(), 2);
            prop_assert_eq!(rows[1].len(), rows[0].len());
            let cell = rows[1].last().unwrap();
            prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']));
            prop_assert_eq!(cell.strip_prefix('\'').unwrap_or(cell), &note);
            prop_assert_eq!(&rows[1][13], &format_amount(minor_units));
            prop_assert_eq!(totals.all.minor_units, minor_units);
        }
    }
}
