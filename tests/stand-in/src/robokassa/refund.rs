//! The Refund API.

use std::sync::PoisonError;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::config::Config;
use super::invoice::{Invoice, Invoices, Refund, State};
use super::jwt;
use crate::api::ApiAnswer;
use crate::form::Form;
use crate::price::Price;

/// The path of the Refund API, without a slash at its end.
pub const REFUNDS: &str = "/RefundService/Refund";

/// What a request says.
#[derive(Deserialize)]
struct Request {
    #[serde(rename = "OpKey")]
    op_key: String,
    /// None: all that is left.
    #[serde(rename = "RefundSum")]
    sum: Option<Box<RawValue>>,
}

/// Returns the path of an operation.
pub fn path_of(operation: &str) -> String {
    [REFUNDS, "/", operation].concat()
}

/// Makes a refund. Each request makes another one.
pub fn create(config: &Config, invoices: &Invoices, token: &[u8]) -> ApiAnswer {
    let made = config
        .password_3
        .as_ref()
        .and_then(|password_3| jwt::read(token, password_3.expose().as_bytes()))
        .ok_or("InvalidSignature")
        .and_then(|payload| serde_json::from_slice(&payload).map_err(|_| "BadRequest"))
        .and_then(|request| refund(invoices, &request));
    let answer = match made {
        Ok(id) => json!({ "success": true, "message": null, "requestId": id }),
        Err(message) => json!({ "success": false, "message": message, "requestId": null }),
    };
    ApiAnswer::json(200, &answer)
}

fn refund(invoices: &Invoices, request: &Request) -> Result<String, &'static str> {
    let mut invoices = invoices.lock().unwrap_or_else(PoisonError::into_inner);
    let number = invoices.values().map(|invoice| invoice.refunds.len()).sum::<usize>() + 1;
    let is_named = |invoice: &&mut Invoice| request.op_key == invoice.op_key && invoice.state == State::Paid;
    let invoice = invoices.values_mut().find(is_named).ok_or("OperationNotFound")?;
    let refunded: u64 = invoice.refunds.iter().map(|refund| refund.minor_units).sum();
    let left = invoice.price.minor_units() - refunded;
    let minor_units = match &request.sum {
        Some(sum) => Price::parse(sum.get()).ok_or("InvalidRefundSum")?.minor_units(),
        None => left,
    };
    if minor_units == 0 || minor_units > left {
        return Err("NotEnoughOperationFunds");
    }
    let id = format!("cf15fd52-d2d1-4fc4-b9c0-{number:012x}");
    invoice.refunds.push(Refund { id: id.clone(), minor_units, was_queried: false });
    Ok(id)
}

/// Answers the question about a refund's state.
pub fn get_state(invoices: &Invoices, query: &str) -> ApiAnswer {
    let form = Form::parse(query.as_bytes()).unwrap_or_default();
    let mut invoices = invoices.lock().unwrap_or_else(PoisonError::into_inner);
    let mut refunds = invoices.values_mut().flat_map(|invoice| &mut invoice.refunds);
    let Some(refund) = refunds.find(|refund| refund.id == form.get("id")) else {
        return ApiAnswer::json(400, &json!({ "message": "Id is invalid or request id does not exist" }));
    };
    let label = if std::mem::replace(&mut refund.was_queried, true) { "finished" } else { "processing" };
    let amount = Price::of_minor_units(refund.minor_units);
    // An amount has six decimals, which a JSON writer would drop.
    let body = format!("{{\"requestId\":\"{}\",\"amount\":{amount}0000,\"label\":\"{label}\"}}", refund.id);
    ApiAnswer { status: 200, content_type: "application/json", body: body.into_bytes() }
}
