//! How much was paid back of a payment that the host does not know yet.
//!
//! T-Bank gives a refund no id, and says what is left of the payment. So a refund is known by the sum that was paid back with it, and
//! its amount is what T-Bank says less what is recorded.

use kit::contract::{Event, EventKind};
use kit::{Context, Stop};

use crate::event::Subject;
use crate::settings::{CURRENCY, Settings};
use crate::state::{State, Status};

/// What is recorded of a payment.
pub struct RecordedPayment<'c> {
    /// What came in, in kopecks.
    pub paid: i64,
    /// The refunds that are recorded.
    pub refunds: Vec<&'c Event>,
}

impl<'c> RecordedPayment<'c> {
    /// Reads a payment and what followed from it. None: it is no payment in roubles.
    pub fn of(payment: &Event, later: impl Iterator<Item = &'c Event>) -> Option<RecordedPayment<'c>> {
        let is_payment = payment.kind == EventKind::Payment && payment.amount.currency == CURRENCY.as_str();
        let refunds = later.filter(|event| event.kind == EventKind::Refund).collect();
        is_payment.then_some(RecordedPayment { paid: payment.amount.minor_units, refunds })
    }

    /// Returns how much of the refunds is recorded.
    pub fn refunded(&self) -> i64 {
        self.refunds.iter().fold(0, |sum, event| sum.saturating_add(event.amount.minor_units))
    }

    /// Returns the event that brings what is recorded up to a payment's state, or the one that did.
    ///
    /// # Errors
    /// Why a person must look, as a sentence.
    pub fn event(&self, settings: &Settings, state: &State) -> Result<Event, String> {
        let (total, recorded) = (total(self.paid, state)?, self.refunded());
        let subject = state.subject();
        let key = subject.refund_key(total);
        match self.refunds.iter().find(|event| event.dedup_key == key) {
            Some(event) if recorded == total => return Ok((*event).clone()),
            None if recorded < total => {}
            _ => return Err(format!("T-Bank says that {total} kopecks were paid back, and {recorded} are recorded.")),
        }
        if state.status == Status::PartialRefunded && recorded > 0 && state.amount == recorded {
            // It would fit as well if T-Bank named what was paid back in place of what is left.
            return Err(format!("T-Bank names {recorded} kopecks, which can be what is left and what was paid back."));
        }
        Ok(subject.refunded(settings, total - recorded, total))
    }
}

/// Returns how much was paid back by a state, of a payment of so many kopecks.
///
/// # Errors
/// Why that is not known, as a sentence.
pub fn total(paid: i64, state: &State) -> Result<i64, String> {
    match state.status {
        Status::Refunded => Ok(paid),
        Status::PartialRefunded if (1..paid).contains(&state.amount) => Ok(paid - state.amount),
        Status::PartialRefunded => {
            Err(format!("T-Bank says that a part of {paid} kopecks was paid back, and that {} are left.", state.amount))
        }
        _ => Err("T-Bank says that nothing was paid back.".to_owned()),
    }
}

/// Returns the events of a payment that was paid back: the refund, and before it the payment if it is not recorded.
///
/// # Errors
/// The question that must be answered first.
pub fn events(settings: &Settings, state: &State, context: &Context) -> Result<Result<Vec<Event>, String>, Stop> {
    let subject = state.subject();
    if let Some(recorded) = context.movement(&subject.payment_key())? {
        let payment = recorded.movement().map(|movement| &movement.event);
        let recorded_payment =
            payment.and_then(|payment| RecordedPayment::of(payment, recorded.later().map(|later| &later.event)));
        let event = recorded_payment.ok_or_else(|| "What is recorded of it is no payment.".to_owned());
        return Ok(event.and_then(|payment| payment.event(settings, state)).map(|event| vec![event]));
    }
    with_payment(settings, &subject, state, context)
}

/// A payment that was paid back had come in, with the amount of its order.
fn with_payment(
    settings: &Settings,
    subject: &Subject<'_>,
    state: &State,
    context: &Context,
) -> Result<Result<Vec<Event>, String>, Stop> {
    let order = context.order(subject.order)?.filter(|order| order.amount.currency == CURRENCY.as_str());
    let Some(paid) = order.map(|order| order.amount.minor_units) else {
        return Ok(Err("Neither the payment is recorded nor an order of this id.".to_owned()));
    };
    Ok(total(paid, state).map(|total| vec![subject.paid(settings, paid), subject.refunded(settings, total, total)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;

    fn state(status: Status, amount: i64) -> State {
        State { payment: "13660".into(), order: "42".into(), status, amount, is_card: true }
    }

    /// The refund of a payment of 100.00, as amount and key; or what the person reads begins so.
    fn refund(recorded: &[(i64, i64)], status: Status, amount: i64) -> Result<(i64, String), String> {
        let (settings, state) = (settings(&[]), state(status, amount));
        let subject = state.subject();
        let events: Vec<Event> = recorded.iter().map(|(amount, total)| subject.refunded(&settings, *amount, *total)).collect();
        let payment = subject.paid(&settings, 10_000);
        let recorded_payment = RecordedPayment::of(&payment, events.iter()).unwrap();
        recorded_payment.event(&settings, &state).map(|event| (event.amount.minor_units, event.dedup_key))
    }

    #[test]
    fn each_refund_is_told_once() {
        use Status::{PartialRefunded, Refunded};
        for (recorded, status, left, amount, total) in [
            (&[][..], PartialRefunded, 7_000, 3_000, 3_000),
            (&[(3_000, 3_000)], PartialRefunded, 7_000, 3_000, 3_000),
            (&[(3_000, 3_000)], PartialRefunded, 5_000, 2_000, 5_000),
            (&[(3_000, 3_000), (2_000, 5_000)], PartialRefunded, 5_000, 2_000, 5_000),
            (&[(3_000, 3_000)], Refunded, 10_000, 7_000, 10_000),
            (&[(3_000, 3_000)], Refunded, 0, 7_000, 10_000),
            (&[(3_000, 3_000), (7_000, 10_000)], Refunded, 0, 7_000, 10_000),
            // The notification of the first refund was lost: both are one movement.
            (&[], PartialRefunded, 5_000, 5_000, 5_000),
            (&[], Refunded, 10_000, 10_000, 10_000),
        ] {
            let want = (amount, format!("refund:13660:{total}"));
            assert_eq!(refund(recorded, status, left), Ok(want), "{recorded:?} {status:?} {left}");
        }
    }

    #[test]
    fn a_person_looks_where_sums_do_not_agree() {
        use Status::{Confirmed, PartialRefunded, Refunded};
        for (recorded, status, left) in [
            // The whole, or more, is left.
            (&[][..], PartialRefunded, 10_000),
            (&[], PartialRefunded, 12_000),
            (&[], PartialRefunded, 0),
            // More is recorded than T-Bank says.
            (&[(3_000, 3_000)], PartialRefunded, 8_000),
            (&[(9_000, 9_000), (2_000, 11_000)], Refunded, 0),
            // A refund of this total is recorded, and one before it is not.
            (&[(2_000, 5_000)], PartialRefunded, 5_000),
            // What T-Bank names may be what was paid back.
            (&[(3_000, 3_000)], PartialRefunded, 3_000),
            (&[], Confirmed, 10_000),
        ] {
            assert!(refund(recorded, status, left).is_err(), "{recorded:?} {status:?} {left}");
        }
    }

    #[test]
    fn what_is_no_payment_has_no_refunds() {
        let (settings, state) = (settings(&[]), state(Status::Refunded, 0));
        assert!(RecordedPayment::of(&state.subject().held(&settings, 10_000), [].iter()).is_none());
        let mut payment = state.subject().paid(&settings, 10_000);
        payment.amount.currency = "USD".into();
        assert!(RecordedPayment::of(&payment, [].iter()).is_none());
    }
}
