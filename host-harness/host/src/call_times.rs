//! How long the calls of providers may take.

use std::time::Duration;

/// How long calls may take.
#[derive(Clone, Copy, Debug)]
pub struct CallTimes {
    /// One call, from connecting to the last byte of its answer.
    pub one: Duration,
    /// All calls for one result, such as the verdict on a callback.
    pub all: Duration,
}

impl Default for CallTimes {
    /// 10 s and 20 s: a payer waits for the link, and a payment system for the reply to its callback.
    fn default() -> CallTimes {
        CallTimes { one: Duration::from_secs(10), all: Duration::from_secs(20) }
    }
}

/// What is left of the time for all calls for one result.
#[derive(Clone, Copy)]
pub(crate) struct CallBudget {
    one: Duration,
    left: Duration,
}

impl CallBudget {
    /// Returns the time before the first call.
    pub fn of(times: CallTimes) -> CallBudget {
        CallBudget { one: times.one, left: times.all }
    }

    /// Returns how long the next call may take. `None` if no time is left.
    pub fn next(self) -> Option<Duration> {
        (!self.left.is_zero()).then(|| self.left.min(self.one))
    }

    /// Returns what is left after a call that took this long.
    pub fn after(self, time: Duration) -> CallBudget {
        CallBudget { left: self.left.saturating_sub(time), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_gets_at_most_what_is_left() {
        let seconds = Duration::from_secs;
        let budget = CallBudget::of(CallTimes::default());
        assert_eq!(budget.next(), Some(seconds(10)));
        assert_eq!(budget.after(seconds(9)).next(), Some(seconds(10)));
        assert_eq!(budget.after(seconds(9)).after(seconds(8)).next(), Some(seconds(3)));
        assert_eq!(budget.after(seconds(10)).after(seconds(10)).next(), None);
        assert_eq!(budget.after(seconds(21)).next(), None);
    }
}
