//! Limits of how often something is done.

use std::time::{Duration, Instant};

/// How often something was done, by the time at which all of it would have been done evenly.
#[derive(Clone, Copy, Default)]
pub struct Rate(Option<Instant>);

impl Rate {
    /// Returns the rate with one more, if one may be done each `every`, and so many at once.
    pub fn with_one(self, now: Instant, every: Duration, burst: u32) -> Option<Rate> {
        let until = self.0.map_or(now, |until| until.max(now));
        (until.duration_since(now) < every * burst).then(|| Rate(Some(until + every)))
    }

    /// Reports whether it is as if nothing had been done.
    pub fn is_idle(self, now: Instant) -> bool {
        self.0.is_none_or(|until| until <= now)
    }
}
