//! A stand-in for YooKassa's API, version 3: payments and refunds, and its notifications, which nothing signs.
//!
//! This follows YooKassa's documentation. What that leaves open is an assumption here: of each payment 3.5 % are kept; a refund of a
//! payment by «СБП» is pending until a test or a person ends it; a refund that cannot be is an invalid request; one that is canceled
//! has no notification.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{ApiAnswer, ApiRequest, Notification, PaymentApi, PaymentRow, RefundEnd, RefundRow, RefundState};
use crate::price::Price;
use crate::secret::Secret;

const DESCRIPTION_CHARS_MAX: usize = 128;
const KEY_CHARS_MAX: usize = 64;
const VAT_CODES: std::ops::RangeInclusive<u64> = 1..=12;
/// What is kept of each payment, in thousandths.
const FEE_THOUSANDTHS: u64 = 35;

/// The merchant's shop.
pub struct Config {
    /// `shopId`.
    pub shop_id: String,
    /// The secret key.
    pub secret_key: Secret,
    /// Where notifications go.
    pub callback_url: String,
    /// Whether it is a test shop.
    pub is_test: bool,
    /// What the ids of payments and refunds are made of, so that two stand-ins have different ones.
    pub first_id: u64,
}

struct Payment {
    id: String,
    shop_id: String,
    amount: u64,
    refunded: u64,
    status: &'static str,
    /// Why it was canceled.
    reason: &'static str,
    /// The request's fields that the object repeats.
    description: Value,
    metadata: Value,
    method: String,
    confirmation: Value,
}

struct Refund {
    id: String,
    payment: String,
    amount: u64,
    /// Its Idempotence-Key.
    key: String,
    state: RefundState,
    metadata: Value,
}

/// YooKassa with one shop of the merchant's, and what other shops have.
pub struct YooKassa {
    config: Config,
    payments: Vec<Payment>,
    refunds: Vec<Refund>,
    /// The ids of what was made, by the path and the key of the request.
    known_keys: HashMap<(String, String), String>,
    ids: u64,
}

/// An error of the API: status, code, the parameter, and what is wrong.
type Refusal = (u16, &'static str, &'static str, &'static str);

const NO_PAYMENT: Refusal = (404, "not_found", "payment_id", "Payment doesn't exist or access denied");
const NO_REFUND: Refusal = (404, "not_found", "refund_id", "Refund doesn't exist or access denied");

const fn invalid(parameter: &'static str, description: &'static str) -> Refusal {
    (400, "invalid_request", parameter, description)
}

impl YooKassa {
    /// Creates a shop without payments.
    pub fn new(config: Config) -> YooKassa {
        let ids = config.first_id;
        YooKassa { config, payments: Vec::new(), refunds: Vec::new(), known_keys: HashMap::new(), ids }
    }

    /// The payer's money is reserved.
    ///
    /// # Errors
    /// If there is no such payment, or it is not pending.
    pub fn hold(&mut self, payment: &str) -> Result<Vec<Notification>, String> {
        self.change(payment, "pending", "waiting_for_capture", "")
    }

    /// The merchant releases the reserve.
    ///
    /// # Errors
    /// If there is no such payment, or its money is not reserved.
    pub fn release(&mut self, payment: &str) -> Result<Vec<Notification>, String> {
        self.change(payment, "waiting_for_capture", "canceled", "canceled_by_merchant")
    }

    /// Another shop is paid, and its payment names this order. Returns the payment's id.
    pub fn pay_another_shop(&mut self, order: &str, minor_units: u64) -> String {
        let id = self.next_id();
        self.payments.push(Payment {
            id: id.clone(),
            shop_id: format!("{}1", self.config.shop_id),
            amount: minor_units,
            refunded: 0,
            status: "succeeded",
            reason: "",
            description: Value::Null,
            metadata: json!({ "order_id": order }),
            method: "bank_card".to_owned(),
            confirmation: Value::Null,
        });
        id
    }

    /// Returns the notification that a forger sends: that this order is paid by a payment of any id.
    pub fn forged(&self, event: &str, id: &str, order: &str, minor_units: u64) -> Notification {
        let object = json!({
            "id": id, "status": "succeeded", "paid": true, "test": false, "amount": amount(minor_units),
            "recipient": { "account_id": self.config.shop_id, "gateway_id": "1" }, "metadata": { "order_id": order },
        });
        self.notification(event, &object)
    }

    /// Returns the notification of a payment's present status.
    pub fn payment_notification(&self, payment: &str) -> Option<Notification> {
        let payment = self.find(payment).ok()?;
        Some(self.notification(&format!("payment.{}", payment.status), &self.payment_object(payment)))
    }

    /// Returns the notification of a refund that succeeded.
    pub fn refund_notification(&self, refund: &str) -> Option<Notification> {
        let refund = self.refunds.iter().find(|found| found.id == refund && found.state == RefundState::Done)?;
        Some(self.notification("refund.succeeded", &refund_object(refund)))
    }

    fn notification(&self, event: &str, object: &Value) -> Notification {
        Notification::json(&self.config.callback_url, &json!({ "type": "notification", "event": event, "object": object }))
    }

    fn change(
        &mut self,
        payment: &str,
        from: &str,
        to: &'static str,
        reason: &'static str,
    ) -> Result<Vec<Notification>, String> {
        let found = self.payments.iter_mut().find(|found| found.id == payment);
        let found = found.ok_or_else(|| format!("there is no payment {payment}"))?;
        if found.status != from {
            return Err(format!("the payment is {}, not {from}", found.status));
        }
        (found.status, found.reason) = (to, reason);
        Ok(self.payment_notification(payment).into_iter().collect())
    }

    fn next_id(&mut self) -> String {
        self.ids += 1;
        format!("2c{:06x}-000f-5000-8000-{:012x}", self.ids & 0xff_ffff, self.ids)
    }

    /// Finds a payment of the merchant's own shop.
    fn find(&self, id: &str) -> Result<&Payment, Refusal> {
        let mut own = self.payments.iter().filter(|payment| payment.shop_id == self.config.shop_id);
        own.find(|payment| payment.id == id).ok_or(NO_PAYMENT)
    }

    fn execute(&mut self, request: &ApiRequest) -> Result<Value, Refusal> {
        let expected = (self.config.shop_id.clone(), self.config.secret_key.expose().to_owned());
        if request.basic() != Some(expected) {
            return Err((401, "invalid_credentials", "", "Error in shopId or secret key"));
        }
        let path = request.path.strip_prefix("/v3/").unwrap_or_default();
        match (request.method.as_str(), path.split_once('/').unwrap_or((path, ""))) {
            ("POST", ("payments", "")) => self.once(request, |system| system.create_payment(request)),
            ("POST", ("refunds", "")) => self.once(request, |system| system.create_refund(request)),
            ("GET", ("payments", id)) => self.find(id).map(|payment| self.payment_object(payment)),
            ("GET", ("refunds", "")) => self.list_refunds(&request.query),
            ("GET", ("refunds", id)) => self.refunds.iter().find(|refund| refund.id == id).map(refund_object).ok_or(NO_REFUND),
            _ => Err((404, "not_found", "", "Resource not found")),
        }
    }

    /// Executes a request once for its key: afterwards it returns what was made, as it is now.
    fn once(
        &mut self,
        request: &ApiRequest,
        create: impl FnOnce(&mut YooKassa) -> Result<String, Refusal>,
    ) -> Result<Value, Refusal> {
        let key = request.header("idempotence-key").to_owned();
        if key.is_empty() || key.chars().count() > KEY_CHARS_MAX {
            return Err(invalid("Idempotence-Key", "Idempotence key is missing or longer than 64 characters"));
        }
        let known = (request.path.clone(), key);
        let id = match self.known_keys.get(&known) {
            Some(id) => id.clone(),
            None => {
                let id = create(self)?;
                self.known_keys.insert(known, id.clone());
                id
            }
        };
        let refund = self.refunds.iter().find(|refund| refund.id == id).map(refund_object);
        refund.map_or_else(|| self.find(&id).map(|payment| self.payment_object(payment)), Ok)
    }

    fn create_payment(&mut self, request: &ApiRequest) -> Result<String, Refusal> {
        let body = request.json();
        let amount = price(&body["amount"]).ok_or(invalid("amount", "Incorrect amount"))?;
        check_receipt(&body["receipt"], amount)?;
        let description = body["description"].clone();
        if description.as_str().is_some_and(|text| text.chars().count() > DESCRIPTION_CHARS_MAX) {
            return Err(invalid("description", "Description is longer than 128 characters"));
        }
        let method = body["payment_method_data"]["type"].as_str().unwrap_or("bank_card").to_owned();
        let id = self.next_id();
        let confirmation = match body["confirmation"]["type"].as_str() {
            Some("redirect") if body["confirmation"]["return_url"].is_string() => {
                json!({ "type": "redirect", "confirmation_url": request.payment_page(&id) })
            }
            Some("qr") if method == "sbp" => {
                let code = format!("https://qr.nspk.ru/AS{:030}?type=02&sum={amount}&cur=RUB&crc=0000", self.ids);
                json!({ "type": "qr", "confirmation_data": code })
            }
            _ => return Err(invalid("confirmation", "Incorrect confirmation")),
        };
        let (shop_id, metadata) = (self.config.shop_id.clone(), body["metadata"].clone());
        let (refunded, status, reason) = (0, "pending", "");
        self.payments.push(Payment {
            id: id.clone(),
            shop_id,
            amount,
            refunded,
            status,
            reason,
            description,
            metadata,
            method,
            confirmation,
        });
        Ok(id)
    }

    fn create_refund(&mut self, request: &ApiRequest) -> Result<String, Refusal> {
        let body = request.json();
        let amount = price(&body["amount"]).ok_or(invalid("amount", "Incorrect amount"))?;
        check_receipt(&body["receipt"], amount)?;
        let payment = body["payment_id"].as_str().unwrap_or_default().to_owned();
        self.add_refund(&payment, amount, request.header("idempotence-key"), body["metadata"].clone())
    }

    fn add_refund(&mut self, payment: &str, amount: u64, key: &str, metadata: Value) -> Result<String, Refusal> {
        self.find(payment)?;
        let id = self.next_id();
        let found = self.payments.iter_mut().find(|found| found.id == payment).ok_or(NO_PAYMENT)?;
        if found.status != "succeeded" {
            return Err(invalid("payment_id", "Payment is not succeeded"));
        }
        if found.refunded + amount > found.amount {
            return Err(invalid("amount", "Refund amount is larger than what is left of the payment"));
        }
        found.refunded += amount;
        let state = if found.method == "sbp" { RefundState::UnderWay } else { RefundState::Done };
        let (payment, key) = (payment.to_owned(), key.to_owned());
        self.refunds.push(Refund { id: id.clone(), payment, amount, key, state, metadata });
        Ok(id)
    }

    fn list_refunds(&self, query: &str) -> Result<Value, Refusal> {
        let values: HashMap<_, _> = form_urlencoded::parse(query.as_bytes()).collect();
        let payment = values.get("payment_id").map(|id| id.to_string());
        let limit: usize = values.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(10);
        let of_payment = |refund: &&Refund| payment.as_ref().is_none_or(|payment| refund.payment == *payment);
        let all: Vec<&Refund> = self.refunds.iter().rev().filter(of_payment).collect();
        let items: Vec<Value> = all.iter().take(limit).map(|refund| refund_object(refund)).collect();
        let mut list = json!({ "type": "list", "items": items });
        if all.len() > limit {
            list["next_cursor"] = json!("37a5c87d-3984-51e8-a7f3-8de646d39ec15");
        }
        Ok(list)
    }

    fn payment_object(&self, payment: &Payment) -> Value {
        let mut object = json!({
            "id": payment.id,
            "status": payment.status,
            "amount": amount(payment.amount),
            "recipient": { "account_id": payment.shop_id, "gateway_id": "100700" },
            "payment_method": { "type": payment.method, "id": payment.id, "saved": false, "title": "Bank card *4444" },
            "created_at": "2026-11-28T09:59:30.112Z",
            "test": self.config.is_test,
            "paid": matches!(payment.status, "succeeded" | "waiting_for_capture"),
            "refundable": payment.status == "succeeded" && payment.refunded < payment.amount,
            "metadata": if payment.metadata.is_object() { payment.metadata.clone() } else { Value::Object(Map::new()) },
        });
        match payment.status {
            "pending" => object["confirmation"] = payment.confirmation.clone(),
            "succeeded" => {
                object["captured_at"] = json!("2026-11-28T10:00:05.129Z");
                object["income_amount"] = amount(payment.amount - payment.amount * FEE_THOUSANDTHS / 1000);
                object["refunded_amount"] = amount(payment.refunded);
            }
            "waiting_for_capture" => object["expires_at"] = json!("2026-12-05T10:00:05.129Z"),
            _ => object["cancellation_details"] = json!({ "party": "payment_network", "reason": payment.reason }),
        }
        if payment.description.is_string() {
            object["description"] = payment.description.clone();
        }
        object
    }
}

impl PaymentApi for YooKassa {
    const NAME: &'static str = "ЮKassa";

    fn answer(&mut self, request: &ApiRequest) -> ApiAnswer {
        match self.execute(request) {
            Ok(object) => ApiAnswer::json(200, &object),
            Err((status, code, parameter, description)) => {
                let mut error = json!({ "type": "error", "id": "ab5a11cd-13cc-4e33-af8b-75a74e18dd09", "code": code });
                error["description"] = json!(description);
                if !parameter.is_empty() {
                    error["parameter"] = json!(parameter);
                }
                ApiAnswer::json(status, &error)
            }
        }
    }

    fn pay(&mut self, payment: &str) -> Result<Vec<Notification>, String> {
        self.change(payment, "pending", "succeeded", "")
    }

    fn refund(&mut self, payment: &str, minor_units: Option<u64>) -> Result<Vec<Notification>, String> {
        let left = self.find(payment).map(|payment| payment.amount - payment.refunded).unwrap_or_default();
        let refund = self.add_refund(payment, minor_units.unwrap_or(left), "", Value::Null);
        let refund = refund.map_err(|(_, _, _, description)| description.to_owned())?;
        Ok(self.refund_notification(&refund).into_iter().collect())
    }

    fn payments(&self) -> Vec<PaymentRow> {
        let row = |payment: &Payment| PaymentRow {
            id: payment.id.clone(),
            order: payment.metadata["order_id"].as_str().unwrap_or_default().to_owned(),
            minor_units: payment.amount,
            refunded: payment.refunded,
            status: payment.status.to_owned(),
            is_open: payment.status == "pending",
        };
        self.payments.iter().map(row).collect()
    }

    fn decline(&mut self, payment: &str) -> Result<Vec<Notification>, String> {
        self.change(payment, "pending", "canceled", "insufficient_funds")
    }

    fn end_refund(&mut self, refund: &str, end: RefundEnd) -> Result<Vec<Notification>, String> {
        let found = self.refunds.iter_mut().find(|found| found.id == refund && found.state == RefundState::UnderWay);
        let found = found.ok_or_else(|| format!("no refund {refund} is under way"))?;
        found.state = end.into();
        if end == RefundEnd::Refused {
            let (payment, amount) = (found.payment.clone(), found.amount);
            let payment = self.payments.iter_mut().find(|found| found.id == payment);
            payment.into_iter().for_each(|payment| payment.refunded -= amount);
        }
        Ok(self.refund_notification(refund).into_iter().collect())
    }

    fn refund_key(&self, request: &ApiRequest) -> Option<String> {
        let is_refund = request.method == "POST" && request.path == "/v3/refunds";
        is_refund.then(|| request.header("idempotence-key").to_owned())
    }

    fn refunds(&self) -> Vec<RefundRow> {
        let row = |refund: &Refund| RefundRow {
            id: refund.id.clone(),
            payment: refund.payment.clone(),
            key: refund.key.clone(),
            minor_units: refund.amount,
            state: refund.state,
        };
        self.refunds.iter().map(row).collect()
    }
}

fn refund_object(refund: &Refund) -> Value {
    let mut object = json!({
        "id": refund.id,
        "status": match refund.state {
            RefundState::UnderWay => "pending",
            RefundState::Done => "succeeded",
            RefundState::Refused => "canceled",
        },
        "amount": amount(refund.amount),
        "created_at": "2026-11-28T12:30:00.031Z",
        "payment_id": refund.payment,
    });
    if refund.state == RefundState::Refused {
        object["cancellation_details"] = json!({ "party": "refund_network", "reason": "rejected_by_payee" });
    }
    if refund.metadata.is_object() {
        object["metadata"] = refund.metadata.clone();
    }
    object
}

fn amount(minor_units: u64) -> Value {
    json!({ "value": Price::of_minor_units(minor_units).to_string(), "currency": "RUB" })
}

/// Returns the minor units of an amount that is positive and in roubles.
fn price(amount: &Value) -> Option<u64> {
    let price = Price::parse(amount["value"].as_str()?)?;
    (amount["currency"] == "RUB").then(|| price.minor_units())
}

/// Checks that the items of a receipt, if there is one, add up to the amount.
fn check_receipt(receipt: &Value, amount: u64) -> Result<(), Refusal> {
    if receipt.is_null() {
        return Ok(());
    }
    let wrong = invalid("receipt", "Receipt is incorrect");
    let customer = &receipt["customer"];
    if !customer["email"].is_string() && !customer["phone"].is_string() {
        return Err(invalid("receipt.customer", "Receipt has neither email nor phone"));
    }
    let mut total = 0;
    for item in receipt["items"].as_array().ok_or(wrong)? {
        let thousandths = item["quantity"].as_str().and_then(|text| text.replace('.', "").parse::<u64>().ok()).ok_or(wrong)?;
        total += (price(&item["amount"]).ok_or(wrong)? * thousandths + 500) / 1000;
        let has_all =
            item["description"].is_string() && item["vat_code"].as_u64().is_some_and(|code| VAT_CODES.contains(&code));
        if !has_all {
            return Err(wrong);
        }
    }
    if total == amount { Ok(()) } else { Err(invalid("receipt", "Receipt doesn't add up to the amount")) }
}
