//! Events: what happened to a payment's money. A notification, a status and an answer to a refund tell them alike.

use kit::contract::{Event, EventKind, Money};
use kit::event;

use crate::settings::{CURRENCY, Settings};

/// The payment that an event is about, by T-Bank's id and the merchant's order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subject<'s> {
    /// `PaymentId`.
    pub payment: &'s str,
    /// `OrderId`.
    pub order: &'s str,
}

impl Subject<'_> {
    /// Returns the dedup key of the payment.
    pub fn payment_key(&self) -> String {
        format!("payment:{}", self.payment)
    }

    /// Returns the dedup key of the refund after which so many kopecks were paid back. T-Bank has no id of a refund.
    pub fn refund_key(&self, refunded: i64) -> String {
        format!("refund:{}:{refunded}", self.payment)
    }

    fn hold_key(&self) -> String {
        format!("hold:{}", self.payment)
    }

    /// The money came in.
    pub fn paid(&self, settings: &Settings, amount: i64) -> Event {
        Event { ends_hold: Some(self.hold_key()), ..self.event(settings, EventKind::Payment, self.payment_key(), amount) }
    }

    /// The money is reserved.
    pub fn held(&self, settings: &Settings, amount: i64) -> Event {
        self.event(settings, EventKind::Hold, self.hold_key(), amount)
    }

    /// The reserve is released. No document says which amount T-Bank then names.
    pub fn released(&self, settings: &Settings) -> Event {
        let key = format!("hold-release:{}", self.payment);
        Event { ends_hold: Some(self.hold_key()), ..self.event(settings, EventKind::HoldRelease, key, 0) }
    }

    /// The bank declined; the payer may try again.
    pub fn declined(&self, settings: &Settings, amount: i64) -> Event {
        self.event(settings, EventKind::Declined, format!("declined:{}", self.payment), amount)
    }

    /// So much was paid back; all refunds of the payment together are then `refunded`.
    pub fn refunded(&self, settings: &Settings, amount: i64, refunded: i64) -> Event {
        let original = Some(self.payment.to_owned());
        Event { original, ..self.event(settings, EventKind::Refund, self.refund_key(refunded), amount) }
    }

    fn event(&self, settings: &Settings, kind: EventKind, dedup_key: String, minor_units: i64) -> Event {
        let amount = Money { minor_units, currency: CURRENCY.to_string() };
        Event { order: Some(self.order.to_owned()), ..event::of(kind, self.payment, amount, dedup_key, &settings.comment) }
    }
}
