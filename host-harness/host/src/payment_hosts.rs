//! The hosts to which settings send payers, and calls with the secrets. A new host must be confirmed by a person, since all payers'
//! money goes there, and secrets that are stored are not sent there before somebody who knows them enters them again.

use std::collections::BTreeSet;

use domain::{Description, Fields, Problem, SettingKind, SettingSpec};
use url::{Host, Url};

use crate::call_hosts::CallHost;
use crate::outbound::{Outbound, Unreachable};
use crate::stored_settings::value;

/// The code of a problem with an address that leads to an unconfirmed host.
pub const CODE: &str = "host-unconfirmed";
/// The code of a problem with a stored secret that would be sent to another host.
pub const SECRET_CODE: &str = "secret-unconfirmed";
/// The code of a problem with an address that is never called.
pub const UNREACHABLE_CODE: &str = "host-unreachable";

/// The hosts that were confirmed by the person who enters settings.
#[derive(Clone, Debug)]
pub enum Confirmed {
    /// All hosts: the settings are entered on the server itself, by somebody with access to its files.
    All,
    /// These hosts, in ASCII, with their ports where these are not 443.
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

/// Returns the host of an entered address, with its port, if it is unfamiliar: neither the component's default nor the host in the
/// active settings. Whoever listens at another port of a host need not be the payment system.
pub fn unfamiliar(address: &str, familiar: &[&str]) -> Option<CallHost> {
    let host = CallHost::of_url(address).filter(|_| !is_loopback(address))?;
    let is_known = familiar.iter().any(|known| CallHost::of_url(known).as_ref() == Some(&host));
    (!is_known).then_some(host)
}

/// Settings that are entered, and what is compared with them.
pub(crate) struct EnteredSettings<'s> {
    pub description: &'s Description,
    /// Whether the component may have calls made: its settings of the kind `url` then name hosts to call.
    pub has_calls: bool,
    /// Who makes the calls; `None` if nobody does.
    pub outbound: Option<&'s dyn Outbound>,
    /// The settings that the entered ones replace, with their secrets.
    pub in_use: &'s [(String, String)],
    /// Tells whether a setting is a secret.
    pub is_secret: &'s dyn Fn(&str) -> bool,
    pub entered: &'s Fields,
    pub confirmed: &'s Confirmed,
}

impl EnteredSettings<'_> {
    /// Returns a problem for each entered address that leads to an unconfirmed host or to one that is never called, and for each
    /// stored secret that would be sent to another host. None for settings from the server's own files, except in the log.
    pub fn problems(&self) -> Vec<Problem> {
        let Confirmed::Hosts(confirmed) = self.confirmed else {
            for problem in self.unreachable_problems() {
                tracing::warn!(setting = problem.field, "{}", problem.message);
            }
            return Vec::new();
        };
        let of_url = |setting| self.unreachable(setting).or_else(|| self.unconfirmed(setting, confirmed));
        let mut problems: Vec<Problem> = self.urls().filter_map(of_url).collect();
        problems.extend(self.unconfirmed_secrets());
        problems
    }

    /// Returns a problem for each entered address that is never called.
    pub(crate) fn unreachable_problems(&self) -> Vec<Problem> {
        self.urls().filter_map(|setting| self.unreachable(setting)).collect()
    }

    fn urls(&self) -> impl Iterator<Item = &SettingSpec> {
        self.description.settings.iter().filter(|setting| setting.kind == SettingKind::Url)
    }

    /// Returns the address that was in use before: the default if nothing was entered.
    fn before(&self, setting: &SettingSpec) -> String {
        let entered = self.in_use.iter().find(|(name, _)| *name == setting.name).map(|(_, value)| value.clone());
        entered.filter(|address| !address.is_empty()).or_else(|| setting.default_value.clone()).unwrap_or_default()
    }

    fn unconfirmed(&self, setting: &SettingSpec, confirmed: &[String]) -> Option<Problem> {
        let address = value(self.entered, &setting.name)?;
        let host = unfamiliar(address, &[setting.default_value.as_deref().unwrap_or_default(), &self.before(setting)])?;
        let (goes, in_russian) = if self.has_calls {
            (
                " Calls with the keys and secrets of this payment system, refunds among them, go there, and payers may be sent there.",
                " Туда пойдут запросы с ключами и секретами этой платёжной системы, в том числе возвраты; туда же могут быть \
                 отправлены плательщики.",
            )
        } else {
            (" Payers are sent there.", " Туда будут отправлены плательщики.")
        };
        let message = format!("It leads to another host: {host}.{goes} Confirm that host, or correct the address.");
        let in_russian = format!("Адрес ведёт на другой узел: {host}.{in_russian} Проверьте его и подтвердите ниже.");
        (!confirmed.contains(&host.to_string())).then(|| problem(CODE, message, in_russian).at(&setting.name))
    }

    /// Returns a problem for an address that is never called. One that was in use before stays, so that other settings can be changed.
    fn unreachable(&self, setting: &SettingSpec) -> Option<Problem> {
        let address = value(self.entered, &setting.name)?;
        let host = CallHost::of_url(address)?;
        if host.is_nowhere() {
            return Some(unreachable_problem(&host, Unreachable::Special).at(&setting.name));
        }
        let outbound = self.outbound.filter(|_| self.has_calls)?;
        if CallHost::of_url(&self.before(setting)).is_some_and(|before| before == host) {
            return None;
        }
        Some(unreachable_problem(&host, outbound.unreachable(address)?).at(&setting.name))
    }

    /// Returns a problem for each secret that is stored and not entered, if an address leads to a host that was not called with it.
    fn unconfirmed_secrets(&self) -> Vec<Problem> {
        let addresses =
            self.urls().flat_map(|setting| [setting.default_value.clone().unwrap_or_default(), self.before(setting)]);
        let known: BTreeSet<CallHost> = addresses.filter_map(|address| CallHost::of_url(&address)).collect();
        let new = |setting: &SettingSpec| {
            let host = CallHost::of_url(value(self.entered, &setting.name)?)?;
            (!known.contains(&host)).then_some(host)
        };
        let Some(host) = self.urls().filter(|_| self.has_calls).find_map(new) else { return Vec::new() };
        let is_kept = |(name, stored): &&(String, String)| {
            !stored.is_empty() && (self.is_secret)(name) && value(self.entered, name).is_none_or(str::is_empty)
        };
        let message = format!("Enter the secret again: it would be sent to another host, {host}, and a stored one is not.");
        let in_russian =
            format!("Введите секрет ещё раз: он пойдёт на другой узел, {host}, а сохранённый туда не отправляется.");
        let problem = |name: &String| problem(SECRET_CODE, message.clone(), in_russian.clone()).at(name);
        self.in_use.iter().filter(is_kept).map(|(name, _)| problem(name)).collect()
    }
}

/// Returns what to do about a host that is never called.
pub(crate) fn unreachable_problem(host: &CallHost, why: Unreachable) -> Problem {
    let (message, in_russian) = match why {
        Unreachable::ThisMachine => (
            format!(
                "{host} is this machine itself, which is not called. For tests the administrator starts it with --call-loopback."
            ),
            format!(
                "{host} — сам этот компьютер, запросы к нему не отправляются. Для проверок администратор запускает программу с \
                 --call-loopback."
            ),
        ),
        Unreachable::LocalNetwork => (
            format!(
                "{host} is in the local network, and no call is sent there before the administrator lists it: --call-lan-host {host}."
            ),
            format!(
                "{host} — адрес локальной сети, запросы туда не отправляются, пока администратор не разрешит этот узел: \
                 --call-lan-host {host}."
            ),
        ),
        Unreachable::Special => (
            format!("{host} is not an address by which anybody is reached, so that no call is sent there. Correct it."),
            format!("{host} — особый адрес, по которому никого нет: запросы туда не отправляются. Исправьте его."),
        ),
    };
    problem(UNREACHABLE_CODE, message, in_russian)
}

fn problem(code: &str, message: String, in_russian: String) -> Problem {
    Problem { translations: vec![("ru".to_owned(), in_russian)], ..Problem::new(code, message) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use domain::HttpResult;

    use super::*;
    use crate::outbound::OutboundCall;
    use crate::test_description::test_description;

    /// A client that calls nothing, and this machine least of all.
    struct NoLoopback;

    impl Outbound for NoLoopback {
        fn send(&self, _: OutboundCall, then: Box<dyn FnOnce(HttpResult) + Send>) {
            then(HttpResult::NotSent("a test sends nothing".to_owned()));
        }

        fn unreachable(&self, url: &str) -> Option<Unreachable> {
            is_loopback(url).then_some(Unreachable::ThisMachine)
        }
    }

    fn description() -> Description {
        let setting = |name: &str, kind, default_value: Option<&str>| SettingSpec {
            name: name.to_owned(),
            kind,
            title: Fields::new(),
            help: Fields::new(),
            required: false,
            default_value: default_value.map(str::to_owned),
            choices: Vec::new(),
            extra: Fields::new(),
        };
        Description {
            settings: vec![
                setting("api", SettingKind::Url, Some("https://api.example/v3")),
                setting("till", SettingKind::Url, None),
                setting("key", SettingKind::Secret, None),
                setting("other-key", SettingKind::Secret, None),
            ],
            ..test_description()
        }
    }

    fn fields(text: &str) -> Fields {
        let pairs = text.split_whitespace().map(|pair| pair.split_once('=').unwrap());
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Returns the problems of entered settings, each as `code field`.
    fn found(has_calls: bool, in_use: &str, entered: &str, confirmed: &Confirmed) -> Vec<String> {
        let (description, in_use, entered) = (description(), fields(in_use), fields(entered));
        let settings = EnteredSettings {
            description: &description,
            has_calls,
            outbound: Some(&NoLoopback),
            in_use: &in_use,
            is_secret: &|name| name.ends_with("key"),
            entered: &entered,
            confirmed,
        };
        let shown = |problem: Problem| format!("{} {}", problem.code, problem.field.unwrap_or_default());
        settings.problems().into_iter().map(shown).collect()
    }

    #[test]
    fn a_stored_secret_is_entered_again_before_it_goes_to_another_host() {
        let confirmed = Confirmed::listed("evil.example,api.example,own.example,own.example:8443");
        let in_use = "key=k1 api=https://own.example/v3";
        for (entered, want) in [
            ("api=https://own.example/v4", &[][..]),
            ("api=https://api.example/v3", &[]),
            ("api=", &[]),
            ("", &[]),
            ("api=https://evil.example/v3", &["secret-unconfirmed key"]),
            ("api=https://evil.example/v3 key=", &["secret-unconfirmed key"]),
            ("api=https://evil.example/v3 key=k2", &[]),
            ("api=https://evil.example/v3 key=k2 other-key=", &[]),
            ("api=https://own.example:8443/v3", &["secret-unconfirmed key"]),
            ("till=https://evil.example/", &["secret-unconfirmed key"]),
            ("api=https://own.example/ till=https://own.example/", &[]),
        ] {
            assert_eq!(found(true, in_use, entered, &confirmed), want, "{entered}");
        }
        let both = "key=k1 other-key=k2";
        let want = ["secret-unconfirmed key", "secret-unconfirmed other-key"];
        assert_eq!(found(true, both, "api=https://evil.example/", &confirmed), want);
        assert_eq!(found(true, both, "api=https://evil.example/ other-key=k2", &confirmed), want[..1]);
        let none: [&str; 0] = [];
        assert_eq!(found(true, "", "api=https://evil.example/ key=k1", &confirmed), none, "nothing is stored");
        assert_eq!(found(false, both, "api=https://evil.example/", &confirmed), none, "it has no calls made");
        assert_eq!(found(true, both, "api=https://evil.example/", &Confirmed::All), none, "the server's own file");
    }

    #[test]
    fn a_host_is_confirmed_and_can_be_called() {
        let nobody = Confirmed::default();
        for (has_calls, in_use, entered, want) in [
            (true, "", "api=https://evil.example/", &["host-unconfirmed api"][..]),
            (false, "", "api=https://evil.example/", &["host-unconfirmed api"]),
            (true, "", "api=https://localhost/", &["host-unreachable api"]),
            (true, "", "api=http://127.0.0.1:9/", &["host-unreachable api"]),
            (false, "", "api=http://127.0.0.1:9/", &[]),
            (true, "", "api=https://api.example:22/v3", &["host-unconfirmed api"]),
            (true, "", "api=https://api.example:0/v3", &["host-unreachable api"]),
            (false, "", "api=https://api.example:0/v3", &["host-unreachable api"]),
            (true, "api=http://127.0.0.1:9/", "api=http://127.0.0.1:9/a", &[]),
            (true, "api=http://127.0.0.1:9/", "api=http://127.0.0.1:10/", &["host-unreachable api"]),
        ] {
            assert_eq!(found(has_calls, in_use, entered, &nobody), want, "{entered}");
        }
    }

    #[test]
    fn a_problem_says_what_goes_there_and_what_to_do() {
        let lan = CallHost::of_url("https://kassa.lan:8443/").unwrap();
        for (why, words) in [
            (Unreachable::ThisMachine, "--call-loopback"),
            (Unreachable::LocalNetwork, "--call-lan-host kassa.lan:8443"),
            (Unreachable::Special, "kassa.lan:8443"),
        ] {
            let problem = unreachable_problem(&lan, why);
            assert!(problem.message.contains(words) && problem.message_in("ru").contains(words), "{problem}");
        }
    }

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
            ("https://old.example.ru:443/", None),
            ("https://old.example.ru:444/", Some("old.example.ru:444")),
            ("http://old.example.ru/", Some("old.example.ru:80")),
            ("http://127.0.0.1:8080/", None),
            ("http://localhost/", None),
            ("http://[::1]:1/", None),
            ("https://evil.example/", Some("evil.example")),
            ("https://pay.example.ru.evil.example/", Some("pay.example.ru.evil.example")),
            ("https://localhost.evil.example/", Some("localhost.evil.example")),
            ("https://pay.example.ru./", Some("pay.example.ru.")),
        ] {
            let found = unfamiliar(address, &known).map(|host| host.to_string());
            assert_eq!(found.as_deref(), want, "{address}");
        }
    }
}
