//! Entries: the only function that makes one, and what some of them add up to.

use domain::{AccountNumber, Entry, EntryKind, Event, EventKind, HourlyTotal, Money, NewEntry, OrderId};

use crate::error::Error;
use crate::storage::Transaction;

/// The interval by which refusals and statistics are counted.
pub const HOUR_SECONDS: u64 = 3600;

/// Makes an entry, updates the balance and the sums of its hour, and returns its sequence number.
///
/// # Errors
/// If the storage is unavailable, or a sum would exceed 64 bits.
pub fn enter(transaction: &mut dyn Transaction, entry: &NewEntry) -> Result<u64, Error> {
    let seq = transaction.insert_entry(entry)?;
    transaction.add_to_balance(&entry.account, entry.amount)?;
    let at = entry.counted_at();
    let (hour, provider) = (at - at % HOUR_SECONDS, entry.provider.clone());
    transaction.add_to_hour(&HourlyTotal { hour, kind: entry.kind, provider, count: 1, amount: entry.amount })?;
    Ok(seq)
}

/// Creates the entry of an event that moves money.
pub fn entry_from_event(event: &Event, account: AccountNumber, order: Option<OrderId>, at: u64) -> NewEntry {
    let (kind, sign) = match event.facts.kind {
        EventKind::Refund => (EntryKind::Refund, -1),
        EventKind::Chargeback => (EntryKind::Chargeback, -1),
        EventKind::ChargebackReversal => (EntryKind::ChargebackReversal, 1),
        _ => (EntryKind::Payment, 1),
    };
    NewEntry {
        account,
        kind,
        amount: Money { minor_units: sign * event.facts.amount.minor_units, ..event.facts.amount },
        comment: event.comment.clone(),
        order,
        transaction: Some(event.facts.transaction.clone()),
        provider: Some(event.provider.clone()),
        at,
        date: None,
        decision: None,
        reverses: None,
        extra: event.extra.clone(),
    }
}

/// Returns the entries that are in force: they are not reversed, and reverse no other.
pub fn in_force(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    let is_reversed = |seq| entries.iter().any(|entry| entry.reverses == Some(seq));
    entries.iter().filter(move |entry| entry.reverses.is_none() && !is_reversed(entry.seq))
}

/// What some entries of a payment add up to, in minor units. None is negative.
pub struct Sums {
    /// What came in: payments, and chargebacks that were won.
    pub paid: i128,
    /// What was returned.
    pub returned: i128,
    /// What chargebacks took, and no reversal gave back.
    pub charged_back: i128,
}

impl Sums {
    pub fn of(entries: &[Entry]) -> Sums {
        let sum = |kind: EntryKind| {
            let of_kind = entries.iter().filter(|entry| entry.kind == kind);
            of_kind.map(|entry| i128::from(entry.amount.minor_units)).sum::<i128>()
        };
        let (chargebacks, reversals) = (-sum(EntryKind::Chargeback), sum(EntryKind::ChargebackReversal));
        Sums {
            paid: sum(EntryKind::Payment) + reversals,
            returned: chargebacks - sum(EntryKind::Refund),
            charged_back: chargebacks - reversals,
        }
    }
}
