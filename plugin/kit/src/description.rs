//! The `extra` of a provider's description.

use crate::contract::Fields;

/// Builds the `extra` that declares the callback fields whose values matter to the provider, in the payment system's spelling.
/// The host never masks digits in these fields, whatever they look like.
pub fn extra(required_callback_fields: &[&str]) -> Fields {
    vec![("required-callback-fields".to_owned(), required_callback_fields.join(","))]
}

/// The same, with those of the fields that say what became of a transaction though the payment system does not sign them.
pub fn extra_with_unsigned(required_callback_fields: &[&str], unsigned: &[&str]) -> Fields {
    let mut fields = extra(required_callback_fields);
    fields.push(("unsigned-callback-fields".to_owned(), unsigned.join(",")));
    fields
}
