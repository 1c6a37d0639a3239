//! Vectors: callbacks with their expected verdicts, in the format that the conformance checks read.

use std::collections::BTreeMap;

use domain::{CallbackRequest, HttpMethod};
use serde::Deserialize;
use serde_json::Value;

/// A file of vectors.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Vectors {
    /// The merchant's settings.
    pub settings: BTreeMap<String, String>,
    /// Whether the signature covers the order as well.
    pub order_is_signed: bool,
    /// The callbacks.
    pub callbacks: Vec<Vector>,
}

/// A callback and its expected verdict.
#[derive(Deserialize)]
pub struct Vector {
    /// The name of the case.
    pub name: String,
    /// The request as received.
    pub request: CallbackRequest,
    /// `accepted`, `unresolved`, `ignored` or `refused`.
    pub verdict: String,
    /// Fields that the event must have; it may have more.
    pub event: Option<Value>,
    /// The code of the verdict's problem.
    pub code: Option<String>,
}

impl Vectors {
    /// Parses a file of vectors.
    ///
    /// # Panics
    /// If it is malformed.
    pub fn from_json(text: &str) -> Vectors {
        serde_json::from_str(text).expect("the vectors are JSON")
    }

    /// Returns the settings as pairs.
    pub fn settings(&self) -> Vec<(&str, &str)> {
        self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

impl Vector {
    /// Returns the form of its request.
    pub fn form(&self) -> &[u8] {
        form_of(&self.request)
    }
}

/// Returns the form of a request: the query of a GET, the body of a POST.
pub fn form_of(request: &CallbackRequest) -> &[u8] {
    match request.method {
        HttpMethod::Get => request.query.as_bytes(),
        _ => &request.body,
    }
}
