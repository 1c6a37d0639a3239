//! A host with or without a port, as an operator writes it.

use std::net::{IpAddr, Ipv6Addr};

use url::Host;

use crate::target::{Target, without_dot};

/// A host, and its port if only that one is meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostPort {
    /// A name in ASCII and in lower case, without a dot at its end, or an address.
    pub host: Host<String>,
    /// The port, if only that one is meant.
    pub port: Option<u16>,
}

impl HostPort {
    /// Reads `name`, `name:port`, `address`, `address:port`, `[IPv6]`, `[IPv6]:port` or IPv6 without brackets.
    pub fn parse(text: &str) -> Result<HostPort, &'static str> {
        if let Ok(address) = text.parse::<Ipv6Addr>() {
            return Ok(HostPort { host: Host::Ipv6(address), port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, Some(port.parse().map_err(|_| "its port is not a number up to 65535")?))
            }
            _ => (text, None),
        };
        if host.contains(['*', '/', '@']) {
            return Err("it is not a name or an address; a pattern or a URL is not read");
        }
        let host = Host::parse(host).map_err(|_| "it is not a name or an address")?;
        Ok(HostPort { host: without_dot(host), port })
    }

    /// Returns whether a call goes there.
    pub fn is_of(&self, target: &Target) -> bool {
        self.host == target.host && self.has_port(target.port)
    }

    /// Returns whether the port is the one that is meant.
    pub fn has_port(&self, port: u16) -> bool {
        self.port.is_none_or(|own| own == port)
    }

    /// Returns the address, if it is one.
    pub fn address(&self) -> Option<IpAddr> {
        address_of(&self.host)
    }
}

/// Returns the address, if a host is one.
pub fn address_of(host: &Host<String>) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(*address)),
        Host::Ipv6(address) => Some(IpAddr::V6(*address)),
    }
}
