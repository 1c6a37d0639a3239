//! How many callbacks of a provider one network has stored that are proved and cannot be resolved. Whoever has seen one genuine
//! callback makes any number of others by changing what its proof does not cover, and each would be stored anew.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::lookups::wide_network_of;
use crate::rate::Rate;

/// How many a network has stored at once, and after how long one more. A payment system sends again what it is not let store, and
/// the others of a provider do not wait for it.
const BURST_MAX: u32 = 100;
const ONE_MORE_AFTER: Duration = Duration::from_secs(60);
/// Above how many networks those are forgotten that have not come lately.
const NETWORKS_MAX: usize = 1_024;

/// The rates of a provider's networks.
#[derive(Default)]
pub struct UnrecognizedRates(Mutex<BTreeMap<IpAddr, Rate>>);

impl UnrecognizedRates {
    /// Reports whether an address may have one more stored, and counts it.
    pub fn admit(&self, address: IpAddr, now: Instant) -> bool {
        let mut rates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if rates.len() >= NETWORKS_MAX {
            rates.retain(|_, rate| !rate.is_idle(now));
        }
        let rate = rates.entry(wide_network_of(address)).or_default();
        match rate.with_one(now, ONE_MORE_AFTER, BURST_MAX) {
            Some(one_more) => {
                *rate = one_more;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_does_not_take_the_room_of_others() {
        let (rates, now) = (UnrecognizedRates::default(), Instant::now());
        let stored = |network: u8, now| (0..200).filter(|at| rates.admit([203, 0, network, *at].into(), now)).count();
        assert_eq!((stored(1, now), stored(1, now)), (100, 0));
        assert_eq!(stored(2, now), 100);
        assert_eq!(stored(1, now + ONE_MORE_AFTER * 3), 3);
    }
}
