//! The URL of a call, taken apart.

use hyper::header::HeaderValue;
use hyper::http::uri::PathAndQuery;
use url::{Host, Url};

use crate::failure::Failure;

/// Where a call goes, and what it asks for there.
#[derive(Clone, Debug)]
pub struct Target {
    /// `https`, or else `http`.
    pub is_https: bool,
    /// A name in ASCII and in lower case, without a dot at its end, or an address.
    pub host: Host<String>,
    /// The port.
    pub port: u16,
    /// The value of the header `host`.
    pub authority: HeaderValue,
    /// Path and query, as the component gave them.
    pub path_and_query: PathAndQuery,
}

impl Target {
    /// Takes a URL apart. The library that browsers' rules are in reads its host, so that every way to write an address is known;
    /// path and query are not changed.
    pub fn parse(text: &str) -> Result<Target, Failure> {
        if text.contains(|character: char| character.is_control() || character == '\\' || character == ' ') {
            return Err(Failure::Url("it has a space, a backslash or a control character; percent-encode it"));
        }
        let (scheme, rest) = text.split_once("://").ok_or(Failure::Url("it does not begin with https://"))?;
        let is_https = scheme.eq_ignore_ascii_case("https");
        if !is_https && !scheme.eq_ignore_ascii_case("http") {
            return Err(Failure::Url("it does not begin with https://"));
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.is_empty() {
            return Err(Failure::Url("it has no host"));
        }
        if authority.contains('@') {
            return Err(Failure::Url("it has a user name or password, which are sent in a header"));
        }
        if path.contains('#') {
            return Err(Failure::Url("it has a fragment, which is never sent"));
        }
        let scheme = if is_https { "https" } else { "http" };
        let url = Url::parse(&format!("{scheme}://{authority}")).map_err(|_| Failure::Url("its host or port is not valid"))?;
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(Failure::Url("it has no host"));
        };
        let authority = url.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}"));
        let authority = HeaderValue::try_from(authority).map_err(|_| Failure::Url("its host is not valid"))?;
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let path_and_query = PathAndQuery::try_from(path)
            .map_err(|_| Failure::Url("its path or query is too long or has a character that must be percent-encoded"))?;
        Ok(Target { is_https, host: without_dot(host.to_owned()), port, authority, path_and_query })
    }

    /// The name of this machine itself, whatever it resolves to.
    pub fn is_localhost(&self) -> bool {
        matches!(&self.host, Host::Domain(name) if name == "localhost" || name.ends_with(".localhost"))
    }
}

/// A name with a dot at its end is the same name.
pub fn without_dot(host: Host<String>) -> Host<String> {
    match host {
        Host::Domain(name) => Host::Domain(name.strip_suffix('.').map(str::to_owned).unwrap_or(name)),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scheme, host and port; the header; path and query. Or what is wrong.
    fn check(cases: &[(&str, &str)]) {
        for (url, expect) in cases {
            let found = match Target::parse(url) {
                Ok(target) => {
                    let scheme = if target.is_https { "https" } else { "http" };
                    let Target { host, port, authority, path_and_query, .. } = &target;
                    format!("{scheme} {host} {port} | {} | {path_and_query}", authority.to_str().unwrap())
                }
                Err(Failure::Url(problem)) => problem.to_owned(),
                Err(failure) => panic!("{failure}"),
            };
            assert!(found.starts_with(expect), "{url}: {found}");
        }
    }

    #[test]
    fn path_and_query_are_as_given() {
        check(&[
            ("https://pay.example", "https pay.example 443 | pay.example | /"),
            ("https://pay.example?a=1", "https pay.example 443 | pay.example | /?a=1"),
            (
                "https://pay.example/a/../b//c/./%2e%2E/%7e~?x=%41&y=a+b&z=[1]",
                "https pay.example 443 | pay.example | /a/../b//c/./%2e%2E/%7e~?x=%41&y=a+b&z=[1]",
            ),
            ("https://pay.example:8443/a", "https pay.example 8443 | pay.example:8443 | /a"),
            ("HTTPS://Pay.Example:443/A", "https pay.example 443 | pay.example | /A"),
            (
                "http://pay.example/?q=https://other.example/@",
                "http pay.example 80 | pay.example | /?q=https://other.example/@",
            ),
        ]);
    }

    #[test]
    fn hosts_are_read_as_browsers_read_them() {
        check(&[
            ("https://2130706433/", "https 127.0.0.1 443 | 127.0.0.1 |"),
            ("https://0x7f.1/", "https 127.0.0.1 443 | 127.0.0.1 |"),
            ("https://0177.0.0.1/", "https 127.0.0.1 443 | 127.0.0.1 |"),
            ("https://127.1/", "https 127.0.0.1 443 | 127.0.0.1 |"),
            ("https://%31%32%37.0.0.1/", "https 127.0.0.1 443 | 127.0.0.1 |"),
            ("https://①②⑦.0.0.1/", "https 127.0.0.1 443 | 127.0.0.1 |"),
            ("https://[::FFFF:7f00:1]:1/", "https [::ffff:7f00:1] 1 | [::ffff:7f00:1]:1 |"),
            ("https://оплата.рф/", "https xn--80aa5alfu.xn--p1ai 443 | xn--80aa5alfu.xn--p1ai |"),
            ("https://pay.example./", "https pay.example 443 | pay.example. |"),
            ("https://pay.example。/", "https pay.example 443 | pay.example. |"),
        ]);
    }

    #[test]
    fn what_is_not_such_a_url_is_refused() {
        check(&[
            ("", "it does not begin with https://"),
            ("pay.example/a", "it does not begin with https://"),
            ("https:pay.example/", "it does not begin with https://"),
            ("https:/pay.example/", "it does not begin with https://"),
            (" https://pay.example/", "it has a space"),
            ("file:///etc/passwd", "it does not begin with https://"),
            ("ftp://pay.example/", "it does not begin with https://"),
            ("https:///pay.example/", "it has no host"),
            ("https://?a", "it has no host"),
            ("https://:443/", "its host or port is not valid"),
            ("https://pay.example:65536/", "its host or port is not valid"),
            ("https://pay.example:a/", "its host or port is not valid"),
            ("https://1.2.3.4.5/", "its host or port is not valid"),
            ("https://256.1.1.1/", "its host or port is not valid"),
            ("https://[fe80::1%25eth0]/", "its host or port is not valid"),
            ("https://[fe80::1%eth0]/", "its host or port is not valid"),
            ("https://pay.example%2F@other.example/", "it has a user name"),
            ("https://user:password@pay.example/", "it has a user name"),
            ("https://@pay.example/", "it has a user name"),
            ("https://pay.example\\@other.example/", "it has a space, a backslash"),
            ("https://pay.exa\tmple/", "it has a space, a backslash"),
            ("https://pay.example/a b", "it has a space, a backslash"),
            ("https://pay.example/\r\nx: y", "it has a space, a backslash"),
            ("https://pay.example/a#b", "it has a fragment"),
            ("https://pay.example#b", "it has a fragment"),
            ("https://pay.example／a/", "its host or port is not valid"),
            ("https://pay.example/<", "its path or query"),
        ]);
    }
}
