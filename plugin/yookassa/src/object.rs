//! What payments and refunds of YooKassa have in common: how they are read, and what an answer about them says.

use kit::contract::{Money, Problem};
use kit::exchanges::HttpCall;
use kit::json::{JsonError, Object};
use kit::problem::Code;
use kit::{Context, Stop, datetime};
use money::parse_amount;

use crate::api::Answer;
use crate::settings::{CURRENCY, Settings};

/// The parameter of a payment's `metadata` that names the order.
pub const ORDER: &str = "order_id";
/// The parameter of a refund's `metadata` that names the host's request.
pub const REQUEST: &str = "refund_id";

/// What YooKassa, when it was asked, says about a payment or refund.
#[derive(Debug)]
pub enum Told<T> {
    /// It is this one, of this shop.
    Found(T),
    /// The shop has none of this id.
    Absent,
    /// YooKassa cannot be asked now, or its answer is about something else.
    Unavailable(Problem),
    /// It is YooKassa's word about the object, and cannot be understood.
    Unresolved(Problem),
    /// It is certain to have moved no money: it is of a test shop, as the settings say, or nobody paid it.
    NoMoney(Problem),
}

impl<T> Told<T> {
    /// Continues with what was found.
    pub fn and_then<U, E>(self, next: impl FnOnce(T) -> Result<Told<U>, E>) -> Result<Told<U>, E> {
        match self {
            Told::Found(found) => next(found),
            Told::Absent => Ok(Told::Absent),
            Told::Unavailable(problem) => Ok(Told::Unavailable(problem)),
            Told::Unresolved(problem) => Ok(Told::Unresolved(problem)),
            Told::NoMoney(problem) => Ok(Told::NoMoney(problem)),
        }
    }
}

/// Has a call made that reads, and parses its answer.
///
/// # Errors
/// The call, if it was not made yet.
pub fn read<T>(context: &Context, call: HttpCall, parse: impl FnOnce(&[u8]) -> Told<T>) -> Result<Told<T>, Stop> {
    let unavailable = |message: String| Told::Unavailable(Code::Unavailable.whole(message));
    Ok(match Answer::of(context.call(call)?) {
        Answer::Object(bytes) => parse(bytes),
        Answer::Refused(refusal) if refusal.status == 404 => Told::Absent,
        Answer::Refused(refusal) => unavailable(refusal.message()),
        Answer::NotSent(reason) => unavailable(format!("YooKassa cannot be reached: {reason}")),
        Answer::Unknown(reason) => unavailable(reason),
    })
}

/// Parses an answer that must be an object of this id. What makes it another answer is unavailable; what is wrong with the object
/// itself is unresolved.
pub fn parse<T>(bytes: &[u8], id: &str, read: impl FnOnce(&Object<'_>) -> Result<T, Problem>) -> Told<T> {
    let object = match Object::parse(bytes) {
        Ok(object) => object,
        Err(error) => {
            return Told::Unavailable(Code::Unavailable.whole(format!("YooKassa's answer is not an object: {error}")));
        }
    };
    match object.text("id") {
        Ok(found) if found == id => read(&object).map_or_else(Told::Unresolved, Told::Found),
        _ => Told::Unavailable(Code::Unavailable.at("id", "YooKassa's answer is about something else than it was asked.")),
    }
}

/// Returns the problem of an object that has not the form that is known.
pub fn unknown_form(error: JsonError) -> Problem {
    let message =
        format!("YooKassa says so, but in a form that is not known: {error} It may have changed; update the provider.");
    Code::UnrecognizedForm.at(error.path, message)
}

/// Reads an amount in roubles, in kopecks.
///
/// # Errors
/// Another form, or another currency.
pub fn amount(object: &Object<'_>, name: &str) -> Result<i64, Problem> {
    let amount = object.object(name).map_err(unknown_form)?;
    let currency = amount.text("currency").map_err(unknown_form)?;
    if !CURRENCY.is(&currency) {
        let message = format!("It is in {}, and this shop takes {CURRENCY}.", kit::text::shown(&currency));
        return Err(Code::CurrencyMismatch.at([name, ".currency"].concat(), message));
    }
    let value = amount.text("value").map_err(unknown_form)?;
    parse_amount(&value)
        .map_err(|error| Code::UnrecognizedForm.at([name, ".value"].concat(), format!("The amount is {error}.")))
}

/// Like [`amount`], for money that moved: nothing is not an amount.
///
/// # Errors
/// Those of [`amount`], or zero.
pub fn positive_amount(object: &Object<'_>, name: &str) -> Result<i64, Problem> {
    match amount(object, name)? {
        0 => Err(Code::UnrecognizedForm.at([name, ".value"].concat(), "The amount is zero.")),
        minor_units => Ok(minor_units),
    }
}

/// Returns an amount in roubles.
pub fn roubles(minor_units: i64) -> Money {
    Money { minor_units, currency: CURRENCY.to_string() }
}

/// Reads a time as the contract writes it. It informs: what cannot be read is none.
pub fn time(object: &Object<'_>, name: &str) -> Option<String> {
    let text = object.optional(name).ok().flatten()?;
    datetime::rfc3339(&text).map(datetime::occurred_at)
}

/// Reads a text of `metadata`. What is not text is none.
pub fn metadata(object: &Object<'_>, name: &str) -> Option<String> {
    let metadata = object.find("metadata")?.object().ok()?;
    metadata.optional(name).ok().flatten().map(|text| text.into_owned())
}

/// Compares whether a payment is a test with the settings.
///
/// # Errors
/// [`Told::NoMoney`] for a test where tests are expected, and [`Told::Unresolved`] where the settings say otherwise.
pub fn check_mode<T>(settings: &Settings, is_test: bool) -> Result<(), Told<T>> {
    match (settings.test_mode, is_test) {
        (false, false) => Ok(()),
        (true, true) => {
            let message = "A payment of a test shop; nothing is credited, since test-mode is on.";
            Err(Told::NoMoney(Code::TestCallback.at("test", message)))
        }
        (false, true) => {
            let message = "YooKassa says that it is a test payment, though test-mode is off: no money came in.";
            Err(Told::Unresolved(Code::TestCallback.at("test", message)))
        }
        (true, false) => {
            let message =
                "YooKassa says that it is a real payment, though test-mode is on. Turn test-mode off to take real payments.";
            Err(Told::Unresolved(Code::LiveCallback.at("test", message)))
        }
    }
}
