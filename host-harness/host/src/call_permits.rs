//! Permits to call a provider. A sandbox allows a limited number of concurrent calls and refuses any more, so that calls wait
//! here.

use std::sync::{Condvar, Mutex, PoisonError};

/// A counting semaphore of call permits.
pub struct CallPermits {
    available: Mutex<u32>,
    released: Condvar,
}

/// A permit. It is released when dropped.
pub struct CallPermit<'p>(&'p CallPermits);

impl CallPermits {
    /// Creates the permits for this many concurrent calls.
    pub fn new(concurrent_calls: u32) -> CallPermits {
        CallPermits { available: Mutex::new(concurrent_calls), released: Condvar::new() }
    }

    /// Waits for a permit. A call holds a permit for no longer than its time limit; an export holds one until it ends, and only
    /// one export runs at a time.
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
