//! Strict parsing of JSON bodies: a duplicate key is refused at any depth, and an array is not accepted in place of an object.

use std::fmt;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, forward_to_deserialize_any};
use serde_json::{Map, Value};

use crate::problem::Problem;

/// The JSON body of a request or an answer.
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Json<T>, Problem> {
        let declared = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if essence != "application/json" && !(essence.starts_with("application/") && essence.ends_with("+json")) {
            let detail = "the body must be JSON, with the header Content-Type: application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|rejection| {
            let unread = || match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => Problem::new(rejection.status(), "the body is larger than this address takes"),
                status => Problem::new(status, "the body did not arrive whole; send the request again"),
            };
            Problem::late(&rejection).unwrap_or_else(unread)
        })?;
        read(&bytes).map(Json)
    }
}

/// Parses a JSON text.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let unreadable = |error: serde_json::Error| {
        // Text that is not JSON is 400; JSON that does not fit the type is 422.
        let status = if error.is_data() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
        (status, in_words_of_json(&error.to_string()))
    };
    let parsed = serde_json::from_slice(bytes).map_err(unreadable).and_then(|Unique(value)| {
        serde_path_to_error::deserialize(Strict(value)).map_err(|error| {
            let path = error.path().to_string();
            let (status, reason) = unreadable(error.into_inner());
            // The root's path is a dot.
            (status, if path == "." { reason } else { format!("{path}: {reason}") })
        })
    });
    parsed.map_err(|(status, reason)| Problem::new(status, format!("the body cannot be read: {reason}")))
}

/// Returns what serde says of a value in words of JSON, instead of the names of types of this program.
fn in_words_of_json(reason: &str) -> String {
    let Some((before, expected)) = reason.split_once(", expected ") else { return reason.to_owned() };
    let (wanted, place) = expected.split_at(expected.find(" at line ").unwrap_or(expected.len()));
    let wanted = match wanted {
        "i8" | "i16" | "i32" | "i64" => "an integer",
        "u8" | "u16" | "u32" | "u64" => "an integer from 0 on",
        "a string" | "str" | "string" => "a string",
        "a boolean" => "true or false",
        "a map" => "an object",
        "a sequence" => "an array",
        _ if wanted.starts_with("struct ") => "an object",
        _ => wanted,
    };
    format!("{before}, expected {wanted}{place}")
}

/// A value in whose objects each key occurs once.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Unique, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Unique)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        // No type here has a float: serde's own message for the type refuses it.
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Unique(value)) = items.next_element()? {
            array.push(value);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = pairs.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!("`{key}` is given twice in one object")));
            }
            let Unique(value) = pairs.next_value()?;
            object.insert(key, value);
        }
        Ok(object.into())
    }
}

/// A value that is deserialized strictly: an array, which has no field names, is not accepted for a struct.
struct Strict(Value);

impl IntoDeserializer<'_, serde_json::Error> for Strict {
    type Deserializer = Strict;

    fn into_deserializer(self) -> Strict {
        self
    }
}

impl<'de> Deserializer<'de> for Strict {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Value::Array(items) => {
                let mut items = SeqDeserializer::new(items.into_iter().map(Strict));
                let value = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(value)
            }
            Value::Object(pairs) => {
                let mut pairs = MapDeserializer::new(pairs.into_iter().map(|(key, value)| (key, Strict(value))));
                let value = visitor.visit_map(&mut pairs)?;
                pairs.end()?;
                Ok(value)
            }
            plain => plain.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        match self.0 {
            Value::Array(_) => Err(Error::invalid_type(serde::de::Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        identifier ignored_any
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        amount: Inner,
        #[serde(default)]
        list: Vec<Inner>,
        #[serde(default)]
        map: BTreeMap<String, String>,
        choice: Option<Choice>,
    }

    #[derive(Deserialize, Debug, PartialEq)]
    struct Inner {
        minor_units: i64,
        currency: String,
    }

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "kebab-case")]
    enum Choice {
        OneWay,
    }

    const AMOUNT: &str = r#""amount": {"minor_units": -5, "currency": "RUB"}"#;

    #[test]
    fn what_has_its_form_is_read() {
        let text = format!(
            r#"{{{AMOUNT}, "list": [{{"minor_units": 9223372036854775807, "currency": "R\u0042"}}], "map": {{"a": "1", "b": "2"}}, "choice": "one-way"}}"#
        );
        let outer: Outer = read(text.as_bytes()).unwrap();
        assert_eq!(outer.amount, Inner { minor_units: -5, currency: "RUB".to_owned() });
        assert_eq!((outer.list[0].minor_units, outer.map.len(), outer.choice), (i64::MAX, 2, Some(Choice::OneWay)));
        assert_eq!(read::<Outer>(format!(r#"{{{AMOUNT}, "choice": null}}"#).as_bytes()).unwrap().choice, None);
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for (text, status, words) in [
            (format!(r#"{{{AMOUNT}, {AMOUNT}}}"#), 422, "`amount` is given twice"),
            (
                r#"{"amount": {"minor_units": 1, "minor_units": 2, "currency": "RUB"}}"#.to_owned(),
                422,
                "`minor_units` is given twice",
            ),
            (format!(r#"{{{AMOUNT}, "map": {{"a": "1", "\u0061": "2"}}}}"#), 422, "`a` is given twice"),
            (format!(r#"{{{AMOUNT}, "list": [{{"x": 1, "x": 1}}]}}"#), 422, "`x` is given twice"),
            (r#"[{"minor_units": 1, "currency": "RUB"}]"#.to_owned(), 422, "invalid type: sequence"),
            (r#"{"amount": [1, "RUB"]}"#.to_owned(), 422, "amount: invalid type: sequence, expected an object"),
            (format!(r#"{{{AMOUNT}, "list": [[1, "RUB"]]}}"#), 422, "list[0]: invalid type: sequence"),
            (
                r#"{"amount": {"minor_units": "100", "currency": "RUB"}}"#.to_owned(),
                422,
                "the body cannot be read: amount.minor_units: invalid type: string \"100\", expected an integer",
            ),
            (r#"{"amount": {"minor_units": 1}}"#.to_owned(), 422, "the body cannot be read: amount: missing field `currency`"),
            (format!(r#"{{{AMOUNT}, "map": {{"a": 1}}}}"#), 422, "map.a: invalid type"),
            (format!(r#"{{{AMOUNT}, "choice": "none"}}"#), 422, "choice: unknown variant `none`"),
            (
                r#"{"amount": {"minor_units": 1.0, "currency": "RUB"}}"#.to_owned(),
                422,
                "amount.minor_units: invalid type: floating point",
            ),
            (
                r#"{"amount": {"minor_units": 9223372036854775808, "currency": "RUB"}}"#.to_owned(),
                422,
                "amount.minor_units: invalid value",
            ),
            (format!(r#"{{{AMOUNT}, "robot": 1}}"#), 422, "unknown field `robot`"),
            ("{}".to_owned(), 422, "the body cannot be read: missing field `amount`"),
            (format!("{{{AMOUNT}}} x"), 400, "trailing"),
            ("{".to_owned(), 400, "EOF"),
            (String::new(), 400, "EOF"),
            ("[".repeat(100_000), 400, "recursion limit"),
        ] {
            let problem = match read::<Outer>(text.as_bytes()) {
                Ok(outer) => panic!("{text}: {outer:?}"),
                Err(problem) => problem,
            };
            assert_eq!(problem.status.as_u16(), status, "{}", problem.detail);
            assert!(problem.detail.contains(words), "{}", problem.detail);
        }
    }
}
