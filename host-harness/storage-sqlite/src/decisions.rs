//! Operators' decisions, in SQL.

use rusqlite::{Row, params};

use crate::pending;
use crate::query::SqlTransaction;
use crate::rows::{ENTRIES, ENTRY, RowError, entry, named, signed, unsigned};
use domain::{Decided, Decision, DecisionKind, NewDecision};
use ledger::Error;

const DECISION: &str = "decisions.id, decisions.decided, decisions.unmatched, decisions.undoes, decisions.operator, \
    decisions.reason, decisions.decided_at, undoing.id";
const DECISIONS: &str = "decisions LEFT JOIN decisions AS undoing ON undoing.undoes = decisions.id";

pub fn insert(transaction: &SqlTransaction<'_>, decision: &NewDecision) -> Result<u64, Error> {
    let NewDecision { kind, unmatched, undoes, operator, reason, at } = decision;
    let sql = "INSERT INTO decisions (decided, unmatched, undoes, operator, reason, decided_at) VALUES (?, ?, ?, ?, ?, ?)";
    let (unmatched, undoes) = (unmatched.map(signed), undoes.map(signed));
    transaction.execute(sql, params![kind.name(), unmatched, undoes, operator, reason, signed(*at)])?;
    transaction.last_id()
}

fn of_row(row: &Row<'_>) -> Result<Decision, RowError> {
    Ok(Decision {
        id: unsigned(row.get(0)?)?,
        kind: named(row.get(1)?, DecisionKind::from_name)?,
        unmatched: row.get::<_, Option<i64>>(2)?.map(unsigned).transpose()?,
        undoes: row.get::<_, Option<i64>>(3)?.map(unsigned).transpose()?,
        operator: row.get(4)?,
        reason: row.get(5)?,
        at: unsigned(row.get(6)?)?,
        undone_by: row.get::<_, Option<i64>>(7)?.map(unsigned).transpose()?,
    })
}

pub fn decision(transaction: &SqlTransaction<'_>, id: u64) -> Result<Option<Decision>, Error> {
    transaction.one(&format!("SELECT {DECISION} FROM {DECISIONS} WHERE decisions.id = ?"), [signed(id)], of_row)
}

pub fn decided(transaction: &SqlTransaction<'_>, id: u64) -> Result<Option<Decided>, Error> {
    decision(transaction, id)?.map(|decision| with_its_matter(transaction, decision)).transpose()
}

pub fn list(transaction: &SqlTransaction<'_>, before: Option<u64>, limit: u32) -> Result<Vec<Decided>, Error> {
    let sql = format!("SELECT {DECISION} FROM {DECISIONS} WHERE decisions.id < ? ORDER BY decisions.id DESC LIMIT ?");
    let decisions = transaction.many(&sql, params![before.map_or(i64::MAX, signed), limit], of_row)?;
    decisions.into_iter().map(|decision| with_its_matter(transaction, decision)).collect()
}

fn with_its_matter(transaction: &SqlTransaction<'_>, decision: Decision) -> Result<Decided, Error> {
    let of_decision = format!("SELECT {ENTRY} FROM {ENTRIES} WHERE decision = ?");
    let entry = transaction.one(&of_decision, [signed(decision.id)], entry)?;
    let event = match decision.unmatched {
        Some(id) => pending::unmatched(transaction, id)?.map(|unmatched| unmatched.event),
        None => None,
    };
    Ok(Decided { decision, entry, event })
}
