//! ChronoPay's gate: charges a customer again, and ends a subscription.

use std::sync::PoisonError;

use time::OffsetDateTime;

use super::callback::{Callback, types};
use super::sign::sign_gate;
use super::system::{ChronoPay, dated};
use crate::api::ApiAnswer;
use crate::courier::{Plan, Step, Way};
use crate::price::Price;
use crate::send::Answer;
use crate::system::PaymentSystem;

/// The gate's path in the stand-in.
pub const GATE: &str = "/gate";

/// Who paid once.
pub struct Customer {
    /// Where callbacks go.
    pub way: Way,
    /// The callback of the first payment, not signed.
    pub purchase: Callback,
    pub is_cancelled: bool,
}

/// Answers a request in XML.
pub fn gate(system: &ChronoPay, body: &[u8]) -> ApiAnswer {
    let answer = execute(system, &String::from_utf8_lossy(body));
    let (code, message, transaction) = match answer {
        Ok(transaction) => ("000", String::new(), transaction),
        Err(message) => ("1", message, String::new()),
    };
    ApiAnswer::xml(&format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<response><code>{code}</code><message>{message}</message>\
         <Transaction>{transaction}</Transaction></response>"
    ))
}

/// Executes a request. Returns the transaction of a charge, if the answer is to name it.
fn execute(system: &ChronoPay, xml: &str) -> Result<String, String> {
    let config = &system.config;
    let (opcode, product) = (element(xml, "Opcode"), element(xml, "Product"));
    if product != config.product_id {
        return Err("no such product".to_owned());
    }
    if element(xml, "hash") != sign_gate(config.shared_sec.expose(), opcode, product) {
        return Err("wrong hash".to_owned());
    }
    let mut customers = system.customers.lock().unwrap_or_else(PoisonError::into_inner);
    let customer = customers.get_mut(element(xml, "Customer")).ok_or("no such customer")?;
    match opcode {
        "3" if customer.is_cancelled => Err("the subscription has ended".to_owned()),
        "3" => {
            let price = Price::parse(element(xml, "amount")).ok_or("no such amount")?;
            let transaction = charge(system, customer, price);
            Ok(if config.gate_names_transaction { transaction } else { String::new() })
        }
        "7" => {
            customer.is_cancelled = true;
            Ok(String::new())
        }
        _ => Err("no such operation".to_owned()),
    }
}

/// Charges a customer and starts to send the callback. Returns the transaction.
fn charge(system: &ChronoPay, customer: &Customer, price: Price) -> String {
    let transaction = system.next_transaction().to_string();
    let callback = customer
        .purchase
        .clone()
        .with("transaction_type", types::REBILL)
        .with("transaction_id", &transaction)
        .with("total", &price.to_string());
    let callback = dated(callback, OffsetDateTime::now_utc()).sign(system.config.shared_sec.expose());
    let step = Step {
        transaction_id: transaction.clone(),
        order: callback.get("cs1").to_owned(),
        body: callback.encode(),
        answer: Answer::Awaited,
        expected: None,
    };
    // Nobody waits for it to be sent.
    drop(system.courier().begin(customer.way.clone(), Plan::at_once(vec![step])));
    transaction
}

/// Returns the text of an element, or an empty text.
fn element<'x>(xml: &'x str, name: &str) -> &'x str {
    let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
    xml.split_once(&begin).and_then(|(_, rest)| rest.split_once(&end)).map_or("", |(text, _)| text)
}
