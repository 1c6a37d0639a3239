//! JSON (RFC 8259), in which money stays exact.
//!
//! A number is read as its text, so `10.50` stays `10.50` and never becomes a float. A name that an object has twice is refused,
//! since two readers could see two amounts. Only what a provider asks for is parsed: the rest is checked to be JSON and skipped.
//!
//! `serde_json` parses, by its `RawValue`. Its `arbitrary_precision` would keep the text of numbers too, but Cargo would enable it
//! for every crate of the workspace, and its `Value` lets the last of two equal names win.

mod error;
mod value;
mod write;

pub use error::{JsonError, JsonErrorKind};
pub use value::{Object, Value};
pub use write::{ArrayWriter, ObjectWriter, array, object};

/// The longest JSON that is parsed, in bytes: the longest callback that a host passes on.
pub const BYTES_MAX: usize = 65_536;
/// The most levels of objects and arrays that are opened.
pub const DEPTH_MAX: usize = 16;
/// The most names of an object, and values of an array.
pub const ENTRIES_MAX: usize = 1024;

#[cfg(test)]
mod tests;
