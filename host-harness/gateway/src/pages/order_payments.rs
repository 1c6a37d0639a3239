//! What came for an order, and what became of it.

use domain::{EntryKind, Money, OrderMoney, Resolution};

/// The payments for an order that did not pay it automatically, and the money that was returned or declined.
#[derive(Default)]
pub struct OrderPayments {
    /// Payments that an operator must decide about.
    pub waits: Vec<Money>,
    /// Payments that an operator entered.
    pub by_operator: Vec<Money>,
    /// Refunds and chargebacks.
    pub back: Vec<Money>,
    /// Chargebacks that were taken back.
    pub again: Vec<Money>,
    /// What is left of the payments that were entered, in minor units of the order's currency.
    pub left: i128,
    /// Whether a payment was declined.
    pub is_declined: bool,
    /// Whether the payment system holds the order's amount.
    pub is_held: bool,
}

impl OrderPayments {
    pub fn of(OrderMoney { entries, unmatched, is_declined, held_by }: OrderMoney) -> OrderPayments {
        let mut came = OrderPayments { is_declined, is_held: held_by.is_some(), ..OrderPayments::default() };
        for entry in &entries {
            match entry.kind {
                EntryKind::Payment => {}
                EntryKind::Refund | EntryKind::Chargeback => came.back.push(entry.amount.negated()),
                EntryKind::ChargebackReversal => came.again.push(entry.amount),
                EntryKind::WriteOff | EntryKind::Correction => continue,
            }
            came.left += i128::from(entry.amount.minor_units);
        }
        for one in unmatched {
            match one.resolution {
                None => came.waits.push(one.event.facts.amount),
                Some(Resolution { seq: Some(_), .. }) => came.by_operator.push(one.event.facts.amount),
                Some(_) => {}
            }
        }
        came
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use domain::{Entry, EntryKind};
    use money::Currency;

    use super::*;

    fn entry(kind: EntryKind, minor_units: i64) -> Entry {
        Entry {
            seq: 1,
            account: "100500".parse().unwrap(),
            kind,
            amount: Money { minor_units, currency: Currency::RUB },
            comment: String::new(),
            order: None,
            transaction: None,
            provider: None,
            movement: None,
            origin: None,
            at: 0,
            date: None,
            decision: None,
            reverses: None,
            extra: Vec::new(),
            writeoff: None,
        }
    }

    /// What went back is subtracted, and what came again is added.
    #[test]
    fn what_is_left_of_a_payment_counts_everything_that_followed() {
        use EntryKind::{Chargeback, ChargebackReversal, Payment, Refund};
        for (entries, back, again, left) in [
            (vec![(Payment, 100)], 0, 0, 100),
            (vec![(Payment, 100), (Refund, -40)], 1, 0, 60),
            (vec![(Payment, 100), (Refund, -40), (Chargeback, -60)], 2, 0, 0),
            (vec![(Payment, 100), (Chargeback, -100), (ChargebackReversal, 100)], 1, 1, 100),
        ] {
            let money = entries.iter().map(|(kind, minor_units)| entry(*kind, *minor_units)).collect();
            let came = OrderPayments::of(OrderMoney { entries: money, ..OrderMoney::default() });
            assert_eq!((came.back.len(), came.again.len(), came.left), (back, again, left), "{entries:?}");
        }
    }
}
