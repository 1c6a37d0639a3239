//! What must hold of movements and unmatched events.

use domain::FindingCode;
use ledger::Error;

use super::findings::Findings;
use crate::query::SqlTransaction;
use crate::rows::text;

/// The movements with what is wrong about them. Each is read once, and what belongs to it is found by an index.
const MOVEMENTS: &str = "
    SELECT movements.id, CASE
        WHEN movements.id NOT BETWEEN 1 AND 999999999999999999 THEN 'its number has more than 18 digits'
        WHEN movements.entry IS NULL AND movements.unmatched IS NULL
            AND movements.kind IN ('payment', 'refund', 'chargeback', 'chargeback-reversal')
        THEN 'it moves money, and has neither an entry nor an unmatched event'
        WHEN movements.entry IS NOT NULL AND movements.kind IN ('hold', 'hold-release', 'declined')
            OR movements.unmatched IS NOT NULL AND movements.kind IN ('hold', 'declined')
        THEN 'it moves no money, and has an entry or an unmatched event'
        WHEN unmatched.id IS NOT NULL AND (movements.provider, movements.dedup_key, movements.kind)
            IS NOT (unmatched.provider, unmatched.dedup_key, unmatched.kind)
        THEN 'it is not what the unmatched event ' || unmatched.id || ' says'
        WHEN parent.id IS NOT NULL AND (parent.provider IS NOT movements.provider OR parent.kind IS NOT CASE
            WHEN movements.kind IN ('payment', 'hold-release') THEN 'hold'
            WHEN movements.kind IN ('refund', 'chargeback', 'chargeback-reversal') THEN 'payment' END)
        THEN 'it cannot follow from the movement ' || parent.id || ', a ' || parent.kind || ' of ' || parent.provider
        WHEN movements.open_until IS NOT NULL AND movements.kind <> 'hold' THEN 'it is open, and is no hold'
        WHEN movements.kind = 'hold' AND (movements.open_until IS NULL) <> EXISTS (SELECT 1 FROM movements AS ended
            WHERE ended.parent = movements.id AND ended.kind IN ('payment', 'hold-release'))
        THEN iif(movements.open_until IS NULL, 'it has ended, and nothing ended it', 'it is open, and something ended it')
        WHEN reserved.number IS NOT NULL AND movements.kind = 'hold'
            AND (reserved.provider, reserved.currency, reserved.minor_units)
            IS NOT (movements.provider, movements.facts ->> 'currency', movements.facts ->> 'minor-units')
        THEN 'it is not what the order ' || reserved.number || ' says, which it reserves'
    END AS wrong
    FROM movements
    LEFT JOIN unmatched ON unmatched.id = movements.unmatched
    LEFT JOIN movements AS parent ON parent.id = movements.parent
    LEFT JOIN orders AS reserved ON reserved.number = movements.order_number
    WHERE wrong IS NOT NULL";

/// Finds unmatched events that contradict the last decision about them.
pub fn resolutions(transaction: &SqlTransaction<'_>, findings: &mut Findings) -> Result<(), Error> {
    let sql = "SELECT unmatched.id, unmatched.resolved_by, unmatched.entry, in_force.decided, entries.seq FROM unmatched
        LEFT JOIN decisions AS in_force ON in_force.unmatched = unmatched.id AND in_force.decided <> 'undoing'
            AND NOT EXISTS (SELECT 1 FROM decisions AS undoing WHERE undoing.undoes = in_force.id)
        LEFT JOIN entries ON entries.decision = in_force.id
        LEFT JOIN movements ON movements.unmatched = unmatched.id
        WHERE CASE WHEN movements.entry IS NULL
            THEN (unmatched.resolved_by IS NULL) <> (in_force.id IS NULL) OR unmatched.entry IS NOT entries.seq
            -- It waited for the payment that it takes back, and was entered with that.
            ELSE unmatched.resolved_by IS NULL OR unmatched.entry IS NOT movements.entry OR in_force.id IS NOT NULL END";
    transaction.each(sql, [], |row| {
        let resolved_by: Option<String> = row.get(1)?;
        let (entry, made): (Option<i64>, Option<i64>) = (row.get(2)?, row.get(4)?);
        let decided: Option<String> = row.get(3)?;
        let or_nobody = |name: Option<String>| name.unwrap_or_else(|| "nobody".to_owned());
        let or_none = |seq: Option<i64>| seq.map_or_else(|| "none".to_owned(), |seq| seq.to_string());
        let detail = format!(
            "it is resolved by {} with the entry {}, and the decision in force is {} with the entry {}",
            or_nobody(resolved_by),
            or_none(entry),
            decided.unwrap_or_else(|| "none".to_owned()),
            or_none(made)
        );
        findings.add(FindingCode::Resolution, row.get::<_, i64>(0)?, detail);
        Ok(())
    })
}

/// Finds movements that contradict their entry, their unmatched event, or the movement that they follow from. A return follows from
/// a payment, which follows from a hold, so that no circle is possible. Two open holds of an order are no finding: both may be
/// facts, and the first one counts.
pub fn movements(transaction: &SqlTransaction<'_>, findings: &mut Findings) -> Result<(), Error> {
    transaction.each(MOVEMENTS, [], |row| {
        findings.add(FindingCode::Movement, row.get::<_, i64>(0)?, text(row, 1)?);
        Ok(())
    })
}

/// Finds unmatched events without a movement, which says what they are.
pub fn unmatched_events(transaction: &SqlTransaction<'_>, findings: &mut Findings) -> Result<(), Error> {
    let sql = "SELECT id FROM unmatched
        WHERE NOT EXISTS (SELECT 1 FROM movements WHERE movements.unmatched = unmatched.id)";
    transaction.each(sql, [], |row| {
        let id: i64 = row.get(0)?;
        findings.add(FindingCode::Movement, "", format!("nothing is kept that the unmatched event {id} was made of"));
        Ok(())
    })
}
