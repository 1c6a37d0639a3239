//! Rules for the texts of accounts, orders and decisions. The rules themselves are those of `domain`.

use domain::{Currency, is_line};

use crate::error::HostError;
use crate::error_code::ErrorCode;
use crate::invisible;

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

/// Returns the name of whoever decides, if it is 1 to [`NAME_CHARS_MAX`] characters that can all be seen, without spaces at its ends:
/// it stands in the journal of decisions, where no name may look like another's.
///
/// # Errors
/// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid), with [`ErrorCode::OperatorNameInvalid`].
pub fn operator_name(operator: String) -> Result<String, HostError> {
    if is_line(&operator, NAME_CHARS_MAX) && invisible::find(&operator).is_none() {
        return Ok(operator);
    }
    let detail = format!(
        "operator must have 1 to {NAME_CHARS_MAX} characters on one line, none of them invisible, and no space at either end"
    );
    Err(HostError::invalid(detail).with_code(ErrorCode::OperatorNameInvalid))
}

/// Does what [`required_text`] does for a text that may be empty.
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
        (_, "XXX") => Err(HostError::invalid(format!("{field} must not be XXX, which stands for no currency"))),
        (Some(_), _) => Ok(currency),
        (None, "RUR") => Err(HostError::invalid(format!("{field} must not be RUR, the rouble's code until 1998; use RUB"))),
        (None, _) => {
            Err(HostError::invalid(format!("{field} must be a code of ISO 4217, such as RUB; it does not list {code}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_an_operator_can_be_seen_whole() {
        let longest = "я".repeat(64);
        for name in ["anna", "api", "Анна Петрова", "a", &longest] {
            assert_eq!(operator_name(name.to_owned()).as_deref().ok(), Some(name));
        }
        let too_long = "я".repeat(65);
        for name in
            ["", " ", "\u{a0}", "anna ", " anna", "an\nna", "anna\0", "an\u{200b}na", "\u{202e}anna", "an\u{2028}na", &too_long]
        {
            let code = operator_name(name.to_owned()).err().and_then(|error| error.code);
            assert_eq!(code, Some(ErrorCode::OperatorNameInvalid), "{name:?}");
        }
    }
}
