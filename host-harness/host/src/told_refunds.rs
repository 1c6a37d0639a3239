//! The refunds that callbacks and statuses told, until what waits about their payments is looked at again.

use std::sync::{Mutex, PoisonError};

use domain::Event;

/// How many refunds wait to be looked after. What else is told at once stays with the operator.
const TOLD_MAX: usize = 1_000;

/// The refunds that callbacks and statuses told, and after which what waits about their payments is looked at again. Those of a host
/// that dies stay with the operator.
#[derive(Default)]
pub struct ToldRefunds(Mutex<Vec<Event>>);

impl ToldRefunds {
    /// Adds a refund, unless too many wait.
    pub fn add(&self, refund: Event) {
        let mut refunds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if refunds.len() < TOLD_MAX {
            refunds.push(refund);
        }
    }

    /// Returns those that were told since the last time.
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
