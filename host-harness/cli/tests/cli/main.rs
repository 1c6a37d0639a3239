//! The program as its users run it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod accountant;
mod call;
mod export;
mod projects;
mod serve;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use end_to_end::guest::Guest;
use serde_json::{Value, json};
use tempfile::TempDir;

const GENUINE: &str = "transaction_type=Purchase&customer_id=001234-100000062&transaction_id=56244472&total=100.00\
    &product_id=001234-0001-0001&currency=RUB&cs1=42&sign=361e40a4bfe23530d6521546e2bbbeb9";

const CHECK: &str = include_str!("../../../../tests/data/chronopay/check.json");

/// A folder with the program's input.
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

    fn write(&self, name: &str, text: &(impl AsRef<[u8]> + ?Sized)) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Runs the program in this folder. `COMPONENT` stands for ChronoPay's component, and `MODULE` for the core module that it
    /// was made from.
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

    /// Returns the printed JSON and the exit code.
    fn json(&self, arguments: &str) -> (Value, Option<i32>) {
        let output = self.run(arguments, "");
        (serde_json::from_slice(&output.stdout).unwrap_or(Value::Null), output.status.code())
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns a file that `cargo xtask build` left in the target directory.
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
fn inspect_prints_description() {
    let (report, code) = Place::new().json("inspect COMPONENT --json");
    assert_eq!(code, Some(0));
    assert_eq!(report["contract"], "billing:payments/payment-provider@1.0.0");
    assert_eq!((&report["imports"], &report["description"]["id"]), (&json!([]), &json!("chronopay")));
    assert_eq!(report["sha256"].as_str().unwrap().len(), 64);
    assert!(report["size_bytes"].as_u64().unwrap() > 10_000);
    assert_eq!(report["abilities"], json!(["recurring-payments", "settlement-reports"]));
    let faulty = built("components/faulty.wasm");
    let (report, _) = Place::new().json(&format!("inspect {} --json", faulty.display()));
    let abilities = json!(["asking", "payment-status", "refunds", "recurring-payments", "settlement-reports"]);
    assert_eq!(report["abilities"], abilities);
}

/// Returns the path of a hostile component of the test data.
fn hostile(name: &str) -> String {
    workspace().join("tests/data/hostile").join(name).canonicalize().unwrap().display().to_string()
}

#[test]
fn compiler_bomb_is_refused_before_compiling() {
    let began = Instant::now();
    let output = Place::new().run(&format!("inspect {}", hostile("locals-times-branches.wasm")), "");
    assert_eq!(output.status.code(), Some(5));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("compiling it would take too long: it has") && said.contains("values kept over branches"), "{said}");
}

#[test]
fn component_is_compiled_in_a_child_first() {
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
fn component_text_is_escaped_for_the_terminal() {
    let place = Place::new();
    place.write("settings.toml", "");
    place.write("name.wasm", &Guest::named("a\nb").build());
    place.write("message.wasm", &Guest::saying("\u{1b}[31m and a line\n").build());
    let import = hostile("import-with-escape.wasm");
    for (arguments, file, code) in [
        (format!("inspect {import}"), "import-with-escape.wasm", 5),
        ("inspect name.wasm".to_owned(), "name.wasm", 5),
        ("callback message.wasm --settings settings.toml --query a=1".to_owned(), "message.wasm", 4),
    ] {
        let output = place.run(&arguments, "");
        assert_eq!(output.status.code(), Some(code), "{file}: {output:?}");
        let said = [output.stdout, output.stderr].concat();
        let is_raw = |byte: &u8| byte.is_ascii_control() && *byte != b'\n';
        assert!(!said.iter().any(is_raw), "{file}: {}", String::from_utf8_lossy(&said));
        assert_eq!(said.iter().filter(|byte| **byte == b'\n').count(), 1, "{file}: {}", String::from_utf8_lossy(&said));
    }
}

#[test]
fn closed_pipe_is_no_failure() {
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
    assert_eq!(link["form"]["action"], "https://payments.chronopay.com/");
    assert!(link["form"]["inputs"].as_array().unwrap().contains(&json!(["cs1", "42"])), "{link}");
}

/// For each order and provider: what is reported about options that the payment system ignores.
#[test]
fn link_reports_ignored_options() {
    const ROBOKASSA: &str = "merchant-login = \"shop\"\npassword-1 = \"TestPassword1\"\npassword-2 = \"TestPassword2\"\n";
    let place = Place::new();
    place.write("robokassa.toml", ROBOKASSA);
    let robokassa = built("components/robokassa.wasm").display().to_string();
    for (order, text) in [
        ("with-expiry", include_str!("../../../../tests/data/orders/with-expiry.json")),
        ("with-return-addresses", include_str!("../../../../tests/data/orders/with-return-addresses.json")),
        ("expired-in-1970", include_str!("../../../../tests/data/orders/expired-in-1970.json")),
        ("with-ampersand", include_str!("../../../../tests/data/orders/with-ampersand-in-callback-address.json")),
    ] {
        place.write(&format!("{order}.json"), text);
    }
    let chronopay = "COMPONENT --settings settings.toml";
    let robokassa = format!("{robokassa} --settings robokassa.toml");
    for (provider, order, code, said) in [
        // ChronoPay accepts an expiry only if control of orders is on.
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
fn callback_prints_verdict() {
    let place = Place::new();
    let base = "callback COMPONENT --settings settings.toml --json";
    for (arguments, code, verdict, status) in [
        ("--body-file body.txt".to_owned(), 0, "happened", 200),
        (format!("--query {GENUINE}"), 0, "happened", 200),
        (format!("--method get --query {GENUINE}"), 0, "happened", 200),
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
    assert_eq!(answer["events"][0]["amount"], json!({"minor_units": 10000, "currency": "RUB"}));
    assert_eq!((&answer["events"][0]["order"], &answer["problem"]), (&json!("42"), &Value::Null));
    assert_eq!(answer["events"][0]["comment"], "Пополнение баланса через ЛК");
    let output = place.run(&format!("{base} --body-file -"), GENUINE);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn lines_are_answered_in_order_despite_bad_ones() {
    let place = Place::new();
    let arguments = "callback COMPONENT --settings settings.toml --jsonl";
    let request = |transaction: usize| json!({"method": "POST", "body": format!("transaction_id={transaction}")}).to_string();
    let good = json!({"method": "POST", "body": GENUINE}).to_string();
    let mut lines: Vec<String> = (0..300).map(|at| if at % 3 == 0 { good.clone() } else { request(at) }).collect();
    let output = place.run(arguments, &(lines.join("\n") + "\n"));
    let answers: Vec<Value> = output.stdout.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    assert_eq!((output.status.code(), answers.len()), (Some(0), 300));
    for (at, answer) in answers.iter().enumerate() {
        assert_eq!(answer["verdict"], if at % 3 == 0 { "happened" } else { "refused" }, "{at}");
    }

    lines.truncate(4);
    lines[1] = "{\"method\": \"POST\", \"boddy\": 1}".to_owned();
    lines[2] = json!({"method": "POST", "body": "x".repeat(70_000)}).to_string();
    let output = place.run(arguments, &lines.join("\n"));
    let answers: Vec<Value> = output.stdout.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    assert_eq!(output.status.code(), Some(4));
    assert_eq!((&answers[0]["verdict"], &answers[3]["verdict"]), (&json!("happened"), &json!("happened")));
    assert_eq!((&answers[1]["error"]["line"], &answers[2]["error"]["line"]), (&json!(2), &json!(3)));
    assert!(answers[1]["error"]["message"].as_str().unwrap().contains("boddy"));
}

#[test]
fn each_line_is_answered_before_the_next_arrives() {
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
        assert!(answer.starts_with("{\"verdict\":\"happened\""), "{answer}");
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn measure_reports_cost_of_provider() {
    let place = Place::new();
    let (report, code) = place.json("measure COMPONENT --settings settings.toml --body-file body.txt --calls 20 --json");
    assert_eq!((code, &report["callback"], &report["calls"]), (Some(0), &json!("happened"), &json!(20)));
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
fn failures_have_exit_code_and_sentence() {
    let place = Place::new();
    place.write("text.wasm", "not wasm");
    place.write("bad.toml", "shared-sec = \"TestSharedSec001\nproduct-id = 1");
    place.write("short.toml", "product-id = \"1\"\nshared-sec = \"short\"");
    place.write("zero.json", r#"{"id": "42", "account": "1", "amount": {"minor_units": 0, "currency": "RUB"}}"#);
    place.write("float.json", r#"{"id": "42", "account": "1", "amount": {"minor_units": 100.5, "currency": "RUB"}}"#);
    place.write("huge.txt", &"x".repeat(70_000));
    for (arguments, code, words) in [
        ("inspect text.wasm", 5, "not a WebAssembly component"),
        ("inspect missing.wasm", 2, "cannot use missing.wasm"),
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
fn secret_is_read_from_environment() {
    let place = Place::new();
    place.write("public.toml", "product-id = \"001234-0001-0001\"");
    let arguments = "callback COMPONENT --settings public.toml --body-file body.txt --secret-env shared-sec=CHRONOPAY_SECRET";
    let status = place.command(arguments).env("CHRONOPAY_SECRET", "TestSharedSec001").stdout(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(0));
    let status = place.command(arguments).env("CHRONOPAY_SECRET", "AnotherSecret001").stdout(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(3));
}

#[test]
fn check_reports_outcome_of_checks() {
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
    assert_eq!((code, &report["passed"], &report["seed"]), (Some(0), &json!(true), &json!(5)), "{report}");
    assert_eq!((outcomes(&report, "passed").len(), &report["id"]), (19, &json!("chronopay")), "{report}");
    assert!(report["seconds"].as_f64().unwrap() > 0.0);

    let (report, code) = place.json("check COMPONENT --vectors wrong.json --quick --json");
    assert_eq!((code, &report["passed"], outcomes(&report, "failed")), (Some(3), &json!(false), vec!["samples".to_owned()]));
    let (report, code) = place.json("check COMPONENT --quick --json");
    assert_eq!((code, outcomes(&report, "failed").len(), outcomes(&report, "skipped").len()), (Some(3), 0, 19), "{report}");
    let (report, code) = place.json("check text.wasm --vectors check.json --json");
    assert_eq!((code, outcomes(&report, "failed"), &report["sha256"]), (Some(5), vec!["contract".to_owned()], &Value::Null));

    let output = place.run("check COMPONENT --vectors wrong.json --quick", "");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("FAILED       samples") && text.contains("kind is \"payment\" and not \"hold\""), "{text}");
    let last = text.lines().last().unwrap();
    let verdict = "FAILED: 20 checks: 18 passed, 1 failed (samples), 1 not applicable (replies); ";
    assert!(last.starts_with(verdict) && last.contains("--seed "), "{last}");
    for (arguments, code, words) in [
        ("check COMPONENT --vectors typo.json", 2, "callbacks[0] \"Purchase\": \"verdict\" is missing"),
        ("check COMPONENT --vectors missing.json", 2, "missing.json"),
        ("check missing.wasm", 2, "cannot use missing.wasm"),
        ("check COMPONENT --seed many", 2, "--seed"),
    ] {
        let output = place.run(arguments, "");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(code) && error.contains(words), "{arguments}: {error}");
    }
}

#[test]
fn invisible_character_in_secret_is_refused_by_position() {
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
