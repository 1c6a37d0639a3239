//! What Example Pay hears.

use crate::binding::contract::HttpReply;

/// Example Pay does not send the callback again.
pub fn received() -> HttpReply {
    of(200, "text/plain", "OK")
}

/// Says no reason, which would help a forger.
pub fn refused() -> HttpReply {
    of(403, "text/plain", "Forbidden")
}

/// Example Pay sends the callback again.
pub fn unavailable() -> HttpReply {
    of(503, "text/plain", "Unavailable")
}

pub fn of(status: u16, content_type: &str, body: impl Into<String>) -> HttpReply {
    let headers = vec![("content-type".to_owned(), content_type.to_owned())];
    HttpReply { status, headers, body: body.into().into_bytes() }
}
