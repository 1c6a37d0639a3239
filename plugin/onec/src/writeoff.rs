//! What is exported, and what can be wrong with it.

use money::{AMOUNT_MAX, Currency};

use crate::date::Date;

/// The longest of ids, numbers and codes, in characters.
const CODE_CHARS_MAX: usize = 64;
/// The longest of names, in characters: the length of 1C's own name fields.
const NAME_CHARS_MAX: usize = 250;
/// The longest note, in characters.
const NOTE_CHARS_MAX: usize = 255;
/// The largest quantity, in thousandths: a million months.
const QUANTITY_THOUSANDTHS_MAX: i64 = 1_000_000_000;
/// The highest VAT rate, in hundredths of a percent: 100 %.
const VAT_BASIS_POINTS_MAX: u16 = 10_000;

/// Who buys or sells.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PartyKind {
    /// «Физическое лицо»
    Individual,
    /// «Индивидуальный предприниматель»
    SoleProprietor,
    /// «Юридическое лицо»
    Company,
}

/// A buyer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Party {
    /// What the law sees in it.
    pub kind: PartyKind,
    /// 1 to 250 characters.
    pub name: String,
    /// «ИНН», at most 12 digits; empty where there is none.
    pub inn: String,
    /// «КПП», at most 9 characters; empty where there is none.
    pub kpp: String,
}

/// One charge for a service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Writeoff {
    /// Billing's id of the charge, 1 to 64 characters.
    pub id: String,
    /// The account number, 1 to 64 characters.
    pub account: String,
    /// The buyer.
    pub subscriber: Party,
    /// The contract's number, at most 64 characters; may be empty.
    pub contract: String,
    /// The contract's day.
    pub contract_date: Option<Date>,
    /// At most 64 characters; may be empty.
    pub service_code: String,
    /// 1 to 250 characters.
    pub service: String,
    /// The unit's name, at most 64 characters; empty: a piece.
    pub unit: String,
    /// The first day of the period charged for.
    pub period: Date,
    /// The day of the charge.
    pub date: Date,
    /// Thousandths of the unit: 1000 is one. Positive.
    pub quantity_thousandths: i64,
    /// What was charged, tax included, in minor units; negative for a correction.
    pub minor_units: i64,
    /// The currency of `minor_units`.
    pub currency: Currency,
    /// VAT in hundredths of a percent; `None` is «без НДС».
    pub vat_basis_points: Option<u16>,
    /// Free text, at most 255 characters; may be empty.
    pub note: String,
}

/// What kind of problem it is, by the contract's codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Code {
    /// `missing`
    Missing,
    /// `invalid`
    Invalid,
    /// `too-long`
    TooLong,
    /// `out-of-range`
    OutOfRange,
    /// `unsupported`
    Unsupported,
}

/// What is wrong with an export's options or with a write-off.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// For a program.
    pub code: Code,
    /// The contract's name of the field, with a dot before a nested one: `subscriber.name`.
    pub field: &'static str,
    /// The 1-based number of the write-off; none for an option.
    pub row: Option<u64>,
    /// For a person: what is wrong and what to do, in English; with the write-off's id where there is one.
    pub message: String,
}

impl Problem {
    /// A problem with no write-off yet; in a box, since results are handed on more often than problems are.
    #[cold]
    pub fn new(code: Code, field: &'static str, message: &str) -> Box<Problem> {
        Box::new(Problem { code, field, row: None, message: message.to_owned() })
    }

    /// Says which write-off it is about, unless that is said already.
    #[cold]
    pub fn of_row(mut self: Box<Problem>, row: u64, id: &str) -> Box<Problem> {
        if self.row.is_none() {
            let id = quoted(id);
            self.message = ["Write-off ", &id, ": ", &self.message].concat();
            self.row = Some(row);
        }
        self
    }
}

/// An id in quotes. What is not ASCII or Cyrillic is escaped, since it may not be seen; and the whole is cut, so that a message of
/// the longest id still fits.
fn quoted(id: &str) -> String {
    let mut text = String::new();
    for char in id.chars() {
        match char {
            '"' | '\'' | '\\' => text.extend(['\\', char]),
            ' '..='~' | 'Ѐ'..='џ' | '«' | '»' | '№' => text.push(char),
            _ => text.extend(char.escape_unicode()),
        }
    }
    let end = text.char_indices().nth(CODE_CHARS_MAX).map_or(text.len(), |(end, _)| end);
    text.truncate(end);
    ["\"", &text, "\""].concat()
}

/// Which characters a format can hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Charset {
    /// Of a table's cell: no control characters but tabs and line breaks.
    Cell,
    /// Of XML 1.0, on one line: no control characters, no U+FFFE and U+FFFF.
    Line,
}

impl Charset {
    /// Whether it holds every character of a text.
    pub(crate) fn holds(self, text: &str) -> bool {
        // One byte in a hundred, at most, needs a closer look: the control characters, and what those beyond ASCII and U+FFFE and
        // U+FFFF begin with. No early end: the loop is one that compilers make wide.
        let suspicious = text.bytes().fold(false, |any, byte| any | (byte < 0x20) | matches!(byte, 0x7F | 0xC2 | 0xEF));
        !suspicious || self.holds_chars(text)
    }

    #[inline(never)]
    fn holds_chars(self, text: &str) -> bool {
        text.chars().all(|char| match self {
            Charset::Cell => !char.is_control() || matches!(char, '\t' | '\n' | '\r'),
            Charset::Line => !char.is_control() && !matches!(char, '\u{fffe}' | '\u{ffff}'),
        })
    }
}

impl Writeoff {
    /// Checks what every format needs; the note is a cell's text in any.
    ///
    /// # Errors
    /// The first problem found, by field.
    pub(crate) fn check(&self, charset: Charset) -> Result<(), Box<Problem>> {
        let Party { name, inn, kpp, .. } = &self.subscriber;
        let texts = [
            Text { field: "id", value: &self.id, chars_max: CODE_CHARS_MAX, is_required: true },
            Text { field: "account", value: &self.account, chars_max: CODE_CHARS_MAX, is_required: true },
            Text { field: "subscriber.name", value: name, chars_max: NAME_CHARS_MAX, is_required: true },
            Text { field: "subscriber.inn", value: inn, chars_max: 12, is_required: false },
            Text { field: "subscriber.kpp", value: kpp, chars_max: 9, is_required: false },
        ];
        check_texts(&texts, charset)?;
        if !inn.bytes().all(|byte| byte.is_ascii_digit()) {
            let message = "An INN is digits only; correct it or leave it empty.";
            return Err(Problem::new(Code::Invalid, "subscriber.inn", message));
        }
        let texts = [
            Text { field: "contract", value: &self.contract, chars_max: CODE_CHARS_MAX, is_required: false },
            Text { field: "service-code", value: &self.service_code, chars_max: CODE_CHARS_MAX, is_required: false },
            Text { field: "service", value: &self.service, chars_max: NAME_CHARS_MAX, is_required: true },
            Text { field: "unit", value: &self.unit, chars_max: CODE_CHARS_MAX, is_required: false },
        ];
        check_texts(&texts, charset)?;
        let note = Text { field: "extra.note", value: &self.note, chars_max: NOTE_CHARS_MAX, is_required: false };
        check_texts(&[note], Charset::Cell)?;
        if !(1..=QUANTITY_THOUSANDTHS_MAX).contains(&self.quantity_thousandths) {
            let message = "A quantity is 1 to 1000000000 thousandths of the unit; a correction is a negative amount instead.";
            return Err(Problem::new(Code::OutOfRange, "quantity-thousandths", message));
        }
        if !(-AMOUNT_MAX..=AMOUNT_MAX).contains(&self.minor_units) {
            let message = format!("An amount is at most {AMOUNT_MAX} minor units, either way.");
            return Err(Problem::new(Code::OutOfRange, "amount.minor-units", &message));
        }
        if self.vat_basis_points.is_some_and(|rate| rate > VAT_BASIS_POINTS_MAX) {
            let message = "A VAT rate is at most 10000 hundredths of a percent; 22 % is 2200.";
            return Err(Problem::new(Code::OutOfRange, "vat-basis-points", message));
        }
        Ok(())
    }
}

/// A write-off's text and what it must be.
struct Text<'w> {
    field: &'static str,
    value: &'w str,
    chars_max: usize,
    is_required: bool,
}

#[inline(never)]
fn check_texts(texts: &[Text<'_>], charset: Charset) -> Result<(), Box<Problem>> {
    for Text { field, value, chars_max, is_required } in texts {
        if *is_required && value.trim_start().is_empty() {
            return Err(Problem::new(Code::Missing, field, "It must not be empty."));
        }
        // Counting characters takes longer than counting bytes, and is hardly ever needed.
        if value.len() > *chars_max && chars(value) > *chars_max {
            let message = format!("It has {} characters; at most {chars_max} fit.", chars(value));
            return Err(Problem::new(Code::TooLong, field, &message));
        }
        if !charset.holds(value) {
            let message = match charset {
                Charset::Cell => "It holds a control character; remove it at its source.",
                Charset::Line => {
                    "It holds a control character, a line break or a character that XML cannot hold; remove it at its source."
                }
            };
            return Err(Problem::new(Code::Invalid, field, message));
        }
    }
    Ok(())
}

/// How many characters a text has.
pub(crate) fn chars(text: &str) -> usize {
    // Every byte that continues none begins one.
    text.bytes().filter(|byte| byte & 0xC0 != 0x80).count()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn writeoff() -> Writeoff {
        Writeoff {
            id: "w-1".into(),
            account: "100500".into(),
            subscriber: Party {
                kind: PartyKind::Company,
                name: "ООО «Ромашка»".into(),
                inn: "7701234560".into(),
                kpp: "770101001".into(),
            },
            contract: "Д-17".into(),
            contract_date: Date::new(2024, 2, 29),
            service_code: "inet".into(),
            service: "Доступ в интернет".into(),
            unit: "мес".into(),
            period: Date::new(2026, 10, 1).unwrap(),
            date: Date::new(2026, 10, 31).unwrap(),
            quantity_thousandths: 1000,
            minor_units: 50_000,
            currency: Currency::RUB,
            vat_basis_points: Some(2200),
            note: String::new(),
        }
    }

    #[test]
    fn problems_name_their_field() {
        type Change = fn(&mut Writeoff);
        let changes: [(Change, &str, Code); 12] = [
            (|row| row.id.clear(), "id", Code::Missing),
            (|row| row.id = "x".repeat(65), "id", Code::TooLong),
            (|row| row.account = "1\u{0}".into(), "account", Code::Invalid),
            (|row| row.subscriber.name = "  ".into(), "subscriber.name", Code::Missing),
            (|row| row.subscriber.name = "ы".repeat(251), "subscriber.name", Code::TooLong),
            (|row| row.subscriber.inn = "77012345AB".into(), "subscriber.inn", Code::Invalid),
            (|row| row.subscriber.kpp = "7701010010".into(), "subscriber.kpp", Code::TooLong),
            (|row| row.service.clear(), "service", Code::Missing),
            (|row| row.note = "x".repeat(256), "extra.note", Code::TooLong),
            (|row| row.quantity_thousandths = 0, "quantity-thousandths", Code::OutOfRange),
            (|row| row.minor_units = i64::MIN, "amount.minor-units", Code::OutOfRange),
            (|row| row.vat_basis_points = Some(10_001), "vat-basis-points", Code::OutOfRange),
        ];
        assert_eq!(writeoff().check(Charset::Cell), Ok(()));
        let problem = Problem::new(Code::Invalid, "id", &"m".repeat(400)).of_row(1, &"\u{1}\u{10ffff}".repeat(99));
        assert!(problem.message.chars().count() <= 500, "{}", problem.message);
        for (id, want) in
            [("w-1", "\"w-1\""), ("«Счёт» № 'ё\"\\", "\"«Счёт» № \\'ё\\\"\\\\\""), ("a\n\u{202e}", "\"a\\u{a}\\u{202e}\"")]
        {
            assert_eq!(quoted(id), want);
        }
        for (change, field, code) in changes {
            let mut row = writeoff();
            change(&mut row);
            let problem = row.check(Charset::Cell).unwrap_err();
            assert_eq!((problem.field, problem.code), (field, code));
        }
    }
}
