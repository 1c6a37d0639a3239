//! The notifications that are sent for a payment.

use super::config::{Hash, Passwords};
use super::notification::{Notification, out_sum};
use crate::courier::{Plan, Step};
use crate::price::Price;
use crate::scenario::Scenario;
use crate::send::Answer;

const FOREIGN_PASSWORD: &str = "a password of somebody else";

/// Returns the notifications of a scenario.
pub fn plan(scenario: Scenario, notification: &Notification, price: Price, hash: Hash, passwords: &Passwords) -> Plan {
    let password = passwords.second.expose();
    let step = |notification: &Notification, signature: &str, answer| Step {
        transaction_id: notification.inv_id.clone(),
        order: notification.order().to_owned(),
        body: notification.encode(signature),
        answer,
        expected: Some(format!("OK{}", notification.inv_id)),
    };
    let genuine = |notification: &Notification| step(notification, &notification.signature(hash, password), Answer::Awaited);
    let payment = genuine(notification);
    let dearer = Notification { out_sum: out_sum(price.greater_by_one(), notification.is_test), ..notification.clone() };
    // No host has counted up to an id of 19 digits.
    let elsewhere = notification.clone().about("9000000000000000001");
    Plan::at_once(match scenario {
        // Robokassa does not report declines.
        Scenario::Decline => Vec::new(),
        Scenario::Tamper => vec![step(&dearer, &notification.signature(hash, password), Answer::Noted)],
        Scenario::OtherOrder => vec![step(&elsewhere, &notification.signature(hash, password), Answer::Noted)],
        Scenario::Forge => vec![step(notification, &notification.signature(hash, FOREIGN_PASSWORD), Answer::Noted)],
        Scenario::OtherAmount => vec![genuine(&dearer)],
        Scenario::UnknownOrder => vec![genuine(&Notification { inv_id: elsewhere.order().to_owned(), ..elsewhere.clone() })],
        Scenario::UnknownForm => {
            vec![genuine(&Notification { out_sum: notification.out_sum.replace('.', ","), ..notification.clone() })]
        }
        _ => return Plan::of_payment(scenario, payment),
    })
}
