//! Certificates, made for these tests.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tempfile::NamedTempFile;

/// A CA.
pub struct Ca {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: NamedTempFile,
}

/// The CA that the clients of these tests are told of.
pub static CA: LazyLock<Ca> = LazyLock::new(|| Ca::new("The tests' CA"));

/// A CA that nobody is told of.
pub static OTHER_CA: LazyLock<Ca> = LazyLock::new(|| Ca::new("Another CA"));

impl Ca {
    fn new(name: &str) -> Ca {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), issuer.pem()).unwrap();
        Ca { issuer, file }
    }

    /// Its certificate, in a file.
    pub fn file(&self) -> &Path {
        self.file.path()
    }

    /// Its certificate, in PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate of this CA and its key.
    pub fn issue(&self, leaf: &Leaf<'_>) -> Issued {
        let key = match leaf.key {
            Some(pem) => KeyPair::from_pem(pem).unwrap(),
            None => KeyPair::generate().unwrap(),
        };
        let mut params = CertificateParams::new([leaf.name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(leaf.years.0, 1, 1);
        params.not_after = date_time_ymd(leaf.years.1, 1, 1);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued { certificate: certificate.pem(), key: key.serialize_pem(), key_der: key.serialize_der() }
    }
}

/// What a certificate is for.
pub struct Leaf<'l> {
    pub name: &'l str,
    /// From the begin of a year to the begin of another.
    pub years: (i32, i32),
    pub key: Option<&'l str>,
}

impl Leaf<'_> {
    /// For a host, now.
    pub fn of(name: &str) -> Leaf<'_> {
        Leaf { name, years: (2020, 2200), key: None }
    }
}

/// A certificate and its key, in PEM; the key in DER too (PKCS#8).
pub struct Issued {
    pub certificate: String,
    pub key: String,
    pub key_der: Vec<u8>,
}

/// A server's side of TLS. `client_ca` is whose certificate a client must show.
pub fn server_config(issued: &Issued, version: &'static SupportedProtocolVersion, client_ca: Option<&Ca>) -> Arc<ServerConfig> {
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(&[version]).unwrap();
    let builder = match client_ca {
        Some(ca) => {
            let mut roots = RootCertStore::empty();
            roots.add(ca.issuer.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let chain = vec![CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap()];
    Arc::new(builder.with_single_cert(chain, PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap()).unwrap())
}

/// The side of a server that is `localhost`, as it should be.
pub static LOCALHOST: LazyLock<Arc<ServerConfig>> =
    LazyLock::new(|| server_config(&CA.issue(&Leaf::of("localhost")), &rustls::version::TLS13, None));
