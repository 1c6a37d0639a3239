//! `exports`: every kopeck of the write-offs is in the totals, and every write-off is in the bytes.

use domain::{ExportTotals, Problem};
use sandbox::Error;
use sandbox::unchecked::{Date, ExportOptions, ExportRow};

use super::links::currency;
use super::settings::message_holds;
use crate::check_context::{CheckContext, Exported, ScannedMerchant, not_checked, problems_text};
use crate::fixtures;
use crate::report::{Case, Checked, Findings, Outcome, failure};

/// The rates of Russian VAT in hundredths of a percent, and `None` for no VAT. A format need not support all of them.
const RATES: [Option<u16>; 7] = [Some(2_200), Some(2_000), Some(1_000), Some(700), Some(500), Some(0), None];

pub fn check(subject: &CheckContext) -> Checked {
    let formats = &subject.provider.description().export_formats;
    if formats.is_empty() {
        return Err(Outcome::NotApplicable { reason: "it exports nothing: its description has no formats".to_owned() });
    }
    let merchant = subject.merchant()?;
    let currency = currency(subject)
        .map_err(|why| not_checked(format!("the currency of the settings is not known, since no order gets a link; {why}")))?;
    let mut findings = Findings::default();
    for format in formats {
        let mut one = Findings::default();
        Format { subject, merchant: &merchant, format, currency: &currency }.check(&mut one);
        findings.add(one);
    }
    let unknown = fixtures::options("no-such-format");
    findings.case(refused("a format that is none", merchant.export(&unknown).map(drop)));
    Ok(findings)
}

struct Format<'f, 'v> {
    subject: &'f CheckContext<'v>,
    merchant: &'f ScannedMerchant<'f>,
    format: &'f str,
    currency: &'f str,
}

impl Format<'_, '_> {
    fn check(&self, findings: &mut Findings) {
        let options = fixtures::options(self.format);
        let rates = self.rates(&options, findings);
        let rows = fixtures::writeoffs(self.subject.scaled(150, 12), self.currency, &rates);
        if rates.is_empty() {
            return findings.case(Err(self.finding("it refuses a plain write-off with every rate of VAT")));
        }
        let whole = match self.merchant.exported(&options, &rows, usize::MAX) {
            Ok(whole) => whole,
            Err(error) => return findings.case(Err(self.finding(&failure("plain write-offs", &error)))),
        };
        findings.case(self.of(totals_hold(&whole, &rows, self.currency)));
        findings.case(self.of(ends_hold(&whole)));
        for batch in self.subject.scaled(&[usize::MAX, 1, 7, 100][..], &[7]) {
            findings.case(match self.merchant.exported(&options, &rows, *batch) {
                Ok(again) if again == whole => Ok(()),
                Ok(_) => {
                    Err(self.finding(&format!("appended {batch} at a time, the same write-offs give other bytes or totals")))
                }
                Err(error) => Err(self.finding(&failure(&format!("write-offs appended {batch} at a time"), &error))),
            });
        }
        findings.case(self.empty_holds(&options));
        let mut rng = self.subject.rng("exports");
        for _ in 0..self.subject.scaled(12, 2) {
            let at = rng.usize(..rows.len());
            findings.case(self.every_row_counts(&options, &rows, &whole, at));
        }
        for (what, field_may_be, corrupt) in BAD_ROWS {
            let at = rng.usize(..rows.len());
            findings.case(self.bad_row(&options, &rows, at, what, field_may_be, corrupt));
        }
        for (what, corrupt) in BAD_OPTIONS {
            let mut options = options.clone();
            corrupt(&mut options);
            findings.case(self.of(refused(what, self.merchant.export(&options).map(drop))));
        }
    }

    fn finding(&self, what: &str) -> String {
        format!("{}: {what}", self.format)
    }

    fn of(&self, case: Case) -> Case {
        case.map_err(|what| self.finding(&what))
    }

    /// Returns the rates of VAT that the format accepts. A rate that it does not accept must be refused by row and field.
    fn rates(&self, options: &ExportOptions, findings: &mut Findings) -> Vec<Option<u16>> {
        let takes = |rate: &Option<u16>| {
            let rows = fixtures::writeoffs(1, self.currency, &[*rate]);
            match self.merchant.exported(options, &rows, usize::MAX) {
                Ok(_) => true,
                Err(error) => {
                    findings.case(self.of(refused_row(&format!("a write-off with VAT of {rate:?}"), error, 1)));
                    false
                }
            }
        };
        RATES.into_iter().filter(takes).collect()
    }

    fn empty_holds(&self, options: &ExportOptions) -> Case {
        match self.merchant.exported(options, &[], 1) {
            Ok(empty) => self.of(totals_hold(&empty, &[], self.currency)),
            Err(error) => Err(self.finding(&failure("no write-offs at all", &error))),
        }
    }

    /// Checks that another amount of one write-off changes the bytes and the sum: no row is left out.
    fn every_row_counts(&self, options: &ExportOptions<'_>, rows: &[ExportRow<'_>], whole: &Exported, at: usize) -> Case {
        let mut rows = rows.to_vec();
        if let Some(row) = rows.get_mut(at) {
            row.amount.minor_units += 100;
        }
        let changed = self
            .merchant
            .exported(options, &rows, usize::MAX)
            .map_err(|error| self.finding(&failure(&format!("with 1.00 more in row {}", at + 1), &error)))?;
        if changed.files == whole.files {
            return Err(
                self.finding(&format!("with 1.00 more in row {} the files are the same: the row is not in them", at + 1))
            );
        }
        self.of(totals_hold(&changed, &rows, self.currency))
    }

    fn bad_row(
        &self,
        options: &ExportOptions,
        rows: &[ExportRow<'static>],
        at: usize,
        what: &str,
        fields: &[&str],
        corrupt: fn(&mut ExportRow<'static>),
    ) -> Case {
        let mut rows = rows.to_vec();
        rows.iter_mut().skip(at).take(1).for_each(corrupt);
        let what = format!("{what} in row {}", at + 1);
        match self.merchant.exported(options, &rows, 50) {
            Ok(_) => Err(self.finding(&format!("{what} is taken"))),
            Err(error) => {
                let names_field = matches!(&error, Error::Provider(problems) if problems.iter().any(|problem| {
                    problem.field.as_deref().is_some_and(|field| fields.iter().any(|name| field.starts_with(name)))
                }));
                self.of(refused_row(&what, error, at + 1))?;
                if names_field {
                    Ok(())
                } else {
                    Err(self.finding(&format!("{what} is refused, but not by its field {}", fields.join(" or "))))
                }
            }
        }
    }
}

type BadRow = (&'static str, &'static [&'static str], fn(&mut ExportRow<'static>));

/// Rows that every format must refuse, by the contract's own rules.
const BAD_ROWS: [BadRow; 8] = [
    ("an empty id", &["id"], |row| row.id = "".into()),
    ("an empty account", &["account"], |row| row.account = "".into()),
    ("a service of 251 characters", &["service"], |row| row.service = "y".repeat(251).into()),
    ("a currency that is not the merchant's", &["amount"], |row| row.amount.currency = "XTS".into()),
    ("a day that does not exist", &["date"], |row| row.date = Date { year: 2026, month: 10, day: 32 }),
    ("a day outside the period", &["date"], |row| row.date = Date { year: 2026, month: 11, day: 1 }),
    ("a quantity of nothing", &["quantity"], |row| row.quantity_thousandths = 0),
    ("a period that does not exist", &["period"], |row| row.period = Date { year: 2026, month: 2, day: 30 }),
];

type BadOptions = (&'static str, fn(&mut ExportOptions<'static>));

const BAD_OPTIONS: [BadOptions; 2] = [
    ("a last day before the first", |options| {
        std::mem::swap(&mut options.period_start, &mut options.period_end);
    }),
    ("a first day that does not exist", |options| options.period_start.day = 32),
];

/// Checks that a call is refused with a problem that names a field.
fn refused(what: &str, result: Result<(), Error>) -> Case {
    match result {
        Ok(()) => Err(format!("{what} is taken")),
        Err(Error::Provider(problems)) if problems.iter().any(|problem| problem.field.is_some()) => {
            problems.iter().try_for_each(message_holds)
        }
        Err(Error::Provider(problems)) => Err(format!("{what} is refused without a field: {}", problems_text(&problems))),
        Err(error) => Err(failure(what, &error)),
    }
}

/// Checks that a write-off is refused with a problem that names its row and a field.
fn refused_row(what: &str, error: Error, row: usize) -> Case {
    let is_it = |problem: &Problem| problem.row == u64::try_from(row).ok() && problem.field.is_some();
    match error {
        Error::Provider(problems) if problems.iter().any(is_it) => problems.iter().try_for_each(message_holds),
        Error::Provider(problems) => {
            let rows: Vec<String> =
                problems.iter().map(|problem| format!("row {:?}, field {:?}", problem.row, problem.field)).collect();
            Err(format!("{what} is refused without its row and field: {} ({})", problems_text(&problems), rows.join("; ")))
        }
        error => Err(failure(what, &error)),
    }
}

fn totals_hold(exported: &Exported, rows: &[ExportRow], currency: &str) -> Case {
    let ExportTotals { rows: counted, amount, extra, .. } = &exported.totals;
    let left_out_rows: u64 = exported.left_out.iter().map(|left_out| left_out.rows).sum();
    let left_out: i128 = exported.left_out.iter().map(|left_out| i128::from(left_out.amount.minor_units)).sum();
    let sum = |rows: &mut dyn Iterator<Item = &ExportRow>| rows.map(|row| i128::from(row.amount.minor_units)).sum::<i128>();
    let all = sum(&mut rows.iter());
    if u64::try_from(rows.len()).ok() != counted.checked_add(left_out_rows) {
        return Err(format!("the totals count {counted} rows of {}, and {left_out_rows} are left out", rows.len()));
    }
    if i128::from(amount.minor_units) + left_out != all || !amount.currency.is(currency) {
        return Err(format!("the totals are {} {} for write-offs of {all} {currency}", amount.minor_units, amount.currency));
    }
    for rate in RATES {
        let name = format!("vat-{}-amount", rate.map_or("none".to_owned(), |rate| rate.to_string()));
        let wanted = sum(&mut rows.iter().filter(|row| row.vat_basis_points == rate));
        let told = extra.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str());
        if told.is_some_and(|told| told.parse() != Ok(wanted)) {
            return Err(format!("the totals tell {name} = {} for write-offs of {wanted}", told.unwrap_or_default()));
        }
    }
    Ok(())
}

/// Reads one number of the totals.
type Count = fn(&ExportTotals) -> i128;

/// Checks that the totals of the files add up to those of the export.
fn ends_hold(Exported { totals, files, ends, .. }: &Exported) -> Case {
    let sum = |part: fn(&ExportTotals) -> i128| ends.iter().map(part).sum::<i128>();
    let parts: [(&str, Count); 4] = [
        ("rows", |totals| totals.rows.into()),
        ("documents", |totals| totals.documents.into()),
        ("amounts", |totals| totals.amount.minor_units.into()),
        ("VAT", |totals| totals.vat_minor_units.into()),
    ];
    if files.len() != ends.len() || files.iter().any(Vec::is_empty) {
        return Err(format!("there are {} files and {} ends of files", files.len(), ends.len()));
    }
    match parts.into_iter().find(|(_, part)| sum(*part) != part(totals)) {
        None => Ok(()),
        Some((what, part)) => Err(format!("the files' {what} are {} and the export's {}", sum(part), part(totals))),
    }
}
