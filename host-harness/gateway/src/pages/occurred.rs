//! When the payment of an entry happened, by the payment system's clock.

use domain::Entry;
use time::Date;

use super::text::{Clock, calendar_day};

/// Returns when an entry's movement happened by the payment system's clock, as people read it: in this time zone, if the payment
/// system's own is known. Empty if it is not known when.
pub fn text(clock: Clock, entry: &Entry) -> String {
    let Some(occurred_at) = &entry.occurred_at else { return String::new() };
    match (entry.happened_at(), parts(occurred_at)) {
        (Some(at), _) => clock.text(at),
        (None, Some((day, time))) => format!("{} {time}", calendar_day(day)).trim_end().to_owned(),
        // As it was received.
        (None, None) => occurred_at.clone(),
    }
}

/// Returns the same, if it is another day than that on which the entry was made.
pub fn of_another_day(clock: Clock, entry: &Entry) -> Option<String> {
    let occurred_at = entry.occurred_at.as_deref()?;
    let day = match entry.happened_at() {
        Some(at) => clock.day(at),
        None => Date::from(parts(occurred_at)?.0),
    };
    (day != clock.day(entry.at)).then(|| text(clock, entry))
}

/// Returns the day and the time, if there is one, of `2026-11-28` or `2026-11-28T23:59:00`.
fn parts(occurred_at: &str) -> Option<(domain::Date, &str)> {
    let (day, rest) = occurred_at.split_at_checked(10)?;
    let time = if rest.is_empty() { "" } else { rest.strip_prefix('T')?.get(..8)? };
    Some((domain::Date::parse(day)?, time))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use domain::{EntryKind, Money};
    use money::Currency;

    use super::*;
    use crate::pages::order_payments::tests::entry;

    #[test]
    fn a_day_is_told_where_it_differs() {
        // 29.11.2026 00:10:00 in Moscow.
        let entered_at = 1_795_900_200;
        let clock = Clock::new(3);
        assert_eq!(clock.text(entered_at), "29.11.2026 00:10:00");
        for (occurred_at, shown, is_other) in [
            (Some("2026-11-28T23:59:00+03:00"), "28.11.2026 23:59:00", true),
            (Some("2026-11-28T21:05:00Z"), "29.11.2026 00:05:00", false),
            (Some("2026-11-29T02:05:00+05:00"), "29.11.2026 00:05:00", false),
            (Some("2026-11-28T23:59:00"), "28.11.2026 23:59:00", true),
            (Some("2026-11-29T23:59:00"), "29.11.2026 23:59:00", false),
            (Some("2026-11-28"), "28.11.2026", true),
            (Some("2026-11-29"), "29.11.2026", false),
            (Some("28 ноября"), "28 ноября", false),
            (None, "", false),
        ] {
            let amount = Money { minor_units: 100, currency: Currency::RUB };
            let entry =
                Entry { at: entered_at, occurred_at: occurred_at.map(str::to_owned), ..entry(EntryKind::Payment, amount) };
            assert_eq!(text(clock, &entry), shown, "{occurred_at:?}");
            assert_eq!(of_another_day(clock, &entry), is_other.then(|| shown.to_owned()), "{occurred_at:?}");
        }
    }
}
