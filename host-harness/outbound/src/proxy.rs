//! The proxy that opens tunnels to the hosts that are called.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncRead, AsyncWrite};
use url::{Host, Url};

use crate::error::OutboundError;
use crate::exchange::{builder, driven};
use crate::failure::{Failure, of_http};
use crate::host_port::{HostPort, address_of};
use crate::options::ProxyOption;
use crate::target::{Target, without_dot};

/// A proxy.
pub struct Proxy {
    /// Where it is.
    pub host: Host<String>,
    /// Its port.
    pub port: u16,
    authorization: Option<HeaderValue>,
    no_proxy: NoProxy,
}

impl Proxy {
    /// Reads the option, and the environment if it says so.
    pub fn new(option: &ProxyOption) -> Result<Option<Proxy>, OutboundError> {
        match option {
            ProxyOption::Direct => Ok(None),
            ProxyOption::Environment => {
                from_environment(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
            }
            ProxyOption::Url { url, no_proxy } => parse("the options", url, no_proxy).map(Some),
        }
    }

    /// Returns whether it makes a call to this host.
    pub fn is_for(&self, target: &Target) -> bool {
        !self.no_proxy.has(target)
    }

    /// Asks for a tunnel over a connection to the proxy. Nothing of the call is sent.
    pub async fn tunnel<S>(
        &self,
        stream: S,
        target: &Target,
    ) -> Result<impl AsyncRead + AsyncWrite + Send + Unpin + use<S>, Failure>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let refused = |problem: String| self.refused(target, problem);
        let authority = format!("{}:{}", target.host, target.port);
        let mut request = Request::builder().method(Method::CONNECT).uri(&authority).header(HOST, &authority);
        if let Some(authorization) = &self.authorization {
            request = request.header(PROXY_AUTHORIZATION, authorization);
        }
        let request = request.body(Empty::<Bytes>::new()).map_err(|error| refused(error.to_string()))?;
        let handshake = builder().handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| refused(of_http(&error)))?;
        let tunnel = driven(connection.with_upgrades(), async {
            let response = sender.send_request(request).await.map_err(|error| refused(of_http(&error)))?;
            match response.status() {
                status if status.is_success() => {}
                StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                    return Err(refused("it wants a name and a password, which its URL has to hold".to_owned()));
                }
                status => return Err(refused(format!("it answers with status {}", status.as_u16()))),
            }
            hyper::upgrade::on(response).await.map_err(|error| refused(of_http(&error)))
        });
        Ok(TokioIo::new(tunnel.await?))
    }

    /// Says that no connection was opened.
    pub fn refused(&self, target: &Target, problem: String) -> Failure {
        Failure::Proxy { proxy: format!("{}:{}", self.host, self.port), host: target.host.to_string(), problem }
    }
}

fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Proxy>, OutboundError> {
    let first = |names: [&'static str; 2]| {
        let set = names.into_iter().filter_map(|name| Some((name, variable(name)?)));
        set.into_iter().find(|(_, value)| !value.trim().is_empty())
    };
    let Some((name, url)) = first(["https_proxy", "HTTPS_PROXY"]) else { return Ok(None) };
    let no_proxy = first(["no_proxy", "NO_PROXY"]).map(|(_, value)| value).unwrap_or_default();
    parse(name, url.trim(), &no_proxy).map(Some)
}

fn parse(source_name: &'static str, url: &str, no_proxy: &str) -> Result<Proxy, OutboundError> {
    let refused = |problem| OutboundError::Proxy { source_name, problem };
    // Without a scheme it is an HTTP proxy, as for other programs.
    let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let url = Url::parse(&url).map_err(|_| refused("it is not a URL"))?;
    if url.scheme() != "http" {
        return Err(refused("its scheme is not http, and other proxies cannot be used"));
    }
    let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
        return Err(refused("it has no host"));
    };
    let decoded = |text| percent_decode_str(text).collect::<Vec<u8>>();
    let authorization = (!url.username().is_empty()).then(|| {
        let pair = [decoded(url.username()), decoded(url.password().unwrap_or_default())].join(&b':');
        HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair)))
    });
    let mut authorization = authorization.transpose().map_err(|_| refused("its name or password is too long"))?;
    if let Some(value) = &mut authorization {
        value.set_sensitive(true);
    }
    Ok(Proxy { host: without_dot(host.to_owned()), port, authorization, no_proxy: NoProxy::parse(no_proxy)? })
}

/// The hosts that are called without the proxy.
struct NoProxy {
    every: bool,
    networks: Vec<IpNet>,
    hosts: Vec<HostPort>,
}

impl NoProxy {
    fn parse(text: &str) -> Result<NoProxy, OutboundError> {
        let mut read = NoProxy { every: false, networks: Vec::new(), hosts: Vec::new() };
        for entry in text.split([',', ' ']).filter(|entry| !entry.is_empty()) {
            let name = entry.strip_prefix("*.").or_else(|| entry.strip_prefix('.')).unwrap_or(entry);
            if entry == "*" {
                read.every = true;
            } else if let Ok(network) = entry.parse() {
                read.networks.push(network);
            } else {
                let refused = |problem| OutboundError::NoProxy { entry: entry.to_owned(), problem };
                read.hosts.push(HostPort::parse(name).map_err(refused)?);
            }
        }
        Ok(read)
    }

    fn has(&self, target: &Target) -> bool {
        let in_network = |address: IpAddr| self.networks.iter().any(|network| network.contains(&address));
        self.every || address_of(&target.host).is_some_and(in_network) || self.hosts.iter().any(|host| is_of(host, target))
    }
}

/// A name stands for what is below it too.
fn is_of(entry: &HostPort, target: &Target) -> bool {
    let is_below = match (&entry.host, &target.host) {
        (Host::Domain(above), Host::Domain(name)) => name.strip_suffix(above.as_str()).is_some_and(|rest| rest.ends_with('.')),
        _ => false,
    };
    entry.is_of(target) || is_below && entry.has_port(target.port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_without_the_proxy_are_listed() {
        let proxy =
            parse("", "http://proxy:3128", "a.example,.b.example, *.c.example:8443,10.0.0.0/8 192.168.1.1,fd00::/8").unwrap();
        for (host, expect) in [
            ("a.example", false),
            ("x.a.example", false),
            ("xa.example", true),
            ("b.example", false),
            ("x.y.b.example", false),
            ("c.example", true),
            ("x.c.example:8443", false),
            ("d.example", true),
            ("10.1.2.3", false),
            ("11.1.2.3", true),
            ("192.168.1.1", false),
            ("192.168.1.2", true),
            ("[fd00::1]", false),
        ] {
            assert_eq!(proxy.is_for(&Target::parse(&format!("https://{host}/")).unwrap()), expect, "{host}");
        }
        let proxy = parse("", "http://proxy", "*").unwrap();
        assert!(!proxy.is_for(&Target::parse("https://a.example/").unwrap()));
        assert!(matches!(parse("", "http://proxy", "10.*"), Err(OutboundError::NoProxy { .. })));
    }

    #[test]
    fn a_proxy_has_a_url() {
        for (url, expect) in [
            ("http://proxy.lan:3128", Ok("proxy.lan 3128 -")),
            ("proxy.lan:3128", Ok("proxy.lan 3128 -")),
            ("http://10.0.0.1", Ok("10.0.0.1 80 -")),
            ("http://user@proxy", Ok("proxy 80 Basic dXNlcjo=")),
            ("http://us%3Aer:pa%40ss@proxy/", Ok("proxy 80 Basic dXM6ZXI6cGFAc3M=")),
            ("https://proxy.lan", Err("its scheme is not http")),
            ("socks5://proxy.lan", Err("its scheme is not http")),
            ("http://", Err("it is not a URL")),
        ] {
            let found = parse("HTTPS_PROXY", url, "").map(|proxy| {
                let authorization = proxy.authorization.as_ref().map_or("-", |value| value.to_str().unwrap());
                format!("{} {} {authorization}", proxy.host, proxy.port)
            });
            match (found, expect) {
                (Ok(found), Ok(expect)) => assert_eq!(found, expect, "{url}"),
                (Err(error), Err(expect)) => assert!(error.to_string().contains(expect), "{url}: {error}"),
                (found, _) => panic!("{url}: {found:?}"),
            }
        }
    }

    #[test]
    fn the_environment_names_a_proxy() {
        let found = |variables: &[(&str, &str)]| {
            let value = |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
            from_environment(value).unwrap().map(|proxy| (proxy.host.to_string(), proxy.no_proxy.every))
        };
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[("HTTPS_PROXY", " ")]), None);
        assert_eq!(found(&[("HTTP_PROXY", "http://a"), ("ALL_PROXY", "http://a")]), None);
        assert_eq!(found(&[("HTTPS_PROXY", "http://a")]), Some(("a".to_owned(), false)));
        assert_eq!(
            found(&[("HTTPS_PROXY", "http://a"), ("https_proxy", "http://b"), ("NO_PROXY", "*")]),
            Some(("b".to_owned(), true))
        );
    }
}
