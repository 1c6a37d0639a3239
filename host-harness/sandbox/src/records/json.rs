//! The records' JSON where it is not what serde derives.

use std::fmt;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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

/// A date as `YYYY-MM-DD`, or as its record; whether the day exists, the provider checks.
pub mod date {
    use serde::de::value::MapAccessDeserializer;

    use super::*;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Record {
        year: u16,
        month: u8,
        day: u8,
    }

    impl Serialize for Date {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(&format_args!("{:04}-{:02}-{:02}", self.year, self.month, self.day))
        }
    }

    impl<'de> Deserialize<'de> for Date {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
            struct Either;
            impl<'de> Visitor<'de> for Either {
                type Value = Date;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("a date as YYYY-MM-DD")
                }

                fn visit_str<E: de::Error>(self, text: &str) -> Result<Date, E> {
                    of_text(text).ok_or_else(|| E::custom("a date is YYYY-MM-DD"))
                }

                fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Date, A::Error> {
                    let Record { year, month, day } = Record::deserialize(MapAccessDeserializer::new(map))?;
                    Ok(Date { year, month, day })
                }
            }
            deserializer.deserialize_any(Either)
        }
    }

    fn of_text(text: &str) -> Option<Date> {
        let number = |from: usize, to: usize| text.get(from..to).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        let separated = text.len() == 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let date = Date { year: year.parse().ok()?, month: month.parse().ok()?, day: day.parse().ok()? };
        separated.then_some(date)
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
            Verdict::Unresolved(problem) => ("unresolved", None, Some(problem)),
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
