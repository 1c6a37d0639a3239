//! The JSON that billing is asked in, and answers in. The gateway's OpenAPI document for billing describes both.

use std::fmt;
use std::marker::PhantomData;

use domain::{AccountNumber, AccountState, Fields, HttpResponse, Money, Problem};
use host::AccountQuestion;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What billing must answer, for whoever reads what was wrong.
pub const EXPECTED: &str = "it must answer 200 with JSON: {\"account\": null} where there is no such account, otherwise \
    {\"account\": {\"number\": …}} (see /api/billing-openapi.json)";
/// The longest reason, in characters: it may quote names that billing sent.
const REASON_CHARS_MAX: usize = 200;

#[derive(Serialize)]
struct Question<'q> {
    purpose: &'static str,
    provider: &'q str,
    account: &'q str,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Money>,
    #[serde(serialize_with = "as_object")]
    fields: &'q Fields,
}

fn as_object<S: Serializer>(fields: &&Fields, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(fields.iter().map(|(name, value)| (name, value)))
}

/// Writes a question.
pub fn write(question: &AccountQuestion) -> Vec<u8> {
    let AccountQuestion { provider, purpose, query } = question;
    let asked =
        Question { purpose: purpose.name(), provider, account: &query.number, amount: query.amount, fields: &query.extra };
    // It has texts and numbers alone, which are always written.
    serde_json::to_vec(&asked).unwrap_or_default()
}

/// An answer. A name that is not known is refused: a misspelt `refusal` would let a payment through.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    /// It must be there: an answer that lacks it is not "no such account".
    #[serde(deserialize_with = "present")]
    account: Option<Object<Account>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    number: AccountNumber,
    #[serde(default)]
    holder: String,
    #[serde(default)]
    address: String,
    balance: Option<Object<Money>>,
    due: Option<Object<Money>>,
    refusal: Option<Object<Refusal>>,
    #[serde(default, deserialize_with = "fields")]
    extra: Fields,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusal {
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default, deserialize_with = "fields")]
    translations: Fields,
}

/// Reads an answer.
///
/// # Errors
/// What is wrong with it, after "billing", without any value of it.
pub fn read(answer: &HttpResponse) -> Result<Option<AccountState>, String> {
    if answer.status != 200 {
        return Err(format!("answered with the status {}", answer.status));
    }
    let content_type = answer.headers.iter().find(|(name, _)| name == "content-type").map_or("", |(_, value)| value.as_str());
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err("answered with another content-type than application/json".to_owned());
    }
    let mut json = serde_json::Deserializer::from_slice(&answer.body);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let reason = without_values(&error.into_inner());
        // The root's path is a dot, and that of a text which ends too early a question mark.
        if path == "." || path == "?" { reason } else { format!("`{path}`: {reason}") }
    });
    let read = read.and_then(|read: Object<Answer>| json.end().map(|()| read.0).map_err(|error| error.to_string()));
    let answer = read.map_err(|reason| {
        let reason: String = reason.chars().filter(|char| !char.is_control()).take(REASON_CHARS_MAX).collect();
        format!("answered what is not as described: {reason}")
    })?;
    Ok(answer.account.map(|Object(account)| state(account)))
}

fn state(account: Account) -> AccountState {
    let Account { number, holder, address, balance, due, refusal, extra } = account;
    let problem = |Object(Refusal { code, message, translations })| {
        let translations = translations.into_iter().map(|(language, text)| (language, one_line(&text))).collect();
        Problem { translations, ..Problem::new(code, one_line(&message)) }
    };
    let money = |amount: Option<Object<Money>>| amount.map(|Object(amount)| amount);
    let (holder, address) = (one_line(&holder), one_line(&address));
    AccountState { number, refusal: refusal.map(problem), holder, address, balance: money(balance), due: money(due), extra }
}

/// Returns a text that people read in one line: an address of several lines, or a tabulator in a name, stops no payment.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Says what is wrong without the value, which may be about a person.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let is_of_value = ["invalid type", "invalid value", "invalid length"].iter().any(|start| text.starts_with(start));
    match text.rfind("expected ") {
        Some(at) if is_of_value => text.get(at..).unwrap_or_default().to_owned(),
        _ => text,
    }
}

fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// A value that is an object. What serde derives would take an array for one as well.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<T>, D::Error> {
        struct AnObject<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for AnObject<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(AnObject(PhantomData))
    }
}

/// Reads an object of texts. PHP writes an empty one as an empty array, which is taken for it.
fn fields<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fields, D::Error> {
    struct Texts;

    impl<'de> Visitor<'de> for Texts {
        type Value = Fields;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of texts")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Fields, A::Error> {
            match items.next_element::<de::IgnoredAny>()? {
                None => Ok(Fields::new()),
                Some(_) => Err(de::Error::invalid_type(de::Unexpected::Seq, &self)),
            }
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Fields, A::Error> {
            let mut fields = Fields::new();
            while let Some(entry) = entries.next_entry()? {
                fields.push(entry);
            }
            Ok(fields)
        }
    }

    deserializer.deserialize_any(Texts)
}

#[cfg(test)]
mod tests {
    use domain::{AccountQuery, Currency};
    use host::AccountPurpose;

    use super::*;

    fn answer(body: &str) -> HttpResponse {
        let headers = vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())];
        HttpResponse { status: 200, headers, body: body.as_bytes().to_vec() }
    }

    fn rub(minor_units: i64) -> Money {
        Money { minor_units, currency: Currency::RUB }
    }

    #[test]
    fn question_says_why_and_what_is_asked() {
        let query = AccountQuery { number: "100500".parse().unwrap(), amount: Some(rub(12_345)), extra: Vec::new() };
        let question =
            AccountQuestion { provider: "osmp".parse().unwrap(), purpose: AccountPurpose::Payment, query: query.clone() };
        assert_eq!(
            String::from_utf8(write(&question)).unwrap(),
            r#"{"purpose":"payment","provider":"osmp","account":"100500","amount":{"minor_units":12345,"currency":"RUB"},"fields":{}}"#
        );
        let query = AccountQuery { amount: None, extra: vec![("service".to_owned(), "5".to_owned())], ..query };
        let question = AccountQuestion { purpose: AccountPurpose::Check, query, ..question };
        assert_eq!(
            String::from_utf8(write(&question)).unwrap(),
            r#"{"purpose":"check","provider":"osmp","account":"100500","fields":{"service":"5"}}"#
        );
    }

    #[test]
    fn texts_become_one_line() {
        let answered = answer(
            r#"{"account": {"number": "1", "holder": " Иванов\tИ. И.\r\n", "address": "Москва,\nул. Первая",
            "refusal": {"code": "forbidden", "message": "No.\nNever.", "translations": {"ru": "Нет.\nНикогда."}}}}"#,
        );
        let AccountState { holder, address, refusal, .. } = read(&answered).unwrap().unwrap();
        assert_eq!((holder.as_str(), address.as_str()), ("Иванов И. И.", "Москва, ул. Первая"));
        let refusal = refusal.unwrap();
        assert_eq!(
            (refusal.message.as_str(), refusal.translations),
            ("No. Never.", vec![("ru".to_owned(), "Нет. Никогда.".to_owned())])
        );
    }

    #[test]
    fn answers_are_read_whole_or_with_the_least() {
        assert_eq!(read(&answer(r#" {"account": null} "#)), Ok(None));
        let least = AccountState {
            number: "100500".parse().unwrap(),
            refusal: None,
            holder: String::new(),
            address: String::new(),
            balance: None,
            due: None,
            extra: Vec::new(),
        };
        assert_eq!(read(&answer(r#"{"account": {"number": "100500"}}"#)), Ok(Some(least.clone())));
        // As PHP writes it.
        let php = r#"{"account":{"number":"100500","refusal":{"code":"forbidden","translations":[]},"extra":[]}}"#;
        let refused = AccountState { refusal: Some(Problem::new("forbidden", "")), ..least };
        assert_eq!(read(&answer(php)), Ok(Some(refused.clone())));
        let whole = r#"{"account": {"number": "100500", "holder": "Иванов И. И.", "address": "Москва",
            "balance": {"minor_units": -5005, "currency": "RUB"}, "due": {"minor_units": 60000, "currency": "RUB"},
            "refusal": {"code": "account-inactive", "message": "Closed.", "translations": {"ru": "Закрыт."}},
            "extra": {"tariff": "100"}}}"#;
        let field = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        let problem = Problem { translations: field("ru", "Закрыт."), ..Problem::new("account-inactive", "Closed.") };
        let state = AccountState {
            refusal: Some(problem),
            holder: "Иванов И. И.".to_owned(),
            address: "Москва".to_owned(),
            balance: Some(rub(-5_005)),
            due: Some(rub(60_000)),
            extra: field("tariff", "100"),
            ..refused
        };
        assert_eq!(read(&answer(whole)), Ok(Some(state)));
    }

    /// None of them may be taken for "no such account", nor for an account that takes payments.
    #[test]
    fn whatever_else_is_answered_is_no_answer() {
        let number = r#""number": "100500""#;
        for (body, words) in [
            ("", "EOF while parsing"),
            ("null", "expected an object"),
            ("[null]", "expected an object"),
            ("{}", "missing field `account`"),
            (r#"{"account": []}"#, "`account`: expected an object"),
            (r#"{"account": {}}"#, "`account`: missing field `number`"),
            (r#"{"account": ["100500"]}"#, "`account`: expected an object"),
            (r#"{"account": false}"#, "`account`: expected an object"),
            (r#"{"account": null, "account": null}"#, "duplicate field `account`"),
            (r#"{"account": null} x"#, "trailing characters"),
            (r#"{"account": null, "error": "no database"}"#, "unknown field `error`"),
            (r#"{"account": {"number": 100500}}"#, "`account.number`: expected a string"),
            (r#"{"account": {"number": ""}}"#, "`account.number`: account must have 1 to 64 characters"),
            (&format!(r#"{{"account": {{{number}, "refusual": {{}}}}}}"#), "unknown field `refusual`"),
            (&format!(r#"{{"account": {{{number}, "holder": null}}}}"#), "`account.holder`: expected a string"),
            (&format!(r#"{{"account": {{{number}, "refusal": "closed"}}}}"#), "`account.refusal`: expected an object"),
            (&format!(r#"{{"account": {{{number}, "refusal": {{}}}}}}"#), "`account.refusal`: missing field `code`"),
            (&format!(r#"{{"account": {{{number}, "balance": 100}}}}"#), "`account.balance`: expected an object"),
            (
                &format!(r#"{{"account": {{{number}, "balance": {{"minor_units": 1.5, "currency": "RUB"}}}}}}"#),
                "`account.balance.minor_units`: expected i64",
            ),
            (
                &format!(r#"{{"account": {{{number}, "due": {{"minor_units": 1, "currency": "rub"}}}}}}"#),
                "`account.due.currency`: the currency \"rub\" is not three upper-case letters",
            ),
            (&format!(r#"{{"account": {{{number}, "extra": ["a"]}}}}"#), "`account.extra`: expected an object of texts"),
        ] {
            let wrong = read(&answer(body)).unwrap_err();
            assert!(wrong.starts_with("answered what is not as described: ") && wrong.contains(words), "{body}: {wrong}");
        }
        let page = r#"{"account": {"number": "100500", "holder": ["Иванов Иван"]}}"#;
        assert!(!read(&answer(page)).unwrap_err().contains("Иванов"));
        for status in [201, 204, 301, 400, 404, 500] {
            let wrong = read(&HttpResponse { status, ..answer(r#"{"account": null}"#) }).unwrap_err();
            assert_eq!(wrong, format!("answered with the status {status}"));
        }
        for content_type in ["text/html", "application/problem+json", ""] {
            let headers = vec![("content-type".to_owned(), content_type.to_owned())];
            let wrong = read(&HttpResponse { headers, ..answer(r#"{"account": null}"#) }).unwrap_err();
            assert!(wrong.contains("another content-type"), "{wrong}");
        }
    }
}
