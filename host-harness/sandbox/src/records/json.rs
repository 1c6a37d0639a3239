//! The records' JSON where it is not what serde derives.

use std::fmt;

use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::{CallbackAnswer, Date, Event, Fields, HttpReply, Problem, Verdict};

/// One of a unit: what a write-off charges for where it says nothing else.
pub fn one_in_thousandths() -> i64 {
    1000
}

/// Reads named values as pairs or as an object.
pub fn fields<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fields, D::Error> {
    struct Either;
    impl<'de> Visitor<'de> for Either {
        type Value = Fields;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("pairs of texts or an object of texts")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut pairs: A) -> Result<Fields, A::Error> {
            let mut fields = Fields::new();
            while let Some(pair) = pairs.next_element()? {
                fields.push(pair);
            }
            Ok(fields)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Fields, A::Error> {
            let mut fields = Fields::new();
            while let Some(entry) = entries.next_entry()? {
                fields.push(entry);
            }
            Ok(fields)
        }
    }
    deserializer.deserialize_any(Either)
}

/// Bytes as text, or as `{"base64": "..."}` where they are not UTF-8.
pub mod body {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Body {
        Text(String),
        Bytes { base64: String },
    }

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(bytes) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => Body::Bytes { base64: STANDARD.encode(bytes) }.serialize(serializer),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        match Body::deserialize(deserializer)? {
            Body::Text(text) => Ok(text.into_bytes()),
            Body::Bytes { base64 } => STANDARD.decode(base64).map_err(de::Error::custom),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a date is \"YYYY-MM-DD\" or {\"year\", \"month\", \"day\"}")]
pub enum DateText {
    Text(DateOfText),
    Record { year: u16, month: u8, day: u8 },
}

/// `YYYY-MM-DD`; whether the day exists, the provider checks.
pub struct DateOfText(Date);

impl<'de> Deserialize<'de> for DateOfText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DateOfText, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = |from: usize, to: usize| text.get(from..to).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        let separators = text.len() == 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
        let date = || {
            let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
            Some(Date { year: year.parse().ok()?, month: month.parse().ok()?, day: day.parse().ok()? })
        };
        let date = separators.then(date).flatten();
        date.map(DateOfText).ok_or_else(|| de::Error::custom("a date is YYYY-MM-DD"))
    }
}

impl From<DateText> for Date {
    fn from(text: DateText) -> Date {
        match text {
            DateText::Text(date) => date.0,
            DateText::Record { year, month, day } => Date { year, month, day },
        }
    }
}

#[derive(Serialize)]
pub struct AnswerReport {
    verdict: &'static str,
    event: Option<Event>,
    problem: Option<Problem>,
    reply: HttpReply,
}

impl From<CallbackAnswer> for AnswerReport {
    fn from(CallbackAnswer { verdict, reply }: CallbackAnswer) -> AnswerReport {
        let (verdict, event, problem) = match verdict {
            Verdict::Accepted(event) => ("accepted", Some(event), None),
            Verdict::Ignored(problem) => ("ignored", None, Some(problem)),
            Verdict::Refused(problem) => ("refused", None, Some(problem)),
        };
        AnswerReport { verdict, event, problem, reply }
    }
}

#[cfg(test)]
mod tests {
    use super::super::*;

    #[test]
    fn requests_as_people_write_them() {
        let read = |text: &str| serde_json::from_str::<CallbackRequest>(text).unwrap();
        let request = read(r#"{"method": "POST", "body": "a=1"}"#);
        assert_eq!((request.method, request.body.as_slice(), request.received_at), (HttpMethod::Post, &b"a=1"[..], 0));
        let request = read(r#"{"method": "get", "query": "a=1", "body": {"base64": "/w=="}, "headers": {"host": "x"}}"#);
        assert_eq!((request.body.as_slice(), request.headers), (&b"\xff"[..], vec![("host".into(), "x".into())]));
        let error = serde_json::from_str::<CallbackRequest>(r#"{"method": "POST", "boddy": ""}"#).unwrap_err();
        assert!(error.to_string().contains("boddy"), "{error}");
    }

    #[test]
    fn dates_in_both_forms() {
        let want = Date { year: 2026, month: 10, day: 31 };
        for text in [r#""2026-10-31""#, r#"{"year": 2026, "month": 10, "day": 31}"#] {
            assert_eq!(serde_json::from_str::<Date>(text).unwrap(), want);
        }
        for text in [r#""31.10.2026""#, r#""2026-1-31""#, r#""2026-10-31T""#, r#""2026-+1-31""#, "5"] {
            let error = serde_json::from_str::<Date>(text).unwrap_err();
            assert!(error.to_string().contains("YYYY-MM-DD"), "{error}");
        }
    }

    #[test]
    fn answers_as_programs_read_them() {
        let problem = Problem { code: "c".into(), field: None, row: None, message: "m".into() };
        let reply = HttpReply { status: 403, headers: vec![("a".into(), "b".into())], body: b"\xff".to_vec() };
        let answer = CallbackAnswer { verdict: Verdict::Refused(problem), reply };
        assert_eq!(
            serde_json::to_string(&answer).unwrap(),
            r#"{"verdict":"refused","event":null,"problem":{"code":"c","field":null,"row":null,"message":"m"},"reply":{"status":403,"headers":[["a","b"]],"body":{"base64":"/w=="}}}"#
        );
    }

    #[test]
    fn settings_cannot_be_printed() {
        let settings = Settings::new([("shared-sec", "TestSharedSec001")]);
        assert_eq!(format!("{settings:?}"), r#"{"shared-sec": "…"}"#);
    }
}
