//! The check before a payment: may the payer pay this order?

use crate::binding::contract::{HttpReply, Money};
use crate::binding::exchanges::OrderState;
use crate::reply;

/// Returns why an order cannot be paid with this amount, as Example Pay reads it. `None`: it can.
pub fn refusal(order: Option<&OrderState>, amount: &Money) -> Option<&'static str> {
    let Some(order) = order else { return Some("unknown-order") };
    let is_amount = (order.amount.minor_units, &order.amount.currency) == (amount.minor_units, &amount.currency);
    if order.paid_by.is_some() {
        Some("order-paid")
    } else if order.closed_at.is_some() {
        Some("order-expired")
    } else if !is_amount {
        Some("amount-mismatch")
    } else {
        None
    }
}

/// Returns the answer to a check.
pub fn answer(refusal: Option<&str>) -> HttpReply {
    let body = match refusal {
        None => r#"{"accept":true}"#.to_owned(),
        Some(reason) => format!(r#"{{"accept":false,"reason":"{reason}"}}"#),
    };
    reply::of(200, "application/json", body)
}
