//! Client certificates.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use host::ClientIdentity;
use rustls::version::{TLS12, TLS13};
use zeroize::Zeroizing;

use crate::certificates::{CA, Issued, Leaf, OTHER_CA, server_config};
use crate::client::{check_call, client, post};
use crate::server::Step::Read;
use crate::server::{Server, write};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const TAKEN: &str = "200 | content-length: 0 | ";

/// A key of RSA in PKCS#8, made for these tests by `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048`.
const RSA: &str = include_str!("rsa.pem");

/// Bytes before the key itself in PKCS#8: of RSA with 2048 bits, and of P-256.
const RSA_BEGIN: usize = 26;
const P256_BEGIN: usize = 29;

/// A server that wants a certificate of this CA.
fn server(version: &'static rustls::SupportedProtocolVersion) -> Server {
    let config = server_config(&CA.issue(&Leaf::of("localhost")), version, Some(&CA));
    Server::start(Some(config), &[Read, write(OK)])
}

fn check_identity(server: &Server, pem: &str, expect: &str) {
    let mut call = post(&server.url("/secret"), b"secret");
    call.identity = Some(ClientIdentity(Zeroizing::new(pem.to_owned())));
    check_call(&client(), call, expect);
}

/// A key in an older form, as PEM.
fn older(label: &str, issued: &Issued, begin: usize) -> String {
    let lines: Vec<String> = STANDARD
        .encode(&issued.key_der[begin..])
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[test]
fn a_certificate_is_shown_with_a_key_in_any_form() {
    let rsa = CA.issue(&Leaf { key: Some(RSA), ..Leaf::of("shop") });
    let p256 = CA.issue(&Leaf::of("shop"));
    for version in [&TLS12, &TLS13] {
        let server = server(version);
        for pem in [
            format!("{}{}", p256.certificate, p256.key),
            format!("{}{}", p256.key, p256.certificate),
            format!("{}{}", p256.certificate, older("EC PRIVATE KEY", &p256, P256_BEGIN)),
            format!("{}{}", rsa.certificate, rsa.key),
            format!("Bag Attributes\n{}{}{}", rsa.certificate, CA.pem(), older("RSA PRIVATE KEY", &rsa, RSA_BEGIN)),
        ] {
            check_identity(&server, &pem, TAKEN);
        }
        assert_eq!(server.requests().len(), 5);
    }
}

#[test]
fn what_is_not_an_identity_is_not_sent() {
    let (own, other) = (CA.issue(&Leaf::of("shop")), CA.issue(&Leaf::of("shop")));
    let server = server(&TLS13);
    for (pem, expect) in [
        (String::new(), "it has no certificate"),
        ("secret".to_owned(), "it has no certificate"),
        (own.key.clone(), "it has no certificate"),
        (own.certificate.clone(), "it has no private key that can be read"),
        (
            format!("{}{}", own.certificate, own.key.replace("PRIVATE", "ENCRYPTED PRIVATE")),
            "it has no private key that can be read",
        ),
        (format!("{}{}", own.certificate, other.key), "keys may not be consistent"),
        (own.certificate.replace('M', "!") + &own.key, "its certificate is not valid PEM"),
    ] {
        check_identity(&server, &pem, &format!("not sent: the client certificate cannot be used: …{expect}"));
    }
    assert_eq!(server.connections(), 0);
}

/// A server of TLS 1.2 refuses in the handshake. One of TLS 1.3 does so after it, when the request may have been written or not.
#[test]
fn a_certificate_that_the_server_refuses() {
    let wrong = OTHER_CA.issue(&Leaf::of("shop"));
    let wrong = format!("{}{}", wrong.certificate, wrong.key);
    let old = server(&TLS12);
    check_identity(&old, &wrong, "not sent: no TLS with localhost: it ended TLS with the alert …");
    check_call(
        &client(),
        post(&old.url("/secret"), b"secret"),
        "not sent: no TLS with localhost: it ended TLS with the alert …",
    );
    let new = server(&TLS13);
    check_identity(&new, &wrong, "…localhost gave no whole answer: it ended TLS with the alert");
    check_call(&client(), post(&new.url("/secret"), b"secret"), "…localhost gave no whole answer: it ended TLS with the alert");
    assert_eq!((old.requests().len(), new.requests().len()), (0, 0));
}
