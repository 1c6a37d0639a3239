//! Counts of the calls that the host made for providers, since its start.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::{HttpResult, ProviderName};

use crate::observer::HTTP_RESULTS;
use crate::slot::Failure;

/// The calls of a provider to a host.
#[derive(Clone, Default, Debug)]
#[non_exhaustive]
pub struct CallCount {
    /// How many were answered, whatever the status.
    pub answered: u64,
    /// How many were not sent.
    pub not_sent: u64,
    /// How many were sent, and have no answer.
    pub unknown: u64,
    /// The time of all that were sent.
    pub time: Duration,
    /// The time of the longest.
    pub time_longest: Duration,
    /// When the last call without an answer ended, and why it has none.
    pub failure: Option<Failure>,
}

impl CallCount {
    /// Counts a call that ended at `at`, in seconds since the epoch.
    pub(crate) fn add(&mut self, end: CallEnd<'_>, time: Duration, at: u64) {
        let failure = |reason: &str| Some(Failure { at, message: reason.to_owned() });
        match end {
            CallEnd::Answered => self.answered += 1,
            CallEnd::NotSent(reason) => {
                self.not_sent += 1;
                self.failure = failure(reason);
                return;
            }
            CallEnd::Unknown(reason) => {
                self.unknown += 1;
                self.failure = failure(reason);
            }
        }
        self.time += time;
        self.time_longest = self.time_longest.max(time);
    }

    /// Returns the mean time of a call that was sent. `None` without any.
    pub fn time_mean(&self) -> Option<Duration> {
        let sent = u32::try_from(self.answered + self.unknown).unwrap_or(u32::MAX);
        self.time.checked_div(sent)
    }
}

/// How a call ended, with the reason if it has no answer.
#[derive(Clone, Copy)]
pub(crate) enum CallEnd<'r> {
    Answered,
    NotSent(&'r str),
    Unknown(&'r str),
}

impl<'r> CallEnd<'r> {
    /// Returns how a call of a provider ended.
    pub fn of(result: &'r HttpResult) -> CallEnd<'r> {
        match result {
            HttpResult::Response(_) => CallEnd::Answered,
            HttpResult::NotSent(reason) => CallEnd::NotSent(reason),
            HttpResult::Unknown(reason) => CallEnd::Unknown(reason),
        }
    }

    /// Returns its name, one of [`HTTP_RESULTS`].
    pub fn name(self) -> &'static str {
        let [answered, not_sent, unknown] = HTTP_RESULTS;
        match self {
            CallEnd::Answered => answered,
            CallEnd::NotSent(_) => not_sent,
            CallEnd::Unknown(_) => unknown,
        }
    }
}

/// The calls of all providers, by provider and host.
#[derive(Default)]
pub(crate) struct CallCounts(Mutex<BTreeMap<(ProviderName, String), CallCount>>);

impl CallCounts {
    /// Counts a call that ended at `at`, in seconds since the epoch.
    pub fn count(&self, provider: &ProviderName, host: &str, result: &HttpResult, time: Duration, at: u64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.entry((provider.clone(), host.to_owned())).or_default().add(CallEnd::of(result), time, at);
    }
}

impl CallCounts {
    /// Returns all counts, by provider and host.
    pub fn all(&self) -> BTreeMap<(ProviderName, String), CallCount> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use domain::HttpResponse;

    use super::*;

    #[test]
    fn calls_are_counted_by_host_and_result() {
        let counts = CallCounts::default();
        let provider: ProviderName = ProviderName::stored("pay");
        let answer = HttpResult::Response(HttpResponse { status: 500, headers: Vec::new(), body: Vec::new() });
        let seconds = Duration::from_secs;
        for (host, result, time) in [
            ("a", &answer, 1),
            ("a", &answer, 3),
            ("a", &HttpResult::Unknown("first".to_owned()), 8),
            ("a", &HttpResult::NotSent("second".to_owned()), 100),
            ("b", &HttpResult::NotSent("third".to_owned()), 0),
        ] {
            counts.count(&provider, host, result, seconds(time), time);
        }
        let counts = counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = |host: &str| {
            let count = counts.get(&(provider.clone(), host.to_owned())).cloned().unwrap_or_default();
            let failure = count.failure.clone().map(|failure| (failure.at, failure.message));
            ([count.answered, count.not_sent, count.unknown], count.time_mean(), count.time_longest, failure)
        };
        assert_eq!(shown("a"), ([2, 1, 1], Some(seconds(4)), seconds(8), Some((100, "second".to_owned()))));
        assert_eq!(shown("b"), ([0, 1, 0], None, seconds(0), Some((0, "third".to_owned()))));
    }
}
