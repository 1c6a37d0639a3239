//! Exports for 1C: what the component writes, what is stored on disk, and what verification finds.

use std::path::{Path, PathBuf};

use domain::{Date, ExportOptions, ExportPart, ExportRow, ExportTotals, Money, Party, PartyKind};
use end_to_end::exports::{component_export, native_export};
use end_to_end::month::{OLD_RATES, RATES, month, with_check_digits};
use end_to_end::{export_options, merchant, provider, writeoff};
use export::register::Acts;
use export::verify::verify;
use export::{ExportError, ExportInfo, Files, Input, Job, Manifest, WriteError};
use money::Currency;
use sandbox::Error;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const FORMATS: [&str; 5] =
    ["enterprise-data-1.17", "enterprise-data-1.19", "enterprise-data-1.20", "enterprise-data-1.22", "enterprise-data-1.8"];
const MODES: [&str; 2] = ["per-subscriber", "summary-individuals"];

/// Returns the options of a mode. The generated months contain both general VAT rates.
fn options(format: &str, mode: &str) -> ExportOptions {
    let extra = vec![("mode".to_owned(), mode.to_owned()), ("other-vat-rate".to_owned(), "20".to_owned())];
    ExportOptions { format: format.into(), extra, ..export_options() }
}

fn rates(format: &str) -> &'static [Option<u16>] {
    if format == "enterprise-data-1.8" { OLD_RATES } else { RATES }
}

fn each_format_and_mode(mut check: impl FnMut(&str, &str)) {
    FORMATS.iter().for_each(|format| MODES.iter().for_each(|mode| check(format, mode)));
}

/// Exports to a file as a host does.
fn export_to(out: &Path, rows: &[ExportRow], options: &ExportOptions) -> Manifest {
    job(out, rows, options).unwrap()
}

fn job(out: &Path, rows: &[ExportRow], options: &ExportOptions) -> Result<Manifest, ExportError<sandbox::Error>> {
    let numbered = options.extra.iter().any(|(name, _)| name == "documents-per-file");
    let mut job = Job::begin(merchant(&[]).export_writeoffs(options).unwrap(), out, numbered)?;
    job.append(rows.to_vec())?;
    Ok(job.finish(ExportInfo::new(provider().description(), provider().sha256(), options), true)?.commit()?.0)
}

fn verified(out: &Path) -> Vec<String> {
    verify(out).unwrap().differences
}

#[test]
fn export_matches_native() {
    each_format_and_mode(|format, mode| {
        let rows: Vec<ExportRow> = month(1_000, rates(format)).collect();
        let options = options(format, mode);
        let native = native_export(&rows, &options).unwrap();
        for batches in [&[1_000][..], &[1, 7, 513]] {
            assert!(component_export(&rows, &options, batches).unwrap() == native, "{format} {mode} {batches:?}");
        }
        assert_eq!(native.totals.rows, 1_000);
        assert_eq!(native.totals.amount.minor_units, rows.iter().map(|row| row.amount.minor_units).sum::<i64>());
    });
}

#[test]
fn every_export_is_verified() {
    let folder = TempDir::new().unwrap();
    each_format_and_mode(|format, mode| {
        for size in [0, 1, 10, 1_000] {
            let rows: Vec<ExportRow> = month(size, rates(format)).collect();
            let out = folder.path().join("month.xml");
            let manifest = export_to(&out, &rows, &options(format, mode));
            assert_eq!(verified(&out), Vec::<String>::new(), "{format} {mode} {size}");
            assert_eq!(manifest.totals.rows, size as u64);
        }
    });
    let rows: Vec<ExportRow> = month(100, RATES).collect();
    let out = folder.path().join("month.csv");
    export_to(&out, &rows, &options("register-csv", "per-subscriber"));
    assert_eq!(verified(&out), Vec::<String>::new());
}

#[test]
fn register_converts_to_enterprise_data() {
    let folder = TempDir::new().unwrap();
    let rows: Vec<ExportRow> = month(500, RATES).map(|row| ExportRow { unit: String::new(), ..row }).collect();
    let out = folder.path().join("month.csv");
    for separator in ["point", "comma"] {
        let mut options = options("register-csv", "per-subscriber");
        options.extra.push(("decimal-separator".into(), separator.into()));
        export_to(&out, &rows, &options);
        let read = export::register::read(std::fs::File::open(&out).unwrap(), Acts::Required);
        let mut read: Vec<ExportRow> = read.collect::<Result<_, _>>().unwrap();
        // The rows read back produce the same acts.
        let xml = |rows: &[ExportRow]| component_export(rows, &self::options("enterprise-data-1.17", "per-subscriber"), &[500]);
        assert_eq!(xml(&read).unwrap().file(), xml(&rows).unwrap().file());
        read.iter_mut().for_each(|row| row.extra.clear());
        assert_eq!(read, rows, "{separator}");
    }
}

/// A small month in each format, compared with golden files. `UPDATE_GOLDEN=1 cargo test` rewrites them for review.
#[test]
fn exports_match_golden_files() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/onec");
    let text = std::fs::read_to_string(folder.join("writeoffs.jsonl")).unwrap();
    let rows: Vec<ExportRow> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let base: ExportOptions = serde_json::from_slice(&std::fs::read(folder.join("options.json")).unwrap()).unwrap();
    let mut differing = Vec::new();
    each_format_and_mode(|format, mode| {
        let options = ExportOptions { extra: options(format, mode).extra, format: format.into(), ..base.clone() };
        let export = component_export(&rows, &options, &[100]).unwrap();
        let golden = folder.join(format!("{format}-{mode}.xml"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, export.file()).unwrap();
        }
        if std::fs::read(&golden).unwrap() != export.file() {
            differing.push(golden.display().to_string());
        }
    });
    assert_eq!(differing, Vec::<String>::new());
}

#[test]
fn excluded_rows_are_listed_and_accounted_for() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("month.xml");
    let options = options("enterprise-data-1.17", "per-subscriber");
    let mut job = Job::begin(merchant(&[]).export_writeoffs(&options).unwrap(), &out, false).unwrap();
    job.leave_out(&ExportRow { id: "bad".into(), vat_basis_points: Some(1), ..writeoff() }, "ставка исправлена в ноябре")
        .unwrap();
    job.append(vec![ExportRow { vat_basis_points: Some(2200), ..writeoff() }]).unwrap();
    let manifest = job
        .finish(ExportInfo::new(provider().description(), provider().sha256(), &options), false)
        .unwrap()
        .commit()
        .unwrap()
        .0;
    assert_eq!(verified(&out), Vec::<String>::new());
    let (input, left_out) = (manifest.input.unwrap(), manifest.left_out.unwrap());
    assert_eq!((input.rows, input.left_out_by_decision, manifest.totals.rows, left_out.rows), (2, 1, 1, 1));
    let list = std::fs::read_to_string(export::left_out::path_of(&out)).unwrap();
    assert!(list.contains("bad;1;") && list.ends_with(";by-decision;ставка исправлена в ноябре\r\n"), "{list}");
    // If nothing is left out, the old list is removed.
    export_to(&out, &[writeoff()], &options);
    assert!(!export::left_out::path_of(&out).exists());
}

#[test]
fn changing_one_row_changes_one_document() {
    let mut rows: Vec<ExportRow> = month(300, RATES).collect();
    let options = options("enterprise-data-1.17", "per-subscriber");
    let lines = |rows: &[ExportRow]| {
        let export = component_export(rows, &options, &[300]).unwrap();
        String::from_utf8(export.file().to_vec()).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let before = lines(&rows);
    assert_eq!(before, lines(&rows), "the same input has the same bytes");
    let row = rows.iter().position(|row| row.amount.minor_units > 10_000).unwrap();
    rows[row].amount.minor_units += 1;
    let after = lines(&rows);
    let changed: Vec<_> = before.iter().zip(&after).filter(|(one, other)| one != other).collect();
    assert_eq!((before.len(), changed.len()), (after.len(), 1));
    assert!(changed[0].0.starts_with("<Документ.РеализацияТоваровУслуг>"));
}

#[test]
fn numbered_files_are_complete_and_replace_old_ones() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("month.xml");
    let rows: Vec<ExportRow> = month(1_000, RATES).collect();
    let with = |most: &str| {
        let mut options = options("enterprise-data-1.17", "summary-individuals");
        options.extra.push(("documents-per-file".into(), most.into()));
        options
    };
    let names = || {
        let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    };
    let many = export_to(&out, &rows, &with("2"));
    assert!(many.files.len() > 3 && many.files.iter().all(|file| file.totals.documents <= 2));
    assert_eq!(verified(&out), Vec::<String>::new());
    assert_eq!(names().len(), many.files.len() + 1);
    let few = export_to(&out, &rows, &with("1000"));
    assert_eq!(names(), ["month-0001.xml", "month.xml.manifest.json"]);
    assert_eq!((few.totals.rows, few.totals.amount), (many.totals.rows, many.totals.amount));
    // A second file is an error if a single one was requested, and the existing file is kept.
    let mut files = Files::create(&folder.path().join("month-0001.xml"), false).unwrap();
    let end = || {
        let zero = Money { minor_units: 0, currency: Currency::RUB };
        ExportPart::FileEnd(ExportTotals { rows: 0, documents: 0, amount: zero, vat_minor_units: 0, extra: Vec::new() })
    };
    let bytes = || ExportPart::Bytes(b"x".to_vec());
    files.write(vec![bytes(), end(), bytes(), end()]).unwrap();
    let totals = match end() {
        ExportPart::FileEnd(totals) => totals,
        _ => unreachable!(),
    };
    let error = files
        .commit(ExportInfo::new(provider().description(), provider().sha256(), &with("1")), totals, Input::default())
        .unwrap_err();
    assert!(matches!(error, WriteError::SeveralFiles), "{error}");
    assert_eq!(names(), ["month-0001.xml", "month.xml.manifest.json"]);
    assert_eq!(verified(&out), Vec::<String>::new());
}

/// Changes to a file, and what verification says about each. The manifest's digest and size are updated, so that they do not
/// reveal the change.
#[test]
fn verify_detects_changed_files() {
    let cases: [(&str, &str, &str); 22] = [
        ("<Сумма>500.00</Сумма><Цена>500.00</Цена>", "<Цена>500.00</Цена><Сумма>500.00</Сумма>", "Строка has no Сумма"),
        ("<Количество>1.000</Количество>", "", "Строка has no Количество in its place"),
        ("<РасчетнаяСтавка>false</РасчетнаяСтавка>", "", "СтавкаНДС has no РасчетнаяСтавка"),
        ("<СуммаНДС>90.16</СуммаНДС>", "<СуммаНДС>90,16</СуммаНДС>", "СуммаНДС is \"90,16\""),
        ("<СуммаНДС>90.16</СуммаНДС>", "<СуммаНДС>90.17</СуммаНДС>", "the VAT is 9017 kopecks instead of 9016"),
        ("<Сумма>500.00</Сумма><СуммаВ", "<Сумма>500.01</Сумма><СуммаВ", "its sum is 500.01, its lines have 50000"),
        ("<Сумма>500.00</Сумма><Цена>500.00", "<Сумма>500.00</Сумма><Цена>250.00", "are not 50000 kopecks"),
        ("500.00", "500.01", "the amount in kopecks is 50001, the manifest says 50000"),
        ("<Содержание>", "<Содержание>\t", "Содержание is"),
        ("<ВидСтавки>Общая", "<ВидСтавки>Пониженная", "no VAT rate that is known"),
        ("<Ставка>22</Ставка>", "<Ставка>20</Ставка>", "the VAT is 9016 kopecks instead of 8333"),
        ("Документ.РеализацияТоваровУслуг", "Документ.РеализацияТоваровИУслуг", "is not known"),
        ("<ВидОперации>", "<ВидОперaции>", "cannot be read|at byte"),
        ("2026-10-31T23:59:59</Дата>", "2026-11-30T23:59:59</Дата>", "lies outside the period"),
        ("10-100500", "10-100500-100500", "Номер is"),
        ("<ИНН>7700000009</ИНН>", "<ИНН>7701234560</ИНН>", "another organisation"),
        ("EnterpriseData/1.17\">", "EnterpriseData/1.20\">", "Body is missing"),
        ("<msg:AvailableVersion>1.17", "<msg:AvailableVersion>1.20", "header is not of the version 1.17"),
        ("</Body>", "<!-- x --></Body>", "a comment"),
        ("</Message>", "</Message><Message>", "after the body"),
        ("</Body>\n</Message>\n", "", "ends within its body"),
        ("&amp;", "&", "at byte"),
    ];
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("month.xml");
    let row = ExportRow { service: "Доступ & связь".into(), ..writeoff() };
    export_to(&out, &[row], &options("enterprise-data-1.17", "per-subscriber"));
    let file = std::fs::read_to_string(&out).unwrap();
    assert_eq!(verified(&out), Vec::<String>::new());
    for (from, to, words) in cases {
        assert!(file.contains(from), "{from}");
        change(&out, &file.replace(from, to));
        let differences = verified(&out);
        let told = |words: &str| differences.iter().any(|difference| difference.contains(words));
        assert!(words.split('|').any(told), "{from} → {to}: {differences:?}");
    }
    // A missing object, and a duplicate one.
    let object = file.lines().find(|line| line.starts_with("<Справочник.Договоры>")).unwrap();
    change(&out, &file.replace(&format!("{object}\n"), ""));
    assert!(verified(&out).iter().any(|difference| difference.contains("no Справочник.Договоры")));
    change(&out, &file.replace(object, &format!("{object}\n{object}")));
    assert!(verified(&out).iter().any(|difference| difference.contains("occurs twice")));
    // A change that only the digest reveals.
    change(&out, &file);
    std::fs::write(&out, file.replace("Иванов", "Иванав")).unwrap();
    let differences = verified(&out);
    assert!(differences.len() == 1 && differences[0].contains("sha256"), "{differences:?}");
    std::fs::remove_file(&out).unwrap();
    assert!(verified(&out)[0].contains("cannot be read"));
}

/// Replaces the text of an exported file, and updates its size and digest in the manifest.
fn change(out: &Path, text: &str) {
    let path = Manifest::path_of(out);
    let mut manifest = Manifest::read(&path).unwrap();
    manifest.files[0].bytes = text.len() as u64;
    manifest.files[0].sha256 = hex::encode(Sha256::digest(text));
    std::fs::write(out, text).unwrap();
    std::fs::write(&path, serde_json::to_string(&manifest).unwrap()).unwrap();
}

#[test]
fn verify_detects_changed_manifest() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("month.xml");
    let rows: Vec<ExportRow> = month(20, RATES).collect();
    let manifest = export_to(&out, &rows, &options("enterprise-data-1.17", "per-subscriber"));
    let path = Manifest::path_of(&out);
    type Change = fn(&mut Manifest);
    let changes: [(Change, &str); 6] = [
        (|manifest| manifest.totals.amount.minor_units += 1, "the amount in kopecks"),
        (|manifest| manifest.totals.vat_minor_units += 1, "the VAT in kopecks"),
        (|manifest| manifest.totals.documents += 1, "the number of documents"),
        (|manifest| manifest.totals.vat_by_rate[0].minor_units += 1, "the amount at"),
        (|manifest| manifest.files[0].totals.vat_by_rate[1].vat_minor_units += 1, "the VAT "),
        (|manifest| manifest.files[0].bytes += 1, "bytes, the manifest says"),
    ];
    for (change, words) in changes {
        let mut changed = manifest.clone();
        change(&mut changed);
        std::fs::write(&path, serde_json::to_string(&changed).unwrap()).unwrap();
        let differences = verified(&out);
        assert!(differences.iter().any(|difference| difference.contains(words)), "{words}: {differences:?}");
    }
    for (name, words) in [("../month.xml", "no plain file name"), ("", "no plain file name")] {
        let mut changed = manifest.clone();
        changed.files[0].name = name.into();
        std::fs::write(&path, serde_json::to_string(&changed).unwrap()).unwrap();
        assert!(verify(&out).unwrap_err().to_string().contains(words));
    }
}

#[test]
fn bad_rows_are_refused_by_row_id_and_field() {
    type Change = fn(&mut Vec<ExportRow>);
    let cases: [(Change, &str); 6] = [
        (|rows| rows.swap(5, 60), "account"),
        (|rows| rows[60].account = rows[5].account.clone(), "account"),
        (|rows| rows[60].amount.currency = Currency::parse("USD").unwrap(), "amount.currency"),
        (|rows| rows[60].date = Date::new(2026, 11, 1).unwrap(), "date"),
        (|rows| rows[60].vat_basis_points = Some(1), "vat-basis-points"),
        (|rows| rows[60].service = "\u{7}".into(), "service"),
    ];
    for (change, field) in cases {
        let mut rows: Vec<ExportRow> = month(100, RATES).collect();
        change(&mut rows);
        let options = options("enterprise-data-1.17", "per-subscriber");
        let problems = component_export(&rows, &options, &[100]).unwrap_err();
        let row = usize::try_from(problems[0].row.unwrap()).unwrap();
        assert_eq!(problems[0].field.as_deref(), Some(field), "{problems:?}");
        assert!(problems[0].message.contains(&rows[row - 1].id), "{problems:?}");
        assert_eq!(Err(problems), native_export(&rows, &options));
    }
}

#[test]
fn month_of_companies_stays_within_limits() {
    let row = |at: usize| ExportRow {
        id: at.to_string(),
        account: format!("{at:08}").parse().unwrap(),
        subscriber: Party {
            kind: PartyKind::Company,
            name: "Щ&".repeat(125),
            inn: with_check_digits(&format!("77{at:07}")),
            kpp: "770101001".into(),
        },
        contract: format!("Договор & дополнительное соглашение № {at}"),
        service: format!("{}{}", "<&>".repeat(80), at % 1_000),
        service_code: String::new(),
        ..writeoff()
    };
    let rows: Vec<ExportRow> = (0..5_000).map(row).collect();
    let export = component_export(&rows, &options("enterprise-data-1.17", "per-subscriber"), &[5_000]).unwrap();
    assert_eq!((export.totals.rows, export.totals.documents), (5_000, 5_000));
}

#[test]
fn account_with_many_writeoffs_stays_within_limits() {
    let rows: Vec<ExportRow> = (0..30_000)
        .map(|at| ExportRow {
            id: format!("{:05}", (at * 7_919) % 30_000),
            service: format!("Услуга {}", at % 2_000),
            ..writeoff()
        })
        .collect();
    let export = component_export(&rows, &options("enterprise-data-1.17", "per-subscriber"), &[1_000]).unwrap();
    assert_eq!((export.totals.rows, export.totals.documents), (30_000, 1));
    let mut more = merchant(&[]).export_writeoffs(&options("enterprise-data-1.17", "per-subscriber")).unwrap();
    let again = more.append(&rows).and_then(|_| more.append(&rows[..1]));
    assert!(matches!(again, Err(Error::Provider(problems)) if problems[0].message.contains("is given twice")));
}
