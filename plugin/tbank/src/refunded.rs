//! How much was paid back of a payment that the host does not know yet.
//!
//! T-Bank gives a refund no id. So a refund is known by the sum that was paid back with it, and its amount is that sum less what is
//! recorded. The sum is certain where all was paid back, and where this host asked for the refund; of a part that was paid back
//! otherwise, no document says what T-Bank names, so that a person looks.

use std::fmt;

use kit::contract::{Event, EventKind};
use kit::{Context, Stop};

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
        let (subject, recorded) = (state.subject(), self.refunded());
        let known = |total: i64| {
            let key = subject.refund_key(total);
            self.refunds.iter().find(|event| event.dedup_key == key).map(|event| (*event).clone())
        };
        match PaidBack::of(self.paid, state)? {
            PaidBack::Exactly(total) => match known(total) {
                Some(event) if recorded == total => Ok(event),
                None if recorded < total => Ok(subject.refunded(settings, total - recorded, total)),
                _ => Err(format!("T-Bank says that {total} kopecks were paid back, and {recorded} are recorded.")),
            },
            part => match known(recorded).filter(|_| part.can_be(self.paid, recorded)) {
                Some(event) => Ok(event),
                None => Err(format!("{recorded} kopecks of {} are recorded as paid back. {part}", self.paid)),
            },
        }
    }
}

/// How much was paid back of a payment by its state, in kopecks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PaidBack {
    /// So much.
    Exactly(i64),
    /// A part. No document says whether `Amount` of the state is what is left of the payment or what was paid back.
    Part {
        /// `Amount`.
        amount: i64,
    },
}

impl PaidBack {
    /// Reads the state of a payment of so many kopecks.
    ///
    /// # Errors
    /// Why a person must look, as a sentence.
    pub fn of(paid: i64, state: &State) -> Result<PaidBack, String> {
        match state.status {
            Status::Confirmed => Err("T-Bank says that nothing was paid back.".to_owned()),
            Status::Refunded => Ok(PaidBack::Exactly(paid)),
            Status::PartialRefunded if (1..paid).contains(&state.amount) => Ok(PaidBack::Part { amount: state.amount }),
            Status::PartialRefunded => {
                Err(format!("T-Bank says that a part of {paid} kopecks was paid back, and names {} kopecks.", state.amount))
            }
            _ => Err("T-Bank's status of the payment is not that of one that came in.".to_owned()),
        }
    }

    /// Reports whether so many kopecks of a payment can have been paid back.
    pub fn can_be(self, paid: i64, total: i64) -> bool {
        match self {
            PaidBack::Exactly(exactly) => exactly == total,
            PaidBack::Part { amount } => total == amount || total == paid - amount,
        }
    }
}

impl fmt::Display for PaidBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PaidBack::Exactly(total) => write!(f, "T-Bank says that {total} kopecks were paid back."),
            PaidBack::Part { amount } => write!(
                f,
                "T-Bank says that a part was paid back and names {amount} kopecks, which can be what is left or what was paid back."
            ),
        }
    }
}

/// What a payment that was paid back tells.
pub struct Told {
    /// The payment if it is not recorded, and the refund if it is certain how much it is.
    pub events: Vec<Event>,
    /// Why a person must look, as a sentence.
    pub unclear: Option<String>,
}

/// Returns what is told of a payment that was paid back.
///
/// # Errors
/// The question that must be answered first.
pub fn told(settings: &Settings, state: &State, context: &Context) -> Result<Told, Stop> {
    let subject = state.subject();
    let (mut events, refund) = match context.movement(&subject.payment_key())? {
        Some(recorded) => {
            let payment = recorded.movement().map(|movement| &movement.event);
            let payment = payment.and_then(|event| RecordedPayment::of(event, recorded.later().map(|later| &later.event)));
            let payment = payment.ok_or_else(|| "What is recorded of it is no payment.".to_owned());
            (Vec::new(), payment.and_then(|payment| payment.event(settings, state)))
        }
        // It had come in, with the amount of its order.
        None => match context.order(subject.order)?.filter(|order| CURRENCY.is(&order.amount.currency)) {
            Some(order) => {
                let payment = subject.paid(settings, order.amount.minor_units);
                let refund = RecordedPayment { paid: order.amount.minor_units, refunds: Vec::new() }.event(settings, state);
                (vec![payment], refund)
            }
            None => (Vec::new(), Err("Neither the payment is recorded nor an order of this id.".to_owned())),
        },
    };
    let unclear = refund.map(|refund| events.push(refund)).err();
    Ok(Told { events, unclear })
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
        for (recorded, status, named, amount, total) in [
            // What is recorded was asked for here, whichever of the two T-Bank names.
            (&[(3_000, 3_000)][..], PartialRefunded, 7_000, 3_000, 3_000),
            (&[(3_000, 3_000)], PartialRefunded, 3_000, 3_000, 3_000),
            (&[(3_000, 3_000), (2_000, 5_000)], PartialRefunded, 5_000, 2_000, 5_000),
            (&[(3_000, 3_000), (1_000, 4_000)], PartialRefunded, 6_000, 1_000, 4_000),
            (&[(3_000, 3_000)], Refunded, 10_000, 7_000, 10_000),
            (&[(3_000, 3_000)], Refunded, 0, 7_000, 10_000),
            (&[(3_000, 3_000), (7_000, 10_000)], Refunded, 0, 7_000, 10_000),
            // The notification of a first refund was lost: both are one movement.
            (&[], Refunded, 10_000, 10_000, 10_000),
        ] {
            let want = (amount, format!("refund:13660:{total}"));
            assert_eq!(refund(recorded, status, named), Ok(want), "{recorded:?} {status:?} {named}");
        }
    }

    #[test]
    fn a_person_looks_where_sums_do_not_agree() {
        use Status::{Confirmed, PartialRefunded, Refunded};
        for (recorded, status, named) in [
            // A part that was paid back elsewhere: 30.00 or 70.00, and no document says which.
            (&[][..], PartialRefunded, 7_000),
            (&[], PartialRefunded, 3_000),
            (&[], PartialRefunded, 5_000),
            (&[(3_000, 3_000)], PartialRefunded, 5_000),
            // The whole, or more, or nothing.
            (&[], PartialRefunded, 10_000),
            (&[], PartialRefunded, 12_000),
            (&[], PartialRefunded, 0),
            // More is recorded than T-Bank says.
            (&[(3_000, 3_000)], PartialRefunded, 8_000),
            (&[(9_000, 9_000), (2_000, 11_000)], Refunded, 0),
            // A refund of this total is recorded, and one before it is not.
            (&[(2_000, 5_000)], PartialRefunded, 5_000),
            (&[], Confirmed, 10_000),
            (&[], Status::Authorized, 10_000),
        ] {
            assert!(refund(recorded, status, named).is_err(), "{recorded:?} {status:?} {named}");
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
