//! Calls by a proxy.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use outbound::{HttpClient, OutboundError, OutboundOptions, ProxyOption};

use crate::certificates::{CA, Leaf, server_config};
use crate::client::{check_call, options, post};
use crate::server::{Server, Step, write};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const TAKEN: &str = "200 | content-length: 0 | ";

/// The name of a host that only a proxy knows.
const HOST: &str = "pay.invalid";

/// A proxy that answers CONNECT with this, and connects to a server if that is 200.
fn proxy(answer: &'static str, server: u16) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = heads.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            seen.lock().unwrap().push(String::from_utf8(head).unwrap());
            stream.write_all(answer.as_bytes()).unwrap();
            if answer.starts_with("HTTP/1.1 2") {
                let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).unwrap();
                let (from, to) = (stream.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || pass(from, to));
                thread::spawn(move || pass(server, stream));
            }
        }
    });
    (port, heads)
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    drop(std::io::copy(&mut from, &mut to));
    drop(to.shutdown(Shutdown::Write));
}

fn client(url: String, no_proxy: &str) -> HttpClient {
    HttpClient::new(&with(url, no_proxy)).unwrap()
}

fn with(url: String, no_proxy: &str) -> OutboundOptions {
    OutboundOptions { proxy: ProxyOption::Url { url, no_proxy: no_proxy.to_owned() }, loopback: false, ..options() }
}

/// A server that is [`HOST`].
fn server() -> Server {
    Server::start(Some(server_config(&CA.issue(&Leaf::of(HOST)), &rustls::version::TLS13, None)), &[Step::Read, write(OK)])
}

#[test]
fn a_proxy_opens_the_connection() {
    let server = server();
    for answer in ["HTTP/1.1 200 Connection established\r\n\r\n", "HTTP/1.1 201 OK\r\ncontent-length: 5\r\nx: y\r\n\r\n"] {
        let (port, heads) = proxy(answer, server.port());
        for (user, authorization) in [("", ""), ("us%3Aer:pa%40ss@", "proxy-authorization: Basic dXM6ZXI6cGFAc3M=\r\n")] {
            let client = client(format!("http://{user}127.0.0.1:{port}"), "");
            check_call(&client, post(&format!("https://{HOST}:8443/secret"), b"secret"), TAKEN);
            let head = heads.lock().unwrap().pop().unwrap();
            assert_eq!(head, format!("CONNECT {HOST}:8443 HTTP/1.1\r\nhost: {HOST}:8443\r\n{authorization}\r\n"));
        }
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    assert!(requests.iter().all(|request| !String::from_utf8_lossy(request).contains("proxy")));
}

#[test]
fn a_proxy_that_opens_nothing_is_not_sent() {
    let server = server();
    for (answer, expect) in [
        (
            "HTTP/1.1 407 Who?\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n",
            "it wants a name and a password, which its URL has to hold",
        ),
        ("HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n", "it answers with status 403"),
        ("HTTP/1.1 302 Found\r\nlocation: https://other.example/\r\ncontent-length: 0\r\n\r\n", "it answers with status 302"),
        ("HTTP/1.1 503 No\r\n\r\n<p>secret", "it answers with status 503"),
        ("what\r\n\r\n", "what it sent is not HTTP/1.1"),
        ("", "it closed the connection before the answer was complete"),
    ] {
        let (port, heads) = proxy(answer, server.port());
        let expect = format!("not sent: the proxy 127.0.0.1:{port} opens no connection to {HOST}: {expect}");
        check_call(
            &client(format!("http://user:secret@127.0.0.1:{port}"), ""),
            post(&format!("https://{HOST}/secret"), b"secret"),
            &expect,
        );
        assert_eq!(heads.lock().unwrap().len(), 1, "{answer}");
    }
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let refused = format!("not sent: the proxy 127.0.0.1:{closed} opens no connection to {HOST}: …Connection refused");
    check_call(&client(format!("http://127.0.0.1:{closed}"), ""), post(&format!("https://{HOST}/secret"), b"secret"), &refused);
    let unknown = "not sent: the proxy nothing.invalid:80 opens no connection to …nothing.invalid cannot be resolved";
    check_call(&client("http://nothing.invalid".to_owned(), ""), post(&format!("https://{HOST}/secret"), b"secret"), unknown);
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_proxy_is_not_the_host() {
    // What a proxy does with the connection, it has no certificate of the host.
    let other = Server::https(&[Step::Read, write(OK)]);
    let (port, _) = proxy("HTTP/1.1 200 OK\r\n\r\n", other.port());
    let refused = format!("not sent: no TLS with {HOST}: its certificate is for another name");
    check_call(&client(format!("http://127.0.0.1:{port}"), ""), post(&format!("https://{HOST}/secret"), b"secret"), &refused);
    assert_eq!(other.requests().len(), 0);
}

#[test]
fn a_proxy_is_asked_only_for_what_may_be_called() {
    let server = server();
    let (port, heads) = proxy("HTTP/1.1 200 OK\r\n\r\n", server.port());
    let client = client(format!("http://127.0.0.1:{port}"), "direct.invalid");
    for (url, expect) in [
        ("https://10.0.0.1/secret", "10.0.0.1 is an address of a local network"),
        ("https://169.254.169.254/secret", "169.254.169.254 is not an address that anybody can reach"),
        ("https://localhost/secret", "localhost is this machine itself"),
        ("https://a.localhost/secret", "a.localhost is this machine itself"),
        ("https://direct.invalid/secret", "the name direct.invalid cannot be resolved"),
    ] {
        check_call(&client, post(url, b"secret"), &format!("not sent: {expect}…"));
    }
    assert!(heads.lock().unwrap().is_empty());
    // Calls to this machine never go by it.
    let own = Server::https(&[Step::Read, write(OK)]);
    let options = OutboundOptions { loopback: true, ..with(format!("http://127.0.0.1:{port}"), "") };
    check_call(&HttpClient::new(&options).unwrap(), post(&own.url("/"), b""), TAKEN);
    assert!(heads.lock().unwrap().is_empty());
}

#[test]
fn a_proxy_that_cannot_be_used_is_an_error_at_start() {
    for url in ["https://proxy.example", "socks5://proxy.example", "http://", "http://user:secret@proxy.example:99999"] {
        let error = HttpClient::new(&with(url.to_owned(), "")).unwrap_err();
        assert!(matches!(error, OutboundError::Proxy { .. }));
        assert!(!format!("{error} {error:?} {:?}", with(url.to_owned(), "")).contains("secret"));
    }
}
