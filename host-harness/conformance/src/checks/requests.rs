//! Part of `operations`: a call that moves money says what was asked for.
//!
//! A refund or a charge of the vectors is asked for again with one thing changed: the amount, the payment, the id. The call that moves
//! money must be another one. Where a payment system knows a repeated call by a key, a second refund with the first one's key would
//! be taken for the first, and never be paid back.

use domain::{HttpCall, OperationId, OrderId, PaymentReference, Repeatable, TransactionId};

use crate::answers::line_of;
use crate::check_context::ScannedMerchant;
use crate::function_call::FunctionCall;
use crate::performed::changes_something;
use crate::report::{Case, Findings};
use crate::vectors::OperationSample;

/// The id of another order, all digits since some payment systems accept no other ids.
const OTHER_ORDER: &str = "909000001";

/// What is changed of a request.
struct Variation {
    what: &'static str,
    /// What follows if the call is the same.
    consequence: &'static str,
    /// Requests that differ in it alone.
    requests: Vec<FunctionCall>,
    /// Whether it matters only where the payment system knows a call by a key.
    is_of_key: bool,
}

/// Checks a sample that moves money.
pub fn follow(merchant: &ScannedMerchant, sample: &OperationSample) -> Findings {
    let mut findings = Findings::default();
    let variations = variations(&sample.function);
    if variations.is_empty() {
        return findings;
    }
    let Some(own) = moving_call(merchant, &sample.function, sample) else { return findings };
    for variation in variations {
        if variation.is_of_key && !matches!(own.repeatable, Repeatable::Within(_)) {
            continue;
        }
        let mut calls = vec![own.clone()];
        for request in &variation.requests {
            // A payment system may pay back no part; then there is no call.
            let Some(call) = moving_call(merchant, request, sample) else { continue };
            findings.case(is_new(&sample.name, &calls, &call, &variation));
            calls.push(call);
        }
    }
    findings
}

fn is_new(name: &str, calls: &[HttpCall], call: &HttpCall, variation: &Variation) -> Case {
    let Variation { what, consequence, .. } = variation;
    let has_its_key = |known: &HttpCall| key_of(known).is_some() && key_of(known) == key_of(call);
    let is_same = |known: &HttpCall| known == call || variation.is_of_key && has_its_key(known);
    if !calls.iter().any(is_same) {
        return Ok(());
    }
    Err(format!("{name:?}, asked for with another {what}, makes the same call {}: {consequence}", line_of(call)))
}

/// Returns the call by which a function moves money, if it makes one.
fn moving_call(merchant: &ScannedMerchant, function: &FunctionCall, sample: &OperationSample) -> Option<HttpCall> {
    let performed = merchant.performed(function, &mut &sample.answers).ok()?;
    performed.calls().find(|call| changes_something(call)).cloned()
}

fn variations(function: &FunctionCall) -> Vec<Variation> {
    let key = "its key is not that of the request, so that the payment system takes the second for a repetition of the first";
    match function {
        FunctionCall::RefundPayment(request) => {
            let with_less = |less: i64| {
                let mut request = request.clone();
                request.amount.minor_units -= less;
                request.full = false;
                (request.amount.minor_units > 0).then_some(FunctionCall::RefundPayment(request))
            };
            let mut of_other_id = request.clone();
            of_other_id.id = OperationId::stored(with_other_digit(request.id.as_str()));
            let mut of_other_payment = request.clone();
            rename(&mut of_other_payment.payment);
            vec![
                Variation {
                    what: "amount",
                    consequence: "whatever part is to be paid back, the payment system pays the same back",
                    requests: [1, 2].into_iter().filter_map(with_less).collect(),
                    is_of_key: false,
                },
                Variation {
                    what: "payment",
                    consequence: "whichever payment is to be paid back, the payment system pays the same one back",
                    requests: vec![FunctionCall::RefundPayment(of_other_payment)],
                    is_of_key: false,
                },
                Variation {
                    what: "id",
                    consequence: key,
                    requests: vec![FunctionCall::RefundPayment(of_other_id)],
                    is_of_key: true,
                },
            ]
        }
        FunctionCall::ChargeAgain(payment, order) => {
            let (mut of_less, mut of_other_order) = (order.clone(), order.clone());
            of_less.amount.minor_units -= 1;
            of_other_order.id = OrderId::stored(OTHER_ORDER.to_owned());
            vec![
                Variation {
                    what: "amount",
                    consequence: "whatever is to be charged, the payment system charges the same",
                    requests: vec![FunctionCall::ChargeAgain(payment.clone(), of_less)],
                    is_of_key: false,
                },
                Variation {
                    what: "order",
                    consequence: key,
                    requests: vec![FunctionCall::ChargeAgain(payment.clone(), of_other_order)],
                    is_of_key: true,
                },
            ]
        }
        _ => Vec::new(),
    }
}

/// Makes another payment of it, by everything that a payment system may name it by.
fn rename(payment: &mut PaymentReference) {
    if let Some(order) = &mut payment.order {
        order.id = OrderId::stored(with_other_digit(order.id.as_str()));
    }
    if let Some(reference) = payment.link.as_mut().and_then(|link| link.reference.as_mut()) {
        *reference = with_other_digit(reference);
    }
    if let Some(state) = &mut payment.movement {
        let event = &mut state.movement.event;
        event.facts.transaction = TransactionId::stored(with_other_digit(event.facts.transaction.as_str()));
        event.facts.order = event.facts.order.as_ref().map(|order| OrderId::stored(with_other_digit(order.as_str())));
        event.extra.iter_mut().for_each(|(_, value)| *value = with_other_digit(value));
    }
}

/// Returns the header by which payment systems know a repeated call, if the call has one.
fn key_of(call: &HttpCall) -> Option<&str> {
    let is_key = |name: &str| name.contains("idempot") || name.contains("request-id");
    call.headers.iter().find(|(name, _)| is_key(name)).map(|(_, value)| value.as_str())
}

/// Returns a text with another last digit; with one more if it has none.
fn with_other_digit(text: &str) -> String {
    let Some((before, rest)) = text.rfind(|letter: char| letter.is_ascii_digit()).and_then(|at| text.split_at_checked(at))
    else {
        return format!("{text}7");
    };
    let (digit, after) = rest.split_at(1);
    let other = if digit == "7" { "8" } else { "7" };
    [before, other, after].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_number_of_the_same_form() {
        for (text, want) in [("10000001", "10000007"), ("a-7b", "a-8b"), ("none", "none7"), ("", "7")] {
            assert_eq!(with_other_digit(text), want, "{text}");
        }
    }
}
