//! Subscribers' accounts.

use serde::{Deserialize, Serialize};

use crate::date::Date;
use crate::identifiers::AccountNumber;
use crate::names::names;
use crate::provider::Problem;

/// The legal form of a party.
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

/// A seller or a buyer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// The legal form.
    pub kind: PartyKind,
    /// 1 to 250 characters.
    pub name: String,
    /// «ИНН»: 10 digits for a company, 12 for a person; empty if there is none.
    #[serde(default)]
    pub inn: String,
    /// «КПП»: 9 characters, for companies only; empty if there is none.
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
    /// The legal form of the subscriber.
    pub kind: PartyKind,
    /// The contract's number; may be empty.
    pub contract: String,
    /// The date of the contract.
    pub contract_date: Option<Date>,
    /// «ИНН»; may be empty.
    pub inn: String,
    /// «КПП»; may be empty.
    pub kpp: String,
    /// For a foreign company without «ИНН»: its taxpayer number in its own country; may be empty.
    pub foreign_tax_number: String,
}

impl Account {
    /// Creates an account with the fields that every account has. The other fields are empty, and the caller sets them.
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

/// Why an account is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccountRefusal {
    /// An export could not name the subscriber: what is wrong, field by field.
    Faults(Vec<Fault>),
    /// Another account has the same «ИНН» and «КПП» (or, without «ИНН», the same foreign tax number), so that it belongs to the
    /// same buyer, but it has another name or kind.
    OtherName {
        /// The other account's number.
        account: AccountNumber,
        /// The other account's name.
        name: String,
    },
}

/// A reason why an account or a write-off could not be exported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The code, for programs: one of the contract's, or `unknown-account`, `id-reused`, `other-unit`.
    pub code: &'static str,
    /// The field, as it is named in this crate. A nested field is written with a dot: `amount.currency`.
    pub field: String,
    /// The message, for people, in English: what is wrong and what to do.
    pub message: String,
}

impl Fault {
    /// Returns the fault of a write-off whose account does not exist.
    pub fn unknown_account() -> Fault {
        let message = "there is no such account; PUT it first".to_owned();
        Fault { code: "unknown-account", field: "account".to_owned(), message }
    }

    /// Converts the fault to a problem of a record whose fields are at `path`, such as `writeoffs[3].`.
    pub fn problem(self, path: &str) -> Problem {
        Problem::new(self.code, self.message).at(format!("{path}{}", self.field))
    }
}

names!(PartyKind { Individual "individual", SoleProprietor "sole-proprietor", Company "company", });
