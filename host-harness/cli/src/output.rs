//! What goes to standard output.

use std::io::{self, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Writes a text and a line's end.
pub fn line(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{text}").map_err(unwritable)
}

/// Writes a record as one line of JSON.
pub fn json(record: &impl Serialize) -> Result<(), Failure> {
    line(&serde_json::to_string(record).map_err(|error| Failure::Unusable(format!("cannot write JSON: {error}")))?)
}

/// Standard output is gone.
pub fn unwritable(error: io::Error) -> Failure {
    Failure::Unusable(format!("cannot write to standard output: {error}"))
}
