//! Protection against password guessing: when a login may be attempted again.
//!
//! A failed login is counted three times, and each count delays the next attempt:
//!
//! - for the name and the address together, strictly: after 5 failures 1 s, then twice as long each time, up to 15 minutes;
//! - for the name from all addresses, so that using many addresses does not help: after 20 failures 1 s, up to a minute;
//! - for the address with all names, loosely, since an office shares one: after 50 failures 1 s, up to a minute.
//!
//! From an address where the name logged in before, only the first count applies. Therefore nobody elsewhere, and nobody in the
//! same office who guesses other names, can lock an operator out of their usual address. From other addresses, the right
//! password is accepted as soon as an attempt is due, after a minute at most. A count expires an hour after its last failure,
//! that of an address after ten minutes; the right password resets the first count. Unknown names are counted like known ones,
//! so that the answers do not reveal which names exist.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use host::network_of;

/// How a count delays the next attempt. Times are in seconds.
struct Rule {
    free_failures: u32,
    delay_max: u64,
    forgotten_after: u64,
}

const OF_PAIR: Rule = Rule { free_failures: 5, delay_max: 15 * 60, forgotten_after: 3600 };
const OF_NAME: Rule = Rule { free_failures: 20, delay_max: 60, forgotten_after: 3600 };
const OF_ADDRESS: Rule = Rule { free_failures: 50, delay_max: 60, forgotten_after: 600 };

/// How many names, addresses and pairs are remembered, of each kind. Above this number, those with the fewest failures are
/// forgotten.
const REMEMBERED_MAX: usize = 10_000;

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    /// Seconds since the epoch.
    last_at: u64,
}

impl Rule {
    /// Returns when the next attempt is due.
    fn due_at(&self, failures: Failures) -> u64 {
        match failures.count.checked_sub(self.free_failures) {
            None => 0,
            Some(beyond) => failures.last_at + 1_u64.checked_shl(beyond.min(30)).unwrap_or(u64::MAX).min(self.delay_max),
        }
    }
}

struct Counts<K> {
    rule: Rule,
    failures: HashMap<K, Failures>,
}

impl<K: Clone + Eq + Hash> Counts<K> {
    fn new(rule: Rule) -> Counts<K> {
        Counts { rule, failures: HashMap::new() }
    }

    fn due_at(&self, key: &K, now: u64) -> u64 {
        let failures = self.failures.get(key).filter(|failures| now < failures.last_at + self.rule.forgotten_after);
        failures.map_or(0, |failures| self.rule.due_at(*failures))
    }

    fn add(&mut self, key: K, now: u64) {
        if self.failures.len() >= REMEMBERED_MAX && !self.failures.contains_key(&key) {
            self.make_room(now);
        }
        let failures = self.failures.entry(key).or_insert(Failures { count: 0, last_at: now });
        if now >= failures.last_at + self.rule.forgotten_after {
            failures.count = 0;
        }
        *failures = Failures { count: failures.count.saturating_add(1), last_at: now };
    }

    fn make_room(&mut self, now: u64) {
        let forgotten_after = self.rule.forgotten_after;
        self.failures.retain(|_, failures| now < failures.last_at + forgotten_after);
        let mut fewest = 1;
        while self.failures.len() >= REMEMBERED_MAX {
            self.failures.retain(|_, failures| failures.count > fewest);
            fewest *= 2;
        }
    }

    /// Subtracts an attempt that turned out to be no failure.
    fn take_back(&mut self, key: &K) {
        if let Some(failures) = self.failures.get_mut(key) {
            failures.count = failures.count.saturating_sub(1);
        }
    }
}

/// The remembered failed logins.
pub struct Logins(Mutex<State>);

struct State {
    pairs: Counts<(String, IpAddr)>,
    names: Counts<String>,
    addresses: Counts<IpAddr>,
}

impl Default for Logins {
    fn default() -> Logins {
        Logins(Mutex::new(State {
            pairs: Counts::new(OF_PAIR),
            names: Counts::new(OF_NAME),
            addresses: Counts::new(OF_ADDRESS),
        }))
    }
}

impl Logins {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an attempt. It counts as failed until it succeeds, so that concurrent attempts are counted too. With `is_known`,
    /// the name logged in from this address before.
    ///
    /// # Errors
    /// The seconds until the next attempt is due.
    pub fn begin(&self, name: &str, address: IpAddr, is_known: bool, now: u64) -> Result<(), u64> {
        let address = network_of(address);
        let pair = (name.to_owned(), address);
        let mut state = self.state();
        let mut due_at = state.pairs.due_at(&pair, now);
        if !is_known {
            due_at = due_at.max(state.names.due_at(&pair.0, now)).max(state.addresses.due_at(&address, now));
        }
        if now < due_at {
            return Err(due_at - now);
        }
        state.names.add(pair.0.clone(), now);
        state.pairs.add(pair, now);
        state.addresses.add(address, now);
        Ok(())
    }

    /// Records that an attempt had the right password.
    pub fn succeed(&self, name: &str, address: IpAddr) {
        let address = network_of(address);
        let mut state = self.state();
        state.pairs.failures.remove(&(name.to_owned(), address));
        state.names.take_back(&name.to_owned());
        state.addresses.take_back(&address);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000;

    fn at(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    /// Returns how many of some simultaneous attempts are allowed.
    fn made(logins: &Logins, attempts: impl IntoIterator<Item = (&'static str, u32)>, now: u64) -> usize {
        attempts.into_iter().filter(|(name, address)| logins.begin(name, at(*address), false, now).is_ok()).count()
    }

    #[test]
    fn a_guesser_waits_twice_as_long_each_time() {
        let logins = Logins::default();
        assert_eq!(made(&logins, [("anna", 1); 60], NOW), 5);
        let mut now = NOW;
        let mut waits = Vec::new();
        for _ in 0..14 {
            let wait = logins.begin("anna", at(1), false, now).unwrap_err();
            now += wait;
            waits.push(wait);
            logins.begin("anna", at(1), false, now).unwrap();
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
        assert!(logins.begin("anna", at(1), false, now + 3600).is_ok(), "the count expires");
        assert_eq!(made(&logins, [("anna", 1); 60], now + 3601), 4);
    }

    #[test]
    fn many_addresses_are_no_way_around() {
        let logins = Logins::default();
        let everywhere = || (1000..1060).map(|address| ("anna", address));
        assert_eq!(made(&logins, everywhere(), NOW), 20);
        let made_in_an_hour: usize = (1..=3600).map(|second| made(&logins, everywhere(), NOW + second)).sum();
        assert!((60..80).contains(&made_in_an_hour), "{made_in_an_hour}");
        // An operator who logged in from there before is let in at once, another one within a minute.
        assert!(logins.begin("anna", at(7), true, NOW + 3600).is_ok());
        assert!(logins.begin("anna", at(8), false, NOW + 3600).unwrap_err() <= 60);
        assert!(logins.begin("boris", at(8), false, NOW + 3600).is_ok());
    }

    #[test]
    fn a_guesser_does_not_lock_out_his_office() {
        let logins = Logins::default();
        assert_eq!(made(&logins, [("anna", 1); 60], NOW), 5);
        assert!(logins.begin("boris", at(1), false, NOW).is_ok());
        // The same with many names: an operator who logged in from there before does not wait.
        let names = ["c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m"];
        let attempts = names.into_iter().flat_map(|name| [(name, 1); 5]);
        assert_eq!(made(&logins, attempts, NOW), 44);
        assert!(logins.begin("vera", at(1), false, NOW).unwrap_err() <= 60);
        assert!(logins.begin("vera", at(1), true, NOW).is_ok());
    }

    #[test]
    fn the_right_password_is_no_failure() {
        let logins = Logins::default();
        for _ in 0..1000 {
            logins.begin("anna", at(1), false, NOW).unwrap();
            logins.succeed("anna", at(1));
        }
        assert_eq!(made(&logins, [("anna", 1); 60], NOW), 5);
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let logins = Logins::default();
        let address = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 0, 1, 2, 3, last]);
        let made = (0..60).filter(|last| logins.begin("anna", address(*last), false, NOW).is_ok()).count();
        assert_eq!(made, 5);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let logins = Logins::default();
        assert_eq!(made(&logins, [("anna", 1); 60], NOW), 5);
        for number in 0..40_000 {
            logins.begin(&format!("n{number}"), at(100 + number), false, NOW).unwrap_or_default();
        }
        let state = logins.state();
        let counts = [state.pairs.failures.len(), state.names.failures.len(), state.addresses.failures.len()];
        assert!(counts.iter().all(|count| *count <= REMEMBERED_MAX), "{counts:?}");
        assert_eq!(
            state.pairs.due_at(&("anna".to_owned(), at(1)), NOW),
            NOW + 1,
            "those with the most failures are remembered longest"
        );
    }
}
