//! Calls of T-Bank's API, and what an answer says whoever it is about.

use std::borrow::Cow;
use std::fmt;

use kit::call::post;
use kit::exchanges::{HttpCall, HttpResult, Repeatable};
use kit::json::{JsonError, Object, ObjectWriter, object};
use kit::problem::{Bilingual, both, filled};
use kit::text::{remark, shown};

use crate::settings::Settings;
use crate::sign::{TOKEN, token};

/// `ErrorCode` of what succeeded.
pub const NO_ERROR: &str = "0";
/// `ErrorCode` of requests that T-Bank could not execute just now: an internal error, or "try again later". What they did is not known.
const TEMPORARY: [&str; 4] = ["99", "125", "9001", "9999"];
/// What T-Bank's refusals mean to an operator, by `ErrorCode`.
const MEANINGS: [(&str, &str); 10] = [
    ("8", "статус платежа этого не позволяет"),
    ("202", "терминал заблокирован"),
    ("204", "ключ и пароль терминала в настройках не подходят друг к другу"),
    ("205", "терминала с ключом из настроек нет"),
    ("255", "такого платежа нет"),
    ("308", "сумма чека не равна сумме платежа"),
    ("309", "не передан чек"),
    ("330", "сумма больше, чем осталось от платежа"),
    ("334", "чек не подошёл"),
    ("335", "такого заказа нет"),
];

/// A value of a request's root, which is signed.
pub enum Scalar<'v> {
    Text(&'v str),
    Integer(i64),
}

/// Returns a call of a method. `scalars` are what is signed beside the terminal's key; `nested` writes what is not signed.
pub fn call<'v>(
    settings: &'v Settings,
    method: &str,
    scalars: &[(&'static str, Scalar<'v>)],
    nested: impl FnOnce(&mut ObjectWriter<'_>),
    repeatable: Repeatable,
) -> HttpCall {
    let mut signed: Vec<(&str, Cow<'_, str>)> = vec![("TerminalKey", settings.terminal_key.as_str().into())];
    signed.extend(scalars.iter().map(|(name, value)| match value {
        Scalar::Text(text) => (*name, Cow::Borrowed(*text)),
        Scalar::Integer(integer) => (*name, integer.to_string().into()),
    }));
    let signed: Vec<(&str, &str)> = signed.iter().map(|(name, value)| (*name, &**value)).collect();
    let token = token(&signed, &settings.password);
    let body = object(|o| {
        o.text("TerminalKey", &settings.terminal_key);
        for (name, value) in scalars {
            match value {
                Scalar::Text(text) => o.text(name, text),
                Scalar::Integer(integer) => o.integer(name, *integer),
            }
        }
        nested(o);
        o.text(TOKEN, &token);
    });
    post(format!("{}/{method}", settings.api_url), "application/json", body, repeatable)
}

/// Returns a call that reads.
pub fn read<'v>(settings: &'v Settings, method: &str, scalars: &[(&'static str, Scalar<'v>)]) -> HttpCall {
    call(settings, method, scalars, |_| {}, Repeatable::Always)
}

/// What T-Bank answered.
pub enum Answer<'a> {
    /// It did what was asked. What it says must still be compared with that.
    Success(Object<'a>),
    /// It refused, and did nothing.
    Refusal(Refusal),
    /// Nothing was sent, with the reason.
    NotSent(Bilingual),
    /// It is not known what T-Bank did, with the reason.
    Unclear(Bilingual),
}

/// A refusal of T-Bank's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// `ErrorCode`.
    pub code: String,
    /// `Message` and `Details`, cut.
    message: String,
}

impl Refusal {
    /// Returns the refusal as a sentence for the operator: what it means, and then in T-Bank's words.
    pub fn sentence(&self) -> Bilingual {
        let meaning = MEANINGS.iter().find(|(code, _)| *code == self.code).map(|(_, meaning)| *meaning);
        let because = meaning.map_or([""; 2], |meaning| [": ", meaning]).concat();
        filled(
            ["Т-Банк отказал{0}. Код {1}{2}", "T-Bank refuses with code {1}{2}"],
            &[&because, &self.code, &in_words(&self.message)],
        )
    }
}

/// Returns what T-Bank says as the end of a sentence.
fn in_words(message: &str) -> String {
    if message.is_empty() { ".".to_owned() } else { [": «", message, "»."].concat() }
}

/// Returns why an answer of T-Bank's cannot be read.
pub fn unknown_form(error: &dyn fmt::Display) -> Bilingual {
    filled(["Ответ Т-Банка в незнакомой форме.", "T-Bank's answer has a form that is not known. {0}"], &[&error])
}

/// Reads the result of a call.
pub fn answer<'a>(settings: &Settings, result: &'a HttpResult) -> Answer<'a> {
    let response = match result {
        HttpResult::Response(response) => response,
        HttpResult::NotSent(reason) => {
            return Answer::NotSent(["Связаться с Т-Банком не удалось.".to_owned(), shown(reason)]);
        }
        HttpResult::Unknown(reason) => return Answer::Unclear(["Т-Банк не ответил.".to_owned(), shown(reason)]),
    };
    if response.status != 200 {
        let status = response.status;
        return Answer::Unclear(filled(["Т-Банк ответил со статусом {0}.", "T-Bank answered with status {0}."], &[&status]));
    }
    parse(settings, &response.body).unwrap_or_else(|error| Answer::Unclear(unknown_form(&error)))
}

fn parse<'a>(settings: &Settings, body: &'a [u8]) -> Result<Answer<'a>, JsonError> {
    let answer = Object::parse(body)?;
    let (success, code) = (answer.flag("Success")?, answer.number_text("ErrorCode")?.into_owned());
    let terminal = answer.optional("TerminalKey")?;
    if terminal.map_or(success, |terminal| terminal != settings.terminal_key) {
        let message = ["Ответ Т-Банка не от этого терминала.", "T-Bank's answer is not of this terminal."];
        return Ok(Answer::Unclear(both(message)));
    }
    if success && code == NO_ERROR {
        return Ok(Answer::Success(answer));
    }
    let text = |name| answer.optional(name).ok().flatten().unwrap_or_default();
    let (message, code) = (remark(&format!("{} {}", text("Message"), text("Details"))), shown(&code));
    if success || code == NO_ERROR || TEMPORARY.contains(&code.as_str()) {
        let words = in_words(&message);
        return Ok(Answer::Unclear(filled(
            ["Т-Банк ответил с кодом {0}{1}", "T-Bank answered with code {0}{1}"],
            &[&code, &words],
        )));
    }
    Ok(Answer::Refusal(Refusal { code, message }))
}

/// Parses an amount: kopecks as an integer, `Amount` of at most ten digits.
pub fn amount(text: &str) -> Option<i64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain && text.len() <= 10)
}

/// Reports whether a text can be T-Bank's id of a payment: at most 20 digits.
pub fn is_payment_id(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0')
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use kit::exchanges::HttpResponse;

    pub(crate) fn answered(status: u16, body: &str) -> HttpResult {
        HttpResult::Response(HttpResponse { status, headers: Vec::new(), body: body.as_bytes().to_vec() })
    }

    fn kind(result: &HttpResult) -> &'static str {
        match answer(&settings(&[]), result) {
            Answer::Success(_) => "success",
            Answer::Refusal(_) => "refusal",
            Answer::NotSent(_) => "not sent",
            Answer::Unclear(_) => "unclear",
        }
    }

    #[test]
    fn what_an_answer_says() {
        let ours = r#""TerminalKey":"1321054611234""#;
        for (status, body, want) in [
            (200, format!(r#"{{"Success":true,"ErrorCode":"0",{ours}}}"#), "success"),
            (200, format!(r#"{{"Success":true,"ErrorCode":0,{ours}}}"#), "success"),
            (200, r#"{"Success":true,"ErrorCode":"0","TerminalKey":"1321054611235"}"#.into(), "unclear"),
            (200, r#"{"Success":true,"ErrorCode":"0"}"#.into(), "unclear"),
            (200, format!(r#"{{"Success":true,"ErrorCode":"8",{ours}}}"#), "unclear"),
            (200, format!(r#"{{"Success":"true","ErrorCode":"0",{ours}}}"#), "unclear"),
            (200, r#"{"Success":false,"ErrorCode":"255","Message":"Платеж не найден"}"#.into(), "refusal"),
            (200, r#"{"Success":false,"ErrorCode":"9999","Message":"Внутренняя ошибка системы"}"#.into(), "unclear"),
            (200, r#"{"Success":false,"ErrorCode":"0"}"#.into(), "unclear"),
            (500, format!(r#"{{"Success":true,"ErrorCode":"0",{ours}}}"#), "unclear"),
            (404, r#"{"Success":false,"ErrorCode":"255"}"#.into(), "unclear"),
            (200, "<html>".into(), "unclear"),
            (200, format!(r#"{{"Success":false,"Success":true,"ErrorCode":"0",{ours}}}"#), "unclear"),
        ] {
            assert_eq!(kind(&answered(status, &body)), want, "{body}");
        }
        assert_eq!(kind(&HttpResult::NotSent("no route".into())), "not sent");
        assert_eq!(kind(&HttpResult::Unknown("timeout".into())), "unclear");
    }

    #[test]
    fn a_refusal_is_told_in_t_banks_words() {
        let result = answered(200, r#"{"Success":false,"ErrorCode":"334","Message":"Неверно","Details":"Суммы не совпадают"}"#);
        let Answer::Refusal(refusal) = answer(&settings(&[]), &result) else { panic!() };
        let want = [
            "Т-Банк отказал: чек не подошёл. Код 334: «Неверно Суммы не совпадают».",
            "T-Bank refuses with code 334: «Неверно Суммы не совпадают».",
        ];
        assert_eq!(refusal.sentence(), want);
        let long = format!(r#"{{"Success":false,"ErrorCode":"1051","Message":"{}"}}"#, "Недостаточно средств. ".repeat(20));
        let result = answered(200, &long);
        let Answer::Refusal(refusal) = answer(&settings(&[]), &result) else { panic!() };
        let [russian, _] = refusal.sentence();
        assert!(
            russian.starts_with("Т-Банк отказал. Код 1051: «Недостаточно средств.") && russian.ends_with(" средств…»."),
            "{russian}"
        );
        let result = answered(200, r#"{"Success":false,"ErrorCode":"335"}"#);
        let Answer::Refusal(refusal) = answer(&settings(&[]), &result) else { panic!() };
        assert_eq!(refusal.sentence()[0], "Т-Банк отказал: такого заказа нет. Код 335.");
    }

    #[test]
    fn a_call_is_signed_over_its_scalars_alone() {
        let settings = settings(&[]);
        let nested = |o: &mut ObjectWriter<'_>| o.object("DATA", |data| data.text("Phone", "+79001234567"));
        let call = call(
            &settings,
            "Init",
            &[("Amount", Scalar::Integer(10_000)), ("OrderId", Scalar::Text("42"))],
            nested,
            Repeatable::Never,
        );
        // printf '1000042TestPassword11321054611234' | openssl dgst -sha256
        let want = r#"{"TerminalKey":"1321054611234","Amount":10000,"OrderId":"42","DATA":{"Phone":"+79001234567"},"Token":"bc9480f43aee99a7bab1e5b4597b160fb557871fc542d5b02a4fda35ae70cdfa"}"#;
        assert_eq!(
            (call.url.as_str(), String::from_utf8(call.body).unwrap().as_str()),
            ("https://securepay.tinkoff.ru/v2/Init", want)
        );
    }

    #[test]
    fn amounts_and_payments() {
        for (text, want) in [
            ("19200", Some(19_200)),
            ("0", Some(0)),
            ("019200", None),
            ("192.00", None),
            ("-1", None),
            ("", None),
            ("1e3", None),
            ("12345678901", None),
        ] {
            assert_eq!(amount(text), want, "{text}");
        }
        for (text, want) in [
            ("13660", true),
            ("12345678901234567890", true),
            ("123456789012345678901", false),
            ("0", false),
            ("", false),
            ("1a", false),
        ] {
            assert_eq!(is_payment_id(text), want, "{text}");
        }
    }
}
