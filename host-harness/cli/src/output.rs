//! Writes to standard output.

use std::io::{self, Write};

use serde::Serialize;

use crate::escape;
use crate::failure::Failure;

/// Writes a text of any number of lines, and a line end. Characters that would act on a terminal are escaped. Line ends within
/// a component's text must be escaped with [`escape::line`] before the text is passed here.
pub fn line(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{}", escape::lines(text)).map_err(unwritable)
}

/// Writes a record as one line of JSON.
pub fn json(record: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(record).map_err(|error| Failure::Usage(format!("cannot write JSON: {error}")))?;
    writeln!(io::stdout(), "{}", escape::json(&text)).map_err(unwritable)
}

/// Converts an error of writing to standard output.
pub fn unwritable(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::Unread,
        _ => Failure::Usage(format!("cannot write to standard output: {error}")),
    }
}
