//! What operators and billing see of a payment before they ask for an operation about it.

use domain::{EventKind, MovementId, PaymentDetails};

use super::begin::{entered, left};
use crate::error::Error;
use crate::rules::state;
use crate::storage::Transaction;

pub fn details(transaction: &mut dyn Transaction, id: MovementId) -> Result<Option<PaymentDetails>, Error> {
    let found = transaction.movement(id)?;
    let Some(payment) = found.filter(|found| found.movement.event.facts.kind == EventKind::Payment) else { return Ok(None) };
    let (mut account, mut of_refunds) = (None, None);
    if let Some(returnable) = entered(transaction, &payment)? {
        of_refunds = Some(left(transaction, &payment, &returnable)?);
        account = Some(returnable.account);
    }
    let operations = transaction.operations_of_payment(id)?;
    Ok(Some(PaymentDetails { state: state(transaction, payment)?, account, left: of_refunds, operations }))
}
