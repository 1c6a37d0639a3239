//! What a description says beside its fields.

use crate::contract::Fields;

/// `extra` of a description whose provider decides by some fields of a callback, in the payment system's spelling: the host never
/// masks digits in them, whatever they look like.
pub fn extra(required_callback_fields: &[&str]) -> Fields {
    vec![("required-callback-fields".to_owned(), required_callback_fields.join(","))]
}
