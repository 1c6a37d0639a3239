//! Calls of providers for callbacks, by few threads: a thread that is at work takes the next call, so that a burst of callbacks does
//! not wake a thread for each.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When no call was begun for so long, those that go on are slow ones, and the next does not wait for them. A call takes some ten
/// microseconds.
const STALLED: Duration = Duration::from_millis(2);

type Call = Box<dyn FnOnce() + Send>;

/// The calls that wait, and the threads that make them.
pub struct Callers {
    /// So many threads whenever there is something to do: more would wait for a processor.
    useful: u32,
    /// So many threads where calls are slow.
    threads_max: u32,
    waiting: Mutex<Waiting>,
}

struct Waiting {
    calls: VecDeque<Call>,
    threads: u32,
    /// When a thread took a call last.
    taken_at: Instant,
}

impl Callers {
    pub fn new(useful: u32, threads_max: u32) -> Arc<Callers> {
        let waiting = Waiting { calls: VecDeque::new(), threads: 0, taken_at: Instant::now() };
        Arc::new(Callers { useful, threads_max, waiting: Mutex::new(waiting) })
    }

    /// Makes a call, beside the threads that serve requests.
    pub fn make(self: &Arc<Callers>, call: impl FnOnce() + Send + 'static) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.calls.push_back(Box::new(call));
        let is_stalled = waiting.threads < self.threads_max && waiting.taken_at.elapsed() > STALLED;
        if waiting.threads < self.useful || is_stalled {
            waiting.threads += 1;
            drop(waiting);
            let callers = self.clone();
            tokio::task::spawn_blocking(move || callers.work());
        }
    }

    /// Makes calls until none waits.
    fn work(&self) {
        while let Some(call) = self.take() {
            // Whoever waits for its result is told by what it drops.
            drop(catch_unwind(AssertUnwindSafe(call)));
        }
    }

    /// The next call; without one the thread is no longer counted.
    fn take(&self) -> Option<Call> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let call = waiting.calls.pop_front();
        match call {
            Some(_) => waiting.taken_at = Instant::now(),
            None => waiting.threads -= 1,
        }
        call
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    /// Longer than any machine needs to begin a call.
    const TIME_MAX: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn slow_calls_and_broken_ones_do_not_hold_the_others() {
        let callers = Callers::new(1, 2);
        let ((begun, has_begun), (end, ended), (done, all_done)) = (channel(), channel(), channel());
        callers.make(|| panic!("a call that ends so"));
        callers.make(move || {
            begun.send(()).unwrap();
            ended.recv_timeout(TIME_MAX).unwrap();
        });
        has_begun.recv_timeout(TIME_MAX).unwrap();
        // The thread that there is stays at the slow call.
        std::thread::sleep(STALLED * 2);
        let others = 10;
        for _ in 0..others {
            let done = done.clone();
            callers.make(move || done.send(()).unwrap());
        }
        for _ in 0..others {
            all_done.recv_timeout(TIME_MAX).unwrap();
        }
        end.send(()).unwrap();
    }
}
