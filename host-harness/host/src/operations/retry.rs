//! When an operation is tried again.

/// After how many seconds an operation that a crash interrupted goes on: longer than any call takes.
pub const INTERRUPTED_SECONDS: u64 = 30;
/// The first and the longest pause between two tries, in seconds.
const FIRST_PAUSE_SECONDS: u64 = 30;
const PAUSE_SECONDS_MAX: u64 = 3600;
/// How long a payment system that cannot be reached is tried, in seconds: three days.
pub const TRIED_SECONDS_MAX: u64 = 3 * 24 * 3600;

/// Returns when to try again after `tries` tries, seconds since the epoch: each pause is twice the one before.
pub fn retry_after(tries: u32, now: u64) -> u64 {
    let doubled = FIRST_PAUSE_SECONDS.saturating_mul(1 << tries.min(16));
    now.saturating_add(doubled.min(PAUSE_SECONDS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_hour() {
        for (tries, pause) in [(0, 30), (1, 60), (3, 240), (6, 1920), (7, 3600), (u32::MAX, 3600)] {
            assert_eq!(retry_after(tries, 1000), 1000 + pause, "{tries}");
        }
    }
}
