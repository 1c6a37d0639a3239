//! The checks of an order that all providers share.

use money::{AMOUNT_MAX, Currency};
use time::{OffsetDateTime, UtcOffset};

use crate::contract::{Order, OrderIdForm, Problem};
use crate::problem::{Code, filled};

const ID_CHARS_MAX: usize = 64;

/// The form of an order's id where the payment system takes any that the contract allows.
pub const ANY_ID: OrderIdForm = OrderIdForm { chars_max: 64, digits_only: false };

/// Reports whether a text can be an order's id: 1 to 64 characters of `[A-Za-z0-9._-]`, by the contract.
pub fn is_id(text: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Checks the id, the amount and the currency, which must be the configured one.
pub fn check(order: &Order, currency: Currency) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !is_id(&order.id) {
        problems.push(Code::Invalid.at("id", "An order's id is 1 to 64 of A-Z, a-z, 0-9, point, underscore and hyphen."));
    }
    if order.amount.currency != currency.as_str() {
        let message = filled(
            ["В настройках валюта {0}: создайте заказ в ней.", "The settings take {0}; make the order in it."],
            &[&currency],
        );
        problems.push(Code::Unsupported.at("amount.currency", message));
    }
    if !(1..=AMOUNT_MAX).contains(&order.amount.minor_units) {
        let message = format!("An amount is 1 to {AMOUNT_MAX} minor units; 10000 is 100.00.");
        problems.push(Code::OutOfRange.at("amount.minor-units", message));
    }
    problems
}

/// Converts `expires-at` to Moscow time, which Russian payment systems use.
///
/// # Errors
/// `out-of-range` at `expires-at`, if the time is after the year 9998.
pub fn expiry_in_moscow(seconds: u64) -> Result<OffsetDateTime, Problem> {
    let problem = || Code::OutOfRange.at("expires-at", "It is in seconds since 1970-01-01, up to the year 9998.");
    let moscow = UtcOffset::from_hms(3, 0, 0).map_err(|_| problem())?;
    let time = i64::try_from(seconds).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    time.and_then(|time| time.checked_to_offset(moscow)).ok_or_else(problem)
}
