//! The API as programs meet it: its OpenAPI document, and the form of its errors.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::server::Server;

/// Returns the operations of the document, each with its path.
fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
    })
}

/// Code generators refuse a document that breaks one of these rules.
#[test]
fn openapi_document_is_complete() {
    let server = Server::new();
    let document = server.get("/api/openapi.json").1;
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap_or_default();
        assert!(!id.is_empty() && ids.insert(id), "{name}: operationId {id:?}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}: {status} {response}");
        }
        let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        for parameter in parameters {
            assert!(parameter["schema"].is_object(), "{name}: {parameter}");
            assert!(parameter["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}: {parameter}");
        }
        let declared = parameters.iter().filter(|parameter| parameter["in"] == "path").map(|parameter| {
            assert_eq!(parameter["required"], true, "{name}: {parameter}");
            parameter["name"].as_str().unwrap()
        });
        let in_path = name.split('{').skip(1).map(|rest| rest.split('}').next().unwrap());
        assert_eq!(declared.collect::<Vec<_>>(), in_path.collect::<Vec<_>>(), "{name}");
    }
    assert!(ids.len() > 30, "{ids:?}");
}
