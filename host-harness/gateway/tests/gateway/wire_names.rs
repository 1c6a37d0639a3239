//! The names that other programs read must not change by accident. To change one on purpose, add a line to CHANGELOG.md under
//! «Wire names»; `UPDATE_EXPECT=1` rewrites the list.

use std::collections::BTreeSet;

use domain::{Ability, DecisionKind, EntryKind, EventKind, FindingCode, MismatchReason, PartyKind, Recurrence, SettingKind};
use expect_test::expect_file;
use host::ErrorCode;
use serde_json::{Value, json};

use crate::payment_system::PaymentSystem;
use crate::server::payment;

#[test]
fn wire_names_do_not_change() {
    let payment_system = PaymentSystem::answering(404, "");
    let server = crate::calls::started(&payment_system);
    assert_eq!(crate::calls::report(&server, "payment=10000001"), 403);
    // So that an order needs no name of a provider.
    assert_eq!(server.post("/api/v1/providers/lookup/pause", &json!({})).0, 204);
    let order = server.order();
    assert_eq!(server.callback(&payment(&order, "1")).0, 200);
    assert_eq!(server.callback("transaction_id=2").0, 403);
    server.client().get("/callbacks/nobody", "").unwrap();
    let (status, document) = server.get("/api/openapi.json");
    assert_eq!(status, 200);
    let metrics = server.client().get("/metrics", "").unwrap();
    let lines = [operations(&document), schemas(&document), metric_names(metrics.text()), names_of_sets()].concat();
    expect_file!["wire_names.txt"].assert_eq(&(lines.join("\n") + "\n"));
}

#[test]
fn every_error_code_is_documented() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/gateway.md")).unwrap();
    let (_, table) = page.split_once("| code | what it says |\n|---|---|\n").unwrap();
    let rows = table.lines().map_while(|line| line.strip_prefix("| `")?.split_once("` | "));
    let documented: Vec<&str> = rows.map(|(code, _)| code).collect();
    assert_eq!(documented, ErrorCode::ALL.iter().map(|code| code.name()).collect::<Vec<_>>());
}

/// `GET /api/v1/entries list_entries account after wait`
fn operations(document: &Value) -> Vec<String> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let operation = |(method, operation): (&String, &Value)| {
            let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
            // Those of the path are in the path.
            let others = parameters.iter().filter(|parameter| parameter["in"] != "path");
            let names = [&operation["operationId"]].into_iter().chain(others.map(|parameter| &parameter["name"]));
            format!("{} {path} {}", method.to_uppercase(), names.filter_map(Value::as_str).collect::<Vec<_>>().join(" "))
        };
        item.as_object().unwrap().iter().map(operation).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

/// `Amount minor_units currency`, and `EntryKind = payment refund`
fn schemas(document: &Value) -> Vec<String> {
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let line = |(name, schema): (&String, &Value)| {
        let mut values = Vec::new();
        collect(schema, &mut values);
        let fields = if values.is_empty() { String::new() } else { format!(" {}", values.join(" ")) };
        format!("{name}{fields}")
    };
    schemas.iter().map(line).collect()
}

/// Collects the names of fields and the values of enumerations, including nested ones.
fn collect(schema: &Value, names: &mut Vec<String>) {
    if let Some(values) = schema["enum"].as_array() {
        names.push("=".to_owned());
        names.extend(values.iter().filter_map(Value::as_str).map(str::to_owned));
    }
    if let Some(fields) = schema["properties"].as_object() {
        names.extend(fields.keys().cloned());
    }
    for part in ["allOf", "oneOf", "anyOf"].iter().filter_map(|part| schema[part].as_array()).flatten() {
        collect(part, names);
    }
}

/// `harness_callbacks_total provider outcome`
fn metric_names(text: &str) -> Vec<String> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let line = |sample: &str| {
        let (name, rest) = sample.split_once(['{', ' ']).unwrap();
        let labels = rest.rsplit_once("} ").map_or("", |(labels, _)| labels);
        let labels = labels.split("\",").filter_map(|label| label.split_once('=')).map(|(label, _)| label);
        [vec![name], labels.collect()].concat().join(" ")
    };
    samples.map(line).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Returns the codes of errors, and the names of the ledger's and the contract's enumerations, which pages, API and database share.
fn names_of_sets() -> Vec<String> {
    macro_rules! line {
        ($type:ident) => {
            format!(
                "{} = {}",
                stringify!($type),
                $type::ALL.iter().map(|one| one.name().to_owned()).collect::<Vec<_>>().join(" ")
            )
        };
    }
    vec![
        line!(Ability),
        line!(DecisionKind),
        line!(ErrorCode),
        line!(EntryKind),
        line!(EventKind),
        line!(FindingCode),
        line!(MismatchReason),
        line!(PartyKind),
        line!(Recurrence),
        line!(SettingKind),
    ]
}
