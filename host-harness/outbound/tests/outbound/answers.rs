//! Answers: what is passed on, what is decoded, and what is too much.

use std::io::Write;

use domain::HttpResult;
use flate2::Compression;
use flate2::write::GzEncoder;
use host::CallPurpose;

use crate::client::{ANSWER_BYTES_MAX, begin, check, check_call, client, end, get, post};
use crate::server::Step::{Flood, Read, Write as Bytes};
use crate::server::{Server, Step, write};

/// Checks what comes of an answer to one request.
fn check_answer(answer: &[u8], expect: &str) {
    check(&[Read, Bytes(answer.to_vec())], expect, 1);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An answer of this body in this coding.
fn coded(coding: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[test]
fn every_status_is_an_answer() {
    let client = client();
    for status in
        [200, 201, 204, 299, 300, 304, 400, 401, 403, 404, 407, 408, 409, 421, 425, 429, 451, 500, 502, 503, 599, 600, 999]
    {
        let server = Server::https(&[Read, write(&format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n"))]);
        check_call(&client, post(&server.url("/"), b"a"), &format!("{status} | content-length: 0 | "));
        assert_eq!((server.requests().len(), server.connections()), (1, 1), "{status}");
    }
}

#[test]
fn no_redirect_is_followed() {
    let client = client();
    for status in [301, 302, 303, 307, 308] {
        let other = Server::https(&[Read, write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")]);
        let answer = format!("HTTP/1.1 {status} X\r\nlocation: {}\r\ncontent-length: 1\r\n\r\nb", other.url("/"));
        let server = Server::https(&[Read, write(&answer)]);
        check_call(&client, get(&server.url("/")), &format!("{status} | location: {} | content-length: 1 | b", other.url("/")));
        assert_eq!((other.connections(), server.connections()), (0, 1), "{status}");
    }
}

#[test]
fn headers_are_passed_on() {
    check_answer(
        b"HTTP/1.1 200 OK\r\nX-B: 1\r\nx-a:  \xe9\xff \r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-C:\r\nContent-Length: 0\r\n\r\n",
        "200 | x-b: 1 | x-a: éÿ | set-cookie: a=1 | set-cookie: b=2 | x-c:  | content-length: 0 | ",
    );
}

#[test]
fn a_body_ends_as_its_head_says() {
    let head = "HTTP/1.1 200 OK\r\n";
    check_answer(format!("{head}content-length: 2\r\n\r\nabc").as_bytes(), "200 | content-length: 2 | ab");
    let chunks = "2;x=y\r\nab\r\n1\r\nc\r\n0\r\nx-trailer: 1\r\n\r\n";
    check_answer(
        format!("{head}Transfer-Encoding: Chunked\r\n\r\n{chunks}").as_bytes(),
        "200 | transfer-encoding: Chunked | abc",
    );
    check_answer(format!("{head}\r\nabc").as_bytes(), "200 | abc");
    check_answer(b"HTTP/1.0 200 OK\r\n\r\nabc", "200 | abc");
    check_answer(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\nabc", "101 | upgrade: x | ");
    // What came before the answer itself.
    let before = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n";
    check_answer(format!("{before}{head}content-length: 0\r\n\r\n").as_bytes(), "200 | content-length: 0 | ");
}

#[test]
fn a_body_that_does_not_end_as_its_head_says_is_none() {
    let head = "HTTP/1.1 200 OK\r\n";
    let unknown = "unknown: localhost gave no whole answer…";
    for answer in [
        "content-length: 4\r\n\r\nabc",
        "transfer-encoding: chunked\r\n\r\n2\r\nab\r\n",
        "transfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n",
        "transfer-encoding: chunked\r\n\r\nx\r\nab\r\n0\r\n\r\n",
        "content-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "content-length: -1\r\n\r\nab",
    ] {
        check_answer(format!("{head}{answer}").as_bytes(), unknown);
    }
    // TLS that is cut where only its end would be the body's.
    check(&[Read, write(&format!("{head}\r\nabc")), Step::Cut], unknown, 1);
}

#[test]
fn what_is_not_http_is_no_answer() {
    for answer in
        ["abc\r\n\r\n", "HTTP/3 200\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n", "HTTP/1.1 200 OK\r\na b: c\r\n\r\n", "\r\n\r\n\r\n\r\n"]
    {
        check_answer(answer.as_bytes(), "unknown: localhost gave no whole answer…");
    }
}

#[test]
fn a_body_has_a_largest_length() {
    let head = "HTTP/1.1 200 OK\r\n";
    let too_long = "unknown: the answer of localhost is longer than the 1000 bytes that this call allows";
    let (longest, longer) = ("a".repeat(ANSWER_BYTES_MAX), "a".repeat(ANSWER_BYTES_MAX + 1));
    check_answer(format!("{head}\r\n{longest}").as_bytes(), &format!("200 | {longest}"));
    check_answer(format!("{head}\r\n{longer}").as_bytes(), too_long);
    check_answer(format!("{head}content-length: 1001\r\n\r\n{longer}").as_bytes(), too_long);
    check(&[Read, write(&format!("{head}\r\n")), Flood(b"aaaaaaaa")], too_long, 1);
    check(&[Read, write(&format!("{head}transfer-encoding: chunked\r\n\r\n")), Flood(b"1\r\na\r\n")], too_long, 1);
}

#[test]
fn gzip_is_decoded() {
    let longest = "a".repeat(ANSWER_BYTES_MAX);
    for coding in ["gzip", "GZIP", "x-gzip", "identity, gzip"] {
        let body = gzip(longest.as_bytes());
        let headers = format!("content-encoding: {coding} | content-length: {}", body.len());
        check_answer(&coded(coding, &body), &format!("200 | {headers} | {longest}"));
    }
    check_answer(
        &coded("gzip", &[gzip(b"ab"), gzip(b"cd")].concat()),
        "200 | content-encoding: gzip | content-length: 44 | abcd",
    );
    check_answer(&coded("identity", b"ab"), "200 | content-encoding: identity | content-length: 2 | ab");
    check_answer(&coded("gzip", b""), "200 | content-encoding: gzip | content-length: 0 | ");
}

#[test]
fn a_body_is_counted_when_it_is_decoded() {
    let too_long = "unknown: the answer of localhost is longer than…";
    check_answer(&coded("gzip", &gzip(&[b'a'; ANSWER_BYTES_MAX + 1])), too_long);
    check_answer(&coded("gzip", &gzip(&vec![0; 50_000_000])), too_long);
    // Members that decode to nothing, without end.
    let head = write("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n");
    let nothing: &'static [u8] = gzip(b"").leak();
    check(&[Read, head, Flood(nothing)], too_long, 1);
}

/// The ceilings of what calls are made for, which count what a body is once it is decoded.
#[test]
fn a_report_may_be_longer_than_other_answers() {
    for (purpose, bytes_max) in [(CallPurpose::Payment, 64 << 10), (CallPurpose::Report, 1 << 20)] {
        for (bytes, is_read) in [(bytes_max, true), (bytes_max + 1, false), (100 << 20, false)] {
            let body = gzip(&vec![b'a'; bytes]);
            assert!(body.len() < bytes / 4, "it is compressed");
            let server = Server::https(&[Read, Bytes(coded("gzip", &body))]);
            let mut call = get(&server.url("/"));
            call.call.answer_bytes_max = u32::MAX;
            call.answer_bytes_max = purpose.answer_bytes_max(&call.call);
            let length = match end(&begin(&client(), call)) {
                HttpResult::Response(response) => Some(response.body.len()),
                _ => None,
            };
            assert_eq!(length, is_read.then_some(bytes), "{purpose:?} {bytes}");
        }
    }
}

#[test]
fn what_does_not_decode_is_no_answer() {
    let whole = gzip(b"abc");
    let undecodable = "unknown: the answer of localhost is not whole and valid gzip";
    for end in 1..whole.len() {
        check_answer(&coded("gzip", &whole[..end]), undecodable);
    }
    let mut changed = whole.clone();
    changed[12] ^= 1;
    for body in [&b"abc"[..], &changed, &[&whole[..], b"x"].concat()] {
        check_answer(&coded("gzip", body), undecodable);
    }
    for coding in ["br", "deflate", "zstd", "compress", "gzip, gzip", "gzip, br"] {
        check_answer(&coded(coding, b"abc"), "unknown: the answer of localhost has a content coding…only gzip is decoded");
    }
    let transfer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n";
    check_answer(transfer, "unknown: the answer of localhost has a content coding…transfer coding");
}

#[test]
fn a_head_has_a_largest_length() {
    let unknown = "unknown: localhost gave no whole answer: its headers exceed 65536 bytes or 100 fields";
    let head = |fields: usize, length: usize| {
        let fields: String = (0..fields).map(|number| format!("x-{number}: {}\r\n", "a".repeat(length))).collect();
        format!("HTTP/1.1 200 OK\r\n{fields}content-length: 0\r\n\r\n")
    };
    check_answer(head(99, 1).as_bytes(), "200 | x-0: a | …x-98: a");
    check_answer(head(100, 1).as_bytes(), unknown);
    check_answer(head(60, 1000).as_bytes(), "200 | x-0: …x-59: a");
    check_answer(head(70, 1000).as_bytes(), unknown);
    check(
        &[
            Read,
            write("HTTP/1.1 200 OK\r\n"),
            Flood(b"x: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"),
        ],
        unknown,
        1,
    );
    check(&[Read, write("HTTP/1.1 200 OK\r\nx: "), Flood(b"aaaaaaaa")], unknown, 1);
}
