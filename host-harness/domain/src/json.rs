//! The JSON forms that serde does not derive.

use std::fmt;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::date::{Date, WrittenDate};
use crate::fields::Fields;
use crate::identifiers::{AccountNumber, OrderId};

/// Returns one unit, the default quantity of a write-off.
pub fn one_in_thousandths() -> i64 {
    1000
}

/// Defines functions that deserialize a date. An error names the field, because the input is one row among many.
macro_rules! days {
    ($($name:ident $field:literal,)*) => {
        $(pub fn $name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
            existing($field, WrittenDate::deserialize(deserializer)?)
        })*
    };
}

days!(period "period", date "date", day "day", period_start "period_start", period_end "period_end",);

pub fn contract_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    Option::<WrittenDate>::deserialize(deserializer)?.map(|written| existing("contract_date", written)).transpose()
}

fn existing<E: de::Error>(field: &str, written: WrittenDate) -> Result<Date, E> {
    written.day().ok_or_else(|| E::custom(format_args!("{field}: {written} is not a day of the calendar")))
}

/// Defines functions that deserialize identifiers in a component's arguments without a check: the component checks them itself.
macro_rules! identifiers {
    ($($name:ident $type:ident,)*) => {
        $(pub fn $name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
            String::deserialize(deserializer).map($type::stored)
        })*
    };
}

identifiers!(order_id OrderId, account_number AccountNumber,);

/// Deserializes named values from pairs or from an object.
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

/// Bytes as text, or as `{"base64": "..."}` if they are not UTF-8.
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

/// A currency as its code.
pub mod currency {
    use money::Currency;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(currency: &Currency, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(currency.as_str())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
        let code = String::deserialize(deserializer)?;
        let wrong = || de::Error::custom(format_args!("the currency {code:?} is not three upper-case letters, such as RUB"));
        Currency::parse(&code).ok_or_else(wrong)
    }
}

/// Currencies as their codes.
pub mod currencies {
    use money::Currency;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Code(#[serde(with = "super::currency")] Currency);

    pub fn serialize<S: Serializer>(currencies: &[Currency], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(currencies.iter().map(|currency| Code(*currency)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Currency>, D::Error> {
        let codes = Vec::<Code>::deserialize(deserializer)?;
        Ok(codes.into_iter().map(|Code(currency)| currency).collect())
    }
}
