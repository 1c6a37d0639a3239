//! Movements, in SQL.

use rusqlite::{Row, params};

use crate::query::SqlTransaction;
use crate::rows::{ENTRIES, ENTRY, RowError, entry, named, number, pairs, signed, some_pairs_text, unsigned};
use crate::{facts, pending};
use domain::{
    DedupKey, Entry, Event, EventKind, Facts, Movement, MovementId, MovementOrigin, OrderId, ProviderName, TransactionId,
    UnmatchedEvent,
};
use ledger::Error;
use ledger::storage::{Movements, MovementsRange, NewMovement, RecordedMovement};

/// A movement. Its comment and what was reported beside it are kept with its entry or unmatched event, if it has one.
const MOVEMENT: &str = "SELECT movements.id, movements.provider, movements.dedup_key, facts, recorded_at, origin, movements.entry,
    movements.unmatched, parent, open_until IS NOT NULL, fee_minor_units, fee_currency,
    coalesce(movements.comment, unmatched.comment, entries.comment),
    coalesce(movements.extra, unmatched.extra, entries.extra),
    EXISTS (SELECT 1 FROM movements AS later WHERE later.parent = movements.id)
    FROM movements LEFT JOIN unmatched ON unmatched.id = movements.unmatched LEFT JOIN entries ON entries.seq = movements.entry";

/// Why a return is not among the movements that follow from its payment: an operator took back its entry.
const TAKEN_BACK: &str = "movements.kind <> 'payment' AND movements.unmatched IS NOT NULL AND movements.entry IS NULL
    AND unmatched.entry IS NULL";

fn of_row(row: &Row<'_>) -> Result<RecordedMovement, RowError> {
    let (facts, is_complete) = facts::of_row(row, 3)?;
    let optional = |column| row.get::<_, Option<i64>>(column)?.map(unsigned).transpose();
    let event = Event {
        provider: row.get::<_, String>(1).map(ProviderName::stored)?,
        facts,
        comment: row.get::<_, Option<String>>(12)?.unwrap_or_default(),
        dedup_key: row.get::<_, String>(2).map(DedupKey::stored)?,
        fee: facts::fee(row, 10)?,
        extra: row.get::<_, Option<String>>(13)?.map_or(Ok(Vec::new()), pairs)?,
    };
    Ok(RecordedMovement {
        movement: Movement {
            id: MovementId(unsigned(row.get(0)?)?),
            event,
            recorded_at: unsigned(row.get(4)?)?,
            origin: named(row.get(5)?, MovementOrigin::from_name)?,
        },
        entry: optional(6)?,
        unmatched: optional(7)?,
        parent: optional(8)?.map(MovementId),
        is_open: row.get(9)?,
        is_followed: row.get(14)?,
        is_complete,
    })
}

/// The rest of a second, after a movement of it.
const SAME_SECOND: &str = "happened_at = ?2 AND movements.id > ?3";
/// The seconds after one, up to another.
const LATER: &str = "happened_at > ?2 AND happened_at <= ?3";

/// Returns the statement for a part of a provider's movements. One comparison of both the time and the number would read all of a
/// second. The index of a kind has no payments: they are most movements, so that the index of all finds them as well.
fn page_sql(kind: Option<EventKind>, part: &str) -> String {
    let of_kind = match kind {
        None => String::new(),
        Some(EventKind::Payment) => " AND movements.kind = 'payment'".to_owned(),
        // The index is used only if its condition is named.
        Some(kind) => format!(" AND movements.kind <> 'payment' AND movements.kind = '{}'", kind.name()),
    };
    format!("{MOVEMENT} WHERE movements.provider = ?1{of_kind} AND {part} ORDER BY happened_at, movements.id LIMIT ?4")
}

impl Movements for SqlTransaction<'_> {
    fn insert_movement(&mut self, movement: &NewMovement<'_>) -> Result<MovementId, Error> {
        let NewMovement { event, origin, callback, entry, unmatched, parent, order, open_until, at } = movement;
        let Event { provider, facts, comment, dedup_key, fee, extra } = event;
        // The milliseconds of its recording, or the next free odd number. If an older copy is restored, a movement that the copy
        // lacks does not have the number of a new one. Orders have even numbers.
        let sql =
            "INSERT INTO movements (id, provider, dedup_key, kind, happened_at, recorded_at, origin, facts, fee_minor_units,
                fee_currency, comment, extra, callback, entry, unmatched, parent, ends_hold, order_number, open_until)
            VALUES (max(?1, (SELECT ifnull(max(id), 0) + 1 FROM movements)) / 2 * 2 + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,
                ?14, ?15, ?16, ?17, ?18, ?19)";
        // An entry or an unmatched event keeps what follows.
        let is_kept = entry.is_some() || unmatched.is_some();
        self.execute(
            sql,
            params![
                signed(at.saturating_mul(1000)),
                provider.as_str(),
                dedup_key.as_str(),
                facts.kind.name(),
                signed(facts.happened_at().unwrap_or(*at)),
                signed(*at),
                origin.name(),
                facts::text(facts),
                fee.map(|fee| fee.minor_units),
                fee.as_ref().map(|fee| fee.currency.as_str()),
                (!is_kept).then_some(comment),
                if is_kept { None } else { some_pairs_text(extra) },
                callback.map(signed),
                entry.map(signed),
                unmatched.map(signed),
                parent.map(|parent| signed(parent.0)),
                facts.ends_hold.as_deref(),
                order.as_deref().and_then(number),
                open_until.map(signed)
            ],
        )?;
        self.last_id().map(MovementId)
    }

    fn movement(&mut self, id: MovementId) -> Result<Option<RecordedMovement>, Error> {
        self.one(&format!("{MOVEMENT} WHERE movements.id = ?"), [signed(id.0)], of_row)
    }

    fn movement_of_key(&mut self, provider: &ProviderName, dedup_key: &DedupKey) -> Result<Option<RecordedMovement>, Error> {
        // Mostly there is none: the index alone says so, and no other table is opened.
        let sql = "SELECT id FROM movements WHERE provider = ? AND dedup_key = ?";
        let id = self.one(sql, [provider.as_str(), dedup_key.as_str()], |row| unsigned(row.get(0)?))?;
        id.map_or(Ok(None), |id| self.movement(MovementId(id)))
    }

    fn movement_of_entry(&mut self, seq: u64) -> Result<Option<RecordedMovement>, Error> {
        let made = self.one(&format!("{MOVEMENT} WHERE movements.entry = ?"), [signed(seq)], of_row)?;
        if made.is_some() {
            return Ok(made);
        }
        let sql = format!("{MOVEMENT} WHERE movements.unmatched = (SELECT id FROM unmatched WHERE entry = ?)");
        self.one(&sql, [signed(seq)], of_row)
    }

    fn movement_of_unmatched(&mut self, id: u64) -> Result<Option<RecordedMovement>, Error> {
        self.one(&format!("{MOVEMENT} WHERE movements.unmatched = ?"), [signed(id)], of_row)
    }

    fn movements_of_parent(&mut self, parent: MovementId) -> Result<Vec<RecordedMovement>, Error> {
        let sql = format!("{MOVEMENT} WHERE parent = ? AND NOT ({TAKEN_BACK}) ORDER BY movements.id");
        self.many(&sql, [signed(parent.0)], of_row)
    }

    fn entries_of_parent(&mut self, parent: MovementId) -> Result<Vec<Entry>, Error> {
        let sql = format!(
            "WITH made (seq) AS (SELECT coalesce(movements.entry, unmatched.entry) FROM movements
                LEFT JOIN unmatched ON unmatched.id = movements.unmatched WHERE parent = ?)
            SELECT {ENTRY} FROM {ENTRIES} WHERE seq IN made
            UNION ALL SELECT {ENTRY} FROM {ENTRIES} WHERE reverses IN made"
        );
        self.many(&sql, [signed(parent.0)], entry)
    }

    fn movements_of_hold(&mut self, provider: &ProviderName, hold: &DedupKey) -> Result<Vec<RecordedMovement>, Error> {
        let sql = format!("{MOVEMENT} WHERE movements.provider = ? AND ends_hold = ? ORDER BY movements.id");
        self.many(&sql, [provider.as_str(), hold.as_str()], of_row)
    }

    fn open_hold(&mut self, order: &OrderId) -> Result<Option<RecordedMovement>, Error> {
        let sql =
            format!("{MOVEMENT} WHERE movements.order_number = ? AND open_until IS NOT NULL ORDER BY movements.id LIMIT 1");
        self.one(&sql, [number(order)], of_row)
    }

    fn expired_holds(&mut self, now: u64, limit: u32) -> Result<Vec<RecordedMovement>, Error> {
        // As for a key. A hold without an end has the largest number.
        let sql = "SELECT id FROM movements WHERE open_until <= ? ORDER BY open_until LIMIT ?";
        let ids = self.many(sql, params![signed(now).min(i64::MAX - 1), limit], |row| unsigned(row.get(0)?))?;
        let found = ids.into_iter().map(|id| self.movement(MovementId(id))).collect::<Result<Vec<_>, Error>>()?;
        Ok(found.into_iter().flatten().collect())
    }

    fn end_hold(&mut self, id: MovementId) -> Result<(), Error> {
        let sql = "UPDATE movements SET open_until = NULL WHERE id = ? AND open_until IS NOT NULL";
        match self.execute(sql, [signed(id.0)])? {
            1 => Ok(()),
            changed => Err(Error::Damaged(format!("{changed} holds {id} were open"))),
        }
    }

    fn set_parent(&mut self, id: MovementId, parent: MovementId) -> Result<(), Error> {
        self.execute("UPDATE movements SET parent = ? WHERE id = ?", [signed(parent.0), signed(id.0)]).map(drop)
    }

    fn set_entry(&mut self, id: MovementId, seq: u64) -> Result<(), Error> {
        let sql = "UPDATE movements SET entry = ? WHERE id = ? AND entry IS NULL";
        match self.execute(sql, [signed(seq), signed(id.0)])? {
            1 => Ok(()),
            changed => Err(Error::Damaged(format!("{changed} movements {id} had no entry"))),
        }
    }

    fn movements(
        &mut self,
        provider: &ProviderName,
        range: &MovementsRange,
        limit: u32,
    ) -> Result<Vec<RecordedMovement>, Error> {
        let MovementsRange { since, until, kind, after } = range;
        let mut found = Vec::new();
        // The time after which all movements follow. Those of the first second are after the second before it.
        let mut after_time = signed(*since) - 1;
        if let Some((time, id)) = after.filter(|(time, _)| time >= since) {
            if time > *until {
                return Ok(found);
            }
            let parameters = params![provider.as_str(), signed(time), signed(id.0), limit];
            found = self.many(&page_sql(*kind, SAME_SECOND), parameters, of_row)?;
            after_time = signed(time);
        }
        let left = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
        if left > 0 {
            let parameters = params![provider.as_str(), after_time, signed(*until), left];
            found.extend(self.many(&page_sql(*kind, LATER), parameters, of_row)?);
        }
        Ok(found)
    }

    fn listed_at(&mut self, provider: &ProviderName, id: MovementId) -> Result<Option<u64>, Error> {
        let sql = "SELECT happened_at FROM movements WHERE id = ? AND provider = ?";
        self.one(sql, params![signed(id.0), provider.as_str()], |row| unsigned(row.get(0)?))
    }

    fn waiting_returns(
        &mut self,
        provider: &ProviderName,
        transaction: &TransactionId,
        order: Option<&OrderId>,
    ) -> Result<Vec<UnmatchedEvent>, Error> {
        pending::waiting_returns(self, provider, transaction, order)
    }

    fn last_attempt(&mut self, order: &OrderId) -> Result<Option<RecordedMovement>, Error> {
        let sql = format!("{MOVEMENT} WHERE movements.order_number = ? ORDER BY movements.id DESC LIMIT 1");
        self.one(&sql, [number(order)], of_row)
    }

    fn facts_of_contradictions(&mut self, movement: MovementId) -> Result<Vec<Facts>, Error> {
        pending::facts_of_contradictions(self, movement)
    }

    fn insert_contradiction(
        &mut self,
        movement: MovementId,
        facts: &Facts,
        origin: MovementOrigin,
        callback: Option<u64>,
    ) -> Result<u64, Error> {
        pending::insert_contradiction(self, movement, facts, origin, callback)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    /// A page is read from its place on, and nothing is sorted.
    #[test]
    fn page_of_movements_is_found_by_index() {
        let connection = Connection::open_in_memory().unwrap();
        crate::schema::migrate(&connection).unwrap();
        let of_time = "SEARCH movements USING INDEX movements_of_time (provider=? AND happened_at>? AND happened_at<?)";
        let of_kind =
            "SEARCH movements USING INDEX movements_of_kind (provider=? AND kind=? AND happened_at>? AND happened_at<?)";
        let of_second = "SEARCH movements USING INDEX movements_of_time (provider=? AND happened_at=? AND rowid>?)";
        let kind_of_second =
            "SEARCH movements USING INDEX movements_of_kind (provider=? AND kind=? AND happened_at=? AND rowid>?)";
        for (kind, part, want) in [
            (None, LATER, of_time),
            (Some(EventKind::Payment), LATER, of_time),
            (Some(EventKind::Refund), LATER, of_kind),
            (None, SAME_SECOND, of_second),
            (Some(EventKind::Refund), SAME_SECOND, kind_of_second),
        ] {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", page_sql(kind, part))).unwrap();
            let plan = statement.query_map(params!["p", 1, 1, 9], |row| row.get::<_, String>(3)).unwrap().map(Result::unwrap);
            let plan: Vec<String> = plan.collect();
            assert_eq!(plan[0], want, "{plan:?}");
            let is_search = |step: &String| step.starts_with("SEARCH ") || step.starts_with("CORRELATED SCALAR SUBQUERY");
            assert!(plan[1..].iter().all(is_search), "{plan:?}");
        }
    }
}
