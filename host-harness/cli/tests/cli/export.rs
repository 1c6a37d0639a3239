//! Exports, and their verification and conversion.

use serde_json::json;

use super::{Place, row};

#[test]
fn export_is_all_or_nothing() {
    let place = Place::new();
    let rows: String = (0..1000).map(|id| row(id, 50_000)).collect();
    place.write("rows.jsonl", &rows);
    let base =
        "export COMPONENT --settings settings.toml --format register-csv --options options.json --json --out register.csv";
    let (summary, code) = place.json(&format!("{base} --rows rows.jsonl"));
    assert_eq!(
        (code, &summary["rows"], &summary["vat_minor_units"]),
        (Some(0), &json!(1000), &json!(9_016_393)),
        "as their act has it"
    );
    assert_eq!(summary["amount"], json!({"minor_units": 50_000_000, "currency": "RUB"}));
    let register = std::fs::read_to_string(place.path("register.csv")).unwrap();
    assert_eq!(register.lines().count(), 1001);

    // A failure after rows were written leaves the earlier file, and nothing beside it.
    let bad_row = rows.clone() + &row(1000, 50_000).replace("2026-10-31", "2026-11-01");
    // A day that does not exist makes the whole file unusable, since no host writes one.
    let no_day = rows.clone() + &row(1000, 50_000).replace("2026-10-31", "2026-02-30");
    let no_currency = rows.clone() + &row(1000, 50_000).replace("RUB", "rub");
    for (input, code, words) in [
        (bad_row, 3, "row 1001, date"),
        (rows + "{\n", 2, "line 1001"),
        (no_day, 2, "date: 2026-02-30 is not a day of the calendar"),
        (no_currency, 2, "the currency \"rub\" is not three upper-case letters"),
    ] {
        let output = place.run(&format!("{base} --rows -"), &input);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.contains(words) && error.contains("1001"), "{error}");
        assert_eq!(std::fs::read_to_string(place.path("register.csv")).unwrap(), register);
        let names = std::fs::read_dir(place.0.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert_eq!(names.filter(|name| name.contains(".tmp")).count(), 0);
    }
}

const ENTERPRISE_DATA: &str =
    "export COMPONENT --settings settings.toml --format enterprise-data-1.17 --options options.json --out october.xml";

/// Makes a folder with options whose seller 1C accepts.
fn operator() -> Place {
    let place = Place::new();
    let options = r#"{"seller": {"kind": "company", "name": "Т", "inn": "7700000009"}, "period_start": "2026-10-01",
        "period_end": "2026-10-31"}"#;
    place.write("options.json", options);
    place
}

fn rows_of(accounts: impl Iterator<Item = usize>) -> String {
    accounts.map(|account| row(account, 50_000).replace(r#""account":"1""#, &format!(r#""account":"{account:04}""#))).collect()
}

#[test]
fn verify_detects_changed_export() {
    let place = operator();
    place.write("rows.jsonl", &rows_of(0..50));
    let (manifest, code) = place.json(&format!("{ENTERPRISE_DATA} --rows rows.jsonl --json"));
    assert_eq!((code, &manifest["rows"], &manifest["documents"]), (Some(0), &json!(50), &json!(50)));
    assert_eq!(manifest["period_start"], "2026-10-01");
    assert_eq!(
        manifest["vat_by_rate"],
        json!([{"vat_basis_points": 2200, "minor_units": 2_500_000, "vat_minor_units": 450_800}])
    );
    let (inspected, _) = place.json("inspect COMPONENT --json");
    assert_eq!(manifest["component"]["sha256"], inspected["sha256"]);
    let (report, code) = place.json("verify october.xml --json");
    assert_eq!((code, &report["passed"]), (Some(0), &json!(true)));
    assert_eq!(place.json("verify october.xml.manifest.json --json").1, Some(0));

    let first_format = ENTERPRISE_DATA.replace("--format enterprise-data-1.17", "");
    let again = place.run(&format!("{first_format} --rows rows.jsonl"), "");
    assert!(String::from_utf8_lossy(&again.stdout).contains("the same, byte for byte, as before"));
    let more = place.run(&format!("{ENTERPRISE_DATA} --rows -"), &rows_of(0..51));
    assert!(String::from_utf8_lossy(&more.stdout).contains("before: 50 write-offs, 50 documents, 25000.00 RUB, VAT 4508.00"));

    let file = std::fs::read_to_string(place.path("october.xml")).unwrap();
    place.write("october.xml", &file.replacen("500.00", "500.01", 1));
    let (report, code) = place.json("verify october.xml --json");
    assert_eq!((code, &report["passed"]), (Some(3), &json!(false)));
    let output = place.run("verify october.xml", "");
    assert!(String::from_utf8_lossy(&output.stdout).contains("NOT verified"));
    assert_eq!(place.run("verify options.json", "").status.code(), Some(2));
}

#[test]
fn unsorted_rows_are_refused_without_sort() {
    let place = operator();
    place.write("rows.jsonl", &rows_of((0..5_000).map(|at| at * 7 % 5_000)));
    let output = place.run(&format!("{ENTERPRISE_DATA} --rows rows.jsonl"), "");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && error.contains("row 716, account") && error.contains("sort them"), "{error}");
    assert!(!place.path("october.xml").exists() && !place.path("october.xml.manifest.json").exists());
    let (manifest, code) = place.json(&format!("{ENTERPRISE_DATA} --rows rows.jsonl --sort --json"));
    assert_eq!((code, &manifest["documents"]), (Some(0), &json!(5_000)));
    let sorted = std::fs::read(place.path("october.xml")).unwrap();
    let nothing = |more: &str| place.run(&format!("{ENTERPRISE_DATA} --rows - {more}"), "").status.code();
    assert_eq!((nothing(""), nothing("--allow-empty")), (Some(3), Some(0)));
    place.write("rows.jsonl", &rows_of(0..5_000));
    let output = place.run(&format!("{ENTERPRISE_DATA} --rows rows.jsonl"), "");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(std::fs::read(place.path("october.xml")).unwrap() == sorted);
}

#[test]
fn register_converts_to_enterprise_data() {
    let place = operator();
    place.write("rows.jsonl", &rows_of(0..300));
    place.run(&format!("{ENTERPRISE_DATA} --rows rows.jsonl"), "");
    let direct = std::fs::read(place.path("october.xml")).unwrap();
    let register = ENTERPRISE_DATA.replace("enterprise-data-1.17", "register-csv").replace("october.xml", "october.csv");
    assert_eq!(place.run(&format!("{register} --rows rows.jsonl"), "").status.code(), Some(0));
    assert_eq!(place.run("verify october.csv", "").status.code(), Some(0));
    assert_eq!(place.run(&format!("{ENTERPRISE_DATA} --rows october.csv"), "").status.code(), Some(0));
    assert!(std::fs::read(place.path("october.xml")).unwrap() == direct);
    let csv = std::fs::read_to_string(place.path("october.csv")).unwrap();
    place.write("october.csv", &csv.replacen("90.16", "90.14", 1));
    let output = place.run(&format!("{ENTERPRISE_DATA} --rows october.csv"), "");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && error.contains("october.csv: line 2, vat_amount is 90.14"), "{error}");
}

#[test]
fn large_export_is_split_into_numbered_files() {
    let place = operator();
    place.write("rows.jsonl", &rows_of(0..25));
    let (manifest, code) = place.json(&format!("{ENTERPRISE_DATA} --rows rows.jsonl --documents-per-file 10 --json"));
    let names: Vec<&str> = manifest["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!((code, names), (Some(0), vec!["october-0001.xml", "october-0002.xml", "october-0003.xml"]));
    assert_eq!(place.json("verify october.xml --json").0["passed"], json!(true));
    let option = "--option mode=summary-individuals --option documents-per-file=10";
    let (manifest, _) = place.json(&format!("{ENTERPRISE_DATA} --rows rows.jsonl {option} --json"));
    assert_eq!((&manifest["documents"], manifest["files"].as_array().unwrap().len()), (&json!(1), 1));
    assert!(!place.path("october-0002.xml").exists(), "a file of the earlier export that is not part of this one");
    let (problems, code) = place.json(&format!("{ENTERPRISE_DATA} --rows rows.jsonl --option mode=all --json"));
    assert_eq!((code, &problems["problems"][0]["field"]), (Some(3), &json!("extra.mode")));
}
