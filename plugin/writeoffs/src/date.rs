//! Days, months and moments in time, and their text.

use std::fmt;

/// A calendar month of the years 1 to 9999, stored as the number of months since the year 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Month(u32);

/// A day of the years 1 to 9999 in the proleptic Gregorian calendar.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Date {
    month: Month,
    day: u8,
}

impl Date {
    /// Returns the day, or `None` if it does not exist.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Date> {
        if !(1..=9999).contains(&year) || !(1..=12).contains(&month) {
            return None;
        }
        let month = Month(u32::from(year) * 12 + u32::from(month) - 1);
        (1..=month.length()).contains(&day).then_some(Date { month, day })
    }

    /// Formats the day as `YYYY-MM-DD`.
    pub(crate) fn text(self) -> String {
        fill("0000-00-00", u64::from(self.month.digits()) * 100 + u64::from(self.day))
    }

    /// Formats the day as `DD.MM.YYYY`.
    pub(crate) fn russian(self) -> String {
        let (year, month) = (u64::from(self.month.year()), u64::from(self.month.number()));
        fill("00.00.0000", u64::from(self.day) * 1_000_000 + month * 10_000 + year)
    }

    /// Returns the year, the month (1 to 12) and the day of the month.
    pub fn parts(self) -> (u16, u8, u8) {
        // A year is at most 9999.
        (self.month.year() as u16, self.month.number(), self.day)
    }

    /// Returns the day's calendar month.
    pub fn month(self) -> Month {
        self.month
    }
}

impl Month {
    /// Returns the year, 1 to 9999.
    pub fn year(self) -> u32 {
        self.0 / 12
    }

    /// Returns the number of the month, 1 to 12.
    pub fn number(self) -> u8 {
        // A remainder fits.
        (self.0 % 12) as u8 + 1
    }

    /// Returns the number of days.
    fn length(self) -> u8 {
        time::Month::try_from(self.number()).map_or(0, |month| month.length(self.year().cast_signed()))
    }

    /// Returns the first day.
    pub(crate) fn first_day(self) -> Date {
        Date { month: self, day: 1 }
    }

    /// Returns the number of months since January of the year 0.
    pub(crate) fn number_since_0(self) -> u64 {
        self.0.into()
    }

    /// Reports whether a date is the first day of the month.
    pub fn begins_with(self, date: Date) -> bool {
        date == Date { month: self, day: 1 }
    }

    /// Reports whether a date is the last day of the month.
    pub fn ends_with(self, date: Date) -> bool {
        date == Date { month: self, day: self.length() }
    }

    /// Returns the month as the number `YYYYMM`.
    fn digits(self) -> u32 {
        self.year() * 100 + u32::from(self.number())
    }

    /// Formats the month as `YYYY-MM`.
    pub(crate) fn text(self) -> String {
        fill("0000-00", self.digits().into())
    }

    /// Formats the month as `MM`.
    pub(crate) fn two_digits(self) -> String {
        fill("00", self.number().into())
    }

    /// Returns A for January to L for December.
    pub(crate) fn letter(self) -> &'static str {
        let at = usize::from(self.number()) - 1;
        "ABCDEFGHIJKL".get(at..=at).unwrap_or_default()
    }

    /// Formats the last second of the month as 1C writes a moment: `2026-10-31T23:59:59`.
    pub(crate) fn last_second(self) -> String {
        let day = u64::from(self.digits()) * 100 + u64::from(self.length());
        fill(MOMENT, day * 1_000_000 + 235_959)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// A moment in UTC, up to the year 9999.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment(time::OffsetDateTime);

impl Moment {
    /// Converts seconds since 1970. Returns `None` after the year 9999.
    pub fn of_epoch(seconds: u64) -> Option<Moment> {
        // The library's moments end with the year 9999.
        i64::try_from(seconds).ok().and_then(|seconds| time::OffsetDateTime::from_unix_timestamp(seconds).ok()).map(Moment)
    }

    /// Formats the moment as `2026-11-01T00:05:00`.
    pub(crate) fn text(self) -> String {
        let (year, month, day) = self.0.to_calendar_date();
        let (hour, minute, second) = self.0.to_hms();
        let parts = [u8::from(month), day, hour, minute, second];
        fill(MOMENT, parts.into_iter().fold(u64::from(year.unsigned_abs()), |number, part| number * 100 + u64::from(part)))
    }
}

const MOMENT: &str = "0000-00-00T00:00:00";

/// Writes a number's digits in place of the zeros of a template.
fn fill(form: &str, mut number: u64) -> String {
    let mut text = form.as_bytes().to_vec();
    for place in text.iter_mut().rev().filter(|byte| **byte == b'0') {
        // A single digit is added, so it fits.
        *place += (number % 10) as u8;
        number /= 10;
    }
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn days_that_exist() {
        for (year, month, day, exists) in [
            (2024, 2, 29, true),
            (2023, 2, 29, false),
            (1900, 2, 29, false),
            (2000, 2, 29, true),
            (2026, 4, 31, false),
            (2026, 12, 31, true),
            (2026, 0, 1, false),
            (2026, 13, 1, false),
            (2026, 1, 0, false),
            (0, 1, 1, false),
            (9999, 12, 31, true),
            (10_000, 1, 1, false),
        ] {
            assert_eq!(Date::new(year, month, day).is_some(), exists, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn texts() {
        let date = Date::new(987, 6, 5).unwrap();
        assert_eq!((date.text(), date.russian()), ("0987-06-05".into(), "05.06.0987".into()));
        assert_eq!(date.month().last_second(), "0987-06-30T23:59:59");
    }

    /// The first second of the year 10000.
    const MOMENT_END: u64 = 253_402_300_800;

    #[test]
    fn moments() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00"),
            (951_782_399, "2000-02-28T23:59:59"),
            (951_782_400, "2000-02-29T00:00:00"),
            (1_793_491_500, "2026-11-01T00:05:00"),
            (13_569_465_599, "2399-12-31T23:59:59"),
            (MOMENT_END - 1, "9999-12-31T23:59:59"),
        ] {
            assert_eq!(Moment::of_epoch(seconds).unwrap().text(), text);
        }
        assert_eq!(Moment::of_epoch(MOMENT_END), None);
    }

    proptest! {
        /// Compared with another library.
        #[test]
        fn the_calendar_is_the_common_one(year in 0u16..=10_000, month in 0u8..=13, day in 0u8..=32, seconds in 0..MOMENT_END) {
            let known = time::Month::try_from(month).ok()
                .and_then(|month| time::Date::from_calendar_date(year.into(), month, day).ok())
                .filter(|_| (1..=9999).contains(&year));
            prop_assert_eq!(Date::new(year, month, day).map(Date::text), known.map(|date| date.to_string()));
            let moment = time::OffsetDateTime::from_unix_timestamp(seconds as i64).unwrap();
            let want = format!("{}T{:0>8}", moment.date(), moment.time().to_string().split('.').next().unwrap());
            prop_assert_eq!(Moment::of_epoch(seconds).unwrap().text(), want);
        }
    }
}
