//! Calls to a payment system's API.

use crate::contract::HttpMethod;
use crate::exchanges::{HttpCall, Repeatable};

/// The longest answer that a host passes on, in bytes; for a report it is 1 MiB.
pub const ANSWER_BYTES_MAX: u32 = 65_536;

/// Returns a call that reads, and that may be repeated however often.
pub fn get(url: impl Into<String>) -> HttpCall {
    HttpCall {
        method: HttpMethod::Get,
        url: url.into(),
        headers: Vec::new(),
        body: Vec::new(),
        repeatable: Repeatable::Always,
        answer_bytes_max: ANSWER_BYTES_MAX,
        client_certificate: None,
        extra: Vec::new(),
    }
}

/// Returns a call that sends a body of a media type.
pub fn post(url: impl Into<String>, content_type: &str, body: impl Into<Vec<u8>>, repeatable: Repeatable) -> HttpCall {
    let headers = vec![("content-type".to_owned(), content_type.to_owned())];
    HttpCall { method: HttpMethod::Post, headers, body: body.into(), repeatable, ..get(url) }
}

/// Returns the header of HTTP Basic authentication (RFC 7617, UTF-8).
#[cfg(feature = "base64")]
pub fn basic_auth(user: &str, password: &str) -> (String, String) {
    let credentials = crate::base64::encode(crate::base64::Alphabet::Standard, format!("{user}:{password}").as_bytes());
    ("authorization".to_owned(), format!("Basic {credentials}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_reads_may_be_repeated() {
        let call = get("https://api.example.ru/v1/payments/1");
        assert_eq!((call.method, call.repeatable, call.headers.len()), (HttpMethod::Get, Repeatable::Always, 0));
        let call = post("https://api.example.ru/", "application/json", "{}", Repeatable::Within(3600));
        assert_eq!((call.method, call.repeatable), (HttpMethod::Post, Repeatable::Within(3600)));
        assert_eq!(call.headers, [("content-type".to_owned(), "application/json".to_owned())]);
    }

    /// The example of RFC 7617, section 2.
    #[cfg(feature = "base64")]
    #[test]
    fn credentials() {
        assert_eq!(basic_auth("Aladdin", "open sesame").1, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }
}
