//! Days of the calendar.

use std::fmt;

use time::Month;

/// A day of the calendar, of the years 1 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Date(time::Date);

impl Date {
    /// When in it statistics count it, in seconds since its beginning by UTC.
    const COUNTED_SECONDS: i64 = 11 * 3600;

    /// `None` where there is no such day.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Date> {
        let month = Month::try_from(month).ok()?;
        if !(1..=9999).contains(&year) {
            return None;
        }
        time::Date::from_calendar_date(year.into(), month, day).ok().map(Date)
    }

    /// 1 to 9999.
    pub fn year(self) -> u16 {
        u16::try_from(self.0.year()).unwrap_or_default()
    }

    /// 1 to 12.
    pub fn month(self) -> u8 {
        self.0.month().into()
    }

    /// 1 to 31.
    pub fn day(self) -> u8 {
        self.0.day()
    }

    /// Whether it is its month's last.
    pub fn ends_month(self) -> bool {
        self.0.month().length(self.0.year()) == self.0.day()
    }

    pub(crate) fn counted_at(self) -> u64 {
        let begins = self.0.midnight().assume_utc().unix_timestamp();
        u64::try_from(begins + Date::COUNTED_SECONDS).unwrap_or_default()
    }
}

impl fmt::Display for Date {
    /// `2026-10-31`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year(), self.month(), self.day())
    }
}
