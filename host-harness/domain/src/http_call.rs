//! HTTP calls that a provider has the host make.

use serde::{Deserialize, Serialize};

use crate::fields::Fields;
use crate::json;
use crate::verdict::HttpMethod;

/// An HTTP call that a provider wants. It may hold secrets, in its headers and its body: it is never logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpCall {
    /// The method.
    pub method: HttpMethod,
    /// An absolute URL.
    pub url: String,
    /// The headers, in order; names may repeat. A character up to U+00FF stands for the byte of the same number.
    pub headers: Fields,
    /// The body.
    #[serde(with = "json::body")]
    pub body: Vec<u8>,
    /// How long the payment system knows the second of two equal calls from the first.
    pub repeatable: Repeatable,
    /// The longest answer that is of use, in bytes, after decoding.
    pub answer_bytes_max: u32,
    /// The setting that holds the client certificate and its key, if one is to be shown.
    pub client_certificate: Option<String>,
    /// Nothing is defined here yet.
    pub extra: Fields,
}

/// How long a payment system knows the second of two equal calls from the first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Repeatable {
    /// It does not: the call is sent once.
    Never,
    /// By a key in the call, for so many seconds since it was first sent.
    Within(u32),
    /// It need not: the call changes nothing, or the same however often it is sent.
    Always,
}

/// The result of an HTTP call.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HttpResult {
    /// The answer, of any status.
    Response(HttpResponse),
    /// The call did not leave this machine, or was refused before it could count: nothing has happened. With the reason.
    NotSent(String),
    /// The call was sent and not answered, or its answer was too long: it may have had its effect. With the reason.
    Unknown(String),
}

/// The answer to an HTTP call.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The headers, in the order received: names in lower case, which may repeat. A byte that is not ASCII is the character of
    /// the same number.
    pub headers: Fields,
    /// The body, decoded from any transfer or content coding.
    #[serde(with = "json::body")]
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// Reports whether the server says that it failed, and not what it did: a status of 500 or more.
    pub fn is_of_failure(&self) -> bool {
        self.status >= 500
    }
}
