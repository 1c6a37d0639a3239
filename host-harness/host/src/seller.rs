//! The seller: the telecom as accounting documents name it.

use domain::{Fault, Party, PartyKind, Problem};

use crate::error::HostError;
use crate::host::Host;

/// The document that stores the seller.
const DOCUMENT: &str = "seller";

impl Host {
    /// Returns the seller, or `None` if nobody entered it yet.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn seller(&self) -> Result<Option<Party>, HostError> {
        let document = self.0.ledger.document(DOCUMENT)?;
        let read =
            |document: Vec<u8>| serde_json::from_slice(&document).map_err(|error| HostError::internal(error.to_string()));
        document.map(read).transpose()
    }

    /// Stores the seller, if documents can name it: 1C finds the organization by its tax numbers.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) with a problem for each field; else the storage is unavailable.
    pub fn set_seller(&self, seller: &Party) -> Result<(), HostError> {
        let problems = problems(seller);
        if !problems.is_empty() {
            let detail = "the requisites were not kept: documents could not name the operator by them";
            return Err(HostError::invalid(detail).with_problems(problems));
        }
        let document = serde_json::to_vec(seller).map_err(|error| HostError::internal(error.to_string()))?;
        Ok(self.0.ledger.put_document(DOCUMENT.to_owned(), document)?)
    }
}

/// Returns what is wrong with a seller, by field.
fn problems(seller: &Party) -> Vec<Problem> {
    let Party { kind, name, inn, kpp } = seller;
    let mut faults = ledger::faults_of_party(*kind, name, inn, kpp);
    let mut add = |code, field: &str, message: &str| {
        faults.push(Fault { code, field: field.to_owned(), message: message.to_owned() });
    };
    match kind {
        PartyKind::Individual => add("invalid", "kind", "The seller must be a company or a sole proprietor."),
        PartyKind::Company if kpp.is_empty() => {
            add("missing", "kpp", "A company has a KPP, and 1C finds the organisation by INN and KPP.");
        }
        _ => {}
    }
    faults.into_iter().map(|fault| fault.problem("")).collect()
}
