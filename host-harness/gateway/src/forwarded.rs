//! The client address of a request, from the headers of the web servers in front of this host.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::throttle::EveryMinute;

/// The usual headers with the client address.
const USUAL: [&str; 3] = ["x-forwarded-for", "forwarded", "x-real-ip"];
/// The one with named parameters (RFC 7239).
const FORWARDED: &str = "forwarded";
/// The maximum number of web servers in front of this host.
const HOPS_MAX: usize = 16;

/// Reads the client address from the trusted header, if one is configured.
pub struct Forwarded {
    header: Option<HeaderName>,
    proxies: Vec<IpNet>,
    unreadable: EveryMinute,
    is_untrusted_told: AtomicBool,
}

impl Forwarded {
    /// `header` is the header to which web servers in front of this host append the address that a request came from. `proxies`
    /// are those servers: the header is read from its end, past their addresses, and only if the request came from one of them.
    /// Without `proxies`, the header's last address is trusted, whoever sent it.
    pub fn new(header: Option<HeaderName>, proxies: Vec<IpNet>) -> Forwarded {
        Forwarded { header, proxies, unreadable: EveryMinute::default(), is_untrusted_told: AtomicBool::new(false) }
    }

    /// Reports whether a connection is a web server's, which carries the requests of many clients.
    pub fn is_proxy(&self, peer: IpAddr) -> bool {
        self.header.is_some() && (self.proxies.is_empty() || self.is_trusted(peer.to_canonical()))
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|net| net.contains(&address))
    }

    /// Returns the client address of a request, as far as trusted servers reported it.
    pub fn address(&self, headers: &HeaderMap, peer: SocketAddr) -> IpAddr {
        let peer = peer.ip().to_canonical();
        let Some(name) = &self.header else {
            self.warn_of_untrusted(headers, peer);
            return peer;
        };
        if !self.is_proxy(peer) {
            return peer;
        }
        // The nearest server appended the last element.
        let values = headers.get_all(name).iter().rev();
        let elements = values.flat_map(|value| value.to_str().unwrap_or("?").rsplit(',')).take(HOPS_MAX);
        let mut nearest = peer;
        for element in elements {
            let Some(address) = read(name, element) else {
                if self.unreadable.is_due() {
                    tracing::warn!(header = %name, value = element, address = %peer,
                        "the trusted proxy header contains no readable address, so the nearest known one is used; check the web \
                         server's configuration; logged at most once a minute");
                }
                return nearest;
            };
            nearest = address;
            if !self.is_trusted(address) {
                break;
            }
        }
        nearest
    }

    /// Warns once if requests seem to come through a web server whose header is not configured: then all clients have the
    /// server's address, and share its limits.
    fn warn_of_untrusted(&self, headers: &HeaderMap, peer: IpAddr) {
        if self.is_untrusted_told.load(Ordering::Relaxed) || !is_inner(peer) {
            return;
        }
        if let Some(header) = USUAL.iter().find(|name| headers.contains_key(**name))
            && !self.is_untrusted_told.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(header, address = %peer,
                "requests come through a web server whose header is not trusted, so that all clients share one address and its \
                 limits; add --trusted-proxy-header {header}");
        }
    }
}

/// Reports whether an address belongs to this machine or a private network.
fn is_inner(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

/// Returns the address in an element of the header.
fn read(name: &HeaderName, element: &str) -> Option<IpAddr> {
    if name != FORWARDED {
        return read_address(element);
    }
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let mut nodes = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for")).map(|(_, node)| node);
    nodes.next().and_then(read_address)
}

/// Parses an address, with or without a port: `203.0.113.7`, `203.0.113.7:1234`, `2001:db8::1`, `[2001:db8::1]`,
/// `"[2001:db8::1]:443"`.
fn read_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text).trim();
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let address = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']')?;
            if !rest.is_empty() && !rest.strip_prefix(':').is_some_and(is_port) {
                return None;
            }
            // The zone of a link-local address is ignored.
            address.split('%').next()?.parse().map(IpAddr::V6).ok()?
        }
        None => match text.split_once(':') {
            Some((address, port)) if is_port(port) && address.contains('.') => address.parse().ok()?,
            _ => text.split('%').next()?.parse().ok()?,
        },
    };
    Some(address.to_canonical())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::*;

    fn address(header: Option<&str>, proxies: &[&str], peer: &str, headers: &[(&str, &str)]) -> String {
        let proxies = proxies.iter().map(|net| net.parse().unwrap()).collect();
        let forwarded = Forwarded::new(header.map(|name| name.parse().unwrap()), proxies);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        forwarded.address(&map, SocketAddr::new(peer.parse().unwrap(), 9)).to_string()
    }

    #[test]
    fn the_trusted_header_says_where_a_request_comes_from() {
        let headers = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "2.2.2.2, 203.0.113.7")];
        assert_eq!(address(None, &[], "10.0.0.1", &headers), "10.0.0.1", "without a configured header, none is trusted");
        assert_eq!(
            address(Some("x-forwarded-for"), &[], "10.0.0.1", &headers),
            "203.0.113.7",
            "the address that the proxy itself appended"
        );
        assert_eq!(address(Some("x-real-ip"), &[], "10.0.0.1", &headers), "10.0.0.1");
        assert_eq!(address(Some("x-real-ip"), &[], "::ffff:10.0.0.1", &[("x-real-ip", "::ffff:7.7.7.7")]), "7.7.7.7");
    }

    #[test]
    fn several_proxies_are_passed_from_the_nearest_on() {
        let chain = [("x-forwarded-for", "6.6.6.6, 203.0.113.7, 192.0.2.1, 10.0.0.2")];
        let proxies = ["10.0.0.0/8", "192.0.2.1/32"];
        let at = |peer| address(Some("x-forwarded-for"), &proxies, peer, &chain);
        assert_eq!(at("10.0.0.1"), "203.0.113.7", "earlier elements may be the client's own");
        assert_eq!(at("203.0.113.9"), "203.0.113.9", "a client that is not a proxy is not trusted");
        let inner = [("x-forwarded-for", "10.0.0.3, 10.0.0.2")];
        assert_eq!(address(Some("x-forwarded-for"), &proxies, "10.0.0.1", &inner), "10.0.0.3");
        let long = vec!["10.0.0.2"; 100].join(",");
        assert_eq!(address(Some("x-forwarded-for"), &proxies, "10.0.0.1", &[("x-forwarded-for", &long)]), "10.0.0.2");
    }

    #[test]
    fn an_address_may_have_a_port_and_brackets() {
        for (text, read) in [
            ("203.0.113.7:1234", Some("203.0.113.7")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("fe80::1%eth0", Some("fe80::1")),
            ("[fe80::1%25eth0]:1", Some("fe80::1")),
            ("\"[2001:db8:cafe::17]:4711\"", Some("2001:db8:cafe::17")),
            (" 203.0.113.7 ", Some("203.0.113.7")),
            ("::ffff:203.0.113.7", Some("203.0.113.7")),
            ("unknown", None),
            ("_hidden", None),
            ("203.0.113.7:", None),
            ("203.0.113.7:x", None),
            ("[2001:db8::1]443", None),
            ("[2001:db8::1", None),
            ("203.0.113.07", None),
            ("", None),
        ] {
            assert_eq!(read_address(text).map(|address| address.to_string()).as_deref(), read, "{text}");
        }
        let named = [("forwarded", "for=6.6.6.6;proto=http, proto=https;For=\"[2001:db8::1]:4711\";by=10.0.0.1")];
        assert_eq!(address(Some("forwarded"), &[], "10.0.0.1", &named), "2001:db8::1");
    }

    #[test]
    fn what_cannot_be_read_is_never_taken_from_further_away() {
        for last in ["nonsense", "unknown", "", "\u{e4}"] {
            let headers = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", last)];
            assert_eq!(address(Some("x-forwarded-for"), &[], "10.0.0.1", &headers), "10.0.0.1", "{last:?}");
        }
        let middle = [("x-forwarded-for", "1.1.1.1, unknown, 10.0.0.2")];
        assert_eq!(address(Some("x-forwarded-for"), &["10.0.0.0/8"], "10.0.0.1", &middle), "10.0.0.2");
    }
}
