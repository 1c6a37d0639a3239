//! Who may send a provider's callbacks, beside what the callbacks prove by themselves.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::ProviderName;
use ipnet::IpNet;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What a caller of a provider's callbacks must show. Each that is set must hold.
#[derive(Clone, Default)]
pub struct CallerProof {
    /// The addresses that may call; if empty, any.
    pub addresses: Vec<IpNet>,
    /// `USER:PASSWORD` of HTTP Basic (RFC 7617, UTF-8).
    pub credentials: Option<Zeroizing<String>>,
    /// The client certificate, as the web server in front of this host tells it.
    pub certificate: Option<ClientCertificate>,
}

/// A client certificate that the web server in front of this host has verified.
#[derive(Clone)]
pub struct ClientCertificate {
    /// The header in which the web server tells it. The web server must set it for each request, so that no client can.
    pub header: HeaderName,
    /// Its value, such as a fingerprint or a subject.
    pub value: String,
}

impl CallerProof {
    /// Reports whether nothing is required.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.credentials.is_none() && self.certificate.is_none()
    }
}

/// What a caller did not show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missing {
    /// Its address is not among those that may call.
    Address,
    /// User name and password are wrong or absent.
    Credentials,
    /// The client certificate is another one or absent.
    Certificate,
}

/// The required proofs by provider.
pub struct Callers(BTreeMap<ProviderName, CallerProof>);

impl Callers {
    /// A provider that is not listed accepts callbacks from anybody.
    pub fn new(proofs: BTreeMap<ProviderName, CallerProof>) -> Callers {
        Callers(proofs)
    }

    /// Checks the caller of a callback. `is_proxy` reports whether a connection is that of the web server in front of this host,
    /// from which alone a certificate's header is believed.
    ///
    /// # Errors
    /// What the caller did not show.
    pub fn check(
        &self,
        provider: &ProviderName,
        address: IpAddr,
        headers: &HeaderMap,
        peer: SocketAddr,
        is_proxy: impl Fn(IpAddr) -> bool,
    ) -> Result<(), Missing> {
        let Some(CallerProof { addresses, credentials, certificate }) = self.0.get(provider) else { return Ok(()) };
        if !addresses.is_empty() && !addresses.iter().any(|net| net.contains(&address)) {
            return Err(Missing::Address);
        }
        if credentials.as_ref().is_some_and(|wanted| !shows(headers, wanted)) {
            return Err(Missing::Credentials);
        }
        let is_shown = |wanted: &ClientCertificate| {
            is_proxy(peer.ip()) && only(headers, &wanted.header).is_some_and(|value| is_equal(value, wanted.value.as_bytes()))
        };
        if certificate.as_ref().is_some_and(|wanted| !is_shown(wanted)) { Err(Missing::Certificate) } else { Ok(()) }
    }
}

/// Reports whether a request has these credentials.
fn shows(headers: &HeaderMap, wanted: &str) -> bool {
    let given = only(headers, &header::AUTHORIZATION).and_then(|value| std::str::from_utf8(value).ok());
    let encoded = given.and_then(|given| given.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let decoded = encoded.and_then(|(_, encoded)| STANDARD.decode(encoded.trim()).ok());
    decoded.is_some_and(|decoded| is_equal(&decoded, wanted.as_bytes()))
}

/// Returns a header's value. `None` if it stands more than once: the last could be the caller's own.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h [u8]> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then(|| first.as_bytes())
}

fn is_equal(given: &[u8], wanted: &[u8]) -> bool {
    given.ct_eq(wanted).into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::*;

    fn check(proof: CallerProof, address: &str, headers: &[(&str, &str)]) -> Result<(), Missing> {
        let name: ProviderName = "terminals".parse().unwrap();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        let address: IpAddr = address.parse().unwrap();
        let is_proxy = |peer: IpAddr| peer.is_loopback();
        Callers::new([(name.clone(), proof)].into()).check(&name, address, &map, SocketAddr::new(address, 9), is_proxy)
    }

    #[test]
    fn a_list_names_the_addresses_that_may_call() {
        let proof = || CallerProof { addresses: vec!["203.0.113.0/28".parse().unwrap()], ..CallerProof::default() };
        assert_eq!(check(proof(), "203.0.113.15", &[]), Ok(()));
        assert_eq!(check(proof(), "203.0.113.16", &[]), Err(Missing::Address));
        let other: ProviderName = "other".parse().unwrap();
        let callers = Callers::new([("terminals".parse().unwrap(), proof())].into());
        let peer = SocketAddr::from(([203, 0, 113, 16], 9));
        assert_eq!(callers.check(&other, peer.ip(), &HeaderMap::new(), peer, |_| false), Ok(()));
    }

    /// The example of RFC 7617, section 2.
    #[test]
    fn credentials_are_those_of_http_basic() {
        let credentials = Some("Aladdin:open sesame".to_owned().into());
        let proof = || CallerProof { credentials: credentials.clone(), ..CallerProof::default() };
        let with = |value| check(proof(), "203.0.113.1", &[("authorization", value)]);
        assert_eq!(with("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), Ok(()));
        assert_eq!(with("basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), Ok(()));
        for wrong in ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZR==", "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Basic", "Basic ?", ""] {
            assert_eq!(with(wrong), Err(Missing::Credentials), "{wrong}");
        }
        let twice = [("authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="); 2];
        assert_eq!(check(proof(), "203.0.113.1", &twice), Err(Missing::Credentials));
        assert_eq!(check(proof(), "203.0.113.1", &[]), Err(Missing::Credentials));
    }

    #[test]
    fn a_certificate_is_believed_from_the_web_server_alone() {
        let header: HeaderName = "x-client-fingerprint".parse().unwrap();
        let certificate = Some(ClientCertificate { header, value: "ab12".to_owned() });
        let proof = || CallerProof { certificate: certificate.clone(), ..CallerProof::default() };
        let shown = [("x-client-fingerprint", "ab12")];
        assert_eq!(check(proof(), "127.0.0.1", &shown), Ok(()));
        assert_eq!(check(proof(), "203.0.113.1", &shown), Err(Missing::Certificate), "not by way of the web server");
        assert_eq!(check(proof(), "127.0.0.1", &[("x-client-fingerprint", "ab13")]), Err(Missing::Certificate));
        assert_eq!(check(proof(), "127.0.0.1", &[]), Err(Missing::Certificate));
    }
}
