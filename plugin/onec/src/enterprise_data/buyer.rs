//! Buyers: their names, tax numbers and contracts, as 1C keeps them apart.

use std::borrow::Cow;

use crate::identity::{Reference, References};
use crate::writeoff::{Code, Date, PartyKind, Problem, Writeoff};

use super::options::KPP_MESSAGE;

/// The lengths of 1С:Бухгалтерия's fields, in characters.
const NAME_CHARS_MAX: usize = 100;
const FULL_NAME_CHARS_MAX: usize = 250;
const CONTRACT_NUMBER_CHARS_MAX: usize = 20;

/// A counterparty and the contract of a document.
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
    /// Whether other accounts may be the same buyer's.
    pub has_inn: bool,
    pub contract: Reference,
    pub contract_name: String,
    /// Empty where it is longer than 1C's field, or where there is none: the name tells it then.
    pub contract_number: &'w str,
    pub contract_date: Option<Date>,
    /// What tells the contract from the account's others.
    pub contract_key: String,
}

impl<'w> Buyer<'w> {
    /// The buyer of a write-off that [`check`] let pass.
    pub fn of(writeoff: &'w Writeoff, references: &References) -> Buyer<'w> {
        let party = &writeoff.subscriber;
        let has_inn = !party.inn.is_empty();
        let (reference, name, full_name) = if has_inn {
            // 1C finds these by their numbers, so a name alone need not tell them apart; one that was cut must.
            let numbers = if party.kpp.is_empty() { party.inn.clone() } else { format!("{}/{}", party.inn, party.kpp) };
            (
                references.of("counterparty", &[&party.inn, &party.kpp]),
                shortened(&party.name, &format!(" (ИНН {numbers})"), NAME_CHARS_MAX),
                Cow::Borrowed(party.name.trim()),
            )
        } else {
            // 1C would take two namesakes for one person: the account keeps them apart.
            let account = format!(" (л/с {})", writeoff.account);
            (
                references.of("subscriber", &[&writeoff.account]),
                Cow::Owned(with_suffix(&party.name, &account, NAME_CHARS_MAX)),
                Cow::Owned(with_suffix(&party.name, &account, FULL_NAME_CHARS_MAX)),
            )
        };
        let number = writeoff.contract.as_str();
        let date = writeoff.contract_date.map(|date| date.to_string()).unwrap_or_default();
        let contract_key = format!("{number}\u{1f}{date}");
        let whole = reference.text();
        let (contract, contract_name) = if number.is_empty() {
            let contract = references.of("account", &[whole.as_str(), &writeoff.account, &date]);
            (contract, format!("Лицевой счёт {}", writeoff.account))
        } else {
            let from = writeoff.contract_date.map(|date| format!(" от {}", date.russian())).unwrap_or_default();
            (references.of("contract", &[whole.as_str(), number, &date]), format!("{number}{from}"))
        };
        let fits = number.chars().count() <= CONTRACT_NUMBER_CHARS_MAX;
        Buyer {
            reference,
            kind: party.kind,
            name,
            full_name,
            inn: &party.inn,
            kpp: &party.kpp,
            has_inn,
            contract,
            contract_name,
            contract_number: if fits { number } else { "" },
            contract_date: writeoff.contract_date,
            contract_key,
        }
    }

    /// The buyer that stands for all individuals.
    pub fn individuals(name: &'w str, references: &References) -> Buyer<'w> {
        Buyer {
            reference: references.of("individuals-counterparty", &[]),
            kind: PartyKind::Individual,
            name: Cow::Borrowed(name.trim()),
            full_name: Cow::Borrowed(name.trim()),
            inn: "",
            kpp: "",
            has_inn: false,
            contract: references.of("individuals-contract", &[]),
            contract_name: "Услуги физическим лицам".to_owned(),
            contract_number: "",
            contract_date: None,
            contract_key: String::new(),
        }
    }
}

/// Checks the tax numbers and that an entity has a contract.
pub fn check(writeoff: &Writeoff) -> Result<(), Problem> {
    let party = &writeoff.subscriber;
    let is_company = party.kind == PartyKind::Company;
    let is_entity = party.kind != PartyKind::Individual;
    if is_entity && party.inn.is_empty() {
        let message = "A company or a sole proprietor needs an INN: 1C tells them apart by it.";
        return Err(Problem::new(Code::Missing, "subscriber.inn", message));
    }
    if !party.inn.is_empty() && !party.has_its_inn() {
        let digits = if is_company { "10 digits of a company" } else { "12 digits of a person" };
        let message = format!("{} is no INN: it needs {digits}, with their check digits; a digit may be wrong.", party.inn);
        return Err(Problem::new(Code::Invalid, "subscriber.inn", message));
    }
    if !party.may_have_its_kpp() {
        return Err(Problem::new(Code::Invalid, "subscriber.kpp", KPP_MESSAGE));
    }
    if is_entity && writeoff.contract.is_empty() {
        return Err(Problem::new(Code::Missing, "contract", "A company or a sole proprietor needs a contract."));
    }
    Ok(())
}

/// Checks that another write-off of the same contract is the same buyer's.
pub fn check_same(first: &Writeoff, other: &Writeoff) -> Result<(), Problem> {
    let (one, two) = (&first.subscriber, &other.subscriber);
    let fields = [
        ("subscriber.kind", one.kind == two.kind),
        ("subscriber.inn", one.inn == two.inn),
        ("subscriber.kpp", one.kpp == two.kpp),
        ("subscriber.name", one.name == two.name),
    ];
    match fields.iter().find(|(_, same)| !same) {
        None => Ok(()),
        Some((field, _)) => {
            let message = format!(
                "It differs from that of write-off \"{}\" of the same account and contract; a document has one buyer.",
                first.id
            );
            Err(Problem::new(Code::Invalid, field, message))
        }
    }
}

/// The text with a suffix, cut before it so that the whole has at most `chars_max` characters.
fn with_suffix(text: &str, suffix: &str, chars_max: usize) -> String {
    let text = text.trim();
    let room = chars_max.saturating_sub(suffix.chars().count());
    if text.chars().count() <= room {
        return format!("{text}{suffix}");
    }
    let cut: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{}…{suffix}", cut.trim_end())
}

/// The text itself where it has at most `chars_max` characters; else cut, with the suffix that tells it apart.
pub fn shortened<'t>(text: &'t str, suffix: &str, chars_max: usize) -> Cow<'t, str> {
    let text = text.trim();
    match text.chars().nth(chars_max) {
        None => Cow::Borrowed(text),
        Some(_) => Cow::Owned(with_suffix(text, suffix, chars_max)),
    }
}
