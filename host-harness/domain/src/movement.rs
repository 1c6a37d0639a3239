//! Movements: events as the ledger recorded them, each with a number of its own.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::names::names;

/// The ledger's number of a movement: positive, of at most 18 decimal digits. It is never given twice, and every repetition of
/// the event gets the same one. It is odd, and the number of an order is even, so that the one is never taken for the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct MovementId(pub u64);

impl fmt::Display for MovementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An event that the ledger recorded, whether or not it moved money.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Movement {
    /// Its number.
    pub id: MovementId,
    /// The event, as it was first reported.
    pub event: Event,
    /// When it was recorded, seconds since the epoch.
    pub recorded_at: u64,
    /// How the host learnt of it.
    pub origin: MovementOrigin,
}

/// How the host learnt of a movement.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum MovementOrigin {
    /// A callback reported it.
    Callback,
    /// The payment system answered so when it was asked for a status.
    Status,
    /// An operation of the merchant, such as a refund, had it as its result.
    Operation,
    /// The host itself ended a hold, because the hold's time was over.
    Expiry,
}

names!(MovementOrigin { Callback "callback", Status "status", Operation "operation", Expiry "expiry", });

/// A movement, and what followed from it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MovementState {
    /// The movement.
    pub movement: Movement,
    /// What followed from it, in the order of recording. After a hold: the payment or release that ended it, and what followed
    /// from that payment. After a payment: the refunds, chargebacks and reversals of it that are entered.
    pub later: Vec<Movement>,
}
