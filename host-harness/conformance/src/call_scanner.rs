//! Looks at every call that a provider has made: where it goes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use domain::{Description, Fields, HttpCall, SettingKind};

/// The most findings that are stored.
const FOUND_MAX: usize = 8;

/// Looks whether calls go only to hosts that the description or a setting of the kind `url` names.
pub struct CallScanner {
    /// `host` or `host:port`, without the port of HTTPS.
    hosts: Vec<String>,
    found: Mutex<Vec<String>>,
    calls: AtomicU64,
}

impl CallScanner {
    /// Makes a scanner for a provider with these settings.
    pub fn new(description: &Description, settings: &Fields) -> CallScanner {
        let is_url =
            |name: &str| description.settings.iter().any(|setting| setting.kind == SettingKind::Url && setting.name == name);
        let entered = settings.iter().filter(|(name, _)| is_url(name)).map(|(_, value)| value.as_str());
        let urls = description.settings.iter().filter(|setting| setting.kind == SettingKind::Url);
        let defaults = urls.filter_map(|setting| setting.default_value.as_deref());
        let of_urls = entered.chain(defaults).filter_map(authority).map(|authority| authority.host);
        let declared = description.hosts.iter().map(|host| without_https_port(host).to_owned());
        CallScanner { hosts: declared.chain(of_urls).collect(), found: Mutex::default(), calls: AtomicU64::new(0) }
    }

    /// Looks at a call.
    pub fn inspect(&self, call: &HttpCall) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let finding = match authority(&call.url) {
            None => "a call's url has no host".to_owned(),
            Some(Authority { has_user: true, .. }) => "a call's url holds a user's name or password".to_owned(),
            Some(Authority { host, .. }) if !self.hosts.contains(&host) => {
                format!("a call goes to {host}, which neither the description nor a setting of the kind url names")
            }
            Some(Authority { host, is_tls: false, .. }) if !is_loopback(&host) => format!("a call goes to {host} without TLS"),
            Some(_) => return,
        };
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.len() < FOUND_MAX && !found.contains(&finding) {
            found.push(finding);
        }
    }

    /// Returns the findings so far.
    pub fn found(&self) -> Vec<String> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns how many calls were looked at.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}

/// Where a URL leads.
#[derive(PartialEq, Eq, Debug)]
struct Authority {
    /// With the port, but for that of HTTPS.
    host: String,
    has_user: bool,
    is_tls: bool,
}

fn authority(url: &str) -> Option<Authority> {
    let (is_tls, rest) = match url.split_once("://")? {
        ("https", rest) => (true, rest),
        ("http", rest) => (false, rest),
        _ => return None,
    };
    // A backslash ends the host for many clients.
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let host = if is_tls { without_https_port(host) } else { host }.to_ascii_lowercase();
    (!host.is_empty()).then_some(Authority { host, has_user: user.is_some(), is_tls })
}

fn without_https_port(host: &str) -> &str {
    host.strip_suffix(":443").unwrap_or(host)
}

fn is_loopback(host: &str) -> bool {
    let name = host.strip_prefix("[::1]").map_or_else(|| host.split(':').next().unwrap_or_default(), |_| "[::1]");
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_url_leads() {
        for (url, want) in [
            ("https://api.example.ru/a?b", Some(("api.example.ru", false, true))),
            ("https://API.example.ru:443", Some(("api.example.ru", false, true))),
            ("https://api.example.ru:8443/", Some(("api.example.ru:8443", false, true))),
            ("http://127.0.0.1:80/", Some(("127.0.0.1:80", false, false))),
            ("https://api.example.ru@evil.example/", Some(("evil.example", true, true))),
            ("https://evil.example\\@api.example.ru/", Some(("evil.example", false, true))),
            ("https://evil.example#@api.example.ru/", Some(("evil.example", false, true))),
            ("https:///a", None),
            ("ftp://api.example.ru/", None),
            ("", None),
        ] {
            let got = authority(url);
            let got = got.as_ref().map(|authority| (authority.host.as_str(), authority.has_user, authority.is_tls));
            assert_eq!(got, want, "{url}");
        }
    }

    #[test]
    fn this_machine() {
        for (host, want) in [
            ("localhost", true),
            ("127.0.0.1:8080", true),
            ("[::1]:80", true),
            ("localhost.example.ru", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(host), want, "{host}");
        }
    }
}
