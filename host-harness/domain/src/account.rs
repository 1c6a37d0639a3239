//! Subscribers' accounts.

use serde::{Deserialize, Serialize};

use crate::date::Date;
use crate::identifiers::AccountNumber;
use crate::names::names;
use crate::provider::Problem;

/// What the law sees in a party.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartyKind {
    /// «Физическое лицо»
    Individual,
    /// «Индивидуальный предприниматель»
    #[serde(alias = "sole-proprietor")]
    SoleProprietor,
    /// «Юридическое лицо»
    Company,
}

/// Who sells or buys.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// What the law sees in it.
    pub kind: PartyKind,
    /// 1 to 250 characters.
    pub name: String,
    /// «ИНН»: 10 digits of a company, 12 of a person; empty where there is none.
    #[serde(default)]
    pub inn: String,
    /// «КПП»: 9 characters, of a company; empty where there is none.
    #[serde(default)]
    pub kpp: String,
}

/// A subscriber's account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// Its number, unique.
    pub number: AccountNumber,
    /// The subscriber's name.
    pub name: String,
    /// What the law sees in the subscriber.
    pub kind: PartyKind,
    /// The contract's number; may be empty.
    pub contract: String,
    /// The contract's day.
    pub contract_date: Option<Date>,
    /// «ИНН»; may be empty.
    pub inn: String,
    /// «КПП»; may be empty.
    pub kpp: String,
    /// What a foreign company that has no «ИНН» is known by to its own tax service; may be empty.
    pub foreign_tax_number: String,
}

impl Account {
    /// An account of whom documents name by no more than this; the rest is set field by field.
    pub fn new(number: AccountNumber, name: impl Into<String>, kind: PartyKind) -> Account {
        Account {
            number,
            name: name.into(),
            kind,
            contract: String::new(),
            contract_date: None,
            inn: String::new(),
            kpp: String::new(),
            foreign_tax_number: String::new(),
        }
    }
}

/// Why an account is not kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccountRefusal {
    /// No export could name it: what is wrong, field by field.
    Faults(Vec<Fault>),
    /// Another account has the same «ИНН» and «КПП», or without «ИНН» the same foreign tax number, which are one buyer's, under another
    /// name or kind.
    OtherName {
        /// The other account's number.
        account: AccountNumber,
        /// The name that it has.
        name: String,
    },
}

/// What keeps an account or a write-off from being exported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// For a program: one of the contract's codes, or `unknown-account`, `id-reused`, `other-unit`.
    pub code: &'static str,
    /// The field, as it is named here; with a dot before one within it: `amount.currency`.
    pub field: String,
    /// For a person, in English: what is wrong and what to do.
    pub message: String,
}

impl Fault {
    /// A write-off's account is none that there is.
    pub fn unknown_account() -> Fault {
        let message = "there is no such account; PUT it first".to_owned();
        Fault { code: "unknown-account", field: "account".to_owned(), message }
    }

    /// The problem of a record whose fields stand at `path`, such as `writeoffs[3].`.
    pub fn problem(self, path: &str) -> Problem {
        Problem { code: self.code.to_owned(), field: Some(format!("{path}{}", self.field)), row: None, message: self.message }
    }
}

names!(PartyKind { Individual "individual", SoleProprietor "sole-proprietor", Company "company", });
