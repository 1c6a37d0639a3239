//! A log of the callbacks sent, which also knows whether more are to come.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::scenario::Scenario;

/// The most callbacks that are remembered. The oldest are dropped.
const SENT_MAX: usize = 10_000;

/// A callback that was sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Sent {
    /// The scenario that it belongs to.
    pub scenario: Scenario,
    /// The payment system's id of the transaction.
    pub transaction_id: String,
    /// The order that the callback names.
    pub order: String,
    /// The form, sent as a POST's body or a GET's query.
    pub body: String,
    /// The answer's status; `None` if no answer was read.
    pub status: Option<u16>,
    /// The beginning of the answer's body, if one was read.
    pub answer: Option<String>,
    /// Why no answer was read, unless that was intended.
    pub problem: Option<String>,
}

/// Shared by the server, the running tasks and the readers of the log.
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

    /// Adds a callback. Drops the oldest one if there are too many.
    pub fn add(&self, sent: Sent) {
        let mut state = self.state();
        if state.sent.len() == SENT_MAX {
            state.sent.pop_front();
        }
        state.sent.push_back(sent);
    }

    /// Returns the callbacks sent so far, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.state().sent.iter().cloned().collect()
    }

    /// Waits until all tasks are done, and returns the callbacks sent. Returns `None` if some are not done after `longest`.
    pub fn settled(&self, longest: Duration) -> Option<Vec<Sent>> {
        let waited = self.idle.wait_timeout_while(self.state(), longest, |state| state.under_way > 0);
        let (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        (!timeout.timed_out()).then(|| state.sent.iter().cloned().collect())
    }

    /// Counts a task as running until the returned guard is dropped.
    pub fn begin(self: &Arc<Log>) -> UnderWay {
        self.state().under_way += 1;
        UnderWay(Arc::clone(self))
    }
}

/// A task that may still send callbacks.
pub struct UnderWay(Arc<Log>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.under_way = state.under_way.saturating_sub(1);
        drop(state);
        self.0.idle.notify_all();
    }
}
