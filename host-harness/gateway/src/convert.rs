//! The same values for the ledger and for providers.

use domain::{Date, Event, EventKind, Fault, Money, PartyKind, Recurrence};
use money::Currency;
use sandbox::records as provider;

/// An amount whose currency has the form of one.
pub fn money(amount: &provider::Money) -> Option<Money> {
    Some(Money { minor_units: amount.minor_units, currency: Currency::parse(&amount.currency)? })
}

/// An amount for a provider.
pub fn amount(money: Money) -> provider::Money {
    provider::Money { minor_units: money.minor_units, currency: money.currency.to_string() }
}

/// A day for a provider.
pub fn date(day: Date) -> provider::Date {
    provider::Date { year: day.year(), month: day.month(), day: day.day() }
}

/// A day that was asked for, if there is one.
pub fn day(provider::Date { year, month, day }: provider::Date) -> Option<Date> {
    Date::new(year, month, day)
}

/// What keeps something from being exported, as a problem of the field at `path`.
pub fn fault(path: &str, Fault { code, field, message }: Fault) -> provider::Problem {
    provider::Problem { code: code.to_owned(), field: Some(format!("{path}{field}")), row: None, message }
}

/// What the law sees in a subscriber.
pub fn party_kind(kind: PartyKind) -> provider::PartyKind {
    match kind {
        PartyKind::Individual => provider::PartyKind::Individual,
        PartyKind::SoleProprietor => provider::PartyKind::SoleProprietor,
        PartyKind::Company => provider::PartyKind::Company,
    }
}

/// The same for the ledger.
pub fn kind(kind: provider::PartyKind) -> PartyKind {
    match kind {
        provider::PartyKind::Individual => PartyKind::Individual,
        provider::PartyKind::SoleProprietor => PartyKind::SoleProprietor,
        provider::PartyKind::Company => PartyKind::Company,
    }
}

fn as_received(extra: &provider::Fields, name: &str) -> Option<String> {
    extra.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
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
        payer: event.payer,
        // A date that the provider cannot read still tells two movements apart.
        occurred_at: event.occurred_at.or_else(|| as_received(&event.extra, "date")),
        comment: event.comment,
        dedup_key: event.dedup_key,
        extra: event.extra,
    })
}
