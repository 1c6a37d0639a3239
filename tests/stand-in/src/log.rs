//! What was sent, and whether anything is still to be.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::scenario::Scenario;

/// How many are remembered; the oldest are forgotten.
const SENT_MAX: usize = 10_000;

/// A callback that was sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Sent {
    /// Of which scenario.
    pub scenario: Scenario,
    /// The payment system's id of the movement.
    pub transaction_id: String,
    /// The order that the callback names.
    pub order: String,
    /// The form, whether it went as a POST's body or a GET's query.
    pub body: String,
    /// The answer's status; `None` where no answer was read.
    pub status: Option<u16>,
    /// The beginning of the answer's body, where one was read.
    pub answer: Option<String>,
    /// Why no answer was read, where that was not meant.
    pub problem: Option<String>,
}

/// Shared by the server, what is under way, and who asks.
#[derive(Default)]
pub struct Log {
    state: Mutex<State>,
    idle: Condvar,
}

#[derive(Default)]
struct State {
    sent: VecDeque<Sent>,
    under_way: usize,
}

impl Log {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what was sent; the oldest is forgotten where there are too many.
    pub fn add(&self, sent: Sent) {
        let mut state = self.state();
        if state.sent.len() == SENT_MAX {
            state.sent.pop_front();
        }
        state.sent.push_back(sent);
    }

    /// What was sent until now, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.state().sent.iter().cloned().collect()
    }

    /// What was sent, once nothing is under way; `None` where something still is after `longest`.
    pub fn settled(&self, longest: Duration) -> Option<Vec<Sent>> {
        let waited = self.idle.wait_timeout_while(self.state(), longest, |state| state.under_way > 0);
        let (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        (!timeout.timed_out()).then(|| state.sent.iter().cloned().collect())
    }

    /// Counts as under way until it is dropped.
    pub fn begin(self: &Arc<Log>) -> UnderWay {
        self.state().under_way += 1;
        UnderWay(Arc::clone(self))
    }
}

/// Something that will still be sent.
pub struct UnderWay(Arc<Log>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.under_way = state.under_way.saturating_sub(1);
        drop(state);
        self.0.idle.notify_all();
    }
}
