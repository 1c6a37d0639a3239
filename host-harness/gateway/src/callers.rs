//! Calls of providers for callbacks, by few threads: a thread that is at work takes the next call, so that a burst of callbacks does
//! not wake a thread for each.
//!
//! Calls wait in two lanes. That of suspects, whose callbacks were refused too often a moment ago, has a bounded share: at most some
//! of the threads, and at least one of [`SHARE`] calls, since genuine callbacks may be among them. Neither lane can grow beyond the
//! connections that there may be, each of which waits for one call.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// When no call was begun for so long, those that go on are slow ones, and the next does not wait for them. A call takes some ten
/// microseconds.
const STALLED: Duration = Duration::from_millis(2);

/// One of so many calls is a suspect's where both lanes wait.
const SHARE: u32 = 4;

type Call = Box<dyn FnOnce() + Send>;

/// Where a call waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lane {
    Main,
    Suspects,
}

/// The calls that wait, and the threads that make them.
pub struct Callers {
    /// So many threads whenever there is something to do: more would wait for a processor.
    useful: u32,
    /// So many threads where calls are slow.
    threads_max: u32,
    waiting: Mutex<Waiting>,
}

struct Waiting {
    main: VecDeque<Call>,
    suspects: VecDeque<Call>,
    threads: u32,
    /// How many of the threads are at a suspect's call.
    at_suspects: u32,
    /// How many calls of the main lane were taken since the last one of the other.
    since_suspect: u32,
    /// When a thread took a call last.
    taken_at: Instant,
}

impl Callers {
    pub fn new(useful: u32, threads_max: u32) -> Arc<Callers> {
        let waiting = Waiting {
            main: VecDeque::new(),
            suspects: VecDeque::new(),
            threads: 0,
            at_suspects: 0,
            since_suspect: 0,
            taken_at: Instant::now(),
        };
        Arc::new(Callers { useful, threads_max, waiting: Mutex::new(waiting) })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many threads may be at suspects' calls: one in two, or one in four where calls are slow and there are more threads.
    fn suspects_max(&self) -> u32 {
        (self.useful / 2).max(self.threads_max / SHARE).max(1)
    }

    /// Makes a call, beside the threads that serve requests.
    pub fn make(self: &Arc<Callers>, lane: Lane, call: impl FnOnce() + Send + 'static) {
        let mut waiting = self.waiting();
        match lane {
            Lane::Main => waiting.main.push_back(Box::new(call)),
            Lane::Suspects => waiting.suspects.push_back(Box::new(call)),
        }
        let is_stalled = waiting.threads < self.threads_max && waiting.taken_at.elapsed() > STALLED;
        let may_begin = lane == Lane::Main || waiting.at_suspects < self.suspects_max();
        if may_begin && (waiting.threads < self.useful || is_stalled) {
            waiting.threads += 1;
            drop(waiting);
            let callers = self.clone();
            tokio::task::spawn_blocking(move || callers.work());
        }
    }

    /// Makes calls until none waits.
    fn work(&self) {
        while let Some((lane, call)) = self.take() {
            // Whoever waits for its result is told by what it drops.
            drop(catch_unwind(AssertUnwindSafe(call)));
            if lane == Lane::Suspects {
                self.waiting().at_suspects -= 1;
            }
        }
    }

    /// The next call; without one the thread is no longer counted.
    fn take(&self) -> Option<(Lane, Call)> {
        let mut waiting = self.waiting();
        let may_be_suspect = waiting.at_suspects < self.suspects_max();
        let is_suspects_turn = waiting.main.is_empty() || waiting.since_suspect + 1 >= SHARE;
        let suspect = if may_be_suspect && is_suspects_turn { waiting.suspects.pop_front() } else { None };
        let taken = match suspect {
            Some(call) => {
                waiting.since_suspect = 0;
                waiting.at_suspects += 1;
                Some((Lane::Suspects, call))
            }
            None => {
                waiting.since_suspect = (waiting.since_suspect + 1).min(SHARE);
                waiting.main.pop_front().map(|call| (Lane::Main, call))
            }
        };
        match taken {
            Some(_) => waiting.taken_at = Instant::now(),
            None => waiting.threads -= 1,
        }
        taken
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
        callers.make(Lane::Main, || panic!("a call that ends so"));
        callers.make(Lane::Main, move || {
            begun.send(()).unwrap();
            ended.recv_timeout(TIME_MAX).unwrap();
        });
        has_begun.recv_timeout(TIME_MAX).unwrap();
        // The thread that there is stays at the slow call.
        std::thread::sleep(STALLED * 2);
        let others = 10;
        for _ in 0..others {
            let done = done.clone();
            callers.make(Lane::Main, move || done.send(()).unwrap());
        }
        for _ in 0..others {
            all_done.recv_timeout(TIME_MAX).unwrap();
        }
        end.send(()).unwrap();
    }

    /// Two callers, of whom one thread may be at suspects' calls: they are taken in turn with the others, and never by both threads.
    #[tokio::test]
    async fn suspects_have_a_share_and_no_more() {
        let callers = Callers::new(1, 1);
        let (begun, has_begun) = channel();
        let (end, ended) = channel();
        callers.make(Lane::Main, move || {
            begun.send(()).unwrap();
            ended.recv_timeout(TIME_MAX).unwrap();
        });
        has_begun.recv_timeout(TIME_MAX).unwrap();
        let (made, all_made) = channel();
        for _ in 0..100 {
            for lane in [Lane::Suspects, Lane::Main] {
                let made = made.clone();
                callers.make(lane, move || made.send(lane).unwrap());
            }
        }
        end.send(()).unwrap();
        let order: Vec<Lane> = (0..200).map(|_| all_made.recv_timeout(TIME_MAX).unwrap()).collect();
        let suspects = |from: usize, to: usize| order[from..to].iter().filter(|lane| **lane == Lane::Suspects).count();
        assert_eq!((suspects(0, 4), suspects(0, 40)), (1, 10), "one in four while others wait");
        assert_eq!(suspects(0, 200), 100, "and none is forgotten");
    }

    #[tokio::test]
    async fn slow_suspects_leave_threads_to_the_others() {
        let callers = Callers::new(2, 2);
        let (begun, has_begun) = channel();
        let (end, ended) = channel::<()>();
        let ended = Arc::new(Mutex::new(ended));
        for _ in 0..2 {
            let (begun, ended) = (begun.clone(), ended.clone());
            callers.make(Lane::Suspects, move || {
                begun.send(()).unwrap();
                ended.lock().unwrap().recv_timeout(TIME_MAX).unwrap_err();
            });
        }
        has_begun.recv_timeout(TIME_MAX).unwrap();
        let (done, is_done) = channel();
        callers.make(Lane::Main, move || done.send(()).unwrap());
        is_done.recv_timeout(TIME_MAX).unwrap();
        assert!(has_begun.try_recv().is_err(), "the second suspect waits for the first");
        drop(end);
        has_begun.recv_timeout(TIME_MAX).unwrap();
    }
}
