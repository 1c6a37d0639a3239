//! Buyers: their names, tax numbers and contracts, as 1C tells them apart.

use std::borrow::Cow;

use crate::identity::{Reference, References};
use crate::index::same;
use crate::text::chars;
use crate::writeoff::{PartyKind, Writeoff};

/// The lengths of 1С:Бухгалтерия's fields, in characters.
const NAME_CHARS_MAX: usize = 100;
const FULL_NAME_CHARS_MAX: usize = 250;
const CONTRACT_NUMBER_CHARS_MAX: usize = 20;

/// The counterparty and the contract of a document.
#[derive(Debug)]
pub struct Buyer<'w> {
    pub reference: Reference,
    pub kind: PartyKind,
    /// «Наименование»
    pub name: Cow<'w, str>,
    /// «НаименованиеПолное»
    pub full_name: Cow<'w, str>,
    pub inn: &'w str,
    pub kpp: &'w str,
    pub foreign_tax_number: &'w str,
    /// Whether the buyer may have several accounts, since a tax number identifies the buyer.
    pub is_shared: bool,
    pub contract: Reference,
    pub contract_name: Cow<'w, str>,
    /// Empty if there is none or it is longer than 1C's field. The contract's name contains it in the latter case.
    pub contract_number: &'w str,
    /// `YYYY-MM-DD`, or empty.
    pub contract_date: String,
}

impl<'w> Buyer<'w> {
    /// Returns the buyer of a write-off that passed [`check_writeoff`](crate::check_writeoff).
    pub fn of(writeoff: &'w Writeoff, references: &References) -> Buyer<'w> {
        let party = &writeoff.subscriber;
        let foreign = party.foreign_tax_number.as_str();
        let has_inn = !party.inn.is_empty();
        let (reference, name, full_name) = if has_inn {
            // 1C finds these buyers by their numbers, so two may have the same name. Only a name that was cut needs the numbers
            // in it.
            let slash = if party.kpp.is_empty() { "" } else { "/" };
            let numbers = [" (ИНН ", &party.inn, slash, &party.kpp, ")"].concat();
            (
                references.of("counterparty", &[&party.inn, &party.kpp]),
                shortened(&party.name, &numbers, NAME_CHARS_MAX),
                Cow::Borrowed(party.name.trim()),
            )
        } else if !foreign.is_empty() {
            (
                references.of("foreign-counterparty", &[foreign]),
                shortened(&party.name, &[" (", foreign, ")"].concat(), NAME_CHARS_MAX),
                Cow::Borrowed(party.name.trim()),
            )
        } else {
            // 1C would take two people of one name for the same person, so the name includes the account.
            let account = [" (л/с ", &writeoff.account, ")"].concat();
            (
                references.of("subscriber", &[&writeoff.account]),
                Cow::Owned(with_suffix(&party.name, &account, NAME_CHARS_MAX)),
                Cow::Owned(with_suffix(&party.name, &account, FULL_NAME_CHARS_MAX)),
            )
        };
        let number = writeoff.contract.as_str();
        let date = writeoff.contract_date.map(|date| date.text()).unwrap_or_default();
        let whole = reference.text();
        let (kind, key) = if number.is_empty() { ("account", writeoff.account.as_str()) } else { ("contract", number) };
        let contract = references.of(kind, &[whole, key, &date]);
        let contract_name = if number.is_empty() {
            Cow::Owned(["Лицевой счёт ", key].concat())
        } else if let Some(date) = writeoff.contract_date {
            Cow::Owned([number, " от ", &date.russian()].concat())
        } else {
            Cow::Borrowed(number)
        };
        let fits = chars(number) <= CONTRACT_NUMBER_CHARS_MAX;
        Buyer {
            reference,
            kind: party.kind,
            name,
            full_name,
            inn: &party.inn,
            kpp: &party.kpp,
            foreign_tax_number: foreign,
            is_shared: has_inn || !foreign.is_empty(),
            contract,
            contract_name,
            contract_number: if fits { number } else { "" },
            contract_date: date,
        }
    }

    /// Returns the buyer that represents all individuals.
    pub fn individuals(name: &'w str, references: &References) -> Buyer<'w> {
        Buyer {
            reference: references.of("individuals-counterparty", &[]),
            kind: PartyKind::Individual,
            name: Cow::Borrowed(name.trim()),
            full_name: Cow::Borrowed(name.trim()),
            inn: "",
            kpp: "",
            foreign_tax_number: "",
            is_shared: false,
            contract: references.of("individuals-contract", &[]),
            contract_name: Cow::Borrowed("Услуги физическим лицам"),
            contract_number: "",
            contract_date: String::new(),
        }
    }
}

/// Returns the field in which the buyers of two write-offs of one contract differ, if any.
pub fn difference(first: &Writeoff, other: &Writeoff) -> Option<&'static str> {
    let (one, two) = (&first.subscriber, &other.subscriber);
    if one.kind != two.kind {
        Some("subscriber.kind")
    } else if !same(&one.inn, &two.inn) {
        Some("subscriber.inn")
    } else if !same(&one.kpp, &two.kpp) {
        Some("subscriber.kpp")
    } else if !same(&one.foreign_tax_number, &two.foreign_tax_number) {
        Some("extra.foreign-tax-number")
    } else if !same(&one.name, &two.name) {
        Some("subscriber.name")
    } else {
        None
    }
}

/// Appends a suffix. The text is cut so that the result has at most `chars_max` characters.
fn with_suffix(text: &str, suffix: &str, chars_max: usize) -> String {
    let text = text.trim();
    let room = chars_max.saturating_sub(chars(suffix));
    if text.len() <= room || chars(text) <= room {
        return [text, suffix].concat();
    }
    let cut = text.char_indices().nth(room.saturating_sub(1)).and_then(|(end, _)| text.get(..end)).unwrap_or_default();
    [cut.trim_end(), "…", suffix].concat()
}

/// Returns the text unchanged if it has at most `chars_max` characters; otherwise cuts it and appends the suffix, which keeps
/// it unique.
pub fn shortened<'t>(text: &'t str, suffix: &str, chars_max: usize) -> Cow<'t, str> {
    let text = text.trim();
    if text.len() <= chars_max || chars(text) <= chars_max {
        return Cow::Borrowed(text);
    }
    Cow::Owned(with_suffix(text, suffix, chars_max))
}
