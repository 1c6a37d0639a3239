//! What payments and refunds of YooKassa have in common: how they are read, and what an answer about them says.

use kit::contract::{Money, Problem};
use kit::exchanges::HttpCall;
use kit::json::{JsonError, Object};
use kit::problem::{Bilingual, Code, filled};
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
    let unavailable = |message: Bilingual| Told::Unavailable(Code::Unavailable.whole(message));
    Ok(match Answer::of(context.call(call)?) {
        Answer::Object(bytes) => parse(bytes),
        Answer::Refused(refusal) if refusal.status == 404 => Told::Absent,
        Answer::Refused(refusal) => unavailable(refusal.message()),
        Answer::NotSent(reason) | Answer::Unknown(reason) => unavailable(reason),
    })
}

/// Parses an answer that must be an object of this id. What makes it another answer is unavailable; what is wrong with the object
/// itself is unresolved.
pub fn parse<T>(bytes: &[u8], id: &str, read: impl FnOnce(&Object<'_>) -> Result<T, Problem>) -> Told<T> {
    let object = match Object::parse(bytes) {
        Ok(object) => object,
        Err(error) => return Told::Unavailable(unreadable(&error)),
    };
    match object.text("id") {
        Ok(found) if found == id => read(&object).map_or_else(Told::Unresolved, Told::Found),
        _ => {
            let message =
                ["ЮKassa ответила не о том, о чём спрошено.", "YooKassa's answer is about something else than it was asked."];
            Told::Unavailable(Code::Unavailable.at("id", message))
        }
    }
}

/// Returns the problem of an answer that is not what YooKassa documents.
pub fn unreadable(error: &JsonError) -> Problem {
    Code::Unavailable.whole(filled(["Ответ ЮKassa в незнакомой форме.", "YooKassa's answer cannot be read: {0}"], &[&error]))
}

/// Returns the problem of an object that has not the form that is known.
pub fn unknown_form(error: JsonError) -> Problem {
    let message = filled(
        [
            "ЮKassa подтверждает, но это поле в незнакомой форме: она могла её изменить. Обновите компонент.",
            "YooKassa says so, but in a form that is not known: {0} It may have changed; update the provider.",
        ],
        &[&error],
    );
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
        let theirs = kit::text::shown(&currency);
        let message =
            filled(["Валюта {0}, а магазин принимает {1}.", "It is in {0}, and this shop takes {1}."], &[&theirs, &CURRENCY]);
        return Err(Code::CurrencyMismatch.at([name, ".currency"].concat(), message));
    }
    let value = amount.text("value").map_err(unknown_form)?;
    parse_amount(&value).map_err(|error| {
        let message = filled(["Сумма в незнакомой форме.", "The amount is {0}."], &[&error]);
        Code::UnrecognizedForm.at([name, ".value"].concat(), message)
    })
}

/// Like [`amount`], for money that moved: nothing is not an amount.
///
/// # Errors
/// Those of [`amount`], or zero.
pub fn positive_amount(object: &Object<'_>, name: &str) -> Result<i64, Problem> {
    match amount(object, name)? {
        0 => Err(Code::UnrecognizedForm.at([name, ".value"].concat(), ["Сумма равна нулю.", "The amount is zero."])),
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
            let message = [
                "По ответу ЮKassa это тестовый платёж, а тестовый режим выключен: деньги не поступили.",
                "YooKassa says that it is a test payment, though test-mode is off: no money came in.",
            ];
            Err(Told::Unresolved(Code::TestCallback.at("test", message)))
        }
        (true, false) => {
            let message = [
                "По ответу ЮKassa это настоящий платёж, а тестовый режим включён. Чтобы принимать платежи, выключите его.",
                "YooKassa says that it is a real payment, though test-mode is on. Turn test-mode off to take real payments.",
            ];
            Err(Told::Unresolved(Code::LiveCallback.at("test", message)))
        }
    }
}
