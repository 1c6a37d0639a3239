//! Times as payment systems write them, and as the contract's `occurred-at` has them.
//!
//! A pattern is a text in which `Y`, `M`, `D`, `h`, `m` and `s` each stand for one digit of the year, month, day, hour, minute
//! and second. Every other character stands for itself.

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// `txn_date` of ОСМП and QIWI, in Moscow time.
pub const OSMP: &str = "YYYYMMDDhhmmss";
/// `PAY_DATE` and `REG_DATE` of Sber's protocol for terminals, in Moscow time.
pub const SBER: &str = "DD.MM.YYYY_hh:mm:ss";
/// `DateTime` of CloudPayments, in UTC, and `sign_time` of Click.
pub const WITH_SPACE: &str = "YYYY-MM-DD hh:mm:ss";
/// `date` of CyberPlat, and ISO 8601 without an offset.
pub const WITH_T: &str = "YYYY-MM-DDThh:mm:ss";

/// Moscow time. It has been three hours ahead of UTC, without summer time, since 2014-10-26; earlier times are not converted
/// rightly.
pub const MOSCOW: UtcOffset = match UtcOffset::from_hms(3, 0, 0) {
    Ok(offset) => offset,
    Err(_) => UtcOffset::UTC,
};

/// The most digits of a second's fraction that RFC 3339 texts may have here.
const FRACTION_DIGITS_MAX: usize = 9;

/// Parses a text by a pattern. Its zone is the payment system's, added by [`PrimitiveDateTime::assume_offset`].
///
/// Returns `None` if the text differs from the pattern, or there is no such day or time. A leap second (`:60`) and `24:00:00`
/// are refused: no payment system documents them.
pub fn parse(pattern: &str, text: &str) -> Option<PrimitiveDateTime> {
    if pattern.len() != text.len() {
        return None;
    }
    let parts = |field: u8| {
        let digits = pattern.bytes().zip(text.bytes()).filter(|(pattern, _)| *pattern == field);
        digits.fold(0_u16, |number, (_, digit)| number * 10 + u16::from(digit.wrapping_sub(b'0')))
    };
    let is_like = |(pattern, byte): (u8, u8)| match pattern {
        b'Y' | b'M' | b'D' | b'h' | b'm' | b's' => byte.is_ascii_digit(),
        literal => byte == literal,
    };
    if !pattern.bytes().zip(text.bytes()).all(is_like) {
        return None;
    }
    let small = |field| u8::try_from(parts(field)).ok();
    let month = Month::try_from(small(b'M')?).ok()?;
    let date = Date::from_calendar_date(i32::from(parts(b'Y')), month, small(b'D')?).ok()?;
    let time = Time::from_hms(small(b'h')?, small(b'm')?, small(b's')?).ok()?;
    Some(PrimitiveDateTime::new(date, time))
}

/// Formats a time by a pattern, by the clock of the time's own offset; [`OffsetDateTime::to_offset`] changes it. The year is one
/// of 0 to 9999.
pub fn format(pattern: &str, time: OffsetDateTime) -> String {
    let mut rest = [
        (b'Y', time.year().unsigned_abs()),
        (b'M', u8::from(time.month()).into()),
        (b'D', time.day().into()),
        (b'h', time.hour().into()),
        (b'm', time.minute().into()),
        (b's', time.second().into()),
    ];
    // From the end, so that the last digits come first.
    let mut digit = |field: char| match rest.iter_mut().find(|(name, _)| char::from(*name) == field) {
        Some((_, number)) => {
            let digit = char::from(b'0' + (*number % 10) as u8);
            *number /= 10;
            digit
        }
        None => field,
    };
    let reversed: Vec<char> = pattern.chars().rev().map(&mut digit).collect();
    reversed.into_iter().rev().collect()
}

/// Parses RFC 3339, as YooKassa writes times: `2026-11-28T10:00:00.123Z`. A fraction of a second, at most nine digits, is
/// dropped.
///
/// Returns `None` if there is no offset, or the text is not such a time.
pub fn rfc3339(text: &str) -> Option<OffsetDateTime> {
    let (local, rest) = text.split_at_checked(WITH_T.len())?;
    let offset = match rest.strip_prefix('.') {
        Some(fraction) => {
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            fraction.get(digits..).filter(|_| (1..=FRACTION_DIGITS_MAX).contains(&digits))?
        }
        None => rest,
    };
    Some(parse(WITH_T, local)?.assume_offset(parse_offset(offset)?))
}

/// Parses `Z`, `+03:00` or `-05:30`.
fn parse_offset(text: &str) -> Option<UtcOffset> {
    let (sign, clock) = match text {
        "Z" => return Some(UtcOffset::UTC),
        _ => text.split_at_checked(1)?,
    };
    let sign = match sign {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes, _) = parse(WITH_T, &["2000-01-01T", clock, ":00"].concat())?.as_hms();
    let [hours, minutes] = [hours, minutes].map(|part| i8::try_from(part).unwrap_or_default() * sign);
    UtcOffset::from_hms(hours, minutes, 0).ok()
}

/// Converts milliseconds since 1970-01-01 in UTC, as Payme sends times. Fractions of a second are dropped.
///
/// Returns `None` before 1970 and after the year 9999.
pub fn from_epoch_milliseconds(milliseconds: i64) -> Option<OffsetDateTime> {
    let seconds = Some(milliseconds / 1000).filter(|_| milliseconds >= 0);
    seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
}

/// Formats a time as the contract's `occurred-at`: `2026-11-28T10:00:00+03:00`, or with `Z` in UTC. Seconds of an offset are
/// left out.
pub fn occurred_at(time: OffsetDateTime) -> String {
    let mut text = format(WITH_T, time);
    if time.offset().is_utc() {
        text.push('Z');
        return text;
    }
    let (hours, minutes, _) = time.offset().as_hms();
    let sign = if time.offset().is_negative() { '-' } else { '+' };
    text.push_str(&format!("{sign}{:02}:{:02}", hours.unsigned_abs(), minutes.unsigned_abs()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn moscow(pattern: &str, text: &str) -> Option<String> {
        parse(pattern, text).map(|time| occurred_at(time.assume_offset(MOSCOW)))
    }

    #[test]
    fn times_by_patterns() {
        for (pattern, text, want) in [
            (OSMP, "20261128100005", Some("2026-11-28T10:00:05+03:00")),
            (OSMP, "20240229235959", Some("2024-02-29T23:59:59+03:00")),
            (OSMP, "20230229000000", None),
            (OSMP, "20261131000000", None),
            (OSMP, "20261300000000", None),
            (OSMP, "20261128240000", None),
            (OSMP, "20261128106000", None),
            (OSMP, "20261128100060", None),
            (OSMP, "2026112810000", None),
            (OSMP, "202611281000050", None),
            (OSMP, "2026112810000a", None),
            (OSMP, "2026112810000/", None),
            (OSMP, "+0261128100005", None),
            (OSMP, "", None),
            (SBER, "28.11.2026_10:00:05", Some("2026-11-28T10:00:05+03:00")),
            (SBER, "28.11.2026 10:00:05", None),
            (SBER, "8.11.2026_10:00:005", None),
            (SBER, "11.28.2026_10:00:05", None),
            (WITH_SPACE, "2026-11-28 10:00:05", Some("2026-11-28T10:00:05+03:00")),
            (WITH_SPACE, "2026-11-28T10:00:05", None),
            (WITH_SPACE, "2026-11-28 10:00:0я", None),
            (WITH_T, "2005-09-20T15:53:00", Some("2005-09-20T15:53:00+03:00")),
        ] {
            assert_eq!(moscow(pattern, text).as_deref(), want, "{pattern} {text}");
        }
    }

    #[test]
    fn rfc_3339() {
        for (text, want) in [
            ("2026-11-28T10:00:00.123Z", Some("2026-11-28T10:00:00Z")),
            ("2026-11-28T10:00:00Z", Some("2026-11-28T10:00:00Z")),
            ("2026-11-28T10:00:00+03:00", Some("2026-11-28T10:00:00+03:00")),
            ("2026-11-28T10:00:00.1234567+03:00", Some("2026-11-28T10:00:00+03:00")),
            ("2026-11-28T10:00:00-05:30", Some("2026-11-28T10:00:00-05:30")),
            ("2026-11-28T10:00:00-00:30", Some("2026-11-28T10:00:00-00:30")),
            ("2026-11-28T10:00:00+00:00", Some("2026-11-28T10:00:00Z")),
            ("2026-11-28T10:00:00", None),
            ("2026-11-28T10:00:00.Z", None),
            ("2026-11-28T10:00:00.1234567890Z", None),
            ("2026-11-28T10:00:00,5Z", None),
            ("2026-11-28T10:00:00z", None),
            ("2026-11-28 10:00:00Z", None),
            ("2026-11-28T10:00:00+0300", None),
            ("2026-11-28T10:00:00+03", None),
            ("2026-11-28T10:00:00+3:00", None),
            ("2026-11-28T10:00:00+24:00", None),
            ("2026-11-28T10:00:00+03:60", None),
            ("2026-11-28T10:00:00+03:00Z", None),
            ("2026-02-30T10:00:00Z", None),
            ("2026-11-28", None),
            ("", None),
            ("2026-11-28T10:00:0я0Z", None),
        ] {
            assert_eq!(rfc3339(text).map(occurred_at).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn milliseconds() {
        for (milliseconds, want) in [
            (0, Some("1970-01-01T00:00:00Z")),
            (1_796_900_405_999, Some("2026-12-10T11:00:05Z")),
            (253_402_300_799_999, Some("9999-12-31T23:59:59Z")),
            (253_402_300_800_000, None),
            (i64::MAX, None),
            (-1, None),
        ] {
            assert_eq!(from_epoch_milliseconds(milliseconds).map(occurred_at).as_deref(), want, "{milliseconds}");
        }
    }

    #[test]
    fn a_time_by_another_clock() {
        let time = rfc3339("2026-12-31T22:00:05Z").unwrap().to_offset(MOSCOW);
        assert_eq!(format(SBER, time), "01.01.2027_01:00:05");
        assert_eq!(format(OSMP, time), "20270101010005");
        assert_eq!(occurred_at(time), "2027-01-01T01:00:05+03:00");
    }

    proptest! {
        #[test]
        fn text_reads_back(seconds in 0..253_402_300_800_i64, pattern in prop::sample::select(&[OSMP, SBER, WITH_SPACE, WITH_T][..])) {
            let time = from_epoch_milliseconds(seconds * 1000).unwrap();
            let text = format(pattern, time);
            prop_assert_eq!(parse(pattern, &text).map(PrimitiveDateTime::assume_utc), Some(time));
            prop_assert_eq!(rfc3339(&occurred_at(time)), Some(time));
        }

        #[test]
        fn any_text_is_a_time_or_not(text in "\\PC{0,24}|[0-9TZ:+. -]{19,30}") {
            let _ = [parse(OSMP, &text).is_some(), parse(SBER, &text).is_some(), rfc3339(&text).is_some()];
        }
    }
}
