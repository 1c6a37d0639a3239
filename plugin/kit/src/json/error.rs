//! What is wrong with a JSON text, and where.

use std::fmt;

use crate::contract::Problem;
use crate::json::{BYTES_MAX, DEPTH_MAX, ENTRIES_MAX};
use crate::problem::Code;
use crate::text::shown;

/// What is wrong with a JSON text, and where. It contains names of the text, and none of its values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JsonError {
    /// The place, such as `object.amount.value` or `items[2].price`; empty for the text as a whole.
    pub path: String,
    /// What is wrong there.
    pub kind: JsonErrorKind,
}

/// What can be wrong at a place of a JSON text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JsonErrorKind {
    /// It is not JSON in UTF-8, or something follows it.
    Syntax,
    /// It is longer than [`BYTES_MAX`], or than the limit that was given.
    TooLong,
    /// It is deeper than [`DEPTH_MAX`].
    TooDeep,
    /// It has more than [`ENTRIES_MAX`] names or values.
    TooMany,
    /// The object has two values of this name.
    Duplicate,
    /// The object has no value of this name.
    Missing,
    /// It is not text.
    NotText,
    /// It is neither a number nor text.
    NotNumber,
    /// It is not an integer of 64 bits that is written in digits.
    NotInteger,
    /// It is neither `true` nor `false`.
    NotFlag,
    /// It is not an object.
    NotObject,
    /// It is not an array.
    NotArray,
}

impl JsonError {
    pub(super) fn at(path: &str, kind: JsonErrorKind) -> JsonError {
        JsonError { path: path.to_owned(), kind }
    }

    /// Returns the problem with which a callback is refused: `field-conflict` for a name that is given twice, and `malformed`.
    pub fn problem(&self) -> Problem {
        let code = if self.kind == JsonErrorKind::Duplicate { Code::FieldConflict } else { Code::Malformed };
        let in_russian = if self.kind == JsonErrorKind::Duplicate {
            "Поле указано дважды."
        } else {
            "Уведомление не разобрать."
        };
        let message = [in_russian.to_owned(), self.to_string()];
        match self.path.as_str() {
            "" => code.whole(message),
            path => code.at(shown(path), message),
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.path.as_str() {
            "" => "The text".to_owned(),
            path => shown(path),
        };
        match self.kind {
            JsonErrorKind::Syntax => write!(f, "{place} is not JSON in UTF-8."),
            JsonErrorKind::TooLong => {
                write!(f, "{place} is too long; {BYTES_MAX} bytes are read unless a provider takes more.")
            }
            JsonErrorKind::TooDeep => write!(f, "{place} is deeper than {DEPTH_MAX} levels."),
            JsonErrorKind::TooMany => write!(f, "{place} has more than {ENTRIES_MAX} entries."),
            JsonErrorKind::Duplicate => write!(f, "{place} is given twice."),
            JsonErrorKind::Missing => write!(f, "{place} is missing."),
            JsonErrorKind::NotText => write!(f, "{place} is not text."),
            JsonErrorKind::NotNumber => write!(f, "{place} is neither a number nor text."),
            JsonErrorKind::NotInteger => write!(f, "{place} is not an integer."),
            JsonErrorKind::NotFlag => write!(f, "{place} is neither true nor false."),
            JsonErrorKind::NotObject => write!(f, "{place} is not an object."),
            JsonErrorKind::NotArray => write!(f, "{place} is not an array."),
        }
    }
}

impl std::error::Error for JsonError {}
