//! What every text of an account, an order or a decision must be.

use crate::error::HostError;

/// How many characters a number of an account, an id or an operator's name has at most.
pub const NAME_CHARS_MAX: usize = 64;
/// The same of a text.
pub const TEXT_CHARS_MAX: usize = 255;

/// A text that is not empty, is on one line, and has at most so many characters.
///
/// # Errors
/// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid), with the field's name.
pub fn required_text(field: &str, text: String, chars_max: usize) -> Result<String, HostError> {
    let is_good = !text.trim().is_empty() && text.chars().count() <= chars_max && !text.chars().any(char::is_control);
    if is_good {
        Ok(text)
    } else {
        Err(HostError::invalid(format!("{field} must have 1 to {chars_max} characters, none of them a control character")))
    }
}

/// A text that may be empty.
///
/// # Errors
/// As [`required_text`].
pub fn optional_text(field: &str, text: String, chars_max: usize) -> Result<String, HostError> {
    if text.is_empty() { Ok(text) } else { required_text(field, text, chars_max) }
}
