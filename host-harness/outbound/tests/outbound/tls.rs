//! TLS: which certificates are believed.

use std::path::Path;

use outbound::{HttpClient, OutboundError};
use rustls::version::{TLS12, TLS13};
use tempfile::NamedTempFile;

use crate::certificates::{CA, Leaf, OTHER_CA, server_config};
use crate::client::{check_call, client, options_with, post};
use crate::server::Step::Read;
use crate::server::{Server, write};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const TAKEN: &str = "200 | content-length: 0 | ";

fn file(text: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn refused(ca_file: &Path) -> String {
    HttpClient::new(&options_with(Some(ca_file))).unwrap_err().to_string()
}

#[test]
fn a_certificate_is_of_the_host_and_of_now() {
    let of = |years| Leaf { years, ..Leaf::of("localhost") };
    for (leaf, expect) in [
        (Leaf::of("localhost"), TAKEN),
        (Leaf::of("other.example"), "not sent: no TLS with localhost: its certificate is for another name"),
        (Leaf::of("127.0.0.1"), "not sent: no TLS with localhost: its certificate is for another name"),
        (of((2000, 2020)), "not sent: no TLS with localhost: its certificate has expired, or this machine's clock is wrong"),
        (
            of((2199, 2200)),
            "not sent: no TLS with localhost: its certificate is not valid yet, or this machine's clock is wrong",
        ),
    ] {
        for version in [&TLS12, &TLS13] {
            let server = Server::start(Some(server_config(&CA.issue(&leaf), version, None)), &[Read, write(OK)]);
            check_call(&client(), post(&server.url("/secret"), b"secret"), expect);
            assert_eq!(server.requests().len(), usize::from(expect == TAKEN));
        }
    }
    let server = Server::start(Some(server_config(&CA.issue(&Leaf::of("127.0.0.1")), &TLS13, None)), &[Read, write(OK)]);
    check_call(&client(), post(&format!("https://127.0.0.1:{}/", server.port()), b""), TAKEN);
}

#[test]
fn a_certificate_is_of_a_ca_that_is_trusted() {
    let server = Server::start(Some(server_config(&CA.issue(&Leaf::of("localhost")), &TLS13, None)), &[Read, write(OK)]);
    let both = file(&format!("# Ours.\n{}\n{}", OTHER_CA.pem(), CA.pem()));
    let unknown = "not sent: no TLS with localhost: its certificate is of a CA that is not trusted here; if it is the right one, …name a CA file";
    for (ca_file, expect) in [(Some(CA.file()), TAKEN), (Some(both.path()), TAKEN), (Some(OTHER_CA.file()), unknown)] {
        let client = HttpClient::new(&options_with(ca_file)).unwrap();
        check_call(&client, post(&server.url("/secret"), b"secret"), expect);
    }
    assert_eq!(server.requests().len(), 2);
    // Without a file there are the system's certificates, if it has any.
    let client = HttpClient::new(&options_with(None)).unwrap();
    let none = "not sent: this machine has no CA certificates: install the system's package of them (ca-certificates), or name a CA file";
    check_call(&client, post(&server.url("/"), b""), if client.root_certificates() == 0 { none } else { unknown });
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_ca_file_has_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let missing = refused(&folder.path().join("ca.pem"));
    assert!(missing.contains("ca.pem cannot be read: No such file"), "{missing}");
    assert!(refused(folder.path()).contains("cannot be read"));
    let unreadable = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (text, expect) in [
        (String::new(), "has no certificate; name a file"),
        ("text".to_owned(), "has no certificate; name a file"),
        (CA.issue(&Leaf::of("localhost")).key, "has no certificate; name a file"),
        (format!("{}{unreadable}", CA.pem()), "has a certificate 2 that cannot be read"),
        (CA.pem().replace("-----END", "----END"), "has no "),
    ] {
        let file = file(&text);
        let found = HttpClient::new(&options_with(Some(file.path()))).unwrap_err();
        assert!(matches!(found, OutboundError::CaCertificate { .. }));
        assert!(found.to_string().contains(expect), "{found}");
    }
}
