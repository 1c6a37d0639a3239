//! When to ask a payment system about an unpaid order.

use domain::Order;
use sha2::{Digest, Sha256};

/// The least time until a provider wants an order to be asked about again, in seconds.
pub const ASK_AGAIN_SECONDS_MIN: u64 = 30;

/// The first times at which an order is asked about, in seconds since its creation: most payers pay at once.
const FIRST_SECONDS: [u64; 4] = [60, 300, 900, 3_600];
/// The interval after the first times.
const LATER_SECONDS: u64 = 6 * 3_600;
/// How long an order is asked about, since its creation.
const DURATION_SECONDS_MAX: u64 = 30 * 86_400;
/// How long after an order's expiry it is asked about for the last time: a payment that began in time may need as long.
const AFTER_EXPIRY_SECONDS: u64 = 600;
/// The largest part of an interval by which a time is put off, so that orders that were made together are not asked about together.
const JITTER_PERCENT: u64 = 10;

/// The longest time that an order or an operation waits until it is asked about again, in seconds. What waits longer was put off while the
/// clock was ahead.
pub const WAIT_SECONDS_MAX: u64 = 7 * 3_600;

/// Returns when to ask about an unpaid order next, in seconds since the epoch, after `now`; `None` if it is not asked about any
/// more. The times are after 1, 5, 15 and 60 minutes, then every 6 hours, each put off by at most a tenth of the interval before it,
/// which depends on the order alone; then once after the order's expiry. After 30 days nobody asks.
///
/// With `ask_again`, the seconds after which the provider wants to be asked, the next time may be sooner; at least 30 s.
pub fn next_ask(order: &Order, now: u64, ask_again: Option<u64>) -> Option<u64> {
    let ends_at = order.created_at.saturating_add(DURATION_SECONDS_MAX);
    let last_at = order.expires_at.map_or(ends_at, |expires_at| expires_at.saturating_add(AFTER_EXPIRY_SECONDS).min(ends_at));
    if now >= last_at {
        return None;
    }
    let wanted_at = ask_again.map_or(u64::MAX, |seconds| now.saturating_add(seconds.max(ASK_AGAIN_SECONDS_MIN)));
    // Between the expiry and the last time there is none.
    let scheduled_at = scheduled(order, now).filter(|at| order.expires_at.is_none_or(|expires_at| *at < expires_at));
    // An order that was made while the clock was ahead has its times days ahead.
    Some(scheduled_at.unwrap_or(last_at).min(wanted_at).min(last_at).min(now.saturating_add(WAIT_SECONDS_MAX)))
}

/// Returns the first time of the schedule after `now`.
fn scheduled(order: &Order, now: u64) -> Option<u64> {
    let later = (1..=DURATION_SECONDS_MAX / LATER_SECONDS).map(|count| FIRST_SECONDS[3] + count * LATER_SECONDS);
    let permille = jitter_permille(order);
    let mut before = 0;
    FIRST_SECONDS.into_iter().chain(later).find_map(|after| {
        let interval = after - before;
        before = after;
        let at = order.created_at.saturating_add(after + interval * permille / 1_000);
        (at > now).then_some(at)
    })
}

/// Returns by how much of an interval an order's times are put off, in thousandths.
fn jitter_permille(order: &Order) -> u64 {
    let digest = Sha256::digest(order.id.as_bytes());
    let number = digest.iter().take(4).fold(0, |number, byte| number << 8 | u64::from(*byte));
    number % (JITTER_PERCENT * 10 + 1)
}

#[cfg(test)]
mod tests {
    use domain::Money;
    use money::Currency;

    use super::*;

    const CREATED: u64 = 1_000_000;

    fn order(id: &str, expires_after: Option<u64>) -> Order {
        Order {
            id: id.parse().unwrap(),
            account: "1".parse().unwrap(),
            provider: "p".parse().unwrap(),
            amount: Money { minor_units: 1, currency: Currency::RUB },
            description: String::new(),
            idempotency_key: None,
            expires_at: expires_after.map(|seconds| CREATED + seconds),
            created_at: CREATED,
            paid_by: None,
        }
    }

    /// Returns when an order is asked about, in seconds since its creation.
    fn asks(order: &Order) -> Vec<u64> {
        let next = |at: &u64| next_ask(order, *at, None);
        std::iter::successors(next_ask(order, CREATED, None), next).map(|at| at - CREATED).collect()
    }

    #[test]
    fn order_is_asked_about_by_schedule_until_its_end() {
        let plain = [60, 300, 900, 3_600];
        for id in ["1", "2", "1795000000000", "1795000000001"] {
            let found = asks(&order(id, None));
            // 6, 12, … hours after the first, and the end of the 30 days.
            assert_eq!(found.len(), 4 + 119 + 1);
            let mut before = 0;
            for (at, plain) in found.iter().zip(plain.into_iter().chain((1..).map(|count| 3_600 + count * 21_600))).take(123) {
                let late = at - plain;
                assert!(late <= (plain - before) / 10, "{id}: {at} instead of {plain}");
                before = plain;
            }
            assert_eq!(found.last(), Some(&(30 * 86_400)));
            assert_eq!(found, asks(&order(id, None)), "the same each time");
        }
        let different: std::collections::BTreeSet<Vec<u64>> =
            (0..20).map(|id: u32| asks(&order(&id.to_string(), None))).collect();
        assert!(different.len() > 10, "{different:?}");
    }

    #[test]
    fn last_ask_comes_after_expiry() {
        let [.., before, last] = asks(&order("1", Some(1_200))).try_into().unwrap_or([0; 4]);
        assert!(before < 1_200 && last == 1_800, "{before} {last}");
        assert_eq!(asks(&order("1", Some(50))), [650]);
        assert_eq!(asks(&order("1", Some(90 * 86_400))).last(), Some(&(30 * 86_400)));
        assert_eq!(next_ask(&order("1", Some(1_200)), CREATED + 1_800, None), None);
    }

    #[test]
    fn provider_brings_the_next_ask_forward_and_never_the_end() {
        let order = order("1", Some(1_200));
        for (now, ask_again, want) in
            [(400, 0, Some(430)), (400, 30, Some(430)), (400, 100, Some(500)), (1_790, 30, Some(1_800)), (1_800, 30, None)]
        {
            let next = next_ask(&order, CREATED + now, Some(ask_again));
            assert_eq!(next, want.map(|at| CREATED + at), "{now} {ask_again}");
        }
        assert_eq!(next_ask(&order, CREATED, Some(u64::MAX)), next_ask(&order, CREATED, None));
    }
}
