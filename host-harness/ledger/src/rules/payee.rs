//! Whose money events move, where billing knows accounts that the ledger may lack.

use domain::{Account, AccountNumber, Event, EventKind};

use crate::error::Error;
use crate::storage::Transaction;

/// Returns the account that an event names instead of an order.
fn named(event: &Event) -> Option<&AccountNumber> {
    event.facts.account.as_ref().filter(|_| event.facts.order.is_none())
}

/// Reports whether the ledger has an account, or billing does.
pub fn is_known(transaction: &mut dyn Transaction, number: &AccountNumber, accounts: &[Account]) -> Result<bool, Error> {
    Ok(of_billing(number, accounts).is_some() || transaction.account(number)?.is_some())
}

/// Creates the account that an event names, if billing has it and the ledger lacks it. One that the ledger has stays as it is.
pub fn create(transaction: &mut dyn Transaction, event: &Event, accounts: &[Account]) -> Result<(), Error> {
    match named(event).and_then(|number| of_billing(number, accounts)) {
        Some(account) if transaction.account(&account.number)?.is_none() => transaction.put_account(account),
        _ => Ok(()),
    }
}

fn of_billing<'a>(number: &AccountNumber, accounts: &'a [Account]) -> Option<&'a Account> {
    accounts.iter().find(|account| account.number == *number)
}

/// Returns the account that a wish is for: the one that it names, or that of its order. `None` if the wish is recorded already, so
/// that this is a repetition, or if it names no order of its provider.
pub fn account_of_wish(transaction: &mut dyn Transaction, event: &Event) -> Result<Option<AccountNumber>, Error> {
    if transaction.movement_of_key(&event.provider, &event.dedup_key)?.is_some() {
        return Ok(None);
    }
    let Some(order) = &event.facts.order else { return Ok(event.facts.account.clone()) };
    let order = transaction.order(order)?.filter(|order| order.provider == event.provider);
    Ok(order.map(|order| order.account))
}

/// Of events that happened, returns the payments that name an account which the ledger lacks, unless they are recorded already.
pub fn unknown_payees<'e>(transaction: &mut dyn Transaction, events: &'e [Event]) -> Result<Vec<&'e Event>, Error> {
    let mut unknown = Vec::new();
    for event in events.iter().filter(|event| event.facts.kind == EventKind::Payment) {
        let Some(number) = named(event) else { continue };
        let is_unknown =
            transaction.account(number)?.is_none() && transaction.movement_of_key(&event.provider, &event.dedup_key)?.is_none();
        if is_unknown {
            unknown.push(event);
        }
    }
    Ok(unknown)
}
