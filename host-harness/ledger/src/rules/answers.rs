//! Answers to what a provider asks about orders and movements.

use domain::{
    EventKind, LedgerAnswer, LedgerQuestion, Movement, MovementId, MovementName, MovementState, MovementsPage, MovementsQuery,
    OrderId, OrderState, ProviderName,
};

use crate::error::Error;
use crate::storage::{MovementsRange, RecordedMovement, Transaction};

/// Answers a question of a provider. No hold's time may have come and the hold not be ended.
pub fn answer(
    transaction: &mut dyn Transaction,
    provider: &ProviderName,
    question: &LedgerQuestion,
    now: u64,
) -> Result<LedgerAnswer, Error> {
    Ok(match question {
        LedgerQuestion::Order(id) => LedgerAnswer::Order(order(transaction, provider, id, now)?),
        LedgerQuestion::Movement(name) => LedgerAnswer::Movement(movement(transaction, provider, name)?),
        LedgerQuestion::Movements(query) => LedgerAnswer::Movements(movements(transaction, provider, query)?),
    })
}

fn order(
    transaction: &mut dyn Transaction,
    provider: &ProviderName,
    id: &OrderId,
    now: u64,
) -> Result<Option<OrderState>, Error> {
    let Some(order) = transaction.order(id)?.filter(|order| order.provider == *provider) else { return Ok(None) };
    let (paid_by, held_by) = match order.paid_by {
        Some(seq) => (transaction.movement_of_entry(seq)?, None),
        None => (None, transaction.open_hold(id)?),
    };
    let paid_by = paid_by.map(|movement| state(transaction, movement)).transpose()?;
    let held_by = held_by.map(|movement| state(transaction, movement)).transpose()?;
    let closed_at = order.expires_at.filter(|expires_at| *expires_at <= now);
    Ok(Some(OrderState { order, paid_by, held_by, closed_at }))
}

fn movement(
    transaction: &mut dyn Transaction,
    provider: &ProviderName,
    name: &MovementName,
) -> Result<Option<MovementState>, Error> {
    let found = match name {
        MovementName::Key(key) => transaction.movement_of_key(provider, key)?,
        MovementName::Id(text) => match number(text) {
            Some(id) => transaction.movement(id)?.filter(|found| found.movement.event.provider == *provider),
            None => None,
        },
    };
    found.map(|found| state(transaction, found)).transpose()
}

/// Returns the number that a text is: digits without a leading zero.
fn number(text: &str) -> Option<MovementId> {
    let number: u64 = text.parse().ok()?;
    (number > 0 && number.to_string() == text).then_some(MovementId(number))
}

fn movements(
    transaction: &mut dyn Transaction,
    provider: &ProviderName,
    query: &MovementsQuery,
) -> Result<MovementsPage, Error> {
    let MovementsQuery { since, until, kind, after, limit } = query;
    let after = match after {
        None => None,
        Some(text) => {
            let Some(id) = number(text) else { return Ok(MovementsPage::default()) };
            let Some(time) = transaction.listed_at(provider, id)? else { return Ok(MovementsPage::default()) };
            Some((time, id))
        }
    };
    let limit = (*limit).clamp(1, MovementsQuery::LIMIT_MAX);
    let range = MovementsRange { since: *since, until: *until, kind: *kind, after };
    // One more than is asked for shows whether there are more.
    let mut found = transaction.movements(provider, &range, u32::from(limit) + 1)?;
    let more = found.len() > usize::from(limit);
    found.truncate(usize::from(limit));
    let movements = found.into_iter().map(|movement| state(transaction, movement)).collect::<Result<_, Error>>()?;
    Ok(MovementsPage { movements, more })
}

/// Returns a movement with what followed from it.
pub fn state(transaction: &mut dyn Transaction, movement: RecordedMovement) -> Result<MovementState, Error> {
    let kind = movement.movement.event.facts.kind;
    let mut later = Vec::new();
    if movement.is_followed {
        later = following(transaction, movement.movement.id)?;
    }
    if kind == EventKind::Hold {
        let payments: Vec<MovementId> = ids_of_payments(&later).collect();
        for payment in payments {
            later.extend(following(transaction, payment)?);
        }
        later.sort_by_key(|movement| movement.id);
    }
    Ok(MovementState { movement: movement.movement, later })
}

fn following(transaction: &mut dyn Transaction, parent: MovementId) -> Result<Vec<Movement>, Error> {
    Ok(transaction.movements_of_parent(parent)?.into_iter().map(|found| found.movement).collect())
}

fn ids_of_payments(movements: &[Movement]) -> impl Iterator<Item = MovementId> {
    movements.iter().filter(|movement| movement.event.facts.kind == EventKind::Payment).map(|movement| movement.id)
}
