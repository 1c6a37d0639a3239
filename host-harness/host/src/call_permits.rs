//! Permits to call a provider: a sandbox has room for so many calls at once, and refuses the next, so that calls wait here.

use std::sync::{Condvar, Mutex, PoisonError};

/// The permits that are available.
pub struct CallPermits {
    available: Mutex<u32>,
    released: Condvar,
}

/// A permit, until it is dropped.
pub struct CallPermit<'p>(&'p CallPermits);

impl CallPermits {
    /// So many calls at once.
    pub fn new(concurrent_calls: u32) -> CallPermits {
        CallPermits { available: Mutex::new(concurrent_calls), released: Condvar::new() }
    }

    /// Waits for a permit. A call holds one for no longer than it may take; an export holds one to its end, and there is one at a time.
    pub fn acquire(&self) -> CallPermit<'_> {
        let available = self.available.lock().unwrap_or_else(PoisonError::into_inner);
        let available = self.released.wait_while(available, |available| *available == 0);
        *available.unwrap_or_else(PoisonError::into_inner) -= 1;
        CallPermit(self)
    }
}

impl Drop for CallPermit<'_> {
    fn drop(&mut self) {
        *self.0.available.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.released.notify_one();
    }
}
