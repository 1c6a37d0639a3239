//! Clients and calls of these tests.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use domain::{HttpCall, HttpMethod, HttpResult, Repeatable};
use host::{Outbound, OutboundCall};
use outbound::{HttpClient, OutboundOptions};

use crate::certificates::CA;
use crate::server::{Server, Step};

/// Longer than any call of these tests needs, also on a machine that is busy.
pub const LONG: Duration = Duration::from_secs(60);

/// The longest body of an answer in these tests.
pub const ANSWER_BYTES_MAX: usize = 1000;

/// The options of a client that may call this machine, and knows the tests' CA.
pub fn options() -> OutboundOptions {
    OutboundOptions { ca_file: Some(CA.file().to_owned()), loopback: true, ..OutboundOptions::default() }
}

/// A client with these options.
pub fn client() -> HttpClient {
    HttpClient::new(&options()).unwrap()
}

/// A GET.
pub fn get(url: &str) -> OutboundCall {
    let call = HttpCall {
        method: HttpMethod::Get,
        url: url.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        repeatable: Repeatable::Never,
        answer_bytes_max: 0,
        client_certificate: None,
        extra: Vec::new(),
    };
    OutboundCall { call, time_max: LONG, answer_bytes_max: ANSWER_BYTES_MAX, identity: None }
}

/// A POST of this body.
pub fn post(url: &str, body: &[u8]) -> OutboundCall {
    let mut call = get(url);
    call.call.method = HttpMethod::Post;
    call.call.body = body.to_vec();
    call
}

/// Makes a call; its result comes later.
pub fn begin(client: &HttpClient, call: OutboundCall) -> Receiver<HttpResult> {
    let (sender, receiver) = channel();
    client.send(call, Box::new(move |result| sender.send(result).unwrap()));
    receiver
}

/// The result, which comes once.
pub fn end(receiver: &Receiver<HttpResult>) -> HttpResult {
    let result = receiver.recv_timeout(LONG * 2).expect("a call has a result");
    assert!(receiver.recv_timeout(LONG).is_err(), "a call has one result");
    result
}

/// A result as text.
pub fn text(result: &HttpResult) -> String {
    match result {
        HttpResult::Response(response) => {
            let headers: String = response.headers.iter().map(|(name, value)| format!("{name}: {value} | ")).collect();
            format!("{} | {headers}{}", response.status, String::from_utf8_lossy(&response.body))
        }
        HttpResult::NotSent(reason) => format!("not sent: {reason}"),
        HttpResult::Unknown(reason) => format!("unknown: {reason}"),
    }
}

/// Makes a call, and compares its result: with `…` at its begin the end of the text is not given.
pub fn check_call(client: &HttpClient, call: OutboundCall, expect: &str) {
    let url = call.call.url.clone();
    let result = end(&begin(client, call));
    let found = text(&result);
    let is_as_expected = match expect.split_once('…') {
        Some((begin, contained)) => found.starts_with(begin) && found.contains(contained),
        None => found == expect,
    };
    assert!(is_as_expected, "{url}: {}\ninstead of {expect}", found.chars().take(400).collect::<String>());
    if let HttpResult::NotSent(reason) | HttpResult::Unknown(reason) = &result {
        assert!(!reason.contains("secret"), "{url}: {reason}");
    }
}

/// Calls a server that does these steps, and compares the result, and how many requests the server read.
pub fn check(steps: &[Step], expect: &str, requests: usize) {
    let server = Server::https(steps);
    check_call(&client(), post(&server.url("/secret?secret=1"), b"secret"), expect);
    assert_eq!(server.requests().len(), requests, "{steps:?}");
    assert!(server.connections() <= 1, "{steps:?}");
}

/// The options of a client that trusts this file beside the system's certificates.
pub fn options_with(ca_file: Option<&Path>) -> OutboundOptions {
    OutboundOptions { ca_file: ca_file.map(Path::to_owned), ..options() }
}
