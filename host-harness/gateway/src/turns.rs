//! Calls of providers wait for their turn: a sandbox has room for so many at once, and refuses the next.

use std::sync::{Condvar, Mutex, PoisonError};

/// The turns that are free.
pub struct Turns {
    free: Mutex<u32>,
    freed: Condvar,
}

/// A turn, until it is dropped.
pub struct Turn<'t>(&'t Turns);

impl Turns {
    /// So many turns at once.
    pub fn new(at_once: u32) -> Turns {
        Turns { free: Mutex::new(at_once), freed: Condvar::new() }
    }

    /// Waits for a turn. Whoever has one has it for no longer than a call may take; an export has it to its end, and there is one at
    /// a time.
    pub fn wait(&self) -> Turn<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Turn(self)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
