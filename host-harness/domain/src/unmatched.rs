//! Events that wait for the operator.

use crate::entry::Entry;
use crate::event::Event;
use crate::identifiers::AccountNumber;
use crate::names::names;

/// Why an event waits for the operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MismatchReason {
    /// It names no order that there is.
    UnknownOrder,
    /// Its order was made for another provider.
    ProviderMismatch,
    /// Its amount is not the order's.
    AmountMismatch,
    /// Its currency is not the order's.
    CurrencyMismatch,
    /// Its order was paid by another transaction.
    AlreadyPaid,
    /// It repeats a payment that never came.
    NoInitialPayment,
    /// More would go back than came in.
    ExceedsPaidAmount,
    /// It names an order alone, and that one is not paid.
    NotPaid,
    /// It names an order alone, and another payer than who paid that one.
    OtherPayer,
    /// It names an order alone, and a payment of that order was not entered by the rules: it may be that one which goes back.
    OtherPayment,
    /// It is about no money, or less.
    AmountNotPositive,
}

/// An event that waits for the operator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnmatchedEvent {
    /// Its number, from 1.
    pub id: u64,
    /// The event.
    pub event: Event,
    /// Why it waits.
    pub reason: MismatchReason,
    /// When it came, seconds since the epoch.
    pub at: u64,
    /// What the operator did.
    pub resolution: Option<Resolution>,
}

/// What the ledger has of the money that an event is about.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Related {
    /// The account of the order that the event names, where there is such an order.
    pub order_account: Option<AccountNumber>,
    /// The entries in force of its transaction.
    pub entries: Vec<Entry>,
}

/// What was told of an order's money.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OrderMoney {
    /// The entries in force, in order.
    pub entries: Vec<Entry>,
    /// The payments that were not entered by the rules, whatever became of them.
    pub unmatched: Vec<UnmatchedEvent>,
}

/// What an operator did with an event that waited.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolution {
    /// Who.
    pub operator: String,
    /// Why, in the operator's words.
    pub comment: String,
    /// Seconds since the epoch.
    pub at: u64,
    /// The entry that was made; none where it was dismissed.
    pub seq: Option<u64>,
}

/// Why an operator cannot do it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ResolveRefusal {
    /// There is no such event.
    Unknown,
    /// Somebody did it before.
    AlreadyResolved,
    /// There is no such account.
    UnknownAccount,
    /// It is about no money, or less: it can only be dismissed.
    AmountNotPositive,
    /// The same transaction was entered before: it can only be dismissed.
    AlreadyEntered,
}

names!(MismatchReason {
    UnknownOrder "unknown-order", ProviderMismatch "other-provider", AmountMismatch "other-amount", CurrencyMismatch "other-currency",
    AlreadyPaid "already-paid", NoInitialPayment "no-first-payment", ExceedsPaidAmount "more-than-paid",
    NotPaid "not-paid", OtherPayer "other-payer", OtherPayment "other-payment", AmountNotPositive "amount-not-positive",
});
