//! Callbacks that prove nothing by themselves, so that anybody can send one and have the host ask the payment system about it.
//! Few of them have calls made at once, and equal ones are judged once.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::callback_result::Answered;
use crate::error::HostError;

/// How many callbacks of a provider have calls made at once. Genuine ones are few: one for each payment.
const RUNNING_MAX: usize = 4;
/// How many more wait for these. A payment system does not wait for the reply for long, and sends the callback again.
const WAITING_MAX: usize = 8;
/// How many of both one network has, so that whoever floods this host leaves room for the payment system.
const OF_NETWORK_MAX: usize = 6;

/// Returns the network by which a caller is counted: for IPv6 the /64 network, all of which one client may use.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 => v4,
    }
}

/// The digest of a callback. Equal callbacks have the same.
pub type CallbackDigest = [u8; 32];

/// What waits for the result of an equal callback.
type Waiter = Box<dyn FnOnce(Result<Answered, HostError>) + Send>;
type Admitted = Box<dyn FnOnce(LookupPermit) + Send>;

/// The unproved callbacks of a provider that are under way.
#[derive(Default)]
pub struct Lookups(Mutex<State>);

#[derive(Default)]
struct State {
    /// What waits for each callback that is being judged.
    judged: BTreeMap<CallbackDigest, Vec<Waiter>>,
    /// How many have a permit.
    running: usize,
    /// Those that wait for one, with their networks.
    waiting: VecDeque<(IpAddr, Admitted)>,
    /// How many of each network run and wait.
    of_networks: BTreeMap<IpAddr, usize>,
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

    /// Admits a callback of a network that wants a call made. One that has to wait is passed to `later` with its permit.
    pub fn admit<C: Send + 'static>(
        self: &Arc<Lookups>,
        network: IpAddr,
        callback: C,
        later: impl FnOnce(C, LookupPermit) + Send + 'static,
    ) -> Admission<C> {
        let mut state = self.state();
        let is_waiting = state.running >= RUNNING_MAX;
        let of_network = state.of_networks.get(&network).copied().unwrap_or_default();
        if of_network >= OF_NETWORK_MAX || (is_waiting && state.waiting.len() >= WAITING_MAX) {
            return Admission::Refused(callback);
        }
        state.of_networks.insert(network, of_network + 1);
        if is_waiting {
            state.waiting.push_back((network, Box::new(move |permit| later(callback, permit))));
            return Admission::Later;
        }
        state.running += 1;
        Admission::Now(callback, LookupPermit { lookups: self.clone(), network })
    }
}

impl Drop for LookupPermit {
    fn drop(&mut self) {
        let mut state = self.lookups.state();
        let next = state.waiting.pop_front();
        if next.is_none() {
            state.running -= 1;
        }
        if let Entry::Occupied(mut of_network) = state.of_networks.entry(self.network) {
            *of_network.get_mut() -= 1;
            if *of_network.get() == 0 {
                of_network.remove();
            }
        }
        drop(state);
        if let Some((network, next)) = next {
            next(LookupPermit { lookups: self.lookups.clone(), network });
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
    use std::sync::mpsc::channel;

    use super::*;

    fn network(number: usize) -> IpAddr {
        IpAddr::from([192, 0, 2, u8::try_from(number).unwrap()])
    }

    fn unavailable() -> Result<Answered, HostError> {
        Err(HostError::invalid("the result"))
    }

    #[test]
    fn few_run_and_few_wait() {
        let lookups = Arc::new(Lookups::default());
        let (sender, admitted) = channel();
        let mut permits = Vec::new();
        for number in 0..RUNNING_MAX + WAITING_MAX + 1 {
            let sender = sender.clone();
            match lookups.admit(network(number), number, move |number, permit| sender.send((number, permit)).unwrap()) {
                Admission::Now(number, permit) => permits.push((number, permit)),
                Admission::Later => assert!((RUNNING_MAX..RUNNING_MAX + WAITING_MAX).contains(&number)),
                Admission::Refused(number) => assert_eq!(number, RUNNING_MAX + WAITING_MAX),
            }
        }
        assert_eq!(permits.len(), RUNNING_MAX);
        assert!(admitted.try_recv().is_err());
        // Each that ends lets the next in, in the order of arrival.
        for expect in RUNNING_MAX..RUNNING_MAX + WAITING_MAX {
            drop(permits.pop());
            let next = admitted.try_recv().unwrap();
            assert_eq!(next.0, expect);
            assert!(admitted.try_recv().is_err());
            permits.push(next);
        }
        permits.clear();
        assert_eq!(lookups.state().running, 0);
        assert!(lookups.state().of_networks.is_empty());
        assert!(matches!(lookups.admit(network(0), 0, |_, _| ()), Admission::Now(..)));
    }

    #[test]
    fn one_network_leaves_room_for_others() {
        let lookups = Arc::new(Lookups::default());
        let mut admitted = Vec::new();
        let mut admit = |of: usize| match lookups.admit(network(of), (), |(), _| ()) {
            Admission::Now((), permit) => {
                admitted.push(permit);
                true
            }
            Admission::Later => true,
            Admission::Refused(()) => false,
        };
        for _ in 0..OF_NETWORK_MAX {
            assert!(admit(1));
        }
        assert!(!admit(1) && admit(2), "a flood of one is not the others' loss");
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
