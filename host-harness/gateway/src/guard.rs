//! Limits for clients: how often requests may be made.
//!
//! A forger must not be able to limit genuine callbacks, even if both come from the address of one web server. Therefore a
//! callback counts against its address's rate only after the provider refused it, and no callback is rejected before. The
//! callbacks of an address above its rate are processed in a separate lane with a bounded share of the threads (see the host's
//! call pool), so that a flood from one address does not delay callbacks from others. A genuine callback in the flood waits in
//! that lane for at most as many calls as there are connections, about 33 µs each, and is credited. Only refused callbacks are
//! answered with 429.
//!
//! Callbacks that only an answer of the payment system proves are the exception: each costs a call with the merchant's key before
//! anybody knows whether it is genuine. Those of a network above the rate are answered with 429 before a call is made, so that
//! here a forger limits the genuine ones of the same network. It is a wide one, since a customer of a provider has many addresses.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, StatusCode};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use host::{Lane, network_of, wide_network_of};

use crate::forwarded::Forwarded;
use crate::problem::Problem;

/// How long an address's callbacks stay in the suspects' lane after the address exceeded its rate.
const SUSPECT_TIME: Duration = Duration::from_secs(10);
/// How many orders an account's cabinet may create per minute from one address. It is also the burst size.
const TOP_UPS_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(19);

/// The limits for clients.
pub struct Guard {
    forwarded: Forwarded,
    refused: Option<DefaultKeyedRateLimiter<IpAddr>>,
    suspects: Suspects,
    /// Of callbacks that were looked up, or are not any more, by wide networks.
    looked_up: Option<DefaultKeyedRateLimiter<IpAddr>>,
    flooding: Suspects,
    top_ups: DefaultKeyedRateLimiter<(String, IpAddr)>,
}

impl Guard {
    /// `refused_rate` is the limit of refused callbacks per second and address, with a burst of twice that; `None` for no
    /// limit.
    pub fn new(refused_rate: Option<NonZeroU32>, forwarded: Forwarded) -> Guard {
        let quota =
            |rate: NonZeroU32| Quota::per_second(rate).allow_burst(rate.saturating_mul(NonZeroU32::MIN.saturating_add(1)));
        Guard {
            forwarded,
            refused: refused_rate.map(|rate| RateLimiter::keyed(quota(rate))),
            suspects: Suspects::default(),
            looked_up: refused_rate.map(|rate| RateLimiter::keyed(quota(rate))),
            flooding: Suspects::default(),
            top_ups: RateLimiter::keyed(Quota::per_minute(TOP_UPS_PER_MINUTE)),
        }
    }

    /// Returns the client address of a request; see [`Forwarded`].
    pub fn address(&self, headers: &HeaderMap, peer: SocketAddr) -> IpAddr {
        self.forwarded.address(headers, peer)
    }

    /// Reports whether a connection is a web server's, which carries the requests of many clients.
    pub fn is_proxy(&self, peer: IpAddr) -> bool {
        self.forwarded.is_proxy(peer)
    }

    /// Returns the lane for an address's callbacks.
    pub fn lane(&self, address: IpAddr) -> Lane {
        if self.suspects.contains(network_of(address)) { Lane::Suspects } else { Lane::Main }
    }

    /// Counts a refused callback.
    ///
    /// # Errors
    /// 429 if the address has exceeded its rate.
    pub fn refused(&self, address: IpAddr) -> Result<(), Problem> {
        let Some(limiter) = &self.refused else { return Ok(()) };
        let address = network_of(address);
        limited(limiter, &address).inspect_err(|_| self.suspects.add(address))
    }

    /// Admits a callback that only an answer of the payment system proves, before that is asked.
    ///
    /// # Errors
    /// 429 if its network has exceeded the rate of refused ones lately.
    pub fn require_lookup(&self, address: IpAddr) -> Result<(), Problem> {
        let is_flooding = self.flooding.contains(wide_network_of(address));
        if is_flooding { Err(too_many(SUSPECT_TIME.as_secs())) } else { Ok(()) }
    }

    /// Counts a callback that was looked up and refused, or turned away as one of too many.
    pub fn count_lookup(&self, address: IpAddr) {
        let network = wide_network_of(address);
        if self.looked_up.as_ref().is_some_and(|limiter| limiter.check_key(&network).is_err()) {
            self.flooding.add(network);
        }
    }

    /// Counts an order from an account's cabinet. The count is separate from that of callbacks, which may come through the same
    /// web server.
    ///
    /// # Errors
    /// 429 if there are too many.
    pub fn top_up(&self, account: &str, address: IpAddr) -> Result<(), Problem> {
        limited(&self.top_ups, &(account.to_owned(), network_of(address)))
    }

    /// Forgets addresses that have been idle for a while.
    pub fn evict_idle(&self) {
        self.top_ups.retain_recent();
        self.suspects.evict_idle();
        self.flooding.evict_idle();
        [&self.refused, &self.looked_up].into_iter().flatten().for_each(|limiter| limiter.retain_recent());
    }
}

fn limited<K: Clone + Eq + std::hash::Hash>(limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<(), Problem> {
    limiter.check_key(key).map_err(|until| too_many(until.wait_time_from(DefaultClock::default().now()).as_secs() + 1))
}

/// Returns a 429 problem that says after how many seconds to retry.
pub fn too_many(seconds: u64) -> Problem {
    let detail = "too many requests from this address; try again later";
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).with_retry_after(seconds);
    problem.in_russian("Запросов слишком много: подождите и попробуйте ещё раз.")
}

/// The networks that recently exceeded their rate, and when each is forgotten.
#[derive(Default)]
struct Suspects {
    until: Mutex<HashMap<IpAddr, Instant>>,
    /// The number of networks. It is mostly 0, and then nobody waits for the lock.
    count: AtomicUsize,
}

impl Suspects {
    fn add(&self, network: IpAddr) {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.insert(network, Instant::now() + SUSPECT_TIME);
        self.count.store(until.len(), Ordering::Relaxed);
    }

    fn contains(&self, network: IpAddr) -> bool {
        self.count.load(Ordering::Relaxed) > 0
            && self
                .until
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&network)
                .is_some_and(|until| *until > Instant::now())
    }

    fn evict_idle(&self) {
        let now = Instant::now();
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.retain(|_, until| *until > now);
        self.count.store(until.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::*;

    fn guard(rate: u32) -> Guard {
        Guard::new(NonZeroU32::new(rate), Forwarded::new(None, Vec::new()))
    }

    #[test]
    fn each_address_has_its_own_rate_of_refused_callbacks() {
        let guard = guard(5);
        let calls = |address: &str| (0..20).filter(|_| guard.refused(address.parse().unwrap()).is_ok()).count();
        let lane = |address: &str| guard.lane(address.parse().unwrap());
        assert_eq!(lane("10.0.0.1"), Lane::Main);
        // Up to a second may pass between the calls.
        assert!((10..20).contains(&calls("10.0.0.1")));
        assert!((10..20).contains(&calls("2001:db8::1")));
        assert!(calls("2001:db8::2") < 10, "the same network");
        assert!((10..20).contains(&calls("10.0.0.2")));
        assert_eq!((lane("10.0.0.1"), lane("2001:db8::3"), lane("10.0.0.3")), (Lane::Suspects, Lane::Suspects, Lane::Main));
        guard.evict_idle();
        assert_eq!(lane("10.0.0.1"), Lane::Suspects, "it stays a suspect for a while");
    }

    #[test]
    fn a_wide_network_above_the_rate_has_nothing_looked_up() {
        for (forgers, others) in
            [(["203.0.113.1", "203.0.113.200"], "203.0.114.1"), (["2a02:1234:1:1::1", "2a02:1234:1:ff::1"], "2a02:1234:2::1")]
        {
            let guard = guard(5);
            let is_admitted = |address: &str| guard.require_lookup(address.parse().unwrap()).is_ok();
            assert!(forgers.into_iter().all(is_admitted));
            for forger in forgers.iter().cycle().take(20) {
                guard.count_lookup(forger.parse().unwrap());
            }
            assert!(!forgers.into_iter().any(is_admitted) && is_admitted(others));
        }
        let unlimited = guard(0);
        (0..100).for_each(|_| unlimited.count_lookup([203, 0, 113, 1].into()));
        assert!(unlimited.require_lookup([203, 0, 113, 1].into()).is_ok());
    }

    #[test]
    fn a_cabinet_spends_nobody_elses_rate() {
        let guard = guard(5);
        let top_ups = |account: &str| (0..100).filter(|_| guard.top_up(account, [10, 0, 0, 1].into()).is_ok()).count();
        assert!((20..100).contains(&top_ups("1")) && (20..100).contains(&top_ups("2")));
        assert!(guard.refused([10, 0, 0, 1].into()).is_ok());
    }
}
