//! Where settings send payers: another host than the one that was there is confirmed by a person, since everybody's money goes there.

use domain::{Description, Fields, Problem, SettingKind};
use url::{Host, Url};

/// The code of an address that leads to a host that nobody confirmed.
pub const CODE: &str = "host-unconfirmed";

/// The hosts that whoever enters settings has confirmed.
#[derive(Clone, Debug)]
pub enum Confirmed {
    /// Any: they are entered on the server itself, by whoever has its files.
    All,
    /// These, in ASCII.
    Hosts(Vec<String>),
}

impl Confirmed {
    /// The hosts of a list with commas between them.
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

/// The host of an address as a browser reads it: in lower case and in ASCII, so that letters that only look like others are seen.
/// `None` where it has none.
pub fn host(address: &str) -> Option<String> {
    Url::parse(address).ok()?.host_str().map(str::to_owned)
}

/// Returns whether an address leads back to the machine that opens it, which is of use in tests and to no thief.
fn is_loopback(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The host that an entered address leads to and that nobody has agreed to: it is not the component's own, nor that of the settings in
/// use.
pub fn unfamiliar(address: &str, familiar: &[&str]) -> Option<String> {
    let host = host(address).filter(|_| !is_loopback(address))?;
    let is_known = familiar.iter().any(|known| self::host(known).as_deref() == Some(host.as_str()));
    (!is_known).then_some(host)
}

/// The hosts that entered settings lead to and that were not confirmed, a problem for each address.
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
        (!is_confirmed).then(|| Problem { code: CODE.to_owned(), field: Some(setting.name.clone()), row: None, message })
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
