//! Reads JSON.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::{BYTES_MAX, DEPTH_MAX, ENTRIES_MAX, JsonError, JsonErrorKind};

/// An object: its names and values in the order of the text, each name once.
#[derive(Clone, Debug)]
pub struct Object<'t> {
    path: String,
    depth: usize,
    fields: Vec<(String, &'t RawValue)>,
}

/// A value whose text was checked to be JSON and is not parsed yet.
#[derive(Clone, Debug)]
pub struct Value<'t> {
    path: String,
    depth: usize,
    /// Without white space around it.
    text: &'t str,
}

impl<'t> Object<'t> {
    /// Parses a text of at most [`BYTES_MAX`] that is one object. Nothing but white space may stand around it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &'t [u8]) -> Result<Object<'t>, JsonError> {
        Object::parse_within(bytes, BYTES_MAX)
    }

    /// Like [`Object::parse`], with another limit: for a payment system's report.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse_within(bytes: &'t [u8], bytes_max: usize) -> Result<Object<'t>, JsonError> {
        Value::parse_within(bytes, bytes_max)?.object()
    }

    /// Returns a value, or `None` if there is none or it is `null`.
    pub fn find(&self, name: &str) -> Option<Value<'t>> {
        let (_, value) = self.fields.iter().find(|(found, _)| found == name)?;
        Some(self.value_of(name, value)).filter(|value| !value.is_null())
    }

    /// Returns a value that must be there and not be `null`.
    ///
    /// # Errors
    /// [`JsonErrorKind::Missing`] at the name's path.
    pub fn value(&self, name: &str) -> Result<Value<'t>, JsonError> {
        self.find(name).ok_or_else(|| JsonError::at(&self.path_of(name), JsonErrorKind::Missing))
    }

    /// Returns a required text, without its escapes. It may be empty.
    ///
    /// # Errors
    /// [`JsonErrorKind::Missing`] or [`JsonErrorKind::NotText`] at the name's path.
    pub fn text(&self, name: &str) -> Result<Cow<'t, str>, JsonError> {
        self.value(name)?.text()
    }

    /// Returns a text, or `None` if there is none or it is `null`.
    ///
    /// # Errors
    /// [`JsonErrorKind::NotText`] at the name's path: a value of another type is not an absent one.
    pub fn optional(&self, name: &str) -> Result<Option<Cow<'t, str>>, JsonError> {
        self.find(name).map(|value| value.text()).transpose()
    }

    /// Returns a required number as its text, by [`Value::number_text`].
    ///
    /// # Errors
    /// [`JsonErrorKind::Missing`] or [`JsonErrorKind::NotNumber`] at the name's path.
    pub fn number_text(&self, name: &str) -> Result<Cow<'t, str>, JsonError> {
        self.value(name)?.number_text()
    }

    /// Returns a required integer.
    ///
    /// # Errors
    /// [`JsonErrorKind::Missing`] or [`JsonErrorKind::NotInteger`] at the name's path.
    pub fn integer(&self, name: &str) -> Result<i64, JsonError> {
        self.value(name)?.integer()
    }

    /// Returns a required `true` or `false`.
    ///
    /// # Errors
    /// [`JsonErrorKind::Missing`] or [`JsonErrorKind::NotFlag`] at the name's path.
    pub fn flag(&self, name: &str) -> Result<bool, JsonError> {
        self.value(name)?.flag()
    }

    /// Returns a required object.
    ///
    /// # Errors
    /// [`JsonErrorKind::Missing`] or [`JsonErrorKind::NotObject`] at the name's path, or what is wrong in it.
    pub fn object(&self, name: &str) -> Result<Object<'t>, JsonError> {
        self.value(name)?.object()
    }

    /// Returns the values of a required array.
    ///
    /// # Errors
    /// [`JsonErrorKind::Missing`] or [`JsonErrorKind::NotArray`] at the name's path, or what is wrong with it.
    pub fn array(&self, name: &str) -> Result<Vec<Value<'t>>, JsonError> {
        self.value(name)?.array()
    }

    /// Returns all names with their values, in the order of the text.
    pub fn fields(&self) -> impl Iterator<Item = (&str, Value<'t>)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), self.value_of(name, value)))
    }

    /// Returns the scalar values as text, by [`Value::scalar`], sorted by the bytes of their names. Objects, arrays and `null`
    /// are left out. T-Bank signs these values, joined.
    ///
    /// # Errors
    /// [`JsonErrorKind::Syntax`] for a text with an escape that is half a character.
    pub fn scalars(&self) -> Result<Vec<(&str, Cow<'t, str>)>, JsonError> {
        let mut scalars = Vec::new();
        for (name, value) in self.fields() {
            if let Some(text) = value.scalar()? {
                scalars.push((name, text));
            }
        }
        scalars.sort_unstable_by(|one, other| one.0.cmp(other.0));
        Ok(scalars)
    }

    fn value_of(&self, name: &str, value: &'t RawValue) -> Value<'t> {
        Value { path: self.path_of(name), depth: self.depth, text: value.get().trim() }
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { [&self.path, ".", name].concat() }
    }
}

impl<'t> Value<'t> {
    /// Parses a text of at most [`BYTES_MAX`] that is one value of any type.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &'t [u8]) -> Result<Value<'t>, JsonError> {
        Value::parse_within(bytes, BYTES_MAX)
    }

    fn parse_within(bytes: &'t [u8], bytes_max: usize) -> Result<Value<'t>, JsonError> {
        let error = |kind| JsonError::at("", kind);
        if bytes.len() > bytes_max {
            return Err(error(JsonErrorKind::TooLong));
        }
        let text = str::from_utf8(bytes).map_err(|_| error(JsonErrorKind::Syntax))?;
        let value: &RawValue = serde_json::from_str(text).map_err(|_| error(JsonErrorKind::Syntax))?;
        Ok(Value { path: String::new(), depth: 0, text: value.get().trim() })
    }

    /// Returns the value's own JSON text, for [`crate::json::ObjectWriter::copy`] or a digest.
    pub fn raw(&self) -> &'t str {
        self.text
    }

    /// Returns where the value stands in the whole text, such as `items[2].price`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Reports whether it is `null`.
    pub fn is_null(&self) -> bool {
        self.text == "null"
    }

    /// Returns the text without its escapes. It may be empty.
    ///
    /// # Errors
    /// [`JsonErrorKind::NotText`], or [`JsonErrorKind::Syntax`] for an escape that is half a character.
    pub fn text(&self) -> Result<Cow<'t, str>, JsonError> {
        let Some(inner) = self.text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
            return Err(self.error(JsonErrorKind::NotText));
        };
        if !inner.contains('\\') {
            return Ok(Cow::Borrowed(inner));
        }
        serde_json::from_str(self.text).map(Cow::Owned).map_err(|_| self.error(JsonErrorKind::Syntax))
    }

    /// Returns a number as it is written, or a text: some payment systems write amounts as one, some as the other, and some as
    /// both. Neither the number nor the text is checked to be an amount; `kit::decimal` and [`money::parse_amount`] do that.
    ///
    /// # Errors
    /// [`JsonErrorKind::NotNumber`], or [`JsonErrorKind::Syntax`] for an escape that is half a character.
    pub fn number_text(&self) -> Result<Cow<'t, str>, JsonError> {
        match self.text.as_bytes().first() {
            Some(b'-' | b'0'..=b'9') => Ok(Cow::Borrowed(self.text)),
            Some(b'"') => self.text(),
            _ => Err(self.error(JsonErrorKind::NotNumber)),
        }
    }

    /// Returns a number that is an integer. `1.0`, `1e3` and `"1"` are none.
    ///
    /// # Errors
    /// [`JsonErrorKind::NotInteger`], also if it is beyond 64 bits.
    pub fn integer(&self) -> Result<i64, JsonError> {
        self.text.parse().map_err(|_| self.error(JsonErrorKind::NotInteger))
    }

    /// Returns `true` or `false`.
    ///
    /// # Errors
    /// [`JsonErrorKind::NotFlag`]; the texts `"true"` and `"false"` are none.
    pub fn flag(&self) -> Result<bool, JsonError> {
        match self.text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.error(JsonErrorKind::NotFlag)),
        }
    }

    /// Returns a text without its escapes, a number, `true` or `false` as text, exactly as it is written; `None` for anything
    /// else.
    ///
    /// # Errors
    /// [`JsonErrorKind::Syntax`] for an escape that is half a character.
    pub fn scalar(&self) -> Result<Option<Cow<'t, str>>, JsonError> {
        match self.text.as_bytes().first() {
            Some(b't' | b'f') => Ok(Some(Cow::Borrowed(self.text))),
            Some(b'{' | b'[' | b'n') | None => Ok(None),
            Some(_) => self.number_text().map(Some),
        }
    }

    /// Parses the object.
    ///
    /// # Errors
    /// [`JsonErrorKind::NotObject`], or what is wrong with it.
    pub fn object(&self) -> Result<Object<'t>, JsonError> {
        self.check('{', JsonErrorKind::NotObject)?;
        let Entries(fields) = serde_json::from_str(self.text).map_err(|_| self.error(JsonErrorKind::Syntax))?;
        if fields.len() > ENTRIES_MAX {
            return Err(self.error(JsonErrorKind::TooMany));
        }
        let object = Object { path: self.path.clone(), depth: self.depth + 1, fields };
        let mut names: Vec<&str> = object.fields.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair.first() == pair.last()).and_then(<[&str]>::first) {
            Some(name) => Err(JsonError::at(&object.path_of(name), JsonErrorKind::Duplicate)),
            None => Ok(object),
        }
    }

    /// Parses the array.
    ///
    /// # Errors
    /// [`JsonErrorKind::NotArray`], or what is wrong with it.
    pub fn array(&self) -> Result<Vec<Value<'t>>, JsonError> {
        self.check('[', JsonErrorKind::NotArray)?;
        let Items(items) = serde_json::from_str(self.text).map_err(|_| self.error(JsonErrorKind::Syntax))?;
        if items.len() > ENTRIES_MAX {
            return Err(self.error(JsonErrorKind::TooMany));
        }
        let depth = self.depth + 1;
        let value =
            |(at, item): (usize, &'t RawValue)| Value { path: format!("{}[{at}]", self.path), depth, text: item.get().trim() };
        Ok(items.into_iter().enumerate().map(value).collect())
    }

    fn check(&self, first: char, otherwise: JsonErrorKind) -> Result<(), JsonError> {
        if !self.text.starts_with(first) {
            return Err(self.error(otherwise));
        }
        if self.depth >= DEPTH_MAX {
            return Err(self.error(JsonErrorKind::TooDeep));
        }
        Ok(())
    }

    fn error(&self, kind: JsonErrorKind) -> JsonError {
        JsonError::at(&self.path, kind)
    }
}

/// Names and values of an object, one more than [`ENTRIES_MAX`] at most.
struct Entries<'t>(Vec<(String, &'t RawValue)>);
/// Values of an array, one more than [`ENTRIES_MAX`] at most.
struct Items<'t>(Vec<&'t RawValue>);

impl<'t> Deserialize<'t> for Entries<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

impl<'t> Deserialize<'t> for Items<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ItemsVisitor)
    }
}

struct EntriesVisitor;
struct ItemsVisitor;

impl<'t> Visitor<'t> for EntriesVisitor {
    type Value = Entries<'t>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Entries<'t>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            if entries.len() <= ENTRIES_MAX {
                entries.push(entry);
            }
        }
        Ok(Entries(entries))
    }
}

impl<'t> Visitor<'t> for ItemsVisitor {
    type Value = Items<'t>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut seq: A) -> Result<Items<'t>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            if items.len() <= ENTRIES_MAX {
                items.push(item);
            }
        }
        Ok(Items(items))
    }
}
