//! The wishes of a provider to which billing is being asked to agree. Of wishes with one key, which are the same wish told again,
//! one is decided at a time: otherwise the second could be refused by billing while the first is entered, and a payer would hear that
//! nothing was paid.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::DedupKey;

/// What goes on when the wish before it is decided.
type Waiter = Box<dyn FnOnce() + Send>;

/// The wishes that are being decided, and those that wait for each.
#[derive(Default)]
pub struct PendingWishes(Mutex<BTreeMap<DedupKey, Vec<Waiter>>>);

/// A wish that is being decided. When it is dropped, those that wait go on.
pub struct WishLease {
    wishes: Arc<PendingWishes>,
    key: DedupKey,
}

impl PendingWishes {
    fn state(&self) -> MutexGuard<'_, BTreeMap<DedupKey, Vec<Waiter>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the wish with a lease if it is to be decided now. If the same is being decided, what `wait` makes of it is called when
    /// that one is.
    pub fn lease<W>(
        self: &Arc<PendingWishes>,
        key: &DedupKey,
        wish: W,
        wait: impl FnOnce(W) -> Waiter,
    ) -> Option<(W, WishLease)> {
        let mut state = self.state();
        if let Some(waiters) = state.get_mut(key) {
            waiters.push(wait(wish));
            return None;
        }
        state.insert(key.clone(), Vec::new());
        Some((wish, WishLease { wishes: self.clone(), key: key.clone() }))
    }
}

impl Drop for WishLease {
    fn drop(&mut self) {
        let waiters = self.wishes.state().remove(&self.key);
        waiters.into_iter().flatten().for_each(|go_on| go_on());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn same_wish_waits_and_another_does_not() {
        let wishes = Arc::new(PendingWishes::default());
        let (sender, gone_on) = channel();
        let lease = |key: &str, number: u8| {
            let sender = sender.clone();
            let wait = move |number| -> Waiter { Box::new(move || sender.send(number).unwrap()) };
            wishes.lease(&key.parse().unwrap(), number, wait).map(|(_, lease)| lease)
        };
        let first = lease("a", 1).unwrap();
        assert!(lease("a", 2).is_none() && lease("a", 3).is_none());
        assert!(lease("b", 4).is_some());
        assert!(gone_on.try_recv().is_err());
        drop(first);
        assert_eq!((gone_on.recv().unwrap(), gone_on.recv().unwrap()), (2, 3));
        assert!(lease("a", 5).is_some());
    }
}
