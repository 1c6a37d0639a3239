//! `host-harness call`: the steps and results of functions that may ask.

use serde_json::{Value, json};

use crate::{Place, built};

const KEY: &str = "faulty-test-key-001";

/// Returns a folder with settings, a refund and an answer to its call, and runs `call` of a function there.
fn call(function: &str, more: &str) -> (String, Option<i32>) {
    let place = Place::new();
    let rub = json!({"minor_units": 10_000, "currency": "RUB"});
    let payment = json!({
        "order": {"id": "42", "amount": rub},
        "movement": {"kind": "payment", "transaction": "10000001", "order": "42", "payer": "100001", "amount": rub},
    });
    place.write("faulty.toml", &format!("shop = \"17\"\nkey = \"{KEY}\"\n"));
    place.write("refund.json", &json!({"id": "r-1", "payment": payment, "amount": rub}).to_string());
    let done = "state=done&payment=10000001&payer=100001&refund=20000001&order=42&amount=100.00&end=1";
    let answers = json!([{"call": "POST https://api.faulty.example/refunds", "is": {"body": done}}]);
    place.write("answers.json", &answers.to_string());
    let faulty = built("components/faulty.wasm");
    let arguments = format!("call {} {function} --settings faulty.toml --input refund.json {more}", faulty.display());
    let output = place.run(&arguments, "");
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(!out.contains(KEY) && !err.contains(KEY), "{out}{err}");
    (out + &err, output.status.code())
}

#[test]
fn each_step_is_shown() {
    let (text, code) = call("refund-payment", "--answers answers.json");
    assert_eq!(code, Some(0), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    let step = "calls     POST api.faulty.example/refunds, a body of 50 bytes: 200, 85 bytes";
    assert_eq!(lines[..2], [step, "result    succeeded"], "{text}");
    assert!(lines[2].contains("\"kind\":\"refund\"") && lines[2].contains("20000001"), "{text}");

    let (text, _) = call("refund-payment", "--answers answers.json --json");
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&report["result"], &report["event"]["original"]), (&json!("succeeded"), &json!("10000001")));
    let called = json!({"method": "POST", "host": "api.faulty.example", "path": "/refunds", "body_bytes": 50});
    assert_eq!((&report["steps"][0]["call"], report["steps"].as_array().unwrap().len()), (&called, 1));
}

#[test]
fn nothing_is_called_without_leave() {
    let (text, code) = call("refund-payment", "");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("not sent: calls are not made here") && text.contains("result    unavailable"), "{text}");
}

#[test]
fn input_of_another_function_is_refused() {
    let (text, code) = call("cancel-recurring", "");
    assert!(code == Some(2) && text.contains("refund.json: unknown field `amount`"), "{text}");
    let (text, code) = call("pay-back", "");
    assert!(code == Some(2) && text.contains("[possible values: create-link, handle-callback, query-payment"), "{text}");
}
