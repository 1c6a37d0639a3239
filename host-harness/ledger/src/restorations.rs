//! A database that is an older copy. What the payment systems did since it was made is not in it, so that a refund which was sent once
//! looks as if it was never asked for. Until a person has compared, no operation about a payment begins.

use domain::{Comparison, ComparisonRefusal, OperationRefusal, OperationSelection, OperationState, Restoration};

use crate::error::Error;
use crate::operations::each_open;
use crate::rules::Ledger;
use crate::storage::Transaction;

/// Why the outcome of an operation is unknown after an older copy of the database was restored.
pub const RESTORED: &str = "База данных восстановлена из копии: что было сделано после неё, неизвестно. Проверьте операцию в \
    кабинете платёжной системы";

/// Records that the database is an older copy, or may be one, whose last commit was made at `copied_at` (`None`: not known). No
/// operation about a payment begins from then on, until a person has compared ([`Ledger::record_comparison`]); and every pending
/// operation becomes unknown, so that nothing is sent again by itself. A storage calls it in the transaction that accepts such a
/// database.
///
/// # Errors
/// If the storage is unavailable.
pub fn record_restoration(transaction: &mut dyn Transaction, copied_at: Option<u64>, at: u64) -> Result<(), Error> {
    transaction.insert_restoration(copied_at, at)?;
    each_open(transaction, OperationSelection::All, |transaction, operation| match operation.state {
        OperationState::Pending => {
            transaction.end_operation(&operation.id, &OperationState::Unknown { message: RESTORED.to_owned() }, at)
        }
        _ => Ok(()),
    })
}

/// Returns since when what was done may be missing: of the restorations that nobody has compared, the earliest moment. The outer
/// `None`: nothing is missing, or everything was compared.
pub fn missing_since(restorations: &[Restoration]) -> Option<Option<u64>> {
    restorations.iter().filter(|one| one.comparison.is_none()).map(|one| one.copied_at).min()
}

/// Refuses an operation about a payment as long as a restoration was not compared.
pub fn refusal(transaction: &mut dyn Transaction) -> Result<Option<OperationRefusal>, Error> {
    let since = missing_since(&transaction.restorations()?);
    Ok(since.map(|since| OperationRefusal::NotCompared { since }))
}

impl Ledger {
    /// Records that the ledger's storage is an older copy, for whoever knows that by other means than the storage has: see
    /// [`record_restoration`].
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn record_restoration(&self, copied_at: Option<u64>, at: u64) -> Result<(), Error> {
        self.storage().write(move |transaction| record_restoration(transaction, copied_at, at))
    }

    /// Returns the restorations, the latest first.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn restorations(&self) -> Result<Vec<Restoration>, Error> {
        self.storage().read(|transaction| transaction.restorations())
    }

    /// Records that a person compared the payment systems with the ledger, for a restoration and those before it: operations begin
    /// again, unless there is a later one. The same again changes nothing.
    ///
    /// # Errors
    /// If the storage is unavailable. The inner error is a refusal by a rule.
    pub fn record_comparison(
        &self,
        id: u64,
        operator: String,
        comment: String,
        at: u64,
    ) -> Result<Result<(), ComparisonRefusal>, Error> {
        let comparison = Comparison { operator, comment, at };
        self.storage().write(move |transaction| {
            let restorations = transaction.restorations()?;
            let Some(named) = restorations.iter().find(|one| one.id == id) else {
                return Ok(Err(ComparisonRefusal::Unknown));
            };
            if let Some(before) = &named.comparison {
                let is_same = (&before.operator, &before.comment) == (&comparison.operator, &comparison.comment);
                return Ok(if is_same { Ok(()) } else { Err(ComparisonRefusal::AlreadyCompared) });
            }
            for one in restorations.iter().filter(|one| one.id <= id && one.comparison.is_none()) {
                transaction.set_comparison(one.id, &comparison)?;
            }
            Ok(Ok(()))
        })
    }
}
