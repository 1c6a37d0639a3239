//! The `extra` of a provider's description.

use crate::contract::Fields;

/// Builds the `extra` that declares the callback fields whose values matter to the provider, in the payment system's spelling.
/// The host never masks digits in these fields, whatever they look like.
pub fn extra(required_callback_fields: &[&str]) -> Fields {
    vec![("required-callback-fields".to_owned(), required_callback_fields.join(","))]
}

/// Adds that the payment system gives a refund no id, so that only the sum that was paid back tells it: the host has one refund of a
/// payment under way at a time, and looks at the payment anew after each.
pub fn with_refunds_one_at_a_time(mut extra: Fields) -> Fields {
    extra.push(("refunds".to_owned(), "one-at-a-time".to_owned()));
    extra
}

/// Adds the fields that say what became of a transaction though the payment system does not sign them.
pub fn with_unsigned_fields(mut extra: Fields, unsigned: &[&str]) -> Fields {
    extra.push(("unsigned-callback-fields".to_owned(), unsigned.join(",")));
    extra
}
