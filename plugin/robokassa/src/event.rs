//! Events: what Robokassa tells of an invoice, whichever way it tells it.

use kit::contract::{Event, EventKind, Fields, Money};

use crate::payment::Payment;
use crate::settings::{CURRENCY, Settings};

/// What happened to an invoice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Happened {
    /// It was paid.
    Paid,
    /// Its sum is reserved, by two-stage payment.
    Held,
    /// The reservation ended without a payment.
    Released,
    /// The attempt failed.
    Declined,
    /// Robokassa received the sum and gave it back, instead of crediting the shop.
    Returned,
}

/// Builds the event of an invoice. The same fact has the same key, whether a notification or the state of the invoice tells it.
pub fn of_invoice(settings: &Settings, happened: Happened, payment: &Payment, extra: Fields) -> Event {
    let (kind, what) = match happened {
        Happened::Paid => (EventKind::Payment, "payment"),
        Happened::Held => (EventKind::Hold, "hold"),
        Happened::Released => (EventKind::HoldRelease, "hold-release"),
        Happened::Declined => (EventKind::Declined, "declined"),
        Happened::Returned => (EventKind::Refund, "refund"),
    };
    let ends_hold = matches!(happened, Happened::Paid | Happened::Released).then(|| key(settings, "hold", payment.inv_id));
    let amount = Money { minor_units: payment.minor_units, currency: CURRENCY.to_string() };
    Event {
        original: (happened == Happened::Returned).then(|| payment.inv_id.to_owned()),
        ends_hold,
        order: payment.order.map(str::to_owned),
        extra,
        ..kit::event::of(kind, payment.inv_id, amount, key(settings, what, payment.inv_id), &settings.comment)
    }
}

/// Builds the event of a refund by the Refund API, of which `request_id` is Robokassa's own id.
pub fn of_refund(settings: &Settings, payment: &Payment, request_id: &str) -> Event {
    let returned = of_invoice(settings, Happened::Returned, payment, Vec::new());
    Event { transaction: request_id.to_owned(), dedup_key: [returned.dedup_key.as_str(), ":", request_id].concat(), ..returned }
}

/// Invoice numbers are unique within a shop, and a merchant may change the shop.
fn key(settings: &Settings, what: &str, inv_id: &str) -> String {
    [what, ":", &settings.merchant_login, ":", inv_id].concat()
}
