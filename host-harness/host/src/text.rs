//! What every text of an account, an order or a decision must be. The rules themselves are the domain's.

use domain::is_line;

use crate::error::HostError;

pub use domain::NAME_CHARS_MAX;

/// How many characters a text has at most.
pub const TEXT_CHARS_MAX: usize = 255;

/// A text that is not empty, is on one line, and has at most so many characters.
///
/// # Errors
/// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid), with the field's name.
pub fn required_text(field: &str, text: String, chars_max: usize) -> Result<String, HostError> {
    if is_line(&text, chars_max) {
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
