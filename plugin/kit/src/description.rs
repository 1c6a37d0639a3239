//! The `extra` of a provider's description.

use crate::contract::Fields;

/// Builds the `extra` that declares the callback fields whose values matter to the provider, in the payment system's spelling.
/// The host never masks digits in these fields, whatever they look like.
pub fn extra(required_callback_fields: &[&str]) -> Fields {
    vec![("required-callback-fields".to_owned(), required_callback_fields.join(","))]
}
