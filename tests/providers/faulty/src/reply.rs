//! Replies that would do something in a browser.

use kit::contract::{HttpReply, Verdict};

use crate::fault;

/// Adds a dangerous effect in a browser to the reply, if the fault is about that. Only unresolved callbacks get it.
pub fn with_fault(verdict: &Verdict, mut reply: HttpReply) -> HttpReply {
    if !matches!(verdict, Verdict::Unresolved(_)) {
        return reply;
    }
    if fault::is("reply-redirects") {
        reply.status = 302;
    }
    for (name, header, value) in [
        ("reply-sets-cookie", "set-cookie", "session=1; Path=/operator"),
        ("reply-has-location", "location", "https://pay.example.ru/"),
        ("reply-is-page", "content-type", "text/html"),
    ] {
        if fault::is(name) {
            reply.headers.push((header.to_owned(), value.to_owned()));
        }
    }
    reply
}
