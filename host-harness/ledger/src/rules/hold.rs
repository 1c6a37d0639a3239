//! Holds: what is reserved, and what ends it. A hold is named by its dedup key, and ends once: by the first payment or release
//! that names it, or by its time. Its payment or release may arrive before it.

use domain::{DedupKey, Event, EventKind, Facts, MovementId, MovementOrigin, OrderId, ProviderName};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::Error;
use crate::storage::{NewMovement, RecordedMovement, Transaction};

/// The comment of the host's own release.
const EXPIRED: &str = "Истёк срок холда";

/// A hold, and what is recorded about it by its key.
pub struct Hold {
    /// The hold itself; `None` if it did not arrive, or what has its key is no hold.
    pub hold: Option<RecordedMovement>,
    /// The payments and releases that name it, in the order of recording.
    named_by: Vec<RecordedMovement>,
}

impl Hold {
    /// Returns what is recorded about the hold that an event ends; `None` if it names none.
    pub fn of(transaction: &mut dyn Transaction, event: &Event) -> Result<Option<Hold>, Error> {
        let Some(key) = event.facts.ends_hold.as_ref().filter(|_| ends_holds(event.facts.kind)) else { return Ok(None) };
        Hold::of_key(transaction, &event.provider, key).map(Some)
    }

    pub fn of_key(transaction: &mut dyn Transaction, provider: &ProviderName, key: &DedupKey) -> Result<Hold, Error> {
        let hold = transaction.movement_of_key(provider, key)?;
        let hold = hold.filter(|found| found.movement.event.facts.kind == EventKind::Hold);
        Ok(Hold { hold, named_by: transaction.movements_of_hold(provider, key)? })
    }

    /// Returns the hold, if it has not ended.
    pub fn open(&self) -> Option<&RecordedMovement> {
        self.hold.as_ref().filter(|hold| hold.is_open)
    }

    /// Reports whether it was released, and not only ended by its time.
    pub fn is_released(&self) -> bool {
        self.named_by.iter().any(|one| {
            let is_release = one.movement.event.facts.kind == EventKind::HoldRelease;
            // A release that waits for an operator came after the payment.
            is_release && one.movement.origin != MovementOrigin::Expiry && one.unmatched.is_none()
        })
    }

    /// Reports whether a payment ended it.
    pub fn is_paid(&self) -> bool {
        // A payment after the release waits for an operator, and has ended nothing.
        !self.is_released() && self.named_by.iter().any(|one| one.movement.event.facts.kind == EventKind::Payment)
    }

    /// Returns the hold that a payment or release, which is not recorded yet, follows from. A payment that comes after its hold's
    /// time follows from it too.
    pub fn parent_of(&self, kind: EventKind) -> Option<MovementId> {
        let hold = self.hold.as_ref()?;
        let is_late_payment = kind == EventKind::Payment && !self.is_released() && !self.is_paid();
        (hold.is_open || is_late_payment).then_some(hold.movement.id)
    }

    /// Returns the payment or release that ended a hold before the hold arrived.
    pub fn ended_before(&self) -> Option<MovementId> {
        self.named_by.first().map(|one| one.movement.id)
    }
}

/// Reports whether events of a kind end holds.
fn ends_holds(kind: EventKind) -> bool {
    matches!(kind, EventKind::Payment | EventKind::HoldRelease)
}

/// Returns the order that a hold reserves: one of its provider and for its amount.
pub fn reserved_order(transaction: &mut dyn Transaction, event: &Event) -> Result<Option<OrderId>, Error> {
    let Some(id) = &event.facts.order else { return Ok(None) };
    let order = transaction.order(id)?.filter(|order| {
        let is_account = event.facts.account.as_ref().is_none_or(|account| *account == order.account);
        order.provider == event.provider && order.amount == event.facts.amount && is_account
    });
    Ok(order.map(|order| order.id))
}

/// Reports whether the last attempt to pay an order was declined, and whether it was a hold that was released.
pub fn last_attempt(transaction: &mut dyn Transaction, order: &OrderId) -> Result<(bool, bool), Error> {
    let Some(last) = transaction.last_attempt(order)? else { return Ok((false, false)) };
    if last.movement.event.facts.kind == EventKind::Declined {
        return Ok((true, false));
    }
    let ended_by = if last.is_open { Vec::new() } else { transaction.movements_of_parent(last.movement.id)? };
    Ok((false, ended_by.iter().any(|one| one.movement.event.facts.kind == EventKind::HoldRelease)))
}

/// Ends the holds whose time has come, at most so many of them. Returns how many there were.
pub fn end_expired(transaction: &mut dyn Transaction, now: u64, at: u64, limit: u32) -> Result<usize, Error> {
    let expired = transaction.expired_holds(now, limit)?;
    expired.iter().try_for_each(|hold| end_by_time(transaction, hold, at))?;
    Ok(expired.len())
}

/// Records the host's own release of a hold whose time has come.
pub fn end_by_time(transaction: &mut dyn Transaction, hold: &RecordedMovement, at: u64) -> Result<(), Error> {
    let held = &hold.movement.event;
    let ended_at = held.facts.expires_at.and_then(time_text);
    let facts = Facts {
        kind: EventKind::HoldRelease,
        ends_hold: Some(held.dedup_key.clone()),
        expires_at: None,
        occurred_at: ended_at,
        ..held.facts.clone()
    };
    let event = Event {
        provider: held.provider.clone(),
        facts,
        comment: EXPIRED.to_owned(),
        dedup_key: expiry_key(hold.movement.id),
        fee: None,
        extra: Vec::new(),
    };
    transaction.insert_movement(&NewMovement {
        event: &event,
        origin: MovementOrigin::Expiry,
        callback: None,
        entry: None,
        unmatched: None,
        parent: Some(hold.movement.id),
        order: None,
        open_until: None,
        at,
    })?;
    transaction.end_hold(hold.movement.id)
}

/// Returns the dedup key of the host's own release of a hold. No provider has it: a [`DedupKey`] that a provider returns has no
/// space.
fn expiry_key(hold: MovementId) -> DedupKey {
    DedupKey::stored(format!("expiry {hold}"))
}

fn time_text(seconds: u64) -> Option<String> {
    let time = OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()?;
    time.format(&Rfc3339).ok()
}
