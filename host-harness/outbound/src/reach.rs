//! Which hosts and addresses an operator allows.

use std::net::{IpAddr, SocketAddr};

use host::Unreachable;

use crate::address::{Kind, kind};
use crate::error::OutboundError;
use crate::failure::Failure;
use crate::host_port::{HostPort, address_of};
use crate::limits;
use crate::target::Target;

/// What may be called.
#[derive(Clone, Debug)]
pub struct Reach {
    lan_hosts: Vec<HostPort>,
    loopback: bool,
}

/// Addresses that may be connected to: nothing else is.
#[derive(Clone, Debug)]
pub struct Permitted(Vec<SocketAddr>);

impl Permitted {
    /// Addresses of what the operator alone names, such as the proxy, which may be private.
    pub fn of_operator(addresses: Vec<SocketAddr>) -> Permitted {
        Permitted(addresses)
    }

    /// Returns those to try, in this order.
    pub fn addresses(&self) -> &[SocketAddr] {
        self.0.get(..limits::ADDRESSES_MAX).unwrap_or(&self.0)
    }
}

impl Reach {
    /// Reads the hosts of the local network that an operator lists.
    pub fn new(lan_hosts: &[String], loopback: bool) -> Result<Reach, OutboundError> {
        let read = |entry: &String| {
            let refused = |problem| OutboundError::LanHost { entry: entry.clone(), problem };
            let host = HostPort::parse(entry).map_err(refused)?;
            match host.address().map(kind) {
                None | Some(Kind::Lan | Kind::Public) => Ok(host),
                Some(Kind::Loopback | Kind::Forbidden) => Err(refused("it is not an address of a local network")),
            }
        };
        Ok(Reach { lan_hosts: lan_hosts.iter().map(read).collect::<Result<_, _>>()?, loopback })
    }

    /// Refuses what is known to be forbidden before anything is resolved. It is all that is checked of a call by a proxy, which
    /// resolves names itself.
    pub fn check(&self, target: &Target) -> Result<(), Failure> {
        let forbidden = |what| Failure::Forbidden { host: target.host.to_string(), what };
        if !target.is_https && !self.loopback {
            return Err(Failure::Url("it does not begin with https://"));
        }
        match (self.unreachable(target), address_of(&target.host)) {
            (Some(Unreachable::ThisMachine), _) => Err(forbidden("this machine itself")),
            (Some(Unreachable::LocalNetwork), _) => {
                Err(forbidden("an address of a local network that is not in the list of its hosts"))
            }
            (Some(Unreachable::Special), _) => Err(forbidden("not an address that anybody can reach")),
            (None, Some(address)) if !self.permits(target, address) => Err(forbidden("reached without TLS")),
            (None, _) => Ok(()),
        }
    }

    /// Returns why nothing at this host is ever called. `None` if it may be, and of a name that is not this machine's own.
    pub fn unreachable(&self, target: &Target) -> Option<Unreachable> {
        if Reach::is_loopback(target) {
            return (!self.loopback).then_some(Unreachable::ThisMachine);
        }
        match address_of(&target.host).map(kind)? {
            Kind::Lan => (!self.is_listed(target)).then_some(Unreachable::LocalNetwork),
            Kind::Forbidden => Some(Unreachable::Special),
            Kind::Public | Kind::Loopback => None,
        }
    }

    fn is_listed(&self, target: &Target) -> bool {
        self.lan_hosts.iter().any(|host| host.is_of(target))
    }

    /// Of the addresses that a name was resolved to, returns those that may be connected to.
    pub fn permitted(&self, target: &Target, found: Vec<SocketAddr>) -> Result<Permitted, Failure> {
        let (permitted, refused): (Vec<_>, Vec<_>) = found.into_iter().partition(|address| self.permits(target, address.ip()));
        match (permitted.is_empty(), refused.first()) {
            (false, _) => Ok(Permitted(permitted)),
            (true, Some(address)) => Err(Failure::NotPublic { host: target.host.to_string(), address: address.ip() }),
            (true, None) => Err(Failure::NoAddress { host: target.host.to_string() }),
        }
    }

    /// Returns whether the call is to this machine, which no proxy makes.
    pub fn is_loopback(target: &Target) -> bool {
        target.is_localhost() || address_of(&target.host).map(kind) == Some(Kind::Loopback)
    }

    fn permits(&self, target: &Target, address: IpAddr) -> bool {
        match kind(address) {
            Kind::Public => target.is_https,
            Kind::Lan => target.is_https && self.is_listed(target),
            Kind::Loopback => self.loopback,
            Kind::Forbidden => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks what of the addresses is connected to, or why nothing is.
    fn check(lan_hosts: &[&str], loopback: bool, url: &str, found: &[&str], expect: Result<&[&str], &str>) {
        let reach = Reach::new(&lan_hosts.iter().copied().map(str::to_owned).collect::<Vec<_>>(), loopback).unwrap();
        let target = Target::parse(url).unwrap();
        let found = found.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 443)).collect();
        let permitted = reach.check(&target).and_then(|()| reach.permitted(&target, found));
        let permitted =
            permitted.map(|permitted| permitted.addresses().iter().map(|address| address.ip().to_string()).collect::<Vec<_>>());
        match (permitted, expect) {
            (Ok(permitted), Ok(expect)) => assert_eq!(permitted, expect, "{url}"),
            (Err(failure), Err(expect)) => assert!(failure.to_string().contains(expect), "{url}: {failure}"),
            (permitted, _) => panic!("{url}: {permitted:?}"),
        }
    }

    #[test]
    fn of_a_names_addresses_only_the_public_ones_are_tried() {
        let url = "https://pay.example/";
        check(&[], false, url, &["10.0.0.1", "1.1.1.1", "::1", "2a00::1"], Ok(&["1.1.1.1", "2a00::1"]));
        check(&[], true, url, &["10.0.0.1", "1.1.1.1", "127.0.0.1"], Ok(&["1.1.1.1", "127.0.0.1"]));
        check(
            &[],
            false,
            url,
            &["10.0.0.1", "127.0.0.1"],
            Err("pay.example resolves to 10.0.0.1, which is not a public address"),
        );
        check(&[], false, url, &[], Err("the name pay.example has no address"));
        let nine = ["1.1.1.1"; 9];
        check(&[], false, url, &nine, Ok(&["1.1.1.1"; 8]));
    }

    #[test]
    fn http_goes_to_this_machine_alone_and_by_the_switch() {
        check(&[], false, "http://localhost/", &["127.0.0.1"], Err("does not begin with https"));
        check(&["pay.lan"], false, "http://pay.lan/", &["10.0.0.1"], Err("does not begin with https"));
        check(&["pay.lan"], true, "http://pay.lan/", &["10.0.0.1", "1.1.1.1"], Err("is not a public address"));
        check(&[], true, "http://1.1.1.1/", &["1.1.1.1"], Err("reached without TLS"));
        check(&[], true, "http://localhost/", &["127.0.0.1", "::1"], Ok(&["127.0.0.1", "::1"]));
        check(&[], true, "http://127.0.0.1/", &["127.0.0.1"], Ok(&["127.0.0.1"]));
    }

    #[test]
    fn this_machine_is_called_by_the_switch_alone() {
        for url in ["https://localhost/", "https://a.localhost./", "https://127.1/", "https://[::1]/", "https://2130706433/"] {
            check(&["localhost"], false, url, &["1.1.1.1"], Err("is this machine itself"));
            check(&[], true, url, &["127.0.0.1"], Ok(&["127.0.0.1"]));
        }
    }

    #[test]
    fn hosts_of_the_local_network_are_called_when_they_are_listed() {
        let listed = ["Kassa.LAN", "till.lan:8443", "192.168.1.5:443", "fd00::5", "[fd00::6]:8443"];
        let lan: Result<&[&str], &str> = Ok(&["192.168.1.5"]);
        let unlisted = Err("is an address of a local network that is not in the list");
        for (url, expect) in [
            ("https://kassa.lan/", lan),
            ("https://kassa.lan.:1/", lan),
            ("https://till.lan:8443/", lan),
            ("https://till.lan/", Err("resolves to 192.168.1.5")),
            ("https://other.lan/", Err("resolves to 192.168.1.5")),
            ("https://a.kassa.lan/", Err("resolves to 192.168.1.5")),
            ("https://192.168.1.5/", lan),
            ("https://192.168.1.5:8443/", unlisted),
            ("https://192.168.1.6/", unlisted),
            ("https://[fd00::5]:1/", lan),
            ("https://[fd00::6]/", unlisted),
            ("https://[fd00::6]:8443/", lan),
        ] {
            check(&listed, false, url, &["192.168.1.5"], expect);
        }
        check(&listed, false, "https://kassa.lan/", &["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1"], Err("127.0.0.1"));
    }

    /// What a setting's form says at once is what a call would say, whatever way the address is written.
    #[test]
    fn what_is_unreachable_is_known_by_the_url() {
        let of = |lan_hosts: &[&str], loopback: bool, url: &str| {
            let lan_hosts: Vec<String> = lan_hosts.iter().copied().map(str::to_owned).collect();
            Reach::new(&lan_hosts, loopback).unwrap().unreachable(&Target::parse(url).unwrap())
        };
        for (url, expect) in [
            ("https://localhost/v3", Some(Unreachable::ThisMachine)),
            ("https://a.LOCALHOST./", Some(Unreachable::ThisMachine)),
            ("http://127.0.0.1:8080/", Some(Unreachable::ThisMachine)),
            ("https://2130706433/", Some(Unreachable::ThisMachine)),
            ("https://[::1]:8443/", Some(Unreachable::ThisMachine)),
            ("https://[0:0:0:0:0:0:0:1]/", Some(Unreachable::ThisMachine)),
            ("https://192.168.1.5/", Some(Unreachable::LocalNetwork)),
            ("https://0xc0a80105/", Some(Unreachable::LocalNetwork)),
            ("https://10.1/", Some(Unreachable::LocalNetwork)),
            ("https://100.64.0.1/", Some(Unreachable::LocalNetwork)),
            ("https://[fd00::5]/", Some(Unreachable::LocalNetwork)),
            ("https://0.0.0.0/", Some(Unreachable::Special)),
            ("https://169.254.169.254/", Some(Unreachable::Special)),
            ("https://[fe80::1]/", Some(Unreachable::Special)),
            ("https://[::ffff:10.0.0.1]/", Some(Unreachable::Special)),
            ("https://[::ffff:7f00:1]/", Some(Unreachable::Special)),
            ("https://[::]/", Some(Unreachable::Special)),
            ("https://1.1.1.1/", None),
            ("https://[2a00:1450::1]/", None),
            ("https://kassa.lan/", None),
            ("https://localhost.example/", None),
        ] {
            assert_eq!(of(&[], false, url), expect, "{url}");
        }
        assert_eq!(of(&[], true, "https://[::1]/"), None);
        assert_eq!(of(&[], true, "https://10.0.0.1/"), Some(Unreachable::LocalNetwork));
        assert_eq!(of(&["192.168.1.5:443"], false, "https://192.168.1.5/"), None);
        assert_eq!(of(&["192.168.1.5:443"], false, "https://192.168.1.5:8443/"), Some(Unreachable::LocalNetwork));
    }

    #[test]
    fn an_address_that_is_never_called_is_not_listed() {
        for entry in
            ["127.0.0.1", "::1", "169.254.1.1:80", "0.0.0.0", "*.lan", "https://kassa.lan", "kassa.lan:0x1", "", ":443", "a b"]
        {
            let refused = Reach::new(&[entry.to_owned()], false).unwrap_err().to_string();
            assert!(refused.contains(&format!("`{entry}`")), "{refused}");
        }
    }
}
