//! What arrived before its payment: refunds, chargebacks and reversals that wait for an operator, and enter by themselves when
//! the payment is entered.

use domain::{Acknowledged, MismatchReason, OrderId, ProviderName, Resolution, TransactionId};

use super::entering::{enter, entry_from_event};
use super::{awaited, returns};
use crate::error::Error;
use crate::storage::Transaction;

/// What the operators see of an event that this program entered.
const ENTERED: &str = "Платёж поступил: учтено автоматически";

/// Enters the returns that wait for a payment, or for a chargeback of it, which is entered now. Each keeps its number, and what
/// may go back is bounded as if it had arrived now.
///
/// A return that waits because more would go back than came in is not entered, whatever came in since: it may report money of
/// which another return was entered, so that a person decides.
pub fn let_in(
    transaction: &mut dyn Transaction,
    provider: &ProviderName,
    payment: &TransactionId,
    order: Option<&OrderId>,
    at: u64,
) -> Result<(), Error> {
    loop {
        let mut entered = 0;
        for one in transaction.waiting_returns(provider, payment, order)? {
            if one.reason == MismatchReason::ExceedsPaidAmount {
                continue;
            }
            let Ok(target) = returns::settle(transaction, &one.event, None)? else { continue };
            let Some(movement) = transaction.movement_of_unmatched(one.id)? else { continue };
            let seq = enter(transaction, &entry_from_event(&one.event, target.account, target.order, at))?;
            transaction.set_entry(movement.movement.id, seq)?;
            if let Some(payment) = target.payment {
                transaction.set_parent(movement.movement.id, payment)?;
                awaited::end_refund(transaction, &one.event, payment, movement.movement.id, at)?;
            }
            let (operator, comment) = (Acknowledged::BY_THIS_PROGRAM.to_owned(), ENTERED.to_owned());
            transaction.resolve(one.id, &Resolution { operator, comment, at, seq: Some(seq) })?;
            entered += 1;
        }
        // A chargeback that was entered may let in a reversal that arrived before it.
        if entered == 0 {
            return Ok(());
        }
    }
}
