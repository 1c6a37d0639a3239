//! The hosts that a component may call.

use std::collections::BTreeSet;
use std::fmt;

use domain::{Description, SettingKind};
use sandbox::Provider;
use url::Url;

/// The port of a host that is declared without one.
const HTTPS_PORT: u16 = 443;

/// A host, with its port, that a component may call. It is shown as `host`, or as `host:port` where the port is not 443.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct CallHost {
    host: String,
    port: u16,
}

impl CallHost {
    /// Parses a URL as browsers do. `None` if it is not one with a host.
    pub fn of_url(url: &str) -> Option<CallHost> {
        let url = Url::parse(url).ok()?;
        Some(CallHost { host: url.host_str()?.to_owned(), port: url.port_or_known_default()? })
    }

    /// Reports whether nothing can listen there.
    pub(crate) fn is_nowhere(&self) -> bool {
        self.port == 0
    }

    /// Parses what a description declares: `host` or `host:port`.
    fn declared(text: &str) -> Option<CallHost> {
        CallHost::of_url(&format!("https://{text}"))
    }
}

impl fmt::Display for CallHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            HTTPS_PORT => f.write_str(&self.host),
            port => write!(f, "{}:{port}", self.host),
        }
    }
}

/// Returns the hosts that a component may call with settings: those that it declares, and those of its settings of the kind `url`,
/// or of their defaults where nothing is entered. None if it has no ability, since then it cannot have a call made.
pub fn call_hosts(provider: &Provider, settings: &[(String, String)]) -> BTreeSet<CallHost> {
    if provider.abilities().is_empty() { BTreeSet::new() } else { hosts_of(provider.description(), settings) }
}

fn hosts_of(description: &Description, settings: &[(String, String)]) -> BTreeSet<CallHost> {
    let urls = description.settings.iter().filter(|setting| setting.kind == SettingKind::Url).filter_map(|setting| {
        let entered = settings.iter().find(|(name, _)| *name == setting.name).map(|(_, value)| value.as_str());
        let address = entered.filter(|address| !address.is_empty()).or(setting.default_value.as_deref());
        CallHost::of_url(address?)
    });
    description.hosts.iter().filter_map(|declared| CallHost::declared(declared)).chain(urls).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use domain::{Fields, SettingSpec};

    use super::*;
    use crate::test_description::test_description;

    fn description(hosts: &[&str], urls: &[(&str, Option<&str>)]) -> Description {
        let setting = |(name, default_value): &(&str, Option<&str>)| SettingSpec {
            name: (*name).to_owned(),
            kind: SettingKind::Url,
            title: Fields::new(),
            help: Fields::new(),
            required: false,
            default_value: default_value.map(str::to_owned),
            choices: Vec::new(),
            extra: Fields::new(),
        };
        Description {
            settings: urls.iter().map(setting).collect(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            ..test_description()
        }
    }

    #[test]
    fn hosts_are_declared_or_entered() {
        let description = description(
            &["api.pay.example", "test.pay.example:8443"],
            &[
                ("page", Some("https://pay.example/")),
                ("cash-register", None),
                ("empty", Some("https://default.example:444/a")),
            ],
        );
        let settings = [
            ("page".to_owned(), "https://own.example/a?b=https://c.example".to_owned()),
            ("empty".to_owned(), String::new()),
            ("other".to_owned(), "https://not-a-url-setting.example".to_owned()),
        ];
        let hosts: Vec<String> = hosts_of(&description, &settings).iter().map(CallHost::to_string).collect();
        assert_eq!(hosts, ["api.pay.example", "default.example:444", "own.example", "test.pay.example:8443"]);
    }

    #[test]
    fn a_url_is_read_as_browsers_read_it() {
        let hosts = hosts_of(&description(&["pay.example", "till.example:8443"], &[]), &[]);
        for (url, expect) in [
            ("https://pay.example/v3/payments/1", true),
            ("HTTPS://PAY.example:443/", true),
            ("https://till.example:8443/", true),
            ("https://till.example/", false),
            ("https://pay.example:8443/", false),
            ("http://pay.example/", false),
            ("https://sub.pay.example/", false),
            ("https://pay.example./", false),
            ("https://pay.example.evil.example/", false),
            ("https://pay.example@evil.example/", false),
            ("https://evil.example\\@pay.example/", false),
            ("https://evil.example#@pay.example/", false),
            ("https://evil.example?pay.example", false),
            ("pay.example", false),
        ] {
            assert_eq!(CallHost::of_url(url).is_some_and(|host| hosts.contains(&host)), expect, "{url}");
        }
    }
}
