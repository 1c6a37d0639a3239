//! ChronoPay's gate: charges a customer again, and ends a subscription.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::callback::Callback;
use super::config::Config;
use super::sign::sign_gate;
use crate::api::ApiAnswer;
use crate::courier::Way;
use crate::price::Price;

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

/// The gate of a merchant.
pub struct Gate<'g> {
    pub config: &'g Config,
    /// Who paid, by `customer_id`.
    pub customers: &'g Mutex<BTreeMap<String, Customer>>,
    /// Charges a customer, and returns the transaction.
    pub charge: &'g dyn Fn(&Customer, Price) -> String,
}

impl Gate<'_> {
    /// Answers a request in XML.
    pub fn answer(&self, body: &[u8]) -> ApiAnswer {
        let (code, message, transaction) = match self.execute(&String::from_utf8_lossy(body)) {
            Ok(transaction) => ("000", "", transaction),
            Err(message) => ("1", message, String::new()),
        };
        ApiAnswer::xml(&format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<response><code>{code}</code><message>{message}</message>\
             <Transaction>{transaction}</Transaction></response>"
        ))
    }

    /// Executes a request. Returns the transaction of a charge, if the answer is to name it.
    fn execute(&self, xml: &str) -> Result<String, &'static str> {
        let config = self.config;
        let (opcode, product) = (element(xml, "Opcode"), element(xml, "Product"));
        if product != config.product_id {
            return Err("no such product");
        }
        if element(xml, "hash") != sign_gate(config.shared_sec.expose(), opcode, product) {
            return Err("wrong hash");
        }
        let mut customers = self.customers.lock().unwrap_or_else(PoisonError::into_inner);
        let customer = customers.get_mut(element(xml, "Customer")).ok_or("no such customer")?;
        match opcode {
            "3" if customer.is_cancelled => Err("the subscription has ended"),
            "3" => {
                let price = Price::parse(element(xml, "amount")).ok_or("no such amount")?;
                let transaction = (self.charge)(customer, price);
                Ok(if config.gate_names_transaction { transaction } else { String::new() })
            }
            "7" => {
                customer.is_cancelled = true;
                Ok(String::new())
            }
            _ => Err("no such operation"),
        }
    }
}

/// Returns the text of an element, or an empty text.
fn element<'x>(xml: &'x str, name: &str) -> &'x str {
    let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
    xml.split_once(&begin).and_then(|(_, rest)| rest.split_once(&end)).map_or("", |(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    // md5("TestSharedSec001-7-001234-0001-0001") by Python's hashlib.
    #[test]
    fn requests_are_verified() {
        let (config, customers) = (Config::new("TestSharedSec001", "001234-0001-0001"), Mutex::default());
        let gate = Gate { config: &config, customers: &customers, charge: &|_, _| panic!("nobody has paid") };
        let request = |hash: &str, product: &str| {
            format!("<request><Opcode>7</Opcode><hash>{hash}</hash><Product>{product}</Product></request>")
        };
        let hash = "d405e31deab11497d182cc46b8ac589d";
        for (request, want) in [
            (request(hash, "001234-0001-0001"), "no such customer"),
            (request("0", "001234-0001-0001"), "wrong hash"),
            (request(hash, "001234-0001-0002"), "no such product"),
            (String::new(), "no such product"),
        ] {
            assert_eq!(gate.execute(&request), Err(want), "{request}");
        }
    }
}
