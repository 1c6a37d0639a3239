//! The account whose write-offs are being added.

use crate::acts::lines::{Contract, Lines};
use crate::buyer;
use crate::identity::References;
use crate::index::{Index, same};
use crate::writeoff::{Code, Problem, Writeoff};

/// The account whose write-offs are being added.
#[derive(Debug, Default)]
pub struct Account {
    pub number: String,
    /// Each write-off's row in the input, and its id.
    pub rows: Vec<(u64, String)>,
    ids: Index,
    pub contracts: Vec<Contract>,
    /// The keys of all contracts but the first.
    contract_keys: Index,
    pub lines: Lines,
}

impl Account {
    /// Adds an id. Reports whether no earlier write-off of the account has it.
    pub fn is_new_id(&mut self, id: &str, references: &References) -> bool {
        let known = |at: usize| self.rows.get(at).map(|(_, id)| id.as_str());
        self.ids.add_text(0, id, known, || references.of("id", &[id]).key()).1
    }

    /// Returns the index of a write-off's contract. `row` is the write-off's index in the account.
    ///
    /// # Errors
    /// If the buyer differs from that of the contract's earlier write-offs.
    pub fn contract_of(&mut self, writeoff: Writeoff, row: usize, references: &References) -> Result<usize, Box<Problem>> {
        let date = writeoff.contract_date;
        let is_its = |known: &Contract| known.first.contract_date == date && same(&known.first.contract, &writeoff.contract);
        let at = if self.contracts.last().is_some_and(is_its) {
            self.contracts.len() - 1
        } else if self.contracts.first().is_none_or(is_its) {
            0
        } else {
            let date = date.map(|date| date.text()).unwrap_or_default();
            1 + self.contract_keys.add(references.of("contract", &[&writeoff.contract, &date]).key()).0
        };
        let Some(known) = self.contracts.get(at) else {
            self.contracts.push(Contract { first: writeoff, row });
            return Ok(at);
        };
        let Some(field) = buyer::difference(&known.first, &writeoff) else { return Ok(at) };
        let first = self.rows.get(known.row).map_or("", |(_, id)| id);
        let message = format!(
            "It differs from that of write-off \"{first}\" of the same account and contract; a document has one buyer."
        );
        Err(Problem::new(Code::Invalid, field, &message))
    }

    /// Clears everything but the rows and contracts, which were taken out before. Keeps the memory for the next account.
    pub fn clear(&mut self) {
        self.ids.clear();
        self.contract_keys.clear();
        self.lines.clear();
    }
}
