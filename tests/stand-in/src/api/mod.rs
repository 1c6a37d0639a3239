//! Stand-ins for payment systems with an API. [`ApiServer`] serves one on a free port of this machine, logs the requests, fails as
//! a test says ([`Fault`]), and sends notifications. What is specific to a payment system implements [`PaymentApi`]: it keeps
//! payments in memory and moves no money.

pub mod cloudpayments;
mod notify;
mod page;
mod server;
pub mod tbank;
mod wire;
#[allow(clippy::indexing_slicing, reason = "an absent field of a JSON value is null, and what is written to is an object")]
pub mod yookassa;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::form::Form;

pub use server::{ApiServer, Fault, RefundRequest};

/// A payment system with an API, as one merchant sees it.
pub trait PaymentApi: Send + 'static {
    /// Its name, for the page.
    const NAME: &'static str;

    /// Executes a request and answers it.
    fn answer(&mut self, request: &ApiRequest) -> ApiAnswer;

    /// The payer pays. Returns the notifications, in the order of sending.
    ///
    /// # Errors
    /// Why this payment cannot be paid.
    fn pay(&mut self, payment: &str) -> Result<Vec<Notification>, String>;

    /// Pays a payment back outside of the API, as from the merchant's cabinet. Without an amount it pays all back that is left.
    /// Returns the notifications, in the order of sending.
    ///
    /// # Errors
    /// Why this payment cannot be paid back so.
    fn refund(&mut self, payment: &str, minor_units: Option<u64>) -> Result<Vec<Notification>, String>;

    /// The payer refuses to pay, or his bank does. Returns the notifications, in the order of sending.
    ///
    /// # Errors
    /// Why this payment cannot be refused.
    fn decline(&mut self, payment: &str) -> Result<Vec<Notification>, String>;

    /// Ends a refund that is under way: it is carried out, or the payer's bank refuses it. Returns the notifications, in the order
    /// of sending.
    ///
    /// # Errors
    /// If there is no such refund, or it is not under way.
    fn end_refund(&mut self, refund: &str, end: RefundEnd) -> Result<Vec<Notification>, String>;

    /// Carries out the refunds that are under way, and returns their notifications.
    fn finish_refunds(&mut self) -> Vec<Notification> {
        let under_way: Vec<String> =
            self.refunds().into_iter().filter(|refund| refund.state == RefundState::UnderWay).map(|refund| refund.id).collect();
        under_way.iter().filter_map(|refund| self.end_refund(refund, RefundEnd::Done).ok()).flatten().collect()
    }

    /// Returns the key of a request that is to pay back, by which a repetition is known; empty if it has none. `None` if the
    /// request is another one.
    fn refund_key(&self, request: &ApiRequest) -> Option<String>;

    /// Whether the payment system takes a reply for a notification's receipt. After one that it does not take, it sends no more.
    fn is_accepted(&self, reply: &Reply) -> bool {
        reply.status == 200
    }

    /// The payments, in the order of their creation.
    fn payments(&self) -> Vec<PaymentRow>;

    /// The refunds that were made, by the API or outside of it, in the order of their creation. A repetition that the payment
    /// system knew is none.
    fn refunds(&self) -> Vec<RefundRow>;
}

/// How a refund ends that was under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefundEnd {
    /// It is carried out.
    Done,
    /// The payer's bank refuses it, and the payment is as before.
    Refused,
}

/// What has become of a refund.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefundState {
    /// It waits for the payer's bank.
    UnderWay,
    /// The money went back.
    Done,
    /// The money did not go back.
    Refused,
}

impl From<RefundEnd> for RefundState {
    fn from(end: RefundEnd) -> RefundState {
        match end {
            RefundEnd::Done => RefundState::Done,
            RefundEnd::Refused => RefundState::Refused,
        }
    }
}

/// A refund, for the page and for tests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefundRow {
    /// The payment system's id of it, or the stand-in's where the payment system gives none.
    pub id: String,
    /// The payment that it pays back.
    pub payment: String,
    /// The key with which the merchant asked for it; empty if it was made outside of the API.
    pub key: String,
    /// Its amount in minor units.
    pub minor_units: u64,
    /// What has become of it.
    pub state: RefundState,
}

/// A payment, for the page and for tests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PaymentRow {
    /// The payment system's id of it.
    pub id: String,
    /// The merchant's order.
    pub order: String,
    /// Its amount in minor units.
    pub minor_units: u64,
    /// How much of it was paid back, in minor units.
    pub refunded: u64,
    /// Its status in the payment system's words.
    pub status: String,
    /// Whether it waits for the payer.
    pub is_open: bool,
}

/// A request to the API, as it arrived. It may hold secrets, and only `Debug` hides them.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiRequest {
    /// In upper case.
    pub method: String,
    /// The path, still percent-encoded.
    pub path: String,
    /// What follows `?`, still percent-encoded; empty if nothing does.
    pub query: String,
    /// In order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl ApiRequest {
    /// Returns a header's value, or an empty text if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }

    /// Returns the body as JSON, or null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Returns the body as a form; it has no fields if one occurs with two different values.
    pub fn form(&self) -> Form {
        Form::parse(&self.body).unwrap_or_default()
    }

    /// Returns user and password of HTTP Basic.
    pub fn basic(&self) -> Option<(String, String)> {
        let bytes = STANDARD.decode(self.header("authorization").strip_prefix("Basic ")?).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
    }

    /// Returns the address of the page where a person pays a payment of this stand-in.
    pub fn payment_page(&self, payment: &str) -> String {
        format!("http://{}{}?payment={payment}", self.header("host"), page::PATH)
    }
}

impl fmt::Debug for ApiRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({} bytes)", self.method, self.path, self.body.len())
    }
}

/// An answer of the API.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiAnswer {
    /// The status.
    pub status: u16,
    /// The value of `content-type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

impl ApiAnswer {
    /// Returns JSON with a status.
    pub fn json(status: u16, value: &Value) -> ApiAnswer {
        ApiAnswer { status, content_type: "application/json", body: value.to_string().into_bytes() }
    }

    /// Returns XML with the status 200.
    pub fn xml(text: &str) -> ApiAnswer {
        ApiAnswer { status: 200, content_type: "text/xml; charset=utf-8", body: text.as_bytes().to_vec() }
    }

    /// Returns text with a status.
    pub fn text(status: u16, text: &str) -> ApiAnswer {
        ApiAnswer { status, content_type: "text/plain; charset=utf-8", body: text.as_bytes().to_vec() }
    }
}

/// A notification to send to the merchant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notification {
    /// `GET` or `POST`. A GET has its fields in the URL, and no body.
    pub method: &'static str,
    /// Where it goes.
    pub url: String,
    /// Its headers, among them `content-type`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Notification {
    /// A POST of JSON.
    pub fn json(url: &str, value: &Value) -> Notification {
        Notification::post(url, "application/json", value.to_string())
    }

    /// A POST of a form.
    pub fn form(url: &str, form: &Form) -> Notification {
        Notification::post(url, "application/x-www-form-urlencoded", form.encode())
    }

    fn post(url: &str, content_type: &str, body: String) -> Notification {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Notification { method: "POST", url: url.to_owned(), headers, body }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Notification {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// The merchant's reply to a notification.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The beginning of the body.
    pub body: String,
}
