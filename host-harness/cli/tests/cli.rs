//! The program as its users run it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

const GENUINE: &str = "transaction_type=Purchase&customer_id=001234-100000062&transaction_id=56244472&total=100.00\
    &product_id=001234-0001-0001&currency=RUB&cs1=42&sign=361e40a4bfe23530d6521546e2bbbeb9";

const CHECK: &str = include_str!("../../../tests/data/chronopay/check.json");

/// A folder with what the program reads.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(TempDir::new().unwrap());
        place.write("settings.toml", "product-id = \"001234-0001-0001\"\nshared-sec = \"TestSharedSec001\"\n");
        place.write("order.json", r#"{"id": "42", "account": "1", "amount": {"minor_units": 10000, "currency": "RUB"}}"#);
        place.write(
            "options.json",
            r#"{"seller": {"kind": "company", "name": "Т"}, "period_start": "2026-10-01", "period_end": "2026-10-31"}"#,
        );
        place.write("body.txt", GENUINE);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// The program in this folder; `COMPONENT` stands for ChronoPay's, and `MODULE` for what that was made of.
    fn command(&self, arguments: &str) -> Command {
        let component = built("components/chronopay.wasm");
        let module = built("guest/wasm32-unknown-unknown/component/chronopay.wasm");
        let mut command = Command::new(env!("CARGO_BIN_EXE_host-harness"));
        command.current_dir(self.0.path()).args(arguments.split_whitespace().map(|word| match word {
            "COMPONENT" => component.as_os_str(),
            "MODULE" => module.as_os_str(),
            word => word.as_ref(),
        }));
        command
    }

    fn run(&self, arguments: &str, input: &str) -> Output {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        output
    }

    /// What it prints as JSON, and its exit code.
    fn json(&self, arguments: &str) -> (Value, Option<i32>) {
        let output = self.run(arguments, "");
        (serde_json::from_slice(&output.stdout).unwrap_or(Value::Null), output.status.code())
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What `cargo xtask build` left in the target directory.
fn built(path: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), |dir| workspace().join(dir));
    target.join(path).canonicalize().expect("run `cargo xtask build`")
}

fn row(id: usize, minor_units: i64) -> String {
    json!({
        "id": format!("w-{id}"), "account": "1", "subscriber": {"kind": "individual", "name": "Иванов"}, "service": "Интернет",
        "period": "2026-10-01", "date": "2026-10-31", "amount": {"minor_units": minor_units, "currency": "RUB"},
        "vat_basis_points": 2200,
    })
    .to_string()
        + "\n"
}

#[test]
fn inspect_tells_who_it_is() {
    let (report, code) = Place::new().json("inspect COMPONENT --json");
    assert_eq!(code, Some(0));
    assert_eq!(report["contract"], "billing:payments/payment-provider@1.0.0");
    assert_eq!((&report["imports"], &report["description"]["id"]), (&json!([]), &json!("chronopay")));
    assert_eq!(report["sha256"].as_str().unwrap().len(), 64);
    assert!(report["size_bytes"].as_u64().unwrap() > 10_000);
}

/// A hostile component of the tests' data.
fn hostile(name: &str) -> String {
    workspace().join("tests/data/hostile").join(name).canonicalize().unwrap().display().to_string()
}

#[test]
fn what_takes_the_compiler_gigabytes_is_refused_at_once() {
    let began = Instant::now();
    let output = Place::new().run(&format!("inspect {}", hostile("locals-times-branches.wasm")), "");
    assert_eq!(output.status.code(), Some(5));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("compiling it would take too long: it has") && said.contains("values kept over branches"), "{said}");
}

#[test]
fn a_component_is_compiled_in_a_child_first() {
    let place = Place::new();
    let mut check = place.command("compile-check").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (memory_bytes_max, cpu_seconds_max) = (1_u64 << 30, 20_u64);
    let mut stdin = check.stdin.take().unwrap();
    stdin.write_all(&[memory_bytes_max.to_le_bytes(), cpu_seconds_max.to_le_bytes()].concat()).unwrap();
    stdin.write_all(&std::fs::read(built("components/chronopay.wasm")).unwrap()).unwrap();
    drop(stdin);
    let output = check.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.starts_with(b"compiled "), "{output:?}");
}

#[test]
fn what_a_component_says_does_not_reach_the_terminal_raw() {
    let place = Place::new();
    for (arguments, file, code) in [
        ("inspect", "import-with-escape.wasm", 5),
        ("inspect", "name-with-line-ends.wasm", 5),
        ("callback --settings settings.toml --query a=1", "message-with-escape.wasm", 4),
    ] {
        place.write("settings.toml", "");
        let (command, rest) = arguments.split_once(' ').unwrap_or((arguments, ""));
        let output = place.run(&format!("{command} {} {rest}", hostile(file)), "");
        assert_eq!(output.status.code(), Some(code), "{file}: {output:?}");
        let said = [output.stdout, output.stderr].concat();
        let is_raw = |byte: &u8| byte.is_ascii_control() && *byte != b'\n';
        assert!(!said.iter().any(is_raw), "{file}: {}", String::from_utf8_lossy(&said));
        assert_eq!(said.iter().filter(|byte| **byte == b'\n').count(), 1, "{file}: {}", String::from_utf8_lossy(&said));
    }
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let place = Place::new();
    let mut inspect = place.command("inspect COMPONENT").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(inspect.stdout.take());
    let output = inspect.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn link_signs_an_order() {
    let (link, code) = Place::new().json("link COMPONENT --settings settings.toml --order order.json --json");
    assert_eq!(code, Some(0));
    assert!(link["url"].as_str().unwrap().ends_with("&sign=47576a5a1106286cd1642cdd8c5e485d"), "{link}");
    assert_eq!(link["form_action"], "https://payments.chronopay.com/");
    assert!(link["form_fields"].as_array().unwrap().contains(&json!(["cs1", "42"])), "{link}");
}

/// An order, the provider that it is for, and what is said of what the payment system cannot keep.
#[test]
fn link_says_what_the_payment_system_cannot_keep() {
    const ROBOKASSA: &str = "merchant-login = \"shop\"\npassword-1 = \"TestPassword1\"\npassword-2 = \"TestPassword2\"\n";
    let place = Place::new();
    place.write("robokassa.toml", ROBOKASSA);
    let robokassa = built("components/robokassa.wasm").display().to_string();
    for (order, text) in [
        ("with-expiry", include_str!("../../../tests/data/orders/with-expiry.json")),
        ("with-return-addresses", include_str!("../../../tests/data/orders/with-return-addresses.json")),
        ("expired-in-1970", include_str!("../../../tests/data/orders/expired-in-1970.json")),
        ("with-ampersand", include_str!("../../../tests/data/orders/with-ampersand-in-callback-address.json")),
    ] {
        place.write(&format!("{order}.json"), text);
    }
    let chronopay = "COMPONENT --settings settings.toml";
    let robokassa = format!("{robokassa} --settings robokassa.toml");
    for (provider, order, code, said) in [
        // ChronoPay keeps a moment only where control of orders is on.
        (chronopay, "with-expiry", 0, "The payment system takes no: expires-at"),
        (robokassa.as_str(), "with-return-addresses", 0, "The payment system takes no: success-url, failure-url"),
        (chronopay, "expired-in-1970", 2, "expires_at is over: it is 1000"),
        (chronopay, "with-ampersand", 3, "&"),
    ] {
        let output = place.run(&format!("link {provider} --order {order}.json"), "");
        let all = [output.stdout, output.stderr].concat();
        let all = String::from_utf8(all).unwrap();
        assert_eq!(output.status.code(), Some(code), "{order}: {all}");
        assert!(all.contains(said), "{order}: {all}");
    }
}

#[test]
fn callback_judges_a_request() {
    let place = Place::new();
    let base = "callback COMPONENT --settings settings.toml --json";
    for (arguments, code, verdict, status) in [
        ("--body-file body.txt".to_owned(), 0, "accepted", 200),
        (format!("--query {GENUINE}"), 0, "accepted", 200),
        (format!("--method get --query {GENUINE}"), 0, "accepted", 200),
        (format!("--method POST --query {GENUINE}"), 3, "refused", 403),
        (format!("--query {}", GENUINE.replace("100.00", "1000.00")), 3, "refused", 403),
    ] {
        let (answer, got) = place.json(&format!("{base} {arguments}"));
        assert_eq!(
            (got, &answer["verdict"], &answer["reply"]["status"]),
            (Some(code), &json!(verdict), &json!(status)),
            "{arguments}"
        );
    }
    let (answer, _) = place.json(&format!("{base} --body-file body.txt"));
    assert_eq!(answer["event"]["amount"], json!({"minor_units": 10000, "currency": "RUB"}));
    assert_eq!((&answer["event"]["order"], &answer["problem"]), (&json!("42"), &Value::Null));
    assert_eq!(answer["event"]["comment"], "Пополнение баланса через ЛК");
    let output = place.run(&format!("{base} --body-file -"), GENUINE);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn lines_are_answered_in_order_and_bad_ones_do_not_stop_them() {
    let place = Place::new();
    let arguments = "callback COMPONENT --settings settings.toml --jsonl";
    let request = |transaction: usize| json!({"method": "POST", "body": format!("transaction_id={transaction}")}).to_string();
    let good = json!({"method": "POST", "body": GENUINE}).to_string();
    let mut lines: Vec<String> = (0..300).map(|at| if at % 3 == 0 { good.clone() } else { request(at) }).collect();
    let output = place.run(arguments, &(lines.join("\n") + "\n"));
    let answers: Vec<Value> = output.stdout.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    assert_eq!((output.status.code(), answers.len()), (Some(0), 300));
    for (at, answer) in answers.iter().enumerate() {
        assert_eq!(answer["verdict"], if at % 3 == 0 { "accepted" } else { "refused" }, "{at}");
    }

    lines.truncate(4);
    lines[1] = "{\"method\": \"POST\", \"boddy\": 1}".to_owned();
    lines[2] = json!({"method": "POST", "body": "x".repeat(70_000)}).to_string();
    let output = place.run(arguments, &lines.join("\n"));
    let answers: Vec<Value> = output.stdout.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    assert_eq!(output.status.code(), Some(4));
    assert_eq!((&answers[0]["verdict"], &answers[3]["verdict"]), (&json!("accepted"), &json!("accepted")));
    assert_eq!((&answers[1]["error"]["line"], &answers[2]["error"]["line"]), (&json!(2), &json!(3)));
    assert!(answers[1]["error"]["message"].as_str().unwrap().contains("boddy"));
}

#[test]
fn a_line_is_answered_before_the_next_one_comes() {
    let place = Place::new();
    let mut child = place
        .command("callback COMPONENT --settings settings.toml --jsonl")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..3 {
        writeln!(stdin, "{}", json!({"method": "POST", "body": GENUINE})).unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        assert!(answer.starts_with("{\"verdict\":\"accepted\""), "{answer}");
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn export_makes_a_whole_file_or_none() {
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

    // What goes wrong after rows were written leaves the file of before, and nothing beside it.
    let bad_row = rows.clone() + &row(1000, 50_000).replace("2026-10-31", "2026-11-01");
    // No host says a day that does not exist: the file is of no use.
    let no_day = rows.clone() + &row(1000, 50_000).replace("2026-10-31", "2026-02-30");
    let no_currency = rows.clone() + &row(1000, 50_000).replace("RUB", "rub");
    for (input, code, words) in [
        (bad_row, 3, "row 1001, date"),
        (rows + "{\n", 2, "line 1001"),
        (no_day, 2, "date: 2026-02-30 is no day of the calendar"),
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

#[test]
fn measure_tells_what_a_provider_costs() {
    let place = Place::new();
    let (report, code) = place.json("measure COMPONENT --settings settings.toml --body-file body.txt --calls 20 --json");
    assert_eq!((code, &report["callback"], &report["calls"]), (Some(0), &json!("accepted"), &json!(20)));
    let functions = report["functions"].as_array().unwrap();
    assert_eq!(functions.len(), 7, "reading belongs to what is read");
    for function in functions {
        assert!(function["fuel"].as_u64().unwrap() > 0 && function["memory_bytes"].as_u64().unwrap() > 0, "{function}");
    }
    assert!(report["fresh_us"]["p50"].as_f64().unwrap() <= report["fresh_us"]["p99"].as_f64().unwrap());
    let (report, _) = place.json("measure COMPONENT --settings settings.toml --calls 1 --json");
    assert!(report["callback"].as_str().unwrap().starts_with("empty"), "{report}");
}

#[test]
fn failures_have_their_exit_code_and_a_sentence() {
    let place = Place::new();
    place.write("text.wasm", "not wasm");
    place.write("bad.toml", "shared-sec = \"TestSharedSec001\nproduct-id = 1");
    place.write("short.toml", "product-id = \"1\"\nshared-sec = \"short\"");
    place.write("zero.json", r#"{"id": "42", "account": "1", "amount": {"minor_units": 0, "currency": "RUB"}}"#);
    place.write("float.json", r#"{"id": "42", "account": "1", "amount": {"minor_units": 100.5, "currency": "RUB"}}"#);
    place.write("huge.txt", &"x".repeat(70_000));
    for (arguments, code, words) in [
        ("inspect text.wasm", 5, "no WebAssembly component"),
        ("inspect missing.wasm", 5, "cannot read missing.wasm"),
        ("inspect", 2, "Usage"),
        ("link COMPONENT --settings missing.toml --order order.json", 2, "missing.toml"),
        ("link COMPONENT --settings bad.toml --order order.json", 2, "line 1 is not TOML"),
        ("link COMPONENT --settings short.toml --order order.json", 3, "001234-0001-0001"),
        ("link COMPONENT --settings settings.toml --order zero.json", 3, "amount.minor-units"),
        ("link COMPONENT --settings settings.toml --order float.json", 2, "float.json"),
        ("callback COMPONENT --settings settings.toml", 2, "--body-file"),
        ("callback COMPONENT --settings settings.toml --body-file huge.txt", 4, "65536 bytes of arguments"),
        ("callback COMPONENT --settings settings.toml --query a --secret-env shared-sec=NO_SUCH_VARIABLE", 2, "not set"),
        ("callback COMPONENT --settings settings.toml --query a --secret-env TestSharedSec001", 2, "SETTING=VARIABLE"),
    ] {
        let output = place.run(arguments, "");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments}: {error}");
        assert!(error.contains(words), "{arguments}: {error}");
        assert!(!error.contains("TestSharedSec001") && !error.contains("panicked"), "{arguments}: {error}");
    }
    let (problems, code) = place.json("link COMPONENT --settings short.toml --order order.json --json");
    assert_eq!((code, problems["problems"].as_array().unwrap().len()), (Some(3), 2));
}

#[test]
fn a_secret_comes_from_the_environment() {
    let place = Place::new();
    place.write("public.toml", "product-id = \"001234-0001-0001\"");
    let arguments = "callback COMPONENT --settings public.toml --body-file body.txt --secret-env shared-sec=CHRONOPAY_SECRET";
    let status = place.command(arguments).env("CHRONOPAY_SECRET", "TestSharedSec001").stdout(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(0));
    let status = place.command(arguments).env("CHRONOPAY_SECRET", "AnotherSecret001").stdout(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(3));
}

const ENTERPRISE_DATA: &str =
    "export COMPONENT --settings settings.toml --format enterprise-data-1.17 --options options.json --out october.xml";

/// A place with an operator whom 1C knows.
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
fn an_export_is_verified_and_a_changed_one_is_not() {
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
    assert_eq!((code, &report["holds"]), (Some(0), &json!(true)));
    assert_eq!(place.json("verify october.xml.manifest.json --json").1, Some(0));

    let first_format = ENTERPRISE_DATA.replace("--format enterprise-data-1.17", "");
    let again = place.run(&format!("{first_format} --rows rows.jsonl"), "");
    assert!(String::from_utf8_lossy(&again.stdout).contains("the same, byte for byte, as before"));
    let more = place.run(&format!("{ENTERPRISE_DATA} --rows -"), &rows_of(0..51));
    assert!(String::from_utf8_lossy(&more.stdout).contains("before: 50 write-offs, 50 documents, 25000.00 RUB, VAT 4508.00"));

    let file = std::fs::read_to_string(place.path("october.xml")).unwrap();
    place.write("october.xml", &file.replacen("500.00", "500.01", 1));
    let (report, code) = place.json("verify october.xml --json");
    assert_eq!((code, &report["holds"]), (Some(3), &json!(false)));
    let output = place.run("verify october.xml", "");
    assert!(String::from_utf8_lossy(&output.stdout).contains("NOT verified"));
    assert_eq!(place.run("verify options.json", "").status.code(), Some(2));
}

#[test]
fn rows_are_sorted_on_wish_and_refused_otherwise() {
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
fn a_register_is_turned_into_enterprise_data() {
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
fn a_big_export_is_cut_into_numbered_files() {
    let place = operator();
    place.write("rows.jsonl", &rows_of(0..25));
    let (manifest, code) = place.json(&format!("{ENTERPRISE_DATA} --rows rows.jsonl --documents-per-file 10 --json"));
    let names: Vec<&str> = manifest["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!((code, names), (Some(0), vec!["october-0001.xml", "october-0002.xml", "october-0003.xml"]));
    assert_eq!(place.json("verify october.xml --json").0["holds"], json!(true));
    let option = "--option mode=summary-individuals --option documents-per-file=10";
    let (manifest, _) = place.json(&format!("{ENTERPRISE_DATA} --rows rows.jsonl {option} --json"));
    assert_eq!((&manifest["documents"], manifest["files"].as_array().unwrap().len()), (&json!(1), 1));
    assert!(!place.path("october-0002.xml").exists(), "a file of before that is no part of the export");
    let (problems, code) = place.json(&format!("{ENTERPRISE_DATA} --rows rows.jsonl --option mode=all --json"));
    assert_eq!((code, &problems["problems"][0]["field"]), (Some(3), &json!("extra.mode")));
}

/// What a server answers to a request that is written out.
fn http(address: &str, request: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
    answer
}

#[test]
fn serve_takes_a_payment_and_ends_when_it_is_asked() {
    let place = Place::new();
    let arguments = "serve --data data --listen 127.0.0.1:0 --public-url https://billing.example.ru --component \
        chronopay=COMPONENT --settings chronopay=settings.toml";
    let component = place.command("inspect COMPONENT").get_args().nth(1).unwrap().to_owned();
    let arguments = arguments.replace("COMPONENT", component.to_str().unwrap());
    let mut token = String::new();
    for (round, order) in [(0, None), (1, Some(()))] {
        let log = std::fs::File::create(place.path("log")).unwrap();
        let command = &mut place.command(&arguments);
        let mut server = command.env_remove("HARNESS_TOKEN").stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap_or_else(|| panic!("{line}"));
        let kept = std::fs::read_to_string(place.path("data/token")).unwrap();
        assert!(kept.len() == 64 && (token.is_empty() || token == kept), "the token stays");
        token = kept;
        let head = |method: &str, path: &str, body: &str| {
            let length = body.len();
            format!(
                "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
                 content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
            )
        };
        if order.is_none() {
            let account = r#"{"name": "Иванов", "kind": "individual"}"#;
            assert!(http(address, &head("PUT", "/api/v1/accounts/1", account)).starts_with("HTTP/1.1 200"));
        }
        // The order 42 is not this ledger's: the payment waits for the operator, once.
        assert!(http(address, &head("POST", "/callbacks/chronopay", GENUINE)).ends_with("\r\n\r\nOK"), "{round}");
        let waiting = http(address, &head("GET", "/api/v1/unmatched", ""));
        assert_eq!(waiting.matches("unknown-order").count(), 1, "{waiting}");
        let killed = Command::new("kill").arg(server.id().to_string()).status().unwrap();
        assert!(killed.success() && server.wait().unwrap().success());
        let log = std::fs::read_to_string(place.path("log")).unwrap();
        assert!(log.contains("a callback was accepted") && log.contains("56244472") && !log.contains("TestSharedSec"), "{log}");
    }
    for (arguments, words) in [
        (arguments.replace("--settings chronopay", "--settings other"), "add --component other=FILE"),
        (arguments.replace("https://", "ftp://"), "--public-url takes an address"),
        (arguments.replace("example.ru", "example.ru?x"), "--public-url takes an address"),
        (format!("{arguments} --callback-from chronopay=10.0.0"), "is not an address"),
        (format!("{arguments} --trusted-proxy 10.0.0.0/8"), "--trusted-proxy-header"),
        (
            format!("{arguments} --trusted-proxy-header x-forwarded-for --trusted-proxy 10.0.0/8"),
            "--trusted-proxy: \"10.0.0/8\" is not an address",
        ),
        (arguments.replace("--component chronopay", "--component chrono pay"), "unexpected argument"),
        (arguments.replace("--component chronopay", "--component chrono/pay"), "NAME=VALUE"),
    ] {
        let output = place.run(&arguments, "");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && error.contains(words), "{error}");
    }
    let output = place.command(&arguments).env("HARNESS_TOKEN", "short").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("openssl rand -hex 32"));
}

#[test]
fn operators_get_a_password_and_a_ledger_is_checked() {
    let place = Place::new();
    for (name, password, words) in [
        ("anna", "correct horse battery", None),
        ("anna", "short", Some("at least 10 characters")),
        ("anna", "aaaaaaaaaa", Some("easy to guess")),
        ("an/na", "correct horse battery", Some("letters, digits")),
    ] {
        let output = place.run(&format!("operator {name} --data data"), &format!("{password}\n"));
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(if words.is_some() { 2 } else { 0 }), "{text}");
        assert!(text.contains(words.unwrap_or("anna may log in")) && !text.contains(password), "{text}");
    }
    let run = |arguments: &str| {
        let output = place.run(arguments, "");
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    assert_eq!(run("operator --list --data data"), (Some(0), "anna\n".to_owned()));
    let (code, text) = run("operator nobody --remove --data data");
    assert!(code == Some(2) && text.contains("there is no operator nobody") && text.contains("--list"), "{text}");
    for arguments in ["operator --list --data nowhere", "operator anna --remove --data nowhere", "operator --data data"] {
        let (code, text) = run(arguments);
        assert!(code == Some(2) && !place.path("nowhere").exists(), "{arguments}: {text}");
    }
    let output = place.run("ledger check --data data", "");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let output = place.run("ledger check --data nowhere", "");
    assert!(output.status.code() == Some(2) && !place.path("nowhere").exists(), "nothing is made by looking");
}

/// A write-off such as an older program took, of a day that does not exist.
const OF_NO_DAY: &str = "
    INSERT INTO accounts (number, name, kind, contract, inn, kpp) VALUES ('100500', 'Иванов', 'individual', '', '', '');
    INSERT INTO entries (account, kind, minor_units, currency, comment, at) VALUES ('100500', 'write-off', -700, 'RUB', '', 1);
    INSERT INTO writeoffs (account, id, service_code, service, unit, period, date, quantity_thousandths, minor_units, currency, note,
        entry) VALUES ('100500', 'w-30', '', 'Интернет', '', 20260201, 20260230, 1000, 700, 'RUB', '', 1);
    INSERT INTO balances VALUES ('100500', 'RUB', -700);
    INSERT INTO hours VALUES (0, 'write-off', '', 'RUB', 1, -700)";

#[test]
fn a_ledgers_check_names_what_no_month_holds() {
    let place = Place::new();
    assert!(place.run("operator anna --data data", "correct horse battery\n").status.success());
    let database = rusqlite::Connection::open(place.path("data/ledger.db")).unwrap();
    database.execute_batch(OF_NO_DAY).unwrap();
    let output = place.run("ledger check --data data", "");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("write-off-day w-30: of the account 100500, 7.00 RUB: its day is 2026-02-30"), "{text}");
    let decision = "INSERT INTO exclusions (writeoff, operator, reason, at) VALUES ('w-30', 'anna', 'дубль', 1)";
    database.execute(decision, []).unwrap();
    let output = place.run("ledger check --data data", "");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn new_makes_a_whole_project_and_writes_over_nothing() {
    let place = Place::new();
    let contract = std::fs::read_to_string(workspace().join("wit/payment-provider.wit")).unwrap();
    for (language, manifest, built) in [("rust", "Cargo.toml", "target"), ("javascript", "package.json", "node_modules")] {
        let name = format!("fast-{language}");
        let output = place.run(&format!("new {name} --language {language}"), "");
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && told.contains(&format!("check {name}.wasm --vectors vectors.json")), "{told}");
        let text = |path: &str| std::fs::read_to_string(place.path(&name).join(path)).unwrap();
        assert_eq!(text("wit/payment-provider.wit"), contract);
        assert!(text(manifest).contains(&format!("\"{name}\"")) && text(".gitignore").contains(built));
        for path in [manifest, "README.md", "vectors.json"] {
            assert!(!text(path).contains("example-pay"), "{path} has the template's name");
        }
        let vectors: Value = serde_json::from_str(&text("vectors.json")).unwrap();
        assert!(vectors["callbacks"].as_array().unwrap().len() > 10);
    }
    std::fs::write(place.path("fast-rust/README.md"), "mine").unwrap();
    for (arguments, words) in [
        ("new fast-rust", "fast-rust is there already"),
        ("new body.txt", "kebab-case"),
        ("new Fast", "kebab-case"),
        ("new fast--pay", "kebab-case"),
        ("new ../fast", "kebab-case"),
        ("new fast --into nowhere", "nowhere is not there"),
        ("new fast --into body.txt", "cannot make body.txt/fast"),
        ("new fast --language cobol", "javascript"),
    ] {
        let output = place.run(arguments, "");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && error.contains(words), "{arguments}: {error}");
    }
    assert_eq!(std::fs::read_to_string(place.path("fast-rust/README.md")).unwrap(), "mine");
    assert!(!place.path("fast").exists() && !place.path("nowhere").exists());
}

/// A module with nothing in it.
const EMPTY_MODULE: &[u8] = b"\0asm\x01\0\0\0";

#[test]
fn component_makes_of_a_module_what_a_host_loads_or_nothing() {
    let place = Place::new();
    let output = place.run("component MODULE --out made.wasm", "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let component = std::fs::read(built("components/chronopay.wasm")).unwrap();
    assert!(std::fs::read(place.path("made.wasm")).unwrap() == component, "another component than the build's");

    let module = std::fs::read(built("guest/wasm32-unknown-unknown/component/chronopay.wasm")).unwrap();
    std::fs::write(place.path("empty.wasm"), EMPTY_MODULE).unwrap();
    std::fs::write(place.path("cut.wasm"), &module[..module.len() / 2]).unwrap();
    for (arguments, words) in [
        ("component missing.wasm --out made.wasm", "cannot use missing.wasm"),
        ("component body.txt --out made.wasm", "it is no WebAssembly"),
        ("component COMPONENT --out made.wasm", "where it is a component already"),
        ("component empty.wasm --out made.wasm", "no metadata of the contract"),
        ("component cut.wasm --out made.wasm", "it is damaged"),
        ("component MODULE --out nowhere/made.wasm", "cannot use nowhere/made.wasm"),
        ("component MODULE", "--out"),
    ] {
        let output = place.run(arguments, "");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && error.contains(words), "{arguments}: {error}");
        assert!(std::fs::read(place.path("made.wasm")).unwrap() == component, "{arguments}: the old one stays");
    }
    assert!(!place.path("made.wasm.part").exists());
}

#[test]
fn a_provider_is_checked() {
    let place = Place::new();
    place.write("check.json", CHECK);
    place.write("text.wasm", "not wasm");
    place.write("wrong.json", &CHECK.replacen("\"kind\": \"payment\"", "\"kind\": \"hold\"", 1));
    place.write("typo.json", &CHECK.replacen("\"verdict\"", "\"verdikt\"", 1));
    let outcomes = |report: &Value, outcome: &str| -> Vec<String> {
        let checks = report["checks"].as_array().unwrap().iter().filter(|check| check["outcome"] == outcome);
        checks.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
    };
    let (report, code) = place.json("check COMPONENT --vectors check.json --quick --seed 5 --json");
    assert_eq!((code, &report["holds"], &report["seed"]), (Some(0), &json!(true), &json!(5)), "{report}");
    assert_eq!((outcomes(&report, "holds").len(), &report["id"]), (13, &json!("chronopay")), "{report}");
    assert!(report["seconds"].as_f64().unwrap() > 0.0);

    let (report, code) = place.json("check COMPONENT --vectors wrong.json --quick --json");
    assert_eq!((code, &report["holds"], outcomes(&report, "fails")), (Some(3), &json!(false), vec!["samples".to_owned()]));
    let (report, code) = place.json("check COMPONENT --quick --json");
    assert_eq!((code, outcomes(&report, "fails").len(), outcomes(&report, "not-checked").len()), (Some(3), 0, 12), "{report}");
    let (report, code) = place.json("check text.wasm --vectors check.json --json");
    assert_eq!((code, outcomes(&report, "fails"), &report["sha256"]), (Some(5), vec!["contract".to_owned()], &Value::Null));

    let output = place.run("check COMPONENT --vectors wrong.json --quick", "");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("FAILS        samples") && text.contains("kind is \"payment\" and not \"hold\""), "{text}");
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("IT DOES NOT HOLD: 13 checks: 12 hold, 1 fail (samples); ") && last.contains("--seed "), "{last}");
    for (arguments, code, words) in [
        ("check COMPONENT --vectors typo.json", 2, "callbacks[0] \"Purchase\": \"verdict\" is missing"),
        ("check COMPONENT --vectors missing.json", 2, "missing.json"),
        ("check missing.wasm", 5, "cannot read missing.wasm"),
        ("check COMPONENT --seed many", 2, "--seed"),
    ] {
        let output = place.run(arguments, "");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(code) && error.contains(words), "{arguments}: {error}");
    }
}

#[test]
fn a_secret_with_a_character_that_cannot_be_seen_is_refused_by_its_place() {
    let place = Place::new();
    for (file, words) in [
        ("secret-with-byte-order-mark.toml", "shared-sec: Character 17 cannot be seen: a byte order mark (BOM), U+FEFF."),
        ("secret-with-zero-width-space.toml", "cannot be seen: a zero-width space, U+200B."),
    ] {
        let settings = workspace().join("tests/data/settings").join(file);
        std::fs::copy(settings, place.path("invisible.toml")).unwrap();
        for arguments in [
            "link COMPONENT --settings invisible.toml --order order.json",
            "serve --data data --public-url https://billing.example.ru --component chronopay=COMPONENT --settings \
             chronopay=invisible.toml --listen 127.0.0.1:0",
        ] {
            let arguments = arguments
                .replace("chronopay=COMPONENT", &format!("chronopay={}", built("components/chronopay.wasm").display()));
            let output = place.run(&arguments, "");
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.code() == Some(2) && said.contains(words), "{arguments}: {said}");
            assert!(!said.contains("TestSharedSec"), "{said}");
        }
    }
}
