//! The state of an invoice, asked of Robokassa's XML interface (OpStateExt).

use std::fmt;

use kit::contract::{Fields, Problem};
use kit::exchanges::HttpResult;
use kit::problem::{Bilingual, Code, Message, filled};
use kit::text::shown;
use kit::xml::{Document, Element, XmlError};
use kit::{Context, Stop, call, form};

use crate::payment::{Payment, order_named, parse_out_sum};
use crate::settings::Settings;
use crate::sign::{self, ORDER};

/// The longest OpKey that is accepted. Real ones have some 40 characters; Robokassa publishes no limit.
const OP_KEY_CHARS_MAX: usize = 255;

/// What Robokassa knows of an invoice.
pub enum Lookup {
    /// It has one operation.
    Operation(Operation),
    /// There is no operation of this number: the payer has not chosen how to pay.
    Nothing,
    /// There are two: a test payment with the number of a real one.
    Two,
}

/// An operation: an attempt to pay an invoice.
pub struct Operation {
    pub state: State,
    /// The invoice's sum in minor units. None: it is not there, or has a form that is not known.
    minor_units: Option<i64>,
    /// Robokassa's key of the operation, by which it is paid back: visible ASCII without quotes and backslashes.
    pub op_key: Option<String>,
    /// The values of the merchant's own parameter for the order.
    orders: Vec<String>,
    /// What an operator may want to see.
    pub extra: Fields,
}

/// What has become of an operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
    /// 5: begun, not paid.
    Begun,
    /// 10: cancelled by the payer or by time.
    Cancelled,
    /// 20: the sum is reserved.
    Held,
    /// 50: the sum is there and is being credited to the shop.
    Received,
    /// 60: the shop was refused the sum, and the payer has it back.
    Returned,
    /// 80: suspended by Robokassa's security.
    Suspended,
    /// 100: paid.
    Paid,
    /// Another code, at most 64 characters.
    Unknown(String),
}

impl State {
    fn of(code: &str) -> State {
        match code {
            "5" => State::Begun,
            "10" => State::Cancelled,
            "20" => State::Held,
            "50" => State::Received,
            "60" => State::Returned,
            "80" => State::Suspended,
            "100" => State::Paid,
            code => State::Unknown(shown(code)),
        }
    }
}

impl Operation {
    /// Returns the payment of the invoice, or `None` if its sum cannot be read.
    pub fn payment<'o>(&'o self, inv_id: &'o str) -> Option<Payment<'o>> {
        let order = order_named(inv_id, self.orders.iter().map(String::as_str));
        Some(Payment { inv_id, minor_units: self.minor_units?, order })
    }
}

/// Asks for the state of an invoice. The inner error is why it cannot be asked now.
///
/// # Errors
/// The call, if it was not made yet.
pub fn ask(settings: &Settings, inv_id: &str, context: &Context) -> Result<Result<Lookup, Problem>, Stop> {
    let signature = sign::operation_state(settings.hash, [&settings.merchant_login, inv_id], &settings.password_2);
    let query = form::encode([("MerchantLogin", &*settings.merchant_login), ("InvoiceID", inv_id), ("Signature", &*signature)]);
    let result = context.call(call::get([&settings.state_url, "?", &query].concat()))?;
    Ok(match result {
        HttpResult::Response(response) if response.status == 200 => read(&response.body),
        HttpResult::Response(response) => Err(unavailable(with_status(response.status))),
        HttpResult::NotSent(reason) | HttpResult::Unknown(reason) => Err(unavailable(unreachable(reason))),
    })
}

/// Reads an answer. The error is why it is none.
pub fn read(body: &[u8]) -> Result<Lookup, Problem> {
    read_document(body).map_err(|error| unavailable(unreadable(&error)))?
}

fn read_document(body: &[u8]) -> Result<Result<Lookup, Problem>, XmlError> {
    let document = Document::parse(body)?;
    let root = document.root("OperationStateResponse")?;
    let code = root.text(&["Result", "Code"])?;
    Ok(match code.as_str() {
        "0" => Ok(Lookup::Operation(operation(&root)?)),
        "3" => Ok(Lookup::Nothing),
        "4" => Ok(Lookup::Two),
        "1" => Err(unavailable([
            "Robokassa не приняла подпись: Пароль №2 или алгоритм не те, что в её настройках.",
            "Robokassa refuses the signature: Password #2 or the algorithm is not the one in its settings.",
        ])),
        "2" => Err(unavailable([
            "Магазина с таким идентификатором у Robokassa нет.",
            "Robokassa knows no shop of this identifier.",
        ])),
        code => {
            let code = shown(code);
            Err(unavailable(filled(["Robokassa ответила ошибкой {0}.", "Robokassa answered with the error {0}."], &[&code])))
        }
    })
}

fn operation(root: &Element) -> Result<Operation, XmlError> {
    let state = State::of(&root.text(&["State", "Code"])?);
    let info = |path: &[&str]| root.optional(&[&["Info"], path].concat());
    let mut extra = Fields::new();
    for (path, name) in [
        (&["PaymentMethod", "Code"][..], "payment-type"),
        (&["IncCurrLabel"], "payment-channel"),
        (&["IncSum"], "paid-sum"),
        (&["BankCardRRN"], "rrn"),
    ] {
        extra.extend(info(path)?.filter(|value| !value.is_empty()).map(|value| (name.to_owned(), shown(&value))));
    }
    Ok(Operation {
        state,
        minor_units: info(&["OutSum"])?.and_then(|text| parse_out_sum(&text)),
        op_key: info(&["OpKey"])?.filter(|key| is_op_key(key)),
        orders: own_orders(root)?,
        extra,
    })
}

/// Returns the values of the parameter for the order. Robokassa spells the element in two ways, and repeats the letter case of
/// names.
fn own_orders(root: &Element) -> Result<Vec<String>, XmlError> {
    let mut orders = Vec::new();
    for name in ["UserField", "UserFields"] {
        for field in root.all(name).iter().flat_map(|list| list.all("Field")) {
            if field.text(&["Name"])?.eq_ignore_ascii_case(ORDER) {
                orders.push(field.text(&["Value"])?);
            }
        }
    }
    Ok(orders)
}

fn is_op_key(text: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    (1..=OP_KEY_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_good)
}

/// Why Robokassa cannot be asked now, or what it did not answer.
pub fn unavailable(message: impl Into<Message>) -> Problem {
    Code::Unavailable.whole(message)
}

/// What is said of an answer with another HTTP status than is expected.
pub fn with_status(status: u16) -> Bilingual {
    filled(["Robokassa ответила со статусом {0}.", "Robokassa answered with status {0}."], &[&status])
}

/// What is said where there is no answer.
pub fn unreachable(reason: &str) -> Bilingual {
    filled(["Связаться с Robokassa не удалось.", "Robokassa cannot be reached: {0}"], &[&reason])
}

/// What is said of an answer that is not what Robokassa documents.
pub fn unreadable(error: &dyn fmt::Display) -> Bilingual {
    filled(["Ответ Robokassa в незнакомой форме.", "Robokassa's answer cannot be read: {0}"], &[&error])
}
