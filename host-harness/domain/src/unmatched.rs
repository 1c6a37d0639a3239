//! Unmatched events: they wait for an operator.

use crate::entry::Entry;
use crate::event::Event;
use crate::identifiers::AccountNumber;
use crate::movement::Movement;
use crate::names::names;

/// Why an event is unmatched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MismatchReason {
    /// It names no order that exists.
    UnknownOrder,
    /// Its order was made for another provider.
    ProviderMismatch,
    /// Its amount is not the order's.
    AmountMismatch,
    /// Its currency is not the order's.
    CurrencyMismatch,
    /// Its order was paid by another transaction.
    AlreadyPaid,
    /// It repeats a payment that never arrived.
    NoInitialPayment,
    /// More would be returned than came in.
    ExceedsPaidAmount,
    /// It names only an order, and the order is not paid.
    NotPaid,
    /// It names the transaction of the payment that it takes back, and that payment is not entered.
    UnknownPayment,
    /// It gives back more than chargebacks took of its payment.
    ExceedsChargebacks,
    /// It names only an order, and its payer is not the one who paid the order.
    OtherPayer,
    /// It names only an order, and a payment of the order was not entered by the rules: this may be the payment that is
    /// returned.
    OtherPayment,
    /// Its amount is not positive.
    AmountNotPositive,
    /// It names an account, and there is no such account.
    UnknownAccount,
    /// It names an order and an account, and the order is for another account.
    AccountMismatch,
    /// It is a payment of a hold that was released.
    HoldReleased,
    /// It releases a hold that a payment ended.
    HoldPaid,
    /// It is a refund of the same payment and amount as one that an operator entered, because the outcome of the operation was
    /// not known: it may be the same refund.
    EnteredByOperator,
}

/// An event that waits for an operator, or has been resolved by one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnmatchedEvent {
    /// Its id, from 1.
    pub id: u64,
    /// The event.
    pub event: Event,
    /// Why it is unmatched.
    pub reason: MismatchReason,
    /// When it arrived, seconds since the epoch.
    pub at: u64,
    /// What an operator did; `None` while it waits.
    pub resolution: Option<Resolution>,
}

/// The ledger's records about an event's money.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Related {
    /// The account of the order that the event names, if the order exists.
    pub order_account: Option<AccountNumber>,
    /// The entries of its transaction that are in force.
    pub entries: Vec<Entry>,
}

/// The entries and unmatched payments of an order, how the last attempt to pay it ended, and what holds it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OrderMoney {
    /// The entries in force, in the order of the ledger.
    pub entries: Vec<Entry>,
    /// The payments that the rules did not enter, whether or not they are resolved.
    pub unmatched: Vec<UnmatchedEvent>,
    /// The refunds and chargebacks of payments that are not entered, which wait for an operator as the payments do.
    pub unmatched_returns: Vec<UnmatchedEvent>,
    /// Whether its payment system reported that it declined the last attempt to pay. A later attempt may succeed.
    pub is_declined: bool,
    /// Whether the last attempt to pay was a hold, and the hold ended without a payment.
    pub is_released: bool,
    /// The hold that reserves it: of its amount, and the first that has not ended. `None` if the order is paid.
    pub held_by: Option<Movement>,
}

/// What an operator, or the program, did with an unmatched event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolution {
    /// The operator, or [`Acknowledged::BY_THIS_PROGRAM`](crate::Acknowledged::BY_THIS_PROGRAM) if the event waited for the payment
    /// that it takes back, and that payment was entered.
    pub operator: String,
    /// The reason, in the operator's words.
    pub comment: String,
    /// When, seconds since the epoch.
    pub at: u64,
    /// The sequence number of the entry that was made; `None` if the event was dismissed.
    pub seq: Option<u64>,
}

/// Why an event cannot be resolved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ResolveRefusal {
    /// There is no such event.
    Unknown,
    /// It is already resolved.
    AlreadyResolved,
    /// There is no such account.
    UnknownAccount,
    /// Its amount is not positive: it can only be dismissed.
    AmountNotPositive,
    /// It moves no money, such as the release of a hold: it can only be dismissed.
    MovesNoMoney,
    /// The same transaction is already entered: it can only be dismissed.
    AlreadyEntered,
}

names!(MismatchReason {
    UnknownOrder "unknown-order", ProviderMismatch "other-provider", AmountMismatch "other-amount", CurrencyMismatch "other-currency",
    AlreadyPaid "already-paid", NoInitialPayment "no-first-payment", ExceedsPaidAmount "more-than-paid",
    NotPaid "not-paid", UnknownPayment "unknown-payment", ExceedsChargebacks "more-than-charged-back",
    OtherPayer "other-payer", OtherPayment "other-payment", AmountNotPositive "amount-not-positive",
    UnknownAccount "unknown-account", AccountMismatch "other-account", HoldReleased "hold-released", HoldPaid "hold-paid",
    EnteredByOperator "entered-by-operator",
});
