//! Registers: a month's totals, refusals, and the component compared with native code.

use domain::{Date, ExportOptions, ExportRow};
use end_to_end::entries::check_register;
use end_to_end::exports::{component_export, native_export};
use end_to_end::{convert, export_options, merchant, native, writeoff};
use kit::Provider as _;
use money::Currency;
use sandbox::{Error, unchecked};

/// What is changed, and how.
type ExportChange = (&'static str, fn(&mut ExportOptions, &mut ExportRow));

/// Three thousand write-offs that cover what a register may contain: quotes, separators, formulas, corrections, every kind of
/// VAT.
fn rows() -> Vec<ExportRow> {
    let names =
        ["Иванов Иван", "=HYPERLINK(\"http://x\")", "+7 900", "-1", "@SUM(A1)", "ООО «А;Б»", "\tтаб", "'кавычка", "a\r\nb"];
    let rates = [Some(2200), Some(1000), Some(0), None];
    let row = |at: usize| {
        let mut row = writeoff();
        row.id = format!("w-{at}");
        row.account = format!("{:05}", at / 5).parse().unwrap();
        // A name is a single line, and the same throughout a contract; a note may be any text.
        row.subscriber.name = names[..6][at / 5 % 6].into();
        row.extra = vec![("note".into(), names[(at + 3) % names.len()].into())];
        row.amount.minor_units = i64::try_from(at).unwrap() * 37 - 5_000;
        row.vat_basis_points = rates[at % rates.len()];
        row.date = Date::new(2026, 10, u8::try_from(at % 31).unwrap() + 1).unwrap();
        row
    };
    (0..3_000).map(row).collect()
}

#[test]
fn register_totals_match_rows() {
    let (rows, options) = (rows(), export_options());
    let register = native_export(&rows, &options).unwrap();
    check_register(register.file(), &rows, &register.totals);
    for batches in [&[3_000][..], &[1, 7, 513, 64], &[997], &[0, 1_499, 2]] {
        assert!(component_export(&rows, &options, batches).unwrap() == register, "{batches:?}");
    }
    let sum = |rate: Option<u16>| {
        rows.iter().filter(|row| row.vat_basis_points == rate).map(|row| row.amount.minor_units).sum::<i64>()
    };
    let totals = &register.totals;
    let extra = |name: &str| totals.extra.iter().find(|(other, _)| other == name).unwrap().1.parse::<i64>().unwrap();
    assert_eq!(extra("vat-2200-amount"), sum(Some(2200)));
    assert_eq!(extra("vat-1000-amount"), sum(Some(1000)));
    assert_eq!(extra("vat-0-amount"), sum(Some(0)));
    assert_eq!(extra("vat-none-amount"), sum(None));
    assert_eq!((extra("vat-0-vat"), extra("vat-none-vat")), (0, 0));
    // Computed by hand: 3000 numbers in an arithmetic progression.
    assert_eq!(totals.amount.minor_units, 37 * (2_999 * 3_000 / 2) - 5_000 * 3_000);
}

#[test]
fn empty_register_is_header_only() {
    let register = component_export(&[], &export_options(), &[1]).unwrap();
    check_register(register.file(), &[], &register.totals);
    assert_eq!(Ok(register), native_export(&[], &export_options()));
}

#[test]
fn export_refusals_match_native() {
    let changes: [ExportChange; 7] = [
        ("format", |options, _| options.format = "xml".into()),
        ("period", |options, _| options.period_end = Date::new(2025, 1, 1).unwrap()),
        ("separator", |options, _| options.extra = vec![("decimal-separator".into(), "dot".into())]),
        ("currency", |_, row| row.amount.currency = Currency::parse("USD").unwrap()),
        ("date", |_, row| row.date = Date::new(2026, 11, 1).unwrap()),
        ("inn", |_, row| row.subscriber.inn = "ИНН".into()),
        ("quantity", |_, row| row.quantity_thousandths = 0),
    ];
    for (what, change) in changes {
        let (mut options, mut rows) = (export_options(), rows());
        change(&mut options, &mut rows[1_234]);
        let problems = component_export(&rows, &options, &[100]).unwrap_err();
        assert_eq!(Err(problems), native_export(&rows, &options), "{what}");
    }
    // A day that does not exist, which no host would send.
    let good = export_options();
    let mut options = unchecked::ExportOptions::from(&good);
    options.period_end.day = 32;
    let mut same = convert::export_options(good.clone());
    same.period_end.day = 32;
    match merchant(&[]).export_writeoffs_unchecked(&options) {
        Err(Error::Provider(problems)) => {
            assert_eq!(Some(problems), native(&[]).export_writeoffs(&same).err().map(convert::problems));
        }
        other => panic!("{:?}", other.err()),
    }
}

#[test]
fn failed_export_reports_later_rows_and_writes_nothing() {
    let mut export = merchant(&[]).export_writeoffs(&export_options()).unwrap();
    let bad = || ExportRow { id: String::new(), ..writeoff() };
    let rows = |result: Result<_, Error>| match result {
        Err(Error::Provider(problems)) => problems.iter().map(|problem| problem.row.unwrap()).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(rows(export.append(&[writeoff(), bad(), bad()])), [2, 3]);
    assert_eq!(export.append(&[ExportRow { id: "w-2".into(), ..writeoff() }]).unwrap(), [], "nothing more may be written");
    assert_eq!(rows(export.append(&[bad()])), [5]);
    assert!(matches!(export.finish(), Err(Error::Provider(problems)) if problems.is_empty()));
    assert!(matches!(export.append(&[writeoff()]), Err(Error::ExportClosed)));
}
