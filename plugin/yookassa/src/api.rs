//! Calls to YooKassa's API, and what their answers say.

use kit::call;
use kit::exchanges::{HttpCall, HttpResult, Repeatable};
use kit::json::Object;
use kit::problem::{Bilingual, filled};
use kit::text::remark;

use crate::settings::Settings;

/// How long YooKassa knows a call by its key, in seconds: a day.
const KEY_SECONDS: u32 = 86_400;
/// The longest id of a payment or refund that is accepted. YooKassa's have 36 characters.
const ID_CHARS_MAX: usize = 64;
/// How many refunds of a payment are read. Each is below 1 KiB, and an answer at most 64 KiB.
const REFUNDS_MAX: &str = "50";

/// What the answer to a call says.
pub enum Answer<'c> {
    /// It was done, or read: the object, which is not parsed yet.
    Object(&'c [u8]),
    /// It was not done, and YooKassa says why.
    Refused(Refusal),
    /// It did not get there, with the reason.
    NotSent(Bilingual),
    /// It may have been done or not, with the reason.
    Unknown(Bilingual),
}

/// An error of the API (HTTP 4xx): the request was not carried out.
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The parameter that is wrong, as YooKassa names it: `receipt.customer.email`.
    pub parameter: Option<String>,
    /// A sentence in English for a person, cut; may be empty.
    pub description: String,
}

impl Refusal {
    fn read(status: u16, body: &[u8]) -> Refusal {
        let error = Object::parse(body).ok();
        let text = |name| error.as_ref().and_then(|error| error.optional(name).ok().flatten()).map(|text| text.into_owned());
        Refusal { status, parameter: text("parameter"), description: remark(&text("description").unwrap_or_default()) }
    }

    /// Reports whether the same call may be carried out later: the key in the settings is wrong (401), or there are too many calls
    /// (429).
    pub fn is_temporary(&self) -> bool {
        matches!(self.status, 401 | 429)
    }

    /// Returns what an operator is told: what it means and what to do, and then in YooKassa's words.
    pub fn message(&self) -> Bilingual {
        let [in_russian, in_english] = match self.status {
            400 => ["запрос не подошёл", ""],
            401 => [
                "идентификатор магазина или секретный ключ не подошли, проверьте их в настройках",
                " Check shop-id and secret-key in the settings.",
            ],
            403 => [
                "у ключа нет права на это, обратитесь к менеджеру ЮKassa",
                " The key has no right to it: ask YooKassa's manager.",
            ],
            404 => ["такого у неё нет", ""],
            429 => ["слишком много запросов сразу", ""],
            _ => ["запрос не выполнен", ""],
        };
        let parameter = self.parameter.as_ref().map(|parameter| format!(" ({parameter})")).unwrap_or_default();
        let said = if self.description.is_empty() { String::new() } else { format!(": «{}»", self.description) };
        let end = format!("{}{parameter}{said}.", self.status);
        filled(
            ["ЮKassa отказала: {0}. Статус {1}", "YooKassa refused it with status {1}{2}"],
            &[&in_russian, &end, &in_english],
        )
    }
}

impl<'c> Answer<'c> {
    /// Sorts the result of a call.
    pub fn of(result: &'c HttpResult) -> Answer<'c> {
        match result {
            HttpResult::Response(response) => match response.status {
                200 => Answer::Object(&response.body),
                status @ 400..=499 => Answer::Refused(Refusal::read(status, &response.body)),
                // 202: it is being carried out; 500: YooKassa does not know the result itself.
                status => Answer::Unknown(filled(
                    [
                        "ЮKassa ответила со статусом {0}: выполнен ли запрос, неизвестно.",
                        "YooKassa answered with status {0}, which leaves it open.",
                    ],
                    &[&status],
                )),
            },
            HttpResult::NotSent(reason) => {
                Answer::NotSent(filled(["Связаться с ЮKassa не удалось.", "YooKassa cannot be reached: {0}"], &[&reason]))
            }
            HttpResult::Unknown(reason) => {
                Answer::Unknown(filled(["ЮKassa не ответила.", "YooKassa did not answer: {0}"], &[&reason]))
            }
        }
    }
}

/// Reports whether a text can be the id of a payment or refund, such as `23d93cac-000f-5000-8000-126628f15141`. It becomes part of
/// a URL: nothing but letters, digits and hyphens may be in it.
pub fn is_id(text: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Returns the call that reads a payment.
pub fn read_payment(settings: &Settings, id: &str) -> HttpCall {
    read(settings, &["/payments/", id])
}

/// Returns the call that reads a refund.
pub fn read_refund(settings: &Settings, id: &str) -> HttpCall {
    read(settings, &["/refunds/", id])
}

/// Returns the call that reads the refunds of a payment.
pub fn read_refunds(settings: &Settings, payment: &str) -> HttpCall {
    read(settings, &["/refunds?payment_id=", payment, "&limit=", REFUNDS_MAX])
}

/// Returns the call that makes a payment. YooKassa knows it again by the order's id.
pub fn create_payment(settings: &Settings, order: &str, body: String) -> HttpCall {
    create(settings, "/payments", &["order-", order].concat(), body)
}

/// Returns the call that pays back. YooKassa knows it again by the refund's id.
pub fn create_refund(settings: &Settings, refund: &str, body: String) -> HttpCall {
    create(settings, "/refunds", &["refund-", refund].concat(), body)
}

fn read(settings: &Settings, path: &[&str]) -> HttpCall {
    let mut call = call::get([&settings.api_url, &*path.concat()].concat());
    call.headers.push(authorization(settings));
    call
}

fn create(settings: &Settings, path: &str, key: &str, body: String) -> HttpCall {
    let url = [&settings.api_url, path].concat();
    let mut call = call::post(url, "application/json", body, Repeatable::Within(KEY_SECONDS));
    call.headers.push(authorization(settings));
    call.headers.push(("idempotence-key".to_owned(), key.to_owned()));
    call
}

fn authorization(settings: &Settings) -> (String, String) {
    call::basic_auth(&settings.shop_id, settings.secret_key.expose())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use kit::contract::HttpMethod;
    use kit::exchanges::HttpResponse;

    /// The credentials were encoded by `printf '100500:live_TestSecretKey1' | base64`.
    #[test]
    fn calls_are_those_of_the_documentation() {
        let settings = settings(&[]);
        let authorization = ("authorization".to_owned(), "Basic MTAwNTAwOmxpdmVfVGVzdFNlY3JldEtleTE=".to_owned());
        for (call, url) in [
            (read_payment(&settings, "2c-1"), "https://api.yookassa.ru/v3/payments/2c-1"),
            (read_refund(&settings, "2c-1"), "https://api.yookassa.ru/v3/refunds/2c-1"),
            (read_refunds(&settings, "2c-1"), "https://api.yookassa.ru/v3/refunds?payment_id=2c-1&limit=50"),
        ] {
            assert_eq!((call.method, call.url.as_str(), call.repeatable), (HttpMethod::Get, url, Repeatable::Always));
            assert_eq!(call.headers, std::slice::from_ref(&authorization));
        }
        for (call, url, key) in [
            (create_payment(&settings, "42", "{}".to_owned()), "https://api.yookassa.ru/v3/payments", "order-42"),
            (create_refund(&settings, "42", "{}".to_owned()), "https://api.yookassa.ru/v3/refunds", "refund-42"),
        ] {
            assert_eq!((call.method, call.url.as_str(), call.repeatable), (HttpMethod::Post, url, Repeatable::Within(86_400)));
            let json = ("content-type".to_owned(), "application/json".to_owned());
            assert_eq!(call.headers, [json, authorization.clone(), ("idempotence-key".to_owned(), key.to_owned())]);
        }
    }

    #[test]
    fn only_what_yookassa_says_was_not_done_is_refused() {
        for (status, want) in [
            (200, "object"),
            (201, "unknown"),
            (202, "unknown"),
            (302, "unknown"),
            (400, "refused"),
            (401, "refused, temporary"),
            (403, "refused"),
            (404, "refused"),
            (429, "refused, temporary"),
            (500, "unknown"),
            (503, "unknown"),
        ] {
            let body = br#"{"type":"error","parameter":"amount.value","description":"Too small"}"#;
            let result = HttpResult::Response(HttpResponse { status, headers: Vec::new(), body: body.to_vec() });
            let got = match Answer::of(&result) {
                Answer::Object(_) => "object",
                Answer::Refused(refusal) => {
                    for message in refusal.message() {
                        assert!(message.contains(&format!("{status} (amount.value): «Too small».")), "{message}");
                    }
                    if refusal.is_temporary() { "refused, temporary" } else { "refused" }
                }
                Answer::NotSent(_) => "not sent",
                Answer::Unknown(_) => "unknown",
            };
            assert_eq!(got, want, "{status}");
        }
        assert!(matches!(Answer::of(&HttpResult::NotSent("no name".to_owned())), Answer::NotSent(_)));
        assert!(matches!(Answer::of(&HttpResult::Unknown("10 s".to_owned())), Answer::Unknown(_)));
    }

    #[test]
    fn ids_cannot_lead_elsewhere() {
        for (text, good) in [
            ("23d93cac-000f-5000-8000-126628f15141", true),
            ("", false),
            ("../me", false),
            ("1/capture", false),
            ("1?x=1", false),
            ("1%2e", false),
            ("1 ", false),
            ("ё", false),
            (&"a".repeat(64), true),
            (&"a".repeat(65), false),
        ] {
            assert_eq!(is_id(text), good, "{text}");
        }
    }
}
