//! The tax numbers of Russian parties.

use crate::writeoff::{Party, PartyKind};

impl Party {
    /// Reports whether the party has an «ИНН» that is valid for its kind.
    pub(crate) fn has_its_inn(&self) -> bool {
        is_number_of(self.kind, &self.inn)
    }

    /// Reports whether the «КПП» is absent or, for a company, valid.
    pub(crate) fn may_have_its_kpp(&self) -> bool {
        self.kpp.is_empty() || (self.kind == PartyKind::Company && is_kpp(&self.kpp))
    }
}

/// Reports whether a text is a valid «ИНН» for this kind of party. All-equal digits are refused: people type them if they do
/// not know the number. Some would pass the check digits, and 1C would take everybody with them for one party.
pub(crate) fn is_number_of(kind: PartyKind, inn: &str) -> bool {
    let has_form = match kind {
        PartyKind::Company => is_company_inn(inn),
        PartyKind::SoleProprietor | PartyKind::Individual => is_person_inn(inn),
    };
    has_form && !has_equal_digits(inn)
}

fn has_equal_digits(inn: &str) -> bool {
    let mut digits = inn.bytes();
    let first = digits.next();
    digits.all(|digit| Some(digit) == first)
}

/// The weights of the check digits: of a company's tenth, and of a person's eleventh (from the second on) and twelfth.
const WEIGHTS: [u32; 11] = [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8];

/// Reports whether a text is a company's «ИНН»: ten digits, of which the last is a check digit (order ММВ-7-6/435@ of the tax
/// service).
fn is_company_inn(inn: &str) -> bool {
    is_digits(inn, 10) && checks(inn.as_bytes())
}

/// Reports whether a text is the «ИНН» of a person or a sole proprietor: twelve digits, of which the last two are check digits.
fn is_person_inn(inn: &str) -> bool {
    is_digits(inn, 12) && checks(inn.as_bytes()) && inn.as_bytes().split_last().is_some_and(|(_, eleven)| checks(eleven))
}

/// Reports whether a text is a «КПП»: four digits, two digits or Latin capitals, three digits.
pub(crate) fn is_kpp(kpp: &str) -> bool {
    let form = |at: usize, byte: u8| byte.is_ascii_digit() || (matches!(at, 4 | 5) && byte.is_ascii_uppercase());
    kpp.len() == 9 && kpp.bytes().enumerate().all(|(at, byte)| form(at, byte))
}

fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reports whether the last digit is the weighted sum of the others, modulo 11 and then 10.
fn checks(digits: &[u8]) -> bool {
    let Some((last, before)) = digits.split_last() else { return false };
    let weights = WEIGHTS.get(WEIGHTS.len().saturating_sub(before.len())..).unwrap_or_default();
    let sum: u32 = before.iter().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    sum % 11 % 10 == u32::from(last - b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_companies() {
        // Published numbers of Sberbank, Yandex and the tax service.
        for inn in ["7707083893", "7736207543", "7707329152"] {
            assert!(is_company_inn(inn), "{inn}");
            for at in 0..10 {
                for digit in b'0'..=b'9' {
                    let mut other = inn.as_bytes().to_vec();
                    other[at] = digit;
                    let other = String::from_utf8(other).unwrap();
                    // Two remainders lead to the check digit 0, so a typo in a number that ends in 0 may go unnoticed. None of
                    // these does.
                    assert!(other == inn || !is_company_inn(&other), "{other}");
                }
            }
        }
        for inn in ["", "7707083894", "770708389", "77070838933", "77070838९", "500100732259"] {
            assert!(!is_company_inn(inn), "{inn}");
        }
    }

    #[test]
    fn numbers_of_persons() {
        // An example published by the tax service.
        assert!(is_person_inn("500100732259"));
        for inn in ["500100732258", "500100732249", "600100732259", "50010073225", "7707083893"] {
            assert!(!is_person_inn(inn), "{inn}");
        }
    }

    #[test]
    fn equal_digits_are_no_number() {
        for digit in '0'..='9' {
            for (kind, count) in [(PartyKind::Company, 10), (PartyKind::SoleProprietor, 12), (PartyKind::Individual, 12)] {
                let inn: String = std::iter::repeat_n(digit, count).collect();
                assert!(!is_number_of(kind, &inn), "{inn}");
            }
        }
        // Their check digits are correct.
        assert!(is_company_inn("0000000000") && is_person_inn("000000000000"));
        assert!(is_number_of(PartyKind::Individual, "500100732259") && is_number_of(PartyKind::Company, "7707083893"));
    }

    #[test]
    fn reason_codes() {
        for kpp in ["773601001", "7736AB001"] {
            assert!(is_kpp(kpp), "{kpp}");
        }
        for kpp in ["", "77360100", "7736010010", "7736ab001", "A73601001", "77360100A"] {
            assert!(!is_kpp(kpp), "{kpp}");
        }
    }
}
