//! TLS: which certificates are trusted, and which is shown.

use std::io;
use std::path::Path;
use std::sync::Arc;

use host::ClientIdentity;
use rustls::client::WantsClientCert;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, ConfigBuilder, Error, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host;

use crate::error::OutboundError;
use crate::failure::{Failure, of_io};
use crate::target::Target;

/// What every call's TLS begins with.
pub struct Tls {
    crypto: Arc<CryptoProvider>,
    roots: Arc<RootCertStore>,
    /// For calls that show no certificate. They share what resumes sessions; each call that shows one begins anew.
    anonymous: Arc<ClientConfig>,
}

impl Tls {
    /// Trusts the system's CA certificates, and those of a file.
    pub fn new(ca_file: Option<&Path>) -> Result<Tls, OutboundError> {
        // What is not readable of the system's store is left out, as every program does: its certificates are then unknown.
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(path) = ca_file {
            add_file(&mut roots, path)?;
        }
        Tls::trusting(roots)
    }

    fn trusting(roots: RootCertStore) -> Result<Tls, OutboundError> {
        let crypto = Arc::new(ring::default_provider());
        let roots = Arc::new(roots);
        let config = begin(&crypto, &roots).map_err(|error| OutboundError::Tls(error.to_string()))?.with_no_client_auth();
        Ok(Tls { crypto, roots, anonymous: Arc::new(speaking_http(config)) })
    }

    /// Returns how many CA certificates are trusted.
    pub fn root_certificates(&self) -> usize {
        self.roots.len()
    }

    /// Returns the configuration of a call that shows a certificate or none.
    pub fn config(&self, identity: Option<&ClientIdentity>) -> Result<Arc<ClientConfig>, Failure> {
        if self.roots.is_empty() {
            return Err(Failure::NoRoots);
        }
        let Some(ClientIdentity(pem)) = identity else { return Ok(self.anonymous.clone()) };
        let chain = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|_| Failure::Identity("its certificate is not valid PEM".to_owned()))?;
        if chain.is_empty() {
            return Err(Failure::Identity("it has no certificate".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| Failure::Identity("it has no private key that can be read".to_owned()))?;
        let config = begin(&self.crypto, &self.roots).and_then(|builder| builder.with_client_auth_cert(chain, key));
        config.map(|config| Arc::new(speaking_http(config))).map_err(|error| Failure::Identity(error.to_string()))
    }

    /// Agrees with a host upon TLS, and checks its certificate.
    pub async fn secure<S>(&self, config: Arc<ClientConfig>, target: &Target, stream: S) -> Result<TlsStream<S>, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let failed = |problem| Failure::Tls { host: target.host.to_string(), problem };
        let name = match &target.host {
            Host::Domain(name) => {
                ServerName::try_from(name.clone()).map_err(|_| failed("its name is not one of DNS".to_owned()))?
            }
            Host::Ipv4(address) => ServerName::from(std::net::IpAddr::V4(*address)),
            Host::Ipv6(address) => ServerName::from(std::net::IpAddr::V6(*address)),
        };
        TlsConnector::from(config).connect(name, stream).await.map_err(|error| failed(problem(&error)))
    }
}

fn begin(
    crypto: &Arc<CryptoProvider>,
    roots: &Arc<RootCertStore>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Error> {
    let builder = ClientConfig::builder_with_provider(crypto.clone()).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots.clone()))
}

/// Of the protocols over TLS, the client speaks this one.
fn speaking_http(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), OutboundError> {
    let pem = std::fs::read(path).map_err(|error| OutboundError::CaFile { path: path.to_owned(), error })?;
    let refused = |problem| OutboundError::CaCertificate { path: path.to_owned(), problem };
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        count += 1;
        let certificate = certificate.map_err(|_| refused(format!("no valid PEM in certificate {count}")))?;
        roots.add(certificate).map_err(|error| refused(format!("a certificate {count} that cannot be read ({error})")))?;
    }
    if count == 0 { Err(refused("no certificate".to_owned())) } else { Ok(()) }
}

/// Says what an error of a handshake means, and what to do where something can be done.
fn problem(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let text = match inner {
        Some(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            "its certificate is of a CA that is not trusted here; if it is the right one, install the CA in the system or name a CA file"
        }
        Some(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => "its certificate is for another name",
        Some(Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. })) => {
            "its certificate has expired, or this machine's clock is wrong"
        }
        Some(Error::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. })) => {
            "its certificate is not valid yet, or this machine's clock is wrong"
        }
        Some(Error::InvalidMessage(_)) => "what it sent is not TLS",
        None if error.kind() == io::ErrorKind::UnexpectedEof => "it closed the connection",
        _ => return of_io(error),
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_ca_certificates_nothing_is_sent() {
        let tls = Tls::trusting(RootCertStore::empty()).unwrap();
        assert!(matches!(tls.config(None), Err(Failure::NoRoots)));
    }
}
