//! Calendar dates.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::Month;

/// A day that exists in the calendar, in the years 1 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Date(time::Date);

impl Date {
    /// The latest date: 9999-12-31.
    pub const MAX: Date = Date(time::Date::MAX);

    /// The time of day at which statistics count it, in seconds since midnight UTC.
    const COUNTED_SECONDS: i64 = 11 * 3600;

    /// Returns the date, or `None` if the day does not exist.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Date> {
        let month = Month::try_from(month).ok()?;
        if !(1..=9999).contains(&year) {
            return None;
        }
        time::Date::from_calendar_date(year.into(), month, day).ok().map(Date)
    }

    /// Parses `2026-10-31`. Returns `None` for any other form, and for a day that does not exist.
    pub fn parse(text: &str) -> Option<Date> {
        WrittenDate::parse(text)?.day()
    }

    /// Returns the year, 1 to 9999.
    pub fn year(self) -> u16 {
        u16::try_from(self.0.year()).unwrap_or_default()
    }

    /// Returns the month, 1 to 12.
    pub fn month(self) -> u8 {
        self.0.month().into()
    }

    /// Returns the day of the month, 1 to 31.
    pub fn day(self) -> u8 {
        self.0.day()
    }

    /// Reports whether it is the last day of its month.
    pub fn ends_month(self) -> bool {
        self.0.month().length(self.0.year()) == self.0.day()
    }

    pub(crate) fn counted_at(self) -> u64 {
        u64::try_from(self.begins_at() + Date::COUNTED_SECONDS).unwrap_or_default()
    }

    /// Returns its first second in UTC, since the epoch.
    pub(crate) fn begins_at(self) -> i64 {
        self.0.midnight().assume_utc().unix_timestamp()
    }
}

impl From<Date> for time::Date {
    fn from(date: Date) -> time::Date {
        date.0
    }
}

impl fmt::Display for Date {
    /// `2026-10-31`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year(), self.month(), self.day())
    }
}

/// In JSON: `"2026-10-31"`. The record `{"year": 2026, "month": 10, "day": 31}` is accepted too.
impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        let written = WrittenDate::deserialize(deserializer)?;
        written.day().ok_or_else(|| de::Error::custom(format_args!("{written} is not a day of the calendar")))
    }
}

/// A date as it is written, which may not exist: `2026-02-30` has the form of a date, but there is no such day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WrittenDate {
    /// Any number; an existing date has 1 to 9999.
    pub year: u16,
    /// Any number; an existing date has 1 to 12.
    pub month: u8,
    /// Any number; an existing date has at most 31.
    pub day: u8,
}

impl WrittenDate {
    /// Parses `YYYY-MM-DD`, whether or not the day exists. Returns `None` for any other form.
    pub fn parse(text: &str) -> Option<WrittenDate> {
        let number = |from: usize, to: usize| text.get(from..to).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        let separated = text.len() == 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let date = WrittenDate { year: year.parse().ok()?, month: month.parse().ok()?, day: day.parse().ok()? };
        separated.then_some(date)
    }

    /// Returns the date, if the day exists.
    pub fn day(self) -> Option<Date> {
        Date::new(self.year, self.month, self.day)
    }
}

impl From<Date> for WrittenDate {
    fn from(date: Date) -> WrittenDate {
        WrittenDate { year: date.year(), month: date.month(), day: date.day() }
    }
}

impl fmt::Display for WrittenDate {
    /// `2026-02-30`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl<'de> Deserialize<'de> for WrittenDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<WrittenDate, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Record {
            year: u16,
            month: u8,
            day: u8,
        }

        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = WrittenDate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a date as YYYY-MM-DD")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<WrittenDate, E> {
                WrittenDate::parse(text).ok_or_else(|| E::custom("a date is YYYY-MM-DD"))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WrittenDate, A::Error> {
                let Record { year, month, day } = Record::deserialize(MapAccessDeserializer::new(map))?;
                Ok(WrittenDate { year, month, day })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_both_forms() {
        let want = Date::new(2026, 10, 31).unwrap();
        for text in [r#""2026-10-31""#, r#"{"year": 2026, "month": 10, "day": 31}"#] {
            assert_eq!(serde_json::from_str::<Date>(text).unwrap(), want);
        }
        assert_eq!(serde_json::to_string(&want).unwrap(), r#""2026-10-31""#);
        for text in [r#""31.10.2026""#, r#""2026-1-31""#, r#""2026-10-31T""#, r#""2026-+1-31""#, "5"] {
            let error = serde_json::from_str::<Date>(text).unwrap_err();
            assert!(error.to_string().contains("YYYY-MM-DD"), "{error}");
        }
    }

    #[test]
    fn a_day_exists_and_what_is_written_may_not() {
        for (text, written, exists) in [
            ("2026-10-31", true, true),
            ("2028-02-29", true, true),
            ("0001-01-01", true, true),
            ("9999-12-31", true, true),
            ("2026-02-30", true, false),
            ("2026-10-32", true, false),
            ("2026-13-01", true, false),
            ("0000-01-01", true, false),
            ("2026-10-3", false, false),
            ("2026-10-311", false, false),
            ("2026/10/31", false, false),
            ("2026-+1-01", false, false),
            ("2026-10- 1", false, false),
            ("ё26-10-31", false, false),
            ("", false, false),
        ] {
            let (date, day) = (WrittenDate::parse(text), Date::parse(text));
            assert_eq!((date.is_some(), day.is_some()), (written, exists), "{text}");
            assert!(
                date.is_none_or(|date| date.to_string() == text) && day.is_none_or(|day| day.to_string() == text),
                "{text}"
            );
        }
        let error = serde_json::from_str::<Date>(r#""2026-02-30""#).unwrap_err();
        assert!(error.to_string().starts_with("2026-02-30 is not a day of the calendar"), "{error}");
    }
}
