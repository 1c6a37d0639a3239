//! Exports and registers.

use domain::{AccountNumber, ExportOptions, ExportPart, ExportRow, ExportTotals, Money};
use export::register::Acts;
use export::verify::verify_bytes;
use export::{ExportInfo, FileEntry, Manifest, Totals};
use kit::Provider as _;
use money::Currency;
use sha2::{Digest, Sha256};

use super::{native_merchant, values};
use crate::exports::native_export;
use crate::{convert, export_options, minor_units, provider, read_csv, writeoff};

/// Each write-off, one per row (id, account, subscriber, kopecks, VAT, service, note, contract, INN), becomes one line of a
/// register, exact to the kopeck, without anything that a spreadsheet would execute.
pub fn register(bytes: &[u8]) {
    let mut rows: Vec<ExportRow> = bytes.split(|byte| *byte == 0x1E).map(writeoff_of).collect();
    rows.sort_by(|one, other| one.account.cmp(&other.account));
    let options = convert::export_options(export_options());
    let mut export = native_merchant().export_writeoffs(&options).expect("the options are good");
    for row in &rows {
        if let Err(problems) = export.append(vec![convert::writeoff(row.clone())]) {
            assert!(problems.iter().all(|problem| problem.row.is_some() && problem.field.is_some()), "{problems:?}");
            return assert!(export.finish().is_err(), "a failed export must not finish");
        }
    }
    let totals = convert::totals(export.finish().expect("the export finishes"));
    let mut file = Vec::new();
    while let Some(part) = export.read() {
        match convert::part(part) {
            ExportPart::Bytes(bytes) => file.extend(bytes),
            ExportPart::FileEnd(of_file) => assert_eq!(of_file, totals),
            ExportPart::Warning(_) => {}
            ExportPart::LeftOut(line) => panic!("a register must list every write-off: {line:?}"),
        }
    }
    check_register(&file, &rows, &totals);
}

/// Write-offs like those of [`register`] become documents that an independent reader finds complete, or a problem names the
/// row.
pub fn enterprise_data(bytes: &[u8]) {
    let mut rows: Vec<ExportRow> = bytes.split(|byte| *byte == 0x1E).map(writeoff_of).collect();
    rows.sort_by(|one, other| one.account.cmp(&other.account));
    let options = ExportOptions { format: "enterprise-data-1.17".into(), ..export_options() };
    match native_export(&rows, &options) {
        Err(problems) => assert!(problems.iter().all(|problem| problem.row.is_some() && problem.field.is_some())),
        Ok(exported) => {
            let manifest = manifest_of(exported.file(), &options, &exported.totals);
            assert_eq!(verify_bytes(exported.file(), &manifest.files[0], &manifest), Vec::<String>::new());
            let left_out: u64 = exported.left_out.iter().map(|line| line.rows).sum();
            assert_eq!(exported.totals.rows + left_out, rows.len() as u64);
        }
    }
}

/// Any file can be verified as an export without a panic: as a register if the first byte is `R`.
pub fn exported_file(bytes: &[u8]) {
    let (format, file) = match bytes.split_first() {
        Some((b'R', file)) => ("register-csv", file),
        Some((_, file)) => ("enterprise-data-1.17", file),
        None => return,
    };
    let options = ExportOptions { format: format.into(), ..export_options() };
    let nothing = Money { minor_units: 0, currency: Currency::RUB };
    let totals = ExportTotals { rows: 0, documents: 0, amount: nothing, vat_minor_units: 0, extra: Vec::new() };
    let manifest = manifest_of(file, &options, &totals);
    let differences = verify_bytes(file, &manifest.files[0], &manifest);
    assert!(differences.iter().all(|difference| !difference.contains("sha256")), "{differences:?}");
}

/// The rows of a register that can be read are written unchanged.
pub fn register_rows(bytes: &[u8]) {
    let rows: Vec<ExportRow> = export::register::read(bytes, Acts::Optional).take_while(Result::is_ok).flatten().collect();
    let Ok(written) = native_export(&rows, &export_options()) else { return };
    let again = export::register::read(written.file(), Acts::Required).collect::<Result<Vec<ExportRow>, _>>();
    let mut again = again.expect("it is a register");
    for (row, before) in again.iter_mut().zip(&rows) {
        // The act that it names now may not have been named before.
        row.extra.retain(|(name, _)| name != "act-uuid" || before.extra.iter().any(|(name, _)| name == "act-uuid"));
    }
    assert_eq!(again, rows);
}

fn manifest_of(file: &[u8], options: &ExportOptions, totals: &ExportTotals) -> Manifest {
    let totals = Totals::from(totals.clone());
    let entry = FileEntry {
        name: "month".into(),
        bytes: file.len() as u64,
        sha256: hex::encode(Sha256::digest(file)),
        totals: totals.clone(),
    };
    Manifest {
        about: ExportInfo::new(provider().description(), provider().sha256(), options),
        totals,
        files: vec![entry],
        excluded: Vec::new(),
        input: None,
        left_out: None,
        warnings: Vec::new(),
        warnings_count: 0,
    }
}

fn writeoff_of(bytes: &[u8]) -> ExportRow {
    let values = values(bytes);
    let mut row = writeoff();
    let number = |at: usize| values.get(at).and_then(|text| text.parse::<i64>().ok());
    let set = |at: usize, text: &mut String| {
        if let Some(value) = values.get(at) {
            *text = value.to_string();
        }
    };
    set(0, &mut row.id);
    row.account = values.get(1).map_or(row.account, |value| AccountNumber::stored(value.to_string()));
    set(2, &mut row.subscriber.name);
    set(5, &mut row.service);
    set(7, &mut row.contract);
    set(8, &mut row.subscriber.inn);
    row.amount.minor_units = number(3).unwrap_or(50_000);
    row.vat_basis_points = number(4).and_then(|rate| u16::try_from(rate).ok());
    row.extra = values.get(6).map(|note| ("note".to_owned(), note.to_string())).into_iter().collect();
    row
}

/// Parses a register and compares it with the rows that went in and with its totals.
pub fn check_register(file: &[u8], rows: &[ExportRow], summary: &ExportTotals) {
    let text = std::str::from_utf8(file).expect("a register is UTF-8");
    let mut lines = read_csv(text);
    let header = lines.remove(0);
    let column = |name: &str| header.iter().position(|other| other == name).expect("the column is there");
    assert_eq!((lines.len(), summary.rows), (rows.len(), rows.len() as u64));
    for (line, row) in lines.iter().zip(rows) {
        assert_eq!(line.len(), header.len(), "{line:?}");
        let note = row.extra.iter().find(|(name, _)| name == "note").map_or("", |(_, note)| note);
        let subscriber = &row.subscriber;
        for (name, want) in [
            ("writeoff_id", row.id.as_str()),
            ("account", &row.account),
            ("contract", &row.contract),
            ("counterparty", &subscriber.name),
            ("inn", &subscriber.inn),
            ("service", &row.service),
            ("note", note),
        ] {
            let cell = line[column(name)].as_str();
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "a formula in {name}: {cell:?}");
            assert_eq!(cell.strip_prefix('\'').unwrap_or(cell), want, "{name}");
        }
        assert_eq!(minor_units(&line[column("amount")]), i128::from(row.amount.minor_units));
    }
    let sum = |name: &str| lines.iter().map(|line| minor_units(&line[column(name)])).sum::<i128>();
    assert_eq!(sum("amount"), i128::from(summary.amount.minor_units));
    assert_eq!(sum("vat_amount"), i128::from(summary.vat_minor_units));
    assert_eq!(sum("amount_without_vat"), sum("amount") - sum("vat_amount"));
    let total = |end: &str| {
        let ending = summary.extra.iter().filter(|(name, _)| name.ends_with(end));
        ending.map(|(_, value)| value.parse::<i128>().expect("a total is an integer")).sum::<i128>()
    };
    assert_eq!((total("-amount"), total("-vat")), (sum("amount"), sum("vat_amount")), "the totals by rate add up");
}
