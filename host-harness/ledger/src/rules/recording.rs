//! Recording an event: it is decided once, by its dedup key, and a movement is made of it.

use std::sync::Arc;

use domain::{
    Account, Acknowledged, Event, EventKind, MismatchReason, MovementId, MovementOrigin, OperationId, Outcome, ReviewFilter,
    StoredCallback, WishRefusal,
};

use super::entering::{enter, entry_from_event};
use super::hold::{self, Hold};
use super::payee;
use super::payment::{self, CreditTarget};
use super::returns::{self, Returnable};
use super::{awaited, waiting, wish};
use crate::digest::digest;
use crate::error::Error;
use crate::storage::{NewMovement, RecordedMovement, Transaction};

/// The most contradictions that are stored for an event. If a payment system's signature leaves a field out, anyone who has
/// seen one callback can make others that contradict it.
const CONTRADICTIONS_MAX: usize = 10;

/// Whether an event happened, or is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim {
    Fact,
    Wish,
}

/// Where the events of a submission come from, and what is stored of that.
pub struct Source<'s> {
    origin: MovementOrigin,
    callback: Option<&'s Arc<StoredCallback>>,
    /// The operation that reports them, if one does.
    operation: Option<&'s OperationId>,
    /// The accounts that billing has of those that the events name.
    pub accounts: &'s [Account],
    /// The id of the callback, once it is stored.
    stored: Option<u64>,
    /// The time of the request, by which wishes are decided.
    now: u64,
    /// When the events are recorded.
    at: u64,
}

impl<'s> Source<'s> {
    pub fn new(origin: MovementOrigin, callback: Option<&'s Arc<StoredCallback>>, now: u64, at: u64) -> Source<'s> {
        Source { origin, callback, operation: None, accounts: &[], stored: None, now, at }
    }

    /// Creates the source of what an operation reports.
    pub fn of_operation(operation: &'s OperationId, now: u64, at: u64) -> Source<'s> {
        Source { operation: Some(operation), ..Source::new(MovementOrigin::Operation, None, now, at) }
    }

    /// Stores the callback, unless it is stored already. Nothing is stored of a wish that is refused.
    fn store(&mut self, transaction: &mut dyn Transaction) -> Result<Option<u64>, Error> {
        if let (None, Some(callback)) = (self.stored, self.callback) {
            self.stored = Some(transaction.insert_callback(callback)?);
        }
        Ok(self.stored)
    }
}

/// What an event comes to by the rules.
#[allow(clippy::large_enum_variant, reason = "an event has one, and not for long")]
enum Decision {
    Credit(CreditTarget),
    Return(Returnable),
    Keep(MismatchReason),
    /// It is recorded, and moves no money.
    Record,
}

/// Records an event, or finds what it came to when it first arrived. Returns its movement; `None` if the event is refused.
pub fn record(
    transaction: &mut dyn Transaction,
    event: &Event,
    claim: Claim,
    source: &mut Source<'_>,
) -> Result<(Outcome, Option<MovementId>), Error> {
    if let Some(first) = transaction.movement_of_key(&event.provider, &event.dedup_key)? {
        let outcome = repeated(transaction, event, claim, source, &first)?;
        return Ok((outcome, Some(first.movement.id)));
    }
    if claim == Claim::Wish
        && let Some(refusal) = wish::refusal(transaction, event, source.accounts, source.now)?
    {
        return Ok((Outcome::Refused(refusal), None));
    }
    payee::create(transaction, event, source.accounts)?;
    let hold = Hold::of(transaction, event)?;
    let decision = decide(transaction, event, hold.as_ref(), source.operation)?;
    if claim == Claim::Wish && matches!(decision, Decision::Keep(_)) {
        return Ok((Outcome::Refused(WishRefusal::Forbidden), None));
    }
    let callback = source.store(transaction)?;
    let (outcome, movement) = apply(transaction, event, hold.as_ref(), decision, source)?;
    if callback.is_some() {
        acknowledge_unrecognized(transaction, source)?;
    }
    Ok((outcome, Some(movement)))
}

/// Decides about an event that is known already: what the first report came to, or a contradiction.
fn repeated(
    transaction: &mut dyn Transaction,
    event: &Event,
    claim: Claim,
    source: &mut Source<'_>,
    first: &RecordedMovement,
) -> Result<Outcome, Error> {
    // What an older program stored has no facts to compare.
    if !first.is_complete || !first.movement.event.facts.contradicts(&event.facts) {
        source.store(transaction)?;
        return Ok(outcome_of(first.entry, first.unmatched, true));
    }
    // A terminal repeats a payment with the time of the repetition, and cancels one again under another number.
    if claim == Claim::Wish && !first.movement.event.facts.is_of_other_money(&event.facts) {
        return Ok(Outcome::Contradiction { id: None });
    }
    let callback = source.store(transaction)?;
    // The same contradiction is stored once, however often it arrives.
    let id = first.movement.id;
    let known = transaction.facts_of_contradictions(id)?;
    if known.contains(&event.facts) || known.len() >= CONTRADICTIONS_MAX {
        return Ok(Outcome::Contradiction { id: None });
    }
    let id = transaction.insert_contradiction(id, &event.facts, source.origin, callback)?;
    Ok(Outcome::Contradiction { id: Some(id) })
}

fn decide(
    transaction: &mut dyn Transaction,
    event: &Event,
    hold: Option<&Hold>,
    own: Option<&OperationId>,
) -> Result<Decision, Error> {
    let decided = match event.facts.kind {
        EventKind::Hold | EventKind::Declined => Ok(Decision::Record),
        EventKind::HoldRelease if hold.is_some_and(Hold::is_paid) => Err(MismatchReason::HoldPaid),
        EventKind::HoldRelease => Ok(Decision::Record),
        _ if event.facts.amount.minor_units <= 0 => Err(MismatchReason::AmountNotPositive),
        EventKind::Payment => payment::settle(transaction, event, hold, own)?.map(Decision::Credit),
        EventKind::Refund | EventKind::Chargeback | EventKind::ChargebackReversal => {
            returns::settle(transaction, event, own)?.map(Decision::Return)
        }
    };
    Ok(decided.unwrap_or_else(Decision::Keep))
}

/// Makes what was decided: the entry or the unmatched event, and the movement.
fn apply(
    transaction: &mut dyn Transaction,
    event: &Event,
    hold: Option<&Hold>,
    decision: Decision,
    source: &Source<'_>,
) -> Result<(Outcome, MovementId), Error> {
    let (origin, callback, at) = (source.origin, source.stored, source.at);
    let ended = match decision {
        // It waits because something else ended the hold.
        Decision::Keep(MismatchReason::HoldReleased | MismatchReason::HoldPaid) => None,
        _ => hold.and_then(|hold| hold.parent_of(event.facts.kind)),
    };
    let mut movement =
        NewMovement { event, origin, callback, entry: None, unmatched: None, parent: ended, order: None, open_until: None, at };
    // The transaction and order whose returns may have arrived before.
    let mut awaited = None;
    let mut paid = None;
    match decision {
        Decision::Keep(reason) => movement.unmatched = Some(transaction.insert_unmatched(event, reason, at)?),
        Decision::Credit(CreditTarget { account, order, pays }) => {
            let seq = enter(transaction, &entry_from_event(event, account, order.clone(), at))?;
            if let (true, Some(order)) = (pays, &order) {
                transaction.mark_paid(order, seq)?;
                transaction.remove_order_to_ask(order)?;
                paid = Some(order.clone());
            }
            movement.entry = Some(seq);
            awaited = Some((event.facts.transaction.clone(), order));
        }
        Decision::Return(Returnable { account, order, payment, transaction: of, .. }) => {
            movement.entry = Some(enter(transaction, &entry_from_event(event, account, order.clone(), at))?);
            movement.parent = payment;
            if event.facts.kind == EventKind::Chargeback {
                awaited = Some((of.unwrap_or_else(|| event.facts.transaction.clone()), order));
            }
        }
        Decision::Record => {}
    }
    let outcome = outcome_of(movement.entry, movement.unmatched, false);
    let returned = movement.parent.filter(|_| movement.entry.is_some() && event.facts.kind == EventKind::Refund);
    let id = insert(transaction, movement)?;
    paid.map_or(Ok(()), |order| awaited::end_charge(transaction, &order, source.operation, id, at))?;
    // An operation that reports an event ends with it, by itself.
    if source.operation.is_none() {
        returned.map_or(Ok(()), |payment| awaited::end_refund(transaction, event, payment, id, at))?;
    }
    if let Some(hold) = hold.and_then(Hold::open).filter(|hold| ended == Some(hold.movement.id)) {
        transaction.end_hold(hold.movement.id)?;
    }
    if let Some((payment, order)) = awaited {
        waiting::let_in(transaction, &event.provider, &payment, order.as_ref(), at)?;
    }
    Ok((outcome, id))
}

fn outcome_of(entry: Option<u64>, unmatched: Option<u64>, repeated: bool) -> Outcome {
    match (entry, unmatched) {
        (Some(seq), _) => Outcome::Recorded { seq, repeated },
        (None, Some(id)) => Outcome::Unmatched { id, repeated },
        (None, None) => Outcome::NoMovement { repeated },
    }
}

/// Inserts a movement; a hold with what ended it before, or open.
fn insert(transaction: &mut dyn Transaction, movement: NewMovement<'_>) -> Result<MovementId, Error> {
    let event = movement.event;
    match event.facts.kind {
        EventKind::Hold => insert_hold(transaction, movement),
        EventKind::Declined => {
            let order = event.facts.order.as_ref().map_or(Ok(None), |order| transaction.order(order))?;
            let order = order.filter(|order| order.provider == event.provider).map(|order| order.id);
            transaction.insert_movement(&NewMovement { order, ..movement })
        }
        _ => transaction.insert_movement(&movement),
    }
}

fn insert_hold(transaction: &mut dyn Transaction, movement: NewMovement<'_>) -> Result<MovementId, Error> {
    let event = movement.event;
    let ended_before = Hold::of_key(transaction, &event.provider, &event.dedup_key)?.ended_before();
    let order = hold::reserved_order(transaction, event)?;
    let open_until = match ended_before {
        Some(_) => None,
        None => Some(event.facts.expires_at.unwrap_or(u64::MAX)),
    };
    let id = transaction.insert_movement(&NewMovement { order, open_until, ..movement })?;
    if let Some(ended_by) = ended_before {
        transaction.set_parent(ended_by, id)?;
    }
    Ok(id)
}

/// Acknowledges the callback if it could not be judged when it arrived before: an operator must not credit it again by hand.
/// Mostly none waits, and then this callback needs no digest.
fn acknowledge_unrecognized(transaction: &mut dyn Transaction, source: &Source<'_>) -> Result<(), Error> {
    let Some(callback) = source.callback else { return Ok(()) };
    if transaction.unrecognized(ReviewFilter::WaitingAfter(0), 1)?.is_empty() {
        return Ok(());
    }
    let by = Acknowledged { operator: Acknowledged::BY_THIS_PROGRAM.to_owned(), at: source.at };
    transaction.acknowledge_repeated(&digest(callback), &by)
}
