//! A stand-in for T-Bank's acquiring: `/v2/Init`, `GetQr`, `GetState`, `CheckOrder` and `Cancel`, and its notifications.
//!
//! This follows T-Bank's documentation. What that leaves open is an assumption here: after a partial refund the amount of a payment is
//! what is left of it, in `GetState` and in notifications, as `NewAmount` of `Cancel` is. A second `Init` for an order is refused
//! by code 8, as public integrations report it. A refund of a payment by «СБП» is under way until a test or a person ends it ([`PaymentApi::end_refund`]), and its
//! ExternalRequestId is not known again. One that the payer's bank refuses leaves the payment as it was before.

mod sign;

use serde_json::{Map, Value, json};

use super::{ApiAnswer, ApiRequest, Notification, PaymentApi, PaymentRow, RefundEnd, RefundRow, RefundState, Reply};
use crate::secret::Secret;

pub use sign::token;

/// The merchant's terminal.
pub struct Config {
    /// `TerminalKey`.
    pub terminal_key: String,
    /// The terminal's password.
    pub password: Secret,
    /// Where notifications go when an order has no `NotificationURL`.
    pub callback_url: String,
    /// The number of the first payment.
    pub first_payment: u64,
}

impl Config {
    /// A terminal whose notifications go where the orders say, and whose payments are numbered from the same one in every test.
    pub fn new(terminal_key: &str, password: &str) -> Config {
        Config {
            terminal_key: terminal_key.to_owned(),
            password: password.into(),
            callback_url: "http://127.0.0.1:1/callbacks/tbank".to_owned(),
            first_payment: 13_660,
        }
    }
}

/// How a payer pays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// With a card.
    Card,
    /// By «СБП».
    Sbp,
}

struct Payment {
    id: u64,
    order: String,
    amount: u64,
    /// What is left of the amount.
    left: u64,
    status: &'static str,
    source: Source,
    notification_url: String,
    /// The refunds of which ExternalRequestId is known.
    known_requests: Vec<(String, [u64; 2])>,
}

struct Refund {
    payment: u64,
    amount: u64,
    /// Its ExternalRequestId.
    request: String,
    state: RefundState,
}

/// T-Bank with a single terminal.
pub struct TBank {
    config: Config,
    payments: Vec<Payment>,
    /// T-Bank gives a refund no id: here it has its place in this list, from 1.
    refunds: Vec<Refund>,
    lists_no_orders: bool,
}

/// Why a request is refused: `ErrorCode` and `Message`.
type Refusal = (&'static str, &'static str);

const WRONG_TOKEN: Refusal = ("204", "Неверный токен. Проверьте пару TerminalKey/SecretKey");
const WRONG_REQUEST: Refusal = ("9", "Неверные параметры");
const WRONG_STATUS: Refusal = ("8", "Неверный статус транзакции");
const NO_PAYMENT: Refusal = ("255", "Платеж не найден");
const NO_ORDER: Refusal = ("335", "OrderId не найден для TerminalKey");
const TOO_MUCH: Refusal = ("330", "Сумма в запросе больше чем в оригинальной транзакции");

impl TBank {
    /// Creates a terminal without payments.
    pub fn new(config: Config) -> TBank {
        TBank { config, payments: Vec::new(), refunds: Vec::new(), lists_no_orders: false }
    }

    /// Chooses whether `CheckOrder` knows no order, as where it is behind `Init`.
    pub fn list_no_orders(&mut self, lists_none: bool) {
        self.lists_no_orders = lists_none;
    }

    /// The payer's money is reserved, at a terminal with payments in two stages.
    ///
    /// # Errors
    /// If there is no such payment.
    pub fn hold(&mut self, payment: &str) -> Result<Vec<Notification>, String> {
        self.change(payment, "AUTHORIZED")
    }

    /// The reserve is released.
    ///
    /// # Errors
    /// If there is no such payment.
    pub fn release(&mut self, payment: &str) -> Result<Vec<Notification>, String> {
        self.change(payment, "REVERSED")
    }

    /// Chooses how a payment is paid.
    ///
    /// # Errors
    /// If there is no such payment.
    pub fn pay_from(&mut self, payment: &str, source: Source) -> Result<(), String> {
        self.find_mut(payment).map(|payment| payment.source = source).ok_or_else(|| unknown(payment))
    }

    fn change(&mut self, payment: &str, status: &'static str) -> Result<Vec<Notification>, String> {
        let found = self.find_mut(payment).ok_or_else(|| unknown(payment))?;
        found.status = status;
        Ok(self.notification(payment).into_iter().collect())
    }

    fn find_mut(&mut self, payment: &str) -> Option<&mut Payment> {
        self.payments.iter_mut().find(|found| found.id.to_string() == payment)
    }

    fn find(&self, payment: &str) -> Option<&Payment> {
        self.payments.iter().find(|found| found.id.to_string() == payment)
    }

    /// Returns the notification of a payment's present status.
    pub fn notification(&self, payment: &str) -> Option<Notification> {
        let payment = self.find(payment)?;
        let is_success = payment.status != "REJECTED";
        let mut fields = Map::new();
        fields.insert("TerminalKey".into(), json!(self.config.terminal_key));
        fields.insert("OrderId".into(), json!(payment.order));
        fields.insert("Success".into(), json!(is_success));
        fields.insert("Status".into(), json!(payment.status));
        fields.insert("PaymentId".into(), json!(payment.id));
        fields.insert("ErrorCode".into(), json!(if is_success { "0" } else { "1051" }));
        fields.insert("Amount".into(), json!(amount_of(payment)));
        if payment.source == Source::Card {
            fields.insert("CardId".into(), json!(322_264));
            fields.insert("Pan".into(), json!("430000******0777"));
            fields.insert("ExpDate".into(), json!("1130"));
        }
        fields.insert("Token".into(), json!(token(&fields, self.config.password.expose())));
        let url = if payment.notification_url.is_empty() { &self.config.callback_url } else { &payment.notification_url };
        Some(Notification::json(url, &Value::Object(fields)))
    }

    fn execute(
        &mut self,
        method: &str,
        fields: &Map<String, Value>,
        request: &ApiRequest,
    ) -> Result<Map<String, Value>, Refusal> {
        if fields.get("Token").and_then(Value::as_str) != Some(&token(fields, self.config.password.expose())) {
            return Err(WRONG_TOKEN);
        }
        if text(fields, "TerminalKey") != self.config.terminal_key {
            return Err(WRONG_REQUEST);
        }
        match method {
            "Init" => self.init(fields, request),
            "GetState" => self.state(&text(fields, "PaymentId")),
            "GetQr" => self.qr(&text(fields, "PaymentId")),
            "CheckOrder" => self.order(&text(fields, "OrderId")),
            "Cancel" => self.cancel(fields),
            _ => Err(WRONG_REQUEST),
        }
    }

    fn init(&mut self, fields: &Map<String, Value>, request: &ApiRequest) -> Result<Map<String, Value>, Refusal> {
        let amount = fields.get("Amount").and_then(Value::as_u64).filter(|amount| *amount > 0).ok_or(WRONG_REQUEST)?;
        let order = text(fields, "OrderId");
        if order.is_empty() || order.chars().count() > 36 || text(fields, "Description").chars().count() > 140 {
            return Err(WRONG_REQUEST);
        }
        if self.payments.iter().any(|payment| payment.order == order) {
            return Err(WRONG_STATUS);
        }
        let number = u64::try_from(self.payments.len()).unwrap_or_default();
        let id = self.config.first_payment + number;
        self.payments.push(Payment {
            id,
            order,
            amount,
            left: amount,
            status: "NEW",
            source: Source::Card,
            notification_url: text(fields, "NotificationURL"),
            known_requests: Vec::new(),
        });
        let mut answer = self.state(&id.to_string())?;
        answer.insert("PaymentURL".into(), json!(request.payment_page(&id.to_string())));
        Ok(answer)
    }

    fn state(&self, payment: &str) -> Result<Map<String, Value>, Refusal> {
        let payment = self.find(payment).ok_or(NO_PAYMENT)?;
        let source = if payment.source == Source::Card { "cards" } else { "qrsbp" };
        Ok(map(json!({
            "OrderId": payment.order,
            "PaymentId": payment.id.to_string(),
            "Status": payment.status,
            "Amount": amount_of(payment),
            "Params": [{ "Key": "Route", "Value": "ACQ" }, { "Key": "Source", "Value": source }],
        })))
    }

    fn qr(&mut self, payment: &str) -> Result<Map<String, Value>, Refusal> {
        let payment = self.find_mut(payment).ok_or(NO_PAYMENT)?;
        payment.source = Source::Sbp;
        let code = format!("https://qr.nspk.ru/AS{:030}?type=02&sum={}&cur=RUB&crc=0000", payment.id, payment.amount);
        Ok(map(json!({ "OrderId": payment.order, "PaymentId": payment.id, "Data": code })))
    }

    fn order(&self, order: &str) -> Result<Map<String, Value>, Refusal> {
        let row = |payment: &Payment| {
            json!({
                "PaymentId": payment.id.to_string(),
                "Amount": amount_of(payment),
                "Status": payment.status,
                "Success": "true",
                "ErrorCode": 0,
            })
        };
        let payments: Vec<Value> = self.payments.iter().filter(|payment| payment.order == order).map(row).collect();
        if payments.is_empty() || self.lists_no_orders {
            return Err(NO_ORDER);
        }
        Ok(map(json!({ "OrderId": order, "Payments": payments })))
    }

    fn cancel(&mut self, fields: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
        let request = text(fields, "ExternalRequestId");
        let payment = self.find_mut(&text(fields, "PaymentId")).ok_or(NO_PAYMENT)?;
        let known = payment.known_requests.iter().find(|(known, _)| !request.is_empty() && *known == request);
        if let Some([before, after]) = known.map(|(_, amounts)| *amounts) {
            return Ok(cancelled(payment, before, after));
        }
        let (before, amount) = (payment.left, fields.get("Amount").and_then(Value::as_u64).unwrap_or(payment.left));
        match payment.status {
            "NEW" | "AUTHORIZED" => {
                payment.status = if payment.status == "NEW" { "CANCELED" } else { "REVERSED" };
                return Ok(cancelled(payment, before, 0));
            }
            "CONFIRMED" | "PARTIAL_REFUNDED" if amount <= before && amount > 0 => {}
            "CONFIRMED" | "PARTIAL_REFUNDED" => return Err(TOO_MUCH),
            _ => return Err(WRONG_STATUS),
        }
        let (id, is_sbp) = (payment.id, payment.source == Source::Sbp);
        if is_sbp {
            payment.status = "ASYNC_REFUNDING";
        } else {
            pay_back(payment, amount);
            payment.known_requests.push((request.clone(), [before, payment.left]));
        }
        let answer = cancelled(payment, before, before - amount);
        let state = if is_sbp { RefundState::UnderWay } else { RefundState::Done };
        self.refunds.push(Refund { payment: id, amount, request, state });
        Ok(answer)
    }
}

impl PaymentApi for TBank {
    const NAME: &'static str = "Т-Банк";

    fn answer(&mut self, request: &ApiRequest) -> ApiAnswer {
        let fields = match request.json() {
            Value::Object(fields) if request.method == "POST" => fields,
            _ => return ApiAnswer::text(400, "Bad Request"),
        };
        let Some(method) = request.path.strip_prefix("/v2/") else { return ApiAnswer::text(404, "Not Found") };
        let (success, (code, message), mut answer) = match self.execute(method, &fields, request) {
            Ok(answer) => (true, ("0", "OK"), answer),
            Err(refusal) => (false, refusal, Map::new()),
        };
        let common =
            json!({ "Success": success, "ErrorCode": code, "Message": message, "TerminalKey": self.config.terminal_key });
        answer.append(&mut map(common));
        ApiAnswer::json(200, &Value::Object(answer))
    }

    /// The payer pays in one stage: T-Bank reports that the money is reserved, and then that it was taken.
    fn pay(&mut self, payment: &str) -> Result<Vec<Notification>, String> {
        let is_card = self.find(payment).is_some_and(|payment| payment.source == Source::Card);
        let mut notifications = if is_card { self.change(payment, "AUTHORIZED")? } else { Vec::new() };
        notifications.extend(self.change(payment, "CONFIRMED")?);
        Ok(notifications)
    }

    fn refund(&mut self, payment: &str, minor_units: Option<u64>) -> Result<Vec<Notification>, String> {
        let mut fields = Map::from_iter([("PaymentId".to_owned(), json!(payment))]);
        fields.extend(minor_units.map(|amount| ("Amount".to_owned(), json!(amount))));
        self.cancel(&fields).map_err(|(code, message)| format!("{code} {message}"))?;
        Ok(self.notification(payment).into_iter().collect())
    }

    fn decline(&mut self, payment: &str) -> Result<Vec<Notification>, String> {
        self.change(payment, "REJECTED")
    }

    fn end_refund(&mut self, refund: &str, end: RefundEnd) -> Result<Vec<Notification>, String> {
        let at = refund.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let found = at.and_then(|at| self.refunds.get_mut(at)).filter(|found| found.state == RefundState::UnderWay);
        let found = found.ok_or_else(|| format!("no refund {refund} is under way"))?;
        found.state = end.into();
        let (id, amount) = (found.payment, found.amount);
        let payment = self.payments.iter_mut().find(|payment| payment.id == id).ok_or_else(|| unknown(&id.to_string()))?;
        match end {
            RefundEnd::Done => pay_back(payment, amount),
            RefundEnd::Refused => {
                payment.status = if payment.left == payment.amount { "CONFIRMED" } else { "PARTIAL_REFUNDED" };
            }
        }
        Ok(self.notification(&id.to_string()).into_iter().collect())
    }

    fn refund_key(&self, request: &ApiRequest) -> Option<String> {
        let call = request.json();
        (request.path == "/v2/Cancel")
            .then(|| call.as_object().map_or_else(String::new, |call| text(call, "ExternalRequestId")))
    }

    fn is_accepted(&self, reply: &Reply) -> bool {
        reply.status == 200 && reply.body == "OK"
    }

    fn payments(&self) -> Vec<PaymentRow> {
        let row = |payment: &Payment| PaymentRow {
            id: payment.id.to_string(),
            order: payment.order.clone(),
            minor_units: payment.amount,
            refunded: payment.amount - payment.left,
            status: payment.status.to_owned(),
            is_open: payment.status == "NEW",
        };
        self.payments.iter().map(row).collect()
    }

    fn refunds(&self) -> Vec<RefundRow> {
        let row = |(number, refund): (usize, &Refund)| RefundRow {
            id: number.to_string(),
            payment: refund.payment.to_string(),
            key: refund.request.clone(),
            minor_units: refund.amount,
            state: refund.state,
        };
        (1..).zip(&self.refunds).map(row).collect()
    }
}

/// The money of a refund has gone back.
fn pay_back(payment: &mut Payment, amount: u64) {
    payment.left = payment.left.saturating_sub(amount);
    payment.status = if payment.left == 0 { "REFUNDED" } else { "PARTIAL_REFUNDED" };
}

/// Returns what `Amount` says of a payment.
fn amount_of(payment: &Payment) -> u64 {
    if payment.status == "PARTIAL_REFUNDED" { payment.left } else { payment.amount }
}

fn cancelled(payment: &Payment, before: u64, after: u64) -> Map<String, Value> {
    map(json!({
        "OrderId": payment.order,
        "PaymentId": payment.id.to_string(),
        "Status": payment.status,
        "OriginalAmount": before,
        "NewAmount": after,
    }))
}

fn unknown(payment: &str) -> String {
    format!("there is no payment {payment}")
}

fn text(fields: &Map<String, Value>, name: &str) -> String {
    match fields.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
