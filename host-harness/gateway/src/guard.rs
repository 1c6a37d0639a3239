//! Who may call from outside, and how often.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;

use axum::http::{HeaderMap, HeaderName, StatusCode};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;

use crate::problem::Problem;

/// Attempts to log in, by address: a person does not need more.
const LOGINS_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

/// The limits of what comes from outside.
pub struct Guard {
    callbacks: Option<DefaultKeyedRateLimiter<IpAddr>>,
    logins: DefaultKeyedRateLimiter<IpAddr>,
    proxy_header: Option<HeaderName>,
    sources: BTreeMap<String, Vec<IpNet>>,
}

impl Guard {
    /// `callback_rate` is callbacks per second and address, with twice that at once; none: any number.
    pub fn new(
        callback_rate: Option<NonZeroU32>,
        proxy_header: Option<HeaderName>,
        sources: BTreeMap<String, Vec<IpNet>>,
    ) -> Guard {
        let quota =
            |rate: NonZeroU32| Quota::per_second(rate).allow_burst(rate.saturating_mul(NonZeroU32::MIN.saturating_add(1)));
        Guard {
            callbacks: callback_rate.map(|rate| RateLimiter::keyed(quota(rate))),
            logins: RateLimiter::keyed(Quota::per_minute(LOGINS_PER_MINUTE)),
            proxy_header,
            sources,
        }
    }

    /// Where a request comes from: the peer, or what the trusted proxy says, which adds the address that it saw at the end of its
    /// header.
    pub fn address(&self, headers: &HeaderMap, peer: SocketAddr) -> IpAddr {
        let told = self.proxy_header.as_ref().and_then(|name| headers.get_all(name).iter().next_back());
        let told = told.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
        told.unwrap_or(peer.ip()).to_canonical()
    }

    /// Whether a provider's callbacks may come from an address.
    pub fn is_source(&self, provider: &str, address: IpAddr) -> bool {
        self.sources.get(provider).is_none_or(|nets| nets.iter().any(|net| net.contains(&address)))
    }

    /// # Errors
    /// 429 where an address calls too often.
    pub fn callback(&self, address: IpAddr) -> Result<(), Problem> {
        self.callbacks.as_ref().map_or(Ok(()), |limiter| limited(limiter, address))
    }

    /// # Errors
    /// 429 where an address tries to log in too often.
    pub fn login(&self, address: IpAddr) -> Result<(), Problem> {
        limited(&self.logins, address)
    }

    /// Forgets addresses that have not called for a while.
    pub fn forget(&self) {
        self.logins.retain_recent();
        if let Some(callbacks) = &self.callbacks {
            callbacks.retain_recent();
        }
    }
}

fn limited(limiter: &DefaultKeyedRateLimiter<IpAddr>, address: IpAddr) -> Result<(), Problem> {
    limiter.check_key(&network(address)).map_err(|until| {
        let seconds = until.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many requests from this address; wait a little")
            .with_retry_after(seconds)
    })
}

/// Whoever has one address of IPv6 has the 64 bits below it.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::*;

    fn guard(rate: u32, header: Option<&str>, source: &str) -> Guard {
        let sources = BTreeMap::from([("a".to_owned(), vec![source.parse().unwrap()])]);
        Guard::new(NonZeroU32::new(rate), header.map(|name| name.parse().unwrap()), sources)
    }

    #[test]
    fn the_trusted_proxy_says_where_a_request_comes_from() {
        let peer = "10.0.0.1:9".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "1.1.1.1".parse().unwrap());
        headers.append("x-forwarded-for", "2.2.2.2, 203.0.113.7".parse().unwrap());
        let address = |header, headers: &HeaderMap| guard(0, header, "10.0.0.0/8").address(headers, peer).to_string();
        assert_eq!(address(None, &headers), "10.0.0.1", "nobody is believed who is not named");
        assert_eq!(address(Some("x-forwarded-for"), &headers), "203.0.113.7", "what the proxy itself added");
        assert_eq!(address(Some("x-real-ip"), &headers), "10.0.0.1");
        headers.append("x-forwarded-for", "nonsense".parse().unwrap());
        assert_eq!(address(Some("x-forwarded-for"), &headers), "10.0.0.1");
    }

    #[test]
    fn a_provider_with_a_list_takes_callbacks_from_it_alone() {
        let guard = guard(0, None, "203.0.113.0/28");
        let is_source = |provider, address: &str| guard.is_source(provider, address.parse().unwrap());
        assert!(is_source("a", "203.0.113.15") && !is_source("a", "203.0.113.16") && is_source("b", "203.0.113.16"));
    }

    #[test]
    fn each_address_has_its_own_rate() {
        let guard = guard(5, None, "10.0.0.0/8");
        let calls = |address: &str| (0..20).filter(|_| guard.callback(address.parse().unwrap()).is_ok()).count();
        // A second may pass meanwhile.
        assert!((10..20).contains(&calls("10.0.0.1")));
        assert!((10..20).contains(&calls("2001:db8::1")));
        assert!(calls("2001:db8::2") < 10, "the same network");
        assert!((10..20).contains(&calls("10.0.0.2")));
    }
}
