//! The hosts to which settings send payers. A new host must be confirmed by a person, since all payers' money goes there.

use domain::{Description, Fields, Problem, SettingKind};
use url::{Host, Url};

/// The code of a problem with an address that leads to an unconfirmed host.
pub const CODE: &str = "host-unconfirmed";

/// The hosts that were confirmed by the person who enters settings.
#[derive(Clone, Debug)]
pub enum Confirmed {
    /// All hosts: the settings are entered on the server itself, by somebody with access to its files.
    All,
    /// These hosts, in ASCII.
    Hosts(Vec<String>),
}

impl Confirmed {
    /// Parses a comma-separated list of hosts.
    pub fn listed(hosts: &str) -> Confirmed {
        let hosts = hosts.split(',').map(str::trim).filter(|host| !host.is_empty());
        Confirmed::Hosts(hosts.map(str::to_ascii_lowercase).collect())
    }
}

impl Default for Confirmed {
    fn default() -> Confirmed {
        Confirmed::Hosts(Vec::new())
    }
}

/// Returns the host of an address as a browser reads it: in lower case and in ASCII, so that lookalike letters are visible.
/// `None` if it has no host.
pub fn host(address: &str) -> Option<String> {
    Url::parse(address).ok()?.host_str().map(str::to_owned)
}

/// Reports whether an address leads back to the machine that opens it, which is useful in tests and useless to a thief.
fn is_loopback(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Returns the host of an entered address if it is unfamiliar: neither the component's default nor the host in the active
/// settings.
pub fn unfamiliar(address: &str, familiar: &[&str]) -> Option<String> {
    let host = host(address).filter(|_| !is_loopback(address))?;
    let is_known = familiar.iter().any(|known| self::host(known).as_deref() == Some(host.as_str()));
    (!is_known).then_some(host)
}

/// Returns a problem for each entered address that leads to an unconfirmed host.
pub fn problems(
    description: &Description,
    in_use: &[(String, String)],
    entered: &Fields,
    confirmed: &Confirmed,
) -> Vec<Problem> {
    let Confirmed::Hosts(confirmed) = confirmed else { return Vec::new() };
    let value = |fields: &[(String, String)], name: &str| {
        fields.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
    };
    let urls = description.settings.iter().filter(|setting| setting.kind == SettingKind::Url);
    let problem = |setting: &domain::SettingSpec| {
        let address = value(entered, &setting.name)?;
        let before = value(in_use, &setting.name).unwrap_or_default();
        let host = unfamiliar(&address, &[setting.default_value.as_deref().unwrap_or_default(), &before])?;
        let message = format!("It leads to another host: {host}. Confirm that host, or correct the address.");
        let is_confirmed = confirmed.contains(&host);
        (!is_confirmed).then(|| Problem::new(CODE, message).at(&setting.name))
    };
    urls.filter_map(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_the_browsers() {
        for (address, want) in [
            ("https://payments.chronopay.com/", Some("payments.chronopay.com")),
            ("https://PAYMENTS.chronopay.com:8443/x", Some("payments.chronopay.com")),
            ("https://payments.chronopay.com@evil.example/", Some("evil.example")),
            ("https://evil.example\\@payments.chronopay.com/", Some("evil.example")),
            ("https://pаyments.chronopay.com/", Some("xn--pyments-2fg.chronopay.com")),
            ("https://кабинет.рф/", Some("xn--80acmlhv0b.xn--p1ai")),
            ("https://0x7f.1/", Some("127.0.0.1")),
            ("nothing", None),
            ("", None),
        ] {
            assert_eq!(host(address).as_deref(), want, "{address}");
        }
    }

    #[test]
    fn what_is_known_or_local_needs_no_word() {
        let known = ["https://pay.example.ru/", "https://old.example.ru/a"];
        for (address, want) in [
            ("https://pay.example.ru/other", None),
            ("https://old.example.ru:444/", None),
            ("http://127.0.0.1:8080/", None),
            ("http://localhost/", None),
            ("http://[::1]:1/", None),
            ("https://evil.example/", Some("evil.example")),
            ("https://pay.example.ru.evil.example/", Some("pay.example.ru.evil.example")),
            ("https://localhost.evil.example/", Some("localhost.evil.example")),
            ("https://pay.example.ru./", Some("pay.example.ru.")),
        ] {
            assert_eq!(unfamiliar(address, &known).as_deref(), want, "{address}");
        }
    }
}
