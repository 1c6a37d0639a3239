//! Operators' decisions, as SQL.

use rusqlite::{Row, params};

use super::pending;
use super::rows::{ENTRIES, ENTRY, Read, entry, named, signed, unsigned};
use super::steps::Steps;
use crate::error::Error;
use domain::{Decided, Decision, DecisionKind, NewDecision};

const DECISION: &str = "decisions.id, decisions.decided, decisions.unmatched, decisions.undoes, decisions.operator, \
    decisions.reason, decisions.decided_at, undoing.id";
const DECISIONS: &str = "decisions LEFT JOIN decisions AS undoing ON undoing.undoes = decisions.id";

pub fn insert(steps: &Steps<'_>, decision: &NewDecision) -> Result<u64, Error> {
    let NewDecision { kind, unmatched, undoes, operator, reason, at } = decision;
    let sql = "INSERT INTO decisions (decided, unmatched, undoes, operator, reason, decided_at) VALUES (?, ?, ?, ?, ?, ?)";
    let (unmatched, undoes) = (unmatched.map(signed), undoes.map(signed));
    steps.execute(sql, params![kind.name(), unmatched, undoes, operator, reason, signed(*at)])?;
    steps.last_id()
}

fn of_row(row: &Row<'_>) -> Result<Decision, Read> {
    Ok(Decision {
        id: unsigned(row.get(0)?)?,
        kind: named(row.get(1)?, DecisionKind::of_name)?,
        unmatched: row.get::<_, Option<i64>>(2)?.map(unsigned).transpose()?,
        undoes: row.get::<_, Option<i64>>(3)?.map(unsigned).transpose()?,
        operator: row.get(4)?,
        reason: row.get(5)?,
        at: unsigned(row.get(6)?)?,
        undone_by: row.get::<_, Option<i64>>(7)?.map(unsigned).transpose()?,
    })
}

pub fn decision(steps: &Steps<'_>, id: u64) -> Result<Option<Decision>, Error> {
    steps.one(&format!("SELECT {DECISION} FROM {DECISIONS} WHERE decisions.id = ?"), [signed(id)], of_row)
}

pub fn decided(steps: &Steps<'_>, id: u64) -> Result<Option<Decided>, Error> {
    decision(steps, id)?.map(|decision| with_its_matter(steps, decision)).transpose()
}

pub fn list(steps: &Steps<'_>, before: Option<u64>, limit: u32) -> Result<Vec<Decided>, Error> {
    let sql = format!("SELECT {DECISION} FROM {DECISIONS} WHERE decisions.id < ? ORDER BY decisions.id DESC LIMIT ?");
    let decisions = steps.many(&sql, params![before.map_or(i64::MAX, signed), limit], of_row)?;
    decisions.into_iter().map(|decision| with_its_matter(steps, decision)).collect()
}

fn with_its_matter(steps: &Steps<'_>, decision: Decision) -> Result<Decided, Error> {
    let of_decision = format!("SELECT {ENTRY} FROM {ENTRIES} WHERE decision = ?");
    let entry = steps.one(&of_decision, [signed(decision.id)], entry)?;
    let event = match decision.unmatched {
        Some(id) => pending::unmatched(steps, id)?.map(|unmatched| unmatched.event),
        None => None,
    };
    Ok(Decided { decision, entry, event })
}
