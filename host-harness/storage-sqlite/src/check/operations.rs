//! What must hold of operations at payment systems, and of the orders that are asked about.

use domain::FindingCode;
use ledger::Error;

use super::findings::Findings;
use crate::query::SqlTransaction;
use crate::rows::text;

/// The operations with what is wrong about them. Each is read once, and what belongs to it is found by an index.
const OPERATIONS: &str = "
    SELECT 'op' || operations.number, CASE
        WHEN operations.kind IN ('refund', 'charge', 'cancel') AND payment.kind IS NOT 'payment'
            OR payment.id IS NOT NULL AND payment.provider IS NOT operations.provider
        THEN 'its payment is none of its provider'
        WHEN operations.kind IN ('charge', 'link') AND orders.provider IS NOT operations.provider
        THEN 'its order is none of its provider'
        WHEN operations.kind = 'refund' AND operations.state = 'done' AND operations.movement IS NULL
            AND operations.decided_by IS NULL
        THEN 'it is done, and has no movement'
        WHEN operations.movement IS NOT NULL AND operations.state <> 'done' THEN 'it is not done, and has a movement'
        WHEN operations.movement IS NOT NULL AND (made.provider, made.kind) IS NOT (operations.provider,
            CASE operations.kind WHEN 'refund' THEN 'refund' WHEN 'charge' THEN 'payment' END)
        THEN 'the movement ' || operations.movement || ' is none that it can make'
        WHEN operations.kind = 'refund' AND made.parent IS NOT NULL AND made.parent IS NOT operations.payment
        THEN 'the movement ' || made.id || ' is a refund of the payment ' || made.parent
        WHEN operations.next_at IS NOT NULL AND operations.state <> 'pending' THEN 'it has ended, and is to go on'
        WHEN operations.ended_at IS NOT NULL AND operations.state IN ('pending', 'unknown') THEN 'it is open, and has ended'
        WHEN operations.code = 'withdrawn' AND operations.is_sent THEN 'it was sent, and is withdrawn'
        WHEN (operations.decided_by IS NULL) <> (operations.decided_at IS NULL) THEN 'it is decided in part'
        WHEN EXISTS (SELECT 1 FROM operations AS other WHERE other.movement = operations.movement
            AND other.number < operations.number)
        THEN 'another operation has the movement ' || operations.movement
        WHEN operations.kind IN ('charge', 'link') AND EXISTS (SELECT 1 FROM operations AS other
            WHERE other.order_number = operations.order_number AND other.kind = operations.kind
            AND other.number < operations.number AND (operations.kind = 'link'
                OR operations.state IN ('pending', 'unknown') AND other.state IN ('pending', 'unknown')))
        THEN 'another ' || operations.kind || ' of the order ' || operations.order_number || ' is not ended'
        WHEN operations.kind = 'charge' AND operations.state IN ('pending', 'unknown') AND EXISTS (SELECT 1 FROM movements AS paid
            WHERE paid.entry = orders.paid_by AND NOT EXISTS (SELECT 1 FROM operations AS other WHERE other.movement = paid.id))
        THEN 'its order ' || operations.order_number || ' is paid, and it has not ended'
        WHEN operations.kind = 'cancel' AND operations.state IN ('pending', 'unknown')
            AND EXISTS (SELECT 1 FROM operations AS other WHERE other.payment = operations.payment AND other.kind = 'cancel'
            AND other.number < operations.number AND other.state IN ('pending', 'unknown'))
        THEN 'another cancel of the payment ' || operations.payment || ' is not ended'
    END AS wrong
    FROM operations
    LEFT JOIN movements AS payment ON payment.id = operations.payment
    LEFT JOIN movements AS made ON made.id = operations.movement
    LEFT JOIN orders ON orders.number = operations.order_number
    WHERE wrong IS NOT NULL";

/// Finds operations that contradict their payment, their order or their movement, and of which two were begun where one may be.
pub fn operations(transaction: &SqlTransaction<'_>, findings: &mut Findings) -> Result<(), Error> {
    transaction.each(OPERATIONS, [], |row| {
        findings.add(FindingCode::Operation, text(row, 0)?, text(row, 1)?);
        Ok(())
    })
}

/// Finds paid orders that are still asked about.
pub fn orders_to_ask(transaction: &SqlTransaction<'_>, findings: &mut Findings) -> Result<(), Error> {
    let sql = "SELECT order_number FROM orders_to_ask CROSS JOIN orders ON number = order_number WHERE paid_by IS NOT NULL";
    transaction.each(sql, [], |row| {
        let order: i64 = row.get(0)?;
        findings.add(FindingCode::Operation, "", format!("the order {order} is paid, and its status is still asked for"));
        Ok(())
    })
}
