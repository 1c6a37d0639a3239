//! A stand-in for CloudPayments: `/orders/create`, `/payments/qr/sbp/link`, `/v2/payments/find`, `/payments/get`, `/payments/refund` and
//! `/v2/payments/list`, and its notifications by their addresses.
//!
//! This follows CloudPayments' documentation. What that leaves open is an assumption here: `Type` is 0 of a payment and 1 of a refund; a
//! refund by «СБП» awaits its end until a test or a person says so ([`PaymentApi::end_refund`]), and has no notification if it is declined;
//! a payment whose Check was declined stays paid in the API, since the payer paid before the reply is known.

mod sign;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{ApiAnswer, ApiRequest, Notification, PaymentApi, PaymentRow, RefundEnd, RefundRow, RefundState, Reply};
use crate::form::Form;
use crate::price::Price;
use crate::secret::Secret;

pub use sign::content_hmac;

/// The merchant's site.
pub struct Config {
    /// Public ID.
    pub public_id: String,
    /// API Secret.
    pub api_secret: Secret,
    /// The callback address, to which `/check`, `/pay` and so on are added.
    pub callback_url: String,
    /// The number of the first transaction.
    pub first_transaction: u64,
    /// Whether the site is in test mode.
    pub is_test: bool,
}

struct Transaction {
    id: u64,
    order: String,
    account: String,
    amount: u64,
    currency: String,
    status: &'static str,
    is_sbp: bool,
    /// Of a refund: what it pays back.
    original: Option<u64>,
    /// Of a refund: its X-Request-ID.
    request: String,
}

/// CloudPayments with a single site.
pub struct CloudPayments {
    config: Config,
    transactions: Vec<Transaction>,
    /// What was answered under an `X-Request-ID`.
    known: BTreeMap<String, ApiAnswer>,
}

/// Why a request is refused: `Message`.
type Refusal = &'static str;

const NOT_FOUND: Refusal = "Not found";
const INVALID_AMOUNT: Refusal = "Invalid Amount value";
const INVALID_REQUEST: Refusal = "Invalid request";
const NOT_COMPLETED: Refusal = "Транзакция не завершена";
const TOO_MUCH: Refusal = "Сумма возврата больше суммы транзакции";

/// Every time of this stand-in, in UTC.
const TIME: &str = "2026-11-28 10:00:05";

impl CloudPayments {
    /// Creates a site without transactions.
    pub fn new(config: Config) -> CloudPayments {
        CloudPayments { config, transactions: Vec::new(), known: BTreeMap::new() }
    }

    /// The payer's money is reserved.
    ///
    /// # Errors
    /// If there is no such payment.
    pub fn hold(&mut self, payment: &str) -> Result<Vec<Notification>, String> {
        self.change(payment, "Authorized")?;
        Ok(vec![self.notification("/check", payment)?, self.notification("/pay", payment)?])
    }

    /// The merchant takes the money that is reserved.
    ///
    /// # Errors
    /// If there is no such payment.
    pub fn confirm(&mut self, payment: &str) -> Result<Vec<Notification>, String> {
        self.change(payment, "Completed")?;
        Ok(vec![self.notification("/confirm", payment)?])
    }

    /// The merchant cancels a hold, or a payment on its day.
    ///
    /// # Errors
    /// If there is no such payment.
    pub fn cancel(&mut self, payment: &str) -> Result<Vec<Notification>, String> {
        self.change(payment, "Cancelled")?;
        Ok(vec![self.notification("/cancel", payment)?])
    }

    /// Returns the notification of a kind, which its address names, about a transaction.
    ///
    /// # Errors
    /// If there is no such transaction.
    pub fn notification(&self, kind: &str, transaction: &str) -> Result<Notification, String> {
        let transaction = self.find(transaction).ok_or_else(|| unknown(transaction))?;
        let mut form = Form::default();
        form.set("TransactionId", &transaction.id.to_string());
        form.set("Amount", &decimal(transaction.amount));
        form.set("DateTime", TIME);
        form.set("InvoiceId", &transaction.order);
        form.set("AccountId", &transaction.account);
        match kind {
            "/refund" => {
                form.set("PaymentTransactionId", &transaction.original.unwrap_or_default().to_string());
                form.set("OperationType", "Refund");
            }
            "/cancel" => {}
            _ => self.write_payment(kind, transaction, &mut form),
        }
        let url = [&self.config.callback_url, kind].concat();
        let code = content_hmac(self.config.api_secret.expose(), &form.encode());
        Ok(Notification::form(&url, &form).with_header("Content-HMAC", &code))
    }

    fn write_payment(&self, kind: &str, transaction: &Transaction, form: &mut Form) {
        form.set("Currency", &transaction.currency);
        form.set("PaymentAmount", &decimal(transaction.amount));
        form.set("PaymentCurrency", &transaction.currency);
        form.set("CardFirstSix", "424242");
        form.set("CardLastFour", "4242");
        form.set("TestMode", if self.config.is_test { "1" } else { "0" });
        form.set("PaymentMethod", if transaction.is_sbp { "Sbp" } else { "" });
        match kind {
            "/fail" => {
                form.set("Reason", "InsufficientFunds");
                form.set("ReasonCode", "5051");
            }
            // A Check comes before the payment, and says what it will be.
            _ => form.set("Status", if transaction.status == "Authorized" { "Authorized" } else { "Completed" }),
        }
        if kind != "/confirm" {
            form.set("OperationType", "Payment");
        }
        if kind == "/pay" {
            form.set("GatewayName", "Test");
            form.set("TotalFee", &decimal(fee(transaction)));
        }
    }

    fn change(&mut self, payment: &str, status: &'static str) -> Result<(), String> {
        let found = self.transactions.iter_mut().find(|found| found.id.to_string() == payment && found.original.is_none());
        found.map(|found| found.status = status).ok_or_else(|| unknown(payment))
    }

    fn find(&self, id: &str) -> Option<&Transaction> {
        self.transactions.iter().find(|found| found.id.to_string() == id)
    }

    fn execute(&mut self, request: &ApiRequest) -> Result<Value, Refusal> {
        let call = request.json();
        match request.path.as_str() {
            "/orders/create" => self.order(&call, request),
            "/payments/qr/sbp/link" => self.sbp(&call, request),
            "/payments/refund" => {
                let id = text(&call, "TransactionId");
                self.pay_back(&id, amount(request)?, request.header("x-request-id"))
                    .map(|refund| json!({ "TransactionId": refund }))
            }
            "/payments/get" => self.find(&text(&call, "TransactionId")).map(|found| self.model(found)).ok_or(NOT_FOUND),
            "/v2/payments/find" => {
                let order = text(&call, "InvoiceId");
                let mut found = self.transactions.iter().filter(|found| found.order == order && found.status != "Created");
                found.next_back().map(|found| self.model(found)).ok_or(NOT_FOUND)
            }
            "/v2/payments/list" => Ok(self.list(&call)),
            _ => Err(INVALID_REQUEST),
        }
    }

    fn create(&mut self, call: &Value, amount: u64, is_sbp: bool) -> Result<u64, Refusal> {
        let (order, description) = (text(call, "InvoiceId"), text(call, "Description"));
        if description.is_empty() {
            return Err(INVALID_REQUEST);
        }
        let (account, currency) = (text(call, "AccountId"), text(call, "Currency"));
        let status = "Created";
        Ok(self.add(Transaction {
            id: 0,
            order,
            account,
            amount,
            currency,
            status,
            is_sbp,
            original: None,
            request: String::new(),
        }))
    }

    fn add(&mut self, transaction: Transaction) -> u64 {
        let id = self.config.first_transaction + u64::try_from(self.transactions.len()).unwrap_or_default();
        self.transactions.push(Transaction { id, ..transaction });
        id
    }

    fn order(&mut self, call: &Value, request: &ApiRequest) -> Result<Value, Refusal> {
        let id = self.create(call, amount(request)?, false)?;
        let order = json!({
            "Id": format!("f2K8{id}"),
            "Number": id,
            "Amount": number(self.amount_of(id)),
            "Currency": call["Currency"],
            "Url": request.payment_page(&id.to_string()),
            "Status": "Created",
        });
        Ok(order)
    }

    fn sbp(&mut self, call: &Value, request: &ApiRequest) -> Result<Value, Refusal> {
        if text(call, "PublicId") != self.config.public_id || text(call, "Scheme") != "charge" {
            return Err(INVALID_REQUEST);
        }
        let id = self.create(call, amount(request)?, true)?;
        let code = format!("BS1{id:029}");
        Ok(json!({
            "QrUrl": format!("https://qr.nspk.ru/{code}"),
            "QrImage": null,
            "TransactionId": id,
            "MerchantOrderId": call["InvoiceId"],
            "ProviderQrId": code,
            "Amount": number(self.amount_of(id)),
            "Message": "Created",
            "IsTest": self.config.is_test,
        }))
    }

    fn pay_back(&mut self, payment: &str, amount: u64, request: &str) -> Result<u64, Refusal> {
        let Transaction { id, order, account, currency, is_sbp, status, .. } = self.find(payment).ok_or(NOT_FOUND)?;
        if *status != "Completed" {
            return Err(NOT_COMPLETED);
        }
        let (id, is_sbp) = (*id, *is_sbp);
        let (order, account, currency) = (order.clone(), account.clone(), currency.clone());
        if amount == 0 || amount > self.left(id) {
            return Err(TOO_MUCH);
        }
        let (status, request) = (if is_sbp { "AwaitingAuthentication" } else { "Completed" }, request.to_owned());
        Ok(self.add(Transaction { id: 0, order, account, amount, currency, status, is_sbp, original: Some(id), request }))
    }

    fn amount_of(&self, id: u64) -> u64 {
        self.transactions.iter().find(|found| found.id == id).map_or(0, |found| found.amount)
    }

    /// How much of a payment was not paid back.
    fn left(&self, payment: u64) -> u64 {
        self.amount_of(payment).saturating_sub(self.refunds_of(payment).map(|refund| refund.amount).sum())
    }

    fn refunds_of(&self, payment: u64) -> impl Iterator<Item = &Transaction> {
        self.transactions.iter().filter(move |found| found.original == Some(payment) && found.status != "Declined")
    }

    fn list(&self, call: &Value) -> Value {
        let page = call["PageNumber"].as_u64().and_then(|page| usize::try_from(page).ok()).unwrap_or(1);
        let statuses = call["Statuses"].as_array().cloned().unwrap_or_default();
        let is_asked = |found: &&Transaction| statuses.iter().any(|status| status == found.status);
        let rows = self.transactions.iter().filter(is_asked).skip(100 * (page - 1)).take(100);
        rows.map(|found| self.model(found)).collect()
    }

    fn model(&self, transaction: &Transaction) -> Value {
        let amount = number(transaction.amount);
        json!({
            "PublicId": self.config.public_id,
            "TransactionId": transaction.id,
            "Amount": amount,
            "Currency": transaction.currency,
            "PaymentAmount": amount,
            "InvoiceId": transaction.order,
            "AccountId": transaction.account,
            "PayoutDateIso": null,
            "PayoutAmount": null,
            "CreatedDateIso": TIME.replace(' ', "T"),
            "TestMode": self.config.is_test,
            "OriginalTransactionId": transaction.original,
            "Status": transaction.status,
            "CardHolderMessage": "",
            "Type": if transaction.original.is_some() { 1 } else { 0 },
            "Refunded": self.refunds_of(transaction.id).next().is_some(),
            "GatewayName": "Test",
            "TotalFee": number(fee(transaction)),
        })
    }
}

impl PaymentApi for CloudPayments {
    const NAME: &'static str = "CloudPayments";

    fn answer(&mut self, request: &ApiRequest) -> ApiAnswer {
        let site = (self.config.public_id.clone(), self.config.api_secret.expose().to_owned());
        if request.basic() != Some(site) {
            return ApiAnswer::text(401, "Unauthorized");
        }
        if request.method != "POST" {
            return ApiAnswer::text(405, "Method Not Allowed");
        }
        let key = request.header("x-request-id").to_owned();
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        match self.execute(request) {
            Ok(model) => {
                let text = json!({ "Model": model, "Success": true, "Message": null }).to_string();
                let body = text.replace(&format!("\"{MARK}"), "").replace(&format!("{MARK}\""), "").into_bytes();
                let answer = ApiAnswer { status: 200, content_type: "application/json", body };
                if !key.is_empty() {
                    self.known.insert(key, answer.clone());
                }
                answer
            }
            Err(message) => ApiAnswer::json(200, &json!({ "Success": false, "Message": message })),
        }
    }

    /// The payer pays in one stage: CloudPayments asks before, and reports the payment.
    fn pay(&mut self, payment: &str) -> Result<Vec<Notification>, String> {
        self.change(payment, "Completed")?;
        Ok(vec![self.notification("/check", payment)?, self.notification("/pay", payment)?])
    }

    fn refund(&mut self, payment: &str, minor_units: Option<u64>) -> Result<Vec<Notification>, String> {
        let id = self.find(payment).ok_or_else(|| unknown(payment))?.id;
        let amount = minor_units.unwrap_or_else(|| self.left(id));
        let refund = self.pay_back(payment, amount, "").map_err(str::to_owned)?;
        // One by «СБП» is notified of when it ends.
        let refund = refund.to_string();
        let is_under_way = self.find(&refund).is_some_and(|found| state_of(found) == RefundState::UnderWay);
        if is_under_way { Ok(Vec::new()) } else { Ok(vec![self.notification("/refund", &refund)?]) }
    }

    fn decline(&mut self, payment: &str) -> Result<Vec<Notification>, String> {
        self.change(payment, "Declined")?;
        Ok(vec![self.notification("/fail", payment)?])
    }

    fn end_refund(&mut self, refund: &str, end: RefundEnd) -> Result<Vec<Notification>, String> {
        let mut refunds = self.transactions.iter_mut().filter(|found| found.original.is_some());
        let found = refunds.find(|found| found.id.to_string() == refund && state_of(found) == RefundState::UnderWay);
        let found = found.ok_or_else(|| format!("no refund {refund} is under way"))?;
        match end {
            RefundEnd::Done => {
                found.status = "Completed";
                Ok(vec![self.notification("/refund", refund)?])
            }
            RefundEnd::Refused => {
                found.status = "Declined";
                Ok(Vec::new())
            }
        }
    }

    fn refund_key(&self, request: &ApiRequest) -> Option<String> {
        (request.path == "/payments/refund").then(|| request.header("x-request-id").to_owned())
    }

    fn is_accepted(&self, reply: &Reply) -> bool {
        reply.status == 200 && reply.body == r#"{"code":0}"#
    }

    fn payments(&self) -> Vec<PaymentRow> {
        let row = |payment: &Transaction| PaymentRow {
            id: payment.id.to_string(),
            order: payment.order.clone(),
            minor_units: payment.amount,
            refunded: payment.amount - self.left(payment.id),
            status: payment.status.to_owned(),
            is_open: payment.status == "Created",
        };
        self.transactions.iter().filter(|found| found.original.is_none()).map(row).collect()
    }

    fn refunds(&self) -> Vec<RefundRow> {
        let row = |refund: &Transaction| {
            Some(RefundRow {
                id: refund.id.to_string(),
                payment: refund.original?.to_string(),
                key: refund.request.clone(),
                minor_units: refund.amount,
                state: state_of(refund),
            })
        };
        self.transactions.iter().filter_map(row).collect()
    }
}

fn state_of(refund: &Transaction) -> RefundState {
    match refund.status {
        "Completed" => RefundState::Done,
        "Declined" => RefundState::Refused,
        _ => RefundState::UnderWay,
    }
}

fn fee(transaction: &Transaction) -> u64 {
    transaction.amount / 50
}

fn decimal(minor_units: u64) -> String {
    Price::of_minor_units(minor_units).to_string()
}

/// Stands around the text of a JSON number of money, so that none is ever a float here. No text of an answer has it.
const MARK: char = '\u{e000}';

/// Returns an amount as a JSON number, in the middle of marks.
fn number(minor_units: u64) -> String {
    format!("{MARK}{}{MARK}", decimal(minor_units))
}

/// A call that has an amount, which is a JSON number.
#[derive(Deserialize)]
struct WithAmount<'a> {
    #[serde(rename = "Amount", borrow)]
    amount: &'a RawValue,
}

fn amount(request: &ApiRequest) -> Result<u64, Refusal> {
    let WithAmount { amount } = serde_json::from_slice(&request.body).map_err(|_| INVALID_AMOUNT)?;
    Price::parse(amount.get()).map(Price::minor_units).ok_or(INVALID_AMOUNT)
}

fn text(call: &Value, name: &str) -> String {
    match &call[name] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

fn unknown(payment: &str) -> String {
    format!("there is no payment {payment}")
}
