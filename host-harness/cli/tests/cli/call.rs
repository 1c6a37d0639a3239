//! `host-harness call`: the steps and results of functions that may ask.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use end_to_end::{cloudpayments, md5_hex, yookassa};
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
    let called = json!({"method": "POST", "host": "api.faulty.example", "path": "/refunds", "query": "", "body_bytes": 50});
    assert_eq!((&report["steps"][0]["call"], report["steps"].as_array().unwrap().len()), (&called, 1));
}

#[test]
fn nothing_is_called_without_leave() {
    let (text, code) = call("refund-payment", "");
    assert_eq!(code, Some(0), "{text}");
    let not_sent = "not sent: it has no answer; give one by --answers, or --allow-http to make the call";
    assert!(text.contains(not_sent) && text.contains("result    unavailable"), "{text}");
}

/// `callback` and `link` answer nothing. They say what a component wanted to know, and what to try.
#[test]
fn what_is_not_answered_is_named() {
    let place = Place::new();
    place.write("faulty.toml", &format!("shop = \"17\"\nkey = \"{KEY}\"\n"));
    let sign = md5_hex(&[KEY.as_bytes(), b"check10000008100500100.00;42;RUB;17"]);
    let fields = "type=check&payment=10000008&payer=100500&amount=100.00&order=42&currency=RUB&shop=17";
    place.write("body.txt", &format!("{fields}&sign={sign}"));
    let faulty = built("components/faulty.wasm");
    let output = place.run(&format!("callback {} --settings faulty.toml --body-file body.txt", faulty.display()), "");
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let words = "it asks about the order \"42\", and there is no answer here; try `host-harness call` with handle-callback";
    assert!(out.starts_with("unavailable") && err.contains(words), "{out}{err}");

    let settings = cloudpayments::settings(&[]).into_iter().map(|(name, value)| format!("{name} = {value:?}\n"));
    place.write("settings.toml", &settings.collect::<String>());
    let rub = json!({"minor_units": 10_000, "currency": "RUB"});
    place.write("order.json", &json!({"id": "42", "account": "100500", "amount": rub}).to_string());
    let component = built("components/cloudpayments.wasm");
    let output = place.run(&format!("link {} --settings settings.toml --order order.json", component.display()), "");
    let err = String::from_utf8(output.stderr).unwrap();
    let words =
        "no link is made: it has a call made to api.cloudpayments.ru, and there is no answer here; try `host-harness call`";
    assert!(err.contains(words), "{err}");
}

#[test]
fn input_of_another_function_is_refused() {
    let (text, code) = call("cancel-recurring", "");
    assert!(code == Some(2) && text.contains("refund.json: unknown field `amount`"), "{text}");
    let (text, code) = call("pay-back", "");
    assert!(code == Some(2) && text.contains("[possible values: create-link, handle-callback, query-payment"), "{text}");
}

const KIB_64: usize = 64 << 10;
const MIB: usize = 1 << 20;

/// Answers each request on this machine with a body, and returns the server's URL.
fn answering(body: String) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request: Vec<u8> = Vec::new();
            // The head tells how long the body is; these are shorter than one piece.
            while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
                let mut piece = [0; 4096];
                let read = stream.read(&mut piece).unwrap();
                request.extend(&piece[..read]);
            }
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
            // A client that reads no further has closed the connection.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
    url
}

/// Makes a JSON text as long as this, by spaces at its end.
fn padded(json: &str, bytes: usize) -> String {
    format!("{json}{}", " ".repeat(bytes - json.len()))
}

/// Runs a function of a shipped component, whose calls a server on this machine answers with this body.
fn called(provider: &str, settings: &[(String, String)], function: &str, input: &Value, body: String) -> String {
    let place = Place::new();
    let api = [("api-url".to_owned(), answering(body))];
    let settings = settings.iter().chain(&api).map(|(name, value)| format!("{name} = {value:?}\n"));
    place.write("settings.toml", &settings.collect::<String>());
    place.write("input.json", &input.to_string());
    let component = built(&format!("components/{provider}.wasm"));
    let more = "--settings settings.toml --input input.json --allow-http --allow-loopback";
    let output = place.run(&format!("call {} {function} {more}", component.display()), "");
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_page_of_a_report_has_up_to_a_mebibyte() {
    let request = json!({"format": "transactions", "options": [], "day": "2026-11-28"});
    for (bytes, said, result) in [
        (KIB_64, "200, 65536 bytes", "result    done"),
        (KIB_64 + 1, "200, 65537 bytes", "result    done"),
        (MIB, "200, 1048576 bytes", "result    done"),
        (
            MIB + 1,
            "no answer: the answer of 127.0.0.1 is longer than the 1048576 bytes that this call allows",
            "result    unavailable",
        ),
    ] {
        let body = padded(r#"{"Success":true,"Message":null,"Model":[]}"#, bytes);
        let text = called("cloudpayments", &cloudpayments::settings(&[]), "fetch-report", &request, body);
        assert!(text.contains(said) && text.contains(result), "{bytes}: {text}");
    }
}

/// A page that is full of rows is read within the limits of a component's call.
#[test]
fn a_page_that_is_full_of_rows_is_read() {
    let request = json!({"format": "transactions", "options": [], "day": "2021-10-30"});
    let row = r#"{"ReasonCode":0,"PublicId":"pk_test_site_1","TransactionId":897749645,"Amount":159,"Currency":"RUB","InvoiceId":"42","CreatedDateIso":"2021-10-30T03:59:58","TestMode":false,"OriginalTransactionId":null,"Status":"Completed","StatusCode":3,"Type":0,"TotalFee":3.90,"Note":""#;
    // As many rows as a page has, so long that they are almost a mebibyte together.
    let row = format!("{row}{}\"}}", "я".repeat(5_000));
    let rows = vec![row; 100].join(",");
    let body = padded(&format!(r#"{{"Success":true,"Message":null,"Model":[{rows}]}}"#), MIB);
    let text = called("cloudpayments", &cloudpayments::settings(&[]), "fetch-report", &request, body);
    assert!(text.contains("result    done") && text.matches("897749645").count() == 100, "{text}");
}

#[test]
fn an_answer_for_a_callback_has_up_to_64_kib() {
    let request = json!({"method": "POST", "body": yookassa::NOTIFICATION});
    for (bytes, said, result) in [
        (KIB_64, "200, 65536 bytes", "result    happened"),
        (
            KIB_64 + 1,
            "no answer: the answer of 127.0.0.1 is longer than the 65536 bytes that this call allows",
            "result    unavailable",
        ),
    ] {
        let body = padded(yookassa::PAYMENT, bytes);
        let text = called("yookassa", &yookassa::settings(&[]), "handle-callback", &request, body);
        assert!(text.contains(said) && text.contains(result), "{bytes}: {text}");
    }
}
