//! What a payment system hears.

use crate::contract::HttpReply;

/// Plain text in UTF-8.
pub fn text(status: u16, body: &str) -> HttpReply {
    let headers = vec![("content-type".to_owned(), "text/plain; charset=utf-8".to_owned())];
    HttpReply { status, headers, body: body.into() }
}

/// A refusal: it gives no reason.
pub fn forbidden() -> HttpReply {
    text(403, "Forbidden")
}
