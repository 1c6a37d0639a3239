//! Hashes passwords one at a time, on one thread and in memory that it reuses. A hash needs 19 MiB. If each hash allocated it
//! anew, the system's allocator would keep freed memory per thread and fragment it, so that the next hash would take another 19
//! MiB.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;

use host::operators::Memory;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use crate::problem::Problem;

/// How many logins may wait for their hash, including the one that is being hashed.
const WAITING_MAX: usize = 16;

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// The hashing thread, and the places in its queue.
pub struct Hashing {
    waiting: Semaphore,
    jobs: mpsc::Sender<Job>,
}

impl Hashing {
    /// Starts the thread, which ends when the value is dropped.
    pub fn start() -> io::Result<Hashing> {
        let (jobs, taken) = mpsc::channel::<Job>();
        thread::Builder::new().name("passwords".to_owned()).spawn(move || {
            let mut memory = Memory::new();
            for job in taken {
                // If the job panics, dropping it notifies the receiver of its result.
                drop(catch_unwind(AssertUnwindSafe(|| job(&mut memory))));
            }
        })?;
        Ok(Hashing { waiting: Semaphore::new(WAITING_MAX), jobs })
    }

    /// Returns a place in the queue, or `None` if all are taken.
    pub fn place(&self) -> Option<SemaphorePermit<'_>> {
        self.waiting.try_acquire().ok()
    }

    /// Runs a job on the thread, and returns its result. A job whose caller has gone before it begins is skipped.
    ///
    /// # Errors
    /// If the job panics.
    pub async fn run<T: Send + 'static>(&self, hash: impl FnOnce(&mut Memory) -> T + Send + 'static) -> Result<T, Problem> {
        let (tell, told) = oneshot::channel();
        let job = move |memory: &mut Memory| {
            if !tell.is_closed() {
                drop(tell.send(hash(memory)));
            }
        };
        let ended = || Problem::internal("a password could not be hashed".to_owned());
        self.jobs.send(Box::new(job)).map_err(|_| ended())?;
        told.await.map_err(|_| ended())
    }
}
