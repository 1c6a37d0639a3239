//! What came for an order, and what became of it.

use domain::{EntryKind, Facts, Money, OrderMoney, Resolution, UnmatchedEvent};

/// The payments for an order that did not pay it automatically, and the money that was returned or declined.
#[derive(Default)]
pub struct OrderPayments {
    /// What is left of the payments that an operator must decide about: without what went back of them.
    pub waits: Vec<Money>,
    /// Payments that were not entered, and went back as a whole.
    pub back_unentered: Vec<Money>,
    /// Payments that an operator entered.
    pub by_operator: Vec<Money>,
    /// Refunds and chargebacks.
    pub back: Vec<Money>,
    /// Chargebacks that were taken back.
    pub again: Vec<Money>,
    /// What is left of the payments that were entered, in minor units of the order's currency.
    pub left: i128,
    /// Whether the last attempt to pay was declined.
    pub is_declined: bool,
    /// Whether the last attempt to pay was a hold that ended without a payment.
    pub is_released: bool,
    /// Whether the payment system holds the order's amount.
    pub is_held: bool,
}

impl OrderPayments {
    pub fn of(money: OrderMoney) -> OrderPayments {
        let OrderMoney { entries, unmatched, unmatched_returns, is_declined, is_released, held_by } = money;
        let mut came = OrderPayments { is_declined, is_released, is_held: held_by.is_some(), ..OrderPayments::default() };
        for entry in &entries {
            match entry.kind {
                EntryKind::Payment => {}
                EntryKind::Refund | EntryKind::Chargeback => came.back.push(entry.amount.negated()),
                EntryKind::ChargebackReversal => came.again.push(entry.amount),
                EntryKind::WriteOff | EntryKind::Correction => continue,
            }
            came.left += i128::from(entry.amount.minor_units);
        }
        for one in &unmatched {
            match &one.resolution {
                None => match without_returns(&one.event.facts, &unmatched_returns) {
                    Some(left) => came.waits.push(left),
                    None => came.back_unentered.push(one.event.facts.amount),
                },
                Some(Resolution { seq: Some(_), .. }) => came.by_operator.push(one.event.facts.amount),
                Some(_) => {}
            }
        }
        came
    }
}

/// Returns what is left of a payment that is not entered; `None` if all of it went back.
fn without_returns(payment: &Facts, returns: &[UnmatchedEvent]) -> Option<Money> {
    let is_of = |one: &&UnmatchedEvent| {
        let facts = &one.event.facts;
        let named = facts.original.as_ref().unwrap_or(&facts.transaction);
        *named == payment.transaction && facts.amount.currency == payment.amount.currency
    };
    let back: i128 = returns.iter().filter(is_of).map(|one| i128::from(one.event.facts.amount.minor_units)).sum();
    let left = i64::try_from(i128::from(payment.amount.minor_units) - back).unwrap_or(0);
    (left > 0).then_some(Money { minor_units: left, ..payment.amount })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
pub mod tests {
    use domain::{Entry, EntryKind};
    use money::Currency;

    use super::*;

    pub fn entry(kind: EntryKind, amount: Money) -> Entry {
        Entry {
            seq: 1,
            account: "100500".parse().unwrap(),
            kind,
            amount,
            comment: String::new(),
            order: None,
            transaction: None,
            provider: None,
            movement: None,
            origin: None,
            occurred_at: None,
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
            let roubles = |minor_units| Money { minor_units, currency: Currency::RUB };
            let money = entries.iter().map(|(kind, minor_units)| entry(*kind, roubles(*minor_units))).collect();
            let came = OrderPayments::of(OrderMoney { entries: money, ..OrderMoney::default() });
            assert_eq!((came.back.len(), came.again.len(), came.left), (back, again, left), "{entries:?}");
        }
    }
}
