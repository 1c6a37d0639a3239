//! Invoices, and the question about their state (OpStateExt).

use std::sync::PoisonError;

use super::notification::out_sum;
use super::refund::Refund;
use super::sign::sign_op_state;
use super::system::Robokassa;
use crate::api::ApiAnswer;
use crate::form::Form;
use crate::price::Price;

/// The path of the question.
pub const OP_STATE: &str = "/Merchant/WebService/Service.asmx/OpStateExt";

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

impl Invoice {
    pub fn new(inv_id: u64, state: State, price: Price, own: Vec<(String, String)>) -> Invoice {
        let op_key = format!("4C9A5F80-1A2B-4C3D-8E9F-{inv_id:012X}-stand");
        Invoice { state, price, op_key, refunds: Vec::new(), own }
    }
}

/// Answers the question.
pub fn op_state(system: &Robokassa, query: &str) -> ApiAnswer {
    let form = Form::parse(query.as_bytes()).unwrap_or_default();
    let config = &system.config;
    let signed = [form.get("MerchantLogin"), form.get("InvoiceID")];
    if signed[0] != config.merchant_login {
        return answer(2, "");
    }
    if !form.get("Signature").eq_ignore_ascii_case(&sign_op_state(config.hash, signed, config.passwords.second.expose())) {
        return answer(1, "");
    }
    let invoices = system.invoices.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(invoice) = signed[1].parse().ok().and_then(|inv_id: u64| invoices.get(&inv_id)) else { return answer(3, "") };
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
