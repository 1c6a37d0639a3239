//! What a provider proved, as the ledger takes it.

use ledger::{Event, EventKind, Money, Recurrence};
use money::Currency;
use sandbox::records as provider;

/// An amount; the sandbox has checked the currency's form.
pub fn money(amount: &provider::Money) -> Option<Money> {
    Some(Money { minor_units: amount.minor_units, currency: Currency::parse(&amount.currency)? })
}

/// An event of the provider that the host calls so.
pub fn event(name: &str, event: provider::Event) -> Option<Event> {
    Some(Event {
        amount: money(&event.amount)?,
        provider: name.to_owned(),
        kind: match event.kind {
            provider::EventKind::Payment => EventKind::Payment,
            provider::EventKind::Refund => EventKind::Refund,
            provider::EventKind::Chargeback => EventKind::Chargeback,
            provider::EventKind::Hold => EventKind::Hold,
            provider::EventKind::Declined => EventKind::Declined,
        },
        recurrence: match event.recurrence {
            provider::Recurrence::Single => Recurrence::Single,
            provider::Recurrence::First => Recurrence::First,
            provider::Recurrence::Repeat => Recurrence::Repeat,
        },
        transaction: event.transaction,
        order: event.order,
        comment: event.comment,
        dedup_key: event.dedup_key,
    })
}
