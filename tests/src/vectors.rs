//! Vectors: callbacks with their expected verdicts, in the form that the conformance checks read.

use std::collections::BTreeMap;

use domain::{CallbackRequest, HttpMethod};
use serde::Deserialize;
use serde_json::Value;

/// A file of vectors.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Vectors {
    /// Of the merchant.
    pub settings: BTreeMap<String, String>,
    /// Whether a signature proves the order too.
    pub order_is_signed: bool,
    /// Callbacks as they arrive.
    pub callbacks: Vec<Vector>,
}

/// A callback and its verdict.
#[derive(Deserialize)]
pub struct Vector {
    /// What the case is.
    pub name: String,
    /// As it arrives.
    pub request: CallbackRequest,
    /// `accepted`, `unresolved`, `ignored` or `refused`.
    pub verdict: String,
    /// Fields that the event must have.
    pub event: Option<Value>,
    /// The problem's code.
    pub code: Option<String>,
}

impl Vectors {
    /// Reads a file.
    ///
    /// # Panics
    /// It holds no vectors.
    pub fn from_json(text: &str) -> Vectors {
        serde_json::from_str(text).expect("the vectors are JSON")
    }

    /// The settings as pairs.
    pub fn settings(&self) -> Vec<(&str, &str)> {
        self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

impl Vector {
    /// The form that it sends.
    pub fn form(&self) -> &[u8] {
        form_of(&self.request)
    }
}

/// The form that a request sends.
pub fn form_of(request: &CallbackRequest) -> &[u8] {
    match request.method {
        HttpMethod::Get => request.query.as_bytes(),
        HttpMethod::Post => &request.body,
    }
}
