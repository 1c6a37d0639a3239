//! Operations, and orders to ask about, in SQL.

use rusqlite::{Row, params};

use crate::query::SqlTransaction;
use crate::rows::{ORDER, RowError, money, named, number, order, signed, unsigned};
use domain::{
    LastTry, MovementId, NewOperation, OpenOperations, Operation, OperationDecision, OperationId, OperationKind,
    OperationSelection, OperationState, OperationTask, OperationToContinue, OrderId, OrderToAsk, Progress, ProviderName,
    TriedCall,
};
use ledger::Error;
use ledger::storage::{Operations, StatusAsks};

/// What an operation's id begins with: an id of an order is a number of the same kind, and a payment system may compare the keys
/// that are made of both.
const ID_PREFIX: &str = "op";

const OPERATION: &str = "number, kind, provider, payment, order_number, minor_units, currency, reason, operator, idempotency_key, \
    component_sha256, created_at, state, movement, result, code, message, reference, next_at, tries, ended_at, decided_by, \
    decision_comment, decided_at, is_sent, tried_at, tried_call, tried_status, tried_message";
/// How many columns an operation has.
const OPERATION_COLUMNS: usize = 29;
/// The condition of operations that are no links, as an index has it.
const NO_LINK: &str = "kind <> 'link'";

fn id_of(number: i64) -> OperationId {
    OperationId::stored(format!("{ID_PREFIX}{number}"))
}

/// Returns an operation's number; `None` if there is none of this id.
fn number_of(id: &OperationId) -> Option<i64> {
    id.strip_prefix(ID_PREFIX).and_then(number)
}

fn of_row(row: &Row<'_>) -> Result<Operation, RowError> {
    let optional = |column| row.get::<_, Option<i64>>(column)?.map(unsigned).transpose();
    let tries: i64 = row.get(19)?;
    Ok(Operation {
        id: id_of(row.get(0)?),
        provider: row.get::<_, String>(2).map(ProviderName::stored)?,
        task: task(row)?,
        reason: row.get(7)?,
        operator: row.get(8)?,
        idempotency_key: row.get(9)?,
        component_sha256: row.get(10)?,
        created_at: unsigned(row.get(11)?)?,
        state: state(row)?,
        reference: row.get(17)?,
        next_at: optional(18)?,
        tries: u32::try_from(tries).map_err(|_| RowError::Damaged(format!("an operation was tried {tries} times")))?,
        is_sent: row.get(24)?,
        last_try: last_try(row)?,
        ended_at: optional(20)?,
        decision: decision(row)?,
    })
}

fn task(row: &Row<'_>) -> Result<OperationTask, RowError> {
    let missing = || RowError::Damaged("an operation lacks what it is about".to_owned());
    let payment = || row.get::<_, Option<i64>>(3)?.map(unsigned).transpose()?.map(MovementId).ok_or_else(missing);
    let order = || row.get::<_, Option<i64>>(4)?.map(|number| OrderId::stored(number.to_string())).ok_or_else(missing);
    Ok(match named(row.get(1)?, OperationKind::from_name)? {
        OperationKind::Refund => {
            let amount = row.get::<_, Option<i64>>(5)?.zip(row.get::<_, Option<String>>(6)?).ok_or_else(missing)?;
            OperationTask::Refund { payment: payment()?, amount: money(amount.0, amount.1)? }
        }
        OperationKind::Charge => OperationTask::Charge { payment: payment()?, order: order()? },
        OperationKind::Cancel => OperationTask::Cancel { payment: payment()? },
        OperationKind::Link => OperationTask::Link { order: order()? },
    })
}

fn state(row: &Row<'_>) -> Result<OperationState, RowError> {
    let text = |column| Ok::<_, RowError>(row.get::<_, Option<String>>(column)?.unwrap_or_default());
    let name: String = row.get(12)?;
    Ok(match name.as_str() {
        "pending" => OperationState::Pending,
        "done" => {
            let movement = row.get::<_, Option<i64>>(13)?.map(unsigned).transpose()?.map(MovementId);
            OperationState::Done { movement, result: row.get(14)? }
        }
        "refused" => OperationState::Refused { code: text(15)?, message: text(16)? },
        "unknown" => OperationState::Unknown { message: text(16)? },
        _ => return Err(RowError::Damaged(format!("an operation is {name}"))),
    })
}

fn decision(row: &Row<'_>) -> Result<Option<OperationDecision>, RowError> {
    let Some(operator) = row.get::<_, Option<String>>(21)? else { return Ok(None) };
    let comment = row.get::<_, Option<String>>(22)?.unwrap_or_default();
    let at = row.get::<_, Option<i64>>(23)?.map(unsigned).transpose()?.unwrap_or_default();
    Ok(Some(OperationDecision { operator, comment, at }))
}

fn last_try(row: &Row<'_>) -> Result<Option<LastTry>, RowError> {
    let Some(at) = row.get::<_, Option<i64>>(25)? else { return Ok(None) };
    let call = match row.get::<_, Option<String>>(26)?.as_deref() {
        None => None,
        Some("not-sent") => Some(TriedCall::NotSent),
        Some("no-answer") => Some(TriedCall::NoAnswer),
        Some(_) => Some(TriedCall::Answered(row.get::<_, Option<u16>>(27)?.unwrap_or_default())),
    };
    let message = row.get::<_, Option<String>>(28)?.unwrap_or_default();
    Ok(Some(LastTry { at: unsigned(at)?, call, message }))
}

/// Returns the condition of a selection, of a list of open or ended operations.
fn selected(selection: OperationSelection, is_open: bool) -> String {
    match selection {
        OperationSelection::All => "TRUE".to_owned(),
        OperationSelection::ButLinks if is_open => format!("({NO_LINK} OR state = 'unknown')"),
        OperationSelection::ButLinks => NO_LINK.to_owned(),
        OperationSelection::Only(OperationKind::Link) => "kind = 'link'".to_owned(),
        OperationSelection::Only(kind) => format!("{NO_LINK} AND kind = '{}'", kind.name()),
    }
}

/// Returns the table to read a selection of ended operations from. Most operations are links: the others have an index.
fn table_of(selection: OperationSelection) -> &'static str {
    match selection {
        OperationSelection::All | OperationSelection::Only(OperationKind::Link) => "operations",
        OperationSelection::ButLinks | OperationSelection::Only(_) => "operations INDEXED BY operations_but_links",
    }
}

fn to_continue(row: &Row<'_>) -> Result<OperationToContinue, RowError> {
    let operation = of_row(row)?;
    Ok(OperationToContinue { operation, settings: row.get(OPERATION_COLUMNS)?, journal: row.get(OPERATION_COLUMNS + 1)? })
}

impl SqlTransaction<'_> {
    fn operations_where(&self, condition: &str, value: Option<i64>) -> Result<Vec<Operation>, Error> {
        self.many(&format!("SELECT {OPERATION} FROM operations WHERE {condition} ORDER BY number"), [value], of_row)
    }
}

impl Operations for SqlTransaction<'_> {
    fn insert_operation(&mut self, operation: &NewOperation, at: u64) -> Result<OperationId, Error> {
        let NewOperation {
            provider,
            task,
            reason,
            operator,
            idempotency_key,
            component_sha256,
            settings,
            next_at,
            is_alone: _,
        } = operation;
        let amount = task.amount();
        let sql =
            "INSERT INTO operations (number, kind, provider, payment, order_number, minor_units, currency, reason, operator,
                idempotency_key, component_sha256, settings, created_at, state, next_at, tries, journal)
            VALUES (max(?1, (SELECT ifnull(max(number), 0) + 1 FROM operations)), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
                ?13, 'pending', ?14, 0, x'')";
        self.execute(
            sql,
            params![
                signed(at.saturating_mul(1000)),
                task.kind().name(),
                provider.as_str(),
                task.payment().map(|payment| signed(payment.0)),
                task.order().and_then(|order| number(order)),
                amount.map(|amount| amount.minor_units),
                amount.as_ref().map(|amount| amount.currency.as_str()),
                reason,
                operator,
                idempotency_key,
                component_sha256,
                settings,
                signed(at),
                signed(*next_at)
            ],
        )?;
        self.last_id().map(|number| id_of(signed(number)))
    }

    fn operation(&mut self, id: &OperationId) -> Result<Option<Operation>, Error> {
        self.one(&format!("SELECT {OPERATION} FROM operations WHERE number = ?"), [number_of(id)], of_row)
    }

    fn operation_to_continue(&mut self, id: &OperationId) -> Result<Option<OperationToContinue>, Error> {
        let sql = format!("SELECT {OPERATION}, settings, journal FROM operations WHERE number = ?");
        self.one(&sql, [number_of(id)], to_continue)
    }

    fn operation_of_key(&mut self, key: &str) -> Result<Option<Operation>, Error> {
        self.one(&format!("SELECT {OPERATION} FROM operations WHERE idempotency_key = ?"), [key], of_row)
    }

    fn operation_of_movement(&mut self, movement: MovementId) -> Result<Option<Operation>, Error> {
        self.one(&format!("SELECT {OPERATION} FROM operations WHERE movement = ?"), [signed(movement.0)], of_row)
    }

    fn operations_of_payment(&mut self, payment: MovementId) -> Result<Vec<Operation>, Error> {
        self.operations_where("payment = ?", Some(signed(payment.0)))
    }

    fn operations_of_order(&mut self, order: &OrderId) -> Result<Vec<Operation>, Error> {
        self.operations_where("order_number = ?", number(order))
    }

    fn unreported_charges(&mut self, provider: &ProviderName) -> Result<Vec<Operation>, Error> {
        let sql = format!(
            "SELECT {OPERATION} FROM operations
            WHERE provider = ? AND kind = 'charge' AND movement IS NULL AND state <> 'refused' ORDER BY number"
        );
        self.many(&sql, [provider.as_str()], of_row)
    }

    fn due_operations(&mut self, now: u64, latest: u64, limit: u32) -> Result<Vec<OperationToContinue>, Error> {
        let sql = format!(
            "SELECT {OPERATION}, settings, journal FROM operations
            WHERE state = 'pending' AND next_at IS NOT NULL AND (next_at <= ? OR next_at > ?)
            ORDER BY next_at, number LIMIT ?"
        );
        self.many(&sql, params![signed(now), signed(latest), limit], to_continue)
    }

    fn open_operations(
        &mut self,
        selection: OperationSelection,
        after: Option<&OperationId>,
        limit: u32,
    ) -> Result<Vec<Operation>, Error> {
        let sql = format!(
            "SELECT {OPERATION} FROM operations
            WHERE state IN ('pending', 'unknown') AND {} AND number > ? ORDER BY number LIMIT ?",
            selected(selection, true)
        );
        self.many(&sql, params![after.map_or(Some(0), number_of), limit], of_row)
    }

    fn ended_operations(
        &mut self,
        selection: OperationSelection,
        before: Option<&OperationId>,
        limit: u32,
    ) -> Result<Vec<Operation>, Error> {
        let sql = format!(
            "SELECT {OPERATION} FROM {}
            WHERE state IN ('done', 'refused') AND {} AND number < ? ORDER BY number DESC LIMIT ?",
            table_of(selection),
            selected(selection, false)
        );
        self.many(&sql, params![before.map_or(Some(i64::MAX), number_of), limit], of_row)
    }

    fn acted_operations(&mut self, before: Option<&(u64, OperationId)>, limit: u32) -> Result<Vec<Operation>, Error> {
        let sql = format!(
            "SELECT {OPERATION} FROM operations INDEXED BY operations_acted
            WHERE (kind <> 'link' OR decided_at IS NOT NULL) AND ifnull(decided_at, created_at) <= ?1
                AND (ifnull(decided_at, created_at), number) < (?1, ?2)
            ORDER BY ifnull(decided_at, created_at) DESC, number DESC LIMIT ?3"
        );
        let (at, number) = before.map_or((i64::MAX, Some(i64::MAX)), |(at, id)| (signed(*at), number_of(id)));
        self.many(&sql, params![at, number, limit], of_row)
    }

    fn open_operation_counts(&mut self, provider: Option<&ProviderName>) -> Result<OpenOperations, Error> {
        let sql = "SELECT ifnull(sum(state = 'pending'), 0), ifnull(sum(state = 'unknown'), 0) FROM operations
            WHERE state IN ('pending', 'unknown') AND (?1 IS NULL OR provider = ?1)";
        let found = self.one(sql, [provider.map(ProviderName::as_str)], |row| {
            Ok(OpenOperations { pending: unsigned(row.get(0)?)?, unknown: unsigned(row.get(1)?)? })
        })?;
        Ok(found.unwrap_or_default())
    }

    fn set_beginning(&mut self, id: &OperationId, component_sha256: &str, settings: &[u8]) -> Result<(), Error> {
        let sql = "UPDATE operations SET component_sha256 = ?, settings = ? WHERE number = ?";
        self.execute(sql, params![component_sha256, settings, number_of(id)]).map(drop)
    }

    fn set_progress(&mut self, id: &OperationId, progress: &Progress) -> Result<(), Error> {
        let Progress { journal, reference, next_at, tries, is_sent, last_try } = progress;
        let (tried_at, tried_message) = last_try.as_ref().map(|tried| (signed(tried.at), &tried.message)).unzip();
        let (call, status) = match last_try.as_ref().and_then(|tried| tried.call) {
            None => (None, None),
            Some(TriedCall::NotSent) => (Some("not-sent"), None),
            Some(TriedCall::NoAnswer) => (Some("no-answer"), None),
            Some(TriedCall::Answered(status)) => (Some("answered"), Some(status)),
        };
        let sql = "UPDATE operations SET journal = ?, reference = ?, next_at = ?, tries = ?, is_sent = ?, tried_at = ?,
            tried_call = ?, tried_status = ?, tried_message = ? WHERE number = ?";
        let next_at = next_at.map(signed);
        self.execute(
            sql,
            params![journal, reference, next_at, tries, is_sent, tried_at, call, status, tried_message, number_of(id)],
        )
        .map(drop)
    }

    fn end_operation(&mut self, id: &OperationId, state: &OperationState, at: u64) -> Result<(), Error> {
        let (mut movement, mut result, mut code, mut message) = (None, None, None, None);
        match state {
            OperationState::Pending => {}
            OperationState::Done { movement: of, result: link } => (movement, result) = (*of, link.as_deref()),
            OperationState::Refused { code: of, message: text } => (code, message) = (Some(of), Some(text)),
            OperationState::Unknown { message: text } => message = Some(text),
        }
        let sql =
            "UPDATE operations SET state = ?, movement = ?, result = ?, code = ?, message = ?, next_at = NULL, ended_at = ?
            WHERE number = ?";
        let movement = movement.map(|movement| signed(movement.0));
        let ended_at = (!state.is_open()).then(|| signed(at));
        self.execute(sql, params![state.name(), movement, result, code, message, ended_at, number_of(id)]).map(drop)
    }

    fn set_operation_decision(&mut self, id: &OperationId, decision: &OperationDecision) -> Result<(), Error> {
        let OperationDecision { operator, comment, at } = decision;
        let sql = "UPDATE operations SET decided_by = ?, decision_comment = ?, decided_at = ? WHERE number = ?";
        self.execute(sql, params![operator, comment, signed(*at), number_of(id)]).map(drop)
    }
}

impl StatusAsks for SqlTransaction<'_> {
    fn insert_order_to_ask(&mut self, order: &OrderId, next_at: u64) -> Result<(), Error> {
        let sql = "INSERT INTO orders_to_ask (order_number, next_at, asked) VALUES (?, ?, 0)";
        self.execute(sql, params![number(order), signed(next_at)]).map(drop)
    }

    fn orders_to_ask(&mut self, now: u64, latest: u64, limit: u32) -> Result<Vec<OrderToAsk>, Error> {
        let sql = format!(
            "SELECT {ORDER}, next_at, asked FROM orders_to_ask CROSS JOIN orders ON number = order_number
            WHERE next_at <= ? OR next_at > ? ORDER BY next_at, order_number LIMIT ?"
        );
        self.many(&sql, params![signed(now), signed(latest), limit], |row| {
            Ok(OrderToAsk { order: order(row)?, next_at: unsigned(row.get(10)?)?, asked: row.get(11)? })
        })
    }

    fn count_ask(&mut self, order: &OrderId, next_at: u64) -> Result<(), Error> {
        let sql = "UPDATE orders_to_ask SET next_at = ?, asked = asked + 1 WHERE order_number = ?";
        self.execute(sql, params![signed(next_at), number(order)]).map(drop)
    }

    fn remove_order_to_ask(&mut self, order: &OrderId) -> Result<(), Error> {
        self.execute("DELETE FROM orders_to_ask WHERE order_number = ?", [number(order)]).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    /// What is looked for with a callback, or often, is found by an index.
    #[test]
    fn operations_but_links_are_found_by_index() {
        let connection = Connection::open_in_memory().unwrap();
        crate::schema::migrate(&connection).unwrap();
        for (condition, index) in [
            ("kind <> 'link' AND kind = 'refund' AND number < ?1 ORDER BY number DESC", "operations_but_links"),
            (
                "(kind <> 'link' OR decided_at IS NOT NULL) AND ifnull(decided_at, created_at) <= ?1
                AND (ifnull(decided_at, created_at), number) < (?1, ?1)
                ORDER BY ifnull(decided_at, created_at) DESC, number DESC",
                "operations_acted",
            ),
        ] {
            let sql = format!("EXPLAIN QUERY PLAN SELECT * FROM operations INDEXED BY {index} WHERE {condition}");
            let mut statement = connection.prepare(&sql).unwrap();
            let plan: Vec<String> = statement.query_map([1], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
            let want = format!("SEARCH operations USING INDEX {index} (");
            assert!(matches!(plan.as_slice(), [step] if step.starts_with(&want)), "{condition}: {plan:?}");
        }
    }

    #[test]
    fn operations_are_found_by_index() {
        let connection = Connection::open_in_memory().unwrap();
        crate::schema::migrate(&connection).unwrap();
        for (condition, index) in [
            ("payment = ?1", "operations_of_payment"),
            ("order_number = ?1", "operations_of_order"),
            ("movement = ?1", "operations_of_movement"),
            ("provider = ?1 AND kind = 'charge' AND movement IS NULL AND state <> 'refused'", "operations_unreported"),
            ("state = 'pending' AND next_at IS NOT NULL AND next_at <= ?1 ORDER BY next_at, number", "operations_due"),
            ("state IN ('pending', 'unknown') AND number > ?1 ORDER BY number", "operations_open"),
        ] {
            let sql = format!("EXPLAIN QUERY PLAN SELECT * FROM operations WHERE {condition}");
            let mut statement = connection.prepare(&sql).unwrap();
            let plan = statement.query_map([1], |row| row.get::<_, String>(3)).unwrap().map(Result::unwrap);
            let plan: Vec<String> = plan.collect();
            let want = format!("SEARCH operations USING INDEX {index} (");
            assert!(matches!(plan.as_slice(), [step] if step.starts_with(&want)), "{condition}: {plan:?}");
        }
    }
}
