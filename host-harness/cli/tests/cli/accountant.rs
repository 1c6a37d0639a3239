//! Exports of rows as accountants have them: which are refused, which are left out, and which are read in whatever form they
//! were saved.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn case(name: &str) -> PathBuf {
    root().join("tests/data/onec/cases").join(name)
}

/// An export of a case's rows.
struct Run {
    folder: TempDir,
    output: Output,
}

impl Run {
    fn of(rows: &str) -> Run {
        Run::with(rows, "options.json", &[])
    }

    fn with(rows: &str, options: &str, more: &[&str]) -> Run {
        Run::of_file(&case(rows), options, more)
    }

    fn of_file(rows: &Path, options: &str, more: &[&str]) -> Run {
        let folder = TempDir::new().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_host-harness"));
        let exe = Path::new(env!("CARGO_BIN_EXE_host-harness"));
        let component = exe.ancestors().nth(2).unwrap().join("components/chronopay.wasm");
        command.arg("export").arg(component).arg("--settings").arg(root().join("tests/data/demo/settings.toml"));
        command.arg("--options").arg(case(options)).arg("--rows").arg(rows).arg("--out").arg(folder.path().join("x.xml"));
        let output = command.args(more).output().unwrap();
        Run { folder, output }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("x.xml")
    }

    /// Returns the exported file, after `verify` accepted it.
    fn file(&self) -> String {
        assert_eq!(self.output.status.code(), Some(0), "{}", self.told());
        let verified = Command::new(env!("CARGO_BIN_EXE_host-harness")).arg("verify").arg(self.out()).output().unwrap();
        assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));
        std::fs::read_to_string(self.out()).unwrap()
    }

    fn manifest(&self) -> Value {
        let text = std::fs::read(self.folder.path().join("x.xml.manifest.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    fn left_out(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("x.xml.left-out.csv")).unwrap()
    }

    /// Asserts that nothing was written, and returns the message.
    fn refused(&self) -> String {
        assert_eq!(self.output.status.code(), Some(3), "{}", self.told());
        assert_eq!(std::fs::read_dir(self.folder.path()).unwrap().count(), 0, "nothing is written");
        self.told()
    }

    fn told(&self) -> String {
        String::from_utf8(self.output.stderr.clone()).unwrap()
    }
}

fn says(told: &str, words: &[&str]) {
    for word in words {
        assert!(told.contains(word), "{word:?} is not in: {told}");
    }
}

#[test]
fn invalid_and_shared_inns_are_refused() {
    says(&Run::of("inn-of-zeros.jsonl").refused(), &["row 1, subscriber.inn", "row 2, subscriber.inn", "is no INN"]);
    let told = Run::of("one-inn-two-names.jsonl").refused();
    says(&told, &["row 2, subscriber.name", "\"Петров Иван\" in row 1", "\"Иванова Анна\""]);
}

#[test]
fn general_vat_rate_follows_the_month() {
    for (rows, options) in [
        ("old-general-rate-in-october-2026.jsonl", "options.json"),
        ("old-general-rate-in-january-2026.jsonl", "options-of-january.json"),
    ] {
        says(&Run::with(rows, options, &[]).refused(), &["row 1, vat-basis-points", "is 22 %, not 20 %", "other-vat-rate=20"]);
        let allowed = Run::with(rows, options, &["--option", "other-vat-rate=20"]);
        assert!(allowed.file().contains("<Ставка>20</Ставка>"));
        assert_eq!(allowed.manifest()["options"][0][1], "20", "the manifest says so");
    }
}

#[test]
fn non_positive_rows_are_left_out_and_listed() {
    for (rows, count) in [("zero-sum.jsonl", 1), ("nets-to-zero.jsonl", 2)] {
        let run = Run::of(rows);
        assert!(!run.file().contains("<Документ"));
        let manifest = run.manifest();
        assert_eq!((&manifest["left_out"]["rows"], &manifest["rows"]), (&count.into(), &0.into()));
        assert_eq!(manifest["input"]["rows"], count);
        says(&run.left_out(), &["writeoff_id;rows;account", ";100500;Д-17;ООО «Ромашка»;", ";0.00;22;0.00;RUB;not-positive;"]);
        says(&Run::with(rows, "options.json", &["--option", "not-positive=refuse"]).refused(), &["amount.minor-units"]);
    }
    let run = Run::with("service-below-zero.jsonl", "options.json", &["--option", "mode=summary-individuals"]);
    assert_eq!(run.file().matches("<Строка>").count(), 1);
    let manifest = run.manifest();
    assert_eq!((&manifest["amount"]["minor_units"], &manifest["left_out"]["minor_units"]), (&50_000.into(), &(-10_000).into()));
    assert_eq!(manifest["input"]["minor_units"], 40_000);
    says(&run.left_out(), &["w-6;1;;;Физические лица;tv;ТВ;2026-10-01;-100.00;22;-18.03;RUB;not-positive;"]);
}

#[test]
fn verify_detects_changed_left_out_list() {
    let run = Run::of("zero-sum.jsonl");
    run.file();
    let path = run.folder.path().join("x.xml.left-out.csv");
    std::fs::write(&path, run.left_out().replace(";0.00;22", ";1.00;22")).unwrap();
    let verified = Command::new(env!("CARGO_BIN_EXE_host-harness")).arg("verify").arg(run.out()).output().unwrap();
    assert_eq!(verified.status.code(), Some(3));
    says(&String::from_utf8(verified.stdout).unwrap(), &["left-out.csv: its sha256", "100 kopecks"]);
}

#[test]
fn all_faults_are_reported_in_one_run() {
    let told = Run::of("several-faults.jsonl").refused();
    says(&told, &["row 1, subscriber.inn", "row 3, subscriber.kpp", "row 4, vat-basis-points", "3 faults"]);
    let folder = TempDir::new().unwrap();
    let rows = folder.path().join("rows.jsonl");
    let row = std::fs::read_to_string(case("old-general-rate-in-october-2026.jsonl")).unwrap();
    let rows_text: String = (0..1_000).map(|at| row.replace("w-1\"", &format!("w-{at}\""))).collect();
    std::fs::write(&rows, rows_text).unwrap();
    let told = Run::of_file(&rows, "options.json", &[]).refused();
    assert_eq!(told.matches("vat-basis-points").count(), 100);
    says(&told, &["1000 faults", "row 100, ", "and 900 more"]);
}

#[test]
fn empty_export_requires_permission() {
    says(&Run::of("nothing.jsonl").refused(), &["no write-offs to export"]);
    assert!(!Run::with("nothing.jsonl", "options.json", &["--allow-empty"]).file().contains("<Документ"));
}

/// Sums up all elements of a name, in kopecks.
fn kopecks(file: &str, name: &str) -> i64 {
    let tag = format!("<{name}>");
    let texts = file.split(&tag).skip(1).map(|rest| rest.split('<').next().unwrap());
    texts.map(|text| text.replace('.', "").parse::<i64>().unwrap()).sum()
}

#[test]
fn register_and_acts_have_equal_vat() {
    for (rows, mode, vat, rounding) in [
        ("daily-charges-of-a-company.jsonl", "per-subscriber", 9_017, -4),
        ("daily-charges-of-a-person.jsonl", "per-subscriber", 9_017, -4),
        ("daily-charges-of-a-person.jsonl", "summary-individuals", 9_021, 0),
    ] {
        let mode = format!("mode={mode}");
        let acts = Run::with(rows, "options.json", &["--option", &mode]);
        assert_eq!(kopecks(&acts.file(), "СуммаНДС"), vat);
        let register = Run::with(rows, "options.json", &["--option", &mode, "--format", "register-csv"]);
        let lines = register.file();
        let of_lines =
            lines.lines().skip(1).map(|line| line.split(';').nth(15).unwrap().replace('.', "").parse::<i64>().unwrap());
        assert_eq!(of_lines.sum::<i64>(), vat);
        for run in [&acts, &register] {
            assert_eq!(
                (&run.manifest()["vat_minor_units"], &run.manifest()["vat_rounding_minor_units"]),
                (&vat.into(), &rounding.into())
            );
        }
    }
}

#[test]
fn byte_order_mark_is_ignored() {
    assert_eq!(Run::of("mark-and-crlf.jsonl").file().matches("<Документ").count(), 1);
    assert_eq!(Run::with("zero-sum.jsonl", "options-with-a-mark.json", &[]).manifest()["input"]["rows"], 1);
}

#[test]
fn foreign_company_is_named_by_its_tax_number() {
    says(&Run::of("foreign-company.jsonl").refused(), &["row 1, subscriber.inn", "foreign-tax-number"]);
    let folder = TempDir::new().unwrap();
    let rows = folder.path().join("rows.jsonl");
    let row = std::fs::read_to_string(case("foreign-company.jsonl")).unwrap();
    let extra = "\"extra\": {\"foreign-tax-number\": \"DE129273398\"}, \"service_code\"";
    std::fs::write(&rows, row.replace("\"service_code\"", extra)).unwrap();
    assert!(Run::of_file(&rows, "options.json", &[]).file().contains("<НалоговыйНомерНерезидента>DE129273398<"));
    let register = Run::of_file(&rows, "options.json", &["--format", "register-csv"]);
    let csv = folder.path().join("register.csv");
    std::fs::write(&csv, register.file()).unwrap();
    assert!(Run::of_file(&csv, "options.json", &[]).file().contains("<НалоговыйНомерНерезидента>DE129273398<"));
}

#[test]
fn duplicate_ids_are_refused() {
    says(
        &Run::of("one-id-two-accounts.jsonl").refused(),
        &["row 2, id", "stands in row 1 already", "unique over all accounts"],
    );
}

#[test]
fn account_without_leading_zeros_is_refused() {
    let register = Run::with("account-with-zeros.jsonl", "options.json", &["--format", "register-csv"]);
    let text = register.file();
    let cells: Vec<&str> = text.lines().nth(1).unwrap().split(';').collect();
    assert_eq!((cells[1], cells[18], cells[19].len()), ("00123", "10-00123", 36));
    let folder = TempDir::new().unwrap();
    let csv = folder.path().join("register.csv");
    std::fs::write(&csv, &text).unwrap();
    assert!(Run::of_file(&csv, "options.json", &[]).file().contains("<Номер>10-00123</Номер>"));
    std::fs::write(&csv, text.replace(";00123;", ";123;")).unwrap();
    says(&Run::of_file(&csv, "options.json", &[]).refused(), &["row 1, account", "00123 to 123"]);
    // A register that names no act proves nothing.
    let run = Run::with("account-that-lost-its-zeros.csv", "options.json", &[]);
    assert_eq!(run.output.status.code(), Some(2));
    says(&run.told(), &["line 2, act_uuid is empty"]);
    let taken = Run::with("account-that-lost-its-zeros.csv", "options.json", &["--register-without-acts"]);
    assert!(taken.file().contains("<Номер>10-123</Номер>"));
}

#[test]
fn two_codes_of_one_service_are_warned_about() {
    let run = Run::of("two-codes-one-name.jsonl");
    run.file();
    assert_eq!(run.manifest()["warnings_count"], 1);
    says(&String::from_utf8(run.output.stdout.clone()).unwrap(), &["warnings: 1", "two codes, \"a\" and \"b\""]);
}

#[test]
fn two_names_of_one_service_code_are_warned_about() {
    let run = Run::of("one-code-two-names.jsonl");
    assert!(!run.file().contains("Аренда роутера"), "the line has the first name");
    let manifest = run.manifest();
    assert_eq!((&manifest["warnings_count"], &manifest["warnings"][0]["code"]), (&1.into(), &"one-code".into()));
    says(
        &String::from_utf8(run.output.stdout.clone()).unwrap(),
        &["warnings: 1", "\"a\" has two names, «Доступ в интернет» and «Аренда роутера»"],
    );
}

#[test]
fn contract_dated_after_its_act_is_warned_about() {
    let run = Run::of("contract-after-the-act.jsonl");
    assert!(run.file().contains("<Номер>10-100500</Номер>"));
    let manifest = run.manifest();
    assert_eq!((&manifest["warnings_count"], &manifest["warnings"][0]["code"]), (&1.into(), &"late-contract".into()));
    let message = manifest["warnings"][0]["message"].as_str().unwrap();
    says(message, &["\"Д-17\" of account 100500 is of 2026-11-15, later than its act for 2026-10"]);
    // A contract dated within the act's month is not later than the act, which is dated the month's last day.
    let folder = TempDir::new().unwrap();
    let rows = folder.path().join("rows.jsonl");
    let row = std::fs::read_to_string(case("contract-after-the-act.jsonl")).unwrap();
    std::fs::write(&rows, row.replace("2026-11-15", "2026-10-31")).unwrap();
    assert_eq!(Run::of_file(&rows, "options.json", &[]).manifest()["warnings_count"], 0);
}

#[test]
fn unknown_option_is_refused_by_name() {
    for (option, format, known) in [
        ("mod=summary-individuals", "enterprise-data-1.17", "mode, "),
        ("decimal-separator=comma", "enterprise-data-1.17", "documents-per-file."),
        ("documents-per-file=2", "register-csv", "decimal-separator."),
    ] {
        let run = Run::with("two-codes-one-name.jsonl", "options.json", &["--format", format, "--option", option]);
        let name = option.split('=').next().unwrap();
        says(&run.refused(), &[&format!("There is no option \"{name}\"; the options are: "), known]);
    }
}

#[test]
fn each_fault_is_printed_once_on_its_own_line() {
    let folder = TempDir::new().unwrap();
    let rows = folder.path().join("rows.jsonl");
    let row = std::fs::read_to_string(case("two-codes-one-name.jsonl")).unwrap();
    std::fs::write(&rows, row.replace("2200", "2100")).unwrap();
    let told = Run::of_file(&rows, "options.json", &[]).refused();
    assert_eq!(told.trim_end().lines().count(), 3, "{told}");
    assert!(
        told.contains("\n  row 1, vat-basis-points: ") && told.contains("\n  row 2, ") && !told.contains("\\u{a}"),
        "{told}"
    );
    let options = std::fs::read_to_string(case("options.json")).unwrap();
    let reversed = folder.path().join("options.json");
    std::fs::write(&reversed, options.replace("2026-10-31", "2026-09-30")).unwrap();
    let told = Run::of_file(&rows, reversed.to_str().unwrap(), &[]).refused();
    assert_eq!(told.matches("The last day lies before the first").count(), 1, "{told}");
}

#[test]
fn names_are_normalized() {
    says(&Run::of("direction-mark-in-a-name.jsonl").refused(), &["row 1, subscriber.name", "U+202E"]);
    let folder = TempDir::new().unwrap();
    let rows = folder.path().join("rows.jsonl");
    let row = std::fs::read_to_string(case("direction-mark-in-a-name.jsonl")).unwrap();
    std::fs::write(&rows, row.replace("ООО \u{202e}«Ромашка»", "ООО\u{a0}«Е\u{308}лка»")).unwrap();
    assert!(Run::of_file(&rows, "options.json", &[]).file().contains("<НаименованиеПолное>ООО «Ёлка»</НаименованиеПолное>"));
}
