//! A pool of few threads for the providers' calls for callbacks. A thread that is running takes the next call, so that a burst
//! of callbacks does not wake a thread for each.
//!
//! Calls wait in two lanes. The lane of suspects, whose callbacks were recently refused too often, has a bounded share: it
//! occupies at most some of the threads, and gets at least one of four calls, since genuine callbacks may be among them.
//! Neither lane can grow beyond the maximum number of connections, each of which waits for one call.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// If no call was started for this long, the running calls are slow, and the next call does not wait for them. A call usually
/// takes about ten microseconds.
const STALL_THRESHOLD: Duration = Duration::from_millis(2);
/// How long a thread without a call stays alive.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);
/// If calls wait in both lanes, one of this many is a suspect's.
const SHARE: u32 = 4;

type Call = Box<dyn FnOnce() + Send>;

/// The queue in which a call waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lane {
    /// The lane of all other callers.
    Main,
    /// The lane of addresses whose callbacks were refused too often.
    Suspects,
}

/// The waiting calls, and the threads that run them.
pub struct CallPool {
    /// How many threads run while calls wait. More of them would only wait for a processor.
    target_threads: u32,
    /// How many threads may run if calls are slow.
    threads_max: u32,
    queue: Mutex<Queue>,
    /// Notified when a parked thread is to continue.
    woken: Condvar,
}

struct Queue {
    main: VecDeque<Call>,
    suspects: VecDeque<Call>,
    /// How many threads are running calls.
    threads: u32,
    /// How many threads have no call, and how many of these were woken. A woken thread already counts in `threads`.
    parked: u32,
    wakeups: u32,
    /// Whether a thread looks after the waiting calls, or is about to: it takes them if the running ones turn out to be slow.
    is_watched: bool,
    /// Whether that thread is still parked.
    is_watcher_wanted: bool,
    /// How many threads are running a suspect's call.
    at_suspects: u32,
    /// How many calls were taken from the main lane since the last one from the suspects' lane.
    since_suspect: u32,
    /// When a thread last took a call.
    last_dequeued_at: Instant,
}

impl Queue {
    /// Reports whether the running calls are slow.
    fn is_stalled(&self) -> bool {
        self.last_dequeued_at.elapsed() > STALL_THRESHOLD
    }
}

impl CallPool {
    /// Creates a pool without threads. Threads are started for calls.
    pub fn new(target_threads: u32, threads_max: u32) -> Arc<CallPool> {
        let queue = Queue {
            main: VecDeque::new(),
            suspects: VecDeque::new(),
            threads: 0,
            parked: 0,
            wakeups: 0,
            is_watched: false,
            is_watcher_wanted: false,
            at_suspects: 0,
            since_suspect: 0,
            last_dequeued_at: Instant::now(),
        };
        Arc::new(CallPool { target_threads, threads_max, queue: Mutex::new(queue), woken: Condvar::new() })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many threads may run suspects' calls: one in two, or one in four of `threads_max` if that is more.
    fn suspects_max(&self) -> u32 {
        (self.target_threads / 2).max(self.threads_max / SHARE).max(1)
    }

    /// Runs a call on one of the pool's threads. If the system cannot start a thread, and no other thread will take the call,
    /// the call is dropped.
    pub fn submit(self: &Arc<CallPool>, lane: Lane, call: impl FnOnce() + Send + 'static) {
        let mut queue = self.queue();
        match lane {
            Lane::Main => queue.main.push_back(Box::new(call)),
            Lane::Suspects => queue.suspects.push_back(Box::new(call)),
        }
        let may_begin = lane == Lane::Main || queue.at_suspects < self.suspects_max();
        if !may_begin || queue.threads >= self.threads_max {
            return;
        }
        let is_watcher = !(queue.threads < self.target_threads || queue.is_stalled());
        if is_watcher {
            // A running thread takes the call, unless all of them turn out to be slow.
            if queue.is_watched {
                return;
            }
            queue.is_watched = true;
        } else {
            queue.threads += 1;
        }
        if queue.parked > queue.wakeups {
            if is_watcher {
                queue.is_watcher_wanted = true;
            } else {
                queue.wakeups += 1;
            }
            drop(queue);
            self.woken.notify_one();
            return;
        }
        drop(queue);
        let pool = self.clone();
        let run = move || {
            if !is_watcher || pool.watch() || pool.wait_for_calls() {
                pool.run()
            }
        };
        if let Err(error) = thread::Builder::new().name("calls".to_owned()).spawn(run) {
            tracing::error!(%error, "no thread can be started for a provider's call; raise the limit of processes (TasksMax)");
            let mut queue = self.queue();
            if is_watcher {
                queue.is_watched = false;
                return;
            }
            queue.threads -= 1;
            if queue.threads == 0 {
                // Dropping the calls notifies the receivers of their results.
                let dropped = (std::mem::take(&mut queue.main), std::mem::take(&mut queue.suspects));
                drop(queue);
                drop(dropped);
            }
        }
    }

    /// Runs calls. Without any, waits for some until the idle timeout.
    fn run(&self) {
        loop {
            self.run_until_idle();
            if !self.wait_for_calls() {
                return;
            }
        }
    }

    /// Waits until this thread is to take calls, and is counted again. Returns whether it is.
    fn wait_for_calls(&self) -> bool {
        loop {
            let mut queue = self.queue();
            queue.parked += 1;
            let is_parked = |queue: &mut Queue| queue.wakeups == 0 && !queue.is_watcher_wanted;
            let waited = self.woken.wait_timeout_while(queue, IDLE_TIMEOUT, is_parked);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
            queue.parked -= 1;
            if let Some(others) = queue.wakeups.checked_sub(1) {
                queue.wakeups = others;
                return true;
            }
            if !std::mem::take(&mut queue.is_watcher_wanted) {
                return false;
            }
            drop(queue);
            if self.watch() {
                return true;
            }
        }
    }

    /// Waits until no calls wait, or the running ones are slow. Then this thread is to take calls, and is counted. Returns whether it
    /// is.
    fn watch(&self) -> bool {
        loop {
            thread::sleep(STALL_THRESHOLD);
            let mut queue = self.queue();
            let may_begin = !queue.main.is_empty() || queue.at_suspects < self.suspects_max();
            let is_needed = may_begin && queue.threads < self.threads_max && queue.is_stalled();
            let nothing_waits = queue.main.is_empty() && queue.suspects.is_empty();
            if is_needed && !nothing_waits {
                queue.is_watched = false;
                queue.threads += 1;
                return true;
            }
            if nothing_waits {
                queue.is_watched = false;
                return false;
            }
        }
    }

    /// Runs calls until none waits.
    fn run_until_idle(&self) {
        while let Some((lane, call)) = self.next_call() {
            // If the call panics, dropping it notifies the receiver of its result.
            drop(catch_unwind(AssertUnwindSafe(call)));
            if lane == Lane::Suspects {
                self.queue().at_suspects -= 1;
            }
        }
    }

    /// Returns the next call. Without one, the thread is no longer counted.
    fn next_call(&self) -> Option<(Lane, Call)> {
        let mut queue = self.queue();
        let may_be_suspect = queue.at_suspects < self.suspects_max();
        let is_suspects_turn = queue.main.is_empty() || queue.since_suspect + 1 >= SHARE;
        let suspect = if may_be_suspect && is_suspects_turn { queue.suspects.pop_front() } else { None };
        let next = match suspect {
            Some(call) => {
                queue.since_suspect = 0;
                queue.at_suspects += 1;
                Some((Lane::Suspects, call))
            }
            None => {
                queue.since_suspect = (queue.since_suspect + 1).min(SHARE);
                queue.main.pop_front().map(|call| (Lane::Main, call))
            }
        };
        match next {
            Some(_) => queue.last_dequeued_at = Instant::now(),
            None => queue.threads -= 1,
        }
        next
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    /// Longer than any machine needs to start a call.
    const TIME_MAX: Duration = Duration::from_secs(30);

    #[test]
    fn slow_calls_and_broken_ones_do_not_hold_the_others() {
        let pool = CallPool::new(1, 2);
        let ((begun, has_begun), (end, ended), (done, all_done)) = (channel(), channel(), channel());
        pool.submit(Lane::Main, || panic!("a call that ends so"));
        pool.submit(Lane::Main, move || {
            begun.send(()).unwrap();
            ended.recv_timeout(TIME_MAX).unwrap();
        });
        has_begun.recv_timeout(TIME_MAX).unwrap();
        // The only thread is blocked by the slow call.
        std::thread::sleep(STALL_THRESHOLD * 2);
        let others = 10;
        for _ in 0..others {
            let done = done.clone();
            pool.submit(Lane::Main, move || done.send(()).unwrap());
        }
        for _ in 0..others {
            all_done.recv_timeout(TIME_MAX).unwrap();
        }
        end.send(()).unwrap();
    }

    /// A thread that has just become idle leaves no call behind while the other one is blocked.
    #[test]
    fn call_that_comes_right_after_another_does_not_wait_for_a_slow_one() {
        let pool = CallPool::new(1, 2);
        let ((begun, has_begun), (end, ended), (done, is_done)) = (channel(), channel::<()>(), channel());
        pool.submit(Lane::Main, move || {
            begun.send(()).unwrap();
            ended.recv_timeout(TIME_MAX).unwrap();
        });
        has_begun.recv_timeout(TIME_MAX).unwrap();
        for _ in 0..200 {
            let done = done.clone();
            pool.submit(Lane::Main, move || done.send(()).unwrap());
            is_done.recv_timeout(TIME_MAX / 3).unwrap();
        }
        end.send(()).unwrap();
    }

    /// One thread runs all calls, one after the other: each call finds it parked.
    #[test]
    fn a_parked_thread_takes_the_next_call() {
        let pool = CallPool::new(1, 1);
        let (made, is_made) = channel();
        let mut threads = Vec::new();
        for _ in 0..20 {
            let made = made.clone();
            pool.submit(Lane::Main, move || made.send(thread::current().id()).unwrap());
            threads.push(is_made.recv_timeout(TIME_MAX).unwrap());
            while pool.queue().parked == 0 {
                thread::yield_now();
            }
        }
        threads.dedup();
        assert_eq!(threads.len(), 1);
    }

    /// If one thread may run suspects' calls, it alternates between the lanes at the suspects' share.
    #[test]
    fn suspects_have_a_share_and_no_more() {
        let pool = CallPool::new(1, 1);
        let (begun, has_begun) = channel();
        let (end, ended) = channel();
        pool.submit(Lane::Main, move || {
            begun.send(()).unwrap();
            ended.recv_timeout(TIME_MAX).unwrap();
        });
        has_begun.recv_timeout(TIME_MAX).unwrap();
        let (made, all_made) = channel();
        for _ in 0..100 {
            for lane in [Lane::Suspects, Lane::Main] {
                let made = made.clone();
                pool.submit(lane, move || made.send(lane).unwrap());
            }
        }
        end.send(()).unwrap();
        let order: Vec<Lane> = (0..200).map(|_| all_made.recv_timeout(TIME_MAX).unwrap()).collect();
        let suspects = |from: usize, to: usize| order[from..to].iter().filter(|lane| **lane == Lane::Suspects).count();
        assert_eq!((suspects(0, 4), suspects(0, 40)), (1, 10), "one in four while others wait");
        assert_eq!(suspects(0, 200), 100, "no call is lost");
    }

    #[test]
    fn slow_suspects_leave_threads_to_the_others() {
        let pool = CallPool::new(2, 2);
        let (begun, has_begun) = channel();
        let (end, ended) = channel::<()>();
        let ended = Arc::new(Mutex::new(ended));
        for _ in 0..2 {
            let (begun, ended) = (begun.clone(), ended.clone());
            pool.submit(Lane::Suspects, move || {
                begun.send(()).unwrap();
                ended.lock().unwrap().recv_timeout(TIME_MAX).unwrap_err();
            });
        }
        has_begun.recv_timeout(TIME_MAX).unwrap();
        let (done, is_done) = channel();
        pool.submit(Lane::Main, move || done.send(()).unwrap());
        is_done.recv_timeout(TIME_MAX).unwrap();
        assert!(has_begun.try_recv().is_err(), "the second suspect waits for the first");
        drop(end);
        has_begun.recv_timeout(TIME_MAX).unwrap();
    }
}
