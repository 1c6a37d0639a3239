//! Limits the log lines about refused callbacks: a flood of forged ones must not fill the log.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::ProviderName;

const MINUTE: Duration = Duration::from_secs(60);
/// How many lines a provider has in a minute.
const LINES_MAX: u32 = 10;

/// The lines of the minutes that are not over.
#[derive(Default)]
pub struct RefusalLog(Mutex<BTreeMap<ProviderName, Lines>>);

/// The lines of a provider's minute.
struct Lines {
    began: Instant,
    written: u32,
    left_out: u64,
}

impl RefusalLog {
    /// Reports whether to write a line about a refused callback of a provider, and counts it as written if so, or else as left out.
    pub fn is_due(&self, provider: &ProviderName, now: Instant) -> bool {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = lines.entry(provider.clone()).or_insert(Lines { began: now, written: 0, left_out: 0 });
        let is_due = lines.written < LINES_MAX;
        if is_due {
            lines.written += 1;
        } else {
            lines.left_out += 1;
        }
        is_due
    }

    /// Ends the minutes that are over, and returns how many lines were left out in them, by provider.
    pub fn left_out(&self, now: Instant) -> Vec<(ProviderName, u64)> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = lines.extract_if(.., |_, lines| now.saturating_duration_since(lines.began) >= MINUTE);
        ended.filter(|(_, lines)| lines.left_out > 0).map(|(provider, lines)| (provider, lines.left_out)).collect()
    }

    /// Logs how many lines were left out in the minutes that are over.
    pub fn tell_left_out(&self, now: Instant) {
        for (provider, left_out) in self.left_out(now) {
            tracing::warn!(
                provider = provider.as_str(),
                left_out,
                "more callbacks were refused within a minute than are logged"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_lines_a_minute_and_provider_are_written_and_the_others_counted() {
        let (log, began) = (RefusalLog::default(), Instant::now());
        let [first, second]: [ProviderName; 2] = ["a", "b"].map(|name| name.parse().unwrap());
        let written = |at: Instant| (0..4_000).filter(|_| log.is_due(&first, at)).count();
        assert_eq!((written(began), written(began + Duration::from_secs(59))), (10, 0));
        assert!(log.is_due(&second, began), "each provider has its own lines");
        assert_eq!(log.left_out(began + Duration::from_secs(59)), []);
        assert_eq!(log.left_out(began + MINUTE), [(first.clone(), 7_990)]);
        assert_eq!((log.left_out(began + MINUTE), written(began + MINUTE)), (vec![], 10));
    }
}
