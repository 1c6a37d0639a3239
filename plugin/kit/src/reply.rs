//! HTTP replies to a payment system.

use crate::contract::HttpReply;

/// Builds a reply of plain text in UTF-8.
pub fn text(status: u16, body: &str) -> HttpReply {
    let headers = vec![("content-type".to_owned(), "text/plain; charset=utf-8".to_owned())];
    HttpReply { status, headers, body: body.into() }
}

/// Builds a reply of JSON in UTF-8, such as what `json::object` writes.
pub fn json(status: u16, body: String) -> HttpReply {
    let headers = vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())];
    HttpReply { status, headers, body: body.into() }
}

/// Builds the reply to a refused callback, which gives no reason.
pub fn forbidden() -> HttpReply {
    text(403, "Forbidden")
}

/// Builds the reply to a request that cannot be judged now: the payment system sends it again.
pub fn unavailable() -> HttpReply {
    text(503, "Unavailable")
}
