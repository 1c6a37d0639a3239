//! Callbacks that prove nothing by themselves, so that anybody can send one and have the host ask the payment system about it.
//! Few of them have calls made at once, and equal ones are judged once.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::callback_result::Answered;
use crate::error::HostError;
use crate::rate::Rate;

/// How many callbacks of a provider have calls made at once. Genuine ones are few: one for each payment.
const RUNNING_MAX: usize = 4;
/// How many of these one network has, so that another one need not wait for it.
const RUNNING_OF_NETWORK_MAX: usize = 3;
/// How many more wait for these. A payment system does not wait for the reply for long, and sends the callback again.
const WAITING_MAX: usize = 8;
/// How many of both one network has, so that whoever floods this host leaves room for the payment system.
const OF_NETWORK_MAX: usize = 6;
/// How many are looked up in a second: the payment system would block a key with which it is asked without end.
const A_SECOND_MAX: u32 = 20;
/// How many of these are from one network.
const A_SECOND_OF_NETWORK_MAX: u32 = 10;
/// How many seconds' worth may come at once.
const BURST_SECONDS: u32 = 2;
/// Above how many networks those are forgotten that have not come lately.
const NETWORKS_MAX: usize = 1_024;

/// Returns the network by which a caller is counted: for IPv6 the /64 network, all of which one client may use.
pub fn network_of(address: IpAddr) -> IpAddr {
    network(address, 64, 32)
}

/// Returns the network by which a caller is counted that proves nothing: all that one customer of a provider may have, for IPv6 the
/// /48 network and for IPv4 the /24 network. Who pays in a neighbour's network is not refused by it: a payment system sends these.
pub fn wide_network_of(address: IpAddr) -> IpAddr {
    network(address, 48, 24)
}

fn network(address: IpAddr, bits_of_v6: u32, bits_of_v4: u32) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << (128 - bits_of_v6)))),
        IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & (u32::MAX << (32 - bits_of_v4)))),
    }
}

/// The digest of a callback. Equal callbacks have the same.
pub type CallbackDigest = [u8; 32];

/// What waits for the result of an equal callback.
type Waiter = Box<dyn FnOnce(Result<Answered, HostError>) + Send>;
/// What goes on with a permit, or without one if it is turned away after all.
type Admitted = Box<dyn FnOnce(Option<LookupPermit>) + Send>;

/// The unproved callbacks of a provider that are under way.
#[derive(Default)]
pub struct Lookups(Mutex<State>);

#[derive(Default)]
struct State {
    /// What waits for each callback that is being judged.
    judged: BTreeMap<CallbackDigest, Vec<Waiter>>,
    /// Those that wait for a permit, with their networks.
    waiting: VecDeque<(IpAddr, Admitted)>,
    networks: BTreeMap<IpAddr, OfNetwork>,
    rate: Rate,
}

/// The callbacks of a network.
#[derive(Default)]
struct OfNetwork {
    /// How many have a permit.
    running: usize,
    /// How many wait for one.
    waiting: usize,
    rate: Rate,
}

impl OfNetwork {
    fn all(&self) -> usize {
        self.running + self.waiting
    }
}

fn with_one(rate: Rate, now: Instant, a_second_max: u32) -> Option<Rate> {
    rate.with_one(now, Duration::from_secs(1) / a_second_max, a_second_max * BURST_SECONDS)
}

impl State {
    fn running(&self) -> usize {
        self.networks.values().map(|network| network.running).sum()
    }

    fn may_run(&self, network: IpAddr) -> bool {
        self.running() < RUNNING_MAX && self.networks.get(&network).is_none_or(|of| of.running < RUNNING_OF_NETWORK_MAX)
    }

    /// Counts one more of a network, if the rates allow it.
    fn count(&mut self, network: IpAddr, now: Instant) -> bool {
        if self.networks.len() >= NETWORKS_MAX {
            self.networks.retain(|_, of| of.all() > 0 || !of.rate.is_idle(now));
        }
        let of_network = self.networks.get(&network).map(|of| of.rate).unwrap_or_default();
        let rates = (with_one(self.rate, now, A_SECOND_MAX), with_one(of_network, now, A_SECOND_OF_NETWORK_MAX));
        let (Some(rate), Some(of_network)) = rates else { return false };
        self.rate = rate;
        self.networks.entry(network).or_default().rate = of_network;
        true
    }

    /// Takes the last one that waits of the network that has the most, if that is more than a newcomer's network would have.
    fn take_place(&mut self, newcomer: IpAddr) -> Option<Admitted> {
        let own = self.networks.get(&newcomer).map_or(0, OfNetwork::all) + 1;
        let of = |network: &IpAddr| self.networks.get(network).map_or(0, OfNetwork::all);
        let (at, _) = self.waiting.iter().enumerate().max_by_key(|(_, (network, _))| of(network))?;
        let (network, _) = self.waiting.get(at).filter(|(network, _)| of(network) > own)?;
        let network = *network;
        let (_, admitted) = self.waiting.remove(at)?;
        self.networks.entry(network).or_default().waiting -= 1;
        Some(admitted)
    }
}

/// Whether a callback may have calls made.
pub enum Admission<C> {
    /// Now, while it holds the permit.
    Now(C, LookupPermit),
    /// Later. It was taken, and goes on by itself.
    Later,
    /// No: too many others wait.
    Refused(C),
}

/// A permit to have calls made. It is released when dropped.
pub struct LookupPermit {
    lookups: Arc<Lookups>,
    network: IpAddr,
}

/// A callback that is being judged, and for which equal ones wait. If it is dropped without a result, they are dropped too.
pub struct JudgedOnce {
    lookups: Arc<Lookups>,
    digest: CallbackDigest,
}

impl Lookups {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the callback if it is to be judged. If an equal one is being judged, it waits for that one's result, which goes to
    /// what `wait` returns.
    pub fn judge_once<C>(
        self: &Arc<Lookups>,
        digest: CallbackDigest,
        callback: C,
        wait: impl FnOnce(C) -> Waiter,
    ) -> Option<(C, JudgedOnce)> {
        let mut state = self.state();
        if let Some(waiters) = state.judged.get_mut(&digest) {
            waiters.push(wait(callback));
            return None;
        }
        state.judged.insert(digest, Vec::new());
        Some((callback, JudgedOnce { lookups: self.clone(), digest }))
    }

    /// Admits a callback of a network that wants a call made. One that has to wait is passed to `later`: with its permit, or
    /// without one if it lost its place to a network with fewer.
    pub fn admit<C: Send + 'static>(
        self: &Arc<Lookups>,
        network: IpAddr,
        now: Instant,
        callback: C,
        later: impl FnOnce(C, Option<LookupPermit>) + Send + 'static,
    ) -> Admission<C> {
        let mut state = self.state();
        if state.networks.get(&network).is_some_and(|of| of.all() >= OF_NETWORK_MAX) || !state.count(network, now) {
            return Admission::Refused(callback);
        }
        if state.may_run(network) {
            state.networks.entry(network).or_default().running += 1;
            return Admission::Now(callback, LookupPermit { lookups: self.clone(), network });
        }
        let displaced = if state.waiting.len() < WAITING_MAX { None } else { state.take_place(network) };
        if state.waiting.len() >= WAITING_MAX {
            return Admission::Refused(callback);
        }
        state.networks.entry(network).or_default().waiting += 1;
        state.waiting.push_back((network, Box::new(move |permit| later(callback, permit))));
        // Without its lock: what is turned away may begin something here.
        drop(state);
        if let Some(displaced) = displaced {
            displaced(None);
        }
        Admission::Later
    }
}

impl Drop for LookupPermit {
    fn drop(&mut self) {
        let mut state = self.lookups.state();
        state.networks.entry(self.network).or_default().running -= 1;
        let next = state.waiting.iter().position(|(network, _)| state.may_run(*network));
        let next = next.and_then(|at| state.waiting.remove(at));
        if let Some((network, _)) = &next {
            let of = state.networks.entry(*network).or_default();
            (of.waiting, of.running) = (of.waiting - 1, of.running + 1);
        }
        drop(state);
        if let Some((network, next)) = next {
            next(Some(LookupPermit { lookups: self.lookups.clone(), network }));
        }
    }
}

impl JudgedOnce {
    /// Passes the result to all that waited for it.
    pub fn end(self, result: &Result<Answered, HostError>) {
        for waiter in self.take_waiters() {
            waiter(result.clone());
        }
    }

    fn take_waiters(&self) -> Vec<Waiter> {
        self.lookups.state().judged.remove(&self.digest).unwrap_or_default()
    }
}

impl Drop for JudgedOnce {
    fn drop(&mut self) {
        // Without its lock: what is dropped may begin something here.
        drop(self.take_waiters());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    fn network_number(number: usize) -> IpAddr {
        IpAddr::from([198, 51, u8::try_from(number).unwrap(), 0])
    }

    /// Callbacks that were admitted, and what became of those that waited.
    struct Flow {
        lookups: Arc<Lookups>,
        now: Instant,
        permits: Vec<(usize, LookupPermit)>,
        later: Receiver<(usize, Option<LookupPermit>)>,
        sender: Sender<(usize, Option<LookupPermit>)>,
    }

    impl Flow {
        fn new() -> Flow {
            let (sender, later) = channel();
            Flow { lookups: Arc::default(), now: Instant::now(), permits: Vec::new(), later, sender }
        }

        /// Returns how it was admitted: `now`, `later` or `no`.
        fn admit(&mut self, network: usize) -> &'static str {
            let sender = self.sender.clone();
            // At the end of a test nobody receives it.
            let later = move |number, permit| drop(sender.send((number, permit)));
            match self.lookups.admit(network_number(network), self.now, network, later) {
                Admission::Now(number, permit) => {
                    self.permits.push((number, permit));
                    "now"
                }
                Admission::Later => "later",
                Admission::Refused(_) => "no",
            }
        }

        /// Returns the networks of those that go on after having waited, and of those that lost their places.
        fn went_on(&mut self) -> (Vec<usize>, Vec<usize>) {
            let (mut with, mut without) = (Vec::new(), Vec::new());
            for (number, permit) in self.later.try_iter() {
                match permit {
                    Some(permit) => {
                        with.push(number);
                        self.permits.push((number, permit));
                    }
                    None => without.push(number),
                }
            }
            (with, without)
        }

        fn end_one_of(&mut self, network: usize) {
            let at = self.permits.iter().position(|(number, _)| *number == network).unwrap();
            drop(self.permits.remove(at));
        }
    }

    fn unavailable() -> Result<Answered, HostError> {
        Err(HostError::invalid("the result"))
    }

    #[test]
    fn few_run_and_few_wait() {
        let mut flow = Flow::new();
        for number in 0..RUNNING_MAX + WAITING_MAX + 1 {
            let expect = match number {
                0..RUNNING_MAX => "now",
                number if number < RUNNING_MAX + WAITING_MAX => "later",
                _ => "no",
            };
            assert_eq!(flow.admit(number), expect, "{number}");
        }
        // Each that ends lets the next in, in the order of arrival.
        for next in RUNNING_MAX..RUNNING_MAX + WAITING_MAX {
            flow.end_one_of(next - RUNNING_MAX);
            assert_eq!(flow.went_on(), (vec![next], vec![]));
        }
        flow.permits.clear();
        assert_eq!(flow.lookups.state().running(), 0);
        assert!(flow.lookups.state().waiting.is_empty());
    }

    #[test]
    fn one_network_leaves_room_for_others() {
        let mut flow = Flow::new();
        let admitted: Vec<_> = (0..OF_NETWORK_MAX + 1).map(|_| flow.admit(1)).collect();
        assert_eq!(admitted, ["now", "now", "now", "later", "later", "later", "no"]);
        assert_eq!((flow.admit(2), flow.admit(2)), ("now", "later"), "another one does not wait for it");
        flow.end_one_of(1);
        assert_eq!(flow.went_on(), (vec![1], vec![]));
        flow.end_one_of(2);
        assert_eq!(flow.went_on(), (vec![2], vec![]), "the place for others is theirs");
    }

    #[test]
    fn a_flood_of_several_networks_makes_room_for_another() {
        let mut flow = Flow::new();
        for _ in 0..OF_NETWORK_MAX {
            flow.admit(1);
        }
        for _ in 0..OF_NETWORK_MAX {
            flow.admit(2);
        }
        assert_eq!(flow.lookups.state().waiting.len(), WAITING_MAX);
        assert_eq!((flow.admit(2), flow.admit(3)), ("no", "later"));
        assert_eq!(flow.went_on().1.len(), 1, "one of a network with more lost its place");
        assert_eq!(flow.lookups.state().waiting.len(), WAITING_MAX);
    }

    #[test]
    fn no_more_are_looked_up_than_the_rates_allow() {
        let mut flow = Flow::new();
        let in_a_moment = |flow: &mut Flow, networks: &[usize]| {
            let count = |network: &usize| {
                let is_admitted = flow.admit(*network) == "now";
                flow.permits.clear();
                is_admitted
            };
            networks.iter().cycle().take(200).map(count).filter(|is_admitted| *is_admitted).count()
        };
        assert_eq!(in_a_moment(&mut flow, &[1]), 20);
        assert_eq!(in_a_moment(&mut flow, &[2]), 20, "one network leaves as many to others");
        assert_eq!(in_a_moment(&mut flow, &[3, 4, 5]), 0);
        flow.now += Duration::from_secs(1);
        assert_eq!(in_a_moment(&mut flow, &[1]), 10);
        assert_eq!(in_a_moment(&mut flow, &[3, 4, 5]), 10);
        flow.now += Duration::from_secs(60);
        assert_eq!(in_a_moment(&mut flow, &[1, 2, 3, 4]), 40);
    }

    #[test]
    fn one_customer_has_one_network() {
        let wide = |address: &str| wide_network_of(address.parse().unwrap()).to_string();
        assert_eq!(wide("203.0.113.7"), "203.0.113.0");
        assert_eq!(wide("::ffff:203.0.113.7"), "203.0.113.0");
        assert_eq!(wide("2a02:1234:1:ffff::1"), "2a02:1234:1::");
        assert_eq!(network_of("203.0.113.7".parse().unwrap()).to_string(), "203.0.113.7");
        assert_eq!(network_of("2a02:1234:1:ffff::1".parse().unwrap()).to_string(), "2a02:1234:1:ffff::");
    }

    #[test]
    fn equal_callbacks_share_one_result() {
        let lookups = Arc::new(Lookups::default());
        let (sender, results) = channel();
        let begin = |digest: u8, number: u32| {
            let sender = sender.clone();
            lookups.judge_once([digest; 32], number, |number| {
                Box::new(move |result: Result<Answered, HostError>| sender.send((number, result.is_err())).unwrap())
            })
        };
        let (first, other) = (begin(1, 1).unwrap().1, begin(2, 2).unwrap().1);
        assert!(begin(1, 3).is_none() && begin(1, 4).is_none());
        assert!(results.try_recv().is_err());
        first.end(&unavailable());
        assert_eq!(results.try_iter().collect::<Vec<_>>(), [(3, true), (4, true)]);
        other.end(&unavailable());
        assert!(results.try_recv().is_err());
        // What comes later is judged anew, also after one that ended without a result.
        let dropped = begin(1, 5).unwrap();
        assert!(begin(1, 6).is_none());
        drop(dropped);
        assert!(begin(1, 7).is_some());
        assert!(results.try_recv().is_err());
    }
}
