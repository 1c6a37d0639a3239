//! Passwords are hashed one at a time, by one thread, in memory of its own: a hash takes 19 MiB, and what is freed of that the system's
//! allocator keeps, for every thread, and cuts up so that the next hash takes another 19 MiB.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;

use host::operators::Memory;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use crate::problem::Problem;

/// How many logins wait for their password to be hashed, or have it hashed.
const WAITING_MAX: usize = 16;

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// The thread, and the places before it.
pub struct Hashing {
    waiting: Semaphore,
    jobs: mpsc::Sender<Job>,
}

impl Hashing {
    /// Starts the thread, which ends with this.
    pub fn start() -> io::Result<Hashing> {
        let (jobs, taken) = mpsc::channel::<Job>();
        thread::Builder::new().name("passwords".to_owned()).spawn(move || {
            let mut memory = Memory::new();
            for job in taken {
                // Whoever waits for it is told by what it drops.
                drop(catch_unwind(AssertUnwindSafe(|| job(&mut memory))));
            }
        })?;
        Ok(Hashing { waiting: Semaphore::new(WAITING_MAX), jobs })
    }

    /// A place before the thread; `None` where all are taken.
    pub fn place(&self) -> Option<SemaphorePermit<'_>> {
        self.waiting.try_acquire().ok()
    }

    /// What comes of some hashing. What was not begun when its caller went away is not done.
    ///
    /// # Errors
    /// Where it panics.
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
