//! How much was paid back of a payment that the host does not know yet.
//!
//! T-Bank gives a refund no id. So a refund is known by the sum that was paid back with it, and its amount is that sum less what is
//! recorded. The sum is certain where all was paid back, and where this host asked for the refund; of a part that was paid back
//! otherwise, no document says what T-Bank names, so that a person looks. A later refund from here tells it: what Cancel found paid
//! back and nobody told lies between two sums that are certain.

use kit::contract::{Event, EventKind};
use kit::problem::{Bilingual, both, filled};
use kit::{Context, Stop};
use money::format_amount;

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

    /// Returns how much was paid back by what is recorded: with what a refund from here found paid back before it, whether or not
    /// that is recorded.
    pub fn refunded(&self) -> i64 {
        let sum = self.refunds.iter().fold(0, |sum: i64, event| sum.saturating_add(event.amount.minor_units));
        self.placed().fold(sum, |sum, (total, _)| sum.max(total))
    }

    /// Returns the refunds that are not recorded, though a later one from here found them: those between the sums that the recorded
    /// ones name. A refund that an operator entered names no sum, and may be any of them.
    ///
    /// # Errors
    /// Why a person must look, as a sentence.
    fn missing(&self, settings: &Settings, subject: &Subject<'_>) -> Result<Vec<Event>, Bilingual> {
        let (mut events, mut missing, mut entered) = (Vec::new(), 0_i64, 0_i64);
        let mut before = 0;
        // The one with the next sum, and then the next: a payment has few refunds.
        while let Some((total, amount)) = self.placed().filter(|(total, _)| *total > before).min() {
            let found = total.saturating_sub(amount);
            if found > before {
                events.push(subject.refunded(settings, found - before, found));
                missing = missing.saturating_add(found - before);
            } else if found < before {
                return Err(both(["Записанные возвраты не складываются.", "Refunds are recorded that overlap."]));
            }
            before = total;
        }
        for event in self.refunds.iter().filter(|event| total_of_key(event).is_none()) {
            entered = entered.saturating_add(event.amount.minor_units);
        }
        if entered == 0 {
            Ok(events)
        } else if entered >= missing {
            Ok(Vec::new())
        } else {
            let [missing, entered] = [missing, entered].map(roubles);
            Err(filled(
                [
                    "В кабинете возвращено {0}, а внесено сотрудником {1}.",
                    "{0} were paid back elsewhere, of which {1} are entered by an operator.",
                ],
                &[&missing, &entered],
            ))
        }
    }

    /// Returns the refunds whose keys name a sum, as the sum and the amount.
    fn placed(&self) -> impl Iterator<Item = (i64, i64)> {
        self.refunds.iter().filter_map(|event| Some((total_of_key(event)?, event.amount.minor_units)))
    }

    /// Returns the events that bring what is recorded up to a payment's state, or the last one that did; and why a person must look,
    /// as a sentence, if they do not.
    pub fn events(&self, settings: &Settings, state: &State) -> (Vec<Event>, Option<Bilingual>) {
        let subject = state.subject();
        let mut events = match self.missing(settings, &subject) {
            Ok(missing) => missing,
            Err(why) => return (Vec::new(), Some(why)),
        };
        match self.last(settings, state) {
            Ok(last) => {
                events.push(last);
                (events, None)
            }
            Err(why) => (events, Some(why)),
        }
    }

    /// Returns the event of the last refund by a payment's state, when what is missing is recorded.
    fn last(&self, settings: &Settings, state: &State) -> Result<Event, Bilingual> {
        let (subject, recorded) = (state.subject(), self.refunded());
        let known = |total: i64| {
            let key = subject.refund_key(total);
            self.refunds.iter().find(|event| event.dedup_key == key).map(|event| (*event).clone())
        };
        match PaidBack::of(self.paid, state)? {
            PaidBack::Exactly(total) => match known(total) {
                Some(event) if recorded == total => Ok(event),
                None if recorded < total => Ok(subject.refunded(settings, total - recorded, total)),
                _ => {
                    let [total, recorded] = [total, recorded].map(roubles);
                    Err(filled(
                        [
                            "У Т-Банка возвращено {0}, а записано {1}.",
                            "T-Bank says that {0} were paid back, and {1} are recorded.",
                        ],
                        &[&total, &recorded],
                    ))
                }
            },
            PaidBack::Part { amount } => match known(recorded).filter(|_| can_be_part(self.paid, amount, recorded)) {
                Some(event) => Ok(event),
                None => {
                    let [recorded, paid, named] = [recorded, self.paid, amount].map(roubles);
                    Err(filled(
                        [
                            "Из {0} записано возвращённым {1}. Т-Банк называет {2}: это или остаток, или возвращённое.",
                            "{1} of {0} are recorded as paid back. T-Bank names {2}, which is what is left or what was paid back.",
                        ],
                        &[&paid, &recorded, &named],
                    ))
                }
            },
        }
    }
}

/// Returns the sum that was paid back with a recorded refund. None: an operator entered it, and its key names no sum.
fn total_of_key(refund: &Event) -> Option<i64> {
    let of_payment = refund.dedup_key.strip_prefix("refund:")?;
    of_payment.split_once(':')?.1.parse().ok()
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
    pub fn of(paid: i64, state: &State) -> Result<PaidBack, Bilingual> {
        let sentence = |texts: [&str; 2]| Err(both(texts));
        match state.status {
            Status::Confirmed => sentence(["У Т-Банка ничего не возвращено.", "T-Bank says that nothing was paid back."]),
            Status::Refunded => Ok(PaidBack::Exactly(paid)),
            Status::PartialRefunded if (1..paid).contains(&state.amount) => Ok(PaidBack::Part { amount: state.amount }),
            Status::PartialRefunded => {
                let [paid, named] = [paid, state.amount].map(roubles);
                Err(filled(
                    [
                        "Т-Банк вернул часть от {0} и называет {1}.",
                        "T-Bank says that a part of {0} was paid back, and names {1}.",
                    ],
                    &[&paid, &named],
                ))
            }
            _ => sentence([
                "У Т-Банка этот платёж не поступил.",
                "T-Bank's status of the payment is not that of one that came in.",
            ]),
        }
    }

    /// Reports whether so many kopecks of a payment can have been paid back.
    pub fn can_be(self, paid: i64, total: i64) -> bool {
        match self {
            PaidBack::Exactly(exactly) => exactly == total,
            PaidBack::Part { amount } => can_be_part(paid, amount, total),
        }
    }
}

/// Reports whether T-Bank can mean a part of so many kopecks.
fn can_be_part(paid: i64, amount: i64, total: i64) -> bool {
    total == amount || total == paid - amount
}

fn roubles(kopecks: i64) -> String {
    [&format_amount(kopecks), " ₽"].concat()
}

/// What a payment that was paid back tells.
pub struct Told {
    /// The payment if it is not recorded, and the refunds of which it is certain how much they are.
    pub events: Vec<Event>,
    /// Why a person must look, as a sentence.
    pub unclear: Option<Bilingual>,
}

/// Returns what is told of a payment that was paid back.
///
/// # Errors
/// The question that must be answered first.
pub fn told(settings: &Settings, state: &State, context: &Context) -> Result<Told, Stop> {
    let subject = state.subject();
    let unknown = |why: [&str; 2]| Told { events: Vec::new(), unclear: Some(both(why)) };
    Ok(match context.movement(&subject.payment_key())? {
        Some(recorded) => {
            let payment = recorded.movement().map(|movement| &movement.event);
            let payment = payment.and_then(|event| RecordedPayment::of(event, recorded.later().map(|later| &later.event)));
            match payment.map(|payment| payment.events(settings, state)) {
                Some((events, unclear)) => Told { events, unclear },
                None => unknown(["Под его номером записан не платёж.", "What is recorded of it is no payment."]),
            }
        }
        // It had come in, with the amount of its order.
        None => match context.order(subject.order)?.filter(|order| CURRENCY.is(&order.amount.currency)) {
            Some(order) => {
                let paid = order.amount.minor_units;
                let (refunds, unclear) = RecordedPayment { paid, refunds: Vec::new() }.events(settings, state);
                let events = [vec![subject.paid(settings, paid)], refunds].concat();
                Told { events, unclear }
            }
            None => unknown([
                "Нет ни записи о платеже, ни заказа с таким номером.",
                "Neither the payment is recorded nor an order of this id.",
            ]),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;

    fn state(status: Status, amount: i64) -> State {
        State { payment: "13660".into(), order: "42".into(), status, amount, is_card: true }
    }

    /// The refund of a payment of 100.00, as amount and key; or what the person reads begins so.
    fn refund(recorded: &[(i64, i64)], status: Status, amount: i64) -> Result<(i64, String), Bilingual> {
        let (mut events, unclear) = refunds(recorded, status, amount);
        assert!(events.len() < 2, "{events:?}");
        events.pop().filter(|_| unclear.is_none()).ok_or_else(|| unclear.unwrap())
    }

    /// All refunds of a payment of 100.00, as amounts and keys, and what a person reads. A refund that is recorded with no sum is an
    /// operator's.
    fn refunds(recorded: &[(i64, i64)], status: Status, amount: i64) -> (Vec<(i64, String)>, Option<Bilingual>) {
        let (settings, state) = (settings(&[]), state(status, amount));
        let subject = state.subject();
        let recorded = recorded.iter().map(|(amount, total)| match total {
            0 => Event { dedup_key: "operation r-1".into(), ..subject.refunded(&settings, *amount, 0) },
            total => subject.refunded(&settings, *amount, *total),
        });
        let events: Vec<Event> = recorded.collect();
        let payment = subject.paid(&settings, 10_000);
        let (told, unclear) = RecordedPayment::of(&payment, events.iter()).unwrap().events(&settings, &state);
        (told.into_iter().map(|event| (event.amount.minor_units, event.dedup_key)).collect(), unclear)
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
    fn a_refund_from_here_tells_what_was_paid_back_before_it() {
        use Status::{PartialRefunded, Refunded};
        for (recorded, status, named, want) in [
            // 30.00 were paid back elsewhere before 20.00 were from here.
            (&[(2_000, 5_000)][..], PartialRefunded, 5_000, &[(3_000, 3_000), (2_000, 5_000)][..]),
            (&[(3_000, 3_000), (5_000, 10_000)], Refunded, 0, &[(2_000, 5_000), (5_000, 10_000)]),
            (&[(1_000, 3_000), (1_000, 5_000)], PartialRefunded, 5_000, &[(2_000, 2_000), (1_000, 4_000), (1_000, 5_000)]),
            (&[(2_000, 5_000)], Refunded, 0, &[(3_000, 3_000), (5_000, 10_000)]),
            // An operator entered it, whose refund names no sum.
            (&[(3_000, 0), (2_000, 5_000)], PartialRefunded, 5_000, &[(2_000, 5_000)]),
            (&[(1_000, 0), (2_000, 0), (2_000, 5_000)], PartialRefunded, 5_000, &[(2_000, 5_000)]),
        ] {
            let want = want.iter().map(|(amount, total)| (*amount, format!("refund:13660:{total}"))).collect();
            assert_eq!(refunds(recorded, status, named), (want, None), "{recorded:?} {status:?} {named}");
        }
        // What was paid back before is certain, though the state does not fit: something was paid back after it.
        let (told, unclear) = refunds(&[(2_000, 5_000)], PartialRefunded, 3_500);
        assert_eq!((told, unclear.is_some()), (vec![(3_000, "refund:13660:3000".to_owned())], true));
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
            // Two that cannot both be.
            (&[(3_000, 3_000), (3_000, 5_000)], PartialRefunded, 5_000),
            // An operator entered less than what a refund from here found.
            (&[(1_000, 0), (2_000, 5_000)], PartialRefunded, 5_000),
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
