//! Rules for the texts of accounts, orders and decisions. The rules themselves are those of `domain`.

use domain::{Currency, is_line};

use crate::error::HostError;

pub use domain::NAME_CHARS_MAX;

/// The maximum length of a text, in characters.
pub const TEXT_CHARS_MAX: usize = 255;

/// Returns a text if it is not empty, is on one line, and has at most `chars_max` characters.
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

/// Does the same for a text that may be empty.
///
/// # Errors
/// As for [`required_text`].
pub fn optional_text(field: &str, text: String, chars_max: usize) -> Result<String, HostError> {
    if text.is_empty() { Ok(text) } else { required_text(field, text, chars_max) }
}

/// Returns a currency if ISO 4217 lists its code, also one that is no longer used.
///
/// # Errors
/// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid), with the field's name.
pub fn known_currency(field: &str, currency: Currency) -> Result<Currency, HostError> {
    let code = currency.as_str();
    match (iso_currency::Currency::from_code(code), code) {
        (Some(_), _) => Ok(currency),
        (None, "RUR") => Err(HostError::invalid(format!("{field} must not be RUR, the rouble's code until 1998; use RUB"))),
        (None, _) => {
            Err(HostError::invalid(format!("{field} must be a code of ISO 4217, such as RUB; it does not list {code}")))
        }
    }
}
