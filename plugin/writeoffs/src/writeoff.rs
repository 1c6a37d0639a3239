//! Write-offs, and the problems that they may have.

use money::Currency;

use crate::date::Date;

/// The longest id, number or code, in characters.
pub(crate) const CODE_CHARS_MAX: usize = 64;

/// The legal kind of a buyer or seller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PartyKind {
    /// «Физическое лицо»
    Individual,
    /// «Индивидуальный предприниматель»
    SoleProprietor,
    /// «Юридическое лицо»
    Company,
}

/// A buyer or seller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Party {
    /// The legal kind.
    pub kind: PartyKind,
    /// 1 to 250 characters.
    pub name: String,
    /// «ИНН», at most 12 digits; empty if there is none.
    pub inn: String,
    /// «КПП», at most 9 characters; empty if there is none.
    pub kpp: String,
    /// The tax number of a foreigner in the country of residence («НалоговыйНомерНерезидента»), at most 64 characters; empty if
    /// there is none.
    pub foreign_tax_number: String,
}

/// A charge for a service.
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
    /// The unit's name, at most 64 characters; if empty, the unit is a piece.
    pub unit: String,
    /// The first day of the period charged for.
    pub period: Date,
    /// The day of the charge.
    pub date: Date,
    /// The quantity in thousandths of the unit: 1000 is one. Positive.
    pub quantity_thousandths: i64,
    /// The amount charged, including VAT, in minor units; negative for a correction.
    pub minor_units: i64,
    /// The currency of `minor_units`.
    pub currency: Currency,
    /// VAT in hundredths of a percent; `None` is «без НДС».
    pub vat_basis_points: Option<u16>,
    /// Free text, at most 255 characters; may be empty.
    pub note: String,
    /// The reference of the act that a register exported earlier named for it; empty if none did.
    pub act_uuid: String,
}

/// The kind of a problem, by the contract's codes.
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

/// A problem with an export's options or with a write-off.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// For programs.
    pub code: Code,
    /// The contract's name of the field, with a dot before a nested one: `subscriber.name`.
    pub field: &'static str,
    /// The number of the write-off, from 1; `None` for an option.
    pub row: Option<u64>,
    /// For people: what is wrong and what to do, in English, with the write-off's id if there is one.
    pub message: String,
}

impl Problem {
    /// Creates a problem that is not about a write-off yet. It is boxed to keep results small, since problems are rare.
    #[cold]
    pub fn new(code: Code, field: &'static str, message: &str) -> Box<Problem> {
        Box::new(Problem { code, field, row: None, message: message.to_owned() })
    }

    /// Attributes the problem to a write-off, unless it has one already.
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

/// Quotes an id. Characters other than ASCII and Cyrillic are escaped, since they may be invisible. The result is cut, so that
/// a message with the longest id still fits.
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
                foreign_tax_number: String::new(),
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
            act_uuid: String::new(),
        }
    }

    #[test]
    fn ids_in_messages_are_seen_and_bounded() {
        let problem = Problem::new(Code::Invalid, "id", &"m".repeat(400)).of_row(1, &"\u{1}\u{10ffff}".repeat(99));
        assert!(problem.message.chars().count() <= 500, "{}", problem.message);
        for (id, want) in
            [("w-1", "\"w-1\""), ("«Счёт» № 'ё\"\\", "\"«Счёт» № \\'ё\\\"\\\\\""), ("a\n\u{202e}", "\"a\\u{a}\\u{202e}\"")]
        {
            assert_eq!(quoted(id), want);
        }
    }
}
