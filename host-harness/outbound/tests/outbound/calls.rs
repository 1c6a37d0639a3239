//! Calls: what is sent of them, and which are refused.

use domain::HttpMethod;
use host::OutboundCall;
use outbound::{HttpClient, OutboundOptions};

use crate::client::{check_call, client, get, options, post};
use crate::server::Step::Read;
use crate::server::{Server, write};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const TAKEN: &str = "200 | content-length: 0 | ";

/// Checks the bytes that a server gets of a call. `PORT` stands for its port.
fn check_sent(change: impl FnOnce(&mut OutboundCall), path: &str, expect: &str) {
    let server = Server::https(&[Read, write(OK)]);
    let mut call = get(&server.url(path));
    change(&mut call);
    check_call(&client(), call, TAKEN);
    let sent: String = server.requests().concat().into_iter().map(char::from).collect();
    assert_eq!(sent.replace("\r\n", "\n"), expect.replace("PORT", &server.port().to_string()));
}

/// Checks why a call with this header is not sent.
fn check_header(name: &str, value: &str, expect: &str) {
    let server = Server::https(&[Read, write(OK)]);
    let mut call = get(&server.url("/"));
    call.call.headers = vec![("x-first".to_owned(), "1".to_owned()), (name.to_owned(), value.to_owned())];
    check_call(&client(), call, expect);
    assert_eq!(server.connections(), 0, "{name}: {value}");
}

fn headers(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_call_is_sent_as_it_is() {
    check_sent(
        |_| {},
        "/a/../b//c/./%2e%7e~?x=%41&y=a+b&z=[1]",
        "GET /a/../b//c/./%2e%7e~?x=%41&y=a+b&z=[1] HTTP/1.1\nhost: localhost:PORT\naccept-encoding: gzip\nconnection: close\n\n",
    );
    check_sent(
        |call| {
            call.call.method = HttpMethod::Post;
            call.call.body = b"a=\x00\xff".to_vec();
            call.call.headers = headers(&[
                ("X-B", "\u{e9}\u{ff}"),
                ("user-agent", "shop"),
                ("x-b", "2"),
                ("Accept-Encoding", "identity;q=1, gzip"),
            ]);
        },
        "",
        "POST / HTTP/1.1\nhost: localhost:PORT\nx-b: \u{e9}\u{ff}\nx-b: 2\nuser-agent: shop\naccept-encoding: identity;q=1, gzip\n\
         connection: close\ncontent-length: 4\n\na=\u{0}\u{ff}",
    );
    check_sent(
        |call| call.call.method = HttpMethod::Post,
        "?a",
        "POST /?a HTTP/1.1\nhost: localhost:PORT\naccept-encoding: gzip\nconnection: close\ncontent-length: 0\n\n",
    );
    check_sent(
        |call| call.call.body = b"abc".to_vec(),
        "/",
        "GET / HTTP/1.1\nhost: localhost:PORT\naccept-encoding: gzip\nconnection: close\ncontent-length: 3\n\nabc",
    );
}

#[test]
fn a_long_body_is_sent_whole() {
    let body: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    let server = Server::https(&[Read, write(OK)]);
    check_call(&client(), post(&server.url("/"), &body), TAKEN);
    assert!(server.requests()[0].ends_with(&body));
}

#[test]
fn headers_of_the_client_are_refused() {
    for name in
        ["Host", "content-length", "Transfer-Encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "Expect"]
    {
        let name_as_sent = name.to_ascii_lowercase();
        check_header(
            name,
            "1",
            &format!("not sent: the component sets the header `{name_as_sent}`, which the client alone may set"),
        );
    }
    for name in ["proxy-authorization", "proxy-connection", "Proxy-Anything"] {
        check_header(name, "1", "not sent: the component sets the header `proxy-…");
    }
    for value in ["br", "gzip, deflate", "*", "gzip;q=1, zstd;q=0.5"] {
        check_header("accept-encoding", value, "not sent: the component's call accepts a content coding…gzip and identity");
    }
}

#[test]
fn what_is_not_a_header_is_refused() {
    for name in ["", "a b", "a:", "a\r\nb", "a\u{0}", "\u{e9}", "secret:"] {
        check_header(name, "1", "not sent: header 2 of the component's call…");
    }
    for value in ["a\rb", "a\nb", "a\r\nb: c", "a\u{0}b", "a\u{7f}b", "\u{1}", "\u{100}", "\u{141}", "secret \u{416}"] {
        check_header("x-a", value, "not sent: header 2 of the component's call…");
    }
    let server = Server::https(&[Read, write(OK)]);
    let mut call = get(&server.url("/"));
    call.call.headers = (0..40_000).map(|number| (format!("x-{number}"), String::new())).collect();
    check_call(&client(), call, "not sent: the component's call has too many headers");
    assert_eq!(server.connections(), 0);
}

#[test]
fn urls_that_are_not_called() {
    let client = client();
    for (url, expect) in [
        ("", "the component's URL cannot be called: it does not begin with https://"),
        ("ftp://secret.example/", "the component's URL cannot be called: it does not begin with https://"),
        ("https://secret:secret@localhost/", "the component's URL cannot be called: it has a user name"),
        ("https://localhost/secret secret", "the component's URL cannot be called: it has a space"),
        ("https://localhost/#secret", "the component's URL cannot be called: it has a fragment"),
        ("https://[fe80::1%25lo]/secret", "the component's URL cannot be called: its host or port is not valid"),
        ("https://10.0.0.1/secret", "10.0.0.1 is an address of a local network that is not in the list of its hosts"),
        ("https://0xa9fea9fe/secret", "169.254.169.254 is not an address that anybody can reach"),
        ("https://[::ffff:127.0.0.1]/secret", "[::ffff:7f00:1] is not an address that anybody can reach"),
        ("https://[64:ff9b::a00:1]/secret", "[64:ff9b::a00:1] is not an address that anybody can reach"),
        ("https://0/secret", "0.0.0.0 is not an address that anybody can reach"),
        ("http://1.1.1.1/secret", "1.1.1.1 is reached without TLS"),
        ("https://nothing.invalid/secret", "the name nothing.invalid cannot be resolved"),
    ] {
        check_call(&client, get(url), &format!("not sent: {expect}…"));
    }
}

#[test]
fn this_machine_is_called_by_the_switch_alone() {
    let http = Server::start(None, &[Read, write(OK)]);
    let https = Server::https(&[Read, write(OK)]);
    let port = http.port();
    let closed = HttpClient::new(&OutboundOptions { loopback: false, ..options() }).unwrap();
    for host in ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1"] {
        check_call(&client(), get(&format!("http://{host}:{port}/")), TAKEN);
        check_call(
            &closed,
            get(&format!("http://{host}:{port}/secret")),
            "not sent: the component's URL cannot be called…https",
        );
        check_call(&closed, get(&format!("https://{host}:{}/secret", https.port())), "not sent: …is this machine itself");
    }
    check_call(&client(), get(&https.url("/")), TAKEN);
    assert_eq!((http.connections(), https.connections()), (6, 1));
}
