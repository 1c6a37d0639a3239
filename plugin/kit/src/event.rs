//! Events, as every provider makes them.

use crate::contract::{Event, EventKind, Fields, Money, Recurrence};

/// Returns an event that says what moved and nothing else; a provider adds what its payment system tells. `comment` is that of a
/// payment, by the settings.
// Inlined, so that what a provider replaces is not made first.
#[inline(always)]
pub fn of(kind: EventKind, transaction: &str, amount: Money, dedup_key: String, comment_of_payment: &str) -> Event {
    Event {
        kind,
        recurrence: Recurrence::Single,
        transaction: transaction.to_owned(),
        original: None,
        ends_hold: None,
        expires_at: None,
        order: None,
        account: None,
        payer: None,
        amount,
        fee: None,
        occurred_at: None,
        comment: comment(kind, comment_of_payment).to_owned(),
        dedup_key,
        extra: Fields::new(),
    }
}

/// Returns the comment shown in the statistics: the one of the settings for a payment, a fixed text for what takes money back.
fn comment(kind: EventKind, of_payment: &str) -> &str {
    match kind {
        EventKind::Refund => "Возврат платежа",
        EventKind::Chargeback => "Оспорен банком (чарджбэк)",
        _ => of_payment,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_money_back_has_not_the_comment_of_a_payment() {
        for (kind, want) in [
            (EventKind::Payment, "Пополнение"),
            (EventKind::Hold, "Пополнение"),
            (EventKind::Declined, "Пополнение"),
            (EventKind::Refund, "Возврат платежа"),
            (EventKind::Chargeback, "Оспорен банком (чарджбэк)"),
        ] {
            let amount = Money { minor_units: 1, currency: "RUB".to_owned() };
            assert_eq!(of(kind, "7", amount, "key:7".to_owned(), "Пополнение").comment, want, "{kind:?}");
        }
    }
}
