//! Calls to CloudPayments' API, and the envelope of every answer: `{"Success": true, "Message": null, "Model": …}`.

use std::fmt;

use kit::call;
use kit::exchanges::{HttpCall, HttpResult, Repeatable};
use kit::json::{JsonError, Object, Value};
use kit::problem::{Bilingual, both, filled};
use kit::text::remark;

use crate::settings::Settings;

/// How long the API knows the second of two calls with one `X-Request-ID`, in seconds.
pub const REQUEST_ID_SECONDS: u32 = 3600;

/// The longest report that is read, in bytes: what the host passes on.
pub const REPORT_BYTES_MAX: u32 = 1_048_576;

/// Returns a call that reads.
pub fn read(settings: &Settings, path: &str, body: &str) -> HttpCall {
    post(settings, path, body, Repeatable::Always)
}

/// Returns a call that changes something, with the key by which the API knows a second one.
pub fn change(settings: &Settings, path: &str, body: &str, request_id: &str) -> HttpCall {
    let mut call = post(settings, path, body, Repeatable::Within(REQUEST_ID_SECONDS));
    call.headers.push(("x-request-id".to_owned(), request_id.to_owned()));
    call
}

fn post(settings: &Settings, path: &str, body: &str, repeatable: Repeatable) -> HttpCall {
    let mut call = call::post([&settings.api_url, path].concat(), "application/json", body, repeatable);
    call.headers.push(call::basic_auth(&settings.public_id, settings.api_secret.expose()));
    call
}

/// An answer of the API.
#[derive(Debug)]
pub struct Answer<'c> {
    /// Whether the API says that it did what was asked.
    pub success: bool,
    /// What it says for people, cut; may be empty.
    pub message: String,
    /// What the answer is about.
    pub model: Option<Value<'c>>,
}

/// Why a call has no answer, as a part of a sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoAnswer {
    /// It was not done: it was not sent, or the API turned it away before it did anything.
    NotDone(Bilingual),
    /// It may have been done.
    Unknown(Bilingual),
}

impl NoAnswer {
    /// Returns the reason, whatever it means for a call that changes something.
    pub fn into_reason(self) -> Bilingual {
        match self {
            NoAnswer::NotDone(reason) | NoAnswer::Unknown(reason) => reason,
        }
    }
}

/// Reads the answer to a call.
///
/// # Errors
/// Why there is none.
pub fn answer(result: &HttpResult, bytes_max: u32) -> Result<Answer<'_>, NoAnswer> {
    let response = match result {
        HttpResult::Response(response) => response,
        HttpResult::NotSent(reason) => {
            return Err(NoAnswer::NotDone(["связаться с ним не удалось".to_owned(), reason.clone()]));
        }
        HttpResult::Unknown(reason) => return Err(NoAnswer::Unknown(["ответа нет".to_owned(), reason.clone()])),
    };
    match response.status {
        200 => {}
        401 => {
            let reason = ["Public ID и API Secret не подошли (401)", "it knows no such Public ID with this API Secret (401)"];
            return Err(NoAnswer::NotDone(both(reason)));
        }
        429 => {
            let reason = ["слишком много запросов сразу (429)", "it has too many calls of this site at once (429)"];
            return Err(NoAnswer::NotDone(both(reason)));
        }
        status => {
            return Err(NoAnswer::Unknown(filled(["статус ответа {0}", "it answered with the status {0}"], &[&status])));
        }
    }
    let malformed = |error: JsonError| NoAnswer::Unknown(unknown_form(&error));
    let max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
    let body = Object::parse_within(&response.body, max).map_err(malformed)?;
    let success = body.flag("Success").map_err(malformed)?;
    let message = body.optional("Message").map_err(malformed)?;
    Ok(Answer { success, message: message.map(|message| remark(&message)).unwrap_or_default(), model: body.find("Model") })
}

/// Returns why an answer cannot be read.
pub fn unknown_form(what: &dyn fmt::Display) -> Bilingual {
    filled(["ответ в незнакомой форме", "it answered with something else than it documents: {0}"], &[&what])
}

/// Returns what the API says instead of an answer.
pub fn said(message: &str) -> Bilingual {
    filled(["ответ «{0}»", "it says «{0}»"], &[&message])
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use kit::call::ANSWER_BYTES_MAX;
    use kit::exchanges::HttpResponse;

    /// Returns an answer of the API.
    pub(crate) fn responded(status: u16, body: &str) -> HttpResult {
        HttpResult::Response(HttpResponse { status, headers: Vec::new(), body: body.into() })
    }

    #[test]
    fn a_call_carries_the_secret_in_its_header_alone() {
        let settings = settings(&[("api-url", "https://api.tiptoppay.kz/")]);
        let call = change(&settings, "/payments/refund", "{}", "refund-1");
        assert_eq!(call.url, "https://api.tiptoppay.kz/payments/refund");
        assert_eq!(call.repeatable, Repeatable::Within(3600));
        // Made by: printf %s 'pk_test_site_1:TestApiSecret0001' | base64
        let want = [
            ("content-type", "application/json"),
            ("authorization", "Basic cGtfdGVzdF9zaXRlXzE6VGVzdEFwaVNlY3JldDAwMDE="),
            ("x-request-id", "refund-1"),
        ];
        assert_eq!(call.headers, want.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(read(&settings, "/payments/get", "{}").repeatable, Repeatable::Always);
    }

    #[test]
    fn what_is_no_answer() {
        let is_unknown = |result: &HttpResult| match answer(result, ANSWER_BYTES_MAX) {
            Ok(_) => None,
            Err(NoAnswer::NotDone(_)) => Some(false),
            Err(NoAnswer::Unknown(_)) => Some(true),
        };
        for (result, want) in [
            (responded(200, r#"{"Success":true,"Message":null,"Model":{}}"#), None),
            (responded(200, r#"{"Success":false,"Message":"Not found"}"#), None),
            (HttpResult::NotSent("no route".to_owned()), Some(false)),
            (HttpResult::Unknown("no answer in 10 s".to_owned()), Some(true)),
            (responded(401, ""), Some(false)),
            (responded(429, ""), Some(false)),
            (responded(400, r#"{"Success":false}"#), Some(true)),
            (responded(500, ""), Some(true)),
            (responded(201, r#"{"Success":true}"#), Some(true)),
            (responded(200, ""), Some(true)),
            (responded(200, "[]"), Some(true)),
            (responded(200, r#"{"Message":"x"}"#), Some(true)),
            (responded(200, r#"{"Success":"true"}"#), Some(true)),
            (responded(200, r#"{"Success":true,"Success":false}"#), Some(true)),
            (responded(200, r#"{"Success":true,"Message":1}"#), Some(true)),
            (responded(200, &format!(r#"{{"Success":true,"Message":"{}"}}"#, "x".repeat(70_000))), Some(true)),
        ] {
            assert_eq!(is_unknown(&result), want, "{result:?}");
        }
    }

    #[test]
    fn a_message_of_the_api_is_short_and_plain() {
        let body = format!(r#"{{"Success":false,"Message":"a\n\u2028{}"}}"#, "я".repeat(500));
        let result = responded(200, &body);
        assert_eq!(answer(&result, ANSWER_BYTES_MAX).unwrap().message, format!("a \u{fffd}{}…", "я".repeat(246)));
    }
}
