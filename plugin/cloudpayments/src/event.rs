//! Movements as events. A movement has one key, whether a notification, a status or the answer to a refund tells of it.

use kit::contract::{Event, EventKind, Fields, Money};
use kit::order;

use crate::settings::Settings;

/// The details of a movement of money.
#[derive(Default)]
pub struct Details<'k> {
    /// The number of the transaction that moved the money.
    pub transaction: &'k str,
    /// Of a refund: the transaction that was paid back.
    pub original: Option<&'k str>,
    /// The order that is named; it may be none.
    pub invoice: &'k str,
    /// In minor units of the settings' currency.
    pub minor_units: i64,
    /// In minor units, VAT included.
    pub fee: Option<i64>,
    pub occurred_at: Option<String>,
    pub extra: Fields,
}

/// Returns the key of a payment. A transaction is at most one payment, whether one stage or two led to it.
pub fn payment_key(transaction: &str) -> String {
    ["payment:", transaction].concat()
}

/// Returns the key of a hold.
pub fn hold_key(transaction: &str) -> String {
    ["hold:", transaction].concat()
}

/// A payment. It ends the hold of its transaction, if there was one.
pub fn payment(settings: &Settings, details: Details<'_>) -> Event {
    let (key, hold) = (payment_key(details.transaction), hold_key(details.transaction));
    Event { ends_hold: Some(hold), ..event(settings, EventKind::Payment, key, details) }
}

/// A hold.
pub fn hold(settings: &Settings, details: Details<'_>) -> Event {
    event(settings, EventKind::Hold, hold_key(details.transaction), details)
}

/// An attempt in which no money moved.
pub fn declined(settings: &Settings, details: Details<'_>) -> Event {
    event(settings, EventKind::Declined, ["declined:", details.transaction].concat(), details)
}

/// A refund, which is a transaction of its own.
pub fn refund(settings: &Settings, details: Details<'_>) -> Event {
    event(settings, EventKind::Refund, ["refund:", details.transaction].concat(), details)
}

/// A cancelled transaction. Of a hold it is a release, of a payment a refund of all of it.
pub fn cancelled(settings: &Settings, cancelled: Cancelled, details: Details<'_>) -> Event {
    let (transaction, key) = (details.transaction.to_owned(), ["cancel:", details.transaction].concat());
    match cancelled {
        Cancelled::Hold => {
            let hold = Some(hold_key(&transaction));
            Event { ends_hold: hold, ..event(settings, EventKind::HoldRelease, key, details) }
        }
        Cancelled::Payment => Event { original: Some(transaction), ..event(settings, EventKind::Refund, key, details) },
    }
}

/// What a cancelled transaction was before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cancelled {
    Hold,
    Payment,
}

fn event(settings: &Settings, kind: EventKind, dedup_key: String, details: Details<'_>) -> Event {
    let money = |minor_units: i64| Money { minor_units, currency: settings.currency.to_string() };
    Event {
        original: details.original.map(str::to_owned),
        order: order::is_id(details.invoice).then(|| details.invoice.to_owned()),
        fee: details.fee.map(money),
        occurred_at: details.occurred_at,
        extra: details.extra,
        ..kit::event::of(kind, details.transaction, money(details.minor_units), dedup_key, &settings.comment)
    }
}
