//! Reads JSON.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::json::{BYTES_MAX, DEPTH_MAX, ENTRIES_MAX, JsonError, JsonErrorKind};

/// An object: its names and values in the order of the text, each name once.
#[derive(Clone, Debug)]
pub struct Object<'t> {
    path: String,
    depth: usize,
    /// The names, and the values as they are written.
    fields: Vec<(Cow<'t, str>, &'t str)>,
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
        self.fields.iter().map(|(name, value)| (&**name, self.value_of(name, value)))
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

    fn value_of(&self, name: &str, text: &'t str) -> Value<'t> {
        Value { path: self.path_of(name), depth: self.depth, text }
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
        if !self.text.starts_with('"') {
            return Err(self.error(JsonErrorKind::NotText));
        }
        unescaped(self.text).ok_or_else(|| self.error(JsonErrorKind::Syntax))
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
        let syntax = || self.error(JsonErrorKind::Syntax);
        let entries = entries(self.text).ok_or_else(syntax)?;
        if entries.len() > ENTRIES_MAX {
            return Err(self.error(JsonErrorKind::TooMany));
        }
        let fields = entries.into_iter().map(|(name, value)| Some((unescaped(name)?, value))).collect::<Option<_>>();
        let fields = fields.ok_or_else(syntax)?;
        let object = Object { path: self.path.clone(), depth: self.depth + 1, fields };
        let mut names: Vec<&str> = object.fields.iter().map(|(name, _)| &**name).collect();
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
        let items = items(self.text).ok_or_else(|| self.error(JsonErrorKind::Syntax))?;
        if items.len() > ENTRIES_MAX {
            return Err(self.error(JsonErrorKind::TooMany));
        }
        let depth = self.depth + 1;
        let value = |(at, text): (usize, &'t str)| Value { path: format!("{}[{at}]", self.path), depth, text };
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

/// Returns the names and values of a text that was checked to be an object, as they are written: one more than
/// [`ENTRIES_MAX`] at most.
fn entries(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut entries = Vec::new();
    let mut rest = inside(text)?;
    while !rest.is_empty() && entries.len() <= ENTRIES_MAX {
        let (name, after) = first_value(rest)?;
        let (value, after) = first_value(after.strip_prefix(':')?)?;
        entries.push((name, value));
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    Some(entries)
}

/// Returns the values of a text that was checked to be an array, as they are written: one more than
/// [`ENTRIES_MAX`] at most.
fn items(text: &str) -> Option<Vec<&str>> {
    let mut items = Vec::new();
    let mut rest = inside(text)?;
    while !rest.is_empty() && items.len() <= ENTRIES_MAX {
        let (item, after) = first_value(rest)?;
        items.push(item);
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    Some(items)
}

/// Returns what stands between the brackets of an object or array.
fn inside(text: &str) -> Option<&str> {
    text.get(1..text.len().checked_sub(1)?).map(str::trim)
}

/// Returns the first value of a text, and what follows it, both without white space around them.
// By `serde_json`, as a raw value alone: with its maps, arrays and texts come floats, and a third more of a component.
fn first_value(text: &str) -> Option<(&str, &str)> {
    // Most values are texts without escapes, which end at the next quote.
    if let Some(inside) = text.strip_prefix('"')
        && let Some(end) = inside.bytes().position(|byte| matches!(byte, b'"' | b'\\'))
        && inside.as_bytes().get(end) == Some(&b'"')
    {
        let (value, after) = text.split_at_checked(end + 2)?;
        return Some((value, after.trim_start()));
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let value = values.next()?.ok()?.get();
    Some((value, text.get(values.byte_offset()..)?.trim_start()))
}

/// Returns a text, which was checked to be one, without its quotes and escapes. `None`: it has an escape that is half a character.
fn unescaped(text: &str) -> Option<Cow<'_, str>> {
    let mut rest = text.strip_prefix('"')?.strip_suffix('"')?;
    if !rest.contains('\\') {
        return Some(Cow::Borrowed(rest));
    }
    let mut plain = String::with_capacity(rest.len());
    while let Some((before, escape)) = rest.split_once('\\') {
        plain.push_str(before);
        let (kind, after) = escape.split_at_checked(1)?;
        rest = after;
        plain.push(match kind {
            "b" => '\u{8}',
            "f" => '\u{c}',
            "n" => '\n',
            "r" => '\r',
            "t" => '\t',
            "u" => {
                let (first, after) = unit(after)?;
                let second = after.strip_prefix("\\u").and_then(unit);
                let (units, after) = match (first, second) {
                    (0xd800..=0xdbff, Some((second, after))) => (vec![first, second], after),
                    _ => (vec![first], after),
                };
                rest = after;
                char::decode_utf16(units).next()?.ok()?
            }
            itself => itself.chars().next()?,
        });
    }
    plain.push_str(rest);
    Some(Cow::Owned(plain))
}

/// Reads the four digits of an escape.
fn unit(text: &str) -> Option<(u16, &str)> {
    let (digits, after) = text.split_at_checked(4)?;
    Some((u16::from_str_radix(digits, 16).ok()?, after))
}
