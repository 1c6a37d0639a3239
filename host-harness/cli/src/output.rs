//! What goes to standard output.

use std::io::{self, Write};

use serde::Serialize;

use crate::escape;
use crate::failure::Failure;

/// Writes a text of any number of lines, and a line's end. What would act on a terminal is escaped; a line's end within what a
/// component says is to be escaped by [`escape::line`] before it comes here.
pub fn line(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{}", escape::lines(text)).map_err(unwritable)
}

/// Writes a record as one line of JSON.
pub fn json(record: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(record).map_err(|error| Failure::Usage(format!("cannot write JSON: {error}")))?;
    writeln!(io::stdout(), "{}", escape::json(&text)).map_err(unwritable)
}

/// Standard output is gone.
pub fn unwritable(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::Unread,
        _ => Failure::Usage(format!("cannot write to standard output: {error}")),
    }
}
