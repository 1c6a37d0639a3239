//! Requests as texts with fields in them: `application/x-www-form-urlencoded`, or JSON.
//!
//! A text is edited in place, byte by byte, and never parsed and serialized again: what is not changed stays as it was signed.

use std::ops::Range;

use domain::CallbackRequest;
use percent_encoding::percent_decode;

/// The part of a request that a text is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    Query,
    Body,
    /// The value of the header at this index.
    Header(usize),
}

impl Part {
    /// Returns the parts of a request that are not empty.
    pub fn all(request: &CallbackRequest) -> Vec<Part> {
        let headers = (0..request.headers.len()).map(Part::Header);
        let parts = [Part::Query, Part::Body].into_iter().chain(headers);
        parts.filter(|part| !part.of(request).is_empty()).collect()
    }

    /// Returns the bytes of this part.
    pub fn of(self, request: &CallbackRequest) -> &[u8] {
        match self {
            Part::Query => request.query.as_bytes(),
            Part::Body => &request.body,
            Part::Header(at) => request.headers.get(at).map_or(&[], |(_, value)| value.as_bytes()),
        }
    }

    /// Replaces this part of the request. Returns `None` if the part cannot hold such bytes.
    pub fn put(self, mut request: CallbackRequest, bytes: Vec<u8>) -> Option<CallbackRequest> {
        match self {
            Part::Query => request.query = String::from_utf8(bytes).ok()?,
            Part::Body => request.body = bytes,
            Part::Header(at) => request.headers.get_mut(at)?.1 = String::from_utf8(bytes).ok()?,
        }
        Some(request)
    }

    /// Returns the part's name for a finding.
    pub fn name(self, request: &CallbackRequest) -> String {
        match self {
            Part::Query => "the query".to_owned(),
            Part::Body => "the body".to_owned(),
            Part::Header(at) => format!("the header {}", request.headers.get(at).map_or("", |(name, _)| name)),
        }
    }
}

/// The syntax of a text's fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Syntax {
    Form,
    Json,
}

/// A field of a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    pub syntax: Syntax,
    /// The range to cut to remove the field, a separator included.
    pub whole: Range<usize>,
    /// The field without separators.
    pub pair: Range<usize>,
    /// The name as written, without quotes; empty for an element of a JSON list.
    pub name: Range<usize>,
    /// The value as written, with its quotes if it has any.
    pub literal: Range<usize>,
    /// The value without quotes.
    pub value: Range<usize>,
}

impl Field {
    /// Reports whether the value is in quotes.
    pub fn is_quoted(&self) -> bool {
        self.literal != self.value
    }

    /// Returns the decoded name.
    pub fn decoded_name(&self, text: &[u8]) -> String {
        let name = text.get(self.name.clone()).unwrap_or_default();
        match self.syntax {
            Syntax::Form => percent_decode(name).decode_utf8_lossy().into_owned(),
            Syntax::Json => String::from_utf8_lossy(name).into_owned(),
        }
    }

    /// Encodes a value as a literal of this field.
    pub fn literal_of(&self, value: &str) -> Vec<u8> {
        match self.syntax {
            Syntax::Form => form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>().into_bytes(),
            Syntax::Json if !self.is_quoted() && serde_json::from_str::<serde_json::Number>(value).is_ok() => value.into(),
            Syntax::Json => serde_json::Value::from(value).to_string().into_bytes(),
        }
    }
}

/// Returns the fields of a text: none if it is neither a form nor JSON.
pub fn fields(text: &[u8]) -> Vec<Field> {
    match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{' | b'[') if serde_json::from_slice::<serde_json::Value>(text).is_ok() => json_fields(text),
        Some(_) if text.contains(&b'=') => form_fields(text),
        _ => Vec::new(),
    }
}

fn form_fields(text: &[u8]) -> Vec<Field> {
    let mut start = 0;
    let mut fields = Vec::new();
    for pair in text.split(|byte| *byte == b'&') {
        let end = start + pair.len();
        let name_end = pair.iter().position(|byte| *byte == b'=').map_or(end, |at| start + at);
        let value = (name_end + 1).min(end)..end;
        let whole = if end < text.len() { start..end + 1 } else { start.saturating_sub(1)..end };
        if !pair.is_empty() {
            let name = start..name_end;
            fields.push(Field { syntax: Syntax::Form, whole, pair: start..end, name, literal: value.clone(), value });
        }
        start = end + 1;
    }
    fields
}

/// Returns the scalars of a JSON text.
fn json_fields(text: &[u8]) -> Vec<Field> {
    let byte = |at: usize| text.get(at).copied().unwrap_or(b'\0');
    let skip = |mut at: usize| {
        while byte(at).is_ascii_whitespace() {
            at += 1;
        }
        at
    };
    let mut fields = Vec::new();
    let mut name: Option<Range<usize>> = None;
    let mut at = 0;
    while at < text.len() {
        let start = at;
        let (literal, value) = match byte(at) {
            b'"' => {
                at += 1;
                while at < text.len() && byte(at) != b'"' {
                    at += if byte(at) == b'\\' { 2 } else { 1 };
                }
                at += 1;
                let value = start + 1..at - 1;
                if byte(skip(at)) == b':' {
                    name = Some(value);
                    at = skip(at) + 1;
                    continue;
                }
                (start..at, value)
            }
            b'-' | b'0'..=b'9' | b'a'..=b'z' => {
                while matches!(byte(at), b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E') {
                    at += 1;
                }
                (start..at, start..at)
            }
            punctuation => {
                if matches!(punctuation, b'{' | b'[') {
                    name = None;
                }
                at += 1;
                continue;
            }
        };
        let name = name.take().unwrap_or(start..start);
        let pair_start = if name.is_empty() { start } else { name.start - 1 };
        let after = skip(literal.end);
        let before = text.get(..pair_start).unwrap_or_default().iter().rposition(|byte| !byte.is_ascii_whitespace());
        let whole = match before {
            _ if byte(after) == b',' => pair_start..after + 1,
            Some(before) if byte(before) == b',' => before..literal.end,
            _ => pair_start..literal.end,
        };
        fields.push(Field { syntax: Syntax::Json, whole, pair: pair_start..literal.end, name, literal, value });
    }
    fields
}

/// A range of a text, and its replacement.
pub type Edit = (Range<usize>, Vec<u8>);

/// Replaces ranges of a text, which must not overlap.
pub fn edited(text: &[u8], edits: &mut [Edit]) -> Vec<u8> {
    edits.sort_by_key(|(piece, _)| (piece.start, piece.end));
    let mut result = Vec::with_capacity(text.len() + 16);
    let mut done = 0;
    for (piece, with) in edits.iter() {
        result.extend_from_slice(text.get(done..piece.start).unwrap_or_default());
        result.extend_from_slice(with);
        done = piece.end.max(done);
    }
    result.extend_from_slice(text.get(done..).unwrap_or_default());
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<(String, String, String)> {
        let fields = fields(text.as_bytes());
        let seen = fields.iter().map(|field| {
            let without = edited(text.as_bytes(), &mut [(field.whole.clone(), Vec::new())]);
            (field.decoded_name(text.as_bytes()), text[field.value.clone()].to_owned(), String::from_utf8(without).unwrap())
        });
        seen.collect()
    }

    #[test]
    fn fields_of_forms_and_of_json() {
        let owned = |list: &[(&str, &str, &str)]| {
            list.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(
            seen("a%5Fb=1&c&d=%41+x"),
            owned(&[("a_b", "1", "c&d=%41+x"), ("c", "", "a%5Fb=1&d=%41+x"), ("d", "%41+x", "a%5Fb=1&c")])
        );
        assert_eq!(
            seen(r#"{"a": "x\"y", "b": {"c": -1.5e3}, "d": [true, "z"]}"#),
            owned(&[
                ("a", "x\\\"y", r#"{ "b": {"c": -1.5e3}, "d": [true, "z"]}"#),
                ("c", "-1.5e3", r#"{"a": "x\"y", "b": {}, "d": [true, "z"]}"#),
                ("", "true", r#"{"a": "x\"y", "b": {"c": -1.5e3}, "d": [ "z"]}"#),
                ("", "z", r#"{"a": "x\"y", "b": {"c": -1.5e3}, "d": [true]}"#),
            ])
        );
        for text in ["", "plain text", "{\"a\": ", "<xml/>"] {
            assert_eq!(seen(text), [], "{text}");
        }
    }

    #[test]
    fn values_as_they_are_written() {
        let form = &fields(b"a=1")[0];
        assert_eq!(form.literal_of("x & y"), b"x+%26+y");
        let json = fields(br#"{"a": 1, "b": "1"}"#);
        assert_eq!((json[0].literal_of("2"), json[1].literal_of("2")), (b"2".to_vec(), b"\"2\"".to_vec()));
        assert_eq!(json[0].literal_of("00100.00"), b"\"00100.00\"");
    }

    #[test]
    fn edits_do_not_move_each_other() {
        let mut edits = [(5..5, b"!".to_vec()), (0..1, b"XY".to_vec()), (2..4, Vec::new())];
        assert_eq!(edited(b"abcdef", &mut edits), b"XYbe!f");
    }
}
