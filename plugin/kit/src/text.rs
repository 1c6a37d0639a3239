//! Checks of text that a provider passes on.

use crate::contract::Problem;
use crate::problem::Code;

/// Checks that a text fits and holds no control character; it may be empty.
///
/// # Errors
/// `too-long` or `invalid` at `field`.
pub fn check(field: &str, text: &str, chars_max: usize) -> Result<(), Problem> {
    let chars = text.chars().count();
    if chars > chars_max {
        return Err(Code::TooLong.at(field, format!("It has {chars} characters; at most {chars_max} can be passed on.")));
    }
    if text.chars().any(char::is_control) {
        return Err(Code::Invalid.at(field, "It holds a control character, such as a line break; remove it."));
    }
    Ok(())
}

/// As [`check`], for a text that must be there.
///
/// # Errors
/// `missing` at `field`, or those of [`check`].
pub fn check_required(field: &str, text: &str, chars_max: usize) -> Result<(), Problem> {
    if text.is_empty() {
        return Err(Code::Missing.at(field, "It must not be empty."));
    }
    check(field, text, chars_max)
}
