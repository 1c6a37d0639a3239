//! Values of a register: amounts and times.

use kit::contract;
use money::parse_amount;
use time::{Date, Month, Time};

/// The windows-1251 characters of the bytes from 0x80 on. U+FFFD: the byte has none.
const WINDOWS_1251: &str = "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\u{fffd}™љ›њќћџ\u{a0}ЎўЈ¤Ґ¦§Ё©Є«¬\u{ad}®Ї°±Ііґµ¶·ё№є»јЅѕї\
    АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя";

/// How a file's characters are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    Utf8,
    Windows1251,
}

impl Encoding {
    /// Decodes a field. What is no character becomes U+FFFD.
    pub fn text(self, field: &[u8]) -> String {
        match self {
            Encoding::Utf8 => String::from_utf8_lossy(field).into_owned(),
            Encoding::Windows1251 => field.iter().map(|byte| windows_1251(*byte)).collect(),
        }
    }
}

fn windows_1251(byte: u8) -> char {
    let at = byte.checked_sub(0x80).map(usize::from);
    at.map_or(char::from(byte), |at| WINDOWS_1251.chars().nth(at).unwrap_or('\u{fffd}'))
}

/// Parses an amount with an optional minus sign, whose thousands may be set apart by spaces, to minor units.
///
/// # Errors
/// What is wrong, as a sentence.
pub fn amount(text: &str, decimal_mark: char) -> Result<i64, &'static str> {
    let digits: String = text.chars().filter(|char| !matches!(char, ' ' | '\u{a0}' | '\u{202f}')).collect();
    let (sign, digits) = digits.strip_prefix('-').map_or((1, digits.as_str()), |digits| (-1, digits));
    if digits.contains(['.', ',']) && !digits.contains(decimal_mark) {
        return Err("Its decimal mark is not the one that the options name.");
    }
    let minor_units = parse_amount(&digits.replace(decimal_mark, "."));
    minor_units.map(|minor_units| sign * minor_units).map_err(|_| "It is no amount with at most two decimals.")
}

/// Parses a date with an optional time: `2026-10-31 10:00:00`, `31.10.2026 10:00` or, as in ChronoPay's callbacks, `10/31/2026`.
/// Returns it as an event has it, with the offset `zone` if that is not empty, and its day.
pub fn time(text: &str, zone: &str) -> Option<(String, contract::Date)> {
    let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    let separator = date.chars().find(|char| !char.is_ascii_digit())?;
    let mut parts = date.split(separator);
    let parts = [parts.next()?, parts.next()?, parts.next().filter(|_| parts.next().is_none())?];
    let [year, month, day] = match (separator, parts) {
        ('-', parts) => parts,
        ('.', [day, month, year]) | ('/', [month, day, year]) => [year, month, day],
        _ => return None,
    };
    let year = number(year, 4)?;
    let [month, day] = [u8::try_from(number(month, 2)?).ok()?, u8::try_from(number(day, 2)?).ok()?];
    Date::from_calendar_date(i32::from(year), Month::try_from(month).ok()?, day).ok().filter(|_| year > 0)?;
    let at = format!("{year:04}-{month:02}-{day:02}");
    let date = contract::Date { year, month, day };
    if time.is_empty() {
        return Some((at, date));
    }
    let mut parts = time.split(':');
    let [hour, minute, second] = [parts.next()?, parts.next()?, parts.next().unwrap_or("00")];
    let [hour, minute, second] =
        [hour, minute, second].map(|part| number(part, 2).and_then(|number| u8::try_from(number).ok()));
    let (hour, minute, second) = (hour?, minute?, second?);
    Time::from_hms(hour, minute, second).ok().filter(|_| parts.next().is_none())?;
    Some((format!("{at}T{hour:02}:{minute:02}:{second:02}{zone}"), date))
}

fn number(text: &str, digits: usize) -> Option<u16> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_1251_has_every_byte() {
        assert_eq!(WINDOWS_1251.chars().count(), 128);
        for (bytes, want) in [
            (&b"abc"[..], "abc"),
            (&[0xcd, 0xee, 0xec, 0xe5, 0xf0, 0x20, 0xb9, 0xa0, 0xb8, 0xa8, 0xff], "Номер №\u{a0}ёЁя"),
            (&[0x98], "\u{fffd}"),
        ] {
            assert_eq!(Encoding::Windows1251.text(bytes), want);
        }
    }

    #[test]
    fn amounts() {
        for (text, mark, want) in [
            ("500.00", '.', Some(50_000)),
            ("500", '.', Some(50_000)),
            ("-99.99", '.', Some(-9_999)),
            ("1 250,50", ',', Some(125_050)),
            ("1\u{a0}250\u{202f}000,5", ',', Some(125_000_050)),
            ("0.00", '.', Some(0)),
            ("500,00", '.', None),
            ("500.00", ',', None),
            ("1,250.00", '.', None),
            ("1.005", '.', None),
            ("--1", '.', None),
            ("+1", '.', None),
            ("-", '.', None),
            ("сто", '.', None),
        ] {
            assert_eq!(amount(text, mark).ok(), want, "{text} {mark}");
        }
    }

    #[test]
    fn times() {
        for (text, zone, want) in [
            ("2026-10-05 09:12:44", "+03:00", Some("2026-10-05T09:12:44+03:00")),
            ("2026-10-05T09:12:44", "", Some("2026-10-05T09:12:44")),
            ("06.10.2026 10:00", "+03:00", Some("2026-10-06T10:00:00+03:00")),
            ("10/31/2026 04:31:15", "", Some("2026-10-31T04:31:15")),
            ("10/31/2026", "+03:00", Some("2026-10-31")),
            ("31/10/2026", "", None),
            ("31.02.2026", "", None),
            ("0000-01-01", "", None),
            ("2026-10-05 24:00", "", None),
            ("2026-10-05 10", "", None),
            ("2026-10-05 10:00:00:00", "", None),
            ("2026-10-5", "", None),
            ("2026-10-05-01", "", None),
            ("2026", "", None),
            ("сегодня", "", None),
        ] {
            assert_eq!(time(text, zone).map(|(at, _)| at).as_deref(), want, "{text}");
        }
    }
}
