//! A transaction of Payme: a hold, and what followed from it.

use kit::Recorded;
use kit::contract::EventKind;
use kit::exchanges::Movement;

/// The reason of a transaction that its time ended.
const TIMED_OUT: &str = "4";

/// A transaction as the ledger has it.
#[derive(Clone, Copy)]
pub struct Transaction<'c> {
    pub hold: &'c Movement,
    pub payment: Option<&'c Movement>,
    /// The release of the hold, or the refund of the payment.
    pub cancellation: Option<&'c Movement>,
}

/// What has become of a transaction, by Payme's numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Created = 1,
    Performed = 2,
    Cancelled = -1,
    CancelledAfterPerformed = -2,
}

impl<'c> Transaction<'c> {
    /// Reads a hold. `None` if it is none.
    pub fn of(hold: Recorded<'c>) -> Option<Transaction<'c>> {
        let later = |kinds: &[EventKind]| hold.later().find(|movement| kinds.contains(&movement.event.kind));
        let cancellation = later(&[EventKind::Refund]).or_else(|| later(&[EventKind::HoldRelease]));
        let payment = later(&[EventKind::Payment]);
        let hold = hold.movement().filter(|movement| movement.event.kind == EventKind::Hold)?;
        Some(Transaction { hold, payment, cancellation })
    }

    pub fn state(&self) -> State {
        match (self.payment, self.cancellation) {
            (None, None) => State::Created,
            (Some(_), None) => State::Performed,
            (None, Some(_)) => State::Cancelled,
            (Some(_), Some(_)) => State::CancelledAfterPerformed,
        }
    }

    /// Returns the reason of a cancellation, as Payme gave it.
    pub fn reason(&self) -> Option<i64> {
        let cancellation = self.cancellation?;
        let given = cancellation.event.extra.iter().find(|(name, _)| name == "reason");
        given.map_or(TIMED_OUT, |(_, reason)| reason).parse().ok()
    }
}

/// Returns when something was recorded, in Payme's milliseconds. Without it, 0.
pub fn milliseconds(movement: Option<&Movement>) -> i64 {
    movement.map_or(0, |movement| i64::try_from(movement.recorded_at).unwrap_or(i64::MAX / 1_000) * 1_000)
}
