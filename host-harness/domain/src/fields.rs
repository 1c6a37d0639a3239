//! Named values.

/// Named values, in order.
pub type Fields = Vec<(String, String)>;
