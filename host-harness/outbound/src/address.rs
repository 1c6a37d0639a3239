//! Which addresses may be called: a table, by the registries of IANA for special-purpose addresses (RFC 6890).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// To a machine that anybody can reach.
    Public,
    /// Into a private network: RFC 1918, a provider's shared addresses (RFC 6598), unique local addresses (RFC 4193).
    Lan,
    /// To this machine.
    Loopback,
    /// To nothing that a call could be meant for.
    Forbidden,
}

/// What is not public of IPv4, with the bits of each prefix.
const IPV4: [(Ipv4Addr, u32, Kind); 16] = [
    (Ipv4Addr::new(127, 0, 0, 0), 8, Kind::Loopback),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Kind::Lan),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Kind::Lan),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Kind::Lan),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Kind::Lan),
    // This network, among them the unspecified address, by which Linux reaches itself.
    (Ipv4Addr::new(0, 0, 0, 0), 8, Kind::Forbidden),
    // Link-local, among them the metadata of clouds.
    (Ipv4Addr::new(169, 254, 0, 0), 16, Kind::Forbidden),
    // Protocol assignments.
    (Ipv4Addr::new(192, 0, 0, 0), 24, Kind::Forbidden),
    // Documentation.
    (Ipv4Addr::new(192, 0, 2, 0), 24, Kind::Forbidden),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Kind::Forbidden),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Kind::Forbidden),
    // The relays of 6to4, which are no more.
    (Ipv4Addr::new(192, 88, 99, 0), 24, Kind::Forbidden),
    // Benchmarking.
    (Ipv4Addr::new(198, 18, 0, 0), 15, Kind::Forbidden),
    // Multicast.
    (Ipv4Addr::new(224, 0, 0, 0), 4, Kind::Forbidden),
    // Reserved, and broadcast.
    (Ipv4Addr::new(240, 0, 0, 0), 4, Kind::Forbidden),
    (Ipv4Addr::BROADCAST, 32, Kind::Forbidden),
];

/// Of IPv6, the first prefix that holds an address decides. What is in none of them is forbidden, so that mapped, compatible,
/// translated, link-local, site-local and multicast addresses need no row.
const IPV6: [(Ipv6Addr, u32, Kind); 7] = [
    (Ipv6Addr::LOCALHOST, 128, Kind::Loopback),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, Kind::Lan),
    // Protocol assignments, among them Teredo, benchmarking and ORCHID.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, Kind::Forbidden),
    // Documentation.
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, Kind::Forbidden),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Kind::Forbidden),
    // 6to4 holds an address of IPv4, and no payment system is called by it.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, Kind::Forbidden),
    // What is assigned to machines.
    (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3, Kind::Public),
];

/// By which a network without IPv4 reaches it (RFC 6052): the last four bytes are the address that is meant.
const NAT64: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// Returns where an address leads.
pub fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

fn kind_v4(address: Ipv4Addr) -> Kind {
    let bits = u128::from(address.to_bits());
    let row = IPV4.iter().find(|(network, prefix, _)| begins_with(bits, u128::from(network.to_bits()), 32 - prefix));
    row.map_or(Kind::Public, |(_, _, kind)| *kind)
}

fn kind_v6(address: Ipv6Addr) -> Kind {
    let bits = address.to_bits();
    if begins_with(bits, NAT64.0.to_bits(), 128 - NAT64.1) {
        let [.., a, b, c, d] = address.octets();
        let is_public = kind_v4(Ipv4Addr::new(a, b, c, d)) == Kind::Public;
        return if is_public { Kind::Public } else { Kind::Forbidden };
    }
    let row = IPV6.iter().find(|(network, prefix, _)| begins_with(bits, network.to_bits(), 128 - prefix));
    row.map_or(Kind::Forbidden, |(_, _, kind)| *kind)
}

/// Compares what is left of two addresses without their last `free` bits.
fn begins_with(address: u128, network: u128, free: u32) -> bool {
    address.checked_shr(free) == network.checked_shr(free)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expect: Kind, addresses: &[&str]) {
        for address in addresses {
            assert_eq!(kind(address.parse().unwrap()), expect, "{address}");
        }
    }

    #[test]
    fn what_is_beside_a_forbidden_range_is_public() {
        check(
            Kind::Public,
            &["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0"],
        );
        check(Kind::Public, &["169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0"]);
        check(Kind::Public, &["192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"]);
        check(
            Kind::Public,
            &["2000::1", "2001:200::1", "2001:db7::1", "2001:db9::1", "2003::1", "2a00:1450::1", "3fff:1000::1"],
        );
        check(Kind::Public, &["64:ff9b::1.1.1.1"]);
    }

    #[test]
    fn ipv4_ranges_are_known_from_the_first_to_the_last_address() {
        check(Kind::Loopback, &["127.0.0.0", "127.0.0.1", "127.255.255.255"]);
        check(Kind::Lan, &["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"]);
        check(Kind::Lan, &["100.64.0.0", "100.127.255.255"]);
        check(Kind::Forbidden, &["0.0.0.0", "0.255.255.255", "169.254.0.0", "169.254.169.254", "169.254.255.255"]);
        check(Kind::Forbidden, &["192.0.0.0", "192.0.0.255", "192.0.2.0", "192.0.2.255", "192.88.99.0", "192.88.99.255"]);
        check(
            Kind::Forbidden,
            &["198.18.0.0", "198.19.255.255", "198.51.100.0", "198.51.100.255", "203.0.113.0", "203.0.113.255"],
        );
        check(Kind::Forbidden, &["224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.254", "255.255.255.255"]);
    }

    #[test]
    fn ipv6_is_public_only_where_machines_have_addresses() {
        check(Kind::Loopback, &["::1"]);
        check(Kind::Lan, &["fc00::", "fd00::1", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]);
        // Unspecified, compatible, mapped, translated.
        check(
            Kind::Forbidden,
            &["::", "::2", "::127.0.0.1", "::1.1.1.1", "::ffff:127.0.0.1", "::ffff:1.1.1.1", "::ffff:0:1.1.1.1"],
        );
        // Discard-only, local NAT64, segment routing, link-local, site-local, multicast.
        check(
            Kind::Forbidden,
            &["100::1", "64:ff9b:1::1.1.1.1", "5f00::1", "fe80::1", "febf::1", "fec0::1", "feff::1", "ff02::1"],
        );
        // Teredo, benchmarking, ORCHID, documentation, 6to4.
        check(Kind::Forbidden, &["2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:1ff::1", "2001:db8::1", "3fff::1"]);
        check(Kind::Forbidden, &["2002:7f00:1::1", "2002:a00:1::1", "2002:101:101::1", "1fff::1", "4000::1"]);
    }

    #[test]
    fn nat64_is_as_public_as_the_address_that_it_leads_to() {
        check(Kind::Forbidden, &["64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::0.0.0.0"]);
        check(Kind::Forbidden, &["64:ff9b::100.64.0.1", "64:ff9b::1:101:101"]);
    }
}
