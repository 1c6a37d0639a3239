//! The callbacks that are sent for a payment.

use super::callback::{Callback, types};
use crate::courier::{Plan, Step};
use crate::price::Price;
use crate::scenario::Scenario;
use crate::send::Answer;

/// What a plan depends on besides the payment.
pub struct Rules<'a> {
    pub secret: &'a str,
    pub decline_callback: bool,
    pub refund_keeps_id: bool,
    /// Returns a new transaction id.
    pub next_transaction: &'a dyn Fn() -> u64,
}

const FOREIGN_SECRET: &str = "a secret of somebody else";

/// Returns the callbacks of a scenario. `purchase` is the payment's callback, not signed yet.
pub fn plan(scenario: Scenario, purchase: &Callback, price: Price, rules: &Rules<'_>) -> Plan {
    let genuine = |callback: Callback| step(&callback.sign(rules.secret), Answer::Awaited);
    let payment = genuine(purchase.clone());
    let back = |transaction_type: &str| {
        let back = purchase.clone().with("transaction_type", transaction_type);
        if rules.refund_keeps_id {
            return genuine(back);
        }
        genuine(back.with("transaction_id", &(rules.next_transaction)().to_string()))
    };
    let other_total = price.greater_by_one().to_string();
    Plan::at_once(match scenario {
        Scenario::Decline if !rules.decline_callback => Vec::new(),
        Scenario::Decline => vec![genuine(purchase.clone().with("transaction_type", types::DECLINE).with("auth_code", ""))],
        Scenario::Reorder => vec![back(types::REFUND), payment],
        Scenario::Refund => vec![payment, back(types::REFUND)],
        Scenario::Chargeback => vec![payment, back(types::CHARGEBACK)],
        Scenario::Tamper => {
            vec![step(&purchase.clone().sign(rules.secret).with("total", &other_total), Answer::Noted)]
        }
        Scenario::Forge => vec![step(&purchase.clone().sign(FOREIGN_SECRET), Answer::Noted)],
        Scenario::OtherAmount => vec![genuine(purchase.clone().with("total", &other_total))],
        Scenario::UnknownOrder => vec![genuine(about_unknown_order(purchase))],
        Scenario::UnknownForm => vec![genuine(purchase.clone().with("total", &price.to_string().replace('.', ",")))],
        _ => return Plan::of_payment(scenario, payment),
    })
}

fn step(callback: &Callback, answer: Answer) -> Step {
    Step {
        transaction_id: callback.get("transaction_id").to_owned(),
        order: callback.get("cs1").to_owned(),
        body: callback.encode(),
        answer,
        expected: None,
    }
}

fn about_unknown_order(purchase: &Callback) -> Callback {
    // No host has counted up to an id of 19 digits.
    let order = format!("9{:0>18}", purchase.get("transaction_id"));
    let about = purchase.clone().with("cs1", &order);
    if purchase.get("order_id").is_empty() { about } else { about.with("order_id", &order) }
}
