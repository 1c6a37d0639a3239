//! The fields of a callback, and how they are written.

use domain::CallbackRequest;

use crate::text::{Edit, Field, Part, Syntax, fields};

/// A field, and the part of the request that it is in.
pub struct Place {
    pub part: Part,
    pub field: Field,
    pub name: String,
    /// The value as written.
    pub value: Vec<u8>,
}

pub fn places(request: &CallbackRequest) -> Vec<Place> {
    let of_part = |part: Part| {
        let text = part.of(request);
        fields(text).into_iter().map(move |field| Place {
            part,
            name: field.decoded_name(text),
            value: text.get(field.value.clone()).unwrap_or_default().to_vec(),
            field,
        })
    };
    [Part::Query, Part::Body].into_iter().flat_map(of_part).collect()
}

impl Place {
    pub fn put(&self, value: impl Into<Vec<u8>>) -> (Part, Edit) {
        (self.part, (self.field.value.clone(), value.into()))
    }

    pub fn put_literal(&self, value: &str) -> (Part, Edit) {
        (self.part, (self.field.literal.clone(), self.field.literal_of(value)))
    }

    pub fn insert(&self, at: usize, text: Vec<u8>) -> (Part, Edit) {
        (self.part, (at..at, text))
    }

    /// Formats a pair with another name and value, in the field's syntax.
    pub fn pair(&self, name: &[u8], value: &[u8]) -> Vec<u8> {
        match self.field.syntax {
            Syntax::Form => [name, b"=", value].concat(),
            Syntax::Json => {
                let quote: &[u8] = if self.field.is_quoted() { b"\"" } else { b"" };
                [b"\"", name, b"\":", quote, value, quote].concat()
            }
        }
    }

    pub fn separator(&self) -> &'static [u8] {
        match self.field.syntax {
            Syntax::Form => b"&",
            Syntax::Json => b",",
        }
    }

    pub fn name_bytes(&self) -> &[u8] {
        self.name.as_bytes()
    }
}

/// Returns another value of the same form: the last digit is incremented.
pub fn other_value(value: &[u8]) -> Vec<u8> {
    let mut other = value.to_vec();
    match other.iter_mut().rfind(|byte| byte.is_ascii_digit()) {
        Some(digit) => *digit = if *digit == b'9' { b'0' } else { *digit + 1 },
        None => other.push(b'1'),
    }
    other
}

/// Returns ten times the value, if it is a number.
pub fn larger_value(value: &[u8]) -> Vec<u8> {
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (whole, rest) = value.split_at(digits);
    if whole.is_empty() { other_value(value) } else { [whole, b"0", rest].concat() }
}

/// Returns the donor's field of the same name: of several, the one with the same ordinal.
pub fn counterpart<'d>(place: &Place, places: &[Place], donor: &'d [Place]) -> Option<&'d Place> {
    let is_alike = |other: &&Place| other.name == place.name && other.part == place.part;
    let ordinal = places.iter().filter(|other| is_alike(other)).position(|other| other.field == place.field)?;
    donor.iter().filter(is_alike).nth(ordinal)
}
