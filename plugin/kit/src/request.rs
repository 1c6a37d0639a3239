//! Requests to the callback address, for the tests of providers.

use crate::contract::{CallbackRequest, HttpMethod};

/// Returns a POST request with a body, and nothing else.
pub fn post(body: impl Into<Vec<u8>>) -> CallbackRequest {
    CallbackRequest {
        method: HttpMethod::Post,
        path: String::new(),
        query: String::new(),
        headers: Vec::new(),
        body: body.into(),
        remote_address: String::new(),
        received_at: 0,
        extra: Vec::new(),
    }
}

/// Returns a GET request with a query, and nothing else.
pub fn get(query: impl Into<String>) -> CallbackRequest {
    CallbackRequest { method: HttpMethod::Get, query: query.into(), ..post("") }
}
