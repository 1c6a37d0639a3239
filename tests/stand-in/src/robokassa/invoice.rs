//! Invoices, and the question about their state (OpStateExt).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::config::Config;
use super::notification::out_sum;
use super::sign::sign_op_state;
use crate::api::ApiAnswer;
use crate::form::Form;
use crate::price::Price;

/// The path of the question.
pub const OP_STATE: &str = "/Merchant/WebService/Service.asmx/OpStateExt";

/// The invoices that were paid or cancelled, without test payments, by their numbers.
pub type Invoices = Mutex<BTreeMap<u64, Invoice>>;

/// The state of an invoice, with Robokassa's code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Cancelled = 10,
    Paid = 100,
}

/// An invoice that was paid or cancelled.
pub struct Invoice {
    pub state: State,
    pub price: Price,
    /// The key of its operation.
    pub op_key: String,
    pub refunds: Vec<Refund>,
    own: Vec<(String, String)>,
}

/// A refund of an invoice.
pub struct Refund {
    pub id: String,
    pub minor_units: u64,
    /// Whether its state was queried.
    pub was_queried: bool,
}

impl Invoice {
    pub fn new(inv_id: u64, state: State, price: Price, own: Vec<(String, String)>) -> Invoice {
        let op_key = format!("4C9A5F80-1A2B-4C3D-8E9F-{inv_id:012X}-stand");
        Invoice { state, price, op_key, refunds: Vec::new(), own }
    }
}

/// Answers the question.
pub fn op_state(config: &Config, invoices: &Invoices, query: &str) -> ApiAnswer {
    let form = Form::parse(query.as_bytes()).unwrap_or_default();
    let (merchant_login, inv_id) = (form.get("MerchantLogin"), form.get("InvoiceID"));
    if merchant_login != config.merchant_login {
        return answer(2, "");
    }
    let signature = sign_op_state(config.hash, [merchant_login, inv_id], config.passwords.second.expose());
    if !form.get("Signature").eq_ignore_ascii_case(&signature) {
        return answer(1, "");
    }
    let invoices = invoices.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(invoice) = inv_id.parse().ok().and_then(|inv_id: u64| invoices.get(&inv_id)) else { return answer(3, "") };
    let sum = out_sum(invoice.price, false);
    let field = |(name, value): &(String, String)| format!("<Field><Name>{name}</Name><Value>{value}</Value></Field>");
    let own: String = invoice.own.iter().map(field).collect();
    let rest = format!(
        "<State><Code>{}</Code><RequestDate>2026-11-28T10:00:00.1234567+03:00</RequestDate>\
         <StateDate>2026-11-28T10:00:01.1234567+03:00</StateDate></State>\
         <Info><IncCurrLabel>BankCardPSR</IncCurrLabel><IncSum>{sum}</IncSum><PaymentMethod><Code>BankCard</Code></PaymentMethod>\
         <OutCurrLabel>RUR</OutCurrLabel><OutSum>{sum}</OutSum><OpKey>{}</OpKey></Info><UserField>{own}</UserField>",
        invoice.state as u8, invoice.op_key
    );
    answer(0, &rest)
}

fn answer(code: u16, rest: &str) -> ApiAnswer {
    ApiAnswer::xml(&format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<OperationStateResponse xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
         xmlns=\"http://auth.robokassa.ru/Merchant/WebService/\"><Result><Code>{code}</Code></Result>{rest}</OperationStateResponse>"
    ))
}

#[cfg(test)]
mod tests {
    use super::super::config::Passwords;
    use super::*;

    // md5("robo-demo-test:42:TestPassword2") by Python's hashlib.
    #[test]
    fn questions_are_verified() {
        let config = Config::new("robo-demo-test", Passwords::new("TestPassword1", "TestPassword2"), "http://127.0.0.1/");
        let own = vec![("Shp_order".to_owned(), "42".to_owned())];
        let price = Price::parse("100.00").unwrap();
        let invoices = Mutex::new(BTreeMap::from([(42, Invoice::new(42, State::Paid, price, own))]));
        for (query, want) in [
            (
                "MerchantLogin=robo-demo-test&InvoiceID=42&Signature=3b86dc556b791e9ae8ae90b0a6a3f85b",
                "<Result><Code>0</Code></Result><State><Code>100</Code>",
            ),
            ("MerchantLogin=robo-demo-test&InvoiceID=43&Signature=3b86dc556b791e9ae8ae90b0a6a3f85b", "<Code>1</Code>"),
            ("MerchantLogin=other&InvoiceID=42&Signature=3b86dc556b791e9ae8ae90b0a6a3f85b", "<Code>2</Code>"),
            ("", "<Code>2</Code>"),
        ] {
            let answer = String::from_utf8(op_state(&config, &invoices, query).body).unwrap();
            assert!(answer.contains(want), "{query}: {answer}");
        }
    }
}
