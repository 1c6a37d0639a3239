//! Parses amounts as people type them. An ambiguous amount is refused, and never guessed.

use money::Currency;

use super::text::{self, Lang};

use host::{TopUpLimits, invisible};

/// The names of each currency in a typed amount, in lower case. A currency is also recognized by its code.
const CALLED: [(&str, &[&str]); 3] = [
    ("RUB", &["₽", "р", "р.", "руб", "руб.", "рубль", "рубля", "рублей", "rub.", "rur"]),
    ("USD", &["$", "доллар", "доллара", "долларов"]),
    ("EUR", &["€", "евро"]),
];
/// Signs of currencies that no merchant here has.
const OTHER_SIGNS: [&str; 6] = ["£", "¥", "₴", "₸", "₺", "₾"];
/// More digits than any amount has.
const DIGITS_MAX: usize = 16;

/// Why a typed text is not a valid amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrong {
    /// Nothing was typed.
    Empty,
    /// It is not a number.
    NotANumber,
    /// It names another currency.
    OtherCurrency,
    /// It has a minus sign.
    Negative,
    /// It has more than two decimals. With three, it could also be a number with a thousands separator.
    Decimals,
    /// Its thousands separators are ambiguous.
    Thousands,
    /// It is below the smallest or above the largest top-up.
    OutOfRange,
}

/// Writes an amount in minor units as people type it, without its currency.
pub fn typed(lang: Lang, minor_units: i64) -> String {
    money::format_amount(minor_units).replace('.', lang.of(",", "."))
}

/// Parses an amount in minor units, within limits.
pub fn read(typed: &str, currency: Currency, limits: TopUpLimits) -> Result<i64, Wrong> {
    let minor_units = read_any(typed, currency)?;
    if limits.hold(minor_units) { Ok(minor_units) } else { Err(Wrong::OutOfRange) }
}

/// Parses an amount of any size, including zero.
pub fn read_any(typed: &str, currency: Currency) -> Result<i64, Wrong> {
    let plain: String = typed.chars().filter(|char| !invisible::is_ignorable(*char)).map(plain).collect();
    let plain = plain.trim();
    if plain.is_empty() {
        return Err(Wrong::Empty);
    }
    let number = without_currency(plain, currency)?;
    let number = number.strip_prefix('+').unwrap_or(number).trim_start();
    if number.starts_with('-') {
        return Err(Wrong::Negative);
    }
    minor_units(number)
}

/// Maps variants of a character, as different keyboards type it, to one.
fn plain(char: char) -> char {
    match char {
        // Full-width digits and marks, which are all at the same offset from ASCII.
        '\u{ff0b}'..='\u{ff19}' => char::from_u32(u32::from(char) - 0xfee0).unwrap_or(char),
        '−' | '–' | '—' => '-',
        char if char.is_whitespace() => ' ',
        char => char,
    }
}

/// Returns the number without the name of its currency, which may be on either side.
fn without_currency(text: &str, currency: Currency) -> Result<&str, Wrong> {
    let is_start = |char: char| char.is_ascii_digit() || matches!(char, '+' | '-' | '.' | ',');
    let begin = text.find(is_start).ok_or(Wrong::NotANumber)?;
    let end = text.rfind(|char: char| char.is_ascii_digit()).ok_or(Wrong::NotANumber)? + 1;
    let (before, number, after) = match (text.get(..begin), text.get(begin..end), text.get(end..)) {
        (Some(before), Some(number), Some(after)) => (before.trim(), number, after.trim()),
        _ => return Err(Wrong::NotANumber),
    };
    match (before, after) {
        ("", "") => Ok(number),
        ("", name) | (name, "") => is_called(name, currency).map(|()| number),
        _ => Err(Wrong::NotANumber),
    }
}

/// Checks that a name means this currency.
fn is_called(name: &str, currency: Currency) -> Result<(), Wrong> {
    let name = name.to_lowercase();
    let is_code = |code: &str| name.eq_ignore_ascii_case(code);
    let from_name = CALLED.iter().find(|(code, names)| is_code(code) || names.contains(&name.as_str())).map(|(code, _)| *code);
    match from_name {
        Some(code) if currency.is(code) => Ok(()),
        None if is_code(currency.as_str()) => Ok(()),
        Some(_) => Err(Wrong::OtherCurrency),
        None if OTHER_SIGNS.contains(&name.as_str()) => Err(Wrong::OtherCurrency),
        None if Currency::parse(&name.to_uppercase()).is_some() => Err(Wrong::OtherCurrency),
        None => Err(Wrong::NotANumber),
    }
}

fn minor_units(number: &str) -> Result<i64, Wrong> {
    if !number.chars().all(|char| char.is_ascii_digit() || matches!(char, ' ' | '.' | ',' | '\'')) {
        return Err(Wrong::NotANumber);
    }
    let mut parts = number.split(['.', ',']);
    let (whole, decimals) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if parts.next().is_some() || number.contains('\'') || !are_thousands(whole) {
        return Err(Wrong::Thousands);
    }
    match decimals.len() {
        _ if decimals.contains(' ') => Err(Wrong::NotANumber),
        0..=2 => {
            let whole: String = whole.chars().filter(char::is_ascii_digit).skip_while(|digit| *digit == '0').collect();
            let digits = format!("{whole}{decimals:0<2}");
            // A number with more digits exceeds every limit.
            if digits.len() > DIGITS_MAX { Ok(i64::MAX) } else { digits.parse().map_err(|_| Wrong::NotANumber) }
        }
        _ => Err(Wrong::Decimals),
    }
}

/// Reports whether the spaces of a whole number, if any, are thousands separators.
fn are_thousands(whole: &str) -> bool {
    let mut groups = whole.split(' ');
    let first = groups.next().unwrap_or_default();
    match whole.contains(' ') {
        false => true,
        true => (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3),
    }
}

impl Wrong {
    /// Returns what is wrong and what to type, for the page.
    pub fn text(self, lang: Lang, currency: Currency, limits: TopUpLimits) -> String {
        match self {
            Wrong::Empty => lang.of("Введите сумму.", "Enter an amount.").to_owned(),
            Wrong::NotANumber => lang
                .of(
                    "Это не похоже на сумму. Введите её цифрами, например 100 или 99,50.",
                    "This does not look like an amount. Enter it in digits, such as 100 or 99.50.",
                )
                .to_owned(),
            Wrong::OtherCurrency => {
                let only = lang.of("Пополнить можно только в валюте ", "Top-ups are only in ");
                format!("{only}{}.", text::currency_sign(currency))
            }
            Wrong::Negative => lang.of("Сумма не может быть с минусом.", "An amount has no minus.").to_owned(),
            Wrong::Decimals => lang
                .of(
                    "Не больше двух знаков после запятой. Тысячи пишите слитно или через пробел: 1000 или 1 000.",
                    "At most two digits after the decimal point. Write thousands together: 1000.",
                )
                .to_owned(),
            Wrong::Thousands => lang
                .of(
                    "Сумму можно прочесть по-разному. Напишите тысячи слитно, а копейки через запятую: 1000,50.",
                    "This amount can be read in different ways. Write thousands together: 1000.50.",
                )
                .to_owned(),
            Wrong::OutOfRange => range(lang, currency, limits),
        }
    }
}

/// `От 10 до 100 000 ₽.`
pub fn range(lang: Lang, currency: Currency, limits: TopUpLimits) -> String {
    let [from, to] = [lang.of("От ", "From "), lang.of(" до ", " to ")];
    let [smallest, largest] = [limits.smallest(), limits.largest()].map(|minor_units| text::short_number(lang, minor_units));
    format!("{from}{smallest}{to}{largest}\u{a0}{}.", text::currency_sign(currency))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::*;

    const ANY: TopUpLimits = TopUpLimits::DEFAULT;

    #[test]
    fn what_can_mean_one_amount_is_that_amount() {
        for (typed, want) in [
            ("100", 10_000),
            ("99,50", 9_950),
            ("99.5", 9_950),
            ("1 000,50", 100_050),
            ("1\u{a0}000,50", 100_050),
            ("1\u{202f}000,50", 100_050),
            ("1\u{2009}000.50", 100_050),
            ("12 345", 1_234_500),
            ("100 руб", 10_000),
            ("100 руб.", 10_000),
            ("100РУБ", 10_000),
            ("100р", 10_000),
            ("100 р.", 10_000),
            ("100,50р", 10_050),
            ("100 рублей", 10_000),
            ("101 рубль", 10_100),
            ("100 ₽", 10_000),
            ("₽100", 10_000),
            ("100₽", 10_000),
            ("100 RUB", 10_000),
            ("rub 100", 10_000),
            ("+100", 10_000),
            ("+ 100 ₽", 10_000),
            ("  100  ", 10_000),
            ("\u{feff}100\u{200b}", 10_000),
            ("\u{200e}100", 10_000),
            ("0100", 10_000),
            ("１００", 10_000),
            ("１００，５０", 10_050),
            ("10", 1_000),
            ("100 000", 10_000_000),
            ("100000,00", 10_000_000),
        ] {
            assert_eq!(read(typed, Currency::RUB, ANY), Ok(want), "{typed:?}");
        }
        let usd = Currency::parse("USD").unwrap();
        for typed in ["100 $", "$100", "100 usd", "100 долларов"] {
            assert_eq!(read(typed, usd, ANY), Ok(10_000), "{typed:?}");
        }
        let gel = Currency::parse("GEL").unwrap();
        assert_eq!(read("100 gel", gel, ANY), Ok(10_000));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (typed, want) in [
            ("", Wrong::Empty),
            ("   ", Wrong::Empty),
            ("\u{200b}", Wrong::Empty),
            ("ничего", Wrong::NotANumber),
            ("сто", Wrong::NotANumber),
            ("₽", Wrong::NotANumber),
            (",", Wrong::NotANumber),
            ("100,", Wrong::NotANumber),
            ("100.", Wrong::NotANumber),
            ("1e3", Wrong::NotANumber),
            ("0x64", Wrong::NotANumber),
            ("100к", Wrong::NotANumber),
            ("1 тыс", Wrong::NotANumber),
            ("50+50", Wrong::NotANumber),
            ("100=", Wrong::NotANumber),
            ("100 руб 50 коп", Wrong::NotANumber),
            ("руб 100 руб", Wrong::NotANumber),
            ("100 %", Wrong::NotANumber),
            ("١٠٠", Wrong::NotANumber),
            ("100, 50", Wrong::NotANumber),
            ("100 $", Wrong::OtherCurrency),
            ("€100", Wrong::OtherCurrency),
            ("100 usd", Wrong::OtherCurrency),
            ("100 KZT", Wrong::OtherCurrency),
            ("100 ₸", Wrong::OtherCurrency),
            ("-100", Wrong::Negative),
            ("−100", Wrong::Negative),
            ("- 100 ₽", Wrong::Negative),
            ("–100", Wrong::Negative),
            ("100.555", Wrong::Decimals),
            ("100,555", Wrong::Decimals),
            ("1.000", Wrong::Decimals),
            ("1,000", Wrong::Decimals),
            ("1.000,50", Wrong::Thousands),
            ("1,000.50", Wrong::Thousands),
            ("1.000.000", Wrong::Thousands),
            ("1'000", Wrong::Thousands),
            ("10 00", Wrong::Thousands),
            ("1 0000", Wrong::Thousands),
            ("1000 000", Wrong::Thousands),
            ("100,50,00", Wrong::Thousands),
            ("100..50", Wrong::Thousands),
            ("0", Wrong::OutOfRange),
            ("0,00", Wrong::OutOfRange),
            (".5", Wrong::OutOfRange),
            (",50 ₽", Wrong::OutOfRange),
            ("0,01", Wrong::OutOfRange),
            ("9,99", Wrong::OutOfRange),
            ("100 000,01", Wrong::OutOfRange),
            ("999 999 999 999", Wrong::OutOfRange),
            ("99999999999999999999999999", Wrong::OutOfRange),
            ("9223372036854775807", Wrong::OutOfRange),
        ] {
            assert_eq!(read(typed, Currency::RUB, ANY), Err(want), "{typed:?}");
        }
        let usd = Currency::parse("USD").unwrap();
        assert_eq!(read("100 руб", usd, ANY), Err(Wrong::OtherCurrency));
    }

    #[test]
    fn a_range_is_told_in_the_pages_language() {
        assert_eq!(range(Lang::Ru, Currency::RUB, ANY), "От 10 до 100\u{a0}000\u{a0}₽.");
        assert_eq!(range(Lang::En, Currency::RUB, ANY), "From 10 to 100,000\u{a0}₽.");
        let limits = TopUpLimits::new(1_050, 1_050).unwrap();
        assert_eq!(range(Lang::Ru, Currency::RUB, limits), "От 10,50 до 10,50\u{a0}₽.");
    }
}
