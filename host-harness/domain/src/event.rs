//! Events: facts about money that a payment system proved.

use serde::{Deserialize, Serialize};

use crate::amount::Money;
use crate::date::Date;
use crate::fields::Fields;
use crate::identifiers::{AccountNumber, DedupKey, OrderId, ProviderName, TransactionId};
use crate::names::names;

/// The largest offset of a time from UTC, in whole hours.
const OFFSET_HOURS_MAX: i64 = 14;

/// What a payment system says about a movement of money. A repetition is compared with it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Facts {
    /// What happened.
    pub kind: EventKind,
    /// Whether the payment is one of a series.
    pub recurrence: Recurrence,
    /// The payment system's id.
    pub transaction: TransactionId,
    /// Of money that goes back: the transaction of the payment that it takes back, if the payment system names it.
    pub original: Option<TransactionId>,
    /// Of a payment or a release: the key of the hold that it ends, if there is such a hold.
    pub ends_hold: Option<DedupKey>,
    /// Of a hold: when it ends by itself, seconds since the epoch.
    pub expires_at: Option<u64>,
    /// The order that the payment system names. A signature does not always cover it.
    pub order: Option<OrderId>,
    /// The account that it names instead of an order, because the payer entered it at a terminal or in a bank's app.
    pub account: Option<AccountNumber>,
    /// The payment system's id of the payer, 1 to 255 characters.
    pub payer: Option<String>,
    /// The amount, positive; zero only if nothing was paid.
    pub amount: Money,
    /// When it happened by the payment system's clock, as the provider reports it: `2026-11-27T10:00:00+03:00`.
    pub occurred_at: Option<String>,
}

impl Facts {
    /// Creates the facts of a single movement that names nothing else. The caller sets the other fields.
    pub fn new(kind: EventKind, transaction: TransactionId, amount: Money) -> Facts {
        Facts {
            kind,
            recurrence: Recurrence::Single,
            transaction,
            original: None,
            ends_hold: None,
            expires_at: None,
            order: None,
            account: None,
            payer: None,
            amount,
            occurred_at: None,
        }
    }

    /// Reports whether another report of the same movement cannot be true beside this one. Both have the same dedup key.
    ///
    /// The kind, the recurrence, the transaction and the amount must be equal. An order, an account, a payer, an original and a
    /// time must be equal if both reports give them: a payment system says more in one place (a callback) than in another (a
    /// status). When a hold ends and which one a payment ends never contradict: they bind no money, and a payment system
    /// may extend a hold.
    pub fn contradicts(&self, other: &Facts) -> bool {
        fn differ<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
            one.zip(other).is_some_and(|(one, other)| one != other)
        }
        let Facts {
            kind,
            recurrence,
            transaction,
            original,
            ends_hold: _,
            expires_at: _,
            order,
            account,
            payer,
            amount,
            occurred_at,
        } = self;
        (kind, recurrence, transaction, amount) != (&other.kind, &other.recurrence, &other.transaction, &other.amount)
            || differ(order.as_ref(), other.order.as_ref())
            || differ(account.as_ref(), other.account.as_ref())
            || differ(payer.as_ref(), other.payer.as_ref())
            || differ(original.as_ref(), other.original.as_ref())
            || differ(occurred_at.as_ref(), other.occurred_at.as_ref())
    }

    /// Reports whether another report of the same movement is of another amount or account.
    pub fn is_of_other_money(&self, other: &Facts) -> bool {
        let accounts = self.account.as_ref().zip(other.account.as_ref());
        self.amount != other.amount || accounts.is_some_and(|(one, other)| one != other)
    }

    /// Returns when it happened, in seconds since the epoch, if `occurred_at` is a time with an offset from UTC and not before
    /// 1970.
    pub fn happened_at(&self) -> Option<u64> {
        seconds_of(self.occurred_at.as_deref()?)
    }
}

/// Returns the seconds since the epoch of `2026-11-27T10:00:00+03:00`, or of the same with `Z`; `None` for any other text.
pub fn seconds_of(text: &str) -> Option<u64> {
    let (date, rest) = text.split_at_checked(10)?;
    let (clock, offset) = rest.strip_prefix('T')?.split_at_checked(8)?;
    let (hour_and_minute, second) = clock.split_at_checked(5)?;
    let second = second.strip_prefix(':').and_then(|second| two_digits(second, 59))?;
    let offset = match (offset, offset.split_at_checked(1)?) {
        ("Z", _) => 0,
        (_, ("+", ahead)) => minutes_of(ahead, OFFSET_HOURS_MAX)?,
        (_, ("-", behind)) => -minutes_of(behind, OFFSET_HOURS_MAX)?,
        _ => return None,
    };
    let minutes = minutes_of(hour_and_minute, 23)? - offset;
    u64::try_from(Date::parse(date)?.begins_at() + minutes * 60 + second).ok()
}

/// Returns the minutes of `10:00`, if the hour is not above a maximum.
fn minutes_of(text: &str, hour_max: i64) -> Option<i64> {
    let (hour, minute) = text.split_once(':')?;
    Some(two_digits(hour, hour_max)? * 60 + two_digits(minute, 59)?)
}

fn two_digits(text: &str, max: i64) -> Option<i64> {
    let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number <= max)
}

/// A movement of money that a provider proved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ProvedEvent {
    /// The facts.
    #[serde(flatten)]
    pub facts: Facts,
    /// The comment of the ledger's entry, at most 255 characters.
    pub comment: String,
    /// The key that is equal for every report of the same movement.
    pub dedup_key: DedupKey,
    /// What the payment system keeps of the amount, VAT included, if it says so. It informs, and decides nothing.
    pub fee: Option<Money>,
    /// Other values that an operator may want to see, as received: not proved.
    pub extra: Fields,
}

/// A movement of money that one of the host's providers proved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// The provider, by the host's name for it.
    pub provider: ProviderName,
    /// The facts. A time that the provider cannot parse is kept as it was received.
    pub facts: Facts,
    /// The text that statistics show.
    pub comment: String,
    /// The key that is equal for every report of the same movement.
    pub dedup_key: DedupKey,
    /// What the payment system keeps of the amount, VAT included, if it says so. It informs, and decides nothing.
    pub fee: Option<Money>,
    /// Other values that an operator may want to see, as received: not proved.
    pub extra: Fields,
}

impl Event {
    /// Creates the event from what the provider of this name proved.
    pub fn new(provider: ProviderName, proved: ProvedEvent) -> Event {
        let ProvedEvent { mut facts, comment, dedup_key, fee, extra } = proved;
        // A date that the provider cannot parse still distinguishes two movements.
        let received = || extra.iter().find(|(name, _)| name == "date").map(|(_, value)| value.clone());
        facts.occurred_at = facts.occurred_at.or_else(received);
        Event { provider, facts, comment, dedup_key, fee, extra }
    }
}

/// What happened at the payment system.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Money came in.
    Payment,
    /// Money went back to the payer, by the merchant's decision.
    Refund,
    /// Money went back to the payer, by the bank's decision.
    Chargeback,
    /// A chargeback that the merchant won: the money is back.
    ChargebackReversal,
    /// Money is reserved and not paid.
    Hold,
    /// A hold ended without a payment.
    HoldRelease,
    /// The payer tried, and no money moved.
    Declined,
}

/// Whether a payment is one of a series.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recurrence {
    /// A single payment.
    Single,
    /// The first, which the subscriber made.
    First,
    /// A later one, which the payment system made.
    Repeat,
}

/// The outcome of an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// An entry was made, now or when the same event first arrived.
    Recorded {
        /// The entry's sequence number.
        seq: u64,
        /// Whether the event had arrived before.
        repeated: bool,
    },
    /// The event waits for an operator, or has waited.
    Unmatched {
        /// Its id among the unmatched events.
        id: u64,
        /// Whether the event had arrived before.
        repeated: bool,
    },
    /// It is recorded, and no money moved: a hold, its release, or a declined payment.
    NoMovement {
        /// Whether the event had arrived before.
        repeated: bool,
    },
    /// The event has the dedup key of an earlier event but different facts. No further entry is made; an operator must review
    /// it.
    Contradiction {
        /// Its id among the contradictions; `None` if it is not stored, because the same contradiction or too many of this
        /// event already are.
        id: Option<u64>,
    },
    /// The ledger does not agree to what was asked for. Only a wish is refused, and nothing is recorded of it.
    Refused(WishRefusal),
}

/// Why the ledger or billing does not agree to what a payment system asks for. The names are the codes of a
/// [`Problem`](crate::Problem).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WishRefusal {
    /// There is no such account.
    UnknownAccount,
    /// Billing says that the account takes no payments.
    AccountInactive,
    /// The amount is not positive, or billing does not take such an amount and does not say whether it is too small or too large.
    AmountOutOfRange,
    /// The amount is smaller than the operator or billing takes.
    AmountTooSmall,
    /// The amount is larger than the operator or billing takes.
    AmountTooLarge,
    /// It is not allowed, whatever the amount: a kind that cannot be asked for, or billing says so.
    Forbidden,
    /// The provider has no such order, or the order is for another account.
    UnknownOrder,
    /// The order is paid.
    OrderPaid,
    /// Another hold reserves the order.
    OrderHeld,
    /// The order is no longer payable.
    OrderExpired,
    /// The amount is not the order's, or more than the hold's.
    AmountMismatch,
    /// The currency is not that of the order, the hold or the payment.
    CurrencyMismatch,
    /// There is no such hold, it has ended, or it is of another order or account.
    HoldEnded,
    /// The payment system's transaction was entered under another key.
    AlreadyEntered,
    /// The payment is not entered, less is left of it, or the account's balance does not cover it: the money was spent.
    NotReturnable,
}

names!(WishRefusal {
    UnknownAccount "unknown-account", AccountInactive "account-inactive", AmountOutOfRange "amount-out-of-range",
    AmountTooSmall "amount-too-small", AmountTooLarge "amount-too-large",
    Forbidden "forbidden", UnknownOrder "unknown-order", OrderPaid "order-paid", OrderHeld "order-held",
    OrderExpired "order-expired", AmountMismatch "amount-mismatch", CurrencyMismatch "currency-mismatch",
    HoldEnded "hold-ended", AlreadyEntered "already-entered", NotReturnable "not-returnable",
});

names!(EventKind {
    Payment "payment", Refund "refund", Chargeback "chargeback", ChargebackReversal "chargeback-reversal", Hold "hold",
    HoldRelease "hold-release", Declined "declined",
});

names!(Recurrence { Single "single", First "first", Repeat "repeat", });

#[cfg(test)]
mod tests {
    use super::*;
    use money::Currency;

    fn facts() -> Facts {
        let amount = Money { minor_units: 100, currency: Currency::RUB };
        let mut facts = Facts::new(EventKind::Payment, "T1".parse().unwrap(), amount);
        facts.order = Some("1".parse().unwrap());
        facts.account = Some("2".parse().unwrap());
        facts.payer = Some("3".to_owned());
        facts.original = Some("4".parse().unwrap());
        facts.occurred_at = Some("2026-11-01".to_owned());
        facts
    }

    #[test]
    fn other_money_is_another_amount_or_account() {
        type Change = fn(&mut Facts);
        let changed = |change: Change| {
            let mut facts = facts();
            change(&mut facts);
            facts
        };
        let other: [(Change, bool); 6] = [
            (|facts| facts.amount.minor_units = 101, true),
            (|facts| facts.amount.currency = Currency::parse("USD").unwrap(), true),
            (|facts| facts.account = Some("3".parse().unwrap()), true),
            (|facts| facts.account = None, false),
            (|facts| facts.occurred_at = None, false),
            (|facts| facts.transaction = "T2".parse().unwrap(), false),
        ];
        for (change, want) in other {
            let other = changed(change);
            assert_eq!((facts().is_of_other_money(&other), other.is_of_other_money(&facts())), (want, want), "{other:?}");
        }
    }

    #[test]
    fn reports_contradict_if_what_both_give_differs() {
        let changed = |change: fn(&mut Facts)| {
            let mut facts = facts();
            change(&mut facts);
            facts
        };
        let compatible: [fn(&mut Facts); 8] = [
            |_| {},
            |facts| facts.order = None,
            |facts| facts.account = None,
            |facts| facts.payer = None,
            |facts| facts.original = None,
            |facts| facts.occurred_at = None,
            |facts| facts.ends_hold = Some("h".parse().unwrap()),
            |facts| facts.expires_at = Some(1),
        ];
        for other in compatible.map(changed) {
            assert!(!facts().contradicts(&other) && !other.contradicts(&facts()), "{other:?}");
        }
        let contradictory: [fn(&mut Facts); 10] = [
            |facts| facts.kind = EventKind::Refund,
            |facts| facts.recurrence = Recurrence::First,
            |facts| facts.transaction = "T2".parse().unwrap(),
            |facts| facts.amount.minor_units = 101,
            |facts| facts.amount.currency = Currency::parse("USD").unwrap(),
            |facts| facts.order = Some("9".parse().unwrap()),
            |facts| facts.account = Some("9".parse().unwrap()),
            |facts| facts.payer = Some("9".to_owned()),
            |facts| facts.original = Some("9".parse().unwrap()),
            |facts| facts.occurred_at = Some("2026-11-02".to_owned()),
        ];
        for other in contradictory.map(changed) {
            assert!(facts().contradicts(&other) && other.contradicts(&facts()), "{other:?}");
        }
    }

    #[test]
    fn time_of_event_needs_offset() {
        for (text, want) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-11-01T00:00:00Z", Some(1_793_491_200)),
            ("2026-11-01T03:00:09+03:00", Some(1_793_491_209)),
            ("2026-10-31T20:30:00-03:30", Some(1_793_491_200)),
            ("1970-01-01T00:00:00+03:00", None),
            ("2026-11-01T00:00:00", None),
            ("2026-11-01", None),
            ("2026-02-30T00:00:00Z", None),
            ("2026-11-01T24:00:00Z", None),
            ("2026-11-01T00:60:00Z", None),
            ("2026-11-01T00:00:60Z", None),
            ("2026-11-01T00:00:00+15:00", None),
            ("2026-11-01T00:00:00+0300", None),
            ("2026-11-01 00:00:00Z", None),
            ("2026-11-01T00:00:00ZZ", None),
            ("2026-11-01T+1:00:00Z", None),
            ("01.11.2026 00:00:00 Москва", None),
            ("", None),
        ] {
            assert_eq!(seconds_of(text), want, "{text}");
        }
    }
}
